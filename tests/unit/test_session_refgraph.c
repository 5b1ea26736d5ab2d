/*
 * References that lead to no object: which of many are kept.
 */
#include "object/edges/edges.h"
#include "session/refgraph.h"
#include "session/refsum.h"

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

/* ---- more references than the core has words ---- */

#define LISTS 1200u
#define SAME 0x8000u /* items, which all lists share */

static pl_addr lists[LISTS];

/* Lists that claim so many references together, all to the first object. */
static void make_claims(uint64_t claims)
{
	static pl_addr items[SAME];
	pl_addr shared;

	world_init(&w, "3.11.7-pyenv");
	world_take(&w, heap_list(&w.h, NULL, 0), PL_OBJ_GC | PL_OBJ_TRACKED);
	for (size_t i = 0; i < SAME; i++)
		items[i] = w.addr.at[0];
	shared = heap_put(&w.h, items, sizeof(items));
	for (size_t i = 0; i < LISTS; i++) {
		uint64_t n = PL_MIN(claims, (uint64_t)SAME);

		lists[i] = heap_list(&w.h, NULL, 0);
		w64(&w.h, lists[i] + (uint64_t)w.h.l.f.var_size, n);
		w64(&w.h, lists[i] + (uint64_t)w.h.l.f.list_items, shared);
		world_take(&w, lists[i], PL_OBJ_GC | PL_OBJ_TRACKED);
		claims -= n;
	}
	assert_int_equal(claims, 0);
}

/* Which are kept: those of the first objects, whatever the number of threads. */
static void assert_claims(uint64_t claims, uint64_t most, unsigned threads)
{
	uint64_t kept = PL_MIN(claims, most + 1), left = kept;
	struct pl_refsum sum;
	struct pl_err err;

	make_claims(claims);
	world_open_objects(&w, threads);
	assert_int_equal(pl_edges_most(w.o), most);
	assert_int_equal(pl_refgraph_new(w.o, &w.ctx, &w.g, &w.strays, &err), 0);
	assert_int_equal(w.strays.cut, claims > most);
	assert_int_equal(world_noted(&w, "stopped-looking"), claims > most);
	assert_int_equal(w.ctx.partial, claims > most);
	assert_int_equal(w.ctx.threads, threads);
	for (pl_node i = 1; i <= LISTS; i++) {
		uint32_t n;

		pl_graph_out(w.g, i, &n);
		assert_int_equal(n, PL_MIN(left, (uint64_t)SAME));
		left -= n;
	}
	assert_int_equal(pl_refsum_new(w.o, NULL, &w.ctx, &sum, &err), 0);
	assert_int_equal(sum.cut, claims > most);
	assert_int_equal(sum.strong[0], kept);
	pl_refsum_fini(&sum);
	world_close(&w);
}

static void the_first_references_are_kept(void **state)
{
	uint64_t most;

	(void)state;
	make_claims(0);
	world_open_objects(&w, 1);
	most = pl_edges_most(w.o);
	world_close(&w);
	for (unsigned threads = 1; threads <= 4; threads *= 4) {
		assert_claims(most, most, threads);
		assert_claims(most + 1, most, threads);
		assert_claims(2 * most, most, threads);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_strays_are_kept),
		cmocka_unit_test(the_first_references_are_kept),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
