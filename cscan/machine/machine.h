/*
 * machine.h - what pyleak asks of a processor, and of Linux and the C compilers on it.
 *
 * A machine is one row of machine.c. Each kind of question is a struct, and one file answers it:
 * registers, calls and addresses (x86_regs.c), what the kernel and a thread agree on
 * (x86_kernel.c), how compiled code does this or that (x86_patterns.c, by way of x86.c, which takes
 * an instruction apart). What instructions do to the words of a tp_traverse is asked in
 * object/traverse/ (walk_x86.c). Nothing here knows a core: memory is read through a pl_memory.
 *
 * A register is meant by its index among the words of pr_reg in NT_PRSTATUS, as in pl_thread.regs,
 * unless it says "by number": that is the one which instructions have for it.
 */
#ifndef PL_MACHINE_H
#define PL_MACHINE_H

#include "base/base.h"

/* ---- of every machine ---- */

/* Words of pr_reg, at most. */
#define PL_REGS_MAX 32

/*
 * The least page of any machine that Linux runs on, and the only one of x86-64. Where files and
 * stacks are rounded to pages this is right on a machine with larger ones (AT_PAGESZ tells) only if
 * too small a page does no harm.
 */
#define PL_PAGE UINT64_C(4096)
/*
 * Below is no address of a process: vm.mmap_min_addr is a page at least, but where root allows page
 * 0 to be mapped. For who must not throw away what may be an address.
 */
#define PL_ADDRESS_LEAST UINT64_C(0x1000)
/*
 * Nor from here on: x86-64 with page tables of five levels gives a process 2^56 bytes, aarch64
 * 2^52, and others less. What a core lists beyond is the kernel's, such as the page of old system
 * calls.
 */
#define PL_ADDRESS_END (UINT64_C(1) << 56)
/*
 * Below, an address that could not be used is one of a member behind NULL, and no word is a pointer
 * that got damaged: vm.mmap_min_addr of all distributions is 64 KiB, on aarch64 half of that.
 */
#define PL_NULL_END UINT64_C(0x10000)

/* The process's memory: n bytes at addr into buf; false when they are not at hand. */
struct pl_memory {
	bool (*read)(void *arg, pl_addr addr, void *buf, uint64_t n);
	void *arg;
};

/* ---- registers, calls and addresses ---- */

struct pl_registers {
	unsigned n;               /* words of pr_reg */
	const char *const *names; /* n */
	uint8_t pc, sp, tp;       /* program counter, stack pointer, thread pointer */
	uint32_t of_program; /* bit by index: it holds what the program put there, and neither flags
				nor segments nor what the kernel notes */
	const uint8_t *by_number; /* n_numbers */
	unsigned n_numbers;
	const uint8_t *by_dwarf; /* by DWARF's number: n_dwarf */
	unsigned n_dwarf;
	uint8_t dwarf_sp; /* DWARF's number of the stack pointer */
};

/* The calling convention; registers by number. */
struct pl_calls {
	uint8_t args[8], n_args;
	uint8_t kept[16], n_kept; /* a call has to leave them as they are; without sp */
	uint8_t result, sp;
	uint8_t red_zone; /* bytes below the stack pointer that a function may use */
	bool pushes;      /* a call leaves its return address where the stack pointer then points */
};

struct pl_space {
	/* From hole on and before hole_end nothing can be an address: the processor refuses it,
	 * and does not tell which one it was. */
	pl_addr hole, hole_end;
};

/* ---- what the kernel and a thread agree on ---- */

struct pl_syscalls {
	uint8_t number;          /* register that keeps the number of the system call at hand */
	uint8_t args[3], result; /* registers that it leaves as they are */
	uint64_t futex;          /* number of futex(2) */
	/* Did the thread, with these registers, just come out of a system call? */
	bool (*done)(const struct pl_memory *mem, const uint64_t *regs);
};

enum pl_access { PL_ACCESS_READ, PL_ACCESS_WRITE, PL_ACCESS_EXEC };

/* An instruction that could not be done, and what the kernel makes of it. */
struct pl_trap {
	int signal, code; /* of siginfo_t */
	pl_addr addr;     /* si_addr */
	/* A page was not there or not to be used so: signal and code are for the mappings to say.
	 */
	bool page;
	enum pl_access access; /* of the page */
};

/*
 * What the kernel lays down on the stack for a signal handler. Offsets are from the stack pointer
 * of the code that the handler returns to, which asks the kernel to take it all back.
 */
struct pl_sigframes {
	const char *sigreturn; /* that code, n_sigreturn bytes */
	unsigned n_sigreturn;
	unsigned info;        /* offset of siginfo_t */
	unsigned stack;       /* offset of stack_t, the alternate stack */
	unsigned regs;        /* offset of the interrupted registers */
	const uint8_t *order; /* which ones, n_order of them */
	unsigned n_order;
	/* Which trap the registers at context (regs) are from; false for none. */
	bool (*trap)(const struct pl_memory *mem, pl_addr context, const uint64_t *regs,
		     struct pl_trap *ret);
};

struct pl_tls {
	uint32_t relocation; /* R_...: its word is the distance of thread-local data from the thread
				pointer */
};

/* ---- how compiled code does it ---- */

/* Where a function keeps its argument over its first call, and where it goes when that failed. */
struct pl_kept_argument {
	size_t reg;
	pl_addr cold; /* a part of it that lies elsewhere, 0 for none */
};

/* Of each: the code is the n bytes that lie at pc; *ret is untouched when the answer is no. */
struct pl_patterns {
	unsigned step; /* instructions start at multiples of so many bytes */
	/* Does what starts at pc load a constant address as the first or second argument? */
	bool (*constant_argument)(const uint8_t *code, size_t n, pl_addr pc, pl_addr *ret);
	/* Of a function that hands its first argument, out of a register that calls keep, to the
	 * first function it calls. */
	bool (*kept_argument)(const uint8_t *code, size_t n, pl_addr pc,
			      struct pl_kept_argument *ret);
	/* Of a function that does nothing but return a variable: where that is. */
	bool (*returned_variable)(const uint8_t *code, size_t n, pl_addr pc, pl_addr *ret);
};
/* Bytes that are enough for returned_variable. */
#define PL_SMALL_FUNCTION 16

/* ---- a machine ---- */

struct pl_machine {
	uint16_t elf; /* EM_... */
	const struct pl_registers *regs;
	const struct pl_calls *calls;
	const struct pl_space *space;
	const struct pl_syscalls *syscalls;
	const struct pl_sigframes *sigframes;
	const struct pl_tls *tls;
	const struct pl_patterns *patterns;
};

/* By ELF's number, or NULL when the machine's cores cannot be read. */
const struct pl_machine *pl_machine_find(uint16_t elf);
/* "an aarch64", also of machines whose cores cannot be read; NULL when it is not known. */
const char *pl_machine_name(uint16_t elf);
/* Index of the register with that number; regs->n when there is none. */
size_t pl_machine_register(const struct pl_machine *m, unsigned number);
/* Do calls have to leave the register with that index as it is? */
bool pl_machine_kept(const struct pl_machine *m, size_t index);

#endif
