/*
 * sink.h - rows that are told and not held.
 *
 * A table of millions of rows need not stand in memory for a format that wants one row at a time.
 * Where the result has a sink, pl_result_rows() makes the rows on all threads, piece by piece, and
 * the sink gets them in order, so that no more is held than a piece for each thread. Where it has
 * none (text must see all rows for its widths) the table gets them. The analysis that makes them
 * does not know which; what the output looks like is report/'s.
 */
#ifndef PL_SINK_H
#define PL_SINK_H

#include "base/buf.h"
#include "base/ctx.h"
#include "base/table.h"

/* The side that takes rows: the first member of whatever report/ keeps behind it. */
struct pl_sink {
	/* What stands before the rows of t, its rows so far included: see pl_result_rows(). */
	void (*begin)(struct pl_sink *s, const struct pl_table *t);
	/* Append row number i of t as it is to stand in the output. Several threads at once. */
	void (*spell)(const struct pl_sink *s, const struct pl_table *t, size_t i,
		      const struct pl_cell *row, struct pl_buf *ret);
	/* Take rows that were spelled, in order. False: they cannot be written, and no more need
	 * come; who made the sink knows why. */
	bool (*put)(struct pl_sink *s, const struct pl_buf *rows);
};

/*
 * Append row number i to t (one pl_table_row()). worker is below pl_parallel_workers(); t may be
 * another table of the same columns, and what is in it is nobody's business.
 */
typedef void pl_row_fn(void *arg, unsigned worker, size_t i, struct pl_table *t);

/*
 * Append n rows to t, a table of r: all tables of r must have been made, those before t be
 * complete, t's total and hidden_rows be set, and its order and number of rows be final (own_rows
 * of analysis.h). Steps ctx by rows. PL_E_CANCELLED, also when the sink takes no more.
 */
int pl_result_rows(struct pl_result *r, struct pl_table *t, size_t n, pl_row_fn *make, void *arg,
		   struct pl_ctx *ctx, struct pl_err *err);

#endif
