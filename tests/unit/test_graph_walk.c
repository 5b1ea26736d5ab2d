/* The walk with a filter against what relaxation says can be reached, forward and backward. */
#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

#define MAX_NODES 30
#define FAR UINT32_MAX

struct question {
	struct pl_ctx *ctx;
	const bool *wanted; /* by node: may be taken */
	uint32_t *distance; /* by node: of the walk, FAR = not met */
	uint64_t asked, end_at, cancel_at;
};

static enum pl_walk_answer answer(void *arg, pl_node from, pl_node to)
{
	struct question *q = arg;

	assert_true(q->distance[from] != FAR);
	if (++q->asked == q->end_at)
		return PL_WALK_END;
	if (q->asked == q->cancel_at)
		atomic_store(&q->ctx->cancel, true);
	if (!q->wanted[to] || q->distance[to] != FAR)
		return PL_WALK_PASS;
	q->distance[to] = q->distance[from] + 1;
	return PL_WALK_TAKE;
}

/* Distances of the wanted nodes from the started ones, and how many edges a walk must ask of. */
static uint64_t relax(const struct test_graph *t, const bool *wanted, bool back, uint32_t *distance)
{
	uint64_t asked = 0;

	for (bool more = true; more;) {
		more = false;
		for (size_t k = 0; k < t->m; k++) {
			const struct test_edge *e = &t->edge[k];
			pl_node from = back ? e->to : e->from, to = back ? e->from : e->to;

			if ((e->flags & PL_G_WEAK) || distance[from] == FAR || !wanted[to] ||
			    distance[to] <= distance[from] + 1)
				continue;
			distance[to] = distance[from] + 1;
			more = true;
		}
	}
	for (size_t k = 0; k < t->m; k++)
		asked += !(t->edge[k].flags & PL_G_WEAK) &&
			 distance[back ? t->edge[k].to : t->edge[k].from] != FAR;
	return asked;
}

static size_t start(const struct test_graph *t, uint64_t *s, bool *wanted, uint32_t *distance,
		    pl_node *queue)
{
	size_t n = 0;

	for (pl_node i = 0; i < t->n; i++) {
		wanted[i] = test_rand_below(s, 4);
		distance[i] = test_rand_below(s, 6) ? FAR : 0;
		if (!distance[i])
			queue[n++] = i;
	}
	return n;
}

static void check(struct pl_ctx *ctx, uint64_t seed, bool back)
{
	struct test_graph t = test_graph_small(seed, MAX_NODES);
	struct pl_graph *g = test_graph_build(&t, 1, true);
	uint32_t distance[MAX_NODES], right[MAX_NODES];
	bool wanted[MAX_NODES];
	pl_node queue[MAX_NODES];
	struct question q = {.wanted = wanted, .distance = distance};
	struct pl_walk walk = {answer, &q, back};
	uint64_t s = seed, asked;
	size_t n = start(&t, &s, wanted, distance, queue), met = 0;

	memcpy(right, distance, sizeof(right));
	asked = relax(&t, wanted, back, right);
	assert_int_equal(pl_graph_walk(g, &walk, ctx, queue, &n, NULL), 0);
	assert_memory_equal(distance, right, t.n * sizeof(*right));
	assert_true(q.asked == asked);
	for (pl_node i = 0; i < t.n; i++)
		met += right[i] != FAR;
	assert_int_equal(n, met);
	for (size_t i = 1; i < n; i++)
		assert_true(distance[queue[i - 1]] <= distance[queue[i]]);
	pl_graph_free(g);
	test_graph_fini(&t);
}

static void small_graphs(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	for (uint64_t seed = 0; seed < 6000; seed++)
		check(&ctx, seed, seed % 2);
	pl_ctx_fini(&ctx);
}

/* The same walk ended at each of its questions: what was taken is a beginning of it. */
static void ended(void **state)
{
	static const struct test_edge edge[] = {
		{0, 1, PL_G_TRAVERSED}, {0, 2, PL_G_TRAVERSED}, {1, 3, PL_G_TRAVERSED},
		{2, 3, PL_G_TRAVERSED}, {2, 4, PL_G_TRAVERSED}, {4, 5, PL_G_TRAVERSED},
	};
	static const size_t taken[] = {1, 2, 3, 4, 4, 5, 6};
	struct test_graph t = test_graph_of(6, edge, PL_ARRAY_LEN(edge));
	struct pl_graph *g = test_graph_build(&t, 1, false);
	bool wanted[6] = {true, true, true, true, true, true};
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	for (size_t at = 0; at < PL_ARRAY_LEN(taken); at++) {
		uint32_t distance[6] = {0, FAR, FAR, FAR, FAR, FAR};
		struct question q = {.wanted = wanted, .distance = distance, .end_at = at + 1};
		struct pl_walk walk = {.fn = answer, .arg = &q};
		pl_node queue[6] = {0};
		size_t n = 1;

		assert_int_equal(pl_graph_walk(g, &walk, &ctx, queue, &n, NULL), 0);
		assert_int_equal(n, taken[at]);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(queue[i], i);
	}
	pl_graph_free(g);
	test_graph_fini(&t);
	pl_ctx_fini(&ctx);
}

static void cancelled(void **state)
{
	struct test_graph t = test_graph_random(0, 200000, 1000000);
	struct pl_graph *g = test_graph_build(&t, 2, true);
	pl_node *queue = pl_calloc(t.n, sizeof(*queue));
	uint32_t *distance = pl_calloc(t.n, sizeof(*distance));
	bool *wanted = pl_calloc(t.n, sizeof(*wanted));

	(void)state;
	memset(wanted, true, t.n);
	for (int back = 0; back < 2; back++) {
		struct pl_ctx ctx;
		struct pl_err err = {0};
		struct question q = {&ctx, wanted, distance, 0, 0, 1000};
		struct pl_walk walk = {answer, &q, back};
		size_t n = 0;

		pl_ctx_init(&ctx, 1);
		memset(distance, 0xff, t.n * sizeof(*distance));
		for (pl_node i = 0; i < t.n; i += 100) {
			distance[i] = 0;
			queue[n++] = i;
		}
		assert_int_equal(pl_graph_walk(g, &walk, &ctx, queue, &n, &err), PL_E_CANCELLED);
		assert_int_equal(err.code, PL_E_CANCELLED);
		/* looked at within 65,536 edges or 4,096 nodes */
		assert_true(q.asked >= 1000 && q.asked < 70000);
		assert_true(n > t.n / 100 && n < t.n);
		pl_ctx_fini(&ctx);
	}
	free(wanted);
	free(distance);
	free(queue);
	pl_graph_free(g);
	test_graph_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_graphs),
		cmocka_unit_test(ended),
		cmocka_unit_test(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
