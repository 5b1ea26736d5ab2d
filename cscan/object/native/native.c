/*
 * native.c - one parallel pass over the memory that is no Python object.
 *
 * The heap is read block by block, so that what was freed is never looked at; other writable memory
 * is read as it is, thread stacks from their stack pointer on. The pass keeps no words, of which
 * there may be any number, but where there are some: blocks, and runs of other memory. When it is
 * known whose the blocks are, what is left is read once more, in order.
 */
#include "object/native/native.h"

#include "base/parallel.h"
#include "object/native/native_words.h"

enum {
	PIECE = 4 << 20, /* bytes of raw memory that a worker takes at a time */
	INT_BLOCK = 992, /* bytes of a block of ints without what malloc adds; the full
			    BLOCK_SIZE is 1000 */
};

/* ---- scanning ---- */

struct region_walk {
	struct pl_native_words *s;
	struct pl_view *v;
	struct piece *p;
	size_t next; /* first object that may lie in the blocks to come */
};

/* A block with an object that is not in the table: on a freelist, being destroyed, half built. */
static bool is_dead_object(struct region_walk *w, pl_addr base)
{
	const struct pl_objects *o = w->s->o;
	const int32_t heads[] = {0, o->l->f.gc_head_size, o->l->f.gc_head_size + 16};

	for (size_t i = 0; i < PL_ARRAY_LEN(heads); i++) {
		uint64_t type;
		int32_t index;

		if (!pl_read64(w->v, base + (uint64_t)(heads[i] + o->l->f.object_type), &type))
			continue;
		index = pl_types_find(o->types, w->v, type);
		if (index >= 0 && pl_types_at(o->types, (uint32_t)index)->head == heads[i])
			return true;
	}
	return false;
}

/*
 * 2.7 keeps ints in malloc'd blocks of a link and then as many as fit (Objects/intobject.c:
 * PyIntBlock); one that is free, of a count of 0, still has the number that it was: id() of
 * something, say. Blocks with a live one are no buffers.
 */
static bool in_free_int(const struct pl_objects *o, struct pl_view *v, pl_addr base,
			uint64_t usable, pl_addr at)
{
	const struct pl_fields *f = &o->l->f;
	uint64_t count;

	return pl_has(f->int_ival) && usable >= INT_BLOCK && usable < INT_BLOCK + 32 &&
	       (at - base - 8) % ((uint64_t)f->int_ival + 8) == (uint64_t)f->int_ival &&
	       pl_read64(v, at - (uint64_t)f->int_ival, &count) && !count;
}

static bool is_target(const struct pl_native_words *s, uint64_t word)
{
	return word && pl_addrset_has(s->targets, word) && !(word & 7);
}

/* The first word at or after base + at that may hold a target; the end of the block for none. */
static uint64_t next_in_block(const struct pl_native_words *s, struct pl_view *v,
			      const uint8_t *host, pl_addr base, uint64_t size, uint64_t at)
{
	for (; at + 8 <= size; at += 8) {
		if (is_target(s, pl_ld64(host + at)) &&
		    !in_free_int(s->o, v, base, size, base + at))
			return at;
	}
	return size;
}

static bool scan_run(void *arg, const struct pl_run *run)
{
	struct region_walk *w = arg;
	const struct pl_objects *o = w->s->o;

	for (uint32_t i = 0; i < run->n; i++) {
		pl_addr base = run->base + (uint64_t)i * run->stride;
		const uint8_t *host = run->host + (uint64_t)i * run->stride;

		if (!(run->live[i / 64] >> (i % 64) & 1))
			continue;
		while (w->next < o->n && o->addr[w->next] < base)
			w->next++;
		if (w->next < o->n && o->addr[w->next] - base < run->usable)
			continue;
		pl_vec_push(&w->p->buffers, (struct buffer){base, run->usable, 0, false});
		w->p->buffers.at[w->p->buffers.n - 1].hit =
			next_in_block(w->s, w->v, host, base, run->usable, 0) < run->usable &&
			!is_dead_object(w, base);
	}
	return !pl_ctx_cancelled(w->s->ctx);
}

