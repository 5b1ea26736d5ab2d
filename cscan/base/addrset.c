/* addrset.c - see addrset.h. */
#include "base/addrset.h"

#include "base/mem.h"
#include "base/search.h"

static uint64_t key_of(pl_addr addr)
{
	return addr >> PL_ADDRSET_SHIFT;
}

static size_t slot_of(uint64_t key, size_t cap)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (cap - 1);
}

static unsigned bit_of(pl_addr addr)
{
	return (unsigned)(addr >> 3) & ((1u << (PL_ADDRSET_SHIFT - 3)) - 1);
}

/* Bits set in word. The builtin is a call to a function where the CPU need not have popcnt. */
static unsigned ones(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

void pl_addrset_init(struct pl_addrset *s)
{
	memset(s, 0, sizeof(*s));
}

void pl_addrset_fini(struct pl_addrset *s)
{
	for (size_t i = 0; i < s->cap; i++) {
		if (s->slot[i]) {
			free(s->slot[i]->rank);
			free(s->slot[i]);
		}
	}
	free(s->slot);
	free(s->sorted);
	memset(s, 0, sizeof(*s));
}

const struct pl_addrset_chunk *pl_addrset_chunk(const struct pl_addrset *s, pl_addr addr)
{
	uint64_t key = key_of(addr);

	if (!s->cap)
		return NULL;
	for (size_t i = slot_of(key, s->cap);; i = (i + 1) & (s->cap - 1)) {
		if (!s->slot[i] || s->slot[i]->key == key)
			return s->slot[i];
	}
}

static void put(struct pl_addrset_chunk **slot, size_t cap, struct pl_addrset_chunk *c)
{
	size_t i = slot_of(c->key, cap);

	while (slot[i])
		i = (i + 1) & (cap - 1);
	slot[i] = c;
}

static void grow(struct pl_addrset *s)
{
	size_t cap = s->cap ? s->cap * 2 : 64;
	struct pl_addrset_chunk **slot = pl_calloc(cap, sizeof(struct pl_addrset_chunk *));

	for (size_t i = 0; i < s->cap; i++) {
		if (s->slot[i])
			put(slot, cap, s->slot[i]);
	}
	free(s->slot);
	s->slot = slot;
	s->cap = cap;
}

static struct pl_addrset_chunk *make_chunk(struct pl_addrset *s, pl_addr addr)
{
	struct pl_addrset_chunk *c;

	if (s->last && s->last->key == key_of(addr))
		return s->last;
	c = (struct pl_addrset_chunk *)pl_addrset_chunk(s, addr);
	if (!c) {
		if ((s->n_chunks + 1) * 2 > s->cap)
			grow(s);
		c = pl_calloc(1, sizeof(*c));
		c->key = key_of(addr);
		put(s->slot, s->cap, c);
		s->n_chunks++;
	}
	s->last = c;
	return c;
}

bool pl_addrset_add(struct pl_addrset *s, pl_addr addr)
{
	struct pl_addrset_chunk *c = make_chunk(s, addr);
	unsigned bit = bit_of(addr);
	uint64_t mask = UINT64_C(1) << (bit % 64);

	if (c->bits[bit / 64] & mask)
		return false;
	c->bits[bit / 64] |= mask;
	s->n++;
	return true;
}

void pl_addrset_reserve(struct pl_addrset *s, size_t n_chunks)
{
	while (s->cap < 2 * (n_chunks + 1))
		grow(s);
}

/* The chunk of addr, made by whichever thread comes first; NULL when the table is full. */
static struct pl_addrset_chunk *shared_chunk(struct pl_addrset *s, pl_addr addr)
{
	uint64_t key = key_of(addr);
	struct pl_addrset_chunk *made = NULL, *at;

	for (size_t i = slot_of(key, s->cap), tries = 0; tries < s->cap / 2;
	     i = (i + 1) & (s->cap - 1), tries++) {
		at = __atomic_load_n(&s->slot[i], __ATOMIC_ACQUIRE);
		if (!at) {
			if (!made) {
				made = pl_calloc(1, sizeof(*made));
				made->key = key;
			}
			if (__atomic_compare_exchange_n(&s->slot[i], &at, made, false,
							__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
				return made;
		}
		if (at->key == key) {
			free(made);
			return at;
		}
	}
	free(made);
	return NULL;
}

bool pl_addrset_add_shared(struct pl_addrset *s, pl_addr addr)
{
	struct pl_addrset_chunk *c = shared_chunk(s, addr);
	unsigned bit = bit_of(addr);
	uint64_t mask = UINT64_C(1) << (bit % 64);

	return c && !(__atomic_fetch_or(&c->bits[bit / 64], mask, __ATOMIC_RELAXED) & mask);
}

void pl_addrset_recount(struct pl_addrset *s)
{
	s->n = 0;
	s->n_chunks = 0;
	for (size_t i = 0; i < s->cap; i++) {
		s->n_chunks += s->slot[i] != NULL;
		for (unsigned w = 0; s->slot[i] && w < PL_ADDRSET_WORDS; w++)
			s->n += ones(s->slot[i]->bits[w]);
	}
}

bool pl_addrset_remove(struct pl_addrset *s, pl_addr addr)
{
	struct pl_addrset_chunk *c = (struct pl_addrset_chunk *)pl_addrset_chunk(s, addr);

	if (!c || !pl_addrset_chunk_has(c, addr))
		return false;
	c->bits[bit_of(addr) / 64] &= ~(UINT64_C(1) << (bit_of(addr) % 64));
	s->n--;
	return true;
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = (*(struct pl_addrset_chunk *const *)a)->key;
	uint64_t y = (*(struct pl_addrset_chunk *const *)b)->key;

	return x < y ? -1 : x > y;
}

void pl_addrset_sort(struct pl_addrset *s)
{
	size_t n = 0;

	free(s->sorted);
	s->sorted = pl_malloc((s->n_chunks + 1) * sizeof(struct pl_addrset_chunk *));
	for (size_t i = 0; i < s->cap; i++) {
		if (s->slot[i])
			s->sorted[n++] = s->slot[i];
	}
	if (n)
		qsort(s->sorted, n, sizeof(struct pl_addrset_chunk *), by_key);
}

/* Index of the first sorted chunk whose key is not below key. */
static size_t chunk_from(const struct pl_addrset *s, uint64_t key)
{
	return PL_LOWER_BOUND(s->n_chunks, k, s->sorted[k]->key < key);
}

pl_addr pl_addrset_next(const struct pl_addrset *s, pl_addr addr)
{
	uint64_t key = key_of(addr);
	/* An address between two members of the 8-byte grid means the next one. */
	unsigned bit = bit_of(addr + 7);

	if (addr > UINT64_MAX - 7)
		return UINT64_MAX;
	if (key_of(addr + 7) != key)
		key++;
	for (size_t i = chunk_from(s, key); i < s->n_chunks; i++) {
		const struct pl_addrset_chunk *c = s->sorted[i];
		unsigned from = c->key == key ? bit : 0;
		unsigned w = from / 64;
		uint64_t word = c->bits[w] & ~UINT64_C(0) << (from % 64);

		for (;;) {
			if (word)
				return (c->key << PL_ADDRSET_SHIFT) +
				       8 * ((uint64_t)w * 64 + (unsigned)__builtin_ctzll(word));
			if (++w == PL_ADDRSET_WORDS)
				break;
			word = c->bits[w];
		}
	}
	return UINT64_MAX;
}

void pl_addrset_rank_build(struct pl_addrset *s)
{
	uint64_t base = 0;

	pl_addrset_sort(s);
	for (size_t i = 0; i < s->n_chunks; i++) {
		struct pl_addrset_chunk *c = s->sorted[i];
		uint32_t n = 0;

		c->base = base;
		free(c->rank);
		c->rank = pl_malloc(PL_ADDRSET_WORDS * sizeof(*c->rank));
		for (unsigned w = 0; w < PL_ADDRSET_WORDS; w++) {
			c->rank[w] = n;
			n += ones(c->bits[w]);
		}
		base += n;
	}
}

uint64_t pl_addrset_rank(const struct pl_addrset *s, pl_addr addr)
{
	const struct pl_addrset_chunk *c = pl_addrset_chunk(s, addr);
	unsigned bit = bit_of(addr);
	uint64_t word, mask = UINT64_C(1) << (bit % 64);

	if (!c || addr & 7)
		return UINT64_MAX;
	word = c->bits[bit / 64];
	return word & mask ? c->base + c->rank[bit / 64] + ones(word & (mask - 1)) : UINT64_MAX;
}
