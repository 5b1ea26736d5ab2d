/*
 * heap.c - all allocators as one: opened in turn, closed together.
 *
 * Knows no allocator from inside. Where two claim the same memory the one that was found by the
 * better evidence keeps it, which is the order in which they are opened here (regions.c).
 */
#include "heap/internal.h"

static int open_all(struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err)
{
	size_t dropped;
	int r;

	pl_ctx_stage(ctx, "finding pymalloc's arenas", 0);
	r = pl_heap_pymalloc_open(h, ctx, err);
	if (!r) {
		pl_ctx_stage(ctx, "finding mimalloc's segments", 0);
		r = pl_heap_mimalloc_open(h, ctx, err);
	}
	dropped = pl_heap_settle(h);
	if (!r) {
		pl_ctx_stage(ctx, "reading malloc's chunks", 0);
		r = pl_heap_glibc_open(h, ctx, err);
	}
	dropped += pl_heap_settle(h);
	if (!r && dropped)
		pl_ctx_damage(ctx, "heaps-overlap",
			      "%zu memory regions of allocators overlap others", dropped);
	return r;
}

int pl_heap_new(struct pl_image *im, const struct pl_layout *l, struct pl_ctx *ctx,
		struct pl_heap **ret, struct pl_err *err)
{
	struct pl_heap *h = pl_calloc(1, sizeof(*h));
	int r;

	h->im = im;
	h->l = l;
	r = open_all(h, ctx, err);
	if (r) {
		pl_heap_free(h);
		return r;
	}
	pl_heap_index_new(h);
	*ret = h;
	return 0;
}

void pl_heap_free(struct pl_heap *h)
{
	if (!h)
		return;
	pl_heap_index_free(h);
	pl_heap_glibc_close(h);
	pl_heap_mimalloc_close(h);
	pl_heap_pymalloc_close(h);
	pl_vec_free(&h->regions);
	free(h);
}

const struct pl_heap_stats *pl_heap_stats(const struct pl_heap *h)
{
	return &h->stats;
}
