/*
 * Chains against all simple chains of small graphs, and the rule that makes them different spelled
 * out on graphs drawn by hand.
 */
#include <stdio.h>

#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

#define MAX_NODES 8
#define ALL 1000
#define NONE UINT32_MAX

struct question {
	struct pl_ctx *ctx;
	const unsigned *rank;
	uint64_t without; /* edges are left out by a hash of this, 0 = none */
	uint64_t cancel_after, calls;
};

static unsigned rank_of(void *arg, pl_node node)
{
	const struct question *q = arg;

	return q->rank[node];
}

static bool edge_ok(void *arg, pl_node source, pl_node target)
{
	struct question *q = arg;
	uint64_t s = q->without + source * 1000003ull + target;

	if (++q->calls == q->cancel_after)
		atomic_store(&q->ctx->cancel, true);
	return !q->without || test_rand(&s) % 5;
}

/* ---- the oracle ---- */

/* Length and rank of the best chain of each kind; NONE where there is none. */
struct best {
	uint32_t n, rank;
};
struct oracle {
	const struct test_graph *t;
	struct question *q;
	bool edge[MAX_NODES][MAX_NODES];
	pl_node target;
	struct best second[MAX_NODES]; /* by second node, chains of three nodes or more */
	struct best root[MAX_NODES];   /* by rooted node, chains of one or two */
};

static void better(struct best *b, uint32_t n, uint32_t rank)
{
	if (n < b->n || (n == b->n && rank < b->rank))
		*b = (struct best){n, rank};
}

/*
 * Walk all simple chains that end in the n nodes of chain (backward: chain[0] is the target); limit
 * is the best rank among its inner nodes. At most MAX_NODES deep.
 */
static void walk(struct oracle *o, pl_node *chain, uint32_t n, uint32_t limit)
{
	for (pl_node p = 0; p < o->t->n; p++) {
		uint32_t rank = o->q->rank[p];
		bool used = false;

		for (uint32_t i = 0; i < n; i++)
			used |= chain[i] == p;
		if (used || !o->edge[p][chain[n - 1]])
			continue;
		if (rank && rank < limit)
			better(n == 1 ? &o->root[p] : &o->second[chain[n - 1]], n + 1, rank);
		chain[n] = p;
		walk(o, chain, n + 1, rank ? PL_MIN(rank, limit) : limit);
	}
}

static void ask_oracle(struct oracle *o, const struct test_graph *t, struct question *q,
		       pl_node target)
{
	pl_node chain[MAX_NODES + 1] = {target};

	*o = (struct oracle){.t = t, .q = q, .target = target};
	for (size_t k = 0; k < t->m; k++) {
		const struct test_edge *e = &t->edge[k];

		if (!(e->flags & PL_G_WEAK) && edge_ok(q, e->from, e->to))
			o->edge[e->from][e->to] = true;
	}
	for (pl_node i = 0; i < t->n; i++)
		o->second[i] = o->root[i] = (struct best){NONE, NONE};
	if (q->rank[target])
		o->root[target] = (struct best){1, q->rank[target]};
	walk(o, chain, 1, NONE);
}

/* The chains that are due, in order: by length, then rank. */
static size_t due(const struct oracle *o, struct best *ret)
{
	size_t n = 0;

	for (pl_node i = 0; i < o->t->n; i++) {
		if (o->root[i].n != NONE)
			ret[n++] = o->root[i];
		if (o->second[i].n != NONE)
			ret[n++] = o->second[i];
	}
	for (size_t i = 1; i < n; i++) {
		for (size_t k = i;
		     k && (ret[k].n < ret[k - 1].n ||
			   (ret[k].n == ret[k - 1].n && ret[k].rank < ret[k - 1].rank));
		     k--) {
			struct best swap = ret[k];

			ret[k] = ret[k - 1];
			ret[k - 1] = swap;
		}
	}
	return n;
}

/* A chain is one: rooted, of edges that count, simple, ending in the target, worth telling. */
static void check_chain(const struct oracle *o, const struct pl_path *p)
{
	uint32_t used = 0;

	assert_true(p->n >= 1 && p->n <= o->t->n);
	assert_int_equal(p->node[p->n - 1], o->target);
	assert_int_not_equal(o->q->rank[p->node[0]], 0);
	for (uint32_t i = 0; i < p->n; i++) {
		unsigned rank = o->q->rank[p->node[i]];

		assert_true(p->node[i] < o->t->n);
		assert_false(used >> p->node[i] & 1);
		used |= 1u << p->node[i];
		if (i)
			assert_true(o->edge[p->node[i - 1]][p->node[i]]);
		if (i && i < p->n - 1)
			assert_true(rank == 0 || rank > o->q->rank[p->node[0]]);
	}
}

