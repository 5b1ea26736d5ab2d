/*
 * regs.c - what a thread's registers tell, asked of the core's machine.
 */
#include "image/internal.h"

const struct pl_machine *pl_image_machine(const struct pl_image *im)
{
	return im->machine;
}

bool pl_image_in_futex(const struct pl_image *im, const struct pl_thread *t)
{
	const struct pl_syscalls *s = im->machine->syscalls;

	return s->number < t->n_regs && t->regs[s->number] == s->futex;
}

const char *pl_image_register(const struct pl_image *im, size_t index)
{
	const struct pl_registers *r = im->machine->regs;

	return index < r->n ? r->names[index] : "?";
}
