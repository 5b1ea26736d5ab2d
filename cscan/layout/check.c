/*
 * check.c - small questions to the core, asked with a layout that may be wrong.
 *
 * Knows the invariants of CPython's structures, not where they are. Everything is bounded: a wrong
 * layout or a damaged heap gives "no", never a long walk.
 */
#include "layout/internal.h"

#define FLAG_HAVE_GC (1u << 14)  /* Py_TPFLAGS_HAVE_GC, all versions */
#define FLAG_TYPE (1u << 31)     /* Py_TPFLAGS_TYPE_SUBCLASS, all versions */
#define MAX_THREADS 64           /* of an interpreter that are looked at */
#define MAX_KEYS (1u << 16)      /* of a dict that are looked at: sys.modules is smaller */
#define MAX_BASICSIZE (1u << 20) /* no instance is that big in itself */
#define MAX_ARENAS (1u << 24)
#define MAX_FAULTS 64 /* in one list, then it is no list */
#define LINK_BITS 3u  /* flags in the links of a gc head (Include/internal/pycore_gc.h) */

/* 1, 4 or 8 bytes at base + offset, as wide as the layout says the field is. */
static bool field(struct pl_view *v, const struct pl_layout *l, pl_addr base, enum pl_field f,
		  uint64_t *ret)
{
	uint32_t width = ((const uint32_t *)&l->w)[f];
	const uint8_t *p;

	if (!pl_has(pl_layout_offset(l, f)))
		return false;
	if (width != 1 && width != 2 && width != 4)
		width = 8;
	p = pl_at(v, pl_layout_at(base, pl_layout_offset(l, f)), width);
	if (!p)
		return false;
	*ret = pl_ldn(p, width);
	return true;
}

bool pl_layout_is_type(struct pl_view *v, const struct pl_layout *l, pl_addr addr)
{
	uint64_t flags, basicsize;
	pl_addr type = addr;

	if (addr & 7 || !pl_layout_word(v, addr, l->f.type_basicsize, &basicsize) ||
	    basicsize > MAX_BASICSIZE)
		return false;
	/* type's type is type; metatypes of metatypes exist, deeper chains do not */
	for (int depth = 0; depth < 4; depth++) {
		if (!pl_layout_word(v, type, l->f.object_type, &type) || type & 7)
			return false;
		if (type == l->type_type)
			return true;
		if (!pl_layout_word(v, type, l->f.type_flags, &flags) || !(flags & FLAG_TYPE))
			return false;
	}
	return false;
}

bool pl_layout_is_interp(struct pl_view *v, const struct pl_layout *l, pl_addr addr,
			 unsigned *threads)
{
	uint64_t next, thread, owner;
	unsigned n = 0;

	if (!addr || addr & 7 || !pl_layout_word(v, addr, l->f.interp_next, &next) || next & 7 ||
	    !pl_layout_word(v, addr, l->f.interp_threads_head, &thread))
		return false;
	while (thread && n < MAX_THREADS) {
		if (thread & 7 || !pl_layout_word(v, thread, l->f.thread_interp, &owner) ||
		    owner != addr || !pl_layout_word(v, thread, l->f.thread_next, &thread))
			return false;
		n++;
	}
	*threads = n;
	return true;
}

/* The string object at addr reads text: a compact ASCII str, or a str of Python 2. */
static bool reads(struct pl_view *v, const struct pl_layout *l, pl_addr addr, const char *text)
{
	bool python2 = l->str_style == PL_STR_27;
	int32_t data = python2 ? l->f.bytes_data : l->f.str_ascii_size;
	size_t n = strlen(text);
	uint64_t length;
	const uint8_t *p;

	if (!addr || addr & 7 || !pl_has(data) ||
	    !pl_layout_word(v, addr, python2 ? l->f.var_size : l->f.str_length, &length) ||
	    length != n)
		return false;
	p = pl_at(v, pl_layout_at(addr, data), n);
	return p && !memcmp(p, text, n);
}

/* Where the entries of a dict's table lie. */
struct entries {
	pl_addr base;
	uint64_t n;
	uint32_t stride, key;
};

static bool entries27(struct pl_view *v, const struct pl_layout *l, pl_addr dict,
		      struct entries *ret)
{
	uint64_t mask, used;

	if (!pl_layout_word(v, dict, l->f.dict_mask, &mask) ||
	    !pl_layout_word(v, dict, l->f.dict_used, &used) ||
	    !pl_layout_word(v, dict, l->f.dict_table, &ret->base) || mask >= UINT32_MAX ||
	    used > mask || (mask & (mask + 1)))
		return false;
	ret->n = mask + 1;
	ret->stride = 24;
	ret->key = 8;
	return true;
}

static bool entries36(struct pl_view *v, const struct pl_layout *l, pl_addr keys,
		      struct entries *ret)
{
	uint64_t size, n;
	unsigned width;

	if (!pl_layout_word(v, keys, l->f.keys_size, &size) ||
	    !pl_layout_word(v, keys, l->f.keys_nentries, &n) || !size || size > UINT32_MAX ||
	    (size & (size - 1)) || n > size || !pl_has(l->f.keys_indices))
		return false;
	width = size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
	ret->base = pl_layout_at(keys, l->f.keys_indices) + size * width;
	ret->n = n;
	ret->stride = 24;
	ret->key = 8;
	return true;
}

