/*
 * nativestack.c - see nativestack.h.
 *
 * The two stacks are told from each other by one function: each native frame of
 * _PyEval_EvalFrameDefault() (2.7: PyEval_EvalFrameEx()) runs one Python frame, from 3.11 on all up
 * to an entry frame (struct pl_pyframe says which). The n-th evaluation call from the outside runs
 * the n-th group from the outside; where the native stack is cut, both are counted from the inside.
 */
#include "analysis/stacks/nativestack.h"

#include <stdio.h>

enum {
	MAX_PERIOD = 16, /* calls of a recursion's round: more are mutual recursion of a size that
			    nobody writes */
	MIN_ROUNDS = 3,
	MAX_TEXT = 512,
};

static const struct pl_column columns[] = {
	{.name = "thread", .align = PL_RIGHT},
	{.name = "depth", .align = PL_RIGHT},
	{.name = "kind", .align = PL_LEFT},
	{.name = "function", .align = PL_LEFT, .shrink = true},
	{.name = "file", .align = PL_LEFT, .shrink = true},
	{.name = "line", .align = PL_RIGHT, .optional = true},
	{.name = "offset", .align = PL_RIGHT, .optional = true},
	{.name = "times", .align = PL_RIGHT, .optional = true},
};

/* ---- merging ---- */

/* Does a symbol name that function? What compilers (".cold") and versions ("@GLIBC") hang on it is
 * not looked at. */
static bool is_named(const struct pl_native_frame *f, const char *name)
{
	size_t n = strlen(name);

	return f->symbol && !strncmp(f->symbol, name, n) &&
	       (!f->symbol[n] || f->symbol[n] == '.' || f->symbol[n] == '@');
}

/* The name of the evaluation function: from 3.6 on PyEval_EvalFrameEx() only calls the other. */
static const char *evaluation_function(const struct pl_stack *s)
{
	for (size_t i = 0; i < s->n_frames; i++) {
		if (is_named(&s->frames[i], "_PyEval_EvalFrameDefault"))
			return "_PyEval_EvalFrameDefault";
	}
	return "PyEval_EvalFrameEx";
}

static uint64_t evaluations(const struct pl_stack *s, const char *function)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_frames; i++)
		n += is_named(&s->frames[i], function);
	return n;
}

/* Groups of Python frames that one evaluation call each runs. */
static uint64_t groups(const struct pl_pythread *t)
{
	uint64_t n = t->entries;

	for (size_t i = 0; i < t->n_frames; i++) {
		/* Behind the outermost frame only the thread's own base frame may be. */
		n += i + 1 < t->n_frames ? t->frames[i].entries : 1;
	}
	return n;
}

static void add(struct pl_stack *s, const struct pl_native_frame *frame,
		const struct pl_pyframe *python)
{
	s->calls[s->n_calls] = (struct pl_call){.native = python ? NULL : frame,
						.python = python,
						.frame = frame,
						.depth = s->n_calls,
						.times = 1};
	s->n_calls++;
}

/* The Python frames that the evaluation calls run, of which the first skip run none. */
static void merge(struct pl_stack *s, const char *function, uint64_t skip)
{
	const struct pl_pythread *t = s->python;
	size_t at = 0;                      /* next Python frame */
	uint64_t empty = t->entries + skip; /* evaluation calls that have none, before it */

	for (size_t i = 0; i < s->n_frames; i++) {
		bool evaluation = is_named(&s->frames[i], function);

		if (!evaluation || empty || at == t->n_frames) {
			add(s, &s->frames[i], NULL);
			empty -= evaluation && empty;
			continue;
		}
		do {
			add(s, &s->frames[i], &t->frames[at++]);
		} while (at < t->n_frames && !t->frames[at - 1].entries);
		empty = t->frames[at - 1].entries ? t->frames[at - 1].entries - 1 : 0;
	}
	while (at < t->n_frames)
		add(s, NULL, &t->frames[at++]);
}

static void append(struct pl_stack *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		add(s, &s->frames[i], NULL);
	for (size_t i = 0; s->python && i < s->python->n_frames; i++)
		add(s, NULL, &s->python->frames[i]);
}

/* ---- folding ---- */

static bool same(const struct pl_call *a, const struct pl_call *b)
{
	if (a->python || b->python)
		return a->python && b->python && a->python->code == b->python->code;
	if (a->native->symbol && b->native->symbol)
		return a->native->module == b->native->module &&
		       (a->native->symbol == b->native->symbol ||
			!strcmp(a->native->symbol, b->native->symbol));
	return a->native->pc == b->native->pc;
}

/* How often the p calls at i follow each other. */
static size_t rounds(const struct pl_stack *s, size_t i, size_t p)
{
	size_t k = i + p;

	while (k < s->n_calls && same(&s->calls[k], &s->calls[k - p]))
		k++;
	return (k - i) / p;
}

static void fold(struct pl_stack *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_calls;) {
		size_t period = 1, n = 1;

		for (size_t p = 1; p <= MAX_PERIOD && n < MIN_ROUNDS; p++) {
			n = rounds(s, i, p);
			period = n < MIN_ROUNDS ? 1 : p;
		}
		if (n < MIN_ROUNDS)
			n = 1;
		for (size_t k = 0; k < period; k++) {
			s->calls[kept] = s->calls[i + k];
			s->calls[kept++].times = n;
		}
		i += n * period;
	}
	s->n_calls = kept;
}

const struct pl_pythread *pl_stack_python(const struct pl_pythread *threads, size_t n, uint32_t lwp)
{
	const struct pl_pythread *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct pl_pythread *t = &threads[i];

		/* A thread has a state per interpreter: the one that runs has frames. */
		if (t->lwp == lwp && (!best || (t->holds_gil && !best->holds_gil) ||
				      (t->n_frames && !best->n_frames)))
			best = t;
	}
	return best;
}

