/*
 * dead.c - objects on the interpreters' freelists: the allocator believes they live, Python does
 * not.
 */
#include "object/list/listing.h"

#define MAX_FREELIST 100000 /* entries; CPython's limits are below 4096 per list */

static bool next_of(struct pl_view *v, const struct pl_layout *l, const struct pl_freelist *f,
		    pl_addr at, pl_addr *next)
{
	int32_t link = f->kind == PL_FREELIST_CHAIN_TYPE ? l->f.object_type
		       : f->kind == PL_FREELIST_CHAIN_AT ? f->link_offset
							 : 0;

	return pl_read64(v, at + (uint64_t)(int64_t)link, next);
}

static void collect(struct pl_objects *o, struct pl_view *v, const struct pl_freelist *f)
{
	uint64_t n = PL_MIN(f->count, (uint64_t)MAX_FREELIST);
	pl_addr at;

	if (!f->objects)
		return;
	if (f->kind == PL_FREELIST_ARRAY) {
		/*
		 * Behind the last dead one an array has stale pointers to what lives again, and a
		 * count taken for another list's (both are static and have no names when stripped)
		 * would reach there: what an array holds has a refcount of 0.
		 */
		for (uint64_t i = 0; i < n; i++) {
			uint64_t refcnt;

			if (pl_read64(v, f->where + 8 * i, &at) && at &&
			    pl_read64(v, at + (uint64_t)o->l->f.object_refcnt, &refcnt) && !refcnt)
				pl_addrset_add(&o->priv->dead, at);
		}
		return;
	}
	if (!pl_read64(v, f->where, &at))
		return;
	/* A chain that is longer than its count says, or that comes back to itself, is cut. */
	for (uint64_t i = 0; i < n && at; i++) {
		if (!pl_at(v, at, 16) || !pl_addrset_add(&o->priv->dead, at) ||
		    !next_of(v, o->l, f, at, &at))
			break;
	}
}

void pl_dead_collect(struct pl_objects *o)
{
	struct pl_view v;

	pl_view_init(&v, o->im);
	for (size_t i = 0; i < o->n_interps; i++) {
		struct pl_freelist *lists = NULL;
		size_t n = pl_layout_freelists(o->im, o->l, o->interps[i].addr, &lists);

		for (size_t k = 0; k < n; k++)
			collect(o, &v, &lists[k]);
		free(lists);
	}
	o->tally.on_freelists = o->priv->dead.n;
}
