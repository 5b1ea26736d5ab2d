/*
 * life.h - which objects are alive, and of those that are not, why they are still there.
 *
 * The heap of a core is frozen, so the collector can be replayed on it: no finalizer runs and no
 * count changes. What the program can still reach is told by the roots; what a full collection
 * would have found unreachable, by the reference counts, as deduce_unreachable() in Python/gc.c
 * (collect() in Modules/gcmodule.c of 2.7) does.
 */
#ifndef PL_LIFE_H
#define PL_LIFE_H

#include "graph/graph.h"
#include "object/roots/roots.h"

enum pl_life {
	PL_LIVES,       /* a root leads to it */
	PL_GARBAGE,     /* gc.garbage alone leads to it */
	PL_UNREACHABLE, /* a full collection would find it unreachable, and free it */
	PL_BLOCKED,     /* the same, but it would go to gc.garbage, or hangs off what would */
	PL_FROZEN,      /* unreachable but for gc.freeze(): its list is not looked at */
	PL_UNSEEN, /* every reference to it comes from dead objects, but the collector does not see
		      them all: a tp_traverse omits one, or a type has none */
	PL_HELD,   /* no root leads to it, and it counts references that no object holds; or it
		      hangs off such an object */
	PL_GOES,   /* dead objects alone hold it, and the collector does not judge it: it is
		      freed when they are */
	PL_N_LIVES
};

struct pl_lives {
	uint8_t *of; /* enum pl_life, by object id */
	pl_node n;
	uint64_t objects[PL_N_LIVES];
	/* Found unreachable though a root leads there: a root owns nothing, or a count was wrong.
	 */
	uint64_t contradictions;
};

/*
 * Judge every object. Needs an indexed table. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_lives_new(const struct pl_objects *o, const struct pl_roots *roots, const struct pl_graph *g,
		 struct pl_ctx *ctx, struct pl_lives **ret, struct pl_err *err);
void pl_lives_free(struct pl_lives *l);
/* As `cycles` prints it: "reachable" "garbage" "unreachable" "unreachable" "frozen" "held" "held",
 * and "unreachable" for what goes with something dead.
 */
const char *pl_life_name(enum pl_life l);

#endif
