/*
 * build.c - making the forward edges, and letting a graph go.
 *
 * A worker takes a block of nodes, collects its edges in a buffer of its own that grows as needed,
 * and stores them in one piece of exactly the right size: offsets, targets, flags. What is stored
 * depends on the nodes alone, so the graph is the same for any number of threads. The pieces are
 * cut from slabs that each worker takes for itself: on huge pages, as columns are, since a search
 * that jumps about would else spend most of its time on address translation.
 */
#include "graph/internal.h"

#include "base/mem.h"
#include "base/parallel.h"

#define SLAB_BYTES ((size_t)32 << 20) /* address space; memory is taken as it is filled */

struct pl_edge_sink {
	_Alignas(64) pl_node *target; /* a cache line of its own: two workers must not share one */
	uint8_t *flags;               /* packed as in struct pl_graph_block */
	uint32_t n, cap;
	pl_node n_nodes;
	bool failed;                 /* no memory, or more edges than 32 bits count */
	struct pl_graph_slab *slabs; /* the worker's; pieces are cut from the first */
	uint32_t first[PL_BLOCK_NODES + 1];
};

struct build {
	struct pl_graph *g;
	struct pl_ctx *ctx;
	pl_edges_fn *fn;
	void *arg;
	struct pl_edge_sink *sinks; /* one per worker */
	atomic_bool failed;
};

static bool sink_grow(struct pl_edge_sink *s)
{
	uint32_t cap = s->cap > UINT32_MAX / 2 ? UINT32_MAX : PL_MAX(s->cap * 2, UINT32_C(16384));
	pl_node *target;
	uint8_t *flags;

	if (s->cap == UINT32_MAX)
		return false;
	target = realloc(s->target, (size_t)cap * sizeof(*target));
	if (!target)
		return false;
	s->target = target;
	flags = realloc(s->flags, ((size_t)cap + 3) / 4);
	if (!flags)
		return false;
	s->flags = flags;
	s->cap = cap;
	return true;
}

void pl_edge_put(struct pl_edge_sink *s, pl_node target, uint8_t flags)
{
	uint8_t bits = (uint8_t)((flags & 3) << (s->n % 4 * 2));

	if (target >= s->n_nodes || s->failed)
		return;
	if (s->n == s->cap && !sink_grow(s)) {
		s->failed = true;
		return;
	}
	s->target[s->n] = target;
	if (s->n % 4)
		s->flags[s->n / 4] |= bits;
	else
		s->flags[s->n / 4] = bits;
	s->n++;
}

struct pl_graph_slab *pl_graph_slab_new(size_t cap)
{
	struct pl_graph_slab *slab = pl_col_alloc(cap, 1);

	if (slab)
		*slab = (struct pl_graph_slab){NULL, sizeof(*slab), cap};
	return slab;
}

/*
 * n bytes, 8-aligned, that live as long as the graph; NULL when there is no memory. A big piece
 * gets a slab of its own behind the first, whose room is still wanted.
 */
static void *slab_cut(struct pl_edge_sink *s, size_t n)
{
	struct pl_graph_slab *slab = s->slabs;
	void *p;

	n = (n + 7) & ~(size_t)7;
	if (slab && n > SLAB_BYTES / 8) {
		slab = pl_graph_slab_new(sizeof(*slab) + n);
		if (!slab)
			return NULL;
		slab->next = s->slabs->next;
		s->slabs->next = slab;
	} else if (!slab || n > slab->cap - slab->used) {
		slab = pl_graph_slab_new(PL_MAX(sizeof(*slab) + n, SLAB_BYTES));
		if (!slab)
			return NULL;
		slab->next = s->slabs;
		s->slabs = slab;
	}
	p = (char *)slab + slab->used;
	slab->used += n;
	return p;
}

static bool any_weak(const uint8_t *flags, uint32_t n)
{
	uint8_t all = 0;

	for (uint32_t i = 0; i < n; i++)
		all |= flags[i];
	return all & 0x55; /* PL_G_WEAK of each of the four */
}

