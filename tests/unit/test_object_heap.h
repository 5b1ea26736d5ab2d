/*
 * test_object_heap.h - Python objects for the unit tests of the object room, written byte by byte
 * into a core, in the layout of any table.
 *
 * heap_init(), then make objects and poke at them, then heap_open(): from there on the memory is
 * what a reader sees.
 */
#ifndef TEST_OBJECT_HEAP_H
#define TEST_OBJECT_HEAP_H

#include "test_image_build.h"

#include "layout/internal.h"
#include "object/types/names.h"
#include "object/objects.h"
#include "object/value/value.h"
#include "object/repr/repr.h"

#define HEAP_BASE UINT64_C(0x10000000)
#define HEAP_SIZE (1u << 20)
#define TPFLAG_MANAGED_DICT (1u << 4)

struct heap {
	struct pl_layout l;
	struct opened o;
	struct build b;
	uint8_t *mem;
	size_t used;
	struct pl_names names; /* none are recovered */
	struct pl_types *types;
	struct pl_objects objects; /* only what pl_repr() looks at */
	pl_addr object_type, int_type, bool_type, float_type, str_type, bytes_type, list_type;
	pl_addr tuple_type, dict_type, set_type, none_type, none;
};

static inline uint8_t *heap_at(struct heap *h, pl_addr addr)
{
	assert_in_range(addr, HEAP_BASE, HEAP_BASE + HEAP_SIZE - 1);
	return h->mem + (addr - HEAP_BASE);
}

static inline void w64(struct heap *h, pl_addr addr, uint64_t value)
{
	memcpy(heap_at(h, addr), &value, 8);
}

static inline void w32(struct heap *h, pl_addr addr, uint32_t value)
{
	memcpy(heap_at(h, addr), &value, 4);
}

static inline void w8(struct heap *h, pl_addr addr, uint8_t value)
{
	*heap_at(h, addr) = value;
}

static inline pl_addr heap_put(struct heap *h, const void *data, size_t n)
{
	pl_addr addr = HEAP_BASE + h->used;

	h->used += (n + 31) & ~(size_t)15;
	assert_in_range(h->used, 0, HEAP_SIZE);
	if (data && n)
		memcpy(heap_at(h, addr), data, n);
	return addr;
}

/* n zeroed bytes of that type, with a reference count of 1. */
static inline pl_addr heap_object(struct heap *h, pl_addr type, size_t n)
{
	pl_addr addr = heap_put(h, NULL, n);

	w64(h, addr + (uint64_t)h->l.f.object_refcnt, 1);
	w64(h, addr + (uint64_t)h->l.f.object_type, type);
	return addr;
}

/* A static type (a heap type when flags say so), derived from base. */
static inline pl_addr heap_type(struct heap *h, const char *name, uint64_t flags,
				uint64_t basicsize, uint64_t itemsize, pl_addr base)
{
	const struct pl_fields *f = &h->l.f;
	pl_addr t = heap_object(h, h->l.type_type, (size_t)f->heaptype_size);

	w64(h, t + (uint64_t)f->type_name, heap_put(h, name, strlen(name) + 1));
	w64(h, t + (uint64_t)f->type_flags, flags);
	w64(h, t + (uint64_t)f->type_basicsize, basicsize);
	w64(h, t + (uint64_t)f->type_itemsize, itemsize);
	w64(h, t + (uint64_t)f->type_base, base);
	/* of a gc type something, where no code is */
	w64(h, t + (uint64_t)f->type_traverse, flags & PL_TPFLAG_GC ? t : 0);
	return t;
}

/* A str of n characters of that kind (1, 2 or 4 bytes), compact; kind 1 is ASCII if all are. */
static inline pl_addr heap_text(struct heap *h, const void *chars, size_t n, unsigned kind)
{
	const struct pl_fields *f = &h->l.f;
	bool ascii = kind == 1;
	unsigned shift = h->l.str_style == PL_STR_COMPACT_BYTE_INTERNED ? 8 : 2;
	uint64_t data;
	pl_addr s;

	for (size_t i = 0; ascii && i < n; i++)
		ascii = ((const uint8_t *)chars)[i] < 0x80;
	data = (uint64_t)(ascii ? f->str_ascii_size : f->str_compact_size);
	s = heap_object(h, h->str_type, data + (n + 1) * kind);
	w64(h, s + (uint64_t)f->str_length, n);
	w32(h, s + (uint64_t)f->str_state, (kind | 8u | (ascii ? 16u : 0) | 32u) << shift);
	memcpy(heap_at(h, s + data), chars, n * kind);
	return s;
}

/* What 2.7 calls str and later versions bytes. */
static inline pl_addr heap_bytes(struct heap *h, const char *s, size_t n)
{
	pl_addr b = heap_object(h, h->bytes_type, (size_t)h->l.f.bytes_data + n + 1);

	w64(h, b + (uint64_t)h->l.f.var_size, n);
	memcpy(heap_at(h, b + (uint64_t)h->l.f.bytes_data), s, n);
	return b;
}