static void find_bss(struct pl_native_words *s)
{
	const struct pl_module *modules;
	uint64_t size;
	pl_addr lo;
	size_t n;

	modules = pl_image_modules(s->o->im, &n);
	for (size_t i = 0; i < n; i++) {
		if (modules[i].state != PL_MODULE_NOT_ELF &&
		    pl_image_section(s->o->im, (int)i, ".bss", &lo, &size))
			pl_vec_push(&s->bss, (struct bss){lo, lo + size, (int)i});
	}
}

/* The file whose data at is, by its mapping or because it is in its .bss; -1 for none. */
static int file_of(const struct pl_native_words *s, const struct pl_mapping *m, pl_addr at)
{
	if (m && m->module >= 0)
		return m->module;
	for (size_t i = 0; i < s->bss.n; i++) {
		if (at >= s->bss.at[i].lo && at < s->bss.at[i].hi)
			return s->bss.at[i].module;
	}
	return -1;
}

/* What a word of raw memory is that holds a target's address; false when it is no finding. */
static bool is_raw_hit(const struct pl_native_words *s, pl_addr at, pl_addr word,
		       struct pl_native_hit *ret)
{
	const struct pl_mapping *m = pl_image_mapping(s->o->im, at);
	struct pl_native_hit h = {PL_NATIVE_MAPPING, at, word, m ? m->lo : 0, 0, -1};
	const struct pl_thread *t;

	switch (pl_image_stack(s->o->im, at, &t)) {
	case PL_STACK_DEAD:
		return false;
	case PL_STACK_LIVE:
		h.place = PL_NATIVE_STACK;
		h.lwp = t->lwp;
		break;
	case PL_STACK_NONE:
		if (pl_native_known(&s->known, at, word))
			return false;
		h.module = file_of(s, m, at);
		if (h.module >= 0)
			h.place = PL_NATIVE_FILE;
		break;
	}
	*ret = h;
	return true;
}

static void stretch(struct piece *p, const struct pl_native_hit *h)
{
	struct stretch *last = p->stretches.n ? &p->stretches.at[p->stretches.n - 1] : NULL;

	if (last && last->place == h->place && last->lwp == h->lwp)
		last->hi = h->at + 8;
	else
		pl_vec_push(&p->stretches, (struct stretch){h->place, h->lwp, h->at, h->at + 8});
}

static void scan_raw(struct pl_native_words *s, struct pl_view *v, struct piece *p)
{
	pl_addr lo = (p->lo + 7) & ~UINT64_C(7);
	const uint8_t *host = lo < p->hi ? pl_at(v, lo, p->hi - lo) : NULL;
	struct pl_native_hit h;

	for (uint64_t at = 0; host && lo + at + 8 <= p->hi; at += 8) {
		pl_addr word = pl_ld64(host + at);

		if (is_target(s, word) && is_raw_hit(s, lo + at, word, &h))
			stretch(p, &h);
	}
}

static void scan_piece(void *arg, unsigned worker, size_t item)
{
	struct pl_native_words *s = arg;
	struct piece *p = &s->pieces.at[item];

	if (p->region) {
		struct region_walk w = {s, &s->views[worker], p, pl_native_below(s->o, p->lo)};
		struct pl_heap_tally tally = {0};

		pl_heap_walk(s->o->heap, p->region, scan_run, &w, &tally);
	} else {
		scan_raw(s, &s->views[worker], p);
	}
	pl_ctx_step(s->ctx, p->hi - p->lo);
}

/* ---- what to scan ---- */

