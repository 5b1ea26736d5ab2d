/*
 * test_heap_build.h - the memory of a dead process, built word by word, and its heap read back.
 *
 * mem_map() areas, put words in them, heap_open() them; then compare the live blocks with what was
 * meant. The layout is that of a 64-bit CPython as far as heap/ reads it; a test changes it before
 * it opens the heap.
 */
#ifndef TEST_HEAP_BUILD_H
#define TEST_HEAP_BUILD_H

#include "heap/index.h"
#include "heap/internal.h"

#include "test_image_build.h"

struct area {
	pl_addr lo;
	uint64_t size;
	uint8_t *host;
	uint32_t flags;
	const char *path; /* of the file that is mapped there, or NULL */
	uint64_t held;    /* bytes of it that the core holds */
};

struct block {
	pl_addr base;
	uint64_t usable;
	bool hooked;
};

struct mem {
	PL_VEC(struct area) areas;
	struct pl_layout l;
	pl_addr entry; /* AT_ENTRY: tells which file is the program, 0 = none */
	struct opened o;
	struct pl_heap *h;
	struct pl_heap_tally tally;
	PL_VEC(struct block) live; /* in the order of the walk */
	uint64_t regions_over;     /* regions with more live blocks than max_live */
};

/* A layout with nothing known. */
static inline void mem_init(struct mem *m)
{
	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < PL_N_FIELDS; i++)
		((int32_t *)&m->l.f)[i] = PL_NONE;
	m->l.module = -1;
}

static inline uint8_t *mem_map_file(struct mem *m, pl_addr lo, uint64_t size, uint32_t flags,
				    const char *path)
{
	struct area a = {lo, size, pl_calloc(1, size), flags, path, size};

	pl_vec_push(&m->areas, a);
	return a.host;
}

/* Zeroed anonymous memory, readable and writable. */
static inline uint8_t *mem_map(struct mem *m, pl_addr lo, uint64_t size)
{
	return mem_map_file(m, lo, size, PF_R | PF_W, NULL);
}

static inline uint8_t *mem_at(struct mem *m, pl_addr addr)
{
	for (size_t i = 0; i < m->areas.n; i++) {
		if (addr - m->areas.at[i].lo < m->areas.at[i].size)
			return m->areas.at[i].host + (addr - m->areas.at[i].lo);
	}
	fail_msg("no memory at %llx", (unsigned long long)addr);
	return NULL;
}

static inline void put64(struct mem *m, pl_addr addr, uint64_t v)
{
	memcpy(mem_at(m, addr), &v, sizeof(v));
}

static inline void put32(struct mem *m, pl_addr addr, uint32_t v)
{
	memcpy(mem_at(m, addr), &v, sizeof(v));
}

static inline void put16(struct mem *m, pl_addr addr, uint16_t v)
{
	memcpy(mem_at(m, addr), &v, sizeof(v));
}

static inline uint64_t get64(struct mem *m, pl_addr addr)
{
	return pl_ld64(mem_at(m, addr));
}

static inline bool mem_take(void *arg, const struct pl_run *run)
{
	struct mem *m = arg;
	uint32_t n = (uint32_t)pl_bits_count(run->live, run->n);

	assert_true(n > 0);
	assert_ptr_equal(pl_at(&m->o.view, run->base, run->usable), run->host);
	for (uint32_t i = 0; i < run->n; i++) {
		struct block b = {run->base + (uint64_t)i * run->stride, run->usable, run->hooked};

		if (pl_bits_has(run->live, i))
			pl_vec_push(&m->live, b);
	}
	return true;
}

