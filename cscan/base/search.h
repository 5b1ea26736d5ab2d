/*
 * search.h - the place of a key in what is sorted.
 *
 * Knows neither the order nor the type of the keys: who searches writes down the comparison, so
 * that it is compiled into the loop as a search by hand would be.
 */
#ifndef PL_SEARCH_H
#define PL_SEARCH_H

#include "base/base.h"

/*
 * The first k of 0 .. n - 1 for which `below`, an expression in k, is false, or n. It must be true
 * for all k before that one and false for all behind:
 *
 *	i = PL_LOWER_BOUND(n, k, at[k].key < key);	the first that is not below key
 *	i = PL_LOWER_BOUND(n, k, at[k].key <= key);	the first above key
 */
#define PL_LOWER_BOUND(n, k, below)                                             \
	({                                                                      \
		size_t k##_first = 0, k##_end = (n);                            \
                                                                                \
		while (k##_first < k##_end) {                                   \
			const size_t k = k##_first + (k##_end - k##_first) / 2; \
                                                                                \
			if (below)                                              \
				k##_first = k + 1;                              \
			else                                                    \
				k##_end = k;                                    \
		}                                                               \
		k##_first;                                                      \
	})

/*
 * Index of the [lo, hi) that holds addr among n sorted, disjoint structs of size bytes that start
 * with pl_addr lo, hi; n when there is none.
 */
static inline size_t pl_find_range(const void *at, size_t n, size_t size, pl_addr addr)
{
	const char *p = at;
	size_t i = PL_LOWER_BOUND(n, k, pl_ld64(p + k * size + sizeof(pl_addr)) <= addr);

	return i < n && addr >= pl_ld64(p + i * size) ? i : n;
}

#endif
