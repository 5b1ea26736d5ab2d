/*
 * heap.c - all allocators as one: regions in address order, and who answers for which.
 *
 * Knows no allocator from inside. A place where two allocators claim the same memory can only be
 * damage (or a hostile core); the one that was found by the better evidence keeps it, which is the
 * order in which they are opened here.
 */
#include "heap/internal.h"

static int by_lo(const void *a, const void *b)
{
	const struct pl_region *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

size_t pl_heap_settle(struct pl_heap *h)
{
	size_t kept = 0, n = h->regions.n;
	struct pl_region *r = h->regions.at;

	if (n)
		qsort(r, n, sizeof(*r), by_lo);
	for (size_t i = 0; i < n; i++) {
		if (r[i].hi <= r[i].lo)
			continue;
		if (!kept || r[i].lo >= r[kept - 1].hi)
			r[kept++] = r[i];
		else if (r[i].kind < r[kept - 1].kind) /* the later of the two was opened first */
			r[kept - 1] = r[i];
	}
	h->regions.n = kept;
	return n - kept;
}

pl_addr pl_heap_next_at_hand(const struct pl_image *im, pl_addr at, pl_addr end)
{
	size_t n, lo = 0, hi;
	const struct pl_span *s = pl_image_spans(im, &n);

	for (hi = n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (s[mid].hi <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == n || s[lo].lo >= end ? end : PL_MAX(at, s[lo].lo);
}

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
	*ret = h;
	return 0;
}

void pl_heap_free(struct pl_heap *h)
{
	if (!h)
		return;
	pl_heap_glibc_close(h);
	pl_heap_mimalloc_close(h);
	pl_heap_pymalloc_close(h);
	pl_vec_free(&h->regions);
	free(h);
}

const struct pl_region *pl_heap_regions(const struct pl_heap *h, size_t *n)
{
	*n = h->regions.n;
	return h->regions.at;
}

const struct pl_region *pl_heap_region(const struct pl_heap *h, pl_addr addr)
{
	size_t lo = 0, hi = h->regions.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct pl_region *r = &h->regions.at[mid];

		if (addr < r->lo)
			hi = mid;
		else if (addr >= r->hi)
			lo = mid + 1;
		else
			return r;
	}
	return NULL;
}

bool pl_heap_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn, void *arg,
		  struct pl_heap_tally *tally)
{
	switch (r->kind) {
	case PL_REGION_PYMALLOC:
		return pl_heap_pymalloc_walk(h, r, fn, arg, tally);
	case PL_REGION_MIMALLOC:
		return pl_heap_mimalloc_walk(h, r, fn, arg, tally);
	case PL_REGION_MALLOC:
	case PL_REGION_MMAPPED:
		return pl_heap_glibc_walk(h, r, fn, arg, tally);
	}
	return true;
}

bool pl_heap_find(const struct pl_heap *h, pl_addr addr, struct pl_block *ret)
{
	const struct pl_region *r = pl_heap_region(h, addr);

	if (!r)
		return false;
	switch (r->kind) {
	case PL_REGION_PYMALLOC:
		return pl_heap_pymalloc_find(h, r, addr, ret);
	case PL_REGION_MIMALLOC:
		return pl_heap_mimalloc_find(h, r, addr, ret);
	case PL_REGION_MALLOC:
	case PL_REGION_MMAPPED:
		return pl_heap_glibc_find(h, r, addr, ret);
	}
	return false;
}

const struct pl_heap_stats *pl_heap_stats(const struct pl_heap *h)
{
	return &h->stats;
}
