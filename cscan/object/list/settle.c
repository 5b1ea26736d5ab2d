/*
 * settle.c - what an object's gc head claims against what the lists hold.
 *
 * The lists are the truth about "tracked": gc.get_objects() walks them. A head that says "tracked"
 * without being on a list belongs to a temporary list of a running collection, to a damaged list,
 * or to a stale block that never was an object.
 */
#include "object/list/listing.h"

struct worker {
	uint64_t listed, linked, stale, statics, size, n;
	struct pl_type_sums *sums; /* by type index */
	size_t n_sums;
	PL_VEC(pl_addr) doubts;
	struct pl_view v;
	struct pl_on_list on_list;
	uint8_t apart[64]; /* counted up for each object: not in a cache line with the next worker's
			    */
};

struct settling {
	struct pl_objects *o;
	struct worker *workers;
};

/* Do the neighbours of an unlisted object point back to it? Then it is on a list of its own. */
static bool linked_both_ways(const struct pl_layout *l, struct pl_view *v, pl_addr addr)
{
	pl_addr head = addr - (uint64_t)l->f.gc_head_size;
	uint64_t next, prev, back;

	return pl_read64(v, head + (uint64_t)l->f.gc_head_next, &next) &&
	       pl_read64(v, head + (uint64_t)l->f.gc_head_prev, &prev) &&
	       pl_read64(v, (next & ~UINT64_C(3)) + (uint64_t)l->f.gc_head_prev, &back) &&
	       (back & ~UINT64_C(3)) == head &&
	       pl_read64(v, (prev & ~UINT64_C(3)) + (uint64_t)l->f.gc_head_next, &back) &&
	       (back & ~UINT64_C(3)) == head;
}

/* True when the find is an object; *flags is then what it is on which list. */
static bool settle_one(struct pl_objects *o, struct worker *w, const struct pl_found *f,
		       uint8_t *flags)
{
	*flags = f->flags & (uint8_t)~PL_OBJ_TRACKED;
	if (f->doubtful) {
		if (!o->priv->claims_known) {
			pl_vec_push(&w->doubts, f->addr);
			return false;
		}
		if (!pl_addrset_has(&o->priv->real, f->addr)) {
			w->stale++;
			return false;
		}
	}
	if (!(*flags & PL_OBJ_GC))
		return true;
	if (pl_on_list(&w->on_list, f->addr, flags)) {
		w->listed++;
		return true;
	}
	if (!(f->flags & PL_OBJ_TRACKED))
		return true;
	if (o->collecting || linked_both_ways(o->l, &w->v, f->addr)) {
		w->linked++;
		return true;
	}
	w->stale++;
	return false;
}

static struct pl_type_sums *sums_of(struct worker *w, struct pl_objects *o, uint32_t type)
{
	if (type >= w->n_sums) {
		size_t n = pl_types_count(o->types) + 64;

		w->sums = pl_realloc(w->sums, n * sizeof(*w->sums));
		memset(w->sums + w->n_sums, 0, (n - w->n_sums) * sizeof(*w->sums));
		w->n_sums = n;
	}
	return &w->sums[type];
}

static void settle_batch(void *arg, unsigned worker, size_t area, const struct pl_found *found,
			 size_t n)
{
	struct settling *s = arg;
	struct worker *w = &s->workers[worker];
	struct pl_segment *segment = &s->o->segments[area];

	for (size_t i = 0; i < n; i++) {
		uint8_t flags;

		if (!settle_one(s->o, w, &found[i], &flags))
			continue;
		pl_sum_add(sums_of(w, s->o, found[i].type), flags, found[i].size);
		w->n++;
		w->size += found[i].size;
		w->statics += (flags & PL_OBJ_STATIC) != 0;
		if (s->o->addr)
			pl_columns_put(s->o, (size_t)segment->first + segment->n++, &found[i],
				       flags);
	}
}

static void merge(struct pl_objects *o, struct worker *w)
{
	struct pl_object_tally *t = &o->tally;

	o->n += w->n;
	o->total_size += w->size;
	t->from_gc_lists += w->listed;
	t->linked_not_listed += w->linked;
	t->stale += w->stale;
	t->from_static += w->statics;
	for (size_t i = 0; i < PL_MIN(w->n_sums, o->n_sums); i++) {
		for (unsigned k = 0; k <= PL_ON_NO_LIST; k++) {
			o->sums[i].count[k] += w->sums[i].count[k];
			o->sums[i].size[k] += w->sums[i].size[k];
		}
		o->sums[i].finalized += w->sums[i].finalized;
	}
	for (size_t i = 0; i < w->doubts.n; i++)
		pl_vec_push(&o->priv->doubts, w->doubts.at[i]);
	pl_vec_free(&w->doubts);
	free(w->sums);
}

int pl_settle(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(ctx);
	struct settling s = {.o = o};
	struct pl_scan_tally tally;
	int rc;

	s.workers = pl_calloc(n, sizeof(*s.workers));
	for (unsigned i = 0; i < n; i++) {
		pl_view_init(&s.workers[i].v, o->im);
		pl_on_list_init(&s.workers[i].on_list, &o->priv->lists);
	}
	for (size_t i = 0; i < o->n_segments; i++)
		o->segments[i].n = 0;
	o->n = 0;
	o->total_size = 0;
	rc = pl_scan(o, settle_batch, &s, ctx, &tally, err);
	o->heap_tally = tally.heap;
	o->tally = (struct pl_object_tally){.on_freelists = o->priv->dead.n,
					    .refcount_zero = tally.dead,
					    .buffers = tally.buffers};
	free(o->sums);
	o->n_sums = pl_types_count(o->types);
	o->sums = pl_calloc(o->n_sums + 1, sizeof(*o->sums));
	for (unsigned i = 0; i < n; i++)
		merge(o, &s.workers[i]);
	free(s.workers);
	return rc;
}
