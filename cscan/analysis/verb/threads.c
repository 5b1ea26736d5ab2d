/*
 * threads.c - `threads`: every thread's Python stack, what it raises or handles, and what waits.
 */
#include "analysis/analysis.h"

#include <signal.h>
#include <stdio.h>

#include "analysis/stacks/nativestack.h"
#include "analysis/stacks/stacks.h"
#include "base/utf8.h"
#include "object/value/value.h"
#include "object/repr/repr.h"

enum { MAX_TEXT = 512 };

static const struct pl_column thread_columns[] = {
	{.name = "thread", .align = PL_RIGHT},
	{.name = "state", .align = PL_LEFT, .shrink = true},
	{.name = "frames", .align = PL_RIGHT},
	{.name = "tstate", .align = PL_RIGHT},
	{.name = "interpreter", .align = PL_RIGHT, .optional = true},
};
static const struct pl_column end_columns[] = {
	{.name = "thread", .align = PL_RIGHT},
	{.name = "calls", .align = PL_RIGHT},
	{.name = "end", .align = PL_LEFT},
};
static const struct pl_column frame_columns[] = {
	{.name = "thread", .align = PL_RIGHT},
	{.name = "depth", .align = PL_RIGHT},
	{.name = "function", .align = PL_LEFT, .shrink = true},
	{.name = "file", .align = PL_LEFT, .shrink = true},
	{.name = "line", .align = PL_RIGHT},
	{.name = "tstate", .align = PL_RIGHT, .optional = true},
};
static const struct pl_column local_columns[] = {
	{.name = "thread", .align = PL_RIGHT},
	{.name = "depth", .align = PL_RIGHT},
	{.name = "name", .align = PL_LEFT},
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "repr", .align = PL_LEFT, .shrink = true},
	{.name = "tstate", .align = PL_RIGHT, .optional = true},
};
static const struct pl_column state_columns[] = {
	{.name = "key", .align = PL_LEFT},
	{.name = "value", .align = PL_LEFT},
};
static const struct pl_option options[] = {
	{"locals", NULL, NULL, "also the local variables of each frame"},
	{"native", NULL, NULL, "also the native calls of each thread, merged with Python's"},
	{.name = NULL},
};

struct job {
	const struct pl_objects *o;
	struct pl_view v;
	const struct pl_args *args;
	struct pl_result *ret;
	struct pl_pythread *threads;
	size_t n;
	struct pl_table *frames, *locals; /* locals: NULL when not asked for */
};

static struct pl_cell lwp_cell(const struct pl_pythread *t)
{
	return t->lwp ? pl_cell_number(t->lwp) : pl_cell_unknown();
}

static void add_word(char *text, size_t cap, const char *word)
{
	size_t n = strlen(text);

	snprintf(text + n, cap - n, "%s%s", n ? ", " : "", word);
}

static void add_death(const struct pl_image *im, uint32_t lwp, char *text, size_t cap)
{
	int sig = pl_image_info(im)->signal;
	const struct pl_thread *threads;
	const char *name = sigabbrev_np(sig);
	char word[64];
	size_t n;

	threads = pl_image_threads(im, &n);
	if (!n || !sig || threads[0].lwp != lwp)
		return;
	if (name)
		snprintf(word, sizeof(word), "died of SIG%s", name);
	else
		snprintf(word, sizeof(word), "died of signal %d", sig);
	add_word(text, cap, word);
}

static struct pl_cell state_cell(const struct job *j, struct pl_table *table,
				 const struct pl_pythread *t)
{
	char text[160] = "";

	if (t->lwp)
		add_death(j->o->im, t->lwp, text, sizeof(text));
	else
		add_word(text, sizeof(text), "not in the core");
	if (t->holds_gil)
		add_word(text, sizeof(text), "holds the GIL");
	if (t->holds_gil && j->o->collecting)
		add_word(text, sizeof(text), "collects garbage");
	if (t->cut)
		add_word(text, sizeof(text), "stack cut short");
	return *text ? pl_cell_text(table, text) : pl_cell_absent();
}

/* Threads of the kernel's that Python knows nothing of. */
static void put_native(const struct job *j, struct pl_table *table)
{
	const struct pl_thread *native;
	size_t n;

	native = pl_image_threads(j->o->im, &n);
	for (size_t i = 0; i < n; i++) {
		char text[96] = "";
		struct pl_cell *row;
		size_t k = 0;

		while (k < j->n && j->threads[k].lwp != native[i].lwp)
			k++;
		if (k < j->n)
			continue;
		add_word(text, sizeof(text), "no Python");
		add_death(j->o->im, native[i].lwp, text, sizeof(text));
		row = pl_table_row(table);
		row[0] = pl_cell_number(native[i].lwp);
		row[1] = pl_cell_text(table, text);
		row[2] = pl_cell_count(0);
	}
}

static struct pl_table *put_threads(const struct job *j)
{
	struct pl_table *table =
		pl_result_table(j->ret, "threads", thread_columns, PL_ARRAY_LEN(thread_columns));

