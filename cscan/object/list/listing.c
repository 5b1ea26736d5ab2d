/*
 * listing.c - how the object table is made: areas, lists, scan, claims, join, then ids.
 */
#include "object/list/listing.h"

#include "object/types/names.h"

/* A segment for each area; no more objects than 16-byte blocks, whatever a damaged pool header
 * says. */
static int alloc_segments(struct pl_objects *o, struct pl_err *err)
{
	struct pl_objects_private *p = o->priv;
	uint64_t first = 0;

	for (size_t i = 0; i < p->n_areas; i++) {
		p->areas[i].max = PL_MIN(p->areas[i].max, (p->areas[i].hi - p->areas[i].lo) / 16);
		if (first + p->areas[i].max >= PL_NO_ID)
			return pl_err_set(err, PL_E_NOMEM,
					  "the core claims more than 4 billion objects");
		o->segments[i].first = (pl_id)first;
		first += p->areas[i].max;
	}
	return pl_columns_alloc(o, first, err);
}

static void note_damage(const struct pl_objects *o, struct pl_ctx *ctx)
{
	const struct pl_heap_tally *h = &o->heap_tally;
	const struct pl_object_tally *t = &o->tally;

	if (h->bad_arenas + h->bad_pools + h->bad_chunks + h->bad_freelists)
		pl_ctx_damage(
			ctx, "damaged-heap",
			"the allocator's own data is damaged: %llu arenas, %llu pools, %llu free "
			"lists, %llu chunks",
			(unsigned long long)h->bad_arenas, (unsigned long long)h->bad_pools,
			(unsigned long long)h->bad_freelists, (unsigned long long)h->bad_chunks);
	if (!o->collecting && t->broken_lists)
		pl_ctx_damage(
			ctx, "damaged-gc-list",
			"%llu of the collector's lists do not close: tracked counts hold for what "
			"could be walked",
			(unsigned long long)t->broken_lists);
	if (t->bad_types)
		pl_ctx_damage(ctx, "damaged-object",
			      "%llu objects on the collector's lists have a type pointer that "
			      "leads to no "
			      "type",
			      (unsigned long long)t->bad_types);
	if (pl_types_full(o->types))
		pl_ctx_damage(ctx, "stopped-looking",
			      "there are more than %zu types: objects of others are not listed",
			      pl_types_count(o->types));
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
			pl_read32(&v, o->interps[i].gc_state + (uint64_t)o->l->f.gc_collecting,
				  &collecting);
	}
	return collecting != 0;
}

static int scan(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	int rc = pl_settle(o, ctx, err);

	if (!rc && o->priv->doubts.n) {
		rc = pl_claims(o, ctx, err);
		if (!rc)
			rc = pl_settle(o, ctx, err);
	}
	return rc;
}

static int list(struct pl_objects *o, bool census, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_gclists *lists = &o->priv->lists;
	int rc;

	pl_areas_find(o, ctx);
	o->n_segments = o->priv->n_areas;
	o->segments = pl_calloc(o->n_segments + 1, sizeof(*o->segments));
	pl_ctx_stage(ctx, "walking gc lists", 0);
	rc = pl_gclists_walk(o->im, o->l, o->interps, o->n_interps, o->collecting, ctx, lists, err);
	if (rc)
		return rc;
	/* A class is always tracked: one that is on no sound list was freed, and so were its
	 * instances. */
	if (!o->collecting && !lists->broken && lists->listed.n)
		pl_types_alive(o->types, &lists->listed, o->priv->elsewhere, o->priv->n_elsewhere);
	if (!census)
		rc = alloc_segments(o, err);
	if (!rc)
		rc = scan(o, ctx, err);
	/* Where the listings differ, a census needs the columns after all. */
	if (!rc && census && o->tally.from_gc_lists < lists->listed.n) {
		rc = alloc_segments(o, err);
		if (!rc)
			rc = pl_settle(o, ctx, err);
	}
	o->tally.in_lists = lists->listed.n;
	o->tally.broken_lists = lists->broken;
	o->tally.bad_links = lists->bad_nodes;
	o->tally.from_blocks = o->n - o->tally.from_static;
	o->list_counts = (const uint64_t(*)[4])lists->counts;
	/* What is on a list is an object, wherever its type may lie. */
	pl_types_alive(o->types, NULL, NULL, 0);
	if (!rc && o->tally.from_gc_lists < lists->listed.n)
		rc = pl_join(o, ctx, err);
	return rc;
}

