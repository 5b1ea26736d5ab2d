/*
 * addrset.h - a set of 8-aligned addresses as bitmaps, with rank.
 *
 * One bit per 8 bytes, in chunks of one MiB of address space that are made when first touched, so a
 * set over a sparse 47-bit space costs 1/64 of the memory its members spread over. With
 * pl_addrset_rank_build() the position of a member among all members is found in constant time.
 * Not locked: one writer, or several readers; but see pl_addrset_reserve(). Members lie in memory
 * that the core has: how far that may be scattered image/spans.c bounds.
 */
#ifndef PL_ADDRSET_H
#define PL_ADDRSET_H

#include "base/base.h"

#define PL_ADDRSET_SHIFT 20 /* bytes of address space in a chunk, as a power of two */
#define PL_ADDRSET_WORDS ((1u << (PL_ADDRSET_SHIFT - 3)) / 64)

struct pl_addrset_chunk {
	uint64_t key;   /* addr >> PL_ADDRSET_SHIFT */
	uint64_t base;  /* members in all chunks before this one, after rank_build */
	uint32_t *rank; /* members in the words before each word; NULL until built */
	uint64_t bits[PL_ADDRSET_WORDS];
};

struct pl_addrset {
	struct pl_addrset_chunk **slot;   /* open addressing by key; cap is a power of two */
	struct pl_addrset_chunk **sorted; /* by key, after pl_addrset_sort() */
	size_t n_chunks, cap;
	uint64_t n;                    /* members */
	struct pl_addrset_chunk *last; /* the one touched last by a writer */
};

void pl_addrset_init(struct pl_addrset *s);
void pl_addrset_fini(struct pl_addrset *s);
/* Add addr (rounded down to 8); false when it was a member already. */
bool pl_addrset_add(struct pl_addrset *s, pl_addr addr);
/*
 * Make room for so many chunks; from then on pl_addrset_add_shared() may be called by several
 * threads at once, as long as no more chunks are touched.
 */
void pl_addrset_reserve(struct pl_addrset *s, size_t n_chunks);
/*
 * As pl_addrset_add(), for several threads; false also when the reserved room is used up. The
 * caller counts: n is brought up to date by pl_addrset_recount() when all are done.
 */
bool pl_addrset_add_shared(struct pl_addrset *s, pl_addr addr);
void pl_addrset_recount(struct pl_addrset *s);
/* Take addr out; false when it was none. */
bool pl_addrset_remove(struct pl_addrset *s, pl_addr addr);
/* The chunk of an address, or NULL: readers that walk in address order keep it. */
const struct pl_addrset_chunk *pl_addrset_chunk(const struct pl_addrset *s, pl_addr addr);
static inline bool pl_addrset_chunk_has(const struct pl_addrset_chunk *c, pl_addr addr)
{
	unsigned bit = (unsigned)(addr >> 3) & ((1u << (PL_ADDRSET_SHIFT - 3)) - 1);

	return c->bits[bit / 64] >> (bit % 64) & 1;
}
static inline bool pl_addrset_has(const struct pl_addrset *s, pl_addr addr)
{
	const struct pl_addrset_chunk *c = pl_addrset_chunk(s, addr);

	return c && pl_addrset_chunk_has(c, addr);
}
/* Order the chunks; needed once, after the last add, before pl_addrset_next() and rank_build(). */
void pl_addrset_sort(struct pl_addrset *s);
/* The first member >= addr, or UINT64_MAX. */
pl_addr pl_addrset_next(const struct pl_addrset *s, pl_addr addr);
/* Prepare pl_addrset_rank(). */
void pl_addrset_rank_build(struct pl_addrset *s);
/* How many members are smaller than addr, when addr is a member; UINT64_MAX when it is none. */
uint64_t pl_addrset_rank(const struct pl_addrset *s, pl_addr addr);

#endif
