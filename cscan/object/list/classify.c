/*
 * classify.c - see classify.h. Runs once per block of the heap: the common case is one load of the
 * type pointer, one hash look-up, and the size.
 */
#include "object/list/classify.h"

#include "layout/facts.h"
#include "object/value/sizeof.h"

#define MAX_SLACK \
	64 /* bytes a block may be larger than a fixed-size object, malloc's rounding included */
#define INT_BLOCK_BYTES                                                          \
	1000 /* 2.7: BLOCK_SIZE of Objects/intobject.c and Objects/floatobject.c \
	      */

void pl_classifier_init(struct pl_classifier *c, struct pl_image *im, const struct pl_layout *l,
			struct pl_types *types, const struct pl_addrset *dead, bool collecting)
{
	memset(c, 0, sizeof(*c));
	c->im = im;
	c->l = l;
	c->types = types;
	c->dead = dead;
	c->collecting = collecting;
	c->head[c->n_heads++] = (uint8_t)l->f.gc_head_size;
	c->head[c->n_heads++] = 0;
	if (l->preheader_gc)
		c->head[c->n_heads++] = (uint8_t)(l->f.gc_head_size + 16);
	pl_view_init(&c->v, im);
}

/* The core does not change, so neither does the answer: every one is remembered, "no type" too. */
static int32_t find_type(struct pl_classifier *c, pl_addr addr)
{
	size_t slot = (size_t)(addr >> 4 ^ addr >> 14) % PL_ARRAY_LEN(c->seen);

	if (addr & 7 || addr < PL_ADDRESS_LEAST || addr >= PL_ADDRESS_END)
		return -1;
	if (c->seen[slot].addr != addr) {
		c->seen[slot].type = pl_types_find(c->types, &c->v, addr);
		c->seen[slot].addr = addr;
	}
	return c->seen[slot].type;
}

enum count_kind { COUNT_ZERO, COUNT_GOOD, COUNT_DOUBTFUL, COUNT_NONSENSE };

/* What the refcount word can be: Include/object.h and Include/refcount.h of each version. */
static enum count_kind count_kind(struct pl_classifier *c, uint64_t word)
{
	if (c->l->refcount_style == PL_REF_IMMORTAL_U32) {
		/* u32 count, u16 overflow, u16 flags: a heap pointer shows in the overflow. */
		if (word >> 32 & 0xffff || word >> 48 > 0xff)
			return COUNT_NONSENSE;
		word &= UINT32_MAX;
		if (word >> 31)
			return COUNT_GOOD;
	} else if (c->l->refcount_style == PL_REF_IMMORTAL_SIGN && word >> 32 == 0 && word >> 31) {
		return COUNT_GOOD;
	}
	if (!word)
		return COUNT_ZERO;
	if (word < 1u << 16)
		return COUNT_GOOD;
	if (word >> 40)
		return COUNT_NONSENSE;
	/* A count or a pointer below 1 TiB: a non-PIE program's statics lie below 4 GiB. */
	return pl_image_mapping(c->im, word) ? COUNT_DOUBTFUL : COUNT_GOOD;
}

/*
 * A short string, such as the "<Q" that ctypes writes down for a type (Modules/_ctypes/stgdict.c),
 * in a block where an object() was: it leaves the type's pointer as it is.
 */
static bool is_short_text(uint64_t word)
{
	unsigned n = 0;

	while (n < 8 && (word >> 8 * n & 0xff) >= ' ' && (word >> 8 * n & 0xff) <= '~')
		n++;
	return n >= 2 && n < 8 && !(word >> 8 * n);
}

static bool str_fits(const struct pl_layout *l, const uint8_t *obj, uint64_t room)
{
	uint64_t length = pl_ld64(obj + l->f.str_length);
	uint32_t state = pl_ld32(obj + l->f.str_state);
	unsigned kind = state >> 2 & 7, compact = state >> 5 & 1, ascii = state >> 6 & 1;

	if (kind == 3 || kind > 4 || (kind == 0 && compact) || (ascii && kind > 1))
		return false;
	if (!compact)
		return true;
	return length < room && (length + 1) * kind + (uint64_t)(ascii ? l->f.str_ascii_size
								       : l->f.str_compact_size) <=
					room;
}

