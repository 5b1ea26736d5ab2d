/*
 * internal.h - what the files of heap/ share; nobody else includes it.
 *
 * An enumerator is one allocator: it finds its regions once (open), then answers for a region
 * (walk, find) from the core's bytes alone, which are read-only, so any number of threads may ask.
 * What it must remember between the two it keeps behind its own pointer in struct pl_heap.
 */
#ifndef PL_HEAP_INTERNAL_H
#define PL_HEAP_INTERNAL_H

#include "base/mem.h"
#include "base/bits.h"
#include "heap/heap.h"
#include "heap/starts.h"
#include "layout/facts.h"

struct pl_pymalloc;
struct pl_mimalloc;
struct pl_glibc;
struct pl_heap_index;

struct pl_heap {
	struct pl_image *im;
	const struct pl_layout *l;
	PL_VEC(struct pl_region) regions; /* sorted and disjoint after pl_heap_settle() */
	struct pl_heap_stats stats;
	struct pl_pymalloc *pymalloc; /* NULL: no pools were found */
	struct pl_mimalloc *mimalloc; /* NULL: no segments were found */
	struct pl_glibc *glibc;       /* NULL: no chunks were found */
	struct pl_heap_index *index;
};

/* ---- regions.c ---- */

/* Sort the regions; of two that overlap the first one opened stays. Returns how many went. */
size_t pl_heap_settle(struct pl_heap *h);

/* ---- index.c ---- */

/* What the index keeps of a region. */
struct pl_region_index {
	struct pl_starts starts; /* of its live blocks */
	uint16_t *slices;        /* pl_heap_mimalloc_slices(), else NULL */
};
struct pl_heap_index {
	_Atomic(struct pl_region_index *) *of; /* of each region, NULL until it is asked for */
	_Atomic uint64_t bytes;                /* that they take; never more than most */
	uint64_t most;
	uint64_t *first; /* of each region: blocks before it, and all; NULL until numbered */
};
/* Once the regions are settled for good; freed before they are. */
void pl_heap_index_new(struct pl_heap *h);
void pl_heap_index_free(struct pl_heap *h);

/* ---- dispatch.c: as pl_heap_find() and pl_heap_block_at(), of a region whose index is made ----
 */

bool pl_heap_find_in(const struct pl_heap *h, const struct pl_region *r,
		     const struct pl_region_index *x, pl_addr addr, struct pl_block *ret);
/* A live block is known to start at addr. */
bool pl_heap_block_in(const struct pl_heap *h, const struct pl_region *r,
		      const struct pl_region_index *x, pl_addr addr, struct pl_block *ret);

/* ---- the enumerators ---- */

/*
 * The open functions add regions to h and fill their part of h->stats. 0, PL_E_CANCELLED or
 * PL_E_NOMEM. The close functions take NULL states too. walk and find are those of heap.h for one
 * region of the enumerator's own; block is told where a live block starts, and says the rest. The
 * index that the two get is that region's.
 */
int pl_heap_pymalloc_open(struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err);
void pl_heap_pymalloc_close(struct pl_heap *h);
bool pl_heap_pymalloc_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn,
			   void *arg, struct pl_heap_tally *tally);
bool pl_heap_pymalloc_find(const struct pl_heap *h, const struct pl_region *r, pl_addr addr,
			   struct pl_block *ret);
bool pl_heap_pymalloc_block(const struct pl_heap *h, const struct pl_region *r, pl_addr addr,
			    struct pl_block *ret);

int pl_heap_mimalloc_open(struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err);
void pl_heap_mimalloc_close(struct pl_heap *h);
bool pl_heap_mimalloc_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn,
			   void *arg, struct pl_heap_tally *tally);
bool pl_heap_mimalloc_find(const struct pl_heap *h, const struct pl_region *r,
			   const struct pl_region_index *x, pl_addr addr, struct pl_block *ret);
bool pl_heap_mimalloc_block(const struct pl_heap *h, const struct pl_region *r,
			    const struct pl_region_index *x, pl_addr addr, struct pl_block *ret);
/* For each slice the one that its page or free span starts at; to be freed. */
enum { PL_MIMALLOC_SLICES = 512 };
uint16_t *pl_heap_mimalloc_slices(const struct pl_heap *h, const struct pl_region *r);

