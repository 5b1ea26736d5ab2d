/*
 * glibc's malloc, built by hand as each of its versions would: arenas, heaps, chunks on every kind
 * of free list, mmapped chunks, and damage. That real ones look like this is
 * tests/e2e/test_heap.py's part.
 */
#include "heap/glibc.h"

#include "test_heap_build.h"

#define LIBC UINT64_C(0x7f1000000000)  /* libc's writable data */
#define HEAP UINT64_C(0x555500000000)  /* the brk area */
#define OTHER UINT64_C(0x7f0008000000) /* another arena's first heap, its second 64 MiB higher */
#define OTHER2 (OTHER + (64 << 20))
#define FAR UINT64_C(0x7f0800000000) /* mmapped chunks */

enum {
	IN_USE = 1,
	FREE = 0,
	MAIN_ARENA = 0x100, /* in LIBC */
	MP = 0xc00,         /* mp_.sbrk_base in LIBC */
	HEAP_BYTES = 0x40000,
	OTHER_BYTES = 0x10000,
};

/* A glibc to imitate. */
struct glibc {
	unsigned bins;      /* from a malloc_state to its bins: 24, 104 or 112 */
	unsigned n, width;  /* tcache_perthread_struct: counters and their bytes; n = 0: none */
	bool mangled, down; /* links xor address >> 12; counters that count what still fits */
};

static const struct glibc glibcs[] = {
	{104, 0, 0, false, false},  /* 2.24 */
	{104, 64, 1, false, false}, /* 2.26 */
	{112, 64, 1, false, false}, /* 2.28 */
	{112, 64, 2, false, false}, /* 2.31 */
	{112, 64, 2, true, false},  /* 2.36 */
	{112, 76, 2, true, true},   /* 2.42 */
	{24, 76, 2, true, true},    /* 2.43 */
};

/* The heap being filled: chunks come one behind the other. */
struct fill {
	struct mem *m;
	const struct glibc *g;
	pl_addr at;
	bool prev_in_use, main;
};

/* Put a chunk; returns its owner's address. */
static pl_addr chunk(struct fill *f, uint64_t size, int in_use)
{
	pl_addr at = f->at;

	put64(f->m, at + 8, size | f->prev_in_use | (f->main ? 0 : PL_CHUNK_NON_MAIN));
	if (!in_use)
		put64(f->m, at + size, size);
	f->at += size;
	f->prev_in_use = in_use;
	return at + 16;
}

static void put_arena(struct mem *m, const struct glibc *g, pl_addr at, pl_addr top, pl_addr next)
{
	pl_addr bins = at + g->bins;

	put64(m, bins - 16, top);
	for (unsigned i = 0; i < 254; i++)
		put64(m, bins + 8 * i, bins + i / 2 * 16 - 16);
	put64(m, bins + 254 * 8 + 16, next);
}

/* Put free chunks into bin number bin of an arena. */
static void put_bin(struct mem *m, const struct glibc *g, pl_addr arena, unsigned bin,
		    const pl_addr *user, unsigned n)
{
	pl_addr head = arena + g->bins + 16 * bin - 16, prev = head;

	for (unsigned i = 0; i < n; i++) {
		put64(m, prev + 16, user[i] - 16);
		put64(m, user[i] + 8, prev);
		prev = user[i] - 16;
	}
	put64(m, prev + 16, head);
	put64(m, head + 24, prev);
}

static void put_link(struct mem *m, const struct glibc *g, pl_addr at, pl_addr to)
{
	put64(m, at, g->mangled ? to ^ at >> 12 : to);
}

/* Chain n chunks; links hold the owner's address less back. Returns the head. */
static pl_addr put_list(struct mem *m, const struct glibc *g, const pl_addr *user, unsigned n,
			unsigned back)
{
	for (unsigned i = 0; i < n; i++)
		put_link(m, g, user[i], i + 1 < n ? user[i + 1] - back : 0);
	return user[0] - back;
}

static uint64_t tcache_size(const struct glibc *g)
{
	return pl_round_up(g->n * (8 + g->width) + 8, 16);
}

static pl_addr tcache_head(const struct glibc *g, pl_addr tcache, unsigned bin)
{
	return tcache + g->n * g->width + 8 * bin;
}

static void tcache_count(struct mem *m, const struct glibc *g, pl_addr tcache, unsigned bin,
			 unsigned n)
{
	uint64_t counter = g->down ? 7 - n : n;

	memcpy(mem_at(m, tcache + bin * g->width), &counter, g->width);
}

