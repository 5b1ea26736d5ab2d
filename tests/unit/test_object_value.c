/*
 * Reading values: text of every kind, ints, dicts of every form, sets, deques, instance dicts; and
 * nonsense of each.
 */
#include "test_object_heap.h"

static struct heap h;

static void assert_text(pl_addr addr, const char *want)
{
	char buf[256];
	size_t len;
	bool cut;

	assert_true(pl_str_read(&h.l, &h.o.view, addr, buf, sizeof(buf), &len, &cut));
	assert_string_equal(buf, want);
	assert_int_equal(len, strlen(want));
	assert_false(cut);
}

static void ascii_in_every_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr s, empty, other;

		heap_init(&h, every_layout[i]);
		s = heap_str(&h, "some text");
		empty = heap_str(&h, "");
		other = heap_int(&h, 5);
		heap_open(&h);
		assert_text(s, "some text");
		assert_text(empty, "");
		assert_true(pl_str_equals(&h.l, &h.o.view, s, "some text"));
		assert_false(pl_str_equals(&h.l, &h.o.view, s, "some texT"));
		assert_false(pl_str_equals(&h.l, &h.o.view, s, "some text "));
		assert_true(pl_str_equals(&h.l, &h.o.view, empty, ""));
		assert_false(pl_str_equals(&h.l, &h.o.view, other, "5"));
		heap_close(&h);
	}
}

static void kinds_of_characters(void **state)
{
	static const uint8_t latin[] = {'n', 'a', 0xef, 'v', 'e'};
	static const uint16_t two[] = {0x20ac, ' ', 0xd800, '5'};
	static const uint32_t four[] = {0x1f40d, 'x', 0x110000};
	static const char *const layouts[] = {"3.6.15-pyenv", "3.12.1-pyenv", "3.15.2-debian"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(layouts); i++) {
		pl_addr s[3];

		heap_init(&h, layouts[i]);
		s[0] = heap_text(&h, latin, 5, 1);
		s[1] = heap_text(&h, two, 4, 2);
		s[2] = heap_text(&h, four, 3, 4);
		heap_open(&h);
		assert_text(s[0], "na\xc3\xafve");
		assert_text(s[1], "\xe2\x82\xac \xef\xbf\xbd"
				  "5");
		assert_text(s[2], "\xf0\x9f\x90\x8dx\xef\xbf\xbd");
		heap_close(&h);
	}
}

/* A subclass's characters are elsewhere; up to 3.11 a string may have nothing but a wchar_t copy.
 */
static void strings_of_two_blocks(void **state)
{
	static const uint32_t wide[] = {0x20ac, 'a'};
	pl_addr s, legacy, nonsense;

	(void)state;
	heap_init(&h, "3.8.18-pyenv");
	s = heap_object(&h, h.str_type, 80);
	w64(&h, s + (uint64_t)h.l.f.str_length, 3);
	w32(&h, s + (uint64_t)h.l.f.str_state, (1 | 16 | 32) << 2);
	w64(&h, s + (uint64_t)h.l.f.str_data, heap_put(&h, "abc", 4));
	legacy = heap_object(&h, h.str_type, 80);
	w64(&h, legacy + (uint64_t)h.l.f.str_wstr, heap_put(&h, wide, sizeof(wide)));
	w64(&h, legacy + (uint64_t)h.l.f.str_wstr_length, 2);
	nonsense = heap_object(&h, h.str_type, 80);
	w32(&h, nonsense + (uint64_t)h.l.f.str_state, (3 | 8 | 32) << 2);
	heap_open(&h);
	assert_text(s, "abc");
	assert_text(legacy, "\xe2\x82\xac"
			    "a");
	assert_false(pl_str_read(&h.l, &h.o.view, nonsense, (char[8]){0}, 8, NULL, NULL));
	heap_close(&h);
}

static pl_addr unicode27(const void *units, size_t n, unsigned width)
{
	pl_addr s = heap_object(&h, h.str_type, 48);

	w64(&h, s + (uint64_t)h.l.f.unicode27_length, n);
	w64(&h, s + (uint64_t)h.l.f.unicode27_str, heap_put(&h, units, n * width));
	return s;
}

