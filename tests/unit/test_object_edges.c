/*
 * test_object_edges.c - references out of objects written byte by byte: what a decoder says, how it
 * is spelled, and that no decoder breaks on bytes that mean nothing.
 */
#include <sys/mman.h>

#include "test_object_heap.h"

#include "base/ctx.h"
#include "object/edges/edges.h"
#include "object/types/types.h"
#include "object_ids.h"

#define MAX_EDGES 4096

static struct heap h;
static struct pl_ctx ctx;
static struct pl_heap *no_heap;

/* heap_open() with an object table of the n objects, ascending. */
static void open_ids(const pl_addr *objects, size_t n)
{
	struct pl_err err;

	heap_open(&h);
	object_ids_init(&h.objects, objects, n);
	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_heap_new(h.o.im, &h.l, &ctx, &no_heap, &err), 0);
	h.objects.heap = no_heap;
}

static void close_all(void)
{
	pl_heap_free(no_heap);
	pl_ctx_fini(&ctx);
	object_ids_fini(&h.objects);
	heap_close(&h);
}

/* ---- what pl_edges() gives ---- */

static struct pl_edge seen[MAX_EDGES];
static size_t n_seen;

static void keep(void *arg, const struct pl_edge *e)
{
	(void)arg;
	assert_int_not_equal(e->target, 0);
	if (n_seen < MAX_EDGES)
		seen[n_seen] = *e;
	n_seen++;
}

static void compare(void *arg, const struct pl_edge *e)
{
	size_t *i = arg;

	assert_true(*i < n_seen);
	if (*i < MAX_EDGES) {
		assert_int_equal(e->target, seen[*i].target);
		assert_int_equal(e->arg, seen[*i].arg);
		assert_int_equal(e->label, seen[*i].label);
	}
	++*i;
}

/* By address into seen; by id, where the object is listed, it must be the same. */
static bool edges_of(pl_addr addr)
{
	pl_id id = pl_objects_id(&h.objects, addr);
	size_t i = 0;
	bool ok;

	n_seen = 0;
	ok = pl_edges(&h.objects, &h.o.view, addr, keep, NULL);
	if (id != PL_NO_ID && h.objects.type[id] != UINT32_MAX) {
		assert_int_equal(pl_edges_of(&h.objects, &h.o.view, id, compare, &i), ok);
		assert_int_equal(i, n_seen);
	}
	return ok;
}

static const char *label(size_t i, bool path)
{
	static char text[256];

	pl_label(&h.objects, &h.o.view, &seen[i], path, text, sizeof(text));
	return text;
}

static void assert_edge(size_t i, pl_addr target, const char *text, enum pl_edge_kind kind,
			bool traversed)
{
	assert_true(i < n_seen);
	assert_int_equal(seen[i].target, target);
	assert_string_equal(label(i, false), text);
	assert_int_equal(seen[i].kind, kind);
	assert_int_equal(seen[i].traversed, traversed);
}

/* ---- tests ---- */

static void items_are_counted_from_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr items[3], list, tuple;

		heap_init(&h, every_layout[i]);
		items[0] = heap_int(&h, 1);
		items[1] = 0; /* a NULL of a tuple that is being filled */
		items[2] = heap_str(&h, "text");
		list = heap_list(&h, items, 3);
		tuple = heap_tuple(&h, items, 3);
		open_ids(&list, 1);
		for (int k = 0; k < 2; k++) {
			assert_true(edges_of(k ? tuple : list));
			assert_int_equal(n_seen, 2);
			assert_edge(0, items[0], "[0]", PL_EDGE_STRONG, true);
			assert_edge(1, items[2], "[2]", PL_EDGE_STRONG, true);
		}
		close_all();
	}
}

static void assert_dict(pl_addr dict, pl_addr key, pl_addr value, bool keys_traversed)
{
	assert_true(edges_of(dict));
	assert_int_equal(n_seen, 2);
	assert_edge(0, key, "<key \"it's\">", PL_EDGE_STRONG, keys_traversed);
	assert_edge(1, value, "[\"it's\"]", PL_EDGE_STRONG, true);
}

/*
 * dict_traverse() leaves out keys that are all strings: from 3.11 on by the kind of the table, from
 * 3.6 on by what is in it, in 2.7 never.
 */
