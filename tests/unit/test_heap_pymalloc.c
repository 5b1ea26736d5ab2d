/*
 * pymalloc: pools and their free lists, several interpreters, the search for the arenas, the debug
 * hooks, and every kind of damage.
 */
#include "test_heap_build.h"

#define ARENA UINT64_C(0x7f0000000000)
#define TABLE UINT64_C(0x555500000000)  /* arena_object records */
#define STATE UINT64_C(0x555500010000)  /* obmalloc states, 0x1000 apart */
#define INTERP UINT64_C(0x555500020000) /* interpreters, 0x1000 apart */
#define DATA UINT64_C(0x7f1000000000)   /* libpython's writable data */

enum {
	ARENA_BYTES = 1 << 20,
	POOL_BYTES = 16 << 10,
	POOLS = ARENA_BYTES / POOL_BYTES,
	HEAD = 48,
	RECORD = 48,
	INTERP_NEXT = 8,
	INTERP_OBMALLOC = 16,
};

static void set_layout(struct pl_layout *l)
{
	struct pl_fields *f = &l->f;

	l->object_align = 16;
	l->arena_bytes = ARENA_BYTES;
	l->pool_bytes = POOL_BYTES;
	f->arena_size = RECORD;
	f->arena_address = 0;
	f->arena_pool_address = 8;
	f->arena_nfreepools = 16;
	f->arena_ntotalpools = 20;
	f->arena_freepools = 24;
	f->pool_header_size = HEAD;
	f->pool_refcount = 0;
	f->pool_freeblock = 8;
	f->pool_nextpool = 16;
	f->pool_arenaindex = 32;
	f->pool_szidx = 36;
	f->pool_nextoffset = 40;
	f->gc_head_next = 0;
}

/* 3.13: interpreters point to their states. */
static void set_interpreters(struct mem *m, unsigned n)
{
	struct pl_fields *f = &m->l.f;

	f->interp_next = INTERP_NEXT;
	f->interp_obmalloc = INTERP_OBMALLOC;
	f->obmalloc_arenas = 512;
	f->obmalloc_maxarenas = 520;
	m->l.w.interp_obmalloc = 8;
	m->l.interp_head = INTERP;
	mem_map(m, STATE, 0x10000);
	mem_map(m, INTERP, 0x10000);
	for (unsigned i = 0; i < n; i++) {
		put64(m, INTERP + 0x1000 * i + INTERP_NEXT,
		      i + 1 < n ? INTERP + 0x1000 * (i + 1) : 0);
		put64(m, INTERP + 0x1000 * i + INTERP_OBMALLOC, STATE + 0x1000 * i);
	}
}

static void set_state(struct mem *m, unsigned i, pl_addr table, uint32_t n)
{
	put64(m, STATE + 0x1000 * i + 512, table);
	put32(m, STATE + 0x1000 * i + 520, n);
}

/* An arena_object record; its first `carved` pools are or were in use, of them `emptied` are empty.
 */
static void put_record(struct mem *m, pl_addr table, unsigned i, pl_addr arena, unsigned carved,
		       unsigned emptied, pl_addr freepools)
{
	pl_addr base = pl_round_up(arena, POOL_BYTES);
	unsigned total = (unsigned)((arena + ARENA_BYTES - base) / POOL_BYTES);

	put64(m, table + RECORD * i, arena);
	put64(m, table + RECORD * i + 8, base + (uint64_t)carved * POOL_BYTES);
	put32(m, table + RECORD * i + 16, total - carved + emptied);
	put32(m, table + RECORD * i + 20, total);
	put64(m, table + RECORD * i + 24, freepools);
}

/* A pool of n blocks of which the k-th is free when free_it(k); returns how many live. */
static unsigned put_pool(struct mem *m, pl_addr at, uint32_t arenaindex, uint32_t block, unsigned n,
			 bool (*free_it)(unsigned k))
{
	pl_addr head = 0;
	unsigned live = n;

	for (unsigned k = n; k-- > 0;) {
		pl_addr b = at + HEAD + (uint64_t)k * block;

		if (!free_it(k)) {
			put64(m, b, 0x1111);
			continue;
		}
		put64(m, b, head);
		head = b;
		live--;
	}
	put32(m, at, live);
	put64(m, at + 8, head);
	put32(m, at + 32, arenaindex);
	put32(m, at + 36, block / 16 - 1);
	put32(m, at + 40, HEAD + n * block);
	return live;
}

static bool none(unsigned k)
{
	(void)k;
	return false;
}

static bool third(unsigned k)
{
	return k % 3 == 1;
}

