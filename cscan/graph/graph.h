/*
 * graph.h - a packed directed graph of ids: who refers to whom.
 *
 * Knows nodes (uint32) and edges, nothing of Python, ELF or output: what the nodes are is the
 * caller's business. Nodes are 0 .. n_nodes - 1; parallel edges are kept, for each is a reference
 * of its own. Built once, then read-only and safe for several readers.
 */
#ifndef PL_GRAPH_H
#define PL_GRAPH_H

#include "base/base.h"
#include "base/ctx.h"
#include "base/err.h"

typedef uint32_t pl_node;
#define PL_NO_NODE UINT32_MAX

/* Meaning of an edge; two bits per edge are kept. */
enum pl_edge_flag {
	PL_G_WEAK = 1,      /* does not own its target */
	PL_G_TRAVERSED = 2, /* the collector sees it (tp_traverse visits it) */
};

/* Where edges come from. */
struct pl_edge_sink; /* graph/'s */
/* A target that is no node (PL_NO_NODE, say) is left out. */
void pl_edge_put(struct pl_edge_sink *sink, pl_node target, uint8_t flags);
/*
 * Put every edge of node into sink, always in the same order. Called from several threads; worker
 * tells which.
 */
typedef void pl_edges_fn(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink);

/*
 * Edges are kept by blocks of nodes, each filled by one thread in one go. Where those of a node
 * begin is told by groups, in 1.1 bytes a node: most nodes of a heap have an edge or two, and four
 * bytes for each to say so would weigh as much as its edges.
 */
#define PL_BLOCK_SHIFT 12
#define PL_GROUP_NODES 32u
struct pl_graph_group {
	uint32_t first;                /* number of the group's first edge in the block */
	uint8_t after[PL_GROUP_NODES]; /* from there to each node's first; after[0] is 0, unless
					  the group has more than 255 edges: then it is 1, and
					  first an index of PL_GROUP_NODES offsets in wide */
};
struct pl_graph_block {
	struct pl_graph_group *group; /* and one behind the last, that says the end */
	uint32_t *wide;
	pl_node *other; /* the edges' other ends */
	uint8_t *flags; /* 2 bits per edge, four in a byte; forward only */
	bool weak;      /* some edge is */
};

struct pl_graph {
	pl_node n_nodes;
	uint64_t n_edges;
	struct pl_graph_block *blocks;
	/* Backward, NULL before pl_graph_reverse(): the sources of all edges into a node,
	 * ascending. Weak edges are left out. */
	struct pl_graph_block *in_blocks;
	struct pl_graph_slab *slabs; /* graph/'s: what holds the blocks' arrays */
};

/*
 * Run fn over all nodes, in parallel; the graph is the same for any number of threads.
 * PL_E_CANCELLED; PL_E_NOMEM, also when the nodes of one block have 2^32 edges or more.
 */
int pl_graph_build(pl_node n_nodes, pl_edges_fn *fn, void *arg, struct pl_ctx *ctx,
		   struct pl_graph **ret, struct pl_err *err);
/*
 * Make the backward edges (once; a second call does nothing). On failure, PL_E_CANCELLED or
 * PL_E_NOMEM (also when 2^32 edges or more lead into the nodes of one block), the graph is as it
 * was.
 */
int pl_graph_reverse(struct pl_graph *g, struct pl_ctx *ctx, struct pl_err *err);
void pl_graph_free(struct pl_graph *g);

/* The number in its block of the first edge of the block's i-th node; i <= 1 << PL_BLOCK_SHIFT. */
static inline uint32_t pl_graph_first(const struct pl_graph_block *b, uint32_t i)
{
	const struct pl_graph_group *group = &b->group[i / PL_GROUP_NODES];

	if (group->after[0])
		return b->wide[group->first + i % PL_GROUP_NODES];
	return group->first + group->after[i % PL_GROUP_NODES];
}
static inline const pl_node *pl_graph_out(const struct pl_graph *g, pl_node node, uint32_t *n)
{
	const struct pl_graph_block *b = &g->blocks[node >> PL_BLOCK_SHIFT];
	uint32_t i = node & ((1u << PL_BLOCK_SHIFT) - 1), first = pl_graph_first(b, i);

	*n = pl_graph_first(b, i + 1) - first;
	return b->other + first;
}
/* Flags of the i-th edge out of node. */
static inline uint8_t pl_graph_flags(const struct pl_graph *g, pl_node node, uint32_t i)
{
	const struct pl_graph_block *b = &g->blocks[node >> PL_BLOCK_SHIFT];
	uint32_t e = pl_graph_first(b, node & ((1u << PL_BLOCK_SHIFT) - 1)) + i;

	return b->flags[e / 4] >> (e % 4 * 2) & 3;
}
static inline const pl_node *pl_graph_in(const struct pl_graph *g, pl_node node, uint64_t *n)
{
	const struct pl_graph_block *b = &g->in_blocks[node >> PL_BLOCK_SHIFT];
	uint32_t i = node & ((1u << PL_BLOCK_SHIFT) - 1), first = pl_graph_first(b, i);

	*n = pl_graph_first(b, i + 1) - first;
	return b->other + first;
}