static void text_of_python_2(void **state)
{
	uint16_t narrow[400];
	static const uint32_t wide[] = {0x1f40d, 'x'};
	pl_addr two, four, utf8, latin1, long_one;
	char buf[2048], want[2048] = "";

	(void)state;
	/* A pair across each place where a reader may stop for a moment. */
	for (size_t i = 0; i < 200; i++) {
		narrow[2 * i] = 0xd83d;
		narrow[2 * i + 1] = 0xdc0d;
		strcat(want, "\xf0\x9f\x90\x8d");
	}
	heap_init(&h, "2.7.18-debian");
	h.l.unicode27_ucs4 = false;
	two = unicode27(narrow, 400, 2);
	long_one = unicode27(narrow + 1, 399, 2);
	four = unicode27(wide, 2, 4);
	utf8 = heap_bytes(&h, "na\xc3\xafve", 6);
	latin1 = heap_bytes(&h, "na\xefve", 5);
	heap_open(&h);
	assert_true(pl_str_read(&h.l, &h.o.view, two, buf, sizeof(buf), NULL, NULL));
	assert_string_equal(buf, want);
	assert_true(pl_str_read(&h.l, &h.o.view, long_one, buf, sizeof(buf), NULL, NULL));
	assert_memory_equal(buf, "\xef\xbf\xbd", 3);
	assert_string_equal(buf + 3, want + 4);
	h.l.unicode27_ucs4 = true;
	assert_text(four, "\xf0\x9f\x90\x8dx");
	assert_text(utf8, "na\xc3\xafve");
	assert_text(latin1, "na\xc3\xafve");
	heap_close(&h);
}

static void text_is_cut_between_characters(void **state)
{
	static const uint16_t euros[] = {0x20ac, 0x20ac, 0x20ac};
	pl_addr s, bytes, far;
	char buf[8];
	size_t len;
	bool cut;

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	s = heap_text(&h, euros, 3, 2);
	far = heap_text(&h, euros, 3, 2);
	w64(&h, far + (uint64_t)h.l.f.str_length, UINT64_C(1) << 40);
	heap_open(&h);
	assert_true(pl_str_read(&h.l, &h.o.view, s, buf, sizeof(buf), &len, &cut));
	assert_string_equal(buf, "\xe2\x82\xac\xe2\x82\xac");
	assert_int_equal(len, 6);
	assert_true(cut);
	assert_true(pl_str_read(&h.l, &h.o.view, s, buf, 1, &len, &cut));
	assert_string_equal(buf, "");
	assert_true(cut);
	assert_false(pl_str_read(&h.l, &h.o.view, s, buf, 0, &len, &cut));
	assert_true(pl_str_read(&h.l, &h.o.view, far, buf, sizeof(buf), &len, &cut));
	assert_true(cut);
	heap_close(&h);
	heap_init(&h, "2.7.18-debian");
	bytes = heap_bytes(&h, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9);
	heap_open(&h);
	assert_true(pl_str_read(&h.l, &h.o.view, bytes, buf, sizeof(buf), &len, &cut));
	assert_string_equal(buf, "\xe2\x82\xac\xe2\x82\xac");
	assert_true(cut);
	heap_close(&h);
}

