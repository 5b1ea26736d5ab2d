/* radix.c - see radix.h. Least significant byte first. */
#include "base/radix.h"

#include "base/mem.h"

#define OFTEN 65536 /* things between two looks at cancel */

static bool look(struct pl_ctx *ctx, size_t i)
{
	return i % OFTEN == 0 && pl_ctx_cancelled(ctx);
}

/* Move from[] into to[] in the order of one byte of the key; false after a cancel. */
static bool by_byte(const struct pl_keyed *from, struct pl_keyed *to, size_t n, unsigned shift,
		    struct pl_ctx *ctx)
{
	size_t at[256] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (look(ctx, i))
			return false;
		at[from[i].key >> shift & 0xff]++;
	}
	for (size_t i = 0; i < PL_ARRAY_LEN(at); i++) {
		size_t count = at[i];

		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++) {
		if (look(ctx, i))
			return false;
		to[at[from[i].key >> shift & 0xff]++] = from[i];
	}
	return true;
}

int pl_radix_sort(struct pl_keyed *at, size_t n, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_keyed *other, *from = at, *to;
	uint64_t differ = 0;
	bool whole = true;

	for (size_t i = 0; i < n; i++)
		differ |= at[i].key ^ at[0].key;
	if (!differ)
		return 0;
	to = other = pl_col_alloc(n, sizeof(*other));
	if (!other)
		return pl_err_set(err, PL_E_NOMEM, "no memory to sort %zu rows", n);
	for (unsigned shift = 0; shift < 64 && whole; shift += 8) {
		if (differ >> shift & 0xff) {
			struct pl_keyed *swap = from;

			whole = by_byte(from, to, n, shift, ctx);
			from = to;
			to = swap;
		}
	}
	if (from != at)
		memcpy(at, from, n * sizeof(*at));
	pl_col_free(other, n, sizeof(*other));
	return whole ? 0 : pl_ctx_cancel_err(err);
}
