/*
 * References that lead to no object: which of many are kept.
 */
#include "session/refgraph.h"

#include "test_session_world.h"

#define ITEMS 64u
#define WILD UINT64_C(0x660000000000) /* nothing is mapped there */

static struct world w;

/* So many references astray, in lists of ITEMS, the items of each list descending. */
static void assert_kept(size_t strays, unsigned threads)
{
	pl_addr items[ITEMS];
	size_t kept = PL_MIN(strays, (size_t)PL_STRAYS_KEPT);

	world_init(&w, "3.11.7-pyenv");
	for (size_t done = 0; done < strays; done += ITEMS) {
		unsigned n = (unsigned)PL_MIN(strays - done, (size_t)ITEMS);

		for (unsigned i = 0; i < n; i++)
			items[i] = WILD + 16 * (n - 1 - i);
		world_take(&w, heap_list(&w.h, items, n), PL_OBJ_GC | PL_OBJ_TRACKED);
	}
	world_open_decoded(&w, threads);
	assert_int_equal(w.strays.n, strays);
	assert_int_equal(w.strays.at.n, kept);
	assert_false(w.strays.cut);
	for (size_t i = 0; i < kept; i++) {
		assert_int_equal(w.strays.at.at[i].source, i / ITEMS);
		assert_int_equal(w.strays.at.at[i].target, WILD + 16 * (i % ITEMS));
	}
	world_close(&w);
}

static void the_first_strays_are_kept(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 8; threads *= 2) {
		assert_kept(PL_STRAYS_KEPT - 1, threads);
		assert_kept(PL_STRAYS_KEPT, threads);
		assert_kept(PL_STRAYS_KEPT + 1, threads);
		assert_kept(5 * PL_STRAYS_KEPT + 1, threads);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_strays_are_kept),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