/* The parts of [lo, hi) that no region covers, in pieces. */
static void add_raw(struct pl_native_words *s, pl_addr lo, pl_addr hi)
{
	size_t i = pl_heap_region_from(s->o->heap, lo); /* the first pieces are the regions */

	while (lo < hi) {
		pl_addr end = i < s->n_regions ? PL_MIN(hi, PL_MAX(lo, s->pieces.at[i].lo)) : hi;

		for (; lo < end; lo += PL_MIN(end - lo, (pl_addr)PIECE))
			pl_vec_push(&s->pieces,
				    (struct piece){.lo = lo,
						   .hi = lo + PL_MIN(end - lo, (pl_addr)PIECE)});
		if (i == s->n_regions)
			break;
		lo = PL_MAX(lo, s->pieces.at[i].hi);
		i++;
	}
}

static uint64_t add_pieces(struct pl_native_words *s)
{
	const struct pl_region *regions;
	const struct pl_span *spans;
	uint64_t bytes = 0;
	size_t n_spans;

	regions = pl_heap_regions(s->o->heap, &s->n_regions);
	for (size_t i = 0; i < s->n_regions; i++)
		pl_vec_push(&s->pieces,
			    (struct piece){&regions[i], regions[i].lo, regions[i].hi, {0}, {0}});
	spans = pl_image_spans(s->o->im, &n_spans);
	for (size_t i = 0; i < n_spans; i++) {
		if (spans[i].source == PL_SPAN_CORE && spans[i].prot & PL_PROT_WRITE)
			add_raw(s, spans[i].lo, spans[i].hi);
	}
	for (size_t i = 0; i < s->pieces.n; i++)
		bytes += s->pieces.at[i].hi - s->pieces.at[i].lo;
	return bytes;
}

/* ---- what is left, in order ---- */

static int by_place(const void *pa, const void *pb)
{
	const struct stretch *a = pa, *b = pb;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->lwp != b->lwp)
		return a->lwp < b->lwp ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

