/* No memory for a big column is an error, never an abort, and the graph stays usable. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

#include "cmocka_all.h"
#include "graph_random.h"

#define NODES 4000000u

/* AddressSanitizer cannot live under a limit on address space, and keeps what is freed. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static unsigned rank_of(void *arg, pl_node node)
{
	(void)arg;
	return node == 0;
}

/* Bytes of address space that this process has. */
static rlim_t address_space(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Let this process have no more than some bytes of address space besides those it has. */
static void limit_memory(rlim_t more)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = more ? address_space() + more : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	if (!more) { /* that it was short is of the run before */
		assert_true(pl_mem_begin());
		pl_mem_end();
	}
}

static void every_operation(void)
{
	struct test_graph t = test_graph_random(0, NODES, 1000);
	struct pl_graph *g = test_graph_build(&t, 1, true), *bare = test_graph_build(&t, 1, false);
	struct pl_graph *other = NULL;
	pl_node *column = pl_calloc(NODES, sizeof(*column)), n_components = 7;
	uint64_t *reached = pl_calloc(NODES / 64, sizeof(*reached));
	struct pl_path_query query = {rank_of, NULL, NULL, 0};
	struct pl_path *paths = NULL;
	enum pl_path_end end;
	struct pl_err err = {0};
	struct pl_ctx ctx;
	size_t n = 7;

	pl_ctx_init(&ctx, 1);
	/* Less than any column of NODES entries needs, more than the small things do. */
	limit_memory(4u << 20);
	assert_int_equal(pl_graph_build(NODES, test_graph_edges, &t, &ctx, &other, &err),
			 PL_E_NOMEM);
	assert_int_equal(pl_graph_reverse(bare, &ctx, NULL), PL_E_NOMEM);
	assert_int_equal(pl_graph_paths(g, 1, 1, &query, &ctx, &paths, &n, &end, NULL), PL_E_NOMEM);
	assert_int_equal(pl_graph_forest(g, &query, &ctx, column, NULL), PL_E_NOMEM);
	assert_int_equal(pl_graph_scc(g, NULL, 0, &ctx, column, &n_components, NULL), PL_E_NOMEM);
	assert_int_equal(pl_graph_reach(g, 0, &ctx, reached, NULL), PL_E_NOMEM);
	limit_memory(0);
	assert_int_equal(err.code, PL_E_NOMEM);
	assert_null(other);
	assert_null(paths);
	assert_null(bare->in_blocks);
	assert_int_equal(n, 7);
	assert_int_equal(n_components, 7);

	assert_int_equal(pl_graph_reverse(bare, &ctx, NULL), 0);
	for (pl_node node = 0; node < NODES; node++) {
		uint64_t n_bare, n_full;
		const pl_node *in_bare = pl_graph_in(bare, node, &n_bare);
		const pl_node *in_full = pl_graph_in(g, node, &n_full);

		assert_int_equal(n_bare, n_full);
		assert_memory_equal(in_bare, in_full, n_full * sizeof(*in_full));
	}
	free(column);
	free(reached);
	pl_graph_free(g);
	pl_graph_free(bare);
	pl_ctx_fini(&ctx);
	test_graph_fini(&t);
}

static void put_huge(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	(void)arg;
	(void)worker;
	for (uint32_t i = 0; node == 0 && i < 64u << 20; i++)
		pl_edge_put(sink, 0, 0);
}

/* One node whose edges do not fit in memory. */
static void huge_node(void)
{
	struct pl_graph *g = NULL;
	struct pl_err err = {0};
	struct pl_ctx ctx;

	pl_ctx_init(&ctx, 1);
	limit_memory(64u << 20);
	assert_int_equal(pl_graph_build(100, put_huge, NULL, &ctx, &g, &err), PL_E_NOMEM);
	limit_memory(0);
	assert_int_equal(err.code, PL_E_NOMEM);
	assert_null(g);
	pl_ctx_fini(&ctx);
}

/* Each node of every third block has a thousand edges: pieces of all sizes. */
static void put_unevenly(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	(void)arg;
	(void)worker;
	for (uint32_t i = 0; i < ((node >> PL_BLOCK_SHIFT) % 3 ? 2 : 1000); i++)
		pl_edge_put(sink, i, 0);
}

static void all_is_given_back(void **state)
{
	struct pl_ctx ctx;
	rlim_t before = 0;

	(void)state;
	if (SANITIZED)
		skip();
	pl_ctx_init(&ctx, 2);
	for (int round = 0; round < 6; round++) {
		struct pl_graph *g = NULL;

		assert_int_equal(pl_graph_build(40000, put_unevenly, NULL, &ctx, &g, NULL), 0);
		assert_true(g->n_edges > 13000000);
		assert_int_equal(pl_graph_reverse(g, &ctx, NULL), 0);
		pl_graph_free(g);
		/* The first rounds are for what malloc keeps for itself. */
		if (round == 1)
			before = address_space();
	}
	/* A round leaves nothing: half of the smallest thing that four of them could leave. */
	assert_true(address_space() < before + (16u << 20));
	pl_ctx_fini(&ctx);
}

static void columns(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	every_operation();
}

static void edges_of_one_node(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	huge_node();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_given_back),
		cmocka_unit_test(columns),
		cmocka_unit_test(edges_of_one_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
