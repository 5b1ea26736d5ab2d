/*
 * object_ids.h - ids for objects that a test wrote, as pl_objects_index() would give them.
 */
#ifndef TEST_OBJECT_IDS_H
#define TEST_OBJECT_IDS_H

#include "object/objects.h"

/* Make the n objects, ascending, the members of the table o; undone by object_ids_fini(). */
void object_ids_init(struct pl_objects *o, const pl_addr *objects, size_t n);
void object_ids_fini(struct pl_objects *o);
/* A dead object at addr is kept on a free list. */
void object_ids_dead(struct pl_objects *o, pl_addr addr);

#endif