/* One state, one arena: a full pool, a half used one, an emptied one, the rest never used. */
static unsigned put_arena(struct mem *m)
{
	unsigned live;

	set_layout(&m->l);
	set_interpreters(m, 1);
	mem_map(m, TABLE, 0x1000);
	mem_map(m, ARENA, ARENA_BYTES);
	set_state(m, 0, TABLE, 16);
	put_record(m, TABLE, 0, ARENA, 3, 1, ARENA + POOL_BYTES);
	live = put_pool(m, ARENA, 0, 16, (POOL_BYTES - HEAD) / 16, none);
	put_pool(m, ARENA + POOL_BYTES, 0, 48, 7, none);
	put32(m, ARENA + POOL_BYTES, 0); /* emptied: everything but the count is stale */
	return live + put_pool(m, ARENA + 2 * POOL_BYTES, 0, 512, 20, third);
}

static void pools(void **state)
{
	pl_addr half = ARENA + 2 * POOL_BYTES;
	const struct pl_heap_stats *s;
	struct mem m;
	unsigned live;

	(void)state;
	mem_init(&m);
	live = put_arena(&m);
	heap_open(&m);
	assert_sound(&m);
	assert_int_equal(m.live.n, live);
	s = pl_heap_stats(m.h);
	assert_int_equal(s->arenas, 1);
	assert_int_equal(s->pools, 2);
	assert_int_equal(s->pool_blocks_live, live);
	assert_string_equal(s->pymalloc_source, "interpreter");
	assert_false(s->hooked);
	for (unsigned k = 0; k < (POOL_BYTES - HEAD) / 16; k++)
		assert_live(&m, ARENA + HEAD + 16 * k, 16);
	for (unsigned k = 0; k < 20; k++) {
		if (k % 3 == 1)
			assert_state(&m, half + HEAD + 512 * k, PL_BLOCK_FREE);
		else
			assert_live(&m, half + HEAD + 512 * k, 512);
	}
	assert_state(&m, half + HEAD + 512 * 20, PL_BLOCK_NEVER);
	assert_state(&m, half, PL_BLOCK_HEADER);
	assert_state(&m, half + POOL_BYTES - 1, PL_BLOCK_HEADER); /* too short for a block */
	assert_state(&m, ARENA + POOL_BYTES + HEAD, PL_BLOCK_FREE);
	assert_state(&m, ARENA + 3 * POOL_BYTES, PL_BLOCK_NEVER);
	mem_fini(&m);
}

/* An arena that does not start on a pool boundary has one pool less. */
static void unaligned_arena(void **state)
{
	pl_addr arena = ARENA + 4096, first = ARENA + POOL_BYTES;
	struct mem m;

	(void)state;
	mem_init(&m);
	set_layout(&m.l);
	set_interpreters(&m, 1);
	mem_map(&m, TABLE, 0x1000);
	mem_map(&m, ARENA, 2 * ARENA_BYTES);
	set_state(&m, 0, TABLE, 16);
	put_record(&m, TABLE, 5, arena, POOLS - 1, 0, 0);
	for (unsigned i = 0; i < POOLS - 1; i++)
		put_pool(&m, first + (uint64_t)i * POOL_BYTES, 5, 64, 10, third);
	heap_open(&m);
	assert_sound(&m);
	assert_int_equal(m.live.n, (POOLS - 1) * 7);
	assert_state(&m, arena, PL_BLOCK_NEVER);
	assert_state(&m, arena + ARENA_BYTES - 1, PL_BLOCK_NEVER);
	mem_fini(&m);
}

/* Two states with an arena each, one of them shared by a third interpreter; 3.12 embeds them. */
static void several_interpreters(struct mem *m, bool embedded)
{
	size_t n;
	const struct pl_region *r;

	set_layout(&m->l);
	set_interpreters(m, 3);
	mem_map(m, TABLE, 0x2000);
	mem_map(m, ARENA, 2 * ARENA_BYTES);
	put_record(m, TABLE, 1, ARENA, 1, 0, 0);
	put_record(m, TABLE + 0x1000, 0, ARENA + ARENA_BYTES, 1, 0, 0);
	put_pool(m, ARENA, 1, 32, 11, none);
	put_pool(m, ARENA + ARENA_BYTES, 0, 32, 13, none);
	if (embedded) {
		m->l.w.interp_obmalloc = 262144;
		for (unsigned i = 0; i < 3;
		     i++) { /* the second shares the first's: its own is empty */
			put64(m, INTERP + 0x1000 * i + INTERP_OBMALLOC + 512,
			      i == 1 ? 0 : TABLE + 0x800 * i);
			put32(m, INTERP + 0x1000 * i + INTERP_OBMALLOC + 520, i == 1 ? 0 : 16);
		}
	} else {
		set_state(m, 0, TABLE, 16);
		set_state(m, 2, TABLE + 0x1000, 16);
		put64(m, INTERP + 0x1000 + INTERP_OBMALLOC, STATE);
	}
	heap_open(m);
	assert_sound(m);
	assert_int_equal(m->live.n, 11 + 13);
	r = pl_heap_regions(m->h, &n);
	assert_int_equal(n, 2);
	assert_int_equal(r[0].owner, 0);
	assert_int_equal(r[0].index, 1);
	assert_int_equal(r[1].owner, 1);
	assert_int_equal(r[1].index, 0);
	mem_fini(m);
}

