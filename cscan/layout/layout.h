/*
 * layout.h - where every CPython field is in THIS core, and what its value means.
 *
 * The only room that knows version numbers. What differs in place is an offset (fields.def), what
 * differs in meaning is one of the encodings below; nobody else asks which Python it is. A layout
 * is proved on the core before anyone sees it; each field remembers its source.
 */
#ifndef PL_LAYOUT_H
#define PL_LAYOUT_H

#include "base/base.h"
#include "base/ctx.h"
#include "base/mem.h"
#include "base/err.h"
#include "image/image.h"

#define PL_NONE INT32_MIN /* this version has no such field */

/* Offsets in bytes, or sizes for the *_size rows; one int32 per row of fields.def, in its order. */
struct pl_fields {
#define PL_FIELD(name, strct, member) int32_t name;
#include "layout/fields.def"
#undef PL_FIELD
};
/* Bytes of each member (1, 2, 4, 8, or the size of an embedded struct or array); 0 = unknown, take
 * the usual. */
struct pl_widths {
#define PL_FIELD(name, strct, member) uint32_t name;
#include "layout/fields.def"
#undef PL_FIELD
};
enum pl_field {
#define PL_FIELD(name, strct, member) PL_F_##name,
#include "layout/fields.def"
#undef PL_FIELD
	PL_N_FIELDS
};

enum pl_source {
	PL_FROM_NOWHERE,
	PL_FROM_DWARF,
	PL_FROM_DEBUG_OFFSETS,
	PL_FROM_TABLE,
	PL_FROM_SAME_MINOR,
	PL_FROM_INFERENCE,
	PL_FROM_SYMBOL, /* 2.7, 3.6: statics of the collector, as offsets from gc_statics */
};

/* ---- encodings: what a value means ---- */
enum pl_gc_style {
	PL_GC_REFS27,      /* 2.7: gc_refs states, -2 untracked */
	PL_GC_REFS34,      /* 3.4-3.7: gc_refs = state << 1 | finalized */
	PL_GC_LINKS,       /* 3.8+: tracked <=> next != 0; flag bits in prev */
	PL_GC_INCREMENTAL, /* 3.14.0-3.14.4: PL_GC_LINKS with young and two old spaces */
	PL_GC_NO_LISTS,    /* free-threaded */
};
enum pl_refcount_style {
	PL_REF_PLAIN,         /* up to 3.10 */
	PL_REF_STATIC_BIG,    /* 3.11: a static object starts at 999999999 and never gets to 0 */
	PL_REF_IMMORTAL_SIGN, /* 3.12-3.13: low 32 bits negative = immortal */
	PL_REF_IMMORTAL_U32,  /* 3.14+: u32 at 0, bit 31 = immortal */
	PL_REF_BIASED,        /* free-threaded */
};
enum pl_dict_style {
	PL_DICT_TABLE27, /* open table of {hash, key, value} */
	PL_DICT_KEYS36,  /* dk_size, index width by size, entries of 24 bytes */
	PL_DICT_KEYS311, /* log2 sizes, kind general/unicode/split */
};
enum pl_values_style {
	PL_VALUES_NONE,     /* 2.7: no split dicts */
	PL_VALUES_ARRAY,    /* 3.6-3.10: ma_values is the array */
	PL_VALUES_PREFIXED, /* 3.11-3.12: array with prefix bytes before it */
	PL_VALUES_STRUCT,   /* 3.13+: struct _dictvalues, may be inline in the object */
};
/* where a managed dict is, relative to the object */
enum pl_attrs_style {
	PL_ATTRS_DICTOFFSET, /* up to 3.10: tp_dictoffset only */
	PL_ATTRS_311,        /* -32 values, -24 dict */
	PL_ATTRS_312,        /* -24 values|1 or dict */
	PL_ATTRS_313,        /* -24 dict; inline values at obj + basicsize */
};
enum pl_int_style { PL_INT_SIZED /* |ob_size| digits */, PL_INT_TAGGED /* 3.12+ lv_tag */ };
enum pl_str_style {
	PL_STR_27,                    /* str is bytes; unicode has a separate buffer */
	PL_STR_LEGACY,                /* 3.3-3.11: wstr, may be not ready */
	PL_STR_COMPACT,               /* 3.12+ */
	PL_STR_COMPACT_BYTE_INTERNED, /* 3.14t+: interned is a whole byte */
};
enum pl_frame_style {
	PL_FRAME_OBJECT, /* 2.7-3.10: frame objects */
	PL_FRAME_311,
	PL_FRAME_312,
	PL_FRAME_313,    /* _PyInterpreterFrame, owners differ */
	PL_FRAME_TAGGED, /* 3.14+: stack references */
};
enum pl_line_style { PL_LINES_LNOTAB27, PL_LINES_LNOTAB36, PL_LINES_310, PL_LINES_LOCATION };
enum pl_static_types_style {
	PL_STATIC_IN_TYPE,    /* tp_dict and tp_subclasses are in the type */
	PL_STATIC_PER_INTERP, /* 3.12+: static builtin types keep them in the interpreter */
};
enum pl_gen_state_style { PL_GEN_FRAME /* <= 3.10 */, PL_GEN_311, PL_GEN_313, PL_GEN_315 };
enum pl_freelist_style {
	PL_FREE_STATICS, /* up to 3.9: file-scope statics */
	PL_FREE_INTERP,  /* 3.10-3.13: arrays and links per interpreter, refcount 0 */
	PL_FREE_UNIFORM, /* 3.14+: {head, count} records, link in the first word */
};
enum pl_repr_style {
	PL_REPR_36,  /* up to 3.6: ValueError('x',), timedelta(1, 2), and deque(), array() and their
			like under these names also of a subclass */
	PL_REPR_37,  /* ValueError('x'), timedelta(days=1, seconds=2), subclasses by their names */
	PL_REPR_312, /* 3.12+: OrderedDict({'a': 1}) where it was OrderedDict([('a', 1)]) */
};
enum pl_flavour { PL_RELEASE = 0, PL_PYDEBUG = 1, PL_TRACE_REFS = 2, PL_FREE_THREADED = 4 };

