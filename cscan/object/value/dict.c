/*
 * dict.c - the entries of a dict, whatever its form.
 *
 * Knows the open table of 2.7 (Include/dictobject.h), keys objects of 3.6 on
 * (Objects/dict-common.h, Include/internal/pycore_dict.h) and the value arrays of split dicts and
 * instances, through the layout. What keys and values mean is the caller's.
 */
#include "layout/facts.h"
#include "object/value/value.h"

enum {
	MAX_LOG2 = 48,     /* of a table: more slots than any address space holds entries for */
	MAX_GET = 1 << 20, /* entries that a look-up by name compares: of no heap, a namespace */
};

static bool keys_36(const struct pl_layout *l, struct pl_view *v, pl_addr keys,
		    struct pl_dict_keys *ret)
{
	uint64_t width_log2;

	if (!pl_read64(v, keys + (uint64_t)l->f.keys_size, &ret->size) || !ret->size ||
	    ret->size & (ret->size - 1) || ret->size >> MAX_LOG2)
		return false;
	width_log2 = ret->size <= 0xff         ? 0
		     : ret->size <= 0xffff     ? 1
		     : ret->size <= 0xffffffff ? 2
					       : 3;
	ret->index_bytes_log2 = (unsigned)(__builtin_ctzll(ret->size) + (int)width_log2);
	ret->stride = 24;
	return true;
}

/* Kinds: 0 general {hash, key, value}; 1 unicode and 2 split {key, value}. */
static bool keys_311(const struct pl_layout *l, struct pl_view *v, pl_addr keys,
		     struct pl_dict_keys *ret)
{
	const uint8_t *size = pl_at(v, keys + (uint64_t)l->f.keys_log2_size, 1);
	const uint8_t *index = pl_at(v, keys + (uint64_t)l->f.keys_log2_index_bytes, 1);
	const uint8_t *kind = pl_at(v, keys + (uint64_t)l->f.keys_kind, 1);

	if (!size || !index || !kind || *size > MAX_LOG2 || *index > MAX_LOG2 + 3 || *kind > 2)
		return false;
	ret->size = UINT64_C(1) << *size;
	ret->index_bytes_log2 = *index;
	ret->stride = *kind == 0 ? 24 : 16;
	return true;
}

bool pl_dict_keys_read(const struct pl_layout *l, struct pl_view *v, pl_addr keys,
		       struct pl_dict_keys *ret)
{
	struct pl_dict_keys k = {0};

	if (l->dict_style == PL_DICT_KEYS36 ? !keys_36(l, v, keys, &k) : !keys_311(l, v, keys, &k))
		return false;
	if (!pl_read64(v, keys + (uint64_t)l->f.keys_nentries, &k.n) || k.n > k.size ||
	    !pl_read64(v, keys + (uint64_t)l->f.keys_usable, &k.usable) || k.usable > k.size)
		return false;
	k.entries = keys + (uint64_t)l->f.keys_indices + (UINT64_C(1) << k.index_bytes_log2);
	*ret = k;
	return true;
}

static void iter_keys(struct pl_dict_iter *it, const struct pl_dict_keys *k)
{
	it->entries = k->entries;
	it->n = k->n;
	it->stride = k->stride;
	it->key_at = k->stride == 24 ? 8 : 0;
	it->value_at = it->key_at + 8;
}

/*
 * Turn an iterator over keys into one over keys and a value array. The order of insertion: up to
 * 3.12 in bytes that lie backwards before the array (values[-2] says how many, values[-3] is the
 * first); from 3.13 on behind the array of `capacity` values.
 */
static bool iter_values(struct pl_dict_iter *it, pl_addr values)
{
	const struct pl_layout *l = it->l;
	const uint8_t *head;
	unsigned capacity;

	it->value_at = -1;
	it->values = values;
	if (l->values_style == PL_VALUES_PREFIXED) {
		head = pl_at(it->v, values - 2, 2);
		it->n_order = head ? head[0] : 0;
		it->order = pl_at(it->v, values - 2 - it->n_order, it->n_order);
		it->order = it->order && it->n_order ? it->order + it->n_order - 1 : NULL;
		it->order_step = -1;
	} else if (l->values_style == PL_VALUES_STRUCT) {
		head = pl_at(it->v, values, (uint64_t)l->f.values_values);
		if (!head)
			return false;
		capacity = head[l->f.values_capacity];
		it->values = values + (uint64_t)l->f.values_values;
		it->n = PL_MIN(it->n, capacity);
		it->n_order = head[l->f.values_size];
		it->order = pl_at(it->v, it->values + 8 * (uint64_t)capacity, it->n_order);
		it->order_step = 1;
	}
	for (unsigned i = 0; it->order && i < it->n_order; i++)
		if (it->order[(int)i * it->order_step] >= it->n)
			it->order = NULL;
	return true;
}

static bool begin_27(struct pl_dict_iter *it, pl_addr addr)
{
	const struct pl_layout *l = it->l;
	uint64_t mask;

	if (!pl_read64(it->v, addr + (uint64_t)l->f.dict_mask, &mask) || mask >> MAX_LOG2 ||
	    mask & (mask + 1) || !pl_read64(it->v, addr + (uint64_t)l->f.dict_table, &it->entries))
		return false;
	it->n = mask + 1;
	it->stride = 24;
	it->key_at = 8;
	it->value_at = 16;
	return true;
}

