/* refgraph.c - see refgraph.h. */
#include "session/refgraph.h"

#include "base/parallel.h"

struct builder {
	const struct pl_objects *o;
	struct pl_view *views;      /* one per worker */
	struct pl_edges_left *left; /* likewise */
	struct pl_strays *strays;
};

struct putting {
	const struct pl_objects *o;
	struct pl_edge_sink *sink;
	pl_id source;
	struct pl_strays *strays;
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

/* No object is there: should there be one? */
static bool is_astray(const struct pl_objects *o, const struct pl_edge *e)
{
	return e->kind == PL_EDGE_STRONG &&
	       (pl_heap_region(o->heap, e->target) || !pl_image_mapping(o->im, e->target));
}

static int by_source(const void *pa, const void *pb)
{
	const struct pl_stray *a = pa, *b = pb;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return (a->target > b->target) - (a->target < b->target);
}

static void sort_and_cut(struct pl_strays *s)
{
	if (s->at.n)
		qsort(s->at.at, s->at.n, sizeof(*s->at.at), by_source);
	s->at.n = PL_MIN(s->at.n, (size_t)PL_STRAYS_KEPT);
}

/* Which are kept must not depend on who met them: the first of each thread, then of all. */
static void put_stray(struct putting *p, const struct pl_edge *e)
{
	if (!is_astray(p->o, e))
		return;
	p->strays->n++;
	pl_vec_push(&p->strays->at, (struct pl_stray){p->source, e->target});
	if (p->strays->at.n == 2 * (size_t)PL_STRAYS_KEPT)
		sort_and_cut(p->strays);
}

static void put(void *arg, const struct pl_edge *e)
{
	struct putting *p = arg;
	pl_id target = pl_objects_id(p->o, e->target);
	bool weak = e->kind == PL_EDGE_WEAK || e->kind == PL_EDGE_BORROWED;

	if (target == PL_NO_ID)
		put_stray(p, e);
	else
		pl_edge_put(p->sink, target,
			    (uint8_t)((weak ? PL_G_WEAK : 0) | (is_seen(e) ? PL_G_TRAVERSED : 0)));
}

static void edges_of(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	struct builder *b = arg;
	struct putting p = {b->o, sink, node, &b->strays[worker]};

	pl_edges_within(b->o, &b->views[worker], node, &b->left[worker], put, &p);
}

static void join_strays(struct pl_strays *of, unsigned n, struct pl_strays *ret)
{
	*ret = (struct pl_strays){0};
	for (unsigned i = 0; i < n; i++) {
		ret->n += of[i].n;
		for (size_t k = 0; k < of[i].at.n; k++)
			pl_vec_push(&ret->at, of[i].at.at[k]);
		pl_vec_free(&of[i].at);
	}
	sort_and_cut(ret);
}

/* With as many threads as ctx has; *cut: not all references were looked at. */
static int build(const struct pl_objects *o, struct pl_ctx *ctx, struct pl_graph **ret,
		 struct pl_strays *strays, bool *cut, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(ctx);
	struct builder b = {o, pl_calloc(n, sizeof(*b.views)), pl_calloc(n, sizeof(*b.left)),
			    pl_calloc(n, sizeof(*b.strays))};
	uint64_t used = 0;
	int rc;

	for (unsigned i = 0; i < n; i++) {
		pl_view_init(&b.views[i], o->im);
		b.left[i] = pl_edges_begin(o);
	}
	rc = pl_graph_build((pl_node)o->n, edges_of, &b, ctx, ret, err);
	*cut = false;
	for (unsigned i = 0; i < n; i++)
		*cut |= pl_edges_over(o, &b.left[i], &used);
	free(b.left);
	join_strays(b.strays, n, strays);
	if (rc)
		pl_vec_free(&strays->at);
	free(b.strays);
	free(b.views);
	return rc;
}

int pl_refgraph_new(const struct pl_objects *o, struct pl_ctx *ctx, struct pl_graph **ret,
		    struct pl_strays *strays, struct pl_err *err)
{
	unsigned threads = ctx->threads;
	bool cut;
	int rc = build(o, ctx, ret, strays, &cut, err);

	if (!rc && cut && pl_parallel_workers(ctx) > 1) {
		/* The first ones, by id, whatever the number of threads. */
		pl_graph_free(*ret);
		pl_vec_free(&strays->at);
		ctx->threads = 1;
		rc = build(o, ctx, ret, strays, &cut, err);
		ctx->threads = threads;
	}
	if (cut)
		pl_ctx_damage(ctx, "stopped-looking",
			      "objects claim more references than the core has words: the rest "
			      "of them is not looked at");
	strays->cut = cut;
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
