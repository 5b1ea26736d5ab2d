/*
 * glibc.c - the chunks of glibc's malloc.
 *
 * malloc/malloc.c: chunks lie one behind the other, each with its size; a chunk is free when the
 * next one's PREV_INUSE bit is clear, or when it is on a list that leaves the bit set
 * (glibc_free.c). One pass over all headers splits each heap into parts that threads can walk on
 * their own and leaves out stretches where the row of sizes is broken. Chunks over the mmap
 * threshold are mappings of their own (glibc_mmapped.c).
 */
#include "heap/glibc.h"

#include "base/search.h"

enum {
	PART_BYTES = 4 << 20,
	RESUME_CHAIN = 16,      /* good chunks in a row behind a broken stretch */
	VOTE_EACH = 16,         /* of so many chunks one is asked whether the debug hooks made it */
	MAIN_NONCONTIGUOUS = 2, /* malloc_state.flags, at +4 in all versions */
};

/* ---- the pass over all headers ---- */

struct scan {
	struct pl_heap *h;
	struct pl_glibc *g;
	const struct pl_glibc_heap *heap;
	struct pl_ctx *ctx;
	struct pl_view v;
	struct pl_glibc_part part; /* the one being filled */
	uint32_t votes, hooked;
};

/* The part ends with the chunk before end; the next one starts at next. */
static void part_close(struct scan *s, pl_addr end, bool last_in_use, pl_addr next)
{
	s->part.end = end;
	s->part.hi = next;
	s->part.last_in_use = last_in_use;
	if (s->part.hi > s->part.lo)
		pl_vec_push(&s->g->parts, s->part);
	s->part = (struct pl_glibc_part){.lo = next, .first = next, .arena = s->heap->arena};
	pl_ctx_step(s->ctx, 1);
}

/* The next place behind a broken or missing stretch where chunks go on, or the heap's top. */
static pl_addr resume(struct scan *s, pl_addr at, uint64_t *missing)
{
	pl_addr top = s->heap->top, there;
	uint64_t steps = 0;

	for (; at < top; at += PL_CHUNK_ALIGN) {
		there = pl_heap_next_at_hand(s->h->im, at, top);
		*missing += there - at;
		at = pl_round_up(there, PL_CHUNK_ALIGN);
		if (at >= top || pl_glibc_chain(&s->v, s->heap, at, RESUME_CHAIN))
			break;
		if (!(++steps % PART_BYTES) && pl_ctx_cancelled(s->ctx))
			break;
	}
	return PL_MIN(at, top);
}

static void vote(struct scan *s, const uint8_t *p, uint64_t size)
{
	uint64_t request;

	s->votes++;
	s->hooked += pl_heap_hooked(p + PL_CHUNK_HEADER, size - PL_CHUNK_HEADER, &request);
}

/* The chunk at address at is none: go on where there are some again, and return that place. */
static pl_addr scan_gap(struct scan *s, pl_addr at, bool last_in_use)
{
	uint64_t raw;
	pl_addr next;

	if (pl_read64(&s->v, at + 8, &raw) && !pl_glibc_fence(raw)) {
		s->part.bad_chunks++;
		pl_heap_tally_at(&s->part.chunk_at, at);
	}
	next = resume(s, at, &s->part.missing);
	part_close(s, at, last_in_use, next);
	return next;
}

/*
 * Whether the chunk before next is in use, which next's header tells; taken as such where that is
 * broken or missing. good: next is a chunk.
 */
static bool prev_in_use(struct scan *s, pl_addr next, bool good)
{
	uint64_t raw;

	return !pl_read64(&s->v, next + 8, &raw) || raw & PL_CHUNK_PREV_INUSE ||
	       !(good || next == s->heap->top || pl_glibc_fence(raw));
}

static void scan_heap(struct scan *s)
{
	pl_addr at = s->heap->first, top = s->heap->top, next;
	bool in_use = false, good;
	uint64_t raw, next_raw = 0, size;
	const uint8_t *p;

	s->part = (struct pl_glibc_part){.lo = s->heap->lo, .first = at, .arena = s->heap->arena};
	good = pl_glibc_chunk(&s->v, s->heap, at, &raw);
	while (at < top && !pl_ctx_cancelled(s->ctx)) {
		if (!good) {
			at = scan_gap(s, at, in_use);
			good = pl_glibc_chunk(&s->v, s->heap, at, &raw);
			continue;
		}
		size = raw & ~(uint64_t)PL_CHUNK_FLAGS;
		next = at + size;
		good = pl_glibc_chunk(&s->v, s->heap, next, &next_raw);
		p = pl_at(&s->v, at, size);
		if (p) {
			in_use = prev_in_use(s, next, good);
			s->part.in_use += in_use;
			if (in_use && pl_glibc_tcache_size(size))
				pl_glibc_tcache(s->g, &s->v, at, size, at == s->heap->first,
						&s->part.bad_freelists);
			else if (in_use && s->part.in_use % VOTE_EACH == 0)
				vote(s, p, size);
			if (next - s->part.lo >= PART_BYTES ||
			    !pl_at(&s->v, at, size + PL_CHUNK_HEADER)) /* the span ends */
				part_close(s, next, in_use, next);
		} else { /* not in one piece */
			s->part.missing += size - pl_heap_at_hand(s->h->im, at, &p);
			part_close(s, at, in_use, next);
		}
		at = next;
		raw = next_raw;
	}
	s->part.top_follows = at == s->heap->top && s->heap->top < s->heap->hi;
	part_close(s, at, in_use, s->heap->hi);
}

