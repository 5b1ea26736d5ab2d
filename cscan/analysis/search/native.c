/* native.c - see native.h. */
#include "analysis/search/native.h"

#include "base/mem.h"

/* All that leads to the targets, in the order of distance. */
struct backward {
	PL_VEC(pl_node) nodes;
	pl_node *next; /* by node: the step towards a target, itself for a target; PL_NO_NODE:
			  unseen */
	struct pl_addrset targets;
};

static int search_backward(const struct pl_objects *o, const struct pl_graph *graph,
			   const pl_id *targets, size_t n_targets, struct pl_ctx *ctx,
			   struct backward *b, struct pl_err *err)
{
	memset(b->next, 0xff, o->n * sizeof(*b->next));
	for (size_t i = 0; i < n_targets; i++) {
		b->next[targets[i]] = targets[i];
		pl_vec_push(&b->nodes, targets[i]);
	}
	for (size_t i = 0; i < b->nodes.n; i++) {
		pl_node at = b->nodes.at[i];
		const pl_node *in;
		uint64_t n;

		if (i % 4096 == 0 && pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		pl_addrset_add(&b->targets, o->addr[at]);
		in = pl_graph_in(graph, at, &n);
		for (uint64_t k = 0; k < n; k++) {
			if (b->next[in[k]] == PL_NO_NODE) {
				b->next[in[k]] = at;
				pl_vec_push(&b->nodes, in[k]);
			}
		}
	}
	return 0;
}

static uint32_t length(const struct backward *b, pl_node from)
{
	uint32_t n = 1;

	while (b->next[from] != from) {
		from = b->next[from];
		n++;
	}
	return n;
}

/*
 * The hit with the shortest chain; hits are in the order of their worth. What is on stacks and in
 * memory of no known use is mostly left over: it serves only when there is nothing else.
 */
static void choose(const struct pl_objects *o, const struct backward *b,
		   const struct pl_native_hit *hits, size_t n, struct pl_path *ret,
		   struct pl_native_hit *hit)
{
	uint32_t best = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		uint32_t len = length(b, pl_objects_id(o, hits[i].target));

		if (best != UINT32_MAX && hits[i].place > PL_NATIVE_BLOCK &&
		    hit->place <= PL_NATIVE_BLOCK)
			break;
		if (len < best) {
			best = len;
			*hit = hits[i];
		}
	}
	ret->n = n ? best : 0;
	ret->node = pl_malloc((ret->n + 1) * sizeof(*ret->node));
	if (!n)
		return;
	ret->node[0] = pl_objects_id(o, hit->target);
	for (uint32_t i = 1; i < best; i++)
		ret->node[i] = b->next[ret->node[i - 1]];
}

int pl_native_chain(const struct pl_objects *o, const struct pl_graph *graph, pl_id target,
		    struct pl_ctx *ctx, struct pl_path *ret, struct pl_native_hit *hit,
		    struct pl_err *err)
{
	struct backward b = {.next = pl_col_alloc(o->n, sizeof(*b.next))};
	struct pl_native_hit *hits = NULL;
	size_t n = 0;
	int rc;

	if (!b.next)
		return pl_err_set(err, PL_E_NOMEM, "no memory to search among %zu objects", o->n);
	pl_addrset_init(&b.targets);
	rc = search_backward(o, graph, &target, 1, ctx, &b, err);
	if (!rc)
		rc = pl_native_words(o, &b.targets, b.nodes.at, b.nodes.n, ctx, &hits, &n, err);
	if (!rc)
		choose(o, &b, hits, n, ret, hit);
	free(hits);
	pl_addrset_fini(&b.targets);
	pl_vec_free(&b.nodes);
	pl_col_free(b.next, o->n, sizeof(*b.next));
	return rc;
}

/* ---- many targets ---- */

/* The nodes that lead to a target and that no root reaches. */
struct forest {
	const struct pl_graph *graph;
	struct backward b;
	pl_node *parent;
	PL_VEC(pl_node) queue;
	struct pl_native_roots roots;
};

static void plant(struct forest *f, pl_node node)
{
	f->parent[node] = node;
	pl_vec_push(&f->queue, node);
}

