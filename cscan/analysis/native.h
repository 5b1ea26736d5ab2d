/*
 * native.h - chains of references that begin in C memory, for objects that no root reaches.
 */
#ifndef PL_ANALYSIS_NATIVE_H
#define PL_ANALYSIS_NATIVE_H

#include "graph/graph.h"
#include "object/native.h"

/*
 * The shortest chain to target from a word of C memory; of equal ones that from the most telling
 * place. Everything that leads to target is looked for at once, so target should have no root: what
 * has one is held by half the process. *hit names the beginning; ret->n is 0 when there is none.
 * ret->node malloced. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_native_chain(const struct pl_objects *o, const struct pl_graph *graph, pl_id target,
		    struct pl_ctx *ctx, struct pl_path *ret, struct pl_native_hit *hit,
		    struct pl_err *err);

#endif
