/*
 * table.h - the result of an analysis: named tables of typed cells, plus the notes.
 *
 * Knows no output format; report/ turns it into text, JSON or CSV. Four different answers stay
 * different: a value, 0, PL_CELL_ABSENT (there is none) and PL_CELL_UNKNOWN (it could not be read).
 */
#ifndef PL_TABLE_H
#define PL_TABLE_H

#include "base/base.h"
#include "base/mem.h"

enum pl_cell_kind {
	PL_CELL_ABSENT,  /* JSON null, text "-" */
	PL_CELL_UNKNOWN, /* JSON null, text "?" */
	PL_CELL_TEXT,    /* UTF-8; escaped when it is printed, so raw bytes of a core may go in */
	PL_CELL_COUNT,   /* uint64; text with thousands separators */
	PL_CELL_NUMBER,  /* uint64 that counts nothing: an id, a line; text as it is */
	PL_CELL_INT,     /* int64; text with sign where negative, thousands separators */
	PL_CELL_DELTA,   /* int64; text always with its sign: +1,234 */
	PL_CELL_SIZE,    /* bytes; JSON number, text "12.3 MiB" */
	PL_CELL_DELTA_SIZE, /* int64 bytes; text "+12.3 MiB" */
	PL_CELL_ADDR,       /* JSON "0x...", text the same */
	PL_CELL_SHARE,      /* double 0..1; JSON the number, text "98.4 %" */
	PL_CELL_BOOL,       /* JSON true/false, text yes/no */
	PL_CELL_LIST,       /* JSON array of strings: one '\n'-joined text; text joined with ", " */
};

struct pl_cell {
	enum pl_cell_kind kind;
	union {
		uint64_t u;
		int64_t i;
		double d;
		bool b;
		const char *s; /* owned by the table */
	};
};

enum pl_align { PL_LEFT, PL_RIGHT };

struct pl_column {
	const char *name; /* JSON key and CSV header; the text header is the same */
	enum pl_align align;
	bool shrink;   /* in text, this column gives way first when 80 columns are short */
	bool optional; /* in text, left out when no row that is shown has a value in it */
	bool below;    /* in text, on a line of its own under its row: a sentence, a long shape */
};

struct pl_table {
	const char *name;
	const struct pl_column *columns; /* n_columns, static */
	size_t n_columns;
	struct pl_cell *cells; /* n_rows * n_columns, row after row */
	size_t n_rows, cap_rows;
	struct pl_cell
		*total;     /* n_columns cells, or NULL: "total" of the JSON, last line of text */
	bool record;        /* in text, a single row is printed downwards: name, value */
	size_t section_row; /* the first row of the result's section: see pl_result_section() */
	size_t hidden_rows; /* rows cut by --limit: text says "... 12 more" */
	struct pl_arena strings;
};

/* columns is borrowed and must outlive the table (static arrays do). */
struct pl_table *pl_table_new(const char *name, const struct pl_column *columns, size_t n_columns);
void pl_table_free(struct pl_table *t);
/* No rows and no total, as new; what the cells pointed to is gone. */
void pl_table_clear(struct pl_table *t);
/* Append a row of ABSENT cells; returns its cells, valid until the next call. Where memory is short
 * (mem.h) it may be the last row once more. */
struct pl_cell *pl_table_row(struct pl_table *t);
/* The total row, made on first call. */
struct pl_cell *pl_table_total(struct pl_table *t);
/* Index of a column by name, or -1. */
int pl_table_column(const struct pl_table *t, const char *name);
/*
 * Stable sort by a column: numbers descending, text ascending, ABSENT/UNKNOWN last; a '-' before
 * the name turns it round. False when there is no such column. Where memory is short the order
 * stays.
 */
bool pl_table_sort(struct pl_table *t, const char *column);
/* Keep the first limit rows (0 = all); the rest is counted in hidden_rows. */
void pl_table_limit(struct pl_table *t, size_t limit);

struct pl_cell pl_cell_text(struct pl_table *t, const char *s); /* copies s */
struct pl_cell pl_cell_textn(struct pl_table *t, const char *s,
			     size_t n); /* copies; may hold any byte but NUL */
struct pl_cell pl_cell_printf(struct pl_table *t, const char *fmt, ...) PL_PRINTF(2, 3);
static inline struct pl_cell pl_cell_count(uint64_t u)
{
	return (struct pl_cell){PL_CELL_COUNT, {.u = u}};
}
static inline struct pl_cell pl_cell_number(uint64_t u)
{
	return (struct pl_cell){PL_CELL_NUMBER, {.u = u}};
}
static inline struct pl_cell pl_cell_size(uint64_t u)
{
	return (struct pl_cell){PL_CELL_SIZE, {.u = u}};
}
static inline struct pl_cell pl_cell_addr(pl_addr u)
{
	return (struct pl_cell){PL_CELL_ADDR, {.u = u}};
}
static inline struct pl_cell pl_cell_int(int64_t i)
{
	return (struct pl_cell){PL_CELL_INT, {.i = i}};
}
static inline struct pl_cell pl_cell_bool(bool b)
{
	return (struct pl_cell){PL_CELL_BOOL, {.b = b}};
}
static inline struct pl_cell pl_cell_share(double d)
{
	return (struct pl_cell){PL_CELL_SHARE, {.d = d}};
}
static inline struct pl_cell pl_cell_unknown(void)
{
	return (struct pl_cell){PL_CELL_UNKNOWN, {.u = 0}};
}
static inline struct pl_cell pl_cell_absent(void)
{
	return (struct pl_cell){PL_CELL_ABSENT, {.u = 0}};
}

/* What an analysis hands over: its tables in order. */
struct pl_result {
	PL_VEC(struct pl_table *) tables; /* owned */
	char *text;   /* printed in place of the tables where text is asked for; owned, malloced, or
			 NULL */
	bool finding; /* exit status 1: a --fail-if or triage finding */
	bool redacted;       /* the report's head shows no arguments of the command line */
	const char *section; /* title of the section at hand, static; NULL = there are none */
	/* Who prints a section that is complete, set where text is asked for; or NULL. */
	void (*print_section)(void *arg, const struct pl_result *r);
	void *print_arg;
	struct pl_sink *sink; /* who takes rows one by one (sink.h); borrowed, NULL = nobody */
};
void pl_result_fini(struct pl_result *r);
/* pl_table_new() appended to r; r owns it. */
struct pl_table *pl_result_table(struct pl_result *r, const char *name,
				 const struct pl_column *columns, size_t n_columns);
/*
 * Here begins a section of that title (static). In text each section shows the rows that its tables
 * got in it, and is printed as soon as the next one begins: a reader has what is known already
 * while the rest is looked for. Other formats know no sections. No sort and no limit may follow.
 */
void pl_result_section(struct pl_result *r, const char *title);

#endif
