/*
 * settle.c - what an object's gc head claims against what the lists hold.
 *
 * The lists are the truth about "tracked": gc.get_objects() walks them. A head that says "tracked"
 * without being on a list belongs to a temporary list of a running collection, to a damaged list,
 * or to a stale block that never was an object.
 */
#include "object/listing.h"

struct sums {
	uint64_t listed, linked, stale, size, n;
	struct pl_view v;
};

struct settling {
	struct pl_objects *o;
	struct sums *sums;      /* one per worker */
	uint8_t *stale_type;    /* by type index: a heap type that is no live object itself */
};

/* Which list a listed object is on: the small ones are asked, the big one is what remains. */
static uint8_t list_flags(const struct pl_gclists *g, pl_addr addr)
{
	unsigned list = g->big;

	for (unsigned k = 0; k < g->n_lists; k++) {
		if (g->small[k].n && pl_addrset_has(&g->small[k], addr)) {
			list = k;
			break;
		}
	}
	if (list == g->permanent)
		return PL_OBJ_PERMANENT;
	return (uint8_t)(PL_OBJ_TRACKED | list << PL_OBJ_GEN_SHIFT);
}

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

/* True when the object stays; its flags are then right. */
static bool settle_one(struct settling *s, struct sums *sum, size_t id,
		       const struct pl_addrset_chunk *listed)
{
	struct pl_objects *o = s->o;
	uint8_t claim = o->flags[id] & PL_OBJ_TRACKED;

	if (o->type[id] == PL_TOMB)
		return false;
	if (s->stale_type[o->type[id]]) {
		sum->stale++;
		return false;
	}
	o->flags[id] &= (uint8_t)~PL_OBJ_TRACKED;
	if (!(o->flags[id] & PL_OBJ_GC))
		return true;
	if (listed && pl_addrset_chunk_has(listed, o->addr[id])) {
		o->flags[id] |= list_flags(&o->priv->lists, o->addr[id]);
		sum->listed++;
		return true;
	}
	if (!claim)
		return true;
	if (o->collecting || linked_both_ways(o->l, &sum->v, o->addr[id])) {
		sum->linked++;
		return true;
	}
	sum->stale++;
	return false;
}

static void settle_segment(void *arg, unsigned worker, size_t item)
{
	struct settling *s = arg;
	struct pl_objects *o = s->o;
	struct sums *sum = &s->sums[worker];
	struct pl_segment *segment = &o->segments[item];
	const struct pl_addrset_chunk *listed = NULL;
	uint64_t key = UINT64_MAX;
	size_t to = segment->first;

	for (size_t i = 0; i < segment->n; i++) {
		size_t id = (size_t)segment->first + i;

		if (o->addr[id] >> PL_ADDRSET_SHIFT != key) {
			key = o->addr[id] >> PL_ADDRSET_SHIFT;
			listed = pl_addrset_chunk(&o->priv->lists.listed, o->addr[id]);
		}
		if (!settle_one(s, sum, id, listed))
			continue;
		if (to != id) {
			o->addr[to] = o->addr[id];
			o->type[to] = o->type[id];
			o->size[to] = o->size[id];
			o->flags[to] = o->flags[id];
		}
		sum->size += pl_object_size(o, &sum->v, (pl_id)to);
		to++;
	}
	segment->n = (uint32_t)(to - segment->first);
	sum->n += segment->n;
}

int pl_settle(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(ctx);
	size_t n_types = pl_types_count(o->types);
	struct settling s = {.o = o};
	int rc;

	s.sums = pl_calloc(n, sizeof(*s.sums));
	s.stale_type = pl_calloc(n_types + 1, 1);
	for (unsigned i = 0; i < n; i++)
		pl_view_init(&s.sums[i].v, o->im);
	/* A class is always tracked; one that is on no sound list was freed, and so were its instances. */
	for (uint32_t i = 0; i < n_types && !o->collecting && !o->priv->lists.broken; i++) {
		const struct pl_type *t = pl_types_at(o->types, i);

		s.stale_type[i] = t->is_heap && o->priv->lists.listed.n &&
				  !pl_addrset_has(&o->priv->lists.listed, t->addr);
	}
	rc = pl_parallel(ctx, o->n_segments, settle_segment, &s, err);
	o->n = 0;
	o->total_size = 0;
	for (unsigned i = 0; i < n; i++) {
		o->n += s.sums[i].n;
		o->total_size += s.sums[i].size;
		o->tally.from_gc_lists += s.sums[i].listed;
		o->tally.linked_not_listed += s.sums[i].linked;
		o->tally.stale += s.sums[i].stale;
	}
	free(s.sums);
	free(s.stale_type);
	return rc;
}