/* ---- open ---- */

static int by_addr(const void *a, const void *b)
{
	pl_addr x = *(const pl_addr *)a, y = *(const pl_addr *)b;

	return x < y ? -1 : x > y;
}

/* Sort the dead chunks, each once. */
static void settle_dead(struct pl_glibc *g)
{
	size_t kept = 0;

	if (g->dead.n)
		qsort(g->dead.at, g->dead.n, sizeof(*g->dead.at), by_addr);
	for (size_t i = 0; i < g->dead.n; i++) {
		if (!kept || g->dead.at[i] != g->dead.at[kept - 1])
			g->dead.at[kept++] = g->dead.at[i];
	}
	g->dead.n = kept;
}

static void scan_heaps(struct pl_heap *h, struct pl_glibc *g, struct pl_ctx *ctx)
{
	struct scan s = {.h = h, .g = g, .ctx = ctx};
	uint32_t bad;

	pl_view_init(&s.v, h->im);
	for (size_t i = 0; i < g->heaps.n; i++)
		g->links += 3 * ((g->heaps.at[i].hi - g->heaps.at[i].lo) / PL_CHUNK_MIN + 1);
	for (size_t i = 0; i < g->heaps.n; i++) {
		s.heap = &g->heaps.at[i];
		scan_heap(&s);
	}
	for (size_t i = 0; i < g->arenas.n; i++) {
		bad = pl_glibc_fastbins(g, &g->arenas.at[i]);
		if (g->parts.n)
			g->parts.at[0].bad_freelists += bad;
	}
	settle_dead(g);
	/* pools and pages have settled it where they are */
	if (!h->stats.pools && !h->stats.pages)
		h->stats.hooked = s.hooked > s.votes / 2;
}

int pl_heap_glibc_open(struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_glibc *g = h->glibc = pl_calloc(1, sizeof(*g));
	const char *source = pl_glibc_find(g, h->im, ctx);
	struct pl_view v;
	uint32_t flags;

	scan_heaps(h, g, ctx);
	if (pl_ctx_cancelled(ctx))
		return pl_ctx_cancel_err(err);
	for (size_t i = 0; i < g->parts.n; i++) {
		const struct pl_glibc_part *p = &g->parts.at[i];

		pl_vec_push(&h->regions, (struct pl_region){
						 .lo = p->lo,
						 .hi = p->hi,
						 .kind = PL_REGION_MALLOC,
						 .index = p->arena,
						 .max_live = p->in_use,
					 });
		h->stats.chunks_live += p->in_use;
	}
	h->stats.chunks_live -= PL_MIN(h->stats.chunks_live, g->dead.n);
	pl_heap_settle(h);
	pl_glibc_find_mmapped(h, ctx);
	if (pl_ctx_cancelled(ctx))
		return pl_ctx_cancel_err(err);
	h->stats.malloc_arenas = g->heaps.n ? g->arenas.n : 0;
	h->stats.malloc_source = source;
	pl_view_init(&v, h->im);
	if (!source)
		pl_ctx_note(ctx, PL_WARNING, "no-malloc",
			    "no heap of glibc's malloc was found: what lies in other allocators' "
			    "memory is known only where something points to it");
	else if (g->arenas.at[0].at && pl_read32(&v, g->arenas.at[0].at + 4, &flags) &&
		 flags & MAIN_NONCONTIGUOUS)
		pl_ctx_note(
			ctx, PL_WARNING, "malloc-elsewhere",
			"malloc's main heap has parts outside the brk area, which are not listed");
	return 0;
}

void pl_heap_glibc_close(struct pl_heap *h)
{
	struct pl_glibc *g = h->glibc;

	if (!g)
		return;
	pl_vec_free(&g->arenas);
	pl_vec_free(&g->heaps);
	pl_vec_free(&g->parts);
	pl_vec_free(&g->dead);
	free(g);
	h->glibc = NULL;
}

/* ---- walk and find ---- */

static const struct pl_glibc_part *part_at(const struct pl_glibc *g, pl_addr lo)
{
	size_t above = PL_LOWER_BOUND(g->parts.n, k, g->parts.at[k].lo <= lo);

	return &g->parts.at[above ? above - 1 : 0];
}

