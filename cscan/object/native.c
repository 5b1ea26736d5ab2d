/*
 * native.c - one parallel pass over the memory that is no Python object.
 *
 * The heap is read block by block, so that what was freed is never looked at; other writable memory
 * is read as it is, thread stacks from their stack pointer on.
 */
#include "object/native.h"

#include <stdio.h>

#include "base/parallel.h"
#include "base/utf8.h"

enum {
	MAX_HITS = 1 << 16,
	PIECE = 4 << 20, /* bytes of raw memory that a worker takes at a time */
	PREHEADER = 16,  /* bytes of the two words before the gc head (Objects/object_layout.md) */
	MAX_BODY = 4096, /* bytes of an object that may point to its buffers */
	RED_ZONE = 128,  /* bytes below the stack pointer that a function may use (System V ABI) */
	MAX_CHUNKS = 1 << 16, /* of a thread's stack of frames */
	MAX_THREADS = 1 << 16,
	MAX_FREELIST = 80, /* entries of an array: PyList_MAXFREELIST, PyDict_MAXFREELIST */
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
	PL_VEC(pl_addr) freelists; /* arrays */
	struct pl_addrset frames;  /* pages of the stacks of frames: their roots are known */
	PL_VEC(struct piece) pieces;
	size_t n_regions; /* the first pieces */
	struct pl_view *views;
	struct pl_ctx *ctx;
	_Atomic size_t n_hits;
};

/* ---- objects near an address ---- */

/* How many objects start below addr. */
static size_t below(const struct pl_objects *o, pl_addr addr)
{
	size_t lo = 0, hi = o->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->addr[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool in_static_object(const struct native *s, pl_addr at)
{
	const struct pl_objects *o = s->o;
	size_t i = below(o, at + 1);

	/* sys.getsizeof() of a static type counts what only heap types have. */
	return i && at - o->addr[i - 1] < (pl_object_type(o, (pl_id)(i - 1))->is_type
						   ? (uint64_t)o->l->f.type_struct_size
						   : o->size[i - 1]);
}

/*
 * An array of dead objects keeps stale pointers behind its last entry. How long it is nobody says,
 * so what may lie behind it counts unless it is of the kind that such arrays keep: with a gc head.
 */
static bool in_freelist(const struct native *s, pl_addr at, pl_addr word)
{
	pl_id id = pl_objects_id(s->o, word);

	if (id != PL_NO_ID && !(s->o->flags[id] & PL_OBJ_GC))
		return false;
	for (size_t i = 0; i < s->freelists.n; i++) {
		if (at - s->freelists.at[i] < 8 * MAX_FREELIST)
			return true;
	}
	return false;
}

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
			    !is_dead_object(w, base))
				hit(w->s, w->p,
				    (struct pl_native_hit){PL_NATIVE_BLOCK, base + at, word, base,
							   0, -1});
		}
	}
	return !pl_ctx_cancelled(w->s->ctx);
}