static void ints(void **state)
{
	static const int64_t values[] = {0,          1,           -1,        0x3fffffff,
					 0x40000000, -0x40000000, INT64_MAX, INT64_MIN};
	static const uint32_t big[] = {0, 0, 8}, bigger[] = {1, 2, 3, 4, 5, 6, 7},
			      padded[] = {5, 0, 0, 0, 0};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr at[PL_ARRAY_LEN(values)], too_big, much, zeros, wrong, other;
		struct pl_digits d;
		int64_t got;

		heap_init(&h, every_layout[i]);
		for (size_t k = 0; k < PL_ARRAY_LEN(values); k++)
			at[k] = heap_int(&h, values[k]);
		too_big = heap_digits(&h, big, 3, false);
		much = heap_digits(&h, bigger, 7, true);
		zeros = heap_digits(&h, padded, 5, true);
		wrong = heap_int(&h, 7);
		w32(&h, wrong + (uint64_t)h.l.f.long_digits, 0x40000000);
		other = heap_str(&h, "5");
		heap_open(&h);
		for (size_t k = 0; k < PL_ARRAY_LEN(values); k++) {
			assert_true(pl_int_read(&h.l, &h.o.view, at[k], &got));
			assert_int_equal(got, values[k]);
		}
		got = 99;
		assert_false(pl_int_read(&h.l, &h.o.view, too_big, &got));
		assert_false(pl_int_read(&h.l, &h.o.view, much, &got));
		assert_false(pl_int_read(&h.l, &h.o.view, wrong, &got));
		assert_false(pl_int_read(&h.l, &h.o.view, other, &got));
		assert_false(pl_int_read(&h.l, &h.o.view, 0, &got));
		assert_int_equal(got, 99);
		assert_true(pl_int_read(&h.l, &h.o.view, zeros, &got));
		assert_int_equal(got, -5);
		assert_true(pl_int_digits(&h.l, &h.o.view, much, &d));
		assert_int_equal(d.n, 7);
		assert_true(d.negative);
		heap_close(&h);
	}
}

static void plain_int_of_python_2(void **state)
{
	pl_addr type, at;
	int64_t got;

	(void)state;
	heap_init(&h, "2.7.18-debian");
	type = heap_builtin(&h, "int", PL_TPFLAG_INT27, 24, 0);
	at = heap_object(&h, type, 24);
	w64(&h, at + (uint64_t)h.l.f.int_ival, (uint64_t)-42);
	heap_open(&h);
	assert_true(pl_int_read(&h.l, &h.o.view, at, &got));
	assert_int_equal(got, -42);
	heap_close(&h);
}

static void sequences(void **state)
{
	pl_addr items[] = {1, 2, 3}, list, tuple, liar, first;
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		heap_init(&h, every_layout[i]);
		list = heap_list(&h, items, 3);
		tuple = heap_tuple(&h, items, 3);
		liar = heap_tuple(&h, items, 3);
		w64(&h, liar + (uint64_t)h.l.f.var_size, UINT64_C(1) << 50);
		heap_open(&h);
		assert_true(pl_list_items(&h.l, &h.o.view, list, &first, &n));
		assert_int_equal(n, 3);
		assert_int_equal(pl_ld64(pl_at(&h.o.view, first + 16, 8)), 3);
		assert_true(pl_tuple_items(&h.l, &h.o.view, tuple, &first, &n));
		assert_int_equal(n, 3);
		assert_int_equal(pl_ld64(pl_at(&h.o.view, first + 8, 8)), 2);
		assert_false(pl_tuple_items(&h.l, &h.o.view, list, &first, &n));
		assert_false(pl_list_items(&h.l, &h.o.view, tuple, &first, &n));
		assert_true(pl_tuple_items(&h.l, &h.o.view, liar, &first, &n));
		assert_int_equal(n, (HEAP_BASE + HEAP_SIZE - first) / 8);
		heap_close(&h);
	}
}

/* Keys and values of a dict, as pairs in the order it gives them. */
static size_t walk(struct pl_dict_iter *it, pl_addr (*got)[2], size_t cap)
{
	size_t n = 0;

	while (n < cap && pl_dict_next(it, &got[n][0], &got[n][1], NULL))
		n++;
	return n;
}

static void dicts_in_every_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr d, value, got[8][2], empty;
		struct pl_dict_iter it;
		uint64_t used;

		heap_init(&h, every_layout[i]);
		pl_addr pairs[][2] = {{heap_str(&h, "a"), heap_int(&h, 1)},
				      {heap_str(&h, "gone"), 0},
				      {heap_str(&h, "b"), heap_int(&h, 2)}};
		d = heap_dict(&h, (const pl_addr(*)[2])pairs, 3);
		w64(&h, d + (uint64_t)h.l.f.dict_used, 2);
		empty = heap_dict(&h, NULL, 0);
		heap_open(&h);
		assert_true(pl_dict_begin(&h.l, &h.o.view, d, &it));
		assert_int_equal(walk(&it, got, 8), 2);
		assert_int_equal(got[0][0], pairs[0][0]);
		assert_int_equal(got[1][1], pairs[2][1]);
		assert_true(pl_dict_used(&h.l, &h.o.view, d, &used));
		assert_int_equal(used, 2);
		assert_true(pl_dict_get(&h.l, &h.o.view, d, "b", &value));
		assert_int_equal(value, pairs[2][1]);
		assert_false(pl_dict_get(&h.l, &h.o.view, d, "gone", &value));
		assert_false(pl_dict_get(&h.l, &h.o.view, d, "c", &value));
		assert_true(pl_dict_begin(&h.l, &h.o.view, empty, &it));
		assert_int_equal(walk(&it, got, 8), 0);
		assert_false(pl_dict_begin(&h.l, &h.o.view, h.none, &it));
		assert_int_equal(walk(&it, got, 8), 0);
		heap_close(&h);
	}
}

