/*
 * freelists.c - dead objects that the allocator believes to be alive.
 *
 * Knows where each version keeps the objects it will use again: file-scope statics up to 3.9,
 * fields of the interpreter since 3.10, records of one shape since 3.14
 * (Include/internal/pycore_freelist*.h). Where a stripped binary hides the statics, their members
 * still have refcount 0 and nobody takes them for living; the exception, unicode of 2.7, is
 * searched for.
 */
#include "layout/internal.h"

#define MAX_TUPLE_LISTS 32 /* PyTuple_MAXSAVESIZE is 20 in all versions */
#define NEAR 64            /* a static counter lies that close to its list */
#define MAX_UNICODE 1024   /* PyUnicode_MAXFREELIST of 2.7 */
/* Py_TPFLAGS_LIST_SUBCLASS and so on (Include/object.h), the same in all versions */
#define FLAG_LIST (1u << 25)
#define FLAG_UNICODE (1u << 28)
#define FLAG_DICT (1u << 29)

static const char *const tuple_names[MAX_TUPLE_LISTS] = {
	"tuples[0]",  "tuples[1]",  "tuples[2]",  "tuples[3]",  "tuples[4]",  "tuples[5]",
	"tuples[6]",  "tuples[7]",  "tuples[8]",  "tuples[9]",  "tuples[10]", "tuples[11]",
	"tuples[12]", "tuples[13]", "tuples[14]", "tuples[15]", "tuples[16]", "tuples[17]",
	"tuples[18]", "tuples[19]", "tuples[20]", "tuples[21]", "tuples[22]", "tuples[23]",
	"tuples[24]", "tuples[25]", "tuples[26]", "tuples[27]", "tuples[28]", "tuples[29]",
	"tuples[30]", "tuples[31]",
};

struct gather {
	struct pl_image *im;
	struct pl_view v;
	const struct pl_layout *l;
	PL_VEC(struct pl_freelist) lists;
};

static void add(struct gather *g, const char *name, enum pl_freelist_kind kind, pl_addr where,
		int32_t link, uint64_t count, bool objects)
{
	/* a link whose offset is unknown cannot be followed */
	if (kind == PL_FREELIST_CHAIN_AT && !pl_has(link))
		return;
	pl_vec_push(&g->lists, (struct pl_freelist){
				       .name = name,
				       .kind = kind,
				       .where = where,
				       .link_offset = kind == PL_FREELIST_CHAIN_AT ? link : 0,
				       .count = count,
				       .objects = objects,
			       });
}

/* A counter of width bytes; below zero (the interpreter is going down) and unreadable are none. */
static uint64_t counter(struct gather *g, pl_addr addr, uint64_t width)
{
	const uint8_t *p = pl_at(&g->v, addr, width == 4 ? 4 : 8);
	int64_t value = !p ? 0 : width == 4 ? (int32_t)pl_ld32(p) : (int64_t)pl_ld64(p);

	return value > 0 ? (uint64_t)value : 0;
}

/* ---- 3.10 and later: in the interpreter ---- */
static const struct in_interp {
	const char *name;
	uint16_t head, count; /* fields; count PL_N_FIELDS = one pointer, or NULL */
	uint8_t kind;         /* before 3.14 */
	uint16_t link;        /* field, for PL_FREELIST_CHAIN_AT */
	bool blocks;          /* no objects */
} in_interp[] = {
#define LIST(name) PL_F_free_##name, PL_F_free_##name##_n
	{"floats", LIST(floats), PL_FREELIST_CHAIN_TYPE, 0, false},
	{"complexes", LIST(complexes), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"ints", LIST(ints), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"lists", LIST(lists), PL_FREELIST_ARRAY, 0, false},
	{"list_iters", LIST(list_iters), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"tuple_iters", LIST(tuple_iters), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"dicts", LIST(dicts), PL_FREELIST_ARRAY, 0, false},
	{"dictkeys", LIST(dictkeys), PL_FREELIST_ARRAY, 0, true},
	{"slices", LIST(slices), PL_FREELIST_ARRAY, 0, false},
	{"ranges", LIST(ranges), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"range_iters", LIST(range_iters), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"contexts", LIST(contexts), PL_FREELIST_CHAIN_AT, PL_F_context_weaklist, false},
	{"async_gens", LIST(async_gens), PL_FREELIST_ARRAY, 0, false},
	{"async_gen_asends", LIST(async_gen_asends), PL_FREELIST_ARRAY, 0, false},
	{"futureiters", LIST(futureiters), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"stack_chunks", LIST(stack_chunks), PL_FREELIST_CHAIN_FIRST, 0, true},
	{"unicode_writers", LIST(unicode_writers), PL_FREELIST_CHAIN_FIRST, 0, true},
	{"bytes_writers", LIST(bytes_writers), PL_FREELIST_CHAIN_FIRST, 0, true},
	{"cfunctions", LIST(cfunctions), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"cmethods", LIST(cmethods), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"methods", LIST(methods), PL_FREELIST_CHAIN_FIRST, 0, false},
	{"frames", LIST(frames), PL_FREELIST_CHAIN_AT, PL_F_frame_back, false},
	/* Objects/exceptions.c links dead MemoryErrors through their dict in every version */
	{"memerrors", LIST(memerrors), PL_FREELIST_CHAIN_AT, PL_F_exc_dict, false},
#undef LIST
};