static void keys_of_a_text_table_are_not_traversed(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_addr general, text = 0;

		heap_init(&h, every_layout[i]);
		pl_addr pairs[][2] = {{heap_str(&h, "it's"), heap_int(&h, 1)}};
		general = heap_dict(&h, (const pl_addr(*)[2])pairs, 1);
		if (h.l.dict_style == PL_DICT_KEYS311)
			text = heap_dict_of(
				&h, heap_keys(&h, 3, (const pl_addr(*)[2])pairs, 1, false), 0, 1);
		open_ids(NULL, 0);
		assert_dict(general, pairs[0][0], pairs[0][1], h.l.dict_style != PL_DICT_KEYS36);
		if (text)
			assert_dict(text, pairs[0][0], pairs[0][1], false);
		close_all();
	}
}

static void interned_strings_are_not_owned(void **state)
{
	pl_addr dict;

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	pl_addr str = heap_str(&h, "interned");
	pl_addr pairs[][2] = {{str, str}};
	dict = heap_dict(&h, (const pl_addr(*)[2])pairs, 1);
	open_ids(&dict, 1);
	h.objects.interned = &dict;
	h.objects.n_interned = 1;
	assert_true(edges_of(dict));
	assert_int_equal(n_seen, 2);
	assert_int_equal(seen[0].kind, PL_EDGE_BORROWED);
	assert_int_equal(seen[1].kind, PL_EDGE_BORROWED);
	close_all();
}

static void slots_bear_their_names(void **state)
{
	const struct pl_fields *f = &h.l.f;
	pl_addr cls, member, value, instance;

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	value = heap_str(&h, "value");
	/* The metatype's instances end where the PyMemberDef records begin. */
	w64(&h, h.l.type_type + (uint64_t)f->type_basicsize, (uint64_t)f->heaptype_size);
	cls = heap_type(&h, "Slotted", PL_TPFLAG_HEAPTYPE | PL_TPFLAG_GC, 24, 0, h.object_type);
	member = cls + (uint64_t)f->heaptype_size;
	h.used += 2 * (size_t)f->member_size;
	w64(&h, cls + (uint64_t)f->type_dealloc, 0x1234);
	w64(&h, cls + (uint64_t)f->heaptype_qualname, heap_str(&h, "Slotted"));
	w64(&h, cls + (uint64_t)f->var_size, 2);
	w64(&h, member + (uint64_t)f->member_name, heap_put(&h, "left", 5));
	w32(&h, member + (uint64_t)f->member_type, 16);
	w64(&h, member + (uint64_t)f->member_offset, 16);
	/* Its offset lies outside the instance. */
	w64(&h, member + (uint64_t)f->member_size + (uint64_t)f->member_name,
	    heap_put(&h, "out", 4));
	w32(&h, member + (uint64_t)f->member_size + (uint64_t)f->member_type, 16);
	w64(&h, member + (uint64_t)f->member_size + (uint64_t)f->member_offset, UINT64_C(1) << 40);
	instance = heap_object(&h, cls, 24);
	w64(&h, instance + 16, value);
	open_ids(&instance, 1);
	pl_types_mark_python(h.types);
	assert_true(edges_of(instance));
	assert_int_equal(n_seen, 2);
	assert_edge(0, cls, ".__class__", PL_EDGE_STRONG, true);
	assert_edge(1, value, ".left", PL_EDGE_STRONG, true);
	close_all();
}

