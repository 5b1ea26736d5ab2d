/*
 * ctx.c - stages and notes of a running operation.
 */
#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/utf8.h"

/* A note repeated with other numbers for each bad pointer of a hostile core must not eat memory.
 * One more says that this happened. */
#define MAX_NOTES 1000

void pl_ctx_init(struct pl_ctx *ctx, unsigned threads)
{
	memset(ctx, 0, sizeof(*ctx));
	atomic_init(&ctx->cancel, false);
	atomic_init(&ctx->stage, NULL);
	atomic_init(&ctx->done, 0);
	atomic_init(&ctx->total, 0);
	ctx->threads = threads ? threads : 1;
	pthread_mutex_init(&ctx->lock, NULL);
}

void pl_ctx_fini(struct pl_ctx *ctx)
{
	for (size_t i = 0; i < ctx->n_notes; i++)
		free(ctx->notes[i].text);
	free(ctx->notes);
	ctx->notes = NULL;
	ctx->n_notes = ctx->cap_notes = 0;
	pthread_mutex_destroy(&ctx->lock);
}

void pl_ctx_stage(struct pl_ctx *ctx, const char *stage, uint64_t total)
{
	atomic_store(&ctx->done, 0);
	atomic_store(&ctx->total, total);
	atomic_store(&ctx->stage, stage);
}

int pl_ctx_cancel_err(struct pl_err *err)
{
	if (pl_mem_short())
		return pl_err_set(err, PL_E_NOMEM, "memory ran out");
	return pl_err_set(err, PL_E_CANCELLED, "cancelled");
}

static bool have_note(const struct pl_ctx *ctx, const char *code, const char *text)
{
	for (size_t i = 0; i < ctx->n_notes; i++) {
		if (!strcmp(ctx->notes[i].code, code) && !strcmp(ctx->notes[i].text, text))
			return true;
	}
	return false;
}

static void keep_note(struct pl_ctx *ctx, struct pl_note note)
{
	if (ctx->n_notes == ctx->cap_notes) {
		ctx->cap_notes = ctx->cap_notes ? ctx->cap_notes * 2 : 8;
		ctx->notes = pl_realloc(ctx->notes, ctx->cap_notes * sizeof(*ctx->notes));
	}
	note.text = pl_strdup(note.text);
	ctx->notes[ctx->n_notes++] = note;
}

static void add_note(struct pl_ctx *ctx, bool partial, enum pl_level level, const char *code,
		     const char *fmt, va_list ap)
{
	char raw[1024], text[2048];
	int n = vsnprintf(raw, sizeof(raw), fmt, ap);

	if (n < 0)
		n = 0;
	pl_utf8_escape(text, sizeof(text), raw, PL_MIN((size_t)n, sizeof(raw) - 1));
	pthread_mutex_lock(&ctx->lock);
	ctx->partial |= partial;
	if (ctx->n_notes <= MAX_NOTES && !have_note(ctx, code, text))
		keep_note(ctx,
			  ctx->n_notes < MAX_NOTES
				  ? (struct pl_note){level, code, text}
				  : (struct pl_note){PL_WARNING, "notes-left-out",
						     "there are more notes: they are left out"});
	pthread_mutex_unlock(&ctx->lock);
}

void pl_ctx_note(struct pl_ctx *ctx, enum pl_level level, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_note(ctx, false, level, code, fmt, ap);
	va_end(ap);
}

void pl_ctx_damage(struct pl_ctx *ctx, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_note(ctx, true, PL_WARNING, code, fmt, ap);
	va_end(ap);
}
