/*
 * x86_kernel.c - x86-64: system calls, the frame of a signal's handler, traps, thread-local data.
 *
 * Numbers of system calls are those of the kernel's arch/x86/entry/syscalls/syscall_64.tbl, a
 * handler's frame is its struct rt_sigframe (arch/x86/include/asm/sigframe.h).
 */
#include <elf.h>
#include <signal.h>

#include "machine/internal.h"

/*
 * struct rt_sigframe: the return address, struct ucontext (uc_flags, uc_link, uc_stack of 24 bytes;
 * struct sigcontext of 256; the signal mask of 8), siginfo_t. The handler's return takes the
 * address away, and the stack pointer is at ucontext then.
 */
enum { SIGSTACK = 8 + 8, SIGCONTEXT = SIGSTACK + 24, SIGINFO = SIGCONTEXT + 256 + 8 };
/* How sigcontext begins (arch/x86/include/uapi/asm/sigcontext.h); eflags is the last. */
static const uint8_t sigcontext[] = {
	PL_X86_PR_R8,  PL_X86_PR_R9,  PL_X86_PR_R10, PL_X86_PR_R11, PL_X86_PR_R12, PL_X86_PR_R13,
	PL_X86_PR_R14, PL_X86_PR_R15, PL_X86_PR_RDI, PL_X86_PR_RSI, PL_X86_PR_RBP, PL_X86_PR_RBX,
	PL_X86_PR_RDX, PL_X86_PR_RAX, PL_X86_PR_RCX, PL_X86_PR_RSP, PL_X86_PR_RIP, PL_X86_PR_EFLAGS,
};
enum { CONTEXT_ERR = 152, CONTEXT_TRAPNO = 160, CONTEXT_CR2 = 176 }; /* of sigcontext */
/* mov $15,%rax; syscall: what C libraries have for it and unwinders know it by
 * (sysdeps/unix/sysv/linux/x86_64/libc_sigaction.c; libgcc/config/i386/linux-unwind.h). */
static const char returning[] = "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05";

static bool read64(const struct pl_memory *mem, pl_addr addr, uint64_t *ret)
{
	return mem->read(mem->arg, addr, ret, sizeof(*ret));
}

/* div or idiv, behind prefixes: only they divide by zero. */
static bool divides(const struct pl_memory *mem, pl_addr ip)
{
	uint8_t code[2];

	for (unsigned i = 0; i < 4; i++) {
		if (!mem->read(mem->arg, ip + i, code, sizeof(code)))
			return false;
		if (code[0] == 0xf6 || code[0] == 0xf7)
			return (code[1] >> 3 & 7) >= 6;
		if (code[0] != 0x66 && (code[0] & 0xf0) != 0x40)
			return false;
	}
	return false;
}

/* The instruction wrote where to go on into rcx, and the kernel goes on there. */
static bool syscall_done(const struct pl_memory *mem, const uint64_t *regs)
{
	uint8_t code[2];

	return mem->read(mem->arg, regs[PL_X86_PR_RIP] - 2, code, sizeof(code)) &&
	       code[0] == 0x0f && code[1] == 0x05 && regs[PL_X86_PR_RCX] == regs[PL_X86_PR_RIP];
}

/*
 * sigcontext has the number of the processor's exception, its error code and the address that
 * could not be used (Intel SDM volume 3, 6.15; arch/x86/kernel/signal_64.c). They are of the last
 * trap that led to a signal, so not of a signal that is sent to a system call. What signal the
 * kernel makes of which trap is in arch/x86/kernel/traps.c.
 */
static bool trap(const struct pl_memory *mem, pl_addr context, const uint64_t *regs,
		 struct pl_trap *ret)
{
	enum { DIVIDE = 0, PAGE_FAULT = 14, WRITE = 2, FETCH = 16, KERNEL = 0x80 };
	static const struct {
		uint8_t number;
		int signal, code;
		bool at_ip; /* si_addr is the instruction's */
	} rows[] = {
		{DIVIDE, SIGFPE, FPE_INTDIV, true}, {1, SIGTRAP, TRAP_TRACE, true},
		{3, SIGTRAP, KERNEL, false},        {4, SIGSEGV, KERNEL, false},
		{5, SIGSEGV, KERNEL, false},        {6, SIGILL, ILL_ILLOPN, true},
		{11, SIGBUS, KERNEL, false},        {12, SIGBUS, KERNEL, false},
		{13, SIGSEGV, KERNEL, false},       {PAGE_FAULT, 0, 0, false},
		{16, SIGFPE, FPE_FLTINV, true},     {17, SIGBUS, BUS_ADRALN, false},
		{19, SIGFPE, FPE_FLTINV, true},
	};
	uint64_t number, err, cr2;

	if (!read64(mem, context + CONTEXT_TRAPNO, &number) ||
	    !read64(mem, context + CONTEXT_ERR, &err) ||
	    !read64(mem, context + CONTEXT_CR2, &cr2) || syscall_done(mem, regs) ||
	    (number == DIVIDE && !divides(mem, regs[PL_X86_PR_RIP])))
		return false;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		if (rows[i].number != number)
			continue;
		*ret = (struct pl_trap){
			.signal = rows[i].signal,
			.code = rows[i].code,
			.page = number == PAGE_FAULT,
		};
		if (rows[i].at_ip)
			ret->addr = regs[PL_X86_PR_RIP];
		if (!ret->page)
			return true;
		ret->addr = cr2;
		ret->access = PL_ACCESS_READ;
		if (err & FETCH)
			ret->access = PL_ACCESS_EXEC;
		else if (err & WRITE)
			ret->access = PL_ACCESS_WRITE;
		return true;
	}
	return false;
}

const struct pl_syscalls pl_x86_syscalls = {
	.number = PL_X86_PR_ORIG_RAX,
	.args = {PL_X86_PR_RDI, PL_X86_PR_RSI, PL_X86_PR_RDX},
	.result = PL_X86_PR_RAX,
	.futex = 202,
	.done = syscall_done,
};

const struct pl_sigframes pl_x86_sigframes = {
	.sigreturn = returning,
	.n_sigreturn = sizeof(returning) - 1,
	.info = SIGINFO,
	.stack = SIGSTACK,
	.regs = SIGCONTEXT,
	.order = sigcontext,
	.n_order = PL_ARRAY_LEN(sigcontext),
	.trap = trap,
};

const struct pl_tls pl_x86_tls = {.relocation = R_X86_64_TPOFF64};
