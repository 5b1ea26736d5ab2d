/*
 * native.c - one parallel pass over the memory that is no Python object.
 *
 * The heap is read block by block, so that what was freed is never looked at; other writable memory
 * is read as it is, thread stacks from their stack pointer on.
 */
#include "object/native/native.h"

#include "base/parallel.h"
#include "object/native/native_known.h"

enum {
	MAX_HITS = 1 << 16,
	PIECE = 4 << 20, /* bytes of raw memory that a worker takes at a time */
	PREHEADER = 16,  /* bytes of the two words before the gc head (Objects/object_layout.md) */
	INT_BLOCK = 992, /* bytes of a block of ints without what malloc adds; the full
			    BLOCK_SIZE is 1000 */
	MAX_BODY = 4096, /* bytes of an object that may point to its buffers */
};

/* The .bss of a mapped file. */
struct bss {
	pl_addr lo, hi;
	int module;
};

/* A live block that holds no object. */
struct buffer {
	pl_addr base;
	uint64_t size;
	bool owned; /* by one of the owners */
};

/* What a worker takes: a region of the heap, or raw memory. */
struct piece {
	const struct pl_region *region; /* or NULL */
	pl_addr lo, hi;
	PL_VEC(struct buffer) buffers; /* of a region, ascending */
	PL_VEC(struct pl_native_hit) hits;
};

struct native {
	const struct pl_objects *o;
	const struct pl_addrset *targets;
	PL_VEC(struct bss) bss;
	struct pl_native_known known;
	PL_VEC(struct piece) pieces;
	size_t n_regions; /* the first pieces */
	struct pl_view *views;
	struct pl_ctx *ctx;
	_Atomic size_t n_hits;
};

/* ---- scanning ---- */

static void hit(struct native *s, struct piece *p, struct pl_native_hit h)
{
	if (atomic_fetch_add(&s->n_hits, 1) < MAX_HITS)
		pl_vec_push(&p->hits, h);
}

struct region_walk {
	struct native *s;
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
static bool in_free_int(struct region_walk *w, pl_addr base, uint64_t usable, pl_addr at)
{
	const struct pl_fields *f = &w->s->o->l->f;
	uint64_t count;

	return pl_has(f->int_ival) && usable >= INT_BLOCK && usable < INT_BLOCK + 32 &&
	       (at - base - 8) % ((uint64_t)f->int_ival + 8) == (uint64_t)f->int_ival &&
	       pl_read64(w->v, at - (uint64_t)f->int_ival, &count) && !count;
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
		pl_vec_push(&w->p->buffers, (struct buffer){base, run->usable, false});
		for (uint64_t at = 0; at + 8 <= run->usable; at += 8) {
			pl_addr word = pl_ld64(host + at);

			if (word && pl_addrset_has(w->s->targets, word) && !(word & 7) &&
			    !is_dead_object(w, base) &&
			    !in_free_int(w, base, run->usable, base + at))
				hit(w->s, w->p,
				    (struct pl_native_hit){PL_NATIVE_BLOCK, base + at, word, base,
							   0, -1});
		}
	}
	return !pl_ctx_cancelled(w->s->ctx);
}

static void find_bss(struct native *s)
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
static int file_of(const struct native *s, const struct pl_mapping *m, pl_addr at)
{
	if (m && m->module >= 0)
		return m->module;
	for (size_t i = 0; i < s->bss.n; i++) {
		if (at >= s->bss.at[i].lo && at < s->bss.at[i].hi)
			return s->bss.at[i].module;
	}
	return -1;
}

static void raw_hit(struct native *s, struct piece *p, pl_addr at, pl_addr word)
{
	const struct pl_mapping *m = pl_image_mapping(s->o->im, at);
	struct pl_native_hit h = {PL_NATIVE_MAPPING, at, word, m ? m->lo : 0, 0, -1};
	const struct pl_thread *t;

	switch (pl_image_stack(s->o->im, at, &t)) {
	case PL_STACK_DEAD:
		return;
	case PL_STACK_LIVE:
		h.place = PL_NATIVE_STACK;
		h.lwp = t->lwp;
		break;
	case PL_STACK_NONE:
		if (pl_native_known(&s->known, at, word))
			return;
		h.module = file_of(s, m, at);
		if (h.module >= 0)
			h.place = PL_NATIVE_FILE;
		break;
	}
	hit(s, p, h);
}

static void scan_raw(struct native *s, struct pl_view *v, struct piece *p)
{
	pl_addr lo = (p->lo + 7) & ~UINT64_C(7);
	const uint8_t *host = lo < p->hi ? pl_at(v, lo, p->hi - lo) : NULL;

	for (uint64_t at = 0; host && lo + at + 8 <= p->hi; at += 8) {
		pl_addr word = pl_ld64(host + at);

		if (word && pl_addrset_has(s->targets, word) && !(word & 7))
			raw_hit(s, p, lo + at, word);
	}
}