static void a_class_names_what_it_holds(void **state)
{
	const struct pl_fields *f = &h.l.f;
	pl_addr cls, bases, mro, name;

	(void)state;
	heap_init(&h, "3.12.1-pyenv");
	w64(&h, h.l.type_type + (uint64_t)f->type_basicsize, (uint64_t)f->heaptype_size);
	w64(&h, h.l.type_type + (uint64_t)f->type_flags, PL_TPFLAG_TYPE | PL_TPFLAG_GC);
	bases = heap_tuple(&h, &h.object_type, 1);
	mro = heap_tuple(&h, &h.object_type, 1);
	name = heap_str(&h, "Made");
	cls = heap_type(&h, "Made", PL_TPFLAG_HEAPTYPE | PL_TPFLAG_GC, 24, 0, h.object_type);
	w64(&h, cls + (uint64_t)f->type_bases, bases);
	w64(&h, cls + (uint64_t)f->type_mro, mro);
	w64(&h, cls + (uint64_t)f->heaptype_name, name);
	w64(&h, cls + (uint64_t)f->heaptype_cached_keys, HEAP_BASE - 8); /* unreadable */
	open_ids(&cls, 1);
	assert_true(edges_of(cls));
	assert_int_equal(n_seen, 4);
	assert_edge(0, mro, ".__mro__", PL_EDGE_STRONG, true);
	assert_edge(1, bases, ".__bases__", PL_EDGE_STRONG, true);
	assert_edge(2, h.object_type, ".__base__", PL_EDGE_STRONG, true);
	assert_edge(3, name, ".__name__", PL_EDGE_STRONG, false);
	/* A static type is no gc object, and what its initialiser names is not counted. */
	assert_true(edges_of(h.list_type));
	assert_edge(0, h.object_type, ".__base__", PL_EDGE_BORROWED, false);
	close_all();
}

static void hidden_fields_of_a_struct_sequence_bear_their_names(void **state)
{
	const struct pl_fields *f = &h.l.f;
	pl_addr type, members, items[2], moment;
	uint64_t first;

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	first = (uint64_t)f->tuple_items;
	type = heap_type(&h, "time.struct_time", PL_TPFLAG_TUPLE | PL_TPFLAG_GC, first, 8,
			 h.tuple_type);
	members = heap_put(&h, NULL, 3 * (size_t)f->member_size);
	w64(&h, type + (uint64_t)f->type_members, members);
	w64(&h, type + (uint64_t)f->type_traverse, 0x1234); /* not tuple's */
	for (unsigned i = 0; i < 2; i++) {
		pl_addr member = members + i * (uint64_t)f->member_size;

		w64(&h, member + (uint64_t)f->member_name, heap_put(&h, i ? "zone" : "year", 5));
		w64(&h, member + (uint64_t)f->member_offset, first + 8 * i);
		items[i] = heap_str(&h, i ? "UTC" : "1970");
	}
	moment = heap_object(&h, type, first + 16);
	w64(&h, moment + (uint64_t)f->var_size, 1);
	w64(&h, moment + first, items[0]);
	w64(&h, moment + first + 8, items[1]);
	open_ids(&moment, 1);
	assert_true(edges_of(moment));
	assert_int_equal(n_seen, 2);
	assert_edge(0, items[0], "[0]", PL_EDGE_STRONG, true);
	assert_edge(1, items[1], ".zone", PL_EDGE_STRONG, true);
	close_all();
}

/* Lists without number may claim the same items; who goes over all of them stops somewhere. */
static void references_of_all_objects_are_bounded(void **state)
{
	pl_addr items[8], lists[3];
	struct pl_edges_left left = {.n = 20};
	size_t total = 0;

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	for (size_t i = 0; i < PL_ARRAY_LEN(items); i++)
		items[i] = h.list_type;
	for (size_t i = 0; i < PL_ARRAY_LEN(lists); i++)
		lists[i] = heap_list(&h, items, PL_ARRAY_LEN(items));
	open_ids(lists, PL_ARRAY_LEN(lists));
	for (size_t i = 0; i < PL_ARRAY_LEN(lists); i++) {
		n_seen = 0;
		assert_true(pl_edges_within(&h.objects, &h.o.view, (pl_id)i, &left, keep, NULL));
		total += n_seen;
	}
	assert_int_equal(total, 20);
	assert_int_equal(left.n, 0);
	n_seen = 0;
	assert_false(pl_edges_within(&h.objects, &h.o.view, 0, &left, keep, NULL));
	assert_int_equal(n_seen, 0);
	assert_true(pl_edges_most(&h.objects) >= pl_image_info(h.objects.im)->file_size / 8);
	close_all();
}