/* The header's words: not the same first step, not the same inner nodes. */
static void check_different(const struct pl_path *a, const struct pl_path *b)
{
	uint32_t inner_a = 0, inner_b = 0;

	if (a->n > 1 && b->n > 1)
		assert_false(a->node[0] == b->node[0] && a->node[1] == b->node[1]);
	else
		assert_int_not_equal(a->n, b->n);
	for (uint32_t i = 1; i + 1 < a->n; i++)
		inner_a |= 1u << a->node[i];
	for (uint32_t i = 1; i + 1 < b->n; i++)
		inner_b |= 1u << b->node[i];
	assert_true(!inner_a || inner_a != inner_b);
}

static void check_paths(const struct oracle *o, const struct pl_graph *g, size_t count,
			struct pl_path_query *query)
{
	struct best expected[2 * MAX_NODES];
	size_t n_due = due(o, expected), n = 99;
	struct pl_path *paths = NULL;
	enum pl_path_end end = PL_PATHS_BOUND;

	assert_int_equal(
		pl_graph_paths(g, o->target, count, query, o->q->ctx, &paths, &n, &end, NULL), 0);
	assert_int_equal(end, PL_PATHS_ALL);
	assert_int_equal(n, PL_MIN(count, n_due));
	for (size_t i = 0; i < n; i++) {
		check_chain(o, &paths[i]);
		assert_int_equal(paths[i].n, expected[i].n);
		assert_int_equal(o->q->rank[paths[i].node[0]], expected[i].rank);
		for (size_t k = 0; k < i; k++)
			check_different(&paths[i], &paths[k]);
	}
	pl_paths_free(paths, n);
}

/* Stopped early, what was found is still true, and a search that was not stopped has found all. */
static void check_bound(const struct oracle *o, const struct pl_graph *g, uint64_t bound,
			struct pl_path_query *query)
{
	struct best expected[2 * MAX_NODES];
	size_t n_due = due(o, expected), n = 99;
	struct pl_path_query bounded = *query;
	struct pl_path *paths = NULL;
	enum pl_path_end end;

	bounded.max_nodes = bound;
	assert_int_equal(
		pl_graph_paths(g, o->target, ALL, &bounded, o->q->ctx, &paths, &n, &end, NULL), 0);
	for (size_t i = 0; i < n; i++)
		check_chain(o, &paths[i]);
	if (end == PL_PATHS_ALL)
		assert_int_equal(n, n_due);
	else
		assert_true(n <= n_due);
	pl_paths_free(paths, n);
}

static void small_graphs(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	for (uint64_t seed = 0; seed < 8000; seed++) {
		struct test_graph t = test_graph_small(seed, MAX_NODES);
		struct pl_graph *g = test_graph_build(&t, 1, true);
		uint64_t s = seed;
		unsigned rank[MAX_NODES];
		struct question q = {&ctx, rank, seed % 3 ? 0 : seed + 1, 0, 0};
		struct pl_path_query query = {rank_of, q.without ? edge_ok : NULL, &q, 0};
		struct oracle o;

		for (pl_node i = 0; i < t.n; i++)
			rank[i] = test_rand_below(&s, 5) < 1 + seed % 4 ? 1 + test_rand_below(&s, 4)
									: 0;
		ask_oracle(&o, &t, &q, test_rand_below(&s, t.n));
		check_paths(&o, g, ALL, &query);
		for (size_t count = 0; count < 4; count++)
			check_paths(&o, g, count, &query);
		check_bound(&o, g, 1 + test_rand_below(&s, t.n), &query);
		pl_graph_free(g);
		test_graph_fini(&t);
	}
	pl_ctx_fini(&ctx);
}

/* ---- by hand ---- */

static void expect(const struct test_edge *edge, size_t m, const unsigned *rank, pl_node n_nodes,
		   pl_node target, const char *chains)
{
	struct test_graph t = test_graph_of(n_nodes, edge, m);
	struct pl_graph *g = test_graph_build(&t, 1, true);
	struct question q = {.rank = rank};
	struct pl_path_query query = {rank_of, NULL, &q, 0};
	struct pl_path *paths;
	enum pl_path_end end;
	struct pl_ctx ctx;
	char text[200] = "";
	size_t n;

	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_graph_paths(g, target, ALL, &query, &ctx, &paths, &n, &end, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < paths[i].n; k++)
			sprintf(text + strlen(text), "%u", paths[i].node[k]);
		strcat(text, i + 1 < n ? " " : "");
	}
	assert_string_equal(text, chains);
	pl_paths_free(paths, n);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

