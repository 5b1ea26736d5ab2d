/*
 * regs.c - the general registers in NT_PRSTATUS and in the frame of a signal's handler, per
 * machine: one row makes its cores readable.
 *
 * The order is that of the kernel's elf_gregset_t (x86-64: struct user_regs_struct in
 * arch/x86/include/asm/user_64.h), numbers of system calls are those of its
 * arch/x86/entry/syscalls/syscall_64.tbl. A handler's frame is its struct rt_sigframe
 * (arch/x86/include/asm/sigframe.h). Nothing else in pyleak knows a register.
 */
#include <elf.h>
#include <signal.h>

#include "image/internal.h"

static const char *const x86_64[] = {
	"r15",    "r14", "r13", "r12",     "rbp",     "rbx", "r11",      "r10", "r9",
	"r8",     "rax", "rcx", "rdx",     "rsi",     "rdi", "orig_rax", "rip", "cs",
	"eflags", "rsp", "ss",  "fs_base", "gs_base", "ds",  "es",       "fs",  "gs",
};
_Static_assert(PL_ARRAY_LEN(x86_64) <= PL_REGS_MAX, "no room in struct pl_signal");
/* rax rdx rcx rbx rsi rdi rbp rsp r8-r15 (System V ABI for AMD64, figure 3.36) */
static const uint8_t x86_64_dwarf[] = {10, 11, 12, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0};
/*
 * struct rt_sigframe: the return address, struct ucontext (uc_flags, uc_link, uc_stack of 24 bytes;
 * struct sigcontext of 256; the signal mask of 8), siginfo_t. The handler's return takes the
 * address away, and the stack pointer is at ucontext then. sigcontext begins with r8-r15 rdi rsi
 * rbp rbx rdx rax rcx rsp rip eflags (arch/x86/include/uapi/asm/sigcontext.h).
 */
enum {
	X86_64_SIGSTACK = 8 + 8,
	X86_64_SIGCONTEXT = X86_64_SIGSTACK + 24,
	X86_64_SIGINFO = X86_64_SIGCONTEXT + 256 + 8
};
static const uint8_t x86_64_sigcontext[] = {9,  8, 7, 6,  3,  2,  1,  0,  14,
					    13, 4, 5, 12, 10, 11, 19, 16, 18};
/* mov $15,%rax; syscall: what C libraries have for it and unwinders know it by
 * (sysdeps/unix/sysv/linux/x86_64/libc_sigaction.c; libgcc/config/i386/linux-unwind.h). */
static const char x86_64_sigreturn[] = "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05";
enum { RAX = 10, RCX = 11, RDX = 12, RSI = 13, RDI = 14, RIP = 16 };
enum { CONTEXT_ERR = 152, CONTEXT_TRAPNO = 160, CONTEXT_CR2 = 176 }; /* of sigcontext */

/* div or idiv, behind prefixes: only they divide by zero. */
static bool divides(struct pl_view *v, pl_addr ip)
{
	const uint8_t *code;

	for (unsigned i = 0; i < 4; i++) {
		if (!(code = pl_at(v, ip + i, 2)))
			return false;
		if (code[0] == 0xf6 || code[0] == 0xf7)
			return (code[1] >> 3 & 7) >= 6;
		if (code[0] != 0x66 && (code[0] & 0xf0) != 0x40)
			return false;
	}
	return false;
}

/* The instruction wrote where to go on into rcx, and the kernel goes on there. */
static bool x86_64_after_syscall(struct pl_view *v, const uint64_t *regs)
{
	const uint8_t *code = pl_at(v, regs[RIP] - 2, 2);

	return code && code[0] == 0x0f && code[1] == 0x05 && regs[RCX] == regs[RIP];
}

/*
 * sigcontext has the number of the processor's exception, its error code and the address that
 * could not be used (Intel SDM volume 3, 6.15; arch/x86/kernel/signal_64.c). They are of the last
 * trap that led to a signal, so not of a signal that is sent to a system call. What signal the
 * kernel makes of which trap is in arch/x86/kernel/traps.c.
 */
static bool x86_64_trap(struct pl_view *v, pl_addr context, const uint64_t *regs,
			struct pl_trap *ret)
{
	enum { DIVIDE = 0, PAGE_FAULT = 14, WRITE = 2, FETCH = 16, KERNEL = 0x80 };
	static const struct {
		uint8_t trap;
		struct pl_siginfo info;
		bool at_ip; /* si_addr is the instruction's */
	} rows[] = {
		{DIVIDE, {SIGFPE, FPE_INTDIV, true, 0, 0}, true},
		{1, {SIGTRAP, TRAP_TRACE, true, 0, 0}, true},
		{3, {SIGTRAP, KERNEL, true, 0, 0}, false},
		{4, {SIGSEGV, KERNEL, true, 0, 0}, false},
		{5, {SIGSEGV, KERNEL, true, 0, 0}, false},
		{6, {SIGILL, ILL_ILLOPN, true, 0, 0}, true},
		{11, {SIGBUS, KERNEL, true, 0, 0}, false},
		{12, {SIGBUS, KERNEL, true, 0, 0}, false},
		{13, {SIGSEGV, KERNEL, true, 0, 0}, false},
		{PAGE_FAULT, {0, 0, true, 0, 0}, false},
		{16, {SIGFPE, FPE_FLTINV, true, 0, 0}, true},
		{17, {SIGBUS, BUS_ADRALN, true, 0, 0}, false},
		{19, {SIGFPE, FPE_FLTINV, true, 0, 0}, true},
	};
	uint64_t trap, err, cr2;

	if (!pl_read64(v, context + CONTEXT_TRAPNO, &trap) ||
	    !pl_read64(v, context + CONTEXT_ERR, &err) ||
	    !pl_read64(v, context + CONTEXT_CR2, &cr2) || x86_64_after_syscall(v, regs) ||
	    (trap == DIVIDE && !divides(v, regs[RIP])))
		return false;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		if (rows[i].trap != trap)
			continue;
		*ret = (struct pl_trap){.info = rows[i].info, .page = trap == PAGE_FAULT};
		if (rows[i].at_ip)
			ret->info.addr = regs[RIP];
		if (!ret->page)
			return true;
		ret->info.addr = cr2;
		ret->access = PL_PROT_READ;
		if (err & FETCH)
			ret->access = PL_PROT_EXEC;
		else if (err & WRITE)
			ret->access = PL_PROT_WRITE;
		return true;
	}
	return false;
}

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
	 .sigreturn = x86_64_sigreturn,
	 .n_sigreturn = sizeof(x86_64_sigreturn) - 1,
	 .sig_info = X86_64_SIGINFO,
	 .sig_stack = X86_64_SIGSTACK,
	 .sig_regs = X86_64_SIGCONTEXT,
	 .sig_order = x86_64_sigcontext,
	 .n_sig_order = PL_ARRAY_LEN(x86_64_sigcontext),
	 .trap = x86_64_trap,
	 .after_syscall = x86_64_after_syscall,
	 .sys_args = {RDI, RSI, RDX},
	 .sys_ret = RAX,
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