/* Values of a split dict in each of its forms; in 3.11 and later b was set before a. */
static pl_addr split_values(pl_addr a, pl_addr b)
{
	pl_addr block = heap_put(&h, NULL, 64);

	if (h.l.values_style == PL_VALUES_STRUCT) {
		pl_addr at = block + (uint64_t)h.l.f.values_values;

		w8(&h, block + (uint64_t)h.l.f.values_capacity, 3);
		w8(&h, block + (uint64_t)h.l.f.values_size, 2);
		w8(&h, block + (uint64_t)h.l.f.values_valid, 1);
		w64(&h, at, a);
		w64(&h, at + 16, b);
		w8(&h, at + 24, 2);
		w8(&h, at + 25, 0);
		return block;
	}
	w64(&h, block + 16, a);
	w64(&h, block + 32, b);
	if (h.l.values_style == PL_VALUES_PREFIXED) {
		w8(&h, block + 15, 8);
		w8(&h, block + 14, 2);
		w8(&h, block + 13, 2);
		w8(&h, block + 12, 0);
	}
	return block + 16;
}

static void split_dicts(void **state)
{
	(void)state;
	for (size_t i = 1; i < PL_ARRAY_LEN(every_layout); i++) {
		bool ordered;
		pl_addr d, got[8][2], one, two;
		struct pl_dict_iter it;

		heap_init(&h, every_layout[i]);
		ordered = h.l.values_style != PL_VALUES_ARRAY;
		pl_addr pairs[][2] = {
			{heap_str(&h, "a"), 0}, {heap_str(&h, "never"), 0}, {heap_str(&h, "b"), 0}};
		one = heap_int(&h, 1);
		two = heap_int(&h, 2);
		d = heap_dict_of(&h, heap_keys(&h, 3, (const pl_addr(*)[2])pairs, 3, !ordered),
				 split_values(one, two), 2);
		heap_open(&h);
		assert_true(pl_dict_begin(&h.l, &h.o.view, d, &it));
		assert_int_equal(walk(&it, got, 8), 2);
		assert_int_equal(got[ordered][0], pairs[0][0]);
		assert_int_equal(got[ordered][1], one);
		assert_int_equal(got[!ordered][0], pairs[2][0]);
		assert_int_equal(got[!ordered][1], two);
		heap_close(&h);
	}
}

/* Wrong orders are not followed: the table's own order stands in. */
static void split_dict_with_a_wrong_order(void **state)
{
	pl_addr d, values, got[8][2];
	struct pl_dict_iter it;

	(void)state;
	heap_init(&h, "3.13.0-pyenv");
	pl_addr pairs[][2] = {
		{heap_str(&h, "a"), 0}, {heap_str(&h, "never"), 0}, {heap_str(&h, "b"), 0}};
	values = split_values(heap_int(&h, 1), heap_int(&h, 2));
	w8(&h, values + (uint64_t)h.l.f.values_values + 24, 200);
	d = heap_dict_of(&h, heap_keys(&h, 3, (const pl_addr(*)[2])pairs, 3, false), values, 2);
	heap_open(&h);
	assert_true(pl_dict_begin(&h.l, &h.o.view, d, &it));
	assert_int_equal(walk(&it, got, 8), 2);
	assert_int_equal(got[0][0], pairs[0][0]);
	assert_int_equal(got[1][0], pairs[2][0]);
	heap_close(&h);
}

