/*
 * encodings.c - what values mean in each version.
 *
 * The one place where a version number decides a meaning. A new CPython is one look at its "What's
 * new in C" and the rows below; sources are named by the file of CPython they were read in.
 */
#include "layout/internal.h"

#define MINOR(l) ((l)->hexversion >> 16 & 0xff)
#define NEWEST_MINOR 15

/* bits of tp_flags (Include/object.h, Include/cpython/object.h) */
#define FLAG_STATIC_BUILTIN (1u << 1)
#define FLAG_INLINE_VALUES (1u << 2)
#define FLAG_MANAGED_WEAKREF (1u << 3)
#define FLAG_MANAGED_DICT (1u << 4)

static void python2(struct pl_layout *l)
{
	l->gc_style = PL_GC_REFS27;
	l->refcount_style = PL_REF_PLAIN;
	l->dict_style = PL_DICT_TABLE27;
	l->values_style = PL_VALUES_NONE;
	l->attrs_style = PL_ATTRS_DICTOFFSET;
	l->int_style = PL_INT_SIZED;
	l->str_style = PL_STR_27;
	l->frame_style = PL_FRAME_OBJECT;
	l->line_style = PL_LINES_LNOTAB27;
	l->static_types_style = PL_STATIC_IN_TYPE;
	l->gen_state_style = PL_GEN_FRAME;
	l->freelist_style = PL_FREE_STATICS;
}

/* Objects/dictobject.c, Objects/object_layout.md, Include/internal/pycore_dict.h */
static void python3_dicts(struct pl_layout *l, unsigned minor)
{
	l->dict_style = minor < 11 ? PL_DICT_KEYS36 : PL_DICT_KEYS311;
	l->values_style = minor < 11   ? PL_VALUES_ARRAY
			  : minor < 13 ? PL_VALUES_PREFIXED
				       : PL_VALUES_STRUCT;
	l->attrs_style = minor < 11    ? PL_ATTRS_DICTOFFSET
			 : minor == 11 ? PL_ATTRS_311
			 : minor == 12 ? PL_ATTRS_312
				       : PL_ATTRS_313;
	l->preheader_gc = minor >= 11;
	l->flag_managed_dict = minor >= 11 ? FLAG_MANAGED_DICT : 0;
	l->flag_inline_values = minor >= 13 ? FLAG_INLINE_VALUES : 0;
	l->flag_static_builtin = minor >= 12 ? FLAG_STATIC_BUILTIN : 0;
	l->preheader_flags = l->flag_managed_dict | (minor >= 12 ? FLAG_MANAGED_WEAKREF : 0);
	/* _PySys_GetSizeOf() in Python/sysmodule.c adds _PyType_PreHeaderSize() */
	l->getsizeof_preheader = minor >= 11;
}

/* Include/cpython/code.h, pycore_frame.h, Objects/lnotab_notes.txt, Objects/locations.md */
static void python3_code(struct pl_layout *l, unsigned minor)
{
	l->frame_style = minor < 11    ? PL_FRAME_OBJECT
			 : minor == 11 ? PL_FRAME_311
			 : minor == 12 ? PL_FRAME_312
			 : minor == 13 ? PL_FRAME_313
				       : PL_FRAME_TAGGED;
	l->line_style = minor < 10    ? PL_LINES_LNOTAB36
			: minor == 10 ? PL_LINES_310
				      : PL_LINES_LOCATION;
	l->gen_state_style = minor < 11   ? PL_GEN_FRAME
			     : minor < 13 ? PL_GEN_311
			     : minor < 15 ? PL_GEN_313
					  : PL_GEN_315;
}

static void python3(struct pl_layout *l, unsigned minor)
{
	bool free_threaded = l->flavour & PL_FREE_THREADED;

	python3_dicts(l, minor);
	python3_code(l, minor);
	/* 3.14.0-3.14.4 have one young and two old lists (Python/gc.c, gh-142516): the fields tell
	 */
	l->gc_style = free_threaded         ? PL_GC_NO_LISTS
		      : minor < 8           ? PL_GC_REFS34
		      : pl_has(l->f.gc_old) ? PL_GC_INCREMENTAL
					    : PL_GC_LINKS;
	l->refcount_style = free_threaded ? PL_REF_BIASED
			    : minor < 12  ? PL_REF_PLAIN
			    : minor < 14  ? PL_REF_IMMORTAL_SIGN
					  : PL_REF_IMMORTAL_U32;
	/* bpo-40217: subtype_traverse() in Objects/typeobject.c */
	l->traverse_type = minor >= 9;
	l->int_style = minor < 12 ? PL_INT_SIZED : PL_INT_TAGGED;
	l->str_style = minor < 12                     ? PL_STR_LEGACY
		       : minor >= 14 && free_threaded ? PL_STR_COMPACT_BYTE_INTERNED
						      : PL_STR_COMPACT;
	l->static_types_style = minor < 12 ? PL_STATIC_IN_TYPE : PL_STATIC_PER_INTERP;
	l->freelist_style = minor < 10   ? PL_FREE_STATICS
			    : minor < 14 ? PL_FREE_INTERP
					 : PL_FREE_UNIFORM;
}

bool pl_layout_encodings(struct pl_layout *l)
{
	unsigned major = l->hexversion >> 24, minor = MINOR(l);

	/* Objects/obmalloc.c: 16 where nothing else is found out (proof.c), radix tree since 3.10
	 */
	l->object_align = 16;
	l->arena_bytes = major == 2 || minor < 10 ? 256u << 10 : 1u << 20;
	l->pool_bytes = major == 2 || minor < 10 ? 4u << 10 : 16u << 10;
	l->preheader_gc = l->getsizeof_preheader = false;
	l->preheader_flags = l->flag_managed_dict = l->flag_inline_values = 0;
	l->flag_static_builtin = 0;
	l->traverse_type = false;
	l->builtins_module = major == 2 ? "__builtin__" : "builtins";
	if (major == 2 && minor == 7) {
		python2(l);
		return true;
	}
	if (major != 3 || minor < 6 || minor > NEWEST_MINOR)
		return false;
	python3(l, minor);
	return true;
}
