/*
 * altstack.c - the stacks that sigaltstack(2) gave to handlers of signals.
 *
 * Such a stack lies anywhere, often in the heap, in which there is no end of it to be seen; but the
 * frame that the kernel laid down for the handler says where it is.
 */
#include <elf.h>

#include "image/internal.h"

enum {
	HANDLER_WORDS = 1 << 14, /* of handlers' calls that are searched for where they began */
	MAX_WORDS = 1 << 22,     /* of all threads': more is only in a hostile core */
	MAX_STACKS = 256,        /* at a time; who asks for a stack goes through them all */
};

/* Is the thread in a mapping that its own stack is in? The kernel puts random bytes on the main
 * thread's. */
static bool is_at_home(const struct pl_image *im, const struct pl_thread *t)
{
	const struct pl_mapping *m = pl_image_mapping(im, t->sp);
	uint64_t random;

	return !m || (t->tp > t->sp && t->tp < m->hi) ||
	       (pl_image_auxv(im, AT_RANDOM, &random) && random >= m->lo && random < m->hi);
}

/* Is the kernel's frame of a handler that returns with that stack pointer on an alternate stack, as
 * the thread is now? */
static bool is_alternate(const struct pl_image *im, struct pl_view *v, pl_addr frame,
			 struct pl_thread *t)
{
	uint64_t lo, size, hi;
	struct pl_signal s;

	if (!pl_read64(v, frame + im->machine->sigframes->stack, &lo) ||
	    !pl_read64(v, frame + im->machine->sigframes->stack + 16, &size) ||
	    !pl_add(lo, size, &hi) || t->sp < lo || frame >= hi ||
	    !pl_sigframe_regs(im->machine, v, t, frame, &s) || (s.sp >= lo && s.sp < hi))
		return false;
	t->alt_lo = lo;
	t->alt_hi = hi;
	t->own_sp = s.sp;
	return true;
}

void pl_altstacks_find(struct pl_image *im)
{
	const struct pl_machine *m = im->machine;
	unsigned words = 0;
	struct pl_view v;

	pl_view_init(&v, im);
	for (size_t i = 0; m->calls->pushes && i < im->threads.n && words < MAX_WORDS &&
			   im->altstacks.n < MAX_STACKS;
	     i++) {
		struct pl_thread *t = &im->threads.at[i];
		uint64_t back;

		if (is_at_home(im, t))
			continue;
		for (unsigned k = 0; k < HANDLER_WORDS; k++, words++) {
			if (!pl_read64(&v, t->sp + 8 * k, &back))
				break;
			if (pl_is_sigreturn(m, &v, back) &&
			    is_alternate(im, &v, t->sp + 8 * k + 8, t)) {
				pl_vec_push(&im->altstacks, (uint32_t)i);
				break;
			}
		}
	}
}