/* 0 holds a list 1 that holds 2, 3 and 4, all of which hold 5: one explanation, not three. */
static void last_steps_do_not_vary(void **state)
{
	struct test_edge e[] = {{0, 1, 0}, {1, 2, 0}, {1, 3, 0}, {1, 4, 0},
				{2, 5, 0}, {3, 5, 0}, {4, 5, 0}};
	unsigned rank[] = {1, 0, 0, 0, 0, 0};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 6, 5, "0125");
}

/* Two globals of the module 0: different explanations. */
static void two_names_in_one_root(void **state)
{
	struct test_edge e[] = {{0, 1, 0}, {0, 2, 0}, {1, 4, 0}, {2, 3, 0}, {3, 4, 0}};
	unsigned rank[] = {1, 0, 0, 0, 0};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 5, 4, "014 0234");
}

/* 3 roots hold list 3, which holds 4: the best of them is told. */
static void roots_of_the_same_chain_do_not_vary(void **state)
{
	struct test_edge e[] = {{0, 3, 0}, {1, 3, 0}, {2, 3, 0}, {3, 4, 0}};
	unsigned rank[] = {3, 1, 2, 0, 0};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 5, 4, "134");
}

/* Each object that a root holds and that holds the target itself is an explanation. */
static void direct_holders_are_all_told(void **state)
{
	struct test_edge e[] = {{0, 3, 0}, {1, 3, 0}, {1, 3, 0}, {2, 3, PL_G_WEAK}};
	unsigned rank[] = {2, 1, 1, 0};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 4, 3, "13 03");
}

/* The target is held by a root and by others beside. */
static void a_rooted_target(void **state)
{
	struct test_edge e[] = {{0, 2, 0}, {2, 1, 0}, {1, 2, 0}};
	unsigned rank[] = {1, 0, 1};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 3, 2, "2 02");
}

/* 1 is held by C memory (rank 9) and by 0, a global: both are worth telling; 3, which is as bad, is
 * not. */
static void a_better_root_further_up(void **state)
{
	struct test_edge e[] = {{0, 1, 0}, {1, 2, 0}, {3, 1, 0}};
	unsigned rank[] = {1, 9, 0, 9};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 4, 2, "12 012");
}

/*
 * 4 is held by 3, a root, and by 2; 1 holds both. The shortest way from 0 is no matter of which is
 * met first: only the one through 2 says something new.
 */
static void round_a_rooted_node(void **state)
{
	struct test_edge e[] = {{0, 1, 0}, {1, 2, 0}, {1, 3, 0}, {2, 4, 0}, {3, 4, 0}};
	struct test_edge f[] = {{0, 1, 0}, {1, 3, 0}, {1, 2, 0}, {2, 4, 0}, {3, 4, 0}, {2, 2, 0}};
	unsigned rank_e[] = {1, 0, 0, 1, 0}, rank_f[] = {1, 0, 1, 0, 0};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank_e, 5, 4, "34 0124");
	expect(f, PL_ARRAY_LEN(f), rank_f, 5, 4, "24 0134");
}

/* 1 leads to 5 by 2, which C memory holds, and by 3 and 4: one chain for the step from 0 to 1. */
static void first_steps_are_told_once(void **state)
{
	struct test_edge e[] = {{0, 1, 0}, {1, 2, 0}, {2, 5, 0}, {1, 3, 0}, {3, 4, 0}, {4, 5, 0}};
	unsigned rank[] = {1, 0, 5, 0, 0, 0};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 6, 5, "25 0125");
}

static void nothing_holds_it(void **state)
{
	struct test_edge e[] = {{0, 1, 0}, {1, 2, PL_G_WEAK}, {2, 3, 0}, {3, 2, 0}};
	unsigned rank[] = {1, 1, 0, 0};

	(void)state;
	expect(e, PL_ARRAY_LEN(e), rank, 4, 2, "");
}

