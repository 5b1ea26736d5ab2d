/* Sorting by a number: against the order that qsort() gives, ties kept, cancel heard. */
#include "base/radix.h"

#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

static int by_key_and_value(const void *pa, const void *pb)
{
	const struct pl_keyed *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->value > b->value) - (a->value < b->value);
}

/* The values ascend, so that the order of qsort() is the one in which ties are kept. */
static void check(uint64_t seed, size_t n, uint64_t mask)
{
	struct pl_keyed *at = pl_calloc(n + 1, sizeof(*at)), *right = pl_calloc(n + 1, sizeof(*at));
	struct pl_ctx ctx;
	struct pl_err err;

	pl_ctx_init(&ctx, 1);
	for (size_t i = 0; i < n; i++)
		at[i] = right[i] = (struct pl_keyed){test_rand(&seed) & mask, (uint32_t)i};
	qsort(right, n, sizeof(*right), by_key_and_value);
	assert_int_equal(pl_radix_sort(at, n, &ctx, &err), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(at[i].key == right[i].key);
		assert_int_equal(at[i].value, right[i].value);
	}
	pl_ctx_fini(&ctx);
	free(at);
	free(right);
}

static void test_order(void **state)
{
	static const uint64_t masks[] = {0,
					 1,
					 0xff,
					 0xff00,
					 0x10000,
					 UINT64_C(0xff000000000000ff),
					 UINT64_C(1) << 63,
					 UINT64_MAX};
	static const size_t sizes[] = {0, 1, 2, 3, 255, 256, 257, 5000};

	(void)state;
	for (size_t m = 0; m < PL_ARRAY_LEN(masks); m++) {
		for (size_t s = 0; s < PL_ARRAY_LEN(sizes); s++)
			check(m * 100 + s, sizes[s], masks[m]);
	}
}

static void test_cancel(void **state)
{
	struct pl_keyed at[2] = {{2, 0}, {1, 1}};
	struct pl_ctx ctx;
	struct pl_err err;

	(void)state;
	pl_ctx_init(&ctx, 1);
	atomic_store(&ctx.cancel, true);
	assert_int_equal(pl_radix_sort(at, 2, &ctx, &err), PL_E_CANCELLED);
	pl_ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
