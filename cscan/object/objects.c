/*
 * objects.c - the object table: build, join, index, and what one object says of itself.
 */
#include "object/objects.h"

#include "object/listing.h"
#include "object/names.h"
#include "object/sizeof.h"

static int alloc_columns(struct pl_objects *o, uint64_t cap, struct pl_err *err)
{
	if (cap >= PL_NO_ID)
		return pl_err_set(err, PL_E_NOMEM, "the core claims more than 4 billion objects");
	o->cap = (size_t)cap;
	o->addr = pl_col_alloc(o->cap + 1, sizeof(*o->addr));
	o->type = pl_col_alloc(o->cap + 1, sizeof(*o->type));
	o->size = pl_col_alloc(o->cap + 1, sizeof(*o->size));
	o->flags = pl_col_alloc(o->cap + 1, sizeof(*o->flags));
	if (!o->addr || !o->type || !o->size || !o->flags)
		return pl_err_set(err, PL_E_NOMEM, "no memory for a table of %zu objects", o->cap);
	return 0;
}

static int alloc_segments(struct pl_objects *o, struct pl_err *err)
{
	struct pl_objects_private *p = o->priv;
	uint64_t first = 0;

	o->n_segments = p->n_areas;
	o->segments = pl_calloc(p->n_areas + 1, sizeof(*o->segments));
	for (size_t i = 0; i < p->n_areas; i++) {
		/* No more objects than 16-byte blocks, whatever a damaged pool header says. */
		p->areas[i].max = PL_MIN(p->areas[i].max, (p->areas[i].hi - p->areas[i].lo) / 16);
		if (first + p->areas[i].max >= PL_NO_ID)
			return pl_err_set(err, PL_E_NOMEM, "the core claims more than 4 billion objects");
		o->segments[i].first = (pl_id)first;
		first += p->areas[i].max;
	}
	return alloc_columns(o, first, err);
}

/* ---- join: listed objects that no allocator's block holds ---- */

struct missing {
	PL_VEC(struct pl_found) found;
};

static void find_missing(struct pl_objects *o, struct missing *m)
{
	struct pl_addrset *listed = &o->priv->lists.listed;
	struct pl_classifier c;
	struct pl_found found;
	struct pl_block block;
	size_t s = 0, i = 0;

	pl_classifier_init(&c, o->im, o->l, o->types, &o->priv->dead, o->collecting);
	pl_addrset_sort(listed);
	for (pl_addr at = pl_addrset_next(listed, 0); at != UINT64_MAX; at = pl_addrset_next(listed, at + 8)) {
		while (s < o->n_segments &&
		       (i >= o->segments[s].n || o->addr[o->segments[s].first + i] < at)) {
			if (i < o->segments[s].n)
				i++;
			else
				s++, i = 0;
		}
		if (s < o->n_segments && o->addr[o->segments[s].first + i] == at)
			continue;
		if (!pl_classify_certain(&c, at, &found)) {
			o->tally.bad_types++;
			continue;
		}
		if (pl_heap_find(o->heap, at, &block) && block.state != PL_BLOCK_LIVE)
			o->tally.listed_not_live++;
		else
			o->tally.listed_not_in_blocks++;
		pl_vec_push(&m->found, found);
	}
}

static uint8_t flags_of_listed(const struct pl_gclists *g, const struct pl_found *f)
{
	uint8_t flags = f->flags & (uint8_t)~PL_OBJ_TRACKED;
	unsigned list = g->big;

	for (unsigned k = 0; k < g->n_lists; k++) {
		if (pl_addrset_has(&g->small[k], f->addr))
			list = k;
	}
	return (uint8_t)(flags | (list == g->permanent ? PL_OBJ_PERMANENT
						       : PL_OBJ_TRACKED | list << PL_OBJ_GEN_SHIFT));
}

static void put(struct pl_objects *o, size_t id, const struct pl_found *f)
{
	o->addr[id] = f->addr;
	o->type[id] = f->type;
	o->size[id] = f->size < UINT32_MAX ? (uint32_t)f->size : UINT32_MAX;
	o->flags[id] = (uint8_t)(flags_of_listed(&o->priv->lists, f) | (f->size < UINT32_MAX ? 0 : PL_OBJ_HUGE));
	o->total_size += f->size;
}

/*
 * Merge the missing ones in, in address order: one new set of columns with a single segment. Rare
 * (an allocator that pyleak does not know, or damage), so simplicity comes before memory here.
 */