/* ---- shortest chains (graph/path.c, graph/forest.c) ---- */
/* Asked of a node: 0 = no root holds it; else the rank of its best root, 1 being the best. */
typedef unsigned pl_root_rank_fn(void *arg, pl_node node);
/*
 * Asked of an edge source -> target on a path: false to leave it out (--without). It may take a
 * while, so cancel is looked at after each.
 */
typedef bool pl_edge_ok_fn(void *arg, pl_node source, pl_node target);

struct pl_path_query {
	pl_root_rank_fn *rank;
	pl_edge_ok_fn *ok; /* or NULL */
	void *arg;
	uint64_t max_nodes; /* stop after so many visited nodes; 0 = no bound; not for the forest */
};
struct pl_path {
	pl_node *node; /* node[0] is held by a root, node[n - 1] is the target; malloced */
	uint32_t n;
};
enum pl_path_end { PL_PATHS_ALL, PL_PATHS_BOUND /* stopped at max_nodes: there may be more */ };
/*
 * The shortest chain of strong edges from a rooted node to target, of equal ones that with the best
 * root; then up to count chains that differ from those before in more than their last step: no two
 * share the node that a root holds together with the step after it, nor all inner nodes (that is,
 * no two chains of three nodes or more have the same second one). A chain whose inner node is held
 * by a root of the same or a better rank is left out: it says nothing that the part from there on
 * does not. By length, then rank. Backward breadth-first search; needs pl_graph_reverse(). ret gets
 * *n paths (malloced, free with pl_paths_free()). Unreachable from any root: *n = 0 with
 * PL_PATHS_ALL. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_graph_paths(const struct pl_graph *g, pl_node target, size_t count,
		   const struct pl_path_query *q, struct pl_ctx *ctx, struct pl_path **ret,
		   size_t *n, enum pl_path_end *end, struct pl_err *err);
void pl_paths_free(struct pl_path *paths, size_t n);

/*
 * Breadth-first forest from all rooted nodes over strong edges: parent[node] is the node before it
 * on a shortest chain, itself for a rooted node, PL_NO_NODE when no root reaches it. Roots of
 * better rank come first within a distance. parent has n_nodes entries, the caller's; after a
 * failure (PL_E_CANCELLED, PL_E_NOMEM) they mean nothing.
 */
int pl_graph_forest(const struct pl_graph *g, const struct pl_path_query *q, struct pl_ctx *ctx,
		    pl_node *parent, struct pl_err *err);

/* ---- a walk with a filter (graph/walk.c) ---- */
enum pl_walk_answer { PL_WALK_PASS, PL_WALK_TAKE, PL_WALK_END };
/*
 * Asked of each edge that owns its target and leads from a node of the walk to another: take `to`
 * and go on from it, pass it by, or end the walk here. What was met already it knows itself, or the
 * walk has no end.
 */
typedef enum pl_walk_answer pl_walk_fn(void *arg, pl_node from, pl_node to);
struct pl_walk {
	pl_walk_fn *fn;
	void *arg;
	bool back; /* against the edges; needs pl_graph_reverse() */
};
/*
 * Breadth first from the *n nodes in queue, which has room for all that fn takes and gets them in
 * their order, *n of them at the end. Looks at cancel now and then: PL_E_CANCELLED, with what was
 * taken until then.
 */
int pl_graph_walk(const struct pl_graph *g, const struct pl_walk *w, struct pl_ctx *ctx,
		  pl_node *queue, size_t *n, struct pl_err *err);

/*
 * ---- components and what holds what (graph/scc.c, reach.c, unheld.c) ----
 * edge_mask chooses the edges that take part: those with one of its flags; 0 chooses all that are
 * not PL_G_WEAK.
 */
/*
 * Strongly connected components of the nodes with in[node] set (NULL = all). component[node] =
 * number of its component, numbered from 0; PL_NO_NODE for nodes left out. No edge leads to a
 * component of a higher number. Iterative; at most 16 bytes a node on top of the graph, component
 * among them. After a failure (PL_E_CANCELLED, PL_E_NOMEM) component means nothing.
 */
int pl_graph_scc(const struct pl_graph *g, const uint64_t *in, uint8_t edge_mask,
		 struct pl_ctx *ctx, pl_node *component, pl_node *n_components, struct pl_err *err);
/*
 * Mark in `reached` (a bitmap: base/bits.h) all that edges lead to from what is marked already.
 * After a failure (PL_E_CANCELLED, PL_E_NOMEM) some of it is marked.
 */
int pl_graph_reach(const struct pl_graph *g, uint8_t edge_mask, struct pl_ctx *ctx,
		   uint64_t *reached, struct pl_err *err);
/*
 * Reference counting's view: count[node] says how many references a node has in all. Take away
 * those that come from nodes of `in` (a bitmap), and clear in `in` every node that still has one,
 * and all that it leads to. What stays in `in` only holds itself.
 * count is used up; of nodes not in `in` it is not looked at. *over (may be NULL) gets how many
 * edges there were beyond the counts. After a failure (PL_E_CANCELLED, PL_E_NOMEM) in and count
 * mean nothing.
 */
int pl_graph_unheld(const struct pl_graph *g, uint8_t edge_mask, struct pl_ctx *ctx,
		    uint32_t *count, uint64_t *in, uint64_t *over, struct pl_err *err);

#endif
