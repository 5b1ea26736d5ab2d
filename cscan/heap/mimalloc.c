/*
 * mimalloc.c - the blocks in mimalloc's segments, as default builds of CPython have them under
 * PYTHONMALLOC=mimalloc (3.13 and later).
 *
 * Include/internal/mimalloc/mimalloc/types.h: a segment is 32 MiB at a multiple of that, an array
 * of 512 slice records at its start describing 64 KiB slices; a page is a row of slices with blocks
 * of one size, of which the first capacity ones have been in use. Given back are those on its free,
 * local_free and thread_free lists and on the thread_delayed_free list of its heap. No heap has to
 * be found: segments name themselves, for the exclusive or of their address and cookie is the same
 * in all of them. Two versions of mimalloc are bundled, each with and without the keys of a debug
 * build that encode the links; which it is, is what proves itself: pages add up to the segment's
 * count and free blocks to the page's.
 *
 * The object heaps of a free-threaded build are pages like these with a tag that tells what is in
 * them; they will be another reader of the same pages.
 */
#include "base/search.h"
#include "base/addrset.h"
#include "heap/internal.h"

enum {
	SLICE = 64 << 10,
	SLICES = PL_MIMALLOC_SLICES,
	SEGMENT = SLICES * SLICE,
	MAX_SEGMENT_SLICES = 1 << 24, /* a huge segment of 1 TiB */
	MAX_CAPACITY = UINT16_MAX,
	BITMAP_WORDS = MAX_CAPACITY / 64 + 1,
	KEYS = 16,   /* bytes of a page's two keys, before thread_free, debug builds only */
	PADDING = 8, /* behind each block, debug builds only: mi_padding_t */
	VOTES = 256,
};

/* Where the members are; offsets in bytes, those of a page behind its keys as without keys. */
struct shape {
	uint16_t used, cookie, total, info, kind, entries, slices; /* mi_segment_t */
	uint16_t page_size, page_used, page_used_width, page_local, page_thread, page_heap;
	uint16_t page_block, page_block_width;
	uint16_t page_start;              /* 0: computed */
	uint16_t heap_delayed, heap_keys; /* mi_heap_t */
	bool debug;                       /* keys, encoded links and padding */
	uint16_t heap_shift;              /* of both heap_ offsets in a debug build */
};
enum { PAGE_SLICES = 0, PAGE_CAPACITY = 10, PAGE_RESERVED = 12, PAGE_FREE = 16 }; /* in both */

#define SHAPE_212                                                                                \
	.used = 208, .cookie = 216, .total = 224, .info = 232, .kind = 240, .entries = 248,      \
	.slices = 264, .page_size = 80, .page_used = 24, .page_used_width = 4, .page_local = 32, \
	.page_thread = 40, .page_heap = 48, .page_block = 28, .page_block_width = 4,             \
	.heap_delayed = 2840, .heap_keys = 2872, .heap_shift = 8
#define SHAPE_252                                                                                \
	.used = 216, .cookie = 224, .total = 248, .info = 256, .kind = 264, .entries = 272,      \
	.slices = 288, .page_size = 96, .page_used = 32, .page_used_width = 2, .page_local = 24, \
	.page_thread = 56, .page_heap = 64, .page_block = 40, .page_block_width = 8,             \
	.page_start = 48, .heap_delayed = 8, .heap_keys = 40
static const struct shape shapes[] = {
	{SHAPE_212},
	{SHAPE_212, .debug = true},
	{SHAPE_252},
	{SHAPE_252, .debug = true},
};

struct pl_mimalloc {
	const struct shape *shape;
	PL_VEC(pl_addr) delayed; /* sorted: blocks on a heap's thread_delayed_free list */
};

/* A segment whose header makes sense. */
struct segment {
	pl_addr at;
	const uint8_t *host; /* header and slice records */
	uint64_t total;      /* slices */
	uint32_t info, entries, used;
	uint64_t secret; /* address xor cookie */
};

/* A page of a segment. */
struct page {
	pl_addr record;  /* of its mi_page_t: what an encoded link holds for NULL */
	pl_addr start;   /* block 0 */
	uint64_t block;  /* bytes of a block */
	uint32_t n;      /* capacity */
	uint32_t used;   /* by the record */
	uint32_t slices; /* from this one to the next page or free span */
	pl_addr list[3]; /* free, local_free, thread_free */
	uint64_t keys[2];
	pl_addr heap;
};

