/*
 * location.h - where an address lies: block, static symbol, stack, mapping.
 */
#ifndef PL_LOCATION_H
#define PL_LOCATION_H

#include "object/objects.h"

/*
 * One line about addr into buf: "pymalloc arena 3, pool 0x..., block of 64 bytes", "malloc chunk of
 * 1,040 bytes", "PyList_Type in libpython3.11.so.1.0", "stack of thread 4242", "not in the core".
 */
void pl_location(const struct pl_objects *o, pl_addr addr, char *buf, size_t cap);
/*
 * What lies at an address where no live object starts, as a sentence: inside which object, in a
 * freed block that last held what, or nothing known.
 */
void pl_location_story(const struct pl_objects *o, struct pl_view *v, pl_addr addr, char *buf,
		       size_t cap);

#endif
