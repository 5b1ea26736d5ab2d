/*
 * glibc's malloc, damaged: overwritten headers, lists that lead astray, a core that ends too soon.
 */
#include "test_heap_glibc.h"

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
		cmocka_unit_test(overwritten_size), cmocka_unit_test(broken_lists),
		cmocka_unit_test(broken_top),       cmocka_unit_test(missing_bytes),
		cmocka_unit_test(random_damage),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
