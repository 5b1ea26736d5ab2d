/*
 * sys.getsizeof() of objects written byte by byte, and of objects that lie about themselves. What
 * real interpreters say is compared in tests/e2e/test_sizeof.py.
 */
#include "test_object_heap.h"

#include "object/value/sizeof.h"

static struct heap h;

static uint64_t size_of(pl_addr addr)
{
	pl_addr type = pl_ld64(pl_at(&h.o.view, addr + (uint64_t)h.l.f.object_type, 8));
	int32_t i = pl_types_find(h.types, &h.o.view, type);
	const struct pl_type *t;

	assert_true(i >= 0);
	t = pl_types_at(h.types, (uint32_t)i);
	if (t->fixed_size)
		return t->fixed_size;
	return pl_sizeof(&h.l, &h.o.view, t, addr, pl_at(&h.o.view, addr, (uint64_t)t->basicsize),
			 HEAP_BASE + HEAP_SIZE - addr);
}

/* What CPython 3.11.7 says of (), (1, 2), [], [1, 2], "", "abc", b"", b"abc", 0, 2 ** 30, 1.5 */
static void common_types(void **state)
{
	pl_addr items[2] = {0, 0}, at[11];
	static const uint64_t want[] = {40, 56, 56, 72, 49, 52, 33, 36, 28, 32, 24};

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	at[0] = heap_tuple(&h, items, 0);
	at[1] = heap_tuple(&h, items, 2);
	at[2] = heap_list(&h, items, 0);
	at[3] = heap_list(&h, items, 2);
	at[4] = heap_str(&h, "");
	at[5] = heap_str(&h, "abc");
	at[6] = heap_bytes(&h, "", 0);
	at[7] = heap_bytes(&h, "abc", 3);
	at[8] = heap_int(&h, 0);
	at[9] = heap_int(&h, 1 << 30);
	at[10] = heap_object(&h, h.float_type, 24);
	heap_open(&h);
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++)
		assert_int_equal(size_of(at[i]), want[i]);
	heap_close(&h);
}

/* int 0: 24 up to 3.11.1, 28 after gh-100637 and from 3.12 on. */
static void zero_has_a_digit(void **state)
{
	static const struct {
		const char *table;
		uint32_t hexversion;
		uint64_t want;
	} rows[] = {{"3.10.13-pyenv", 0x030a0df0, 24}, {"3.11.7-pyenv", 0x030b00f0, 24},
		    {"3.11.7-pyenv", 0x030b01f0, 24},  {"3.11.2-debian", 0x030b02f0, 28},
		    {"3.11.7-pyenv", 0x030b07f0, 28},  {"3.12.1-pyenv", 0x030c01f0, 28}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		pl_addr zero;

		heap_init(&h, rows[i].table);
		h.l.hexversion = rows[i].hexversion;
		assert_true(pl_layout_encodings(&h.l));
		zero = heap_int(&h, 0);
		heap_open(&h);
		assert_int_equal(size_of(zero), rows[i].want);
		heap_close(&h);
	}
}

/* The 3.11 ones of which a char is no byte: "\xe9" has kind 1, euros kind 2, a snake kind 4. */
static void wide_text(void **state)
{
	static const uint8_t latin[] = {0xe9};
	static const uint16_t two[] = {0x20ac, 0x20ac};
	static const uint32_t four[] = {0x1f40d};
	pl_addr s[4];

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	s[0] = heap_text(&h, latin, 1, 1);
	s[1] = heap_text(&h, two, 2, 2);
	s[2] = heap_text(&h, four, 1, 4);
	s[3] = heap_text(&h, latin, 1, 1);
	w64(&h, s[3] + (uint64_t)h.l.f.str_utf8, heap_put(&h, "\xc3\xa9", 3));
	w64(&h, s[3] + (uint64_t)h.l.f.str_utf8_length, 2);
	heap_open(&h);
	assert_int_equal(size_of(s[0]), 74);
	assert_int_equal(size_of(s[1]), 78);
	assert_int_equal(size_of(s[2]), 80);
	assert_int_equal(size_of(s[3]), 74 + 3);
	heap_close(&h);
}

