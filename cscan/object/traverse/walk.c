/*
 * walk.c - see walk.h.
 */
#include "object/traverse/walk.h"

enum {
	MAX_TODO = 256,
	MAX_SEEN = 1024, /* states kept to compare with */
	MAX_SAME = 12,   /* of one instruction, before they are joined */
	ASIDE = 64,      /* instructions into a function that only its result is wanted of */
	SLOT = 4,        /* bytes */
	SLOTS_FROM = -SLOT * PL_WALK_SLOTS,
};

static const struct pl_traced unknown;

size_t pl_walk_code(struct pl_walk *w, pl_addr addr, uint8_t *ret, size_t n)
{
	const struct pl_span *span = pl_image_span(w->im, addr);

	if (!span || (span->prot && !(span->prot & PL_PROT_EXEC)))
		return 0;
	n = (size_t)PL_MIN(n, span->hi - addr);
	memcpy(ret, span->host + (addr - span->lo), n);
	return n;
}

static bool is_code(struct pl_walk *w, pl_addr addr)
{
	uint8_t byte;

	return pl_walk_code(w, addr, &byte, 1) == 1;
}

/* ---- memory ---- */

static struct pl_traced load_const(struct pl_walk *w, struct pl_traced at, unsigned width)
{
	uint64_t value = 0;

	if (at.step0)
		return width == 4 && at.step0 % 4 == 0
			       ? (struct pl_traced){.kind = PL_T_TABLE, .value = at.value}
			       : unknown;
	return pl_read(w->v, at.value, &value, width) ? pl_traced_const(value) : unknown;
}

/* The slots that width bytes at a STACK are; false when they are not whole slots that are kept. */
static bool slots_of(struct pl_traced at, unsigned width, unsigned *first, unsigned *n)
{
	int64_t from = (int64_t)at.off0 - SLOTS_FROM;

	if (at.step0 || from < 0 || from % SLOT || width % SLOT ||
	    from + width > SLOT * PL_WALK_SLOTS)
		return false;
	*first = (unsigned)from / SLOT;
	*n = width / SLOT;
	return true;
}

static struct pl_traced load_stack(const struct pl_walk_state *s, struct pl_traced at,
				   unsigned width)
{
	unsigned i, n;

	if (!slots_of(at, width, &i, &n))
		return unknown;
	if (n == 2 && s->slot[i + 1].kind == PL_T_UPPER)
		return s->slot[i];
	if (n == 1 && pl_traced_exact(s->slot[i]))
		return pl_traced_const((uint32_t)s->slot[i].value);
	return unknown;
}

struct pl_traced pl_walk_load(struct pl_walk *w, const struct pl_walk_state *s, struct pl_traced at,
			      unsigned width)
{
	if (at.kind == PL_T_CONST)
		return load_const(w, at, width);
	if (at.kind == PL_T_STACK)
		return load_stack(s, at, width);
	if (width != 8 || at.kind != PL_T_POINTER)
		return unknown;
	if (at.level == PL_T_ADDRESS && !at.step0 && at.off0 == w->object_type)
		return pl_traced_const(w->type);
	return pl_traced_load(at);
}

static void forget_slot(struct pl_walk_state *s, unsigned i)
{
	if (i && s->slot[i].kind == PL_T_UPPER)
		s->slot[i - 1] = unknown;
	s->slot[i] = unknown;
	if (i + 1 < PL_WALK_SLOTS && s->slot[i + 1].kind == PL_T_UPPER)
		s->slot[i + 1] = unknown;
}

/* Stores to anywhere but the function's own stack change nothing that is asked. */
void pl_walk_store(struct pl_walk_state *s, struct pl_traced at, unsigned width,
		   struct pl_traced value)
{
	int64_t lo = (int64_t)at.off0 - SLOTS_FROM;
	unsigned i, n;

	if (at.kind != PL_T_STACK)
		return;
	if (at.step0) {
		memset(s->slot, 0, sizeof(s->slot));
		return;
	}
	for (int64_t k = PL_MAX(lo, 0) / SLOT; k < PL_WALK_SLOTS && SLOT * k < lo + width; k++)
		forget_slot(s, (unsigned)k);
	if (!slots_of(at, width, &i, &n))
		return;
	if (n == 2) {
		s->slot[i] = value;
		s->slot[i + 1] = (struct pl_traced){.kind = PL_T_UPPER};
	} else if (n == 1 && pl_traced_exact(value)) {
		s->slot[i] = value;
	}
}

/* ---- paths ---- */

static struct pl_walk_state *copy(const struct pl_walk_state *s)
{
	struct pl_walk_state *c = pl_malloc(sizeof(*c));

	*c = *s;
	return c;
}

void pl_walk_fork(struct pl_walk *w, const struct pl_walk_state *s)
{
	if (w->todo.n >= MAX_TODO)
		w->lost = true;
	else
		pl_vec_push(&w->todo, copy(s));
}

