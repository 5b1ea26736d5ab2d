/*
 * holders.h - who holds most of the heap: a sample of all objects, by the shapes of their chains.
 *
 * The shortest chain from a root charges every byte to one shape (shapes.h) and so to all the
 * shapes that it begins with. Where one of these has most of the bytes below it, its owner is
 * found, whatever the types are that it holds. Big objects are all looked at, of the others so
 * many, evenly spaced, that a share is off by less than one in a hundred.
 */
#ifndef PL_HOLDERS_H
#define PL_HOLDERS_H

#include "analysis/search/shapes.h"

struct pl_holders {
	const struct pl_objects *o;
	const struct pl_roots *roots;
	struct pl_ctx *ctx;
	pl_node *parent; /* forest of all roots that are sure */
	struct pl_shapes shapes;
	double *below; /* by shape: bytes of the objects on it and behind it */
	pl_node *via;  /* by shape: a node whose chain goes through it */
	size_t n_below;
	double total; /* bytes of all that was looked at: of the whole heap */
	struct pl_view v;
};

/* PL_E_CANCELLED, PL_E_NOMEM. Free with pl_holders_fini(), after a failure too. */
int pl_holders_init(struct pl_holders *h, const struct pl_objects *o, const struct pl_roots *roots,
		    const struct pl_graph *g, struct pl_ctx *ctx, struct pl_err *err);
void pl_holders_fini(struct pl_holders *h);

/*
 * The shape farthest from a root that has at least `least` of all bytes below it and is not one of
 * several that share what is below the one before it; UINT32_MAX when there is none.
 */
uint32_t pl_holders_owner(const struct pl_holders *h, double least);
/* The node that the shape ends at, on its first chain. */
pl_node pl_holders_node(const struct pl_holders *h, uint32_t shape);
/* The shape as a path in its general spelling, cut with "..." when it is long; malloced. */
char *pl_holders_path(struct pl_holders *h, uint32_t shape);

/*
 * Of the objects of one type, those of one path, the general spelling of which most have in common:
 * malloced, and *share of all; NULL when no root reaches any of them. After a cancel, which the
 * caller looks for, it is of some of them.
 */
char *pl_holders_of_type(struct pl_holders *h, uint32_t type, uint64_t objects, double *share);

#endif
