/*
 * The index of live blocks: its sets of addresses against a naive one, and what it is to do when
 * there is no room for it, when threads ask at once, when it is cancelled. That it agrees with the
 * walk on every heap that the other tests build, sound and damaged, heap_open() sees to.
 */
#include "test_heap_glibc.h"

#include "base/parallel.h"

enum { MOST = 3000, THREADS = 4 };

/* ---- sets ---- */

static void assert_set(const pl_addr *at, size_t n, uint64_t most_bytes)
{
	struct pl_starts s;
	pl_addr probe[] = {0, 1, UINT64_MAX};

	pl_starts_init(&s, at, n);
	assert_int_equal(s.n, n);
	assert_true(pl_starts_bytes(&s) <= most_bytes);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pl_starts_nth(&s, i), at[i]);
		for (int d = -17; d <= 17; d++) {
			pl_addr addr = at[i] + (pl_addr)(int64_t)d;
			size_t below = i;

			while (below < n && at[below] < addr)
				below++;
			while (below && at[below - 1] >= addr)
				below--;
			assert_int_equal(pl_starts_below(&s, addr), below);
			assert_int_equal(pl_starts_has(&s, addr), below < n && at[below] == addr);
		}
	}
	for (size_t i = 0; i < PL_ARRAY_LEN(probe); i++) {
		assert_int_equal(pl_starts_has(&s, probe[i]), false);
		assert_int_equal(pl_starts_below(&s, probe[i]), probe[i] == UINT64_MAX ? n : 0);
	}
	pl_starts_fini(&s);
}

/* Addresses on a grid, close and far apart: bits where they are smaller, never more than 8 bytes.
 */
static void sets_are_exact(void **state)
{
	static const struct {
		uint64_t grid, far, bytes_each_64; /* the most that 64 members may take */
	} of[] = {
		{16, 4, 64 * 8}, {16, 2, 24},           {8, 4, 64 * 8},    {8, 2, 24},
		{1, 50, 64 * 8}, {16, 1 << 20, 64 * 8}, {4096, 4, 64 * 8},
	};
	pl_addr at[MOST];

	(void)state;
	for (size_t k = 0; k < PL_ARRAY_LEN(of); k++) {
		for (unsigned turn = 0; turn < 20; turn++) {
			size_t n = turn < 4 ? turn : dice(MOST);
			pl_addr next = 0x7f0000000000 + of[k].grid * dice(1000);

			for (size_t i = 0; i < n; i++) {
				at[i] = next;
				next += of[k].grid * (1 + dice(of[k].far));
			}
			/* and the ends of a row of ranks */
			assert_set(at, n, n < 4 ? n * 8 : (n / 64 + 3) * of[k].bytes_each_64);
		}
	}
}

static void sets_of_whole_rows(void **state)
{
	pl_addr at[1025];

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(at); i++)
		at[i] = 0x10000 + 16 * i;
	for (size_t n = 1; n <= PL_ARRAY_LEN(at); n += n < 510 ? 63 : 1)
		assert_set(at, n, n / 8 + n / 64 + 64);
}

/* ---- heaps ---- */

/* Two heaps with several parts of 4 MiB, so that there are several regions. */
static void put_large(struct mem *m, struct fill *f)
{
	enum { LARGE = 12 << 20 };

	mem_init(m);
	mem_map_file(m, LIBC, 0x1000, PF_R | PF_W, "/lib/libc.so.6");
	mem_map(m, HEAP, LARGE);
	*f = (struct fill){m, &glibcs[4], HEAP, true, true};
	put_tcache(f);
	while (f->at < HEAP + LARGE - 0x2000)
		chunk(f, 0x20 + 16 * dice(60), dice(4) ? IN_USE : FREE);
	chunk(f, 0x20, IN_USE);
	put_arena(m, f->g, LIBC + MAIN_ARENA, f->at, LIBC + MAIN_ARENA);
	put_top(f, HEAP + LARGE);
	put64(m, LIBC + MP, HEAP);
}

