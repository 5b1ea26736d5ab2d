/*
 * unheld.c - what no reference from outside holds: reference counts against the edges found.
 *
 * The two steps of CPython's collector, subtract_refs() and move_unreachable() of Python/gc.c
 * (Modules/gcmodule.c up to 3.12), on columns: blocks of nodes are subtracted in parallel, then
 * what has a count left is spread breadth first.
 */
#include "graph/internal.h"

#include "base/mem.h"
#include "base/parallel.h"

struct subtraction {
	const struct pl_graph *g;
	struct pl_ctx *ctx;
	uint8_t mask;
	const uint64_t *in;
	_Atomic uint32_t *count;
	_Atomic uint64_t over;
};

/* A count that has come to 0 stays there: damage, or an edge that owns nothing. */
static void take(struct subtraction *s, pl_node target)
{
	uint32_t count = atomic_load_explicit(&s->count[target], memory_order_relaxed);

	while (count &&
	       !atomic_compare_exchange_weak_explicit(&s->count[target], &count, count - 1,
						      memory_order_relaxed, memory_order_relaxed))
		;
	if (!count)
		atomic_fetch_add_explicit(&s->over, 1, memory_order_relaxed);
}

static void subtract_block(void *arg, unsigned worker, size_t block)
{
	struct subtraction *s = arg;
	pl_node first = (pl_node)(block << PL_BLOCK_SHIFT);
	pl_node end = (pl_node)PL_MIN((size_t)first + PL_BLOCK_NODES, (size_t)s->g->n_nodes);

	(void)worker;
	for (pl_node node = first; node < end; node++) {
		uint32_t e, last;
		const struct pl_graph_block *b;

		if (!pl_bits_has(s->in, node))
			continue;
		b = pl_graph_edges(s->g, node, &e, &last);
		for (; e < last; e++) {
			if (pl_graph_edge_in(b, e, s->mask) && pl_bits_has(s->in, b->other[e]))
				take(s, b->other[e]);
		}
	}
	pl_ctx_step(s->ctx, end - first);
}

/* Nodes of in that still have a reference, out of it and into queue. */
static size_t held(const struct pl_graph *g, struct pl_ctx *ctx, const uint32_t *count,
		   uint64_t *in, pl_node *queue)
{
	size_t n = 0;

	for (pl_node node = 0; node < g->n_nodes && !pl_ctx_look(ctx, node); node++) {
		if (count[node] && pl_bits_has(in, node)) {
			pl_bits_clear(in, node);
			queue[n++] = node;
		}
	}
	return n;
}

int pl_graph_unheld(const struct pl_graph *g, uint8_t edge_mask, struct pl_ctx *ctx,
		    uint32_t *count, uint64_t *in, uint64_t *over, struct pl_err *err)
{
	struct subtraction s = {g, ctx, edge_mask, in, (_Atomic uint32_t *)count, 0};
	pl_node *queue;
	int rc;

	pl_ctx_stage(ctx, "subtracting references", g->n_nodes);
	rc = pl_parallel(ctx, pl_graph_blocks(g), subtract_block, &s, err);
	if (rc)
		return rc;
	queue = pl_col_alloc(g->n_nodes, sizeof(*queue));
	if (!queue)
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for %u nodes", g->n_nodes);
	pl_ctx_stage(ctx, "following references", g->n_nodes);
	rc = pl_graph_spread(g, edge_mask, ctx, in, false, queue, held(g, ctx, count, in, queue),
			     err);
	if (!rc && pl_ctx_cancelled(ctx))
		rc = pl_ctx_cancel_err(err);
	pl_col_free(queue, g->n_nodes, sizeof(*queue));
	if (!rc && over)
		*over = s.over;
	return rc;
}
