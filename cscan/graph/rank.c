/*
 * rank.c - putting nodes in the order of their roots' ranks.
 */
#include "graph/internal.h"

#include "base/mem.h"

/* Move from[] into to[] in the order of one byte of the rank; false when all have the same one. */
static bool by_byte(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
	size_t at[256] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i] >> shift & 0xff]++;
	if (at[from[0] >> shift & 0xff] == n)
		return false;
	for (size_t i = 0; i < PL_ARRAY_LEN(at); i++) {
		size_t count = at[i];

		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i] >> shift & 0xff]++] = from[i];
	return true;
}

int pl_graph_sort_ranked(uint64_t *ranked, size_t n, struct pl_err *err)
{
	uint64_t *other, *from = ranked, *to;

	if (n < 2)
		return 0;
	to = other = pl_col_alloc(n, sizeof(*other));
	if (!other)
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for %zu roots", n);
	for (unsigned shift = 32; shift < 64; shift += 8) {
		if (by_byte(from, to, n, shift)) {
			uint64_t *swap = from;

			from = to;
			to = swap;
		}
	}
	if (from != ranked)
		memcpy(ranked, from, n * sizeof(*ranked));
	pl_col_free(other, n, sizeof(*other));
	return 0;
}