static void scan_piece(void *arg, unsigned worker, size_t item)
{
	struct native *s = arg;
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
static void add_raw(struct native *s, pl_addr lo, pl_addr hi)
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

static uint64_t add_pieces(struct native *s)
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

/* ---- whose buffers the hits lie in ---- */

static struct buffer *buffer_at(struct native *s, pl_addr addr)
{
	size_t lo = 0, hi = s->n_regions;
	struct piece *p;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->pieces.at[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr >= s->pieces.at[lo - 1].hi)
		return NULL;
	p = &s->pieces.at[lo - 1];
	for (lo = 0, hi = p->buffers.n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->buffers.at[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr - p->buffers.at[lo - 1].base < p->buffers.at[lo - 1].size
		       ? &p->buffers.at[lo - 1]
		       : NULL;
}

/*
 * Mark the buffers that memory points to; from a buffer on only those of its own size, which is how
 * lists of blocks are made (deque), for other pointers may lead anywhere in the process.
 */
static void own(struct native *s, struct pl_view *v, pl_addr at, uint64_t size)
{
	struct todo {
		pl_addr at;
		uint64_t size;
		bool buffer;
	};
	PL_VEC(struct todo) todo = {0};

	pl_vec_push(&todo, (struct todo){at, size, false});
	while (todo.n) {
		struct todo t = todo.at[--todo.n];
		const uint8_t *host = pl_at(v, t.at, t.size);

		for (uint64_t i = 0; host && i + 8 <= t.size; i += 8) {
			struct buffer *b = buffer_at(s, pl_ld64(host + i));

			if (!b || b->owned || (t.buffer && b->size != t.size))
				continue;
			b->owned = true;
			pl_vec_push(&todo, (struct todo){b->base, b->size, true});
		}
	}
	pl_vec_free(&todo);
}

/*
 * The keys that a split dict shares with others belong to its class, or when that has new ones
 * to nobody whose references a decoder tells: such a table may explain a count.
 */
static bool is_split(const struct native *s, pl_addr dict)
{
	const struct pl_fields *f = &s->o->l->f;
	uint64_t values;

	return pl_has(f->dict_values) &&
	       (!pl_read64(&s->views[0], dict + (uint64_t)f->dict_values, &values) || values);
}

static int mark_owned(struct native *s, const pl_id *owners, size_t n, struct pl_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct pl_type *type = pl_object_type(s->o, owners[i]);
		uint64_t size = (uint64_t)PL_MIN(PL_MAX(type->basicsize, 16), MAX_BODY);

		if (i % 4096 == 0 && pl_ctx_cancelled(s->ctx))
			return pl_ctx_cancel_err(err);
		if (type->kind == PL_KIND_DICT && is_split(s, s->o->addr[owners[i]]))
			continue;
		own(s, &s->views[0], s->o->addr[owners[i]], size);
		/* Not the gc head: the ends of a list point into the interpreter's struct. */
		if (type->preheader)
			own(s, &s->views[0], s->o->addr[owners[i]] - type->head, PREHEADER);
	}
	return 0;
}

/*
 * The buffers of builtin containers hold stale words where they hold no entries: behind a list's
 * last item, in a table that grew. What the entries refer to the decoders tell.
 */
static void own_block(struct native *s, const struct pl_addrset *blocks, pl_addr at)
{
	struct buffer *b = pl_addrset_has(blocks, at) ? buffer_at(s, at) : NULL;

	if (b && b->base == at)
		b->owned = true;
}

static void own_buffer(struct native *s, const struct pl_addrset *blocks, pl_addr object,
		       int32_t field)
{
	uint64_t at;

	if (pl_has(field) && pl_read64(&s->views[0], object + (uint64_t)(int64_t)field, &at))
		own_block(s, blocks, at);
}

/* The values of a split dict; 3.11 and 3.12 point behind a prefix that ends in its own length. */
static void own_values(struct native *s, const struct pl_addrset *blocks, pl_addr dict)
{
	const struct pl_fields *f = &s->o->l->f;
	const uint8_t *prefix;
	uint64_t at;

	if (!pl_has(f->dict_values) ||
	    !pl_read64(&s->views[0], dict + (uint64_t)f->dict_values, &at) || !at)
		return;
	if (s->o->l->values_style == PL_VALUES_PREFIXED) {
		prefix = pl_at(&s->views[0], at - 1, 1);
		at -= prefix ? *prefix : 0;
	}
	own_block(s, blocks, at);
}

static void own_buffers(struct native *s, const struct pl_addrset *blocks, pl_id id)
{
	const struct pl_fields *f = &s->o->l->f;
	pl_addr addr = s->o->addr[id];

	if (pl_object_type(s->o, id)->is_type && !(s->o->flags[id] & PL_OBJ_STATIC))
		own_buffer(s, blocks, addr, f->heaptype_cached_keys);
	switch (pl_object_type(s->o, id)->kind) {
	case PL_KIND_LIST:
		own_buffer(s, blocks, addr, f->list_items);
		break;
	case PL_KIND_SET:
	case PL_KIND_FROZENSET:
		own_buffer(s, blocks, addr, f->set_table);
		break;
	case PL_KIND_DICT:
	case PL_KIND_DEFAULTDICT:
	case PL_KIND_ORDEREDDICT:
		if (!is_split(s, addr))
			own_buffer(s, blocks, addr, f->dict_keys);
		own_buffer(s, blocks, addr, f->dict_table);
		own_values(s, blocks, addr);
		break;
	case PL_KIND_DEQUE:
		if (pl_has(f->deque_struct_size))
			own(s, &s->views[0], addr, (uint64_t)f->deque_struct_size);
		break;
	default:
		break;
	}
}

static int mark_containers(struct native *s, struct pl_err *err)
{
	struct pl_addrset blocks;
	int rc = 0;

	pl_addrset_init(&blocks);
	for (size_t i = 0; i < s->n_regions; i++) {
		const struct piece *p = &s->pieces.at[i];

		for (size_t k = 0; k < p->hits.n; k++)
			pl_addrset_add(&blocks, p->hits.at[k].base);
	}
	for (size_t id = 0; blocks.n && !rc && id < s->o->n; id++) {
		if (id % 4096 == 0 && pl_ctx_cancelled(s->ctx))
			rc = pl_ctx_cancel_err(err);
		else
			own_buffers(s, &blocks, (pl_id)id);
	}
	pl_addrset_fini(&blocks);
	return rc;
}

/* ---- putting together ---- */

static int by_place(const void *pa, const void *pb)
{
	const struct pl_native_hit *a = pa, *b = pb;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->lwp != b->lwp)
		return a->lwp < b->lwp ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static void collect(struct native *s, struct pl_native_hit **ret, size_t *n)
{
	PL_VEC(struct pl_native_hit) all = {0};
	const struct pl_thread *t;
	size_t n_threads;

	for (size_t i = 0; i < s->pieces.n; i++) {
		const struct piece *p = &s->pieces.at[i];

		for (size_t k = 0; k < p->hits.n; k++) {
			const struct buffer *b =
				p->region ? buffer_at(s, p->hits.at[k].base) : NULL;

			if (!b || !b->owned)
				pl_vec_push(&all, p->hits.at[k]);
		}
	}
	t = pl_image_threads(s->o->im, &n_threads);
	for (size_t i = 0; i < n_threads; i++) {
		for (size_t r = 0; r < t[i].n_regs; r++) {
			if (t[i].regs[r] && !(t[i].regs[r] & 7) &&
			    pl_addrset_has(s->targets, t[i].regs[r]))
				pl_vec_push(&all,
					    (struct pl_native_hit){PL_NATIVE_REGISTER, r,
								   t[i].regs[r], 0, t[i].lwp, -1});
		}
	}
	if (all.n)
		qsort(all.at, all.n, sizeof(*all.at), by_place);
	*ret = all.at;
	*n = all.n;
}

int pl_native_words(const struct pl_objects *o, const struct pl_addrset *targets,
		    const pl_id *owners, size_t n_owners, struct pl_ctx *ctx,
		    struct pl_native_hit **ret, size_t *n, struct pl_err *err)
{
	unsigned workers = pl_parallel_workers(ctx);
	struct native s = {.o = o, .targets = targets, .ctx = ctx};
	int rc;

	pl_native_known_init(&s.known, o);
	s.views = pl_calloc(workers, sizeof(*s.views));
	for (unsigned i = 0; i < workers; i++)
		pl_view_init(&s.views[i], o->im);
	find_bss(&s);
	pl_ctx_stage(ctx, "reading C memory", add_pieces(&s));
	rc = pl_parallel(ctx, s.pieces.n, scan_piece, &s, err);
	if (!rc)
		rc = mark_owned(&s, owners, n_owners, err);
	if (!rc)
		rc = mark_containers(&s, err);
	if (!rc) {
		collect(&s, ret, n);
		if (s.n_hits > MAX_HITS)
			pl_ctx_note(ctx, PL_WARNING, "stopped-looking",
				    "%zu words of C memory fit: only %d were looked at",
				    (size_t)s.n_hits, (int)MAX_HITS);
	}
	pl_ctx_stage(ctx, NULL, 0);
	for (size_t i = 0; i < s.pieces.n; i++) {
		pl_vec_free(&s.pieces.at[i].buffers);
		pl_vec_free(&s.pieces.at[i].hits);
	}
	pl_vec_free(&s.pieces);
	pl_vec_free(&s.bss);
	pl_native_known_fini(&s.known);
	free(s.views);
	return rc;
}
