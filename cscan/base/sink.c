/* sink.c - see sink.h. */
#include "base/sink.h"

#include "base/parallel.h"

#define PIECE 512 /* rows: some 100 KB of JSON, so that a cancel is heard soon */

struct stream {
	struct pl_sink *sink;
	struct pl_ctx *ctx;
	const struct pl_table *t;
	size_t n, before; /* rows to come, and those that t held */
	pl_row_fn *make;
	void *arg;
	struct part {
		struct pl_table *t;
		struct pl_buf spelled;
	} * parts; /* by worker */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	size_t turn;  /* the piece that is written next; under lock */
	bool refused; /* by the sink; under lock */
};

/*
 * Pieces are handed out in order and each one that was handed out comes here, so the piece whose
 * turn it is always is in somebody's hands.
 */
static void write_in_turn(struct stream *s, size_t piece, const struct pl_buf *rows)
{
	pthread_mutex_lock(&s->lock);
	while (s->turn != piece)
		pthread_cond_wait(&s->moved, &s->lock);
	if (!s->refused && !pl_ctx_cancelled(s->ctx))
		s->refused = !s->sink->put(s->sink, rows);
	s->turn++;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

static bool is_refused(struct stream *s)
{
	bool refused;

	pthread_mutex_lock(&s->lock);
	refused = s->refused;
	pthread_mutex_unlock(&s->lock);
	return refused;
}

static void make_piece(void *arg, unsigned worker, size_t piece)
{
	struct stream *s = arg;
	struct part *part = &s->parts[worker];
	size_t first = piece * PIECE, n = PL_MIN(s->n - first, (size_t)PIECE);

	part->spelled.n = 0;
	for (size_t i = 0; i < n && !pl_ctx_cancelled(s->ctx) && !(i == 0 && is_refused(s)); i++) {
		pl_table_clear(part->t);
		s->make(s->arg, worker, first + i, part->t);
		s->sink->spell(s->sink, s->t, s->before + first + i, part->t->cells,
			       &part->spelled);
	}
	write_in_turn(s, piece, &part->spelled);
	pl_ctx_step(s->ctx, n);
}

static int stream(struct stream *s, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(s->ctx);
	int rc;

	s->parts = pl_calloc(n, sizeof(*s->parts));
	for (unsigned i = 0; i < n; i++)
		s->parts[i].t = pl_table_new(s->t->name, s->t->columns, s->t->n_columns);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	s->sink->begin(s->sink, s->t);
	rc = pl_parallel(s->ctx, (s->n + PIECE - 1) / PIECE, make_piece, s, err);
	if (!rc && s->refused)
		rc = pl_ctx_cancel_err(err);
	pthread_cond_destroy(&s->moved);
	pthread_mutex_destroy(&s->lock);
	for (unsigned i = 0; i < n; i++) {
		pl_table_free(s->parts[i].t);
		pl_buf_free(&s->parts[i].spelled);
	}
	free(s->parts);
	return rc;
}

int pl_result_rows(struct pl_result *r, struct pl_table *t, size_t n, pl_row_fn *make, void *arg,
		   struct pl_ctx *ctx, struct pl_err *err)
{
	struct stream s = {
		.sink = r->sink,
		.ctx = ctx,
		.t = t,
		.n = n,
		.before = t->n_rows,
		.make = make,
		.arg = arg,
	};

	if (r->sink)
		return stream(&s, err);
	for (size_t i = 0; i < n; i++) {
		if (pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		make(arg, 0, i, t);
		pl_ctx_step(ctx, 1);
	}
	return 0;
}
