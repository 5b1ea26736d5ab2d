/*
 * glibc.h - what the files about glibc's malloc share; nobody else includes it.
 *
 * Nothing here asks which glibc it is. What differs between versions is found from the memory and
 * proves itself there: where the bins are in a malloc_state (2.26 added a word, 2.43 dropped the
 * fastbins), how a tcache_perthread_struct is built, whether list links are mangled (2.32).
 */
#ifndef PL_HEAP_GLIBC_H
#define PL_HEAP_GLIBC_H

#include "heap/internal.h"

/* malloc/malloc.c: a chunk starts with {prev_size, size | flags}, then come the owner's bytes. */
enum {
	PL_CHUNK_HEADER = 16,
	PL_CHUNK_MIN = 32,
	PL_CHUNK_ALIGN = 16,
	PL_CHUNK_PREV_INUSE = 1,
	PL_CHUNK_MMAPPED = 2,
	PL_CHUNK_NON_MAIN = 4,
	PL_CHUNK_FLAGS = 7,
	/* what a chunk in a heap gives its owner: it may use the next one's prev_size */
	PL_CHUNK_OVERHEAD = 8,
};

/* A malloc_state. */
struct pl_glibc_arena {
	pl_addr at;
	pl_addr bins; /* its bins array, behind top and last_remainder */
	pl_addr top;
};

/* A stretch of chunks one behind the other. */
struct pl_glibc_heap {
	pl_addr lo, hi; /* with a heap_info and malloc_state at its start */
	pl_addr first;  /* chunk */
	pl_addr top;    /* the arena's top chunk when it lies here, else hi */
	uint32_t arena; /* index of its arena, 0 is the main one */
};

/* A piece of a heap that one thread may walk on its own: whole chunks in one span. */
struct pl_glibc_part {
	pl_addr lo, hi;     /* the region; hi is the next part's lo */
	pl_addr first, end; /* its chunks */
	uint32_t arena;
	bool last_in_use; /* of the chunk that ends at end */
	bool top_follows; /* [end, hi) was never handed out; else it is damaged or missing */
	uint32_t bad_chunks, bad_freelists;
	pl_addr chunk_at; /* the first bad one, 0 = none */
	uint64_t missing;
	uint64_t in_use; /* chunks that look handed out, dead ones included */
};

struct pl_glibc {
	const struct pl_image *im;
	/* 0 is the main one; its at is 0 when it was not found */
	PL_VEC(struct pl_glibc_arena) arenas;
	PL_VEC(struct pl_glibc_heap) heaps; /* by lo */
	PL_VEC(struct pl_glibc_part) parts; /* by lo */
	/* sorted: chunks that look handed out but lie on a free list or are glibc's own */
	PL_VEC(pl_addr) dead;
	uint64_t mmapped; /* mp_.mmapped_mem: bytes of all mmapped chunks, UINT64_MAX: unknown */
	/* links that may still be followed: every chunk is on one list at most, each read thrice */
	uint64_t links;
};

/* ---- glibc_arenas.c: where the arenas and heaps are ---- */

/* Find all arenas and heaps. Returns how (pl_heap_stats.malloc_source), NULL: there are none. */
const char *pl_glibc_find(struct pl_glibc *g, struct pl_image *im, struct pl_ctx *ctx);
/* main_arena by what it looks like, without a symbol. False when there is none. */
bool pl_glibc_search_main(const struct pl_image *im, struct pl_ctx *ctx,
			  struct pl_glibc_arena *ret);
/*
 * The size of the chunk at address at with its flags, as the header says; false when not at hand or
 * when no chunk of this heap can look like this.
 */
bool pl_glibc_chunk(struct pl_view *v, const struct pl_glibc_heap *heap, pl_addr at, uint64_t *raw);
/* Whether such a word ends a row of chunks (sysmalloc's fenceposts). */
bool pl_glibc_fence(uint64_t raw);
/* True when limit good chunks in a row start at at, or fewer that end at top or a fence. */
bool pl_glibc_chain(struct pl_view *v, const struct pl_glibc_heap *heap, pl_addr at,
		    unsigned limit);
/* The heap that addr lies in, or NULL. */
const struct pl_glibc_heap *pl_glibc_heap_at(const struct pl_glibc *g, pl_addr addr);

/* ---- glibc_mmapped.c: chunks that are mappings of their own ---- */

/*
 * Bytes of the mapping that a mmapped chunk takes whose header is at p, page-aligned in the
 * process; 0 when it is none. *usable gets its owner's share.
 */
uint64_t pl_glibc_mmapped(const uint8_t *p, uint64_t *usable);
/* Add the region of each mmapped chunk; those that h has already are sorted. */
void pl_glibc_find_mmapped(struct pl_heap *h, struct pl_ctx *ctx);

/* ---- glibc_free.c: chunks on lists that leave them looking handed out ---- */

/* Whether a chunk of this size may hold a tcache_perthread_struct of any known build. */
bool pl_glibc_tcache_size(uint64_t size);
/*
 * If the chunk is a tcache_perthread_struct, put it and all chunks on its lists into g->dead and
 * return true. first: the chunk is the first of its heap, where an empty tcache can be told from a
 * zeroed block of its owner. *bad counts lists that are broken.
 */
bool pl_glibc_tcache(struct pl_glibc *g, struct pl_view *v, pl_addr chunk, uint64_t size,
		     bool first, uint32_t *bad);
/* Put the chunks on the fastbins of an arena into g->dead. Returns how many lists are broken. */
uint32_t pl_glibc_fastbins(struct pl_glibc *g, const struct pl_glibc_arena *a);

#endif
