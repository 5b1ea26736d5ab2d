/*
 * Errors: every code has its exit status and hint, text is one safe line whatever goes in.
 */
#include "base/err.h"

#include <errno.h>

#include "cmocka_all.h"

static void statuses(void **state)
{
	(void)state;
	assert_int_equal(pl_err_exit_status(0), 0);
	assert_int_equal(pl_err_exit_status(PL_E_USAGE), 2);
	assert_int_equal(pl_err_exit_status(PL_E_NOT_CORE), 3);
	assert_int_equal(pl_err_exit_status(PL_E_CANCELLED), 130);
	assert_int_equal(pl_err_exit_status(PL_E_BUG), 70);
	assert_int_equal(pl_err_exit_status(-9999), 70);
	assert_int_equal(pl_err_exit_status(1), 70);
}

static void text_and_hint(void **state)
{
	struct pl_err err = {0};

	(void)state;
	assert_int_equal(pl_err_set(&err, PL_E_USAGE, "bad %d", 5), PL_E_USAGE);
	assert_int_equal(err.code, PL_E_USAGE);
	assert_string_equal(err.text, "bad 5");
	assert_string_equal(err.hint, "try --help");
	pl_err_hint(&err, "use %s", "that");
	assert_int_equal(err.code, PL_E_USAGE);
	assert_string_equal(err.hint, "use that");
	pl_err_set(&err, PL_E_CANCELLED, "cancelled");
	assert_string_equal(err.hint, ""); /* the old hint is gone */
	assert_int_equal(pl_err_set(NULL, PL_E_IO, "nobody listens"), PL_E_IO);
	pl_err_hint(NULL, "nor %s", "here");
}

static void hostile_text(void **state)
{
	struct pl_err err = {0};
	char big[5000];

	(void)state;
	memset(big, '\033', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	pl_err_set(&err, PL_E_IO, "a\nb %s", big);
	assert_null(strpbrk(err.text, "\n\033"));
	assert_memory_equal(err.text, "a\\nb \\x1b", 9);
	assert_true(strlen(err.text) < sizeof(err.text));
	pl_err_hint(&err, "%s", big);
	assert_null(strchr(err.hint, '\033'));
}

static void with_errno(void **state)
{
	struct pl_err err = {0};
	char big[5000];

	(void)state;
	assert_int_equal(pl_err_errno(&err, PL_E_IO, ENOENT, "cannot open %s", "x"), PL_E_IO);
	assert_string_equal(err.text, "cannot open x (No such file or directory)");
	memset(big, 'p', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	pl_err_errno(&err, PL_E_IO, ENOENT, "%s", big);
	/* the reason is there even behind a path that fills the line */
	assert_non_null(strstr(err.text, " (No such file or directory)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(text_and_hint),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(with_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