/*
 * The least bytes an instance takes: tp_basicsize but for types that allocate less than it says, a
 * compact str (Objects/unicodeobject.c) and naive datetimes and times, which end before tzinfo
 * (Modules/_datetimemodule.c, time_alloc()).
 */
static uint64_t least_size(const struct pl_layout *l, const struct pl_type *t)
{
	if (t->exact && t->kind == PL_KIND_STR && pl_has(l->f.str_ascii_size))
		return (uint64_t)l->f.str_ascii_size;
	if (t->kind == PL_KIND_TIME && pl_has(l->f.time_tzinfo))
		return (uint64_t)l->f.time_tzinfo;
	if (t->kind == PL_KIND_DATETIME && pl_has(l->f.datetime_tzinfo))
		return (uint64_t)l->f.datetime_tzinfo;
	return (uint64_t)PL_MAX(t->basicsize, l->f.object_size);
}

/*
 * Can an object of type t lie in room bytes that begin at obj? bounded: the room is a block, which
 * is not much larger than what was asked for.
 */
static bool fits(const struct pl_layout *l, const struct pl_type *t, const uint8_t *obj,
		 uint64_t room, bool bounded)
{
	uint64_t least = least_size(l, t), n;

	if (least > room)
		return false;
	if (t->kind == PL_KIND_STR && pl_has(l->f.str_state))
		return str_fits(l, obj, room);
	if (t->itemsize == 0)
		return t->is_gc || !bounded || room - least < MAX_SLACK;
	/* Only these keep a plain count in ob_size: ints have a sign, generators a field of their
	 * own. */
	if (t->kind != PL_KIND_TUPLE && t->kind != PL_KIND_BYTES)
		return true;
	n = pl_ld64(obj + l->f.var_size);
	return n <= room && n * (uint64_t)t->itemsize <= room - least + (uint64_t)t->itemsize;
}

/* sys.getsizeof() with the shortcut for types whose instances are all of one size. */
static uint64_t size_of(struct pl_classifier *c, const struct pl_type *t, pl_addr addr,
			const uint8_t *obj, uint64_t room)
{
	return t->fixed_size ? t->fixed_size : pl_sizeof(c->l, &c->v, t, addr, obj, room);
}

static void fill(struct pl_classifier *c, const struct pl_type *t, int32_t type, pl_addr addr,
		 const uint8_t *obj, uint64_t room, uint8_t flags, struct pl_found *ret)
{
	ret->addr = addr;
	ret->type = (uint32_t)type;
	ret->flags = flags;
	ret->size = size_of(c, t, addr, obj, room);
}

/* What the gc head before an object says, added to its flags; false when it can be no gc head. */
static bool gc_flags(const struct pl_classifier *c, const uint8_t *obj, uint8_t *flags)
{
	bool finalized;
	enum pl_gc_state state =
		pl_gc_head_state(c->l, obj - c->l->f.gc_head_size, c->collecting, &finalized);

	*flags |= (uint8_t)(PL_OBJ_GC | (finalized ? PL_OBJ_FINALIZED : 0) |
			    (state == PL_GC_TRACKED ? PL_OBJ_TRACKED : 0));
	return state != PL_GC_NONSENSE;
}

static enum pl_verdict try_head(struct pl_classifier *c, unsigned head, pl_addr addr,
				const uint8_t *host, uint64_t usable, struct pl_found *ret)
{
	const struct pl_layout *l = c->l;
	const uint8_t *obj = host + head;
	const struct pl_type *t;
	enum count_kind count;
	uint8_t flags = 0;
	int32_t type;

	if (usable < head + (uint64_t)l->f.object_size)
		return PL_V_BUFFER;
	type = find_type(c, pl_ld64(obj + l->f.object_type));
	if (type < 0)
		return PL_V_BUFFER;
	t = pl_types_at(c->types, (uint32_t)type);
	if (t->head != head || !fits(l, t, obj, usable - head, true))
		return PL_V_BUFFER;
	if (t->is_gc) {
		if (!gc_flags(c, obj, &flags))
			return PL_V_BUFFER;
	}
	if (c->dead->n && pl_addrset_has(c->dead, addr + head))
		return PL_V_DEAD;
	count = count_kind(c, pl_ld64(obj + l->f.object_refcnt));
	if (count == COUNT_NONSENSE)
		return PL_V_BUFFER;
	if (count == COUNT_ZERO)
		return PL_V_DEAD;
	fill(c, t, type, addr + head, obj, usable - head, flags, ret);
	if (t->basicsize == l->f.object_size && is_short_text(pl_ld64(obj + l->f.object_refcnt)))
		count = COUNT_DOUBTFUL;
	/* A gc head that makes sense is proof enough of a count that looks like something else. */
	return count == COUNT_DOUBTFUL && !t->is_gc ? PL_V_DOUBTFUL : PL_V_OBJECT;
}

