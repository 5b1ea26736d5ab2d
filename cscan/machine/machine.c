/*
 * machine.c - the machines whose cores can be read: a row each.
 */
#include <elf.h>

#include "machine/internal.h"

static const struct pl_machine machines[] = {
	{
		.elf = EM_X86_64,
		.regs = &pl_x86_registers,
		.calls = &pl_x86_calls,
		.space = &pl_x86_space,
		.syscalls = &pl_x86_syscalls,
		.sigframes = &pl_x86_sigframes,
		.tls = &pl_x86_tls,
		.patterns = &pl_x86_patterns,
	},
};

const struct pl_machine *pl_machine_find(uint16_t elf)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(machines); i++) {
		if (machines[i].elf == elf)
			return &machines[i];
	}
	return NULL;
}

const char *pl_machine_name(uint16_t elf)
{
	switch (elf) {
	case EM_X86_64:
		return "an x86-64";
	case EM_AARCH64:
		return "an aarch64";
	case EM_386:
		return "an i386";
	case EM_ARM:
		return "an arm";
	case EM_PPC64:
		return "a ppc64";
	case EM_S390:
		return "an s390x";
	case EM_RISCV:
		return "a riscv";
	default:
		return NULL;
	}
}

size_t pl_machine_register(const struct pl_machine *m, unsigned number)
{
	return number < m->regs->n_numbers ? m->regs->by_number[number] : m->regs->n;
}

bool pl_machine_kept(const struct pl_machine *m, size_t index)
{
	for (unsigned i = 0; i < m->calls->n_kept; i++) {
		if (pl_machine_register(m, m->calls->kept[i]) == index)
			return true;
	}
	return false;
}
