/*
 * pymalloc.c - the blocks in pymalloc's pools.
 *
 * Objects/obmalloc.c: an arena holds pools, a pool holds blocks of one size behind a header. Blocks
 * below nextoffset have been in use at some time; those on the freeblock chain (the first word of a
 * block is the link) were given back. Pools on their arena's freepools chain are empty and their
 * contents stale. Where the arenas are is arenas.c's part; what lies in a block, nobody's here.
 *
 * A pool whose chain is broken yields every block that the intact part of the chain does not name.
 * That may be more than its header says, so each arena's max_live has room for one such pool (its
 * slack); what goes beyond is left out and counted with the pool.
 */
#include "base/parallel.h"
#include "heap/internal.h"

enum {
	MAX_POOL_BYTES = 64 << 10,
	MIN_BLOCK = 8,
	MAX_POOLS = 512, /* of an arena */
	BITMAP_WORDS = MAX_POOL_BYTES / MIN_BLOCK / 64,
	VOTES = 256, /* blocks asked whether the debug hooks made them */
	VOTES_PER_ARENA = 16,
};

struct pl_pymalloc {
	struct pl_arena_tables tables;
	uint32_t **slack; /* for each table and record */
};

/* How many live blocks the header admits to. */
static uint32_t pool_claim(const struct pl_pool *p)
{
	return p->sane ? p->ref : p->n;
}

/*
 * The live blocks of a pool, of which the first at_hand bytes can be read: returns their number,
 * sets their bits and *broken: 0 when the chain was followed to its end, else the block with the
 * link that leads astray, or the pool.
 */
static uint32_t pool_live(const struct pl_layout *l, const struct pl_pool *p, const uint8_t *host,
			  uint64_t at_hand, uint64_t *bits, pl_addr *broken)
{
	uint32_t head = (uint32_t)l->f.pool_header_size, live = p->n;
	/* exact for all offsets of a pool: offset * block < 2^32 */
	uint64_t reciprocal = (UINT64_C(1) << 32) / p->block + 1, off, i;
	pl_addr link = p->freeblock, from = p->at;

	pl_bits_fill(bits, p->n);
	while (link) {
		off = link - p->at - head;
		i = off * reciprocal >> 32;
		if (off >= (uint64_t)p->n * p->block || i * p->block != off ||
		    off + head + sizeof(link) > at_hand || !pl_bits_has(bits, (uint32_t)i))
			break;
		pl_bits_clear(bits, (uint32_t)i);
		live--;
		from = link;
		link = pl_ld64(host + head + off);
	}
	*broken = link ? from : 0;
	return live;
}

/* Drop the highest live blocks until only keep are left. */
static void bits_drop(uint64_t *bits, uint32_t n, uint32_t live, uint32_t keep)
{
	while (n-- && live > keep) {
		if (pl_bits_has(bits, n)) {
			pl_bits_clear(bits, n);
			live--;
		}
	}
}

/* What a walk through an arena carries along. */
struct walk {
	const struct pl_heap *h;
	const struct pl_arena_record *a;
	uint32_t index, slack;
	uint64_t free_pools[MAX_POOLS / 64]; /* those on the freepools chain */
	bool free_whole;                     /* the chain was followed to its end */
	struct pl_heap_tally *tally;
	uint64_t bits[BITMAP_WORDS];
};

/* Follow the freepools chain; what is wrong is counted. */
static void walk_free_pools(struct walk *w)
{
	const struct pl_layout *l = w->h->l;
	uint64_t pool = l->pool_bytes, n = 0;
	pl_addr at = w->a->freepools;
	const uint8_t *p;

	memset(w->free_pools, 0, sizeof(w->free_pools));
	while (at) {
		uint64_t i = (at - w->a->base) / pool;

		if (at < w->a->base || at >= w->a->carved || at % pool ||
		    pl_bits_has(w->free_pools, (uint32_t)i) ||
		    pl_heap_at_hand(w->h->im, at, &p) < (uint64_t)l->f.pool_header_size)
			break;
		w->free_pools[i / 64] |= UINT64_C(1) << (i % 64);
		n++;
		at = pl_ld64(p + l->f.pool_nextpool);
	}
	w->free_whole = !at;
	if (!w->free_whole)
		w->tally->bad_freelists++;
	else if (n + (w->a->end - w->a->carved) / pool != w->a->nfree)
		w->tally->bad_arenas++;
}

