/*
 * text.c - aligned tables for a reader at a terminal.
 *
 * Two passes over a table: one measures, one prints, so that a million rows need no second copy.
 */
#include "report/report.h"

#include "base/utf8.h"

#define GAP 2   /* spaces between two columns */
#define BELOW 4 /* spaces before a line that belongs to the row above */
#define HIDDEN SIZE_MAX
#define SHRINK_LEAST 16 /* columns that a shrinking one keeps */
#define WRAP_MOST 8     /* lines of a sentence below its row */
#define ELLIPSIS "\xe2\x80\xa6"
#define DOT " \xc2\xb7 "

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

struct printer {
	FILE *out;
	const struct pl_report *r;
	bool colour;
	size_t columns;
	struct pl_line line;
	size_t *widths; /* of the table at hand; HIDDEN for a column that is left out */
	size_t blank;   /* spaces owed before the next thing printed: no line ends in them */
};

static void ink(const struct printer *p, const char *escape)
{
	if (p->colour)
		fputs(escape, p->out);
}

static void spaces(struct printer *p)
{
	fprintf(p->out, "%*s", (int)p->blank, "");
	p->blank = 0;
}

static void end_row(struct printer *p)
{
	ink(p, PLAIN);
	fputc('\n', p->out);
	p->blank = 0;
}

/* CPython 3.11.2 (release, layout from dwarf) . core of pid 4242, SIGABRT . 1,234 objects . 1 MiB
 */
static void head_line(struct printer *p)
{
	const struct pl_report *r = p->r;
	const char *sep = "";

	ink(p, BOLD);
	if (r->python.known) {
		pl_line_escape(&p->line, r->python.version);
		fprintf(p->out, "CPython %s (", p->line.at);
		for (size_t i = 0; i < r->python.n_flavours; i++)
			fprintf(p->out, "%s, ", r->python.flavours[i]);
		fprintf(p->out, "layout from %s)", r->python.layout);
		sep = DOT;
	}
	if (r->core.known) {
		fprintf(p->out, "%score of pid %u, ", sep, r->core.pid);
		if (r->core.signal)
			pl_line_signal(&p->line, r->core.signal);
		else
			pl_line_printf(&p->line, "snapshot");
		fputs(p->line.at, p->out);
		sep = DOT;
	}
	if (r->objects.known) {
		pl_line_thousands(&p->line, '\0', r->objects.n);
		fprintf(p->out, "%s%s objects", sep, p->line.at);
		pl_line_size(&p->line, '\0', r->objects.size);
		fprintf(p->out, DOT "%s", p->line.at);
		sep = DOT;
	}
	ink(p, PLAIN);
	if (*sep)
		fputs("\n\n", p->out);
}

/* The label of a total row stands in its first cell when that has nothing else to say. */
static void total_cell(struct printer *p, const struct pl_table *t, size_t col)
{
	if (t->total[col].kind != PL_CELL_ABSENT)
		pl_line_cell(&p->line, &t->total[col]);
	else
		pl_line_printf(&p->line, col == 0 ? "total" : "");
}

static void measure_line(struct printer *p, size_t col)
{
	if (p->widths[col] != HIDDEN)
		p->widths[col] = PL_MAX(p->widths[col], pl_utf8_columns(p->line.at));
}

static bool has_value(const struct pl_table *t, size_t col)
{
	for (size_t row = t->section_row; row < t->n_rows; row++) {
		if (t->cells[row * t->n_columns + col].kind != PL_CELL_ABSENT)
			return true;
	}
	return false;
}

static bool measure(struct printer *p, const struct pl_table *t)
{
	for (size_t col = 0; col < t->n_columns; col++) {
		p->widths[col] = pl_utf8_columns(t->columns[col].name);
		if (t->columns[col].below || (t->columns[col].optional && !has_value(t, col)))
			p->widths[col] = HIDDEN;
	}
	for (size_t row = t->section_row; row < t->n_rows; row++) {
		if (pl_report_stopped(p->r, row))
			return false;
		for (size_t col = 0; col < t->n_columns; col++) {
			pl_line_cell(&p->line, &t->cells[row * t->n_columns + col]);
			measure_line(p, col);
		}
	}
	for (size_t col = 0; t->total && col < t->n_columns; col++) {
		total_cell(p, t, col);
		measure_line(p, col);
	}
	return true;
}

