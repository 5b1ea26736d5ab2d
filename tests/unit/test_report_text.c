/*
 * Text: what is printed, to the byte, and that nothing hostile gets through.
 */
#include "report/report.h"

#include "base/utf8.h"

#include "cmocka_all.h"

#define DOT " \xc2\xb7 "

static const struct pl_column type_columns[] = {
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "count", .align = PL_RIGHT},
	{.name = "size", .align = PL_RIGHT},
	{.name = "address", .align = PL_RIGHT, .optional = true},
};

static const struct pl_column pair_columns[] = {
	{.name = "key", .align = PL_LEFT},
	{.name = "value", .align = PL_LEFT, .shrink = true},
};

/* The printed report; free() it. */
static char *print(const struct pl_report *r, unsigned columns, bool colour)
{
	struct pl_text_style style = {.columns = columns, .colour = colour};
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	assert_true(pl_report_text(out, r, &style));
	assert_int_equal(fclose(out), 0);
	return text;
}

static void check(const struct pl_report *r, unsigned columns, const char *want)
{
	char *text = print(r, columns, false);

	assert_string_equal(text, want);
	free(text);
}

static void type_row(struct pl_table *t, const char *name, uint64_t count, uint64_t size)
{
	struct pl_cell *row = pl_table_row(t);

	row[0] = pl_cell_text(t, name);
	row[1] = pl_cell_count(count);
	row[2] = pl_cell_size(size);
}

static void a_table_with_everything(void **state)
{
	static const char *const flavours[] = {"release"};
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_report r = {.analysis = "types", .result = &result};

	(void)state;
	r.core.known = r.python.known = r.objects.known = true;
	r.core.path = r.core.command = "";
	r.core.pid = 4242;
	r.core.signal = 6;
	r.python.version = "3.11.2";
	r.python.flavours = flavours;
	r.python.n_flavours = 1;
	r.python.layout = "dwarf";
	r.objects.n = 1234567;
	r.objects.size = 189999514;
	type_row(t, "builtins.dict", 12345, 3 << 20);
	type_row(t, "app.Session", 7, 512);
	t->hidden_rows = 1012;
	pl_table_total(t)[1] = pl_cell_count(1234567);
	pl_table_total(t)[2] = pl_cell_size(189999514);
	check(&r, 0,
	      "CPython 3.11.2 (release, layout from dwarf)" DOT "core of pid 4242, SIGABRT" DOT
	      "1,234,567 objects" DOT "181.2 MiB\n"
	      "\n"
	      "type               count       size\n"
	      "builtins.dict     12,345    3.0 MiB\n"
	      "app.Session            7      512 B\n"
	      "... 1,012 more (--limit 0 for all)\n"
	      "total          1,234,567  181.2 MiB\n");
	pl_result_fini(&result);
}

static void head_line_says_what_is_known(void **state)
{
	struct pl_result result = {0};
	struct pl_report r = {.analysis = "info", .result = &result};

	(void)state;
	check(&r, 80, "");
	r.core.known = true;
	r.core.pid = 7;
	check(&r, 80, "core of pid 7, snapshot\n\n");
	r.core.signal = 99;
	check(&r, 80, "core of pid 7, signal 99\n\n");
}

static void optional_column(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_report r = {.analysis = "types", .result = &result};

	(void)state;
	type_row(t, "a.B", 1, 48);
	type_row(t, "a.B", 2, 96);
	check(&r, 80, "type  count  size\na.B       1  48 B\na.B       2  96 B\n");
	t->cells[7] = pl_cell_addr(0x7f00);
	check(&r, 80,
	      "type  count  size  address\n"
	      "a.B       1  48 B        -\n"
	      "a.B       2  96 B   0x7f00\n");
	pl_result_fini(&result);
}

static void sentences_below_their_row(void **state)
{
	static const struct pl_column columns[] = {
		{.name = "kind", .align = PL_LEFT},
		{.name = "text", .align = PL_LEFT, .below = true},
	};
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "evidence", columns, 2);
	struct pl_report r = {.analysis = "triage", .result = &result};
	struct pl_cell *row = pl_table_row(t);

	(void)state;
	row[0] = pl_cell_text(t, "left-out");
	row[1] = pl_cell_text(t, "words are moved to the next line as they do not fit");
	check(&r, 30,
	      "kind\n"
	      "left-out\n"
	      "    text  words are moved to\n"
	      "          the next line as\n"
	      "          they do not fit\n");
	row[1] = pl_cell_text(t, "a word_that_is_longer_than_the_line");
	check(&r, 30,
	      "kind\n"
	      "left-out\n"
	      "    text  a\n"
	      "          word_that_\xe2\x80\xa6_the_line\n");
	row[1] = pl_cell_text(t, "aaaaaaaaaaaaaaaaaa b bbbbbbbbbbbbbbbbbb c cccccccccccccccccc d "
				 "dddddddddddddddddd e eeeeeeeeeeeeeeeeee f ffffffffffffffffff g "
				 "gggggggggggggggggg h hhhhhhhhhhhhhhhhhh i iiiiiiiiiiiiiiiiii j");
	check(&r, 30,
	      "kind\n"
	      "left-out\n"
	      "    text  aaaaaaaaaaaaaaaaaa b\n"
	      "          bbbbbbbbbbbbbbbbbb c\n"
	      "          cccccccccccccccccc d\n"
	      "          dddddddddddddddddd e\n"
	      "          eeeeeeeeeeeeeeeeee f\n"
	      "          ffffffffffffffffff g\n"
	      "          gggggggggggggggggg h\n"
	      "          hhhhhhhhhh\xe2\x80\xa6iiiiiii j\n");
	pl_result_fini(&result);
}

