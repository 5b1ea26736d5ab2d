/*
 * watchdog.h - cancels what runs on a context when its time is up.
 */
#ifndef PL_WATCHDOG_H
#define PL_WATCHDOG_H

#include "base/ctx.h"

struct pl_watchdog;

/* In ns of CLOCK_MONOTONIC. */
uint64_t pl_watchdog_now(void);
/* Watch from now on until the deadline, a pl_watchdog_now(); 0: there is none, and nothing is ever
 * cancelled. NULL when there can be no thread: nobody watches then. */
struct pl_watchdog *pl_watchdog_start(struct pl_ctx *ctx, uint64_t deadline);
/* Whether it was the watchdog that cancelled; w may be NULL. */
bool pl_watchdog_fired(struct pl_watchdog *w);
/* No more watching. What the watchdog cancelled may go on: the context's cancel is taken back. */
void pl_watchdog_stop(struct pl_watchdog *w);

#endif