static void interpreters_with_pointers(void **state)
{
	struct mem m;

	(void)state;
	mem_init(&m);
	several_interpreters(&m, false);
}

static void interpreters_with_embedded_states(void **state)
{
	struct mem m;

	(void)state;
	mem_init(&m);
	several_interpreters(&m, true);
}

/* ---- the search ---- */

/*
 * 2.7: no symbol, no interpreter struct. The table's address is a word of libpython's .bss, behind
 * its data; other words there point to other arrays, to the table's second record, to nowhere.
 */
static void search(void **state)
{
	const char *path = "/usr/lib/libpython9.9.so.1.0";
	unsigned objects = 0;
	pl_addr list = DATA + 0x100, at = list;
	struct mem m;

	(void)state;
	mem_init(&m);
	set_layout(&m.l);
	m.l.gc_style = PL_GC_REFS27;
	m.l.f.gc_generations = 0;
	m.l.f.generation_size = 40;
	m.l.f.generation_head = 0;
	m.l.gc_statics = list;
	mem_map_file(&m, DATA, 0x1000, PF_R | PF_W, path);
	mem_map(&m, DATA + 0x1000, 0x2000);
	mem_map(&m, TABLE, 0x1000);
	mem_map(&m, ARENA, 3 * ARENA_BYTES);
	for (unsigned i = 0; i < 3; i++) {
		pl_addr arena = ARENA + (uint64_t)i * ARENA_BYTES;

		put_record(&m, TABLE, i, arena, 4, 0, 0);
		for (unsigned k = 0; k < 4; k++)
			objects += put_pool(&m, arena + (uint64_t)k * POOL_BYTES, i, 64, 50, third);
	}
	/* generation 0 lists an object of every pool, and one that lies in none */
	for (unsigned i = 0; i < 12; i++) {
		pl_addr next = ARENA + (uint64_t)(i / 4) * ARENA_BYTES +
			       (uint64_t)(i % 4) * POOL_BYTES + HEAD;

		put64(&m, at, next);
		at = next;
	}
	put64(&m, at, TABLE + 0x800);
	put64(&m, TABLE + 0x800, list);
	for (unsigned i = 1; i < 3; i++)
		put64(&m, list + 40 * i, list + 40 * i);
	for (unsigned i = 0; i < 64; i++) {
		static const pl_addr decoy[] = {TABLE + RECORD, ARENA,    TABLE + 0x800, 8,
						DATA,           TABLE + 4};

		put64(&m, DATA + 0x1000 + 8 * i, decoy[i % PL_ARRAY_LEN(decoy)]);
	}
	put64(&m, DATA + 0x2ff8, TABLE);
	heap_open(&m);
	assert_sound(&m);
	assert_string_equal(pl_heap_stats(m.h)->pymalloc_source, "search");
	assert_int_equal(m.live.n, objects);
	mem_fini(&m);
}

/* ---- debug hooks ---- */

static void put_hooked(struct mem *m, pl_addr at, uint64_t request, uint8_t byte)
{
	uint8_t *p = mem_at(m, at);

	put64(m, at, __builtin_bswap64(request));
	p[8] = 'o';
	memset(p + 9, byte, 7);
	memset(p + 16, 0xcb, request);
	memset(p + 16 + request, byte, 8);
}

static void hooked_pools(void **state)
{
	struct mem m;

	(void)state;
	for (unsigned turn = 0; turn < 2; turn++) {
		mem_init(&m);
		put_arena(&m);
		put_pool(&m, ARENA, 0, 64, 30, third);
		for (unsigned k = 0; k < 30; k++) {
			if (!third(k))
				put_hooked(&m, ARENA + HEAD + 64 * k, k, turn ? 0xfd : 0xfb);
		}
		put_pool(&m, ARENA + 2 * POOL_BYTES, 0, 512, 1, none); /* not all need to look it */
		heap_open(&m);
		assert_sound(&m);
		assert_true(pl_heap_stats(m.h)->hooked);
		assert_int_equal(m.live.n, 21);
		assert_live(&m, ARENA + HEAD + 16, 64 - 24);
		assert_true(live_at(&m, ARENA + HEAD + 16)->hooked);
		assert_state(&m, ARENA + HEAD + 64 + 16, PL_BLOCK_FREE);
		mem_fini(&m);
	}
}

