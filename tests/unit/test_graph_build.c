/* Forward and backward edges: what was put in comes out, whatever the number of threads. */
#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

static void check_forward(const struct test_graph *t, const struct pl_graph *g)
{
	assert_int_equal(g->n_nodes, t->n);
	assert_int_equal(g->n_edges, t->m);
	for (pl_node i = 0; i < t->n; i++) {
		uint32_t n;
		const pl_node *out = pl_graph_out(g, i, &n);

		assert_int_equal(n, t->first[i + 1] - t->first[i]);
		for (uint32_t k = 0; k < n; k++) {
			const struct test_edge *e = &t->edge[t->first[i] + k];

			assert_int_equal(out[k], e->to);
			assert_int_equal(pl_graph_flags(g, i, k), e->flags);
		}
	}
}

/* Every strong edge, met in the order of sources, is the next one into its target. */
static void check_backward(const struct test_graph *t, const struct pl_graph *g)
{
	uint64_t *seen = pl_calloc(t->n, sizeof(*seen));

	for (size_t i = 0; i < t->m; i++) {
		const struct test_edge *e = &t->edge[i];
		uint64_t n;
		const pl_node *in = pl_graph_in(g, e->to, &n);

		if (e->flags & PL_G_WEAK)
			continue;
		assert_true(seen[e->to] < n);
		assert_int_equal(in[seen[e->to]++], e->from);
	}
	for (pl_node i = 0; i < t->n; i++) {
		uint64_t n;

		pl_graph_in(g, i, &n);
		assert_int_equal(seen[i], n);
	}
	free(seen);
}

static void no_nodes(void **state)
{
	struct test_graph t = test_graph_of(0, NULL, 0);
	struct pl_graph *g = test_graph_build(&t, 2, true);

	(void)state;
	assert_int_equal(g->n_edges, 0);
	assert_non_null(g->in_blocks);
	pl_graph_free(g);
	pl_graph_free(NULL);
	test_graph_fini(&t);
}

static void small_graphs(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct test_graph t = test_graph_small(seed, 40);
		struct pl_graph *g = test_graph_build(&t, 1 + (unsigned)(seed % 3), true);

		check_forward(&t, g);
		check_backward(&t, g);
		pl_graph_free(g);
		test_graph_fini(&t);
	}
}

/* Several blocks, the last one short; the edges' sources and targets cross blocks and ranges. */
static void many_blocks(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++) {
		pl_node n = 5 * (1u << PL_BLOCK_SHIFT) + 7 * (pl_node)seed - 30;
		struct test_graph t = test_graph_random(seed, n, 90000);

		for (unsigned threads = 1; threads <= 7; threads += 3) {
			struct pl_graph *g = test_graph_build(&t, threads, true);

			check_forward(&t, g);
			check_backward(&t, g);
			pl_graph_free(g);
		}
		test_graph_fini(&t);
	}
}

/* One node with more edges than a buffer starts with, and one that all refer to. */
static void huge_nodes(void **state)
{
	size_t m = 300000;
	pl_node n = 10000;
	struct test_edge *edge = pl_calloc(m, sizeof(*edge));
	struct test_graph t;
	struct pl_graph *g;

	(void)state;
	for (uint32_t i = 0; i < m; i++)
		edge[i] = i % 3 ? (struct test_edge){5000, i % n, i % 4}
				: (struct test_edge){i % n, 9999, i % 4};
	t = test_graph_of(n, edge, m);
	g = test_graph_build(&t, 2, true);
	check_forward(&t, g);
	check_backward(&t, g);
	pl_graph_free(g);
	test_graph_fini(&t);
	free(edge);
}

/*
 * 255 edges are the most whose offsets take a byte each: groups around that number side by side,
 * with every kind of neighbour, all edges at one node of the group, from first to last. Edges go
 * round, so that the groups of backward edges are the same ones.
 */
static void groups_at_the_limit_of_a_byte(void **state)
{
	static const uint32_t sums[] = {255, 255, 256, 256, 0, 256, 255, 0, 0, 257, 257, 255};
	const pl_node n = 2 * (1u << PL_BLOCK_SHIFT);
	struct test_edge *edge = pl_calloc(n / PL_GROUP_NODES * 257, sizeof(*edge));
	struct test_graph t;
	struct pl_graph *g;
	size_t m = 0;

	(void)state;
	for (pl_node group = 0; group < n / PL_GROUP_NODES; group++) {
		pl_node node = group * PL_GROUP_NODES + group % PL_GROUP_NODES;

		for (uint32_t i = 0; i < sums[group % PL_ARRAY_LEN(sums)]; i++)
			edge[m++] = (struct test_edge){node, n - 1 - node, PL_G_TRAVERSED};
	}
	t = test_graph_of(n, edge, m);
	g = test_graph_build(&t, 2, true);
	check_forward(&t, g);
	check_backward(&t, g);
	pl_graph_free(g);
	test_graph_fini(&t);
	free(edge);
}