static void bad_pool(struct walk *w, pl_addr at)
{
	w->tally->bad_pools++;
	pl_heap_tally_at(&w->tally->pool_at, at);
}

/* Hand out one pool, of which at_hand bytes can be read, at least its header. False: stop. */
static bool walk_pool(struct walk *w, pl_addr at, const uint8_t *host, uint64_t at_hand,
		      pl_run_fn *fn, void *arg)
{
	const struct pl_layout *l = w->h->l;
	uint32_t head = (uint32_t)l->f.pool_header_size, live, claim;
	uint64_t i = (at - w->a->base) / l->pool_bytes;
	bool is_free = pl_bits_has(w->free_pools, (uint32_t)i), bad;
	pl_addr broken;
	struct pl_pool p;
	struct pl_run run;

	if (is_free || !pl_ld32(host + l->f.pool_refcount)) {
		/* exactly the pools on the chain have no block in use */
		if (is_free == !!pl_ld32(host + l->f.pool_refcount) && w->free_whole)
			bad_pool(w, at);
		return true;
	}
	if (!pl_heap_pool(l, host, at, &p)) {
		bad_pool(w, at);
		return true;
	}
	claim = pool_claim(&p);
	bad = !p.sane || p.arenaindex != w->index;
	if (at_hand < l->pool_bytes)
		p.n = PL_MIN(p.n, (uint32_t)((at_hand - head) / p.block));
	live = pool_live(l, &p, host, at_hand, w->bits, &broken);
	if (at_hand == l->pool_bytes) {
		bad |= live != p.ref;
		w->tally->bad_freelists += broken != 0;
		pl_heap_tally_at(&w->tally->freelist_at, broken);
	}
	if (bad)
		bad_pool(w, at);
	if (live > claim) {
		uint32_t keep = claim + PL_MIN(live - claim, w->slack);

		bits_drop(w->bits, p.n, live, keep);
		w->slack -= keep - claim;
		live = keep;
	}
	if (!live)
		return true;
	run = (struct pl_run){
		.base = at + head,
		.host = host + head,
		.stride = p.block,
		.n = p.n,
		.usable = p.block,
		.live = w->bits,
	};
	if (w->h->stats.hooked && p.block >= PL_HOOK_PREFIX + PL_HOOK_SUFFIX) {
		run.hooked = true;
		run.base += PL_HOOK_PREFIX;
		run.host += PL_HOOK_PREFIX;
		run.usable -= PL_HOOK_PREFIX + PL_HOOK_SUFFIX;
	}
	return fn(arg, &run);
}

bool pl_heap_pymalloc_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn,
			   void *arg, struct pl_heap_tally *tally)
{
	uint64_t pool = h->l->pool_bytes, have = 0;
	const uint8_t *host = NULL;
	struct pl_arena_record a;
	struct walk w;

	if (pl_heap_arena_record(h, h->pymalloc->tables.v.at[r->owner].at, r->index, &a) !=
	    PL_ARENA_USED)
		return true;
	w.h = h;
	w.a = &a;
	w.index = r->index;
	w.slack = h->pymalloc->slack[r->owner][r->index];
	w.tally = tally;
	walk_free_pools(&w);
	for (pl_addr at = a.base; at < a.carved; at += pool) {
		if (have > pool) {
			have -= pool;
			host += pool;
		} else {
			have = pl_heap_at_hand(h->im, at, &host);
		}
		if (have < pool)
			tally->missing_bytes += pool - have;
		if (have >= (uint64_t)h->l->f.pool_header_size &&
		    !walk_pool(&w, at, host, PL_MIN(have, pool), fn, arg))
			return false;
	}
	return true;
}

bool pl_heap_pymalloc_find(const struct pl_heap *h, const struct pl_region *r, pl_addr addr,
			   struct pl_block *ret)
{
	const struct pl_layout *l = h->l;
	uint64_t head = (uint64_t)l->f.pool_header_size, have, bits[BITMAP_WORDS], i;
	const uint8_t *host;
	struct pl_arena_record a;
	struct pl_pool p;
	struct pl_block b = {.region = r};
	pl_addr broken;

