/*
 * death_memory.c - signs that memory ran out, and how much address space there was.
 *
 * A core says little of limits: RLIMIT_AS and cgroups are the kernel's and are not in it (and what
 * a cgroup's limit kills leaves no core at all). It does have: MemoryErrors with the place that
 * raised them; errno of each thread, the reason of the last failure in it; what the interpreter or
 * C++ said as it gave up; and every mapping.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>

#include "analysis/death/death.h"
#include "base/say.h"
#include "base/addrset.h"
#include "object/frames/exceptions.h"

enum {
	MAX_TEXT = 300,
	SHOWN_THREADS = 8,
	SHOWN_ERRORS = 8, /* MemoryErrors whose places are told */
};

/* ---- messages ---- */

/*
 * What Py_FatalError() is called with when an allocation failed, and the like of extensions.
 * Not "Could not allocate TLS entry": that is a lack of keys. Nor "Cannot allocate core JIT code":
 * that may be a lack of rights.
 */
bool pl_death_says_no_memory(const char *message)
{
	static const char *const words[] = {
		"out of memory",
		"Out of memory",          /* PyErr_NoMemory(); init_slotdefs() up to 3.8 */
		"MemoryError",            /* Python/errors.c, in normalizing exceptions, 3.6 on */
		"not enough memory",      /* Modules/main.c up to 3.6, Modules/readline.c */
		"memory allocation",      /* _PyStatus_NO_MEMORY(), 3.7 on */
		"failed to allocate",     /* tracemalloc, 3.9 on */
		"Cannot allocate memory", /* strerror(ENOMEM) */
		"cannot allocate",        /* Objects/exceptions.c, 2.7 */
		"can't allocate",         /* locks */
		"couldn't allocate",      /* Modules/gcmodule.c, 2.7 */
		"allocation failed",      /* thread states, 3.14 on */
	};

	for (size_t i = 0; i < PL_ARRAY_LEN(words); i++) {
		if (strstr(message, words[i]))
			return true;
	}
	return false;
}

/* ---- MemoryErrors ---- */

/* The innermost entry of a traceback, where the exception was raised. */
static bool innermost(struct pl_death *d, pl_addr at, struct pl_traceback *ret)
{
	struct pl_addrset seen;
	bool circle = false;

	pl_addrset_init(&seen);
	for (uint64_t i = 0; !pl_ctx_look(d->t->ctx, i); i++) {
		pl_addr next = pl_field_word(d->v, at, d->l->f.traceback_next);

		if (!next)
			break;
		circle = next & 7 || !pl_addrset_add(&seen, next);
		if (circle)
			break;
		at = next;
	}
	pl_addrset_fini(&seen);
	return !circle && at && pl_traceback_read(d->o, d->v, at, ret) && ret->code;
}

static void put_raised(struct pl_death *d, const struct pl_type *type, pl_addr traceback)
{
	char function[MAX_TEXT], file[MAX_TEXT];
	struct pl_traceback t;

	if (!innermost(d, traceback, &t))
		return;
	pl_code_names(d->l, d->v, t.code, function, sizeof(function), file, sizeof(file));
	pl_triage_evidence(d->t, "out-of-memory", "threads", "%.100s was raised in %s (%s:%d)",
			   type->name, function, pl_base_name(file), t.line);
}

/*
 * Where the MemoryErrors of a chain were raised; traceback is that of the first, if it has none of
 * its own. *told: how many were; false when one is not told, as that would be too many.
 */
static bool put_chain(struct pl_death *d, pl_addr first, pl_addr traceback, unsigned *told)
{
	struct pl_exception *chain;
	size_t n = pl_exception_chain(d->o, d->v, first, d->t->ctx, &chain);
	bool all = true;

	for (size_t i = 0; all && i < n; i++) {
		const struct pl_type *type = pl_death_type(d, chain[i].addr);
		pl_addr at = chain[i].traceback ? chain[i].traceback : i ? 0 : traceback;

		if (!type || !at || !pl_is_memory_error(d->o, d->v, type->addr))
			continue;
		all = (*told)++ < SHOWN_ERRORS;
		if (all)
			put_raised(d, type, at);
	}
	free(chain);
	return all;
}

