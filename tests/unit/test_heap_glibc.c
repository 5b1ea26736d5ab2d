/*
 * glibc's malloc: free lists of every kind, several arenas, mmapped chunks, where the heap is. That
 * real ones look like these is tests/e2e/test_heap.py's part.
 */
#include "test_heap_glibc.h"

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

/* Further heaps of an arena may lie below its first one, and between those of others. */
static void heaps_of_arenas_lie_anyhow(void **state)
{
	enum { ARENAS = 3, HEAPS = 2 * ARENAS };
	const struct glibc *g = &glibcs[4];
	/* whose heap each is; an arena's own is the last of its */
	static const unsigned whose[HEAPS] = {2, 1, 0, 1, 0, 2}, own[ARENAS] = {4, 3, 5};
	pl_addr live[HEAPS], arena[ARENAS];
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, g);
	put_main_end(&f);
	for (unsigned k = 0; k < ARENAS; k++)
		arena[k] = OTHER + own[k] * (UINT64_C(64) << 20) + 48;
	for (unsigned k = 0; k < HEAPS; k++) {
		pl_addr heap = OTHER + k * (UINT64_C(64) << 20), end = heap + OTHER_BYTES;
		bool is_own = own[whose[k]] == k;

		mem_map(&m, heap, OTHER_BYTES);
		put64(&m, heap, arena[whose[k]]);
		put64(&m, heap + 16, OTHER_BYTES);
		put64(&m, heap + 24, OTHER_BYTES);
		f = (struct fill){&m, g, heap + 48, true, false};
		if (is_own)
			f.at = pl_round_up(arena[whose[k]] + g->bins + 254 * 8 + 16 + 40, 16);
		live[k] = chunk(&f, 0x40 + 16 * k, IN_USE);
		if (is_own)
			put_arena(&m, g, arena[whose[k]], f.at, LIBC + MAIN_ARENA);
		chunk(&f, end - 32 - f.at, FREE);
		put64(&m, f.at + 8, 0x10);
		put64(&m, f.at + 24, PL_CHUNK_PREV_INUSE);
	}
	heap_open(&m);
	assert_int_equal(pl_heap_stats(m.h)->malloc_arenas, 1 + ARENAS);
	assert_int_equal(m.live.n, HEAPS);
	for (unsigned k = 0; k < HEAPS; k++) {
		const struct pl_region *r = pl_heap_region(m.h, live[k]);

		assert_live(&m, live[k], 0x38 + 16 * k);
		assert_int_equal(r->index, pl_heap_region(m.h, live[own[whose[k]]])->index);
		for (unsigned j = 0; j < ARENAS; j++)
			assert_true((r->index == pl_heap_region(m.h, live[own[j]])->index) ==
				    (j == whose[k]));
	}
	mem_fini(&m);
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

/*
 * The core's bytes of the brk area lie in two places: a chunk that ends where the first one does,
 * or that lies in both.
 */
static void heap_in_two_spans(void **state)
{
	for (unsigned apart = 0; apart < 2; apart++) {
		pl_addr middle = HEAP + HEAP_BYTES, before, across, behind;
		struct fill f;
		struct mem m;

		(void)state;
		put_main(&m, &f, &glibcs[4]);
		mem_map(&m, FAR, 0x1000);
		mem_map(&m, middle, HEAP_BYTES);
		put_tcache(&f);
		before = chunk(&f, middle - f.at - 0x20, IN_USE);
		across = chunk(&f, 0x20 + 0x20 * apart, IN_USE);
		behind = chunk(&f, 0x100, IN_USE);
		chunk(&f, 0x100, FREE);
		chunk(&f, 0x100, IN_USE);
		put_arena(&m, &glibcs[4], LIBC + MAIN_ARENA, f.at, LIBC + MAIN_ARENA);
		put_top(&f, middle + HEAP_BYTES);
		put64(&m, LIBC + MP, HEAP);
		heap_open(&m);
		assert_int_equal(m.tally.bad_chunks, 0);
		assert_int_equal(m.tally.missing_bytes, 0x20 * apart);
		assert_int_equal(m.live.n, 4 - apart);
		assert_non_null(live_at(&m, before));
		assert_live(&m, behind, 0xf8);
		/* its last eight bytes are the next span's */
		assert_int_equal(live_at(&m, across) ? live_at(&m, across)->usable : 0,
				 apart ? 0 : 0x10);
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
	pl_addr user[64], plain;
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, &glibcs[4]);
	for (unsigned k = 0; k < 64; k++) {
		user[k] = chunk(&f, 0x400, IN_USE);
		put64(&m, user[k], __builtin_bswap64(600 + k));
		memset(mem_at(&m, user[k] + 8), 'r', 1);
		memset(mem_at(&m, user[k] + 9), 0xfd, 7);
		memset(mem_at(&m, user[k] + 16 + 600 + k), 0xfd, 8);
	}
	plain = chunk(&f, 0x400, IN_USE);
	put_main_end(&f);
	heap_open(&m);
	assert_sound(&m);
	assert_true(pl_heap_stats(m.h)->hooked);
	for (unsigned k = 0; k < 64; k++) {
		assert_live(&m, user[k] + 16, 600 + k);
		assert_true(live_at(&m, user[k] + 16)->hooked);
	}
	assert_live(&m, plain, 0x3f8);
	assert_false(live_at(&m, plain)->hooked);
	mem_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list),
		cmocka_unit_test(zeroed_block_or_tcache),
		cmocka_unit_test(tcache_in_a_bigger_chunk),
		cmocka_unit_test(other_arena),
		cmocka_unit_test(heaps_of_arenas_lie_anyhow),
		cmocka_unit_test(mmapped),
		cmocka_unit_test(mmapped_all_found),
		cmocka_unit_test(mmapped_in_tcache),
		cmocka_unit_test(heap_behind_bss),
		cmocka_unit_test(heap_in_two_spans),
		cmocka_unit_test(no_arena),
		cmocka_unit_test(no_malloc),
		cmocka_unit_test(hooked_chunks),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
