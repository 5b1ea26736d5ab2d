/*
 * err.c - filling a struct pl_err, and what errors.def says about each code.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

static const struct {
	int code;
	int status;
	const char *hint;
} codes[] = {
#define PL_ERROR(name, status, hint) {PL_E_##name, status, hint},
#include "base/errors.def"
#undef PL_ERROR
};

/* Format into text (cap bytes) with everything made printable; room is left for more behind it. */
static void fill(char *text, size_t cap, const char *fmt, va_list ap)
{
	char raw[1024];
	int n = vsnprintf(raw, sizeof(raw), fmt, ap);

	if (n < 0)
		n = 0;
	pl_utf8_escape(text, cap, raw, PL_MIN((size_t)n, sizeof(raw) - 1));
}

static void start(struct pl_err *err, int code)
{
	err->code = code;
	err->addr = 0;
	err->hint[0] = '\0';
	for (size_t i = 0; i < PL_ARRAY_LEN(codes); i++) {
		if (codes[i].code == code)
			pl_utf8_escape(err->hint, sizeof(err->hint), codes[i].hint,
				       strlen(codes[i].hint));
	}
}

int pl_err_set(struct pl_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	start(err, code);
	va_start(ap, fmt);
	fill(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int pl_err_errno(struct pl_err *err, int code, int errnum, const char *fmt, ...)
{
	char reason[128];
	const char *why;
	size_t n, need;
	va_list ap;

	if (!err)
		return code;
	start(err, code);
	why = strerror_r(errnum, reason, sizeof(reason)); /* the GNU one: may not use its buffer */
	need = strlen(why) + strlen(" ()") + 1;
	va_start(ap, fmt);
	fill(err->text, sizeof(err->text) - PL_MIN(need, sizeof(err->text) / 2), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, " (%s)", why);
	return code;
}

void pl_err_hint(struct pl_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	fill(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

int pl_err_exit_status(int code)
{
	if (code == PL_OK)
		return 0;
	for (size_t i = 0; i < PL_ARRAY_LEN(codes); i++) {
		if (codes[i].code == code)
			return codes[i].status;
	}
	return 70;
}