void pl_stack_init(struct pl_stack *s, struct pl_image *im, size_t thread,
		   const struct pl_pythread *threads, size_t n, size_t *left)
{
	uint64_t native, python;
	const char *function;
	size_t n_threads;

	*s = (struct pl_stack){.thread = &pl_image_threads(im, &n_threads)[thread]};
	s->python = pl_stack_python(threads, n, s->thread->lwp);
	s->end = pl_image_unwind(im, thread, left, &s->frames, &s->n_frames);
	s->calls =
		pl_calloc(s->n_frames + (s->python ? s->python->n_frames : 0), sizeof(*s->calls));
	function = evaluation_function(s);
	native = evaluations(s, function);
	python = s->python ? groups(s->python) : 0;
	s->merged = !python || (s->end == PL_UNWIND_WHOLE ? native >= python : native > 0);
	if (python && s->merged)
		merge(s, function, s->end == PL_UNWIND_WHOLE ? native - python : 0);
	else
		append(s);
	fold(s);
	s->n_signals = pl_image_signals(im, thread, s->frames, s->n_frames, &s->signals);
}

void pl_stack_fini(struct pl_stack *s)
{
	free(s->frames);
	free(s->calls);
	free(s->signals);
}

size_t pl_stack_interrupted(const struct pl_stack *s, const struct pl_signal *signal)
{
	size_t i = 0;

	/* Where recursion is folded, its innermost round is what is left. */
	while (i < s->n_calls &&
	       (!s->calls[i].frame || s->calls[i].frame < &s->frames[signal->frame]))
		i++;
	return i;
}

/* ---- words ---- */

bool pl_call_is(const struct pl_call *c, const char *function)
{
	return c->native && is_named(c->native, function);
}

bool pl_call_is_any(const struct pl_call *c, const char *const *functions)
{
	for (; *functions; functions++) {
		if (pl_call_is(c, *functions))
			return true;
	}
	return false;
}

void pl_call_symbol(const struct pl_call *c, char *buf, size_t cap)
{
	const char *symbol = c->native && c->native->symbol ? c->native->symbol : "";
	const char *lto = strstr(symbol, ".lto_priv."), *version = strchr(symbol, '@');
	size_t n = strlen(symbol);

	if (lto)
		n = (size_t)(lto - symbol);
	if (version)
		n = PL_MIN(n, (size_t)(version - symbol));
	snprintf(buf, cap, "%.*s", (int)PL_MIN(n, MAX_TEXT), symbol);
}

const char *pl_call_library(struct pl_image *im, const struct pl_call *c)
{
	size_t n;
	const struct pl_module *modules = pl_image_modules(im, &n);

	if (!c->native || c->native->module < 0)
		return "?";
	return pl_base_name(modules[c->native->module].path);
}

const char *pl_stack_end(const struct pl_stack *s)
{
	static const char *const texts[] = {
		[PL_UNWIND_WHOLE] = NULL,
		[PL_UNWIND_NO_FILE] = "the last native frame's code is in no file at hand",
		[PL_UNWIND_NO_RULE] = "its file does not say how to leave the last native frame",
		[PL_UNWIND_LOST] = "the stack below the last native frame is lost",
		[PL_UNWIND_BLANK] = "the core has only zeros where the native stack was",
		[PL_UNWIND_BOUND] = "so many native frames were read, and no more",
	};

	return texts[s->end];
}

/* ---- the table ---- */

struct pl_table *pl_stack_table(struct pl_result *ret, const char *name)
{
	return pl_result_table(ret, name, columns, PL_ARRAY_LEN(columns));
}

static void put_python(struct pl_table *t, struct pl_cell *row, const struct pl_pyframe *f,
		       const struct pl_layout *l, struct pl_view *v)
{
	char function[MAX_TEXT], file[MAX_TEXT];

	pl_code_names(l, v, f->code, function, sizeof(function), file, sizeof(file));
	row[2] = pl_cell_text(t, "python");
	row[3] = pl_cell_text(t, function);
	row[4] = pl_cell_text(t, file);
	if (f->line > 0)
		row[5] = pl_cell_number((uint64_t)f->line);
}

static void put_native(struct pl_table *t, struct pl_cell *row, const struct pl_call *c,
		       struct pl_image *im)
{
	const struct pl_native_frame *f = c->native;
	char symbol[MAX_TEXT];
	size_t n;
	const struct pl_module *modules = pl_image_modules(im, &n);

	pl_call_symbol(c, symbol, sizeof(symbol));
	row[2] = pl_cell_text(t, "native");
	row[3] = *symbol ? pl_cell_text(t, symbol) : pl_cell_unknown();
	row[4] = f->module >= 0 ? pl_cell_text(t, pl_call_library(im, c)) : pl_cell_absent();
	if (f->symbol)
		row[6] = pl_cell_addr(f->offset);
	else
		row[6] = pl_cell_addr(f->module >= 0 ? f->pc - modules[f->module].bias : f->pc);
}

void pl_stack_put(struct pl_table *t, const struct pl_stack *s, struct pl_image *im,
		  const struct pl_layout *l, struct pl_view *v, size_t limit)
{
	for (size_t i = 0; i < s->n_calls && (!limit || i < limit); i++) {
		const struct pl_call *c = &s->calls[i];
		struct pl_cell *row = pl_table_row(t);

		row[0] = pl_cell_number(s->thread->lwp);
		row[1] = pl_cell_count(c->depth);
		if (c->python)
			put_python(t, row, c->python, l, v);
		else
			put_native(t, row, c, im);
		if (c->times > 1)
			row[7] = pl_cell_count(c->times);
	}
}
