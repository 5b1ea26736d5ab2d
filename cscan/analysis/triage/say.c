/*
 * say.c - see say.h.
 */
#include "analysis/triage/say.h"

#include <stdarg.h>
#include <stdio.h>

#include "analysis/spell/secrets.h"
#include "base/utf8.h"
#include "object/repr/repr.h"

static struct pl_cell sentence(const struct pl_triage *t, struct pl_table *table, const char *fmt,
			       va_list ap)
{
	char text[600];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (t->values)
		pl_secret_mask(text);
	return pl_cell_text(table, text);
}

static const char *const confidences[] = {
	[PL_CERTAIN] = "certain", [PL_LIKELY] = "likely", [PL_POSSIBLE] = "possible"};

void pl_triage_verdict(struct pl_triage *t, const char *verdict, enum pl_confidence confidence,
		       const char *fmt, ...)
{
	struct pl_cell *row = pl_table_row(t->verdict);
	va_list ap;

	row[0] = pl_cell_text(t->verdict, verdict);
	row[1] = pl_cell_text(t->verdict, confidences[confidence]);
	va_start(ap, fmt);
	row[2] = sentence(t, t->verdict, fmt, ap);
	va_end(ap);
}

static void put_evidence(struct pl_triage *t, const char *kind, enum pl_confidence confidence,
			 const char *analysis, const char *fmt, va_list ap)
{
	struct pl_cell *row = pl_table_row(t->evidence);

	row[0] = pl_cell_text(t->evidence, kind);
	row[1] = sentence(t, t->evidence, fmt, ap);
	row[2] = analysis ? pl_cell_text(t->evidence, analysis) : pl_cell_absent();
	row[3] = pl_cell_text(t->evidence, confidences[confidence]);
}

void pl_triage_evidence(struct pl_triage *t, const char *kind, const char *analysis,
			const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_evidence(t, kind, PL_CERTAIN, analysis, fmt, ap);
	va_end(ap);
}

void pl_triage_conclusion(struct pl_triage *t, const char *kind, enum pl_confidence confidence,
			  const char *analysis, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_evidence(t, kind, confidence, analysis, fmt, ap);
	va_end(ap);
}

void pl_triage_value(const struct pl_triage *t, const struct pl_objects *o, struct pl_view *v,
		     pl_addr addr, char *buf, size_t cap)
{
	static const struct pl_repr_limits long_ones = {.chars = 1000, .total = 1000};
	char whole[1024] = "";

	if (t->values)
		pl_repr(o, v, addr, &long_ones, whole, sizeof(whole));
	pl_secret_mask(whole);
	pl_utf8_escape(buf, cap, whole, strlen(whole));
}

void pl_triage_signature(struct pl_triage *t, const char *kind, const char *value)
{
	struct pl_cell *row = pl_table_row(t->signature);

	row[0] = pl_cell_text(t->signature, kind);
	row[1] = pl_cell_text(t->signature, value);
}
