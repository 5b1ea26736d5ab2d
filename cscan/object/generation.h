/*
 * generation.h - the collector's lists by the names users give them; shared by several analyses.
 */
#ifndef PL_GENERATION_H
#define PL_GENERATION_H

#include "base/err.h"
#include "object/objects.h"

/* Index of the list an object's flags say it is on, as in pl_layout_gc_lists(); -1 for none. */
static inline int pl_generation_of(uint8_t flags)
{
	if (flags & PL_OBJ_PERMANENT)
		return 3;
	if (flags & PL_OBJ_TRACKED)
		return (flags & PL_OBJ_GEN_MASK) >> PL_OBJ_GEN_SHIFT;
	return -1;
}
/* "0", "1", "2", "permanent"; "young", "old0", "old1" on an incremental collector; NULL for -1. */
const char *pl_generation_name(const struct pl_objects *o, int generation);
/* The index of a name (an incremental collector takes 0 1 2 too); PL_E_USAGE for an unknown one. */
int pl_generation_parse(const struct pl_objects *o, const char *name, int *ret, struct pl_err *err);

#endif
