/*
 * infer.c - finding the interpreter's structures with no symbol at all, by what they must satisfy.
 *
 * Knows the shapes that no other data has: a type that is its own type, an interpreter whose
 * threads point back to it, three lists that close. Looks in the data of the interpreter's file and
 * in the anonymous memory behind it, which is its .bss; everywhere only when no file is known.
 */
#include "layout/internal.h"

struct search {
	struct pl_view v;
	struct pl_layout *l;
	pl_addr ret;
	unsigned tries; /* costly looks that are left: a hostile core offers endless candidates */
};
#define MAX_TRIES 1000

/*
 * Offsets that every version from 2.7 to 3.15 has in common (Include/object.h); Py_TRACE_REFS up to
 * 3.12 and free-threaded builds put two words more in front of ob_type.
 */
enum { AT_TYPE = 8, AT_BASICSIZE = 32, AT_FLAGS = 168, LONGER_HEAD = 16 };

static bool type_in(void *arg, pl_addr lo, const uint8_t *host, uint64_t n)
{
	struct search *q = arg;

	for (uint64_t at = (8 - lo % 8) % 8; at + AT_FLAGS + LONGER_HEAD + 8 <= n; at += 8) {
		for (unsigned head = 0; head <= LONGER_HEAD; head += LONGER_HEAD) {
			const uint8_t *p = host + at + head;
			uint64_t basicsize = pl_ld64(p + AT_BASICSIZE);

			if (pl_ld64(p + AT_TYPE) != lo + at || basicsize < 800 ||
			    basicsize > 1200 || !(pl_ld64(p + AT_FLAGS) & 1u << 31))
				continue;
			q->ret = lo + at;
			return true;
		}
	}
	return false;
}

static struct pl_layout_range range_of(const struct pl_image *im, const struct pl_found *found)
{
	return pl_layout_statics_range(im, found->path_module);
}

pl_addr pl_layout_find_type(struct pl_image *im, struct pl_ctx *ctx, const struct pl_found *found)
{
	struct search q = {.ret = 0};

	return pl_layout_scan(im, ctx, range_of(im, found), type_in, &q) ? q.ret : 0;
}

static bool cookie_in(void *arg, pl_addr lo, const uint8_t *host, uint64_t n)
{
	struct search *q = arg;
	uint64_t cookie = pl_ld64((const uint8_t *)PL_DEBUG_COOKIE);
	uint32_t hex;
	bool free_threaded;

	for (uint64_t at = (8 - lo % 8) % 8; at + 8 <= n; at += 8) {
		if (pl_ld64(host + at) != cookie ||
		    !pl_layout_debug_head(&q->v, lo + at, &hex, &free_threaded))
			continue;
		q->ret = lo + at;
		return true;
	}
	return false;
}

pl_addr pl_layout_find_cookie(struct pl_image *im, struct pl_ctx *ctx, const struct pl_found *found)
{
	struct search q = {.ret = 0};

	pl_view_init(&q.v, im);
	return pl_layout_scan(im, ctx, range_of(im, found), cookie_in, &q) ? q.ret : 0;
}

/* addr is an interpreter that runs: it has a thread, and its modules hold sys. */
static bool live_interp(struct search *q, pl_addr addr)
{
	static const char *const keys[] = {"sys"};
	unsigned threads, found;
	uint64_t modules;

	return q->tries && pl_layout_is_interp(&q->v, q->l, addr, &threads) && threads &&
	       q->tries-- && pl_layout_word(&q->v, addr, q->l->f.interp_modules, &modules) &&
	       pl_layout_dict_keys(&q->v, q->l, modules, keys, 1, &found) && found;
}

/* interpreters.head of the runtime, followed by .main; or the static interp_head before 3.7 */
static bool head_in(void *arg, pl_addr lo, const uint8_t *host, uint64_t n)
{
	struct search *q = arg;
	bool has_main = pl_has(q->l->f.runtime_interpreters_main);

	for (uint64_t at = (8 - lo % 8) % 8; at + 16 <= n; at += 8) {
		pl_addr head = pl_ld64(host + at), first = pl_ld64(host + at + 8);

		if (!head || head & 7 || (has_main && (!first || first & 7)) ||
		    !live_interp(q, head) || (has_main && head != first && !live_interp(q, first)))
			continue;
		q->ret = lo + at;
		return true;
	}
	return false;
}

/* The head at addr belongs to a list that closes around it, next and prev alike. */
static bool links_back(struct search *q, pl_addr head)
{
	const struct pl_fields *f = &q->l->f;
	uint64_t next, prev, back;

	return pl_layout_word(&q->v, head, f->gc_head_next, &next) && next &&
	       pl_layout_word(&q->v, head, f->gc_head_prev, &prev) && prev &&
	       pl_layout_word(&q->v, next, f->gc_head_prev, &back) && back == head &&
	       pl_layout_word(&q->v, prev, f->gc_head_next, &back) && back == head;
}

