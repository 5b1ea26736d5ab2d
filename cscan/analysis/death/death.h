/*
 * death.h - what the parts of "how it died" share: what they look at, one question to a file.
 *
 * All but the image may be missing: a core whose interpreter cannot be read still tells its signal
 * and its native stacks.
 */
#ifndef PL_DEATH_H
#define PL_DEATH_H

#include "analysis/stacks/nativestack.h"
#include "analysis/triage/say.h"

/*
 * The signal that it died of, and where the thread that died then was. Where a handler ran and only
 * ended what had come before, that is the signal that the handler was called for.
 */
struct pl_fault {
	struct pl_siginfo info;
	bool has_info; /* else only the signal is known */
	pl_addr ip, sp;
	const uint64_t *regs; /* n_regs, as pl_thread.regs */
	size_t n_regs;
	size_t call; /* index of the call where it was; those inside of it are the handler's */
	const struct pl_signal *handled; /* NULL: no handler ran */
};

struct pl_death {
	struct pl_triage *t;
	struct pl_image *im;
	const struct pl_core_info *info;
	struct pl_view *v, view; /* v: of view, for the others */
	/* NULL: not known, and then so is l. It holds no object, see pl_objects_outline(). */
	const struct pl_objects *o;
	const struct pl_layout *l;
	struct pl_pythread *threads; /* n_threads of Python's */
	size_t n_threads;
	struct pl_stack *stacks; /* of every thread of the kernel's; the first died */
	size_t n_stacks;
	struct pl_fault fault;
};

/* A verdict and what is to be said for it; text is a sentence without full stop. */
struct pl_cause {
	const char *word;
	enum pl_confidence confidence;
	bool no_memory; /* what was said last is that an allocation failed */
	char text[400];
};

/* ---- death_signal.c ---- */
/* Fill d->fault, once the stacks are there. */
void pl_death_find_fault(struct pl_death *d);
/* Where a handler of the fault ran and another signal killed in the end: add that to the cause. */
void pl_death_aftermath(const struct pl_death *d, struct pl_cause *c);
/* Evidence on the C handlers of signals that run. */
void pl_death_handlers(struct pl_death *d);
/* "SIGSEGV", "signal 70" */
void pl_death_signal_name(int sig, char *buf, size_t cap);

/* ---- death_fault.c ---- */
/* Of a SIGSEGV or SIGBUS that the kernel raised: which, and evidence on its address. */
void pl_death_fault(struct pl_death *d, struct pl_cause *ret);

/* ---- death_abort.c ---- */
/* Of a SIGABRT: who gave up, and with what words. */
void pl_death_abort(struct pl_death *d, struct pl_cause *ret);

/* ---- death_state.c ---- */
/* What the process was at: verdicts and evidence on collection, finalizers, signal handlers. */
void pl_death_state(struct pl_death *d);

/* ---- death_threads.c ---- */
/* Tables `stack` and `threads`, who has the GIL, and whether all wait for each other. */
void pl_death_threads(struct pl_death *d);
/* Exceptions that threads raise or handle: evidence; true when one of the thread that died is a
 * MemoryError. */
bool pl_death_exceptions(struct pl_death *d);

/* ---- death_memory.c ---- */
/* Does a message of an interpreter or a C library say that memory could not be had? */
bool pl_death_says_no_memory(const char *message);
/*
 * Signs that memory ran out: evidence, and their part in the verdict. memory_error: what
 * pl_death_exceptions() said.
 */
void pl_death_memory(struct pl_death *d, bool memory_error, struct pl_cause *cause);
/* Evidence on the size of the stack that the thread that died overran. */
void pl_death_stack_size(struct pl_death *d);

/* ---- death_cxx.c ---- */
/*
 * Did C++ give up on a std::bad_alloc that nobody caught? *asked: bytes that operator new() could
 * not get, 0 where that is not known.
 */
bool pl_death_bad_alloc(struct pl_death *d, uint64_t *asked);

/* ---- crash_signature.c ---- */
#define PL_SIGNATURE_FRAMES 8
/*
 * One call in the words of the signature, "" for one that does not count: see the head of
 * crash_signature.c. library is the base name of its file, symbol may be NULL.
 */
void pl_signature_native(const char *library, const char *symbol, bool interpreter, char *buf,
			 size_t cap);
void pl_signature_python(const char *file, const char *function, char *buf, size_t cap);
/* "crash/1:" and 16 digits for a word of the verdict and the stack that died. */
void pl_crash_signature(const struct pl_death *d, const char *word, char ret[32]);

/* ---- death_words.c ---- */
/* "record_read in deathext.so", "libffi.so.8 +0x6f7a", "0x10": what a native call is. */
void pl_death_call(const struct pl_death *d, const struct pl_call *c, char *buf, size_t cap);
/* "handler (app.py:33)" for a Python call. */
void pl_death_python(const struct pl_death *d, const struct pl_pyframe *f, char *buf, size_t cap);
/* The innermost Python call of a stack, or NULL. */
const struct pl_call *pl_death_innermost_python(const struct pl_stack *s);
/* The type of the object at addr, or NULL. */
const struct pl_type *pl_death_type(const struct pl_death *d, pl_addr addr);

/* ---- the parts of triage.c; what they return: see triage.h ---- */
/* triage_death.c: signal, stacks */
int pl_triage_death(struct pl_triage *t, struct pl_err *err);
/* death_state.c: for which object */
int pl_triage_handled(struct pl_triage *t, struct pl_err *err);
void pl_death_free(struct pl_death *d); /* NULL is fine */

#endif
