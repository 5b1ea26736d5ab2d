/*
 * arenas.c - where pymalloc keeps its arena_object records.
 *
 * Up to CPython 3.11 they hang off a file-scope static (Objects/obmalloc.c: arenas, maxarenas),
 * which only .symtab names; later each interpreter has a state of its own, embedded (3.12) or
 * pointed to (3.13; pycore_interp.h: obmalloc). Interpreters may share one state. Where neither way
 * leads to a table that proves itself, the table is searched for: every pool knows the index of its
 * arena, so the pools of a few gc objects tell the true table from any other array in memory. Knows
 * nothing of what is inside a pool beyond its header.
 */
#include "base/addrset.h"
#include "heap/internal.h"

enum {
	MAX_ARENAS = 1 << 24,
	MAX_INTERPRETERS = 1 << 16, /* as many as object/roots/runtime.c takes */
	MAX_BAD_STREAK = 16,    /* records that look wrong one after another: the table has ended */
	SEARCH_SAMPLES = 48,    /* pools that vote */
	SEARCH_KEYS = 4,        /* of them, those that may propose a table */
	SEARCH_NODES = 1 << 16, /* gc objects looked at for them */
	SEARCH_BSS = 16 << 20,  /* bytes of anonymous memory behind a module's data: its .bss */
};

enum pl_arena_state pl_heap_arena_record(const struct pl_heap *h, pl_addr table, uint32_t i,
					 struct pl_arena_record *ret)
{
	const struct pl_fields *f = &h->l->f;
	uint64_t pool = h->l->pool_bytes, size = (uint64_t)f->arena_size, total, used;
	const uint8_t *p;
	struct pl_arena_record r;

	if (pl_heap_at_hand(h->im, table + i * size, &p) < size)
		return PL_ARENA_UNUSED;
	r.lo = pl_ld64(p + f->arena_address);
	if (!r.lo)
		return PL_ARENA_UNUSED;
	if (!pl_add(r.lo, h->l->arena_bytes, &r.hi))
		return PL_ARENA_BAD;
	r.base = pl_round_up(r.lo, pool);
	total = pl_ld32(p + f->arena_ntotalpools);
	r.end = r.base + total * pool;
	r.carved = pl_ld64(p + f->arena_pool_address);
	r.freepools = pl_ld64(p + f->arena_freepools);
	r.nfree = pl_ld32(p + f->arena_nfreepools);
	used = r.carved - r.base;
	/* an arena that is not aligned to pools loses one */
	if (total != (r.hi - r.base) / pool || r.carved < r.base || used > total * pool ||
	    used % pool || r.nfree > total || r.nfree < total - used / pool)
		return PL_ARENA_BAD;
	*ret = r;
	return PL_ARENA_USED;
}

/* True when record i is in use and its first pool agrees that it belongs to arena i. */
static bool arena_proved(const struct pl_heap *h, pl_addr table, uint32_t i)
{
	struct pl_arena_record r;
	struct pl_pool pool;
	const uint8_t *p;

	if (pl_heap_arena_record(h, table, i, &r) != PL_ARENA_USED || r.carved == r.base)
		return false;
	if (pl_heap_at_hand(h->im, r.base, &p) < (uint64_t)h->l->f.pool_header_size)
		return false;
	return pl_heap_pool(h->l, p, r.base, &pool) && pool.arenaindex == i;
}

/* How many records of a table are at hand, at most want. */
static uint32_t table_clamp(const struct pl_heap *h, pl_addr table, uint64_t want)
{
	const uint8_t *p;
	uint64_t have = pl_heap_at_hand(h->im, table, &p) / (uint64_t)h->l->f.arena_size;

	return (uint32_t)PL_MIN(PL_MIN(want, have), (uint64_t)MAX_ARENAS);
}

/*
 * The length of a table that nothing tells the length of: it ends where records stop making sense,
 * not before record at_least.
 */
static uint32_t table_measure(const struct pl_heap *h, pl_addr table, uint32_t at_least)
{
	uint32_t max = table_clamp(h, table, MAX_ARENAS), n = PL_MIN(at_least, max), bad = 0;
	struct pl_arena_record r;

	/* the table grows by doubling: no more than half of it, or the first 16, was never used */
	for (uint32_t i = n; i < max && i < 2 * n + 16 && bad < MAX_BAD_STREAK; i++) {
		enum pl_arena_state s = pl_heap_arena_record(h, table, i, &r);

		bad = s == PL_ARENA_BAD ? bad + 1 : 0;
		if (s == PL_ARENA_USED)
			n = i + 1;
	}
	return n;
}

