/*
 * pyleak.c - the exported functions of pyleak.h: handles, results, the registry.
 */
#include "api/handle.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "api/help.h"
#include "api/output.h"
#include "api/version.h"
#include "base/search.h"

const char *pyleak_version(void)
{
	return PL_VERSION;
}

/* ---- handles ---- */

pyleak *pyleak_new(void)
{
	pyleak *p = pl_calloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void pyleak_free(pyleak *p)
{
	if (!p)
		return;
	pl_handle_drop(p);
	pl_run_forget_early(p);
	pl_vec_free(&p->early);
	free(p->core);
	free(p->exe);
	free(p->sysroot);
	free(p->debug_dir);
	pl_arena_fini(&p->strings);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void replace(char **at, const char *s)
{
	free(*at);
	*at = s ? pl_strdup(s) : NULL;
}

static unsigned processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

/*
 * The options as this library knows them: what an older caller does not set is zero, and what a
 * newer one sets and this library does not know must be.
 */
static bool understood(const struct pyleak_options *o, struct pyleak_options *ret)
{
	const unsigned char *bytes = (const unsigned char *)o;

	if (o->size < offsetof(struct pyleak_options, output))
		return false;
	for (size_t i = sizeof(*o); i < o->size; i++) {
		if (bytes[i])
			return false;
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, o, PL_MIN(o->size, sizeof(*ret)));
	return true;
}

int pyleak_set_options(pyleak *p, const struct pyleak_options *options)
{
	struct pyleak_options o;

	if (!understood(options, &o))
		return -1;
	pl_run_forget_early(p);
	p->threads = o.threads ? o.threads : processors();
	p->columns = o.columns;
	p->colour = o.colour != 0;
	p->output = o.output;
	if (!same(p->core, o.core) || !same(p->exe, o.exe) || !same(p->sysroot, o.sysroot) ||
	    !same(p->debug_dir, o.debug_dir) || p->max_unpacked != o.max_unpacked) {
		replace(&p->core, o.core);
		replace(&p->exe, o.exe);
		replace(&p->sysroot, o.sysroot);
		replace(&p->debug_dir, o.debug_dir);
		p->max_unpacked = o.max_unpacked;
		pl_handle_renew(p);
	}
	if (p->session)
		pl_session_ctx(p->session)->threads = p->threads;
	return 0;
}

void pyleak_cancel(pyleak *p)
{
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->stop, true);
	if (p->session)
		atomic_store(&pl_session_ctx(p->session)->cancel, true);
	pthread_mutex_unlock(&p->lock);
}

const char *pyleak_progress(pyleak *p, uint64_t *done, uint64_t *total)
{
	const char *stage = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->session) {
		struct pl_ctx *ctx = pl_session_ctx(p->session);

		stage = atomic_load(&ctx->stage);
		*done = atomic_load(&ctx->done);
		*total = atomic_load(&ctx->total);
	}
	pthread_mutex_unlock(&p->lock);
	return stage;
}

const char *pyleak_early(pyleak *p, size_t i)
{
	const char *piece;

	pthread_mutex_lock(&p->lock);
	piece = i < p->early.n ? p->early.at[i] : NULL;
	pthread_mutex_unlock(&p->lock);
	return piece;
}

/* ---- runs and results ---- */

/* The hint lists what there is. */
static int unknown_analysis(const char *name, struct pl_err *err)
{
	char names[sizeof(err->hint)] = "";
	size_t n, at = 0;
	const struct pl_analysis *const *rows = pl_analyses(&n);

	for (size_t i = 0; i < n && at < sizeof(names); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, " %s", rows[i]->name);
	pl_err_set(err, PL_E_USAGE, "no analysis is called '%s'", name);
	pl_err_hint(err, "choose from:%s", names);
	return PL_E_USAGE;
}

pyleak_result *pyleak_run(pyleak *p, int argc, const char *const *argv)
{
	pyleak_result *r = pl_calloc(1, sizeof(*r));
	const char *name = argc > 0 ? argv[0] : "";
	const struct pl_analysis *a = pl_analysis_find(name);

	if (a)
		pl_run_analysis(p, a, argc, argv, r);
	else
		r->status = pl_err_exit_status(unknown_analysis(name, &r->err));
	return r;
}

int pyleak_result_status(const pyleak_result *r)
{
	return r->status;
}

const char *pyleak_result_output(const pyleak_result *r, size_t *len)
{
	if (len)
		*len = r->output_len;
	return r->output ? r->output : "";
}

