/*
 * x86.h - one x86-64 instruction, taken apart.
 *
 * Knows the shape of instructions in 64-bit mode (Intel SDM volume 2, chapter 2 and appendix A):
 * prefixes, the one-, two- and three-byte opcode maps, ModRM and SIB, displacement, immediate. Not
 * what they do: that is walk_x86.c's.
 */
#ifndef PL_X86_H
#define PL_X86_H

#include "base/base.h"

enum { PL_X86_MAX = 15 }; /* bytes of an instruction */
/* General registers, by the numbers that instructions have for them; RIP for a memory operand's
 * base only. */
enum {
	PL_X86_RAX,
	PL_X86_RCX,
	PL_X86_RDX,
	PL_X86_RBX,
	PL_X86_RSP,
	PL_X86_RBP,
	PL_X86_RSI,
	PL_X86_RDI,
	PL_X86_R8,
	PL_X86_R9,
	PL_X86_R10,
	PL_X86_R11,
	PL_X86_R12,
	PL_X86_R13,
	PL_X86_R14,
	PL_X86_R15,
	PL_X86_RIP,
	PL_X86_NONE
};

struct pl_x86 {
	uint8_t len;
	uint8_t map; /* 0: one byte; 1: 0f; 2: 0f 38; 3: 0f 3a */
	uint8_t op;
	uint8_t width; /* bytes of an operand that is no byte by its opcode: 2, 4 or 8 */
	uint8_t rep;   /* 0, 0xf2 or 0xf3 */
	bool rex, vex;
	bool odd_address; /* counted from fs or gs, or of 32 bits */
	uint8_t vvvv;     /* the third operand of a VEX instruction */
	bool has_modrm, memory;
	uint8_t reg, rm;     /* 0 - 15; rm when it is no memory */
	uint8_t base, index; /* 0 - 15, PL_X86_RIP (base only) or PL_X86_NONE */
	uint8_t scale;       /* 1, 2, 4, 8 */
	int64_t disp;
	int64_t imm; /* sign-extended; 0 without */
};

/* Takes apart the instruction that starts the n bytes at p; false when they are none, end within
 * it, or it is of a kind that compiled C does not use (EVEX, 3DNow!). */
bool pl_x86_decode(const uint8_t *p, size_t n, struct pl_x86 *ret);

#endif