/*
 * A large object under the hooks is wrapped twice: the object domain's prefix lies behind that of
 * the raw domain, which pymalloc turned to. The bytes of the inner prefix, or 0.
 */
static unsigned inner_prefix(const uint8_t *host, uint64_t usable)
{
	return host[-PL_HOOK_DOMAIN] == 'r' && usable > PL_HOOK_PREFIX &&
			       host[PL_HOOK_PREFIX - PL_HOOK_DOMAIN] == 'o' &&
			       !memcmp(host + PL_HOOK_PREFIX - PL_HOOK_DOMAIN + 1,
				       host - PL_HOOK_DOMAIN + 1, PL_HOOK_DOMAIN - 1)
		       ? PL_HOOK_PREFIX
		       : 0;
}

/*
 * Each distance in turn, first the one that fitted last. A count of 0 is the weakest sign: a new gc
 * object may find the dead one before it in the words of its head (up to 3.7 PyObject_GC_Alloc()
 * sets but the third), so another reading as a living object wins.
 */
static enum pl_verdict try_heads(struct pl_classifier *c, pl_addr addr, const uint8_t *host,
				 uint64_t usable, struct pl_found *ret)
{
	enum pl_verdict verdict = PL_V_BUFFER;

	for (unsigned i = 0; i <= c->n_heads; i++) {
		unsigned k = i ? i - 1 : c->last;
		enum pl_verdict one;

		if (i && k == c->last)
			continue;
		one = try_head(c, c->head[k], addr, host, usable, ret);
		if (one == PL_V_DEAD &&
		    !(c->dead->n && pl_addrset_has(c->dead, addr + c->head[k]))) {
			verdict = PL_V_DEAD;
		} else if (one != PL_V_BUFFER) {
			c->last = k;
			return one;
		}
	}
	return verdict;
}

enum pl_verdict pl_classify(struct pl_classifier *c, pl_addr addr, const uint8_t *host,
			    uint64_t usable, bool hooked, struct pl_found *ret)
{
	enum pl_verdict verdict, plain;
	struct pl_found other;

	if (hooked) {
		unsigned inner = inner_prefix(host, usable);

		/* Only blocks of the object domain hold objects. */
		if (!inner && host[-PL_HOOK_DOMAIN] != 'o')
			return PL_V_BUFFER;
		addr += inner;
		host += inner;
		usable -= inner;
	}
	verdict = try_heads(c, addr, host, usable, ret);
	/*
	 * The digits of an int may be a pointer to a static type below 4 GiB, and then its head
	 * reads as a gc head. A gc head's second word is never a type, so the plain reading wins.
	 */
	if ((verdict == PL_V_DEAD || (verdict != PL_V_BUFFER && ret->addr != addr)) &&
	    usable >= 16 && pl_types_known(c->types, pl_ld64(host + c->l->f.object_type)) >= 0) {
		plain = try_head(c, 0, addr, host, usable, &other);
		if (plain == PL_V_OBJECT) {
			*ret = other;
			return plain;
		}
	}
	return verdict;
}

