/*
 * heap.h - who owns which bytes: the allocators of a CPython process.
 *
 * Knows blocks, not objects: a block is a stretch that an allocator has handed out and not got
 * back. What lies in it (an object, a list's items, a C struct) is object/'s question. One
 * enumerator per allocator (pymalloc.c, mimalloc.c, malloc.c), which never include each other;
 * heap.c asks each for its regions. A free-threaded build's object heaps will be one more.
 */
#ifndef PL_HEAP_H
#define PL_HEAP_H

#include "base/base.h"
#include "base/ctx.h"
#include "image/image.h"
#include "layout/layout.h"

enum pl_region_kind {
	PL_REGION_PYMALLOC, /* one arena */
	PL_REGION_MIMALLOC, /* one segment */
	PL_REGION_MALLOC,   /* a row of glibc chunks: a part of the brk heap or of another heap */
	PL_REGION_MMAPPED,  /* one mmapped glibc chunk */
};

/* A stretch of the address space that one allocator manages; sorted by lo, disjoint. */
struct pl_region {
	pl_addr lo, hi;
	enum pl_region_kind kind;
	uint32_t owner;    /* pymalloc: index of the interpreter's obmalloc state; else 0 */
	uint32_t index;    /* of the enumerator: arena slot, segment number, malloc arena number */
	uint64_t max_live; /* no more live blocks than this */
};

/* Blocks of one size in a row; block i is at base + i * stride. Bytes are at hand as a whole. */
struct pl_run {
	pl_addr base;         /* of block 0, behind the debug hooks' prefix where hooked */
	const uint8_t *host;  /* bytes of base */
	uint32_t stride;      /* from a block to the next */
	uint32_t n;           /* blocks in the run */
	uint64_t usable;      /* bytes of each block that its owner may use */
	const uint64_t *live; /* n bits: block i is handed out; borrowed until fn returns */
	bool hooked; /* CPython's debug hooks: 16 bytes before a block tell size and domain */
};

/* What was wrong in the allocators' own data; all zero on a sound heap. */
struct pl_heap_tally {
	uint64_t bad_arenas, bad_pools, bad_chunks, bad_freelists, missing_bytes;
	/* Where, of each the lowest that is known, else 0. Of a free list the block whose link
	 * leads astray, or the pool or page that it is in. */
	pl_addr pool_at, chunk_at, freelist_at;
};
static inline void pl_heap_tally_at(pl_addr *lowest, pl_addr at)
{
	if (at && (!*lowest || at < *lowest))
		*lowest = at;
}

struct pl_heap;

/*
 * Find the regions of every allocator of the process. Never fails for what the core holds: an
 * allocator whose state cannot be found has no regions and a note says so. PL_E_CANCELLED or
 * PL_E_NOMEM otherwise.
 */
int pl_heap_new(struct pl_image *im, const struct pl_layout *l, struct pl_ctx *ctx,
		struct pl_heap **ret, struct pl_err *err);
void pl_heap_free(struct pl_heap *h);
const struct pl_region *pl_heap_regions(const struct pl_heap *h, size_t *n);
/* Number of the first region that does not end at or before addr, or how many there are. */
size_t pl_heap_region_from(const struct pl_heap *h, pl_addr addr);
/* The region that holds addr, or NULL. */
const struct pl_region *pl_heap_region(const struct pl_heap *h, pl_addr addr);

/*
 * Hand every run of a region with at least one live block to fn, in address order. Thread-safe for
 * different regions at once when each caller has its own tally. fn returns false to stop; then so
 * does this, returning false.
 */
typedef bool pl_run_fn(void *arg, const struct pl_run *run);
bool pl_heap_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn, void *arg,
		  struct pl_heap_tally *tally);

/* Which block an address lies in. */
enum pl_block_state {
	PL_BLOCK_LIVE,   /* handed out */
	PL_BLOCK_FREE,   /* given back */
	PL_BLOCK_NEVER,  /* in a pool or page, but never handed out yet */
	PL_BLOCK_HEADER, /* the allocator's own bytes */
};
struct pl_block {
	const struct pl_region *region;
	pl_addr base; /* as in struct pl_run */
	uint64_t usable;
	pl_addr pool; /* pymalloc pool, mimalloc page area or malloc chunk it is in */
	enum pl_block_state state;
};
bool pl_heap_find(const struct pl_heap *h, pl_addr addr, struct pl_block *ret);

/* Key figures for `info`, in a fixed order; text is static. */
struct pl_heap_stats {
	uint64_t arenas, pools, pool_blocks_live;   /* pymalloc, all states */
	uint64_t segments, pages, page_blocks_live; /* mimalloc */
	uint64_t malloc_arenas, chunks_live, chunks_mmapped;
	bool hooked; /* the debug hooks are on */
	/* how the arenas were found: "symbol", "interpreter", "search"; NULL: there are none */
	const char *pymalloc_source;
	/* likewise for glibc's arenas; "chunks": by what is in the brk heap alone */
	const char *malloc_source;
};
const struct pl_heap_stats *pl_heap_stats(const struct pl_heap *h);

#endif