static uint32_t table_score(const struct pl_heap *h, const struct pl_arena_table *t)
{
	uint32_t score = 0;

	for (uint32_t i = 0; i < t->n; i++)
		score += arena_proved(h, t->at, i);
	return score;
}

/* Add a table unless it is empty or known. */
static void table_add(const struct pl_heap *h, struct pl_arena_tables *ret, pl_addr at, uint64_t n)
{
	struct pl_arena_table t = {.at = at, .n = table_clamp(h, at, n)};

	for (size_t i = 0; i < ret->v.n; i++) {
		if (ret->v.at[i].at == at)
			return;
	}
	if (t.n)
		pl_vec_push(&ret->v, t);
}

/* ---- 3.12 and later: the interpreters ---- */

static void state_add(const struct pl_heap *h, struct pl_view *v, pl_addr state,
		      struct pl_arena_tables *ret)
{
	pl_addr at;
	uint32_t n;

	if (state && pl_read64(v, state + (uint64_t)h->l->f.obmalloc_arenas, &at) && at &&
	    pl_read32(v, state + (uint64_t)h->l->f.obmalloc_maxarenas, &n))
		table_add(h, ret, at, n);
}

static void tables_of_interpreters(const struct pl_heap *h, struct pl_arena_tables *ret)
{
	const struct pl_fields *f = &h->l->f;
	bool embedded = h->l->w.interp_obmalloc > sizeof(pl_addr);
	pl_addr interp = h->l->interp_head, state;
	struct pl_addrset seen;
	struct pl_view v;

	if (!pl_has(f->interp_obmalloc) || !pl_has(f->obmalloc_arenas) ||
	    !pl_has(f->obmalloc_maxarenas) || !pl_has(f->interp_next))
		return;
	pl_view_init(&v, h->im);
	pl_addrset_init(&seen);
	while (interp && !(interp & 7) && seen.n < MAX_INTERPRETERS &&
	       pl_addrset_add(&seen, interp)) {
		state = interp + (uint64_t)f->interp_obmalloc;
		if (embedded || pl_read64(&v, state, &state))
			state_add(h, &v, state, ret);
		if (!pl_read64(&v, interp + (uint64_t)f->interp_next, &interp))
			break;
	}
	pl_addrset_fini(&seen);
	ret->source = "interpreter";
}

/* ---- up to 3.11: the statics by name ---- */

struct by_name {
	const struct pl_heap *h;
	struct pl_view v;
	uint64_t max;               /* what maxarenas says, 0 when it has no name here */
	struct pl_arena_table best; /* the table with the highest score */
	uint32_t score;
};

static bool take_maxarenas(void *arg, const struct pl_symbol *s)
{
	struct by_name *b = arg;
	uint32_t n;

	if (pl_read32(&b->v, s->addr, &n) && n <= MAX_ARENAS)
		b->max = PL_MAX(b->max, n);
	return true;
}

static bool take_arenas(void *arg, const struct pl_symbol *s)
{
	struct by_name *b = arg;
	struct pl_arena_table t;
	uint32_t score;

	if (!pl_read64(&b->v, s->addr, &t.at) || !t.at)
		return true;
	t.n = b->max ? table_clamp(b->h, t.at, b->max) : table_measure(b->h, t.at, 0);
	score = table_score(b->h, &t);
	if (score > b->score) {
		b->best = t;
		b->score = score;
	}
	return true;
}

static void tables_by_name(const struct pl_heap *h, struct pl_arena_tables *ret)
{
	struct by_name b = {.h = h};

	pl_view_init(&b.v, h->im);
	pl_image_symbols_named(h->im, h->l->module, "maxarenas", take_maxarenas, &b);
	pl_image_symbols_named(h->im, h->l->module, "arenas", take_arenas, &b);
	if (b.score) {
		table_add(h, ret, b.best.at, b.best.n);
		ret->source = "symbol";
	}
}

/* ---- no name and no struct: the search ---- */

struct search {
	const struct pl_heap *h;
	struct pl_view v;
	struct {
		pl_addr pool;
		uint32_t index;
	} sample[SEARCH_SAMPLES];
	unsigned n;
	pl_addr best;
	unsigned votes;
};

