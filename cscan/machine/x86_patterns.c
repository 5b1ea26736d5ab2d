/*
 * x86_patterns.c - x86-64: how gcc and clang do this and that, read from the instructions.
 */
#include "machine/internal.h"
#include "machine/x86.h"

enum {
	CALL = 0xe8,
	LEA = 0x8d,
	MOV_IMM = 0xb8, /* to the register that is added to it */
	MOV_TO_RM = 0x89,
	MOV_TO_REG = 0x8b,
	JCC = 0x80, /* to 0x8f, of two bytes */
};

/* lea or mov to rdi or rsi. */
static bool constant_argument(const uint8_t *code, size_t n, pl_addr pc, pl_addr *ret)
{
	const uint8_t *args = pl_x86_calls.args;
	struct pl_x86 x;

	if (!pl_x86_decode(code, n, &x) || x.map)
		return false;
	if (x.op == LEA && x.base == PL_X86_RIP && (x.reg == args[0] || x.reg == args[1]))
		*ret = pc + x.len + (uint64_t)x.disp;
	else if (x.op == MOV_IMM + args[0] || x.op == MOV_IMM + args[1])
		*ret = (uint64_t)x.imm;
	else
		return false;
	return true;
}

/* A whole register is copied to another. */
static bool is_copy(const struct pl_x86 *x)
{
	return !x->map && x->width == 8 && x->has_modrm && !x->memory &&
	       (x->op == MOV_TO_RM || x->op == MOV_TO_REG);
}

/* What a compiler thinks unlikely lies behind other functions, as no part of any symbol. */
static bool kept_argument(const uint8_t *code, size_t n, pl_addr pc, struct pl_kept_argument *ret)
{
	const uint8_t first = pl_x86_calls.args[0];
	unsigned argument = PL_X86_NONE; /* register that was last copied to the first argument's */
	unsigned kept = PL_X86_NONE;
	pl_addr cold = 0;

	for (size_t i = 0; i < n;) {
		struct pl_x86 x;
		pl_addr to;

		if (!pl_x86_decode(code + i, n - i, &x))
			return false;
		i += x.len;
		to = pc + i + (uint64_t)x.imm;
		if (is_copy(&x) && x.op == MOV_TO_RM && x.rm == first)
			argument = x.reg;
		else if (is_copy(&x) && x.op == MOV_TO_REG && x.reg == first)
			argument = x.rm;
		else if (!x.map && x.op == CALL && kept == PL_X86_NONE)
			kept = argument;
		else if (x.map == 1 && (x.op & 0xf0) == JCC && (to < pc || to >= pc + n))
			cold = to;
	}
	if (kept >= pl_x86_registers.n_numbers)
		return false;
	ret->reg = pl_x86_registers.by_number[kept];
	ret->cold = cold;
	return true;
}

/* mov rel32(%rip), %rax behind what compilers put first in every function. */
static bool returned_variable(const uint8_t *code, size_t n, pl_addr pc, pl_addr *ret)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	static const uint8_t prologue[] = {0x55, 0x48, 0x89, 0xe5}; /* push %rbp; mov %rsp, %rbp */
	static const uint8_t load[] = {0x48, 0x8b, 0x05};
	size_t at = 0;

	if (n < PL_SMALL_FUNCTION)
		return false;
	if (!memcmp(code, endbr64, sizeof(endbr64)))
		at += sizeof(endbr64);
	if (!memcmp(code + at, prologue, sizeof(prologue)))
		at += sizeof(prologue);
	if (memcmp(code + at, load, sizeof(load)) != 0)
		return false;
	at += sizeof(load);
	*ret = pc + at + 4 + (uint64_t)(int64_t)(int32_t)pl_ld32(code + at);
	return true;
}

const struct pl_patterns pl_x86_patterns = {
	.step = 1,
	.constant_argument = constant_argument,
	.kept_argument = kept_argument,
	.returned_variable = returned_variable,
};