static void dict_keys_count_where_they_are_alone(void **state)
{
	pl_addr keys, own, shared, split, values;

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	pl_addr pairs[][2] = {{heap_str(&h, "a"), heap_int(&h, 1)}};
	own = heap_dict(&h, (const pl_addr(*)[2])pairs, 1);
	keys = heap_keys(&h, 3, (const pl_addr(*)[2])pairs, 1, true);
	w64(&h, keys + (uint64_t)h.l.f.keys_refcnt, 2);
	shared = heap_dict_of(&h, keys, 0, 1);
	values = heap_put(&h, NULL, 64) + 32;
	split = heap_dict_of(&h, keys, values, 1);
	heap_open(&h);
	assert_int_equal(size_of(own), 64 + 32 + 8 + 5 * 24);
	assert_int_equal(size_of(shared), 64);
	assert_int_equal(size_of(split), 64 + 5 * 8);
	heap_close(&h);
}

/* A head is counted for static types only where CPython itself did: 3.11 and 3.12. */
static void static_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		uint64_t counted;

		heap_init(&h, every_layout[i]);
		counted = h.l.values_style == PL_VALUES_PREFIXED ? (uint64_t)h.l.f.gc_head_size : 0;
		heap_open(&h);
		if (h.l.str_style == PL_STR_27)
			assert_int_equal(size_of(h.int_type), h.l.f.heaptype_size);
		else
			assert_int_equal(size_of(h.int_type),
					 (uint64_t)h.l.f.type_struct_size + counted);
		heap_close(&h);
	}
}

static void heap_type_counts_shared_keys(void **state)
{
	pl_addr plain, keyed, wrong;

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	plain = heap_type(&h, "C", PL_TPFLAG_HEAPTYPE, 16, 0, h.object_type);
	keyed = heap_type(&h, "C", PL_TPFLAG_HEAPTYPE, 16, 0, h.object_type);
	w64(&h, keyed + (uint64_t)h.l.f.heaptype_cached_keys, heap_keys(&h, 6, NULL, 0, false));
	wrong = heap_type(&h, "C", PL_TPFLAG_HEAPTYPE, 16, 0, h.object_type);
	w64(&h, wrong + (uint64_t)h.l.f.heaptype_cached_keys, 0x7fffdeadb000);
	heap_open(&h);
	assert_int_equal(size_of(plain), 920 + 16);
	assert_int_equal(size_of(keyed), 920 + 16 + 32 + 64 + 42 * 16);
	assert_int_equal(size_of(wrong),
			 920 + 16); /* the generic rule, which has no records to count */
	heap_close(&h);
}

/* Lengths that no process could have come back as what the type alone says. */
static void absurd_lengths(void **state)
{
	static const uint64_t absurd[] = {UINT64_C(1) << 35, UINT64_C(1) << 62, UINT64_MAX,
					  UINT64_MAX / 8};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		for (size_t k = 0; k < PL_ARRAY_LEN(absurd); k++) {
			const struct pl_fields *f = &h.l.f;
			pl_addr tuple, list, str, bytes, set, n;
			uint64_t head;

			heap_init(&h, every_layout[i]);
			head = (uint64_t)f->gc_head_size;
			tuple = heap_tuple(&h, NULL, 0);
			w64(&h, tuple + (uint64_t)f->var_size, absurd[k]);
			list = heap_list(&h, NULL, 0);
			w64(&h, list + (uint64_t)f->list_allocated, absurd[k] >> 1);
			str = heap_str(&h, "");
			w64(&h,
			    str + (uint64_t)(pl_has(f->str_length) ? f->str_length : f->var_size),
			    absurd[k]);
			bytes = heap_bytes(&h, "", 0);
			w64(&h, bytes + (uint64_t)f->var_size, absurd[k]);
			set = heap_object(&h, h.set_type, (size_t)f->set_size);
			w64(&h, set + (uint64_t)f->set_mask, absurd[k]);
			n = heap_int(&h, 0);
			w64(&h, n + (uint64_t)(pl_has(f->long_tag) ? f->long_tag : f->var_size),
			    absurd[k] & INT64_MAX);
			heap_open(&h);
			assert_int_equal(size_of(tuple), (uint64_t)f->tuple_items + head);
			assert_int_equal(size_of(list), 40 + head);
			assert_int_equal(size_of(bytes), (uint64_t)f->bytes_data + 1);
			assert_int_equal(size_of(set), (uint64_t)f->set_size + head);
			assert_in_range(size_of(str), 1, 100);
			assert_in_range(size_of(n), 1, 100);
			heap_close(&h);
		}
	}
}

