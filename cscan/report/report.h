/*
 * report.h - a result in, text, JSON or CSV out.
 *
 * Knows tables and cells (base/table.h) and the shapes that contract.md promises; knows nothing of
 * cores or CPython: what the head line and the JSON say of them comes in as plain values. Bytes of
 * a core arrive here raw and leave escaped (base/utf8.h).
 */
#ifndef PL_REPORT_H
#define PL_REPORT_H

#include <stdio.h>

#include "base/ctx.h"
#include "base/table.h"

/* Everything there is to print. Strings are borrowed and may hold any byte. */
struct pl_report {
	const char *analysis; /* its name, "types" */
	struct {
		bool known; /* the core was opened; else the rest is not set, likewise below */
		const char *path, *command;
		uint32_t pid;
		int signal; /* 0: a snapshot, nothing killed it */
		bool truncated;
		uint64_t missing_bytes;
	} core;
	struct {
		bool known;
		const char *version; /* "3.11.2" */
		uint32_t hexversion;
		const char *const *flavours; /* {"release"}; n_flavours of them */
		size_t n_flavours;
		const char *layout; /* where most of the layout comes from: "dwarf" */
	} python;
	struct {
		bool known;
		uint64_t n, size; /* live objects and the sum of their sizes in bytes */
	} objects;
	const struct pl_result *result;
	const struct pl_note *notes;
	size_t n_notes;
	bool partial;
	struct pl_ctx *ctx; /* asked for cancel between rows; NULL = nobody cancels */
	bool continued;     /* in text: an earlier section of it was printed, with the head line */
};

struct pl_text_style {
	unsigned columns; /* to fit into when it can be done; 0 = 80 */
	bool colour;      /* ANSI escapes for headings and totals */
};

/*
 * Each writes the whole to out (of a result with sections text writes the one at hand); false when
 * it was cancelled meanwhile (the output is then cut). Write errors of out are left to the caller's
 * ferror().
 */
bool pl_report_text(FILE *out, const struct pl_report *r, const struct pl_text_style *style);
/* One document, one row a line. A cut table says so in "notes". */
bool pl_report_json(FILE *out, const struct pl_report *r);
/*
 * Both hold no row but the one at hand: see sink.h for rows that are not in the result.
 *
 * RFC 4180 with '\n' line ends: a header line and the rows; no total (a script would add it up).
 * The first table comes bare; only when there are more does a line "# NAME" stand before each and
 * an empty line between them. Absent is empty, unknown is "?". Text that a spreadsheet would run as
 * a formula gets a ' in front.
 */
bool pl_report_csv(FILE *out, const struct pl_report *r);

/* ---- shared by the writers (report/cell.c) ---- */
/* A growing line that is used again and again: {0} to start, free(at) at the end. */
struct pl_line {
	char *at; /* NUL-terminated after the first call */
	size_t n, cap;
};
/* Replace the line by the escaped bytes of s, or by a formatted text (not escaped). */
void pl_line_escape(struct pl_line *l, const char *s);
void pl_line_printf(struct pl_line *l, const char *fmt, ...) PL_PRINTF(2, 3);
/* As text shows a cell: separators, units, signs. */
void pl_line_cell(struct pl_line *l, const struct pl_cell *c);
/* "1,234,567"; sign is '-', '+' or 0. */
void pl_line_thousands(struct pl_line *l, char sign, uint64_t v);
/* "12.3 MiB" */
void pl_line_size(struct pl_line *l, char sign, uint64_t v);
/* "SIGABRT", or "signal 99" for one that has no name. */
void pl_line_signal(struct pl_line *l, int sig);
/* True every few thousand rows when the report has been cancelled. */
bool pl_report_stopped(const struct pl_report *r, size_t row);

#endif
