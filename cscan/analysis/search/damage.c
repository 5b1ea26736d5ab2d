/* damage.c - see damage.h. */
#include "analysis/search/damage.h"

#include "base/parallel.h"
#include "object/value/value.h"

#define CHUNK 4096                     /* objects that a worker takes at a time */
#define CANCEL_EVERY 64                /* of them */
#define TAG_BITS UINT64_C(3)           /* flags in the low bits of a gc head's links, 3.8+ */
#define HUGE_COUNT (UINT64_C(1) << 40) /* taking so many references takes a quarter of an hour */
#define UNDER 4                        /* so many references beyond a count are no decoder's slip */

struct worker {
	struct pl_damage found;
	struct pl_view v;
	struct pl_edges_left left; /* references that it may still look at: of a hostile core any
				      number of objects can claim the same words */
};

struct checking {
	const struct pl_objects *o;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	struct pl_ctx *ctx;
	struct worker *workers;
	bool links; /* look at the collector's lists */
};

/* Sites are kept by address, so that they are the same for any number of threads. */
static void put(struct pl_damage *d, struct pl_damage_site site)
{
	struct pl_damage_site *at = d->site[site.kind];
	uint64_t n = PL_MIN(d->n[site.kind], (uint64_t)PL_DAMAGE_SHOWN), i;

	d->n[site.kind]++;
	if (n == PL_DAMAGE_SHOWN && at[n - 1].at <= site.at)
		return;
	i = n == PL_DAMAGE_SHOWN ? n - 1 : n;
	for (; i && at[i - 1].at > site.at; i--)
		at[i] = at[i - 1];
	at[i] = site;
}

static void merge(struct pl_damage *to, const struct pl_damage *from)
{
	for (int kind = 0; kind < PL_N_DAMAGES; kind++) {
		uint64_t kept = PL_MIN(from->n[kind], (uint64_t)PL_DAMAGE_SHOWN);

		for (uint64_t i = 0; i < kept; i++)
			put(to, from->site[kind][i]);
		to->n[kind] += from->n[kind] - kept;
	}
}

/* ---- one object ---- */

static bool holds(const struct pl_block *b)
{
	return b->state == PL_BLOCK_LIVE;
}

/*
 * What the links of a gc head say of a neighbour: where its object is, or 0 when it is one, or a
 * list's head, or not to be told.
 */
static pl_addr broken_link(const struct checking *c, struct pl_view *v, pl_addr head, bool forward)
{
	const struct pl_fields *f = &c->o->l->f;
	int32_t to = forward ? f->gc_head_next : f->gc_head_prev;
	int32_t back = forward ? f->gc_head_prev : f->gc_head_next;
	uint64_t next, returned;

	if (!pl_read64(v, head + (uint64_t)to, &next))
		return 0;
	next &= ~TAG_BITS;
	if (pl_read64(v, next + (uint64_t)back, &returned) && (returned & ~TAG_BITS) == head)
		return 0;
	return next + (uint64_t)f->gc_head_size;
}

static void check_links(struct checking *c, struct worker *w, pl_id id)
{
	pl_addr head = c->o->addr[id] - (uint64_t)c->o->l->f.gc_head_size;

	for (int forward = 0; forward < 2; forward++) {
		pl_addr other = broken_link(c, &w->v, head, forward);
		pl_id neighbour = other ? pl_objects_id(c->o, other) : PL_NO_ID;

		if (!other)
			continue;
		/* Of two objects that disagree the one that leads to no object is wrong. */
		if (neighbour == PL_NO_ID ||
		    !(c->o->flags[neighbour] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT)))
			put(&w->found,
			    (struct pl_damage_site){PL_DAMAGE_LINK, other, id, (uint64_t)forward});
	}
}

struct search {
	pl_addr target;
	bool found;
};

static void find_strong(void *arg, const struct pl_edge *e)
{
	struct search *s = arg;

	s->found |= e->target == s->target && e->kind == PL_EDGE_STRONG;
}