static void several_tables(void **state)
{
	struct pl_result result = {0};
	struct pl_table *a = pl_result_table(&result, "python", pair_columns, 2);
	struct pl_report r = {.analysis = "info", .result = &result};
	struct pl_cell *row = pl_table_row(a);

	(void)state;
	pl_result_table(&result, "image", pair_columns, 2);
	row[0] = pl_cell_text(a, "version");
	row[1] = pl_cell_text(a, "3.11.2");
	row = pl_table_row(a);
	row[0] = pl_cell_text(a, "empty");
	row[1] = pl_cell_text(a, "");
	check(&r, 80,
	      "python:\n"
	      "  key      value\n"
	      "  version  3.11.2\n"
	      "  empty\n"
	      "\n"
	      "image:\n"
	      "  key  value\n"
	      "  (none)\n");
	pl_result_fini(&result);
}

static size_t longest_line(const char *text)
{
	char *copy = pl_strdup(text), *save = NULL;
	size_t longest = 0;

	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		longest = PL_MAX(longest, pl_utf8_columns(l));
	free(copy);
	return longest;
}

static void long_names_give_way(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_report r = {.analysis = "types", .result = &result};
	char name[301], *text;

	(void)state;
	memset(name, 'a', 300);
	memcpy(name, "start.", 6);
	memcpy(name + 296, ".end", 5);
	type_row(t, name, 5, 5);
	text = print(&r, 80, false);
	assert_int_equal(longest_line(text), 80);
	assert_non_null(strstr(text, "start.aaa"));
	assert_non_null(strstr(text, "a\xe2\x80\xa6"
				     "a")); /* the middle is gone */
	assert_non_null(strstr(text, "aaa.end "));
	free(text);
	text = print(&r, 20, false); /* too narrow: a column keeps something to read */
	assert_non_null(strstr(text, "start.aa\xe2\x80\xa6"
				     "aaa.end "));
	free(text);
	pl_result_fini(&result);
}

static void paths_keep_their_end(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_report r = {.analysis = "types", .result = &result};

	(void)state;
	type_row(t, "/usr/lib/python3/dist-packages/app/models.py", 1, 1);
	check(&r, 20,
	      "type              count  size\n"
	      "\xe2\x80\xa6s/app/models.py      1   1 B\n");
	pl_result_fini(&result);
}

/* What print_section() of a result got to see. */
struct seen {
	char *text;
	unsigned n;
	struct pl_report r;
};

static void see_section(void *arg, const struct pl_result *result)
{
	struct seen *seen = arg;

	seen->r.result = result;
	free(seen->text);
	seen->text = print(&seen->r, 80, false);
	seen->r.continued = true;
	seen->n++;
}

static void each_section_has_its_own_rows(void **state)
{
	struct seen seen = {.r = {.analysis = "triage"}};
	struct pl_result result = {.print_section = see_section, .print_arg = &seen};
	struct pl_table *types = pl_result_table(&result, "types", type_columns, 4);
	struct pl_table *more = pl_result_table(&result, "more", type_columns, 4);

	(void)state;
	pl_result_section(&result, "First");
	assert_int_equal(seen.n, 0); /* nothing is complete yet */
	type_row(types, "app.A", 1, 1);
	pl_result_section(&result, "Then");
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.text, "First\n\n"
				       "types:\n"
				       "  type   count  size\n"
				       "  app.A      1   1 B\n");
	type_row(types, "app.Longer", 2, 2);
	type_row(more, "app.C", 3, 3);
	pl_result_section(&result, "Last");
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.text, "\nThen\n\n"
				       "types:\n"
				       "  type        count  size\n"
				       "  app.Longer      2   2 B\n"
				       "\n"
				       "more:\n"
				       "  type   count  size\n"
				       "  app.C      3   3 B\n");
	see_section(&seen, &result);
	assert_string_equal(seen.text, "\nLast\n\n(nothing)\n");
	free(seen.text);
	pl_result_fini(&result);
}

static void wide_characters_stay_aligned(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_report r = {.analysis = "types", .result = &result};
	char name[121] = "", *text;

	(void)state;
	type_row(t, "\xe6\xbc\xa2.\xe5\xad\x97", 1, 1); /* five columns */
	type_row(t, "abcde", 1, 1);
	check(&r, 80,
	      "type   count  size\n"
	      "\xe6\xbc\xa2.\xe5\xad\x97      1   1 B\n"
	      "abcde      1   1 B\n");
	for (size_t i = 0; i < 40; i++)
		strcat(name, "\xe6\xbc\xa2");
	type_row(t, name, 1, 1);
	text = print(&r, 40, false);
	assert_in_range(longest_line(text), 39, 40); /* half a character cannot be printed */
	free(text);
	pl_result_fini(&result);
}

