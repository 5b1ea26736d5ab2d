/*
 * JSON: read back with a parser, it has the shape of the contract and the values that went in.
 */
#include "report/report.h"

#include <jansson.h>

#include "cmocka_all.h"

static const struct pl_column columns[] = {
	{.name = "type", .align = PL_LEFT},
	{.name = "value", .align = PL_RIGHT},
};

static char *print(const struct pl_report *r)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	assert_true(pl_report_json(out, r));
	assert_int_equal(fclose(out), 0);
	return text;
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("%s at line %d: %s", error.text, error.line, text);
	return root;
}

static json_t *print_and_parse(const struct pl_report *r)
{
	char *text = print(r);
	json_t *root = parse(text);

	free(text);
	return root;
}

static void the_whole_shape(void **state)
{
	static const char *const flavours[] = {"debug", "trace-refs"};
	struct pl_note notes[] = {
		{PL_WARNING, "truncated-core", (char *)"the core is \"cut\""},
		{PL_INFO, "x", (char *)"y"},
	};
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", columns, 2);
	struct pl_report r = {.analysis = "types", .result = &result, .partial = true};
	struct pl_cell *row;
	const char *path, *level, *code, *note, *version, *layout, *flavour, *type;
	int pid, signal, truncated, partial, hexversion, total, value;
	json_int_t missing;
	json_t *root;

	(void)state;
	r.core.known = r.python.known = true;
	r.core.path = "/tmp/core";
	r.core.command = "python app.py";
	r.core.pid = 4242;
	r.core.signal = 11;
	r.core.truncated = true;
	r.core.missing_bytes = (uint64_t)1 << 40;
	r.python.version = "3.11.2";
	r.python.hexversion = 0x030b02f0;
	r.python.flavours = flavours;
	r.python.n_flavours = 2;
	r.python.layout = "debug-offsets";
	r.notes = notes;
	r.n_notes = 2;
	row = pl_table_row(t);
	row[0] = pl_cell_text(t, "app.Session");
	row[1] = pl_cell_count(5);
	pl_table_total(t)[1] = pl_cell_count(7);
	t->hidden_rows = 3;
	root = print_and_parse(&r);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), "pyleak/1");
	assert_string_equal(json_string_value(json_object_get(root, "analysis")), "types");
	assert_int_equal(json_unpack(root, "{s:{s:s, s:i, s:i, s:s, s:b, s:I}}", "core", "path",
				     &path, "pid", &pid, "signal", &signal, "command", &note,
				     "truncated", &truncated, "missing_bytes", &missing),
			 0);
	assert_string_equal(path, "/tmp/core");
	assert_string_equal(note, "python app.py");
	assert_int_equal(pid, 4242);
	assert_int_equal(signal, 11);
	assert_true(truncated);
	assert_int_equal(missing, (json_int_t)1 << 40);
	assert_int_equal(json_unpack(root, "{s:{s:s, s:i, s:[s,s!], s:s}}", "python", "version",
				     &version, "hexversion", &hexversion, "flavour", &flavour,
				     &type, "layout", &layout),
			 0);
	assert_string_equal(flavour, "debug");
	assert_string_equal(layout, "debug-offsets");
	assert_int_equal(hexversion, 0x030b02f0);
	assert_int_equal(json_unpack(root, "{s:{s:{s:{s:i!}, s:[{s:s, s:i!}!]!}!}}", "tables",
				     "types", "total", "value", &total, "rows", "type", &type,
				     "value", &value),
			 0);
	assert_int_equal(total, 7);
	assert_int_equal(value, 5);
	assert_string_equal(type, "app.Session");
	assert_int_equal(json_unpack(root, "{s:[{s:s, s:s, s:s!}, o, {s:s}!], s:b}", "notes",
				     "level", &level, "code", &code, "text", &note, &(json_t *){0},
				     "text", &type, "partial", &partial),
			 0);
	assert_string_equal(level, "warning");
	assert_string_equal(code, "truncated-core");
	assert_string_equal(note, "the core is \"cut\"");
	assert_string_equal(type, "3 more rows of types were left out by --limit");
	assert_true(partial);
	json_decref(root);
	pl_result_fini(&result);
}

static void nothing_known(void **state)
{
	struct pl_result result = {0};
	struct pl_report r = {.analysis = "info", .result = &result};
	json_t *root = print_and_parse(&r);

	(void)state;
	assert_true(json_is_null(json_object_get(root, "core")));
	assert_true(json_is_null(json_object_get(root, "python")));
	assert_int_equal(json_object_size(json_object_get(root, "tables")), 0);
	assert_int_equal(json_array_size(json_object_get(root, "notes")), 0);
	assert_true(json_is_false(json_object_get(root, "partial")));
	json_decref(root);
}

