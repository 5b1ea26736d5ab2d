/*
 * statics.c - the file-scope statics of 2.7 and 3.6, where there is no runtime struct yet.
 *
 * Knows Modules/gcmodule.c and Python/pystate.c of those versions: _PyGC_generation0 is exported
 * and points to the first of three generations; the rest has only local symbols, which a stripped
 * binary lacks. What lies near the generations is given as an offset from them, so that readers
 * need not know whether the collector's state is a struct.
 */
#include "layout/internal.h"

static const struct neighbour {
	uint16_t field;
	const char *symbol;
	uint32_t bytes;
} neighbours[] = {
	{PL_F_gc_enabled, "enabled", 4},
	{PL_F_gc_debug, "debug", 4},
	{PL_F_gc_collecting, "collecting", 4},
	{PL_F_gc_garbage, "garbage", 8},
	{PL_F_gc_callbacks, "callbacks", 8},
	{PL_F_gc_long_lived_total, "long_lived_total", 8},
	{PL_F_gc_long_lived_pending, "long_lived_pending", 8},
	{PL_F_gc_stats, "generation_stats", 72},
};

/* The symbol of the right size nearest to the generations: other files have a "debug" as well. */
struct nearest {
	pl_addr to, best;
	uint64_t bytes;
};

static uint64_t distance(pl_addr a, pl_addr b)
{
	return a > b ? a - b : b - a;
}

static bool consider(void *arg, const struct pl_symbol *s)
{
	struct nearest *n = arg;

	if (s->size == n->bytes &&
	    (!n->best || distance(s->addr, n->to) < distance(n->best, n->to)))
		n->best = s->addr;
	return true;
}

static void find_neighbours(struct pl_image *im, const struct pl_found *found, struct pl_layout *l)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(neighbours); i++) {
		struct nearest n = {.to = l->gc_statics, .bytes = neighbours[i].bytes};

		pl_layout_set(l, neighbours[i].field, PL_NONE, 0, PL_FROM_NOWHERE);
		pl_image_symbols_named(im, found->module, neighbours[i].symbol, consider, &n);
		if (n.best && distance(n.best, l->gc_statics) < INT32_MAX)
			pl_layout_set(l, neighbours[i].field,
				      (int32_t)(int64_t)(n.best - l->gc_statics),
				      neighbours[i].bytes, PL_FROM_SYMBOL);
	}
}

/* PyInterpreterState_Head() does nothing but return interp_head. */
static bool decode_head(struct pl_image *im, struct pl_view *v, pl_addr function, pl_addr *ret)
{
	const uint8_t *code = pl_at(v, function, PL_SMALL_FUNCTION);

	return code && pl_image_machine(im)->patterns->returned_variable(code, PL_SMALL_FUNCTION,
									 function, ret);
}

static void find_interp_head(struct pl_image *im, const struct pl_found *found, struct pl_layout *l)
{
	struct pl_symbol s;
	struct pl_view v;
	uint64_t head, thread;
	pl_addr variable = 0;
	unsigned threads;

	pl_view_init(&v, im);
	if (pl_image_symbol(im, found->module, "_PyThreadState_Current", &s) &&
	    pl_read64(&v, s.addr, &thread))
		l->tstate_current = thread;
	if (pl_image_symbol(im, found->module, "interp_head", &s))
		variable = s.addr;
	else if (pl_image_symbol(im, found->module, "PyInterpreterState_Head", &s))
		decode_head(im, &v, s.addr, &variable);
	if (variable && pl_read64(&v, variable, &head) &&
	    pl_layout_is_interp(&v, l, head, &threads)) {
		l->interp_head = head;
		return;
	}
	/* the interpreter of the thread that runs: with sub-interpreters, those before it are lost
	 */
	if (l->tstate_current && pl_has(l->f.thread_interp) &&
	    pl_read64(&v, pl_layout_at(l->tstate_current, l->f.thread_interp), &head) &&
	    pl_layout_is_interp(&v, l, head, &threads))
		l->interp_head = head;
}

void pl_layout_statics(struct pl_image *im, const struct pl_found *found, struct pl_layout *l)
{
	struct pl_symbol s;
	struct pl_view v;
	uint64_t generations;

	if (found->module < 0)
		return;
	pl_view_init(&v, im);
	if (pl_image_symbol(im, found->module, "_PyGC_generation0", &s) &&
	    pl_read64(&v, s.addr, &generations) && generations) {
		l->gc_statics = generations;
		find_neighbours(im, found, l);
		if (pl_has(l->f.generation_size))
			pl_layout_set(l, PL_F_gc_generations, 0, 3 * (uint32_t)l->f.generation_size,
				      PL_FROM_SYMBOL);
	}
	find_interp_head(im, found, l);
}
