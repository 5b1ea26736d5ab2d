/*
 * set.c - the members of a set or frozenset.
 *
 * An open table of {key, hash} (2.7: {hash, key}), Objects/setobject.c. A deleted entry holds a
 * dummy: later versions mark it with the hash -1, which no object has; 2.7 with a str of its own.
 */
#include "object/value/value.h"

enum { ENTRY = 16, MAX_LOG2 = 48 };

bool pl_set_begin(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		  struct pl_set_iter *it)
{
	struct pl_set_iter new = {.l = l, .v = v};
	uint64_t mask;

	*it = new;
	if (!pl_read64(v, addr + (uint64_t)l->f.set_table, &new.table) ||
	    !pl_read64(v, addr + (uint64_t)l->f.set_mask, &mask) || mask & (mask + 1) ||
	    mask >> MAX_LOG2)
		return false;
	new.n = mask + 1;
	*it = new;
	return true;
}

bool pl_set_next(struct pl_set_iter *it, pl_addr *key)
{
	unsigned key_at = (unsigned)it->l->f.setentry_key;
	uint8_t e[ENTRY];

	while (it->i < it->n) {
		pl_addr k;

		if (!pl_read(it->v, it->table + it->i++ * ENTRY, e, ENTRY)) {
			it->n = 0; /* nothing behind it is at hand */
			break;
		}
		k = pl_ld64(e + key_at);
		if (!k || (key_at ? pl_str_equals(it->l, it->v, k, "<dummy key>")
				  : pl_ld64(e + 8) == UINT64_MAX))
			continue;
		*key = k;
		return true;
	}
	return false;
}
