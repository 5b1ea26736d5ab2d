/*
 * glibc_free.c - chunks that were freed but still look handed out.
 *
 * malloc/malloc.c of glibc 2.17 to 2.43: a chunk in a thread's cache (tcache, 2.26) or on a fastbin
 * keeps the next chunk's PREV_INUSE bit. The lists are singly linked; since 2.32 a link is stored
 * xor (its own address >> 12), heads are stored plain. A list that is whole in one reading is
 * broken in the other, for its end is a zero in one of them only: no version has to be known.
 *
 * A tcache_perthread_struct is an ordinary chunk: {counter[n], entries[n]}. Up to 2.41 a counter is
 * the length of its list, later how much longer it may grow; bin i < 64 holds chunks of 32 + 16 i
 * bytes. That every counter agrees with its list is the proof.
 */
#include "heap/glibc.h"

enum {
	FASTBINS = 10,
	FASTBINS_TO_BINS = (FASTBINS + 2) * 8, /* top and last_remainder lie between */
	TCACHE_SMALL = 64,                     /* bins with one chunk size each */
	TCACHE_BINS_MAX = 76,
	TCACHE_LIST_MAX = UINT16_MAX,
	TCACHE_WRONG_MAX = 1, /* the process may have died between the list and its counter */
};

/* n counters of width bytes each, then n heads: the builds of tcache_perthread_struct so far. */
static const struct tcache_shape {
	unsigned n, width;
} tcache_shapes[] = {
	{64, 1}, /* 2.26 to 2.29 */
	{64, 2}, /* 2.30 to 2.41 */
	{76, 2}, /* 2.42: twelve more bins for large chunks */
};

/* A chunk is bigger than was asked for when what is left over would be too small for a chunk. */
static bool shape_fits(const struct tcache_shape *t, uint64_t size)
{
	uint64_t wanted = (uint64_t)t->n * (8 + t->width) + PL_CHUNK_OVERHEAD;

	return size - pl_round_up(wanted, PL_CHUNK_ALIGN) < PL_CHUNK_MIN;
}

bool pl_glibc_tcache_size(uint64_t size)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(tcache_shapes); i++) {
		if (shape_fits(&tcache_shapes[i], size))
			return true;
	}
	return false;
}

/* A singly linked list of chunks; how one reads its links and what it may hold. */
struct list {
	struct pl_glibc *g;
	struct pl_view *v;
	bool mangled;
	unsigned to_link;  /* a link points this far behind the chunk's start */
	uint64_t min, max; /* sizes of its chunks */
	uint64_t limit;    /* chunks at most */
};

static bool list_node(const struct list *l, pl_addr chunk)
{
	const struct pl_glibc_heap *heap = pl_glibc_heap_at(l->g, chunk);
	uint64_t raw, size;

	if (heap) {
		if (!pl_glibc_chunk(l->v, heap, chunk, &raw))
			return false;
	} else if (chunk % PL_PAGE || !pl_read64(l->v, chunk + 8, &raw) ||
		   !(raw & PL_CHUNK_MMAPPED)) {
		return false;
	}
	size = raw & ~(uint64_t)PL_CHUNK_FLAGS;
	return size >= l->min && size <= l->max;
}

/*
 * Follow a list from its first chunk; its chunks go to the dead ones if they shall. Returns their
 * number and sets *whole: the list came to its end. A ring is met at the chunk that was marked
 * last, and the mark moves on at each power of two (Brent).
 */
static uint64_t list_follow(struct list *l, pl_addr chunk, bool dead, bool *whole)
{
	pl_addr mark = 0, at;
	uint64_t n = 0, next_mark = 1, link;

	*whole = false;
	while (n < l->limit && l->g->links && chunk != mark && list_node(l, chunk)) {
		l->g->links--;
		at = chunk + PL_CHUNK_HEADER; /* of the link itself */
		if (!pl_read64(l->v, at, &link))
			return n;
		if (dead)
			pl_vec_push(&l->g->dead, chunk);
		n++;
		if (n == next_mark) {
			mark = chunk;
			next_mark *= 2;
		}
		link = l->mangled ? link ^ at >> 12 : link;
		if (!link) {
			*whole = true;
			return n;
		}
		chunk = link - l->to_link;
	}
	return n;
}

/* Follow a list in the reading in which it is whole, or else in that which leads further. */
static uint64_t list_take(struct list *l, pl_addr chunk, bool *whole)
{
	bool plain_whole, mangled_whole;
	uint64_t plain, mangled;

	l->mangled = false;
	plain = list_follow(l, chunk, false, &plain_whole);
	l->mangled = true;
	mangled = list_follow(l, chunk, false, &mangled_whole);
	if (plain_whole > mangled_whole || (plain_whole == mangled_whole && plain > mangled))
		l->mangled = false;
	return list_follow(l, chunk, true, whole);
}

