/*
 * stack.c - which thread's stack an address lies in.
 *
 * Knows what every machine of glibc has in common: a stack grows down, and the thread pointer of a
 * thread that pthread_create() made points into the last page of the memory that its stack was cut
 * from (nptl/allocatestack.c). The main thread's points elsewhere; its stack ends with its mapping.
 * Alternate stacks of handlers are altstack.c's to find.
 */
#include "image/internal.h"

enum {
	BLANK = 65536, /* so many zeros in a row are no stack, where nothing tells its end */
	HEAD = 16,     /* bytes at the thread pointer that no thread has all 0: its own address
			  or that of its thread-local data (tcbhead_t, sysdeps/.../nptl/tls.h) */
};

/* Where the stack of a thread whose stack pointer is in m ends. */
static pl_addr top_of(const struct pl_mapping *m, const struct pl_thread *t)
{
	if (t->tp <= t->own_sp || t->tp >= m->hi)
		return m->hi;
	return PL_MIN((t->tp | (PL_PAGE - 1)) + 1, m->hi);
}

bool pl_image_stack_blank(const struct pl_image *im, const struct pl_thread *t)
{
	const struct pl_mapping *m = pl_image_mapping(im, t->sp);
	uint64_t n, n_head;
	const uint8_t *stack = pl_core_bytes(im, t->sp, &n), *head;

	/* Of a stack that is cut off nothing is said. */
	if (!stack || !m || n < PL_MIN(m->hi - t->sp, (uint64_t)BLANK))
		return false;
	head = t->tp > t->sp && t->tp - t->sp < n ? pl_core_bytes(im, t->tp, &n_head) : NULL;
	if (!head)
		return pl_is_zero(stack, PL_MIN(n, (uint64_t)BLANK));
	/* The return address of the innermost call is not far. */
	return pl_is_zero(stack, PL_MIN(t->tp - t->sp, PL_PAGE)) &&
	       pl_is_zero(head, PL_MIN(n_head, (uint64_t)HEAD));
}

static int by_end(const void *pa, const void *pb)
{
	const struct pl_stack_end *a = pa, *b = pb;

	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return (a->thread > b->thread) - (a->thread < b->thread);
}

void pl_stacks_find(struct pl_image *im)
{
	pl_altstacks_find(im);
	for (size_t i = 0; i < im->threads.n; i++) {
		const struct pl_thread *t = &im->threads.at[i];
		const struct pl_mapping *m = pl_image_mapping(im, t->own_sp);

		if (m)
			pl_vec_push(&im->stacks,
				    (struct pl_stack_end){top_of(m, t), m, (uint32_t)i});
	}
	if (im->stacks.n)
		qsort(im->stacks.at, im->stacks.n, sizeof(*im->stacks.at), by_end);
}

/*
 * The stack that holds addr is the one with the lowest end above it. Mappings do not overlap, so
 * what lies between addr and the end of its mapping is of that one.
 */
enum pl_stack_part pl_image_stack(const struct pl_image *im, pl_addr addr,
				  const struct pl_thread **ret)
{
	const struct pl_stack_end *at = im->stacks.at;
	const struct pl_thread *t;
	size_t i;

	for (i = 0; i < im->altstacks.n; i++) {
		t = &im->threads.at[im->altstacks.at[i]];
		if (addr >= t->alt_lo && addr < t->alt_hi) {
			*ret = t;
			return addr + im->machine->calls->red_zone < t->sp ? PL_STACK_DEAD
									   : PL_STACK_LIVE;
		}
	}
	i = PL_LOWER_BOUND(im->stacks.n, k, at[k].end <= addr);
	if (i == im->stacks.n || addr < at[i].mapping->lo || addr >= at[i].mapping->hi)
		return PL_STACK_NONE;
	t = &im->threads.at[at[i].thread];
	*ret = t;
	return addr + im->machine->calls->red_zone < t->own_sp ? PL_STACK_DEAD : PL_STACK_LIVE;
}
