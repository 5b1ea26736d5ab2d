/*
 * value.h - reading builtin values out of the dead process: text, numbers, dicts, sequences.
 *
 * Needs a layout and a view, no object table: the type directory and the layout's users read names
 * with it before any object is listed. Every reader checks what it reads and answers false for what
 * is unreadable or nonsense.
 */
#ifndef PL_VALUE_H
#define PL_VALUE_H

#include "base/base.h"
#include "image/image.h"
#include "layout/layout.h"

/* Bits of tp_flags that mean the same in every version (Include/object.h, 2.7 to 3.15). */
#define PL_TPFLAG_HEAPTYPE (UINT64_C(1) << 9)
#define PL_TPFLAG_GC (UINT64_C(1) << 14)
#define PL_TPFLAG_INT27 (UINT64_C(1) << 23) /* 2.7 only: later versions use the bit otherwise */
#define PL_TPFLAG_LONG (UINT64_C(1) << 24)
#define PL_TPFLAG_LIST (UINT64_C(1) << 25)
#define PL_TPFLAG_TUPLE (UINT64_C(1) << 26)
#define PL_TPFLAG_BYTES (UINT64_C(1) << 27) /* 2.7: str */
#define PL_TPFLAG_STR (UINT64_C(1) << 28)   /* 2.7: unicode */
#define PL_TPFLAG_DICT (UINT64_C(1) << 29)
#define PL_TPFLAG_EXCEPTION (UINT64_C(1) << 30)
#define PL_TPFLAG_TYPE (UINT64_C(1) << 31)

/* ob_type of the object at addr and the tp_flags found there; whether that is a type is not
 * checked. */
bool pl_value_type(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *type,
		   uint64_t *flags);

/*
 * The characters of a str (2.7: str or unicode), whatever its kind, as UTF-8 into buf (cap bytes,
 * NUL-terminated, cut at a character's end). Nothing is escaped; lone surrogates become U+FFFD, and
 * 2.7 byte strings that are no UTF-8 are taken as Latin-1. *len (may be NULL) gets the bytes
 * written, *cut (may be NULL) whether something is missing.
 */
bool pl_str_read(const struct pl_layout *l, struct pl_view *v, pl_addr addr, char *buf, size_t cap,
		 size_t *len, bool *cut);
/* True when the str at addr is exactly this ASCII text. Cheap: length first. */
bool pl_str_equals(const struct pl_layout *l, struct pl_view *v, pl_addr addr, const char *text);

/* An int (2.7: int or long) that fits; false otherwise. */
bool pl_int_read(const struct pl_layout *l, struct pl_view *v, pl_addr addr, int64_t *ret);

/* The digits of an int of any size (2.7: of a long), least significant first. */
struct pl_digits {
	pl_addr at;
	uint64_t n;     /* 0 for the value 0 */
	unsigned width; /* bytes of a digit: 4 with 30 bits in it, or 2 with 15 */
	bool negative;
};
bool pl_int_digits(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		   struct pl_digits *ret);

/*
 * Entries of a dict in every form (2.7 table, combined, unicode-only, split, inline values, empty),
 * in the order Python would give them where the form keeps one. A dict that was caught half
 * changed gives what can be trusted.
 */
struct pl_dict_iter {
	const struct pl_layout *l;
	struct pl_view *v;
	pl_addr entries;      /* first entry */
	pl_addr values;       /* value array of a split dict, or 0 */
	uint64_t n, i;        /* entries, next one */
	unsigned stride;      /* bytes of an entry */
	int key_at, value_at; /* offsets in an entry; value_at -1 when split */
	const uint8_t *order; /* n_order key indices in insertion order (split, 3.11+), or NULL */
	unsigned n_order;
	int order_step; /* +1, or -1 where the indices lie backwards */
};
/* False (and an iterator with no entries) when addr is no readable dict. */
bool pl_dict_begin(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		   struct pl_dict_iter *it);
/* The attributes of an instance whose values pl_instance_dict() found; type_addr is its ob_type. */
bool pl_values_begin(const struct pl_layout *l, struct pl_view *v, pl_addr type_addr,
		     pl_addr values, struct pl_dict_iter *it);
/* The next live entry; *entry_index (may be NULL) its place in the table. False at the end. */
bool pl_dict_next(struct pl_dict_iter *it, pl_addr *key, pl_addr *value, uint64_t *entry_index);
/* ma_used, or false. */
bool pl_dict_used(const struct pl_layout *l, struct pl_view *v, pl_addr addr, uint64_t *ret);
/*
 * True when the table is one for text only, as its kind says (3.11+), or as its keys all are
 * (before: the table's lookup function would tell, but it is static; a table that once held other
 * keys still counts as general there). Not for 2.7's tables. begun stays where it is.
 */
bool pl_dict_keys_are_text(const struct pl_dict_iter *begun);
/*
 * The value under a str key of a namespace (a module's, a type's, an instance's dict), by a walk
 * over at most 2^20 entries: no hash, so the core's hash seed is not needed. False when absent.
 */
bool pl_dict_get(const struct pl_layout *l, struct pl_view *v, pl_addr dict, const char *key,
		 pl_addr *ret);

/* What a dict's keys object says of itself, checked against itself; not in 2.7. */
struct pl_dict_keys {
	pl_addr entries;
	uint64_t size;             /* slots of the index table, a power of two */
	uint64_t n;                /* entries ever used, at most size */
	uint64_t usable;           /* entries that can still be added */
	unsigned index_bytes_log2; /* bytes of the whole index table, as a power of two */
	unsigned stride;           /* bytes of an entry */
};
bool pl_dict_keys_read(const struct pl_layout *l, struct pl_view *v, pl_addr keys,
		       struct pl_dict_keys *ret);

/* Items of a list or tuple: address of the first item pointer and how many are readable. */
bool pl_list_items(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *items,
		   uint64_t *n);
bool pl_tuple_items(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *items,
		    uint64_t *n);

/* Members of a set or frozenset, in table order. No flag tells a set: the caller knows by its kind.
 */
struct pl_set_iter {
	const struct pl_layout *l;
	struct pl_view *v;
	pl_addr table;
	uint64_t n, i; /* slots, next one */
};
bool pl_set_begin(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		  struct pl_set_iter *it);
bool pl_set_next(struct pl_set_iter *it, pl_addr *key);

/* Items of a collections.deque from left to right; the caller knows that it is one. */
struct pl_deque_iter {
	const struct pl_layout *l;
	struct pl_view *v;
	pl_addr block;
	uint64_t n;     /* items */
	uint64_t i;     /* next one */
	uint64_t index; /* of it in the block */
};
bool pl_deque_begin(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		    struct pl_deque_iter *it);
bool pl_deque_next(struct pl_deque_iter *it, pl_addr *item);

/*
 * Where an instance's dict is, in every form of attrs_style: *dict is a dict object or 0; *values
 * an inline or prefixed value array (then keys are the type's ht_cached_keys: pl_values_begin()) or
 * 0; both 0 while it has no attribute. False: it has no dict by its type, or is unreadable.
 * type_addr is ob_type of addr.
 */
bool pl_instance_dict(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr type_addr,
		      pl_addr *dict, pl_addr *values);
/*
 * Inline values of an instance of type_addr, which has such: *values gets their address, or 0 when
 * they are not in use. A dict of the instance may share them: its ma_values is that address.
 */
bool pl_inline_values(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr type_addr,
		      pl_addr *values);

#endif
