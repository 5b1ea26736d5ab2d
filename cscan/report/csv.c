/*
 * csv.c - tables for scripts and spreadsheets.
 */
#include "report/report.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "report/sink.h"

/* A number such as -5 or +1.5e3 starts like a formula but is none. */
static bool is_number(const char *s)
{
	char *end;

	strtod(s, &end);
	return end != s && !*end;
}

/* Escaped text: quoted when it must be, and never a formula. */
static void put_text(struct pl_buf *b, const char *s)
{
	bool quote = strpbrk(s, ",\"") != NULL, formula = *s && strchr("=+-@", *s) && !is_number(s);

	pl_buf_puts(b, quote ? "\"" : "");
	pl_buf_puts(b, formula ? "'" : "");
	while (*s) {
		size_t run = strcspn(s, "\"");

		pl_buf_put(b, s, run);
		s += run;
		if (*s++)
			pl_buf_puts(b, "\"\"");
		else
			break;
	}
	pl_buf_puts(b, quote ? "\"" : "");
}

/* Bytes of a core, made printable first. */
static void put_cell_text(struct pl_buf *b, const struct pl_cell *c)
{
	struct pl_line line = {0};
	size_t n = strlen(c->s);

	if (pl_utf8_plain(c->s, n) == n) {
		put_text(b, c->s);
		return;
	}
	pl_line_cell(&line, c);
	put_text(b, line.at);
	free(line.at);
}

/* Numbers as a script wants them: no separators, no units, no plus sign. */
static void put_cell(struct pl_buf *b, const struct pl_cell *c)
{
	switch (c->kind) {
	case PL_CELL_ABSENT:
		break;
	case PL_CELL_UNKNOWN:
		pl_buf_puts(b, "?");
		break;
	case PL_CELL_COUNT:
	case PL_CELL_NUMBER:
	case PL_CELL_SIZE:
		pl_buf_number(b, c->u);
		break;
	case PL_CELL_INT:
	case PL_CELL_DELTA:
	case PL_CELL_DELTA_SIZE:
		pl_buf_printf(b, "%" PRId64, c->i);
		break;
	case PL_CELL_ADDR:
		pl_buf_printf(b, "0x%" PRIx64, c->u);
		break;
	case PL_CELL_SHARE:
		pl_buf_printf(b, "%.6g", c->d);
		break;
	case PL_CELL_BOOL:
		pl_buf_puts(b, c->b ? "true" : "false");
		break;
	case PL_CELL_TEXT:
	case PL_CELL_LIST:
		put_cell_text(b, c);
		break;
	}
}

static void head(struct pl_document *w)
{
	(void)w;
}

static void begin_table(struct pl_document *w, const struct pl_table *t)
{
	if (w->r->result->tables.n > 1)
		pl_buf_printf(&w->buf, "%s# %s\n", w->n_tables ? "\n" : "", t->name);
	for (size_t col = 0; col < t->n_columns; col++) {
		pl_buf_puts(&w->buf, col ? "," : "");
		put_text(&w->buf, t->columns[col].name);
	}
	pl_buf_puts(&w->buf, "\n");
}

static void put_row(const struct pl_document *w, const struct pl_table *t, size_t i,
		    const struct pl_cell *row, struct pl_buf *b)
{
	(void)w;
	(void)i;
	for (size_t col = 0; col < t->n_columns; col++) {
		pl_buf_puts(b, col ? "," : "");
		put_cell(b, &row[col]);
	}
	pl_buf_puts(b, "\n");
}

static void end_table(struct pl_document *w, const struct pl_table *t)
{
	(void)w;
	(void)t;
}

const struct pl_document_format pl_csv_document = {head, begin_table, put_row, end_table, head};

bool pl_report_csv(FILE *out, const struct pl_report *r)
{
	struct pl_document w;
	bool done;

	pl_document_init(&w, &pl_csv_document, out, r);
	done = pl_document_end(&w);
	pl_document_fini(&w);
	return done;
}
