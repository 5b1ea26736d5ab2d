/*
 * attributes.h - what an instance of a class has beside its builtin base: slots and attributes.
 */
#ifndef PL_ATTRIBUTES_H
#define PL_ATTRIBUTES_H

#include "object/edges/put.h"

/*
 * The __slots__ of every Python class on the chain of bases: PyMemberDef records behind the class
 * object (Objects/typeobject.c, PyHeapType_GET_MEMBERS). Traversed: subtype_traverse() visits them.
 */
void pl_put_slots(const struct pl_decode *d);
/*
 * The instance dict as .__dict__, or the attributes themselves where their values lie inline or in
 * a values array that no dict object wraps.
 */
void pl_put_attributes(const struct pl_decode *d);

/* Visits the slots of a type: name (C string in the core), offset in the instance. */
typedef bool pl_slot_fn(void *arg, pl_addr name, int64_t offset);
void pl_type_slots(const struct pl_objects *o, struct pl_view *v, pl_addr type, pl_slot_fn *fn,
		   void *arg);

#endif
