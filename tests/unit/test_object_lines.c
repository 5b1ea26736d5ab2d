/*
 * Code objects: lines in each form of line table, names, local variables; and nonsense of each.
 */
#include "object/frames/lines.h"

#include "test_object_code.h"

static struct code_heap c;

static void lnotab(void **state)
{
	/* 6 bytes of the first line, then lines +1, +255 +45 in two steps, -2 when lines are
	 * signed. */
	static const uint8_t table[] = {6, 1, 250, 255, 0, 45, 4, 254};

	(void)state;
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 0, false), 10);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 5, false), 10);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 6, false), 11);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 255, false), 11);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 256, false), 311);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 260, false), 565);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 1 << 20, false), 565);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 256, true), 55);
	assert_int_equal(pl_line_lnotab(table, sizeof(table), 10, 260, true), 53);
	/* Half a pair says nothing, no pair is the first line. */
	assert_int_equal(pl_line_lnotab(table, 3, 10, 1000, true), 11);
	assert_int_equal(pl_line_lnotab(table, 0, 10, 1000, true), 10);
}

static void lines_of_310(void **state)
{
	/* Line +1 for 4 bytes, no line for 2, an empty range, line -3 for 254. */
	static const uint8_t table[] = {4, 1, 2, 128, 0, 5, 254, 0xf8};

	(void)state;
	assert_int_equal(pl_line_310(table, sizeof(table), 20, 0), 21);
	assert_int_equal(pl_line_310(table, sizeof(table), 20, 3), 21);
	assert_int_equal(pl_line_310(table, sizeof(table), 20, 4), -1);
	assert_int_equal(pl_line_310(table, sizeof(table), 20, 6), 18);
	assert_int_equal(pl_line_310(table, sizeof(table), 20, 259), 18);
	assert_int_equal(pl_line_310(table, sizeof(table), 20, 260), -1);
	assert_int_equal(pl_line_310(table, 5, 20, 6), -1);
	assert_int_equal(pl_line_310(table, 0, 20, 0), -1);
}

#define ENTRY(code, units) (uint8_t)(0x80 | (code) << 3 | ((units)-1))

static void locations(void **state)
{
	static const uint8_t table[] = {
		ENTRY(0, 1),
		0x12, /* same line, columns in the second byte */
		ENTRY(9, 8),
		0x7f, /* the same, the longest entry */
		ENTRY(11, 1),
		3,
		4, /* line +1 */
		ENTRY(12, 1),
		3,
		4,            /* line +2 */
		ENTRY(15, 2), /* no line */
		ENTRY(13, 1),
		0x7d,
		1, /* line by number: 125 = 61 | 1 << 6 is -62 */
		ENTRY(14, 1),
		0x40,
		0x40,
		1,
		0,
		5,
		6, /* long form: 1 << 12 is +2048, then columns */
		ENTRY(10, 1),
		0,
		0, /* line +0 */
	};
	static const struct {
		int64_t first, last; /* bytes of the code */
		int line;
	} want[] = {{0, 1, 100},  {2, 17, 100}, {18, 19, 101},  {20, 21, 103},
		    {22, 25, -1}, {26, 27, 41}, {28, 29, 2089}, {30, 31, 2089}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
		for (int64_t at = want[i].first; at <= want[i].last; at++)
			assert_int_equal(pl_line_location(table, sizeof(table), 100, at),
					 want[i].line);
	}
	assert_int_equal(pl_line_location(table, sizeof(table), 100, 32), -1);
	assert_int_equal(pl_line_location(table, 0, 100, 0), -1);
}

/* Whatever the bytes are, the answer comes, and no byte behind them is read (the sanitizers look).
 */
static void nonsense_in_tables(void **state)
{
	uint32_t random = 12345;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t n = random % 40;
		uint8_t *table = pl_malloc(n ? n : 1);

		for (size_t i = 0; i < n; i++) {
			random = random * 1103515245 + 12345;
			table[i] = (uint8_t)(random >> 16);
		}
		for (int64_t at = 0; at < 64; at += 7) {
			pl_line_location(table, n, 1, at);
			assert_true(pl_line_310(table, n, 1, at) >= -1 - 20 * 128);
			assert_true(pl_line_lnotab(table, n, 1, at, true) >= 1 - 20 * 128);
		}
		/* 40 entries reach no further. */
		assert_int_equal(pl_line_location(table, n, 1, 40 * 16), -1);
		free(table);
		random = random * 1103515245 + 12345;
	}
	/* A first line at the edge wraps; it does not stop us. */
	assert_int_equal(pl_line_location((const uint8_t[]){ENTRY(11, 1), 0, 0}, 3, INT32_MAX, 0),
			 INT32_MIN);
	assert_int_equal(pl_line_310((const uint8_t[]){2, 1}, 2, INT32_MAX, 0), INT32_MIN);
	assert_int_equal(pl_line_lnotab((const uint8_t[]){0, 1}, 2, INT32_MAX, 0, true), INT32_MIN);
}