/* Take the pool that an object lies in as a sample, if there may be one. */
static void sample_add(struct search *s, pl_addr object)
{
	pl_addr at = object & ~((pl_addr)s->h->l->pool_bytes - 1);
	const uint8_t *p = pl_at(&s->v, at, (uint64_t)s->h->l->f.pool_header_size);
	struct pl_pool pool;

	if (!p || !pl_heap_pool(s->h->l, p, at, &pool) || !pool.sane || !pool.ref ||
	    pool.arenaindex >= MAX_ARENAS ||
	    (pool.freeblock && pool.freeblock - at >= s->h->l->pool_bytes))
		return;
	for (unsigned i = 0; i < s->n; i++) {
		if (s->sample[i].pool == at)
			return;
	}
	s->sample[s->n].pool = at;
	s->sample[s->n++].index = pool.arenaindex;
}

static void samples_from_gc_lists(struct search *s)
{
	const struct pl_layout *l = s->h->l;
	struct pl_gc_list lists[4];
	unsigned n = pl_layout_gc_lists(l, l->interp_head, lists), seen = 0;

	/* the oldest first: most objects, and no collection moves them while the process dies */
	while (n-- && s->n < SEARCH_SAMPLES) {
		pl_addr node = lists[n].head;

		while (s->n < SEARCH_SAMPLES && seen++ < SEARCH_NODES) {
			if (!pl_read64(&s->v, node + (uint64_t)l->f.gc_head_next, &node))
				break;
			node &= ~(pl_addr)3; /* flags of the collector */
			if (!node || node == lists[n].head)
				break;
			sample_add(s, node);
		}
	}
}

static bool sample_fits(const struct search *s, pl_addr table, unsigned i)
{
	struct pl_arena_record r;

	return pl_heap_arena_record(s->h, table, s->sample[i].index, &r) == PL_ARENA_USED &&
	       s->sample[i].pool >= r.base && s->sample[i].pool < r.carved;
}

/* Is there a table at this word's value? */
static void search_word(struct search *s, pl_addr table)
{
	unsigned i = 0, votes = 0;

	if (!table || table % sizeof(table) || table == s->best)
		return;
	while (i < s->n && i < SEARCH_KEYS && !sample_fits(s, table, i))
		i++;
	if (i == s->n || i == SEARCH_KEYS)
		return;
	for (i = 0; i < s->n; i++)
		votes += sample_fits(s, table, i);
	if (votes > s->votes) {
		s->best = table;
		s->votes = votes;
	}
}

/*
 * Look at every word of a module's writable data and of the anonymous memory that follows it
 * (.bss); module -1 means all modules.
 */
static bool search_module(struct search *s, struct pl_ctx *ctx, int module)
{
	uint64_t bss = 0;
	pl_addr end = 0;
	size_t n;
	const struct pl_span *spans = pl_image_spans(s->h->im, &n);

	for (size_t i = 0; i < n && !pl_ctx_cancelled(ctx); i++) {
		const struct pl_span *sp = &spans[i];
		uint64_t size = sp->hi - sp->lo;

		if (!(sp->prot & PL_PROT_WRITE))
			continue;
		if (sp->module >= 0 && (module < 0 || sp->module == module))
			bss = SEARCH_BSS;
		else if (sp->module >= 0 || sp->lo != end || !bss)
			continue;
		else
			size = PL_MIN(size, bss);
		if (sp->module < 0)
			bss -= size;
		end = sp->hi;
		for (uint64_t at = -sp->lo % 8; at + 8 <= size; at += 8)
			search_word(s, pl_ld64(sp->host + at));
	}
	return s->votes >= PL_MAX(1u, s->n / 2);
}

bool pl_heap_arena_search(const struct pl_heap *h, struct pl_ctx *ctx, struct pl_arena_table *ret)
{
	struct search s = {.h = h};
	uint32_t last = 0;

	pl_view_init(&s.v, h->im);
	samples_from_gc_lists(&s);
	if (!s.n)
		return false;
	if (!(h->l->module >= 0 && search_module(&s, ctx, h->l->module)) &&
	    !search_module(&s, ctx, -1))
		return false;
	for (unsigned i = 0; i < s.n; i++) {
		if (sample_fits(&s, s.best, i))
			last = PL_MAX(last, s.sample[i].index);
	}
	ret->at = s.best;
	ret->n = table_measure(h, s.best, last + 1);
	return true;
}

void pl_heap_arena_tables(const struct pl_heap *h, struct pl_ctx *ctx, struct pl_arena_tables *ret)
{
	struct pl_arena_tables t = {0};
	struct pl_arena_table found;

	tables_of_interpreters(h, &t);
	if (!t.v.n)
		tables_by_name(h, &t);
	if (!t.v.n && pl_heap_arena_search(h, ctx, &found)) {
		pl_vec_push(&t.v, found);
		t.source = "search";
	}
	*ret = t;
}
