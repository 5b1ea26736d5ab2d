/*
 * sigframe.c - what the kernel lays down on a thread's stack for the handler of a signal: why the
 * signal came, and the registers of what it interrupted.
 *
 * Where the parts lie is the machine's (machine/). A frame is believed when it and the unwinder,
 * who read its registers by other ways (.eh_frame of the C library), agree on where the thread was.
 * Its siginfo_t is written only for handlers with SA_SIGINFO (setup_rt_frame() of the kernel) and
 * else is what was on the stack before: it is believed when the registers do not say otherwise.
 */
#include <signal.h>

#include "image/internal.h"

enum { SIGINFO_ERRNO = 4, SIGINFO_PAD = 12, MAX_PID = 1 << 22 }; /* PID_MAX_LIMIT */

static bool read_view(void *v, pl_addr addr, void *buf, uint64_t n)
{
	return pl_read(v, addr, buf, n);
}

struct pl_memory pl_memory_of(struct pl_view *v)
{
	return (struct pl_memory){read_view, v};
}

bool pl_is_sigreturn(const struct pl_machine *m, struct pl_view *v, pl_addr pc)
{
	const struct pl_sigframes *f = m->sigframes;
	const uint8_t *code = f->n_sigreturn ? pl_at(v, pc, f->n_sigreturn) : NULL;

	return code && !memcmp(code, f->sigreturn, f->n_sigreturn);
}

bool pl_sigframe_regs(const struct pl_machine *m, struct pl_view *v, const struct pl_thread *t,
		      pl_addr sp, struct pl_signal *ret)
{
	const struct pl_sigframes *f = m->sigframes;
	struct pl_signal s = {.frame = 0};

	if (!f->n_order)
		return false;
	memcpy(s.regs, t->regs, t->n_regs * sizeof(*s.regs));
	/* The number of the system call is the handler's. */
	s.regs[m->syscalls->number] = UINT64_MAX;
	for (unsigned i = 0; i < f->n_order; i++) {
		if (!pl_read64(v, sp + f->regs + 8 * i, &s.regs[f->order[i]]))
			return false;
	}
	s.ip = s.regs[m->regs->pc];
	s.sp = s.regs[m->regs->sp];
	*ret = s;
	return true;
}

/* ---- why it came ---- */

static bool is_fault(const struct pl_siginfo *s)
{
	return s->has_addr && s->code > 0;
}

/*
 * The signal of a page that could not be used (arch/x86/mm/fault.c, mm/memory.c): if the mapping
 * allows it, then a file is too short, or the page is a guard that madvise() put there.
 */
static void judge_page(const struct pl_image *im, struct pl_trap *trap)
{
	static const uint8_t needs[] = {
		[PL_ACCESS_READ] = PL_PROT_READ,
		[PL_ACCESS_WRITE] = PL_PROT_WRITE,
		[PL_ACCESS_EXEC] = PL_PROT_EXEC,
	};
	const struct pl_mapping *m = pl_image_mapping(im, trap->addr);

	trap->signal = SIGSEGV;
	trap->code = SEGV_MAPERR;
	if (m && !(m->prot & needs[trap->access])) {
		trap->code = SEGV_ACCERR;
	} else if (m && m->module >= 0) {
		trap->signal = SIGBUS;
		trap->code = BUS_ADRERR;
	}
}

/*
 * Can a signal that no instruction led to have that code (asm-generic/siginfo.h)? Where a trap is
 * noted, though it may be an older one, it has to have a sender, too.
 */
static bool can_be_sent(const struct pl_siginfo *s, bool trapped)
{
	enum { MOST_CODES = 16, LEAST_CODE = -64, FROM_KERNEL = 0x80 };

	if (s->code <= 0)
		return s->code > LEAST_CODE && s->sender <= MAX_PID && (s->sender || !trapped);
	if (s->signal == SIGCHLD || s->signal == SIGIO || s->signal == SIGSYS)
		return s->code < MOST_CODES;
	return s->code == FROM_KERNEL;
}

/* Is what lies where the siginfo_t would be one, and of this very signal? */
static bool read_told(const struct pl_image *im, struct pl_view *v, pl_addr sp,
		      const struct pl_trap *trap, struct pl_siginfo *ret)
{
	uint8_t raw[PL_SIGINFO_BYTES];

	if (!pl_read(v, sp + im->machine->sigframes->info, raw, sizeof(raw)))
		return false;
	pl_siginfo_read(raw, ret);
	if (ret->signal < 1 || ret->signal > SIGRTMAX || pl_ld32(raw + SIGINFO_ERRNO) ||
	    pl_ld32(raw + SIGINFO_PAD))
		return false;
	if (!is_fault(ret))
		return can_be_sent(ret, trap != NULL);
	if (!trap)
		return false;
	if (trap->page)
		return (ret->signal == SIGSEGV || ret->signal == SIGBUS) && ret->addr == trap->addr;
	return ret->signal == trap->signal;
}

/* The arguments of raise() and kill() of the process to itself are in the registers yet. */
static void find_sent(const struct pl_image *im, struct pl_view *v, const struct pl_thread *t,
		      const uint64_t *regs, struct pl_siginfo *ret)
{
	const struct pl_syscalls *m = im->machine->syscalls;
	const struct pl_memory mem = pl_memory_of(v);
	uint64_t a = regs[m->args[0]], b = regs[m->args[1]], c = regs[m->args[2]];

	*ret = (struct pl_siginfo){0};
	if (!m->done(&mem, regs) || regs[m->result])
		return;
	if (a == im->info.pid && b == t->lwp && c - 1 < 64) { /* tgkill(2) */
		ret->signal = (int)c;
		ret->code = SI_TKILL;
	} else if ((a == im->info.pid || a == t->lwp) && b - 1 < 64) { /* kill(2), tkill(2) */
		ret->signal = (int)b;
		ret->code = a == im->info.pid ? SI_USER : SI_TKILL;
	} else {
		return;
	}
	ret->sender = im->info.pid;
}

static void find_cause(const struct pl_image *im, struct pl_view *v, const struct pl_thread *t,
		       pl_addr sp, struct pl_signal *s)
{
	const struct pl_sigframes *f = im->machine->sigframes;
	const struct pl_memory mem = pl_memory_of(v);
	struct pl_trap trap;
	bool trapped = f->trap(&mem, sp + f->regs, s->regs, &trap);

	if (trapped && trap.page)
		judge_page(im, &trap);
	s->told = read_told(im, v, sp, trapped ? &trap : NULL, &s->info);
	if (s->told)
		return;
	if (trapped)
		s->info = (struct pl_siginfo){.signal = trap.signal,
					      .code = trap.code,
					      .has_addr = true,
					      .addr = trap.addr};
	else
		find_sent(im, v, t, s->regs, &s->info);
}

size_t pl_image_signals(const struct pl_image *im, size_t thread,
			const struct pl_native_frame *frames, size_t n, struct pl_signal **ret)
{
	const struct pl_thread *t = &im->threads.at[thread];
	PL_VEC(struct pl_signal) found = {0};
	struct pl_signal s;
	struct pl_view v;

	pl_view_init(&v, im);
	for (size_t i = 0; i + 1 < n; i++) {
		if (!frames[i + 1].exact || !frames[i].sp ||
		    !pl_sigframe_regs(im->machine, &v, t, frames[i].sp, &s) ||
		    s.ip != frames[i + 1].pc || s.sp != frames[i + 1].sp)
			continue;
		find_cause(im, &v, t, frames[i].sp, &s);
		s.frame = i + 1;
		pl_vec_push(&found, s);
	}
	*ret = found.at;
	return found.n;
}
