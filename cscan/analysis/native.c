/* native.c - see native.h. */
#include "analysis/native.h"

#include "base/mem.h"

/* All that leads to the target, in the order of distance. */
struct backward {
	PL_VEC(pl_node) nodes;
	pl_node *next; /* by node: the step towards the target, itself for the target; PL_NO_NODE:
			  unseen */
	struct pl_addrset targets;
};

static int search_backward(const struct pl_objects *o, const struct pl_graph *graph, pl_id target,
			   struct pl_ctx *ctx, struct backward *b, struct pl_err *err)
{
	memset(b->next, 0xff, o->n * sizeof(*b->next));
	b->next[target] = target;
	pl_vec_push(&b->nodes, target);
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
	rc = search_backward(o, graph, target, ctx, &b, err);
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
