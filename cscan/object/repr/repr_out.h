/*
 * repr_out.h - the text of one repr under way; private to the repr_*.c files.
 *
 * Everything put here is made printable; when it gets too long it ends in "..." and further text is
 * dropped, so writers need not look at the limits (they may ask full to stop early).
 */
#ifndef PL_REPR_OUT_H
#define PL_REPR_OUT_H

#include "base/base.h"

struct pl_out {
	char *buf;
	size_t cap, n;     /* bytes: room, written */
	size_t chars, max; /* characters: written, allowed */
	size_t cut;        /* where "..." goes when no more fits */
	bool full;
};

/* buf has room for cap > 0 bytes; at most max characters are written. */
void pl_out_init(struct pl_out *out, char *buf, size_t cap, size_t max);
/* One character, escaped as Python would when it is not printable. */
void pl_out_char(struct pl_out *out, uint32_t cp);
/* UTF-8 text; bytes that are none become \xNN. */
void pl_out_text(struct pl_out *out, const char *s);
void pl_out_printf(struct pl_out *out, const char *fmt, ...) PL_PRINTF(2, 3);
/* NUL-terminates. */
void pl_out_end(struct pl_out *out);

#endif
