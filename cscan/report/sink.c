/* sink.c - see sink.h. */
#include "report/sink.h"

#include <stddef.h>

#define FLUSH_BYTES ((size_t)64 << 10)

static void flush(struct pl_document *w)
{
	if (w->buf.n)
		fwrite(w->buf.at, 1, w->buf.n, w->out);
	w->buf.n = 0;
}

static void head(struct pl_document *w)
{
	if (w->headed)
		return;
	if (w->look)
		w->look(w->arg);
	w->format->head(w);
	w->headed = true;
}

static void end_table(struct pl_document *w)
{
	if (w->open)
		w->format->end_table(w, w->r->result->tables.at[w->n_tables - 1]);
	w->open = false;
}

/* The next table with the rows that it holds; false when it was cancelled meanwhile. */
static bool begin_next(struct pl_document *w)
{
	const struct pl_table *t = w->r->result->tables.at[w->n_tables];

	end_table(w);
	w->format->begin_table(w, t);
	w->n_tables++;
	w->open = true;
	for (size_t i = 0; i < t->n_rows; i++) {
		if (pl_report_stopped(w->r, i))
			return false;
		w->format->spell(w, t, i, t->cells + i * t->n_columns, &w->buf);
		if (w->buf.n >= FLUSH_BYTES)
			flush(w);
	}
	return true;
}

static void begin(struct pl_sink *s, const struct pl_table *t)
{
	struct pl_document *w = (struct pl_document *)s;
	bool on = true;

	head(w);
	do
		on = begin_next(w);
	while (on && w->r->result->tables.at[w->n_tables - 1] != t);
	flush(w);
}

static void spell(const struct pl_sink *s, const struct pl_table *t, size_t i,
		  const struct pl_cell *row, struct pl_buf *ret)
{
	const struct pl_document *w = (const struct pl_document *)s;

	w->format->spell(w, t, i, row, ret);
}

static bool put(struct pl_sink *s, const struct pl_buf *rows)
{
	struct pl_document *w = (struct pl_document *)s;

	return fwrite(rows->at, 1, rows->n, w->out) == rows->n;
}

void pl_document_init(struct pl_document *w, const struct pl_document_format *format, FILE *out,
		      const struct pl_report *r)
{
	*w = (struct pl_document){
		.sink = {begin, spell, put},
		.format = format,
		.out = out,
		.r = r,
	};
}

bool pl_document_end(struct pl_document *w)
{
	bool done = true;

	head(w);
	while (done && w->n_tables < w->r->result->tables.n)
		done = begin_next(w);
	end_table(w);
	if (w->look)
		w->look(w->arg);
	if (done)
		w->format->foot(w);
	flush(w);
	return done;
}

void pl_document_fini(struct pl_document *w)
{
	pl_buf_free(&w->buf);
	pl_buf_free(&w->keys);
	free(w->key_ends);
}
