/*
 * order.c - see order.h.
 *
 * The core is read once for each object, by all threads, and then numbers are sorted: a comparison
 * that reads the core would do so some twenty times for each of a million.
 */
#include "analysis/search/order.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "base/radix.h"
#include "object/generation.h"

#define CHUNK 4096 /* objects that a worker takes at a time */

struct reading {
	const struct pl_objects *o;
	struct pl_ctx *ctx;
	struct pl_view *views; /* one per worker */
	enum pl_order_key key;
	bool turned;
	const pl_id *ids;
	size_t n;
	uint32_t *name_rank; /* by type: where its name comes among all names */
	struct pl_keyed *keyed;
};

/* What is larger comes later, not turned round. */
static uint64_t key_of(const struct reading *r, struct pl_view *v, pl_id id)
{
	const struct pl_objects *o = r->o;
	uint64_t refcount = 0;
	bool immortal;

	switch (r->key) {
	case PL_ORDER_ADDRESS:
		return ~(uint64_t)id;
	case PL_ORDER_TYPE:
		return r->name_rank[o->type[id]];
	case PL_ORDER_REFCOUNT:
		pl_object_refcount(o, v, o->addr[id], &refcount, &immortal);
		return ~refcount;
	case PL_ORDER_SIZE:
		return ~pl_object_size(o, v, id);
	case PL_ORDER_GENERATION:
	case PL_N_ORDERS:
		break;
	}
	return 1 + (uint64_t)pl_generation_of(o->flags[id]);
}

static void read_keys(void *arg, unsigned worker, size_t chunk)
{
	struct reading *r = arg;
	size_t end = PL_MIN((chunk + 1) * CHUNK, r->n);

	for (size_t i = chunk * CHUNK; i < end; i++) {
		uint64_t key = key_of(r, &r->views[worker], r->ids[i]);
		bool last = r->key == PL_ORDER_GENERATION &&
			    pl_generation_of(r->o->flags[r->ids[i]]) < 0;

		if (r->turned)
			key = ~key;
		r->keyed[i] = (struct pl_keyed){last ? UINT64_MAX : key, r->ids[i]};
	}
	pl_ctx_step(r->ctx, end - chunk * CHUNK);
}

static int by_name(const void *pa, const void *pb, void *types)
{
	return strcmp(pl_types_at(types, *(const uint32_t *)pa)->name,
		      pl_types_at(types, *(const uint32_t *)pb)->name);
}

/* Types of one name have one rank. */
static uint32_t *rank_names(struct pl_types *types)
{
	size_t n = pl_types_count(types);
	uint32_t *sorted = pl_calloc(n + 1, sizeof(*sorted)),
		 *rank = pl_calloc(n + 1, sizeof(*rank));

	for (size_t i = 0; i < n; i++)
		sorted[i] = (uint32_t)i;
	qsort_r(sorted, n, sizeof(*sorted), by_name, types);
	for (size_t i = 1; i < n; i++)
		rank[sorted[i]] =
			rank[sorted[i - 1]] + (by_name(&sorted[i], &sorted[i - 1], types) != 0);
	free(sorted);
	return rank;
}

static int sort(struct reading *r, pl_id *ids, struct pl_err *err)
{
	int rc;

	pl_ctx_stage(r->ctx, "reading what to sort by", r->n);
	rc = pl_parallel(r->ctx, (r->n + CHUNK - 1) / CHUNK, read_keys, r, err);
	if (!rc)
		rc = pl_radix_sort(r->keyed, r->n, r->ctx, err);
	pl_ctx_stage(r->ctx, NULL, 0);
	for (size_t i = 0; !rc && i < r->n; i++)
		ids[i] = r->keyed[i].value;
	return rc;
}

int pl_order(const struct pl_objects *o, enum pl_order_key key, bool turned, pl_id *ids, size_t n,
	     struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned n_workers = pl_parallel_workers(ctx);
	struct reading r = {.o = o, .ctx = ctx, .key = key, .turned = turned, .ids = ids, .n = n};
	int rc;

	r.keyed = pl_col_alloc(n + 1, sizeof(*r.keyed));
	if (!r.keyed)
		return pl_err_set(err, PL_E_NOMEM, "no memory to sort %zu objects", n);
	r.views = pl_calloc(n_workers, sizeof(*r.views));
	for (unsigned i = 0; i < n_workers; i++)
		pl_view_init(&r.views[i], o->im);
	r.name_rank = key == PL_ORDER_TYPE ? rank_names(o->types) : NULL;
	rc = sort(&r, ids, err);
	free(r.name_rank);
	free(r.views);
	pl_col_free(r.keyed, n + 1, sizeof(*r.keyed));
	return rc;
}
