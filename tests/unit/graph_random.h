/*
 * graph_random.h - seeded random graphs for the tests of graph/, and their plain form for the
 * oracles.
 */
#ifndef PL_TEST_GRAPH_RANDOM_H
#define PL_TEST_GRAPH_RANDOM_H

#include "graph/graph.h"

struct test_edge {
	pl_node from, to;
	uint8_t flags;
};

/* Edges in the order of their sources: those of node i are edge[first[i]] to edge[first[i + 1]]. */
struct test_graph {
	pl_node n;
	size_t m;
	struct test_edge *edge;
	size_t *first;
};

/* The next number of a seeded sequence, and one below n. */
uint64_t test_rand(uint64_t *state);
uint32_t test_rand_below(uint64_t *state, uint32_t n);

/* A graph of n nodes and m edges whose shape (any, forward, near, hubs) the seed chooses too. */
struct test_graph test_graph_random(uint64_t seed, pl_node n, size_t m);
/* One of up to max_nodes nodes; sparse and dense, with parallel edges and loops. */
struct test_graph test_graph_small(uint64_t seed, pl_node max_nodes);
/* From m edges in any order, which are copied. */
struct test_graph test_graph_of(pl_node n, const struct test_edge *edge, size_t m);
void test_graph_fini(struct test_graph *t);

/* Give its edges to a sink; arg is a struct test_graph. */
pl_edges_fn test_graph_edges;
/* Build it, with backward edges when asked; asserts that all goes well. */
struct pl_graph *test_graph_build(struct test_graph *t, unsigned threads, bool reverse);

#endif
