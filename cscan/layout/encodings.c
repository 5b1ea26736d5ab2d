/*
 * encodings.c - what values mean in each version.
 *
 * The one place where a version number decides a meaning: a row for each minor. A new CPython is
 * one look at its "What's New" for C and one row. Meanings are told by layout.h, offsets by the
 * tables.
 */
#include "layout/internal.h"

/* bits of tp_flags (Include/object.h, Include/cpython/object.h) */
#define FLAG_STATIC_BUILTIN (1u << 1)
#define FLAG_INLINE_VALUES (1u << 2)
#define FLAG_MANAGED_WEAKREF (1u << 3)
#define FLAG_MANAGED_DICT (1u << 4)

/* clang-format off */
static const struct encoding {
	uint32_t minor;
	enum pl_gc_style gc;
	enum pl_refcount_style refcount;
	enum pl_dict_style dict;
	enum pl_values_style values;
	enum pl_attrs_style attrs;
	enum pl_int_style ints;
	enum pl_str_style str;
	enum pl_frame_style frame;
	enum pl_line_style lines;
	enum pl_static_types_style static_types;
	enum pl_gen_state_style gen_state;
	enum pl_freelist_style freelists;
	unsigned arena_kib; /* Objects/obmalloc.c; 1 MiB with the radix tree */
} encodings[] = {
	{PL_HEX(2, 7, 0), PL_GC_REFS27, PL_REF_PLAIN, PL_DICT_TABLE27, PL_VALUES_NONE,
	 PL_ATTRS_DICTOFFSET, PL_INT_SIZED, PL_STR_27, PL_FRAME_OBJECT,
	 PL_LINES_LNOTAB27, PL_STATIC_IN_TYPE, PL_GEN_FRAME, PL_FREE_STATICS, 256},
	{PL_HEX(3, 6, 0), PL_GC_REFS34, PL_REF_PLAIN, PL_DICT_KEYS36, PL_VALUES_ARRAY,
	 PL_ATTRS_DICTOFFSET, PL_INT_SIZED, PL_STR_LEGACY, PL_FRAME_OBJECT,
	 PL_LINES_LNOTAB36, PL_STATIC_IN_TYPE, PL_GEN_FRAME, PL_FREE_STATICS, 256},
	{PL_HEX(3, 7, 0), PL_GC_REFS34, PL_REF_PLAIN, PL_DICT_KEYS36, PL_VALUES_ARRAY,
	 PL_ATTRS_DICTOFFSET, PL_INT_SIZED, PL_STR_LEGACY, PL_FRAME_OBJECT,
	 PL_LINES_LNOTAB36, PL_STATIC_IN_TYPE, PL_GEN_FRAME, PL_FREE_STATICS, 256},
	{PL_HEX(3, 8, 0), PL_GC_LINKS, PL_REF_PLAIN, PL_DICT_KEYS36, PL_VALUES_ARRAY,
	 PL_ATTRS_DICTOFFSET, PL_INT_SIZED, PL_STR_LEGACY, PL_FRAME_OBJECT,
	 PL_LINES_LNOTAB36, PL_STATIC_IN_TYPE, PL_GEN_FRAME, PL_FREE_STATICS, 256},
	{PL_HEX(3, 9, 0), PL_GC_LINKS, PL_REF_PLAIN, PL_DICT_KEYS36, PL_VALUES_ARRAY,
	 PL_ATTRS_DICTOFFSET, PL_INT_SIZED, PL_STR_LEGACY, PL_FRAME_OBJECT,
	 PL_LINES_LNOTAB36, PL_STATIC_IN_TYPE, PL_GEN_FRAME, PL_FREE_STATICS, 256},
	{PL_HEX(3, 10, 0), PL_GC_LINKS, PL_REF_PLAIN, PL_DICT_KEYS36, PL_VALUES_ARRAY,
	 PL_ATTRS_DICTOFFSET, PL_INT_SIZED, PL_STR_LEGACY, PL_FRAME_OBJECT,
	 PL_LINES_310, PL_STATIC_IN_TYPE, PL_GEN_FRAME, PL_FREE_INTERP, 1024},
	{PL_HEX(3, 11, 0), PL_GC_LINKS, PL_REF_STATIC_BIG, PL_DICT_KEYS311, PL_VALUES_PREFIXED,
	 PL_ATTRS_311, PL_INT_SIZED, PL_STR_LEGACY, PL_FRAME_311,
	 PL_LINES_LOCATION, PL_STATIC_IN_TYPE, PL_GEN_311, PL_FREE_INTERP, 1024},
	{PL_HEX(3, 12, 0), PL_GC_LINKS, PL_REF_IMMORTAL_SIGN, PL_DICT_KEYS311, PL_VALUES_PREFIXED,
	 PL_ATTRS_312, PL_INT_TAGGED, PL_STR_COMPACT, PL_FRAME_312,
	 PL_LINES_LOCATION, PL_STATIC_PER_INTERP, PL_GEN_311, PL_FREE_INTERP, 1024},
	{PL_HEX(3, 13, 0), PL_GC_LINKS, PL_REF_IMMORTAL_SIGN, PL_DICT_KEYS311, PL_VALUES_STRUCT,
	 PL_ATTRS_313, PL_INT_TAGGED, PL_STR_COMPACT, PL_FRAME_313,
	 PL_LINES_LOCATION, PL_STATIC_PER_INTERP, PL_GEN_313, PL_FREE_INTERP, 1024},
	{PL_HEX(3, 14, 0), PL_GC_LINKS, PL_REF_IMMORTAL_U32, PL_DICT_KEYS311, PL_VALUES_STRUCT,
	 PL_ATTRS_313, PL_INT_TAGGED, PL_STR_COMPACT, PL_FRAME_TAGGED,
	 PL_LINES_LOCATION, PL_STATIC_PER_INTERP, PL_GEN_313, PL_FREE_UNIFORM, 1024},
	{PL_HEX(3, 15, 0), PL_GC_LINKS, PL_REF_IMMORTAL_U32, PL_DICT_KEYS311, PL_VALUES_STRUCT,
	 PL_ATTRS_313, PL_INT_TAGGED, PL_STR_COMPACT, PL_FRAME_TAGGED,
	 PL_LINES_LOCATION, PL_STATIC_PER_INTERP, PL_GEN_315, PL_FREE_UNIFORM, 1024},
};
/* clang-format on */

