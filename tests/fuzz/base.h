/*
 * base.h - a real core in memory, to be damaged and healed again a thousand times.
 *
 * A damage is a list of operations that name what they hit by its meaning ("word 3 of object 712",
 * "the 90th pointer") and not by its address, so that the same bytes do much the same harm to
 * another core of the same program, made on another machine. That is what lets seeds be committed
 * while cores are not.
 */
#ifndef FUZZ_BASE_H
#define FUZZ_BASE_H

#include "image/image.h"

/*
 * What an operation hits; its index is taken modulo how many of them the core has. Of an object's,
 * the low byte picks the word (and the word of the target), the rest the object.
 */
enum fuzz_where {
	FUZZ_HEADERS,  /* a word of the ELF header or the program headers */
	FUZZ_NOTES,    /* a word of the notes */
	FUZZ_WORDS,    /* any word of the memory */
	FUZZ_POINTERS, /* a word that is an address of memory in the core */
	FUZZ_SMALL,    /* a word from 1 to 0xfffff: lengths, counts, sizes */
	FUZZ_PAGES,    /* one of the first eight words of a page: pool, segment and arena headers */
	FUZZ_OBJECTS,  /* a word of an object, its gc head included */
	FUZZ_TARGETS,  /* a word of what a word of an object points to: tables, values, buffers */
	FUZZ_FILE,     /* the file as a whole: cut short, or two segments change places */
	FUZZ_N_WHERE
};

/* What becomes of the word. */
enum fuzz_what {
	FUZZ_ZERO,
	FUZZ_ONES,
	FUZZ_FLIP,    /* the bit arg % 64 */
	FUZZ_ADD,     /* arg as a signed number of bytes */
	FUZZ_SET,     /* arg itself */
	FUZZ_OTHER,   /* what stands in another word of the same kind, arg further on */
	FUZZ_ITSELF,  /* its own address: a chain becomes a circle */
	FUZZ_SCATTER, /* 64 bits drawn from arg */
	FUZZ_N_WHAT
};

/* As it stands in a corpus file: 8 bytes, little-endian. */
struct fuzz_op {
	uint8_t where, what; /* modulo FUZZ_N_WHERE, FUZZ_N_WHAT */
	uint16_t arg;
	uint32_t index;
};

struct fuzz_base;

/*
 * Read a core and learn what is where in it, by looking at it with pyleak itself. options.core is a
 * plain core; the other members are used to open it. Ends the program, saying why, when it cannot.
 */
struct fuzz_base *fuzz_base_new(const struct pl_image_options *options);
void fuzz_base_free(struct fuzz_base *b);

/* How to open the copy that is damaged: a path under /proc/self/fd. Borrowed from b. */
const struct pl_image_options *fuzz_base_options(const struct fuzz_base *b);
/* Do n operations to the copy; size is a multiple of 8, what is over is ignored. */
void fuzz_base_damage(struct fuzz_base *b, const uint8_t *ops, size_t size);
/*
 * What an operation says, to the word at an address instead of the one that it names; FUZZ_OTHER is
 * the word arg words further on. Nothing when the core does not hold it.
 */
void fuzz_base_damage_at(struct fuzz_base *b, pl_addr addr, const struct fuzz_op *op);
/* True when the damage made the file shorter. */
bool fuzz_base_cut(const struct fuzz_base *b);
/* Undo all damage. */
void fuzz_base_heal(struct fuzz_base *b);

/* Addresses of the objects of the undamaged core whose bytes are in it; ascending. */
const pl_addr *fuzz_base_objects(const struct fuzz_base *b, size_t *n);
/* The object that an operation on FUZZ_OBJECTS or FUZZ_TARGETS hits, 0 for other operations. */
pl_addr fuzz_base_object_of(const struct fuzz_base *b, const struct fuzz_op *op);

/*
 * The bases named in $PYLEAK_FUZZ_BASES: "CORE:EXE:SYSROOT" with ";" between, EXE and SYSROOT may
 * be empty. Each is read when it is first asked for. Ends the program when there is none.
 */
struct fuzz_base *fuzz_base_at(unsigned i, unsigned *n);

#endif
