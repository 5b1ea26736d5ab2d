/*
 * native.c - instances of C types that no decoder knows.
 *
 * What is known of them is their size. Every aligned word of the instance that is the address of a
 * live object is taken for a reference; a number that happens to be one is the price, and the edge
 * is marked native.
 */
#include "object/decode/decode.h"

void pl_decode_native(const struct pl_decode *d)
{
	for (uint64_t at = (uint64_t)d->l->f.object_size; at + 8 <= d->room; at += 8) {
		pl_addr target = pl_ld64(d->obj + at);

		if (target && !(target & 7) && pl_objects_id(d->o, target) != PL_NO_ID)
			pl_put(d, target, PL_EDGE_NATIVE, PL_L_NATIVE, at, false);
	}
}
