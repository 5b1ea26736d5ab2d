/*
 * mimalloc: both bundled versions, with and without encoded links; delayed frees, huge pages,
 * damage.
 */
#include "test_heap_build.h"

#define SEGMENT UINT64_C(0x7f0002000000)
#define HEAP UINT64_C(0x555500000000) /* a mi_heap_t */
#define SECRET UINT64_C(0x1234567890abcdef)

enum {
	SLICE = 64 << 10,
	MAPPED = 32 * SLICE, /* of a segment */
	SEGMENT_BYTES = 512 * SLICE,
	INFO = 1, /* slices of the header */
};

/* A mimalloc to imitate: types.h of 2.1.2 and 2.5.2 as CPython bundles them. */
struct mi {
	unsigned used, cookie, total, info, entries, slices;
	unsigned page_size, page_used, local, thread, heap, block, keys;
	bool stored_start, debug;
	unsigned delayed, heap_keys;
};

static const struct mi mis[] = {
	{208, 216, 224, 232, 248, 264, 80, 24, 32, 40, 48, 28, 0, false, false, 2840, 0},
	{208, 216, 224, 232, 248, 264, 96, 24, 32, 56, 64, 28, 40, false, true, 2848, 2880},
	{216, 224, 248, 256, 272, 288, 96, 32, 24, 56, 64, 40, 0, true, false, 8, 0},
	{216, 224, 248, 256, 272, 288, 112, 32, 24, 72, 80, 40, 56, true, true, 8, 40},
};

static void put_segment(struct mem *m, const struct mi *mi, pl_addr at, uint64_t secret)
{
	put64(m, at + mi->cookie, at ^ secret);
	put64(m, at + mi->total, 512);
	put64(m, at + mi->info, INFO);
	put64(m, at + mi->entries, 512);
	/* nothing but one free span so far */
	put32(m, at + mi->slices + INFO * mi->page_size, 512 - INFO);
}

static pl_addr record_of(const struct mi *mi, pl_addr segment, unsigned slice)
{
	return segment + mi->slices + slice * mi->page_size;
}

static uint64_t encode(const struct mi *mi, pl_addr link, pl_addr owner, const uint64_t keys[2])
{
	uint64_t x = (link ? link : owner) ^ keys[1];
	unsigned by = keys[0] % 64;

	if (!mi->debug)
		return link;
	return (by ? x << by | x >> (64 - by) : x) + keys[0];
}

/*
 * A page of n blocks: block k is on list k % 4 when that is below 3 (free, local_free,
 * thread_free), else live. Free span behind it up to the segment's end. Returns block 0.
 */
static pl_addr put_page(struct mem *m, const struct mi *mi, pl_addr segment, unsigned slice,
			unsigned slices, uint32_t block, unsigned n)
{
	pl_addr record = record_of(mi, segment, slice), start = segment + (uint64_t)slice * SLICE;
	uint64_t keys[2] = {0x0123456789abcde5 + slice, 0xfedcba9876543210}, head[3] = {0, 0, 0};
	unsigned used = 0;

	if (mi->stored_start)
		start += 128;
	else
		start += block <= 64 ? 3 * block : block <= 512 ? block : 0;
	for (unsigned k = n; k-- > 0;) {
		pl_addr b = start + (uint64_t)k * block;

		if (k % 4 < 3) {
			put64(m, b, encode(mi, head[k % 4], record, keys));
			head[k % 4] = b;
		}
		used += k % 4 > 1; /* those that other threads gave back still count */
	}
	put32(m, record, slices);
	put16(m, record + 10, (uint16_t)n);
	put16(m, record + 12, (uint16_t)(n + 5));
	put64(m, record + 16, head[0]);
	put64(m, record + mi->local, head[1]);
	put64(m, record + mi->thread, head[2] | 2);
	put64(m, record + mi->heap, HEAP);
	if (mi->debug) {
		put64(m, record + mi->keys, keys[0]);
		put64(m, record + mi->keys + 8, keys[1]);
	}
	if (mi->stored_start) {
		put16(m, record + mi->page_used, (uint16_t)used);
		put64(m, record + mi->block, block);
		put64(m, record + 48, start);
	} else {
		put32(m, record + mi->page_used, used);
		put32(m, record + mi->block, block);
	}
	put32(m, record_of(mi, segment, slice + slices), 512 - slice - slices);
	put64(m, segment + mi->used, get64(m, segment + mi->used) + 1);
	return start;
}

struct made {
	struct mem m;
	pl_addr small, middle, other;
};

