/*
 * glibc_arenas.c - where glibc's malloc keeps its arenas and heaps.
 *
 * malloc/malloc.c and malloc/arena.c of glibc 2.17 to 2.43: main_arena is a static in libc's .data,
 * its chunks lie in the brk area. Every other arena lies at the start of a heap in anonymous
 * memory, aligned to 64 MiB: {heap_info, malloc_state, chunks}; further heaps of it have the
 * heap_info only. A malloc_state ends with {top, last_remainder, bins[254], binmap[4 x 32 bits],
 * next, next_free, attached_threads, system_mem, max_system_mem}, and each empty bin points to
 * itself: that pattern names the arena where no symbol does.
 */
#include "base/search.h"
#include "heap/glibc.h"

enum {
	BINS = 127,
	BINS_BYTES = BINS * 16,
	BINS_TO_NEXT = BINS_BYTES + 16, /* from bins to malloc_state.next */
	BINS_TO_END = BINS_BYTES + 16 + 5 * 8,
	STATE_TO_BINS_MIN =
		16, /* from the start of a malloc_state to its bins: 24 without fastbins, */
	STATE_TO_BINS_MAX = 160, /* 104 before 2.26, then 112 */
	BINS_EMPTY_MIN = 16,
	BINS_WRONG_MAX = 4,
	HEAP_ALIGN = 64 << 20, /* HEAP_MAX_SIZE on 64-bit machines */
	HEAP_INFO_MIN = 32,
	HEAP_INFO_MAX = 256,
	CHAIN = 64, /* chunks in a row that nothing but a heap can show */
	START_SEARCH = 16 << 20,
	SEARCH_TRIES = 1024, /* arrays that look like bins */
};

bool pl_glibc_chunk(struct pl_view *v, const struct pl_glibc_heap *heap, pl_addr at, uint64_t *raw)
{
	const uint8_t *p;
	uint64_t w, n;

	if (at < heap->first || at >= heap->top || at % PL_CHUNK_ALIGN)
		return false;
	p = pl_at(v, at, PL_CHUNK_HEADER);
	if (!p)
		return false;
	w = pl_ld64(p + 8);
	n = w & ~(uint64_t)PL_CHUNK_FLAGS;
	if (n < PL_CHUNK_MIN || n % PL_CHUNK_ALIGN || n > heap->top - at || w & PL_CHUNK_MMAPPED ||
	    (!heap->arena && w & PL_CHUNK_NON_MAIN))
		return false;
	*raw = w;
	return true;
}

bool pl_glibc_fence(uint64_t raw)
{
	return (raw & ~(uint64_t)PL_CHUNK_FLAGS) == PL_CHUNK_HEADER || raw == PL_CHUNK_PREV_INUSE;
}

bool pl_glibc_chain(struct pl_view *v, const struct pl_glibc_heap *heap, pl_addr at, unsigned limit)
{
	uint64_t raw;

	for (unsigned i = 0; i < limit; i++) {
		if (!pl_glibc_chunk(v, heap, at, &raw))
			return i && at < heap->top && pl_read64(v, at + 8, &raw) &&
			       pl_glibc_fence(raw);
		at += raw & ~(uint64_t)PL_CHUNK_FLAGS;
		if (at == heap->top)
			return true;
	}
	return true;
}

const struct pl_glibc_heap *pl_glibc_heap_at(const struct pl_glibc *g, pl_addr addr)
{
	size_t i = PL_LOWER_BOUND(g->heaps.n, k, g->heaps.at[k].hi <= addr);

	return i < g->heaps.n && addr >= g->heaps.at[i].lo ? &g->heaps.at[i] : NULL;
}

/* ---- malloc_state ---- */

/*
 * How well the bytes at address at look like bins: 0 = not at all. A bin is the {fd, bk} of an
 * imagined chunk 16 bytes before it; empty, it points to that chunk, else to chunks that point
 * back.
 */
static unsigned bins_score(struct pl_view *v, pl_addr at)
{
	const uint8_t *p = pl_at(v, at, BINS_BYTES);
	unsigned empty = 0, wrong = 0;

	if (!p || at % 8)
		return 0;
	for (unsigned i = 0; i < BINS; i++, p += 16) {
		pl_addr bin = at + 16 * i - PL_CHUNK_HEADER, fd = pl_ld64(p), bk = pl_ld64(p + 8),
			back;

		if (fd == bin && bk == bin)
			empty++;
		else if (!pl_read64(v, fd + 24, &back) || back != bin ||
			 !pl_read64(v, bk + 16, &back) || back != bin)
			wrong++;
		if (wrong > BINS_WRONG_MAX)
			return 0;
	}
	return empty < BINS_EMPTY_MIN ? 0 : BINS - wrong;
}