static void tuples_of_interp(struct gather *g, pl_addr interp)
{
	const struct pl_layout *l = g->l;
	bool uniform = l->freelist_style == PL_FREE_UNIFORM;
	uint64_t stride = uniform ? 16 : 8;
	/* up to 3.10 slot n is for tuples of n items, and slot 0 holds the living empty tuple; then
	 * slot 0 is for one item (Objects/tupleobject.c) */
	bool by_length = l->frame_style == PL_FRAME_OBJECT;
	pl_addr head = pl_layout_at(interp, l->f.free_tuples);

	if (!pl_has(l->f.free_tuples) || (!uniform && !pl_has(l->f.free_tuples_n)))
		return;
	for (unsigned i = by_length; i < PL_MIN(l->w.free_tuples / stride, MAX_TUPLE_LISTS - 1);
	     i++) {
		pl_addr count = uniform ? head + i * stride + 8
					: pl_layout_at(interp, l->f.free_tuples_n) + 4 * i;

		add(g, tuple_names[by_length ? i : i + 1],
		    uniform ? PL_FREELIST_CHAIN_FIRST : PL_FREELIST_CHAIN_AT, head + i * stride,
		    l->f.tuple_items, counter(g, count, uniform ? 8 : 4), true);
	}
}

static void of_interp(struct gather *g, pl_addr interp)
{
	const struct pl_layout *l = g->l;

	for (size_t i = 0; i < PL_ARRAY_LEN(in_interp); i++) {
		const struct in_interp *r = &in_interp[i];
		int32_t head = pl_layout_offset(l, r->head), n = pl_layout_offset(l, r->count);
		uint32_t width = ((const uint32_t *)&l->w)[r->head];
		/* dead MemoryErrors are no part of the uniform records */
		bool first = l->freelist_style == PL_FREE_UNIFORM && r->head != PL_F_free_memerrors;
		enum pl_freelist_kind kind = first ? PL_FREELIST_CHAIN_FIRST : r->kind;
		uint64_t count, one;

		if (!pl_has(head))
			continue;
		if (pl_has(n))
			count = counter(g, pl_layout_at(interp, n),
					((const uint32_t *)&l->w)[r->count]);
		else
			count = pl_read64(&g->v, pl_layout_at(interp, head), &one) && one;
		if (kind == PL_FREELIST_ARRAY)
			count = PL_MIN(count, PL_MAX(width / 8, 1u));
		add(g, r->name, kind, pl_layout_at(interp, head),
		    r->link ? pl_layout_offset(l, r->link) : 0, count, !r->blocks);
	}
	tuples_of_interp(g, interp);
}

/* ---- up to 3.9: statics with local symbols ---- */
struct nearest {
	pl_addr lo, hi, best; /* of the list; the counter nearest to it */
	uint64_t bytes, far;
};

static bool consider(void *arg, const struct pl_symbol *s)
{
	struct nearest *n = arg;
	uint64_t before = n->lo - (s->addr + s->size), after = s->addr - n->hi;
	/* either difference wraps to a huge number when the counter is on the other side */
	uint64_t far = PL_MIN(before, after);

	if (s->size == n->bytes && far <= NEAR && (!n->best || far < n->far)) {
		n->best = s->addr;
		n->far = far;
	}
	return true;
}

/* Value of the static counter called name next to a list; UINT64_MAX when there is none. */
static uint64_t static_counter(struct gather *g, const struct pl_symbol *list, const char *name)
{
	struct nearest n = {.lo = list->addr, .hi = list->addr + list->size, .bytes = 4};

	pl_image_symbols_named(g->im, g->l->module, name, consider, &n);
	return n.best ? counter(g, n.best, 4) : UINT64_MAX;
}

