/*
 * x86_regs.c - x86-64: its general registers, who may change them, and what can be an address.
 *
 * The order is that of the kernel's elf_gregset_t (struct user_regs_struct in
 * arch/x86/include/asm/user_64.h), DWARF's numbers and the calling convention are of the System V
 * ABI for AMD64 (3.2, and figure 3.36), the processor's numbers of the Intel SDM, volume 2.
 */
#include "machine/internal.h"
#include "machine/x86.h"

static const char *const names[] = {
	"r15",    "r14", "r13", "r12",     "rbp",     "rbx", "r11",      "r10", "r9",
	"r8",     "rax", "rcx", "rdx",     "rsi",     "rdi", "orig_rax", "rip", "cs",
	"eflags", "rsp", "ss",  "fs_base", "gs_base", "ds",  "es",       "fs",  "gs",
};
_Static_assert(PL_ARRAY_LEN(names) == PL_X86_PR_COUNT, "a name for each register");
_Static_assert(PL_X86_PR_COUNT <= PL_REGS_MAX, "no room in struct pl_signal");

static const uint8_t by_number[] = {
	[PL_X86_RAX] = PL_X86_PR_RAX, [PL_X86_RCX] = PL_X86_PR_RCX, [PL_X86_RDX] = PL_X86_PR_RDX,
	[PL_X86_RBX] = PL_X86_PR_RBX, [PL_X86_RSP] = PL_X86_PR_RSP, [PL_X86_RBP] = PL_X86_PR_RBP,
	[PL_X86_RSI] = PL_X86_PR_RSI, [PL_X86_RDI] = PL_X86_PR_RDI, [PL_X86_R8] = PL_X86_PR_R8,
	[PL_X86_R9] = PL_X86_PR_R9,   [PL_X86_R10] = PL_X86_PR_R10, [PL_X86_R11] = PL_X86_PR_R11,
	[PL_X86_R12] = PL_X86_PR_R12, [PL_X86_R13] = PL_X86_PR_R13, [PL_X86_R14] = PL_X86_PR_R14,
	[PL_X86_R15] = PL_X86_PR_R15,
};
/* rax rdx rcx rbx rsi rdi rbp rsp r8-r15: not the processor's order. */
static const uint8_t by_dwarf[] = {
	PL_X86_PR_RAX, PL_X86_PR_RDX, PL_X86_PR_RCX, PL_X86_PR_RBX, PL_X86_PR_RSI, PL_X86_PR_RDI,
	PL_X86_PR_RBP, PL_X86_PR_RSP, PL_X86_PR_R8,  PL_X86_PR_R9,  PL_X86_PR_R10, PL_X86_PR_R11,
	PL_X86_PR_R12, PL_X86_PR_R13, PL_X86_PR_R14, PL_X86_PR_R15,
};
enum { DWARF_RSP = 7 };

const struct pl_registers pl_x86_registers = {
	.n = PL_X86_PR_COUNT,
	.names = names,
	.pc = PL_X86_PR_RIP,
	.sp = PL_X86_PR_RSP,
	.tp = PL_X86_PR_FS_BASE,
	.of_program = ((1u << PL_X86_PR_ORIG_RAX) - 1) | 1u << PL_X86_PR_RIP | 1u << PL_X86_PR_RSP,
	.by_number = by_number,
	.n_numbers = PL_ARRAY_LEN(by_number),
	.by_dwarf = by_dwarf,
	.n_dwarf = PL_ARRAY_LEN(by_dwarf),
	.dwarf_sp = DWARF_RSP,
};

const struct pl_calls pl_x86_calls = {
	.args = {PL_X86_RDI, PL_X86_RSI, PL_X86_RDX, PL_X86_RCX, PL_X86_R8, PL_X86_R9},
	.n_args = 6,
	.kept = {PL_X86_RBX, PL_X86_RBP, PL_X86_R12, PL_X86_R13, PL_X86_R14, PL_X86_R15},
	.n_kept = 6,
	.result = PL_X86_RAX,
	.sp = PL_X86_RSP,
	.red_zone = 128,
	.pushes = true,
};

/*
 * An address is sign-extended from bit 47 (Intel SDM volume 1, 3.3.7.1). With page tables of five
 * levels it is from bit 56, but a process gets memory beyond bit 47 only if it asks for it (the
 * kernel's Documentation/arch/x86/x86_64/5level-paging.rst).
 */
const struct pl_space pl_x86_space = {
	.hole = UINT64_C(1) << 47,
	.hole_end = UINT64_C(0xffff8) << 44,
};
