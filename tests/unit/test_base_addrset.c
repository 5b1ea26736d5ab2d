/* test_base_addrset.c - sets of addresses against a sorted list of the same ones. */
#include "base/addrset.h"
#include "base/mem.h"

#include "cmocka_all.h"

#define CHUNK (UINT64_C(1) << PL_ADDRSET_SHIFT)

/* Members: a full word, a word's first and last bit, a chunk's first and last, chunks far apart. */
static size_t fill(struct pl_addrset *s, pl_addr *at)
{
	static const pl_addr base[] = {CHUNK, 7 * CHUNK, 8 * CHUNK, UINT64_C(0x7fff) << 32};
	size_t n = 0;

	for (size_t b = 0; b < PL_ARRAY_LEN(base); b++) {
		for (uint64_t off = 0; off < CHUNK; off += 8) {
			bool in = off < 64 * 8 || off == 65 * 8 || off % 4096 == 63 * 8 ||
				  off % 10000 == 0 || off == CHUNK - 8;

			if (in) {
				assert_true(pl_addrset_add(s, base[b] + off));
				at[n++] = base[b] + off;
			}
		}
	}
	return n;
}

static void ranks_are_places_in_order(void **state)
{
	pl_addr *at = pl_calloc(4 * CHUNK / 8, sizeof(*at));
	struct pl_addrset s;
	size_t n, k = 0;

	(void)state;
	pl_addrset_init(&s);
	n = fill(&s, at);
	assert_int_equal(s.n, n);
	pl_addrset_rank_build(&s);
	for (pl_addr a = 7 * CHUNK - 64; a < 9 * CHUNK + 64; a += 8) {
		while (k < n && at[k] < a)
			k++;
		assert_int_equal(pl_addrset_rank(&s, a), k < n && at[k] == a ? k : UINT64_MAX);
		assert_int_equal(pl_addrset_next(&s, a), at[k]);
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pl_addrset_rank(&s, at[i]), i);
		assert_int_equal(pl_addrset_rank(&s, at[i] + 1), UINT64_MAX);
	}
	assert_int_equal(pl_addrset_rank(&s, 3 * CHUNK), UINT64_MAX);
	pl_addrset_fini(&s);
	free(at);
}

/* After a removal the ranks are those of what is left; a second removal finds nothing. */
static void removed_members_have_no_rank(void **state)
{
	pl_addr *at = pl_calloc(4 * CHUNK / 8, sizeof(*at));
	struct pl_addrset s;
	size_t n, left = 0;

	(void)state;
	pl_addrset_init(&s);
	n = fill(&s, at);
	for (size_t i = 0; i < n; i += 3) {
		assert_true(pl_addrset_remove(&s, at[i]));
		assert_false(pl_addrset_remove(&s, at[i]));
	}
	pl_addrset_recount(&s);
	pl_addrset_rank_build(&s);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pl_addrset_rank(&s, at[i]), i % 3 ? left++ : UINT64_MAX);
	assert_int_equal(s.n, left);
	pl_addrset_fini(&s);
	free(at);
}

static void an_empty_set_has_no_member(void **state)
{
	struct pl_addrset s;

	(void)state;
	pl_addrset_init(&s);
	pl_addrset_rank_build(&s);
	assert_int_equal(pl_addrset_rank(&s, CHUNK), UINT64_MAX);
	assert_int_equal(pl_addrset_next(&s, 0), UINT64_MAX);
	assert_false(pl_addrset_has(&s, CHUNK));
	pl_addrset_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_are_places_in_order),
		cmocka_unit_test(removed_members_have_no_rank),
		cmocka_unit_test(an_empty_set_has_no_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
