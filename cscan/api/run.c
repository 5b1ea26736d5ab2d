/*
 * run.c - one run: words in, a printed result out.
 */
#include "api/handle.h"

#include <stdio.h>
#include <strings.h>

#include "api/help.h"
#include "api/options.h"
#include "report/report.h"

#define MAX_FLAVOURS 4
#define COMMAND_MAX 96 /* the kernel keeps 80 bytes of it */

static size_t flavours(unsigned bits, const char **ret)
{
	size_t n = 0;

	ret[n++] = bits & PL_PYDEBUG ? "debug" : "release";
	if (bits & PL_TRACE_REFS)
		ret[n++] = "trace-refs";
	if (bits & PL_FREE_THREADED)
		ret[n++] = "free-threaded";
	return n;
}

/* What is known of the core so far, for the head of the report. */
static void fill_head(struct pl_report *rep, const struct pl_session *s, const char **flavour_names)
{
	struct pl_image *im = pl_session_have_image(s);
	const struct pl_layout *l = pl_session_have_layout(s);
	const struct pl_objects *o = pl_session_have_objects(s);

	if (im) {
		const struct pl_core_info *info = pl_image_info(im);

		rep->core.known = true;
		rep->core.path = info->path;
		rep->core.command = info->command;
		rep->core.pid = info->pid;
		rep->core.signal = info->signal;
		rep->core.truncated = info->truncated;
		rep->core.missing_bytes = info->missing_bytes;
	}
	if (l) {
		rep->python.known = true;
		rep->python.version = l->version;
		rep->python.hexversion = l->hexversion;
		rep->python.flavours = flavour_names;
		rep->python.n_flavours = flavours(l->flavour, flavour_names);
		rep->python.layout = pl_source_name(l->best);
	}
	if (o) {
		rep->objects.known = true;
		rep->objects.n = o->n;
		rep->objects.size = o->total_size;
	}
}

/* "python3 ..." in text[COMMAND_MAX]. */
static const char *without_arguments(const char *command, char *text)
{
	size_t n = strcspn(command, " ");

	snprintf(text, COMMAND_MAX, "%.*s%s", (int)PL_MIN(n, COMMAND_MAX - 5), command,
		 command[n] ? " ..." : "");
	return text;
}

/* Print the result into r->output; PL_E_CANCELLED, PL_E_NOMEM. */
static int print(struct pyleak *p, const struct pl_analysis *a, const struct pl_request *q,
		 const struct pl_result *result, struct pyleak_result *r)
{
	struct pl_ctx *ctx = pl_session_ctx(p->session);
	const char *flavour_names[MAX_FLAVOURS];
	char command[COMMAND_MAX];
	struct pl_report rep = {
		.analysis = a->name,
		.result = result,
		.notes = ctx->notes,
		.n_notes = ctx->n_notes,
		.partial = ctx->partial,
		.ctx = ctx,
	};
	struct pl_text_style style = {.columns = p->columns, .colour = p->colour && !q->output};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool done = false, full;

	if (!out)
		return pl_err_set(&r->err, PL_E_NOMEM, "no memory for the printed result");
	pl_ctx_stage(ctx, "writing", 0);
	fill_head(&rep, p->session, flavour_names);
	if (result->redacted && rep.core.known)
		rep.core.command = without_arguments(rep.core.command, command);
	switch (q->format) {
	case PL_FORMAT_TEXT:
		done = result->text ? fputs(result->text, out) >= 0
				    : pl_report_text(out, &rep, &style);
		break;
	case PL_FORMAT_JSON:
		done = pl_report_json(out, &rep);
		break;
	case PL_FORMAT_CSV:
		done = pl_report_csv(out, &rep);
		break;
	}
	full = ferror(out) != 0;
	full |= fclose(out) != 0;
	if (done && !full) {
		r->output = text;
		r->output_len = len;
		return 0;
	}
	free(text);
	if (!done)
		return pl_ctx_cancel_err(&r->err);
	return pl_err_set(&r->err, PL_E_NOMEM, "no memory for the printed result");
}

/* What --output's name says the printed DOT is to become, or NULL. */
static const char *picture(const char *output)
{
	static const char *const kinds[] = {"svg", "png"};
	const char *dot = output ? strrchr(output, '.') : NULL;

	for (size_t i = 0; dot && i < PL_ARRAY_LEN(kinds); i++) {
		if (!strcasecmp(dot + 1, kinds[i]))
			return kinds[i];
	}
	return NULL;
}

static void copy_notes(const struct pl_ctx *ctx, struct pyleak_result *r)
{
	static const char *const levels[] = {
		[PL_INFO] = "note",
		[PL_WARNING] = "warning",
		[PL_ERROR_LEVEL] = "error",
	};

	for (size_t i = 0; i < ctx->n_notes; i++)
		pl_vec_push(&r->notes,
			    pl_asprintf("%s: %s", levels[ctx->notes[i].level], ctx->notes[i].text));
}

static void run_session(struct pyleak *p, const struct pl_analysis *a, const struct pl_request *q,
			struct pyleak_result *r)
{
	struct pl_ctx *ctx = pl_session_ctx(p->session);
	struct pl_result result = {0};
	int code;

	pl_session_renew(p->session);
	pl_ctx_stage(ctx, "starting", 0);
	code = a->run(p->session, &q->args, &result, &r->err);
	if (!code && !a->own_rows && result.tables.n)
		code = pl_args_apply(&q->args, result.tables.at[0], &r->err);
	if (!code)
		code = print(p, a, q, &result, r);
	if (result.text && q->format == PL_FORMAT_TEXT)
		r->picture = picture(q->output);
	copy_notes(ctx, r);
	r->status = pl_err_exit_status(code);
	if (!code && result.finding)
		r->status = 1;
	else if (!code && ctx->partial)
		r->status = 4;
	pl_result_fini(&result);
	pl_ctx_stage(ctx, NULL, 0);
}

void pl_run_analysis(struct pyleak *p, const struct pl_analysis *a, int argc,
		     const char *const *argv, struct pyleak_result *r)
{
	struct pl_request q;
	int code = pl_request_parse(a, argc, argv, &q, &r->err);

	if (code) {
		r->status = pl_err_exit_status(code);
		return;
	}
	if (q.help) {
		r->output = pl_strdup(pl_help_text(a, "pyleak"));
		r->output_len = strlen(r->output);
	} else if (!p->session) {
		code = pl_err_set(&r->err, PL_E_USAGE, "no core is given");
		r->status = pl_err_exit_status(code);
	} else {
		if (q.output)
			r->output_file = pl_strdup(q.output);
		run_session(p, a, &q, r);
	}
	pl_request_fini(&q);
}