/* Two segments with three pages. */
static void make(struct made *d, const struct mi *mi)
{
	struct mem *m = &d->m;

	mem_init(m);
	mem_map(m, SEGMENT, MAPPED);
	mem_map(m, SEGMENT + SEGMENT_BYTES, MAPPED);
	mem_map(m, HEAP, 0x1000);
	put_segment(m, mi, SEGMENT, SECRET);
	put_segment(m, mi, SEGMENT + SEGMENT_BYTES, SECRET);
	d->small = put_page(m, mi, SEGMENT, 1, 1, 48, 1000);
	d->middle = put_page(m, mi, SEGMENT, 2, 8, 10240, 40);
	d->other = put_page(m, mi, SEGMENT + SEGMENT_BYTES, 1, 1, 1024, 60);
	if (mi->debug) {
		put64(m, HEAP + mi->heap_keys, 77);
		put64(m, HEAP + mi->heap_keys + 8, 99);
	}
}

enum { LIVE = 250 + 10 + 15 };

static void segments(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(mis); i++) {
		unsigned padding = mis[i].debug ? 8 : 0;
		const struct pl_heap_stats *s;
		struct made d;

		make(&d, &mis[i]);
		heap_open(&d.m);
		assert_sound(&d.m);
		s = pl_heap_stats(d.m.h);
		assert_int_equal(s->segments, 2);
		assert_int_equal(s->pages, 3);
		assert_int_equal(s->page_blocks_live, LIVE);
		assert_false(s->hooked);
		assert_int_equal(d.m.live.n, LIVE);
		for (unsigned k = 0; k < 1000; k++) {
			if (k % 4 == 3)
				assert_live(&d.m, d.small + 48 * k, 48 - padding);
			else
				assert_state(&d.m, d.small + 48 * k, PL_BLOCK_FREE);
		}
		assert_live(&d.m, d.middle + 10240 * 39, 10240 - padding);
		assert_live(&d.m, d.other + 1024 * 59, 1024 - padding);
		assert_state(&d.m, d.other + 1024 * 60, PL_BLOCK_NEVER);
		assert_state(&d.m, SEGMENT + 100, PL_BLOCK_HEADER);
		assert_state(&d.m, SEGMENT + 20 * SLICE, PL_BLOCK_NEVER);
		mem_fini(&d.m);
	}
}

/* Blocks that wait for their heap's thread are not live, though no page lists them. */
static void delayed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(mis); i++) {
		const struct mi *mi = &mis[i];
		const uint64_t keys[2] = {77, 99};
		struct made d;

		make(&d, mi);
		put64(&d.m, HEAP + mi->delayed, d.small + 48 * 3);
		put64(&d.m, d.small + 48 * 3, encode(mi, d.other + 1024 * 7, HEAP, keys));
		put64(&d.m, d.other + 1024 * 7, encode(mi, 0, HEAP, keys));
		heap_open(&d.m);
		assert_sound(&d.m);
		assert_int_equal(d.m.live.n, LIVE - 2);
		assert_state(&d.m, d.small + 48 * 3, PL_BLOCK_FREE);
		assert_state(&d.m, d.other + 1024 * 7, PL_BLOCK_FREE);
		mem_fini(&d.m);
	}
}

/* Memory at a segment's boundary that is no segment, and one of another process's making. */
static void decoys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(mis); i++) {
		struct made d;

		make(&d, &mis[i]);
		mem_map(&d.m, SEGMENT + 2 * (uint64_t)SEGMENT_BYTES, MAPPED);
		put_segment(&d.m, &mis[i], SEGMENT + 2 * (uint64_t)SEGMENT_BYTES, SECRET + 1);
		put_page(&d.m, &mis[i], SEGMENT + 2 * (uint64_t)SEGMENT_BYTES, 1, 1, 64, 100);
		mem_map(&d.m, SEGMENT + 3 * (uint64_t)SEGMENT_BYTES, MAPPED);
		heap_open(&d.m);
		assert_int_equal(pl_heap_stats(d.m.h)->segments, 2);
		assert_int_equal(d.m.live.n, LIVE);
		mem_fini(&d.m);
	}
}

