/*
 * native.h - chains of references that begin in C memory, for objects that no root reaches.
 */
#ifndef PL_ANALYSIS_NATIVE_H
#define PL_ANALYSIS_NATIVE_H

#include "base/mem.h"
#include "graph/graph.h"
#include "object/native/native.h"
#include "object/roots/roots.h"

/*
 * The shortest chain to target from a word of C memory; of equal ones that from the most telling
 * place. Everything that leads to target is looked for at once, so target should have no root: what
 * has one is held by half the process. *hit names the beginning; ret->n is 0 when there is none.
 * ret->node malloced. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_native_chain(const struct pl_objects *o, const struct pl_graph *graph, pl_id target,
		    struct pl_ctx *ctx, struct pl_path *ret, struct pl_native_hit *hit,
		    struct pl_err *err);

/* An object that a word of C memory holds. */
struct pl_native_root {
	pl_node node;
	pl_node alike; /* the same for all whose words have one general name */
	struct pl_native_hit hit;
	uint64_t stride; /* bytes from word to word of an array, of which hit is one; 0 for none */
};
struct pl_native_roots {
	PL_VEC(struct pl_native_root) at; /* ascending by node, the best word of each */
};

/*
 * Let parent, a forest of pl_graph_forest(), reach those of the n targets that it does not reach,
 * from words of C memory and from roots that may be left-overs (PL_ROOT_NATIVE): in the order of
 * their worth as of pl_native_chain(), then by distance. *ret: where the new trees begin, but for
 * those roots; pl_vec_free() it. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_native_forest(const struct pl_objects *o, const struct pl_graph *graph,
		     const struct pl_roots *roots, const pl_id *targets, size_t n,
		     struct pl_ctx *ctx, pl_node *parent, struct pl_native_roots *ret,
		     struct pl_err *err);
/* Where the tree begins that node is the root of, or NULL. */
const struct pl_native_root *pl_native_root_of(const struct pl_native_roots *r, pl_node node);
/* What it has in common with those that are alike: as of pl_native_general_name(). */
void pl_native_root_name(const struct pl_objects *o, const struct pl_native_root *root, char *buf,
			 size_t cap);

#endif