	if (pl_heap_arena_record(h, h->pymalloc->tables.v.at[r->owner].at, r->index, &a) !=
	    PL_ARENA_USED)
		return false;
	b.base = b.pool = addr & ~((pl_addr)l->pool_bytes - 1);
	if (addr < a.base || addr >= a.end) { /* too short for a pool */
		b.base = b.pool = addr < a.base ? a.lo : a.end;
		b.usable = addr < a.base ? a.base - a.lo : a.hi - a.end;
		b.state = PL_BLOCK_NEVER;
		*ret = b;
		return true;
	}
	b.usable = l->pool_bytes;
	b.state = PL_BLOCK_NEVER;
	if (b.pool < a.carved) {
		have = pl_heap_at_hand(h->im, b.pool, &host);
		if (have < head)
			return false;
		b.state = PL_BLOCK_FREE;
		if (pl_ld32(host + l->f.pool_refcount)) {
			if (!pl_heap_pool(l, host, b.pool, &p))
				return false;
			pool_live(l, &p, host, PL_MIN(have, (uint64_t)l->pool_bytes), bits,
				  &broken);
			i = (addr - b.pool - head) / p.block;
			if (addr - b.pool < head || i >= (l->pool_bytes - head) / p.block) {
				b.usable = head;
				b.state = PL_BLOCK_HEADER;
				*ret = b;
				return true;
			}
			b.base = b.pool + head + i * p.block;
			b.usable = p.block;
			b.state = i >= p.n                         ? PL_BLOCK_NEVER
				  : pl_bits_has(bits, (uint32_t)i) ? PL_BLOCK_LIVE
								   : PL_BLOCK_FREE;
			if (h->stats.hooked && p.block >= PL_HOOK_PREFIX + PL_HOOK_SUFFIX) {
				b.base += PL_HOOK_PREFIX;
				b.usable -= PL_HOOK_PREFIX + PL_HOOK_SUFFIX;
			}
		}
	}
	*ret = b;
	return true;
}

bool pl_heap_pymalloc_block(const struct pl_heap *h, const struct pl_region *r, pl_addr addr,
			    struct pl_block *ret)
{
	pl_addr at = addr & ~((pl_addr)h->l->pool_bytes - 1);
	const uint8_t *host;
	struct pl_pool p;

	if (pl_heap_at_hand(h->im, at, &host) < (uint64_t)h->l->f.pool_header_size ||
	    !pl_heap_pool(h->l, host, at, &p))
		return false;
	*ret = (struct pl_block){r, addr, p.block, at, PL_BLOCK_LIVE};
	if (h->stats.hooked && p.block >= PL_HOOK_PREFIX + PL_HOOK_SUFFIX)
		ret->usable -= PL_HOOK_PREFIX + PL_HOOK_SUFFIX;
	return true;
}

/* An arena while they are found: what its pool headers add up to. */
struct arena {
	struct pl_arena_record a;
	uint32_t owner, index, slack;
	uint64_t pools, live, claims;
};

struct finder {
	struct pl_heap *h;
	PL_VEC(struct arena) v;
};

/* Sum up the pool headers of an arena. */
static void arena_sum(void *arg, unsigned worker, size_t item)
{
	struct finder *f = arg;
	struct arena *s = &f->v.at[item];
	const struct pl_layout *l = f->h->l;
	uint64_t pool = l->pool_bytes, have = 0, freed = 0;
	uint32_t largest = 0;
	const uint8_t *host = NULL;
	struct pl_pool p;

	(void)worker;
	for (pl_addr at = s->a.base; at < s->a.carved; at += pool) {
		if (have > pool) {
			have -= pool;
			host += pool;
		} else {
			have = pl_heap_at_hand(f->h->im, at, &host);
		}
		if (have < (uint64_t)l->f.pool_header_size || !pl_ld32(host + l->f.pool_refcount) ||
		    !pl_heap_pool(l, host, at, &p))
			continue;
		s->pools++;
		s->live += p.sane ? p.ref : 0;
		s->claims += pool_claim(&p);
		freed += p.n - pool_claim(&p);
		largest = PL_MAX(largest, p.n);
	}
	s->slack = (uint32_t)PL_MIN(freed, (uint64_t)largest);
}

static void arena_add(struct pl_heap *h, const struct arena *s)
{
	h->stats.arenas++;
	h->stats.pools += s->pools;
	h->stats.pool_blocks_live += s->live;
	h->pymalloc->slack[s->owner][s->index] = s->slack;
	pl_vec_push(&h->regions, (struct pl_region){
					 .lo = s->a.lo,
					 .hi = s->a.hi,
					 .kind = PL_REGION_PYMALLOC,
					 .owner = s->owner,
					 .index = s->index,
					 .max_live = s->claims + s->slack,
				 });
}

