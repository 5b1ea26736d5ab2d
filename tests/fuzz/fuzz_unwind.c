/*
 * fuzz_unwind.c - native stacks: registers, stack words and the vDSO's own tables damaged, then
 * every thread unwound, with the signals on its stack and the registers of its calls.
 *
 * An input is the number of a base, that of a thread, then operations as in base.h, whose place is
 * read otherwise: a word of the thread's stack, a word of the vDSO, or one of the notes, where the
 * registers are.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

#include "base.h"
#include "base/ctx.h"
#include "base/mem.h"
#include "fuzz.h"
#include "runs.h"

enum {
	HEAD = 2,
	STACK_WORDS = 1024, /* that an operation may hit */
	VDSO_WORDS = 1024,
	ASKED = 8, /* frames whose registers are asked for */
	FRAMES = 20000,
};
enum place { PLACE_STACK, PLACE_VDSO, PLACE_NOTES, N_PLACES };

/* What a base is like before it is damaged. */
struct sound {
	bool known;
	PL_VEC(pl_addr) sp; /* by thread */
	pl_addr vdso;
};

static _Noreturn void broken(const char *what)
{
	fprintf(stderr, "fuzz: unwind: %s\n", what);
	abort();
}

static struct pl_image *open_image(struct fuzz_base *b, struct pl_ctx *ctx)
{
	struct pl_image *im = NULL;
	struct pl_err err;

	pl_ctx_init(ctx, 1);
	return pl_image_open(fuzz_base_options(b), ctx, &im, &err) ? NULL : im;
}

static struct sound *sound_of(struct fuzz_base *b, unsigned i)
{
	static struct sound sounds[UINT8_MAX + 1];
	struct sound *s = &sounds[i];
	const struct pl_thread *threads;
	struct pl_image *im;
	struct pl_ctx ctx;
	size_t n;

	if (s->known)
		return s;
	im = open_image(b, &ctx);
	if (!im)
		broken("a sound base cannot be opened");
	threads = pl_image_threads(im, &n);
	for (size_t t = 0; t < n; t++)
		pl_vec_push(&s->sp, threads[t].sp);
	if (!n)
		broken("a base without threads");
	pl_image_auxv(im, AT_SYSINFO_EHDR, &s->vdso);
	pl_image_free(im);
	pl_ctx_fini(&ctx);
	s->known = true;
	return s;
}

static void damage(struct fuzz_base *b, const struct sound *s, pl_addr sp, const uint8_t *ops,
		   size_t size)
{
	struct fuzz_op op;

	for (size_t i = 0; i + sizeof(op) <= size; i += sizeof(op)) {
		memcpy(&op, ops + i, sizeof(op));
		switch ((enum place)(op.where % N_PLACES)) {
		case PLACE_STACK:
			fuzz_base_damage_at(b, sp + op.index % STACK_WORDS * 8, &op);
			break;
		case PLACE_VDSO:
			fuzz_base_damage_at(b, s->vdso + op.index % VDSO_WORDS * 8, &op);
			break;
		default:
			op.where = FUZZ_NOTES;
			fuzz_base_damage(b, (const uint8_t *)&op, sizeof(op));
		}
	}
}

static void check_frames(const struct pl_image *im, const struct pl_native_frame *frames, size_t n,
			 enum pl_unwind_end end)
{
	size_t n_modules;

	pl_image_modules(im, &n_modules);
	if (!n || n > PL_NATIVE_FRAMES)
		broken("a number of frames that there cannot be");
	if ((unsigned)end > PL_UNWIND_BOUND)
		broken("it ends for no reason");
	for (size_t i = 0; i < n; i++) {
		const struct pl_native_frame *f = &frames[i];

		if (f->module < -1 || f->module >= (int)n_modules)
			broken("a frame of no module");
		if (f->symbol && !strlen(f->symbol) && f->offset > f->pc)
			broken("a symbol that there is not");
		if (f->end && f->end <= f->sp)
			broken("a frame that ends before it begins");
	}
}

static void unwind(struct pl_image *im, size_t thread, size_t *left)
{
	struct pl_native_frame *frames;
	struct pl_signal *signals;
	enum pl_unwind_end end;
	uint64_t word;
	size_t n, n_signals;

	end = pl_image_unwind(im, thread, left, &frames, &n);
	check_frames(im, frames, n, end);
	n_signals = pl_image_signals(im, thread, frames, n, &signals);
	for (size_t i = 0; i < n_signals; i++) {
		if (signals[i].frame >= n)
			broken("a signal that interrupted no frame");
	}
	for (size_t i = 0; i < PL_MIN(n, (size_t)ASKED); i++)
		pl_image_unwind_register(im, thread, i, i % 27, &word);
	free(signals);
	free(frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t left = FRAMES, n;
	struct fuzz_base *b;
	struct pl_image *im;
	struct sound *s;
	struct pl_ctx ctx;
	unsigned n_bases;

	if (size < HEAD)
		return 0;
	b = fuzz_base_at(data[0], &n_bases);
	s = sound_of(b, data[0] % n_bases);
	fuzz_clock();
	damage(b, s, s->sp.at[data[1] % s->sp.n], data + HEAD, size - HEAD);
	im = open_image(b, &ctx);
	if (im) {
		pl_image_threads(im, &n);
		for (size_t i = 0; i < PL_MIN(n, (size_t)ASKED); i++)
			unwind(im, i, &left);
		pl_image_free(im);
	}
	pl_ctx_fini(&ctx);
	fuzz_base_heal(b);
	return 0;
}
