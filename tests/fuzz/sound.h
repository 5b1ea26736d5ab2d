/*
 * sound.h - the stages of a base up to its table of objects, built once from the sound core, for
 * targets that read objects while the bytes below them change: thousands of times faster than to
 * open a core for every input.
 *
 * The pages of a private mapping that nobody wrote to show what is written to the file (on Linux;
 * mmap(2) leaves it open), and pyleak only reads.
 */
#ifndef FUZZ_SOUND_H
#define FUZZ_SOUND_H

#include "session/session.h"
#include "base.h"

struct fuzz_sound {
	struct fuzz_base *b;
	struct pl_session *s;
	struct pl_objects *o;
	struct fuzz_sort *sorts; /* sound.c's */
	unsigned n_sorts;
};

/* The base of that number, modulo how many there are. */
struct fuzz_sound *fuzz_sound_at(unsigned i);

/*
 * Sort the objects by what sort_of() says of their types, a number below n; others are left out.
 * Once for each base: later calls do nothing.
 */
void fuzz_sound_sort(struct fuzz_sound *t, unsigned n,
		     unsigned (*sort_of)(const struct pl_type *type));
/*
 * One of the sort, or of the next one that the base has, modulo how many there are: its number as
 * an operation names it, and its address.
 */
uint32_t fuzz_sound_pick(const struct fuzz_sound *t, unsigned sort, unsigned which, pl_addr *addr);

/*
 * Damage that object and what it refers to: of each operation on an object the place is kept and
 * the object is that one; one in four keeps its own. No operation hits anything else.
 */
void fuzz_sound_damage(struct fuzz_sound *t, uint32_t object, const uint8_t *ops, size_t size);

#endif
