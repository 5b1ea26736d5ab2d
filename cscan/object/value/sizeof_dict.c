/*
 * sizeof_dict.c - the size of a dict and of its keys (Objects/dictobject.c).
 */
#include "object/value/sizeof_ask.h"
#include "object/value/value.h"

#define PTR 8

/* USABLE_FRACTION() of Objects/dictobject.c: how many entries a table of this many slots has. */
static uint64_t usable_fraction(uint64_t slots)
{
	return (slots << 1) / 3;
}

uint64_t pl_size_keys(const struct pl_layout *l, const struct pl_dict_keys *k)
{
	return (uint64_t)l->f.keys_indices + (UINT64_C(1) << k->index_bytes_log2) +
	       usable_fraction(k->size) * k->stride;
}

static bool size_dict27(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t table, mask, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, a->l->f.dict_table, &table) ||
	    !pl_size_word(a, a->l->f.dict_mask, &mask))
		return false;
	if (table != a->addr + (uint64_t)a->l->f.dict_smalltable &&
	    !pl_size_grow(&size, mask + 1, 24))
		return false;
	*ret = size;
	return true;
}

/*
 * The values of a split dict count here, its keys only when nobody shares them. How many values
 * there is room for: up to 3.10 what the table holds, later what the keys say is or can be used
 * (shared_keys_usable_size()).
 */
bool pl_size_dict(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_layout *l = a->l;
	uint64_t keys, values, refcnt, size = (uint64_t)a->t->basicsize;
	struct pl_dict_keys k;

	if (l->dict_style == PL_DICT_TABLE27)
		return size_dict27(a, ret);
	if (!pl_size_word(a, l->f.dict_keys, &keys) ||
	    !pl_size_word(a, l->f.dict_values, &values) || !pl_dict_keys_read(l, a->v, keys, &k) ||
	    !pl_read64(a->v, keys + (uint64_t)l->f.keys_refcnt, &refcnt))
		return false;
	if (values)
		size += PTR * (l->dict_style == PL_DICT_KEYS36 ? usable_fraction(k.size)
							       : k.n + k.usable);
	if (refcnt == 1)
		size += pl_size_keys(l, &k);
	*ret = size;
	return true;
}
