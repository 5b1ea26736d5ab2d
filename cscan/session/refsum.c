/* refsum.c - see refsum.h. */
#include "session/refsum.h"

#include "base/addrset.h"
#include "base/mem.h"
#include "base/parallel.h"

#define CHUNK 4096        /* objects that a worker takes at a time */
#define MAX_OWN (1 << 16) /* words among objects' own that are kept */

struct counting {
	const struct pl_objects *o;
	struct pl_view *views;      /* one per worker */
	struct pl_edges_left *left; /* one per worker */
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
			pl_edges_within(c->o, &c->views[worker], (pl_id)id, &c->left[worker], count,
					c);
	}
	pl_ctx_step(c->ctx, end - chunk * CHUNK);
}

static void count_roots(const struct pl_objects *o, const struct pl_roots *roots, uint32_t *strong)
{
	for (size_t i = 0; i < roots->n; i++) {
		pl_id id = roots->at[i].owns ? pl_objects_id(o, roots->at[i].target) : PL_NO_ID;

		if (id != PL_NO_ID)
			strong[id]++;
	}
}

static int columns(const struct pl_objects *o, struct pl_refsum *f, struct pl_err *err)
{
	*f = (struct pl_refsum){.n = o->n};
	f->strong = pl_col_alloc(f->n + 1, sizeof(*f->strong));
	f->native = pl_col_alloc(f->n + 1, sizeof(*f->native));
	if (f->strong && f->native)
		return 0;
	pl_refsum_fini(f);
	return pl_err_set(err, PL_E_NOMEM, "no memory for reference counts");
}

int pl_refsum_new(const struct pl_objects *o, const struct pl_roots *roots, struct pl_ctx *ctx,
		  struct pl_refsum *ret, struct pl_err *err)
{
	unsigned n_workers = pl_parallel_workers(ctx);
	struct counting c = {.o = o, .ctx = ctx};
	struct pl_refsum f;
	int rc = columns(o, &f, err);

	if (rc)
		return rc;
	c.strong = (_Atomic uint32_t *)f.strong;
	c.native = (_Atomic uint32_t *)f.native;
	c.views = pl_calloc(n_workers, sizeof(*c.views));
	c.left = pl_calloc(n_workers, sizeof(*c.left));
	for (unsigned i = 0; i < n_workers; i++) {
		pl_view_init(&c.views[i], o->im);
		c.left[i].n = pl_edges_most(o);
	}
	pl_ctx_stage(ctx, "counting references", o->n);
	rc = pl_parallel(ctx, (o->n + CHUNK - 1) / CHUNK, count_chunk, &c, err);
	if (!rc && roots)
		count_roots(o, roots, f.strong);
	pl_ctx_stage(ctx, NULL, 0);
	for (unsigned i = 0; i < n_workers; i++) {
		if (!c.left[i].n)
			pl_ctx_damage(ctx, "stopped-looking",
				      "objects claim more references than the core has words: the "
				      "rest of them is not counted");
	}
	free(c.left);
	free(c.views);
	if (rc)
		pl_refsum_fini(&f);
	else
		*ret = f;
	return rc;
}

/* What a source counts for none of its targets: see counts(). */
static void leave_out(const struct pl_graph *g, pl_node source, uint32_t *strong)
{
	uint32_t n;
	const pl_node *out = pl_graph_out(g, source, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (!(pl_graph_flags(g, source, i) & PL_G_WEAK))
			strong[out[i]]--;
	}
}

int pl_refsum_of_graph(const struct pl_objects *o, const struct pl_roots *roots,
		       const struct pl_graph *g, struct pl_refsum *ret, struct pl_err *err)
{
	struct pl_refsum f;
	int rc = columns(o, &f, err);

	if (rc)
		return rc;
	for (size_t id = 0; id < o->n; id++) {
		uint64_t n;

		pl_graph_in(g, (pl_node)id, &n);
		f.strong[id] = (uint32_t)PL_MIN(n, (uint64_t)UINT32_MAX);
	}
	for (size_t id = 0; id < o->n; id++) {
		if (!counts(o, (pl_id)id))
			leave_out(g, (pl_node)id, f.strong);
	}
	if (roots)
		count_roots(o, roots, f.strong);
	*ret = f;
	return 0;
}

