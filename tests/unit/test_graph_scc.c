/* Components and reachability against the transitive closure, and on graphs too deep to recurse. */
#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

#define MAX_NODES 24

static bool has(const uint64_t *bits, pl_node i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static bool edge_counts(const struct test_edge *e, uint8_t mask)
{
	return mask ? e->flags & mask : !(e->flags & PL_G_WEAK);
}

/* reach[i] = bitmap of the nodes that i leads to inside `in`, itself among them. */
static void closure(const struct test_graph *t, uint64_t in, uint8_t mask, uint64_t *reach)
{
	for (pl_node i = 0; i < t->n; i++)
		reach[i] = in >> i & 1 ? UINT64_C(1) << i : 0;
	for (bool more = true; more;) {
		more = false;
		for (size_t k = 0; k < t->m; k++) {
			const struct test_edge *e = &t->edge[k];
			uint64_t was = reach[e->from];

			if (edge_counts(e, mask) && (in >> e->from & 1))
				reach[e->from] |= reach[e->to];
			more |= reach[e->from] != was;
		}
	}
}

static void check_components(const struct test_graph *t, const struct pl_graph *g, uint64_t in,
			     bool all, uint8_t mask, struct pl_ctx *ctx)
{
	uint64_t reach[MAX_NODES], used = 0;
	pl_node component[MAX_NODES], n = PL_NO_NODE;

	closure(t, in, mask, reach);
	assert_int_equal(pl_graph_scc(g, all ? NULL : &in, mask, ctx, component, &n, NULL), 0);
	for (pl_node i = 0; i < t->n; i++) {
		if (!(in >> i & 1)) {
			assert_int_equal(component[i], PL_NO_NODE);
			continue;
		}
		assert_true(component[i] < n);
		used |= UINT64_C(1) << component[i];
		for (pl_node k = 0; k < t->n; k++) {
			bool both = (reach[i] >> k & 1) && (reach[k] >> i & 1);

			if (in >> k & 1)
				assert_int_equal(component[i] == component[k], both);
		}
	}
	assert_int_equal(used, n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1);
	for (size_t k = 0; k < t->m; k++) {
		const struct test_edge *e = &t->edge[k];

		if (edge_counts(e, mask) && (in >> e->from & 1) && (in >> e->to & 1))
			assert_true(component[e->from] >= component[e->to]);
	}
}

static void small_components(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	for (uint64_t seed = 0; seed < 5000; seed++) {
		struct test_graph t = test_graph_small(seed, MAX_NODES);
		struct pl_graph *g = test_graph_build(&t, 1, false);
		uint64_t s = seed, every = (UINT64_C(1) << t.n) - 1, in = test_rand(&s) & every;

		for (uint8_t mask = 0; mask < 4; mask++) {
			check_components(&t, g, every, true, mask, &ctx);
			check_components(&t, g, in, false, mask, &ctx);
		}
		pl_graph_free(g);
		test_graph_fini(&t);
	}
	pl_ctx_fini(&ctx);
}

static void small_reach(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	for (uint64_t seed = 0; seed < 5000; seed++) {
		struct test_graph t = test_graph_small(seed, MAX_NODES);
		struct pl_graph *g = test_graph_build(&t, 1, false);
		uint64_t s = seed, every = (UINT64_C(1) << t.n) - 1, reach[MAX_NODES];
		uint64_t from = test_rand(&s) & test_rand(&s) & every;

		for (uint8_t mask = 0; mask < 4; mask++) {
			uint64_t reached = from, expected = 0;

			closure(&t, every, mask, reach);
			for (pl_node i = 0; i < t.n; i++)
				expected |= from >> i & 1 ? reach[i] : 0;
			assert_int_equal(pl_graph_reach(g, mask, &ctx, &reached, NULL), 0);
			assert_int_equal(reached, expected);
		}
		pl_graph_free(g);
		test_graph_fini(&t);
	}
	pl_ctx_fini(&ctx);
}

/* Bits behind the last node are not the room's: they stay, and lead nowhere. */
static void reach_leaves_spare_bits(void **state)
{
	struct test_edge edge[] = {{0, 1, 0}, {1, 2, 0}};
	struct test_graph t = test_graph_of(3, edge, 2);
	struct pl_graph *g = test_graph_build(&t, 1, false);
	uint64_t reached = UINT64_C(1) << 63 | 1 << 1;
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_graph_reach(g, 0, &ctx, &reached, NULL), 0);
	assert_int_equal(reached, UINT64_C(1) << 63 | 1 << 1 | 1 << 2);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

#define DEEP 1000000u

/* A chain through all nodes in an order that jumps about; a ring when closed. */
static struct test_graph deep(bool closed)
{
	struct test_edge *edge = pl_calloc(DEEP, sizeof(*edge));
	struct test_graph t;

	/* 7 has no factor in common with the number of nodes: its multiples are all of them. */
	for (uint32_t i = 0; i < DEEP; i++)
		edge[i] = (struct test_edge){(pl_node)(i * 7ull % DEEP),
					     (pl_node)((i + 1) * 7ull % DEEP), 0};
	t = test_graph_of(DEEP, edge, closed ? DEEP : DEEP - 1);
	free(edge);
	return t;
}

static void deep_graphs(void **state)
{
	pl_node *component = pl_calloc(DEEP, sizeof(*component)), n;
	uint64_t *reached = pl_calloc(DEEP / 64 + 1, sizeof(*reached));
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 2);
	for (int closed = 0; closed < 2; closed++) {
		struct test_graph t = deep(closed);
		struct pl_graph *g = test_graph_build(&t, 2, false);

		assert_int_equal(pl_graph_scc(g, NULL, 0, &ctx, component, &n, NULL), 0);
		assert_int_equal(n, closed ? 1 : DEEP);
		for (pl_node i = 0; i < DEEP; i++) {
			pl_node place = (pl_node)(i * 7ull % DEEP);

			assert_int_equal(component[place], closed ? 0 : DEEP - 1 - i);
		}
		memset(reached, 0, DEEP / 8);
		reached[0] = 1;
		assert_int_equal(pl_graph_reach(g, 0, &ctx, reached, NULL), 0);
		for (pl_node i = 0; i < DEEP; i++)
			assert_true(has(reached, i));
		pl_graph_free(g);
		test_graph_fini(&t);
	}
	free(reached);
	free(component);
	pl_ctx_fini(&ctx);
}

