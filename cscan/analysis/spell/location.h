/*
 * location.h - where an address lies: block, static symbol, stack, mapping.
 */
#ifndef PL_LOCATION_H
#define PL_LOCATION_H

#include "object/objects.h"

/*
 * One line about addr into buf: "pymalloc arena 3, pool 0x..., block of 64 bytes", "malloc chunk
 * 0x..., block of 1040 bytes", "PyList_Type in libpython3.11.so.1.0", "stack of thread 4242",
 * "anonymous mapping 0x...-0x...", "not mapped".
 */
void pl_location(const struct pl_objects *o, pl_addr addr, char *buf, size_t cap);
/*
 * What lies at an address where no live object starts, as a sentence without full stop: inside
 * which object, a freed block and what it last held, a dead object that is kept on a free list, or
 * the place.
 */
void pl_location_story(const struct pl_objects *o, struct pl_view *v, pl_addr addr, char *buf,
		       size_t cap);

#endif
