/*
 * native.h - words of raw memory that point to objects: C structs, files' data, stacks, registers.
 *
 * Knows which memory Python's own objects account for and looks at the rest. A word found may own
 * its object, borrow it, or be left over: only a reader can tell.
 */
#ifndef PL_NATIVE_H
#define PL_NATIVE_H

#include "base/addrset.h"
#include "object/objects.h"

/* Where a word is, the most telling first. */
enum pl_native_place {
	PL_NATIVE_FILE,     /* .data or .bss of a mapped file */
	PL_NATIVE_BLOCK,    /* a block of an allocator that holds no object */
	PL_NATIVE_MAPPING,  /* other memory */
	PL_NATIVE_STACK,    /* of a thread, above its stack pointer */
	PL_NATIVE_REGISTER, /* of a thread */
};

struct pl_native_hit {
	enum pl_native_place place;
	pl_addr at;     /* of the word; its index in pl_thread.regs for a register */
	pl_addr target; /* what it points to */
	pl_addr base;   /* of the block, mapping, or 0 */
	uint32_t lwp;   /* of a stack or register, else 0 */
	int module;     /* of a file, else -1 */
};

/*
 * Where in writable memory aligned words equal a member of targets, and lie neither in an
 * object, nor in a builtin container's buffer, nor in a buffer of one of the owners, given by their
 * ids: whoever holds targets for a reason that is known; nor in freed memory or below a stack
 * pointer. There may be any number of them: what is kept is the blocks and stretches of memory
 * that have some. Borrows all but owners. PL_E_CANCELLED. Needs an indexed table.
 */
struct pl_native_words;
int pl_native_words_new(const struct pl_objects *o, const struct pl_addrset *targets,
			const pl_id *owners, size_t n_owners, struct pl_ctx *ctx,
			struct pl_native_words **ret, struct pl_err *err);
void pl_native_words_free(struct pl_native_words *w);
/* False: no more of them. */
typedef bool pl_native_word_fn(void *arg, const struct pl_native_hit *hit);
/*
 * Tell fn of every such word in a place from first to last, by place, then thread, then address.
 * PL_E_CANCELLED.
 */
int pl_native_words_each(struct pl_native_words *w, enum pl_native_place first,
			 enum pl_native_place last, pl_native_word_fn *fn, void *arg,
			 struct pl_err *err);
/*
 * As a path spells it: "<native libfoo.so+0x1f0>" or "<native libfoo.so cache+0x8>" with a symbol,
 * "<malloc block 0x55d0+0x18>", "<stack of thread 4242 0x7ffe10>", "<register rbx of thread 4242>".
 * From one thread only: it may ask for symbols.
 */
void pl_native_name(const struct pl_objects *o, const struct pl_native_hit *hit, char *buf,
		    size_t cap);
/*
 * What many such words have in common: the same without the address of a block, mapping or stack
 * slot: "<malloc block *+0x18>", "<mapping *>", "<stack of thread 4242 *>".
 */
void pl_native_general_name(const struct pl_objects *o, const struct pl_native_hit *hit, char *buf,
			    size_t cap);
/*
 * The same of one of many words in a block, so many bytes apart: "<malloc block *+8*n>",
 * "<malloc block *+0x8+24*n>".
 */
void pl_native_array_name(const struct pl_native_hit *hit, uint64_t stride, char *buf, size_t cap);

#endif
