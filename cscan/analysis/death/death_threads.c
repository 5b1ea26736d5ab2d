/*
 * death_threads.c - the stacks of all threads, the exceptions at hand, who runs and who waits.
 */
#include <stdio.h>

#include "analysis/death/death.h"
#include "base/mem.h"
#include "object/frames/exceptions.h"

enum {
	MAX_TEXT = 300,
	STACK_ROWS = 200, /* calls of the stack that died, recursion folded */
	MAX_CHAIN = 6,    /* exceptions of a chain that are named */
	MAX_VALUE = 120,  /* of a repr under --values */
	WAIT_CALLS = 16,  /* native calls inside of which a thread waits */
};

static const struct pl_column thread_columns[] = {
	{.name = "thread", .align = PL_RIGHT},
	{.name = "threads", .align = PL_RIGHT},
	{.name = "state", .align = PL_LEFT, .shrink = true},
	{.name = "native", .align = PL_LEFT, .below = true},
	{.name = "function", .align = PL_LEFT, .shrink = true},
	{.name = "file", .align = PL_LEFT, .shrink = true},
	{.name = "line", .align = PL_RIGHT},
};

/* ---- what a thread does ---- */

enum wait { RUNS, WAITS_FOR_GIL, WAITS_FOR_LOCK, WAITS_TIMED, WAITS_FOR_SOMETHING };

/*
 * What the native calls inside of all Python wait for. Where the stack is lost on the way, the
 * system call tells that it waits.
 */
static enum wait waits(const struct pl_death *d, const struct pl_stack *s)
{
	static const char *const gil[] = {"take_gil", "PyEval_AcquireLock", NULL};
	static const char *const locks[] = {
		"PyThread_acquire_lock_timed", "PyThread_acquire_lock",
		"_PyMutex_LockTimed",          "PyMutex_Lock",
		"_PyParkingLot_Park",          "_PyRecursiveMutex_LockTimed",
		"pthread_mutex_lock",          "__pthread_mutex_lock",
		"___pthread_mutex_lock",       NULL};
	static const char *const timed[] = {"sem_clockwait",
					    "__sem_clockwait",
					    "sem_timedwait",
					    "__sem_timedwait",
					    "___sem_timedwait64",
					    "pthread_cond_timedwait",
					    "pthread_cond_clockwait",
					    "___pthread_cond_timedwait64",
					    "___pthread_cond_clockwait64",
					    "__new_sem_wait_slow64_timed",
					    NULL};
	bool is_timed = false;

	for (size_t i = 0; i < s->n_calls && i < WAIT_CALLS && s->calls[i].native; i++) {
		if (pl_call_is_any(&s->calls[i], gil))
			return WAITS_FOR_GIL;
		is_timed |= pl_call_is_any(&s->calls[i], timed);
		if (pl_call_is_any(&s->calls[i], locks))
			return is_timed ? WAITS_TIMED : WAITS_FOR_LOCK;
	}
	return (pl_stack_end(s) || !s->merged) && pl_image_in_futex(d->im, s->thread)
		       ? WAITS_FOR_SOMETHING
		       : RUNS;
}

static void state_text(const struct pl_death *d, const struct pl_stack *s, char *buf, size_t cap)
{
	static const char *const words[] = {
		[RUNS] = "",
		[WAITS_FOR_GIL] = "waits for the GIL",
		[WAITS_FOR_LOCK] = "waits for a lock",
		[WAITS_TIMED] = "waits for a lock",
		[WAITS_FOR_SOMETHING] = "waits",
	};
	bool gil = s->python && s->python->holds_gil;
	const char *word = words[waits(d, s)];

	snprintf(buf, cap, "%s%s%s%s%s", !s->python ? "no Python" : "",
		 s == d->stacks && d->info->signal ? "died" : "",
		 s == d->stacks && d->info->signal && (gil || *word) ? ", " : "",
		 gil ? "holds the GIL" : "", gil && *word ? ", " : "");
	snprintf(buf + strlen(buf), cap - strlen(buf), "%s%s",
		 !s->python && *word && s != d->stacks ? ", " : "", word);
}