bool pl_classify_certain(struct pl_classifier *c, pl_addr addr, struct pl_found *ret)
{
	const struct pl_layout *l = c->l;
	const uint8_t *head =
		pl_at(&c->v, addr - (uint64_t)l->f.gc_head_size, (uint64_t)l->f.gc_head_size);
	const uint8_t *obj = pl_at(&c->v, addr, (uint64_t)l->f.object_size);
	const struct pl_type *t;
	bool finalized;
	int32_t type;
	uint64_t room;

	type = obj && head ? find_type(c, pl_ld64(obj + l->f.object_type)) : -1;
	if (type < 0)
		return false;
	t = pl_types_at(c->types, (uint32_t)type);
	room = (uint64_t)PL_MAX(t->basicsize, l->f.object_size);
	obj = pl_at(&c->v, addr, room);
	if (!obj)
		return false;
	pl_gc_head_state(l, head, c->collecting, &finalized);
	fill(c, t, type, addr, obj, room,
	     (uint8_t)(PL_OBJ_GC | PL_OBJ_TRACKED | (finalized ? PL_OBJ_FINALIZED : 0)), ret);
	return true;
}

/*
 * What a static object of a builtin type must be since objects can be immortal (3.12). Before, any
 * two words of which the second is a type look like one; none but the constants of frozen modules
 * (3.11) were of a type with a gc head.
 */
static bool can_be_static(const struct pl_layout *l, const struct pl_type *t, uint64_t count)
{
	switch (l->refcount_style) {
	case PL_REF_IMMORTAL_SIGN:
	case PL_REF_IMMORTAL_U32:
		return count >> 31 & 1;
	default:
		return !t->is_gc || t->kind == PL_KIND_TUPLE;
	}
}

enum pl_verdict pl_classify_static(struct pl_classifier *c, pl_addr addr, const uint8_t *host,
				   uint64_t before, uint64_t usable, struct pl_found *ret)
{
	const struct pl_layout *l = c->l;
	int32_t type = find_type(c, pl_ld64(host + l->f.object_type));
	uint64_t count = pl_ld64(host + l->f.object_refcnt);
	uint8_t flags = PL_OBJ_STATIC;
	const struct pl_type *t;

	if (type < 0 || count_kind(c, count) != COUNT_GOOD)
		return PL_V_BUFFER;
	t = pl_types_at(c->types, (uint32_t)type);
	if (t->is_type) {
		/* A type's own slots name other types, so only what is a type all through counts.
		 */
		if (find_type(c, addr) < 0)
			return PL_V_BUFFER;
	} else {
		if (!can_be_static(l, t, count) || !fits(l, t, host, usable, false))
			return PL_V_BUFFER;
		/* Static type objects are no gc objects (type_is_gc()); other statics have a head.
		 */
		if (t->is_gc) {
			if (before < (uint64_t)l->f.gc_head_size || !gc_flags(c, host, &flags))
				return PL_V_BUFFER;
		}
	}
	fill(c, t, type, addr, host, usable, flags, ret);
	return PL_V_OBJECT;
}

bool pl_classify_int_block(struct pl_classifier *c, pl_addr addr, const uint8_t *host,
			   uint64_t usable, void (*fn)(void *arg, const struct pl_found *f),
			   void *arg)
{
	const struct pl_layout *l = c->l;
	unsigned stride = (unsigned)l->f.int_ival + 8, slots = (INT_BLOCK_BYTES - 8) / stride;
	unsigned good = 0, odd = 0;

	if (usable < 8 + slots * stride || usable > INT_BLOCK_BYTES + MAX_SLACK)
		return false;
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < slots; i++) {
			pl_addr at = addr + 8 + i * stride;
			const uint8_t *obj = host + 8 + i * stride;
			uint64_t count = pl_ld64(obj + l->f.object_refcnt);
			pl_addr link = pl_ld64(obj + l->f.object_type);
			int32_t type = count ? find_type(c, link) : -1;
			const struct pl_type *t =
				type < 0 ? NULL : pl_types_at(c->types, (uint32_t)type);
			bool number = t && (t->kind == PL_KIND_INT27 || t->kind == PL_KIND_FLOAT ||
					    t->kind == PL_KIND_BOOL);
			struct pl_found found;

			/*
			 * A free slot links through ob_type; its count is 0, or garbage while it
			 * was never used: then the link is to the slot before it, or NULL.
			 */
			if (!pass) {
				good += number;
				odd += count && !number && link && link != at - stride;
			} else if (number) {
				fill(c, t, type, at, obj, stride, 0, &found);
				fn(arg, &found);
			}
		}
		if (odd || !good)
			return false;
	}
	return true;
}
