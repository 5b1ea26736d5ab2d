/*
 * Reprs: floats to the shortest digits, limits, cycles, and objects made to trap the reader. What
 * real interpreters print is compared in tests/e2e/test_repr.py.
 */
#include "test_object_heap.h"

#include <float.h>
#include <math.h>
#include <sys/mman.h>

#include "object/repr/job.h"
#include "object/repr/repr.h"

static struct heap h;
static char text[1024];

static const char *repr_with(pl_addr addr, struct pl_repr_limits limits)
{
	memset(text, '#', sizeof(text));
	pl_repr(&h.objects, &h.o.view, addr, &limits, text, sizeof(text));
	assert_non_null(memchr(text, 0, sizeof(text)));
	return text;
}

static const char *repr(pl_addr addr)
{
	return repr_with(addr, (struct pl_repr_limits){0});
}

static const char *float_repr(double d)
{
	static char buf[PL_REPR_DOUBLE];

	pl_repr_double(buf, d, true);
	return buf;
}

/* As python3 -c 'print(repr(x))' has them. */
static void floats(void **state)
{
	static const struct {
		double d;
		const char *want;
	} rows[] = {
		{0.0, "0.0"},
		{-0.0, "-0.0"},
		{1.0, "1.0"},
		{-1.5, "-1.5"},
		{0.1, "0.1"},
		{100.0, "100.0"},
		{1e15, "1000000000000000.0"},
		{1e16, "1e+16"},
		{1.5e16, "1.5e+16"},
		{123456789012345678.0, "1.2345678901234568e+17"},
		{1e-4, "0.0001"},
		{1e-5, "1e-05"},
		{1e22, "1e+22"},
		{1e100, "1e+100"},
		{5e-324, "5e-324"},
		{1e-310, "1e-310"},
		{2.2250738585072014e-308, "2.2250738585072014e-308"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{9007199254740993.0, "9007199254740992.0"},
		{1.0 / 3, "0.3333333333333333"},
		{0x1p-44, "5.684341886080802e-14"},
		{0x1p-1074, "5e-324"},
		{0x1p1023, "8.98846567431158e+307"},
		{9.5367431640625e-07, "9.5367431640625e-07"},
		{0x1p-24, "5.960464477539063e-08"},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++)
		assert_string_equal(float_repr(rows[i].d), rows[i].want);
	assert_string_equal(float_repr((double)INFINITY), "inf");
	assert_string_equal(float_repr(-(double)INFINITY), "-inf");
	assert_string_equal(float_repr((double)NAN), "nan");
}

/* Digits of a repr: those that count, without zeros at either end. */
static int digits_in(const char *s)
{
	int n = 0, zeros = 0;

	for (; *s && *s != 'e'; s++) {
		if (*s < '0' || *s > '9' || (!n && *s == '0'))
			continue;
		zeros = *s == '0' ? zeros + 1 : 0;
		n++;
	}
	return n - zeros;
}

/* Every double reads back as itself, and no rounding to fewer digits does. */
static void floats_are_exact_and_shortest(void **state)
{
	uint64_t bits = 88172645463325252;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char shorter[40];
		const char *s;
		double d;
		int n;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&d, &bits, sizeof(d));
		if (i % 4 == 1)
			d = ldexp(1, (int)(bits % 2098) - 1074); /* powers of two */
		else if (i % 4 == 2)
			d = (double)(bits % 1000000) / 1000;
		if (isnan(d) || isinf(d))
			continue;
		s = float_repr(d);
		assert_true(strtod(s, NULL) == d);
		n = digits_in(s);
		snprintf(shorter, sizeof(shorter), "%.*e", n > 1 ? n - 2 : 0, d);
		if (n > 1)
			assert_true(strtod(shorter, NULL) != d);
	}
}