static void hostile_dicts(void **state)
{
	static const char *const layouts[] = {"2.7.18-debian", "3.8.18-pyenv", "3.12.1-pyenv"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(layouts); i++) {
		pl_addr d, far, many, got[8][2], key, value;
		const struct pl_fields *f = &h.l.f;
		struct pl_dict_iter it;
		uint64_t used, n = 0;
		bool old;

		heap_init(&h, layouts[i]);
		old = h.l.dict_style == PL_DICT_TABLE27;
		pl_addr pairs[][2] = {{heap_str(&h, "a"), heap_int(&h, 1)}};
		d = heap_dict(&h, (const pl_addr(*)[2])pairs, 1);
		far = heap_dict(&h, (const pl_addr(*)[2])pairs, 1);
		many = heap_dict(&h, (const pl_addr(*)[2])pairs, 1);
		if (old) {
			w64(&h, d + (uint64_t)f->dict_mask, 5); /* no power of two less one */
			w64(&h, far + (uint64_t)f->dict_table, UINT64_C(0x7fffdeadb000));
			w64(&h, many + (uint64_t)f->dict_mask, (UINT64_C(1) << 40) - 1);
		} else {
			pl_addr keys[3];

			for (int k = 0; k < 3; k++)
				keys[k] = heap_keys(&h, 3, (const pl_addr(*)[2])pairs, 1, true);
			w64(&h, keys[0] + (uint64_t)f->keys_nentries, 1000); /* more than slots */
			w64(&h, d + (uint64_t)f->dict_keys, keys[0]);
			w64(&h, far + (uint64_t)f->dict_keys, UINT64_C(0x7fffdeadb000));
			if (h.l.dict_style == PL_DICT_KEYS36)
				w64(&h, keys[1] + (uint64_t)f->keys_size, UINT64_C(1) << 40);
			else
				w8(&h, keys[1] + (uint64_t)f->keys_log2_size, 40);
			w64(&h, keys[1] + (uint64_t)f->keys_nentries, UINT64_C(1) << 39);
			w64(&h, many + (uint64_t)f->dict_keys, keys[1]);
		}
		w64(&h, d + (uint64_t)f->dict_used, UINT64_MAX);
		heap_open(&h);
		assert_false(pl_dict_begin(&h.l, &h.o.view, d, &it));
		assert_int_equal(walk(&it, got, 8), 0);
		assert_false(pl_dict_used(&h.l, &h.o.view, d, &used));
		assert_int_equal(pl_dict_begin(&h.l, &h.o.view, far, &it), old);
		assert_int_equal(walk(&it, got, 8), 0);
		assert_true(pl_dict_begin(&h.l, &h.o.view, many, &it));
		while (pl_dict_next(&it, &key, &value, NULL))
			n++;
		assert_in_range(n, 0, HEAP_SIZE / 16); /* it ends where the memory does */
		heap_close(&h);
	}
}

static pl_addr set_of(const pl_addr *keys, uint64_t n)
{
	const struct pl_fields *f = &h.l.f;
	pl_addr s = heap_object(&h, h.set_type, (size_t)f->set_size);
	pl_addr table = s + (uint64_t)f->set_smalltable;

	w64(&h, s + (uint64_t)f->set_table, table);
	w64(&h, s + (uint64_t)f->set_mask, 7);
	w64(&h, s + (uint64_t)f->set_used, n);
	for (uint64_t i = 0; i < n; i++)
		w64(&h, table + 16 * i + (uint64_t)f->setentry_key, keys[i]);
	return s;
}

