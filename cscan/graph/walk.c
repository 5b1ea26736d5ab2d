/*
 * walk.c - a breadth-first walk that somebody else steers.
 */
#include "graph/internal.h"

/* One edge of the node that is looked at; false at the end of the walk. */
static bool step(const struct pl_walk *w, pl_node from, pl_node to, pl_node *queue, size_t *n)
{
	enum pl_walk_answer answer = w->fn(w->arg, from, to);

	if (answer == PL_WALK_TAKE)
		queue[(*n)++] = to;
	return answer != PL_WALK_END;
}

static int forward(const struct pl_graph *g, const struct pl_walk *w, struct pl_pulse *pulse,
		   pl_node *queue, size_t *n, struct pl_err *err)
{
	for (size_t at = 0; at < *n; at++) {
		pl_node node = queue[at];
		uint32_t e, end;
		const struct pl_graph_block *b = pl_graph_edges(g, node, &e, &end);

		pl_graph_prefetch_out(g, queue, at, *n, NULL);
		for (; e < end; e++) {
			if (pl_pulse_edge(pulse))
				return pl_ctx_cancel_err(err);
			if (pl_graph_edge_in(b, e, 0) && !step(w, node, b->other[e], queue, n))
				return 0;
		}
		if (pl_pulse_node(pulse))
			return pl_ctx_cancel_err(err);
	}
	return 0;
}

static int backward(const struct pl_graph *g, const struct pl_walk *w, struct pl_pulse *pulse,
		    pl_node *queue, size_t *n, struct pl_err *err)
{
	for (size_t at = 0; at < *n; at++) {
		uint64_t n_in;
		const pl_node *in = pl_graph_in(g, queue[at], &n_in);

		for (uint64_t i = 0; i < n_in; i++) {
			if (pl_pulse_edge(pulse))
				return pl_ctx_cancel_err(err);
			if (!step(w, queue[at], in[i], queue, n))
				return 0;
		}
		if (pl_pulse_node(pulse))
			return pl_ctx_cancel_err(err);
	}
	return 0;
}

int pl_graph_walk(const struct pl_graph *g, const struct pl_walk *w, struct pl_ctx *ctx,
		  pl_node *queue, size_t *n, struct pl_err *err)
{
	struct pl_pulse pulse = {.ctx = ctx};

	return w->back ? backward(g, w, &pulse, queue, n, err)
		       : forward(g, w, &pulse, queue, n, err);
}
