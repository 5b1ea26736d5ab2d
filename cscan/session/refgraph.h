/*
 * refgraph.h - the reference graph: object ids as nodes, the edges of all decoders between them.
 */
#ifndef PL_REFGRAPH_H
#define PL_REFGRAPH_H

#include "graph/graph.h"
#include "base/mem.h"
#include "object/edges/edges.h"

/*
 * Counted references that lead to no object, though they lead into an allocator's memory or to
 * nowhere: a sound heap has none. What a mapped file holds is left out, for not all of a file's
 * data is listed.
 */
struct pl_stray {
	pl_id source;
	pl_addr target;
};
#define PL_STRAYS_KEPT 1024
struct pl_strays {
	PL_VEC(struct pl_stray) at; /* ascending by source, then target: the first so many */
	uint64_t n;                 /* of all, kept or not */
	bool cut;                   /* not all references were looked at */
};

/*
 * Decode every object of an indexed table. Weak and borrowed edges bear PL_G_WEAK,
 * those that the collector counts PL_G_TRAVERSED; edges whose
 * target is no listed object are left out, and kept in strays when they should have had one; free
 * strays->at. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_refgraph_new(const struct pl_objects *o, struct pl_ctx *ctx, struct pl_graph **ret,
		    struct pl_strays *strays, struct pl_err *err);

/*
 * The first edge from source to target, as the decoder tells it (a graph keeps no labels): a strong
 * one if there is any. False when there is none.
 */
bool pl_refgraph_edge(const struct pl_objects *o, struct pl_view *v, pl_addr source, pl_addr target,
		      struct pl_edge *ret);

#endif
