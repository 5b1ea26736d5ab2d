/*
 * context.c - context variables: contexts, tokens and the hash trie behind them. Facts:
 * Python/context.c, Python/hamt.c.
 */
#include "object/decode/decode.h"

void pl_decode_context(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.context_prev, "<previous>", true);
	pl_put_member(d, d->l->f.context_vars, "<variables>", true);
}

void pl_decode_contextvar(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.contextvar_name, ".name", true);
	pl_put_member(d, d->l->f.contextvar_default, "<default>", true);
}

void pl_decode_token(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.token_context, "<context>", true);
	pl_put_member(d, d->l->f.token_variable, ".var", true);
	pl_put_member(d, d->l->f.token_old, ".old_value", true);
}

void pl_decode_hamt(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.hamt_root, "<root>", true);
}

void pl_decode_hamtiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.hamtiter_hamt, "<variables>", true);
}

#define HAMT_ARRAY_NODE_SIZE 32
#define MAX_PAIRS 4096 /* of a bitmap node 32; of a collision node what collides */

void pl_decode_hamtarray(const struct pl_decode *d)
{
	if (pl_has(d->l->f.hamtarray_items))
		pl_put_items(d, d->addr + (uint64_t)d->l->f.hamtarray_items, HAMT_ARRAY_NODE_SIZE);
}

/* Pairs of a variable and its value, or of NULL and a node deeper down. */
static void put_pairs(const struct pl_decode *d, int32_t items)
{
	uint64_t n = pl_word(d, d->l->f.var_size) / 2;
	const uint8_t *p;

	if (!pl_has(items) || n > MAX_PAIRS ||
	    !(p = pl_at(d->v, d->addr + (uint64_t)items, 16 * n)))
		return;
	for (; n--; p += 16) {
		pl_addr key = pl_ld64(p);

		pl_put(d, key, PL_EDGE_STRONG, PL_L_KEY, 0, true);
		pl_put(d, pl_ld64(p + 8), PL_EDGE_STRONG, key ? PL_L_ITEM : PL_L_TEXT,
		       key ? key : (uint64_t)(uintptr_t) "<node>", true);
	}
}

void pl_decode_hamtbitmap(const struct pl_decode *d)
{
	put_pairs(d, d->l->f.hamtbitmap_items);
}

void pl_decode_hamtcollision(const struct pl_decode *d)
{
	put_pairs(d, d->l->f.hamtcollision_items);
}