static int by_register(const void *pa, const void *pb)
{
	const struct pl_native_hit *a = pa, *b = pb;

	if (a->lwp != b->lwp)
		return a->lwp < b->lwp ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static void order(struct pl_native_words *s)
{
	const struct pl_thread *t;
	size_t n_threads;

	for (size_t i = s->n_regions; i < s->pieces.n; i++) {
		for (size_t k = 0; k < s->pieces.at[i].stretches.n; k++)
			pl_vec_push(&s->stretches, s->pieces.at[i].stretches.at[k]);
	}
	t = pl_image_threads(s->o->im, &n_threads);
	for (size_t i = 0; i < n_threads; i++) {
		for (size_t r = 0; r < t[i].n_regs; r++) {
			if (is_target(s, t[i].regs[r]))
				pl_vec_push(&s->registers,
					    (struct pl_native_hit){PL_NATIVE_REGISTER, r,
								   t[i].regs[r], 0, t[i].lwp, -1});
		}
	}
	if (s->stretches.n)
		qsort(s->stretches.at, s->stretches.n, sizeof(*s->stretches.at), by_place);
	if (s->registers.n)
		qsort(s->registers.at, s->registers.n, sizeof(*s->registers.at), by_register);
}

/* Who is told, and whether it is time to look at the context. */
struct telling {
	struct pl_native_words *s;
	pl_native_word_fn *fn;
	void *arg;
	bool stopped, cancelled;
	uint64_t read; /* bytes since the last look */
};

static bool goes_on(struct telling *t, uint64_t bytes)
{
	t->read += bytes;
	if (t->read >= PIECE) {
		t->cancelled = pl_ctx_cancelled(t->s->ctx);
		t->read = 0;
	}
	return !t->stopped && !t->cancelled;
}

static void tell(struct telling *t, const struct pl_native_hit *h)
{
	t->stopped = !t->fn(t->arg, h);
	t->read += 256; /* what is done with a word takes longer than to read it */
}

static void tell_block(struct telling *t, const struct buffer *b)
{
	struct pl_view *v = &t->s->views[0];
	const uint8_t *host = pl_at(v, b->base, b->size);
	uint64_t from = (b->owned + 7) & ~UINT64_C(7), at;

	t->read += b->size;
	for (; host && goes_on(t, 8); from = at + 8) {
		at = next_in_block(t->s, v, host, b->base, b->size, from);
		if (at + 8 > b->size)
			return;
		tell(t, &(struct pl_native_hit){PL_NATIVE_BLOCK, b->base + at, pl_ld64(host + at),
						b->base, 0, -1});
	}
}

static void tell_stretch(struct telling *t, const struct stretch *of)
{
	const uint8_t *host = pl_at(&t->s->views[0], of->lo, of->hi - of->lo);
	struct pl_native_hit h;

	for (pl_addr at = of->lo; host && at < of->hi && goes_on(t, 8); at += 8) {
		pl_addr word = pl_ld64(host + (at - of->lo));

		if (is_target(t->s, word) && is_raw_hit(t->s, at, word, &h) && h.place == of->place)
			tell(t, &h);
	}
}

static void tell_place(struct telling *t, enum pl_native_place place)
{
	struct pl_native_words *s = t->s;

	for (size_t i = 0; place == PL_NATIVE_BLOCK && i < s->n_regions; i++) {
		const struct piece *p = &s->pieces.at[i];

		for (size_t k = 0; k < p->buffers.n && goes_on(t, 1); k++) {
			if (p->buffers.at[k].hit)
				tell_block(t, &p->buffers.at[k]);
		}
	}
	for (size_t i = 0; place == PL_NATIVE_REGISTER && i < s->registers.n && !t->stopped; i++)
		tell(t, &s->registers.at[i]);
	for (size_t i = 0; i < s->stretches.n && goes_on(t, 1); i++) {
		if (s->stretches.at[i].place == place)
			tell_stretch(t, &s->stretches.at[i]);
	}
}

int pl_native_words_each(struct pl_native_words *w, enum pl_native_place first,
			 enum pl_native_place last, pl_native_word_fn *fn, void *arg,
			 struct pl_err *err)
{
	struct telling t = {.s = w, .fn = fn, .arg = arg};

	for (enum pl_native_place place = first; place <= last && goes_on(&t, 0); place++)
		tell_place(&t, place);
	return t.cancelled ? pl_ctx_cancel_err(err) : 0;
}

/* ---- */

int pl_native_words_new(const struct pl_objects *o, const struct pl_addrset *targets,
			const pl_id *owners, size_t n_owners, struct pl_ctx *ctx,
			struct pl_native_words **ret, struct pl_err *err)
{
	struct pl_native_words *s = pl_calloc(1, sizeof(*s));
	unsigned workers = pl_parallel_workers(ctx);
	int rc;

	*s = (struct pl_native_words){.o = o, .targets = targets, .ctx = ctx};
	pl_native_known_init(&s->known, o);
	s->views = pl_calloc(workers, sizeof(*s->views));
	for (unsigned i = 0; i < workers; i++)
		pl_view_init(&s->views[i], o->im);
	find_bss(s);
	pl_ctx_stage(ctx, "reading C memory", add_pieces(s));
	rc = pl_parallel(ctx, s->pieces.n, scan_piece, s, err);
	if (!rc)
		rc = pl_native_mark_owned(s, owners, n_owners, err);
	if (!rc)
		rc = pl_native_mark_containers(s, err);
	pl_ctx_stage(ctx, NULL, 0);
	if (rc) {
		pl_native_words_free(s);
		return rc;
	}
	order(s);
	*ret = s;
	return 0;
}

void pl_native_words_free(struct pl_native_words *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->pieces.n; i++) {
		pl_vec_free(&w->pieces.at[i].buffers);
		pl_vec_free(&w->pieces.at[i].stretches);
	}
	pl_vec_free(&w->pieces);
	pl_vec_free(&w->bss);
	pl_vec_free(&w->stretches);
	pl_vec_free(&w->registers);
	pl_native_known_fini(&w->known);
	free(w->views);
	free(w);
}
