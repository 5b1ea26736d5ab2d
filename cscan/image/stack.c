/*
 * stack.c - which thread's stack an address lies in.
 *
 * Knows what every machine of glibc has in common: a stack grows down, and the thread pointer of a
 * thread that pthread_create() made points into the last page of the memory that its stack was cut
 * from (nptl/allocatestack.c). The main thread's points elsewhere; its stack ends with its mapping.
 *
 * A handler that sigaltstack(2) gave a stack of its own has it anywhere, often in the heap, in
 * which there is no end of it to be seen; but the frame that the kernel laid down for it says where
 * it is.
 */
#include <elf.h>

#include "image/internal.h"

enum {
	RED_ZONE = 128,   /* bytes below the stack pointer that a function may use (System V ABI;
			     more than enough elsewhere) */
	PAGE_MASK = 4095, /* struct pthread and the thread's own data end with a page */
	HANDLER_WORDS = 1 << 14, /* of handlers' calls that are searched for where they began */
	MAX_WORDS = 1 << 22,     /* of all threads': more is only in a hostile core */
};

/* Where the stack of a thread whose stack pointer is in m ends. */
static pl_addr top_of(const struct pl_mapping *m, const struct pl_thread *t)
{
	return t->fs_base > t->own_sp && t->fs_base < m->hi ? (t->fs_base | PAGE_MASK) + 1 : m->hi;
}

/* Is the thread in a mapping that its own stack is in? The kernel puts random bytes on the main
 * thread's. */
static bool is_at_home(const struct pl_image *im, const struct pl_thread *t)
{
	const struct pl_mapping *m = pl_image_mapping(im, t->sp);
	uint64_t random;

	return !m || (t->fs_base > t->sp && t->fs_base < m->hi) ||
	       (pl_image_auxv(im, AT_RANDOM, &random) && random >= m->lo && random < m->hi);
}

/* Is the kernel's frame of a handler that returns with that stack pointer on an alternate stack, as
 * the thread is now? */
static bool is_alternate(const struct pl_image *im, struct pl_view *v, pl_addr frame,
			 struct pl_thread *t)
{
	uint64_t lo, size, hi;
	struct pl_signal s;

	if (!pl_read64(v, frame + im->machine->sig_stack, &lo) ||
	    !pl_read64(v, frame + im->machine->sig_stack + 16, &size) || !pl_add(lo, size, &hi) ||
	    t->sp < lo || frame >= hi || !pl_sigframe_regs(im->machine, v, t, frame, &s) ||
	    (s.sp >= lo && s.sp < hi))
		return false;
	t->alt_lo = lo;
	t->alt_hi = hi;
	t->own_sp = s.sp;
	return true;
}

void pl_stacks_find(struct pl_image *im)
{
	const struct pl_machine *m = im->machine;
	unsigned words = 0;
	struct pl_view v;

	pl_view_init(&v, im);
	for (size_t i = 0; m->call_pushes && i < im->threads.n && words < MAX_WORDS; i++) {
		struct pl_thread *t = &im->threads.at[i];
		uint64_t back;

		if (is_at_home(im, t))
			continue;
		for (unsigned k = 0; k < HANDLER_WORDS; k++, words++) {
			if (!pl_read64(&v, t->sp + 8 * k, &back))
				break;
			if (pl_is_sigreturn(m, &v, back) &&
			    is_alternate(im, &v, t->sp + 8 * k + 8, t))
				break;
		}
	}
}

/* The stack that holds addr is the one with the lowest end above it. */
enum pl_stack_part pl_image_stack(const struct pl_image *im, pl_addr addr,
				  const struct pl_thread **ret)
{
	const struct pl_mapping *m = pl_image_mapping(im, addr);
	const struct pl_thread *t, *best = NULL;
	pl_addr end = 0;
	size_t n;

	t = pl_image_threads(im, &n);
	for (size_t i = 0; m && i < n; i++) {
		pl_addr top;

		if (addr >= t[i].alt_lo && addr < t[i].alt_hi) {
			*ret = &t[i];
			return addr + RED_ZONE < t[i].sp ? PL_STACK_DEAD : PL_STACK_LIVE;
		}
		if (t[i].own_sp < m->lo || t[i].own_sp >= m->hi)
			continue;
		top = top_of(m, &t[i]);
		if (addr < top && (!best || top < end)) {
			best = &t[i];
			end = top;
		}
	}
	if (!best)
		return PL_STACK_NONE;
	*ret = best;
	return addr + RED_ZONE < best->own_sp ? PL_STACK_DEAD : PL_STACK_LIVE;
}