/* ---- table `threads` ---- */

static bool same_call(const struct pl_call *a, const struct pl_call *b)
{
	if (a->times != b->times)
		return false;
	if (a->python || b->python)
		return a->python && b->python && a->python->code == b->python->code &&
		       a->python->line == b->python->line;
	return a->native->pc == b->native->pc;
}

static bool same_stack(const struct pl_death *d, const struct pl_stack *a, const struct pl_stack *b)
{
	char state_a[MAX_TEXT], state_b[MAX_TEXT];

	if (a->n_calls != b->n_calls)
		return false;
	for (size_t i = 0; i < a->n_calls; i++) {
		if (!same_call(&a->calls[i], &b->calls[i]))
			return false;
	}
	state_text(d, a, state_a, sizeof(state_a));
	state_text(d, b, state_b, sizeof(state_b));
	return !strcmp(state_a, state_b);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15) >> 7 ^ hash << 9;
}

/* Equal for stacks that same_stack() takes for equal. */
static uint64_t hash_of(const struct pl_stack *s)
{
	uint64_t hash = s->n_calls;

	for (size_t i = 0; i < s->n_calls; i++) {
		const struct pl_call *c = &s->calls[i];

		hash = mix(hash, c->python ? c->python->code : c->native->pc);
		hash = mix(hash, c->python ? (uint64_t)c->python->line : c->times);
	}
	return hash;
}

/* A thread, to be sorted to those that do the same. */
struct doing {
	uint64_t hash;
	size_t stack; /* its index */
	uint64_t count;
};

