/*
 * index.c - see index.h; and which block an address lies in, live or not.
 *
 * Knows regions, and asks the enumerators for what is in them (dispatch.c).
 */
#include "heap/index.h"

#include "base/parallel.h"
#include "heap/internal.h"

enum {
	LEAST_ROOM = 16 << 20, /* bytes that an index may take however small the core is */
	CORE_SHARE = 8,
};

void pl_heap_index_new(struct pl_heap *h)
{
	struct pl_heap_index *x = h->index = pl_calloc(1, sizeof(*x));

	x->of = pl_calloc(h->regions.n + 1, sizeof(*x->of));
	x->most = LEAST_ROOM + pl_image_info(h->im)->file_size / CORE_SHARE;
}

static void region_free(struct pl_region_index *x)
{
	if (!x)
		return;
	pl_starts_fini(&x->starts);
	free(x->slices);
	free(x);
}

void pl_heap_index_free(struct pl_heap *h)
{
	struct pl_heap_index *x = h->index;

	if (!x)
		return;
	for (size_t i = 0; i < h->regions.n; i++)
		region_free(x->of[i]);
	free(x->of);
	free(x->first);
	free(x);
	h->index = NULL;
}

/* ---- one region ---- */

struct collect {
	PL_VEC(pl_addr) at;
};

static bool collect_run(void *arg, const struct pl_run *run)
{
	struct collect *c = arg;

	for (uint32_t word = 0; word * 64 < run->n; word++) {
		uint64_t bits = run->live[word];

		if (run->n - word * 64 < 64)
			bits &= (UINT64_C(1) << (run->n - word * 64)) - 1;
		for (; bits; bits &= bits - 1) {
			uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(bits);

			pl_addr at = run->base + (uint64_t)i * run->stride;

			/* they ascend, unless the core's file changes under us */
			if (!c->at.n || at > c->at.at[c->at.n - 1])
				pl_vec_push(&c->at, at);
		}
	}
	return true;
}

static struct pl_region_index *region_new(const struct pl_heap *h, const struct pl_region *r)
{
	struct pl_region_index *x = pl_calloc(1, sizeof(*x));
	struct pl_heap_tally tally = {0};
	struct collect c = {0};

	pl_heap_walk(h, r, collect_run, &c, &tally);
	pl_starts_init(&x->starts, c.at.at, c.at.n);
	pl_vec_free(&c.at);
	if (r->kind == PL_REGION_MIMALLOC)
		x->slices = pl_heap_mimalloc_slices(h, r);
	return x;
}

/*
 * The index of a region, made now unless it is there. When there is no room to keep it, *spare is
 * it too, for the caller to free; else *spare is NULL.
 */
static const struct pl_region_index *region_get(const struct pl_heap *h, const struct pl_region *r,
						struct pl_region_index **spare)
{
	struct pl_heap_index *all = h->index;
	_Atomic(struct pl_region_index *) *slot = &all->of[r - h->regions.at];
	struct pl_region_index *x = atomic_load_explicit(slot, memory_order_acquire), *made;
	uint64_t bytes;

	*spare = NULL;
	if (x)
		return x;
	made = region_new(h, r);
	bytes = sizeof(*made) + pl_starts_bytes(&made->starts) +
		(made->slices ? PL_MIMALLOC_SLICES * sizeof(*made->slices) : 0);
	if (atomic_fetch_add(&all->bytes, bytes) + bytes > all->most) {
		atomic_fetch_sub(&all->bytes, bytes);
		return *spare = made;
	}
	if (atomic_compare_exchange_strong(slot, &x, made))
		return made;
	atomic_fetch_sub(&all->bytes, bytes);
	region_free(made);
	return x;
}

/* ---- questions ---- */

bool pl_heap_starts(const struct pl_heap *h, pl_addr addr)
{
	const struct pl_region *r = pl_heap_region(h, addr);
	struct pl_region_index *spare;
	bool has;

	if (!r)
		return false;
	has = pl_starts_has(&region_get(h, r, &spare)->starts, addr);
	region_free(spare);
	return has;
}

bool pl_heap_block_at(const struct pl_heap *h, pl_addr addr, struct pl_block *ret)
{
	const struct pl_region *r = pl_heap_region(h, addr);
	const struct pl_region_index *x;
	struct pl_region_index *spare;
	bool found;

	if (!r)
		return false;
	x = region_get(h, r, &spare);
	found = pl_starts_has(&x->starts, addr) && pl_heap_block_in(h, r, x, addr, ret);
	region_free(spare);
	return found;
}

