/* What nothing outside holds, against the collector's algorithm spelled out on lists of edges. */
#include "base/bits.h"
#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

#define MAX_NODES 40

static bool takes_part(const struct test_edge *e, uint8_t mask)
{
	return mask ? e->flags & mask : !(e->flags & PL_G_WEAK);
}

/* subtract_refs(), then what is left spreads until nothing changes. */
static uint64_t oracle(const struct test_graph *t, uint8_t mask, uint64_t in, const uint32_t *count,
		       uint64_t *over)
{
	uint32_t left[MAX_NODES];
	uint64_t held = 0;

	*over = 0;
	memcpy(left, count, t->n * sizeof(*left));
	for (size_t k = 0; k < t->m; k++) {
		const struct test_edge *e = &t->edge[k];

		if (!takes_part(e, mask) || !(in >> e->from & 1) || !(in >> e->to & 1))
			continue;
		if (left[e->to])
			left[e->to]--;
		else
			(*over)++;
	}
	for (pl_node i = 0; i < t->n; i++)
		held |= (in >> i & 1) && left[i] ? UINT64_C(1) << i : 0;
	for (bool more = true; more;) {
		more = false;
		for (size_t k = 0; k < t->m; k++) {
			const struct test_edge *e = &t->edge[k];

			if (takes_part(e, mask) && (held >> e->from & 1) && (in >> e->to & 1) &&
			    !(held >> e->to & 1)) {
				held |= UINT64_C(1) << e->to;
				more = true;
			}
		}
	}
	return in & ~held;
}

/* As many references as edges lead there, and now and then some from elsewhere. */
static void random_counts(const struct test_graph *t, uint64_t *seed, uint32_t *count)
{
	memset(count, 0, t->n * sizeof(*count));
	for (size_t k = 0; k < t->m; k++)
		count[t->edge[k].to]++;
	for (pl_node i = 0; i < t->n; i++) {
		uint32_t r = test_rand_below(seed, 12);

		if (r == 0)
			count[i]++;
		else if (r == 1)
			count[i] -= count[i] > 0;
		else if (r == 2)
			count[i] = UINT32_MAX;
	}
}

static void small_graphs(void **state)
{
	struct pl_ctx ctx;
	uint64_t some = 0;

	(void)state;
	pl_ctx_init(&ctx, 2);
	for (uint64_t seed = 0; seed < 10000; seed++) {
		struct test_graph t = test_graph_small(seed, MAX_NODES);
		struct pl_graph *g = test_graph_build(&t, 1, false);
		uint64_t s = seed, every = (UINT64_C(1) << t.n) - 1;
		uint64_t in = (test_rand(&s) | test_rand(&s)) & every;
		uint32_t count[MAX_NODES], used[MAX_NODES];

		random_counts(&t, &s, count);
		for (uint8_t mask = 0; mask < 4; mask++) {
			uint64_t found = in, over, expected_over;
			uint64_t expected = oracle(&t, mask, in, count, &expected_over);

			memcpy(used, count, sizeof(used));
			assert_int_equal(pl_graph_unheld(g, mask, &ctx, used, &found, &over, NULL),
					 0);
			assert_int_equal(found, expected);
			assert_int_equal(over, expected_over);
			some += found != 0 && found != in;
		}
		pl_graph_free(g);
		test_graph_fini(&t);
	}
	/* The graphs are such that both answers occur. */
	assert_true(some > 1000);
	pl_ctx_fini(&ctx);
}

#define MANY 200000u

/*
 * Rings of two of which every third is held from outside; and targets of many threads at once: all
 * nodes refer to node 0, whose count is one more than that, or exactly that.
 */
static void many_threads(void **state)
{
	struct test_edge *edge = pl_calloc(2 * MANY, sizeof(*edge));
	uint32_t *count = pl_calloc(MANY, sizeof(*count));
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 4);
	for (uint32_t i = 0; i < MANY; i++) {
		edge[2 * i] = (struct test_edge){i, i ^ 1, PL_G_TRAVERSED};
		edge[2 * i + 1] = (struct test_edge){i, 0, PL_G_TRAVERSED};
	}
	for (uint32_t extra = 0; extra < 2; extra++) {
		struct test_graph t = test_graph_of(MANY, edge, 2 * MANY);
		struct pl_graph *g = test_graph_build(&t, 4, false);
		uint64_t *in = pl_bits_new(MANY), over = 1;

		pl_bits_fill(in, MANY);
		for (uint32_t i = 0; i < MANY; i++)
			count[i] = 1 + (i / 2 % 3 == 2);
		count[0] += MANY - 1 + extra + 1;
		assert_int_equal(pl_graph_unheld(g, PL_G_TRAVERSED, &ctx, count, in, &over, NULL),
				 0);
		assert_int_equal(over, 0);
		for (uint32_t i = 2; i < MANY; i++)
			assert_int_equal(pl_bits_has(in, i), i / 2 % 3 != 2);
		/* the third rings lead to node 0 too, so it is held in both cases */
		assert_false(pl_bits_has(in, 0));
		assert_false(pl_bits_has(in, 1));
		pl_bits_free(in, MANY);
		pl_graph_free(g);
		test_graph_fini(&t);
	}
	free(count);
	free(edge);
	pl_ctx_fini(&ctx);
}

static void cancelled(void **state)
{
	struct test_edge edge[] = {{0, 1, 0}, {1, 0, 0}};
	struct test_graph t = test_graph_of(2, edge, 2);
	struct pl_graph *g = test_graph_build(&t, 1, false);
	uint32_t count[] = {1, 1};
	struct pl_err err = {0};
	uint64_t in = 3;
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	atomic_store(&ctx.cancel, true);
	assert_int_equal(pl_graph_unheld(g, 0, &ctx, count, &in, NULL, &err), PL_E_CANCELLED);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_graphs),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