/* Find the bins of a malloc_state. */
static bool arena_read(struct pl_view *v, pl_addr at, struct pl_glibc_arena *ret)
{
	struct pl_glibc_arena a = {.at = at};
	unsigned best = 0, score;

	for (unsigned d = STATE_TO_BINS_MIN; d <= STATE_TO_BINS_MAX; d += 8) {
		score = bins_score(v, at + d);
		if (score > best) {
			best = score;
			a.bins = at + d;
		}
	}
	if (!best || !pl_read64(v, a.bins - 16, &a.top))
		return false;
	*ret = a;
	return true;
}

/* The malloc_state whose bins these are: its next leads to itself, or to another arena of its
 * shape. */
static bool arena_of_bins(struct pl_view *v, pl_addr bins, struct pl_glibc_arena *ret)
{
	struct pl_glibc_arena a = {.bins = bins}, other;
	pl_addr next;

	if (!pl_read64(v, bins + BINS_TO_NEXT, &next) || !pl_read64(v, bins - 16, &a.top))
		return false;
	if (bins - next >= STATE_TO_BINS_MIN && bins - next <= STATE_TO_BINS_MAX)
		a.at = next;
	else if (arena_read(v, next, &other))
		a.at = bins - (other.bins - other.at);
	else
		return false;
	*ret = a;
	return true;
}

/* An empty bin was seen at address at: find the array it belongs to. */
static bool arena_around(struct pl_view *v, pl_addr at, struct pl_glibc_arena *ret)
{
	unsigned best = 0, score;
	pl_addr bins = 0;

	for (unsigned i = 0; i < BINS; i++) {
		score = bins_score(v, at - 16 * i);
		if (score > best) {
			best = score;
			bins = at - 16 * i;
		}
	}
	return best && arena_of_bins(v, bins, ret);
}

bool pl_glibc_search_main(const struct pl_image *im, struct pl_ctx *ctx, struct pl_glibc_arena *ret)
{
	size_t n;
	const struct pl_span *s = pl_image_spans(im, &n);
	unsigned tries = SEARCH_TRIES;
	struct pl_view v;

	pl_view_init(&v, im);
	for (size_t i = 0; i < n && tries && !pl_ctx_cancelled(ctx); i++) {
		uint64_t size = s[i].hi - s[i].lo;

		if (s[i].module < 0 || !(s[i].prot & PL_PROT_WRITE))
			continue;
		for (uint64_t off = -s[i].lo % 8; off + 16 <= size && tries; off += 8) {
			pl_addr bin = s[i].lo + off - PL_CHUNK_HEADER;

			if (pl_ld64(s[i].host + off) != bin || pl_ld64(s[i].host + off + 8) != bin)
				continue;
			if (arena_around(&v, s[i].lo + off, ret))
				return true;
			tries--;
			off += BINS_BYTES; /* bins of nobody: do not ask each of them */
		}
	}
	return false;
}

/* ---- the main heap ---- */

static bool is_anonymous(const struct pl_mapping *m)
{
	return m->module < 0 && m->prot & PL_PROT_WRITE;
}

/* Mappings [*lo, *hi) around i that lie side by side, all anonymous and writable. */
static void mapping_run(const struct pl_mapping *m, size_t n, size_t i, pl_addr *lo, pl_addr *hi)
{
	size_t a = i, b = i;

	while (a && is_anonymous(&m[a - 1]) && m[a - 1].hi == m[a].lo)
		a--;
	while (b + 1 < n && is_anonymous(&m[b + 1]) && m[b].hi == m[b + 1].lo)
		b++;
	*lo = m[a].lo;
	*hi = m[b].hi;
}

/* Whether the main heap may start here: before its first chunk there is nothing to be free. */
static bool starts_chain(struct pl_view *v, const struct pl_glibc_heap *heap, pl_addr at)
{
	uint64_t raw;

	return pl_glibc_chunk(v, heap, at, &raw) && raw & PL_CHUNK_PREV_INUSE &&
	       pl_glibc_chain(v, heap, at, CHAIN);
}

/*
 * malloc_par (mp_) lies near main_arena and has {..., mmapped_mem, max_mmapped_mem, sbrk_base} in
 * all versions. Returns the first chunk by sbrk_base and sets *mmapped, or returns 0. Other words
 * there may point to chunks, but none to one before the first.
 */