static pl_addr put_tcache(struct fill *f)
{
	pl_addr tcache = chunk(f, tcache_size(f->g), IN_USE);

	for (unsigned i = 0; i < f->g->n; i++)
		tcache_count(f->m, f->g, tcache, i, 0);
	return tcache;
}

static void put_in_tcache(struct mem *m, const struct glibc *g, pl_addr tcache, unsigned bin,
			  const pl_addr *user, unsigned n)
{
	put64(m, tcache_head(g, tcache, bin), put_list(m, g, user, n, 0));
	tcache_count(m, g, tcache, bin, n);
}

/* The top chunk takes the rest. */
static void put_top(struct fill *f, pl_addr end)
{
	put64(f->m, f->at + 8, (end - f->at) | PL_CHUNK_PREV_INUSE);
}

/* A main arena whose heap starts at HEAP; put_main_end() when its chunks are there. */
static void put_main(struct mem *m, struct fill *f, const struct glibc *g)
{
	mem_init(m);
	mem_map_file(m, LIBC, 0x1000, PF_R | PF_W, "/lib/libc.so.6");
	mem_map(m, HEAP, HEAP_BYTES);
	*f = (struct fill){m, g, HEAP, true, true};
}

static void put_main_end(struct fill *f)
{
	put_arena(f->m, f->g, LIBC + MAIN_ARENA, f->at, LIBC + MAIN_ARENA);
	put_top(f, HEAP + HEAP_BYTES);
	put64(f->m, LIBC + MP, HEAP);
}

/* Every way to be free, between chunks in use. */
static void every_list(void **state)
{
	for (unsigned i = 0; i < PL_ARRAY_LEN(glibcs); i++) {
		const struct glibc *g = &glibcs[i];
		pl_addr live[8], cached[3], large[2], fast[4], binned[3], tcache = 0;
		bool has_fast = g->bins != 24;
		struct fill f;
		struct mem m;

		(void)state;
		put_main(&m, &f, g);
		if (g->n)
			tcache = put_tcache(&f);
		for (unsigned k = 0; k < 3; k++) {
			live[k] = chunk(&f, 0x20 + 16 * k, IN_USE);
			cached[k] = chunk(&f, 0x90, IN_USE);
			live[3 + k] = chunk(&f, 0x5000, IN_USE);
			binned[k] = chunk(&f, 0x500, FREE);
		}
		live[6] = chunk(&f, 0x400, IN_USE);
		for (unsigned k = 0; k < 4; k++)
			fast[k] = chunk(&f, 0x40, IN_USE);
		large[0] = chunk(&f, 0x480, IN_USE);
		large[1] = chunk(&f, 0x1230, IN_USE);
		live[7] = chunk(&f, 0x20, IN_USE);
		put_main_end(&f);
		put_bin(&m, g, LIBC + MAIN_ARENA, 1, binned, 1);
		put_bin(&m, g, LIBC + MAIN_ARENA, 65, binned + 1, 2);
		if (g->n)
			put_in_tcache(&m, g, tcache, (0x90 - 32) / 16, cached, 3);
		if (g->n > 64)
			put_in_tcache(&m, g, tcache, 66, large, 2);
		if (has_fast)
			put64(&m, LIBC + MAIN_ARENA + g->bins - 96 + 16,
			      put_list(&m, g, fast, 4, 16));
		heap_open(&m);
		assert_sound(&m);
		assert_string_equal(pl_heap_stats(m.h)->malloc_source, "search");
		assert_int_equal(pl_heap_stats(m.h)->malloc_arenas, 1);
		for (unsigned k = 0; k < 3; k++) {
			assert_live(&m, live[k], 0x18 + 16 * k);
			assert_live(&m, live[3 + k], 0x4ff8);
			assert_state(&m, binned[k], PL_BLOCK_FREE);
			if (g->n)
				assert_state(&m, cached[k], PL_BLOCK_FREE);
		}
		for (unsigned k = 0; k < 4 && has_fast; k++)
			assert_state(&m, fast[k], PL_BLOCK_FREE);
		assert_live(&m, live[6], 0x3f8);
		assert_live(&m, live[7], 0x18);
		assert_state(&m, live[0] - 8, PL_BLOCK_HEADER);
		assert_state(&m, HEAP + HEAP_BYTES - 1, PL_BLOCK_NEVER);
		assert_int_equal(m.live.n,
				 8 + (g->n ? 0 : 3) + (has_fast ? 0 : 4) + (g->n > 64 ? 0 : 2));
		assert_int_equal(pl_heap_stats(m.h)->chunks_live, m.live.n);
		mem_fini(&m);
	}
}

