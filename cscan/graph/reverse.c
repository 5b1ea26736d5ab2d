/*
 * reverse.c - making the backward edges: count, prefix sum, fill.
 *
 * The targets are split into ranges, one for each worker. Each worker goes through all forward
 * edges in order and takes those into its range: nothing is shared, so a type with ten million
 * instances costs no contention, and the sources of each node come out ascending with no sort.
 * Reading the edges once per worker is cheap beside the scattered writes that it splits. Where
 * these go is known some edges before, so their cache lines are asked for in time.
 */
#include "graph/internal.h"

#include "base/mem.h"
#include "base/parallel.h"

/* What a block needs. */
struct need {
	uint64_t sources;
	size_t n_wide;
};

struct reverse {
	const struct pl_graph *g;
	struct pl_ctx *ctx;
	uint32_t *next; /* [node]: its sources; then the number in its block of the next to fill */
	struct pl_graph_block *blocks;
	struct need *needs;         /* one per block */
	struct pl_graph_slab *slab; /* what blocks point into; NULL while counting */
	size_t n_parts;
	_Atomic uint64_t taken; /* edges counted */
};

#define AHEAD 16     /* edges between a prefetch and the use */
#define SLICE 16384u /* edges between two looks at cancel */

static inline bool takes(const struct pl_graph_block *b, uint32_t e, pl_node lo, pl_node span)
{
	return b->other[e] - lo < span && !(pl_graph_edge_flags(b, e) & PL_G_WEAK);
}

static void count_edges(struct reverse *r, const struct pl_graph_block *b, pl_node lo, pl_node span)
{
	uint32_t n = pl_graph_first(b, PL_BLOCK_NODES), e = 0, taken = 0;

	while (e < n && !pl_ctx_cancelled(r->ctx)) {
		uint32_t end = n - e > SLICE ? e + SLICE : n;

		for (; e < end; e++) {
			if (n - e > AHEAD)
				__builtin_prefetch(&r->next[b->other[e + AHEAD]]);
			if (takes(b, e, lo, span)) {
				r->next[b->other[e]]++;
				taken++;
			}
		}
	}
	atomic_fetch_add_explicit(&r->taken, taken, memory_order_relaxed);
}