static const struct encoding *encoding_of(uint32_t hexversion)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(encodings); i++)
		if (encodings[i].minor >> 16 == hexversion >> 16)
			return &encodings[i];
	return NULL;
}

/* Flags and facts that come with how attributes are kept (Objects/object_layout.md). */
static void attributes(struct pl_layout *l)
{
	bool managed = l->attrs_style != PL_ATTRS_DICTOFFSET;
	bool weakrefs = managed && l->attrs_style != PL_ATTRS_311;

	l->flag_managed_dict = managed ? FLAG_MANAGED_DICT : 0;
	l->flag_inline_values = l->values_style == PL_VALUES_STRUCT ? FLAG_INLINE_VALUES : 0;
	l->flag_static_builtin =
		l->static_types_style == PL_STATIC_PER_INTERP ? FLAG_STATIC_BUILTIN : 0;
	l->preheader_flags = l->flag_managed_dict | (weakrefs ? FLAG_MANAGED_WEAKREF : 0);
	l->preheader_gc = managed;
	/* _PySys_GetSizeOf() in Python/sysmodule.c adds _PyType_PreHeaderSize() */
	l->getsizeof_preheader = managed;
}

/* What sys.getsizeof() counts of some types. */
static void sizes(struct pl_layout *l)
{
	/* _PySys_GetSizeOf() in Python/sysmodule.c until gh-112529 */
	l->getsizeof_static_head =
		l->hexversion >= PL_HEX(3, 11, 0) && l->hexversion < PL_HEX(3, 13, 0);
	/* gh-100637: int___sizeof___impl() in Objects/longobject.c; of 3.11.0 and 3.11.1 it is 24
	 */
	l->getsizeof_zero_digit = l->hexversion >= PL_HEX(3, 11, 2);
	/* product_sizeof() and its kin in Modules/itertoolsmodule.c; 3.3 brought them */
	l->itertools_sizeof = l->hexversion >= PL_HEX(3, 3, 0);
	/* _queue_SimpleQueue___sizeof___impl() in Modules/_queuemodule.c */
	l->simplequeue_sizeof = l->hexversion >= PL_HEX(3, 15, 0);
}