/* A tcache without chunks is only where nothing was allocated before it; else it is a block of
 * zeros. */
static void zeroed_block_or_tcache(void **state)
{
	const struct glibc *g = &glibcs[4];
	pl_addr tcache, block;
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, g);
	tcache = put_tcache(&f);
	chunk(&f, 0x20, IN_USE);
	block = put_tcache(&f);
	put_main_end(&f);
	heap_open(&m);
	assert_sound(&m);
	assert_live(&m, block, tcache_size(g) - 8);
	assert_null(live_at(&m, tcache));
	assert_int_equal(m.live.n, 2);
	mem_fini(&m);
}

/* The chunk under a tcache may be one unit bigger than asked for. */
static void tcache_in_a_bigger_chunk(void **state)
{
	const struct glibc *g = &glibcs[6];
	pl_addr tcache, cached;
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, g);
	chunk(&f, 0x20, IN_USE);
	tcache = chunk(&f, tcache_size(g) + 16, IN_USE);
	cached = chunk(&f, 0x60, IN_USE);
	for (unsigned i = 0; i < g->n; i++)
		tcache_count(&m, g, tcache, i, 0);
	put_main_end(&f);
	put_in_tcache(&m, g, tcache, 4, &cached, 1);
	heap_open(&m);
	assert_sound(&m);
	assert_int_equal(m.live.n, 1);
	assert_state(&m, cached, PL_BLOCK_FREE);
	mem_fini(&m);
}

/* An arena of a thread, with two heaps; the first one ends with fenceposts. */
static void other_arena(void **state)
{
	for (unsigned i = 0; i < PL_ARRAY_LEN(glibcs); i++) {
		const struct glibc *g = &glibcs[i];
		unsigned info = g->bins == 112 ? 48 : 32;
		pl_addr arena = OTHER + info, live[4];
		struct fill f;
		struct mem m;

		(void)state;
		put_main(&m, &f, g);
		live[0] = chunk(&f, 0x30, IN_USE);
		put_main_end(&f);
		mem_map(&m, OTHER, OTHER_BYTES);
		mem_map(&m, OTHER2, OTHER_BYTES);
		for (unsigned k = 0; k < 2; k++) {
			pl_addr heap = k ? OTHER2 : OTHER;

			put64(&m, heap, arena);
			put64(&m, heap + 8, k ? OTHER : 0);
			put64(&m, heap + 16, OTHER_BYTES);
			put64(&m, heap + 24, OTHER_BYTES);
		}
		f = (struct fill){&m, g, pl_round_up(arena + g->bins + 254 * 8 + 16 + 40, 16), true,
				  false};
		live[1] = chunk(&f, 0x1000, IN_USE);
		chunk(&f, 0x40, FREE);
		live[2] = chunk(&f, OTHER + OTHER_BYTES - 32 - f.at, IN_USE);
		put64(&m, f.at + 8, 0x10 | PL_CHUNK_PREV_INUSE);
		put64(&m, f.at + 24, PL_CHUNK_PREV_INUSE);
		f = (struct fill){&m, g, OTHER2 + info, true, false};
		live[3] = chunk(&f, 0x2000, IN_USE);
		put_arena(&m, g, arena, f.at, LIBC + MAIN_ARENA);
		put_top(&f, OTHER2 + OTHER_BYTES);
		put64(&m, LIBC + MAIN_ARENA + g->bins + 254 * 8 + 16, arena);
		heap_open(&m);
		assert_sound(&m);
		assert_string_equal(pl_heap_stats(m.h)->malloc_source, "search");
		assert_int_equal(pl_heap_stats(m.h)->malloc_arenas, 2);
		assert_live(&m, live[0], 0x28);
		assert_live(&m, live[1], 0xff8);
		assert_non_null(live_at(&m, live[2]));
		assert_live(&m, live[3], 0x1ff8);
		assert_int_equal(m.live.n, 4);
		assert_state(&m, OTHER + 100, PL_BLOCK_HEADER);
		assert_int_equal(pl_heap_region(m.h, OTHER)->index, 1);
		assert_int_equal(pl_heap_region(m.h, OTHER2)->index, 1);
		mem_fini(&m);
	}
}

