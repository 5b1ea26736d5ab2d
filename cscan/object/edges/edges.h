/*
 * edges.h - the references that an object holds, each with the name a Python programmer would use.
 *
 * One decoder per family of types, in decode/, and one row each in decoders.def. A decoder only
 * says what the object's memory holds; names are not spelled while edges are listed, so that
 * building a graph of millions costs no string: a label is a kind and a number, and label.c turns
 * it into text for the few edges that are shown.
 */
#ifndef PL_EDGES_H
#define PL_EDGES_H

#include "object/edges/put.h"

/*
 * Every reference of the object at addr, in a fixed order: its class (heap types), what its builtin
 * base holds, slots, attributes. Edges with target 0 are left out; a target that is no object is
 * passed on (static data that was not listed, damage). False when addr cannot be read as an object.
 */
bool pl_edges(const struct pl_objects *o, struct pl_view *v, pl_addr addr, pl_edge_fn *fn,
	      void *arg);
/* The same of a listed object: quicker, as its type is known. */
bool pl_edges_of(const struct pl_objects *o, struct pl_view *v, pl_id id, pl_edge_fn *fn,
		 void *arg);

/*
 * For who goes over all objects: as pl_edges_of(), but passes on at most left->n references and
 * takes them off it; false when none was left. In a hostile core any number of objects can claim
 * the same words as their items, but in any other a word of the core or of its files is a reference
 * of one object, or of two where keys or links are told twice, so that no honest core has more than
 * pl_edges_most().
 *
 * Each worker begins with pl_edges_begin(), one more than all together may have, so that none is
 * stopped before they are over it: whether pl_edges_over() does not depend on the threads. Which
 * references were passed on does then, so who is over it begins again, with one thread.
 */
struct pl_edges_left {
	uint64_t n;
	uint8_t apart[56]; /* each worker has one: no two in a cache line */
};
bool pl_edges_within(const struct pl_objects *o, struct pl_view *v, pl_id id,
		     struct pl_edges_left *left, pl_edge_fn *fn, void *arg);
uint64_t pl_edges_most(const struct pl_objects *o);
struct pl_edges_left pl_edges_begin(const struct pl_objects *o);
/* Add what was taken off left to *used; true when that is more than all may have. */
bool pl_edges_over(const struct pl_objects *o, const struct pl_edges_left *left, uint64_t *used);

/*
 * The label of an edge as text into buf, escaped, NUL-terminated: path spells it as an accessor
 * (".conn", "['k']", "[3]", "<set element>"), else as a table shows it ("local x", "closure x").
 */
void pl_label(const struct pl_objects *o, struct pl_view *v, const struct pl_edge *e, bool path,
	      char *buf, size_t cap);
const char *pl_edge_kind_name(enum pl_edge_kind k); /* "strong" "weak" "borrowed" "native" */

#endif