static void simple_values(void **state)
{
	static const uint32_t big[] = {0x3fffffff, 0x3fffffff, 0x3fffffff}, huge[40] = {[39] = 1};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr at[6];
		bool old;

		heap_init(&h, every_layout[i]);
		old = h.l.str_style == PL_STR_27;
		at[0] = heap_int(&h, -1234567890123);
		at[1] = heap_digits(&h, big, 3, false);
		at[2] = heap_digits(&h, huge, 40, true);
		at[3] = heap_str(&h, "it's \\ \x1b[31m\n");
		at[4] = h.none;
		at[5] = heap_int(&h, 0);
		heap_open(&h);
		assert_string_equal(repr(at[0]), old ? "-1234567890123L" : "-1234567890123");
		assert_string_equal(repr(at[1]), old ? "1237940039285380274899124223L"
						     : "1237940039285380274899124223");
		assert_string_equal(repr(at[2]), "<int of 1,171 bits>");
		assert_string_equal(repr(at[3]), "\"it's \\\\ \\x1b[31m\\n\"");
		assert_string_equal(repr(at[4]), "None");
		assert_string_equal(repr(at[5]), old ? "0L" : "0");
		assert_string_equal(repr(0), "<NULL>");
		assert_string_equal(repr(0x7fffdeadbee0), "<unreadable at 0x7fffdeadbee0>");
		heap_close(&h);
	}
}

/* Whatever a terminal could act upon is escaped as Python would. */
static void unsafe_characters(void **state)
{
	static const uint16_t two[] = {0x202e, 0x200b, 0x85,   0xa0, 0x3000,
				       0xd800, 0xfeff, 0x2028, 'x',  0xe9};
	static const uint32_t four[] = {0xe0001, 0x10ffff, 0x110000, 0x1f40d};
	pl_addr a, b, c;

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	a = heap_text(&h, two, PL_ARRAY_LEN(two), 2);
	b = heap_text(&h, four, PL_ARRAY_LEN(four), 4);
	c = heap_bytes(&h, "\x80\x9b\xff'", 4);
	heap_open(&h);
	assert_string_equal(repr(a),
			    "'\\u202e\\u200b\\x85\\xa0\\u3000\\ud800\\ufeff\\u2028x\xc3\xa9'");
	assert_string_equal(repr(b), "'\\U000e0001\\U0010ffff\\U00110000\xf0\x9f\x90\x8d'");
	assert_string_equal(repr(c), "b\"\\x80\\x9b\\xff'\"");
	heap_close(&h);
}

static void containers_are_cut(void **state)
{
	pl_addr one, items[10], list, outer[2], deep, tuple, dict, empty;
	struct pl_repr_limits lim = {.items = 2, .depth = 1};

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	one = heap_int(&h, 1);
	for (int i = 0; i < 10; i++)
		items[i] = one;
	list = heap_list(&h, items, 10);
	empty = heap_list(&h, items, 0);
	outer[0] = list;
	outer[1] = empty;
	deep = heap_list(&h, outer, 2);
	tuple = heap_tuple(&h, &deep, 1);
	pl_addr pairs[][2] = {{one, list}, {list, one}, {one, one}};
	dict = heap_dict(&h, (const pl_addr(*)[2])pairs, 3);
	heap_open(&h);
	assert_string_equal(repr(list), "[1, 1, 1, 1, 1, 1, ...]");
	assert_string_equal(repr(tuple), "([[...], []],)");
	assert_string_equal(repr_with(list, lim), "[1, 1, ...]");
	assert_string_equal(repr_with(deep, lim), "[[...], []]");
	assert_string_equal(repr_with(dict, lim), "{1: [...], [...]: 1, ...}");
	heap_close(&h);
}

