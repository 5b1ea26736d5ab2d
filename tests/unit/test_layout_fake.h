/*
 * test_layout_fake.h - the memory of a made-up CPython, laid out as a layout table says.
 *
 * Two stretches: the data of a libpython whose file is nowhere, and a heap. Enough of an
 * interpreter to be found and proved: types, a runtime or statics, one interpreter with one thread,
 * sys.modules, three gc lists, the text of sys.version.
 */
#ifndef TEST_LAYOUT_FAKE_H
#define TEST_LAYOUT_FAKE_H

#include "layout/internal.h"

#include "test_image_build.h"

enum {
	FAKE_DATA_BYTES = 1 << 20,
	FAKE_HEAP_BYTES = 1 << 20,
	FAKE_NODES = 40, /* objects on the oldest list */
	FAKE_NODE_BYTES = 512,
	FAKE_STATIC_TYPES = 16, /* records of static builtin types */
};
#define FAKE_DATA UINT64_C(0x7f0000100000)
#define FAKE_HEAP UINT64_C(0x560000000000)
#define FLAG_GC (1u << 14)
#define FLAG_TYPES (1u << 31)

struct fake {
	struct pl_layout l; /* what the memory is laid out by */
	uint8_t *data, *heap;
	pl_addr data_end, heap_end; /* next free address of each */
	pl_addr type, object, dict, str;
	pl_addr runtime, interp, thread, modules, statics;
	pl_addr nodes; /* first gc head of the oldest list; the rest FAKE_NODE_BYTES apart */
	char path[64];
};

static inline uint8_t *fake_at(struct fake *f, pl_addr addr)
{
	if (addr >= FAKE_DATA && addr < FAKE_DATA + FAKE_DATA_BYTES)
		return f->data + (addr - FAKE_DATA);
	assert_true(addr >= FAKE_HEAP && addr < FAKE_HEAP + FAKE_HEAP_BYTES);
	return f->heap + (addr - FAKE_HEAP);
}

static inline void fake_put(struct fake *f, pl_addr addr, uint64_t value, unsigned width)
{
	memcpy(fake_at(f, addr), &value, width);
}

/* Write a word at base + offset; a field that the version lacks is not written. */
static inline void fake_word(struct fake *f, pl_addr base, int32_t offset, uint64_t value)
{
	if (pl_has(offset))
		fake_put(f, base + (uint64_t)(int64_t)offset, value, 8);
}

static inline pl_addr fake_take(pl_addr *end, uint64_t n)
{
	pl_addr at = *end;

	*end = pl_round_up(at + n, 64);
	return at;
}

static inline pl_addr fake_type(struct fake *f, uint64_t flags, uint64_t basicsize, pl_addr base)
{
	const struct pl_fields *o = &f->l.f;
	pl_addr t = fake_take(&f->data_end, (uint64_t)o->type_struct_size + 64);

	fake_word(f, t, o->object_refcnt, 1);
	fake_word(f, t, o->object_type, f->type ? f->type : t);
	fake_word(f, t, o->type_flags, flags);
	fake_word(f, t, o->type_basicsize, basicsize);
	fake_word(f, t, o->type_base, base);
	return t;
}

static inline pl_addr fake_object(struct fake *f, pl_addr type, uint64_t n)
{
	pl_addr at = fake_take(&f->heap_end, n);

	fake_word(f, at, f->l.f.object_refcnt, 1);
	fake_word(f, at, f->l.f.object_type, type);
	return at;
}

static inline pl_addr fake_str(struct fake *f, const char *text)
{
	const struct pl_fields *o = &f->l.f;
	bool python2 = f->l.str_style == PL_STR_27;
	pl_addr at = fake_object(f, f->str, 128);

	fake_word(f, at, python2 ? o->var_size : o->str_length, strlen(text));
	memcpy(fake_at(f, at + (uint64_t)(python2 ? o->bytes_data : o->str_ascii_size)), text,
	       strlen(text) + 1);
	return at;
}

/* A dict with keys "sys" and the builtins module's name. */
static inline pl_addr fake_modules(struct fake *f)
{
	const struct pl_fields *o = &f->l.f;
	pl_addr key[2] = {fake_str(f, "sys"), 0}, dict = fake_object(f, f->dict, 256), table, keys;

	key[1] = fake_str(f, f->l.str_style == PL_STR_27 ? "__builtin__" : "builtins");
	fake_word(f, dict, o->dict_used, 2);
	keys = table = fake_take(&f->heap_end, 512);
	if (f->l.dict_style == PL_DICT_TABLE27) {
		fake_word(f, dict, o->dict_mask, 7);
		fake_word(f, dict, o->dict_table, table);
	} else {
		fake_word(f, dict, o->dict_keys, keys);
		fake_word(f, keys, o->keys_nentries, 2);
		fake_word(f, keys, o->keys_size, 8);
		if (pl_has(o->keys_log2_size)) {
			fake_put(f, keys + (uint64_t)o->keys_log2_size, 3, 1);
			fake_put(f, keys + (uint64_t)o->keys_log2_index_bytes, 3, 1);
		}
		table = keys + (uint64_t)o->keys_indices + 8;
	}
	for (unsigned i = 0; i < 2; i++)
		fake_put(f, table + 24 * i + 8, key[i], 8);
	return dict;
}

static inline void fake_link(struct fake *f, pl_addr a, pl_addr b)
{
	fake_word(f, a, f->l.f.gc_head_next, b);
	fake_word(f, b, f->l.f.gc_head_prev, a);
}

