/*
 * walk.h - following a tp_traverse: what visits.c, walk.c and the machines share.
 *
 * walk.c knows paths, calls and the stack; one file for each machine (walk_x86.c) says what an
 * instruction does. Paths that meet with the same words known go on as one; of many that differ at
 * one instruction only what they have in common is kept, so a loop ends.
 */
#ifndef PL_WALK_H
#define PL_WALK_H

#include "base/mem.h"
#include "machine/machine.h"
#include "object/traverse/traced.h"
#include "object/traverse/visits.h"

enum {
	PL_WALK_REGS = 16,
	PL_WALK_KEPT = 8,      /* at most, of the registers that a call keeps */
	PL_WALK_SLOTS = 128,   /* of 4 bytes, below the stack pointer at entry */
	PL_WALK_DEPTH = 6,     /* calls */
	PL_WALK_STEPS = 20000, /* instructions */
	PL_WALK_VISITED = 256  /* entries */
};

struct pl_walk_frame {
	pl_addr back;
	struct pl_traced kept[PL_WALK_KEPT], sp;
	uint16_t aside; /* of the caller */
};

/* How the last comparison came out is asked of what it compared. */
enum pl_walk_flags {
	PL_FLAGS_UNKNOWN,
	PL_FLAGS_COMPARED, /* a with b */
	PL_FLAGS_RESULT,   /* a, a result, with 0: for equality and sign only */
};

struct pl_walk_state {
	pl_addr pc;
	struct pl_traced reg[PL_WALK_REGS], slot[PL_WALK_SLOTS];
	struct pl_traced a, b;
	uint8_t flags, flags_width;
	uint8_t depth;
	uint16_t aside; /* instructions left in a call that cannot visit; 0: not in one */
	uint64_t limit; /* what was last found to be above a number or not: a jump table's end */
	struct pl_walk_frame frame[PL_WALK_DEPTH];
};

struct pl_walk;
/* What an instruction of a machine does. */
struct pl_walk_machine {
	uint16_t elf; /* EM_... */
	/*
	 * The instruction at s->pc; moves s->pc on. False when the path ends: it returned from
	 * the function, or pl_walk_lose() was called.
	 */
	bool (*step)(struct pl_walk *w, struct pl_walk_state *s);
};
extern const struct pl_walk_machine pl_walk_x86; /* x86-64, System V ABI */

struct pl_visited {
	uint8_t level; /* PL_T_FIELD or PL_T_BEHIND */
	uint8_t step0, step1;
	bool again; /* by an instruction that visits others, too: in a loop */
	int32_t off0, off1;
	uint64_t site; /* that instruction, in its calls */
};

struct pl_walk {
	const struct pl_image *im;
	struct pl_view *v;
	const struct pl_walk_machine *m;
	const struct pl_calls
		*calls;       /* the machine's; the first three arguments are tp_traverse's */
	pl_addr type;         /* of the object */
	int32_t object_type;  /* offset of ob_type */
	bool lost;            /* something was not followed */
	bool deep;            /* words were visited that took more pointers than are told apart */
	unsigned steps, most; /* instructions: followed, and that may be */
	PL_VEC(struct pl_walk_state *) todo, seen;
	struct pl_visited visited[PL_WALK_VISITED];
	unsigned n_visited;
};

/* Follow the function from its entry to all its ends; leaves visited, n_visited and lost. */
void pl_walk_run(struct pl_walk *w, pl_addr function);

/* ---- for machines ---- */
/* n bytes of code at addr, n at most 16, or as many as there are; returns how many. */
size_t pl_walk_code(struct pl_walk *w, pl_addr addr, uint8_t *ret, size_t n);
struct pl_traced pl_walk_load(struct pl_walk *w, const struct pl_walk_state *s, struct pl_traced at,
			      unsigned width);
void pl_walk_store(struct pl_walk_state *s, struct pl_traced at, unsigned width,
		   struct pl_traced value);
/* Another path starts here, as s is. */
void pl_walk_fork(struct pl_walk *w, const struct pl_walk_state *s);
/* Go to target; false when a path that knew no more was there before. */
bool pl_walk_jump(struct pl_walk *w, struct pl_walk_state *s, pl_addr target);
/* Call what target is and go on at s->pc, which is behind the call already; or, tail, return. */
bool pl_walk_call(struct pl_walk *w, struct pl_walk_state *s, struct pl_traced target, bool tail);
bool pl_walk_return(struct pl_walk *w, struct pl_walk_state *s);
/* This path cannot be followed further: it gives up a call that cannot visit, or the whole. */
bool pl_walk_lose(struct pl_walk *w, struct pl_walk_state *s);

#endif
