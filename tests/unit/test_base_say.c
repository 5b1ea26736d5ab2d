/*
 * Numbers as a reader wants them: separators, units, and where a unit ends.
 */
#include "base/say.h"

#include "cmocka_all.h"

static void counts(void **state)
{
	(void)state;
	assert_string_equal(PL_COUNT(0), "0");
	assert_string_equal(PL_COUNT(999), "999");
	assert_string_equal(PL_COUNT(1000), "1,000");
	assert_string_equal(PL_COUNT(123456), "123,456");
	assert_string_equal(PL_COUNT(1234567), "1,234,567");
	assert_string_equal(PL_COUNT(UINT64_MAX), "18,446,744,073,709,551,615");
}

static void sizes(void **state)
{
	(void)state;
	assert_string_equal(PL_SIZE(0), "0 B");
	assert_string_equal(PL_SIZE(1023), "1023 B");
	assert_string_equal(PL_SIZE(1024), "1.0 KiB");
	assert_string_equal(PL_SIZE((UINT64_C(1) << 20) - 1), "1.0 MiB");
	assert_string_equal(PL_SIZE(UINT64_C(12897485)), "12.3 MiB");
	assert_string_equal(PL_SIZE(UINT64_MAX), "16.0 EiB");
}

/* Two in one sentence do not share their text. */
static void two_at_once(void **state)
{
	const char *one = PL_COUNT(1), *two = PL_COUNT(2);

	(void)state;
	assert_string_equal(one, "1");
	assert_string_equal(two, "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(sizes),
		cmocka_unit_test(two_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
