/*
 * nearby.h - the objects around one object, so few of them that a picture can be read.
 *
 * A breadth-first walk over references, backwards, forwards or both. Of an object with too many
 * neighbours some of each type are taken and the rest are counted. Every reference between two
 * objects that were taken is an edge, except to an object's class and to keys that are
 * str or int.
 */
#ifndef PL_NEARBY_H
#define PL_NEARBY_H

#include "graph/graph.h"
#include "object/edges/edges.h"
#include "object/roots/roots.h"

enum { PL_BACK, PL_FORWARD };

struct pl_nearby_query {
	const struct pl_objects *o;   /* indexed */
	const struct pl_graph *graph; /* with backward edges */
	const struct pl_roots *roots;
	struct pl_ctx *ctx;
	pl_id asked;
	bool way[2];          /* walk back, forward */
	uint64_t depth;       /* references from the asked object */
	uint64_t too_many;    /* neighbours of one object that are taken */
	uint64_t most;        /* objects in all, 0 = no bound */
	const bool *left_out; /* by type index, n_left_out of them: objects that are not there */
	size_t n_left_out;
};

enum pl_near_what {
	PL_NEAR_OBJECT,
	PL_NEAR_ROOT, /* holds an object, is none */
	PL_NEAR_MORE, /* stands for neighbours that were not taken */
};
struct pl_near_node {
	enum pl_near_what what;
	pl_id id;                   /* of an object, else PL_NO_ID */
	const struct pl_root *root; /* of a root */
	const char *kinds;          /* of MORE: "app.Session", "objects of 12 types", "roots" */
	uint64_t objects;           /* 1; of MORE how many */
	uint64_t beyond[2];         /* neighbours of an object at the border that are no node */
	bool seen[2];               /* the walk came here, back and forward */
	bool opened[2];             /* and went on */
	uint32_t edge[4]; /* while edges are read: by kind, index + 1 of the newest to here */
};
struct pl_near_edge {
	uint32_t source, target; /* indices of nodes */
	uint8_t kind;            /* enum pl_edge_kind */
	const char *label;       /* "['k'], [0], [1], … 4 more", "" for none */
	uint64_t references;     /* of this kind between the two */
};
struct pl_nearby {
	PL_VEC(struct pl_near_node) nodes; /* the asked object first */
	PL_VEC(struct pl_near_edge) edges;
	bool cut; /* there was more than `most` */
	struct pl_arena strings;
};

/* PL_E_CANCELLED, PL_E_NOMEM. Free with pl_nearby_fini(). */
int pl_nearby_walk(const struct pl_nearby_query *q, struct pl_nearby *ret, struct pl_err *err);
/* n objects in a row, the first held by a root, with the references from each to the next. */
int pl_nearby_chain(const struct pl_nearby_query *q, const pl_id *chain, uint32_t n,
		    struct pl_nearby *ret, struct pl_err *err);
void pl_nearby_fini(struct pl_nearby *n);

#endif
