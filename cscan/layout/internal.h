/*
 * internal.h - what the files of layout/ share and nobody else sees.
 *
 * The way of a layout: detect.c finds the interpreter and its version, resolve.c makes candidates
 * (tables.c, variants.c, dwarf_source.c, debug_offsets.c), encodings.c says what values mean,
 * places.c (statics.c, infer.c) finds the runtime's roots in this core, proof.c accepts or rejects.
 */
#ifndef PL_LAYOUT_INTERNAL_H
#define PL_LAYOUT_INTERNAL_H

#include "layout/layout.h"

/* ---- versions (version.c): PY_VERSION_HEX and the words it is written with ---- */
#define PL_HEX(major, minor, micro) \
	((uint32_t)(major) << 24 | (uint32_t)(minor) << 16 | (uint32_t)(micro) << 8)
/* "3.14.0rc2" of 0x030e00c2; "3.9" when only the minor is known (low parts 0). */
void pl_layout_version_text(uint32_t hexversion, char *buf, size_t cap);
/* The version that starts at s ("3.14.0rc2+ (main"); bytes eaten, or 0 when there is none. */
size_t pl_layout_version_parse(const char *s, size_t n, uint32_t *ret);
/*
 * The hexversion told by a sys.version text ("3.9.2 (default, ...) \n[GCC") in n bytes, or 0.
 * *other gets a static name when the text is of another implementation ("PyPy").
 */
uint32_t pl_layout_version_in_text(const char *s, size_t n, const char **other);
/* What a path tells: "lib/libpython3.13t.so.1.0" is 3.13, free-threaded. 0 when nothing. */
uint32_t pl_layout_version_in_path(const char *path, unsigned *flavour);

/* ---- detection (detect.c) ---- */
/* An interpreter met in the image, before any layout is known. Addresses 0 = not known. */
struct pl_found {
	int module;             /* with its symbols; -1 when no usable file was found */
	const char *path;       /* of the module or of what NT_FILE calls a Python; NULL = none */
	int path_module;        /* the module that path belongs to, -1 none */
	pl_addr type_type;      /* PyType_Type */
	uint64_t type_bytes;    /* its st_size */
	pl_addr runtime;        /* _PyRuntime */
	uint64_t runtime_bytes; /* its st_size */
	bool has_cookie;        /* runtime starts with _Py_DebugOffsets (3.13+) */
	uint32_t hexversion;    /* low parts 0 when only the minor is known; 0 = nothing known */
	const char *version_source;
	unsigned flavour;
	bool flavour_known;
};
/*
 * The nth interpreter of the image, 0 = the likeliest (there may be two libpythons in a process,
 * one of them unused). PL_E_NO_PYTHON, PL_E_UNSUPPORTED, PL_E_LAYOUT (version unknown),
 * PL_E_CANCELLED; *ret untouched on failure.
 */
int pl_layout_detect(struct pl_image *im, struct pl_ctx *ctx, unsigned nth, struct pl_found *ret,
		     struct pl_err *err);
/* The module whose file is called base ("_datetime" of _datetime.cpython-311-x86_64-linux-gnu.so),
 * or -1. */
int pl_layout_extension(const struct pl_image *im, const char *base);

/* ---- a layout being made ---- */
static inline int32_t *pl_layout_slot(struct pl_layout *l, unsigned field)
{
	return (int32_t *)&l->f + field;
}
static inline uint32_t *pl_layout_width(struct pl_layout *l, unsigned field)
{
	return (uint32_t *)&l->w + field;
}
static inline void pl_layout_set(struct pl_layout *l, unsigned field, int32_t offset,
				 uint32_t width, enum pl_source source)
{
	*pl_layout_slot(l, field) = offset;
	*pl_layout_width(l, field) = width;
	l->source[field] = (uint8_t)source;
}
static inline pl_addr pl_layout_at(pl_addr base, int32_t offset)
{
	return base + (uint64_t)(int64_t)offset;
}
/* Read the word at base + offset; false without such a field, without a base, or unreadable. */
static inline bool pl_layout_word(struct pl_view *v, pl_addr base, int32_t offset, uint64_t *ret)
{
	return pl_has(offset) && base && pl_read64(v, pl_layout_at(base, offset), ret);
}
/* Every field PL_NONE, from nowhere; no table. */
void pl_layout_clear(struct pl_layout *l);
struct pl_field_row {
	const char *name, *strct, *member;
};
extern const struct pl_field_row pl_layout_rows[PL_N_FIELDS];

