/*
 * bits.h - bitmaps: one bit for each of n things, in words of 64.
 */
#ifndef PL_BITS_H
#define PL_BITS_H

#include "base/base.h"
#include "base/mem.h"

/* A bitmap of n bits, none set, touched lazily; NULL when there is no memory for it. */
static inline uint64_t *pl_bits_new(size_t n)
{
	return pl_col_alloc(n / 64 + 1, sizeof(uint64_t));
}
static inline void pl_bits_free(uint64_t *bits, size_t n)
{
	if (bits)
		pl_col_free(bits, n / 64 + 1, sizeof(*bits));
}

static inline bool pl_bits_has(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}
static inline void pl_bits_set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << (i % 64);
}
static inline void pl_bits_clear(uint64_t *bits, size_t i)
{
	bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}
/* Set the first n; the rest of the last word is cleared. */
static inline void pl_bits_fill(uint64_t *bits, size_t n)
{
	memset(bits, 0xff, n / 64 * 8);
	if (n % 64)
		bits[n / 64] = (UINT64_C(1) << (n % 64)) - 1;
}
/* How many of the first n are set; those behind n must be clear. */
static inline size_t pl_bits_count(const uint64_t *bits, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < (n + 63) / 64; i++)
		sum += (size_t)__builtin_popcountll(bits[i]);
	return sum;
}

#endif
