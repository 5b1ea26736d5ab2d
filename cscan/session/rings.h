/*
 * rings.h - reference cycles: strongly connected components with their life and what hangs off the
 * dead ones.
 */
#ifndef PL_RINGS_H
#define PL_RINGS_H

#include "session/life.h"
#include "object/finalizer.h"

#define PL_NO_RING UINT32_MAX

/* Columns by object id and by ring; rings are numbered from 0. */
struct pl_rings {
	struct pl_ctx *ctx; /* of the session: a cancel ends the searches below early */
	uint32_t *of; /* by object: the ring it is in or, dead and in none, the ring it hangs off;
			 else PL_NO_RING */
	pl_node n_objects;
	uint64_t *member;   /* bitmap by object: it is in the ring itself */
	uint32_t n;         /* rings */
	pl_node *first;     /* the member with the lowest address */
	uint32_t *objects;  /* members */
	uint8_t *life;      /* enum pl_life */
	uint8_t *finalizer; /* enum pl_finalizer of a member, the most telling */
	uint8_t *flags;     /* enum pl_ring_flag */
};

enum pl_ring_flag {
	PL_RING_FINALIZED = 1, /* the finalizer of each member that has one ran already */
	PL_RING_CALLBACK = 2,  /* a living weak reference to a member has a callback */
};

/*
 * Find all cycles of references that own their target. At most 16 bytes an object while it runs.
 * PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_rings_new(const struct pl_objects *o, const struct pl_graph *g, const struct pl_lives *lives,
		 struct pl_ctx *ctx, struct pl_rings **ret, struct pl_err *err);
void pl_rings_free(struct pl_rings *r);

/*
 * After a cancel, which the caller looks for, some of a ring's members, and a start for a cycle.
 *
 * The members of a ring in the order of a search from the first: malloced, *n of them.
 * scratch: n_objects entries, all 0 before and after.
 */
pl_node *pl_rings_members(const struct pl_rings *r, const struct pl_graph *g, uint32_t ring,
			  pl_node *scratch, uint32_t *n);
/*
 * The shortest cycle through start inside its ring: malloced ids, start first and not again at the
 * end; *n gets how many. scratch as above.
 */
pl_node *pl_rings_cycle(const struct pl_rings *r, const struct pl_graph *g, pl_node start,
			pl_node *scratch, uint32_t *n);

#endif