/*
 * A native word may or may not be a counted reference: it can explain a surplus, and cannot make
 * an object over-counted.
 */
bool pl_refsum_surplus(const struct pl_objects *o, struct pl_view *v, const struct pl_refsum *f,
		       pl_id id, uint64_t *refcount, int64_t *ret)
{
	int64_t surplus;
	bool immortal;

	if (!pl_object_refcount(o, v, o->addr[id], refcount, &immortal) || immortal)
		return false;
	surplus = (int64_t)(*refcount - f->strong[id]);
	if (surplus > 0)
		surplus -= PL_MIN(surplus, (int64_t)f->native[id]);
	*ret = surplus;
	return true;
}

/* ---- words of C memory ---- */

struct holding {
	const struct pl_objects *o;
	struct pl_view *views;
	struct pl_ctx *ctx;
	struct pl_addrset targets;
	uint8_t *holds;                  /* by id */
	PL_VEC(struct pl_refword) * own; /* one per worker */
	_Atomic size_t n_own;
};

struct holder {
	struct holding *h;
	unsigned worker;
	pl_addr source;
	bool holds;
};

static void ask(void *arg, const struct pl_edge *e)
{
	struct holder *one = arg;

	if (!pl_addrset_has(&one->h->targets, e->target))
		return;
	one->holds = true;
	if (e->kind == PL_EDGE_NATIVE && atomic_fetch_add(&one->h->n_own, 1) < MAX_OWN)
		pl_vec_push(&one->h->own[one->worker],
			    (struct pl_refword){{.target = e->target}, one->source, *e});
}

static void ask_chunk(void *arg, unsigned worker, size_t chunk)
{
	struct holding *h = arg;
	size_t end = PL_MIN((chunk + 1) * CHUNK, h->o->n);

	for (size_t id = chunk * CHUNK; id < end; id++) {
		struct holder one = {h, worker, h->o->addr[id], false};

		pl_edges(h->o, &h->views[worker], h->o->addr[id], ask, &one);
		h->holds[id] = one.holds;
	}
	pl_ctx_step(h->ctx, end - chunk * CHUNK);
}

/* Who holds the targets by a reference that owns them; weak ones lie in objects, not in buffers. */
static void ask_graph(struct holding *h, const struct pl_graph *g)
{
	for (size_t id = 0; id < h->o->n; id++) {
		const pl_node *in;
		uint64_t n;

		if (!pl_addrset_has(&h->targets, h->o->addr[id]))
			continue;
		in = pl_graph_in(g, (pl_node)id, &n);
		for (uint64_t i = 0; i < n; i++)
			h->holds[in[i]] = true;
	}
}

static size_t find_targets(struct holding *h, const struct pl_refsum *f)
{
	size_t n = 0;

	for (size_t id = 0; id < h->o->n; id++) {
		uint64_t refcount;
		int64_t surplus;

		if (pl_refsum_surplus(h->o, &h->views[0], f, (pl_id)id, &refcount, &surplus) &&
		    surplus > 0 && !pl_refsum_static(h->o, (pl_id)id)) {
			pl_addrset_add(&h->targets, h->o->addr[id]);
			n++;
		}
	}
	return n;
}

static void leave_out_traced(const struct holding *h, struct pl_refsum *f)
{
	for (size_t id = 0; id < h->o->n; id++) {
		if (f->native[id] && pl_addrset_has(&h->targets, h->o->addr[id]))
			f->native[id]--;
	}
}

static int by_target(const void *pa, const void *pb)
{
	const struct pl_refword *a = pa, *b = pb;

	if (a->hit.target != b->hit.target)
		return a->hit.target < b->hit.target ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->hit.place != b->hit.place)
		return a->hit.place < b->hit.place ? -1 : 1;
	return (a->hit.at > b->hit.at) - (a->hit.at < b->hit.at);
}

