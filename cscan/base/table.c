/*
 * table.c - building, sorting and cutting result tables.
 */
#include "base/table.h"

#include <stdarg.h>
#include <stdio.h>

struct pl_table *pl_table_new(const char *name, const struct pl_column *columns, size_t n_columns)
{
	struct pl_table *t = pl_calloc(1, sizeof(*t));

	t->name = name;
	t->columns = columns;
	t->n_columns = n_columns;
	return t;
}

void pl_table_free(struct pl_table *t)
{
	if (!t)
		return;
	free(t->cells);
	free(t->total);
	pl_arena_fini(&t->strings);
	free(t);
}

void pl_table_clear(struct pl_table *t)
{
	t->n_rows = 0;
	free(t->total);
	t->total = NULL;
	pl_arena_clear(&t->strings);
}

struct pl_cell *pl_table_row(struct pl_table *t)
{
	struct pl_cell *row;

	if (t->n_rows == t->cap_rows)
		t->cells = pl_vec_grow(t->cells, t->n_rows, &t->cap_rows,
				       t->n_columns * sizeof(*t->cells));
	t->n_rows += t->n_rows < t->cap_rows;
	row = t->cells + (t->n_rows - 1) * t->n_columns;
	for (size_t i = 0; i < t->n_columns; i++)
		row[i] = pl_cell_absent();
	return row;
}

struct pl_cell *pl_table_total(struct pl_table *t)
{
	if (!t->total) {
		t->total = pl_calloc(t->n_columns, sizeof(*t->total));
		for (size_t i = 0; i < t->n_columns; i++)
			t->total[i] = pl_cell_absent();
	}
	return t->total;
}

int pl_table_column(const struct pl_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		if (!strcmp(t->columns[i].name, name))
			return (int)i;
	}
	return -1;
}

/* ---- sorting ---- */

/* The order of unlike cells of one column: numbers, then text, then what has no value. */
enum cell_class { CLASS_NUMBER, CLASS_TEXT, CLASS_NOTHING };

static enum cell_class class_of(const struct pl_cell *c)
{
	switch (c->kind) {
	case PL_CELL_ABSENT:
	case PL_CELL_UNKNOWN:
		return CLASS_NOTHING;
	case PL_CELL_TEXT:
	case PL_CELL_LIST:
		return CLASS_TEXT;
	default:
		return CLASS_NUMBER;
	}
}

static bool is_signed(const struct pl_cell *c)
{
	return c->kind == PL_CELL_INT || c->kind == PL_CELL_DELTA || c->kind == PL_CELL_DELTA_SIZE;
}

static int compare_numbers(const struct pl_cell *a, const struct pl_cell *b)
{
	if (a->kind == PL_CELL_SHARE || b->kind == PL_CELL_SHARE) {
		double x = a->kind == PL_CELL_SHARE ? a->d : 0;
		double y = b->kind == PL_CELL_SHARE ? b->d : 0;

		return (x > y) - (x < y);
	}
	if (a->kind == PL_CELL_BOOL || b->kind == PL_CELL_BOOL) {
		int x = a->kind == PL_CELL_BOOL && a->b, y = b->kind == PL_CELL_BOOL && b->b;

		return x - y;
	}
	if (is_signed(a) && a->i < 0)
		return is_signed(b) && b->i < 0 ? (a->i > b->i) - (a->i < b->i) : -1;
	if (is_signed(b) && b->i < 0)
		return 1;
	return (a->u > b->u) - (a->u < b->u);
}

/* How a goes against b in the natural order of its kind: great amounts first, low addresses and ids
 * first. */
static int compare_cells(const struct pl_cell *a, const struct pl_cell *b)
{
	if (class_of(a) == CLASS_TEXT)
		return strcmp(a->s, b->s);
	if (a->kind == b->kind && (a->kind == PL_CELL_ADDR || a->kind == PL_CELL_NUMBER))
		return (a->u > b->u) - (a->u < b->u);
	return compare_numbers(b, a);
}

struct sort_key {
	const struct pl_cell *cell;
	size_t row;
};

static int compare_keys(const struct sort_key *a, const struct sort_key *b, int sign)
{
	enum cell_class ca = class_of(a->cell), cb = class_of(b->cell);
	int c;

	if (ca != cb)
		return ca < cb ? -1 : 1;
	c = ca == CLASS_NOTHING ? 0 : sign * compare_cells(a->cell, b->cell);
	return c ? c : (a->row > b->row) - (a->row < b->row);
}

static int ascending(const void *a, const void *b)
{
	return compare_keys(a, b, 1);
}

static int turned_round(const void *a, const void *b)
{
	return compare_keys(a, b, -1);
}

bool pl_table_sort(struct pl_table *t, const char *column)
{
	bool turned = column[0] == '-';
	int col = pl_table_column(t, column + turned);
	struct sort_key *keys;
	struct pl_cell *cells;
	size_t row_bytes = t->n_columns * sizeof(*t->cells);

	if (col < 0)
		return false;
	keys = pl_try_calloc(t->n_rows, sizeof(*keys));
	cells = pl_try_calloc(t->n_rows, row_bytes);
	if (!keys || !cells) {
		free(keys);
		free(cells);
		return true;
	}
	for (size_t i = 0; i < t->n_rows; i++)
		keys[i] = (struct sort_key){&t->cells[i * t->n_columns + (size_t)col], i};
	qsort(keys, t->n_rows, sizeof(*keys), turned ? turned_round : ascending);
	for (size_t i = 0; i < t->n_rows; i++)
		memcpy(cells + i * t->n_columns, t->cells + keys[i].row * t->n_columns, row_bytes);
	free(keys);
	free(t->cells);
	t->cells = cells;
	t->cap_rows = t->n_rows;
	return true;
}

void pl_table_limit(struct pl_table *t, size_t limit)
{
	if (!limit || t->n_rows <= limit)
		return;
	t->hidden_rows += t->n_rows - limit;
	t->n_rows = limit;
}

/* ---- cells that own text ---- */

struct pl_cell pl_cell_text(struct pl_table *t, const char *s)
{
	return pl_cell_textn(t, s, strlen(s));
}

struct pl_cell pl_cell_textn(struct pl_table *t, const char *s, size_t n)
{
	return (struct pl_cell){PL_CELL_TEXT, {.s = pl_arena_strndup(&t->strings, s, n)}};
}

struct pl_cell pl_cell_printf(struct pl_table *t, const char *fmt, ...)
{
	struct pl_cell c = {PL_CELL_TEXT, {.s = NULL}};
	va_list ap;

	va_start(ap, fmt);
	c.s = pl_arena_vprintf(&t->strings, fmt, ap);
	va_end(ap);
	return c;
}

/* ---- results ---- */

void pl_result_fini(struct pl_result *r)
{
	for (size_t i = 0; i < r->tables.n; i++)
		pl_table_free(r->tables.at[i]);
	pl_vec_free(&r->tables);
	free(r->text);
	r->text = NULL;
}

struct pl_table *pl_result_table(struct pl_result *r, const char *name,
				 const struct pl_column *columns, size_t n_columns)
{
	struct pl_table *t = pl_table_new(name, columns, n_columns);

	pl_vec_push(&r->tables, t);
	return t;
}

void pl_result_section(struct pl_result *r, const char *title)
{
	if (r->section && r->print_section)
		r->print_section(r->print_arg, r);
	for (size_t i = 0; i < r->tables.n; i++)
		r->tables.at[i]->section_row = r->tables.at[i]->n_rows;
	r->section = title;
}
