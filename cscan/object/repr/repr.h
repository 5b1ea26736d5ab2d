/*
 * repr.h - an object as Python would print it, without running any of its code.
 */
#ifndef PL_REPR_H
#define PL_REPR_H

#include "object/objects.h"

struct pl_repr_limits {
	unsigned depth; /* nested containers, 0 = default 2 */
	unsigned items; /* of each container, default 6 */
	unsigned chars; /* of each string, default 60 */
	unsigned total; /* of the whole, default 200 */
};
/*
 * A repr as Python would print it, cut with "..." at the limits, escaped, NUL-terminated, at most
 * cap - 1 bytes. Never fails: what cannot be read is "<unreadable at 0x...>".
 */
void pl_repr(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
	     const struct pl_repr_limits *limits, char *buf, size_t cap);

#endif