static unsigned counter_at(const struct tcache_shape *t, const uint8_t *p, unsigned i)
{
	return (unsigned)pl_ldn(p + (size_t)i * t->width, t->width);
}

static pl_addr head_at(const struct tcache_shape *t, const uint8_t *p, unsigned i)
{
	return pl_ld64(p + (size_t)t->n * t->width + (size_t)i * 8);
}

/*
 * Whether counters that grow (up) or shrink with their list can belong to lists of these lengths:
 * the number of bins that disagree, where shrinking ones add up to the same in every bin.
 */
static unsigned counters_wrong(const struct tcache_shape *t, const uint8_t *p, const uint64_t *len,
			       bool up)
{
	uint64_t room = up ? 0 : counter_at(t, p, t->n - 1) + len[t->n - 1];
	unsigned wrong = 0;

	for (unsigned i = 0; i < t->n; i++) {
		uint64_t counter = counter_at(t, p, i);

		wrong += up ? counter != len[i] : counter + len[i] != room;
	}
	return !up && !room ? t->n : wrong;
}

static bool tcache_take(struct pl_glibc *g, struct pl_view *v, const struct tcache_shape *t,
			const uint8_t *p, bool first, uint32_t *bad)
{
	uint64_t len[TCACHE_BINS_MAX];
	size_t n_dead = g->dead.n;
	unsigned lists = 0, broken = 0, up, down;

	for (unsigned i = 0; i < t->n; i++) {
		uint64_t size = PL_CHUNK_MIN + (uint64_t)i * PL_CHUNK_ALIGN;
		struct list l = {
			.g = g,
			.v = v,
			.to_link = PL_CHUNK_HEADER,
			.min = i < TCACHE_SMALL ? size
						: PL_CHUNK_MIN + TCACHE_SMALL * PL_CHUNK_ALIGN,
			.max = i < TCACHE_SMALL ? size : UINT64_MAX,
			.limit = TCACHE_LIST_MAX,
		};
		pl_addr head = head_at(t, p, i);
		bool whole = true;

		len[i] = 0;
		if (!head)
			continue;
		/* heads first: most chunks of this size are no tcache and end here */
		if (!list_node(&l, head - PL_CHUNK_HEADER))
			goto no;
		lists++;
		len[i] = list_take(&l, head - PL_CHUNK_HEADER, &whole);
		broken += !whole;
	}
	up = counters_wrong(t, p, len, true);
	down = counters_wrong(t, p, len, false);
	/* a broken list disagrees with its counter too */
	if (PL_MIN(up, down) > TCACHE_WRONG_MAX || (!lists && !first && down))
		goto no;
	*bad += broken;
	return true;
no:
	g->dead.n = n_dead;
	return false;
}

bool pl_glibc_tcache(struct pl_glibc *g, struct pl_view *v, pl_addr chunk, uint64_t size,
		     bool first, uint32_t *bad)
{
	const uint8_t *p;

	for (size_t i = 0; i < PL_ARRAY_LEN(tcache_shapes); i++) {
		const struct tcache_shape *t = &tcache_shapes[i];

		if (!shape_fits(t, size) ||
		    pl_heap_at_hand(g->im, chunk, &p) <
			    PL_CHUNK_HEADER + (uint64_t)t->n * (8 + t->width))
			continue;
		if (!tcache_take(g, v, t, p + PL_CHUNK_HEADER, first, bad))
			continue;
		pl_vec_push(&g->dead, chunk);
		return true;
	}
	return false;
}

uint32_t pl_glibc_fastbins(struct pl_glibc *g, const struct pl_glibc_arena *a)
{
	pl_addr bins = a->bins - FASTBINS_TO_BINS, head;
	struct pl_view v;
	uint32_t bad = 0;

	if (!a->at || bins < a->at + 8) /* 2.43: there are none */
		return 0;
	pl_view_init(&v, g->im);
	for (unsigned i = 0; i < FASTBINS; i++) {
		struct list l = {
			.g = g,
			.v = &v,
			.min = PL_CHUNK_MIN + (uint64_t)i * PL_CHUNK_ALIGN,
			.max = PL_CHUNK_MIN + (uint64_t)i * PL_CHUNK_ALIGN,
			.limit = UINT64_MAX,
		};
		bool whole;

		if (!pl_read64(&v, bins + 8 * (uint64_t)i, &head) || !head)
			continue;
		list_take(&l, head, &whole);
		bad += !whole;
	}
	return bad;
}
