/*
 * regions.c - the regions of all allocators in address order, and which holds an address.
 *
 * Knows no allocator. A place where two of them claim the same memory can only be damage (or a
 * hostile core); the one that was opened first keeps it.
 */
#include "base/search.h"
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
	size_t n, i;
	const struct pl_span *s = pl_image_spans(im, &n);

	i = PL_LOWER_BOUND(n, k, s[k].hi <= at);
	return i == n || s[i].lo >= end ? end : PL_MAX(at, s[i].lo);
}

const struct pl_region *pl_heap_regions(const struct pl_heap *h, size_t *n)
{
	*n = h->regions.n;
	return h->regions.at;
}

size_t pl_heap_region_from(const struct pl_heap *h, pl_addr addr)
{
	return PL_LOWER_BOUND(h->regions.n, k, h->regions.at[k].hi <= addr);
}

const struct pl_region *pl_heap_region(const struct pl_heap *h, pl_addr addr)
{
	size_t i = pl_heap_region_from(h, addr);

	return i < h->regions.n && h->regions.at[i].lo <= addr ? &h->regions.at[i] : NULL;
}
