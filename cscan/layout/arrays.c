/*
 * arrays.c - tables of the interpreter that hold objects and that have moved over the versions: the
 * cache of attributes of types, pending calls, handlers of signals.
 *
 * Up to some version each is a file-scope static, which a stripped binary hides; then it is in the
 * interpreter or in the runtime.
 */
#include "layout/internal.h"

#define MOST_ENTRIES 65536 /* of an array; the largest has 4096 */

static bool array_at(pl_addr at, uint64_t bytes, uint64_t stride, struct pl_array *ret)
{
	if (!at || stride < 8 || bytes / stride > MOST_ENTRIES)
		return false;
	*ret = (struct pl_array){.at = at, .n = bytes / stride, .stride = stride};
	return true;
}

/* A static belongs to the process; it is given with the first interpreter. */
static bool static_array(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			 const char *name, uint64_t stride, struct pl_array *ret)
{
	struct pl_symbol s;

	return interp == l->interp_head && pl_image_symbol(im, l->module, name, &s) &&
	       array_at(s.addr, s.size, stride, ret);
}

bool pl_layout_type_cache(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			  struct pl_array *ret)
{
	uint64_t stride;

	if (!pl_has(l->f.typecache_entry_size))
		return false;
	stride = (uint64_t)l->f.typecache_entry_size;
	if (pl_has(l->f.interp_type_cache))
		return array_at(pl_layout_at(interp, l->f.interp_type_cache),
				l->w.interp_type_cache, stride, ret);
	return static_array(im, l, interp, "method_cache", stride, ret);
}

/* Py_NSIG entries of {int tripped; PyObject *func}: Modules/signalmodule.c, pycore_signal.h. */
bool pl_layout_signal_handlers(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			       struct pl_array *ret)
{
	const uint64_t stride = 16, func = 8;

	if (pl_has(l->f.runtime_signal_handlers)
		    ? interp != l->interp_head || !l->runtime ||
			      !array_at(pl_layout_at(l->runtime, l->f.runtime_signal_handlers),
					l->w.runtime_signal_handlers, stride, ret)
		    : !static_array(im, l, interp, "Handlers", stride, ret))
		return false;
	ret->at += func;
	return true;
}

static uint32_t number_at(struct pl_view *v, pl_addr at)
{
	uint32_t n = 0;

	pl_read32(v, at, &n);
	return n;
}

/* What the ring holds; where no count is kept, one slot always stays empty. */
static bool close_ring(struct pl_pending *p, uint32_t end, const uint32_t *n)
{
	uint64_t slots = p->calls.n;

	if (!slots || p->first >= slots || end >= slots || (n && *n > slots))
		return false;
	p->n = n ? *n : (end + slots - p->first) % slots;
	return true;
}

/* struct _pending_calls, pycore_interp.h, pycore_ceval_state.h. */
static bool pending_at(struct pl_view *v, const struct pl_layout *l, pl_addr at,
		       struct pl_pending *ret)
{
	const struct pl_fields *f = &l->f;
	uint64_t stride = pl_has(f->pendingcall_size) ? (uint64_t)f->pendingcall_size : 16;
	uint32_t n = 0;

	if (!pl_has(f->pending_calls) || !pl_has(f->pending_first) || !pl_has(f->pending_end) ||
	    !array_at(pl_layout_at(at, f->pending_calls), l->w.pending_calls, stride, &ret->calls))
		return false;
	ret->first = number_at(v, pl_layout_at(at, f->pending_first));
	if (pl_has(f->pending_n))
		n = number_at(v, pl_layout_at(at, f->pending_n));
	return close_ring(ret, number_at(v, pl_layout_at(at, f->pending_end)),
			  pl_has(f->pending_n) ? &n : NULL);
}

/* 2.7, 3.6: statics of Python/ceval.c. */
static bool pending_static(struct pl_image *im, struct pl_view *v, const struct pl_layout *l,
			   pl_addr interp, struct pl_pending *ret)
{
	struct pl_symbol first, end;

	if (!static_array(im, l, interp, "pendingcalls", 16, &ret->calls) ||
	    !pl_image_symbol(im, l->module, "pendingfirst", &first) ||
	    !pl_image_symbol(im, l->module, "pendinglast", &end))
		return false;
	ret->first = number_at(v, first.addr);
	return close_ring(ret, number_at(v, end.addr), NULL);
}

unsigned pl_layout_pending(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			   struct pl_pending ret[2])
{
	struct pl_view v;
	unsigned n = 0;

	pl_view_init(&v, im);
	if (pl_has(l->f.interp_pending))
		n += pending_at(&v, l, pl_layout_at(interp, l->f.interp_pending), &ret[n]);
	if (pl_has(l->f.runtime_pending) && l->runtime && interp == l->interp_head)
		n += pending_at(&v, l, pl_layout_at(l->runtime, l->f.runtime_pending), &ret[n]);
	if (!pl_has(l->f.interp_pending) && !pl_has(l->f.runtime_pending))
		n += pending_static(im, &v, l, interp, &ret[n]);
	return n;
}