/* ---- mmapped chunks ---- */

static void put_mmapped(struct mem *m, pl_addr at, uint64_t prev, uint64_t size)
{
	put64(m, at, prev);
	put64(m, at + 8, size | PL_CHUNK_MMAPPED);
}

static void mmapped(void **state)
{
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, &glibcs[4]);
	chunk(&f, 0x20, IN_USE);
	put_main_end(&f);
	/* at a mapping's start, behind it, behind something else, made by 2.43; then none */
	mem_map(&m, FAR, 0x20000);
	put_mmapped(&m, FAR, 0, 0x3000);
	put_mmapped(&m, FAR + 0x1000, 0, 0x1000); /* its owner's data look like one */
	put_mmapped(&m, FAR + 0x3000, 0, 0x2000);
	put_mmapped(&m, FAR + 0x8000, 0, 0x4ff0);
	put_mmapped(&m, FAR + 0xd000, 1, 0x1ff0);
	put_mmapped(&m, FAR + 0x10000, 0, 0x1008);    /* no page */
	put_mmapped(&m, FAR + 0x11000, 0, 0x1000000); /* does not fit */
	put_mmapped(&m, FAR + 0x12000, 64, 0x1000);   /* no chunk */
	put64(&m, FAR + 0x13008, 0x1001);             /* not mmapped */
	put64(&m, LIBC + MP - 16, 0xc000);
	put64(&m, LIBC + MP - 8, 0xd000);
	heap_open(&m);
	assert_sound(&m);
	assert_int_equal(pl_heap_stats(m.h)->chunks_mmapped, 4);
	assert_live(&m, FAR + 0x10, 0x3000 - 16);
	assert_live(&m, FAR + 0x3010, 0x2000 - 16);
	assert_live(&m, FAR + 0x8010, 0x4ff0 - 8);
	assert_live(&m, FAR + 0xd010, 0x1ff0 - 8);
	assert_int_equal(m.live.n, 5);
	assert_state(&m, FAR, PL_BLOCK_HEADER);
	mem_fini(&m);
}

/* When malloc's own sum says that all are found, no page further is read. */
static void mmapped_all_found(void **state)
{
	for (unsigned turn = 0; turn < 2; turn++) {
		struct fill f;
		struct mem m;

		(void)state;
		put_main(&m, &f, &glibcs[4]);
		chunk(&f, 0x20, IN_USE);
		put_main_end(&f);
		mem_map(&m, FAR, 0x20000);
		put_mmapped(&m, FAR, 0, 0x3000);
		put_mmapped(&m, FAR + 0x8000, 0, 0x2000);
		put64(&m, LIBC + MP - 16, turn ? 0x3000 : 0x5000);
		put64(&m, LIBC + MP - 8, 0x5000);
		heap_open(&m);
		assert_int_equal(pl_heap_stats(m.h)->chunks_mmapped, turn ? 1 : 2);
		mem_fini(&m);
	}
}

/* A mmapped chunk may lie in a cache of 2.43. */
static void mmapped_in_tcache(void **state)
{
	const struct glibc *g = &glibcs[6];
	pl_addr tcache, cached = FAR + 16;
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, g);
	tcache = put_tcache(&f);
	put_main_end(&f);
	mem_map(&m, FAR, 0x4000);
	put_mmapped(&m, FAR, 0, 0x3ff0);
	put_in_tcache(&m, g, tcache, 66, &cached, 1);
	heap_open(&m);
	assert_int_equal(pl_heap_stats(m.h)->chunks_mmapped, 1);
	assert_int_equal(m.live.n, 0);
	assert_state(&m, cached, PL_BLOCK_FREE);
	mem_fini(&m);
}

/* ---- where the heap is ---- */

