/*
 * rootset.h - the set of roots while it is put together; private to roots*.c.
 */
#ifndef PL_ROOTSET_H
#define PL_ROOTSET_H

#include <stdarg.h>

#include "object/roots.h"

/*
 * Slots of an interpreter's static type records: _Py_MAX_MANAGED_STATIC_BUILTIN_TYPES is 200 to 202
 * and _Py_MAX_MANAGED_STATIC_EXT_TYPES is 10 in pycore_typeobject.h of 3.12 to 3.15.
 */
enum { PL_STATIC_TYPES = 200, PL_EXT_STATIC_TYPES = 10 };

struct pl_rootset {
	struct pl_objects *o;
	struct pl_roots *r;
	struct pl_view v;
	PL_VEC(struct pl_root) list;
};

/* Add a root; nothing, and NULL, when target is 0. fmt: its name. The pointer holds until the next
 * call. */
struct pl_root *pl_root_add(struct pl_rootset *s, enum pl_root_kind kind, pl_addr target,
			    const char *accessor, bool owns, const char *fmt, ...) PL_PRINTF(6, 7);
/* The word at base + offset, 0 when the field does not exist or cannot be read. */
uint64_t pl_root_word(struct pl_rootset *s, pl_addr base, int32_t offset);
/* Text of a str, escaped; "?" when unreadable. */
void pl_root_str(struct pl_rootset *s, pl_addr str, char *buf, size_t cap);

/* What thread states and their frames hold (roots_threads.c). */
int pl_roots_threads(struct pl_rootset *s, struct pl_ctx *ctx, struct pl_err *err);

#endif
