/*
 * namespace.h - whose __dict__ is this?
 */
#ifndef PL_NAMESPACE_H
#define PL_NAMESPACE_H

#include "graph/graph.h"
#include "object/edges/edges.h"

/*
 * The object whose __dict__ the dict is (an instance, module, class ...), or PL_NO_ID. Needs the
 * graph's backward edges.
 */
pl_id pl_namespace_owner(const struct pl_objects *o, const struct pl_graph *g, struct pl_view *v,
			 pl_id dict);

#endif