static uint64_t record_size(const struct shape *s)
{
	return s->page_size + (s->debug ? KEYS : 0u);
}

static bool segment_read(const struct pl_image *im, const struct shape *s, pl_addr at,
			 struct segment *ret)
{
	struct segment g = {.at = at};
	uint64_t have = pl_heap_at_hand(im, at, &g.host), info, entries, used;

	if (have < s->slices + record_size(s))
		return false;
	g.total = pl_ld64(g.host + s->total);
	info = pl_ld64(g.host + s->info);
	entries = pl_ld64(g.host + s->entries);
	used = pl_ld64(g.host + s->used);
	g.secret = at ^ pl_ld64(g.host + s->cookie);
	if (!info || info > entries || entries > SLICES || used > entries ||
	    pl_ld32(g.host + s->kind) > 1 || g.total < entries || g.total > MAX_SEGMENT_SLICES ||
	    have < s->slices + entries * record_size(s))
		return false;
	g.info = (uint32_t)info;
	g.entries = (uint32_t)entries;
	g.used = (uint32_t)used;
	*ret = g;
	return true;
}

/* How far behind its first slice a page of 2.1.2 starts (segment.c: _mi_segment_page_start). */
static uint64_t start_offset(uint64_t block)
{
	return block <= 64 ? 3 * block : block <= 512 ? block : 0;
}

enum span { SPAN_PAGE, SPAN_FREE, SPAN_BAD };

/* What slice i of a segment begins; ret->slices is set unless it is bad. */
static enum span page_read(const struct shape *s, const struct segment *g, uint32_t i,
			   struct page *ret)
{
	const uint8_t *p = g->host + s->slices + i * record_size(s);
	const uint8_t *behind = p + (s->debug ? KEYS : 0);
	pl_addr first = g->at + (uint64_t)i * SLICE;
	uint64_t room;
	struct page r = {.record = g->at + s->slices + i * record_size(s)};

	r.slices = pl_ld32(p + PAGE_SLICES);
	r.block = pl_ldn(p + s->page_block, s->page_block_width);
	if (!r.slices || r.slices > g->total - i)
		return SPAN_BAD;
	ret->slices = r.slices;
	if (!r.block)
		return SPAN_FREE;
	room = (uint64_t)r.slices * SLICE;
	/* 2.1.2: 2 GiB stands for "the whole page" */
	if (s->page_block_width == 4 && r.block == UINT64_C(1) << 31)
		r.block = room;
	r.n = pl_ld16(p + PAGE_CAPACITY);
	r.used = (uint32_t)pl_ldn(p + s->page_used, s->page_used_width);
	r.start = s->page_start ? pl_ld64(p + s->page_start) : first + start_offset(r.block);
	if (r.block < 8 || r.block % 8 || r.n > pl_ld16(p + PAGE_RESERVED) || r.used > r.n ||
	    r.start < first || r.start - first > room || r.n * r.block > room - (r.start - first))
		return SPAN_BAD;
	r.list[0] = pl_ld64(p + PAGE_FREE);
	r.list[1] = pl_ld64(p + s->page_local);
	r.list[2] = pl_ld64(behind + s->page_thread) & ~(pl_addr)3; /* two bits are flags */
	r.heap = pl_ld64(behind + s->page_heap);
	if (s->debug) {
		r.keys[0] = pl_ld64(p + s->page_thread);
		r.keys[1] = pl_ld64(p + s->page_thread + 8);
	}
	*ret = r;
	return SPAN_PAGE;
}

/* A link as stored in a block; owner is what stands for NULL (internal.h: mi_ptr_decode). */
static pl_addr link_read(const struct shape *s, const uint8_t *p, pl_addr owner,
			 const uint64_t keys[2])
{
	uint64_t x = pl_ld64(p);
	unsigned by = keys[0] % 64;

	if (!s->debug)
		return x;
	x -= keys[0];
	x = (by ? x >> by | x << (64 - by) : x) ^ keys[1];
	return x == owner ? 0 : x;
}

