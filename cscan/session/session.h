/*
 * session.h - the dead process with its stages, each built on first need and then read-only.
 *
 *	image -> layout -> heap -> objects -> index -> roots -> graph -> lives -> rings
 *
 * A stage getter returns 0 or an error code; a failed stage fails again in the same way. One thread
 * at a time per session.
 */
#ifndef PL_SESSION_H
#define PL_SESSION_H

#include "base/ctx.h"
#include "heap/heap.h"
#include "image/image.h"
#include "layout/layout.h"
#include "graph/graph.h"
#include "object/objects.h"
#include "object/roots/roots.h"
#include "session/life.h"
#include "session/refgraph.h"
#include "session/rings.h"

struct pl_session;

/* Copies the options' strings. */
struct pl_session *pl_session_new(const struct pl_image_options *options, unsigned threads);
void pl_session_free(struct pl_session *s);
struct pl_ctx *pl_session_ctx(struct pl_session *s);

int pl_session_image(struct pl_session *s, struct pl_image **ret, struct pl_err *err);
int pl_session_layout(struct pl_session *s, const struct pl_layout **ret, struct pl_err *err);
int pl_session_heap(struct pl_session *s, const struct pl_heap **ret, struct pl_err *err);
/* What is known without a walk over the heap: the same, whatever else is known already. */
int pl_session_outline(struct pl_session *s, struct pl_objects **ret, struct pl_err *err);
/* The sums by type alone: quicker and smaller than the objects, which serve when they are there. */
int pl_session_census(struct pl_session *s, struct pl_objects **ret, struct pl_err *err);
int pl_session_objects(struct pl_session *s, struct pl_objects **ret, struct pl_err *err);

/*
 * Between two runs: forget the cancel, and the notes and the partial mark of the analysis before;
 * those that came from building the stages stay, for they hold for every run.
 */
void pl_session_renew(struct pl_session *s);

/* The objects with ids, for pl_objects_id(), pl_edges() and all that follows. */
int pl_session_index(struct pl_session *s, struct pl_objects **ret, struct pl_err *err);
int pl_session_roots(struct pl_session *s, const struct pl_roots **ret, struct pl_err *err);
/* The reference graph in both directions: see refgraph.h. */
int pl_session_graph(struct pl_session *s, const struct pl_graph **ret, struct pl_err *err);
/* The references that were left out of it though they should lead to an object. */
int pl_session_strays(struct pl_session *s, const struct pl_strays **ret, struct pl_err *err);

/* Objects with ids, roots and graph together: what every question about references needs. */
int pl_session_references(struct pl_session *s, struct pl_objects **o,
			  const struct pl_roots **roots, const struct pl_graph **graph,
			  struct pl_err *err);

/* What is dead and why it is still there; and the cycles among all objects. */
int pl_session_lives(struct pl_session *s, const struct pl_lives **ret, struct pl_err *err);
int pl_session_rings(struct pl_session *s, const struct pl_rings **ret, struct pl_err *err);

/* Stages already built, or NULL: the report's head line uses what is there. */
struct pl_image *pl_session_have_image(const struct pl_session *s);
const struct pl_layout *pl_session_have_layout(const struct pl_session *s);
struct pl_objects *pl_session_have_objects(const struct pl_session *s);

#endif
