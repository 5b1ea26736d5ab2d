/*
 * triage_death.c - how it died: the signal and what it means, and the order in which the parts of
 * the answer are told. Needs no heap but to say what lies at an address.
 */
#include <signal.h>
#include <stdio.h>

#include "analysis/death/death.h"

enum { MAX_TEXT = 300 };

/* Signals that a process raises by its own fault. */
static bool is_crash(int sig)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

	for (size_t i = 0; i < PL_ARRAY_LEN(crashes); i++) {
		if (crashes[i] == sig)
			return true;
	}
	return false;
}

/* ---- the signal ---- */

/* si_code of the signals that the kernel raises (asm-generic/siginfo.h). */
static const char *code_meaning(int sig, int code)
{
	static const struct {
		int sig, code;
		const char *meaning;
	} rows[] = {
		{SIGSEGV, SEGV_MAPERR, "nothing is mapped there"},
		{SIGSEGV, SEGV_ACCERR, "the mapping does not allow that access"},
		{SIGSEGV, 0x80, "an address that no process can have"},
		{SIGBUS, BUS_ADRALN, "badly aligned"},
		{SIGBUS, BUS_ADRERR, "the mapped file ends before that address"},
		{SIGBUS, BUS_OBJERR, "an error of the device"},
		{SIGBUS, BUS_MCEERR_AR, "broken memory"},
		{SIGBUS, BUS_MCEERR_AO, "broken memory"},
		{SIGBUS, 0x80, "an address that no process can have"},
		{SIGFPE, FPE_INTDIV, "integer division by zero"},
		{SIGFPE, FPE_INTOVF, "integer overflow"},
		{SIGILL, ILL_ILLOPC, "an illegal instruction"},
		{SIGILL, ILL_ILLOPN, "an illegal instruction"},
		{SIGTRAP, TRAP_BRKPT, "a breakpoint"},
	};

	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		if (rows[i].sig == sig && rows[i].code == code)
			return rows[i].meaning;
	}
	return NULL;
}

/* Who sent it, or why the kernel did. */
static void put_signal(struct pl_death *d)
{
	const struct pl_siginfo *info = &d->fault.info;
	const char *meaning = code_meaning(info->signal, info->code);
	char name[32], from[80] = "";

	pl_death_signal_name(info->signal, name, sizeof(name));
	if (info->sender && info->sender == d->info->pid)
		snprintf(from, sizeof(from), ", sent by the process itself");
	else if (info->sender)
		snprintf(from, sizeof(from), ", sent by process %u", info->sender);
	else if (d->fault.has_info && meaning)
		snprintf(from, sizeof(from), ": %s", meaning);
	pl_triage_evidence(d->t, "signal", "info", "%s in thread %u%s", name,
			   d->stacks[0].thread->lwp, from);
}

static void find_cause(struct pl_death *d, struct pl_cause *c)
{
	const struct pl_siginfo *info = &d->fault.info;
	const char *meaning = code_meaning(info->signal, info->code);
	bool fault = info->signal == SIGSEGV || info->signal == SIGBUS;
	char name[32];

	pl_death_signal_name(info->signal, name, sizeof(name));
	*c = (struct pl_cause){.word = "killed-by-signal", .confidence = PL_CERTAIN};
	if (!info->signal) {
		c->word = "snapshot";
		snprintf(c->text, sizeof(c->text),
			 "the process was alive: this is a snapshot, taken by gcore or its like");
	} else if (info->signal == SIGABRT) {
		pl_death_abort(d, c);
	} else if (fault && (!d->fault.has_info || info->code > 0)) {
		pl_death_fault(d, c);
	} else if (info->sender && info->sender != d->info->pid) {
		snprintf(c->text, sizeof(c->text), "%s was sent by process %u", name, info->sender);
	} else {
		snprintf(c->text, sizeof(c->text), "%s%s%s%s", name,
			 info->sender ? ", which the process sent to itself" : "",
			 meaning && info->code > 0 ? ": " : "",
			 meaning && info->code > 0 ? meaning : "");
	}
}

