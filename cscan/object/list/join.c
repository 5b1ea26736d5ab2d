/*
 * join.c - objects that are on one of the collector's lists, but in no block of a known allocator.
 */
#include "object/list/listing.h"

struct missing {
	PL_VEC(struct pl_found) found;
};

/* Is addr among the columns? Segments and their members ascend, so the cursor only moves on. */
struct cursor {
	const struct pl_objects *o;
	size_t segment, i;
};

static bool meets(struct cursor *c, pl_addr addr)
{
	const struct pl_objects *o = c->o;

	while (c->segment < o->n_segments) {
		const struct pl_segment *s = &o->segments[c->segment];

		if (c->i >= s->n) {
			c->segment++;
			c->i = 0;
		} else if (o->addr[s->first + c->i] < addr) {
			c->i++;
		} else {
			return o->addr[s->first + c->i] == addr;
		}
	}
	return false;
}

static void find(struct pl_objects *o, struct missing *m, struct pl_ctx *ctx)
{
	struct pl_addrset *listed = &o->priv->lists.listed;
	struct cursor cursor = {o, 0, 0};
	struct pl_classifier c;
	struct pl_found found;
	struct pl_block block;
	size_t n = 0;

	pl_classifier_init(&c, o->im, o->l, o->types, &o->priv->dead, o->collecting);
	pl_addrset_sort(listed);
	for (pl_addr at = pl_addrset_next(listed, 0); at != UINT64_MAX;
	     at = pl_addrset_next(listed, at + 8)) {
		if (pl_ctx_look(ctx, n++))
			break;
		if (meets(&cursor, at))
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

static void put(struct pl_objects *o, size_t id, const struct pl_found *f, struct pl_on_list *at)
{
	uint8_t flags = f->flags & (uint8_t)~PL_OBJ_TRACKED;

	pl_on_list(at, f->addr, &flags);
	pl_columns_put(o, id, f, flags);
	o->total_size += f->size;
	pl_sum_add(&o->sums[f->type], flags, f->size);
}

/* New columns with a single segment: rare, so simplicity comes before memory. */
static int merge(struct pl_objects *o, const struct missing *m, struct pl_ctx *ctx,
		 struct pl_err *err)
{
	struct pl_objects old = *o;
	struct pl_on_list at;
	size_t id = 0, k = 0;
	int rc = pl_columns_alloc(o, old.n + m->found.n, err);

	pl_on_list_init(&at, &o->priv->lists);
	for (size_t s = 0; !rc && s < old.n_segments; s++) {
		for (size_t i = 0; i < old.segments[s].n && !pl_ctx_look(ctx, i); i++, id++) {
			size_t from = (size_t)old.segments[s].first + i;

			while (k < m->found.n && m->found.at[k].addr < old.addr[from])
				put(o, id++, &m->found.at[k++], &at);
			o->addr[id] = old.addr[from];
			o->type[id] = old.type[from];
			o->size[id] = old.size[from];
			o->flags[id] = old.flags[from];
		}
	}
	while (!rc && k < m->found.n)
		put(o, id++, &m->found.at[k++], &at);
	pl_columns_free(&old);
	o->n = id;
	o->n_segments = 1;
	o->segments[0] = (struct pl_segment){0, (uint32_t)id};
	return rc;
}

int pl_join(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	struct missing m = {0};
	size_t before = o->n_sums;
	int rc = 0;

	pl_ctx_stage(ctx, "joining lists and blocks", 0);
	find(o, &m, ctx);
	/* A type may have been met here for the first time. */
	o->n_sums = pl_types_count(o->types);
	o->sums = pl_realloc(o->sums, (o->n_sums + 1) * sizeof(*o->sums));
	memset(o->sums + before, 0, (o->n_sums - before) * sizeof(*o->sums));
	if (m.found.n)
		rc = merge(o, &m, ctx, err);
	pl_vec_free(&m.found);
	return !rc && pl_ctx_cancelled(ctx) ? pl_ctx_cancel_err(err) : rc;
}