/* The static array of three generations (Modules/gcmodule.c before 3.7). */
static bool generations_in(void *arg, pl_addr lo, const uint8_t *host, uint64_t n)
{
	struct search *q = arg;
	const struct pl_fields *f = &q->l->f;
	uint64_t stride = (uint64_t)(int64_t)f->generation_size;

	for (uint64_t at = (8 - lo % 8) % 8; at + 3 * stride <= n; at += 8) {
		unsigned closed = 0, empty = 0;

		/* the first threshold is hardly ever zero; cheap to ask, and most memory is zero */
		if (pl_ld32(host + at + f->generation_threshold) == 0)
			continue;
		for (; closed < 3 && links_back(q, lo + at + closed * stride); closed++)
			empty += pl_ld64(host + at + closed * stride) == lo + at + closed * stride;
		if (closed < 3 || empty == 3)
			continue;
		q->ret = lo + at;
		return true;
	}
	return false;
}

void pl_layout_find_places(struct pl_image *im, struct pl_ctx *ctx, const struct pl_found *found,
			   struct pl_layout *l)
{
	struct pl_layout_range range = range_of(im, found);
	struct search q = {.l = l, .tries = MAX_TRIES};

	pl_view_init(&q.v, im);
	if (!l->type_type || (l->runtime && found->has_cookie))
		return;
	if (pl_has(l->f.runtime_interpreters_head)) {
		if (!l->runtime && pl_layout_scan(im, ctx, range, head_in, &q)) {
			l->runtime = q.ret - (uint64_t)(int64_t)l->f.runtime_interpreters_head;
			pl_read64(&q.v, q.ret, &l->interp_head);
		}
		return;
	}
	if (!l->interp_head && pl_layout_scan(im, ctx, range, head_in, &q))
		pl_read64(&q.v, q.ret, &l->interp_head);
	q.ret = 0;
	if (!l->gc_statics && pl_has(l->f.generation_size) && pl_has(l->f.generation_threshold) &&
	    l->f.generation_size >= 24 && l->f.generation_size <= 64 &&
	    l->f.generation_threshold + 4 <= l->f.generation_size &&
	    pl_layout_scan(im, ctx, range, generations_in, &q)) {
		l->gc_statics = q.ret;
		pl_layout_set(l, PL_F_gc_generations, 0, 3 * (uint32_t)l->f.generation_size,
			      PL_FROM_INFERENCE);
	}
}

/*
 * The fields of the interpreter state from one on move; those behind certain may have moved or not,
 * nobody can tell, so they are dropped. What the core itself told stays.
 */
static void move_interp(struct pl_layout *l, int32_t certain, int32_t from, int32_t by)
{
	for (unsigned i = 0; i < PL_N_FIELDS; i++) {
		int32_t offset = pl_layout_offset(l, i);

		if (strcmp(pl_layout_rows[i].strct, "_is") || !*pl_layout_rows[i].member ||
		    !pl_has(offset) || l->source[i] == PL_FROM_DEBUG_OFFSETS)
			continue;
		if (offset >= from)
			pl_layout_set(l, i, offset + by, *pl_layout_width(l, i), PL_FROM_INFERENCE);
		else if (offset >= certain)
			pl_layout_set(l, i, PL_NONE, 0, PL_FROM_INFERENCE);
	}
}

/* A pointer to an allocator's state at offset of the first interpreter. */
static bool points_to_obmalloc(struct pl_view *v, const struct pl_layout *l, int32_t offset)
{
	uint64_t state;
	uint32_t count;
	pl_addr arenas;

	return pl_layout_word(v, l->interp_head, offset, &state) && state &&
	       pl_layout_is_obmalloc(v, l, state, &count, &arenas);
}

void pl_layout_find_tail(struct pl_image *im, struct pl_layout *l)
{
	enum { REACH = 4096, RECORDS = 16 };
	struct pl_view v;
	int32_t told = l->f.interp_static_types;
	int32_t start = PL_MAX(l->f.interp_builtins, 0) + 8;

	pl_view_init(&v, im);
	if (!l->interp_head || !pl_has(told) || !pl_has(l->f.interp_types) ||
	    !pl_has(l->f.managed_static_type_size) ||
	    pl_layout_is_static_types(&v, l, pl_layout_at(l->interp_head, told), RECORDS))
		return;
	for (int32_t by = 8; by <= 2 * REACH; by += 8) {
		/* nearest first, above and below in turn */
		int32_t move = by / 8 % 2 ? (by + 8) / 2 / 8 * 8 : -(by / 2 / 8 * 8);
		pl_addr records = pl_layout_at(l->interp_head, told + move);

		if (told + move <= start || !pl_layout_is_static_types(&v, l, records, RECORDS))
			continue;
		/* what grew lies before the allocator's pointer, or behind it and the freelists */
		if (l->w.interp_obmalloc == 8 && points_to_obmalloc(&v, l, l->f.interp_obmalloc))
			move_interp(l, l->f.interp_freelists + (int32_t)l->w.interp_freelists,
				    l->f.interp_types, move);
		else
			move_interp(l, start, start, move);
		return;
	}
}