static void cycles_end(void **state)
{
	struct pl_repr_limits deep = {.depth = 100, .total = 1000};
	pl_addr list, tuple, dict, chain;

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	pl_addr item[1] = {0}, pairs[][2] = {{h.none, 0}};
	list = heap_list(&h, item, 1);
	w64(&h, pl_ld64(heap_at(&h, list + (uint64_t)h.l.f.list_items)), list);
	tuple = heap_tuple(&h, item, 1);
	w64(&h, tuple + (uint64_t)h.l.f.tuple_items, tuple);
	dict = heap_dict(&h, (const pl_addr(*)[2])pairs, 1);
	pairs[0][1] = dict;
	w64(&h, dict + (uint64_t)h.l.f.dict_keys,
	    heap_keys(&h, 3, (const pl_addr(*)[2])pairs, 1, true));
	chain = h.none;
	for (int i = 0; i < 1000; i++)
		chain = heap_list(&h, &chain, 1);
	heap_open(&h);
	assert_string_equal(repr_with(list, deep), "[[...]]");
	assert_string_equal(repr_with(tuple, deep), "((...),)");
	assert_string_equal(repr_with(dict, deep), "{None: {...}}");
	assert_string_equal(repr_with(chain, deep), "[[[[[[[[[[[[[[[[[...]]]]]]]]]]]]]]]]]");
	heap_close(&h);
}

static pl_addr named_object(const char *type, size_t n)
{
	return heap_object(&h, heap_type(&h, type, 0, n, 0, h.object_type), n);
}

/* Objects that hold themselves where no container is: no depth stops these. */
static void self_reference_outside_containers(void **state)
{
	const struct pl_fields *f = &h.l.f;
	pl_addr factory, element, proxy, method, date, partial, cell;

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	factory = heap_object(
		&h, heap_type(&h, "collections.defaultdict", PL_TPFLAG_DICT, 56, 0, h.dict_type),
		56);
	w64(&h, factory + (uint64_t)f->dict_keys, heap_keys(&h, 3, NULL, 0, true));
	w64(&h, factory + (uint64_t)f->defdict_factory, factory);
	element = named_object("xml.etree.ElementTree.Element", 56);
	w64(&h, element + (uint64_t)f->element_tag, element);
	proxy = named_object("mappingproxy", 24);
	w64(&h, proxy + (uint64_t)f->mappingproxy_mapping, proxy);
	method = named_object("method", 48);
	w64(&h, method + (uint64_t)f->method_func, named_object("function", 160));
	w64(&h, method + (uint64_t)f->method_self, method);
	date = named_object("datetime.datetime", 48);
	w8(&h, date + (uint64_t)f->datetime_hastzinfo, 1);
	w64(&h, date + (uint64_t)f->datetime_tzinfo, date);
	partial = named_object("functools.partial", 72);
	w64(&h, partial + (uint64_t)f->partial_fn, partial);
	w64(&h, partial + (uint64_t)f->partial_args, heap_tuple(&h, NULL, 0));
	cell = named_object("cell", 24);
	w64(&h, cell + (uint64_t)f->cell_ref, cell);
	heap_open(&h);
	assert_non_null(strstr(repr(factory), "..."));
	assert_non_null(strstr(repr(element), "..."));
	assert_string_equal(repr(proxy), "mappingproxy(mappingproxy(...))");
	assert_string_equal(repr(method), "<bound method  of <bound method >>");
	assert_non_null(strstr(repr(date), "..."));
	assert_string_equal(repr(partial), "functools.partial(functools.partial(...))");
	assert_non_null(strstr(repr(cell), "cell object at 0x"));
	heap_close(&h);
}

/* A class of any of these names that is not that type prints as the object it is. */
static void false_names(void **state)
{
	static const char *const names[] = {
		"collections.deque",
		"collections.defaultdict",
		"array.array",
		"decimal.Decimal",
		"datetime.date",
		"datetime.datetime",
		"datetime.time",
		"datetime.timedelta",
		"functools.partial",
		"mappingproxy",
		"method",
		"function",
		"builtin_function_or_method",
		"code",
		"frame",
		"generator",
		"cell",
		"weakref.ReferenceType",
		"slice",
		"module",
		"BaseException",
		"list",
		"tuple",
		"dict",
		"set",
		"str",
		"bytearray",
		"int",
		"xml.etree.ElementTree.Element",
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr at[PL_ARRAY_LEN(names)];

		heap_init(&h, every_layout[i]);
		for (size_t k = 0; k < PL_ARRAY_LEN(names); k++)
			at[k] = named_object(names[k], (size_t)h.l.f.object_size);
		heap_open(&h);
		for (size_t k = 0; k < PL_ARRAY_LEN(names); k++) {
			char want[128];

			snprintf(want, sizeof(want), "<%s at 0x%llx>", names[k],
				 (unsigned long long)at[k]);
			assert_string_equal(repr(at[k]), want);
		}
		heap_close(&h);
	}
}