/*
 * A component is what its nodes reach both ways: on a large random graph, for the largest one and
 * some others, by reachability in the graph and in its mirror image.
 */
static void large_random(void **state)
{
	pl_node n = 1000000, n_components, *component = pl_calloc(n, sizeof(*component));
	struct test_graph t = test_graph_random(6, n, 3000000), mirror; /* half of them weak */
	struct pl_graph *g = test_graph_build(&t, 2, false), *back;
	size_t words = n / 64 + 1;
	uint64_t *ahead = pl_calloc(words, 8), *behind = pl_calloc(words, 8), s = 5;
	uint32_t *size, largest = 0;
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 2);
	for (size_t i = 0; i < t.m; i++)
		t.edge[i] = (struct test_edge){t.edge[i].to, t.edge[i].from, t.edge[i].flags};
	mirror = test_graph_of(n, t.edge, t.m);
	back = test_graph_build(&mirror, 2, false);
	assert_int_equal(pl_graph_scc(g, NULL, 0, &ctx, component, &n_components, NULL), 0);
	size = pl_calloc(n_components, sizeof(*size));
	for (pl_node i = 0; i < n; i++)
		size[component[i]]++;
	for (pl_node i = 1; i < n_components; i++)
		largest = size[i] > size[largest] ? i : largest;
	assert_true(size[largest] > n / 10);
	for (int round = 0; round < 12; round++) {
		pl_node node = test_rand_below(&s, n);

		while (round == 0 && component[node] != largest)
			node = test_rand_below(&s, n);
		memset(ahead, 0, words * 8);
		memset(behind, 0, words * 8);
		ahead[node / 64] = behind[node / 64] = UINT64_C(1) << (node % 64);
		assert_int_equal(pl_graph_reach(g, 0, &ctx, ahead, NULL), 0);
		assert_int_equal(pl_graph_reach(back, 0, &ctx, behind, NULL), 0);
		for (pl_node i = 0; i < n; i++) {
			bool both = has(ahead, i) && has(behind, i);

			if (both != (component[i] == component[node]))
				fail_msg("node %u and node %u", i, node);
		}
	}
	free(size);
	free(ahead);
	free(behind);
	free(component);
	pl_graph_free(g);
	pl_graph_free(back);
	test_graph_fini(&t);
	test_graph_fini(&mirror);
	pl_ctx_fini(&ctx);
}

static void cancelled(void **state)
{
	struct test_graph t = test_graph_random(6, 100000, 400000);
	struct pl_graph *g = test_graph_build(&t, 2, false);
	pl_node *component = pl_calloc(t.n, sizeof(*component)), n = 77;
	uint64_t *reached = pl_calloc(t.n / 64 + 1, sizeof(*reached));
	struct pl_err err = {0};
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 2);
	atomic_store(&ctx.cancel, true);
	assert_int_equal(pl_graph_scc(g, NULL, 0, &ctx, component, &n, &err), PL_E_CANCELLED);
	assert_int_equal(err.code, PL_E_CANCELLED);
	assert_int_equal(n, 77);
	memset(reached, 0xff, t.n / 8);
	err = (struct pl_err){0};
	assert_int_equal(pl_graph_reach(g, 0, &ctx, reached, &err), PL_E_CANCELLED);
	assert_int_equal(err.code, PL_E_CANCELLED);
	free(reached);
	free(component);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

static void no_nodes(void **state)
{
	struct test_graph t = test_graph_of(0, NULL, 0);
	struct pl_graph *g = test_graph_build(&t, 1, false);
	uint64_t reached = 0;
	pl_node component = 5, n = 5;
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_graph_scc(g, NULL, 0, &ctx, &component, &n, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(component, 5);
	assert_int_equal(pl_graph_reach(g, 0, &ctx, &reached, NULL), 0);
	assert_int_equal(reached, 0);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_nodes),    cmocka_unit_test(small_components),
		cmocka_unit_test(small_reach), cmocka_unit_test(reach_leaves_spare_bits),
		cmocka_unit_test(deep_graphs), cmocka_unit_test(large_random),
		cmocka_unit_test(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
