/*
 * gclist.c - see gclist.h. Facts: Include/internal/pycore_gc.h and Modules/gcmodule.c (Python/gc.c
 * from 3.13) of each version.
 */
#include "object/gclist.h"

#include <limits.h>

#include "base/mem.h"

#define TAG_BITS UINT64_C(3) /* flags in the low bits of _gc_next and _gc_prev, 3.8+ */
#define PREV_FINALIZED UINT64_C(1)
#define PREV_COLLECTING UINT64_C(2)
#define CANCEL_EVERY 65536 /* nodes between two looks at the cancel flag */

/* 2.7 (Include/objimpl.h, _PyGC_REFS_*), stored plain; 3.4-3.7 shifted left by one over `finalized`. */
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
			return next & ~TAG_BITS & 7 ? PL_GC_NONSENSE : PL_GC_TRACKED;
		return prev & ~TAG_BITS && !collecting ? PL_GC_NONSENSE : PL_GC_UNTRACKED;
	}
	refs = (int64_t)pl_ld64(head + l->f.gc_head_refs);
	if (l->gc_style == PL_GC_REFS34) {
		*finalized = refs & 1;
		refs >>= 1;
	}
	if (refs == REFS_UNTRACKED)
		return PL_GC_UNTRACKED;
	if (refs == REFS_REACHABLE || refs == REFS_TENTATIVELY_UNREACHABLE || (collecting && refs >= 0))
		return next && prev ? PL_GC_TRACKED : PL_GC_NONSENSE;
	return PL_GC_NONSENSE;
}

struct walk {
	const struct pl_layout *l;
	struct pl_gclists *g;
	struct pl_addrset *small; /* or NULL for the big list */
	pl_addr head;
	uint64_t node_bytes;
	bool collecting;
	uint64_t count; /* nodes taken */
};

/* Add a node's object; false when it was there, so the walk has met itself or another list. */
static bool take(struct walk *w, pl_addr node)
{
	pl_addr object = node + (uint64_t)w->l->f.gc_head_size;

	if (!pl_addrset_add(&w->g->listed, object))
		return false;
	if (w->small)
		pl_addrset_add(w->small, object);
	w->count++;
	return true;
}

/*
 * One step of an end: from *at along the link at `link`, checking that the link back at `back` says
 * the same. False at the end of this walk: *at is then the node that stopped it.
 */
static bool step(struct walk *w, struct pl_view *v, pl_addr *at, int32_t link, int32_t back,
		 bool check_back)
{
	const uint8_t *here = pl_at(v, *at, w->node_bytes);
	const uint8_t *there;
	pl_addr next;

	if (!here)
		return false;
	next = pl_ld64(here + link) & ~TAG_BITS;
	if (next == w->head) {
		*at = next;
		return false;
	}
	there = next & 7 ? NULL : pl_at(v, next, w->node_bytes);
	if (!there || (check_back && (pl_ld64(there + back) & ~TAG_BITS) != *at)) {
		w->g->bad_nodes++;
		/* A node that can be read is still the best guess of what comes next. */
		if (!there)
			return false;
	}
	*at = next;
	return take(w, next);
}

static int walk_list(struct walk *w, struct pl_image *im, struct pl_ctx *ctx, struct pl_err *err)
{
	int32_t next = w->l->f.gc_head_next, prev = w->l->f.gc_head_prev;
	struct pl_view fv, bv;
	pl_addr forward = w->head, backward = w->head;
	bool on_f = true, on_b = !w->collecting;
	uint64_t n = 0;

	pl_view_init(&fv, im);
	pl_view_init(&bv, im);
	while (on_f || on_b) {
		/* The links back hold reference counts during a collection: then only forward. */
		if (on_f)
			on_f = step(w, &fv, &forward, next, prev, !w->collecting);
		if (on_b)
			on_b = step(w, &bv, &backward, prev, next, true);
		if (++n % CANCEL_EVERY == 0) {
			if (pl_ctx_cancelled(ctx))
				return pl_ctx_cancel_err(err);
			pl_ctx_step(ctx, 2 * CANCEL_EVERY);
		}
	}
	/*
	 * Closed: the way forward came back to the head, or each end stopped at the other's last
	 * node; then the two stand side by side in the wrong order.
	 */
	if (forward != w->head) {
		uint64_t before = 0;

		if (backward == w->head || !pl_read64(&fv, forward + (uint64_t)prev, &before) ||
		    (before & ~TAG_BITS) != backward)
			w->g->broken++;
	}
	return 0;
}

int pl_gclists_walk(struct pl_image *im, const struct pl_layout *l, const struct pl_interp *interps,
		    size_t n_interps, bool collecting, struct pl_ctx *ctx, struct pl_gclists *ret,
		    struct pl_err *err)
{
	struct pl_gclists *g = ret;
	struct pl_view v;
	pl_addr last_state = 0;

	memset(g, 0, sizeof(*g));
	g->permanent = UINT_MAX;
	g->big = l->gc_style == PL_GC_INCREMENTAL ? 1 : 2;
	g->counts = pl_calloc(n_interps + 1, sizeof(*g->counts));
	pl_view_init(&v, im);
	for (size_t i = 0; i < n_interps; i++) {
		pl_addr state = interps[i].gc_state;
		struct pl_gc_list lists[4];

		/* Up to 3.8 all interpreters share one collector. */
		if (!state || state == last_state)
			continue;
		last_state = state;
		g->n_lists = pl_layout_gc_lists(l, interps[i].addr, lists);
		g->permanent = g->n_lists > 3 ? 3 : UINT_MAX;
		for (unsigned k = 0; k < g->n_lists; k++) {
			struct walk w = {l, g, k == g->big ? NULL : &g->small[k], lists[k].head,
					 (uint64_t)l->f.gc_head_size, collecting, 0};
			int rc;

			if (!w.head || !pl_at(&v, w.head, w.node_bytes)) {
				g->broken++;
				continue;
			}
			rc = walk_list(&w, im, ctx, err);
			g->counts[i][k] = w.count;
			if (rc)
				return rc;
		}
	}
	return 0;
}

void pl_gclists_fini(struct pl_gclists *g)
{
	free(g->counts);
	pl_addrset_fini(&g->listed);
	for (size_t i = 0; i < PL_ARRAY_LEN(g->small); i++)
		pl_addrset_fini(&g->small[i]);
}