static pl_addr first_by_mp(struct pl_view *v, const struct pl_glibc_arena *a,
			   const struct pl_glibc_heap *heap, uint64_t *mmapped)
{
	const struct pl_span *s = a->at ? pl_image_span(v->im, a->at) : NULL;
	pl_addr first = 0;

	if (!s)
		return 0;
	for (uint64_t off = -s->lo % 8 + 16; off + 8 <= s->hi - s->lo; off += 8) {
		pl_addr base = pl_ld64(s->host + off);
		uint64_t now = pl_ld64(s->host + off - 16), most = pl_ld64(s->host + off - 8);

		if (base < heap->lo || base >= heap->top || now > most || now % PL_PAGE ||
		    most % PL_PAGE || s->lo + off - a->at < a->bins + BINS_TO_END - a->at)
			continue;
		base = pl_round_up(base, PL_CHUNK_ALIGN);
		if ((!first || base < first) && (base == heap->lo || starts_chain(v, heap, base))) {
			*mmapped = now;
			first = base;
		}
	}
	return first;
}

/* The first place in the mapping that starts a row of chunks, or 0. */
static pl_addr first_by_chunks(struct pl_view *v, const struct pl_glibc_heap *heap,
			       struct pl_ctx *ctx)
{
	pl_addr end = PL_MIN(heap->top, heap->lo + START_SEARCH);

	for (pl_addr at = heap->lo; at < end && !pl_ctx_cancelled(ctx); at += PL_CHUNK_ALIGN) {
		if (starts_chain(v, heap, at))
			return at;
	}
	return 0;
}

/* The chunk that ends where the heap does, its top chunk; hi when the row breaks off before. */
static pl_addr top_by_chunks(struct pl_view *v, const struct pl_glibc_heap *heap,
			     struct pl_ctx *ctx)
{
	pl_addr at = heap->first;
	uint64_t raw, size;

	while (pl_glibc_chunk(v, heap, at, &raw) && !pl_ctx_cancelled(ctx)) {
		size = raw & ~(uint64_t)PL_CHUNK_FLAGS;
		if (at + size == heap->hi)
			return at;
		at += size;
	}
	return heap->hi;
}

/* The main heap lies in [lo, hi): at its start as a rule, behind a .bss without randomisation. */
static void add_main_heap(struct pl_glibc *g, struct pl_ctx *ctx, pl_addr lo, pl_addr hi,
			  pl_addr top)
{
	struct pl_glibc_heap heap = {.lo = lo, .hi = hi, .first = lo, .top = top};
	struct pl_view v;
	pl_addr first;
	uint64_t raw;

	pl_view_init(&v, g->im);
	first = first_by_mp(&v, &g->arenas.at[0], &heap, &g->mmapped);
	if (!first)
		first = first_by_chunks(&v, &heap, ctx);
	if (!first && top == hi)
		return;
	if (first)
		heap.first = heap.lo = first;
	if (top == hi)
		heap.top = top_by_chunks(&v, &heap, ctx);
	else if (pl_read64(&v, top + 8, &raw))
		heap.hi = top + PL_MIN(raw & ~(uint64_t)PL_CHUNK_FLAGS, hi - top);
	if (heap.hi > heap.lo)
		pl_vec_push(&g->heaps, heap);
}

/* The brk area: around top, or, when that is not known, what looks like it behind the program. */
static void find_main_heap(struct pl_glibc *g, struct pl_ctx *ctx)
{
	size_t n, n_modules;
	const struct pl_mapping *m = pl_image_mappings(g->im, &n);
	const struct pl_module *modules = pl_image_modules(g->im, &n_modules);
	pl_addr lo, hi, top = g->arenas.at[0].top, exe = 0;

	for (size_t i = 0; i < n; i++) {
		if (top >= m[i].lo && top < m[i].hi && is_anonymous(&m[i])) {
			mapping_run(m, n, i, &lo, &hi);
			add_main_heap(g, ctx, lo, hi, top);
			return;
		}
	}
	for (size_t i = 0; i < n_modules; i++)
		exe = modules[i].is_exe ? modules[i].hi : exe;
	for (size_t i = 0; exe && i < n && !g->heaps.n; i++) {
		if (m[i].lo < exe)
			continue;
		if (m[i].module >= 0)
			break;
		if (is_anonymous(&m[i]))
			add_main_heap(g, ctx, m[i].lo, m[i].hi, m[i].hi);
	}
}

/* ---- the other heaps ---- */

/* A heap whose arena is yet to be read. */
struct other {
	pl_addr at, arena;
	uint64_t size, info; /* bytes of the heap; of the heap_info at the arena's first one */
};
struct others {
	PL_VEC(struct other) v;
};

