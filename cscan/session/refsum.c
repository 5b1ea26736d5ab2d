/* refsum.c - see refsum.h. */
#include "session/refsum.h"

#include "base/bits.h"
#include "base/mem.h"
#include "base/parallel.h"

#define CHUNK 4096 /* objects that a worker takes at a time */

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

/* With as many threads as ctx has, into columns of 0; f->cut: not all references were counted. */
static int count_all(const struct pl_objects *o, struct pl_refsum *f, struct pl_ctx *ctx,
		     struct pl_err *err)
{
	unsigned n_workers = pl_parallel_workers(ctx);
	struct counting c = {.o = o,
			     .ctx = ctx,
			     .strong = (_Atomic uint32_t *)f->strong,
			     .native = (_Atomic uint32_t *)f->native,
			     .views = pl_calloc(n_workers, sizeof(*c.views)),
			     .left = pl_calloc(n_workers, sizeof(*c.left))};
	uint64_t used = 0;
	int rc;

	for (unsigned i = 0; i < n_workers; i++) {
		pl_view_init(&c.views[i], o->im);
		c.left[i] = pl_edges_begin(o);
	}
	pl_ctx_stage(ctx, "counting references", o->n);
	rc = pl_parallel(ctx, (o->n + CHUNK - 1) / CHUNK, count_chunk, &c, err);
	pl_ctx_stage(ctx, NULL, 0);
	f->cut = false;
	for (unsigned i = 0; i < n_workers; i++)
		f->cut |= pl_edges_over(o, &c.left[i], &used);
	free(c.left);
	free(c.views);
	return rc;
}

int pl_refsum_new(const struct pl_objects *o, const struct pl_roots *roots, struct pl_ctx *ctx,
		  struct pl_refsum *ret, struct pl_err *err)
{
	unsigned threads = ctx->threads;
	struct pl_refsum f;
	int rc = columns(o, &f, err);

