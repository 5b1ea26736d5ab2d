/*
 * glibc_mmapped.c - chunks of glibc's malloc that are mappings of their own.
 *
 * malloc/malloc.c, sysmalloc_mmap: a chunk over the mmap threshold starts a mapping and takes all
 * of it. The kernel joins neighbours, so that a mapping of the core may hold several, and other
 * things before and between them. They are looked for first where a mapping starts and where
 * something known ends, then on every page; how many bytes they take in all is in malloc_par
 * (mp_.mmapped_mem), and when they are found the search is over: a core may hold gigabytes of
 * reserved, never used pages, which are slow to read.
 */
#include "heap/glibc.h"

enum { CANCEL_EACH = 16 << 20 /* bytes of a mapping */ };

/*
 * Up to 2.42 the size counts the whole mapping; from 2.43 on without the 16 bytes at its end that
 * make it like any other chunk, and bit 0 of prev_size means huge pages.
 */
uint64_t pl_glibc_mmapped(const uint8_t *p, uint64_t *usable)
{
	uint64_t prev = pl_ld64(p), raw = pl_ld64(p + 8), size = raw & ~(uint64_t)PL_CHUNK_FLAGS;

	if ((raw & PL_CHUNK_FLAGS) != PL_CHUNK_MMAPPED || prev > 1 ||
	    size < PL_PAGE - PL_CHUNK_HEADER || size > INT64_MAX)
		return 0;
	if (!prev && size % PL_PAGE == 0) {
		*usable = size - PL_CHUNK_HEADER;
		return size;
	}
	if (size % PL_PAGE == PL_PAGE - PL_CHUNK_HEADER) {
		*usable = size - PL_CHUNK_OVERHEAD;
		return size + PL_CHUNK_HEADER;
	}
	return 0;
}

struct search {
	struct pl_heap *h;
	size_t n_known,
		next;   /* regions to step over; the first that does not end before the address */
	uint64_t found; /* bytes of the chunks */
};

/* Go through a mapping: page by page, or only from its start and from where known things end. */
static void search_mapping(struct search *q, const struct pl_mapping *m, bool each_page,
			   struct pl_ctx *ctx)
{
	struct pl_heap *h = q->h;
	pl_addr at = m->lo;
	uint64_t size, usable;
	const uint8_t *p;

	while ((at = pl_round_up(pl_heap_next_at_hand(h->im, at, m->hi), PL_PAGE)) < m->hi) {
		const struct pl_region *r = h->regions.at + q->next;

		if (q->next < q->n_known && r->hi <= at) {
			q->next++;
			continue;
		}
		if (q->next < q->n_known && r->lo <= at) {
			at = r->hi;
			continue;
		}
		size = pl_heap_at_hand(h->im, at, &p) < PL_CHUNK_HEADER
			       ? 0
			       : pl_glibc_mmapped(p, &usable);
		if (size && size <= m->hi - at && (q->next == q->n_known || size <= r->lo - at)) {
			pl_vec_push(&h->regions, (struct pl_region){
							 .lo = at,
							 .hi = at + size,
							 .kind = PL_REGION_MMAPPED,
							 .max_live = 1,
						 });
			q->found += size;
			h->stats.chunks_mmapped++;
			at += size;
		} else if (each_page) {
			at += PL_PAGE;
		} else if (q->next < q->n_known && r->lo < m->hi) {
			at = r->hi;
		} else {
			return;
		}
		if (at % CANCEL_EACH == 0 && pl_ctx_cancelled(ctx))
			return;
	}
}

/* Returns the bytes of the chunks found; stops when found and they are as many as wanted. */
static uint64_t search_all(struct pl_heap *h, struct pl_ctx *ctx, bool each_page, uint64_t found,
			   uint64_t wanted)
{
	struct search q = {.h = h, .n_known = h->regions.n, .found = found};
	size_t n;
	const struct pl_mapping *m = pl_image_mappings(h->im, &n);

	for (size_t i = 0; i < n && q.found < wanted && !pl_ctx_cancelled(ctx); i++) {
		if (m[i].module < 0 && m[i].prot & PL_PROT_WRITE)
			search_mapping(&q, &m[i], each_page, ctx);
	}
	return q.found;
}

void pl_glibc_find_mmapped(struct pl_heap *h, struct pl_ctx *ctx)
{
	uint64_t found;

	if (!h->glibc->heaps.n && !h->glibc->arenas.at[0].at)
		return;
	/* a wrong count must not hide what is easily found */
	found = search_all(h, ctx, false, 0, UINT64_MAX);
	pl_heap_settle(h);
	search_all(h, ctx, true, found, h->glibc->mmapped);
}
