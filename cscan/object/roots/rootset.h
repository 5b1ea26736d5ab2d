/*
 * rootset.h - the set of roots while it is put together; private to roots*.c.
 */
#ifndef PL_ROOTSET_H
#define PL_ROOTSET_H

#include <stdarg.h>

#include "object/roots/roots.h"

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

/* The tables of an interpreter, and of the runtime with the first one (roots_runtime.c). */
void pl_roots_runtime(struct pl_rootset *s, pl_addr interp);
/* The tasks on one of asyncio's lists, given by its head. */
void pl_roots_tasks(struct pl_rootset *s, pl_addr list, const char *name);
/* What thread states and their frames hold (roots_threads.c). */
int pl_roots_threads(struct pl_rootset *s, struct pl_ctx *ctx, struct pl_err *err);

#endif
