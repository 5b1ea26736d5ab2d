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

void pl_decode_dict(const struct pl_decode *d)
{
	pl_put_dict(d);
}

void pl_decode_defaultdict(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.defdict_factory, ".default_factory", true);
	pl_put_dict(d);
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
	pl_put_dict(d);
	if (!pl_has(d->l->f.odict_first) || !pl_has(d->l->f.odictnode_key))
		return;
	put_nodes(d);
	if (d->type->exact)
		pl_put(d, pl_word(d, d->l->f.odict_inst_dict), PL_EDGE_STRONG, PL_L_DICT, 0, true);
}
