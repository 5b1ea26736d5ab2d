/*
 * runtime.h - the interpreters of the process, with the parts that the rest asks for.
 */
#ifndef PL_RUNTIME_H
#define PL_RUNTIME_H

#include "base/base.h"
#include "image/image.h"
#include "layout/layout.h"

struct pl_interp {
	pl_addr addr;
	int64_t id;
	pl_addr gc_state;
	pl_addr modules, sysdict, builtins; /* dict objects, 0 = unknown */
};
/* All interpreters, the main one first; *ret malloced, returns the number (damage shortens the
 * list). */
size_t pl_interps(struct pl_image *im, const struct pl_layout *l, struct pl_interp **ret);

#endif