static void sets(void **state)
{
	static const char *const layouts[] = {"2.7.18-debian", "3.8.18-pyenv", "3.15.2-debian"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(layouts); i++) {
		pl_addr s, wrong, key;
		struct pl_set_iter it;
		uint64_t n = 0;

		heap_init(&h, layouts[i]);
		pl_addr keys[] = {heap_int(&h, 1), heap_str(&h, "<dummy key>"), heap_int(&h, 2)};
		s = set_of(keys, 3);
		if (!h.l.f.setentry_key) /* later versions tell a dummy by its hash */
			w64(&h, s + (uint64_t)h.l.f.set_smalltable + 16 + 8, UINT64_MAX);
		wrong = set_of(keys, 3);
		w64(&h, wrong + (uint64_t)h.l.f.set_mask, 6);
		heap_open(&h);
		assert_true(pl_set_begin(&h.l, &h.o.view, s, &it));
		while (pl_set_next(&it, &key)) {
			assert_true(key == keys[0] || key == keys[2]);
			n++;
		}
		assert_int_equal(n, 2);
		assert_false(pl_set_begin(&h.l, &h.o.view, wrong, &it));
		assert_false(pl_set_next(&it, &key));
		heap_close(&h);
	}
}

/* Two blocks of which the first is used from its last place on. */
static pl_addr deque_of_two_blocks(uint64_t length)
{
	const struct pl_fields *f = &h.l.f;
	uint64_t per_block = (uint64_t)f->dequeblock_size / 8 - 2;
	pl_addr one = heap_put(&h, NULL, (size_t)f->dequeblock_size);
	pl_addr two = heap_put(&h, NULL, (size_t)f->dequeblock_size);
	pl_addr d = heap_object(&h, h.object_type, (size_t)f->deque_struct_size);

	w64(&h, d + (uint64_t)f->deque_left, one);
	w64(&h, d + (uint64_t)f->deque_leftindex, per_block - 1);
	w64(&h, d + (uint64_t)(pl_has(f->deque_len27) ? f->deque_len27 : f->var_size), length);
	w64(&h, one + (uint64_t)f->dequeblock_data + 8 * (per_block - 1), 101);
	w64(&h, one + (uint64_t)f->dequeblock_right, two);
	w64(&h, two + (uint64_t)f->dequeblock_data, 102);
	w64(&h, two + (uint64_t)f->dequeblock_right, two);
	return d;
}

static void deques(void **state)
{
	static const char *const layouts[] = {"2.7.18-debian", "3.8.18-pyenv", "3.15.2-debian"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(layouts); i++) {
		pl_addr d, endless, absurd, item;
		struct pl_deque_iter it;
		uint64_t n = 0;

		heap_init(&h, layouts[i]);
		d = deque_of_two_blocks(2);
		endless = deque_of_two_blocks(100000); /* its second block follows itself */
		absurd = deque_of_two_blocks(UINT64_C(1) << 60);
		heap_open(&h);
		assert_true(pl_deque_begin(&h.l, &h.o.view, d, &it));
		assert_true(pl_deque_next(&it, &item));
		assert_int_equal(item, 101);
		assert_true(pl_deque_next(&it, &item));
		assert_int_equal(item, 102);
		assert_false(pl_deque_next(&it, &item));
		assert_true(pl_deque_begin(&h.l, &h.o.view, endless, &it));
		while (pl_deque_next(&it, &item))
			n++;
		assert_int_equal(n, 100000);
		assert_false(pl_deque_begin(&h.l, &h.o.view, absurd, &it));
		assert_false(pl_deque_next(&it, &item));
		heap_close(&h);
	}
}

static pl_addr class(uint64_t flags, uint64_t basicsize, int64_t dictoffset)
{
	pl_addr t = heap_type(&h, "C", flags | PL_TPFLAG_HEAPTYPE | PL_TPFLAG_GC, basicsize, 0,
			      h.object_type);

	w64(&h, t + (uint64_t)h.l.f.type_dictoffset, (uint64_t)dictoffset);
	return t;
}

static void dict_by_offset(void **state)
{
	pl_addr positive, negative, none, a, b, dict, values;

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		heap_init(&h, every_layout[i]);
		positive = class(0, 32, 16);
		negative = class(0, 32, -8);
		w64(&h, negative + (uint64_t)h.l.f.type_itemsize, 8);
		none = class(0, 32, 0);
		a = heap_object(&h, positive, 32);
		w64(&h, a + 16, 0xd1c7);
		b = heap_object(&h, negative, 64);
		w64(&h, b + (uint64_t)h.l.f.var_size, 2);
		w64(&h, b + 32 + 16 - 8, 0xd1c8);
		heap_open(&h);
		assert_true(pl_instance_dict(&h.l, &h.o.view, a, positive, &dict, &values));
		assert_int_equal(dict, 0xd1c7);
		assert_int_equal(values, 0);
		assert_true(pl_instance_dict(&h.l, &h.o.view, b, negative, &dict, &values));
		assert_int_equal(dict, 0xd1c8);
		assert_false(pl_instance_dict(&h.l, &h.o.view, a, none, &dict, &values));
		heap_close(&h);
	}
}