/* ---- tables (tables.c) ---- */
struct pl_table_row {
	uint16_t field; /* enum pl_field; PL_N_FIELDS ends the rows */
	int32_t offset;
	uint32_t width;
};
struct pl_layout_table {
	const char *name; /* "3.13.5-debian" */
	uint32_t hexversion;
	unsigned flavour;
	const struct pl_table_row *rows;
};
const struct pl_layout_table *pl_layout_tables(size_t *n);
/* Every field of the layout from the table (PL_NONE where it has none), marked with source. */
void pl_layout_from_table(struct pl_layout *l, const struct pl_layout_table *t,
			  enum pl_source source);
/* Offset of one field in a table, PL_NONE when it lacks it. */
int32_t pl_layout_table_offset(const struct pl_layout_table *t, enum pl_field field);

/* ---- variants (variants.c) ---- */
/* Turn a layout into the nth other variant of its minor; its name ("generations at +24"), or NULL.
 */
const char *pl_layout_variant(struct pl_layout *l, unsigned nth);

/* ---- DWARF of the very binary (dwarf_source.c) ---- */
/*
 * Overlay what the debug information of the interpreter (and of the extension modules that define
 * some of the structs) says. False when there is none.
 */
bool pl_layout_from_dwarf(struct pl_image *im, const struct pl_found *found, struct pl_layout *l);

/* ---- _Py_DebugOffsets (debug_offsets.c) ---- */
#define PL_DEBUG_COOKIE "xdebugpy"
/* Version and kind of build from the head of the table at runtime; false without a cookie there. */
bool pl_layout_debug_head(struct pl_view *v, pl_addr runtime, uint32_t *hexversion,
			  bool *free_threaded);
/* Overlay the offsets that the table at runtime gives; returns how many fields it set. */
unsigned pl_layout_from_debug_offsets(struct pl_view *v, pl_addr runtime, uint32_t hexversion,
				      struct pl_layout *l);
/* How many of the table's offsets a layout table agrees and disagrees with. */
void pl_layout_debug_compare(struct pl_view *v, pl_addr runtime, uint32_t hexversion,
			     const struct pl_layout_table *t, unsigned *same, unsigned *other);

/*
 * Fields of the interpreter state behind the last one that the debug offsets tell: moved by as much
 * as that one moved from table t, when the whole struct grew by as much.
 */
void pl_layout_shift_interp(struct pl_layout *l, const struct pl_layout_table *t);

/* ---- encodings (encodings.c) ---- */
/* Fill every encoding from hexversion, flavour and the fields; false for a version never heard of.
 */
bool pl_layout_encodings(struct pl_layout *l);

/* ---- places (places.c, statics.c) ---- */
/* Find runtime, gc_statics, interp_head, tstate_current with the fields at hand. */
void pl_layout_places(struct pl_image *im, struct pl_ctx *ctx, const struct pl_found *found,
		      struct pl_layout *l);
/*
 * 2.7 and 3.6: gc_statics and the offsets of its neighbours (gc_enabled ...) by their symbols,
 * interp_head by symbol, thread state, or the code of PyInterpreterState_Head().
 */
void pl_layout_statics(struct pl_image *im, const struct pl_found *found, struct pl_layout *l);

