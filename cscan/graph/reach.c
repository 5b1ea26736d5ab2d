/*
 * reach.c - everything that some nodes lead to.
 */
#include "graph/internal.h"

#include "base/mem.h"

/* Nodes that are marked already, into queue. */
static size_t marked(const struct pl_graph *g, const uint64_t *reached, pl_node *queue)
{
	size_t n_words = ((size_t)g->n_nodes + 63) / 64, n = 0;

	for (size_t w = 0; w < n_words; w++) {
		for (uint64_t bits = reached[w]; bits; bits &= bits - 1) {
			size_t node = w * 64 + (size_t)__builtin_ctzll(bits);

			if (node < g->n_nodes)
				queue[n++] = (pl_node)node;
		}
	}
	return n;
}

int pl_graph_spread(const struct pl_graph *g, uint8_t mask, struct pl_ctx *ctx, uint64_t *bits,
		    bool value, pl_node *queue, size_t n, struct pl_err *err)
{
	struct pl_pulse pulse = {.ctx = ctx};

	for (size_t at = 0; at < n; at++) {
		uint32_t e, end;
		const struct pl_graph_block *b = pl_graph_edges(g, queue[at], &e, &end);

		pl_graph_prefetch_out(g, queue, at, n, NULL);
		for (; e < end; e++) {
			pl_node t = b->other[e];

			if (pl_pulse_edge(&pulse))
				return pl_ctx_cancel_err(err);
			if (pl_bits_has(bits, t) == value || !pl_graph_edge_in(b, e, mask))
				continue;
			if (value)
				pl_bits_set(bits, t);
			else
				pl_bits_clear(bits, t);
			queue[n++] = t;
		}
		if (pl_pulse_node(&pulse))
			return pl_ctx_cancel_err(err);
	}
	return 0;
}

int pl_graph_reach(const struct pl_graph *g, uint8_t edge_mask, struct pl_ctx *ctx,
		   uint64_t *reached, struct pl_err *err)
{
	pl_node *queue = pl_col_alloc(g->n_nodes, sizeof(*queue));
	int rc;

	if (!queue)
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for %u nodes", g->n_nodes);
	pl_ctx_stage(ctx, "following references", g->n_nodes);
	rc = pl_graph_spread(g, edge_mask, ctx, reached, true, queue, marked(g, reached, queue),
			     err);
	pl_col_free(queue, g->n_nodes, sizeof(*queue));
	return rc;
}