	for (size_t i = 0; i < j->n; i++) {
		const struct pl_pythread *t = &j->threads[i];
		struct pl_cell *row = pl_table_row(table);

		row[0] = lwp_cell(t);
		row[1] = state_cell(j, table, t);
		row[2] = pl_cell_count(t->n_frames);
		row[3] = pl_cell_addr(t->tstate);
		for (size_t k = 0; j->o->n_interps > 1 && k < j->o->n_interps; k++) {
			if (j->o->interps[k].addr == t->interp)
				row[4] = pl_cell_int(j->o->interps[k].id);
		}
	}
	put_native(j, table);
	return table;
}

static void put_local(struct job *j, const struct pl_pythread *t, uint64_t depth, pl_addr name,
		      pl_addr value)
{
	char raw[MAX_TEXT], text[MAX_TEXT] = "?";
	const char *type = NULL;
	struct pl_cell *row;
	uint64_t addr = 0;
	int32_t index = -1;
	size_t n;

	if (pl_read64(&j->v, value + (uint64_t)j->o->l->f.object_type, &addr))
		index = pl_types_find(j->o->types, &j->v, addr);
	if (index >= 0)
		type = pl_types_at(j->o->types, (uint32_t)index)->name;
	if (j->args->match && (!type || !pl_args_match(j->args, type)))
		return;
	if (name && pl_str_read(j->o->l, &j->v, name, raw, sizeof(raw), &n, NULL))
		pl_utf8_escape(text, sizeof(text), raw, n);
	row = pl_table_row(j->locals);
	row[0] = lwp_cell(t);
	row[1] = pl_cell_count(depth);
	row[2] = pl_cell_text(j->locals, text);
	row[3] = pl_cell_addr(value);
	row[4] = type ? pl_cell_text(j->locals, type) : pl_cell_unknown();
	pl_repr(j->o, &j->v, value, NULL, text, sizeof(text));
	row[5] = pl_cell_text(j->locals, text);
	if (!t->lwp)
		row[6] = pl_cell_addr(t->tstate);
}

/* 2.7 leaves an argument in its slot when it also lives in a cell: the cell, which comes later,
 * counts. */
static bool comes_again(struct job *j, const struct pl_pyframe *f, uint32_t i, pl_addr name)
{
	if (j->o->l->line_style != PL_LINES_LNOTAB27)
		return false;
	for (uint32_t k = i + 1; k < f->n_locals; k++) {
		if (pl_code_local_name(j->o->l, &j->v, f->code, k) == name)
			return true;
	}
	return false;
}

static void put_locals(struct job *j, const struct pl_pythread *t, uint64_t depth)
{
	const struct pl_pyframe *f = &t->frames[depth];
	struct pl_dict_iter it;
	pl_addr name, value;

	/* A class body or exec() keeps names in a dict; a module's are its globals. */
	if (f->namespace && f->namespace != f->globals &&
	    pl_dict_begin(j->o->l, &j->v, f->namespace, &it)) {
		while (pl_dict_next(&it, &name, &value, NULL))
			put_local(j, t, depth, name, value);
	}
	for (uint32_t i = 0; i < f->n_locals; i++) {
		value = pl_pyframe_local(j->o, &j->v, f, i);
		name = pl_code_local_name(j->o->l, &j->v, f->code, i);
		if (value && !comes_again(j, f, i, name))
			put_local(j, t, depth, name, value);
	}
}

static void put_frames(struct job *j, const struct pl_pythread *t)
{
	for (size_t depth = 0; depth < t->n_frames; depth++) {
		const struct pl_pyframe *f = &t->frames[depth];
		struct pl_cell *row = pl_table_row(j->frames);
		char function[MAX_TEXT], file[MAX_TEXT];

		pl_code_names(j->o->l, &j->v, f->code, function, sizeof(function), file,
			      sizeof(file));
		row[0] = lwp_cell(t);
		row[1] = pl_cell_count(depth);
		row[2] = pl_cell_text(j->frames, function);
		row[3] = pl_cell_text(j->frames, file);
		if (f->line > 0)
			row[4] = pl_cell_number((uint64_t)f->line);
		if (!t->lwp)
			row[5] = pl_cell_addr(t->tstate);
	}
}

/* The frames, and the locals, of the threads that have a row: in their order. */
static int put_stacks(struct job *j, const struct pl_table *threads, struct pl_ctx *ctx,
		      struct pl_err *err)
{
	j->frames = pl_result_table(j->ret, "frames", frame_columns, PL_ARRAY_LEN(frame_columns));
	if (pl_args_get(j->args, "locals"))
		j->locals = pl_result_table(j->ret, "locals", local_columns,
					    PL_ARRAY_LEN(local_columns));
	for (size_t row = 0; row < threads->n_rows; row++) {
		const struct pl_cell *tstate = &threads->cells[row * threads->n_columns + 3];
		const struct pl_pythread *t = NULL;

		for (size_t i = 0; tstate->kind == PL_CELL_ADDR && i < j->n; i++) {
			if (j->threads[i].tstate == tstate->u)
				t = &j->threads[i];
		}
		if (!t)
			continue;
		put_frames(j, t);
		for (size_t depth = 0; j->locals && depth < t->n_frames; depth++) {
			if (pl_ctx_cancelled(ctx))
				return pl_ctx_cancel_err(err);
			put_locals(j, t, depth);
		}
	}
	return 0;
}