/* The same place in the same calls. */
static bool same_place(const struct pl_walk_state *a, const struct pl_walk_state *b)
{
	if (a->pc != b->pc || a->depth != b->depth || !a->aside != !b->aside)
		return false;
	for (unsigned i = 0; i < a->depth; i++) {
		if (a->frame[i].back != b->frame[i].back)
			return false;
	}
	return true;
}

/* Join all words of more into s; true when that changed one. */
static bool join_words(struct pl_traced *s, const struct pl_traced *more, size_t n, bool change)
{
	bool changed = false;

	for (size_t i = 0; i < n; i++) {
		struct pl_traced both = pl_traced_join(s[i], more[i]);

		if (pl_traced_equal(both, s[i]))
			continue;
		changed = true;
		if (!change)
			break;
		s[i] = both;
	}
	return changed;
}

static bool join_flags(struct pl_walk_state *s, const struct pl_walk_state *more, bool change)
{
	bool same = s->flags == PL_FLAGS_UNKNOWN ||
		    (s->flags == more->flags && s->flags_width == more->flags_width &&
		     pl_traced_equal(s->a, more->a) && pl_traced_equal(s->b, more->b));
	bool changed = !same || more->limit > s->limit;

	if (change && !same)
		s->flags = PL_FLAGS_UNKNOWN;
	if (change)
		s->limit = PL_MAX(s->limit, more->limit);
	return changed;
}

/* What both know, in s; true when that is less than s knew. Without change it is only asked. */
static bool join(struct pl_walk_state *s, const struct pl_walk_state *more, bool change)
{
	bool changed = join_words(s->reg, more->reg, PL_WALK_REGS, change);

	if (join_words(s->slot, more->slot, PL_WALK_SLOTS, change))
		changed = true;
	for (unsigned i = 0; i < s->depth; i++) {
		if (join_words(s->frame[i].kept, more->frame[i].kept, PL_WALK_KEPT, change) ||
		    join_words(&s->frame[i].sp, &more->frame[i].sp, 1, change))
			changed = true;
	}
	if (join_flags(s, more, change))
		changed = true;
	return changed;
}

bool pl_walk_jump(struct pl_walk *w, struct pl_walk_state *s, pl_addr target)
{
	struct pl_walk_state *last = NULL;
	unsigned same = 0;

	s->pc = target;
	for (size_t i = 0; i < w->seen.n; i++) {
		if (!same_place(w->seen.at[i], s))
			continue;
		last = w->seen.at[i];
		if (!join(last, s, false))
			return false;
		same++;
	}
	if (same < MAX_SAME && w->seen.n < MAX_SEEN) {
		pl_vec_push(&w->seen, copy(s));
		return true;
	}
	/* Nowhere to remember that the path was here: it may run in a circle. */
	if (!last)
		return pl_walk_lose(w, s);
	join(last, s, true);
	*s = *last;
	return true;
}

/* ---- calls ---- */

static void forget_scratch(struct pl_walk *w, struct pl_walk_state *s)
{
	struct pl_traced reg[PL_WALK_REGS] = {0};

	for (unsigned i = 0; i < w->calls->n_kept; i++)
		reg[w->calls->kept[i]] = s->reg[w->calls->kept[i]];
	reg[w->calls->sp] = s->reg[w->calls->sp];
	memcpy(s->reg, reg, sizeof(reg));
	s->flags = PL_FLAGS_UNKNOWN;
}

bool pl_walk_return(struct pl_walk *w, struct pl_walk_state *s)
{
	struct pl_traced result = s->reg[w->calls->result];
	const struct pl_walk_frame *f;

	if (!s->depth)
		return false;
	f = &s->frame[--s->depth];
	for (unsigned i = 0; i < w->calls->n_kept; i++)
		s->reg[w->calls->kept[i]] = f->kept[i];
	s->reg[w->calls->sp] = f->sp;
	forget_scratch(w, s);
	s->reg[w->calls->result] = result;
	s->aside = f->aside;
	return pl_walk_jump(w, s, f->back);
}

bool pl_walk_lose(struct pl_walk *w, struct pl_walk_state *s)
{
	if (!s->aside) {
		w->lost = true;
		return false;
	}
	/* All the way back to who called aside. */
	while (s->depth && s->frame[s->depth - 1].aside)
		s->depth--;
	s->reg[w->calls->result] = unknown;
	return pl_walk_return(w, s);
}

/* The call at s->pc in the calls that lead there. */
static uint64_t site_of(const struct pl_walk_state *s)
{
	uint64_t site = s->pc;

	for (unsigned i = 0; i < s->depth; i++)
		site = site * UINT64_C(0x9e3779b97f4a7c15) + s->frame[i].back;
	return site;
}

static bool same_word(const struct pl_visited *a, const struct pl_visited *b)
{
	return a->level == b->level && a->off0 == b->off0 && a->step0 == b->step0 &&
	       a->off1 == b->off1 && a->step1 == b->step1;
}

