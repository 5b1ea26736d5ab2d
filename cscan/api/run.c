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

/* ---- printing ---- */

/* The output of a run as it grows: text is printed section by section, all else at once. */
struct printing {
	struct pyleak *p;
	const struct pl_analysis *a;
	const struct pl_request *q;
	FILE *out; /* to text and len */
	char *text;
	size_t len;
	bool continued; /* a section is printed */
};

/*
 * Print what the result holds, of sections the one at hand. False: cancelled by asked, where
 * NULL is nobody.
 */
static bool print(struct printing *pr, const struct pl_result *result, struct pl_ctx *asked)
{
	struct pyleak *p = pr->p;
	struct pl_ctx *ctx = pl_session_ctx(p->session);
	const char *flavour_names[MAX_FLAVOURS];
	char command[COMMAND_MAX];
	struct pl_report rep = {
		.analysis = pr->a->name,
		.result = result,
		.notes = ctx->notes,
		.n_notes = ctx->n_notes,
		.partial = ctx->partial,
		.ctx = asked,
		.continued = pr->continued,
	};
	struct pl_text_style style = {.columns = p->columns, .colour = p->colour && !pr->q->output};

	fill_head(&rep, p->session, flavour_names);
	if (result->redacted && rep.core.known)
		rep.core.command = without_arguments(rep.core.command, command);
	/* The first section comes before the objects are counted, whatever an earlier run knows. */
	if (result->section)
		rep.objects.known = false;
	switch (pr->q->format) {
	case PL_FORMAT_TEXT:
		return result->text ? fputs(result->text, pr->out) >= 0
				    : pl_report_text(pr->out, &rep, &style);
	case PL_FORMAT_JSON:
		return pl_report_json(pr->out, &rep);
	case PL_FORMAT_CSV:
		return pl_report_csv(pr->out, &rep);
	}
	return false;
}

/*
 * A section is complete: the doors may show it. That the rest is cancelled, as by a budget that is
 * used up, takes nothing away from it.
 */
static void print_section(void *arg, const struct pl_result *result)
{
	struct printing *pr = arg;
	size_t before = pr->len;

	if (!print(pr, result, NULL) || fflush(pr->out) != 0)
		return; /* no memory: the end of the run meets it, too */
	pr->continued = true;
	if (pr->q->output)
		return;
	pthread_mutex_lock(&pr->p->lock);
	pl_vec_push(&pr->p->early, pl_strdup(pr->text + before));
	pthread_mutex_unlock(&pr->p->lock);
}

void pl_run_forget_early(struct pyleak *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->early.n)
		free(p->early.at[--p->early.n]);
	pthread_mutex_unlock(&p->lock);
}

/* Print the rest into r->output; PL_E_CANCELLED, PL_E_NOMEM. */
static int finish(struct printing *pr, const struct pl_result *result, struct pyleak_result *r)
{
	bool done, full;

	pl_ctx_stage(pl_session_ctx(pr->p->session), "writing", 0);
	done = print(pr, result, pl_session_ctx(pr->p->session));
	full = ferror(pr->out) != 0;
	full |= fclose(pr->out) != 0;
	pr->out = NULL;
	if (!done)
		return pl_ctx_cancel_err(&r->err);
	if (full)
		return pl_err_set(&r->err, PL_E_NOMEM, "no memory for the printed result");
	r->output = pr->text;
	r->output_len = pr->len;
	pr->text = NULL;
	return 0;
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

static int analyse(struct printing *pr, struct pl_result *result, struct pyleak_result *r)
{
	int code;

	pr->out = open_memstream(&pr->text, &pr->len);
	if (!pr->out)
		return pl_err_set(&r->err, PL_E_NOMEM, "no memory for the printed result");
	if (pr->q->format == PL_FORMAT_TEXT) {
		result->print_section = print_section;
		result->print_arg = pr;
	}
	code = pr->a->run(pr->p->session, &pr->q->args, result, &r->err);
	if (!code && !pr->a->own_rows && result->tables.n)
		code = pl_args_apply(&pr->q->args, result->tables.at[0], &r->err);
	if (!code)
		code = finish(pr, result, r);
	if (pr->out)
		fclose(pr->out);
	free(pr->text);
	return code;
}

static void run_session(struct pyleak *p, const struct pl_analysis *a, const struct pl_request *q,
			struct pyleak_result *r)
{
	struct pl_ctx *ctx = pl_session_ctx(p->session);
	struct printing pr = {.p = p, .a = a, .q = q};
	struct pl_result result = {0};
	int code;

	pl_session_renew(p->session);
	pl_ctx_stage(ctx, "starting", 0);
	code = analyse(&pr, &result, r);
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

	pl_run_forget_early(p);
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