static void labels_that_cannot_be_read(void **state)
{
	static const struct {
		enum pl_label_kind kind;
		uint64_t arg;
		const char *table, *path;
	} cases[] = {
		{PL_L_ATTR, HEAP_BASE - 16, ".?", ".?"},
		{PL_L_MEMBER, 1, ".?", ".?"},
		{PL_L_LOCAL, 1, "local ?", ".f_locals['?']"},
		{PL_L_ITEM, 8, "[<unreadable at 0x8>]", "[<unreadable at 0x8>]"},
		{PL_L_INDEX, UINT64_MAX, "[18446744073709551615]", "[18446744073709551615]"},
		{PL_L_DICT, 0, ".__dict__", ".__dict__"},
		{PL_L_ELEMENT, 0, "<set element>", "<set element>"},
		{PL_L_NATIVE, 24, "<native +0x18>", "<native +0x18>"},
		{PL_L_CLOSURE, PL_CLOSURE(7, UINT64_C(1) << 50), "closure ?",
		 ".__closure__[7].cell_contents"},
	};

	(void)state;
	heap_init(&h, "3.11.7-pyenv");
	open_ids(NULL, 0);
	for (size_t i = 0; i < PL_ARRAY_LEN(cases); i++) {
		seen[0] = (struct pl_edge){8, cases[i].arg, PL_EDGE_STRONG, (uint8_t)cases[i].kind,
					   true};
		assert_string_equal(label(0, false), cases[i].table);
		assert_string_equal(label(0, true), cases[i].path);
	}
	close_all();
}

/* ---- any decoder, any bytes ---- */

static const char *const decoder_types[] = {
#define PL_DECODER(name, types) types,
#include "object/decoders.def"
#undef PL_DECODER
};

enum { OBJECT_BYTES = 1024, ROUNDS = 40 };

static uint8_t *writable(void)
{
	const struct pl_span *s = pl_image_span(h.o.im, HEAP_BASE);
	uintptr_t from = (uintptr_t)s->host & ~(uintptr_t)4095;
	uintptr_t to = (uintptr_t)s->host + HEAP_SIZE;

	assert_int_equal(mprotect((void *)from, to - from, PROT_READ | PROT_WRITE), 0);
	return (uint8_t *)(uintptr_t)s->host;
}

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static uint64_t any_word(void)
{
	switch (next_random() % 8) {
	case 0:
		return 0;
	case 1:
		return next_random() % 64;
	case 2:
		return UINT64_MAX - next_random() % 64;
	case 3:
		return next_random();
	case 4:
		return HEAP_BASE + next_random() % HEAP_SIZE;
	case 5:
		return h.str_type;
	default:
		return HEAP_BASE + next_random() % HEAP_SIZE / 16 * 16;
	}
}

/* Static types with the names of the rows, one object of each, filled with anything. */
static void no_decoder_breaks(void **state)
{
	pl_addr objects[PL_ARRAY_LEN(decoder_types)];

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		uint8_t *host;

		heap_init(&h, every_layout[i]);
		for (size_t k = 0; k < PL_ARRAY_LEN(decoder_types); k++) {
			char name[128];
			pl_addr type;

			snprintf(name, sizeof(name), "%.*s", (int)strcspn(decoder_types[k], "|"),
				 *decoder_types[k] ? decoder_types[k] : "some.Unknown");
			type = heap_type(&h, name, PL_TPFLAG_GC, 512, 8, h.object_type);
			objects[k] = heap_object(&h, type, OBJECT_BYTES);
		}
		open_ids(objects, 1);
		host = writable();
		for (size_t k = 0; k < ROUNDS * PL_ARRAY_LEN(objects); k++) {
			pl_addr object = objects[k % PL_ARRAY_LEN(objects)];

			for (uint64_t at = (uint64_t)h.l.f.object_size; at < OBJECT_BYTES;
			     at += 8) {
				uint64_t word = any_word();

				memcpy(host + (object - HEAP_BASE) + at, &word, sizeof(word));
			}
			assert_true(edges_of(object));
			for (size_t e = 0; e < PL_MIN(n_seen, 8u); e++)
				assert_true(strlen(label(e, k & 1)) > 0);
		}
		close_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_counted_from_zero),
		cmocka_unit_test(keys_of_a_text_table_are_not_traversed),
		cmocka_unit_test(interned_strings_are_not_owned),
		cmocka_unit_test(slots_bear_their_names),
		cmocka_unit_test(a_class_names_what_it_holds),
		cmocka_unit_test(hidden_fields_of_a_struct_sequence_bear_their_names),
		cmocka_unit_test(references_of_all_objects_are_bounded),
		cmocka_unit_test(labels_that_cannot_be_read),
		cmocka_unit_test(no_decoder_breaks),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