/* The widest column that may give way and still can, or n_columns. */
static size_t widest_to_shrink(const struct printer *p, const struct pl_table *t)
{
	size_t best = t->n_columns;

	for (size_t col = 0; col < t->n_columns; col++) {
		size_t least = PL_MAX(SHRINK_LEAST, pl_utf8_columns(t->columns[col].name));

		if (t->columns[col].shrink && p->widths[col] != HIDDEN && p->widths[col] > least &&
		    (best == t->n_columns || p->widths[col] > p->widths[best]))
			best = col;
	}
	return best;
}

/* Make columns that shrink narrower until the table, indented, fits or they are at their least. */
static void fit(struct printer *p, const struct pl_table *t, size_t indent)
{
	size_t whole = indent, col;

	for (col = 0; col < t->n_columns; col++) {
		if (p->widths[col] == HIDDEN)
			continue;
		if (t->columns[col].shrink)
			p->widths[col] = PL_MIN(p->widths[col], PL_MAX(p->columns, SHRINK_LEAST));
		whole += p->widths[col] + (whole > indent ? GAP : 0);
	}
	while (whole > p->columns && (col = widest_to_shrink(p, t)) < t->n_columns) {
		p->widths[col]--;
		whole--;
	}
}

/* The bytes of s that fill at most columns, from its start or (from_end) up to its end. */
static size_t bytes_for(const char *s, size_t n, size_t columns, bool from_end)
{
	size_t at = from_end ? n : 0;

	for (;;) {
		size_t next = at, w;
		uint32_t cp = 0;

		if (from_end) {
			if (!at)
				break;
			do
				next--;
			while (next && ((uint8_t)s[next] & 0xc0) == 0x80);
			pl_utf8_get(s + next, n - next, &cp);
		} else {
			if (at == n)
				break;
			next += PL_MAX(pl_utf8_get(s + at, n - at, &cp), 1);
		}
		w = pl_utf8_width(cp);
		if (w > columns)
			break;
		columns -= w;
		at = next;
	}
	return from_end ? n - at : at;
}

/* Print the line, with its middle left out where it is wider than it may be; of a path, whose end
 * says most, the start. */
static void put_cut(struct printer *p, size_t width)
{
	const char *s = p->line.at;
	size_t n = p->line.n, before = *s == '/' ? 0 : width / 2, head, tail;

	if (pl_utf8_columns(s) <= width) {
		fputs(s, p->out);
		return;
	}
	head = bytes_for(s, n, before, false);
	tail = bytes_for(s, n, width - before - 1, true);
	fwrite(s, 1, head, p->out);
	fputs(ELLIPSIS, p->out);
	fwrite(s + n - tail, 1, tail, p->out);
}

/* Print the line on several of the given width, each but the first behind indent blanks: broken
 * before a word, and cut where that is not possible or would take too many. */
static void put_wrapped(struct printer *p, size_t width, size_t indent)
{
	for (size_t lines = 1; lines < WRAP_MOST && pl_utf8_columns(p->line.at) > width; lines++) {
		size_t n = bytes_for(p->line.at, p->line.n, width + 1, false);

		while (n && p->line.at[n - 1] != ' ')
			n--;
		if (!n)
			break;
		fwrite(p->line.at, 1, n - 1, p->out);
		fprintf(p->out, "\n%*s", (int)indent, "");
		p->line.n -= n;
		memmove(p->line.at, p->line.at + n, p->line.n + 1);
	}
	put_cut(p, width);
}

/* Print the line in a column's width; *first: no column of the row came before. */
static void put_column(struct printer *p, const struct pl_table *t, size_t col, bool *first)
{
	size_t width = p->widths[col], have = pl_utf8_columns(p->line.at);
	size_t pad = width > have ? width - have : 0;

	if (width == HIDDEN)
		return;
	p->blank += (*first ? 0 : GAP) + (t->columns[col].align == PL_RIGHT ? pad : 0);
	*first = false;
	if (p->line.n)
		spaces(p);
	put_cut(p, width);
	p->blank += t->columns[col].align == PL_LEFT ? pad : 0;
}

static void print_header(struct printer *p, const struct pl_table *t, size_t indent)
{
	bool first = true;

	ink(p, BOLD);
	p->blank = indent;
	for (size_t col = 0; col < t->n_columns; col++) {
		pl_line_printf(&p->line, "%s", t->columns[col].name);
		put_column(p, t, col, &first);
	}
	end_row(p);
}