/* At least so many; a source that refers a million times is looked at once. */
static uint64_t strong_references(const struct checking *c, struct worker *w, pl_id id)
{
	struct search s = {c->o->addr[id], false};
	uint64_t n, sure = 0;
	const pl_node *in = pl_graph_in(c->g, id, &n);

	for (uint64_t i = 0; i < n && w->left.n && !pl_ctx_cancelled(c->ctx); i++) {
		/* Constants of frozen modules are laid out by the compiler: nobody counts. */
		if (c->o->flags[in[i]] & PL_OBJ_STATIC)
			continue;
		if (!i || in[i] != in[i - 1]) {
			s.found = false;
			pl_edges_within(c->o, &w->v, in[i], &w->left, find_strong, &s);
		}
		sure += s.found;
	}
	return sure;
}

static void check_count(struct checking *c, struct worker *w, pl_id id)
{
	const struct pl_type *type = pl_object_type(c->o, id);
	uint64_t count, n;
	bool immortal;

	/* No immortal object's count is beyond 32 bits. */
	if (c->o->flags[id] & PL_OBJ_STATIC ||
	    !pl_object_refcount(c->o, &w->v, c->o->addr[id], &count, &immortal) ||
	    (immortal && count < HUGE_COUNT))
		return;
	if (!count || count >= HUGE_COUNT) {
		put(&w->found, (struct pl_damage_site){PL_DAMAGE_COUNT, c->o->addr[id], id, count});
		return;
	}
	/* Types are counted by rules of their own: see pl_refsum_static(). */
	pl_graph_in(c->g, id, &n);
	if (type->is_type || n < 2 * count || n < count + UNDER)
		return;
	n = strong_references(c, w, id);
	if (n >= 2 * count && n >= count + UNDER)
		put(&w->found,
		    (struct pl_damage_site){PL_DAMAGE_UNDERCOUNT, c->o->addr[id], id, n});
}

static void check_dict(struct checking *c, struct worker *w, pl_id id)
{
	pl_addr key, value;
	struct pl_dict_iter it;
	uint64_t used, n = 0, most = w->left.n;

	if (pl_object_type(c->o, id)->kind != PL_KIND_DICT ||
	    !pl_dict_used(c->o->l, &w->v, c->o->addr[id], &used))
		return;
	if (pl_dict_begin(c->o->l, &w->v, c->o->addr[id], &it)) {
		while (n < most && pl_dict_next(&it, &key, &value, NULL))
			n++;
	}
	w->left.n -= n;
	if (n != used && w->left.n)
		put(&w->found, (struct pl_damage_site){PL_DAMAGE_DICT, c->o->addr[id], id, used});
}

static void check_chunk(void *arg, unsigned worker, size_t chunk)
{
	struct checking *c = arg;
	struct worker *w = &c->workers[worker];
	size_t end = PL_MIN((chunk + 1) * CHUNK, c->o->n);

	for (size_t id = chunk * CHUNK; id < end; id++) {
		bool listed = c->o->flags[id] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT);

		/* What is on no list, and nothing reaches, may never have been an object. */
		if (!listed && c->lives->of[id] != PL_LIVES)
			continue;
		if (id % CANCEL_EVERY == 0 && pl_ctx_cancelled(c->ctx))
			return;
		if (listed && c->links)
			check_links(c, w, (pl_id)id);
		if (c->o->collecting)
			continue;
		check_count(c, w, (pl_id)id);
		check_dict(c, w, (pl_id)id);
	}
	pl_ctx_step(c->ctx, end - chunk * CHUNK);
}

/* ---- references to no object ---- */

/*
 * Is the head of what was not listed sound all the same? Of an object that is being made or
 * destroyed, with a count of 0; of one with no gc head to judge, in a block that was not
 * understood.
 */
static bool has_head(const struct checking *c, struct pl_view *v, pl_addr addr)
{
	uint64_t type, count;
	bool immortal;
	int32_t index;

	if (!pl_read64(v, addr + (uint64_t)c->o->l->f.object_type, &type) ||
	    !pl_object_refcount(c->o, v, addr, &count, &immortal))
		return false;
	index = pl_types_find(c->o->types, v, type);
	return index >= 0 && (!count || (count < HUGE_COUNT &&
					 !pl_types_at(c->o->types, (uint32_t)index)->is_gc));
}