/* A class may bear the name of a type that it is not: it has none of that type's fields. */
static void false_names(void **state)
{
	static const char *const names[] = {
		"collections.deque",
		"collections.OrderedDict",
		"array.array",
		"_struct.Struct",
		"_io.BytesIO",
		"_io.BufferedReader",
		"_pickle.Pickler",
		"_pickle.Unpickler",
		"decimal.Decimal",
		"itertools.product",
		"itertools.permutations",
		"xml.etree.ElementTree.Element",
		"parser.st",
		"_ctypes.CType_Type",
		"_queue.SimpleQueue",
		"list",
		"dict",
		"str",
		"set",
		"code",
		"frame",
		"generator",
		"bytearray",
		"StgDict",
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr at[PL_ARRAY_LEN(names)];

		heap_init(&h, every_layout[i]);
		for (size_t k = 0; k < PL_ARRAY_LEN(names); k++)
			at[k] = heap_object(&h,
					    heap_type(&h, names[k], 0, (uint64_t)h.l.f.object_size,
						      0, h.object_type),
					    16);
		heap_open(&h);
		for (size_t k = 0; k < PL_ARRAY_LEN(names); k++)
			assert_int_equal(size_of(at[k]), h.l.f.object_size);
		heap_close(&h);
	}
}

/* A parse tree that is its own child ends somewhere; what it is is then left to the generic rule.
 */
static void endless_parse_tree(void **state)
{
	const struct pl_fields *f = &h.l.f;
	pl_addr st, node;

	(void)state;
	heap_init(&h, "3.8.18-pyenv");
	node = heap_put(&h, NULL, (size_t)f->node_size);
	w32(&h, node + (uint64_t)f->node_nchildren, 1);
	w64(&h, node + (uint64_t)f->node_child, node);
	st = heap_object(&h, heap_builtin(&h, "parser.st", 0, 40, 0), 40);
	w64(&h, st + (uint64_t)f->st_node, node);
	heap_open(&h);
	assert_int_equal(size_of(st), 40);
	heap_close(&h);
}

static void fixed_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr plain, var;
		int32_t a, b, c;

		heap_init(&h, every_layout[i]);
		plain = heap_type(&h, "app.Plain", PL_TPFLAG_HEAPTYPE | PL_TPFLAG_GC, 32, 0,
				  h.object_type);
		var = heap_builtin(&h, "app.Var", 0, 32, 8);
		heap_open(&h);
		a = pl_types_find(h.types, &h.o.view, plain);
		b = pl_types_find(h.types, &h.o.view, var);
		c = pl_types_find(h.types, &h.o.view, h.dict_type);
		assert_true(a >= 0 && b >= 0 && c >= 0);
		assert_int_equal(pl_types_at(h.types, (uint32_t)a)->fixed_size,
				 32 + h.l.f.gc_head_size);
		assert_int_equal(pl_types_at(h.types, (uint32_t)b)->fixed_size, 0);
		assert_int_equal(pl_types_at(h.types, (uint32_t)c)->fixed_size, 0);
		heap_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_types),
		cmocka_unit_test(zero_has_a_digit),
		cmocka_unit_test(wide_text),
		cmocka_unit_test(dict_keys_count_where_they_are_alone),
		cmocka_unit_test(static_types),
		cmocka_unit_test(heap_type_counts_shared_keys),
		cmocka_unit_test(absurd_lengths),
		cmocka_unit_test(false_names),
		cmocka_unit_test(endless_parse_tree),
		cmocka_unit_test(fixed_sizes),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