/* The call of the program's own that died: Python's if there is one. */
static void put_where(struct pl_death *d, const struct pl_cause *c)
{
	const struct pl_call *python = pl_death_innermost_python(&d->stacks[0]);
	char where[2 * MAX_TEXT];

	if (python)
		pl_death_python(d, python->python, where, sizeof(where));
	if (!python || strstr(c->text, where)) /* the cause may have named it itself */
		pl_triage_verdict(d->t, c->word, c->confidence, "%s", c->text);
	else
		pl_triage_verdict(d->t, c->word, c->confidence, "%s, in %s", c->text, where);
}

static int tell(struct pl_death *d)
{
	struct pl_cause cause;
	char signature[32];
	bool memory_error;

	pl_death_find_fault(d);
	find_cause(d, &cause);
	pl_death_aftermath(d, &cause);
	memory_error = pl_death_exceptions(d);
	pl_death_memory(d, memory_error, &cause);
	put_where(d, &cause);
	if (d->info->signal)
		put_signal(d);
	if (is_crash(d->fault.info.signal))
		d->t->found |= PL_FOUND_CRASH;
	pl_death_state(d);
	pl_death_threads(d);
	if (d->info->signal) {
		pl_crash_signature(d, cause.word, signature);
		pl_triage_signature(d->t, "crash", signature);
	}
	return 0;
}

/* ---- gathering ---- */

/* Nothing here waits for a walk over the heap: the reader has it in no time. */
static int find_threads(struct pl_death *d, struct pl_err *err)
{
	struct pl_objects *o = NULL;
	struct pl_err why = {0};
	int rc = pl_session_outline(d->t->session, &o, &why);

	if (!rc)
		rc = pl_pythreads_new(o, d->t->ctx, &d->threads, &d->n_threads, &why);
	if (rc == PL_E_CANCELLED || rc == PL_E_NOMEM) {
		*err = why;
		return rc;
	}
	if (rc) {
		pl_triage_evidence(d->t, "left-out", "info",
				   "Python's part of the stacks could not be told: %s", why.text);
		return 0;
	}
	d->o = o;
	d->l = o->l;
	return 0;
}

static int unwind(struct pl_death *d, struct pl_err *err)
{
	size_t n, left = PL_NATIVE_FRAMES_IN_ALL;

	pl_image_threads(d->im, &n);
	pl_ctx_stage(d->t->ctx, "unwinding stacks", n);
	d->stacks = pl_calloc(n, sizeof(*d->stacks));
	for (; d->n_stacks < n; d->n_stacks++) {
		if (pl_ctx_cancelled(d->t->ctx))
			return pl_ctx_cancel_err(err);
		pl_stack_init(&d->stacks[d->n_stacks], d->im, d->n_stacks, d->threads, d->n_threads,
			      &left);
		pl_ctx_step(d->t->ctx, 1);
	}
	return 0;
}

int pl_triage_death(struct pl_triage *t, struct pl_err *err)
{
	struct pl_death *d = pl_calloc(1, sizeof(*d));
	int rc = pl_session_image(t->session, &d->im, err);

	d->t = t;
	if (rc) {
		free(d);
		return rc;
	}
	t->death = d;
	d->info = pl_image_info(d->im);
	d->v = &d->view;
	pl_view_init(d->v, d->im);
	rc = find_threads(d, err);
	if (!rc)
		rc = unwind(d, err);
	if (!rc && !d->n_stacks)
		pl_triage_evidence(t, "left-out", "info",
				   "how it died: the core holds no thread's registers");
	else if (!rc)
		rc = tell(d);
	pl_ctx_stage(t->ctx, NULL, 0);
	return rc;
}

void pl_death_free(struct pl_death *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_stacks; i++)
		pl_stack_fini(&d->stacks[i]);
	free(d->stacks);
	pl_pythreads_free(d->threads, d->n_threads);
	free(d);
}
