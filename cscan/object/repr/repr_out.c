/*
 * repr_out.c - see repr_out.h.
 */
#include "object/repr/repr_out.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

#define DOTS 3

void pl_out_init(struct pl_out *out, char *buf, size_t cap, size_t max)
{
	*out = (struct pl_out){.buf = buf, .cap = cap, .max = max};
}

/* len bytes that show as chars characters; they go in as a whole or not at all. */
static inline void put(struct pl_out *out, const char *s, size_t len, size_t chars)
{
	if (out->full)
		return;
	if (len > out->cap - 1 - out->n || chars > out->max - out->chars) {
		out->full = true;
		out->n = out->cut;
		len = PL_MIN((size_t)DOTS, out->cap - 1 - out->n);
		s = "...";
	}
	memcpy(out->buf + out->n, s, len);
	out->n += len;
	out->chars += chars;
	if (out->n + DOTS <= out->cap - 1 && out->chars + DOTS <= out->max)
		out->cut = out->n;
}

void pl_out_char(struct pl_out *out, uint32_t cp)
{
	char one[PL_UTF8_PUT_MAX] = {(char)cp};
	size_t len;

	if (cp >= ' ' && cp < 0x7f) { /* nearly all of them */
		put(out, one, 1, 1);
		return;
	}
	len = pl_utf8_put(one, cp);
	put(out, one, len, pl_utf8_printable(cp) ? 1 : len);
}

void pl_out_text(struct pl_out *out, const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n && !out->full;) {
		uint32_t cp;
		size_t took = pl_utf8_get(s + i, n - i, &cp);

		if (took)
			pl_out_char(out, cp);
		else
			pl_out_printf(out, "\\x%02x", (unsigned)(uint8_t)s[i]);
		i += took ? took : 1;
	}
}

void pl_out_printf(struct pl_out *out, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		pl_out_text(out, text);
}

void pl_out_end(struct pl_out *out)
{
	out->buf[out->n] = '\0';
}