static bool is_symbol(struct gather *g, pl_addr addr, const char *name)
{
	struct pl_symbol s;

	return pl_image_symbol(g->im, g->l->module, name, &s) && s.addr == addr;
}

/* One static called free_list that heads a chain: its first member's type tells whose it is. */
static void chain_static(struct gather *g, const struct pl_symbol *s)
{
	const struct pl_fields *f = &g->l->f;
	static const char *const counted = "numfree";
	uint64_t head, type;

	if (!pl_read64(&g->v, s->addr, &head) || !head || !pl_has(f->object_type) ||
	    !pl_read64(&g->v, pl_layout_at(head, f->object_type), &type))
		return;
	if (is_symbol(g, type, "PyFrame_Type"))
		add(g, "frames", PL_FREELIST_CHAIN_AT, s->addr, f->frame_back,
		    static_counter(g, s, counted), true);
	else if (is_symbol(g, type, "PyMethod_Type"))
		add(g, "methods", PL_FREELIST_CHAIN_AT, s->addr, f->method_self,
		    static_counter(g, s, counted), true);
	else if (is_symbol(g, type, "PyCFunction_Type"))
		add(g, "cfunctions", PL_FREELIST_CHAIN_AT, s->addr, f->cfunction_self,
		    static_counter(g, s, counted), true);
	else if (is_symbol(g, type, "PyUnicode_Type"))
		add(g, "unicode", PL_FREELIST_CHAIN_FIRST, s->addr, 0,
		    static_counter(g, s, counted), true);
	else if (!pl_layout_is_type(&g->v, g->l, type))
		/* 2.7 keeps no count of its ints and floats (Objects/intobject.c, floatobject.c) */
		add(g, g->l->gc_style == PL_GC_REFS27 ? "numbers" : "floats",
		    PL_FREELIST_CHAIN_TYPE, s->addr, 0,
		    g->l->gc_style == PL_GC_REFS27 ? UINT64_MAX : static_counter(g, s, counted),
		    true);
}

static void tuples_static(struct gather *g, const struct pl_symbol *s)
{
	struct nearest n = {.lo = s->addr, .hi = s->addr + s->size, .bytes = s->size / 2};

	pl_image_symbols_named(g->im, g->l->module, "numfree", consider, &n);
	/* slot 0 holds the living empty tuple */
	for (unsigned i = 1; n.best && i < PL_MIN(s->size / 8, MAX_TUPLE_LISTS); i++)
		add(g, tuple_names[i], PL_FREELIST_CHAIN_AT, s->addr + 8 * i, g->l->f.tuple_items,
		    counter(g, n.best + 4 * i, 4), true);
}

static void array_static(struct gather *g, const struct pl_symbol *s, const char *name,
			 const char *count_name, bool objects)
{
	uint64_t count = static_counter(g, s, count_name);

	/* entries behind the count are stale: without a count none may be taken */
	if (count != UINT64_MAX)
		add(g, name, PL_FREELIST_ARRAY, s->addr, 0, PL_MIN(count, s->size / 8), objects);
}

/* What the objects in an array called free_list are, by the type of the first. */
static const char *array_name(struct gather *g, pl_addr array)
{
	const struct pl_fields *f = &g->l->f;
	uint64_t object, type, flags;

	if (!pl_read64(&g->v, array, &object) || !pl_has(f->object_type) ||
	    !pl_has(f->type_flags) ||
	    !pl_read64(&g->v, pl_layout_at(object, f->object_type), &type) ||
	    !pl_read64(&g->v, pl_layout_at(type, f->type_flags), &flags))
		return "free_list";
	return flags & FLAG_LIST ? "lists" : flags & FLAG_DICT ? "dicts" : "sets";
}

static bool free_list(void *arg, const struct pl_symbol *s)
{
	enum { TUPLES = 20 * 8, ARRAY = 80 * 8 };

	if (s->size == 8)
		chain_static(arg, s);
	else if (s->size == TUPLES)
		tuples_static(arg, s);
	else if (s->size == ARRAY)
		array_static(arg, s, array_name(arg, s->addr), "numfree", true);
	return true;
}

static const struct named_static {
	const char *name, *symbol, *count;
	uint8_t kind;
	uint16_t link;
	bool blocks;
} named_statics[] = {
	{"dictkeys", "keys_free_list", "numfreekeys", PL_FREELIST_ARRAY, 0, true},
	{"async_gens", "ag_value_freelist", "ag_value_freelist_free", PL_FREELIST_ARRAY, 0, false},
	{"async_gen_asends", "ag_asend_freelist", "ag_asend_freelist_free", PL_FREELIST_ARRAY, 0,
	 false},
	{"contexts", "ctx_freelist", "ctx_freelist_len", PL_FREELIST_CHAIN_AT,
	 PL_F_context_weaklist, false},
	{"memerrors", "memerrors_freelist", "memerrors_numfree", PL_FREELIST_CHAIN_AT,
	 PL_F_exc_dict, false},
};

