/*
 * starts.h - a set of ascending addresses that is made once and asked often.
 *
 * Where they lie close, a bit for each 16 bytes (8 where one needs it) from the first to the last,
 * and for each 512 bits how many come before: membership is one bit, position and place a few
 * steps. Where bits would take more room than the addresses themselves, those, and a binary search.
 * So a set takes no more than 8 bytes a member, whatever range they are strewn over. Read-only
 * once made: any number of threads may ask.
 */
#ifndef PL_HEAP_STARTS_H
#define PL_HEAP_STARTS_H

#include "base/base.h"

struct pl_starts {
	uint64_t n;      /* members */
	pl_addr lo;      /* the first of them */
	unsigned shift;  /* bytes for each bit, as a power of two */
	uint64_t n_bits; /* 0: at holds them */
	uint64_t *bits;
	uint32_t *rank; /* of each 512 bits: members before; one more for the end */
	pl_addr *at;
};

/* Make the set of n < 2^32 ascending addresses, each once; they are copied. */
void pl_starts_init(struct pl_starts *s, const pl_addr *at, size_t n);
void pl_starts_fini(struct pl_starts *s);
/* Bytes that it takes. */
uint64_t pl_starts_bytes(const struct pl_starts *s);
/* How many members are below addr. */
uint64_t pl_starts_below(const struct pl_starts *s, pl_addr addr);
/* Member number i, of those in ascending order; i < n. */
pl_addr pl_starts_nth(const struct pl_starts *s, uint64_t i);

static inline bool pl_starts_has(const struct pl_starts *s, pl_addr addr)
{
	uint64_t off = addr - s->lo, bit = off >> s->shift;
	uint64_t i;

	if (s->n_bits)
		return bit < s->n_bits && bit << s->shift == off &&
		       s->bits[bit / 64] >> (bit % 64) & 1;
	i = pl_starts_below(s, addr);
	return i < s->n && s->at[i] == addr;
}

#endif