static void what_is_hooked(void **state)
{
	uint8_t p[64];
	uint64_t request = 99;
	struct mem m;

	(void)state;
	mem_init(&m);
	mem_map(&m, ARENA, 64);
	put_hooked(&m, ARENA, 40, 0xfd);
	memcpy(p, mem_at(&m, ARENA), 64);
	assert_true(pl_heap_hooked(p, 64, &request));
	assert_int_equal(request, 40);
	assert_false(pl_heap_hooked(p, 63, &request)); /* the suffix does not fit */
	for (unsigned i = 0; i < 64; i++) {
		bool matters = i < 16 || i >= 56;

		p[i] ^= 0x40;
		assert_int_equal(pl_heap_hooked(p, 64, &request), !matters);
		p[i] ^= 0x40;
	}
	memset(p, 0, sizeof(p));
	assert_false(pl_heap_hooked(p, 64, &request));
	mem_fini(&m);
}

/* ---- damage ---- */

/* Open put_arena() with one word of it replaced; returns the live blocks of the half used pool. */
static unsigned open_damaged(struct mem *m, pl_addr at, uint64_t word, unsigned width)
{
	unsigned n = 0;

	mem_init(m);
	put_arena(m);
	memcpy(mem_at(m, at), &word, width);
	heap_open(m);
	for (size_t i = 0; i < m->live.n; i++)
		n += m->live.at[i].base > ARENA + 2 * POOL_BYTES;
	return n;
}

/* The free list of the half used pool starts at block 1 and goes on at 4, 7, 10, 13, 16, 19. */
static void broken_freelists(void **state)
{
	static const uint64_t wrong[] = {
		ARENA + 2 * POOL_BYTES + HEAD + 512,      /* itself: a ring */
		ARENA + 2 * POOL_BYTES + HEAD + 513,      /* between blocks */
		ARENA + 2 * POOL_BYTES + HEAD + 512 * 20, /* never handed out */
		ARENA + HEAD,                             /* another pool */
		ARENA + 2 * POOL_BYTES,                   /* its own header */
		UINT64_MAX,
		1,
	};
	pl_addr half = ARENA + 2 * POOL_BYTES;
	struct mem m;

	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(wrong); i++) {
		/* block 4's link: 1 and 4 are known to be free; all else counts as live */
		assert_int_equal(open_damaged(&m, half + HEAD + 512 * 4, wrong[i], 8), 18);
		assert_int_equal(m.tally.bad_freelists, 1);
		assert_int_equal(m.tally.bad_pools, 1);
		mem_fini(&m);
	}
}

static void broken_headers(void **state)
{
	pl_addr half = ARENA + 2 * POOL_BYTES;
	struct mem m;

	(void)state;
	assert_int_equal(open_damaged(&m, half, 12, 4), 13); /* one less than there are */
	assert_int_equal(m.tally.bad_pools, 1);
	mem_fini(&m);
	assert_int_equal(open_damaged(&m, half + 32, 7, 4), 13); /* another arena's index */
	assert_int_equal(m.tally.bad_pools, 1);
	mem_fini(&m);
	assert_int_equal(open_damaged(&m, half + 36, 32, 4), 0); /* no such size class */
	assert_int_equal(m.tally.bad_pools, 1);
	mem_fini(&m);
	/* a nextoffset of nowhere: every block that fits may be in use, the free list is believed
	 */
	assert_int_equal(open_damaged(&m, half + 40, HEAD + 511, 4), (POOL_BYTES - HEAD) / 512 - 7);
	assert_int_equal(m.tally.bad_pools, 1);
	mem_fini(&m);
	assert_int_equal(open_damaged(&m, half, 0, 4), 0); /* not empty by the arena's chain */
	assert_int_equal(m.tally.bad_pools, 1);
	mem_fini(&m);
}