static void of_statics(struct gather *g)
{
	struct pl_symbol s;
	uint64_t slice;

	pl_image_symbols_named(g->im, g->l->module, "free_list", free_list, g);
	for (size_t i = 0; i < PL_ARRAY_LEN(named_statics); i++) {
		const struct named_static *n = &named_statics[i];

		if (!pl_image_symbol(g->im, g->l->module, n->symbol, &s))
			continue;
		if (n->kind == PL_FREELIST_ARRAY)
			array_static(g, &s, n->name, n->count, !n->blocks);
		else
			add(g, n->name, n->kind, s.addr, pl_layout_offset(g->l, n->link),
			    static_counter(g, &s, n->count), true);
	}
	if (pl_image_symbol(g->im, g->l->module, "slice_cache", &s) &&
	    pl_read64(&g->v, s.addr, &slice))
		add(g, "slices", PL_FREELIST_ARRAY, s.addr, 0, slice != 0, true);
}

/*
 * unicode of 2.7 is chained through its first word, the refcount, so that its dead objects look
 * alive. Without symbols: the pointer to the longest chain of unicode objects. Returns its length;
 * 0 when it is none, or one object, which has refcount 0 like any other dead one.
 */
static uint64_t unicode_chain(struct gather *g, pl_addr at)
{
	const struct pl_fields *f = &g->l->f;
	uint64_t type, flags, n = 0;

	for (; at && n <= MAX_UNICODE; n++) {
		if (at & 7 || !pl_read64(&g->v, pl_layout_at(at, f->object_type), &type) ||
		    !pl_layout_is_type(&g->v, g->l, type) ||
		    !pl_read64(&g->v, pl_layout_at(type, f->type_flags), &flags) ||
		    !(flags & FLAG_UNICODE) || !pl_read64(&g->v, at, &at))
			return 0;
	}
	return n > 1 && n <= MAX_UNICODE ? n : 0;
}

struct unicode_search {
	struct gather *g;
	pl_addr where;
	uint64_t longest, steps; /* steps that are left: a hostile core is full of chains */
};

static bool unicode_in(void *arg, pl_addr lo, const uint8_t *host, uint64_t n)
{
	struct unicode_search *q = arg;

	for (uint64_t at = (8 - lo % 8) % 8; at + 8 <= n && q->steps; at += 8) {
		uint64_t length = unicode_chain(q->g, pl_ld64(host + at));

		q->steps -= PL_MIN(q->steps, length + 1);
		if (length <= q->longest)
			continue;
		q->longest = length;
		q->where = lo + at;
	}
	return !q->steps;
}

static void search_unicode27(struct gather *g)
{
	enum { AROUND = 8 << 20, STEPS = 1 << 24 };
	struct pl_layout_range range = pl_layout_statics_range(g->im, g->l->module);
	struct unicode_search q = {.g = g, .steps = STEPS};
	struct pl_ctx ctx;

	if (!pl_has(g->l->f.object_type) || !pl_has(g->l->f.type_flags))
		return;
	/* no file is known: statics lie around PyType_Type */
	if (g->l->module < 0) {
		range.lo = g->l->type_type > AROUND ? g->l->type_type - AROUND : 0;
		range.hi = g->l->type_type + AROUND;
	}
	pl_ctx_init(&ctx, 1);
	pl_layout_scan(g->im, &ctx, range, unicode_in, &q);
	pl_ctx_fini(&ctx);
	if (q.longest)
		add(g, "unicode", PL_FREELIST_CHAIN_FIRST, q.where, 0, q.longest, true);
}

static bool has_list(const struct gather *g, const char *name)
{
	for (size_t i = 0; i < g->lists.n; i++)
		if (!strcmp(g->lists.at[i].name, name))
			return true;
	return false;
}

size_t pl_layout_freelists(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			   struct pl_freelist **ret)
{
	struct gather g = {.im = im, .l = l};

	pl_view_init(&g.v, im);
	if (l->freelist_style != PL_FREE_STATICS) {
		if (interp)
			of_interp(&g, interp);
	} else {
		if (l->module >= 0)
			of_statics(&g);
		if (l->gc_style == PL_GC_REFS27 && !has_list(&g, "unicode"))
			search_unicode27(&g);
	}
	*ret = g.lists.at;
	return g.lists.n;
}