/* Any room, however small: terminated, inside the buffer, valid UTF-8, cut with dots. */
static void small_buffers(void **state)
{
	static const uint16_t euros[] = {0x20ac, 0x20ac, 0x20ac, 0x20ac, 0x20ac, 0x20ac};
	static const char full[] =
		"'\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac'";
	pl_addr s;

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	s = heap_text(&h, euros, 6, 2);
	heap_open(&h);
	for (size_t cap = 0; cap < 40; cap++) {
		char *buf = pl_malloc(cap + 1); /* exact room: the sanitizer watches its end */
		size_t n;

		buf[cap] = '#';
		pl_repr(&h.objects, &h.o.view, s, NULL, buf, cap);
		assert_int_equal(buf[cap], '#');
		if (cap) {
			n = strlen(buf);
			assert_in_range(n, cap > 1, cap - 1);
			if (n >= sizeof(full) - 1) {
				assert_string_equal(buf, full);
			} else {
				size_t kept = n > 3 ? n - 3 : 0;

				assert_memory_equal(buf, full, kept);
				assert_string_equal(buf + kept, &"..."[n < 3 ? 3 - n : 0]);
				assert_true(!kept || (kept - 1) % 3 == 0);
			}
		}
		free(buf);
	}
	heap_close(&h);
}

/* The bytes of the core from HEAP_BASE on, made writable: the mapping is private. */
static uint8_t *writable(void)
{
	const struct pl_span *s = pl_image_span(h.o.im, HEAP_BASE);
	uintptr_t from = (uintptr_t)s->host & ~(uintptr_t)4095;
	uintptr_t to = (uintptr_t)s->host + HEAP_SIZE;

	assert_int_equal(mprotect((void *)from, to - from, PROT_READ | PROT_WRITE), 0);
	return (uint8_t *)(uintptr_t)s->host;
}

/* Every byte of the objects is changed, one at a time: something is said each time, nothing breaks.
 */
static void any_wrong_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		uint8_t *host;
		size_t from;
		pl_addr top;

		heap_init(&h, every_layout[i]);
		from = h.used;
		pl_addr inner[] = {heap_str(&h, "text"), heap_int(&h, 1 << 30), h.none};
		pl_addr pairs[][2] = {{heap_str(&h, "key"), heap_list(&h, inner, 3)},
				      {heap_int(&h, 2), heap_tuple(&h, inner, 3)}};
		top = heap_dict(&h, (const pl_addr(*)[2])pairs, 2);
		heap_open(&h);
		host = writable();
		for (size_t at = from; at < h.used; at++) {
			static const uint8_t wrong[] = {0xff, 0x7f, 0x80, 0x01};
			uint8_t was = host[at];

			for (size_t k = 0; k < sizeof(wrong); k++) {
				host[at] = wrong[k];
				assert_true(strlen(repr(top)) > 0);
			}
			host[at] = was;
		}
		heap_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floats),
		cmocka_unit_test(floats_are_exact_and_shortest),
		cmocka_unit_test(simple_values),
		cmocka_unit_test(unsafe_characters),
		cmocka_unit_test(containers_are_cut),
		cmocka_unit_test(cycles_end),
		cmocka_unit_test(self_reference_outside_containers),
		cmocka_unit_test(false_names),
		cmocka_unit_test(small_buffers),
		cmocka_unit_test(any_wrong_byte),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