/* One block over half a segment has a segment of its own size. */
static void huge(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(mis); i++) {
		const struct mi *mi = &mis[i];
		pl_addr record = record_of(mi, SEGMENT, 1), start;
		struct made d;

		mem_init(&d.m);
		mem_map(&d.m, SEGMENT, 41 << 20);
		mem_map(&d.m, HEAP, 0x1000);
		put_segment(&d.m, mi, SEGMENT, SECRET);
		put64(&d.m, SEGMENT + mi->total, (41 << 20) / SLICE);
		put32(&d.m, SEGMENT + mi->entries - 8, 1); /* kind */
		start = put_page(&d.m, mi, SEGMENT, 1, 511, 40 << 20, 0);
		put32(&d.m, record, (41 << 20) / SLICE - 1);
		put16(&d.m, record + 10, 1);
		put16(&d.m, record + mi->page_used, 1);
		heap_open(&d.m);
		assert_sound(&d.m);
		assert_int_equal(d.m.live.n, 1);
		assert_live(&d.m, start, (40 << 20) - (mi->debug ? 8 : 0));
		mem_fini(&d.m);
	}
}

static void hooked(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PL_ARRAY_LEN(mis); i++) {
		struct made d;

		make(&d, &mis[i]);
		for (unsigned k = 3; k < 1000; k += 4) {
			pl_addr b = d.small + 48 * k;

			put64(&d.m, b, __builtin_bswap64(10));
			memset(mem_at(&d.m, b + 8), 'm', 1);
			memset(mem_at(&d.m, b + 9), 0xfd, 7);
			memset(mem_at(&d.m, b + 26), 0xfd, 8);
		}
		heap_open(&d.m);
		assert_true(pl_heap_stats(d.m.h)->hooked);
		assert_live(&d.m, d.small + 48 * 3 + 16, 48 - 24 - (mis[i].debug ? 8 : 0));
		mem_fini(&d.m);
	}
}

static void damage(void **state)
{
	const struct mi *mi = &mis[2];
	struct made d;

	(void)state;
	/* a link that leads out: what is behind it counts as live */
	make(&d, mi);
	put64(&d.m, d.small + 48 * 8, 0x4141414141414141);
	heap_open(&d.m);
	assert_int_equal(d.m.tally.bad_freelists, 1);
	assert_int_equal(d.m.tally.bad_pools, 1);
	assert_int_equal(d.m.live.n, LIVE + 250 - 3);
	mem_fini(&d.m);
	/* a ring */
	make(&d, mi);
	put64(&d.m, d.small + 48 * 8, d.small);
	heap_open(&d.m);
	assert_int_equal(d.m.tally.bad_freelists, 1);
	assert_int_equal(d.m.live.n, LIVE + 250 - 3);
	mem_fini(&d.m);
	/* a page record that cannot be: the segment's other pages cannot be told */
	make(&d, mi);
	put16(&d.m, record_of(mi, SEGMENT, 2) + 10, 60000);
	heap_open(&d.m);
	assert_int_equal(d.m.tally.bad_pools, 1);
	assert_int_equal(d.m.live.n, LIVE - 10);
	mem_fini(&d.m);
	/* only part of a page is in the core */
	make(&d, mi);
	d.m.areas.at[0].held = d.small - SEGMENT + 48 * 500 + 20;
	heap_open(&d.m);
	assert_true(d.m.tally.missing_bytes >= 48 * 500);
	assert_null(live_at(&d.m, d.small + 48 * 503));
	mem_fini(&d.m);
}

static void random_damage(void **state)
{
	(void)state;
	for (unsigned turn = 0; turn < 200; turn++) {
		const struct mi *mi = &mis[turn % PL_ARRAY_LEN(mis)];
		struct made d;

		make(&d, mi);
		for (unsigned i = 0; i < 1 + turn % 10; i++) {
			static const pl_addr where[] = {SEGMENT + 200, SEGMENT + SLICE,
							SEGMENT + 264, HEAP};
			uint64_t word = dice(2) ? dice(1 << 20) : SEGMENT + 8 * dice(SLICE);

			put64(&d.m, where[dice(4)] + 8 * dice(60), word);
		}
		heap_open(&d.m);
		assert_true(d.m.live.n <= 1000 + 40 + 60 + MAPPED / 8);
		mem_fini(&d.m);
	}
}

/* The next segment after this memory would be at address 0. */
static void end_of_the_address_space(void **state)
{
	const pl_addr last = UINT64_MAX - UINT64_C(0x3fff);
	struct made d;

	(void)state;
	make(&d, &mis[0]);
	mem_map(&d.m, last, 4096);
	heap_open(&d.m);
	assert_null(pl_heap_region(d.m.h, last));
	assert_true(d.m.live.n > 0);
	mem_fini(&d.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments),      cmocka_unit_test(delayed),
		cmocka_unit_test(decoys),        cmocka_unit_test(huge),
		cmocka_unit_test(hooked),        cmocka_unit_test(damage),
		cmocka_unit_test(random_damage), cmocka_unit_test(end_of_the_address_space),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
