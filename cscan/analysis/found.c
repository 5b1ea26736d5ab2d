/* found.c - see found.h. */
#include "analysis/found.h"

#include "base/mem.h"
#include "base/parallel.h"

#define CHUNK 4096 /* objects that a worker takes at a time */

struct counting {
	const struct pl_objects *o;
	struct pl_view *views; /* one per worker */
	struct pl_ctx *ctx;
	_Atomic uint32_t *strong, *native;
};

static void count(void *arg, const struct pl_edge *e)
{
	struct counting *c = arg;
	pl_id target;

	if (e->kind != PL_EDGE_STRONG && e->kind != PL_EDGE_NATIVE)
		return;
	target = pl_objects_id(c->o, e->target);
	if (target != PL_NO_ID)
		atomic_fetch_add_explicit(e->kind == PL_EDGE_STRONG ? &c->strong[target]
								    : &c->native[target],
					  1, memory_order_relaxed);
}

/*
 * A tuple in a file's data is a constant of a module that was frozen into the interpreter (3.11+):
 * the compiler laid it out, and nobody counted what it refers to.
 */
static bool counts(const struct pl_objects *o, pl_id id)
{
	return !(o->flags[id] & PL_OBJ_STATIC) || pl_object_type(o, id)->kind != PL_KIND_TUPLE;
}

static void count_chunk(void *arg, unsigned worker, size_t chunk)
{
	struct counting *c = arg;
	size_t end = PL_MIN((chunk + 1) * CHUNK, c->o->n);

	for (size_t id = chunk * CHUNK; id < end; id++) {
		if (counts(c->o, (pl_id)id))
			pl_edges(c->o, &c->views[worker], c->o->addr[id], count, c);
	}
	pl_ctx_step(c->ctx, end - chunk * CHUNK);
}

static void count_roots(struct counting *c, const struct pl_roots *roots)
{
	for (size_t i = 0; i < roots->n; i++) {
		pl_id id = roots->at[i].owns ? pl_objects_id(c->o, roots->at[i].target) : PL_NO_ID;

		if (id != PL_NO_ID)
			c->strong[id]++;
	}
}

int pl_found_new(const struct pl_objects *o, const struct pl_roots *roots, struct pl_ctx *ctx,
		 struct pl_found *ret, struct pl_err *err)
{
	unsigned n_workers = pl_parallel_workers(ctx);
	struct counting c = {.o = o, .ctx = ctx};
	struct pl_found f = {.n = o->n};
	int rc;

	f.strong = pl_col_alloc(f.n + 1, sizeof(*f.strong));
	f.native = pl_col_alloc(f.n + 1, sizeof(*f.native));
	if (!f.strong || !f.native) {
		pl_found_fini(&f);
		return pl_err_set(err, PL_E_NOMEM, "no memory for reference counts");
	}
	c.strong = (_Atomic uint32_t *)f.strong;
	c.native = (_Atomic uint32_t *)f.native;
	c.views = pl_calloc(n_workers, sizeof(*c.views));
	for (unsigned i = 0; i < n_workers; i++)
		pl_view_init(&c.views[i], o->im);
	pl_ctx_stage(ctx, "counting references", o->n);
	rc = pl_parallel(ctx, (o->n + CHUNK - 1) / CHUNK, count_chunk, &c, err);
	if (!rc && roots)
		count_roots(&c, roots);
	pl_ctx_stage(ctx, NULL, 0);
	free(c.views);
	if (rc)
		pl_found_fini(&f);
	else
		*ret = f;
	return rc;
}

void pl_found_fini(struct pl_found *f)
{
	if (f->strong)
		pl_col_free(f->strong, f->n + 1, sizeof(*f->strong));
	if (f->native)
		pl_col_free(f->native, f->n + 1, sizeof(*f->native));
	f->strong = f->native = NULL;
	f->n = 0;
}
