/*
 * regs.c - the general registers in NT_PRSTATUS, per machine: one row makes its cores readable.
 *
 * The order is that of the kernel's elf_gregset_t (x86-64: struct user_regs_struct in
 * arch/x86/include/asm/user_64.h), numbers of system calls are those of its
 * arch/x86/entry/syscalls/syscall_64.tbl. Nothing else in pyleak knows a register.
 */
#include <elf.h>

#include "image/internal.h"

static const char *const x86_64[] = {
	"r15",    "r14", "r13", "r12",     "rbp",     "rbx", "r11",      "r10", "r9",
	"r8",     "rax", "rcx", "rdx",     "rsi",     "rdi", "orig_rax", "rip", "cs",
	"eflags", "rsp", "ss",  "fs_base", "gs_base", "ds",  "es",       "fs",  "gs",
};
/* rax rdx rcx rbx rsi rdi rbp rsp r8-r15 (System V ABI for AMD64, figure 3.36) */
static const uint8_t x86_64_dwarf[] = {10, 11, 12, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0};
static const struct pl_machine machines[] = {
	{.machine = EM_X86_64,
	 .n_regs = PL_ARRAY_LEN(x86_64),
	 .ip = 16,
	 .sp = 19,
	 .tp = 21,
	 .names = x86_64,
	 .dwarf = x86_64_dwarf,
	 .n_dwarf = PL_ARRAY_LEN(x86_64_dwarf),
	 .dwarf_sp = 7,
	 .dwarf_kept = 1 << 3 | 1 << 6 | 0xf << 12, /* rbx rbp r12-r15 */
	 .syscall = 15,
	 .futex = 202,
	 .call_pushes = true,
	 .tls_relocation = R_X86_64_TPOFF64},
};

const struct pl_machine *pl_machine_find(uint16_t machine)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(machines); i++) {
		if (machines[i].machine == machine)
			return &machines[i];
	}
	return NULL;
}

bool pl_image_in_futex(const struct pl_image *im, const struct pl_thread *t)
{
	const struct pl_machine *m = pl_machine_find(pl_image_info(im)->machine);

	return m && m->syscall < t->n_regs && t->regs[m->syscall] == m->futex;
}

const char *pl_image_register(const struct pl_image *im, size_t index)
{
	const struct pl_machine *m = pl_machine_find(pl_image_info(im)->machine);

	return m && index < m->n_regs ? m->names[index] : "?";
}