/* Without address randomisation the heap follows the program's .bss in one mapping. */
static void heap_behind_bss(void **state)
{
	static const unsigned start[] = {0x3000, 0x1230};

	for (unsigned i = 0; i < PL_ARRAY_LEN(start); i++) {
		pl_addr live;
		struct fill f;
		struct mem m;

		(void)state;
		put_main(&m, &f, &glibcs[4]);
		for (unsigned k = 0; k < start[i]; k += 8)
			put64(&m, HEAP + k, dice(3) ? 0 : 0x21 + 16 * dice(9));
		f.at = HEAP + start[i];
		put_tcache(&f);
		for (unsigned k = 0; k < 200; k++)
			live = chunk(&f, 0x20 + 16 * dice(20), IN_USE);
		put_main_end(&f);
		put64(&m, LIBC + MP, HEAP + start[i]);
		heap_open(&m);
		assert_sound(&m);
		assert_int_equal(m.live.n, 200);
		assert_non_null(live_at(&m, live));
		assert_null(pl_heap_region(m.h, HEAP + start[i] - 16));
		mem_fini(&m);
	}
}

/* libc's data are missing: the brk area is known by its chunks, behind the program. */
static void no_arena(void **state)
{
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, &glibcs[4]);
	m.areas.at[0].path = NULL;
	mem_map_file(&m, HEAP - 0x10000, 0x1000, PF_R | PF_W, "/bin/prog");
	m.entry = HEAP - 0x10000;
	put_tcache(&f);
	for (unsigned k = 0; k < 200; k++)
		chunk(&f, 0x20 + 16 * dice(20), IN_USE);
	put_top(&f, HEAP + HEAP_BYTES);
	heap_open(&m);
	assert_sound(&m);
	assert_string_equal(pl_heap_stats(m.h)->malloc_source, "chunks");
	assert_int_equal(m.live.n, 200);
	assert_state(&m, f.at + 0x100, PL_BLOCK_NEVER);
	mem_fini(&m);
}

/* No libc at all: said once, no regions. */
static void no_malloc(void **state)
{
	struct mem m;

	(void)state;
	mem_init(&m);
	mem_map(&m, HEAP, 0x10000);
	heap_open(&m);
	assert_int_equal(m.live.n, 0);
	assert_null(pl_heap_stats(m.h)->malloc_source);
	assert_note(&m.o, "no-malloc", "no heap of glibc's malloc");
	mem_fini(&m);
}

/* ---- debug hooks ---- */

static void hooked_chunks(void **state)
{
	pl_addr user[8], plain;
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, &glibcs[4]);
	for (unsigned k = 0; k < 8; k++) {
		user[k] = chunk(&f, 0x1000, IN_USE);
		put64(&m, user[k], __builtin_bswap64(600 + k));
		memset(mem_at(&m, user[k] + 8), 'r', 1);
		memset(mem_at(&m, user[k] + 9), 0xfd, 7);
		memset(mem_at(&m, user[k] + 16 + 600 + k), 0xfd, 8);
	}
	plain = chunk(&f, 0x1000, IN_USE);
	put_main_end(&f);
	heap_open(&m);
	assert_sound(&m);
	assert_true(pl_heap_stats(m.h)->hooked);
	for (unsigned k = 0; k < 8; k++) {
		assert_live(&m, user[k] + 16, 600 + k);
		assert_true(live_at(&m, user[k] + 16)->hooked);
	}
	assert_live(&m, plain, 0xff8);
	assert_false(live_at(&m, plain)->hooked);
	mem_fini(&m);
}

/* ---- damage ---- */

enum { CHUNKS = 400 };

/* A heap of many chunks, all in use. */
static void put_many(struct mem *m, struct fill *f, pl_addr user[CHUNKS])
{
	put_main(m, f, &glibcs[4]);
	put_tcache(f);
	for (unsigned k = 0; k < CHUNKS; k++)
		user[k] = chunk(f, 0x20 + 16 * (k % 20), IN_USE);
	put_main_end(f);
}

/* A size that was overwritten costs its chunk, and those that its bytes may hide; no other one. */
static void overwritten_size(void **state)
{
	static const uint64_t wrong[] = {0,    0x4141414141414141, 0x28, 0x4000000 | 1,
					 0x33, UINT64_MAX};
	pl_addr user[CHUNKS];
	struct fill f;
	struct mem m;

	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(wrong); i++) {
		put_many(&m, &f, user);
		put64(&m, user[200] - 8, wrong[i]);
		heap_open(&m);
		assert_int_equal(m.tally.bad_chunks, 1);
		assert_int_equal(m.live.n, CHUNKS - 1);
		assert_null(live_at(&m, user[200]));
		assert_live(&m, user[199], 0x20 + 16 * 19 - 8);
		assert_live(&m, user[201], 0x20 + 16 - 8);
		mem_fini(&m);
	}
}

