/*
 * put.c - what several decoders put in the same way: arrays of items, entries of a dict.
 */
#include "object/edges/put.h"

#include "layout/facts.h"
#include "object/value/value.h"

const struct pl_type *pl_c_base(const struct pl_objects *o, struct pl_view *v,
				const struct pl_type *type)
{
	for (int i = 0; i < PL_MAX_BASES && type->python_class; i++) {
		int32_t base = pl_types_find(o->types, v, type->base);

		if (base < 0)
			return NULL;
		type = pl_types_at(o->types, (uint32_t)base);
	}
	return type;
}

void pl_put_items(const struct pl_decode *d, pl_addr items, uint64_t n)
{
	const uint8_t *p = n ? pl_at(d->v, items, n * 8) : NULL;

	for (uint64_t i = 0; p && i < n; i++)
		pl_put(d, pl_ld64(p + 8 * i), PL_EDGE_STRONG, PL_L_INDEX, i, true);
}

/* Its values are those of an instance, in the instance. */
static bool has_inline_values(const struct pl_decode *d)
{
	pl_addr values = pl_word(d, d->l->f.dict_values);
	const uint8_t *embedded =
		values && pl_has(d->l->f.values_embedded)
			? pl_at(d->v, values + (uint64_t)d->l->f.values_embedded, 1)
			: NULL;

	return embedded && *embedded;
}

/*
 * dict_traverse() in Objects/dictobject.c skips the keys of a table in which all are strings, and
 * those of a split table belong to the keys object, which the class owns. Values that lie inline in
 * an instance are put by its dict once there is one; whether it visits them changed in 3.13.
 */
void pl_put_dict(const struct pl_decode *d)
{
	bool values_visited = !d->l->visits_inline_values || !has_inline_values(d);
	struct pl_dict_iter it;
	pl_addr key, value;
	bool keys_visited;
	uint8_t kind;

	if (!pl_dict_begin(d->l, d->v, d->addr, &it))
		return;
	keys_visited = d->l->dict_style == PL_DICT_TABLE27 || !pl_dict_keys_are_text(&it);
	kind = pl_objects_interned(d->o, d->addr) ? PL_EDGE_BORROWED : PL_EDGE_STRONG;
	while (pl_dict_next(&it, &key, &value, NULL)) {
		if (it.value_at >= 0)
			pl_put(d, key, kind, PL_L_KEY, 0, keys_visited);
		pl_put(d, value, kind, PL_L_ITEM, key, values_visited);
	}
}
