/*
 * session.h - the dead process with its stages (stages.def), each built on first need and then
 * read-only.
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

/* For each row of stages.def: int pl_session_name(struct pl_session *, result **, struct pl_err *).
 */
#define PL_STAGE(name, result, needs, build, free) \
	int pl_session_##name(struct pl_session *s, result **ret, struct pl_err *err);
#include "session/stages.def"
#undef PL_STAGE

/*
 * Between two runs: forget the cancel, and the notes and the partial mark of the analysis before;
 * those that came from building the stages stay, for they hold for every run.
 */
void pl_session_renew(struct pl_session *s);

/* Objects with ids, roots and graph together: what every question about references needs. */
int pl_session_references(struct pl_session *s, struct pl_objects **o,
			  const struct pl_roots **roots, const struct pl_graph **graph,
			  struct pl_err *err);
/* The references that were left out of the graph though they should lead to an object. */
int pl_session_strays(struct pl_session *s, const struct pl_strays **ret, struct pl_err *err);

/* Stages already built, or NULL: the report's head line uses what is there. */
struct pl_image *pl_session_have_image(const struct pl_session *s);
const struct pl_layout *pl_session_have_layout(const struct pl_session *s);
struct pl_objects *pl_session_have_objects(const struct pl_session *s);

#endif