static void put_end(struct pl_table *ends, const struct pl_stack *s)
{
	struct pl_cell *row = pl_table_row(ends);
	const char *why = pl_stack_end(s);

	row[0] = pl_cell_number(s->thread->lwp);
	row[1] = pl_cell_count(s->n_frames);
	row[2] = pl_cell_text(ends, why ? why : "whole");
}

/* Of every thread of the kernel's that has a row. */
static int put_native_stacks(struct job *j, const struct pl_table *threads, struct pl_ctx *ctx,
			     struct pl_err *err)
{
	struct pl_table *table = pl_stack_table(j->ret, "native");
	struct pl_table *ends =
		pl_result_table(j->ret, "native_ends", end_columns, PL_ARRAY_LEN(end_columns));
	const struct pl_thread *native;
	size_t n, left = PL_NATIVE_FRAMES_IN_ALL;

	native = pl_image_threads(j->o->im, &n);
	for (size_t i = 0; i < n; i++) {
		struct pl_stack stack;
		size_t row = 0;

		while (row < threads->n_rows &&
		       (threads->cells[row * threads->n_columns].kind != PL_CELL_NUMBER ||
			threads->cells[row * threads->n_columns].u != native[i].lwp))
			row++;
		if (row == threads->n_rows)
			continue;
		if (pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		pl_stack_init(&stack, j->o->im, i, j->threads, j->n, &left);
		pl_stack_put(table, &stack, j->o->im, j->o->l, &j->v, 0);
		put_end(ends, &stack);
		pl_stack_fini(&stack);
	}
	return 0;
}

static void put_state(struct job *j)
{
	struct pl_table *table =
		pl_result_table(j->ret, "state", state_columns, PL_ARRAY_LEN(state_columns));
	struct pl_cell *row;
	bool held = false;

	for (size_t i = 0; i < j->n; i++) {
		if (!j->threads[i].holds_gil)
			continue;
		row = pl_table_row(table);
		row[0] = pl_cell_text(table, "gil");
		row[1] = lwp_cell(&j->threads[i]);
		held = true;
	}
	if (!held) {
		row = pl_table_row(table);
		row[0] = pl_cell_text(table, "gil");
	}
	row = pl_table_row(table);
	row[0] = pl_cell_text(table, "collecting");
	/* A stripped 2.7 or 3.6 hides where the collector notes that it runs. */
	if (j->o->collecting || pl_has(j->o->l->f.gc_collecting) || j->o->l->gc_collecting_address)
		row[1] = pl_cell_bool(j->o->collecting);
	else
		row[1] = pl_cell_unknown();
}

static int fill(struct job *j, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_table *threads = put_threads(j);
	int rc = pl_args_apply(j->args, threads, err);

	if (!rc)
		rc = put_stacks(j, threads, ctx, err);
	if (!rc && pl_args_get(j->args, "native"))
		rc = put_native_stacks(j, threads, ctx, err);
	if (rc)
		return rc;
	pl_put_exceptions(j->o, &j->v, j->threads, j->n, ctx, j->ret);
	rc = pl_put_suspended(j->o, &j->v, j->args->limit, ctx, j->ret, err);
	put_state(j);
	return rc;
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct pl_ctx *ctx = pl_session_ctx(s);
	struct job j = {.args = args, .ret = ret};
	struct pl_objects *o;
	int rc;

	rc = pl_session_objects(s, &o, err);
	if (rc)
		return rc;
	j.o = o;
	pl_view_init(&j.v, o->im);
	pl_ctx_stage(ctx, "reading threads", 0);
	rc = pl_pythreads_new(o, ctx, &j.threads, &j.n, err);
	if (!rc) {
		rc = fill(&j, ctx, err);
		pl_pythreads_free(j.threads, j.n);
	}
	pl_ctx_stage(ctx, NULL, 0);
	return rc;
}

const struct pl_analysis pl_analysis_threads = {
	.name = "threads",
	.arguments = "",
	.summary = "every thread's Python stack, its exceptions, and what is suspended",
	.help = "Frames come innermost first, with their exact lines. Then the exceptions that a\n"
		"thread raises or handles, each with what it was raised from and its traceback\n"
		"(outermost first, as Python prints it), and every generator, coroutine and\n"
		"asyncio task that waits, with what it waits for: one chain after another,\n"
		"outermost first.\n"
		"\n"
		"thread   the kernel's id of the thread (LWP); ? when it cannot be told\n"
		"native   (--native) all calls of a thread, innermost first: Python's stand where "
		"the\n"
		"         interpreter runs them; recursion is listed once, with its times\n"
		"native_ends  (--native) how many native calls there are, and whether these are\n"
		"         all: whole, or why the stack goes no further\n"
		"locals   (--locals) of functions, class bodies and exec(); a module's are its\n"
		"         globals. --match selects them by type",
	.example = "--locals --match 'app.*'",
	.options = options,
	.own_rows = true,
	.run = run,
};