/* Ask blocks all over the arenas whether the debug hooks made them; the runtime's own word else. */
static bool pools_hooked(const struct pl_heap *h)
{
	const struct pl_layout *l = h->l;
	size_t n = h->regions.n, step = n / (VOTES / VOTES_PER_ARENA) + 1;
	struct pl_heap_tally tally = {0};
	struct pl_hook_vote all = {0};
	struct pl_view v;
	uint32_t flag = 0;

	for (size_t i = 0; i < n; i += step) {
		struct pl_hook_vote vote = {.max = VOTES_PER_ARENA};

		pl_heap_pymalloc_walk(h, &h->regions.at[i], pl_heap_hook_vote, &vote, &tally);
		all.hooked += vote.hooked;
		all.plain += vote.plain;
	}
	if (all.hooked + all.plain)
		return all.hooked > all.plain;
	pl_view_init(&v, h->im);
	return pl_has(l->f.runtime_debug_malloc) && l->runtime &&
	       pl_read32(&v, l->runtime + (uint64_t)l->f.runtime_debug_malloc, &flag) &&
	       flag & 0xff;
}

static bool layout_complete(const struct pl_layout *l)
{
	const struct pl_fields *f = &l->f;

	return l->pool_bytes && l->pool_bytes <= MAX_POOL_BYTES &&
	       !(l->pool_bytes & (l->pool_bytes - 1)) &&
	       l->arena_bytes / l->pool_bytes <= MAX_POOLS && l->object_align >= MIN_BLOCK &&
	       pl_has(f->arena_size) && pl_has(f->arena_address) && pl_has(f->arena_pool_address) &&
	       pl_has(f->arena_nfreepools) && pl_has(f->arena_ntotalpools) &&
	       pl_has(f->arena_freepools) && pl_has(f->pool_header_size) &&
	       pl_has(f->pool_refcount) && pl_has(f->pool_freeblock) && pl_has(f->pool_nextpool) &&
	       pl_has(f->pool_arenaindex) && pl_has(f->pool_szidx) && pl_has(f->pool_nextoffset);
}

int pl_heap_pymalloc_open(struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err)
{
	struct finder f = {.h = h};
	struct pl_pymalloc *py;
	uint64_t bad = 0;
	int r;

	if (!layout_complete(h->l)) {
		pl_ctx_note(ctx, PL_WARNING, "no-pymalloc-layout",
			    "pymalloc's structures are not known for this build: its arenas are "
			    "not read");
		return 0;
	}
	h->pymalloc = py = pl_calloc(1, sizeof(*py));
	pl_heap_arena_tables(h, ctx, &py->tables);
	py->slack = pl_calloc(py->tables.v.n + 1, sizeof(*py->slack));
	for (size_t t = 0; t < py->tables.v.n; t++) {
		const struct pl_arena_table *table = &py->tables.v.at[t];

		py->slack[t] = pl_calloc(table->n, sizeof(**py->slack));
		for (uint32_t i = 0; i < table->n && !pl_ctx_cancelled(ctx); i++) {
			struct arena s = {.owner = (uint32_t)t, .index = i};
			enum pl_arena_state state = pl_heap_arena_record(h, table->at, i, &s.a);

			if (state == PL_ARENA_USED)
				pl_vec_push(&f.v, s);
			bad += state == PL_ARENA_BAD;
		}
	}
	r = pl_parallel(ctx, f.v.n, arena_sum, &f, err);
	for (size_t i = 0; i < f.v.n && !r; i++)
		arena_add(h, &f.v.at[i]);
	pl_vec_free(&f.v);
	if (r)
		return r;
	if (bad)
		pl_ctx_damage(ctx, "bad-arenas", "%llu of pymalloc's arena records are damaged",
			      (unsigned long long)bad);
	if (h->stats.arenas)
		h->stats.pymalloc_source = py->tables.source;
	h->stats.hooked = pools_hooked(h);
	return 0;
}

void pl_heap_pymalloc_close(struct pl_heap *h)
{
	struct pl_pymalloc *py = h->pymalloc;

	if (!py)
		return;
	for (size_t t = 0; t < py->tables.v.n; t++)
		free(py->slack[t]);
	free(py->slack);
	pl_vec_free(&py->tables.v);
	free(py);
	h->pymalloc = NULL;
}
