/*
 * native_known.h - memory outside of the heap whose words Python itself accounts for: static
 * objects, stacks of frames, freelists. For native.c only.
 */
#ifndef PL_NATIVE_KNOWN_H
#define PL_NATIVE_KNOWN_H

#include "base/addrset.h"
#include "base/mem.h"
#include "object/objects.h"

struct pl_native_known {
	const struct pl_objects *o;
	PL_VEC(pl_addr) freelists; /* arrays */
	struct pl_addrset frames;  /* pages of the stacks of frames: their roots are known */
};

void pl_native_known_init(struct pl_native_known *k, const struct pl_objects *o);
void pl_native_known_fini(struct pl_native_known *k);
/* Is the word at that address, which holds an object's, no finding? */
bool pl_native_known(const struct pl_native_known *k, pl_addr at, pl_addr word);
/* How many objects start below addr. */
size_t pl_native_below(const struct pl_objects *o, pl_addr addr);

#endif
