/* layout/arrays.c: tables that hold objects, where each kind of version has them. */
#include "test_layout_fake.h"

struct arrays {
	struct fake f;
	struct opened o;
};

static void setup(struct arrays *a, const char *table)
{
	fake_init(&a->f, fake_table(table), NULL);
	a->f.l.module = -1;
	a->f.l.interp_head = a->f.interp;
	a->f.l.runtime = a->f.runtime;
}

static void teardown(struct arrays *a)
{
	close_opened(&a->o);
	fake_fini(&a->f);
}

static pl_addr at(pl_addr base, int32_t offset)
{
	return base + (uint64_t)(int64_t)offset;
}

static void put_ring(struct arrays *a, pl_addr ring, uint32_t first, uint32_t end)
{
	fake_put(&a->f, at(ring, a->f.l.f.pending_first), first, 4);
	fake_put(&a->f, at(ring, a->f.l.f.pending_end), end, 4);
}

static unsigned pending(struct arrays *a, struct pl_pending ret[2])
{
	fake_open(&a->f, &a->o);
	return pl_layout_pending(a->o.im, &a->f.l, a->f.interp, ret);
}

static void one_slot_of_a_ring_stays_empty(void **state)
{
	struct pl_pending p[2];
	struct arrays a;

	(void)state;
	setup(&a, "3.11.7-pyenv");
	put_ring(&a, at(a.f.interp, a.f.l.f.interp_pending), 30, 2);
	assert_int_equal(pending(&a, p), 1);
	assert_int_equal(p[0].calls.at,
			 at(at(a.f.interp, a.f.l.f.interp_pending), a.f.l.f.pending_calls));
	assert_int_equal(p[0].calls.n, 32);
	assert_int_equal(p[0].calls.stride, 16);
	assert_int_equal(p[0].first, 30);
	assert_int_equal(p[0].n, 4);
	teardown(&a);
}

static void a_counted_ring_can_be_full(void **state)
{
	struct pl_pending p[2];
	struct arrays a;
	pl_addr main_ring;

	(void)state;
	setup(&a, "3.13.0-pyenv");
	main_ring = at(a.f.runtime, a.f.l.f.runtime_pending);
	put_ring(&a, main_ring, 7, 7);
	fake_put(&a.f, at(main_ring, a.f.l.f.pending_n), 300, 4);
	assert_int_equal(pending(&a, p), 2);
	assert_int_equal(p[0].n, 0);
	assert_int_equal(p[1].calls.stride, 24);
	assert_int_equal(p[1].first, 7);
	assert_int_equal(p[1].n, 300);
	teardown(&a);
}

static void the_main_ring_is_given_once(void **state)
{
	struct pl_pending p[2];
	struct pl_array handlers;
	struct arrays a;

	(void)state;
	setup(&a, "3.13.0-pyenv");
	a.f.l.interp_head = a.f.interp + 8;
	assert_int_equal(pending(&a, p), 1);
	assert_false(pl_layout_signal_handlers(a.o.im, &a.f.l, a.f.interp, &handlers));
	teardown(&a);
}

static void damaged_rings_are_left_out(void **state)
{
	static const uint32_t bad[][2] = {{32, 0}, {0, 32}, {UINT32_MAX, 0}, {0, UINT32_MAX}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(bad); i++) {
		struct pl_pending p[2];
		struct arrays a;

		setup(&a, "3.10.13-pyenv");
		put_ring(&a, at(a.f.interp, a.f.l.f.interp_pending), bad[i][0], bad[i][1]);
		assert_int_equal(pending(&a, p), 0);
		teardown(&a);
	}
}

static void tables_of_fixed_length(void **state)
{
	struct pl_array array;
	struct arrays a;

	(void)state;
	setup(&a, "3.14.10-debian");
	fake_open(&a.f, &a.o);
	assert_true(pl_layout_type_cache(a.o.im, &a.f.l, a.f.interp, &array));
	assert_int_equal(array.at, at(a.f.interp, a.f.l.f.interp_type_cache));
	assert_int_equal(array.n, 4096);
	assert_int_equal(array.stride, 24);
	assert_true(pl_layout_signal_handlers(a.o.im, &a.f.l, a.f.interp, &array));
	assert_int_equal(array.at, at(a.f.runtime, a.f.l.f.runtime_signal_handlers) + 8);
	assert_int_equal(array.n, 65);
	teardown(&a);
}

static void statics_without_symbols_are_not_known(void **state)
{
	struct pl_pending p[2];
	struct pl_array array;
	struct arrays a;

	(void)state;
	setup(&a, "2.7.18-pyenv");
	assert_int_equal(pending(&a, p), 0);
	assert_false(pl_layout_type_cache(a.o.im, &a.f.l, a.f.interp, &array));
	assert_false(pl_layout_signal_handlers(a.o.im, &a.f.l, a.f.interp, &array));
	teardown(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_slot_of_a_ring_stays_empty),
		cmocka_unit_test(a_counted_ring_can_be_full),
		cmocka_unit_test(the_main_ring_is_given_once),
		cmocka_unit_test(damaged_rings_are_left_out),
		cmocka_unit_test(tables_of_fixed_length),
		cmocka_unit_test(statics_without_symbols_are_not_known),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