/* From now on the index of a type does not tell which thread met it first. */
static void order_types(struct pl_objects *o)
{
	size_t n = pl_types_count(o->types);
	struct pl_type_sums *sums = pl_calloc(n + 1, sizeof(*sums));
	uint32_t *now = pl_types_order(o->types);

	for (size_t i = 0; i < o->n_sums; i++)
		sums[now[i]] = o->sums[i];
	free(o->sums);
	o->sums = sums;
	o->n_sums = n;
	for (size_t s = 0; o->type && s < o->n_segments; s++) {
		uint32_t *type = o->type + o->segments[s].first;

		for (size_t i = 0; i < o->segments[s].n; i++)
			type[i] = now[type[i]];
	}
	free(now);
}

static void finish(struct pl_objects *o, struct pl_ctx *ctx)
{
	uint8_t *live;

	order_types(o);
	live = pl_calloc(o->n_sums + 1, 1);
	for (size_t i = 0; i < o->n_sums; i++) {
		for (unsigned k = 0; k <= PL_ON_NO_LIST; k++)
			live[i] |= o->sums[i].count[k] != 0;
	}
	pl_types_mark_ambiguous(o->types, live, o->n_sums);
	pl_types_mark_python(o->types);
	free(live);
	note_damage(o, ctx);
}

struct pl_objects *pl_objects_outline(struct pl_image *im, const struct pl_layout *l,
				      const struct pl_heap *heap)
{
	struct pl_objects *o = pl_calloc(1, sizeof(*o));
	struct pl_view v;

	o->im = im;
	o->l = l;
	o->heap = heap;
	o->priv = pl_calloc(1, sizeof(*o->priv));
	pl_view_init(&v, im);
	o->n_interps = pl_interps(im, l, &o->interps);
	pl_names_init(&o->priv->names, l, &v, o->interps, o->n_interps);
	o->types = pl_types_new(im, &o->priv->names);
	o->collecting = inside_collection(o);
	pl_dead_collect(o);
	return o;
}

int pl_objects_new(struct pl_image *im, const struct pl_layout *l, const struct pl_heap *heap,
		   bool census, struct pl_ctx *ctx, struct pl_objects **ret, struct pl_err *err)
{
	struct pl_objects *o = pl_objects_outline(im, l, heap);
	int rc = list(o, census, ctx, err);

	if (!rc)
		finish(o, ctx);
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
	pl_columns_free(o);
	free(o->sums);
	free(o->segments);
	free(o->interps);
	free(o->priv->areas);
	free(o->priv->elsewhere);
	pl_gclists_fini(&o->priv->lists);
	pl_addrset_fini(&o->priv->dead);
	pl_addrset_fini(&o->priv->ids);
	pl_addrset_fini(&o->priv->real);
	pl_vec_free(&o->priv->doubts);
	free(o->interned);
	pl_types_free(o->types);
	pl_names_fini(&o->priv->names);
	free(o->priv);
	free(o);
}

int pl_objects_index(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	size_t to = 0;
	int rc;

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
		for (size_t i = 0; i < n && !pl_ctx_look(ctx, i); i++)
			pl_addrset_add(&o->priv->ids, o->addr[to + i]);
		to += n;
		pl_ctx_step(ctx, 1);
	}
	if (pl_ctx_cancelled(ctx))
		return pl_ctx_cancel_err(err);
	pl_addrset_rank_build(&o->priv->ids);
	rc = pl_interned_find(o, ctx, err);
	o->indexed = !rc;
	pl_ctx_stage(ctx, NULL, 0);
	return rc;
}
