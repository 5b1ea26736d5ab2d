/*
 * CSV: quoting, formulas, several tables.
 */
#include "report/report.h"

#include "cmocka_all.h"

static const struct pl_column columns[] = {
	{.name = "type", .align = PL_LEFT},
	{.name = "value", .align = PL_RIGHT},
};

static void check(const struct pl_report *r, const char *want)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	assert_true(pl_report_csv(out, r));
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, want);
	free(text);
}

static void check_value(struct pl_cell c, const char *want)
{
	struct pl_result result = {0};
	struct pl_table *t = pl_result_table(&result, "t", columns, 2);
	struct pl_report r = {.analysis = "x", .result = &result};
	char whole[200];

	pl_table_row(t)[1] = c;
	snprintf(whole, sizeof(whole), "type,value\n,%s\n", want);
	check(&r, whole);
	pl_result_fini(&result);
}

static void check_text(const char *in, const char *want)
{
	check_value((struct pl_cell){PL_CELL_TEXT, {.s = in}}, want);
}

static void values(void **state)
{
	(void)state;
	check_value(pl_cell_absent(), "");
	check_value(pl_cell_unknown(), "?");
	check_value(pl_cell_count(1234567), "1234567");
	check_value(pl_cell_size(4096), "4096");
	check_value(pl_cell_int(-5), "-5");
	check_value((struct pl_cell){PL_CELL_DELTA, {.i = 5}}, "5");
	check_value(pl_cell_addr(0xabc), "0xabc");
	check_value(pl_cell_share(0.984), "0.984");
	check_value(pl_cell_bool(true), "true");
	check_value((struct pl_cell){PL_CELL_LIST, {.s = "a\nb"}}, "\"a, b\"");
}

static void quoting(void **state)
{
	(void)state;
	check_text("plain", "plain");
	check_text("a,b", "\"a,b\"");
	check_text("say \"hi\"", "\"say \"\"hi\"\"\"");
	check_text("two\nlines\033", "two\\nlines\\x1b"); /* one record, one line */
}

static void formulas(void **state)
{
	(void)state;
	check_text("=1+1", "'=1+1");
	check_text("@SUM(A1)", "'@SUM(A1)");
	check_text("-2+3", "'-2+3");
	check_text("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0");
	check_text("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\"");
	check_text("-5", "-5"); /* the repr of a number stays one */
	check_text("-1.5e3", "-1.5e3");
	check_text("", "");
}

static void tables(void **state)
{
	struct pl_result result = {0};
	struct pl_table *a = pl_result_table(&result, "generations", columns, 2);
	struct pl_report r = {.analysis = "gc", .result = &result};

	(void)state;
	pl_table_row(a)[1] = pl_cell_count(1);
	pl_table_total(a)[1] = pl_cell_count(1); /* never printed: it would be added up */
	check(&r, "type,value\n,1\n");
	pl_result_table(&result, "state", columns, 2);
	check(&r, "# generations\ntype,value\n,1\n\n# state\ntype,value\n");
	pl_result_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(quoting),
		cmocka_unit_test(formulas),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