static void broken_lists(void **state)
{
	const struct glibc *g = &glibcs[4];
	pl_addr user[CHUNKS], ring[] = {0, 0, 0};
	struct fill f;
	struct mem m;

	(void)state;
	/* a ring in a fastbin: its chunks are free, whatever else is */
	put_many(&m, &f, user);
	for (unsigned k = 0; k < 3; k++)
		ring[k] = user[20 * k];
	put64(&m, LIBC + MAIN_ARENA + g->bins - 96, put_list(&m, g, ring, 3, 16));
	put_link(&m, g, ring[2], ring[0] - 16);
	heap_open(&m);
	assert_int_equal(m.tally.bad_freelists, 1);
	assert_int_equal(m.live.n, CHUNKS - 3);
	mem_fini(&m);
	/* a tcache list that leads out of the heap: what comes before is believed */
	put_many(&m, &f, user);
	for (unsigned k = 0; k < 3; k++)
		ring[k] = user[20 * k];
	put_in_tcache(&m, g, HEAP + 16, 0, ring, 3);
	put_link(&m, g, ring[1], 0x4141414141414140);
	ring[0] = user[7];
	put_in_tcache(&m, g, HEAP + 16, 7, ring, 1);
	heap_open(&m);
	assert_int_equal(m.tally.bad_freelists, 1);
	assert_int_equal(m.live.n, CHUNKS - 3);
	assert_state(&m, user[7], PL_BLOCK_FREE);
	mem_fini(&m);
}

/* main_arena.top is garbage: no mapping is found through it. */
static void broken_top(void **state)
{
	pl_addr user[CHUNKS];
	struct fill f;
	struct mem m;

	(void)state;
	put_many(&m, &f, user);
	put64(&m, LIBC + MAIN_ARENA + 112 - 16, 0x4141414141414141);
	heap_open(&m);
	assert_true(m.live.n <= CHUNKS + 2);
	mem_fini(&m);
}

/* The core ends in the middle of the heap: in the middle of a chunk, that is. */
static void missing_bytes(void **state)
{
	pl_addr user[CHUNKS];
	struct fill f;
	struct mem m;

	(void)state;
	put_many(&m, &f, user);
	m.areas.at[1].held = user[300] + 8 - HEAP;
	heap_open(&m);
	assert_int_equal(m.live.n, 300);
	assert_int_equal(m.tally.missing_bytes, f.at - user[300] - 8);
	assert_int_equal(m.tally.bad_chunks, 0);
	mem_fini(&m);
}

static void random_damage(void **state)
{
	pl_addr user[CHUNKS];
	struct fill f;
	struct mem m;

	(void)state;
	for (unsigned turn = 0; turn < 300; turn++) {
		put_many(&m, &f, user);
		mem_map(&m, OTHER, OTHER_BYTES);
		put64(&m, OTHER, OTHER + 48);
		put64(&m, OTHER + 16, OTHER_BYTES);
		put64(&m, OTHER + 24, OTHER_BYTES);
		put_arena(&m, &glibcs[4], OTHER + 48, OTHER + 0x2000, LIBC + MAIN_ARENA);
		for (unsigned i = 0; i < 1 + turn % 10; i++) {
			pl_addr at = dice(2)   ? HEAP + 8 * dice(0x4000)
				     : dice(2) ? LIBC + MAIN_ARENA + 8 * dice(300)
					       : OTHER + 8 * dice(300);
			uint64_t word = dice(3) ? HEAP + 16 * dice(0x2000) : dice(1 << 20);

			put64(&m, at, word);
		}
		heap_open(&m);
		assert_true(m.live.n <= (HEAP_BYTES + OTHER_BYTES) / 32);
		mem_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list),
		cmocka_unit_test(zeroed_block_or_tcache),
		cmocka_unit_test(tcache_in_a_bigger_chunk),
		cmocka_unit_test(other_arena),
		cmocka_unit_test(mmapped),
		cmocka_unit_test(mmapped_all_found),
		cmocka_unit_test(mmapped_in_tcache),
		cmocka_unit_test(heap_behind_bss),
		cmocka_unit_test(no_arena),
		cmocka_unit_test(no_malloc),
		cmocka_unit_test(hooked_chunks),
		cmocka_unit_test(overwritten_size),
		cmocka_unit_test(broken_lists),
		cmocka_unit_test(broken_top),
		cmocka_unit_test(missing_bytes),
		cmocka_unit_test(random_damage),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