/* ---- checks (check.c): small questions to a core, by a candidate layout ---- */
bool pl_layout_is_type(struct pl_view *v, const struct pl_layout *l, pl_addr addr);
/* An interpreter state: its threads (at most a cap) belong to it, threads says how many were seen.
 */
bool pl_layout_is_interp(struct pl_view *v, const struct pl_layout *l, pl_addr addr,
			 unsigned *threads);
/* The dict at addr is a dict by its structure; *found is a bit mask of the keys that it holds. */
bool pl_layout_dict_keys(struct pl_view *v, const struct pl_layout *l, pl_addr addr,
			 const char *const *keys, unsigned n_keys, unsigned *found);
struct pl_list_check {
	uint64_t nodes;    /* seen */
	uint64_t bad;      /* whose object has no type, or a type without the gc flag */
	uint64_t back;     /* whose prev does not point back */
	bool closed;       /* came round to the head */
	bool open;         /* stopped at the sample's bound, all well so far */
	bool missing;      /* stopped at memory that the core does not hold */
	uint64_t low_bits; /* of (node - pool header) taken together: tells the allocator's
			      alignment */
};
/* Walk a gc list from its head for at most max nodes, adding to *c. */
void pl_layout_check_list(struct pl_view *v, const struct pl_layout *l, pl_addr head,
			  bool collecting, uint64_t max, struct pl_list_check *c);

/* The allocator's state of 3.12+ (struct _obmalloc_state); how many arena slots it has, and where.
 */
bool pl_layout_is_obmalloc(struct pl_view *v, const struct pl_layout *l, pl_addr state,
			   uint32_t *count, pl_addr *arenas);
/* The first n records of an interpreter's static builtin types (3.12+) hold types. */
bool pl_layout_is_static_types(struct pl_view *v, const struct pl_layout *l, pl_addr records,
			       unsigned n);

/* ---- proof (proof.c) ---- */
/*
 * Prove a candidate on the core; true, or false with the reason in why. May settle what only the
 * heap tells: object_align of old versions, arena_bytes. strict: also reject for single fields that
 * hold nonsense, as a table of another build may; debug information is not doubted for one of them.
 */
bool pl_layout_prove(struct pl_image *im, struct pl_layout *l, bool strict, char *why, size_t cap);

/* ---- searching (scan.c) ---- */
struct pl_layout_range {
	pl_addr lo, hi;
};
/* The memory in which the statics of a module are; everything for -1. */
struct pl_layout_range pl_layout_statics_range(const struct pl_image *im, int module);
/*
 * Hand the writable memory of a range to fn in windows of at least 4096 bytes that overlap by as
 * much, until it returns true; false when it never did or ctx was cancelled.
 */
typedef bool pl_layout_scan_fn(void *arg, pl_addr lo, const uint8_t *host, uint64_t n);
bool pl_layout_scan(struct pl_image *im, struct pl_ctx *ctx, struct pl_layout_range range,
		    pl_layout_scan_fn *fn, void *arg);

/* ---- inference (infer.c) ---- */
/* PyType_Type without symbols: the one object in writable memory that is its own type; 0 = none. */
pl_addr pl_layout_find_type(struct pl_image *im, struct pl_ctx *ctx, const struct pl_found *found);
/* _PyRuntime by its cookie (3.13+), 0 = none. */
pl_addr pl_layout_find_cookie(struct pl_image *im, struct pl_ctx *ctx,
			      const struct pl_found *found);
/* With a table's fields at hand: runtime (or gc_statics and interp_head) by what they must satisfy.
 */
void pl_layout_find_places(struct pl_image *im, struct pl_ctx *ctx, const struct pl_found *found,
			   struct pl_layout *l);
/*
 * 3.12+, where the records of static types are not where the fields say: search the interpreter for
 * them, and move the fields around them by as much.
 */
void pl_layout_find_tail(struct pl_image *im, struct pl_layout *l);

#endif