/* An instance whose attributes are values, not yet a dict; its class has the keys "a" and "b". */
static void inline_attributes(void **state)
{
	static const char *const layouts[] = {"3.11.7-pyenv", "3.12.1-pyenv", "3.13.0-pyenv",
					      "3.15.2-debian"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(layouts); i++) {
		pl_addr type, obj, block, dict, values, got[8][2], one, two;
		struct pl_dict_iter it;

		heap_init(&h, layouts[i]);
		one = heap_int(&h, 1);
		two = heap_int(&h, 2);
		pl_addr pairs[][2] = {
			{heap_str(&h, "a"), 0}, {heap_str(&h, "never"), 0}, {heap_str(&h, "b"), 0}};
		type = class(h.l.flag_managed_dict | h.l.flag_inline_values, 16, -1);
		w64(&h, type + (uint64_t)h.l.f.heaptype_cached_keys,
		    heap_keys(&h, 3, (const pl_addr(*)[2])pairs, 3, false));
		heap_put(&h, NULL, 64); /* the pre-header lies before the object */
		if (h.l.attrs_style == PL_ATTRS_313) {
			obj = heap_object(&h, type, 16);
			h.used = obj + 16 - HEAP_BASE; /* the values start where the object ends */
			block = split_values(one, two);
		} else {
			block = split_values(one, two);
			heap_put(&h, NULL, 64);
			obj = heap_object(&h, type, 16);
			w64(&h, obj - (h.l.attrs_style == PL_ATTRS_311 ? 32 : 24),
			    h.l.attrs_style == PL_ATTRS_311 ? block : block - 1);
		}
		heap_open(&h);
		assert_true(pl_instance_dict(&h.l, &h.o.view, obj, type, &dict, &values));
		assert_int_equal(dict, 0);
		assert_int_equal(values, block);
		assert_true(pl_values_begin(&h.l, &h.o.view, type, values, &it));
		assert_int_equal(walk(&it, got, 8), 2);
		assert_int_equal(got[0][0], pairs[2][0]);
		assert_int_equal(got[1][0], pairs[0][0]);
		assert_false(pl_values_begin(&h.l, &h.o.view, h.dict_type, values, &it));
		heap_close(&h);
	}
}

/* Once the instance has a dict, the values are not its attributes any more. */
static void dict_instead_of_values(void **state)
{
	pl_addr type, obj, dict, values;

	(void)state;
	heap_init(&h, "3.13.0-pyenv");
	type = class(h.l.flag_managed_dict | h.l.flag_inline_values, 16, -1);
	heap_put(&h, NULL, 64);
	obj = heap_object(&h, type, 64);
	w64(&h, obj - 24, 0xd1c7);
	heap_open(&h);
	assert_true(pl_instance_dict(&h.l, &h.o.view, obj, type, &dict, &values));
	assert_int_equal(dict, 0xd1c7);
	assert_int_equal(values, 0);
	heap_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ascii_in_every_version),
		cmocka_unit_test(kinds_of_characters),
		cmocka_unit_test(strings_of_two_blocks),
		cmocka_unit_test(text_of_python_2),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(ints),
		cmocka_unit_test(plain_int_of_python_2),
		cmocka_unit_test(sequences),
		cmocka_unit_test(dicts_in_every_version),
		cmocka_unit_test(split_dicts),
		cmocka_unit_test(split_dict_with_a_wrong_order),
		cmocka_unit_test(hostile_dicts),
		cmocka_unit_test(sets),
		cmocka_unit_test(deques),
		cmocka_unit_test(dict_by_offset),
		cmocka_unit_test(inline_attributes),
		cmocka_unit_test(dict_instead_of_values),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