static void fill_edges(struct reverse *r, const struct pl_graph_block *b, pl_node source,
		       pl_node lo, pl_node span)
{
	uint32_t n = pl_graph_first(b, PL_BLOCK_NODES), e = 0, i = 0;
	uint32_t source_end = pl_graph_first(b, 1);

	while (e < n && !pl_ctx_cancelled(r->ctx)) {
		uint32_t end = n - e > SLICE ? e + SLICE : n;

		for (; e < end; e++) {
			pl_node t = b->other[e];

			while (source_end <= e)
				source_end = pl_graph_first(b, ++i + 1);
			if (n - e > AHEAD)
				__builtin_prefetch(&r->next[b->other[e + AHEAD]]);
			if (takes(b, e, lo, span))
				r->blocks[t >> PL_BLOCK_SHIFT].other[r->next[t]++] = source + i;
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
		if (r->slab)
			fill_edges(r, &g->blocks[i], (pl_node)(i << PL_BLOCK_SHIFT), lo, hi - lo);
		else
			count_edges(r, &g->blocks[i], lo, hi - lo);
		pl_ctx_step(r->ctx, 1);
	}
}

/* The offsets of a block, with the end behind them. */
static void offsets(const struct reverse *r, size_t block, uint32_t *first)
{
	memcpy(first, r->next + (block << PL_BLOCK_SHIFT), PL_BLOCK_NODES * sizeof(*first));
	first[PL_BLOCK_NODES] = (uint32_t)r->needs[block].sources;
}

/* The counts of a block become offsets. */
static void measure_block(void *arg, unsigned worker, size_t block)
{
	struct reverse *r = arg;
	uint32_t *next = r->next + (block << PL_BLOCK_SHIFT);
	uint32_t first[PL_BLOCK_NODES + 1];
	uint64_t sum = 0;

	(void)worker;
	for (uint32_t i = 0; i < PL_BLOCK_NODES; i++) {
		uint32_t n = next[i];

		next[i] = (uint32_t)sum;
		sum += n;
	}
	r->needs[block].sources = sum;
	offsets(r, block, first);
	r->needs[block].n_wide = pl_graph_n_wide(first);
}

static void pack_block(void *arg, unsigned worker, size_t block)
{
	struct reverse *r = arg;
	uint32_t first[PL_BLOCK_NODES + 1];

	(void)worker;
	offsets(r, block, first);
	pl_graph_pack(first, r->blocks[block].group, r->blocks[block].wide);
}

/* One slab for all: groups, wide offsets, sources. */
static int lay_out(struct reverse *r, struct pl_err *err)
{
	size_t n = pl_graph_blocks(r->g), n_wide = 0;
	struct pl_graph_group *group;
	uint64_t sources = 0, bytes;
	bool fits = true;
	pl_node *other;
	uint32_t *wide;

	for (size_t i = 0; i < n; i++) {
		fits &= r->needs[i].sources <= UINT32_MAX;
		sources += r->needs[i].sources;
		n_wide += r->needs[i].n_wide;
	}
	/* A node with 2^32 references counts fewer. */
	fits &= sources == r->taken;
	bytes = sizeof(*r->slab) + n * PL_BLOCK_GROUPS * sizeof(*group) + n_wide * sizeof(*wide) +
		sources * sizeof(*other);
	r->slab = fits ? pl_graph_slab_new(bytes) : NULL;
	if (!r->slab)
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for %llu references",
				  (unsigned long long)r->taken);
	group = (struct pl_graph_group *)(r->slab + 1);
	wide = (uint32_t *)(group + n * PL_BLOCK_GROUPS);
	other = wide + n_wide;
	for (size_t i = 0; i < n; i++) {
		r->blocks[i] = (struct pl_graph_block){group, wide, other, NULL, false};
		group += PL_BLOCK_GROUPS;
		wide += r->needs[i].n_wide;
		other += r->needs[i].sources;
	}
	return 0;
}

static int run(struct reverse *r, struct pl_err *err)
{
	size_t n = pl_graph_blocks(r->g);
	int rc = pl_parallel(r->ctx, r->n_parts, take_part, r, err);

	if (!rc)
		rc = pl_parallel(r->ctx, n, measure_block, r, err);
	if (!rc)
		rc = lay_out(r, err);
	if (!rc)
		rc = pl_parallel(r->ctx, n, pack_block, r, err);
	if (!rc)
		rc = pl_parallel(r->ctx, r->n_parts, take_part, r, err);
	return rc;
}

int pl_graph_reverse(struct pl_graph *g, struct pl_ctx *ctx, struct pl_err *err)
{
	struct reverse r = {.g = g, .ctx = ctx, .n_parts = pl_parallel_workers(ctx)};
	size_t n = pl_graph_blocks(g), n_next = n << PL_BLOCK_SHIFT;
	int rc;

	if (g->in_blocks)
		return 0;
	pl_ctx_stage(ctx, "turning references round", 2 * r.n_parts * n);
	r.next = pl_col_alloc(n_next, sizeof(*r.next));
	r.blocks = pl_col_alloc(n, sizeof(*r.blocks));
	r.needs = pl_col_alloc(n, sizeof(*r.needs));
	if (r.next && r.blocks && r.needs)
		rc = run(&r, err);
	else
		rc = pl_err_set(err, PL_E_NOMEM, "not enough memory for %zu nodes", n_next);
	pl_col_free(r.next, n_next, sizeof(*r.next));
	pl_col_free(r.needs, n, sizeof(*r.needs));
	if (rc) {
		pl_col_free(r.blocks, n, sizeof(*r.blocks));
		if (r.slab)
			pl_col_free(r.slab, r.slab->cap, 1);
		return rc;
	}
	g->in_blocks = r.blocks;
	r.slab->next = g->slabs;
	g->slabs = r.slab;
	return 0;
}