/* The first dead chunk at or behind addr. */
static size_t dead_from(const struct pl_glibc *g, pl_addr addr)
{
	return PL_LOWER_BOUND(g->dead.n, k, g->dead.at[k] < addr);
}

static bool is_dead(const struct pl_glibc *g, pl_addr chunk)
{
	size_t i = dead_from(g, chunk);

	return i < g->dead.n && g->dead.at[i] == chunk;
}

/* Hand out the chunk whose owner's bytes start at base. */
static bool emit(pl_addr base, const uint8_t *host, uint64_t usable, pl_run_fn *fn, void *arg)
{
	static const uint64_t live = 1;
	uint64_t request;
	struct pl_run run = {
		.base = base,
		.host = host,
		.stride = (uint32_t)PL_MIN(usable, (uint64_t)UINT32_MAX),
		.n = 1,
		.usable = usable,
		.live = &live,
		.hooked = pl_heap_hooked(host, usable, &request),
	};

	if (run.hooked) {
		run.base += PL_HOOK_PREFIX;
		run.host += PL_HOOK_PREFIX;
		run.usable = request;
	}
	return fn(arg, &run);
}

static bool walk_mmapped(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn,
			 void *arg, struct pl_heap_tally *tally)
{
	uint64_t have, usable;
	const uint8_t *p;

	have = pl_heap_at_hand(h->im, r->lo, &p);
	if (have < PL_CHUNK_HEADER || !pl_glibc_mmapped(p, &usable) || is_dead(h->glibc, r->lo))
		return true;
	if (have < PL_CHUNK_HEADER + usable) {
		tally->missing_bytes += PL_CHUNK_HEADER + usable - have;
		return true;
	}
	return emit(r->lo + PL_CHUNK_HEADER, p + PL_CHUNK_HEADER, usable, fn, arg);
}

bool pl_heap_glibc_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn,
			void *arg, struct pl_heap_tally *tally)
{
	const struct pl_glibc *g = h->glibc;
	const struct pl_glibc_part *part;
	const uint8_t *p;
	uint64_t size, have;
	size_t d;

	if (r->kind == PL_REGION_MMAPPED)
		return walk_mmapped(h, r, fn, arg, tally);
	part = part_at(g, r->lo);
	tally->bad_chunks += part->bad_chunks;
	pl_heap_tally_at(&tally->chunk_at, part->chunk_at);
	tally->bad_freelists += part->bad_freelists;
	tally->missing_bytes += part->missing;
	have = pl_heap_at_hand(h->im, part->first, &p);
	d = dead_from(g, part->first);
	for (pl_addr at = part->first; at < part->end; at += size, p += size, have -= size) {
		bool in_use;

		size = pl_ld64(p + 8) & ~(uint64_t)PL_CHUNK_FLAGS;
		if (size < PL_CHUNK_MIN || size > part->end - at || size > have)
			break; /* the core's file changed under us */
		in_use = at + size < part->end ? pl_ld64(p + size + 8) & PL_CHUNK_PREV_INUSE
					       : part->last_in_use;
		while (d < g->dead.n && g->dead.at[d] < at)
			d++;
		if (!in_use || (d < g->dead.n && g->dead.at[d] == at))
			continue;
		if (!emit(at + PL_CHUNK_HEADER, p + PL_CHUNK_HEADER,
			  PL_MIN(size - PL_CHUNK_OVERHEAD, have - PL_CHUNK_HEADER), fn, arg))
			return false;
	}
	return true;
}

/* Fill in a block whose owner's bytes are the usable ones at base. */
static void block_set(struct pl_block *b, pl_addr base, const uint8_t *host, uint64_t usable)
{
	uint64_t request;

	b->base = base;
	b->usable = usable;
	if (b->state == PL_BLOCK_LIVE && pl_heap_hooked(host, usable, &request)) {
		b->base += PL_HOOK_PREFIX;
		b->usable = request;
	}
}

/* The chunk that a live block is in: where the debug hooks are, two headers before. */
static pl_addr chunk_of(const struct pl_image *im, pl_addr base)
{
	static const uint8_t forbidden[2][7] = {
		{0xfb, 0xfb, 0xfb, 0xfb, 0xfb, 0xfb, 0xfb},
		{0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0xfd},
	};
	const uint8_t *p;
	bool hooked;

	if (pl_heap_at_hand(im, base - 7, &p) < 7)
		return base - PL_CHUNK_HEADER;
	/* no size of a chunk is so big */
	hooked = !memcmp(p, forbidden[0], 7) || !memcmp(p, forbidden[1], 7);
	return base - PL_CHUNK_HEADER - (hooked ? PL_HOOK_PREFIX : 0);
}