/* Comes last: mmapped chunks are looked for only where no other allocator was found. */
int pl_heap_glibc_open(struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err);
void pl_heap_glibc_close(struct pl_heap *h);
bool pl_heap_glibc_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn,
			void *arg, struct pl_heap_tally *tally);
bool pl_heap_glibc_find(const struct pl_heap *h, const struct pl_region *r,
			const struct pl_region_index *x, pl_addr addr, struct pl_block *ret);
bool pl_heap_glibc_block(const struct pl_heap *h, const struct pl_region *r, pl_addr addr,
			 struct pl_block *ret);

/* ---- arenas.c: where pymalloc keeps its arena_object records ---- */

/* One obmalloc state: an array of n arena_object records, all of it at hand. */
struct pl_arena_table {
	pl_addr at;
	uint32_t n;
};
struct pl_arena_tables {
	PL_VEC(struct pl_arena_table) v;
	const char *source; /* as pl_heap_stats.pymalloc_source */
};
/* An arena_object record that passed its checks. */
struct pl_arena_record {
	pl_addr lo, hi;    /* the whole arena */
	pl_addr base, end; /* its pools */
	pl_addr carved;    /* the first pool that was never used, or end */
	pl_addr freepools; /* chain of emptied pools, not checked */
	uint32_t nfree;    /* emptied plus never used pools, by the record */
};
enum pl_arena_state { PL_ARENA_USED, PL_ARENA_UNUSED, PL_ARENA_BAD };
/* Read record i of a table; *ret is set for PL_ARENA_USED only. */
enum pl_arena_state pl_heap_arena_record(const struct pl_heap *h, pl_addr table, uint32_t i,
					 struct pl_arena_record *ret);
/* Find the tables of all interpreters, each once; none is no error. */
void pl_heap_arena_tables(const struct pl_heap *h, struct pl_ctx *ctx, struct pl_arena_tables *ret);
/*
 * The search that needs no symbol and no interpreter struct: the table that the arena indices in
 * the pools of gc objects point into. False when there is none.
 */
bool pl_heap_arena_search(const struct pl_heap *h, struct pl_ctx *ctx, struct pl_arena_table *ret);

/* ---- pool.c ---- */

/* A pool_header (Objects/obmalloc.c, the same from 2.7 to 3.15). */
struct pl_pool {
	pl_addr at;
	pl_addr freeblock; /* first of the chain of blocks given back, not checked */
	uint32_t ref;      /* blocks handed out, by the header */
	uint32_t arenaindex;
	uint32_t block; /* bytes of a block */
	uint32_t n;     /* blocks below nextoffset: ever put into use */
	bool sane;      /* nextoffset lies on a block boundary and ref <= n */
};
/* Parse the header of the pool at address at; false when its size class is impossible. */
bool pl_heap_pool(const struct pl_layout *l, const uint8_t *host, pl_addr at, struct pl_pool *ret);

/* ---- hooks.c: CPython's debug hooks (PYTHONMALLOC=debug and the like) ---- */

/*
 * True when the room bytes at p, a block of an allocator, were handed out through the hooks;
 * *request is then what was asked for, *suffix how many bytes behind it are the hooks' (8 or 16).
 */
bool pl_heap_hooked(const uint8_t *p, uint64_t room, uint64_t *request);
/*
 * Counts hooked and plain blocks among those of a region's runs (taken as plain), at most max of
 * both. A pl_run_fn.
 */
struct pl_hook_vote {
	uint32_t hooked, plain, max;
};
bool pl_heap_hook_vote(void *arg, const struct pl_run *run);

/* Bytes at hand from addr on; *host is where, NULL when the answer is 0. */
static inline uint64_t pl_heap_at_hand(const struct pl_image *im, pl_addr addr,
				       const uint8_t **host)
{
	const struct pl_span *s = pl_image_span(im, addr);

	*host = s ? s->host + (addr - s->lo) : NULL;
	if (!s)
		return 0;
	return s->hi - addr;
}
/* The first address from at on whose byte is at hand, or end if none is before it. */
pl_addr pl_heap_next_at_hand(const struct pl_image *im, pl_addr at, pl_addr end);

#endif
