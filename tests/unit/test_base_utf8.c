/*
 * Hostile bytes must come out as printable UTF-8, and widths must be those of a terminal.
 */
#include "base/utf8.h"

#include <stdio.h>

#include "cmocka_all.h"

static void check_escape(const char *in, size_t n, const char *want)
{
	char buf[256];
	size_t need = pl_utf8_escape(buf, sizeof(buf), in, n);

	assert_string_equal(buf, want);
	assert_int_equal(need, strlen(want));
	assert_int_equal(pl_utf8_escape(NULL, 0, in, n), strlen(want));
}

static void escapes(void **state)
{
	(void)state;
	check_escape("plain", 5, "plain");
	check_escape("", 0, "");
	check_escape("a\nb\tc\rd", 7, "a\\nb\\tc\\rd");
	check_escape("\033[31mred", 8, "\\x1b[31mred");
	check_escape("\0x", 2, "\\x00x");
	check_escape("\x7f", 1, "\\x7f");
	check_escape("\xc2\x9b", 2, "\\x9b");               /* C1: CSI in eight bits */
	check_escape("\xe2\x80\xae", 3, "\\u202e");         /* right-to-left override */
	check_escape("\xe2\x81\xa6", 3, "\\u2066");         /* isolate */
	check_escape("\xe2\x80\xa8", 3, "\\u2028");         /* line separator */
	check_escape("\xef\xbb\xbf", 3, "\\ufeff");         /* byte order mark */
	check_escape("\xf3\xa0\x80\x81", 4, "\\U000e0001"); /* language tag */
	check_escape("caf\xc3\xa9 \xf0\x9f\x90\x8d", 10, "caf\xc3\xa9 \xf0\x9f\x90\x8d");
}

static void invalid_bytes(void **state)
{
	(void)state;
	check_escape("\xff", 1, "\\xff");
	check_escape("\xc3", 1, "\\xc3");                            /* cut short */
	check_escape("\xc3(", 2, "\\xc3(");                          /* no continuation */
	check_escape("\xc0\xaf", 2, "\\xc0\\xaf");                   /* overlong slash */
	check_escape("\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf");          /* overlong slash */
	check_escape("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");          /* surrogate */
	check_escape("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	check_escape("\xf0\x9f\x90", 3, "\\xf0\\x9f\\x90");
}

/* Whatever two bytes come in, nothing unprintable goes out, and it fits. */
static void every_pair(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 0x10000; v++) {
		char in[2] = {(char)(v >> 8), (char)v}, out[32];
		size_t n = pl_utf8_escape(out, sizeof(out), in, 2);

		assert_int_equal(n, strlen(out));
		for (size_t i = 0; i < n;) {
			uint32_t cp = 0;
			size_t took = pl_utf8_get(out + i, n - i, &cp);

			assert_true(took > 0);
			assert_true(pl_utf8_printable(cp));
			i += took;
		}
	}
}

static void cut_at_whole_characters(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(pl_utf8_escape(buf, 4, "ab\ncd", 5), 6);
	assert_string_equal(buf, "ab"); /* no half "\n", and nothing that comes behind it */
	assert_int_equal(pl_utf8_escape(buf, 3, "a\xc3\xa9z", 4), 4);
	assert_string_equal(buf, "a");
	assert_int_equal(pl_utf8_escape(buf, 1, "abc", 3), 3);
	assert_string_equal(buf, "");
	assert_int_equal(pl_utf8_escape(buf, 4, "abc", 3), 3);
	assert_string_equal(buf, "abc");
}

static void put_any_number(void **state)
{
	static const uint32_t odd[] = {0, 0x1b, 0xd800, 0xffff, 0x10ffff, 0x110000, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(odd); i++) {
		char buf[PL_UTF8_PUT_MAX];
		size_t n = pl_utf8_put(buf, odd[i]);

		assert_in_range(n, 1, PL_UTF8_PUT_MAX);
		assert_int_equal(buf[0], '\\');
	}
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(pl_utf8_columns(""), 0);
	assert_int_equal(pl_utf8_columns("abc"), 3);
	assert_int_equal(pl_utf8_columns("caf\xc3\xa9"), 4);
	assert_int_equal(pl_utf8_columns("e\xcc\x81"), 1); /* e and combining acute */
	assert_int_equal(pl_utf8_columns("\xe6\xbc\xa2\xe5\xad\x97"), 4); /* two ideographs */
	assert_int_equal(pl_utf8_columns("\xef\xbc\xa1"), 2);             /* fullwidth A */
	assert_int_equal(pl_utf8_columns("\xf0\x9f\x90\x8d"), 2);         /* a snake */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),        cmocka_unit_test(invalid_bytes),
		cmocka_unit_test(every_pair),     cmocka_unit_test(cut_at_whole_characters),
		cmocka_unit_test(put_any_number), cmocka_unit_test(widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