/* The last block of a region that starts below end, or false; so it is when addr is not in it. */
static bool around_in(const struct pl_heap *h, const struct pl_region *r, pl_addr end, pl_addr addr,
		      struct pl_block *ret)
{
	struct pl_region_index *spare;
	const struct pl_region_index *x = region_get(h, r, &spare);
	uint64_t below = pl_starts_below(&x->starts, end);
	struct pl_block b;
	bool found = below && pl_heap_block_in(h, r, x, pl_starts_nth(&x->starts, below - 1), &b) &&
		     addr - b.base < b.usable;

	region_free(spare);
	if (found)
		*ret = b;
	return found;
}

bool pl_heap_block_around(const struct pl_heap *h, pl_addr addr, struct pl_block *ret)
{
	const struct pl_region *r = pl_heap_region(h, addr);

	if (!r || addr == UINT64_MAX)
		return false;
	/* the owner of a malloc chunk has the first word of the one behind, in the next region too
	 */
	return around_in(h, r, addr + 1, addr, ret) || (r > h->regions.at && r[-1].hi == r->lo &&
							around_in(h, r - 1, UINT64_MAX, addr, ret));
}

bool pl_heap_block_next(const struct pl_heap *h, pl_addr addr, struct pl_block *ret)
{
	bool found = false;

	for (size_t i = pl_heap_region_from(h, addr); i < h->regions.n && !found; i++) {
		const struct pl_region *r = &h->regions.at[i];
		struct pl_region_index *spare;
		const struct pl_region_index *x = region_get(h, r, &spare);
		uint64_t below = pl_starts_below(&x->starts, addr);

		found = below < x->starts.n &&
			pl_heap_block_in(h, r, x, pl_starts_nth(&x->starts, below), ret);
		region_free(spare);
	}
	return found;
}

bool pl_heap_find(const struct pl_heap *h, pl_addr addr, struct pl_block *ret)
{
	const struct pl_region *r = pl_heap_region(h, addr);
	struct pl_region_index *spare;
	bool found;

	if (!r)
		return false;
	found = pl_heap_find_in(h, r, region_get(h, r, &spare), addr, ret);
	region_free(spare);
	return found;
}

/* ---- numbers ---- */

struct number {
	const struct pl_heap *h;
	struct pl_ctx *ctx;
	atomic_bool no_room;
};

static void number_region(void *arg, unsigned worker, size_t item)
{
	struct number *n = arg;
	struct pl_region_index *spare;

	(void)worker;
	if (atomic_load(&n->no_room))
		return;
	region_get(n->h, &n->h->regions.at[item], &spare);
	if (spare)
		atomic_store(&n->no_room, true);
	region_free(spare);
	pl_ctx_step(n->ctx, 1);
}

int pl_heap_number_all(const struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err)
{
	struct number n = {.h = h, .ctx = ctx};
	struct pl_heap_index *all = h->index;
	int rc;

	if (all->first)
		return 0;
	pl_ctx_stage(ctx, "numbering blocks", h->regions.n);
	rc = pl_parallel(ctx, h->regions.n, number_region, &n, err);
	if (!rc && n.no_room)
		rc = pl_err_set(err, PL_E_NOMEM, "the core's blocks are more than its bytes");
	if (rc)
		return rc;
	all->first = pl_calloc(h->regions.n + 1, sizeof(*all->first));
	for (size_t i = 0; i < h->regions.n; i++)
		all->first[i + 1] = all->first[i] + all->of[i]->starts.n;
	return 0;
}

uint64_t pl_heap_blocks(const struct pl_heap *h)
{
	return h->index->first[h->regions.n];
}

uint64_t pl_heap_number(const struct pl_heap *h, pl_addr addr)
{
	const struct pl_region *r = pl_heap_region(h, addr);
	const struct pl_region_index *x;

	if (!r)
		return UINT64_MAX;
	x = h->index->of[r - h->regions.at];
	return pl_starts_has(&x->starts, addr)
		       ? h->index->first[r - h->regions.at] + pl_starts_below(&x->starts, addr)
		       : UINT64_MAX;
}