static int join(struct pl_objects *o, struct missing *m, struct pl_err *err)
{
	struct pl_objects old = *o;
	size_t id = 0, k = 0;
	int rc;

	rc = alloc_columns(o, old.n + m->found.n, err);
	for (size_t s = 0; !rc && s < old.n_segments; s++) {
		for (size_t i = 0; i < old.segments[s].n; i++, id++) {
			size_t from = (size_t)old.segments[s].first + i;

			while (k < m->found.n && m->found.at[k].addr < old.addr[from])
				put(o, id++, &m->found.at[k++]);
			o->addr[id] = old.addr[from];
			o->type[id] = old.type[from];
			o->size[id] = old.size[from];
			o->flags[id] = old.flags[from];
		}
	}
	while (!rc && k < m->found.n)
		put(o, id++, &m->found.at[k++]);
	pl_col_free(old.addr, old.cap + 1, sizeof(*old.addr));
	pl_col_free(old.type, old.cap + 1, sizeof(*old.type));
	pl_col_free(old.size, old.cap + 1, sizeof(*old.size));
	pl_col_free(old.flags, old.cap + 1, sizeof(*old.flags));
	o->n = id;
	o->n_segments = 1;
	o->segments[0] = (struct pl_segment){0, (uint32_t)id};
	return rc;
}

/* ---- after the listing ---- */

static void count_sources(struct pl_objects *o, uint8_t *live)
{
	for (size_t s = 0; s < o->n_segments; s++) {
		for (size_t i = 0; i < o->segments[s].n; i++) {
			size_t id = (size_t)o->segments[s].first + i;

			live[o->type[id]] = 1;
			o->tally.from_static += (o->flags[id] & PL_OBJ_STATIC) != 0;
		}
	}
}

static void note_damage(const struct pl_objects *o, struct pl_ctx *ctx)
{
	const struct pl_heap_tally *h = &o->heap_tally;
	const struct pl_object_tally *t = &o->tally;

	if (h->bad_arenas + h->bad_pools + h->bad_chunks + h->bad_freelists)
		pl_ctx_damage(ctx, "damaged-heap",
			      "the allocator's own data is damaged: %llu arenas, %llu pools, %llu free "
			      "lists, %llu chunks",
			      (unsigned long long)h->bad_arenas, (unsigned long long)h->bad_pools,
			      (unsigned long long)h->bad_freelists, (unsigned long long)h->bad_chunks);
	if (!o->collecting && t->broken_lists)
		pl_ctx_damage(ctx, "damaged-gc-list",
			      "%llu of the collector's lists do not close: tracked counts hold for what "
			      "could be walked",
			      (unsigned long long)t->broken_lists);
	if (t->bad_types)
		pl_ctx_damage(ctx, "damaged-object",
			      "%llu objects on the collector's lists have a type pointer that leads to no "
			      "type",
			      (unsigned long long)t->bad_types);
	if (o->collecting)
		pl_ctx_note(ctx, PL_INFO, "collecting",
			    "the process died inside a garbage collection: %llu objects are on the "
			    "collector's temporary lists",
			    (unsigned long long)t->linked_not_listed);
}

static bool inside_collection(const struct pl_objects *o)
{
	struct pl_view v;
	uint32_t collecting = 0;

	pl_view_init(&v, o->im);
	for (size_t i = 0; i < o->n_interps && !collecting; i++) {
		if (pl_has(o->l->f.gc_collecting) && o->interps[i].gc_state)
			pl_read32(&v, o->interps[i].gc_state + (uint64_t)o->l->f.gc_collecting, &collecting);
	}
	if (!collecting && o->l->gc_collecting_address)
		pl_read32(&v, o->l->gc_collecting_address, &collecting);
	return collecting != 0;
}

static int list(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	struct missing m = {0};
	struct pl_view v;
	uint8_t *live;
	int rc;

	o->n_interps = pl_interps(o->im, o->l, &o->interps);
	o->collecting = inside_collection(o);
	pl_dead_collect(o);
	pl_areas_find(o);
	rc = alloc_segments(o, err);
	if (!rc) {
		uint64_t bytes = 0;

		for (size_t i = 0; i < o->priv->n_areas; i++)
			bytes += o->priv->areas[i].hi - o->priv->areas[i].lo;
		pl_ctx_stage(ctx, "listing objects", bytes);
		rc = pl_scan(o, ctx, err);
	}
	if (rc)
		return rc;
	pl_claims_settle(o);
	rc = pl_settle(o, ctx, err);
	o->tally.in_lists = o->priv->lists.listed.n;
	o->tally.broken_lists = o->priv->lists.broken;
	o->list_counts = (const uint64_t (*)[4])o->priv->lists.counts;
	o->tally.from_blocks = o->n;
	if (!rc && o->tally.from_gc_lists < o->tally.in_lists) {
		find_missing(o, &m);
		if (m.found.n)
			rc = join(o, &m, err);
		pl_vec_free(&m.found);
	}
	if (rc)
		return rc;
	live = pl_calloc(pl_types_count(o->types) + 1, 1);
	count_sources(o, live);
	o->tally.from_blocks -= o->tally.from_static;
	pl_view_init(&v, o->im);
	if (o->n_interps)
		pl_types_recover_names(o->types, o->l, &v, &o->interps[0]);
	pl_types_mark_ambiguous(o->types, live);
	pl_types_mark_python(o->types);
	free(live);
	note_damage(o, ctx);
	return 0;
}