struct pl_rejected {
	char *what; /* "table 3.13.0 (generations at +24)" */
	char *why;  /* "generation 0 has threshold 3735928559" */
};

struct pl_layout {
	struct pl_fields f;
	struct pl_widths w;
	uint8_t source[PL_N_FIELDS]; /* enum pl_source of each field */
	enum pl_source best;         /* what the greater part comes from: "layout from dwarf" */
	const char *table;           /* name of the table used for the rest, or NULL */

	uint32_t hexversion; /* PY_VERSION_HEX; low parts 0 when only the minor is known */
	char version[24];    /* "3.11.2", "3.14.0rc2" */
	const char
		*version_source; /* how it is known: "debug offsets", "Py_Version", "file name" */
	unsigned flavour;        /* enum pl_flavour bits */

	/* encodings */
	enum pl_gc_style gc_style;
	enum pl_refcount_style refcount_style;
	enum pl_dict_style dict_style;
	enum pl_values_style values_style;
	enum pl_attrs_style attrs_style;
	enum pl_int_style int_style;
	enum pl_str_style str_style;
	enum pl_frame_style frame_style;
	enum pl_line_style line_style;
	enum pl_static_types_style static_types_style;
	enum pl_gen_state_style gen_state_style;
	enum pl_freelist_style freelist_style;
	enum pl_repr_style repr_style;
	unsigned object_align; /* pymalloc's alignment: 8 or 16 */
	uint32_t arena_bytes, pool_bytes;
	bool preheader_gc;        /* 3.11+: two words before the gc head of some types */
	uint64_t preheader_flags; /* tp_flags bits that mean "has the pre-header": managed
				     dict/weakref */
	uint64_t flag_managed_dict, flag_inline_values,
		flag_static_builtin; /* 0 where the version has none */
	bool unicode27_ucs4;         /* 2.7 --enable-unicode=ucs4 */
	const char *builtins_module; /* "builtins", 2.7: "__builtin__" */
	bool traverse_type; /* 3.9+: tp_traverse of instances of C heap types visits the type */
	bool traverse_finished_code; /* 3.14+: gen_traverse() visits the code of a finished
					generator */
	bool visits_inline_values;   /* 3.13.0-3.13.3: an instance visits its inline values itself
					though it has a dict, and the two do not visit each other */
	uint8_t push_exc_info;       /* opcode that an except, finally or with block begins with;
					0 before 3.11 */
	bool pickle_visits_memo;     /* 3.11.7, 3.12.1 and later: picklers traverse their memo */
	bool late_visit_type; /* 3.14.10, 3.15.2 and later: zstd's types and grapheme iterators
				 visit their class; digested dictionaries are visited no more */
	bool profiler_visits_timer;   /* 3.13+, 3.12.1 does not: profilers traverse their timer */
	bool profiler_visits_missing; /* 3.15+: profilers traverse sys.monitoring's marker */
	bool ssl_visits_all;          /* 3.13.13, 3.14.4 and later: SSL contexts traverse more than
					 two callbacks */
	bool getsizeof_preheader;     /* 3.11+: sys.getsizeof() counts the pre-header too */
	bool getsizeof_static_head;   /* 3.11, 3.12: it counts a head of static types, which have
					 none */
	bool getsizeof_zero_digit;    /* 3.11.2+: of int 0 it counts one digit */
	bool itertools_sizeof;        /* 3.3+: product() and its kin have a __sizeof__ */
	bool simplequeue_sizeof;      /* 3.15+: so has _queue.SimpleQueue */

	/* places in this core */
	int module;         /* image module of libpython or of the static executable, -1 unknown */
	pl_addr type_type;  /* PyType_Type */
	pl_addr runtime;    /* _PyRuntime (3.7+), else 0 */
	pl_addr gc_statics; /* 2.7, 3.6: &generations[0], else 0 */
	pl_addr gc_collecting_address,
		gc_enabled_address;                   /* 2.7, 3.6: file-scope ints of gcmodule.c, */
	pl_addr gc_debug_address, gc_garbage_address; /* 0 when stripped and always later */
	pl_addr interp_head;    /* first PyInterpreterState, 0 when it was not found */
	pl_addr tstate_current; /* thread that holds the GIL, 0 = none or unknown */

