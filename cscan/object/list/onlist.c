/*
 * onlist.c - on which of the collector's lists an object is, for walks in the order of addresses.
 */
#include "object/list/listing.h"

void pl_on_list_init(struct pl_on_list *at, const struct pl_gclists *g)
{
	*at = (struct pl_on_list){.g = g, .key = UINT64_MAX};
}

/* Objects come in the order of their addresses, or nearly so: look a chunk up once. */
static void move_to(struct pl_on_list *at, pl_addr addr)
{
	at->key = addr >> PL_ADDRSET_SHIFT;
	at->listed = pl_addrset_chunk(&at->g->listed, addr);
	for (unsigned k = 0; k < at->g->n_lists; k++)
		at->small[k] = pl_addrset_chunk(&at->g->small[k], addr);
}

bool pl_on_list(struct pl_on_list *at, pl_addr addr, uint8_t *flags)
{
	unsigned list = at->g->big;

	if (addr >> PL_ADDRSET_SHIFT != at->key)
		move_to(at, addr);
	if (!at->listed || !pl_addrset_chunk_has(at->listed, addr))
		return false;
	for (unsigned k = 0; k < at->g->n_lists; k++) {
		if (at->small[k] && pl_addrset_chunk_has(at->small[k], addr)) {
			list = k;
			break;
		}
	}
	*flags |= list == at->g->permanent ? (uint8_t)PL_OBJ_PERMANENT
					   : (uint8_t)(PL_OBJ_TRACKED | list << PL_OBJ_GEN_SHIFT);
	return true;
}
