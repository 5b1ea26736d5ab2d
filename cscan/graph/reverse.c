/*
 * reverse.c - making the backward edges: count, prefix sum, fill.
 *
 * The targets are split into ranges, one for each worker. Each worker goes through all forward
 * edges in order and takes those into its range: nothing is shared, so a type with ten million
 * instances costs no contention, and the sources of each node come out ascending with no sort.
 * Reading the edges once per worker is cheap beside the scattered writes that it splits.
 *
 * in_first has one entry more than the header says. Counts go two places ahead, so that after the
 * prefix sum the entry one ahead is where a node's next source goes; when all are filled, each
 * entry has moved on to where it belongs.
 */
#include "graph/internal.h"

#include "base/mem.h"
#include "base/parallel.h"

struct reverse {
	const struct pl_graph *g;
	struct pl_ctx *ctx;
	uint64_t *first; /* n_nodes + 2 */
	pl_node *in;     /* NULL while counting */
	size_t n_parts;
};

#define SLICE 16384u /* edges between two looks at cancel */

static void count_edges(struct reverse *r, const struct pl_graph_block *b, pl_node lo, pl_node span)
{
	uint32_t n = b->first[PL_BLOCK_NODES], e = 0;

	while (e < n && !pl_ctx_cancelled(r->ctx)) {
		uint32_t end = n - e > SLICE ? e + SLICE : n;

		for (; e < end; e++) {
			pl_node t = b->target[e];

			if (t - lo < span && !(pl_graph_edge_flags(b, e) & PL_G_WEAK))
				r->first[(size_t)t + 2]++;
		}
	}
}

static void fill_edges(struct reverse *r, const struct pl_graph_block *b, pl_node source,
		       pl_node lo, pl_node span)
{
	uint32_t n = b->first[PL_BLOCK_NODES], e = 0, i = 0;

	while (e < n && !pl_ctx_cancelled(r->ctx)) {
		uint32_t end = n - e > SLICE ? e + SLICE : n;

		for (; e < end; e++) {
			pl_node t = b->target[e];

			while (b->first[i + 1] <= e)
				i++;
			if (t - lo < span && !(pl_graph_edge_flags(b, e) & PL_G_WEAK))
				r->in[r->first[(size_t)t + 1]++] = source + i;
		}
	}
}

static void take_part(void *arg, unsigned worker, size_t part)
{
	struct reverse *r = arg;
	const struct pl_graph *g = r->g;
	pl_node lo = (pl_node)((uint64_t)g->n_nodes * part / r->n_parts);
	pl_node hi = (pl_node)((uint64_t)g->n_nodes * (part + 1) / r->n_parts);

	(void)worker;
	for (size_t i = 0; i < pl_graph_blocks(g) && !pl_ctx_cancelled(r->ctx); i++) {
		if (r->in)
			fill_edges(r, &g->blocks[i], (pl_node)(i << PL_BLOCK_SHIFT), lo, hi - lo);
		else
			count_edges(r, &g->blocks[i], lo, hi - lo);
		pl_ctx_step(r->ctx, 1);
	}
}

/* Counts become places; returns how many edges there are, or anything when cancelled. */
static uint64_t prefix_sum(const struct reverse *r)
{
	size_t n = (size_t)r->g->n_nodes + 2;
	uint64_t sum = 0;

	for (size_t i = 2; i < n; i++) {
		r->first[i] = sum += r->first[i];
		if (i % SLICE == 0 && pl_ctx_cancelled(r->ctx))
			break;
	}
	return sum;
}

int pl_graph_reverse(struct pl_graph *g, struct pl_ctx *ctx, struct pl_err *err)
{
	struct reverse r = {.g = g, .ctx = ctx, .n_parts = pl_parallel_workers(ctx)};
	size_t n_first = (size_t)g->n_nodes + 2;
	uint64_t n_in = 0;
	int rc;

	if (g->in_first)
		return 0;
	pl_ctx_stage(ctx, "turning references round", 2 * r.n_parts * pl_graph_blocks(g));
	r.first = pl_col_alloc(n_first, sizeof(*r.first));
	if (!r.first)
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for %zu nodes", n_first);
	rc = pl_parallel(ctx, r.n_parts, take_part, &r, err);
	if (rc)
		goto fail;
	n_in = prefix_sum(&r);
	r.in = pl_col_alloc(n_in, sizeof(*r.in));
	if (!r.in) {
		rc = pl_err_set(err, PL_E_NOMEM, "not enough memory for %llu references",
				(unsigned long long)n_in);
		goto fail;
	}
	rc = pl_parallel(ctx, r.n_parts, take_part, &r, err);
	if (rc)
		goto fail;
	g->in_first = r.first;
	g->in = r.in;
	return 0;
fail:
	pl_col_free(r.in, n_in, sizeof(*r.in));
	pl_col_free(r.first, n_first, sizeof(*r.first));
	return rc;
}

void pl_graph_drop_reverse(struct pl_graph *g)
{
	if (!g->in_first)
		return;
	pl_col_free(g->in, g->in_first[g->n_nodes], sizeof(*g->in));
	pl_col_free(g->in_first, (size_t)g->n_nodes + 2, sizeof(*g->in_first));
}
