/*
 * gclist.c - see gclist.h. Facts: Include/internal/pycore_gc.h and Modules/gcmodule.c (Python/gc.c
 * from 3.13) of each version.
 */
#include "object/list/gclist.h"

#include <limits.h>

#include "base/mem.h"
#include "base/parallel.h"

#define TAG_BITS UINT64_C(3) /* flags in the low bits of _gc_next and _gc_prev, 3.8+ */
#define PREV_FINALIZED UINT64_C(1)
#define PREV_COLLECTING UINT64_C(2)
#define CANCEL_EVERY 65536 /* nodes between two looks at the cancel flag */

/* 2.7 (Include/objimpl.h, _PyGC_REFS_*), stored plain; 3.4-3.7 shifted left by one over
 * `finalized`. */
enum { REFS_UNTRACKED = -2, REFS_REACHABLE = -3, REFS_TENTATIVELY_UNREACHABLE = -4 };

enum pl_gc_state pl_gc_head_state(const struct pl_layout *l, const uint8_t *head, bool collecting,
				  bool *finalized)
{
	uint64_t next = pl_ld64(head + l->f.gc_head_next);
	uint64_t prev = pl_ld64(head + l->f.gc_head_prev);
	int64_t refs;

	*finalized = false;
	if (l->gc_style == PL_GC_LINKS || l->gc_style == PL_GC_INCREMENTAL) {
		*finalized = prev & PREV_FINALIZED;
		if (next)
			return next & 4 || next < PL_ADDRESS_LEAST || prev < PL_ADDRESS_LEAST
				       ? PL_GC_NONSENSE
				       : PL_GC_TRACKED;
		return prev & ~TAG_BITS && !collecting ? PL_GC_NONSENSE : PL_GC_UNTRACKED;
	}
	refs = (int64_t)pl_ld64(head + l->f.gc_head_refs);
	if (l->gc_style == PL_GC_REFS34) {
		*finalized = refs & 1;
		refs >>= 1;
	}
	if (refs == REFS_UNTRACKED)
		return PL_GC_UNTRACKED;
	if (refs == REFS_REACHABLE || refs == REFS_TENTATIVELY_UNREACHABLE ||
	    (collecting && refs >= 0))
		return next && prev ? PL_GC_TRACKED : PL_GC_NONSENSE;
	return PL_GC_NONSENSE;
}

/* One list; both ends add to the same sets. */
struct walk {
	struct pl_addrset *small; /* or NULL for the big list */
	pl_addr head;
	pl_addr end[2]; /* where the walk forward and the walk backward stopped */
	uint64_t taken[2], bad[2];
	uint64_t *count; /* of the list, in pl_gclists.counts */
};

struct walks {
	struct pl_image *im;
	const struct pl_layout *l;
	struct pl_ctx *ctx;
	struct pl_gclists *g;
	bool collecting;
	PL_VEC(struct walk) at;
};

/* Add a node's object; false when it was there: the walk has met the other one, itself, or another
 * list. */
static bool take(struct walks *all, struct walk *w, pl_addr node)
{
	pl_addr object = node + (uint64_t)all->l->f.gc_head_size;

	if (!pl_addrset_add_shared(&all->g->listed, object))
		return false;
	if (w->small)
		pl_addrset_add_shared(w->small, object);
	return true;
}

/*
 * One walk, along the links at `link`; those at `back` must say the same in the other direction,
 * unless they hold reference counts (a collection is on).
 */
static void walk_one_way(struct walks *all, struct walk *w, bool backward)
{
	const struct pl_fields *f = &all->l->f;
	int32_t link = backward ? f->gc_head_prev : f->gc_head_next;
	int32_t back = backward ? f->gc_head_next : f->gc_head_prev;
	uint64_t bytes = (uint64_t)f->gc_head_size, n = 0;
	pl_addr at = w->head, next;
	const uint8_t *here, *there;
	struct pl_view v;

	pl_view_init(&v, all->im);
	here = pl_at(&v, at, bytes);
	for (;;) {
		next = pl_ld64(here + link) & ~TAG_BITS;
		if (next == w->head) {
			at = next;
			break;
		}
		there = next & 7 ? NULL : pl_at(&v, next, bytes);
		/* A node that can be read is still the best guess of what comes next. */
		if (!there || (!all->collecting && (pl_ld64(there + back) & ~TAG_BITS) != at))
			w->bad[backward]++;
		if (!there)
			break;
		at = next;
		here = there;
		if (!take(all, w, next))
			break;
		if (++n % CANCEL_EVERY == 0 && pl_ctx_cancelled(all->ctx))
			break;
	}
	w->end[backward] = at;
	w->taken[backward] = n;
}