/* Empty lists but the oldest but one, which holds FAKE_NODES dicts. */
static inline void fake_lists(struct fake *f)
{
	static const uint32_t thresholds[] = {700, 10, 10, 0};
	struct pl_gc_list lists[4];
	unsigned n = pl_layout_gc_lists(&f->l, f->interp, lists);
	pl_addr prev, head;

	assert_in_range(n, 3, 4);
	for (unsigned i = 0; i < n; i++) {
		fake_link(f, lists[i].head, lists[i].head);
		fake_put(f, lists[i].record + (uint64_t)f->l.f.generation_threshold, thresholds[i],
			 4);
	}
	prev = head = lists[1].head;
	f->nodes = f->heap_end;
	for (unsigned i = 0; i < FAKE_NODES; i++) {
		pl_addr node = fake_take(&f->heap_end, FAKE_NODE_BYTES);

		fake_word(f, node + (uint64_t)f->l.f.gc_head_size, f->l.f.object_refcnt, 1);
		fake_word(f, node + (uint64_t)f->l.f.gc_head_size, f->l.f.object_type, f->dict);
		fake_link(f, prev, node);
		prev = node;
	}
	fake_link(f, prev, head);
}

static inline void fake_interp(struct fake *f)
{
	const struct pl_fields *o = &f->l.f;

	/* what lies behind the last field that is written does not matter */
	f->interp = fake_take(&f->heap_end, (uint64_t)PL_MIN(o->interp_size, FAKE_HEAP_BYTES / 2));
	f->thread = fake_take(&f->heap_end, 4096);
	fake_word(f, f->thread, o->thread_interp, f->interp);
	fake_word(f, f->interp, o->interp_threads_head, f->thread);
	f->modules = fake_modules(f);
	fake_word(f, f->interp, o->interp_modules, f->modules);
	fake_word(f, f->interp, o->interp_sysdict, f->modules);
	fake_word(f, f->interp, o->interp_builtins, f->modules);
	for (unsigned i = 0; pl_has(o->interp_static_types) && i < FAKE_STATIC_TYPES; i++)
		fake_put(f,
			 f->interp + (uint64_t)(o->interp_static_types +
						(int32_t)i * o->managed_static_type_size),
			 i % 2 ? f->type : f->object, 8);
	if (pl_has(o->runtime_interpreters_head)) {
		f->runtime = fake_take(&f->data_end, (uint64_t)o->runtime_size);
		fake_word(f, f->runtime, o->runtime_interpreters_head, f->interp);
		fake_word(f, f->runtime, o->runtime_interpreters_main, f->interp);
		fake_word(f, f->runtime, o->runtime_tstate_current, f->thread);
		f->l.runtime = f->runtime;
	} else {
		f->statics = fake_take(&f->data_end, 4096);
		fake_put(f, f->statics + 1024, f->interp, 8);
		f->l.gc_statics = f->statics;
		f->l.f.gc_generations = 0;
	}
}

/* The process of table t, or of what change makes of it (may be NULL). */
static inline void fake_init(struct fake *f, const struct pl_layout_table *t,
			     void (*change)(struct pl_layout *l))
{
	static const char library[] = "/nowhere/lib/libpython";
	unsigned major = t->hexversion >> 24, minor = t->hexversion >> 16 & 0xff;
	const struct pl_fields *o = &f->l.f;
	char version[24];

	memset(f, 0, sizeof(*f));
	f->l.hexversion = t->hexversion;
	f->l.flavour = t->flavour;
	pl_layout_from_table(&f->l, t, PL_FROM_TABLE);
	if (change)
		change(&f->l);
	assert_true(pl_layout_encodings(&f->l));
	f->data = pl_calloc(1, FAKE_DATA_BYTES);
	f->heap = pl_calloc(1, FAKE_HEAP_BYTES);
	f->data_end = FAKE_DATA + 4096;
	f->heap_end = FAKE_HEAP + 4096;
	f->type = fake_type(f, FLAG_GC | FLAG_TYPES, (uint64_t)o->heaptype_size, 0);
	f->object = fake_type(f, 0, 16, 0);
	fake_word(f, f->type, o->type_base, f->object);
	f->dict = fake_type(f, FLAG_GC, (uint64_t)o->dict_size, f->object);
	f->str = fake_type(f, 0, 40, f->object);
	f->l.type_type = f->type;
	fake_interp(f);
	fake_lists(f);
	pl_layout_version_text(f->l.hexversion, version, sizeof(version));
	snprintf((char *)fake_at(f, fake_take(&f->data_end, 128)), 128,
		 "%s (main, Jan  1 2024, 00:00:00) \n[GCC 12.2.0]", version);
	snprintf(f->path, sizeof(f->path), "%s%u.%u%s.so.1.0", library, major, minor,
		 t->flavour & PL_PYDEBUG ? "d" : "");
}

static inline void fake_fini(struct fake *f)
{
	free(f->data);
	free(f->heap);
}

/* Write the core of the process and open it. */
static inline void fake_open(struct fake *f, struct opened *o)
{
	struct build_map map = {FAKE_DATA, FAKE_DATA + FAKE_DATA_BYTES, 0, f->path};
	struct build b;

	build_init(&b);
	build_thread(&b, 42, 6, 0, 0, 0);
	build_files(&b, &map, 1);
	build_load(&b, FAKE_HEAP, f->heap, FAKE_HEAP_BYTES, DEFAULT, DEFAULT, PF_R | PF_W);
	build_load(&b, FAKE_DATA, f->data, FAKE_DATA_BYTES, DEFAULT, DEFAULT, PF_R | PF_W);
	open_built(o, &b);
	build_fini(&b);
}

/* The table of that name, which there must be. */
static inline const struct pl_layout_table *fake_table(const char *name)
{
	size_t n;
	const struct pl_layout_table *t = pl_layout_tables(&n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(t[i].name, name))
			return &t[i];
	fail_msg("no table %s", name);
	return NULL;
}

#endif
