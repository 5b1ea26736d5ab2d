/*
 * The watchdog cancels when the time is up and not before, and takes back only its own cancel.
 */
#include "analysis/triage/watchdog.h"

#include <time.h>

#include "cmocka_all.h"

#define MS UINT64_C(1000000)
#define LONG (60000 * MS)

/* Whether the context is cancelled within ten seconds: far more than any machine needs. */
static bool is_cancelled_soon(struct pl_ctx *ctx)
{
	const struct timespec pause = {.tv_nsec = (long)MS};
	uint64_t end = pl_watchdog_now() + 10000 * MS;

	while (!pl_ctx_cancelled(ctx) && pl_watchdog_now() < end)
		nanosleep(&pause, NULL);
	return pl_ctx_cancelled(ctx);
}

static void fires(void **state)
{
	struct pl_ctx ctx;
	uint64_t deadline;
	struct pl_watchdog *w;

	(void)state;
	pl_ctx_init(&ctx, 1);
	deadline = pl_watchdog_now() + 20 * MS;
	w = pl_watchdog_start(&ctx, deadline);
	assert_non_null(w);
	assert_true(is_cancelled_soon(&ctx));
	assert_true(pl_watchdog_now() >= deadline);
	assert_true(pl_watchdog_fired(w));
	pl_watchdog_stop(w);
	assert_false(pl_ctx_cancelled(&ctx));
	pl_ctx_fini(&ctx);
}

static void a_deadline_that_is_past(void **state)
{
	struct pl_ctx ctx;
	struct pl_watchdog *w;

	(void)state;
	pl_ctx_init(&ctx, 1);
	w = pl_watchdog_start(&ctx, 1);
	assert_true(is_cancelled_soon(&ctx));
	pl_watchdog_stop(w);
	pl_ctx_fini(&ctx);
}

static void stopped_in_time(void **state)
{
	struct pl_ctx ctx;
	uint64_t begun = pl_watchdog_now();
	struct pl_watchdog *w;

	(void)state;
	pl_ctx_init(&ctx, 1);
	w = pl_watchdog_start(&ctx, begun + LONG);
	assert_false(pl_watchdog_fired(w));
	assert_false(pl_ctx_cancelled(&ctx));
	pl_watchdog_stop(w);
	assert_true(pl_watchdog_now() - begun < LONG);
	pl_ctx_fini(&ctx);
}

/* Ctrl-C is the user's: it stays. */
static void anothers_cancel_stays(void **state)
{
	struct pl_ctx ctx;
	struct pl_watchdog *w;

	(void)state;
	pl_ctx_init(&ctx, 1);
	w = pl_watchdog_start(&ctx, pl_watchdog_now() + LONG);
	atomic_store(&ctx.cancel, true);
	assert_false(pl_watchdog_fired(w));
	pl_watchdog_stop(w);
	assert_true(pl_ctx_cancelled(&ctx));
	pl_ctx_fini(&ctx);
}

static void no_deadline(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	assert_null(pl_watchdog_start(&ctx, 0));
	assert_false(pl_watchdog_fired(NULL));
	pl_watchdog_stop(NULL);
	assert_false(pl_ctx_cancelled(&ctx));
	pl_ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires),           cmocka_unit_test(a_deadline_that_is_past),
		cmocka_unit_test(stopped_in_time), cmocka_unit_test(anothers_cancel_stays),
		cmocka_unit_test(no_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
