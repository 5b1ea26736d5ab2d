/*
 * forest.c - one shortest chain from the roots to every node at once.
 *
 * A breadth-first search from all rooted nodes. They enter the queue by rank, and so each level of
 * the queue is in the order of the best rank that reaches its nodes: who finds a node first is on a
 * shortest chain, of several on that from the best root.
 */
#include "graph/internal.h"

#include "base/mem.h"

/* Rooted nodes into queue, best rank first; returns how many, or an error. */
static int start(const struct pl_graph *g, const struct pl_path_query *q, struct pl_ctx *ctx,
		 pl_node *parent, pl_node *queue, size_t *ret, struct pl_err *err)
{
	uint64_t *ranked = pl_col_alloc(g->n_nodes, sizeof(*ranked));
	size_t n = 0;
	int rc = 0;

	if (!ranked)
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for %u nodes", g->n_nodes);
	for (pl_node i = 0; i < g->n_nodes; i++) {
		unsigned rank = q->rank(q->arg, i);

		parent[i] = rank ? i : PL_NO_NODE;
		if (rank)
			ranked[n++] = pl_ranked(rank, i);
		if (i % 4096 == 0 && pl_ctx_cancelled(ctx)) {
			rc = pl_ctx_cancel_err(err);
			goto out;
		}
	}
	rc = pl_graph_sort_ranked(ranked, n, err);
	if (rc)
		goto out;
	for (size_t i = 0; i < n; i++)
		queue[i] = (pl_node)ranked[i];
	*ret = n;
out:
	pl_col_free(ranked, g->n_nodes, sizeof(*ranked));
	return rc;
}

static int spread(const struct pl_graph *g, const struct pl_path_query *q, struct pl_ctx *ctx,
		  pl_node *parent, pl_node *queue, size_t n, struct pl_err *err)
{
	struct pl_pulse pulse = {.ctx = ctx};

	for (size_t at = 0; at < n; at++) {
		pl_node node = queue[at];
		uint32_t e, end;
		const struct pl_graph_block *b = pl_graph_edges(g, node, &e, &end);

		pl_graph_prefetch_out(g, queue, at, n, parent);
		for (; e < end; e++) {
			pl_node t = b->other[e];

			if (pl_pulse_edge(&pulse))
				return pl_ctx_cancel_err(err);
			if (parent[t] != PL_NO_NODE || (pl_graph_edge_flags(b, e) & PL_G_WEAK))
				continue;
			if (q->ok) {
				bool ok = q->ok(q->arg, node, t);

				if (pl_ctx_cancelled(ctx))
					return pl_ctx_cancel_err(err);
				if (!ok)
					continue;
			}
			parent[t] = node;
			queue[n++] = t;
		}
		if (pl_pulse_node(&pulse))
			return pl_ctx_cancel_err(err);
	}
	return 0;
}

int pl_graph_forest(const struct pl_graph *g, const struct pl_path_query *q, struct pl_ctx *ctx,
		    pl_node *parent, struct pl_err *err)
{
	pl_node *queue = pl_col_alloc(g->n_nodes, sizeof(*queue));
	size_t n = 0;
	int rc;

	if (!queue)
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for %u nodes", g->n_nodes);
	pl_ctx_stage(ctx, "following references from the roots", g->n_nodes);
	rc = start(g, q, ctx, parent, queue, &n, err);
	if (!rc)
		rc = spread(g, q, ctx, parent, queue, n, err);
	pl_col_free(queue, g->n_nodes, sizeof(*queue));
	return rc;
}
