/*
 * places.c - where the interpreter's own structures begin in this core.
 *
 * Knows the way from _PyRuntime (3.7+) to interpreters, the thread that runs, and the collector's
 * lists; statics.c knows the older way.
 */
#include "layout/internal.h"

#define MAX_INTERPS 4096 /* interpreters that are followed */

/* The thread that holds the GIL of interp (3.12+: each interpreter has a pointer to its own). */
static pl_addr gil_holder(struct pl_view *v, const struct pl_layout *l, pl_addr interp)
{
	uint64_t gil, holder, owner;
	uint32_t locked;

	if (!pl_layout_word(v, interp, l->f.interp_ceval_gil, &gil) || !gil ||
	    !pl_has(l->f.gil_locked) ||
	    !pl_read32(v, pl_layout_at(gil, l->f.gil_locked), &locked) || locked != 1 ||
	    !pl_layout_word(v, gil, l->f.gil_holder, &holder) ||
	    !pl_layout_word(v, holder, l->f.thread_interp, &owner) || owner != interp)
		return 0;
	return holder;
}

static pl_addr current_thread(struct pl_view *v, const struct pl_layout *l)
{
	uint64_t thread, interp = l->interp_head;

	if (pl_layout_word(v, l->runtime, l->f.runtime_tstate_current, &thread))
		return thread;
	for (unsigned i = 0; interp && i < MAX_INTERPS; i++) {
		pl_addr holder = gil_holder(v, l, interp);

		if (holder)
			return holder;
		if (!pl_layout_word(v, interp, l->f.interp_next, &interp))
			break;
	}
	return 0;
}

/*
 * 2.7's exported unicode functions bear the width of Py_UNICODE in their names
 * (Include/unicodeobject.h). Without the file the usual build of Linux is assumed: four bytes.
 */
static bool is_ucs4(struct pl_image *im, int module)
{
	struct pl_symbol symbol;

	return !pl_image_symbol(im, module, "PyUnicodeUCS2_FromUnicode", &symbol);
}

void pl_layout_places(struct pl_image *im, struct pl_ctx *ctx, const struct pl_found *found,
		      struct pl_layout *l)
{
	struct pl_view v;

	pl_view_init(&v, im);
	l->module = found->module;
	l->type_type = found->type_type;
	l->runtime = found->runtime;
	l->gc_statics = l->interp_head = l->tstate_current = 0;
	l->unicode27_ucs4 = is_ucs4(im, found->module);
	if (l->gc_style == PL_GC_REFS27 || !pl_has(l->f.runtime_interpreters_head)) {
		pl_layout_statics(im, found, l);
	} else {
		uint64_t head;

		if (pl_layout_word(&v, l->runtime, l->f.runtime_interpreters_head, &head))
			l->interp_head = head;
	}
	if (!l->interp_head)
		pl_layout_find_places(im, ctx, found, l);
	if (!l->tstate_current)
		l->tstate_current = current_thread(&v, l);
}

pl_addr pl_layout_gc_state(const struct pl_layout *l, pl_addr interp)
{
	if (l->gc_statics)
		return l->gc_statics;
	if (pl_has(l->f.runtime_gc))
		return l->runtime ? pl_layout_at(l->runtime, l->f.runtime_gc) : 0;
	if (pl_has(l->f.interp_gc) && interp)
		return pl_layout_at(interp, l->f.interp_gc);
	return 0;
}

static void add_list(const struct pl_layout *l, const char *name, pl_addr record,
		     struct pl_gc_list *ret)
{
	ret->name = name;
	ret->record = record;
	ret->head = record +
		    (pl_has(l->f.generation_head) ? (uint64_t)(int64_t)l->f.generation_head : 0);
}

unsigned pl_layout_gc_lists(const struct pl_layout *l, pl_addr interp, struct pl_gc_list ret[4])
{
	static const char *const generational[] = {"0", "1", "2"};
	static const char *const incremental[] = {"young", "old0", "old1"};
	pl_addr state = pl_layout_gc_state(l, interp);
	uint64_t stride;
	unsigned n = 0;

	if (!state || l->gc_style == PL_GC_NO_LISTS || !pl_has(l->f.gc_generations) ||
	    !pl_has(l->f.generation_size))
		return 0;
	stride = (uint64_t)(int64_t)l->f.generation_size;
	for (unsigned i = 0; i < 3; i++) {
		pl_addr record = pl_layout_at(state, l->f.gc_generations) + i * stride;

		if (l->gc_style == PL_GC_INCREMENTAL && i)
			record = pl_layout_at(state, l->f.gc_old) + (i - 1) * stride;
		add_list(l, l->gc_style == PL_GC_INCREMENTAL ? incremental[i] : generational[i],
			 record, &ret[n++]);
	}
	if (pl_has(l->f.gc_permanent))
		add_list(l, "permanent", pl_layout_at(state, l->f.gc_permanent), &ret[n++]);
	return n;
}
