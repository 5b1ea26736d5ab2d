/*
 * Notes are kept once, safe to show and not without bound; damage makes a run partial.
 */
#include "base/ctx.h"

#include "cmocka_all.h"

static void notes(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 0);
	assert_int_equal(ctx.threads, 1);
	pl_ctx_note(&ctx, PL_INFO, "a", "one %d", 1);
	pl_ctx_note(&ctx, PL_INFO, "a", "one %d", 1);
	pl_ctx_note(&ctx, PL_WARNING, "a", "two\033\n");
	assert_int_equal(ctx.n_notes, 2);
	assert_string_equal(ctx.notes[0].text, "one 1");
	assert_string_equal(ctx.notes[1].text, "two\\x1b\\n");
	assert_false(ctx.partial);
	pl_ctx_damage(&ctx, "b", "broken");
	assert_true(ctx.partial);
	assert_int_equal(ctx.notes[2].level, PL_WARNING);
	pl_ctx_fini(&ctx);
}

static void notes_are_bounded(void **state)
{
	struct pl_ctx ctx;

	(void)state;
	pl_ctx_init(&ctx, 1);
	for (int i = 0; i < 5000; i++) {
		pl_ctx_note(&ctx, PL_WARNING, "bad", "pointer %d", i);
		/* One more says that there are more. */
		assert_int_equal(ctx.n_notes, PL_MIN(i + 1, 1001));
	}
	assert_string_equal(ctx.notes[999].text, "pointer 999");
	assert_string_equal(ctx.notes[1000].code, "notes-left-out");
	pl_ctx_damage(&ctx, "late", "one more");
	assert_true(ctx.partial); /* even when its text found no room */
	pl_ctx_fini(&ctx);
}

static void stages(void **state)
{
	struct pl_ctx ctx;
	struct pl_err err = {0};

	(void)state;
	pl_ctx_init(&ctx, 1);
	pl_ctx_stage(&ctx, "reading", 10);
	pl_ctx_step(&ctx, 4);
	pl_ctx_step(&ctx, 2);
	assert_int_equal(atomic_load(&ctx.done), 6);
	pl_ctx_stage(&ctx, "next", 0);
	assert_int_equal(atomic_load(&ctx.done), 0);
	assert_false(pl_ctx_cancelled(&ctx));
	atomic_store(&ctx.cancel, true);
	assert_true(pl_ctx_cancelled(&ctx));
	assert_int_equal(pl_ctx_cancel_err(&err), PL_E_CANCELLED);
	assert_string_equal(err.text, "cancelled");
	pl_ctx_fini(&ctx);
}

static void *add_notes(void *arg)
{
	for (int i = 0; i < 200; i++)
		pl_ctx_damage(arg, "race", "note %d", i % 100);
	return NULL;
}

static void threads_share_notes(void **state)
{
	struct pl_ctx ctx;
	pthread_t t[4];

	(void)state;
	pl_ctx_init(&ctx, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, add_notes, &ctx), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(ctx.n_notes, 100);
	pl_ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes),
		cmocka_unit_test(notes_are_bounded),
		cmocka_unit_test(stages),
		cmocka_unit_test(threads_share_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
