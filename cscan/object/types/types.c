/*
 * types.c - the directory of types: which addresses are type objects, and what they say.
 *
 * Filled while objects are listed, by several threads at once: look-ups read a hash table without a
 * lock, a first sight validates the type and adds it under one. An entry never moves and never
 * changes after it was published, but for pl_types_order(), when all are found: until then its
 * index tells which thread was quicker, and nothing that is shown may depend on that.
 */
#include "object/types/types.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/search.h"
#include "layout/facts.h"
#include "object/types/names.h"
#include "object/types/rows.h"
#include "object/value/sizeof.h"
#include "object/traverse/visits.h"

#define MAX_TYPES (1u << 20) /* more is not a heap but an attack */
#define MAX_CODE (1 << 26)   /* instructions of all tp_traverse; a big process has some 100,000 */
#define MIN_CODE 1024        /* of one, however many there are: few take more */
#define MAX_METATYPES 8      /* metaclass of a metaclass of ... */
#define MAX_BASICSIZE (1 << 24)
#define FLAG_HEAPTYPE \
	(UINT64_C(1) << 9) /* Py_TPFLAGS_* of Include/object.h, the same in all versions */
#define FLAG_HAVE_GC (UINT64_C(1) << 14)
#define FLAG_TYPE_SUBCLASS (UINT64_C(1) << 31)
#define BLOCK 256 /* entries are allocated in blocks, so that they never move */

struct slot {
	_Atomic(pl_addr) addr; /* 0 = empty; published after index */
	uint32_t index;
};

struct table {
	size_t cap;          /* power of two */
	struct table *older; /* kept until the end: a reader may still be in it */
	struct slot slot[];
};

struct pl_types {
	struct pl_image *im;
	const struct pl_layout *l;
	_Atomic(struct table *) table;
	struct pl_type *block[MAX_TYPES / BLOCK];
	_Atomic uint32_t n;
	pthread_mutex_t lock;
	bool full;     /* a type found no room */
	unsigned code; /* instructions that may be followed of one tp_traverse */
	struct pl_arena names;
	const struct pl_names *known;     /* recovered ones, borrowed */
	const struct pl_addrset *alive;   /* heap types are in it, or NULL: nothing is known */
	const struct pl_range *elsewhere; /* other types in one of these */
	size_t n_elsewhere;
	pl_addr subtype_dealloc; /* tp_dealloc of every class made by a class statement; 0 = not
				    known yet */
};

static struct table *table_new(size_t cap, struct table *older)
{
	struct table *t = pl_calloc(1, sizeof(*t) + cap * sizeof(struct slot));

	t->cap = cap;
	t->older = older;
	return t;
}

static struct pl_type *entry(struct pl_types *t, uint32_t index)
{
	return &t->block[index / BLOCK][index % BLOCK];
}

struct pl_types *pl_types_new(struct pl_image *im, const struct pl_names *names)
{
	struct pl_types *t = pl_calloc(1, sizeof(*t));

	t->im = im;
	t->l = names->l;
	t->known = names;
	atomic_init(&t->table, table_new(4096, NULL));
	pthread_mutex_init(&t->lock, NULL);
	t->code = MAX_CODE;
	return t;
}

void pl_types_free(struct pl_types *t)
{
	if (!t)
		return;
	for (struct table *h = atomic_load(&t->table); h;) {
		struct table *older = h->older;

		free(h);
		h = older;
	}
	for (uint32_t i = 0; i < pl_types_count(t); i++)
		pl_visits_free(entry(t, i)->visits);
	for (size_t i = 0; i < PL_ARRAY_LEN(t->block); i++)
		free(t->block[i]);
	pthread_mutex_destroy(&t->lock);
	pl_arena_fini(&t->names);
	free(t);
}

const struct pl_type *pl_types_at(const struct pl_types *t, uint32_t index)
{
	return &t->block[index / BLOCK][index % BLOCK];
}

size_t pl_types_count(const struct pl_types *t)
{
	return atomic_load_explicit(&((struct pl_types *)t)->n, memory_order_acquire);
}