/* The same two lines in the table form of each version. */
static const struct code_spec *two_lines(const struct pl_layout *l)
{
	static const uint8_t pairs[] = {4, 3}, ranges[] = {4, 0, 8, 3};
	static const uint8_t entries[] = {ENTRY(0, 2), 0, ENTRY(13, 4), 6};
	static struct code_spec s;

	s = (struct code_spec){.name = "work",
			       .first_line = 7,
			       .plain = {"one", "two"},
			       .cells = {"kept"},
			       .free = {"outer", "other"},
			       .stack_size = 3};
	s.lines = l->line_style == PL_LINES_LOCATION ? entries
		  : l->line_style == PL_LINES_310    ? ranges
						     : pairs;
	s.n_lines = l->line_style == PL_LINES_LOCATION ? sizeof(entries)
		    : l->line_style == PL_LINES_310    ? sizeof(ranges)
						       : sizeof(pairs);
	return &s;
}

static void code_of_every_version(void **state)
{
	static const char *const names[] = {"one", "two", "kept", "outer", "other"};
	static const enum pl_local_kind kinds[] = {PL_LOCAL_PLAIN, PL_LOCAL_PLAIN, PL_LOCAL_CELL,
						   PL_LOCAL_FREE, PL_LOCAL_FREE};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		struct heap *h = &c.h;
		char name[32], file[32];
		pl_addr code;

		code_heap_init(&c, every_frame_layout[i]);
		code = heap_code(&c, two_lines(&h->l));
		heap_open(h);
		assert_int_equal(pl_code_line(&h->l, &h->o.view, code, -2), 7);
		assert_int_equal(pl_code_line(&h->l, &h->o.view, code, 0), 7);
		assert_int_equal(pl_code_line(&h->l, &h->o.view, code, 3), 7);
		assert_int_equal(pl_code_line(&h->l, &h->o.view, code, 4), 10);
		pl_code_names(&h->l, &h->o.view, code, name, sizeof(name), file, sizeof(file));
		assert_string_equal(name, "work");
		assert_string_equal(file, "app.py");
		assert_int_equal(pl_code_n_locals(&h->l, &h->o.view, code), 5);
		for (uint32_t k = 0; k < 5; k++) {
			pl_addr str = pl_code_local_name(&h->l, &h->o.view, code, k);

			assert_true(pl_str_equals(&h->l, &h->o.view, str, names[k]));
			assert_int_equal(pl_code_local_kind(&h->l, &h->o.view, code, k), kinds[k]);
		}
		assert_int_equal(pl_code_local_name(&h->l, &h->o.view, code, 5), 0);
		heap_close(h);
	}
}

static void damaged_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		struct heap *h = &c.h;
		const struct pl_fields *f = &h->l.f;
		pl_addr no_bytes, too_long, no_text, too_many;
		char name[32], file[32];

		code_heap_init(&c, every_frame_layout[i]);
		no_bytes = heap_code(&c, two_lines(&h->l));
		put_word(h, no_bytes, f->code_linetable, h->none);
		too_long = heap_code(&c, two_lines(&h->l));
		w64(h,
		    pl_ld64(heap_at(h, too_long + (uint64_t)f->code_linetable)) +
			    (uint64_t)f->var_size,
		    UINT64_MAX);
		no_text = heap_code(&c, two_lines(&h->l));
		put_word(h, no_text, f->code_name, 8);
		put_word(h, no_text, f->code_qualname, 8);
		put_word(h, no_text, f->code_filename, h->none);
		too_many = heap_code(&c, two_lines(&h->l));
		put_int(h, too_many, f->code_nlocals, UINT32_MAX);
		put_int(h, too_many, f->code_nlocalsplus, UINT32_MAX);
		heap_open(h);
		assert_int_equal(pl_code_line(&h->l, &h->o.view, no_bytes, 0), -1);
		assert_int_equal(pl_code_line(&h->l, &h->o.view, no_bytes, -1), 7);
		assert_int_equal(pl_code_line(&h->l, &h->o.view, too_long, 0), -1);
		pl_code_names(&h->l, &h->o.view, no_text, name, sizeof(name), file, sizeof(file));
		assert_string_equal(name, "?");
		assert_string_equal(file, "?");
		assert_int_equal(pl_code_n_locals(&h->l, &h->o.view, too_many), 0);
		heap_close(h);
	}
}

static void names_are_escaped(void **state)
{
	struct heap *h = &c.h;
	char name[64], file[8];
	struct code_spec s;
	pl_addr code;

	(void)state;
	code_heap_init(&c, "3.11.7-pyenv");
	s = *two_lines(&h->l);
	s.name = "a\x1b[31m\nb";
	code = heap_code(&c, &s);
	heap_open(h);
	pl_code_names(&h->l, &h->o.view, code, name, sizeof(name), file, 4);
	assert_string_equal(name, "a\\x1b[31m\\nb");
	assert_string_equal(file, "app");
	heap_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lnotab),
		cmocka_unit_test(lines_of_310),
		cmocka_unit_test(locations),
		cmocka_unit_test(nonsense_in_tables),
		cmocka_unit_test(code_of_every_version),
		cmocka_unit_test(damaged_code),
		cmocka_unit_test(names_are_escaped),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
