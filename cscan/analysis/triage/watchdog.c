/* watchdog.c - a thread that sleeps until the deadline or the end. See watchdog.h. */
#include "analysis/triage/watchdog.h"

#include <signal.h>
#include <time.h>

#include "base/mem.h"

#define SECOND UINT64_C(1000000000)

struct pl_watchdog {
	struct pl_ctx *ctx;
	uint64_t deadline;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopped, fired; /* under lock */
};

uint64_t pl_watchdog_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void *watch(void *arg)
{
	struct pl_watchdog *w = arg;
	struct timespec until = {.tv_sec = (time_t)(w->deadline / SECOND),
				 .tv_nsec = (long)(w->deadline % SECOND)};

	pthread_mutex_lock(&w->lock);
	while (!w->stopped && !w->fired) {
		pthread_cond_timedwait(&w->changed, &w->lock, &until);
		if (!w->stopped && pl_watchdog_now() >= w->deadline) {
			w->fired = true;
			atomic_store(&w->ctx->cancel, true);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* The waiting side handles signals; this thread must not take them from it. */
static int start(struct pl_watchdog *w)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&w->thread, NULL, watch, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

static void drop(struct pl_watchdog *w)
{
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct pl_watchdog *pl_watchdog_start(struct pl_ctx *ctx, uint64_t deadline)
{
	struct pl_watchdog *w;
	pthread_condattr_t monotonic;

	if (!deadline)
		return NULL;
	w = pl_calloc(1, sizeof(*w));
	w->ctx = ctx;
	w->deadline = deadline;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&w->lock, NULL);
	if (!start(w))
		return w;
	drop(w);
	return NULL;
}

bool pl_watchdog_fired(struct pl_watchdog *w)
{
	bool fired;

	if (!w)
		return false;
	pthread_mutex_lock(&w->lock);
	fired = w->fired;
	pthread_mutex_unlock(&w->lock);
	return fired;
}

void pl_watchdog_stop(struct pl_watchdog *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopped = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	if (w->fired)
		atomic_store(&w->ctx->cancel, false);
	drop(w);
}
