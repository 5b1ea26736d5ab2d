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

/*
 * Entries of a dict in every form (2.7 table, combined, unicode-only, split, inline values, empty),
 * in the order Python would give them where the form keeps one. A dict that was caught half
 * changed gives what can be trusted.
 */
struct pl_dict_iter {
	const struct pl_layout *l;
	struct pl_view *v;
	pl_addr entries;   /* first entry */
	pl_addr values;    /* value array of a split dict, or 0 */
	uint64_t n, i;     /* entries, next one */
	unsigned stride;   /* bytes of an entry */
	int key_at, value_at; /* offsets in an entry; value_at -1 when split */
};
/* False (and an iterator with no entries) when addr is no readable dict. */
bool pl_dict_begin(const struct pl_layout *l, struct pl_view *v, pl_addr addr, struct pl_dict_iter *it);
/* The next live entry; *entry_index (may be NULL) its place in the table. False at the end. */
bool pl_dict_next(struct pl_dict_iter *it, pl_addr *key, pl_addr *value, uint64_t *entry_index);
/* ma_used, or false. */
bool pl_dict_used(const struct pl_layout *l, struct pl_view *v, pl_addr addr, uint64_t *ret);
/* The value under a str key, by a walk (no hash: the core's hash seed is not needed); false when absent. */
bool pl_dict_get(const struct pl_layout *l, struct pl_view *v, pl_addr dict, const char *key, pl_addr *ret);

/* Items of a list or tuple: address of the first item pointer and how many are readable. */
bool pl_list_items(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *items, uint64_t *n);
bool pl_tuple_items(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *items, uint64_t *n);

/*
 * Where an instance's dict is, in every form of attrs_style: *dict is a dict object or 0; *values an
 * inline or prefixed value array (then keys are the type's ht_cached_keys) or 0. False: it has no
 * dict by its type, or is unreadable. type_addr is ob_type of addr.
 */
bool pl_instance_dict(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr type_addr,
		      pl_addr *dict, pl_addr *values);

#endif
