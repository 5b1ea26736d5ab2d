/*
 * A search finds what going through from the start finds, whatever the length and however often a
 * key is there; what lies behind a slash.
 */
#include "base/search.h"

#include <stdlib.h>

#include "cmocka_all.h"

enum { MOST = 40, ROUNDS = 2000 };

struct item {
	uint32_t before;
	pl_addr key;
};

static int by_key(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static size_t first_from(const struct item *at, size_t n, pl_addr key)
{
	size_t i = 0;

	while (i < n && at[i].key < key)
		i++;
	return i;
}

static size_t first_above(const struct item *at, size_t n, pl_addr key)
{
	size_t i = 0;

	while (i < n && at[i].key <= key)
		i++;
	return i;
}

static void bounds_are_those_of_a_walk(void **state)
{
	struct item at[MOST];
	unsigned seed = 1;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t n = round % (MOST + 1);

		/* Few keys, so that many are equal, and the ends of the numbers. */
		for (size_t i = 0; i < n; i++) {
			at[i].key = (pl_addr)rand_r(&seed) % 16;
			if (at[i].key > 13)
				at[i].key = UINT64_MAX - at[i].key % 2;
		}
		qsort(at, n, sizeof(*at), by_key);
		for (pl_addr key = 0; key < 17; key++) {
			pl_addr wanted = key < 15 ? key : UINT64_MAX - (16 - key);

			assert_int_equal(PL_LOWER_BOUND(n, k, at[k].key < wanted),
					 first_from(at, n, wanted));
			assert_int_equal(PL_LOWER_BOUND(n, k, at[k].key <= wanted),
					 first_above(at, n, wanted));
		}
	}
}

/* No more is asked than the length has bits, and never behind the end. */
static void few_are_asked(void **state)
{
	(void)state;
	for (size_t n = 0; n < 300; n++) {
		for (size_t wanted = 0; wanted <= n; wanted++) {
			size_t asked = 0;
			size_t i = PL_LOWER_BOUND(n, k, (asked++, assert_true(k < n), k < wanted));

			assert_int_equal(i, wanted);
			assert_true((size_t)1 << asked <= 2 * n + 1);
		}
	}
}

struct stretch {
	pl_addr lo, hi;
	int more;
};

static size_t stretch_at(const struct stretch *at, size_t n, pl_addr addr)
{
	for (size_t i = 0; i < n; i++) {
		if (addr >= at[i].lo && addr < at[i].hi)
			return i;
	}
	return n;
}

static void ranges_are_those_of_a_walk(void **state)
{
	struct stretch at[MOST];
	unsigned seed = 2;

	(void)state;
	assert_int_equal(pl_find_range(NULL, 0, sizeof(*at), 5), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t n = round % (MOST + 1);
		pl_addr end = 0;

		/* Gaps and lengths of 0, too. */
		for (size_t i = 0; i < n; i++) {
			at[i].lo = end + (pl_addr)rand_r(&seed) % 3;
			at[i].hi = end = at[i].lo + (pl_addr)rand_r(&seed) % 4;
		}
		for (pl_addr addr = 0; addr < end + 2; addr++)
			assert_int_equal(pl_find_range(at, n, sizeof(*at), addr),
					 stretch_at(at, n, addr));
		assert_int_equal(pl_find_range(at, n, sizeof(*at), UINT64_MAX), n);
	}
}

static void a_base_name_is_what_follows_the_last_slash(void **state)
{
	(void)state;
	assert_string_equal(pl_base_name("/usr/lib/libc.so.6"), "libc.so.6");
	assert_string_equal(pl_base_name("libc.so.6"), "libc.so.6");
	assert_string_equal(pl_base_name("/"), "");
	assert_string_equal(pl_base_name("dir/"), "");
	assert_string_equal(pl_base_name(""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_those_of_a_walk),
		cmocka_unit_test(few_are_asked),
		cmocka_unit_test(ranges_are_those_of_a_walk),
		cmocka_unit_test(a_base_name_is_what_follows_the_last_slash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
