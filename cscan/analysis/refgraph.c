/* refgraph.c - see refgraph.h. */
#include "analysis/refgraph.h"

#include "base/parallel.h"

struct builder {
	const struct pl_objects *o;
	struct pl_view *views;      /* one per worker */
	struct pl_edges_left *left; /* one per worker */
};

struct putting {
	const struct pl_objects *o;
	struct pl_edge_sink *sink;
};

/*
 * A frame of 3.14 borrows on its evaluation stack what its locals hold. Its tp_traverse visits
 * both, but not when references are subtracted (_PyGC_VisitStackRef() in Python/gc.c), so to the
 * collector the borrowed one is not there.
 */
static bool is_seen(const struct pl_edge *e)
{
	return e->traversed && (e->kind != PL_EDGE_BORROWED || e->label != PL_L_STACK);
}

static void put(void *arg, const struct pl_edge *e)
{
	struct putting *p = arg;
	pl_id target = pl_objects_id(p->o, e->target);
	bool weak = e->kind == PL_EDGE_WEAK || e->kind == PL_EDGE_BORROWED;

	if (target != PL_NO_ID)
		pl_edge_put(p->sink, target,
			    (uint8_t)((weak ? PL_G_WEAK : 0) | (is_seen(e) ? PL_G_TRAVERSED : 0)));
}

static void edges_of(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	struct builder *b = arg;
	struct putting p = {b->o, sink};

	pl_edges_within(b->o, &b->views[worker], node, &b->left[worker], put, &p);
}

int pl_refgraph_new(const struct pl_objects *o, struct pl_ctx *ctx, struct pl_graph **ret,
		    struct pl_err *err)
{
	unsigned n = pl_parallel_workers(ctx);
	struct builder b = {o, pl_calloc(n, sizeof(*b.views)), pl_calloc(n, sizeof(*b.left))};
	bool cut = false;
	int rc;

	for (unsigned i = 0; i < n; i++) {
		pl_view_init(&b.views[i], o->im);
		b.left[i].n = pl_edges_most(o);
	}
	rc = pl_graph_build((pl_node)o->n, edges_of, &b, ctx, ret, err);
	for (unsigned i = 0; i < n; i++)
		cut |= !b.left[i].n;
	if (cut)
		pl_ctx_damage(ctx, "stopped-looking",
			      "objects claim more references than the core has words: the rest "
			      "of them is not looked at");
	free(b.left);
	free(b.views);
	return rc;
}

struct search {
	pl_addr target;
	struct pl_edge *ret;
	bool found;
};

static void compare(void *arg, const struct pl_edge *e)
{
	struct search *s = arg;

	if (e->target != s->target || (s->found && s->ret->kind == PL_EDGE_STRONG))
		return;
	if (!s->found || e->kind == PL_EDGE_STRONG) {
		*s->ret = *e;
		s->found = true;
	}
}

bool pl_refgraph_edge(const struct pl_objects *o, struct pl_view *v, pl_addr source, pl_addr target,
		      struct pl_edge *ret)
{
	struct search s = {target, ret, false};

	pl_edges(o, v, source, compare, &s);
	return s.found;
}
