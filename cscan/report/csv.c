/*
 * csv.c - tables for scripts and spreadsheets.
 */
#include "report/report.h"

#include <inttypes.h>

#include "base/utf8.h"

/* A number such as -5 or +1.5e3 starts like a formula but is none. */
static bool is_number(const char *s)
{
	char *end;

	strtod(s, &end);
	return end != s && !*end;
}

/* Escaped text: quoted when it must be, and never a formula. */
static void put_text(FILE *out, const char *s)
{
	bool quote = strpbrk(s, ",\"") != NULL, formula = *s && strchr("=+-@", *s) && !is_number(s);

	fputs(quote ? "\"" : "", out);
	fputs(formula ? "'" : "", out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputs(quote ? "\"" : "", out);
}

/* Numbers as a script wants them: no separators, no units, no plus sign. */
static void put_cell(FILE *out, struct pl_line *line, const struct pl_cell *c)
{
	switch (c->kind) {
	case PL_CELL_ABSENT:
		break;
	case PL_CELL_UNKNOWN:
		fputc('?', out);
		break;
	case PL_CELL_COUNT:
	case PL_CELL_NUMBER:
	case PL_CELL_SIZE:
		fprintf(out, "%" PRIu64, c->u);
		break;
	case PL_CELL_INT:
	case PL_CELL_DELTA:
	case PL_CELL_DELTA_SIZE:
		fprintf(out, "%" PRId64, c->i);
		break;
	case PL_CELL_ADDR:
		fprintf(out, "0x%" PRIx64, c->u);
		break;
	case PL_CELL_SHARE:
		fprintf(out, "%.6g", c->d);
		break;
	case PL_CELL_BOOL:
		fputs(c->b ? "true" : "false", out);
		break;
	case PL_CELL_TEXT:
	case PL_CELL_LIST:
		pl_line_cell(line, c);
		put_text(out, line->at);
		break;
	}
}

static bool put_table(FILE *out, const struct pl_report *r, const struct pl_table *t,
		      struct pl_line *line)
{
	for (size_t col = 0; col < t->n_columns; col++) {
		fputs(col ? "," : "", out);
		put_text(out, t->columns[col].name);
	}
	fputc('\n', out);
	for (size_t row = 0; row < t->n_rows; row++) {
		if (pl_report_stopped(r, row))
			return false;
		for (size_t col = 0; col < t->n_columns; col++) {
			fputs(col ? "," : "", out);
			put_cell(out, line, &t->cells[row * t->n_columns + col]);
		}
		fputc('\n', out);
	}
	return true;
}

bool pl_report_csv(FILE *out, const struct pl_report *r)
{
	struct pl_line line = {0};
	size_t n = r->result->tables.n;
	bool done = true;

	for (size_t i = 0; i < n && done; i++) {
		const struct pl_table *t = r->result->tables.at[i];

		if (n > 1)
			fprintf(out, "%s# %s\n", i ? "\n" : "", t->name);
		done = put_table(out, r, t, &line);
	}
	free(line.at);
	return done;
}