/* The last chunk in use that is known to start before addr, or the part's first one. */
static pl_addr chunk_before(const struct pl_glibc_part *part, const struct pl_image *im,
			    const struct pl_starts *starts, pl_addr addr)
{
	uint64_t below = pl_starts_below(starts, addr);

	return below ? chunk_of(im, pl_starts_nth(starts, below - 1)) : part->first;
}

/* An address in a heap: like a walk from the last chunk in use on that stops there. */
static bool find_in_part(const struct pl_glibc *g, const struct pl_image *im,
			 const struct pl_starts *starts, pl_addr addr, struct pl_block *b)
{
	const struct pl_glibc_part *part = part_at(g, b->region->lo);
	uint64_t size, have;
	const uint8_t *p;
	pl_addr at;

	b->pool = b->base = part->first;
	b->usable = 0;
	b->state = PL_BLOCK_HEADER;
	if (addr < part->first)
		return true;
	if (addr >= part->end + PL_CHUNK_OVERHEAD) {
		b->pool = b->base = part->end;
		b->usable = part->hi - part->end;
		b->state = PL_BLOCK_NEVER;
		return part->top_follows;
	}
	at = chunk_before(part, im, starts, addr);
	have = pl_heap_at_hand(im, at, &p);
	for (; at < part->end; at += size, p += size, have -= size) {
		size = pl_ld64(p + 8) & ~(uint64_t)PL_CHUNK_FLAGS;
		if (size < PL_CHUNK_MIN || size > part->end - at || size > have)
			return false; /* the core's file changed under us */
		/* the owner's bytes reach into the next chunk's first word */
		if (addr >= at + size + PL_CHUNK_OVERHEAD)
			continue;
		b->pool = b->base = at;
		if (addr < at + PL_CHUNK_HEADER || is_dead(g, at) != false) {
			bool header = addr < at + PL_CHUNK_HEADER;

			b->usable = header ? PL_CHUNK_HEADER : size;
			b->state = header ? PL_BLOCK_HEADER : PL_BLOCK_FREE;
			return true;
		}
		b->state = (at + size < part->end ? pl_ld64(p + size + 8) & PL_CHUNK_PREV_INUSE
						  : part->last_in_use)
				   ? PL_BLOCK_LIVE
				   : PL_BLOCK_FREE;
		block_set(b, at + PL_CHUNK_HEADER, p + PL_CHUNK_HEADER,
			  PL_MIN(size - PL_CHUNK_OVERHEAD, have - PL_CHUNK_HEADER));
		return true;
	}
	return false;
}

bool pl_heap_glibc_find(const struct pl_heap *h, const struct pl_region *r,
			const struct pl_region_index *x, pl_addr addr, struct pl_block *ret)
{
	struct pl_block b = {.region = r, .pool = r->lo, .base = r->lo};
	uint64_t usable, have;
	const uint8_t *p;

	if (r->kind != PL_REGION_MMAPPED) {
		if (!find_in_part(h->glibc, h->im, &x->starts, addr, &b))
			return false;
		*ret = b;
		return true;
	}
	have = pl_heap_at_hand(h->im, r->lo, &p);
	if (have < PL_CHUNK_HEADER || !pl_glibc_mmapped(p, &usable))
		return false;
	if (addr < r->lo + PL_CHUNK_HEADER || addr >= r->lo + PL_CHUNK_HEADER + usable) {
		b.usable = PL_CHUNK_HEADER;
		b.state = PL_BLOCK_HEADER;
	} else {
		b.state = is_dead(h->glibc, r->lo) ? PL_BLOCK_FREE : PL_BLOCK_LIVE;
		block_set(&b, r->lo + PL_CHUNK_HEADER, p + PL_CHUNK_HEADER,
			  PL_MIN(usable, have - PL_CHUNK_HEADER));
	}
	*ret = b;
	return true;
}

bool pl_heap_glibc_block(const struct pl_heap *h, const struct pl_region *r, pl_addr addr,
			 struct pl_block *ret)
{
	struct pl_block b = {.region = r, .state = PL_BLOCK_LIVE};
	uint64_t usable, have;
	const uint8_t *p;

	b.pool = chunk_of(h->im, addr);
	have = pl_heap_at_hand(h->im, b.pool, &p);
	if (have < PL_CHUNK_MIN)
		return false;
	if (r->kind == PL_REGION_MALLOC)
		usable = (pl_ld64(p + 8) & ~(uint64_t)PL_CHUNK_FLAGS) - PL_CHUNK_OVERHEAD;
	else if (!pl_glibc_mmapped(p, &usable))
		return false;
	block_set(&b, b.pool + PL_CHUNK_HEADER, p + PL_CHUNK_HEADER,
		  PL_MIN(usable, have - PL_CHUNK_HEADER));
	*ret = b;
	return true;
}
