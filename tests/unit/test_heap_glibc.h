/*
 * test_heap_glibc.h - glibc's malloc, built by hand as each of its versions would: arenas, heaps
 * and chunks on every kind of free list, on top of test_heap_build.h.
 */
#ifndef TEST_HEAP_GLIBC_H
#define TEST_HEAP_GLIBC_H

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
static inline pl_addr chunk(struct fill *f, uint64_t size, int in_use)
{
	pl_addr at = f->at;

	put64(f->m, at + 8, size | f->prev_in_use | (f->main ? 0 : PL_CHUNK_NON_MAIN));
	if (!in_use)
		put64(f->m, at + size, size);
	f->at += size;
	f->prev_in_use = in_use;
	return at + 16;
}

static inline void put_arena(struct mem *m, const struct glibc *g, pl_addr at, pl_addr top,
			     pl_addr next)
{
	pl_addr bins = at + g->bins;

	put64(m, bins - 16, top);
	for (unsigned i = 0; i < 254; i++)
		put64(m, bins + 8 * i, bins + i / 2 * 16 - 16);
	put64(m, bins + 254 * 8 + 16, next);
}

/* Put free chunks into bin number bin of an arena. */
static inline void put_bin(struct mem *m, const struct glibc *g, pl_addr arena, unsigned bin,
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

static inline void put_link(struct mem *m, const struct glibc *g, pl_addr at, pl_addr to)
{
	put64(m, at, g->mangled ? to ^ at >> 12 : to);
}

/* Chain n chunks; links hold the owner's address less back. Returns the head. */
static inline pl_addr put_list(struct mem *m, const struct glibc *g, const pl_addr *user,
			       unsigned n, unsigned back)
{
	for (unsigned i = 0; i < n; i++)
		put_link(m, g, user[i], i + 1 < n ? user[i + 1] - back : 0);
	return user[0] - back;
}

static inline uint64_t tcache_size(const struct glibc *g)
{
	return pl_round_up(g->n * (8 + g->width) + 8, 16);
}

static inline pl_addr tcache_head(const struct glibc *g, pl_addr tcache, unsigned bin)
{
	return tcache + g->n * g->width + 8 * bin;
}

static inline void tcache_count(struct mem *m, const struct glibc *g, pl_addr tcache, unsigned bin,
				unsigned n)
{
	uint64_t counter = g->down ? 7 - n : n;

	memcpy(mem_at(m, tcache + bin * g->width), &counter, g->width);
}

static inline pl_addr put_tcache(struct fill *f)
{
	pl_addr tcache = chunk(f, tcache_size(f->g), IN_USE);

	for (unsigned i = 0; i < f->g->n; i++)
		tcache_count(f->m, f->g, tcache, i, 0);
	return tcache;
}

static inline void put_in_tcache(struct mem *m, const struct glibc *g, pl_addr tcache, unsigned bin,
				 const pl_addr *user, unsigned n)
{
	put64(m, tcache_head(g, tcache, bin), put_list(m, g, user, n, 0));
	tcache_count(m, g, tcache, bin, n);
}

/* The top chunk takes the rest. */
static inline void put_top(struct fill *f, pl_addr end)
{
	put64(f->m, f->at + 8, (end - f->at) | PL_CHUNK_PREV_INUSE);
}

/* A main arena whose heap starts at HEAP; put_main_end() when its chunks are there. */
static inline void put_main(struct mem *m, struct fill *f, const struct glibc *g)
{
	mem_init(m);
	mem_map_file(m, LIBC, 0x1000, PF_R | PF_W, "/lib/libc.so.6");
	mem_map(m, HEAP, HEAP_BYTES);
	*f = (struct fill){m, g, HEAP, true, true};
}

static inline void put_main_end(struct fill *f)
{
	put_arena(f->m, f->g, LIBC + MAIN_ARENA, f->at, LIBC + MAIN_ARENA);
	put_top(f, HEAP + HEAP_BYTES);
	put64(f->m, LIBC + MP, HEAP);
}

#endif