/*
 * The live blocks of a page, of which n are at hand: sets their bits, returns their number and sets
 * *listed to how many are on its lists; *whole: all lists were followed to their ends; *thread: how
 * many are on the last one.
 */
static uint32_t page_live(const struct shape *s, const struct page *pg, const uint8_t *host,
			  uint32_t n, uint64_t *bits, bool *whole, uint32_t *thread)
{
	uint32_t live = n;

	pl_bits_fill(bits, n);
	*whole = true;
	for (unsigned i = 0; i < PL_ARRAY_LEN(pg->list); i++) {
		uint32_t before = live;
		pl_addr link = pg->list[i];

		while (link) {
			uint64_t off = link - pg->start, index = off / pg->block;

			if (index >= n || index * pg->block != off ||
			    !pl_bits_has(bits, (uint32_t)index))
				break;
			pl_bits_clear(bits, (uint32_t)index);
			live--;
			link = link_read(s, host + off, pg->record, pg->keys);
		}
		*whole &= !link;
		*thread = before - live;
	}
	return live;
}

/* How many blocks of a page are at hand. */
static uint32_t page_at_hand(const struct pl_image *im, const struct page *pg, const uint8_t **host)
{
	uint64_t have = pl_heap_at_hand(im, pg->start, host);

	return (uint32_t)PL_MIN((uint64_t)pg->n, have / pg->block);
}

/* ---- open ---- */

/* A candidate address; one run over all of them for each shape. */
struct finder {
	struct pl_heap *h;
	struct pl_ctx *ctx;
	PL_VEC(pl_addr) at;
};

static void find_candidates(struct finder *f)
{
	size_t n;
	const struct pl_span *s = pl_image_spans(f->h->im, &n);

	for (size_t i = 0; i < n; i++) {
		if (s[i].module >= 0 || !(s[i].prot & PL_PROT_WRITE))
			continue;
		/* By number: at the end of the address space an address would wrap. */
		for (uint64_t k = s[i].lo / SEGMENT; k <= (s[i].hi - 1) / SEGMENT; k++) {
			if (k * SEGMENT >= s[i].lo)
				pl_vec_push(&f->at, k * SEGMENT);
		}
	}
}