/* The thread whose stack the mapping is, or NULL. */
static const struct pl_thread *stack_of(const struct native *s, const struct pl_mapping *m)
{
	const struct pl_thread *t;
	size_t n;

	t = pl_image_threads(s->o->im, &n);
	for (size_t i = 0; m && i < n; i++) {
		if (t[i].sp >= m->lo && t[i].sp < m->hi)
			return &t[i];
	}
	return NULL;
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

static void find_freelists(struct native *s)
{
	for (size_t i = 0; i < s->o->n_interps; i++) {
		struct pl_freelist *lists = NULL;
		size_t n = pl_layout_freelists(s->o->im, s->o->l, s->o->interps[i].addr, &lists);

		for (size_t k = 0; k < n; k++) {
			if (lists[k].kind == PL_FREELIST_ARRAY)
				pl_vec_push(&s->freelists, lists[k].where);
		}
		free(lists);
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
	const struct pl_thread *t = stack_of(s, m);
	struct pl_native_hit h = {PL_NATIVE_MAPPING, at, word, m ? m->lo : 0, 0, -1};

	if (t) {
		h.place = PL_NATIVE_STACK;
		h.lwp = t->lwp;
		if (at + RED_ZONE < t->sp)
			return;
	} else if (in_static_object(s, at) || in_freelist(s, at, word) ||
		   pl_addrset_has(&s->frames, at & ~UINT64_C(0xfff))) {
		return;
	} else {
		h.module = file_of(s, m, at);
		if (h.module >= 0)
			h.place = PL_NATIVE_FILE;
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
		struct region_walk w = {s, &s->views[worker], p, below(s->o, p->lo)};
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
	size_t i = 0;

	while (i < s->n_regions && s->pieces.at[i].hi <= lo)
		i++;
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

/* A chunk of a stack of frames; false when it was marked before: the list runs in a circle. */
static bool mark_chunk(struct native *s, pl_addr chunk, uint64_t size)
{
	pl_addr page = chunk & ~UINT64_C(0xfff);

	if (!pl_addrset_add(&s->frames, page))
		return false;
	for (page += 0x1000; page < chunk + size; page += 0x1000)
		pl_addrset_add(&s->frames, page);
	return true;
}

/*
 * 3.11+: frames lie on stacks of their own (_PyStackChunk, Include/cpython/pystate.h), which are
 * mapped page by page.
 */
static void mark_thread(struct native *s, struct pl_view *v, pl_addr tstate)
{
	const struct pl_fields *f = &s->o->l->f;
	uint64_t chunk = 0, size;

	pl_read64(v, tstate + (uint64_t)f->thread_datastack_chunk, &chunk);
	for (size_t i = 0; chunk && i < MAX_CHUNKS; i++) {
		if (!pl_read64(v, chunk + (uint64_t)f->stackchunk_size, &size) ||
		    !pl_at(v, chunk, size) || !mark_chunk(s, chunk, size) ||
		    !pl_read64(v, chunk + (uint64_t)f->stackchunk_previous, &chunk))
			return;
	}
}

static void mark_frames(struct native *s, struct pl_view *v)
{
	const struct pl_fields *f = &s->o->l->f;
	uint64_t tstate;

	if (!pl_has(f->thread_datastack_chunk) || !pl_has(f->stackchunk_size))
		return;
	for (size_t i = 0; i < s->o->n_interps; i++) {
		if (!pl_read64(v, s->o->interps[i].addr + (uint64_t)f->interp_threads_head,
			       &tstate))
			continue;
		for (size_t t = 0; tstate && t < MAX_THREADS; t++) {
			mark_thread(s, v, tstate);
			if (!pl_read64(v, tstate + (uint64_t)f->thread_next, &tstate))
				break;
		}
	}
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

static int mark_owned(struct native *s, const pl_id *owners, size_t n, struct pl_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct pl_type *type = pl_object_type(s->o, owners[i]);
		uint64_t size = (uint64_t)PL_MIN(PL_MAX(type->basicsize, 16), MAX_BODY);

		if (i % 4096 == 0 && pl_ctx_cancelled(s->ctx))
			return pl_ctx_cancel_err(err);
		own(s, &s->views[0], s->o->addr[owners[i]], size);
		/* Not the gc head: the ends of a list point into the interpreter's struct. */
		if (type->preheader)
			own(s, &s->views[0], s->o->addr[owners[i]] - type->head, PREHEADER);
	}
	return 0;
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

	pl_addrset_init(&s.frames);
	s.views = pl_calloc(workers, sizeof(*s.views));
	for (unsigned i = 0; i < workers; i++)
		pl_view_init(&s.views[i], o->im);
	mark_frames(&s, &s.views[0]);
	find_bss(&s);
	find_freelists(&s);
	pl_ctx_stage(ctx, "reading C memory", add_pieces(&s));
	rc = pl_parallel(ctx, s.pieces.n, scan_piece, &s, err);
	if (!rc)
		rc = mark_owned(&s, owners, n_owners, err);
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
	pl_vec_free(&s.freelists);
	pl_addrset_fini(&s.frames);
	free(s.views);
	return rc;
}

/* ---- names ---- */

static void name_in_file(const struct pl_objects *o, const struct pl_native_hit *hit, char *buf,
			 size_t cap)
{
	const struct pl_module *modules, *module;
	struct pl_symbol symbol;
	char file[512];
	const char *base;
	size_t n;

	modules = pl_image_modules(o->im, &n);
	module = &modules[hit->module];
	pl_utf8_escape(file, sizeof(file), module->path, strlen(module->path));
	base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	if (pl_image_symbol_at(o->im, hit->at, &symbol))
		snprintf(buf, cap, "<native %s %s+0x%llx>", base, symbol.name,
			 (unsigned long long)(hit->at - symbol.addr));
	else
		snprintf(buf, cap, "<native %s+0x%llx>", base,
			 (unsigned long long)(hit->at - module->bias));
}

void pl_native_name(const struct pl_objects *o, const struct pl_native_hit *hit, char *buf,
		    size_t cap)
{
	unsigned long long at = hit->at, base = hit->base;

	switch (hit->place) {
	case PL_NATIVE_FILE:
		name_in_file(o, hit, buf, cap);
		break;
	case PL_NATIVE_BLOCK:
		snprintf(buf, cap, "<malloc block 0x%llx+0x%llx>", base, at - base);
		break;
	case PL_NATIVE_MAPPING:
		snprintf(buf, cap, "<mapping 0x%llx+0x%llx>", base, at - base);
		break;
	case PL_NATIVE_STACK:
		snprintf(buf, cap, "<stack of thread %u 0x%llx>", hit->lwp, at);
		break;
	case PL_NATIVE_REGISTER:
		snprintf(buf, cap, "<register %llu of thread %u>", at, hit->lwp);
		break;
	}
}