static bool entries311(struct pl_view *v, const struct pl_layout *l, pl_addr keys,
		       struct entries *ret)
{
	uint64_t log2_size, log2_bytes, kind, n;

	if (!field(v, l, keys, PL_F_keys_log2_size, &log2_size) ||
	    !field(v, l, keys, PL_F_keys_log2_index_bytes, &log2_bytes) ||
	    !field(v, l, keys, PL_F_keys_kind, &kind) ||
	    !pl_layout_word(v, keys, l->f.keys_nentries, &n) || log2_size > 32 ||
	    log2_bytes < log2_size || log2_bytes > log2_size + 3 || kind > 2 ||
	    n > UINT64_C(1) << log2_size || !pl_has(l->f.keys_indices))
		return false;
	ret->base = pl_layout_at(keys, l->f.keys_indices) + (UINT64_C(1) << log2_bytes);
	ret->n = n;
	ret->stride = kind ? 16 : 24;
	ret->key = kind ? 0 : 8;
	return true;
}

bool pl_layout_dict_keys(struct pl_view *v, const struct pl_layout *l, pl_addr addr,
			 const char *const *keys, unsigned n_keys, unsigned *found)
{
	struct entries e = {0};
	uint64_t used, table, key;
	unsigned mask = 0;
	bool ok;

	if (!addr || addr & 7 || !pl_layout_word(v, addr, l->f.dict_used, &used))
		return false;
	if (l->dict_style == PL_DICT_TABLE27) {
		ok = entries27(v, l, addr, &e);
	} else {
		if (!pl_layout_word(v, addr, l->f.dict_keys, &table) || !table)
			return false;
		ok = l->dict_style == PL_DICT_KEYS36 ? entries36(v, l, table, &e)
						     : entries311(v, l, table, &e);
	}
	if (!ok || used > e.n)
		return false;
	for (uint64_t i = 0; i < PL_MIN(e.n, MAX_KEYS); i++) {
		if (!pl_read64(v, e.base + i * e.stride + e.key, &key))
			break;
		for (unsigned k = 0; k < n_keys; k++)
			if (!(mask & 1u << k) && reads(v, l, key, keys[k]))
				mask |= 1u << k;
	}
	*found = mask;
	return true;
}

static bool collected(struct pl_view *v, const struct pl_layout *l, pl_addr object)
{
	uint64_t type, flags;

	return pl_layout_word(v, object, l->f.object_type, &type) &&
	       pl_layout_is_type(v, l, type) && pl_layout_word(v, type, l->f.type_flags, &flags) &&
	       flags & FLAG_HAVE_GC;
}

void pl_layout_check_list(struct pl_view *v, const struct pl_layout *l, pl_addr head,
			  bool collecting, uint64_t max, struct pl_list_check *c)
{
	pl_addr prev = head, cur;
	uint64_t n = 0, faults = 0, link;

	c->closed = c->open = c->missing = false;
	if (!pl_has(l->f.gc_head_size) || !pl_layout_word(v, head, l->f.gc_head_next, &cur)) {
		c->missing = true;
		return;
	}
	for (cur &= ~(pl_addr)LINK_BITS; cur != head; n++) {
		if (n == max) {
			c->open = true;
			return;
		}
		if (!pl_layout_word(v, cur, l->f.gc_head_next, &link)) {
			/* a hole in the core is no fault of the layout, an address nowhere is one
			 */
			c->missing = pl_image_mapping(v->im, cur) != NULL;
			c->bad += !c->missing;
			return;
		}
		c->nodes++;
		c->low_bits |= cur & 15;
		if (!collected(v, l, pl_layout_at(cur, l->f.gc_head_size))) {
			c->bad++;
			faults++;
		}
		if (!collecting) {
			uint64_t back;

			if (!pl_layout_word(v, cur, l->f.gc_head_prev, &back) ||
			    (back & ~(uint64_t)LINK_BITS) != prev) {
				c->back++;
				faults++;
			}
		}
		if (cur & 7 || faults > MAX_FAULTS)
			return;
		prev = cur;
		cur = link & ~(pl_addr)LINK_BITS;
	}
	c->closed = true;
}

bool pl_layout_is_obmalloc(struct pl_view *v, const struct pl_layout *l, pl_addr state,
			   uint32_t *count, pl_addr *arenas)
{
	uint64_t n, at;

	if (!field(v, l, state, PL_F_obmalloc_maxarenas, &n) ||
	    !pl_layout_word(v, state, l->f.obmalloc_arenas, &at) || n > MAX_ARENAS || !at != !n ||
	    at & 7)
		return false;
	*count = (uint32_t)n;
	*arenas = at;
	return true;
}

bool pl_layout_is_static_types(struct pl_view *v, const struct pl_layout *l, pl_addr records,
			       unsigned n)
{
	uint64_t type;

	for (unsigned i = 0; i < n; i++)
		if (!pl_layout_word(v,
				    records + i * (uint64_t)(int64_t)l->f.managed_static_type_size,
				    l->f.managed_static_type_type, &type) ||
		    !pl_layout_is_type(v, l, type))
			return false;
	return true;
}