/* Up to 3.11 what C code raised may be the class alone, until somebody asks for an instance. */
static bool is_memory_error(const struct pl_death *d, pl_addr raised)
{
	const struct pl_type *type = pl_death_type(d, raised);

	if (!type)
		return false;
	if (!type->is_type)
		return pl_is_memory_error(d->o, d->v, type->addr);
	return pl_types_find(d->o->types, d->v, raised) >= 0 &&
	       pl_is_memory_error(d->o, d->v, raised);
}

/* A MemoryError was raised, and nobody has looked at it yet, by the thread that died. */
static bool memory_error_pends(const struct pl_death *d)
{
	const struct pl_pythread *t = d->stacks[0].python;

	return t && is_memory_error(d, t->raised);
}

static void put_places(struct pl_death *d)
{
	unsigned told = 0;
	bool all = true;

	for (size_t i = 0; all && i < d->n_threads; i++) {
		const struct pl_pythread *t = &d->threads[i];
		const struct pl_type *type = pl_death_type(d, t->raised);

		if (type && type->is_type && is_memory_error(d, t->raised))
			pl_triage_evidence(d->t, "out-of-memory", "threads",
					   "thread %u raises a MemoryError", t->lwp);
		all = put_chain(d, t->raised, t->raised_tb, &told);
		if (all && t->handled != t->raised)
			all = put_chain(d, t->handled, t->handled_tb, &told);
	}
	if (!all)
		pl_triage_evidence(d->t, "out-of-memory", "threads",
				   "more MemoryErrors are in the chains of exceptions");
}

/* ---- errno ---- */

/*
 * offset: of errno from the thread pointer. Success does not clear errno: it may be long ago, and
 * glibc's malloc() leaves ENOMEM also when sbrk() failed and mmap() then did not (sysmalloc() in
 * malloc/malloc.c). So it explains what went wrong, and does not tell that something did.
 */
static bool lacked_memory(struct pl_death *d, const struct pl_thread *t, uint64_t offset)
{
	uint32_t value;

	return t->tp && pl_read32(d->v, t->tp + offset, &value) && value == ENOMEM;
}

/* Of the other threads: one line, as it is no sign of this death. */
static void put_others(struct pl_death *d, uint64_t offset)
{
	char names[SHOWN_THREADS * 12 + 8] = "";
	const struct pl_thread *t;
	size_t n, found = 0;

	t = pl_image_threads(d->im, &n);
	for (size_t i = 1; i < n; i++) {
		size_t used = strlen(names);

		if (!lacked_memory(d, &t[i], offset))
			continue;
		if (found++ < SHOWN_THREADS)
			snprintf(names + used, sizeof(names) - used, "%s%u", used ? ", " : "",
				 t[i].lwp);
	}
	if (found > SHOWN_THREADS)
		strcat(names, " ...");
	if (found)
		pl_triage_evidence(d->t, "out-of-memory", "threads",
				   "errno is ENOMEM in %zu other thread%s, too: %s", found,
				   found == 1 ? "" : "s", names);
}

/* ---- the address space ---- */

/*
 * The kernel lists every mapping in a core, so that the sum is what /proc/PID/statm said. Its page
 * of old system calls ([vsyscall]) is listed, too, but belongs to no process.
 */
static void put_address_space(struct pl_death *d)
{
	const struct pl_module *modules;
	const struct pl_mapping *m, *largest = NULL;
	uint64_t sum = 0;
	size_t n, n_modules, count = 0;

	modules = pl_image_modules(d->im, &n_modules);
	m = pl_image_mappings(d->im, &n);
	for (size_t i = 0; i < n && m[i].lo < PL_ADDRESS_END; i++) {
		sum += m[i].hi - m[i].lo;
		count++;
		if (!largest || m[i].hi - m[i].lo > largest->hi - largest->lo)
			largest = &m[i];
	}
	if (!largest)
		return;
	pl_triage_evidence(d->t, "address-space", "info",
			   "the process had mapped %s%s (%s bytes) of address space in %s "
			   "mappings, the largest is %s of %s",
			   d->info->from_gcore ? "at least " : "", PL_SIZE(sum), PL_COUNT(sum),
			   PL_COUNT(count), PL_SIZE(largest->hi - largest->lo),
			   largest->module < 0 ? "anonymous memory"
					       : pl_base_name(modules[largest->module].path));
	pl_triage_evidence(d->t, "address-space", "info",
			   "no limit is written in a core; if one on address space stood in the "
			   "way (RLIMIT_AS, ulimit -v), it is less than what was mapped then and "
			   "what was asked for together");
}