/* A frozendict (3.15) or a class that derives from it: no flag tells it, so its name must. */
static bool is_frozendict(const struct pl_layout *l, struct pl_view *v, pl_addr type)
{
	char name[16];
	pl_addr text;

	for (int i = 0; i < PL_MAX_BASES && type; i++) {
		if (pl_read64(v, type + (uint64_t)l->f.type_name, &text) &&
		    pl_read_cstr(v, text, name, sizeof(name)) && !strcmp(name, "frozendict"))
			return true;
		if (!pl_read64(v, type + (uint64_t)l->f.type_base, &type))
			return false;
	}
	return false;
}

static bool is_dict(const struct pl_layout *l, struct pl_view *v, pl_addr addr)
{
	uint64_t flags;
	pl_addr type;

	if (!pl_value_type(l, v, addr, &type, &flags))
		return false;
	return flags & PL_TPFLAG_DICT ||
	       (pl_has(l->f.frozendict_hash) && is_frozendict(l, v, type));
}

bool pl_dict_begin(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		   struct pl_dict_iter *it)
{
	struct pl_dict_iter new = {.l = l, .v = v};
	struct pl_dict_keys k;
	pl_addr keys, values;

	*it = new;
	if (!is_dict(l, v, addr))
		return false;
	if (l->dict_style == PL_DICT_TABLE27) {
		if (!begin_27(&new, addr))
			return false;
		*it = new;
		return true;
	}
	if (!pl_read64(v, addr + (uint64_t)l->f.dict_keys, &keys) ||
	    !pl_read64(v, addr + (uint64_t)l->f.dict_values, &values) ||
	    !pl_dict_keys_read(l, v, keys, &k))
		return false;
	iter_keys(&new, &k);
	if (values && !iter_values(&new, values))
		return false;
	*it = new;
	return true;
}

bool pl_values_begin(const struct pl_layout *l, struct pl_view *v, pl_addr type_addr,
		     pl_addr values, struct pl_dict_iter *it)
{
	struct pl_dict_iter new = {.l = l, .v = v};
	struct pl_dict_keys k;
	uint64_t flags;
	pl_addr keys;

	*it = new;
	if (!pl_read64(v, type_addr + (uint64_t)l->f.type_flags, &flags) ||
	    !(flags & PL_TPFLAG_HEAPTYPE) ||
	    !pl_read64(v, type_addr + (uint64_t)l->f.heaptype_cached_keys, &keys) ||
	    !pl_dict_keys_read(l, v, keys, &k))
		return false;
	iter_keys(&new, &k);
	if (!iter_values(&new, values))
		return false;
	*it = new;
	return true;
}

/* Entry number at; false when it is free, deleted or unreadable (*gone set then: nothing behind it
 * is at hand). */
static bool entry(const struct pl_dict_iter *it, uint64_t at, pl_addr *key, pl_addr *value,
		  bool *gone)
{
	const uint8_t *e = NULL;
	uint8_t apart[24]; /* an entry that lies across the end of a span */
	uint64_t where;

	if (pl_mul(at, it->stride, &where)) {
		e = pl_at(it->v, it->entries + where, it->stride);
		if (!e && pl_read(it->v, it->entries + where, apart, it->stride))
			e = apart;
	}
	if (!e) {
		*gone = true;
		return false;
	}
	*key = pl_ld64(e + it->key_at);
	if (it->value_at >= 0) {
		*value = pl_ld64(e + it->value_at);
	} else if (!pl_read64(it->v, it->values + 8 * at, value)) {
		*gone = true;
		return false;
	}
	return *key && *value;
}

bool pl_dict_next(struct pl_dict_iter *it, pl_addr *key, pl_addr *value, uint64_t *entry_index)
{
	while (it->i < (it->order ? it->n_order : it->n)) {
		uint64_t at = it->order ? it->order[(int)it->i * it->order_step] : it->i;
		bool gone = false;

		it->i++;
		if (entry(it, at, key, value, &gone)) {
			if (entry_index)
				*entry_index = at;
			return true;
		}
		if (gone)
			it->n = it->n_order = 0;
	}
	return false;
}

bool pl_dict_used(const struct pl_layout *l, struct pl_view *v, pl_addr addr, uint64_t *ret)
{
	uint64_t used;

	if (!is_dict(l, v, addr) || !pl_read64(v, addr + (uint64_t)l->f.dict_used, &used) ||
	    used >> MAX_LOG2)
		return false;
	*ret = used;
	return true;
}

bool pl_dict_get(const struct pl_layout *l, struct pl_view *v, pl_addr dict, const char *key,
		 pl_addr *ret)
{
	struct pl_dict_iter it;
	pl_addr k, value;

	if (!pl_dict_begin(l, v, dict, &it))
		return false;
	it.n = PL_MIN(it.n, MAX_GET);
	while (pl_dict_next(&it, &k, &value, NULL)) {
		if (pl_str_equals(l, v, k, key)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* True when the object's type is str itself. */
static bool is_text(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *text_type)
{
	uint64_t flags;
	pl_addr type;

	if (!pl_read64(v, addr + (uint64_t)l->f.object_type, &type))
		return false;
	if (type == *text_type)
		return true;
	if (!pl_value_type(l, v, addr, &type, &flags) || !(flags & PL_TPFLAG_STR) ||
	    flags & PL_TPFLAG_HEAPTYPE)
		return false;
	*text_type = type;
	return true;
}

bool pl_dict_keys_are_text(const struct pl_dict_iter *begun)
{
	pl_addr key, value, text_type = 0;
	struct pl_dict_iter it = *begun;

	if (it.l->dict_style == PL_DICT_KEYS311 || it.value_at < 0)
		return it.stride == 16 || it.value_at < 0;
	while (pl_dict_next(&it, &key, &value, NULL)) {
		if (!is_text(it.l, it.v, key, &text_type))
			return false;
	}
	return true;
}