static inline pl_addr heap_str(struct heap *h, const char *s)
{
	return h->l.str_style == PL_STR_27 ? heap_bytes(h, s, strlen(s))
					   : heap_text(h, s, strlen(s), 1);
}

/* An int of n digits of 30 bits, least significant first. */
static inline pl_addr heap_digits(struct heap *h, const uint32_t *digits, uint64_t n, bool negative)
{
	const struct pl_fields *f = &h->l.f;
	pl_addr i = heap_object(h, h->int_type, (size_t)f->long_digits + 4 * PL_MAX(n, 1));

	if (h->l.int_style == PL_INT_TAGGED)
		w64(h, i + (uint64_t)f->long_tag, n << 3 | (n ? (negative ? 2 : 0) : 1));
	else
		w64(h, i + (uint64_t)f->var_size, negative ? 0 - n : n);
	memcpy(heap_at(h, i + (uint64_t)f->long_digits), digits, n * 4);
	return i;
}

static inline pl_addr heap_int(struct heap *h, int64_t value)
{
	uint64_t abs = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	uint32_t digits[3] = {abs & 0x3fffffff, abs >> 30 & 0x3fffffff, (uint32_t)(abs >> 60)};

	return heap_digits(h, digits, abs >> 60 ? 3 : abs >> 30 ? 2 : abs ? 1 : 0, value < 0);
}

static inline pl_addr heap_list(struct heap *h, const pl_addr *items, uint64_t n)
{
	pl_addr list = heap_object(h, h->list_type, 64);

	w64(h, list + (uint64_t)h->l.f.var_size, n);
	w64(h, list + (uint64_t)h->l.f.list_items, heap_put(h, items, n * 8));
	w64(h, list + (uint64_t)h->l.f.list_allocated, n);
	return list;
}

static inline pl_addr heap_tuple(struct heap *h, const pl_addr *items, uint64_t n)
{
	pl_addr t = heap_object(h, h->tuple_type, (size_t)h->l.f.tuple_items + n * 8);

	w64(h, t + (uint64_t)h->l.f.var_size, n);
	if (n)
		memcpy(heap_at(h, t + (uint64_t)h->l.f.tuple_items), items, n * 8);
	return t;
}

/* A keys object with room for 1 << log2 slots (up to 128) and n entries of two words, or three. */
static inline pl_addr heap_keys(struct heap *h, unsigned log2, const pl_addr (*entries)[2],
				uint64_t n, bool general)
{
	const struct pl_fields *f = &h->l.f;
	uint64_t size = UINT64_C(1) << log2, stride = general ? 24 : 16;
	pl_addr keys = heap_put(h, NULL, (size_t)f->keys_indices + size * 25);
	pl_addr at = keys + (uint64_t)f->keys_indices + size;

	w64(h, keys + (uint64_t)f->keys_refcnt, 1);
	if (h->l.dict_style == PL_DICT_KEYS36) {
		w64(h, keys + (uint64_t)f->keys_size, size);
	} else {
		w8(h, keys + (uint64_t)f->keys_log2_size, (uint8_t)log2);
		w8(h, keys + (uint64_t)f->keys_log2_index_bytes, (uint8_t)log2);
		w8(h, keys + (uint64_t)f->keys_kind, general ? 0 : 1);
	}
	w64(h, keys + (uint64_t)f->keys_nentries, n);
	w64(h, keys + (uint64_t)f->keys_usable, size * 2 / 3 - n);
	for (uint64_t i = 0; i < n; i++) {
		w64(h, at + i * stride + stride - 16, entries[i][0]);
		w64(h, at + i * stride + stride - 8, entries[i][1]);
	}
	return keys;
}

static inline pl_addr heap_dict_of(struct heap *h, pl_addr keys, pl_addr values, uint64_t used)
{
	pl_addr d = heap_object(h, h->dict_type, (size_t)h->l.f.dict_size);

	w64(h, d + (uint64_t)h->l.f.dict_used, used);
	w64(h, d + (uint64_t)h->l.f.dict_keys, keys);
	w64(h, d + (uint64_t)h->l.f.dict_values, values);
	return d;
}

/* A dict of n entries, at most 5. */
static inline pl_addr heap_dict(struct heap *h, const pl_addr (*entries)[2], uint64_t n)
{
	pl_addr table, d;

	if (h->l.dict_style != PL_DICT_TABLE27)
		return heap_dict_of(h, heap_keys(h, 3, entries, n, true), 0, n);
	d = heap_object(h, h->dict_type, (size_t)h->l.f.dict_size);
	table = d + (uint64_t)h->l.f.dict_smalltable;
	w64(h, d + (uint64_t)h->l.f.dict_used, n);
	w64(h, d + (uint64_t)h->l.f.dict_mask, 7);
	w64(h, d + (uint64_t)h->l.f.dict_table, table);
	for (uint64_t i = 0; i < n; i++) {
		w64(h, table + 24 * i + 8, entries[i][0]);
		w64(h, table + 24 * i + 16, entries[i][1]);
	}
	return d;
}