/* Of the 10 nodes of a chain all but the root must be visited for it to be seen. */
static void a_bound_is_exact(void **state)
{
	struct test_edge e[9];
	unsigned rank[10] = {1};
	struct question q = {.rank = rank};
	struct pl_path_query query = {rank_of, NULL, &q, 0};
	struct test_graph t;
	struct pl_graph *g;
	struct pl_ctx ctx;

	(void)state;
	for (pl_node i = 0; i < 9; i++)
		e[i] = (struct test_edge){i, i + 1, 0};
	t = test_graph_of(10, e, 9);
	g = test_graph_build(&t, 1, true);
	pl_ctx_init(&ctx, 1);
	for (query.max_nodes = 1; query.max_nodes < 12; query.max_nodes++) {
		bool enough = query.max_nodes >= 9;
		struct pl_path *paths;
		enum pl_path_end end;
		size_t n;

		assert_int_equal(pl_graph_paths(g, 9, ALL, &query, &ctx, &paths, &n, &end, NULL),
				 0);
		assert_int_equal(n, enough ? 1 : 0);
		assert_int_equal(end, enough ? PL_PATHS_ALL : PL_PATHS_BOUND);
		pl_paths_free(paths, n);
	}
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

static void a_million_steps(void **state)
{
	pl_node n = 1000000;
	struct test_edge *edge = pl_calloc(n, sizeof(*edge));
	unsigned *rank = pl_calloc(n, sizeof(*rank));
	struct question q = {.rank = rank};
	struct pl_path_query query = {rank_of, NULL, &q, 0};
	struct test_graph t;
	struct pl_graph *g;
	struct pl_path *paths;
	enum pl_path_end end;
	struct pl_ctx ctx;
	size_t n_paths;

	(void)state;
	rank[0] = 1;
	for (pl_node i = 0; i < n; i++)
		edge[i] = (struct test_edge){i, (i + 1) % n, 0};
	t = test_graph_of(n, edge, n);
	g = test_graph_build(&t, 2, true);
	pl_ctx_init(&ctx, 2);
	assert_int_equal(pl_graph_paths(g, n - 1, 3, &query, &ctx, &paths, &n_paths, &end, NULL),
			 0);
	assert_int_equal(end, PL_PATHS_ALL);
	assert_int_equal(n_paths, 1);
	assert_int_equal(paths[0].n, n);
	for (pl_node i = 0; i < n; i++)
		assert_int_equal(paths[0].node[i], i);
	pl_paths_free(paths, n_paths);

	query.max_nodes = 1000;
	assert_int_equal(pl_graph_paths(g, n - 1, 3, &query, &ctx, &paths, &n_paths, &end, NULL),
			 0);
	assert_int_equal(end, PL_PATHS_BOUND);
	assert_int_equal(n_paths, 0);
	pl_paths_free(paths, n_paths);
	free(rank);
	free(edge);
	pl_graph_free(g);
	test_graph_fini(&t);
	pl_ctx_fini(&ctx);
}

static void cancelled(void **state)
{
	struct test_graph t = test_graph_random(0, 200000, 1000000);
	struct pl_graph *g = test_graph_build(&t, 2, true);
	unsigned *rank = pl_calloc(t.n, sizeof(*rank));
	struct pl_path *paths = NULL;
	enum pl_path_end end;
	struct pl_err err = {0};
	struct pl_ctx ctx;
	struct question q = {&ctx, rank, 0, 1000, 0};
	struct pl_path_query query = {rank_of, edge_ok, &q, 0};
	size_t n = 55;

	(void)state;
	pl_ctx_init(&ctx, 2);
	assert_int_equal(pl_graph_paths(g, 0, 1, &query, &ctx, &paths, &n, &end, &err),
			 PL_E_CANCELLED);
	assert_int_equal(err.code, PL_E_CANCELLED);
	assert_true(q.calls >= 1000 && q.calls < 100000); /* looked at within 65536 edges */
	assert_null(paths);
	assert_int_equal(n, 55);
	free(rank);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

static void without_backward_edges(void **state)
{
	struct test_graph t = test_graph_random(0, 10, 10);
	struct pl_graph *g = test_graph_build(&t, 1, false);
	unsigned rank[10] = {1};
	struct question q = {.rank = rank};
	struct pl_path_query query = {rank_of, NULL, &q, 0};
	struct pl_path *paths = NULL;
	enum pl_path_end end;
	struct pl_ctx ctx;
	size_t n;

	(void)state;
	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_graph_paths(g, 0, 1, &query, &ctx, &paths, &n, &end, NULL), PL_E_BUG);
	assert_int_equal(pl_graph_reverse(g, &ctx, NULL), 0);
	assert_int_equal(pl_graph_paths(g, 10, 1, &query, &ctx, &paths, &n, &end, NULL), PL_E_BUG);
	assert_null(paths);
	pl_graph_free(g);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_graphs),
		cmocka_unit_test(last_steps_do_not_vary),
		cmocka_unit_test(two_names_in_one_root),
		cmocka_unit_test(roots_of_the_same_chain_do_not_vary),
		cmocka_unit_test(direct_holders_are_all_told),
		cmocka_unit_test(a_rooted_target),
		cmocka_unit_test(a_better_root_further_up),
		cmocka_unit_test(round_a_rooted_node),
		cmocka_unit_test(first_steps_are_told_once),
		cmocka_unit_test(nothing_holds_it),
		cmocka_unit_test(a_bound_is_exact),
		cmocka_unit_test(a_million_steps),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(without_backward_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