/* A snapshot has no signal, which is not signal 0. */
static void no_signal(void **state)
{
	struct pl_result result = {0};
	struct pl_report r = {.analysis = "info", .result = &result};
	json_t *root;

	(void)state;
	r.core.known = true;
	r.core.path = r.core.command = "";
	root = print_and_parse(&r);
	assert_true(json_is_null(json_object_get(json_object_get(root, "core"), "signal")));
	json_decref(root);
}

/* Print one cell and hand back what a parser makes of it. */
static json_t *through(struct pl_cell c)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "t", columns, 2);
	struct pl_report r = {.analysis = "x", .result = &result};
	json_t *root, *value;

	pl_table_row(t)[1] = pl_cell_count(1); /* a row before it, whose value must not linger */
	pl_table_row(t)[1] = c;
	root = print_and_parse(&r);
	value = json_object_get(json_object_get(json_object_get(root, "tables"), "t"), "rows");
	value = json_incref(json_object_get(json_array_get(value, 1), "value"));
	assert_non_null(value);
	json_decref(root);
	pl_result_fini(&result);
	return value;
}

static void check_integer(struct pl_cell c, json_int_t want)
{
	json_t *v = through(c);

	assert_true(json_is_integer(v));
	assert_int_equal(json_integer_value(v), want);
	json_decref(v);
}

static void check_real(struct pl_cell c, double want)
{
	json_t *v = through(c);

	assert_true(json_is_real(v));
	assert_true(json_real_value(v) == want);
	json_decref(v);
}

static void check_null(struct pl_cell c)
{
	json_t *v = through(c);

	assert_true(json_is_null(v));
	json_decref(v);
}

static void check_string(const char *in, const char *want)
{
	json_t *v = through((struct pl_cell){PL_CELL_TEXT, {.s = in}});

	assert_string_equal(json_string_value(v), want);
	json_decref(v);
}

static void values(void **state)
{
	json_t *v;

	(void)state;
	check_null(pl_cell_absent());
	check_null(pl_cell_unknown());
	check_integer(pl_cell_count(0), 0);
	check_integer(pl_cell_count(INT64_MAX), INT64_MAX);
	check_real(pl_cell_count(UINT64_MAX), 18446744073709600000.0); /* reals have 15 digits */
	check_integer(pl_cell_int(INT64_MIN), INT64_MIN);
	check_integer(pl_cell_size(189999514), 189999514);
	check_integer((struct pl_cell){PL_CELL_DELTA, {.i = -3}}, -3);
	check_real(pl_cell_share(0.984), 0.984);
	check_null(pl_cell_share(__builtin_nan("")));
	v = through(pl_cell_addr(0x7f00deadbeef));
	assert_string_equal(json_string_value(v), "0x7f00deadbeef");
	json_decref(v);
	v = through(pl_cell_bool(true));
	assert_true(json_is_true(v));
	json_decref(v);
	v = through((struct pl_cell){PL_CELL_LIST, {.s = "a\nb"}});
	assert_int_equal(json_array_size(v), 2);
	assert_string_equal(json_string_value(json_array_get(v, 1)), "b");
	json_decref(v);
	v = through((struct pl_cell){PL_CELL_LIST, {.s = ""}});
	assert_int_equal(json_array_size(v), 0);
	json_decref(v);
}

static void strings(void **state)
{
	(void)state;
	check_string("a\"b\\c\nd\033[31m", "a\"b\\c\nd\033[31m"); /* exact when read back */
	check_string("caf\xc3\xa9 \xf0\x9f\x90\x8d", "caf\xc3\xa9 \xf0\x9f\x90\x8d");
	check_string("\xc2\x9b\x7f\xe2\x80\xae\xf3\xa0\x80\x81",
		     "\xc2\x9b\x7f\xe2\x80\xae\xf3\xa0\x80\x81");
	check_string("a\xff"
		     "b\xc3",
		     "a\xef\xbf\xbd"
		     "b\xef\xbf\xbd");
	check_string("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

/* The document itself, unparsed, has nothing in it that a terminal acts on. */
static void raw_bytes_are_safe(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "t", columns, 2);
	struct pl_report r = {.analysis = "x", .result = &result};
	char *text;

	(void)state;
	pl_table_row(t)[0] =
		pl_cell_text(t, "\033\x07\x7f\xc2\x9b\xe2\x80\xae\xff\xf3\xa0\x80\x81");
	text = print(&r);
	assert_null(strpbrk(text, "\033\x07\x7f\x9b\xae\xff\xa0"));
	assert_non_null(strstr(text, "\\u009b\\u202e"));
	assert_non_null(strstr(text, "\\udb40\\udc01"));
	free(text);
	pl_result_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_shape), cmocka_unit_test(nothing_known),
		cmocka_unit_test(no_signal),       cmocka_unit_test(values),
		cmocka_unit_test(strings),         cmocka_unit_test(raw_bytes_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