static void broken_arenas(void **state)
{
	static const struct {
		unsigned at, width;
		uint64_t word;
	} bad[] = {
		{0, 8, ARENA + 4 * POOL_BYTES}, /* pool_address lies before it */
		{8, 8, ARENA + ARENA_BYTES + POOL_BYTES},
		{8, 8, ARENA + 1},
		{16, 4, POOLS + 1},
		{20, 4, POOLS + 1},
	};
	struct mem m;

	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(bad); i++) {
		open_damaged(&m, TABLE + bad[i].at, bad[i].word, bad[i].width);
		assert_int_equal(m.live.n, 0);
		assert_note(&m.o, "bad-arenas", "1 of pymalloc's arena records");
		mem_fini(&m);
	}
	/* the chain of emptied pools leads out, into a ring, or is too short */
	assert_int_equal(open_damaged(&m, TABLE + 24, ARENA - POOL_BYTES, 8), 13);
	assert_int_equal(m.tally.bad_freelists, 1);
	mem_fini(&m);
	assert_int_equal(open_damaged(&m, ARENA + POOL_BYTES + 16, ARENA + POOL_BYTES, 8), 13);
	assert_int_equal(m.tally.bad_freelists, 1);
	mem_fini(&m);
	assert_int_equal(open_damaged(&m, TABLE + 16, POOLS - 3, 4), 13);
	assert_int_equal(m.tally.bad_arenas, 1);
	mem_fini(&m);
}

/* Two records name the same memory. */
static void overlapping_arenas(void **state)
{
	struct mem m;

	(void)state;
	mem_init(&m);
	put_arena(&m);
	put_record(&m, TABLE, 1, ARENA + 2 * POOL_BYTES, 1, 0, 0);
	heap_open(&m);
	assert_note(&m.o, "heaps-overlap", "1 memory regions");
	mem_fini(&m);
}

/* Interpreters that lead in a ring, a table that leads nowhere, one that claims to be endless. */
static void hostile_states(void **state)
{
	struct mem m;

	(void)state;
	open_damaged(&m, INTERP + INTERP_NEXT, INTERP, 8);
	assert_int_equal(m.h->stats.arenas, 1);
	mem_fini(&m);
	open_damaged(&m, STATE + 512, 0x123456789, 8);
	assert_int_equal(m.h->stats.arenas, 0);
	assert_null(m.h->stats.pymalloc_source);
	mem_fini(&m);
	open_damaged(&m, STATE + 520, UINT32_MAX, 4);
	assert_int_equal(m.h->stats.arenas, 1);
	mem_fini(&m);
}

static void missing_bytes(void **state)
{
	pl_addr half = ARENA + 2 * POOL_BYTES;
	struct mem m;

	(void)state;
	mem_init(&m);
	put_arena(&m);
	/* of the third pool only the first six blocks and part of the seventh were written */
	m.areas.at[3].held = half - ARENA + HEAD + 512 * 6 + 100;
	assert_int_equal(m.areas.at[3].lo, ARENA);
	heap_open(&m);
	assert_int_equal(m.tally.missing_bytes, POOL_BYTES - HEAD - 512 * 6 - 100);
	assert_int_equal(m.tally.bad_pools, 0);
	assert_int_equal(m.tally.bad_freelists, 0);
	for (unsigned k = 0; k < 6; k++)
		assert_int_equal(!live_at(&m, half + HEAD + 512 * k), third(k));
	assert_null(live_at(&m, half + HEAD + 512 * 6));
	mem_fini(&m);
}

/* Random words anywhere: nothing but a wrong answer may come of it. */
static void random_damage(void **state)
{
	struct mem m;

	(void)state;
	for (unsigned turn = 0; turn < 300; turn++) {
		mem_init(&m);
		put_arena(&m);
		for (unsigned i = 0; i < 1 + turn % 10; i++) {
			static const pl_addr where[] = {TABLE, ARENA, ARENA + 2 * POOL_BYTES,
							STATE + 512};
			uint64_t word = dice(2) ? dice(1 << 20) : ARENA + dice(ARENA_BYTES);

			put64(&m, where[dice(4)] + dice(16) * 8, word);
		}
		heap_open(&m);
		assert_true(m.live.n <= 4 * 1021);
		mem_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools),
		cmocka_unit_test(unaligned_arena),
		cmocka_unit_test(interpreters_with_pointers),
		cmocka_unit_test(interpreters_with_embedded_states),
		cmocka_unit_test(search),
		cmocka_unit_test(hooked_pools),
		cmocka_unit_test(what_is_hooked),
		cmocka_unit_test(broken_freelists),
		cmocka_unit_test(broken_headers),
		cmocka_unit_test(broken_arenas),
		cmocka_unit_test(overlapping_arenas),
		cmocka_unit_test(hostile_states),
		cmocka_unit_test(missing_bytes),
		cmocka_unit_test(random_damage),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