/* From what was planted, only over nodes that lead to a target. */
static int spread(struct forest *f, struct pl_ctx *ctx, struct pl_err *err)
{
	for (size_t i = 0; i < f->queue.n; i++) {
		pl_node at = f->queue.at[i];
		const pl_node *out;
		uint32_t n;

		if (i % 4096 == 0 && pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		out = pl_graph_out(f->graph, at, &n);
		for (uint32_t k = 0; k < n; k++) {
			if (f->parent[out[k]] != PL_NO_NODE || f->b.next[out[k]] == PL_NO_NODE ||
			    pl_graph_flags(f->graph, at, k) & PL_G_WEAK)
				continue;
			f->parent[out[k]] = at;
			pl_vec_push(&f->queue, out[k]);
		}
	}
	f->queue.n = 0;
	return 0;
}

/* Trees from the words in places that are surely in use, or from all others. */
static int grow_from_words(const struct pl_objects *o, struct forest *f, bool sure,
			   const struct pl_native_hit *hits, size_t n, struct pl_ctx *ctx,
			   struct pl_err *err)
{
	for (size_t i = 0; i < n; i++) {
		pl_node node = pl_objects_id(o, hits[i].target);

		if ((hits[i].place <= PL_NATIVE_BLOCK) != sure || f->parent[node] != PL_NO_NODE)
			continue;
		pl_vec_push(&f->roots.at, (struct pl_native_root){node, hits[i]});
		plant(f, node);
	}
	return spread(f, ctx, err);
}

static int grow_from_roots(const struct pl_objects *o, struct forest *f,
			   const struct pl_roots *roots, struct pl_ctx *ctx, struct pl_err *err)
{
	for (size_t i = 0; i < roots->n; i++) {
		pl_node node = pl_objects_id(o, roots->at[i].target);

		if (roots->at[i].kind == PL_ROOT_NATIVE && node != PL_NO_ID &&
		    f->b.next[node] != PL_NO_NODE && f->parent[node] == PL_NO_NODE)
			plant(f, node);
	}
	return spread(f, ctx, err);
}

static int by_node(const void *pa, const void *pb)
{
	const struct pl_native_root *a = pa, *b = pb;

	return (a->node > b->node) - (a->node < b->node);
}

const struct pl_native_hit *pl_native_root_of(const struct pl_native_roots *r, pl_node node)
{
	struct pl_native_root key = {.node = node}, *found;

	found = r->at.n ? bsearch(&key, r->at.at, r->at.n, sizeof(key), by_node) : NULL;
	return found ? &found->hit : NULL;
}

int pl_native_forest(const struct pl_objects *o, const struct pl_graph *graph,
		     const struct pl_roots *roots, const pl_id *targets, size_t n_targets,
		     struct pl_ctx *ctx, pl_node *parent, struct pl_native_roots *ret,
		     struct pl_err *err)
{
	struct forest f = {.graph = graph, .parent = parent};
	PL_VEC(pl_id) lost = {0};
	struct pl_native_hit *hits = NULL;
	size_t n = 0;
	int rc;

	f.b.next = pl_col_alloc(o->n, sizeof(*f.b.next));
	if (!f.b.next)
		return pl_err_set(err, PL_E_NOMEM, "no memory to search among %zu objects", o->n);
	pl_addrset_init(&f.b.targets);
	for (size_t i = 0; i < n_targets; i++) {
		if (parent[targets[i]] == PL_NO_NODE)
			pl_vec_push(&lost, targets[i]);
	}
	rc = search_backward(o, graph, lost.at, lost.n, ctx, &f.b, err);
	if (!rc)
		rc = pl_native_words(o, &f.b.targets, f.b.nodes.at, f.b.nodes.n, ctx, &hits, &n,
				     err);
	if (!rc)
		rc = grow_from_words(o, &f, true, hits, n, ctx, err);
	if (!rc)
		rc = grow_from_roots(o, &f, roots, ctx, err);
	if (!rc)
		rc = grow_from_words(o, &f, false, hits, n, ctx, err);
	if (rc) {
		pl_vec_free(&f.roots.at);
	} else {
		if (f.roots.at.n)
			qsort(f.roots.at.at, f.roots.at.n, sizeof(*f.roots.at.at), by_node);
		*ret = f.roots;
	}
	free(hits);
	pl_vec_free(&f.queue);
	pl_vec_free(&lost);
	pl_addrset_fini(&f.b.targets);
	pl_vec_free(&f.b.nodes);
	pl_col_free(f.b.next, o->n, sizeof(*f.b.next));
	return rc;
}
