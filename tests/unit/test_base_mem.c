/*
 * Arenas, vectors and columns.
 */
#include "base/mem.h"

#include "cmocka_all.h"

static void arena_is_aligned_and_zeroed(void **state)
{
	struct pl_arena a = {0};
	static const size_t sizes[] = {1, 15, 16, 17, 1000, 100000, 3, 40000, 5};

	(void)state;
	for (size_t round = 0; round < 50; round++) {
		for (size_t i = 0; i < PL_ARRAY_LEN(sizes); i++) {
			unsigned char *p = pl_arena_alloc(&a, sizes[i]);

			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(p[k], 0);
			memset(p, 0xee, sizes[i]); /* the next one must not see it */
		}
	}
	pl_arena_fini(&a);
	assert_null(a.head);
}

static void arena_strings(void **state)
{
	struct pl_arena a = {0};
	char *s = pl_arena_strndup(&a, "hello", 3), *t = pl_arena_strndup(&a, "hi", 100);

	(void)state;
	assert_string_equal(s, "hel");
	assert_string_equal(t, "hi");
	assert_string_equal(pl_arena_printf(&a, "%s%d", s, 12), "hel12");
	pl_arena_fini(&a);
}

static void vectors(void **state)
{
	PL_VEC(int) v = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		pl_vec_push(&v, i * 2);
	assert_int_equal(v.n, 1000);
	assert_int_equal(v.at[999], 1998);
	pl_vec_free(&v);
	assert_null(v.at);
	assert_int_equal(v.cap, 0);
}

static void columns(void **state)
{
	uint64_t *p = pl_col_alloc((size_t)1 << 32, sizeof(*p)); /* 32 GiB that nobody touches */

	(void)state;
	assert_non_null(p);
	assert_int_equal(p[0], 0);
	p[((size_t)1 << 32) - 1] = 7;
	assert_int_equal(p[((size_t)1 << 32) - 1], 7);
	pl_col_free(p, (size_t)1 << 32, sizeof(*p));
	assert_null(pl_col_alloc(SIZE_MAX / 2, 4)); /* n * size overflows */
	assert_null(pl_col_alloc(SIZE_MAX, 1));     /* more than there are addresses */
	p = pl_col_alloc(0, 8);
	assert_non_null(p);
	pl_col_free(p, 0, 8);
	pl_col_free(NULL, 5, 8);
}

static void strings(void **state)
{
	char *s = pl_strndup("abc", 2), *t = pl_asprintf("%05d", 42);

	(void)state;
	assert_string_equal(s, "ab");
	assert_string_equal(t, "00042");
	free(s);
	free(t);
}

static void checked_arithmetic(void **state)
{
	uint64_t v = 5;

	(void)state;
	assert_false(pl_add(UINT64_MAX, 1, &v));
	assert_true(pl_add(1, 2, &v));
	assert_int_equal(v, 3);
	assert_false(pl_mul(UINT64_MAX, 2, &v));
	assert_int_equal(pl_round_up(17, 16), 32);
	assert_int_equal(pl_round_up(16, 16), 16);
	assert_int_equal(pl_round_up(UINT64_MAX, 16), UINT64_MAX & ~(uint64_t)15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_is_aligned_and_zeroed),
		cmocka_unit_test(arena_strings),
		cmocka_unit_test(vectors),
		cmocka_unit_test(columns),
		cmocka_unit_test(strings),
		cmocka_unit_test(checked_arithmetic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
