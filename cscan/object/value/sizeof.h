/*
 * sizeof.h - what sys.getsizeof() would have said.
 */
#ifndef PL_SIZEOF_H
#define PL_SIZEOF_H

#include "object/objects.h"

/*
 * Bytes that sys.getsizeof() gives for the object at addr of type t: the type's __sizeof__ plus gc
 * head (and pre-header where this version adds it). obj are the object's first avail bytes; where
 * that is less than its fixed part, and for what lies elsewhere (a dict's keys, a set's table), v
 * is asked. A size that the core makes absurd (over the process's memory) comes back as the generic
 * one. Thread-safe for different views.
 */
uint64_t pl_sizeof(const struct pl_layout *l, struct pl_view *v, const struct pl_type *t,
		   pl_addr addr, const uint8_t *obj, uint64_t avail);

/*
 * The size if it is the same for all instances of t, else 0. Fixed: no tp_itemsize and a __sizeof__
 * that is object's or that adds nothing. Called once when a type enters the directory.
 */
uint32_t pl_sizeof_fixed(const struct pl_layout *l, const struct pl_type *t);

#endif