static void blocks_are_numbered_in_order(void **state)
{
	size_t n_regions;
	struct fill f;
	struct mem m;

	(void)state;
	put_large(&m, &f);
	heap_open(&m);
	pl_heap_regions(m.h, &n_regions);
	assert_true(n_regions > 2);
	atomic_store(&m.o.ctx.cancel, true);
	assert_int_equal(pl_heap_number_all(m.h, &m.o.ctx, &m.o.err), PL_E_CANCELLED);
	atomic_store(&m.o.ctx.cancel, false);
	assert_int_equal(pl_heap_number_all(m.h, &m.o.ctx, &m.o.err), 0);
	assert_int_equal(pl_heap_blocks(m.h), m.live.n);
	for (size_t i = 0; i < m.live.n; i++) {
		assert_int_equal(pl_heap_number(m.h, m.live.at[i].base), i);
		assert_true(pl_heap_number(m.h, m.live.at[i].base + 16) == UINT64_MAX ||
			    m.live.at[i + 1].base == m.live.at[i].base + 16);
	}
	assert_true(pl_heap_number(m.h, 0) == UINT64_MAX);
	mem_fini(&m);
}

/* No heap's index takes more than 1/60 of it and something for each region. */
static void memory_is_bounded(void **state)
{
	uint64_t bytes = 0;
	size_t n_regions;
	const struct pl_region *r;
	struct fill f;
	struct mem m;

	(void)state;
	put_large(&m, &f);
	heap_open(&m);
	r = pl_heap_regions(m.h, &n_regions);
	for (size_t i = 0; i < n_regions; i++)
		bytes += r[i].hi - r[i].lo;
	assert_int_equal(pl_heap_number_all(m.h, &m.o.ctx, &m.o.err), 0);
	assert_in_range(m.h->index->bytes, bytes / 130, bytes / 60 + 128 * n_regions);
	mem_fini(&m);
}

/* Where it cannot be kept, every answer is the same, and what is kept does not grow. */
static void no_room(void **state)
{
	struct fill f;
	struct mem m;

	(void)state;
	put_main(&m, &f, &glibcs[4]);
	put_tcache(&f);
	for (unsigned k = 0; k < 200; k++)
		chunk(&f, 0x20 + 16 * (k % 20), k % 3 ? IN_USE : FREE);
	chunk(&f, 0x20, IN_USE);
	put_main_end(&f);
	heap_open(&m);
	pl_heap_index_free(m.h);
	pl_heap_index_new(m.h);
	m.h->index->most = 0;
	assert_index(&m);
	assert_int_equal(m.h->index->bytes, 0);
	assert_int_equal(pl_heap_number_all(m.h, &m.o.ctx, &m.o.err), PL_E_NOMEM);
	mem_fini(&m);
}

static void ask(void *arg, unsigned worker, size_t item)
{
	(void)worker;
	(void)item;
	assert_index(arg);
}

/* All threads begin with the same question: each may make the region's index, one is kept. */
static void threads_ask_at_once(void **state)
{
	uint64_t bytes;
	struct pl_ctx ctx;
	struct pl_err err;
	struct fill f;
	struct mem m;

	(void)state;
	put_large(&m, &f);
	heap_open(&m);
	bytes = m.h->index->bytes;
	pl_ctx_init(&ctx, THREADS);
	for (unsigned turn = 0; turn < 3; turn++) {
		pl_heap_index_free(m.h);
		pl_heap_index_new(m.h);
		assert_int_equal(pl_parallel(&ctx, THREADS, ask, &m, &err), 0);
		assert_int_equal(m.h->index->bytes, bytes);
	}
	pl_ctx_fini(&ctx);
	mem_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_are_exact),
		cmocka_unit_test(sets_of_whole_rows),
		cmocka_unit_test(blocks_are_numbered_in_order),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(no_room),
		cmocka_unit_test(threads_ask_at_once),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
