/*
 * containers.c - what the builtin containers hold. How each keeps it is dict.c's, set.c's and
 * deque.c's; here it gets names.
 */
#include "object/decode/decode.h"
#include "object/value/value.h"

void pl_decode_list(const struct pl_decode *d)
{
	pl_addr items;
	uint64_t n;

	if (pl_list_items(d->l, d->v, d->addr, &items, &n))
		pl_put_items(d, items, n);
}

void pl_decode_set(const struct pl_decode *d)
{
	struct pl_set_iter it;
	pl_addr key;

	if (!pl_set_begin(d->l, d->v, d->addr, &it))
		return;
	while (pl_set_next(&it, &key))
		pl_put(d, key, PL_EDGE_STRONG, PL_L_ELEMENT, 0, true);
}

void pl_decode_deque(const struct pl_decode *d)
{
	struct pl_deque_iter it;
	pl_addr item;

	if (!pl_deque_begin(d->l, d->v, d->addr, &it))
		return;
	for (uint64_t i = 0; pl_deque_next(&it, &item); i++)
		pl_put(d, item, PL_EDGE_STRONG, PL_L_INDEX, i, true);
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
void pl_decode_dict(const struct pl_decode *d)
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

void pl_decode_defaultdict(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.defdict_factory, ".default_factory", true);
	pl_decode_dict(d);
}

/*
 * OrderedDict (Objects/odictobject.c, odict_traverse()): every key once more in the nodes that keep
 * the order.
 */
#define MAX_NODES (UINT64_C(1) << 32)

static void put_nodes(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr node = pl_word(d, f->odict_first);
	uint64_t most = 0, key, next;

	pl_dict_used(d->l, d->v, d->addr, &most);
	for (uint64_t i = 0; node && i < PL_MIN(most, MAX_NODES); i++, node = next) {
		if (!pl_read64(d->v, node + (uint64_t)f->odictnode_key, &key) ||
		    !pl_read64(d->v, node + (uint64_t)f->odictnode_next, &next))
			return;
		pl_put(d, key, PL_EDGE_STRONG, PL_L_KEY, 0, true);
	}
}

void pl_decode_odict(const struct pl_decode *d)
{
	pl_decode_dict(d);
	if (!pl_has(d->l->f.odict_first) || !pl_has(d->l->f.odictnode_key))
		return;
	put_nodes(d);
	if (d->type->exact)
		pl_put(d, pl_word(d, d->l->f.odict_inst_dict), PL_EDGE_STRONG, PL_L_DICT, 0, true);
}