static inline pl_addr heap_builtin(struct heap *h, const char *name, uint64_t flags,
				   uint64_t basicsize, uint64_t itemsize)
{
	return heap_type(h, name, flags, basicsize, itemsize, h->object_type);
}

/* An empty heap in the layout of the table of that name, with the commonest builtin types. */
static inline void heap_init(struct heap *h, const char *table)
{
	const struct pl_layout_table *t;
	const struct pl_fields *f = &h->l.f;
	size_t n, i = 0;

	memset(h, 0, sizeof(*h));
	t = pl_layout_tables(&n);
	while (i < n && strcmp(t[i].name, table))
		i++;
	assert_true(i < n);
	pl_layout_from_table(&h->l, &t[i], PL_FROM_TABLE);
	h->l.hexversion = t[i].hexversion;
	h->l.flavour = t[i].flavour;
	assert_true(pl_layout_encodings(&h->l));
	h->l.builtins_module = h->l.str_style == PL_STR_27 ? "__builtin__" : "builtins";
	h->mem = pl_calloc(1, HEAP_SIZE);
	h->used = 4096;
	h->l.type_type = HEAP_BASE + h->used;
	heap_type(h, "type", PL_TPFLAG_TYPE | PL_TPFLAG_GC, (uint64_t)f->heaptype_size, 40, 0);
	h->object_type = heap_type(h, "object", 0, (uint64_t)f->object_size, 0, 0);
	w64(h, h->l.type_type + (uint64_t)f->type_base, h->object_type);
	h->int_type = heap_builtin(h, h->l.str_style == PL_STR_27 ? "long" : "int", PL_TPFLAG_LONG,
				   (uint64_t)f->long_digits, 4);
	h->bool_type =
		heap_type(h, "bool", PL_TPFLAG_LONG, (uint64_t)f->long_digits, 4, h->int_type);
	h->float_type = heap_builtin(h, "float", 0, (uint64_t)f->float_value + 8, 0);
	h->str_type = heap_builtin(h, h->l.str_style == PL_STR_27 ? "unicode" : "str",
				   PL_TPFLAG_STR, 80, 0);
	h->bytes_type = heap_builtin(h, h->l.str_style == PL_STR_27 ? "str" : "bytes",
				     PL_TPFLAG_BYTES, (uint64_t)f->bytes_data + 1, 1);
	h->list_type = heap_builtin(h, "list", PL_TPFLAG_LIST | PL_TPFLAG_GC, 40, 0);
	h->tuple_type = heap_builtin(h, "tuple", PL_TPFLAG_TUPLE | PL_TPFLAG_GC,
				     (uint64_t)f->tuple_items, 8);
	h->dict_type =
		heap_builtin(h, "dict", PL_TPFLAG_DICT | PL_TPFLAG_GC, (uint64_t)f->dict_size, 0);
	h->set_type = heap_builtin(h, "set", PL_TPFLAG_GC, (uint64_t)f->set_size, 0);
	h->none_type = heap_builtin(h, "NoneType", 0, (uint64_t)f->object_size, 0);
	h->none = heap_object(h, h->none_type, 16);
}

/* heap_open_begun(), and the core holds the first bytes alone. */
static inline void heap_open_part(struct heap *h, size_t bytes)
{
	build_load(&h->b, HEAP_BASE, h->mem, bytes, DEFAULT, DEFAULT, PF_R | PF_W);
	open_built(&h->o, &h->b);
	h->names = (struct pl_names){.l = &h->l};
	h->types = pl_types_new(h->o.im, &h->names);
	h->objects = (struct pl_objects){.im = h->o.im, .l = &h->l, .types = h->types};
}

/* heap_open() where h->b has been begun by the test: build_init() and what notes it wants. */
static inline void heap_open_begun(struct heap *h)
{
	heap_open_part(h, HEAP_SIZE);
}

/* From here on the objects are read through h->o.view. */
static inline void heap_open(struct heap *h)
{
	build_init(&h->b);
	heap_open_begun(h);
}

static inline void heap_close(struct heap *h)
{
	pl_types_free(h->types);
	close_opened(&h->o);
	build_fini(&h->b);
	free(h->mem);
}

/* One table for each family of encodings. */
static const char *const every_layout[] = {
	"2.7.18-debian", "3.6.15-pyenv", "3.8.18-pyenv",  "3.11.7-pyenv",
	"3.12.1-pyenv",  "3.13.0-pyenv", "3.15.2-debian",
};

#endif