/* ---- the stack that was overrun ---- */

/* The lowest writable mapping that ends above addr. */
static const struct pl_mapping *stack_above(const struct pl_death *d, pl_addr addr)
{
	const struct pl_mapping *m;
	size_t n;

	m = pl_image_mappings(d->im, &n);
	for (size_t i = 0; i < n; i++) {
		if (m[i].hi > addr && m[i].prot & PL_PROT_WRITE)
			return &m[i];
	}
	return NULL;
}

/*
 * The main thread's stack is the mapping that holds what the kernel put on it at the start. A
 * thread's ends with the page of its thread pointer (nptl/allocatestack.c); it begins behind its
 * guard, which is where the fault was, be it a mapping of its own or (glibc 2.42) pages of this
 * one.
 */
void pl_death_stack_size(struct pl_death *d)
{
	const struct pl_thread *t = d->stacks[0].thread;
	pl_addr fault = d->fault.info.addr, lo, hi;
	const struct pl_mapping *m = stack_above(d, fault);
	uint64_t top = 0;

	if (!m)
		return;
	if (pl_image_auxv(d->im, AT_RANDOM, &top) && top >= m->lo && top < m->hi) {
		pl_triage_evidence(d->t, "address-space", "info",
				   "the main thread's stack is a mapping of %s, as far as "
				   "RLIMIT_STACK (ulimit -s) let it grow",
				   PL_SIZE(m->hi - m->lo));
		return;
	}
	lo = PL_MAX(m->lo, pl_round_up(fault + 1, PL_PAGE));
	hi = t->tp | (PL_PAGE - 1);
	if (t->tp <= lo || hi >= m->hi)
		return;
	pl_triage_evidence(d->t, "address-space", "info",
			   "the stack of thread %u is %s, as its creator chose or RLIMIT_STACK was "
			   "at the start",
			   t->lwp, PL_SIZE(hi + 1 - lo));
}

/* ---- the verdict ---- */

static void blame_memory(struct pl_cause *cause, const char *text)
{
	cause->word = "out-of-memory";
	cause->confidence = PL_LIKELY;
	snprintf(cause->text, sizeof(cause->text), "%s", text);
}

/* What was allocated was used without a look at whether it is there. */
static void explain_null(struct pl_death *d, bool pends, bool no_memory, struct pl_cause *cause)
{
	size_t used = strlen(cause->text);
	const char *why = pends ? "a MemoryError is pending" : no_memory ? "errno is ENOMEM" : NULL;

	/* A function is not allocated. */
	if (!why || d->fault.ip == d->fault.info.addr)
		return;
	snprintf(cause->text + used, sizeof(cause->text) - used,
		 ", likely because an allocation failed (%s)", why);
}

void pl_death_memory(struct pl_death *d, bool memory_error, struct pl_cause *cause)
{
	bool aborted = !strcmp(cause->word, "abort"), bad_alloc;
	bool pends = memory_error_pends(d), knows_errno, no_memory;
	uint64_t asked = 0, offset = 0;

	memory_error |= pends;
	knows_errno = pl_image_tls(d->im, "errno", &offset);
	no_memory = knows_errno && lacked_memory(d, d->stacks[0].thread, offset);
	bad_alloc = aborted && pl_death_bad_alloc(d, &asked);
	if (bad_alloc) {
		blame_memory(cause, "C++ gave up: a std::bad_alloc that nobody caught, which says "
				    "that an allocation failed");
		if (asked)
			pl_triage_evidence(d->t, "out-of-memory", "threads --native",
					   "operator new() could not get %s bytes",
					   PL_COUNT(asked));
	} else if (aborted && memory_error) {
		blame_memory(cause, "it aborted while a MemoryError was at hand: memory ran out");
	} else if (cause->no_memory) {
		cause->word = "out-of-memory";
		cause->confidence = PL_LIKELY;
	} else if (!strcmp(cause->word, "segfault-null")) {
		explain_null(d, pends, no_memory, cause);
	}
	if (d->l)
		put_places(d);
	if (no_memory)
		pl_triage_evidence(d->t, "out-of-memory", "threads --native",
				   "errno of thread %u is ENOMEM: the last failure that the C "
				   "library met in it was a lack of memory",
				   d->stacks[0].thread->lwp);
	if (knows_errno)
		put_others(d, offset);
	if (no_memory || memory_error || bad_alloc || cause->no_memory)
		put_address_space(d);
}