static int by_hash(const void *pa, const void *pb)
{
	const struct doing *a = pa, *b = pb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

static int by_stack(const void *pa, const void *pb)
{
	const struct doing *a = pa, *b = pb;

	return (a->stack > b->stack) - (a->stack < b->stack);
}

/* Leave one of those that do the same, the first one, with their count; returns how many are left.
 */
static size_t group(const struct pl_death *d, struct doing *at, size_t n)
{
	size_t kept = 0, first = 0; /* of the kept ones with this hash */

	qsort(at, n, sizeof(*at), by_hash);
	for (size_t i = 0; i < n; i++) {
		size_t k;

		if (!kept || at[kept - 1].hash != at[i].hash)
			first = kept;
		k = first;
		while (k < kept && !same_stack(d, &d->stacks[at[k].stack], &d->stacks[at[i].stack]))
			k++;
		if (k == kept)
			at[kept++] = (struct doing){at[i].hash, at[i].stack, 0};
		at[k].count++;
	}
	qsort(at, kept, sizeof(*at), by_stack);
	return kept;
}

static void put_thread(struct pl_death *d, struct pl_table *t, const struct pl_stack *s,
		       uint64_t count)
{
	const struct pl_call *python = pl_death_innermost_python(s);
	char state[MAX_TEXT], function[MAX_TEXT], file[MAX_TEXT];
	struct pl_cell *row = pl_table_row(t);

	state_text(d, s, state, sizeof(state));
	row[0] = pl_cell_number(s->thread->lwp);
	row[1] = pl_cell_count(count);
	row[2] = *state ? pl_cell_text(t, state) : pl_cell_absent();
	if (s->calls[0].native) {
		pl_death_call(d, &s->calls[0], function, sizeof(function));
		row[3] = pl_cell_text(t, function);
	}
	if (!python)
		return;
	pl_code_names(d->l, d->v, python->python->code, function, sizeof(function), file,
		      sizeof(file));
	row[4] = pl_cell_text(t, function);
	row[5] = pl_cell_text(t, file);
	if (python->python->line > 0)
		row[6] = pl_cell_number((uint64_t)python->python->line);
}

static void put_threads(struct pl_death *d)
{
	struct pl_table *t =
		pl_result_table(d->t->ret, "threads", thread_columns, PL_ARRAY_LEN(thread_columns));
	struct doing *all = pl_calloc(d->n_stacks, sizeof(*all));
	size_t n;

	for (size_t i = 0; i < d->n_stacks; i++)
		all[i] = (struct doing){hash_of(&d->stacks[i]), i, 0};
	n = group(d, all, d->n_stacks);
	for (size_t k = 0; k < n; k++)
		put_thread(d, t, &d->stacks[all[k].stack], all[k].count);
	free(all);
}

/* ---- who runs ---- */

static void put_gil(struct pl_death *d)
{
	const struct pl_pythread *holder = NULL;
	uint64_t waiting = 0;

	for (size_t i = 0; i < d->n_threads; i++) {
		if (d->threads[i].holds_gil && !holder)
			holder = &d->threads[i];
	}
	for (size_t i = 0; i < d->n_stacks; i++)
		waiting += waits(d, &d->stacks[i]) == WAITS_FOR_GIL;
	if (holder && holder->lwp)
		pl_triage_evidence(d->t, "gil", "threads",
				   "thread %u holds the GIL, %llu wait for it", holder->lwp,
				   (unsigned long long)waiting);
	else if (holder)
		pl_triage_evidence(d->t, "gil", "threads",
				   "a thread that is not in the core holds the GIL, %llu wait for "
				   "it",
				   (unsigned long long)waiting);
	else
		pl_triage_evidence(d->t, "gil", "threads", "no thread holds the GIL");
}

static bool gil_is_held(const struct pl_death *d)
{
	for (size_t i = 0; i < d->n_stacks; i++) {
		if (d->stacks[i].python && d->stacks[i].python->holds_gil)
			return true;
	}
	return false;
}

/*
 * Nobody runs: every thread with Python calls waits for a lock (not the GIL, which comes by
 * itself), and so no Python code will ever give one back. Threads of C could, and a time limit.
 */
static void put_deadlock(struct pl_death *d)
{
	size_t waiting = 0, unsure = 0, timed = 0, native = 0;
	bool held = gil_is_held(d);
	char where[2 * MAX_TEXT], list[3 * MAX_TEXT] = "";

	for (size_t i = 0; i < d->n_stacks; i++) {
		const struct pl_stack *s = &d->stacks[i];
		const struct pl_call *python = pl_death_innermost_python(s);
		enum wait wait = waits(d, s);
		size_t used = strlen(list);

		/* 3.11 and 3.12 have the way to the frames on the native stack (_PyCFrame). */
		if (!python && !(s->python && s->end == PL_UNWIND_BLANK)) {
			native++;
			continue;
		}
		/* For the GIL nobody waits that no thread holds. */
		if (wait == RUNS || wait == WAITS_FOR_GIL || (wait == WAITS_FOR_SOMETHING && held))
			return;
		waiting++;
		unsure += wait == WAITS_FOR_SOMETHING;
		timed += wait == WAITS_TIMED;
		if (python)
			pl_death_python(d, python->python, where, sizeof(where));
		else
			snprintf(where, sizeof(where), "thread %u", s->thread->lwp);
		if (used + strlen(where) < sizeof(list) / 2)
			snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", where);
	}
	if (!waiting)
		return;
	pl_triage_verdict(d->t, "deadlock", unsure || timed || native ? PL_POSSIBLE : PL_LIKELY,
			  "all %zu threads of Python wait for locks and none runs: %.450s", waiting,
			  list);
	if (unsure)
		pl_triage_evidence(d->t, "deadlock", "threads --native",
				   "of %zu of them only the system call tells that they wait",
				   unsure);
	if (timed)
		pl_triage_evidence(d->t, "deadlock", "threads --native",
				   "%zu of them wait with a time limit", timed);
	if (native)
		pl_triage_evidence(d->t, "deadlock", "threads --native",
				   "%zu threads without Python could still give a lock back",
				   native);
}

/* Of the other threads. */
static void put_blank_stacks(struct pl_death *d)
{
	size_t blank = 0;

	for (size_t i = 1; i < d->n_stacks; i++)
		blank += d->stacks[i].end == PL_UNWIND_BLANK;
	if (blank)
		pl_triage_evidence(d->t, "stack", "threads --native",
				   "of %zu threads the core has only zeros where the native stack "
				   "was",
				   blank);
}

void pl_death_threads(struct pl_death *d)
{
	const struct pl_stack *died = &d->stacks[0];
	struct pl_table *stack = pl_stack_table(d->t->ret, "stack");

	if (d->o)
		put_gil(d);
	if (d->o && !d->o->collecting)
		put_deadlock(d);
	if (pl_stack_end(died))
		pl_triage_evidence(d->t, "stack", "info", "thread %u: %s", died->thread->lwp,
				   pl_stack_end(died));
	put_blank_stacks(d);
	if (!died->merged)
		pl_triage_evidence(d->t, "stack", "info",
				   "thread %u: where Python's calls are among the native ones is "
				   "not known: they follow",
				   died->thread->lwp);
	if (died->n_calls > STACK_ROWS)
		pl_triage_evidence(d->t, "stack", "threads --native",
				   "the innermost %d of %zu calls are listed", STACK_ROWS,
				   died->n_calls);
	pl_stack_put(stack, died, d->im, d->l, d->v, STACK_ROWS);
	put_threads(d);
}

/* ---- exceptions ---- */

static void chain_text(struct pl_death *d, const struct pl_exception *chain, size_t n, char *buf,
		       size_t cap)
{
	buf[0] = '\0';
	for (size_t i = 0; i < n && i < MAX_CHAIN; i++) {
		const struct pl_type *type = pl_death_type(d, chain[i].addr);
		size_t used = strlen(buf);
		const char *link = "";
		char value[MAX_VALUE];

		if (!strcmp(chain[i].link, "cause"))
			link = ", raised from ";
		else if (*chain[i].link)
			link = ", raised while handling ";
		pl_triage_value(d->t, d->o, d->v, chain[i].addr, value, sizeof(value));
		snprintf(buf + used, cap - used, "%s%.60s%s%s", link,
			 type ? type->name : "no known type", *value ? ": " : "", value);
	}
	if (n > MAX_CHAIN)
		snprintf(buf + strlen(buf), cap - strlen(buf), " and %zu more", n - MAX_CHAIN);
}

/* Is an exception of the chain a MemoryError, or of a class derived from it? */
static bool is_memory_error(struct pl_death *d, const struct pl_exception *chain, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pl_type *type = pl_death_type(d, chain[i].addr);

		if (type && pl_is_memory_error(d->o, d->v, type->addr))
			return true;
	}
	return false;
}

static bool put_exception(struct pl_death *d, const struct pl_pythread *t, const char *verb,
			  pl_addr first)
{
	struct pl_exception *chain;
	size_t n = pl_exception_chain(d->o, d->v, first, d->t->ctx, &chain);
	bool memory_error = is_memory_error(d, chain, n);
	char text[MAX_TEXT * 2];

	if (n) {
		chain_text(d, chain, n, text, sizeof(text));
		pl_triage_evidence(d->t, memory_error ? "out-of-memory" : "exception", "threads",
				   "thread %u %s %s", t->lwp, verb, text);
	}
	free(chain);
	return memory_error;
}

bool pl_death_exceptions(struct pl_death *d)
{
	bool memory_error = false;

	for (size_t i = 0; i < d->n_threads; i++) {
		const struct pl_pythread *t = &d->threads[i];
		bool died = t->lwp == d->stacks[0].thread->lwp, found = false;

		if (t->raised)
			found |= put_exception(d, t, "raises", t->raised);
		if (t->handled && t->handled != t->raised)
			found |= put_exception(d, t, "handles", t->handled);
		memory_error |= died && found;
	}
	return memory_error;
}
