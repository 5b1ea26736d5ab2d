/*
 * ctx.h - what a long operation shares with whoever waits for it: cancel, progress, notes.
 *
 * The library never prints and never calls back. The waiting side (the shell's main thread, gdb's
 * main thread) polls progress and sets cancel; both are atomics, so no lock is needed. Notes are
 * sentences for the user ("the core is truncated"); they are kept until the report is written.
 */
#ifndef PL_CTX_H
#define PL_CTX_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "base/err.h"
#include "base/mem.h"

enum pl_level { PL_INFO, PL_WARNING, PL_ERROR_LEVEL };

struct pl_note {
	enum pl_level level;
	const char *code; /* static, kebab-case, as in the JSON: "truncated-core" */
	char *text;       /* owned; one line, escaped already */
};

struct pl_ctx {
	atomic_bool cancel;
	_Atomic(const char *) stage;  /* static string: "reading arenas"; NULL when idle */
	_Atomic uint64_t done, total; /* of the stage, in its own unit; total 0 = unknown */
	unsigned threads;             /* how many a parallel loop may use, at least 1 */
	pthread_mutex_t lock;         /* of notes */
	struct pl_note *notes;
	size_t n_notes, cap_notes;
	bool partial; /* some result is known to be incomplete: exit status 4 */
};

void pl_ctx_init(struct pl_ctx *ctx, unsigned threads);
void pl_ctx_fini(struct pl_ctx *ctx);
/* Name the stage that starts now; total in its unit or 0. */
void pl_ctx_stage(struct pl_ctx *ctx, const char *stage, uint64_t total);
static inline void pl_ctx_step(struct pl_ctx *ctx, uint64_t by)
{
	atomic_fetch_add_explicit(&ctx->done, by, memory_order_relaxed);
}
/* Whether to stop: somebody asked for it, or memory is short (mem.h). */
static inline bool pl_ctx_cancelled(struct pl_ctx *ctx)
{
	return atomic_load_explicit(&ctx->cancel, memory_order_relaxed) || pl_mem_short();
}
/*
 * In a loop over many things, before the i-th: whether to stop. Looks at cancel now and then, so
 * who comes out of the loop looks again.
 */
static inline bool pl_ctx_look(struct pl_ctx *ctx, uint64_t i)
{
	return i % 4096 == 0 && pl_ctx_cancelled(ctx);
}
/* Why pl_ctx_cancelled(): PL_E_CANCELLED or PL_E_NOMEM, with *err filled. */
int pl_ctx_cancel_err(struct pl_err *err);
/*
 * Add a note; a second one with the same code and text is dropped. Thread-safe, but the order is
 * that of the calls: what several threads find is counted by them and told by the one that waits
 * for them, so that the notes, and which are kept of too many, do not depend on the threads.
 */
void pl_ctx_note(struct pl_ctx *ctx, enum pl_level level, const char *code, const char *fmt, ...)
	PL_PRINTF(4, 5);
/* pl_ctx_note() as a warning that also makes the run partial (exit status 4). Thread-safe. */
void pl_ctx_damage(struct pl_ctx *ctx, const char *code, const char *fmt, ...) PL_PRINTF(3, 4);

#endif
