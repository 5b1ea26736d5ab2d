/*
 * Tables: absent cells, stable sorting of every kind of cell, limits.
 */
#include "base/table.h"

#include "cmocka_all.h"

static const struct pl_column columns[] = {
	{.name = "name", .align = PL_LEFT},
	{.name = "value", .align = PL_RIGHT},
};

static struct pl_table *table_of(const struct pl_cell *values, size_t n)
{
	struct pl_table *t = pl_table_new("t", columns, PL_ARRAY_LEN(columns));

	for (size_t i = 0; i < n; i++) {
		struct pl_cell *row = pl_table_row(t);

		row[0] = pl_cell_printf(t, "%zu", i);
		row[1] = values[i];
	}
	return t;
}

static void check_order(struct pl_table *t, const char *want)
{
	char got[64] = "";

	for (size_t i = 0; i < t->n_rows; i++)
		strcat(got, t->cells[i * 2].s);
	assert_string_equal(got, want);
	pl_table_free(t);
}

static void rows_start_absent(void **state)
{
	struct pl_table *t = pl_table_new("t", columns, 2);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(pl_table_row(t)[1].kind, PL_CELL_ABSENT);
	assert_int_equal(t->n_rows, 100);
	assert_int_equal(pl_table_total(t)[0].kind, PL_CELL_ABSENT);
	pl_table_total(t)[1] = pl_cell_count(7);
	assert_int_equal(pl_table_total(t)[1].u, 7); /* made once */
	assert_int_equal(pl_table_column(t, "value"), 1);
	assert_int_equal(pl_table_column(t, "Value"), -1);
	pl_table_free(t);
}

static void numbers_descend(void **state)
{
	const struct pl_cell v[] = {
		pl_cell_count(5), pl_cell_absent(),  pl_cell_count(UINT64_MAX),
		pl_cell_count(5), pl_cell_unknown(), pl_cell_count(0),
	};
	struct pl_table *t = table_of(v, PL_ARRAY_LEN(v));

	(void)state;
	assert_true(pl_table_sort(t, "value"));
	check_order(t, "203514"); /* equals keep their order, nothing comes last */
	t = table_of(v, PL_ARRAY_LEN(v));
	assert_true(pl_table_sort(t, "-value"));
	check_order(t, "503214"); /* turned round, nothing still last */
}

static void signed_numbers(void **state)
{
	const struct pl_cell v[] = {
		pl_cell_int(-1), pl_cell_int(INT64_MAX),     pl_cell_int(INT64_MIN),
		pl_cell_int(0),  {PL_CELL_DELTA, {.i = -2}},
	};
	struct pl_table *t = table_of(v, PL_ARRAY_LEN(v));

	(void)state;
	assert_true(pl_table_sort(t, "value"));
	check_order(t, "13042");
}

static void shares_and_truths(void **state)
{
	const struct pl_cell share[] = {pl_cell_share(0.2), pl_cell_share(0.9), pl_cell_share(0)};
	const struct pl_cell truth[] = {pl_cell_bool(false), pl_cell_bool(true)};
	struct pl_table *t = table_of(share, 3);

	(void)state;
	assert_true(pl_table_sort(t, "value"));
	check_order(t, "102");
	t = table_of(truth, 2);
	assert_true(pl_table_sort(t, "value"));
	check_order(t, "10");
}

static void text_and_addresses_ascend(void **state)
{
	const struct pl_cell text[] = {
		{PL_CELL_TEXT, {.s = "b"}},
		{PL_CELL_TEXT, {.s = "a"}},
		{PL_CELL_TEXT, {.s = "c"}},
	};
	const struct pl_cell addr[] = {
		pl_cell_addr(0x3000),
		pl_cell_addr(0x1000),
		pl_cell_addr(0x7fffffffffff),
	};
	struct pl_table *t = table_of(text, 3);

	(void)state;
	assert_true(pl_table_sort(t, "value"));
	check_order(t, "102");
	t = table_of(text, 3);
	assert_true(pl_table_sort(t, "-value"));
	check_order(t, "201");
	t = table_of(addr, 3);
	assert_true(pl_table_sort(t, "value"));
	check_order(t, "102");
}

/* A key-value table has unlike cells in one column. */
static void unlike_cells(void **state)
{
	const struct pl_cell v[] = {
		{PL_CELL_TEXT, {.s = "z"}},
		pl_cell_absent(),
		pl_cell_count(1),
		pl_cell_share(0.5),
	};
	struct pl_table *t = table_of(v, PL_ARRAY_LEN(v));

	(void)state;
	assert_true(pl_table_sort(t, "value"));
	assert_int_equal(t->cells[2 * 2 + 1].kind, PL_CELL_TEXT);
	assert_int_equal(t->cells[3 * 2 + 1].kind, PL_CELL_ABSENT);
	pl_table_free(t);
}

static void sort_and_grow(void **state)
{
	const struct pl_cell v[] = {pl_cell_count(1), pl_cell_count(2)};
	struct pl_table *t = table_of(v, 2);

	(void)state;
	assert_false(pl_table_sort(t, "nosuch"));
	assert_true(pl_table_sort(t, "value"));
	pl_table_row(t)[0] = pl_cell_text(t, "x");
	check_order(t, "10x");
}

static void limits(void **state)
{
	const struct pl_cell v[] = {pl_cell_count(1), pl_cell_count(2), pl_cell_count(3)};
	struct pl_table *t = table_of(v, 3);

	(void)state;
	pl_table_limit(t, 0);
	assert_int_equal(t->n_rows, 3);
	pl_table_limit(t, 3);
	assert_int_equal(t->hidden_rows, 0);
	pl_table_limit(t, 2);
	pl_table_limit(t, 1);
	assert_int_equal(t->n_rows, 1);
	assert_int_equal(t->hidden_rows, 2);
	pl_table_free(t);
}

static void text_is_copied(void **state)
{
	struct pl_result r = {0};
	struct pl_table *t = pl_result_table(&r, "t", columns, 2);
	char raw[] = "abcdef";
	struct pl_cell whole = pl_cell_text(t, raw), part = pl_cell_textn(t, raw, 3);

	(void)state;
	memset(raw, 'x', 6);
	assert_string_equal(whole.s, "abcdef");
	assert_string_equal(part.s, "abc");
	assert_string_equal(pl_cell_printf(t, "%d-%s", 5, "y").s, "5-y");
	assert_int_equal(r.tables.n, 1);
	assert_ptr_equal(r.tables.at[0], t);
	pl_result_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_start_absent),
		cmocka_unit_test(numbers_descend),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(shares_and_truths),
		cmocka_unit_test(text_and_addresses_ascend),
		cmocka_unit_test(unlike_cells),
		cmocka_unit_test(sort_and_grow),
		cmocka_unit_test(limits),
		cmocka_unit_test(text_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