static void walk_item(void *arg, unsigned worker, size_t item)
{
	struct walks *all = arg;

	(void)worker;
	for (size_t i = 0; i < all->at.n && !pl_ctx_cancelled(all->ctx); i++)
		walk_one_way(all, &all->at.at[i], item == 1);
}

/*
 * Closed: a walk came back to the head, or each stopped at the other's last node; then the two
 * stand side by side in the wrong order.
 */
static bool closed(const struct walks *all, const struct walk *w, struct pl_view *v)
{
	uint64_t before = 0;

	if (w->end[0] == w->head)
		return true;
	if (all->collecting)
		return false;
	return w->end[1] == w->head ||
	       (pl_read64(v, w->end[0] + (uint64_t)all->l->f.gc_head_prev, &before) &&
		(before & ~TAG_BITS) == w->end[1]);
}

static void add_lists(struct walks *all, struct pl_view *v, const struct pl_interp *interp,
		      uint64_t *counts)
{
	struct pl_gclists *g = all->g;
	struct pl_gc_list lists[4];

	g->n_lists = pl_layout_gc_lists(all->l, interp->addr, lists);
	g->permanent = g->n_lists > 3 ? 3 : UINT_MAX;
	for (unsigned k = 0; k < g->n_lists; k++) {
		struct walk w = {.small = k == g->big ? NULL : &g->small[k],
				 .head = lists[k].head,
				 .count = &counts[k]};

		if (w.head && pl_at(v, w.head, (uint64_t)all->l->f.gc_head_size))
			pl_vec_push(&all->at, w);
		else
			g->broken++;
	}
}

/* Room for every chunk that holds readable memory: more can no node lie in. */
static void reserve(struct pl_image *im, struct pl_gclists *g)
{
	size_t n, chunks = 0;
	const struct pl_span *spans = pl_image_spans(im, &n);
	uint64_t last = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		uint64_t lo = spans[i].lo >> PL_ADDRSET_SHIFT, hi = spans[i].hi >> PL_ADDRSET_SHIFT;

		chunks += (size_t)(hi - lo + (lo != last));
		last = hi;
	}
	pl_addrset_reserve(&g->listed, chunks);
	for (size_t k = 0; k < PL_ARRAY_LEN(g->small); k++)
		pl_addrset_reserve(&g->small[k], k == g->big ? 0 : chunks);
}

int pl_gclists_walk(struct pl_image *im, const struct pl_layout *l, const struct pl_interp *interps,
		    size_t n_interps, bool collecting, struct pl_ctx *ctx, struct pl_gclists *ret,
		    struct pl_err *err)
{
	struct pl_gclists *g = ret;
	struct walks all = {.im = im, .l = l, .ctx = ctx, .g = g, .collecting = collecting};
	pl_addr last_state = 0;
	struct pl_view v;
	int rc;

	memset(g, 0, sizeof(*g));
	g->permanent = UINT_MAX;
	g->big = l->gc_style == PL_GC_INCREMENTAL ? 1 : 2;
	g->counts = pl_calloc(n_interps + 1, sizeof(*g->counts));
	pl_view_init(&v, im);
	for (size_t i = 0; i < n_interps; i++) {
		/* Up to 3.8 all interpreters share one collector. */
		if (!interps[i].gc_state || interps[i].gc_state == last_state)
			continue;
		last_state = interps[i].gc_state;
		add_lists(&all, &v, &interps[i], g->counts[i]);
	}
	reserve(im, g);
	rc = pl_parallel(ctx, collecting ? 1 : 2, walk_item, &all, err);
	for (size_t i = 0; i < all.at.n; i++) {
		struct walk *w = &all.at.at[i];

		*w->count = w->taken[0] + w->taken[1];
		g->bad_nodes += w->bad[0] + w->bad[1];
		g->broken += !closed(&all, w, &v);
	}
	pl_addrset_recount(&g->listed);
	for (size_t k = 0; k < PL_ARRAY_LEN(g->small); k++)
		pl_addrset_recount(&g->small[k]);
	pl_vec_free(&all.at);
	return rc;
}

void pl_gclists_fini(struct pl_gclists *g)
{
	free(g->counts);
	pl_addrset_fini(&g->listed);
	for (size_t i = 0; i < PL_ARRAY_LEN(g->small); i++)
		pl_addrset_fini(&g->small[i]);
}
