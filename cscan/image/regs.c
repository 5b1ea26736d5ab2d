/*
 * regs.c - the general registers in NT_PRSTATUS, per machine: one row makes its cores readable.
 *
 * The order is that of the kernel's elf_gregset_t (x86-64: struct user_regs_struct in
 * arch/x86/include/asm/user_64.h). Nothing else in pyleak knows a register.
 */
#include <elf.h>

#include "image/internal.h"

static const struct pl_machine machines[] = {
	/* r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss fs_base ...
	 */
	{.machine = EM_X86_64, .n_regs = 27, .ip = 16, .sp = 19, .tp = 21},
};

const struct pl_machine *pl_machine_find(uint16_t machine)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(machines); i++) {
		if (machines[i].machine == machine)
			return &machines[i];
	}
	return NULL;
}
