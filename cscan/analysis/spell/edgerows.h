/*
 * edgerows.h - edges as rows of a table, one by one or grouped; shared by referents and referrers.
 */
#ifndef PL_EDGEROWS_H
#define PL_EDGEROWS_H

#include "analysis/analysis.h"
#include "object/edges/edges.h"

/*
 * Columns of one edge: address type edge kind traversed repr, of the object at the other end; with
 * each, before them `object`, the one that was asked about, and no repr.
 */
struct pl_table *pl_edge_table(struct pl_result *ret, const char *name, bool each);
/*
 * One row. other: address of the object at the other end. object: the one asked about; 0 makes the
 * row of pl_edge_table(..., false), any other that of (..., true).
 */
void pl_edge_row(const struct pl_objects *o, struct pl_view *v, struct pl_table *t, pl_addr object,
		 pl_addr other, const struct pl_edge *e);
/* A row for what holds an object without being one; at 0: it has no address. */
void pl_edge_row_outside(struct pl_table *t, pl_addr object, pl_addr at, const char *holder,
			 const char *edge, enum pl_edge_kind kind);

/*
 * Edges added up by (type of the object at the other end, edge, kind); keys and indices are spelled
 * [*], attributes by their names.
 */
struct pl_edge_groups;
struct pl_edge_groups *pl_edge_groups_new(const struct pl_objects *o);
void pl_edge_groups_free(struct pl_edge_groups *g);
/*
 * Count one edge. other: the object at its other end, counted once in a group however many edges it
 * has; PL_NO_ID for memory that is no listed object. attribute: e is an entry of an instance's or
 * module's dict, a str key is spelled .key.
 */
void pl_edge_groups_add(struct pl_edge_groups *g, struct pl_view *v, const struct pl_edge *e,
			pl_id other, bool attribute);
/* Count what holds an object without being one, a root or C memory; holder is shown as its type. */
void pl_edge_groups_outside(struct pl_edge_groups *g, const char *holder, const char *edge,
			    enum pl_edge_kind kind, pl_id held);
/* The table type edge kind edges objects, most edges first; only types that --match fits. */
void pl_edge_groups_put(struct pl_edge_groups *g, const struct pl_args *args, struct pl_result *ret,
			const char *name);

#endif
