/*
 * rooted.h - which root holds an object first of all: what every search for a chain asks.
 */
#ifndef PL_ROOTED_H
#define PL_ROOTED_H

#include "graph/graph.h"
#include "object/roots/roots.h"

struct pl_rooted {
	const struct pl_objects *o;
	const struct pl_roots *roots;
	bool unsure; /* words of C memory that may be left over (PL_ROOT_NATIVE) count too */
};

/* The best root of an object, whether or not it counts; NULL when it has none. */
const struct pl_root *pl_rooted_best(const struct pl_rooted *r, pl_id id);
/* The rank of that root: a pl_root_rank_fn, arg a struct pl_rooted. */
unsigned pl_rooted_rank(void *arg, pl_node node);

#endif
