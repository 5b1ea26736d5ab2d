/* starts.c - see starts.h. */
#include "heap/starts.h"

#include "base/bits.h"
#include "base/search.h"

enum {
	RANK_WORDS = 8, /* of 64 bits, for each of which one rank is kept */
	RANK_BITS = 64 * RANK_WORDS,
	LEAST_SHIFT = 3,
	MOST_SHIFT = 4,
};

static uint64_t n_words(uint64_t n_bits)
{
	return (n_bits + 63) / 64;
}

static uint64_t n_ranks(uint64_t n_bits)
{
	return n_bits ? (n_bits + RANK_BITS - 1) / RANK_BITS + 1 : 0;
}

static uint64_t bits_bytes(uint64_t n_bits)
{
	return n_words(n_bits) * sizeof(uint64_t) + n_ranks(n_bits) * sizeof(uint32_t);
}

/* The widest grid that all lie on, or 0. */
static unsigned grid(const pl_addr *at, size_t n)
{
	pl_addr differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= at[i] - at[0];
	for (unsigned shift = MOST_SHIFT; shift >= LEAST_SHIFT; shift--) {
		if (!(differ & ((UINT64_C(1) << shift) - 1)))
			return shift;
	}
	return 0;
}

static void bits_set(struct pl_starts *s, const pl_addr *at)
{
	uint32_t n = 0;

	s->bits = pl_calloc(n_words(s->n_bits), sizeof(*s->bits));
	s->rank = pl_calloc(n_ranks(s->n_bits), sizeof(*s->rank));
	for (uint64_t i = 0; i < s->n; i++)
		pl_bits_set(s->bits, (at[i] - s->lo) >> s->shift);
	for (uint64_t w = 0; w < n_words(s->n_bits); w++) {
		if (w % RANK_WORDS == 0)
			s->rank[w / RANK_WORDS] = n;
		n += (uint32_t)__builtin_popcountll(s->bits[w]);
	}
	s->rank[n_ranks(s->n_bits) - 1] = n;
}

void pl_starts_init(struct pl_starts *s, const pl_addr *at, size_t n)
{
	*s = (struct pl_starts){.n = n};
	if (!n)
		return;
	s->lo = at[0];
	s->shift = grid(at, n);
	s->n_bits = s->shift ? ((at[n - 1] - at[0]) >> s->shift) + 1 : 0;
	if (s->n_bits && bits_bytes(s->n_bits) <= n * sizeof(*at)) {
		bits_set(s, at);
		return;
	}
	s->n_bits = 0;
	s->at = pl_malloc(n * sizeof(*at));
	memcpy(s->at, at, n * sizeof(*at));
}

void pl_starts_fini(struct pl_starts *s)
{
	free(s->bits);
	free(s->rank);
	free(s->at);
	memset(s, 0, sizeof(*s));
}

uint64_t pl_starts_bytes(const struct pl_starts *s)
{
	return s->n_bits ? bits_bytes(s->n_bits) : s->n * sizeof(*s->at);
}

uint64_t pl_starts_below(const struct pl_starts *s, pl_addr addr)
{
	uint64_t bit, sum;

	if (!s->n || addr <= s->lo)
		return 0;
	if (!s->n_bits)
		return PL_LOWER_BOUND(s->n, k, s->at[k] < addr);
	/* An address between two places of the grid counts what lies at the lower one. */
	bit = ((addr - s->lo - 1) >> s->shift) + 1;
	if (bit >= s->n_bits)
		return s->n;
	sum = s->rank[bit / RANK_BITS];
	for (uint64_t w = bit / RANK_BITS * RANK_WORDS; w < bit / 64; w++)
		sum += (unsigned)__builtin_popcountll(s->bits[w]);
	return sum + (unsigned)__builtin_popcountll(s->bits[bit / 64] &
						    ((UINT64_C(1) << (bit % 64)) - 1));
}

pl_addr pl_starts_nth(const struct pl_starts *s, uint64_t i)
{
	uint64_t last, w, word;
	unsigned n;

	if (!s->n_bits)
		return s->at[i];
	/* the last rank that is not above i; the first is 0 */
	last = PL_LOWER_BOUND(n_ranks(s->n_bits), k, s->rank[k] <= i) - 1;
	i -= s->rank[last];
	for (w = last * RANK_WORDS;; w++) {
		n = (unsigned)__builtin_popcountll(s->bits[w]);
		if (i < n)
			break;
		i -= n;
	}
	for (word = s->bits[w]; i; i--)
		word &= word - 1;
	return s->lo + ((w * 64 + (unsigned)__builtin_ctzll(word)) << s->shift);
}