/* Take the heap whose heap_info {ar_ptr, prev, size, mprotect_size} lies at address at, if any. */
static void take_heap(struct others *o, struct pl_view *v, pl_addr at)
{
	const uint8_t *p = pl_at(v, at, HEAP_INFO_MIN);
	struct other heap = {.at = at};
	uint64_t writable;
	pl_addr self;

	if (!p)
		return;
	heap.arena = pl_ld64(p);
	heap.size = pl_ld64(p + 16);
	writable = pl_ld64(p + 24);
	heap.info = heap.arena % HEAP_ALIGN;
	if (!heap.size || heap.size % PL_PAGE || heap.size > writable || writable > HEAP_ALIGN ||
	    heap.info < HEAP_INFO_MIN || heap.info > HEAP_INFO_MAX || heap.arena % PL_CHUNK_ALIGN ||
	    !pl_read64(v, heap.arena - heap.info, &self) || self != heap.arena)
		return;
	pl_vec_push(&o->v, heap);
}

static void add_heap(struct pl_glibc *g, const struct other *o, uint32_t arena)
{
	const struct pl_glibc_arena *a = &g->arenas.at[arena];
	struct pl_glibc_heap heap = {.lo = o->at, .hi = o->at + o->size, .arena = arena};

	heap.first = o->arena - o->info == o->at
			     ? pl_round_up(a->bins + BINS_TO_END, PL_CHUNK_ALIGN)
			     : o->at + o->info;
	heap.top = a->top >= heap.first && a->top < heap.hi ? a->top : heap.hi;
	if (heap.first < heap.hi)
		pl_vec_push(&g->heaps, heap);
}

static int by_arena(const void *a, const void *b)
{
	const struct other *x = a, *y = b;

	if (x->arena != y->arena)
		return x->arena < y->arena ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void find_other_heaps(struct pl_glibc *g, struct pl_ctx *ctx)
{
	struct others others = {0};
	size_t n;
	const struct pl_span *s = pl_image_spans(g->im, &n);
	struct pl_glibc_arena a;
	struct pl_view v;
	bool known = false;

	pl_view_init(&v, g->im);
	for (size_t i = 0; i < n; i++) {
		if (s[i].module >= 0 || !(s[i].prot & PL_PROT_WRITE))
			continue;
		/* By number: at the end of the address space an address would wrap. */
		for (uint64_t k = s[i].lo / HEAP_ALIGN;
		     k <= (s[i].hi - 1) / HEAP_ALIGN && !pl_ctx_cancelled(ctx); k++) {
			if (k * HEAP_ALIGN >= s[i].lo)
				take_heap(&others, &v, k * HEAP_ALIGN);
		}
	}
	if (others.v.n)
		qsort(others.v.at, others.v.n, sizeof(*others.v.at), by_arena);
	for (size_t i = 0; i < others.v.n && !pl_ctx_cancelled(ctx); i++) {
		const struct other *o = &others.v.at[i];

		if (!i || o->arena != o[-1].arena) {
			known = o->arena != g->arenas.at[0].at && arena_read(&v, o->arena, &a);
			if (known)
				pl_vec_push(&g->arenas, a);
		}
		if (known)
			add_heap(g, o, (uint32_t)g->arenas.n - 1);
	}
	pl_vec_free(&others.v);
}

static int by_lo(const void *a, const void *b)
{
	const struct pl_glibc_heap *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* Sort the heaps; a hostile core may make them overlap: then the later one goes. */
static void settle_heaps(struct pl_glibc *g)
{
	size_t kept = 0;

	if (g->heaps.n)
		qsort(g->heaps.at, g->heaps.n, sizeof(*g->heaps.at), by_lo);
	for (size_t i = 0; i < g->heaps.n; i++) {
		if (!kept || g->heaps.at[i].lo >= g->heaps.at[kept - 1].hi)
			g->heaps.at[kept++] = g->heaps.at[i];
	}
	g->heaps.n = kept;
}

const char *pl_glibc_find(struct pl_glibc *g, struct pl_image *im, struct pl_ctx *ctx)
{
	struct pl_glibc_arena main_arena = {0};
	const char *source = "chunks";
	struct pl_symbol symbol;
	struct pl_view v;

	g->im = im;
	g->mmapped = UINT64_MAX;
	pl_view_init(&v, im);
	if (pl_image_symbol(im, -1, "main_arena", &symbol) &&
	    arena_read(&v, symbol.addr, &main_arena))
		source = "symbol";
	else if (pl_glibc_search_main(im, ctx, &main_arena))
		source = "search";
	pl_vec_push(&g->arenas, main_arena);
	find_main_heap(g, ctx);
	find_other_heaps(g, ctx);
	settle_heaps(g);
	return g->heaps.n ? source : NULL;
}
