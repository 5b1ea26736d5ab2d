/*
 * internal.h - what the files of graph/ share and nobody else sees.
 */
#ifndef PL_GRAPH_INTERNAL_H
#define PL_GRAPH_INTERNAL_H

#include "base/bits.h"
#include "graph/graph.h"

#define PL_BLOCK_NODES (1u << PL_BLOCK_SHIFT)

static inline size_t pl_graph_blocks(const struct pl_graph *g)
{
	return ((size_t)g->n_nodes + PL_BLOCK_NODES - 1) >> PL_BLOCK_SHIFT;
}

/* The edges out of a node are numbers e, *e <= e < *end, in the arrays of its block. */
static inline const struct pl_graph_block *pl_graph_edges(const struct pl_graph *g, pl_node node,
							  uint32_t *e, uint32_t *end)
{
	const struct pl_graph_block *b = &g->blocks[node >> PL_BLOCK_SHIFT];
	uint32_t i = node & (PL_BLOCK_NODES - 1);

	*e = pl_graph_first(b, i);
	*end = pl_graph_first(b, i + 1);
	return b;
}

/* Ask for the cache line that says where a node's edges are. */
static inline void pl_graph_prefetch(const struct pl_graph_block *blocks, pl_node node)
{
	uint32_t group = (node & (PL_BLOCK_NODES - 1)) / PL_GROUP_NODES;

	__builtin_prefetch(&blocks[node >> PL_BLOCK_SHIFT].group[group]);
}

static inline uint8_t pl_graph_edge_flags(const struct pl_graph_block *b, uint32_t e)
{
	return b->flags[e / 4] >> (e % 4 * 2) & 3;
}

/* True when edge e takes part: mask 0 is for all edges that own their target. */
static inline bool pl_graph_edge_in(const struct pl_graph_block *b, uint32_t e, uint8_t mask)
{
	uint8_t flags = pl_graph_edge_flags(b, e);

	return mask ? flags & mask : !(flags & PL_G_WEAK);
}

/*
 * The pulse of a long serial loop: progress every few thousand nodes, a look at cancel then and
 * every some ten thousand edges, so that neither many small nodes nor one huge one delay it.
 * Both answer true when the operation was cancelled.
 */
struct pl_pulse {
	struct pl_ctx *ctx;
	uint32_t nodes, edges;
};

static inline bool pl_pulse_node(struct pl_pulse *p)
{
	if (++p->nodes % 4096)
		return false;
	pl_ctx_step(p->ctx, 4096);
	return pl_ctx_cancelled(p->ctx);
}

static inline bool pl_pulse_edge(struct pl_pulse *p)
{
	return ++p->edges % 65536 == 0 && pl_ctx_cancelled(p->ctx);
}

/*
 * A breadth-first search knows which nodes come next: ask for their cache lines before they are
 * needed. queue[at] is expanded now; seen is a column of 4 bytes a node that will be looked at
 * for each target.
 */
static inline void pl_graph_prefetch_out(const struct pl_graph *g, const pl_node *queue, size_t at,
					 size_t n, const uint32_t *seen)
{
	uint32_t e, end;

	if (at + 24 < n)
		pl_graph_prefetch(g->blocks, queue[at + 24]);
	if (at + 16 < n) {
		const struct pl_graph_block *b = pl_graph_edges(g, queue[at + 16], &e, &end);

		__builtin_prefetch(b->other + e);
	}
	if (seen && at + 8 < n) {
		const struct pl_graph_block *b = pl_graph_edges(g, queue[at + 8], &e, &end);

		for (end = PL_MIN(end, e + 4); e < end; e++)
			__builtin_prefetch(&seen[b->other[e]]);
	}
}

/* ---- offsets of a block (graph/pack.c) ---- */
#define PL_BLOCK_GROUPS (PL_BLOCK_NODES / PL_GROUP_NODES + 1)
/* Entries of wide that pl_graph_pack() will fill. first: PL_BLOCK_NODES + 1 offsets, ascending. */
size_t pl_graph_n_wide(const uint32_t *first);
void pl_graph_pack(const uint32_t *first, struct pl_graph_group *group, uint32_t *wide);

/* ---- memory that lives as long as the graph (graph/build.c) ---- */
/* At the start of each slab. */
struct pl_graph_slab {
	struct pl_graph_slab *next;
	size_t used, cap; /* bytes, this head included */
};
/* A column of cap bytes; NULL when there is no memory. Freed with pl_col_free(). */
struct pl_graph_slab *pl_graph_slab_new(size_t cap);

/*
 * Breadth first from the n nodes in queue, which has room for all: each node that an edge of mask
 * leads to and whose bit is not value gets that bit and goes on. PL_E_CANCELLED.
 */
int pl_graph_spread(const struct pl_graph *g, uint8_t mask, struct pl_ctx *ctx, uint64_t *bits,
		    bool value, pl_node *queue, size_t n, struct pl_err *err);

/* A node and the rank of its root in one word: compares by rank, then by node. */
static inline uint64_t pl_ranked(unsigned rank, pl_node node)
{
	return (uint64_t)rank << 32 | node;
}

/* Sort n words of pl_ranked() by rank; those of equal rank stay in order. PL_E_NOMEM. */
int pl_graph_sort_ranked(uint64_t *ranked, size_t n, struct pl_err *err);

#endif