static void put_any_target(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	(void)arg;
	(void)worker;
	pl_edge_put(sink, PL_NO_NODE, PL_G_TRAVERSED);
	pl_edge_put(sink, 3, 0xfe);
	pl_edge_put(sink, 2 - node, 0);
	pl_edge_put(sink, 1u << 31, 0);
}

static void targets_that_are_no_nodes_are_left_out(void **state)
{
	struct pl_graph *g = NULL;
	struct pl_ctx ctx;
	uint32_t n;

	(void)state;
	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_graph_build(3, put_any_target, NULL, &ctx, &g, NULL), 0);
	assert_int_equal(g->n_edges, 3);
	for (pl_node i = 0; i < 3; i++) {
		assert_int_equal(*pl_graph_out(g, i, &n), 2 - i);
		assert_int_equal(n, 1);
	}
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
}

static void put_own_block(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	(void)arg;
	(void)worker;
	pl_edge_put(sink, node >> PL_BLOCK_SHIFT, 0xff);
}

static void only_two_bits_of_flags_count(void **state)
{
	struct pl_graph *g = NULL;
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 2);
	assert_int_equal(pl_graph_build(9000, put_own_block, NULL, &ctx, &g, NULL), 0);
	for (pl_node i = 0; i < 9000; i++)
		assert_int_equal(pl_graph_flags(g, i, 0), PL_G_WEAK | PL_G_TRAVERSED);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
}

struct canceller {
	struct pl_ctx *ctx;
	struct test_graph *t;
	pl_node at;
	_Atomic unsigned later; /* calls after the cancel */
};

static void cancel_at(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	struct canceller *c = arg;

	if (pl_ctx_cancelled(c->ctx))
		c->later++;
	if (node == c->at)
		atomic_store(&c->ctx->cancel, true);
	test_graph_edges(c->t, worker, node, sink);
}

static void cancelled_build(void **state)
{
	struct test_graph t = test_graph_random(1, 50000, 100000);
	struct pl_graph *g = NULL;
	struct pl_err err = {0};
	struct pl_ctx ctx;
	struct canceller c = {&ctx, &t, 20000, 0};

	(void)state;
	pl_ctx_init(&ctx, 2);
	assert_int_equal(pl_graph_build(t.n, cancel_at, &c, &ctx, &g, &err), PL_E_CANCELLED);
	assert_null(g);
	assert_int_equal(err.code, PL_E_CANCELLED);
	assert_true(c.later <= 1); /* the other thread may just have looked */
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

static void cancelled_reverse(void **state)
{
	struct test_graph t = test_graph_random(2, 50000, 100000);
	struct pl_graph *g = test_graph_build(&t, 2, false);
	struct pl_err err = {0};
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 2);
	atomic_store(&ctx.cancel, true);
	assert_int_equal(pl_graph_reverse(g, &ctx, &err), PL_E_CANCELLED);
	assert_int_equal(err.code, PL_E_CANCELLED);
	assert_null(g->in_blocks);
	atomic_store(&ctx.cancel, false);
	assert_int_equal(pl_graph_reverse(g, &ctx, &err), 0);
	check_backward(&t, g);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

static void reversing_twice_does_nothing(void **state)
{
	struct test_graph t = test_graph_random(3, 1000, 5000);
	struct pl_graph *g = test_graph_build(&t, 2, true);
	const struct pl_graph_block *in_blocks = g->in_blocks;
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 2);
	assert_int_equal(pl_graph_reverse(g, &ctx, NULL), 0);
	assert_ptr_equal(g->in_blocks, in_blocks);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_nodes),
		cmocka_unit_test(small_graphs),
		cmocka_unit_test(many_blocks),
		cmocka_unit_test(huge_nodes),
		cmocka_unit_test(groups_at_the_limit_of_a_byte),
		cmocka_unit_test(targets_that_are_no_nodes_are_left_out),
		cmocka_unit_test(only_two_bits_of_flags_count),
		cmocka_unit_test(cancelled_build),
		cmocka_unit_test(cancelled_reverse),
		cmocka_unit_test(reversing_twice_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
