/*
 * internal.h - the answers of each machine, for machine.c alone to put together, and what the files
 * of one machine share.
 */
#ifndef PL_MACHINE_INTERNAL_H
#define PL_MACHINE_INTERNAL_H

#include "machine/machine.h"

/* ---- x86-64 ---- */
/* x86_regs.c */
extern const struct pl_registers pl_x86_registers;
extern const struct pl_calls pl_x86_calls;
extern const struct pl_space pl_x86_space;
/* x86_kernel.c */
extern const struct pl_syscalls pl_x86_syscalls;
extern const struct pl_sigframes pl_x86_sigframes;
extern const struct pl_tls pl_x86_tls;
/* x86_patterns.c */
extern const struct pl_patterns pl_x86_patterns;

/* Indices in pr_reg (struct user_regs_struct in the kernel's arch/x86/include/asm/user_64.h). */
enum {
	PL_X86_PR_R15,
	PL_X86_PR_R14,
	PL_X86_PR_R13,
	PL_X86_PR_R12,
	PL_X86_PR_RBP,
	PL_X86_PR_RBX,
	PL_X86_PR_R11,
	PL_X86_PR_R10,
	PL_X86_PR_R9,
	PL_X86_PR_R8,
	PL_X86_PR_RAX,
	PL_X86_PR_RCX,
	PL_X86_PR_RDX,
	PL_X86_PR_RSI,
	PL_X86_PR_RDI,
	PL_X86_PR_ORIG_RAX,
	PL_X86_PR_RIP,
	PL_X86_PR_CS,
	PL_X86_PR_EFLAGS,
	PL_X86_PR_RSP,
	PL_X86_PR_SS,
	PL_X86_PR_FS_BASE,
	PL_X86_PR_GS_BASE,
	PL_X86_PR_DS,
	PL_X86_PR_ES,
	PL_X86_PR_FS,
	PL_X86_PR_GS,
	PL_X86_PR_COUNT
};

#endif
