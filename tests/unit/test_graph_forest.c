/* The forest of shortest chains against distances computed by relaxation. */
#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

#define FAR UINT32_MAX

/* What the callbacks look at: ranks by node, and edges that are left out by a rule. */
struct question {
	struct pl_ctx *ctx;
	const unsigned *rank; /* NULL: node 0 alone is rooted */
	uint64_t without;     /* edges are left out by a hash of this, 0 = none */
	uint64_t cancel_after, calls;
};

static unsigned rank_of(void *arg, pl_node node)
{
	const struct question *q = arg;

	return q->rank ? q->rank[node] : node == 0;
}

static bool edge_ok(void *arg, pl_node source, pl_node target)
{
	struct question *q = arg;
	uint64_t s = q->without + source * 1000003ull + target;

	if (++q->calls == q->cancel_after)
		atomic_store(&q->ctx->cancel, true);
	return !q->without || test_rand(&s) % 5;
}

/* Distance from the roots, and the best rank of the roots at that distance. */
static void relax(const struct test_graph *t, struct question *q, uint32_t *distance,
		  unsigned *best)
{
	for (pl_node i = 0; i < t->n; i++) {
		best[i] = q->rank[i];
		distance[i] = best[i] ? 0 : FAR;
	}
	for (bool more = true; more;) {
		more = false;
		for (size_t k = 0; k < t->m; k++) {
			const struct test_edge *e = &t->edge[k];
			uint32_t d = distance[e->from];

			if (d == FAR || (e->flags & PL_G_WEAK) || !edge_ok(q, e->from, e->to))
				continue;
			d++;
			if (d < distance[e->to] ||
			    (d == distance[e->to] && best[e->from] < best[e->to])) {
				distance[e->to] = d;
				best[e->to] = best[e->from];
				more = true;
			}
		}
	}
}

static bool has_edge(const struct test_graph *t, struct question *q, pl_node from, pl_node to)
{
	for (size_t k = t->first[from]; k < t->first[from + 1]; k++) {
		if (t->edge[k].to == to && !(t->edge[k].flags & PL_G_WEAK))
			return edge_ok(q, from, to);
	}
	return false;
}

#define MAX_NODES 30

static void check(const struct test_graph *t, struct question *q, const pl_node *parent)
{
	uint32_t distance[MAX_NODES];
	unsigned best[MAX_NODES];

	relax(t, q, distance, best);
	for (pl_node i = 0; i < t->n; i++) {
		pl_node p = parent[i];

		assert_int_equal(p == PL_NO_NODE, distance[i] == FAR);
		if (p == PL_NO_NODE)
			continue;
		assert_int_equal(p == i, q->rank[i] != 0);
		if (p != i) {
			assert_true(p < t->n);
			assert_true(has_edge(t, q, p, i));
			assert_int_equal(distance[i], distance[p] + 1);
			assert_int_equal(best[i], best[p]);
		}
	}
}

static void small_forests(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	for (uint64_t seed = 0; seed < 6000; seed++) {
		struct test_graph t = test_graph_small(seed, MAX_NODES);
		struct pl_graph *g = test_graph_build(&t, 1, false);
		uint64_t s = seed;
		unsigned rank[MAX_NODES];
		pl_node parent[MAX_NODES];
		struct question q = {&ctx, rank, seed % 3 ? seed : 0, 0, 0};
		struct pl_path_query query = {rank_of, q.without ? edge_ok : NULL, &q, 1};

		for (pl_node i = 0; i < t.n; i++) {
			rank[i] = test_rand_below(&s, 4) ? 0 : 1 + test_rand_below(&s, 5);
			/* Ranks of any size sort right. */
			if (rank[i] && seed % 5 == 0)
				rank[i] = rank[i] * 0x20406081u >> test_rand_below(&s, 24) | 1;
		}
		assert_int_equal(pl_graph_forest(g, &query, &ctx, parent, NULL), 0);
		check(&t, &q, parent);
		pl_graph_free(g);
		test_graph_fini(&t);
	}
	pl_ctx_fini(&ctx);
}

static void a_million_steps(void **state)
{
	pl_node n = 1000000, *parent = pl_calloc(n, sizeof(*parent));
	struct test_edge *edge = pl_calloc(n, sizeof(*edge));
	struct question q = {0};
	struct pl_path_query query = {rank_of, NULL, &q, 0};
	struct test_graph t;
	struct pl_graph *g;
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 2);
	for (pl_node i = 0; i < n; i++)
		edge[i] = (struct test_edge){i, (i + 1) % n, PL_G_TRAVERSED};
	t = test_graph_of(n, edge, n);
	g = test_graph_build(&t, 2, false);
	assert_int_equal(pl_graph_forest(g, &query, &ctx, parent, NULL), 0);
	assert_int_equal(parent[0], 0);
	for (pl_node i = 1; i < n; i++)
		assert_int_equal(parent[i], i - 1);
	free(parent);
	free(edge);
	pl_graph_free(g);
	test_graph_fini(&t);
	pl_ctx_fini(&ctx);
}

static void cancelled(void **state)
{
	struct test_graph t = test_graph_random(0, 200000, 1000000);
	struct pl_graph *g = test_graph_build(&t, 2, false);
	pl_node *parent = pl_calloc(t.n, sizeof(*parent));
	unsigned *rank = pl_calloc(t.n, sizeof(*rank));
	struct pl_err err = {0};
	struct pl_ctx ctx;
	struct question q = {&ctx, rank, 0, 1000, 0};
	struct pl_path_query query = {rank_of, edge_ok, &q, 0};

	(void)state;
	for (pl_node i = 0; i < t.n; i += 100)
		rank[i] = 1;
	pl_ctx_init(&ctx, 2);
	assert_int_equal(pl_graph_forest(g, &query, &ctx, parent, &err), PL_E_CANCELLED);
	assert_int_equal(err.code, PL_E_CANCELLED);
	assert_true(q.calls >= 1000 && q.calls < 100000); /* looked at within 65536 edges */
	err = (struct pl_err){0};
	assert_int_equal(pl_graph_forest(g, &query, &ctx, parent, &err), PL_E_CANCELLED);
	assert_int_equal(err.code, PL_E_CANCELLED);
	free(rank);
	free(parent);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_forests),
		cmocka_unit_test(a_million_steps),
		cmocka_unit_test(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