static void add_visited(struct pl_walk *w, struct pl_visited e)
{
	for (unsigned i = 0; i < w->n_visited; i++) {
		struct pl_visited *o = &w->visited[i];

		if (o->site != e.site)
			continue;
		if (same_word(o, &e))
			return;
		e.again = o->again = true;
	}
	if (w->n_visited == PL_WALK_VISITED)
		w->lost = true;
	else
		w->visited[w->n_visited++] = e;
}

static void note_visit(struct pl_walk *w, const struct pl_walk_state *s, struct pl_traced what)
{
	struct pl_visited e = {.level = PL_T_FIELD, .site = site_of(s)};

	if (pl_traced_exact(what)) {
		e.off0 = w->object_type;
		if (what.value == w->type)
			add_visited(w, e);
		return; /* else an object of its own, or null */
	}
	if (what.kind == PL_T_POINTER && what.level == PL_T_DEEP) {
		w->deep = true;
		return;
	}
	if (what.kind != PL_T_POINTER || what.level == PL_T_ADDRESS ||
	    (what.level == PL_T_FIELD && (what.off1 || what.step1))) {
		w->lost = true;
		return;
	}
	e.level = what.level;
	e.off0 = what.off0;
	e.step0 = what.step0;
	e.off1 = what.off1;
	e.step1 = what.step1;
	add_visited(w, e);
}

/* True when the callee can come to know the visitproc. */
static bool hands_on(const struct pl_walk *w, const struct pl_walk_state *s)
{
	bool on_stack = false;

	for (size_t i = 0; i < PL_WALK_SLOTS; i++) {
		if (s->slot[i].kind == PL_T_VISIT)
			on_stack = true;
	}
	for (unsigned i = 0; i < w->calls->n_args; i++) {
		const struct pl_traced *a = &s->reg[w->calls->args[i]];

		if (a->kind == PL_T_VISIT || a->kind == PL_T_ARG ||
		    (a->kind == PL_T_STACK && on_stack))
			return true;
	}
	return false;
}

static void push_frame(struct pl_walk *w, struct pl_walk_state *s)
{
	struct pl_walk_frame *f = &s->frame[s->depth++];

	memset(f, 0, sizeof(*f));
	f->back = s->pc;
	for (unsigned i = 0; i < w->calls->n_kept; i++)
		f->kept[i] = s->reg[w->calls->kept[i]];
	f->sp = s->reg[w->calls->sp];
	f->aside = s->aside;
}

bool pl_walk_call(struct pl_walk *w, struct pl_walk_state *s, struct pl_traced target, bool tail)
{
	bool on = hands_on(w, s);

	if (target.kind == PL_T_VISIT) {
		note_visit(w, s, s->reg[w->calls->args[0]]);
	} else if (pl_traced_exact(target) && is_code(w, target.value) &&
		   (tail || s->depth < PL_WALK_DEPTH)) {
		if (!tail)
			push_frame(w, s);
		if (!on && !s->aside)
			s->aside = ASIDE;
		/* The address to return to. */
		if (!tail && w->calls->pushes)
			s->reg[w->calls->sp] =
				pl_traced_add(s->reg[w->calls->sp], pl_traced_const((uint64_t)-8));
		return pl_walk_jump(w, s, target.value);
	} else if (on) {
		w->lost = true;
	}
	forget_scratch(w, s);
	return !tail || pl_walk_return(w, s);
}

/* ---- the whole ---- */

static void follow(struct pl_walk *w, struct pl_walk_state *s)
{
	for (;;) {
		if (w->steps == w->most) {
			w->lost = true;
			return;
		}
		w->steps++;
		if (s->aside && !--s->aside) {
			s->aside = 1;
			if (!pl_walk_lose(w, s))
				return;
			continue;
		}
		if (!w->m->step(w, s))
			return;
	}
}

void pl_walk_run(struct pl_walk *w, pl_addr function)
{
	struct pl_walk_state *s = pl_calloc(1, sizeof(*s));

	s->pc = function;
	s->limit = UINT64_MAX;
	s->reg[w->calls->args[0]] = (struct pl_traced){.kind = PL_T_POINTER, .level = PL_T_ADDRESS};
	s->reg[w->calls->args[1]] = (struct pl_traced){.kind = PL_T_VISIT};
	s->reg[w->calls->args[2]] = (struct pl_traced){.kind = PL_T_ARG};
	s->reg[w->calls->sp] = pl_traced_stack(0);
	pl_vec_push(&w->todo, s);
	while (w->todo.n) {
		s = w->todo.at[--w->todo.n];
		follow(w, s);
		free(s);
	}
	for (size_t i = 0; i < w->seen.n; i++)
		free(w->seen.at[i]);
	pl_vec_free(&w->seen);
	pl_vec_free(&w->todo);
}
