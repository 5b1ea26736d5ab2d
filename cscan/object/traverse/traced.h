/*
 * traced.h - what is known of a word while the code of a tp_traverse is read: how it was computed
 * from the object.
 *
 * Knows arithmetic on such words and what two ways to the same instruction have in common; not
 * which machine the code is for.
 */
#ifndef PL_TRACED_H
#define PL_TRACED_H

#include "base/base.h"

enum pl_traced_kind {
	PL_T_UNKNOWN, /* anything */
	PL_T_CONST,   /* value, or value + k * step0 for some k */
	PL_T_POINTER, /* computed from the object; see level */
	PL_T_STACK,   /* off0 bytes from the stack pointer at entry, + k * step0 */
	PL_T_VISIT,   /* the visitproc */
	PL_T_ARG,     /* its argument */
	PL_T_TABLE,   /* an entry of the jump table at value: 4 bytes, counted from the table */
	PL_T_TARGET,  /* the address that such an entry stands for */
	PL_T_UPPER,   /* on the stack: the upper half of the word before */
};

/* The last level counts no offsets any more. */
enum { PL_T_ADDRESS, PL_T_FIELD, PL_T_BEHIND, PL_T_DEEP };

/*
 * A POINTER is by its level the address off0 of the object; the word there, plus off1; the word at
 * that address; a word reached by more steps. A step that is not 0 makes an offset one of off,
 * off + step, off + 2 step, ...
 */
struct pl_traced {
	uint8_t kind, level;
	uint8_t step0, step1;
	union {
		uint64_t value;
		struct {
			int32_t off0, off1;
		};
	};
};

static inline struct pl_traced pl_traced_const(uint64_t value)
{
	return (struct pl_traced){.kind = PL_T_CONST, .value = value};
}
static inline struct pl_traced pl_traced_stack(int32_t offset)
{
	return (struct pl_traced){.kind = PL_T_STACK, .off0 = offset};
}
/* True for a CONST that is one number. */
static inline bool pl_traced_exact(struct pl_traced a)
{
	return a.kind == PL_T_CONST && !a.step0;
}
bool pl_traced_equal(struct pl_traced a, struct pl_traced b);
struct pl_traced pl_traced_add(struct pl_traced a, struct pl_traced b);
struct pl_traced pl_traced_negative(struct pl_traced a);
/* a times a constant. */
struct pl_traced pl_traced_times(struct pl_traced a, uint64_t factor);
/* The word of 8 bytes at a POINTER. */
struct pl_traced pl_traced_load(struct pl_traced a);
/* What holds for both; repeated with what it gave, it settles. */
struct pl_traced pl_traced_join(struct pl_traced old, struct pl_traced more);

#endif