int pl_objects_new(struct pl_image *im, const struct pl_layout *l, const struct pl_heap *heap,
		   struct pl_ctx *ctx, struct pl_objects **ret, struct pl_err *err)
{
	struct pl_objects *o = pl_calloc(1, sizeof(*o));
	int rc;

	o->im = im;
	o->l = l;
	o->heap = heap;
	o->types = pl_types_new(im, l);
	o->priv = pl_calloc(1, sizeof(*o->priv));
	rc = list(o, ctx, err);
	pl_ctx_stage(ctx, NULL, 0);
	if (rc) {
		pl_objects_free(o);
		return rc;
	}
	*ret = o;
	return 0;
}

void pl_objects_free(struct pl_objects *o)
{
	if (!o)
		return;
	pl_col_free(o->addr, o->cap + 1, sizeof(*o->addr));
	pl_col_free(o->type, o->cap + 1, sizeof(*o->type));
	pl_col_free(o->size, o->cap + 1, sizeof(*o->size));
	pl_col_free(o->flags, o->cap + 1, sizeof(*o->flags));
	free(o->segments);
	free(o->interps);
	free(o->priv->areas);
	pl_gclists_fini(&o->priv->lists);
	pl_addrset_fini(&o->priv->dead);
	pl_addrset_fini(&o->priv->ids);
	pl_vec_free(&o->priv->doubts);
	free(o->priv);
	pl_types_free(o->types);
	free(o);
}

int pl_objects_index(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	size_t to = 0;

	if (o->indexed)
		return 0;
	pl_ctx_stage(ctx, "indexing objects", o->n_segments);
	for (size_t s = 0; s < o->n_segments; s++) {
		size_t from = o->segments[s].first, n = o->segments[s].n;

		if (pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		memmove(o->addr + to, o->addr + from, n * sizeof(*o->addr));
		memmove(o->type + to, o->type + from, n * sizeof(*o->type));
		memmove(o->size + to, o->size + from, n * sizeof(*o->size));
		memmove(o->flags + to, o->flags + from, n * sizeof(*o->flags));
		o->segments[s].first = (pl_id)to;
		for (size_t i = 0; i < n; i++)
			pl_addrset_add(&o->priv->ids, o->addr[to + i]);
		to += n;
		pl_ctx_step(ctx, 1);
	}
	pl_addrset_rank_build(&o->priv->ids);
	o->indexed = true;
	pl_ctx_stage(ctx, NULL, 0);
	return 0;
}

pl_id pl_objects_id(const struct pl_objects *o, pl_addr addr)
{
	uint64_t rank = pl_addrset_rank(&o->priv->ids, addr);

	return rank == UINT64_MAX ? PL_NO_ID : (pl_id)rank;
}

uint64_t pl_object_size(const struct pl_objects *o, struct pl_view *v, pl_id id)
{
	const struct pl_type *t;
	const uint8_t *obj;
	uint64_t least;

	if (!(o->flags[id] & PL_OBJ_HUGE))
		return o->size[id];
	t = pl_object_type(o, id);
	least = (uint64_t)PL_MAX(t->basicsize, o->l->f.object_size);
	obj = pl_at(v, o->addr[id], least);
	return obj ? pl_sizeof(o->l, v, t, o->addr[id], obj, least) : UINT32_MAX;
}

bool pl_object_refcount(const struct pl_objects *o, struct pl_view *v, pl_addr addr, uint64_t *ret,
			bool *immortal)
{
	uint64_t word;

	if (!pl_read64(v, addr + (uint64_t)o->l->f.object_refcnt, &word))
		return false;
	*immortal = false;
	switch (o->l->refcount_style) {
	case PL_REF_IMMORTAL_SIGN:
		*immortal = word >> 31 & 1;
		break;
	case PL_REF_IMMORTAL_U32:
		word &= UINT32_MAX;
		*immortal = word >> 31 & 1;
		break;
	case PL_REF_PLAIN:
	case PL_REF_BIASED:
		break;
	}
	*ret = word;
	return true;
}