static void hostile_text_is_escaped(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_report r = {.analysis = "types", .result = &result};
	char *text;

	(void)state;
	type_row(t, "x\033]0;owned\007\n\xff\xc2\x9b", 1, 1);
	r.python.known = true;
	r.python.version = "3\033[2J";
	r.python.layout = "table";
	text = print(&r, 80, false);
	assert_null(strpbrk(text, "\033\007\xff\x9b"));
	assert_non_null(strstr(text, "x\\x1b]0;owned\\x07\\n\\xff\\x9b"));
	assert_non_null(strstr(text, "CPython 3\\x1b[2J ("));
	free(text);
	pl_result_fini(&result);
}

static void colour_only_when_asked(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_report r = {.analysis = "types", .result = &result};
	char *text;

	(void)state;
	type_row(t, "a", 1, 1);
	text = print(&r, 80, false);
	assert_null(strchr(text, '\033'));
	free(text);
	text = print(&r, 80, true);
	assert_non_null(strstr(text, "\033[1mtype"));
	assert_non_null(strstr(text, "\033[0m\n"));
	free(text);
	pl_result_fini(&result);
}

static void check_cell(struct pl_cell c, const char *want)
{
	struct pl_line line = {0};

	pl_line_cell(&line, &c);
	assert_string_equal(line.at, want);
	assert_int_equal(line.n, strlen(want));
	free(line.at);
}

static void cells(void **state)
{
	(void)state;
	check_cell(pl_cell_absent(), "-");
	check_cell(pl_cell_unknown(), "?");
	check_cell(pl_cell_count(0), "0");
	check_cell(pl_cell_count(999), "999");
	check_cell(pl_cell_count(1000), "1,000");
	check_cell(pl_cell_count(UINT64_MAX), "18,446,744,073,709,551,615");
	check_cell(pl_cell_int(-1234), "-1,234");
	check_cell(pl_cell_int(INT64_MIN), "-9,223,372,036,854,775,808");
	check_cell((struct pl_cell){PL_CELL_DELTA, {.i = 1234}}, "+1,234");
	check_cell((struct pl_cell){PL_CELL_DELTA, {.i = -5}}, "-5");
	check_cell((struct pl_cell){PL_CELL_DELTA, {.i = 0}}, "0");
	check_cell(pl_cell_size(0), "0 B");
	check_cell(pl_cell_size(1023), "1023 B");
	check_cell(pl_cell_size(1024), "1.0 KiB");
	check_cell(pl_cell_size(1024 * 1024 - 1), "1.0 MiB"); /* never 1024.0 KiB */
	check_cell(pl_cell_size(UINT64_MAX), "16.0 EiB");
	check_cell((struct pl_cell){PL_CELL_DELTA_SIZE, {.i = 2048}}, "+2.0 KiB");
	check_cell((struct pl_cell){PL_CELL_DELTA_SIZE, {.i = INT64_MIN}}, "-8.0 EiB");
	check_cell(pl_cell_addr(0x7f00deadbeef), "0x7f00deadbeef");
	check_cell(pl_cell_share(0.984), "98.4 %");
	check_cell(pl_cell_share(0), "0.0 %");
	check_cell(pl_cell_share(0.0001), "<0.1 %");
	check_cell(pl_cell_bool(true), "yes");
	check_cell(pl_cell_bool(false), "no");
	check_cell((struct pl_cell){PL_CELL_LIST, {.s = "a\nb\033\nc"}}, "a, b\\x1b, c");
	check_cell((struct pl_cell){PL_CELL_LIST, {.s = ""}}, "");
}

static void a_cancel_stops_it(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "types", type_columns, 4);
	struct pl_text_style style = {0};
	struct pl_ctx ctx;
	struct pl_report r = {.analysis = "types", .result = &result, .ctx = &ctx};
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	pl_ctx_init(&ctx, 1);
	type_row(t, "a", 1, 1);
	atomic_store(&ctx.cancel, true);
	assert_false(pl_report_text(out, &r, &style));
	assert_false(pl_report_json(out, &r));
	assert_false(pl_report_csv(out, &r));
	fclose(out);
	free(text);
	pl_ctx_fini(&ctx);
	pl_result_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_with_everything),
		cmocka_unit_test(head_line_says_what_is_known),
		cmocka_unit_test(optional_column),
		cmocka_unit_test(sentences_below_their_row),
		cmocka_unit_test(several_tables),
		cmocka_unit_test(long_names_give_way),
		cmocka_unit_test(paths_keep_their_end),
		cmocka_unit_test(each_section_has_its_own_rows),
		cmocka_unit_test(wide_characters_stay_aligned),
		cmocka_unit_test(hostile_text_is_escaped),
		cmocka_unit_test(colour_only_when_asked),
		cmocka_unit_test(cells),
		cmocka_unit_test(a_cancel_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
