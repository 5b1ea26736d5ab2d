/*
 * types.h - what only object/ itself asks of the type directory; the rest is in objects.h.
 */
#ifndef PL_TYPES_H
#define PL_TYPES_H

#include "base/addrset.h"
#include "object/objects.h"

/* Index of a type that is in the directory already, or -1: no validation, no lock. */
int32_t pl_types_known(struct pl_types *t, pl_addr addr);
/*
 * All types are found: number them anew, by name and address. Returns the new index of each old
 * one, malloced. Only while no other thread reads; pointers to types lead to others afterwards.
 * Those that are met later are of no listed object.
 */
uint32_t *pl_types_order(struct pl_types *t);
/*
 * Set `python_class`: of all tp_dealloc of heap types the commonest is subtype_dealloc(), static in
 * Objects/typeobject.c and so without a symbol in a stripped build; every class statement sets it.
 * Only while no other thread reads.
 */
void pl_types_mark_python(struct pl_types *t);
/* Set `ambiguous` of all types below n with live[index] set that share their name. Only while no
 * other thread reads. */
void pl_types_mark_ambiguous(struct pl_types *t, const uint8_t *live, size_t n);
struct pl_range {
	pl_addr lo, hi;
};
/*
 * From now on an address is a type only if it is in the set (heap types, which are always on a gc
 * list) or in one of the ranges (static types, and what an extension may have malloc'd), which are
 * sorted and disjoint; NULL and none lift that. Saves a look at every object that is no type: most
 * words of a list's items are one. Both borrowed.
 */
void pl_types_alive(struct pl_types *t, const struct pl_addrset *alive,
		    const struct pl_range *elsewhere, size_t n_elsewhere);

#endif