static size_t hash(pl_addr addr, size_t cap)
{
	return (size_t)((addr >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (cap - 1);
}

static int32_t lookup(struct table *h, pl_addr addr)
{
	for (size_t i = hash(addr, h->cap);; i = (i + 1) & (h->cap - 1)) {
		pl_addr at = atomic_load_explicit(&h->slot[i].addr, memory_order_acquire);

		if (at == addr)
			return (int32_t)h->slot[i].index;
		if (!at)
			return -1;
	}
}

static void insert(struct table *h, pl_addr addr, uint32_t index)
{
	size_t i = hash(addr, h->cap);

	while (atomic_load_explicit(&h->slot[i].addr, memory_order_relaxed))
		i = (i + 1) & (h->cap - 1);
	h->slot[i].index = index;
	atomic_store_explicit(&h->slot[i].addr, addr, memory_order_release);
}

/* The bytes of a type object's fixed part, when it can be one at all. */
static const uint8_t *type_bytes(const struct pl_layout *l, struct pl_view *v, pl_addr addr)
{
	return addr & 7 || !addr ? NULL : pl_at(v, addr, (uint64_t)l->f.type_struct_size);
}

static pl_addr type_of(const struct pl_layout *l, const uint8_t *object)
{
	return pl_ld64(object + l->f.object_type);
}

/* True when climbing ob_type from a type ends in `type` itself: Objects/typeobject.c, every
 * version. */
static bool climbs_to_type(const struct pl_layout *l, struct pl_view *v, pl_addr metatype)
{
	for (int i = 0; i < MAX_METATYPES; i++) {
		const uint8_t *m;

		if (metatype == l->type_type)
			return true;
		m = type_bytes(l, v, metatype);
		if (!m || !(pl_ld64(m + l->f.type_flags) & FLAG_TYPE_SUBCLASS))
			return false;
		metatype = type_of(l, m);
	}
	return false;
}

static bool in_ranges(const struct pl_types *t, pl_addr addr)
{
	return pl_find_range(t->elsewhere, t->n_elsewhere, sizeof(*t->elsewhere), addr) <
	       t->n_elsewhere;
}

static bool plausible(struct pl_types *t, struct pl_view *v, pl_addr addr, const uint8_t **ret)
{
	const struct pl_layout *l = t->l;
	const uint8_t *p;
	int64_t basicsize, itemsize;

	if (t->alive && !pl_addrset_has(t->alive, addr) && !in_ranges(t, addr))
		return false;
	p = type_bytes(l, v, addr);
	if (!p || !climbs_to_type(l, v, type_of(l, p)))
		return false;
	basicsize = (int64_t)pl_ld64(p + l->f.type_basicsize);
	itemsize = (int64_t)pl_ld64(p + l->f.type_itemsize);
	/* A static type that was never readied has 0 where PyType_Ready() would have put its
	 * base's. */
	if (basicsize < 0 || basicsize > MAX_BASICSIZE || itemsize < 0 || itemsize > MAX_BASICSIZE)
		return false;
	if (!pl_image_mapping(t->im, pl_ld64(p + l->f.type_name)))
		return false;
	if (t->alive && pl_ld64(p + l->f.type_flags) & FLAG_HEAPTYPE &&
	    !pl_addrset_has(t->alive, addr))
		return false;
	*ret = p;
	return true;
}

/* The pre-header and gc head that stand before every instance: pycore_object.h,
 * _PyType_PreHeaderSize(). */
static void fill_head(const struct pl_layout *l, struct pl_type *type)
{
	unsigned gc = type->is_gc && pl_has(l->f.gc_head_size) ? (unsigned)l->f.gc_head_size : 0;
	unsigned pre = type->preheader ? 16 : 0;

	type->head = (uint8_t)(gc + pre);
	type->head_counted = (uint8_t)(gc + (l->getsizeof_preheader ? pre : 0));
}

/*
 * What the chain of bases says. A class statement's type is read by what its C base holds, whatever
 * it is called itself: Python has classes of its own that bear the names of C types (datetime.date,
 * functools.partial).
 */
static void set_python(const struct pl_types *t, struct pl_view *v, struct pl_type *type)
{
	pl_addr base = type->addr;

	type->python_class = type->is_heap && type->dealloc == t->subtype_dealloc;
	type->slotted = false;
	for (int i = 0; i < PL_MAX_BASES && type->python_class && base; i++) {
		const uint8_t *p = type_bytes(t->l, v, base);

		if (!p || !(pl_ld64(p + t->l->f.type_flags) & FLAG_HEAPTYPE) ||
		    pl_ld64(p + t->l->f.type_dealloc) != t->subtype_dealloc)
			break;
		type->slotted |= pl_ld64(p + t->l->f.var_size) != 0;
		base = pl_ld64(p + t->l->f.type_base);
	}
	type->base_traverses = pl_field_word(v, base, t->l->f.type_traverse);
	type->decoder = pl_decoder_for(t->known, v, base);
	type->holds_nothing = type->decoder == PL_DECODER_leaf && !type->is_heap &&
			      !type->dictoffset && !(type->flags & t->l->flag_managed_dict);
}

static void fill(struct pl_types *t, struct pl_view *v, pl_addr addr, const uint8_t *p,
		 struct pl_type *type)
{
	const struct pl_layout *l = t->l;

	type->addr = addr;
	type->flags = pl_ldn(p + l->f.type_flags, l->w.type_flags ? l->w.type_flags : 8);
	type->basicsize = (int64_t)pl_ld64(p + l->f.type_basicsize);
	type->itemsize = (int64_t)pl_ld64(p + l->f.type_itemsize);
	type->dictoffset = (int64_t)pl_ld64(p + l->f.type_dictoffset);
	type->weaklistoffset = (int64_t)pl_ld64(p + l->f.type_weaklistoffset);
	type->base = pl_ld64(p + l->f.type_base);
	type->metatype = type_of(l, p);
	type->is_heap = type->flags & FLAG_HEAPTYPE;
	type->is_gc = type->flags & FLAG_HAVE_GC;
	type->is_type = type->flags & FLAG_TYPE_SUBCLASS;
	type->preheader = l->preheader_flags & type->flags;
	pl_type_name(t->known, v, addr, &t->names, &type->name, &type->module, &type->name_known);
	pl_type_kind(t->known, v, addr, &type->kind, &type->exact, &type->own_sizeof);
	type->dealloc = pl_ld64(p + l->f.type_dealloc);
	type->traverse = pl_ld64(p + l->f.type_traverse);
	set_python(t, v, type);
	fill_head(l, type);
	type->fixed_size = pl_sizeof_fixed(l, type);
}

static int32_t add(struct pl_types *t, struct pl_view *v, pl_addr addr, const uint8_t *p)
{
	struct table *h;
	uint32_t n;
	int32_t found;

	pthread_mutex_lock(&t->lock);
	h = atomic_load(&t->table);
	found = lookup(h, addr);
	n = atomic_load(&t->n);
	if (found < 0 && n == MAX_TYPES)
		t->full = true;
	if (found < 0 && n < MAX_TYPES) {
		if (!t->block[n / BLOCK])
			t->block[n / BLOCK] = pl_calloc(BLOCK, sizeof(struct pl_type));
		fill(t, v, addr, p, &t->block[n / BLOCK][n % BLOCK]);
		if ((n + 1) * 2 > h->cap) {
			struct table *bigger = table_new(h->cap * 2, h);

			for (uint32_t i = 0; i < n; i++)
				insert(bigger, pl_types_at(t, i)->addr, i);
			atomic_store(&t->table, bigger);
			h = bigger;
		}
		atomic_store_explicit(&t->n, n + 1, memory_order_release);
		insert(h, addr, n);
		found = (int32_t)n;
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}

int32_t pl_types_known(struct pl_types *t, pl_addr addr)
{
	return addr ? lookup(atomic_load_explicit(&t->table, memory_order_acquire), addr) : -1;
}

int32_t pl_types_find(struct pl_types *t, struct pl_view *v, pl_addr addr)
{
	int32_t found = pl_types_known(t, addr);
	const uint8_t *p;

	if (found >= 0)
		return found;
	return plausible(t, v, addr, &p) ? add(t, v, addr, p) : -1;
}

struct pl_visits *pl_types_visits_of(struct pl_types *t, struct pl_view *v, pl_addr function,
				     pl_addr type)
{
	return pl_visits_new(t->im, t->l, v, function, type, t->code);
}

const struct pl_visits *pl_type_visits(struct pl_types *t, struct pl_view *v,
				       const struct pl_type *type)
{
	struct pl_visits *_Atomic *place = &((struct pl_type *)type)->visits;
	struct pl_visits *visits = atomic_load(place), *first = NULL;

	if (visits)
		return visits;
	visits = pl_types_visits_of(t, v, type->traverse, type->addr);
	if (atomic_compare_exchange_strong(place, &first, visits))
		return visits;
	/* Another thread was faster, and has read the same. */
	pl_visits_free(visits);
	return first;
}

bool pl_types_full(const struct pl_types *t)
{
	return t->full;
}

void pl_types_alive(struct pl_types *t, const struct pl_addrset *alive,
		    const struct pl_range *elsewhere, size_t n_elsewhere)
{
	t->alive = alive;
	t->elsewhere = elsewhere;
	t->n_elsewhere = n_elsewhere;
}

static int by_value(const void *a, const void *b)
{
	pl_addr x = *(const pl_addr *)a, y = *(const pl_addr *)b;

	return x < y ? -1 : x > y;
}

void pl_types_mark_python(struct pl_types *t)
{
	size_t n = pl_types_count(t), k = 0, best = 0;
	pl_addr *dealloc = pl_malloc((n + 1) * sizeof(*dealloc));
	unsigned traverses = 0;
	struct pl_view v;

	for (uint32_t i = 0; i < n; i++) {
		if (entry(t, i)->is_heap)
			dealloc[k++] = entry(t, i)->dealloc;
	}
	qsort(dealloc, k, sizeof(*dealloc), by_value);
	for (size_t i = 0, first = 0; i < k; i++) {
		if (dealloc[i] != dealloc[first])
			first = i;
		if (i - first + 1 > best) {
			best = i - first + 1;
			t->subtype_dealloc = dealloc[i];
		}
	}
	pl_view_init(&v, t->im);
	for (uint32_t i = 0; i < n; i++) {
		set_python(t, &v, entry(t, i));
		traverses += entry(t, i)->traverse && !entry(t, i)->python_class;
	}
	/* By their number, and not as one after the other is asked for: that is up to the threads.
	 */
	t->code = PL_MAX(MAX_CODE / PL_MAX(traverses, 1u), MIN_CODE);
	free(dealloc);
}

/* By name and address. */
static int by_type(const void *pa, const void *pb)
{
	const struct pl_type *a = *(const struct pl_type *const *)pa;
	const struct pl_type *b = *(const struct pl_type *const *)pb;
	int order = strcmp(a->name, b->name);

	return order ? order : a->addr < b->addr ? -1 : a->addr > b->addr;
}

uint32_t *pl_types_order(struct pl_types *t)
{
	uint32_t n = (uint32_t)pl_types_count(t);
	struct pl_type **sorted = pl_malloc((n + 1u) * sizeof(struct pl_type *));
	uint32_t *ret = pl_malloc((n + 1u) * sizeof(*ret));
	struct table *h = atomic_load(&t->table);
	struct pl_type *moved = pl_malloc((n + 1u) * sizeof(*moved));

	for (uint32_t i = 0; i < n; i++)
		sorted[i] = entry(t, i);
	qsort(sorted, n, sizeof(*sorted), by_type);
	for (uint32_t i = 0; i < n; i++) {
		ret[lookup(h, sorted[i]->addr)] = i;
		moved[i] = *sorted[i];
	}
	for (uint32_t i = 0; i < n; i++)
		*entry(t, i) = moved[i];
	for (size_t i = 0; i < h->cap; i++) {
		if (h->slot[i].addr)
			h->slot[i].index = ret[h->slot[i].index];
	}
	free(moved);
	free(sorted);
	return ret;
}

struct named {
	const char *name;
	uint32_t index;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

void pl_types_mark_ambiguous(struct pl_types *t, const uint8_t *live, size_t n)
{
	size_t k = 0;
	struct named *all = pl_malloc((n + 1) * sizeof(*all));

	for (uint32_t i = 0; i < n; i++) {
		if (live[i])
			all[k++] = (struct named){pl_types_at(t, i)->name, i};
	}
	qsort(all, k, sizeof(*all), by_name);
	for (size_t i = 1; i < k; i++) {
		if (strcmp(all[i - 1].name, all[i].name))
			continue;
		for (size_t j = i - 1; j <= i; j++)
			entry(t, all[j].index)->ambiguous = true;
	}
	free(all);
}