/* How many of the live blocks start below addr. */
static inline size_t live_below(const struct mem *m, pl_addr addr)
{
	size_t lo = 0, hi = m->live.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->live.at[mid].base < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* What the index says of an address is what the walk says. */
static inline void assert_index_at(const struct mem *m, pl_addr addr)
{
	size_t i = live_below(m, addr);
	const struct block *next = i < m->live.n ? &m->live.at[i] : NULL;
	const struct block *here = next && next->base == addr ? next : NULL;
	const struct block *around = here ? here : i ? &m->live.at[i - 1] : NULL;
	struct pl_block b;

	/* The debug hooks' block of no byte may lie where its region ends: nothing is in it. */
	if (here && (!here->usable || !pl_heap_region(m->h, addr)))
		return;
	assert_int_equal(pl_heap_starts(m->h, addr), here != NULL);
	assert_int_equal(pl_heap_block_at(m->h, addr, &b), here != NULL);
	if (here) {
		assert_int_equal(b.base, here->base);
		assert_int_equal(b.usable, here->usable);
		assert_int_equal(b.state, PL_BLOCK_LIVE);
		assert_ptr_equal(b.region, pl_heap_region(m->h, addr));
	}
	if (around && addr - around->base >= around->usable)
		around = NULL;
	assert_int_equal(pl_heap_block_around(m->h, addr, &b), around != NULL);
	if (around) {
		assert_int_equal(b.base, around->base);
		assert_int_equal(b.usable, around->usable);
	}
	/* but for the last bytes of a malloc chunk's owner, where they are the next region's first
	 */
	if (around && pl_heap_region(m->h, around->base) == pl_heap_region(m->h, addr)) {
		assert_true(pl_heap_find(m->h, addr, &b));
		assert_int_equal(b.base, around->base);
		assert_int_equal(b.usable, around->usable);
		assert_int_equal(b.state, PL_BLOCK_LIVE);
	}
	assert_int_equal(pl_heap_block_next(m->h, addr, &b), next != NULL);
	if (next) {
		assert_int_equal(b.base, next->base);
		assert_int_equal(b.usable, next->usable);
	}
}

/* At the edges of every live block, and all over the regions. */
static inline void assert_index(const struct mem *m)
{
	size_t n;
	const struct pl_region *r = pl_heap_regions(m->h, &n);

	for (size_t i = 0; i < m->live.n; i++) {
		const struct block *b = &m->live.at[i];
		const pl_addr at[] = {
			b->base - 16,
			b->base - 8,
			b->base - 1,
			b->base,
			b->base + 1,
			b->base + 8,
			b->base + b->usable - 1,
			b->base + b->usable,
			b->base + b->usable + 8,
		};

		for (size_t k = 0; k < PL_ARRAY_LEN(at); k++)
			assert_index_at(m, at[k]);
	}
	for (size_t i = 0; i < n; i++) {
		assert_index_at(m, r[i].lo);
		assert_index_at(m, r[i].hi - 1);
		assert_index_at(m, r[i].hi);
		for (unsigned k = 1; k < 64; k++)
			assert_index_at(m, r[i].lo + (r[i].hi - r[i].lo) / 64 * k);
	}
	assert_index_at(m, 0);
	assert_index_at(m, UINT64_MAX);
}

/* Write the core, open it and walk the heap; the index agrees, whatever the core is like. */
static inline void heap_open(struct mem *m)
{
	struct build b;
	struct build_map maps[32];
	size_t n_maps = 0, n_regions;
	const struct pl_region *r;

	build_init(&b);
	build_thread(&b, 4242, 6, 0, 0, 0);
	for (size_t i = 0; i < m->areas.n; i++) {
		struct area *a = &m->areas.at[i];

		if (a->path)
			maps[n_maps++] = (struct build_map){a->lo, a->lo + a->size, 0, a->path};
		build_load(&b, a->lo, a->host, a->held, DEFAULT, a->size, a->flags);
	}
	build_files(&b, maps, n_maps);
	if (m->entry)
		build_auxv(&b, AT_ENTRY, m->entry);
	open_built(&m->o, &b);
	build_fini(&b);
	assert_int_equal(pl_heap_new(m->o.im, &m->l, &m->o.ctx, &m->h, &m->o.err), 0);
	r = pl_heap_regions(m->h, &n_regions);
	for (size_t i = 0; i < n_regions; i++) {
		size_t before = m->live.n;

		assert_true(r[i].lo < r[i].hi);
		assert_true(!i || r[i].lo >= r[i - 1].hi);
		assert_true(pl_heap_walk(m->h, &r[i], mem_take, m, &m->tally));
		m->regions_over += m->live.n - before > r[i].max_live;
	}
	assert_int_equal(m->regions_over, 0);
	for (size_t i = 1; i < m->live.n; i++)
		assert_true(m->live.at[i].base > m->live.at[i - 1].base);
	assert_index(m);
}

static inline void mem_fini(struct mem *m)
{
	pl_heap_free(m->h);
	close_opened(&m->o);
	for (size_t i = 0; i < m->areas.n; i++)
		free(m->areas.at[i].host);
	pl_vec_free(&m->areas);
	pl_vec_free(&m->live);
}

/* The live block at base, or NULL. */
static inline const struct block *live_at(const struct mem *m, pl_addr base)
{
	for (size_t i = 0; i < m->live.n; i++) {
		if (m->live.at[i].base == base)
			return &m->live.at[i];
	}
	return NULL;
}

static inline void assert_live(const struct mem *m, pl_addr base, uint64_t usable)
{
	const struct block *b = live_at(m, base);
	struct pl_block found;

	assert_non_null(b);
	assert_int_equal(b->usable, usable);
	assert_true(pl_heap_find(m->h, base + usable - 1, &found));
	assert_int_equal(found.state, PL_BLOCK_LIVE);
	assert_int_equal(found.base, base);
	assert_int_equal(found.usable, usable);
}

static inline void assert_state(const struct mem *m, pl_addr addr, enum pl_block_state state)
{
	struct pl_block found;

	assert_null(live_at(m, addr));
	assert_true(pl_heap_find(m->h, addr, &found));
	assert_int_equal(found.state, state);
}

static inline void assert_sound(const struct mem *m)
{
	assert_int_equal(m->tally.bad_arenas, 0);
	assert_int_equal(m->tally.bad_pools, 0);
	assert_int_equal(m->tally.bad_chunks, 0);
	assert_int_equal(m->tally.bad_freelists, 0);
	assert_int_equal(m->tally.missing_bytes, 0);
}

/* A number below n; the same row of numbers in every run. */
static inline uint64_t dice(uint64_t n)
{
	static uint64_t seed = 42;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

#endif
