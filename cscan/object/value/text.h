/*
 * text.h - where the characters of a str lie, and reading them one run at a time.
 *
 * Private to the room: value.h has the plain reader, repr.c needs the characters themselves.
 */
#ifndef PL_TEXT_H
#define PL_TEXT_H

#include "base/base.h"
#include "image/image.h"
#include "layout/layout.h"

struct pl_text {
	pl_addr data;
	uint64_t n;     /* units of width bytes */
	unsigned width; /* 1 (Latin-1, or bytes), 2 or 4 */
	bool utf16;     /* 2.7 narrow builds: a surrogate pair is one character */
	bool bytes;     /* 2.7 str: bytes of no known encoding */
};

/* A str (2.7: str or unicode) of whatever kind; false for anything else and for nonsense. */
bool pl_text_open(const struct pl_layout *l, struct pl_view *v, pl_addr addr, struct pl_text *ret);
/*
 * Up to n characters from unit *at on into chars; advances *at and returns how many. 0 at the end
 * and where the bytes are not at hand (then *at is less than t->n).
 */
size_t pl_text_chars(struct pl_view *v, const struct pl_text *t, uint64_t *at, uint32_t *chars,
		     size_t n);

#endif
