/*
 * buf.h - text that grows at its end.
 *
 * Used again and again: emptied with n = 0, its memory stays.
 */
#ifndef PL_BUF_H
#define PL_BUF_H

#include "base/base.h"

struct pl_buf {
	char *at; /* n bytes, no NUL behind them; NULL while nothing was put */
	size_t n, cap;
};

/* Room for more bytes behind at + n, which the caller adds to n; NULL when there is no memory. */
char *pl_buf_room(struct pl_buf *b, size_t more);
void pl_buf_put(struct pl_buf *b, const char *s, size_t n);
void pl_buf_puts(struct pl_buf *b, const char *s);
void pl_buf_printf(struct pl_buf *b, const char *fmt, ...) PL_PRINTF(2, 3);
/* A number in decimal. */
void pl_buf_number(struct pl_buf *b, uint64_t u);
void pl_buf_free(struct pl_buf *b);

#endif
