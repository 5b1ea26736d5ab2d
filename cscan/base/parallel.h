/*
 * parallel.h - a loop over independent items on several threads.
 */
#ifndef PL_PARALLEL_H
#define PL_PARALLEL_H

#include "base/ctx.h"

/*
 * Call fn(arg, worker, item) for every item below n, on at most ctx->threads threads, of which the
 * caller's is one; worker numbers the threads from 0, so that fn can keep state per worker. Items
 * are handed out in order, one at a time. Stops early, and returns PL_E_CANCELLED with *err filled,
 * when ctx is cancelled. New threads have all signals blocked (SIGPIPE as the
 * caller has it). n_workers: as many as worker can be.
 */
int pl_parallel(struct pl_ctx *ctx, size_t n, void (*fn)(void *arg, unsigned worker, size_t item),
		void *arg, struct pl_err *err);
static inline unsigned pl_parallel_workers(const struct pl_ctx *ctx)
{
	return ctx->threads ? ctx->threads : 1;
}

#endif
