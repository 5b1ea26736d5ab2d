/* buf.c - see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define FIRST 4096 /* bytes */

char *pl_buf_room(struct pl_buf *b, size_t more)
{
	size_t need, cap;
	char *at;

	if (more <= b->cap - b->n)
		return b->at + b->n;
	if (__builtin_add_overflow(b->n, more, &need))
		return pl_try_realloc(NULL, SIZE_MAX);
	cap = PL_MAX(PL_MAX(need, b->cap + b->cap / 2), (size_t)FIRST);
	at = pl_try_realloc(b->at, cap);
	if (!at)
		return NULL;
	b->at = at;
	b->cap = cap;
	return b->at + b->n;
}

void pl_buf_put(struct pl_buf *b, const char *s, size_t n)
{
	char *to = pl_buf_room(b, n);

	if (!to)
		return;
	memcpy(to, s, n);
	b->n += n;
}

void pl_buf_puts(struct pl_buf *b, const char *s)
{
	pl_buf_put(b, s, strlen(s));
}

void pl_buf_printf(struct pl_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to = pl_buf_room(b, 128);
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = to ? vsnprintf(to, b->cap - b->n, fmt, ap) : -1;
	if (n >= 0 && (size_t)n >= b->cap - b->n) {
		to = pl_buf_room(b, (size_t)n + 1);
		n = to ? vsnprintf(to, b->cap - b->n, fmt, again) : -1;
	}
	if (n > 0)
		b->n += (size_t)n;
	va_end(again);
	va_end(ap);
}

void pl_buf_number(struct pl_buf *b, uint64_t u)
{
	char digits[20];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + u % 10);
	while (u /= 10);
	pl_buf_put(b, digits + n, sizeof(digits) - n);
}

void pl_buf_free(struct pl_buf *b)
{
	free(b->at);
	*b = (struct pl_buf){NULL, 0, 0};
}
