/*
 * cell.c - how one value looks to a reader.
 */
#include "report/report.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>

#include "base/say.h"
#include "base/utf8.h"

static void reserve(struct pl_line *l, size_t cap)
{
	if (cap <= l->cap)
		return;
	l->cap = PL_MAX(cap, l->cap * 2);
	l->at = pl_realloc(l->at, l->cap);
}

void pl_line_escape(struct pl_line *l, const char *s)
{
	size_t n = strlen(s);

	reserve(l, 128);
	l->n = pl_utf8_escape(l->at, l->cap, s, n);
	if (l->n < l->cap)
		return;
	reserve(l, l->n + 1);
	pl_utf8_escape(l->at, l->cap, s, n);
}

void pl_line_printf(struct pl_line *l, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	reserve(l, 128);
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(l->at, l->cap, fmt, ap);
	if (n < 0)
		pl_oom();
	l->n = (size_t)n;
	if (l->n >= l->cap) {
		reserve(l, l->n + 1);
		vsnprintf(l->at, l->cap, fmt, again);
	}
	va_end(again);
	va_end(ap);
}

void pl_line_thousands(struct pl_line *l, char sign, uint64_t v)
{
	const char prefix[2] = {sign, '\0'};

	pl_line_printf(l, "%s%s", prefix, PL_COUNT(v));
}

void pl_line_size(struct pl_line *l, char sign, uint64_t v)
{
	const char prefix[2] = {sign, '\0'};

	pl_line_printf(l, "%s%s", prefix, PL_SIZE(v));
}

void pl_line_signal(struct pl_line *l, int sig)
{
	const char *name = sigabbrev_np(sig);

	if (name)
		pl_line_printf(l, "SIG%s", name);
	else
		pl_line_printf(l, "signal %d", sig);
}

/* |i| without the overflow of -INT64_MIN */
static uint64_t magnitude(int64_t i)
{
	return i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
}

static char delta_sign(int64_t i)
{
	return i < 0 ? '-' : i > 0 ? '+' : '\0';
}

static void share(struct pl_line *l, double d)
{
	if (d > 0 && d < 0.0005)
		pl_line_printf(l, "<0.1 %%");
	else
		pl_line_printf(l, "%.1f %%", d * 100);
}

/* The '\n'-joined strings of s, each escaped, with ", " between them. */
static void list(struct pl_line *l, const char *s)
{
	size_t at = 0;

	reserve(l, 128);
	l->at[0] = '\0';
	for (;;) {
		size_t n = strcspn(s, "\n"), need = pl_utf8_escape(NULL, 0, s, n);

		reserve(l, at + need + sizeof(", "));
		at += pl_utf8_escape(l->at + at, l->cap - at, s, n);
		s += n;
		if (!*s++)
			break;
		memcpy(l->at + at, ", ", sizeof(", "));
		at += 2;
	}
	l->n = at;
}

void pl_line_cell(struct pl_line *l, const struct pl_cell *c)
{
	switch (c->kind) {
	case PL_CELL_ABSENT:
		pl_line_printf(l, "-");
		break;
	case PL_CELL_UNKNOWN:
		pl_line_printf(l, "?");
		break;
	case PL_CELL_TEXT:
		pl_line_escape(l, c->s);
		break;
	case PL_CELL_COUNT:
		pl_line_thousands(l, '\0', c->u);
		break;
	case PL_CELL_NUMBER:
		pl_line_printf(l, "%" PRIu64, c->u);
		break;
	case PL_CELL_INT:
		pl_line_thousands(l, c->i < 0 ? '-' : '\0', magnitude(c->i));
		break;
	case PL_CELL_DELTA:
		pl_line_thousands(l, delta_sign(c->i), magnitude(c->i));
		break;
	case PL_CELL_SIZE:
		pl_line_size(l, '\0', c->u);
		break;
	case PL_CELL_DELTA_SIZE:
		pl_line_size(l, delta_sign(c->i), magnitude(c->i));
		break;
	case PL_CELL_ADDR:
		pl_line_printf(l, "0x%" PRIx64, c->u);
		break;
	case PL_CELL_SHARE:
		share(l, c->d);
		break;
	case PL_CELL_BOOL:
		pl_line_printf(l, c->b ? "yes" : "no");
		break;
	case PL_CELL_LIST:
		list(l, c->s);
		break;
	}
}

bool pl_report_stopped(const struct pl_report *r, size_t row)
{
	return row % 4096 == 0 && r->ctx && pl_ctx_cancelled(r->ctx);
}