	PL_VEC(struct pl_rejected) rejected; /* layouts that failed their proof, for `info` */
};

/*
 * Find the interpreter in the image, choose the best layout that passes the proof. PL_E_NO_PYTHON:
 * no CPython in this core; PL_E_UNSUPPORTED: free-threaded, or a fork of CPython; PL_E_LAYOUT: no
 * layout passed (the text says what was tried). Owned by the caller: pl_layout_free().
 */
int pl_layout_resolve(struct pl_image *im, struct pl_ctx *ctx, struct pl_layout **ret,
		      struct pl_err *err);
void pl_layout_free(struct pl_layout *l);

const char *pl_field_name(enum pl_field f);   /* "list_items" */
const char *pl_source_name(enum pl_source s); /* "dwarf", "debug-offsets", "table", ... */
static inline int32_t pl_layout_offset(const struct pl_layout *l, enum pl_field f)
{
	return ((const int32_t *)&l->f)[f];
}
static inline bool pl_has(int32_t offset)
{
	return offset != PL_NONE;
}

/*
 * The word of a field of the struct at base; 0 for no struct, a field that this version lacks, or
 * memory that is not at hand.
 */
static inline uint64_t pl_field_word(struct pl_view *v, pl_addr base, int32_t offset)
{
	uint64_t word = 0;

	if (base && pl_has(offset))
		pl_read64(v, base + (uint64_t)(int64_t)offset, &word);
	return word;
}

/* The C int of a field, by the same rules. */
static inline int pl_field_int(struct pl_view *v, pl_addr base, int32_t offset)
{
	uint32_t n = 0;

	if (base && pl_has(offset))
		pl_read32(v, base + (uint64_t)(int64_t)offset, &n);
	return (int)n;
}

/*
 * The collector's state of an interpreter: base address that the gc_* offsets count from (2.7 and
 * 3.6: gc_statics, with the file's other statics at offsets that may be negative, PL_NONE where a
 * stripped binary hides them; 3.7-3.8: in the runtime; then in the interpreter). 0 when unknown.
 */
pl_addr pl_layout_gc_state(const struct pl_layout *l, pl_addr interp);

/*
 * The lists of a collector, in the order the contract names them: 0, 1, 2, permanent; or young,
 * old0, old1, permanent when incremental. Returns how many (3 or 4); head[i] is the address of the
 * list head (a PyGC_Head), generation[i] that of its record (threshold and count).
 */
struct pl_gc_list {
	const char *name;
	pl_addr head;
	pl_addr record;
};
unsigned pl_layout_gc_lists(const struct pl_layout *l, pl_addr interp, struct pl_gc_list ret[4]);

/*
 * A freelist of dead objects that the allocator believes are live. Objects are reached from where
 * by the kind below. Filled for every freelist whose place is known in this core.
 */
enum pl_freelist_kind {
	PL_FREELIST_CHAIN_TYPE,  /* *where = head object; next = word at ob_type (floats) */
	PL_FREELIST_CHAIN_FIRST, /* next = first word of the object (3.14+) */
	PL_FREELIST_CHAIN_AT, /* next = word at link_offset of the object (frames, tuples, methods)
			       */
	PL_FREELIST_ARRAY,    /* where = first of count object pointers */
};
struct pl_freelist {
	const char *name; /* "floats", "tuples[3]" */
	enum pl_freelist_kind kind;
	pl_addr where;
	int32_t link_offset;
	uint64_t count; /* entries the interpreter says it holds; a chain is cut there and damage
			 * noted; UINT64_MAX = it keeps no count */
	bool objects;   /* false: dict keys, stack chunks (blocks, not objects) */
};
/* All freelists of an interpreter (statics: of the first one). *ret malloced; returns the number.
 */
size_t pl_layout_freelists(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			   struct pl_freelist **ret);

/*
 * Tables that hold objects (arrays.c). False, or 0, where this version has none or its place is not
 * known: up to 3.9, or 3.6, or 3.11, they are static variables, which a stripped binary does not
 * name. What the whole process shares is given with interp_head only. at: of the first entry.
 */
struct pl_array {
	pl_addr at;
	uint64_t n, stride;
};
/* Entries of the cache of attributes of types, read by the typecache_* fields. */
bool pl_layout_type_cache(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			  struct pl_array *ret);
/* By number of the signal; at is of the first word that holds a handler. */
bool pl_layout_signal_handlers(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			       struct pl_array *ret);
/* A ring of {function, argument}: n of them wait, from first on. */
struct pl_pending {
	struct pl_array calls;
	uint64_t first, n;
};
unsigned pl_layout_pending(struct pl_image *im, const struct pl_layout *l, pl_addr interp,
			   struct pl_pending ret[2]);

#endif