	if (rc)
		return rc;
	rc = count_all(o, &f, ctx, err);
	if (!rc && f.cut && pl_parallel_workers(ctx) > 1) {
		/* The first ones, by id, whatever the number of threads. */
		memset(f.strong, 0, f.n * sizeof(*f.strong));
		memset(f.native, 0, f.n * sizeof(*f.native));
		ctx->threads = 1;
		rc = count_all(o, &f, ctx, err);
		ctx->threads = threads;
	}
	if (!rc && roots)
		count_roots(o, roots, f.strong);
	if (f.cut)
		pl_ctx_damage(ctx, "stopped-looking",
			      "objects claim more references than the core has words: the rest of "
			      "them is not counted");
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

/* Of an object, by id. */
enum {
	HOLDS = 1 << 0,     /* refers to a target */
	HAS_WORDS = 1 << 1, /* by a word of its own that may be no reference */
};

struct holding {
	const struct pl_objects *o;
	struct pl_view *views;
	struct pl_ctx *ctx;
	struct pl_refsum *f;
};

struct holder {
	const struct pl_addrset *targets;
	uint8_t flags;
};

static void ask(void *arg, const struct pl_edge *e)
{
	struct holder *one = arg;

	if (pl_addrset_has(one->targets, e->target))
		one->flags |= e->kind == PL_EDGE_NATIVE ? HOLDS | HAS_WORDS : HOLDS;
}

static void ask_chunk(void *arg, unsigned worker, size_t chunk)
{
	struct holding *h = arg;
	size_t end = PL_MIN((chunk + 1) * CHUNK, h->o->n);

	for (size_t id = chunk * CHUNK; id < end; id++) {
		struct holder one = {&h->f->targets, 0};

		pl_edges(h->o, &h->views[worker], h->o->addr[id], ask, &one);
		h->f->holders[id] = one.flags;
	}
	pl_ctx_step(h->ctx, end - chunk * CHUNK);
}

/* Who holds the targets by a reference that owns them; weak ones lie in objects, not in buffers. */
static void ask_graph(struct holding *h, const struct pl_graph *g)
{
	for (size_t id = 0; id < h->o->n; id++) {
		const pl_node *in;
		uint64_t n;

		if (!pl_addrset_has(&h->f->targets, h->o->addr[id]))
			continue;
		in = pl_graph_in(g, (pl_node)id, &n);
		for (uint64_t i = 0; i < n; i++)
			h->f->holders[in[i]] = HOLDS;
	}
}

static size_t find_targets(struct holding *h, struct pl_refsum *f)
{
	size_t n = 0;

	for (size_t id = 0; id < h->o->n; id++) {
		uint64_t refcount;
		int64_t surplus;

		if (pl_refsum_surplus(h->o, &h->views[0], f, (pl_id)id, &refcount, &surplus) &&
		    surplus > 0 && !pl_refsum_static(h->o, (pl_id)id)) {
			pl_addrset_add(&f->targets, h->o->addr[id]);
			n++;
		}
	}
	return n;
}

static void leave_out_traced(const struct holding *h, struct pl_refsum *f)
{
	for (size_t id = 0; id < h->o->n; id++) {
		if (f->native[id] && pl_addrset_has(&f->targets, h->o->addr[id]))
			f->native[id]--;
	}
}

static bool count_word(void *arg, const struct pl_native_hit *hit)
{
	struct holding *h = arg;
	uint32_t *n = &h->f->native[pl_objects_id(h->o, hit->target)];

	*n += *n < UINT32_MAX;
	return true;
}

static int count_words(struct holding *h, struct pl_refsum *f, struct pl_err *err)
{
	PL_VEC(pl_id) owners = {0};
	int rc;

	for (size_t id = 0; id < h->o->n; id++) {
		if (f->holders[id])
			pl_vec_push(&owners, (pl_id)id);
	}
	rc = pl_native_words_new(h->o, &f->targets, owners.at, owners.n, h->ctx, &f->words, err);
	if (!rc)
		rc = pl_native_words_each(f->words, PL_NATIVE_FILE, PL_NATIVE_REGISTER, count_word,
					  h, err);
	if (!rc && pl_refsum_traced(h->o->l))
		leave_out_traced(h, f);
	pl_vec_free(&owners);
	return rc;
}

int pl_refsum_words(const struct pl_objects *o, const struct pl_graph *g, struct pl_refsum *f,
		    struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned n_workers = pl_parallel_workers(ctx);
	struct holding h = {.o = o, .ctx = ctx, .f = f};
	int rc = 0;

	f->holders = pl_col_alloc(f->n + 1, sizeof(*f->holders));
	if (!f->holders)
		return pl_err_set(err, PL_E_NOMEM, "no memory for who holds the objects");
	h.views = pl_calloc(n_workers, sizeof(*h.views));
	for (unsigned i = 0; i < n_workers; i++)
		pl_view_init(&h.views[i], o->im);
	if (find_targets(&h, f)) {
		pl_ctx_stage(ctx, "looking for holders", o->n);
		if (g)
			ask_graph(&h, g);
		else
			rc = pl_parallel(ctx, (o->n + CHUNK - 1) / CHUNK, ask_chunk, &h, err);
		pl_ctx_stage(ctx, NULL, 0);
		if (!rc)
			rc = count_words(&h, f, err);
	}
	free(h.views);
	return rc;
}

/* ---- the words themselves ---- */

struct telling {
	const struct pl_objects *o;
	const uint64_t *wanted;
	pl_id source;
	pl_refword_fn *fn;
	void *arg;
};

static bool is_wanted(const struct telling *t, pl_id id)
{
	return id != PL_NO_ID && pl_bits_has(t->wanted, id);
}

static bool tell_word(void *arg, const struct pl_native_hit *hit)
{
	struct telling *t = arg;
	pl_id target = pl_objects_id(t->o, hit->target);

	if (is_wanted(t, target))
		t->fn(t->arg, &(struct pl_refword){target, PL_NO_ID, .hit = *hit});
	return true;
}

static void tell_own(void *arg, const struct pl_edge *e)
{
	struct telling *t = arg;
	pl_id target = pl_objects_id(t->o, e->target);

	if (e->kind == PL_EDGE_NATIVE && is_wanted(t, target))
		t->fn(t->arg, &(struct pl_refword){target, t->source, .edge = *e});
}

int pl_refsum_tell(const struct pl_objects *o, const struct pl_refsum *f, const uint64_t *wanted,
		   pl_refword_fn *fn, void *arg, struct pl_ctx *ctx, struct pl_err *err)
{
	struct telling t = {.o = o, .wanted = wanted, .fn = fn, .arg = arg};
	struct pl_view v;
	int rc = 0;

	if (!f->words)
		return 0;
	rc = pl_native_words_each(f->words, PL_NATIVE_FILE, PL_NATIVE_REGISTER, tell_word, &t, err);
	pl_view_init(&v, o->im);
	for (size_t id = 0; !rc && id < o->n; id++) {
		if (id % 4096 == 0 && pl_ctx_cancelled(ctx))
			rc = pl_ctx_cancel_err(err);
		t.source = (pl_id)id;
		if (f->holders[id] & HAS_WORDS)
			pl_edges(o, &v, o->addr[id], tell_own, &t);
	}
	return rc;
}

void pl_refsum_fini(struct pl_refsum *f)
{
	if (f->strong)
		pl_col_free(f->strong, f->n + 1, sizeof(*f->strong));
	if (f->native)
		pl_col_free(f->native, f->n + 1, sizeof(*f->native));
	if (f->holders)
		pl_col_free(f->holders, f->n + 1, sizeof(*f->holders));
	pl_native_words_free(f->words);
	pl_addrset_fini(&f->targets);
	*f = (struct pl_refsum){0};
}
