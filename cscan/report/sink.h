/*
 * sink.h - a document written from its head to its foot while the rows come.
 *
 * JSON and CSV need no row but the one at hand. What the document says before its tables is asked
 * for when the first table begins, what it says behind them when it ends.
 */
#ifndef PL_REPORT_SINK_H
#define PL_REPORT_SINK_H

#include "base/sink.h"
#include "report/report.h"

/* One way of writing a document. Functions but spell() put into w->buf. */
struct pl_document;
struct pl_document_format {
	void (*head)(struct pl_document *w);
	void (*begin_table)(struct pl_document *w, const struct pl_table *t);
	/* One row, the i-th: pl_sink's spell(). */
	void (*spell)(const struct pl_document *w, const struct pl_table *t, size_t i,
		      const struct pl_cell *row, struct pl_buf *ret);
	void (*end_table)(struct pl_document *w, const struct pl_table *t);
	void (*foot)(struct pl_document *w);
};
extern const struct pl_document_format pl_json_document, pl_csv_document;

/* A document under way. */
struct pl_document {
	struct pl_sink sink; /* for pl_result.sink; first */
	const struct pl_document_format *format;
	FILE *out;
	const struct pl_report *r; /* as it is when it is looked at */
	void (*look)(void *arg);   /* make *r true again before head and foot; or NULL */
	void *arg;
	struct pl_buf buf;
	bool headed;     /* the head is written */
	size_t n_tables; /* begun so far, in the result's order; the last may be open */
	bool open;       /* for rows of its table */
	/* The keys of the open table's columns as they stand in a row, one behind the other. */
	struct pl_buf keys;
	size_t *key_ends; /* where in keys each of them ends */
};

void pl_document_init(struct pl_document *w, const struct pl_document_format *format, FILE *out,
		      const struct pl_report *r);
/* Write what is not written yet. False when it was cancelled; write errors are left to ferror(). */
bool pl_document_end(struct pl_document *w);
void pl_document_fini(struct pl_document *w);

#endif
