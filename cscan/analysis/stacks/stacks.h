/*
 * stacks.h - the parts of `threads` that are no stack: exceptions with their tracebacks, and what
 * is suspended.
 */
#ifndef PL_STACKS_H
#define PL_STACKS_H

#include "analysis/analysis.h"
#include "object/frames/threads.h"

/*
 * Tables `exceptions` and `tracebacks` of the exceptions that n threads raise or handle. Neither
 * table is made when there is no exception.
 */
void pl_put_exceptions(const struct pl_objects *o, struct pl_view *v,
		       const struct pl_pythread *threads, size_t n, struct pl_ctx *ctx,
		       struct pl_result *ret);
/*
 * Table `suspended`: each pending asyncio task, and each generator, coroutine and async generator
 * that neither runs nor is finished, followed by what it waits for. limit: rows in it, 0 = all.
 * PL_E_CANCELLED.
 */
int pl_put_suspended(const struct pl_objects *o, struct pl_view *v, size_t limit,
		     struct pl_ctx *ctx, struct pl_result *ret, struct pl_err *err);

#endif
