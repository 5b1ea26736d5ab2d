/* parallel.c - see parallel.h. */
#include "base/parallel.h"

#include <pthread.h>
#include <signal.h>

#include "base/mem.h"

struct loop {
	struct pl_ctx *ctx;
	_Atomic size_t next;
	size_t n;
	void (*fn)(void *arg, unsigned worker, size_t item);
	void *arg;
};

struct worker {
	struct loop *loop;
	unsigned number;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct worker *w = arg;
	struct loop *loop = w->loop;

	while (!pl_ctx_cancelled(loop->ctx)) {
		size_t item = atomic_fetch_add(&loop->next, 1);

		if (item >= loop->n)
			break;
		loop->fn(loop->arg, w->number, item);
	}
	return NULL;
}

int pl_parallel(struct pl_ctx *ctx, size_t n, void (*fn)(void *arg, unsigned worker, size_t item),
		void *arg, struct pl_err *err)
{
	struct loop loop = {.ctx = ctx, .n = n, .fn = fn, .arg = arg};
	unsigned want = (unsigned)PL_MIN((size_t)pl_parallel_workers(ctx), n ? n : 1), started = 1;
	struct worker *workers = pl_calloc(want, sizeof(*workers));
	sigset_t all, before;

	/* The waiting side handles signals; a helper thread must not take them from it. SIGPIPE is
	 * for the thread that writes, so it stays as it was for the caller. */
	sigfillset(&all);
	sigdelset(&all, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (unsigned i = 1; i < want; i++) {
		workers[i] = (struct worker){&loop, i, 0};
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			break;
		started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	workers[0] = (struct worker){&loop, 0, 0};
	run(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
	return pl_ctx_cancelled(ctx) ? pl_ctx_cancel_err(err) : 0;
}