bool pl_layout_encodings(struct pl_layout *l)
{
	const struct encoding *e = encoding_of(l->hexversion);

	if (!e)
		return false;
	/* 3.14.0-3.14.4 have one young and two old lists (Python/gc.c, gh-142516): the fields tell
	 */
	l->gc_style = e->gc == PL_GC_LINKS && pl_has(l->f.gc_old) ? PL_GC_INCREMENTAL : e->gc;
	l->refcount_style = e->refcount;
	l->dict_style = e->dict;
	l->values_style = e->values;
	l->attrs_style = e->attrs;
	l->int_style = e->ints;
	l->str_style = e->str;
	l->frame_style = e->frame;
	l->line_style = e->lines;
	l->static_types_style = e->static_types;
	l->gen_state_style = e->gen_state;
	l->freelist_style = e->freelists;
	/* bpo-30399, bpo-30302, bpo-27541; gh-101446 */
	l->repr_style = l->hexversion < PL_HEX(3, 7, 0)    ? PL_REPR_36
			: l->hexversion < PL_HEX(3, 12, 0) ? PL_REPR_37
							   : PL_REPR_312;
	/* until the proof finds something else: 8 before bpo-27987, 2 MiB arenas of 3.15 */
	l->object_align = 16;
	l->arena_bytes = e->arena_kib << 10;
	l->pool_bytes = e->arena_kib == 256 ? 4u << 10 : 16u << 10;
	l->builtins_module = e->str == PL_STR_27 ? "__builtin__" : "builtins";
	/* bpo-40217: subtype_traverse() in Objects/typeobject.c */
	l->traverse_type = l->hexversion >= PL_HEX(3, 9, 0);
	/* bpo-41422: Pickler_traverse() and Unpickler_traverse() in Modules/_pickle.c */
	l->pickle_visits_memo = l->hexversion >= (l->hexversion >> 16 == 0x030c ? PL_HEX(3, 12, 1)
										: PL_HEX(3, 11, 7));
	/* gh-159739, gh-160535: traverse functions in Modules/unicodedata.c and Modules/_zstd/ */
	l->late_visit_type = l->hexversion >=
			     (l->hexversion >> 16 == 0x030e ? PL_HEX(3, 14, 10) : PL_HEX(3, 15, 2));
	/* profiler_traverse() in Modules/_lsprof.c */
	l->profiler_visits_timer = l->hexversion >= PL_HEX(3, 13, 0);
	l->profiler_visits_missing = l->hexversion >= PL_HEX(3, 15, 0);
	/* gh-142516: context_traverse() in Modules/_ssl.c */
	l->ssl_visits_all = l->hexversion >=
			    (l->hexversion >> 16 == 0x030d ? PL_HEX(3, 13, 13) : PL_HEX(3, 14, 4));
	/* gen_traverse() in Objects/genobject.c */
	l->traverse_finished_code = l->hexversion >= PL_HEX(3, 14, 0);
	/* gh-133543, PyObject_VisitManagedDict() and dict_traverse() in Objects/dictobject.c */
	l->visits_inline_values =
		l->hexversion >= PL_HEX(3, 13, 0) && l->hexversion < PL_HEX(3, 13, 4);
	/* Include/opcode.h, since 3.13 opcode_ids.h */
	switch (l->hexversion >> 16) {
	case 0x030b:
	case 0x030c:
		l->push_exc_info = 35;
		break;
	case 0x030d:
		l->push_exc_info = 33;
		break;
	case 0x030e:
		l->push_exc_info = 32;
		break;
	case 0x030f:
		l->push_exc_info = 30;
		break;
	default:
		l->push_exc_info = 0;
	}
	sizes(l);
	attributes(l);
	return true;
}
