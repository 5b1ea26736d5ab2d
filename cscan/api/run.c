/*
 * run.c - one run: words in, a printed result out.
 */
#include "api/handle.h"

#include <stdio.h>
#include <strings.h>

#include "api/help.h"
#include "api/options.h"
#include "api/output.h"
#include "report/report.h"
#include "report/sink.h"

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

/* The output of a run as it grows: text section by section, JSON and CSV row by row. */
struct printing {
	struct pyleak *p;
	const struct pl_analysis *a;
	const struct pl_request *q;
	const struct pl_result *result;
	struct pl_output out;
	struct pl_report rep; /* what it says is made true by look() */
	const char *flavours[MAX_FLAVOURS];
	char command[COMMAND_MAX];
	struct pl_document document; /* of JSON and CSV */
};

/* What is known by now, and what was said. */
static void look(void *arg)
{
	struct printing *pr = arg;
	const struct pl_ctx *ctx = pl_session_ctx(pr->p->session);
	struct pl_report *rep = &pr->rep;

	rep->notes = ctx->notes;
	rep->n_notes = ctx->n_notes;
	rep->partial = ctx->partial;
	fill_head(rep, pr->p->session, pr->flavours);
	if (pr->result->redacted && rep->core.known)
		rep->core.command = without_arguments(rep->core.command, pr->command);
	/* The first section comes before the objects are counted, whatever an earlier run knows. */
	if (pr->result->section)
		rep->objects.known = false;
}

/* Where the result goes: the text of a picture to be waits in memory for who draws it. */
static int open_output(struct printing *pr, struct pl_result *result, struct pl_err *err)
{
	const struct pl_request *q = pr->q;
	int fd = pr->p->output;
	const char *file = fd && q->output && strcmp(q->output, "-") != 0 ? q->output : NULL;

	if (!pl_output_open(&pr->out, file, fd, &pr->p->stop))
		return pl_err_set(err, PL_E_NOMEM, "no memory for the printed result");
	pr->result = result;
	pr->rep = (struct pl_report){
		.analysis = pr->a->name,
		.result = result,
		.ctx = pl_session_ctx(pr->p->session),
	};
	if (q->format == PL_FORMAT_TEXT)
		return 0;
	pl_document_init(&pr->document,
			 q->format == PL_FORMAT_JSON ? &pl_json_document : &pl_csv_document,
			 pr->out.stream, &pr->rep);
	pr->document.look = look;
	pr->document.arg = pr;
	result->sink = &pr->document.sink;
	return 0;
}

/* Print as text what the result holds, of sections the one at hand; false when cancelled. */
static bool print_text(struct printing *pr)
{
	struct pl_text_style style = {
		.columns = pr->p->columns,
		.colour = pr->p->colour && !pr->q->output,
	};

	look(pr);
	if (pr->result->text)
		return fputs(pr->result->text, pr->out.stream) >= 0;
	return pl_report_text(pr->out.stream, &pr->rep, &style);
}

/*
 * A section is complete: the doors may show it. That the rest is cancelled, as by a budget that is
 * used up, takes nothing away from it.
 */
static void print_section(void *arg, const struct pl_result *result)
{
	struct printing *pr = arg;
	size_t before = pr->out.len;
	bool printed;

	(void)result;
	pr->rep.ctx = NULL;
	printed = print_text(pr);
	pr->rep.ctx = pl_session_ctx(pr->p->session);
	if (!printed || fflush(pr->out.stream) != 0)
		return; /* no memory, or not to be written: the end of the run meets it, too */
	pr->rep.continued = true;
	if (pr->q->output || pr->p->output)
		return;
	pthread_mutex_lock(&pr->p->lock);
	pl_vec_push(&pr->p->early, pl_strdup(pr->out.text + before));
	pthread_mutex_unlock(&pr->p->lock);
}