/* The columns that have lines of their own, as name and value. */
static void print_below(struct printer *p, const struct pl_table *t, size_t row, size_t indent)
{
	size_t widest = 0;

	for (size_t col = 0; col < t->n_columns; col++) {
		if (t->columns[col].below)
			widest = PL_MAX(widest, strlen(t->columns[col].name));
	}
	for (size_t col = 0; col < t->n_columns; col++) {
		const struct pl_cell *cell = &t->cells[row * t->n_columns + col];
		size_t before = indent + BELOW + widest + GAP;

		if (!t->columns[col].below || cell->kind == PL_CELL_ABSENT)
			continue;
		pl_line_cell(&p->line, cell);
		fprintf(p->out, "%*s%-*s", (int)(indent + BELOW), "", (int)(widest + GAP),
			t->columns[col].name);
		put_wrapped(p, PL_MAX(p->columns, before + SHRINK_LEAST) - before, before);
		fputc('\n', p->out);
	}
}

static bool print_rows(struct printer *p, const struct pl_table *t, size_t indent)
{
	for (size_t row = t->section_row; row < t->n_rows; row++) {
		bool first = true;

		if (pl_report_stopped(p->r, row))
			return false;
		p->blank = indent;
		for (size_t col = 0; col < t->n_columns; col++) {
			pl_line_cell(&p->line, &t->cells[row * t->n_columns + col]);
			put_column(p, t, col, &first);
		}
		fputc('\n', p->out);
		print_below(p, t, row, indent);
	}
	if (!t->n_rows)
		fprintf(p->out, "%*s(none)\n", (int)indent, "");
	return true;
}

static void print_total(struct printer *p, const struct pl_table *t, size_t indent)
{
	bool first = true;

	ink(p, BOLD);
	p->blank = indent;
	for (size_t col = 0; col < t->n_columns; col++) {
		total_cell(p, t, col);
		put_column(p, t, col, &first);
	}
	end_row(p);
}

/* One row as lines of name and value: a single thing told in full reads better downwards. */
static void print_record(struct printer *p, const struct pl_table *t, size_t indent)
{
	size_t widest = 0;

	for (size_t col = 0; col < t->n_columns; col++)
		widest = PL_MAX(widest, strlen(t->columns[col].name));
	for (size_t col = 0; col < t->n_columns; col++) {
		const struct pl_cell *cell = &t->cells[col];

		if (t->columns[col].optional && cell->kind == PL_CELL_ABSENT)
			continue;
		pl_line_cell(&p->line, cell);
		fprintf(p->out, "%*s%-*s  %s\n", (int)indent, "", (int)widest, t->columns[col].name,
			p->line.at);
	}
}

static bool print_table(struct printer *p, const struct pl_table *t, size_t indent)
{
	if (t->record && t->n_rows == 1) {
		print_record(p, t, indent);
		return true;
	}
	p->widths = pl_calloc(t->n_columns, sizeof(*p->widths));
	if (!measure(p, t))
		goto cancelled;
	fit(p, t, indent);
	print_header(p, t, indent);
	if (!print_rows(p, t, indent))
		goto cancelled;
	if (t->hidden_rows) {
		pl_line_thousands(&p->line, '\0', t->hidden_rows);
		ink(p, DIM);
		fprintf(p->out, "%*s... %s more (--limit 0 for all)", (int)indent, "", p->line.at);
		end_row(p);
	}
	if (t->total)
		print_total(p, t, indent);
	free(p->widths);
	return true;
cancelled:
	free(p->widths);
	return false;
}

/* The title of a section; a blank line parts it from what follows and from the one before. */
static void print_title(struct printer *p, const char *title)
{
	fputs(p->r->continued ? "\n" : "", p->out);
	ink(p, BOLD);
	fputs(title, p->out);
	end_row(p);
	fputc('\n', p->out);
}

bool pl_report_text(FILE *out, const struct pl_report *r, const struct pl_text_style *style)
{
	struct printer p = {.out = out, .r = r, .colour = style->colour};
	const struct pl_result *result = r->result;
	size_t printed = 0;
	bool done = true, many = result->tables.n > 1;

	p.columns = style->columns ? style->columns : 80;
	if (!r->continued)
		head_line(&p);
	if (result->section)
		print_title(&p, result->section);
	for (size_t i = 0; i < result->tables.n && done; i++) {
		const struct pl_table *t = result->tables.at[i];

		if (result->section && t->section_row == t->n_rows)
			continue;
		if (many) {
			fputs(printed++ ? "\n" : "", out);
			ink(&p, BOLD);
			fprintf(out, "%s:", t->name);
			end_row(&p);
		}
		done = print_table(&p, t, many ? 2 : 0);
	}
	if (result->section && !printed)
		fputs("(nothing)\n", out);
	free(p.line.at);
	return done;
}
