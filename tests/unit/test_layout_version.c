/* layout/version.c: versions in numbers, texts and paths. */
#include "layout/internal.h"

#include "cmocka_all.h"

static void version_texts(void **state)
{
	static const struct {
		uint32_t hex;
		const char *text;
	} rows[] = {
		{0x03090200, "3.9"},       {0x030902f0, "3.9.2"},    {0x020712f0, "2.7.18"},
		{0x030e00c2, "3.14.0rc2"}, {0x030f00a7, "3.15.0a7"}, {0x030d00b4, "3.13.0b4"},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		char text[24];
		uint32_t hex;

		pl_layout_version_text(rows[i].hex, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		if (!(rows[i].hex & 0xff))
			continue;
		assert_int_equal(pl_layout_version_parse(text, strlen(text), &hex), strlen(text));
		assert_int_equal(hex, rows[i].hex);
	}
}

static void no_versions(void **state)
{
	static const char *const texts[] = {"",      "3",      "3.",   "3.9",     "3.9.",  "1.2.3",
					    "4.0.1", "x3.9.2", "3..2", "3.100.2", "33.9.2"};
	uint32_t hex = 7;

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(texts); i++)
		assert_int_equal(pl_layout_version_parse(texts[i], strlen(texts[i]), &hex), 0);
	assert_int_equal(hex, 7);
	/* the bytes end in the middle of it */
	assert_int_equal(pl_layout_version_parse("3.11.27", 6, &hex), 6);
	assert_int_equal(hex, 0x030b02f0);
}

static uint32_t in_text(const char *s, size_t n, const char **other)
{
	*other = NULL;
	return pl_layout_version_in_text(s, n, other);
}

static void sys_version_texts(void **state)
{
	static const char old[] = "\0\0x\0"
				  "3.6.15 (default, May  9 2026, 07:35:25) \n[GCC 12.2.0]";
	static const char new[] =
		"junk) [x\0@#3.14.0rc2+ (main, May  9 2026, 07:35:25) [GCC 12.2.0]";
	static const char pypy[] =
		"3.9.18 (abcdef, Jan 01 2024, 00:00:00)\n[PyPy 7.3.15 with GCC 10.2.1]";
	static const char pyston[] =
		"3.8.12 (heads/rel2.3.5, Sep 1 2022, 0) \n[Pyston 2.3.5, GCC 9.4.0]";
	static const char none[] = "see (3.9.2) [citation needed] 3.9 (x) [y] 3.9.2 [GCC";
	const char *other;

	(void)state;
	assert_int_equal(in_text(old, sizeof(old), &other), 0x03060ff0);
	assert_null(other);
	assert_int_equal(in_text(new, sizeof(new), &other), 0x030e00c2);
	assert_null(other);
	/* PyPy has no blank before its newline */
	assert_int_equal(in_text(pypy, sizeof(pypy), &other), 0);
	assert_int_equal(in_text(pyston, sizeof(pyston), &other), 0x03080cf0);
	assert_string_equal(other, "Pyston");
	assert_int_equal(in_text(none, sizeof(none), &other), 0);
	assert_int_equal(in_text("", 0, &other), 0);
}

static void endless_beginnings(void **state)
{
	/* a core full of what begins such a text costs a bounded number of tries, then no answer */
	static const char text[] = "3.9.2 (x) [GCC]";
	size_t n = 8u << 20;
	char *s = pl_malloc(n);
	const char *other;

	(void)state;
	for (size_t i = 0; i + 4 <= n; i += 4)
		memcpy(s + i, ") [(", 4);
	memcpy(s + n - sizeof(text), text, sizeof(text));
	assert_int_equal(in_text(s, n, &other), 0);
	memset(s, 0, n - sizeof(text));
	assert_int_equal(in_text(s, n, &other), 0x030902f0);
	free(s);
}

static void paths(void **state)
{
	static const struct {
		const char *path;
		uint32_t hex;
		unsigned flavour;
	} rows[] = {
		{"/usr/lib/libpython3.13t.so.1.0", 0x030d0000, PL_FREE_THREADED},
		{"/usr/lib/libpython3.6m.so.1.0", 0x03060000, 0},
		{"/usr/lib/libpython3.6dm.so.1.0", 0x03060000, PL_PYDEBUG},
		{"/usr/bin/python2.7-dbg", 0x02070000, PL_PYDEBUG},
		{"/usr/bin/python3.11d", 0x030b0000, PL_PYDEBUG},
		{"/usr/bin/python3.9", 0x03090000, 0},
		{"/opt/lib/python3.10/lib-dynload/_json.so", 0x030a0000, 0},
		{"/opt/python3.10/bin/uwsgi", 0x030a0000, 0},
		{"/usr/lib/libpython3.so", 0, 0},
		{"/usr/bin/python", 0, 0},
		{"/usr/bin/pythonic3.9", 0, 0},
		{"/usr/lib/libc.so.6", 0, 0},
		{"", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		unsigned flavour = 0;

		assert_int_equal(pl_layout_version_in_path(rows[i].path, &flavour), rows[i].hex);
		assert_int_equal(flavour, rows[i].flavour);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_texts),
		cmocka_unit_test(no_versions),
		cmocka_unit_test(sys_version_texts),
		cmocka_unit_test(endless_beginnings),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