void pl_run_forget_early(struct pyleak *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->early.n)
		free(p->early.at[--p->early.n]);
	pthread_mutex_unlock(&p->lock);
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

/* Print the rest, and bring it where it belongs; PL_E_CANCELLED, PL_E_NOMEM, PL_E_IO. */
static int finish(struct printing *pr, struct pyleak_result *r)
{
	const struct pl_request *q = pr->q;
	bool done;
	int code;

	pl_ctx_stage(pl_session_ctx(pr->p->session), "writing", 0);
	if (pr->result->text && q->format == PL_FORMAT_TEXT)
		r->picture = picture(q->output);
	if (r->picture && pr->p->output) {
		r->output = pl_strdup(pr->result->text);
		r->output_len = strlen(r->output);
		r->output_file = pl_strdup(q->output);
		return 0;
	}
	done = q->format == PL_FORMAT_TEXT ? print_text(pr) : pl_document_end(&pr->document);
	if (!done && !ferror(pr->out.stream))
		return pl_ctx_cancel_err(&r->err);
	code = pl_output_end(&pr->out, &r->err);
	if (code)
		return code;
	r->output = pr->out.text;
	r->output_len = pr->out.len;
	pr->out.text = NULL;
	if (q->output && !pr->p->output)
		r->output_file = pl_strdup(q->output);
	return 0;
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
	int code = open_output(pr, result, &r->err);

	if (code)
		return code;
	if (pr->q->format == PL_FORMAT_TEXT) {
		result->print_section = print_section;
		result->print_arg = pr;
	}
	code = pr->a->run(pr->p->session, &pr->q->args, result, &r->err);
	if (!code && !pr->a->own_rows && result->tables.n)
		code = pl_args_apply(&pr->q->args, result->tables.at[0], &r->err);
	if (!code)
		code = finish(pr, r);
	return code;
}

/* What the run ends with: what was made while memory was short, or was not written, is no answer.
 */
static int verdict(const struct printing *pr, int code, struct pl_err *err)
{
	if (pl_mem_short() && code != PL_E_NOMEM)
		return pl_ctx_cancel_err(err);
	if (code == PL_E_CANCELLED && pr->out.failed)
		return pl_output_blame(&pr->out, err);
	return code;
}

static void run_session(struct pyleak *p, const struct pl_analysis *a, const struct pl_request *q,
			struct pyleak_result *r)
{
	struct pl_ctx *ctx = pl_session_ctx(p->session);
	struct printing pr = {.p = p, .a = a, .q = q, .out.fd = -1};
	struct pl_result result = {0};
	int code;

	pl_session_renew(p->session);
	atomic_store(&p->stop, false);
	pl_ctx_stage(ctx, "starting", 0);
	code = verdict(&pr, analyse(&pr, &result, r), &r->err);
	pl_output_drop(&pr.out);
	pl_document_fini(&pr.document);
	copy_notes(ctx, r);
	r->status = pl_err_exit_status(code);
	if (!code && result.finding)
		r->status = 1;
	else if (!code && ctx->partial)
		r->status = 4;
	pl_result_fini(&result);
	pl_ctx_stage(ctx, NULL, 0);
	/* What was built lacks what there was no memory for, and keeps what others may need. */
	if (code == PL_E_NOMEM) {
		free(r->output);
		r->output = NULL;
		r->output_len = 0;
		pl_handle_renew(p);
	}
}

static void run_request(struct pyleak *p, const struct pl_analysis *a, int argc,
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
		run_session(p, a, &q, r);
	}
	pl_request_fini(&q);
}

void pl_run_analysis(struct pyleak *p, const struct pl_analysis *a, int argc,
		     const char *const *argv, struct pyleak_result *r)
{
	if (!pl_mem_begin()) {
		r->status = pl_err_exit_status(
			pl_err_set(&r->err, PL_E_NOMEM, "there is no memory to begin with"));
		return;
	}
	run_request(p, a, argc, argv, r);
	pl_mem_end();
}
