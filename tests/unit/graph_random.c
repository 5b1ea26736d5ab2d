/* graph_random.c - see graph_random.h. */
#include "graph_random.h"

#include "base/mem.h"

#include "cmocka_all.h"

/* splitmix64 */
uint64_t test_rand(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t test_rand_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(test_rand(state) % n);
}

struct test_graph test_graph_of(pl_node n, const struct test_edge *edge, size_t m)
{
	struct test_graph t = {.n = n, .m = m};
	size_t *at;

	t.first = pl_calloc((size_t)n + 1, sizeof(*t.first));
	t.edge = pl_calloc(m, sizeof(*t.edge));
	at = pl_calloc((size_t)n + 1, sizeof(*at));
	for (size_t i = 0; i < m; i++)
		t.first[edge[i].from + 1]++;
	for (size_t i = 0; i < n; i++)
		at[i + 1] = t.first[i + 1] += t.first[i];
	for (size_t i = 0; i < m; i++)
		t.edge[at[edge[i].from]++] = edge[i];
	free(at);
	return t;
}

struct test_graph test_graph_random(uint64_t seed, pl_node n, size_t m)
{
	struct test_edge *edge = pl_calloc(m, sizeof(*edge));
	uint64_t s = seed;
	uint32_t shape = test_rand_below(&s, 4), hubs = 1 + test_rand_below(&s, 3);
	struct test_graph t;

	for (size_t i = 0; i < m; i++) {
		pl_node from = test_rand_below(&s, n), to = test_rand_below(&s, n);

		if (shape == 1 && test_rand_below(&s, 16)) { /* forward, with few edges back */
			pl_node low = PL_MIN(from, to);

			to = PL_MAX(from, to);
			from = low;
		} else if (shape == 2) { /* near */
			to = (from + test_rand_below(&s, 4)) % n;
		} else if (shape == 3 && test_rand_below(&s, 2)) { /* hubs */
			to %= PL_MIN(hubs, n);
		}
		edge[i] = (struct test_edge){from, to, test_rand_below(&s, 2) ? PL_G_TRAVERSED : 0};
		if (!test_rand_below(&s, 5))
			edge[i].flags |= PL_G_WEAK;
	}
	t = test_graph_of(n, edge, m);
	free(edge);
	return t;
}

struct test_graph test_graph_small(uint64_t seed, pl_node max_nodes)
{
	uint64_t s = ~seed;
	pl_node n = 1 + test_rand_below(&s, max_nodes);

	return test_graph_random(seed, n, test_rand_below(&s, 3 * n + 2));
}

void test_graph_fini(struct test_graph *t)
{
	free(t->edge);
	free(t->first);
}

void test_graph_edges(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	const struct test_graph *t = arg;

	(void)worker;
	for (size_t i = t->first[node]; i < t->first[node + 1]; i++)
		pl_edge_put(sink, t->edge[i].to, t->edge[i].flags);
}

struct pl_graph *test_graph_build(struct test_graph *t, unsigned threads, bool reverse)
{
	struct pl_graph *g = NULL;
	struct pl_err err = {0};
	struct pl_ctx ctx;

	pl_ctx_init(&ctx, threads);
	assert_int_equal(pl_graph_build(t->n, test_graph_edges, t, &ctx, &g, &err), 0);
	if (reverse)
		assert_int_equal(pl_graph_reverse(g, &ctx, &err), 0);
	assert_int_equal(err.code, 0);
	pl_ctx_fini(&ctx);
	return g;
}