const char *pyleak_result_output_file(const pyleak_result *r)
{
	return r->output_file;
}

const char *pyleak_result_picture(const pyleak_result *r)
{
	return r->picture;
}

const char *pyleak_result_error(const pyleak_result *r)
{
	return r->err.code ? r->err.text : NULL;
}

const char *pyleak_result_hint(const pyleak_result *r)
{
	return r->err.code && r->err.hint[0] ? r->err.hint : NULL;
}

const char *pyleak_result_note(const pyleak_result *r, size_t i)
{
	return i < r->notes.n ? r->notes.at[i] : NULL;
}

void pyleak_result_free(pyleak_result *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->notes.n; i++)
		free(r->notes.at[i]);
	pl_vec_free(&r->notes);
	free(r->output);
	free(r->output_file);
	free(r);
}

int pyleak_save(const char *path, const char *data, size_t len)
{
	const atomic_bool never = false;
	struct pl_output o;
	struct pl_err err;
	int code;

	if (!pl_output_open(&o, path, 0, &never))
		return -1;
	fwrite(data, 1, len, o.stream);
	code = pl_output_end(&o, &err);
	errno = o.failed;
	return code ? -1 : 0;
}

/* ---- the registry ---- */

const char *pyleak_analysis(size_t i)
{
	size_t n;
	const struct pl_analysis *const *rows = pl_analyses(&n);

	return i < n ? rows[i]->name : NULL;
}

const char *pyleak_analysis_summary(const char *name)
{
	const struct pl_analysis *a = pl_analysis_find(name);

	return a ? a->summary : NULL;
}

const char *pyleak_analysis_help(const char *name, const char *door)
{
	const struct pl_analysis *a = pl_analysis_find(name);

	return a ? pl_help_text(a, door) : NULL;
}

const char *pyleak_analysis_arguments(const char *name)
{
	const struct pl_analysis *a = pl_analysis_find(name);

	return a ? a->arguments : NULL;
}

const char *pyleak_analysis_option(const char *name, size_t i, const char **values)
{
	const struct pl_analysis *a = pl_analysis_find(name);
	const struct pl_option *o = NULL;
	const char *typed = a ? pl_help_option(a, i, &o) : NULL;

	if (typed && values)
		*values = !o->metavar ? NULL : o->values ? o->values : "";
	return typed;
}

/* ---- completion ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All type names, each once; a builtin also without its module, as users may type it. */
static void make_type_names(pyleak *p, const struct pl_objects *o)
{
	size_t n = pl_types_count(o->types), at = 0, kept = 0;
	const char **names = pl_calloc(2 * n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++) {
		const struct pl_type *t = pl_types_at(o->types, (uint32_t)i);
		size_t module = strlen(t->module);

		if (!t->name_known)
			continue;
		names[at++] = pl_arena_strndup(&p->strings, t->name, strlen(t->name));
		if ((!strcmp(t->module, "builtins") || !strcmp(t->module, "__builtin__")) &&
		    strlen(t->name) > module + 1) {
			names[at] = names[at - 1] + module + 1;
			at++;
		}
	}
	qsort(names, at, sizeof(*names), compare_names);
	for (size_t i = 0; i < at; i++) {
		if (!kept || strcmp(names[i], names[kept - 1]) != 0)
			names[kept++] = names[i];
	}
	p->type_names = names;
	p->n_type_names = kept;
}

/* type_names, from a core that is read for it if now; false when it is not, or cannot be. */
static bool know_types(pyleak *p, bool now)
{
	struct pl_objects *o = pl_session_have_objects(p->session);

	if ((!o && !now) || !pl_mem_begin())
		return false;
	if (!o) {
		pl_session_renew(p->session);
		if (pl_session_objects(p->session, &o, NULL) != 0)
			o = NULL;
		pl_ctx_stage(pl_session_ctx(p->session), NULL, 0);
	}
	if (o)
		make_type_names(p, o);
	if (pl_mem_short())
		pl_handle_renew(p); /* the names go with it */
	pl_mem_end();
	return p->type_names != NULL;
}

const char *pyleak_complete_type(pyleak *p, const char *prefix, size_t i, int now)
{
	size_t first, len = strlen(prefix);

	if (!p->session)
		return NULL;
	if (!p->type_names && !know_types(p, now))
		return NULL;
	first = PL_LOWER_BOUND(p->n_type_names, k, strcmp(p->type_names[k], prefix) < 0);
	if (i >= p->n_type_names - first || strncmp(p->type_names[first + i], prefix, len) != 0)
		return NULL;
	return p->type_names[first + i];
}
