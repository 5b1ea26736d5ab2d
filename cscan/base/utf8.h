/*
 * utf8.h - strings of a core made safe to show.
 *
 * Whatever bytes the dead process held, what comes out of here is valid UTF-8 in which every
 * character is printable: no C0 or C1 control (so no terminal escape and no newline), no bidi
 * override, no invisible formatting character, no surrogate, no noncharacter. Knows nothing of
 * Python's quoting: a backslash or a quote passes as it is.
 */
#ifndef PL_UTF8_H
#define PL_UTF8_H

#include "base/base.h"

/* The longest that pl_utf8_put() writes: "\U0010ffff". */
#define PL_UTF8_PUT_MAX 10

/*
 * Decode the character at s, of which n > 0 bytes may be read: the bytes it takes (1 to 4), *ret
 * set; 0 when they are no valid UTF-8 (overlong, surrogate, cut short, above U+10FFFF).
 */
size_t pl_utf8_get(const char *s, size_t n, uint32_t *ret);
/* How many of the n bytes at s, from the first on, are printable ASCII. */
size_t pl_utf8_plain(const char *s, size_t n);
/* True when a character may reach a terminal as it is. */
bool pl_utf8_printable(uint32_t cp);
/*
 * Encode a character, or its Python escape (\n, \x1b, \u202e, \U000e0001) when it is not printable;
 * any uint32_t may come. Returns the bytes written, at most PL_UTF8_PUT_MAX; no NUL is added.
 */
size_t pl_utf8_put(char buf[PL_UTF8_PUT_MAX], uint32_t cp);
/*
 * The n bytes at s made safe into buf, NUL-terminated, cut at a whole character when cap is short;
 * an invalid byte becomes \xNN. Returns the length the whole needs without its NUL, like
 * snprintf(): buf may be NULL when cap is 0.
 */
size_t pl_utf8_escape(char *buf, size_t cap, const char *s, size_t n);

/* Columns that a printable character takes on a terminal: 0 (combining), 1 or 2 (East Asian wide).
 */
unsigned pl_utf8_width(uint32_t cp);
/* Columns of a string that pl_utf8_escape() made. */
size_t pl_utf8_columns(const char *s);

#endif
