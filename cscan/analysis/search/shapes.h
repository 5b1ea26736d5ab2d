/*
 * shapes.h - many chains of references grouped by what they have in common.
 *
 * Chains of a breadth-first forest have one shape when they begin at the same root and every step
 * has the same name, keys and indices of containers left open. Shapes are built step by step and
 * shared, so a million chains cost one decoding of each object on them, not of each chain.
 */
#ifndef PL_SHAPES_H
#define PL_SHAPES_H

#include "analysis/search/filter.h"
#include "analysis/search/native.h"

struct pl_shape {
	uint32_t parent;  /* shape of the chain without its last step; UINT32_MAX at a root */
	uint8_t label;    /* of the last step: enum pl_label_kind */
	uint64_t arg;     /* of the label; at a root the address of the rooted object */
	uint32_t length;  /* objects on the chain */
	uint64_t objects; /* chains counted with pl_shapes_count() that end here */
	pl_node example;  /* the first of them */
};

struct pl_shapes {
	const struct pl_objects *o;
	const struct pl_roots *roots;
	const pl_node *parent; /* of pl_graph_forest(), borrowed */
	struct pl_ctx *ctx;
	struct pl_filter *filter; /* which of several references names a step; or NULL: the first */
	const struct pl_native_roots *words; /* more roots: those that are alike are one; or NULL */
	uint32_t
		most; /* a chain of more objects has the shape of its first so many; 0 = no bound */
	struct pl_view v;
	PL_VEC(struct pl_shape) at;
	uint32_t *slot; /* hash of (parent, label, arg) -> index + 1 */
	size_t cap;
	uint32_t *shape_of; /* by node: index + 1, 0 = not known yet */
	uint64_t *arg_of;   /* by node: label of the step from its parent */
	uint8_t *label_of;  /* by node: label + 1, 0 = not known yet */
	size_t n_nodes;
};

/* PL_E_NOMEM. */
int pl_shapes_init(struct pl_shapes *s, const struct pl_objects *o, const struct pl_roots *roots,
		   const pl_node *parent, struct pl_ctx *ctx, struct pl_err *err);
void pl_shapes_fini(struct pl_shapes *s);
/*
 * Count the chain that ends at node; false when no root reaches it, and after a cancel, which the
 * caller looks for.
 */
bool pl_shapes_count(struct pl_shapes *s, pl_node node);
/* The chain of a node, root first: malloced, *n nodes. */
pl_node *pl_shapes_chain(const struct pl_shapes *s, pl_node node, uint32_t *n);
/* The step to node of a counted chain, for pl_spell_step(): its label; false when it has none. */
bool pl_shapes_step(const struct pl_shapes *s, pl_node node, struct pl_edge *ret);

#endif
