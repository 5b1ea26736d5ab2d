/*
 * Rows that are told one by one: the same bytes as of rows that were held, in order for any number
 * of threads; and what ends it early.
 */
#include <jansson.h>

#include "base/parallel.h"
#include "report/sink.h"

#include "cmocka_all.h"

#define ROWS 10000u

static const struct pl_column columns[] = {
	{.name = "id", .align = PL_RIGHT},
	{.name = "text", .align = PL_LEFT},
	{.name = "share", .align = PL_RIGHT},
};

/* Made by several threads; the text has all that needs care. */
static void make_row(void *arg, unsigned worker, size_t i, struct pl_table *t)
{
	static const char *const texts[] = {"plain",
					    "",
					    "a \"b\" \\ c",
					    "\x1b[31m\n\t\v",
					    "\xff\xfe",
					    "=1+1",
					    "na\xc3\xafve, \xe2\x80\xae",
					    "\xf0\x9f\x90\x8d"};
	struct pl_cell *row = pl_table_row(t);
	struct pl_ctx *cancel_at_half = arg;

	(void)worker;
	if (cancel_at_half && i == ROWS / 2)
		atomic_store(&cancel_at_half->cancel, true);
	row[0] = i % 7 ? pl_cell_addr(i * 0x123456789) : pl_cell_int(-(int64_t)i);
	row[1] = pl_cell_text(t, texts[i % PL_ARRAY_LEN(texts)]);
	if (i % 3)
		row[2] = pl_cell_share((double)i / 1e9);
}

struct printed {
	char *text;
	size_t n;
	int code;
	bool done;
};

/* Three tables; the rows of the middle one come from make_row(), behind two that it holds. */
static struct printed print(const struct pl_document_format *format, bool told, unsigned threads,
			    bool cancel)
{
	struct printed p = {0};
	struct pl_result result = {0};
	struct pl_report r = {.analysis = "x", .result = &result};
	struct pl_document w;
	struct pl_ctx ctx;
	struct pl_err err;
	struct pl_table *t;
	FILE *out = open_memstream(&p.text, &p.n);

	assert_non_null(out);
	pl_ctx_init(&ctx, threads);
	pl_document_init(&w, format, out, &r);
	result.sink = told ? &w.sink : NULL;
	make_row(NULL, 0, 1, pl_result_table(&result, "first", columns, 3));
	t = pl_result_table(&result, "told", columns, 3);
	pl_result_table(&result, "last", columns, 3);
	make_row(NULL, 0, 2, t);
	make_row(NULL, 0, 3, t);
	pl_table_total(t)[0] = pl_cell_count(7);
	t->hidden_rows = 5;
	p.code = pl_result_rows(&result, t, ROWS, make_row, cancel ? &ctx : NULL, &ctx, &err);
	assert_int_equal(t->n_rows, told ? 2 : cancel ? ROWS / 2 + 3 : ROWS + 2);
	p.done = !p.code && pl_document_end(&w);
	pl_document_fini(&w);
	assert_int_equal(fclose(out), 0);
	pl_result_fini(&result);
	pl_ctx_fini(&ctx);
	return p;
}

static void the_same_as_held(void **state)
{
	static const struct pl_document_format *const formats[] = {&pl_json_document,
								   &pl_csv_document};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(formats); i++) {
		struct printed held = print(formats[i], false, 1, false);

		assert_true(held.done && held.n > ROWS * 20);
		for (unsigned threads = 1; threads <= 5; threads += 2) {
			struct printed told = print(formats[i], true, threads, false);

			assert_true(told.done);
			assert_int_equal(told.n, held.n);
			assert_memory_equal(told.text, held.text, held.n);
			free(told.text);
		}
		free(held.text);
	}
}

/* Each row is as jansson writes it, which wrote them all once; what it leaves raw and a terminal
 * would act on reads back as the same. */
static void as_jansson_writes(void **state)
{
	struct printed p = print(&pl_json_document, true, 2, false);
	json_t *root = json_loads(p.text, JSON_REJECT_DUPLICATES, NULL), *rows;
	const char *at = strstr(p.text, "\"told\"");

	(void)state;
	assert_non_null(root);
	rows = json_object_get(json_object_get(json_object_get(root, "tables"), "told"), "rows");
	assert_int_equal(json_array_size(rows), ROWS + 2);
	at = strchr(at, '[');
	for (size_t i = 0; i < json_array_size(rows); i++) {
		char *want = json_dumps(json_array_get(rows, i), JSON_REAL_PRECISION(15));
		size_t n;

		at = strchr(at, '\n') + 4;
		n = strcspn(at, "\n") - (i < ROWS + 1 ? 1 : 0);
		if (!strstr(want, "\xe2\x80\xae") && i <= ROWS)
			assert_true(strlen(want) == n && !memcmp(at, want, n));
		free(want);
	}
	json_decref(root);
	free(p.text);
}

/* A cancel in the middle: nothing claims to be whole, and no thread waits for its turn for ever. */
static void cancelled(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct printed p = print(&pl_json_document, true, threads, true);

		assert_int_equal(p.code, PL_E_CANCELLED);
		assert_false(p.done);
		assert_null(strstr(p.text, "\"partial\""));
		free(p.text);
	}
	free(print(&pl_csv_document, false, 1, true).text);
}

/* Who takes the rows refuses them: told again and again, it would not end. */
static size_t n_put;

static void begin(struct pl_sink *s, const struct pl_table *t)
{
	(void)s;
	(void)t;
}

static void spell(const struct pl_sink *s, const struct pl_table *t, size_t i,
		  const struct pl_cell *row, struct pl_buf *ret)
{
	(void)s;
	(void)t;
	(void)row;
	pl_buf_printf(ret, "%zu\n", i);
}

static bool refuse_second(struct pl_sink *s, const struct pl_buf *rows)
{
	(void)s;
	assert_true(rows->n > 0);
	return ++n_put < 2;
}

static void refused(void **state)
{
	struct pl_sink sink = {begin, spell, refuse_second};

	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct pl_result result = {.sink = &sink};
		struct pl_table *t = pl_result_table(&result, "t", columns, 3);
		struct pl_ctx ctx;

		n_put = 0;
		pl_ctx_init(&ctx, threads);
		assert_int_equal(pl_result_rows(&result, t, ROWS, make_row, NULL, &ctx, NULL),
				 PL_E_CANCELLED);
		assert_int_equal(n_put, 2);
		pl_ctx_fini(&ctx);
		pl_result_fini(&result);
	}
}

static void no_rows(void **state)
{
	struct pl_sink sink = {begin, spell, refuse_second};
	struct pl_result result = {.sink = &sink};
	struct pl_table *t = pl_result_table(&result, "t", columns, 3);
	struct pl_ctx ctx;

	(void)state;
	n_put = 0;
	pl_ctx_init(&ctx, 3);
	assert_int_equal(pl_result_rows(&result, t, 0, make_row, NULL, &ctx, NULL), 0);
	assert_int_equal(n_put, 0);
	pl_ctx_fini(&ctx);
	pl_result_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_as_held), cmocka_unit_test(as_jansson_writes),
		cmocka_unit_test(cancelled),        cmocka_unit_test(refused),
		cmocka_unit_test(no_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