static void check_stray(struct checking *c, struct worker *w, const struct pl_stray *stray)
{
	struct pl_damage_site site = {PL_DAMAGE_WILD, stray->target, stray->source, 0};
	uint8_t flags = c->o->flags[stray->source];
	struct pl_block b;
	uint64_t n_in;

	/*
	 * What is on no list may never have been an object, and a tuple that C code keeps for its
	 * own next call holds what it likes (property_descr_get() of 3.6): it must be held by one.
	 */
	pl_graph_in(c->g, stray->source, &n_in);
	if (flags & PL_OBJ_STATIC || stray->target < PL_NULL_END ||
	    (!(flags & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT)) &&
	     (c->lives->of[stray->source] != PL_LIVES || !n_in)))
		return;
	if (pl_object_on_freelist(c->o, stray->target)) {
		site.kind = PL_DAMAGE_FREED;
	} else if (pl_heap_find(c->o->heap, stray->target, &b)) {
		if (holds(&b) && has_head(c, &w->v, stray->target))
			return;
		site.kind = holds(&b) ? PL_DAMAGE_HEAD : PL_DAMAGE_FREED;
	}
	put(&w->found, site);
}

static void check_allocators(const struct pl_objects *o, struct pl_damage *d)
{
	const struct pl_heap_tally *t = &o->heap_tally;
	const struct {
		enum pl_damage_kind kind;
		uint64_t n;
		pl_addr at;
	} all[] = {{PL_DAMAGE_POOL, t->bad_pools, t->pool_at},
		   {PL_DAMAGE_FREELIST, t->bad_freelists, t->freelist_at},
		   {PL_DAMAGE_CHUNK, t->bad_chunks, t->chunk_at}};

	for (size_t i = 0; i < PL_ARRAY_LEN(all); i++) {
		if (!all[i].n)
			continue;
		put(d, (struct pl_damage_site){all[i].kind, all[i].at, PL_NO_ID, 0});
		d->n[all[i].kind] = all[i].n;
	}
}

/* With as many threads as ctx has, into *ret; *cut: not all could be looked at. */
static int check_all(struct checking *c, const struct pl_strays *strays, struct pl_damage *ret,
		     bool *cut, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(c->ctx);
	uint64_t used = 0;
	int rc;

	c->workers = pl_calloc(n, sizeof(*c->workers));
	for (unsigned i = 0; i < n; i++) {
		pl_view_init(&c->workers[i].v, c->o->im);
		c->workers[i].left = pl_edges_begin(c->o);
	}
	pl_ctx_stage(c->ctx, "looking for damage", c->o->n);
	rc = pl_parallel(c->ctx, (c->o->n + CHUNK - 1) / CHUNK, check_chunk, c, err);
	pl_ctx_stage(c->ctx, NULL, 0);
	for (size_t i = 0; !rc && i < strays->at.n; i++)
		check_stray(c, &c->workers[0], &strays->at.at[i]);
	*cut = false;
	if (!rc) {
		*ret = (struct pl_damage){0};
		check_allocators(c->o, ret);
		for (unsigned i = 0; i < n; i++) {
			merge(ret, &c->workers[i].found);
			*cut |= pl_edges_over(c->o, &c->workers[i].left, &used);
		}
	}
	free(c->workers);
	return rc;
}

int pl_damage_find(struct pl_session *s, struct pl_damage *ret, struct pl_err *err)
{
	struct checking c = {.ctx = pl_session_ctx(s)};
	unsigned threads = c.ctx->threads;
	const struct pl_strays *strays;
	const struct pl_roots *roots;
	struct pl_objects *o;
	bool cut;
	int rc;

	rc = pl_session_references(s, &o, &roots, &c.g, err);
	if (!rc)
		rc = pl_session_strays(s, &strays, err);
	if (!rc)
		rc = pl_session_lives(s, &c.lives, err);
	if (rc)
		return rc;
	c.o = o;
	c.links = !o->collecting &&
		  (o->tally.broken_lists || o->tally.bad_links || o->tally.bad_types);
	rc = check_all(&c, strays, ret, &cut, err);
	if (!rc && cut && pl_parallel_workers(c.ctx) > 1) {
		/* The first ones, by id, whatever the number of threads. */
		c.ctx->threads = 1;
		rc = check_all(&c, strays, ret, &cut, err);
		c.ctx->threads = threads;
	}
	if (cut)
		pl_ctx_damage(c.ctx, "stopped-looking",
			      "dicts claim more entries than the core has words: the rest of "
			      "them is not looked at");
	return rc;
}