/* The live blocks of a segment; *sound: its pages add up, each with itself and all to its count. */
static uint64_t segment_live(const struct pl_heap *h, const struct shape *s,
			     const struct segment *g, uint32_t *pages, bool *sound)
{
	uint64_t bits[BITMAP_WORDS], sum = 0;
	uint32_t live, thread, n;
	const uint8_t *host;
	struct page pg;
	bool whole;

	*pages = 0;
	*sound = true;
	for (uint32_t i = g->info; i < g->entries; i += pg.slices) {
		enum span span = page_read(s, g, i, &pg);

		if (span == SPAN_BAD) {
			*sound = false;
			break;
		}
		if (span == SPAN_FREE)
			continue;
		(*pages)++;
		n = page_at_hand(h->im, &pg, &host);
		live = page_live(s, &pg, host, n, bits, &whole, &thread);
		sum += live;
		*sound &= whole && live + thread == pg.used;
	}
	*sound &= *pages == g->used;
	return sum;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The secret that most candidates share in this shape; false when none looks like a segment. */
static bool secret_vote(const struct finder *f, const struct shape *s, uint64_t *ret)
{
	PL_VEC(uint64_t) secrets = {0};
	size_t most = 0, run = 0;
	struct segment g;

	for (size_t i = 0; i < f->at.n && !pl_ctx_cancelled(f->ctx); i++) {
		if (segment_read(f->h->im, s, f->at.at[i], &g))
			pl_vec_push(&secrets, g.secret);
	}
	if (secrets.n)
		qsort(secrets.at, secrets.n, sizeof(*secrets.at), by_value);
	for (size_t i = 0; i < secrets.n; i++) {
		run = i && secrets.at[i] == secrets.at[i - 1] ? run + 1 : 1;
		if (run > most) {
			most = run;
			*ret = secrets.at[i];
		}
	}
	pl_vec_free(&secrets);
	return most > 0;
}

/* Add the segments with this secret; returns how many are sound. */
static uint32_t segments_add(struct finder *f, const struct shape *s, uint64_t secret)
{
	struct pl_heap *h = f->h;
	uint32_t pages, n_sound = 0;
	struct segment g;
	bool sound;

	for (size_t i = 0; i < f->at.n && !pl_ctx_cancelled(f->ctx); i++) {
		uint64_t live;

		if (!segment_read(h->im, s, f->at.at[i], &g) || g.secret != secret)
			continue;
		live = segment_live(h, s, &g, &pages, &sound);
		n_sound += sound;
		pl_vec_push(&h->regions, (struct pl_region){
						 .lo = g.at,
						 .hi = g.at + g.total * SLICE,
						 .kind = PL_REGION_MIMALLOC,
						 .index = (uint32_t)h->stats.segments++,
						 .max_live = live,
					 });
		h->stats.pages += pages;
		h->stats.page_blocks_live += live;
	}
	return n_sound;
}

static void segments_drop(struct pl_heap *h, size_t n_regions)
{
	h->regions.n = n_regions;
	h->stats.segments = h->stats.pages = h->stats.page_blocks_live = 0;
}

/* Take the shape in which most segments are sound. */
static void choose_shape(struct finder *f)
{
	struct pl_heap *h = f->h;
	size_t n_regions = h->regions.n, best = 0;
	uint32_t n, most = 0;
	uint64_t secret, best_secret = 0;

	for (size_t i = 0; i < PL_ARRAY_LEN(shapes); i++) {
		if (!secret_vote(f, &shapes[i], &secret))
			continue;
		n = segments_add(f, &shapes[i], secret);
		segments_drop(h, n_regions);
		if (n > most) {
			most = n;
			best = i;
			best_secret = secret;
		}
	}
	if (!most)
		return;
	h->mimalloc = pl_calloc(1, sizeof(*h->mimalloc));
	h->mimalloc->shape = &shapes[best];
	segments_add(f, &shapes[best], best_secret);
}

/* Note the blocks that wait on a heap's list for its thread to free them. */
static void heap_delayed(struct pl_heap *h, struct pl_view *v, pl_addr heap,
			 struct pl_addrset *noted)
{
	const struct shape *s = h->mimalloc->shape;
	uint16_t shift = s->debug ? s->heap_shift : 0;
	uint64_t keys[2] = {0, 0};
	const uint8_t *p;
	pl_addr link;

	if (!pl_read64(v, heap + s->heap_delayed + shift, &link))
		return;
	if (s->debug && (!pl_read64(v, heap + s->heap_keys + shift, &keys[0]) ||
			 !pl_read64(v, heap + s->heap_keys + shift + 8, &keys[1])))
		return;
	/* a ring would go round: a block waits once, on one list */
	while (link && !(link & 7) && pl_addrset_add(noted, link)) {
		const struct pl_region *r = pl_heap_region(h, link);

		p = pl_at(v, link, 8);
		if (!p || !r || r->kind != PL_REGION_MIMALLOC)
			break;
		pl_vec_push(&h->mimalloc->delayed, link);
		link = link_read(s, p, heap, keys);
	}
}

static void find_delayed(struct finder *f)
{
	struct pl_heap *h = f->h;
	const struct shape *s = h->mimalloc->shape;
	PL_VEC(pl_addr) heaps = {0};
	struct pl_addrset seen, noted;
	struct segment g;
	struct page pg;
	struct pl_view v;
	size_t k;

	pl_view_init(&v, h->im);
	pl_addrset_init(&seen);
	pl_addrset_init(&noted);
	for (size_t i = 0; i < h->regions.n && !pl_ctx_cancelled(f->ctx); i++) {
		if (h->regions.at[i].kind != PL_REGION_MIMALLOC ||
		    !segment_read(h->im, s, h->regions.at[i].lo, &g))
			continue;
		for (uint32_t j = g.info; j < g.entries; j += pg.slices) {
			enum span span = page_read(s, &g, j, &pg);

			if (span == SPAN_BAD)
				break;
			if (span == SPAN_FREE || !pg.heap)
				continue;
			if (!(pg.heap & 7) && pl_addrset_add(&seen, pg.heap))
				pl_vec_push(&heaps, pg.heap);
		}
	}
	for (k = 0; k < heaps.n && !pl_ctx_cancelled(f->ctx); k++)
		heap_delayed(h, &v, heaps.at[k], &noted);
	if (h->mimalloc->delayed.n)
		qsort(h->mimalloc->delayed.at, h->mimalloc->delayed.n, sizeof(pl_addr), by_value);
	pl_addrset_fini(&seen);
	pl_addrset_fini(&noted);
	pl_vec_free(&heaps);
}

int pl_heap_mimalloc_open(struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err)
{
	struct finder f = {.h = h, .ctx = ctx};
	struct pl_heap_tally tally = {0};
	struct pl_hook_vote vote = {.max = VOTES};

	find_candidates(&f);
	choose_shape(&f);
	if (h->mimalloc) {
		pl_heap_settle(h);
		find_delayed(&f);
		h->stats.hooked = false;
		for (size_t i = 0; i < h->regions.n; i++) {
			if (h->regions.at[i].kind == PL_REGION_MIMALLOC &&
			    !pl_heap_mimalloc_walk(h, &h->regions.at[i], pl_heap_hook_vote, &vote,
						   &tally))
				break;
		}
		h->stats.hooked = vote.hooked > vote.plain;
	}
	pl_vec_free(&f.at);
	return pl_ctx_cancelled(ctx) ? pl_ctx_cancel_err(err) : 0;
}

void pl_heap_mimalloc_close(struct pl_heap *h)
{
	if (!h->mimalloc)
		return;
	pl_vec_free(&h->mimalloc->delayed);
	free(h->mimalloc);
	h->mimalloc = NULL;
}

/* ---- walk and find ---- */

/* Take out the blocks that wait to be freed. */
static uint32_t drop_delayed(const struct pl_mimalloc *m, const struct page *pg, uint32_t n,
			     uint64_t *bits)
{
	pl_addr end = pg->start + n * pg->block;
	size_t i = PL_LOWER_BOUND(m->delayed.n, k, m->delayed.at[k] < pg->start);
	uint32_t dropped = 0;

	for (; i < m->delayed.n && m->delayed.at[i] < end; i++) {
		uint64_t off = m->delayed.at[i] - pg->start;

		if (off % pg->block == 0 && pl_bits_has(bits, (uint32_t)(off / pg->block))) {
			pl_bits_clear(bits, (uint32_t)(off / pg->block));
			dropped++;
		}
	}
	return dropped;
}

/* What the owner of a block has of it: not the padding, and not what the debug hooks take. */
static void owner_share(const struct pl_heap *h, pl_addr *base, uint64_t *usable)
{
	if (h->mimalloc->shape->debug)
		*usable -= PADDING;
	if (h->stats.hooked && *usable >= PL_HOOK_PREFIX + PL_HOOK_SUFFIX) {
		*base += PL_HOOK_PREFIX;
		*usable -= PL_HOOK_PREFIX + PL_HOOK_SUFFIX;
	}
}

static bool walk_page(const struct pl_heap *h, const struct page *pg, pl_run_fn *fn, void *arg,
		      struct pl_heap_tally *tally)
{
	uint64_t bits[BITMAP_WORDS];
	const uint8_t *host;
	uint32_t n = page_at_hand(h->im, pg, &host), live, thread;
	struct pl_run run;
	bool whole;

	if (!n && !pg->n)
		return true;
	live = page_live(h->mimalloc->shape, pg, host, n, bits, &whole, &thread);
	if (n < pg->n) {
		tally->missing_bytes += (pg->n - n) * pg->block;
	} else {
		tally->bad_freelists += !whole;
		pl_heap_tally_at(&tally->freelist_at, whole ? 0 : pg->start);
		tally->bad_pools += live + thread != pg->used;
		pl_heap_tally_at(&tally->pool_at, live + thread != pg->used ? pg->start : 0);
	}
	live -= drop_delayed(h->mimalloc, pg, n, bits);
	if (!live)
		return true;
	run = (struct pl_run){
		.base = pg->start,
		.stride = (uint32_t)PL_MIN(pg->block, (uint64_t)UINT32_MAX),
		.n = n,
		.usable = pg->block,
		.live = bits,
	};
	owner_share(h, &run.base, &run.usable);
	run.hooked = run.base != pg->start;
	run.host = host + (run.base - pg->start);
	return fn(arg, &run);
}

bool pl_heap_mimalloc_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn,
			   void *arg, struct pl_heap_tally *tally)
{
	struct segment g;
	struct page pg;

	if (!segment_read(h->im, h->mimalloc->shape, r->lo, &g))
		return true;
	for (uint32_t i = g.info; i < g.entries; i += pg.slices) {
		switch (page_read(h->mimalloc->shape, &g, i, &pg)) {
		case SPAN_BAD:
			tally->bad_pools++;
			pl_heap_tally_at(&tally->pool_at, r->lo);
			return true;
		case SPAN_FREE:
			break;
		case SPAN_PAGE:
			if (!walk_page(h, &pg, fn, arg, tally))
				return false;
			break;
		}
	}
	return true;
}

