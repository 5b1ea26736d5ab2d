/*
 * Amounts of memory and time as people write them, and what is none.
 */
#include "analysis/args.h"
#include "analysis/quantity.h"

#include "cmocka_all.h"

#define UNTOUCHED UINT64_C(0x5ec)

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = {
		{"0", 0},
		{"4096", 4096},
		{"17B", 17},
		{"64K", 65536},
		{"64kb", 65536},
		{"512M", UINT64_C(512) << 20},
		{"512MiB", UINT64_C(512) << 20},
		{"4G", UINT64_C(4) << 30},
		{"1.5g", UINT64_C(3) << 29},
		{".5k", 512},
		{"8.M", UINT64_C(8) << 20},
		{"2T", UINT64_C(2) << 40},
		{"9223372036854775808", UINT64_C(1) << 63},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(good); i++) {
		uint64_t got = UNTOUCHED;

		assert_true(pl_quantity_bytes(good[i].text, &got));
		assert_int_equal(got, good[i].want);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = {
		{"60", UINT64_C(60000000000)},
		{"60s", UINT64_C(60000000000)},
		{"5m", UINT64_C(300000000000)},
		{"5min", UINT64_C(300000000000)},
		{"2H", UINT64_C(7200000000000)},
		{"250ms", UINT64_C(250000000)},
		{"0.5", UINT64_C(500000000)},
		{"0.000001", 1000},
		{"0", 0},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(good); i++) {
		uint64_t got = UNTOUCHED;

		assert_true(pl_quantity_time(good[i].text, &got));
		assert_int_equal(got, good[i].want);
	}
}

static void neither(void **state)
{
	static const char *const bad[] = {"",
					  ".",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "1.2.3",
					  "1e9",
					  "0x10",
					  "G",
					  "many",
					  "1GG",
					  "nan",
					  "1iBs",
					  "inf",
					  "1,5",
					  "1 K",
					  "1bb",
					  "18446744073709551616",
					  "9223372036854775809"};
	uint64_t got = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(bad); i++) {
		assert_false(pl_quantity_bytes(bad[i], &got));
		assert_false(pl_quantity_time(bad[i], &got));
	}
	assert_false(pl_quantity_bytes("8388609T", &got));
	assert_false(pl_quantity_bytes("60s", &got));
	assert_false(pl_quantity_time("4G", &got));
	assert_false(pl_quantity_time("2562048h", &got));
}

static void options(void **state)
{
	static const struct pl_option rows[] = {{.name = "budget"}, {.name = "size"}, {NULL}};
	const char *values[] = {"5m", NULL};
	struct pl_args args = {.options = rows, .values = values};
	struct pl_err err = {0};
	uint64_t got = UNTOUCHED;

	(void)state;
	assert_int_equal(pl_args_bytes(&args, "size", &got, &err), 0);
	assert_int_equal(got, UNTOUCHED);
	assert_int_equal(pl_args_time(&args, "budget", &got, &err), 0);
	assert_int_equal(got, UINT64_C(300000000000));
	got = UNTOUCHED;
	values[1] = "lots";
	assert_int_equal(pl_args_bytes(&args, "size", &got, &err), PL_E_USAGE);
	assert_string_equal(err.text, "--size needs an amount of memory such as 512M, not 'lots'");
	values[0] = "soon";
	assert_int_equal(pl_args_time(&args, "budget", &got, &err), PL_E_USAGE);
	assert_string_equal(err.text, "--budget needs a time such as 60s, not 'soon'");
	assert_int_equal(got, UNTOUCHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(times),
		cmocka_unit_test(neither),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