static bool block_store(struct pl_graph_block *b, struct pl_edge_sink *s)
{
	size_t group_bytes = PL_BLOCK_GROUPS * sizeof(struct pl_graph_group);
	size_t n_wide = pl_graph_n_wide(s->first), wide_bytes = n_wide * sizeof(uint32_t);
	size_t other_bytes = (size_t)s->n * sizeof(*s->target);
	size_t flags_bytes = ((size_t)s->n + 3) / 4;
	uint8_t *p = slab_cut(s, group_bytes + wide_bytes + other_bytes + flags_bytes);
	uint32_t *wide;

	if (!p)
		return false;
	wide = (uint32_t *)(p + group_bytes);
	pl_graph_pack(s->first, (struct pl_graph_group *)p, wide);
	b->group = (struct pl_graph_group *)p;
	b->wide = wide;
	b->other = wide + n_wide;
	b->flags = p + group_bytes + wide_bytes + other_bytes;
	if (s->n) {
		memcpy(b->other, s->target, other_bytes);
		memcpy(b->flags, s->flags, flags_bytes);
		b->weak = any_weak(s->flags, (uint32_t)flags_bytes);
	}
	return true;
}

static void build_block(void *arg, unsigned worker, size_t item)
{
	struct build *build = arg;
	struct pl_edge_sink *s = &build->sinks[worker];
	pl_node lo = (pl_node)(item << PL_BLOCK_SHIFT);
	uint32_t count = PL_MIN(build->g->n_nodes - lo, PL_BLOCK_NODES), i;

	if (atomic_load_explicit(&build->failed, memory_order_relaxed))
		return;
	s->n = 0;
	for (i = 0; i < count; i++) {
		s->first[i] = s->n;
		if (pl_ctx_cancelled(build->ctx))
			return;
		build->fn(build->arg, worker, lo + i, s);
		if (s->failed)
			break;
	}
	for (; i <= PL_BLOCK_NODES; i++)
		s->first[i] = s->n;
	if (s->failed || !block_store(&build->g->blocks[item], s))
		atomic_store(&build->failed, true);
	pl_ctx_step(build->ctx, count);
}

/* What the worker holds goes: its buffers, and its slabs to the graph. */
static void sink_fini(struct pl_edge_sink *s, struct pl_graph *g)
{
	struct pl_graph_slab **last = &s->slabs;

	free(s->target);
	free(s->flags);
	while (*last)
		last = &(*last)->next;
	*last = g->slabs;
	g->slabs = s->slabs;
}

static int run(struct build *build, struct pl_err *err)
{
	struct pl_graph *g = build->g;
	unsigned n_workers = pl_parallel_workers(build->ctx);
	int rc;

	g->blocks = pl_col_alloc(pl_graph_blocks(g), sizeof(*g->blocks));
	build->sinks = pl_col_alloc(n_workers, sizeof(*build->sinks));
	if (!g->blocks || !build->sinks) {
		pl_col_free(build->sinks, n_workers, sizeof(*build->sinks));
		return pl_err_set(err, PL_E_NOMEM, "not enough memory for a graph of %u nodes",
				  g->n_nodes);
	}
	for (unsigned i = 0; i < n_workers; i++)
		build->sinks[i].n_nodes = g->n_nodes;
	rc = pl_parallel(build->ctx, pl_graph_blocks(g), build_block, build, err);
	for (unsigned i = 0; i < n_workers; i++)
		sink_fini(&build->sinks[i], g);
	pl_col_free(build->sinks, n_workers, sizeof(*build->sinks));
	if (!rc && atomic_load(&build->failed))
		rc = pl_err_set(err, PL_E_NOMEM, "not enough memory for the references");
	return rc;
}

int pl_graph_build(pl_node n_nodes, pl_edges_fn *fn, void *arg, struct pl_ctx *ctx,
		   struct pl_graph **ret, struct pl_err *err)
{
	struct pl_graph *g = pl_calloc(1, sizeof(*g));
	struct build build = {.g = g, .ctx = ctx, .fn = fn, .arg = arg};
	int rc;

	g->n_nodes = n_nodes;
	pl_ctx_stage(ctx, "reading references", n_nodes);
	rc = run(&build, err);
	if (rc) {
		pl_graph_free(g);
		return rc;
	}
	for (size_t i = 0; i < pl_graph_blocks(g); i++)
		g->n_edges += pl_graph_first(&g->blocks[i], PL_BLOCK_NODES);
	*ret = g;
	return 0;
}

void pl_graph_free(struct pl_graph *g)
{
	if (!g)
		return;
	for (struct pl_graph_slab *slab = g->slabs, *next; slab; slab = next) {
		next = slab->next;
		pl_col_free(slab, slab->cap, 1);
	}
	pl_col_free(g->blocks, pl_graph_blocks(g), sizeof(*g->blocks));
	pl_col_free(g->in_blocks, pl_graph_blocks(g), sizeof(*g->in_blocks));
	free(g);
}