/* What is behind the last span, or behind a bad record, counts as its. */
uint16_t *pl_heap_mimalloc_slices(const struct pl_heap *h, const struct pl_region *r)
{
	uint16_t *of = pl_calloc(SLICES, sizeof(*of));
	struct segment g;
	struct page pg;

	if (!segment_read(h->im, h->mimalloc->shape, r->lo, &g))
		return of;
	for (uint32_t i = g.info; i < g.entries; i += pg.slices) {
		for (uint32_t k = i; k < SLICES; k++)
			of[k] = (uint16_t)i;
		if (page_read(h->mimalloc->shape, &g, i, &pg) == SPAN_BAD)
			break;
	}
	return of;
}

/* The slice that begins what addr lies in. */
static uint32_t slice_of(const struct pl_region *r, const struct pl_region_index *x, pl_addr addr)
{
	uint64_t slice = (addr - r->lo) / SLICE;

	return x->slices[slice < SLICES ? slice : SLICES - 1];
}

bool pl_heap_mimalloc_block(const struct pl_heap *h, const struct pl_region *r,
			    const struct pl_region_index *x, pl_addr addr, struct pl_block *ret)
{
	uint32_t first = slice_of(r, x, addr);
	struct segment g;
	struct page pg;
	pl_addr start;
	uint64_t usable;

	if (!segment_read(h->im, h->mimalloc->shape, r->lo, &g) ||
	    page_read(h->mimalloc->shape, &g, first, &pg) != SPAN_PAGE)
		return false;
	start = pg.start;
	usable = pg.block;
	owner_share(h, &start, &usable);
	*ret = (struct pl_block){r, addr, usable, r->lo + (uint64_t)first * SLICE, PL_BLOCK_LIVE};
	return true;
}