/* Keep what was found, so that it can be shown. */
static void keep_words(const struct holding *h, unsigned n_workers,
		       const struct pl_native_hit *hits, size_t n, struct pl_refsum *f)
{
	PL_VEC(struct pl_refword) all = {0};

	for (size_t i = 0; i < n; i++)
		pl_vec_push(&all, (struct pl_refword){.hit = hits[i]});
	for (unsigned w = 0; w < n_workers; w++) {
		for (size_t i = 0; i < h->own[w].n; i++)
			pl_vec_push(&all, h->own[w].at[i]);
	}
	if (all.n)
		qsort(all.at, all.n, sizeof(*all.at), by_target);
	f->words = all.at;
	f->n_words = all.n;
}

const struct pl_refword *pl_refsum_words_of(const struct pl_refsum *f, pl_addr target, size_t *n)
{
	size_t lo = 0, hi = f->n_words, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->words[mid].hit.target < target)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < f->n_words && f->words[end].hit.target == target; end++)
		;
	*n = end - lo;
	return *n ? &f->words[lo] : NULL;
}

static int count_words(struct holding *h, unsigned n_workers, struct pl_refsum *f,
		       struct pl_err *err)
{
	PL_VEC(pl_id) owners = {0};
	struct pl_native_hit *hits = NULL;
	size_t n = 0;
	int rc;

	for (size_t id = 0; id < h->o->n; id++) {
		if (h->holds[id])
			pl_vec_push(&owners, (pl_id)id);
	}
	rc = pl_native_words(h->o, &h->targets, owners.at, owners.n, h->ctx, &hits, &n, err);
	for (size_t i = 0; !rc && i < n; i++) {
		pl_id id = pl_objects_id(h->o, hits[i].target);

		if (id != PL_NO_ID && f->native[id] < UINT32_MAX)
			f->native[id]++;
	}
	if (!rc && pl_refsum_traced(h->o->l))
		leave_out_traced(h, f);
	if (!rc)
		keep_words(h, n_workers, hits, n, f);
	free(hits);
	pl_vec_free(&owners);
	return rc;
}

int pl_refsum_words(const struct pl_objects *o, const struct pl_graph *g, struct pl_refsum *f,
		    struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned n_workers = pl_parallel_workers(ctx);
	struct holding h = {.o = o, .ctx = ctx, .holds = pl_col_alloc(o->n + 1, 1)};
	int rc = 0;

	if (!h.holds)
		return pl_ctx_cancel_err(err);
	h.views = pl_calloc(n_workers, sizeof(*h.views));
	for (unsigned i = 0; i < n_workers; i++)
		pl_view_init(&h.views[i], o->im);
	h.own = pl_calloc(n_workers, sizeof(*h.own));
	pl_addrset_init(&h.targets);
	if (find_targets(&h, f)) {
		pl_ctx_stage(ctx, "looking for holders", o->n);
		if (g)
			ask_graph(&h, g);
		else
			rc = pl_parallel(ctx, (o->n + CHUNK - 1) / CHUNK, ask_chunk, &h, err);
		pl_ctx_stage(ctx, NULL, 0);
		if (!rc)
			rc = count_words(&h, n_workers, f, err);
	}
	pl_addrset_fini(&h.targets);
	for (unsigned i = 0; i < n_workers; i++)
		pl_vec_free(&h.own[i]);
	free(h.own);
	pl_col_free(h.holds, o->n + 1, 1);
	free(h.views);
	return rc;
}

void pl_refsum_fini(struct pl_refsum *f)
{
	if (f->strong)
		pl_col_free(f->strong, f->n + 1, sizeof(*f->strong));
	if (f->native)
		pl_col_free(f->native, f->n + 1, sizeof(*f->native));
	free(f->words);
	*f = (struct pl_refsum){0};
}
