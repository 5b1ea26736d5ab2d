/*
 * death_signal.c - which signal was the first: the one that killed, or one whose handler was still
 * running then.
 *
 * Handlers of crashes, as faulthandler's, write a report, and then raise the signal again, with its
 * handler taken away, or abort(). The core's NT_SIGINFO tells of that last signal: it came from the
 * process itself, at no address. What the handler was called for is in the frame that the kernel
 * made for it on the stack. CPython: faulthandler_fatal_error() in Modules/faulthandler.c, which
 * raises the signal from within the handler (SA_NODEFER).
 */
#include <signal.h>
#include <stdio.h>

#include "analysis/death/death.h"

enum { MAX_TEXT = 300 };

void pl_death_signal_name(int sig, char *buf, size_t cap)
{
	const char *name = sigabbrev_np(sig);

	if (!sig)
		snprintf(buf, cap, "a signal");
	else if (name)
		snprintf(buf, cap, "SIG%s", name);
	else
		snprintf(buf, cap, "signal %d", sig);
}

/* Did an instruction of the thread's own lead to it? */
static bool is_fault(const struct pl_siginfo *s)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

	for (size_t i = 0; s->code > 0 && i < PL_ARRAY_LEN(crashes); i++) {
		if (crashes[i] == s->signal)
			return true;
	}
	return false;
}

/* The process died by what it did. Without an NT_SIGINFO, that is: as far as the core tells. */
static bool by_itself(const struct pl_core_info *info)
{
	struct pl_siginfo last = {.signal = info->signal, .code = info->si_code};

	return info->signal && (!info->has_siginfo || is_fault(&last) ||
				(info->sender && info->sender == info->pid));
}

/*
 * A signal that nothing tells the number of came to raise(), which blocks signals until all is done
 * (glibc before 2.34, sysdeps/unix/sysv/linux/raise.c).
 */
static bool is_raised(const struct pl_death *d, const struct pl_signal *signal)
{
	const struct pl_call interrupted = {.native = &d->stacks[0].frames[signal->frame]};

	return !signal->info.signal &&
	       (pl_call_is(&interrupted, "raise") || pl_call_is(&interrupted, "gsignal") ||
		pl_call_is(&interrupted, "__GI_raise"));
}

/*
 * The signal that the thread that died was handling, when that is why it died: the first one that
 * was a crash. If none was, the first one that is the same as the one that killed, which the
 * handler then raised again.
 */
static const struct pl_signal *first_signal(const struct pl_death *d)
{
	const struct pl_stack *s = &d->stacks[0];

	if (!by_itself(d->info))
		return NULL;
	for (size_t i = s->n_signals; i--;) {
		if (is_fault(&s->signals[i].info))
			return &s->signals[i];
	}
	for (size_t i = s->n_signals; i--;) {
		if (s->signals[i].info.signal == d->info->signal || is_raised(d, &s->signals[i]))
			return &s->signals[i];
	}
	return NULL;
}

void pl_death_find_fault(struct pl_death *d)
{
	const struct pl_core_info *info = d->info;
	const struct pl_stack *s = &d->stacks[0];
	const struct pl_signal *handled = first_signal(d);

	d->fault = (struct pl_fault){
		.info = {info->signal, info->si_code, info->has_fault_addr, info->fault_addr,
			 info->sender},
		.has_info = info->has_siginfo,
		.ip = s->thread->ip,
		.sp = s->thread->sp,
		.regs = s->thread->regs,
		.n_regs = s->thread->n_regs,
		.handled = handled,
	};
	if (!handled)
		return;
	if (handled->info.signal) {
		d->fault.info = handled->info;
		d->fault.has_info = true;
	}
	d->fault.ip = handled->ip;
	d->fault.sp = handled->sp;
	d->fault.regs = handled->regs;
	d->fault.call = pl_stack_interrupted(s, handled);
}

/* The function that is the handler; "" when it is not known, or left for raise() already. */
static void put_handler(const struct pl_death *d, const struct pl_stack *s,
			const struct pl_signal *signal, char *buf, size_t cap)
{
	struct pl_call handler = {0};
	char text[MAX_TEXT];

	buf[0] = '\0';
	/* The code that it returns to is between. */
	if (signal->frame < 2)
		return;
	handler.native = &s->frames[signal->frame - 2];
	if (pl_call_is(&handler, "raise") || pl_call_is(&handler, "gsignal"))
		return;
	pl_death_call(d, &handler, text, sizeof(text));
	snprintf(buf, cap, " (%s)", text);
}

static void put_interrupted(const struct pl_death *d, const struct pl_stack *s,
			    const struct pl_signal *signal, char *buf, size_t cap)
{
	size_t i = pl_stack_interrupted(s, signal);

	if (i == s->n_calls)
		snprintf(buf, cap, "an unknown call");
	else if (s->calls[i].python)
		pl_death_python(d, s->calls[i].python, buf, cap);
	else
		pl_death_call(d, &s->calls[i], buf, cap);
}

/* What the handler of the first signal did. */
static void put_end(const struct pl_death *d, char *buf, size_t cap)
{
	struct pl_siginfo last = {.signal = d->info->signal, .code = d->info->si_code};
	char name[32];

	pl_death_signal_name(last.signal, name, sizeof(name));
	if (d->info->has_siginfo && is_fault(&last))
		snprintf(buf, cap, "crashed itself, with %s", name);
	else if (last.signal == d->fault.info.signal)
		snprintf(buf, cap, "raised the signal again");
	else if (last.signal == SIGABRT)
		snprintf(buf, cap, "aborted");
	else
		snprintf(buf, cap, "raised %s", name);
}

void pl_death_aftermath(const struct pl_death *d, struct pl_cause *c)
{
	char name[32], end[80];
	size_t used = strlen(c->text);

	if (!d->fault.handled || d->info->signal == d->fault.info.signal)
		return;
	/* A trap may be an older one, which did not kill. */
	if (!d->fault.handled->told && c->confidence == PL_CERTAIN)
		c->confidence = PL_LIKELY;
	pl_death_signal_name(d->fault.info.signal, name, sizeof(name));
	put_end(d, end, sizeof(end));
	snprintf(c->text + used, sizeof(c->text) - used, "; the handler of %s then %s", name, end);
}

void pl_death_handlers(struct pl_death *d)
{
	char name[32], handler[MAX_TEXT + 8], call[MAX_TEXT], end[80];

	for (size_t i = 0; i < d->n_stacks; i++) {
		const struct pl_stack *s = &d->stacks[i];

		for (size_t k = 0; k < s->n_signals; k++) {
			const struct pl_signal *signal = &s->signals[k];

			pl_death_signal_name(signal == d->fault.handled ? d->fault.info.signal
									: signal->info.signal,
					     name, sizeof(name));
			put_handler(d, s, signal, handler, sizeof(handler));
			put_interrupted(d, s, signal, call, sizeof(call));
			if (signal == d->fault.handled)
				put_end(d, end, sizeof(end));
			else
				snprintf(end, sizeof(end), "runs");
			pl_triage_conclusion(d->t, "signal-handler",
					     signal->told ? PL_CERTAIN : PL_LIKELY,
					     "threads --native",
					     "thread %u: a C handler of %s%s %s; it interrupted %s",
					     s->thread->lwp, name, handler, end, call);
		}
	}
}