bool pl_heap_mimalloc_find(const struct pl_heap *h, const struct pl_region *r,
			   const struct pl_region_index *x, pl_addr addr, struct pl_block *ret)
{
	const struct shape *s = h->mimalloc->shape;
	struct pl_block b = {.region = r, .base = r->lo, .pool = r->lo, .state = PL_BLOCK_HEADER};
	uint32_t first = slice_of(r, x, addr);
	uint64_t index;
	struct segment g;
	struct page pg;
	const uint8_t *host;
	enum span span;

	if (!segment_read(h->im, s, r->lo, &g))
		return false;
	b.usable = (uint64_t)g.info * SLICE;
	if (first < g.info) { /* the segment's own */
		*ret = b;
		return true;
	}
	span = page_read(s, &g, first, &pg);
	if (span == SPAN_BAD)
		return false;
	b.base = b.pool = r->lo + (uint64_t)first * SLICE;
	b.usable = (uint64_t)pg.slices * SLICE;
	b.state = PL_BLOCK_NEVER;
	if (span == SPAN_PAGE && addr < pg.start) {
		b.usable = pg.start - b.pool;
		b.state = PL_BLOCK_HEADER;
	} else if (span == SPAN_PAGE) {
		index = (addr - pg.start) / pg.block;
		b.base = pg.start + index * pg.block;
		b.usable = pg.block;
		owner_share(h, &b.base, &b.usable);
		if (index < page_at_hand(h->im, &pg, &host))
			b.state = pl_starts_has(&x->starts, b.base) ? PL_BLOCK_LIVE : PL_BLOCK_FREE;
	}
	*ret = b;
	return true;
}
