/*
 * triage.h - what the parts of `triage` share: one part to a file, each adds what it finds.
 *
 * The parts run in the order of triage.c, what needs no heap first. A part says little and names
 * the analysis that shows the rest; what it cannot find out it leaves out, what it had no time for
 * it names. No part shows a value of the program's (redaction): types, functions, files, sizes and
 * shapes only, unless t->values.
 */
#ifndef PL_TRIAGE_H
#define PL_TRIAGE_H

#include "analysis/analysis.h"
#include "analysis/triage/heapsign.h"

struct pl_death; /* death.h */

enum pl_confidence { PL_CERTAIN, PL_LIKELY, PL_POSSIBLE };

struct pl_triage {
	struct pl_session *session;
	struct pl_ctx *ctx;
	struct pl_result *ret;
	struct pl_table *verdict, *evidence, *signature;
	bool values;             /* --values: show values, secrets masked all the same */
	unsigned found;          /* enum pl_finding bits */
	struct pl_heapsign heap; /* begun by the memory, ended by the cycles */
	struct pl_death *death;  /* what the first part gathered, or NULL */
	uint64_t deadline; /* pl_watchdog_now() when --budget is used up, 0 = none: the context is
			      cancelled then */
};

/* For --fail-on. */
enum pl_finding { PL_FOUND_CRASH = 1, PL_FOUND_UNCOLLECTABLE = 2, PL_FOUND_DAMAGE = 4 };

/*
 * A row of table `verdict`: verdict (a short word for machines, kebab-case: "segfault",
 * "memory-exhausted", "leak-uncollectable"), how sure it is, and a sentence. The text is redacted
 * by the caller.
 */
void pl_triage_verdict(struct pl_triage *t, const char *verdict, enum pl_confidence confidence,
		       const char *fmt, ...) PL_PRINTF(4, 5);
/* A row of table `evidence`: kind (kebab-case), a sentence that is read off the core and so
 * certain, and the analysis that shows the rest with its arguments ("path app.Session"), or NULL.
 */
void pl_triage_evidence(struct pl_triage *t, const char *kind, const char *analysis,
			const char *fmt, ...) PL_PRINTF(4, 5);
/* The same of a sentence that is concluded. */
void pl_triage_conclusion(struct pl_triage *t, const char *kind, enum pl_confidence confidence,
			  const char *analysis, const char *fmt, ...) PL_PRINTF(5, 6);
/* A row of table `signature`: kind ("crash", "heap") and the value "crash/1:...". */
void pl_triage_signature(struct pl_triage *t, const char *kind, const char *value);
/*
 * The repr of an object for a text under --values, cut to cap - 1 bytes: secrets are masked before
 * it is cut, as half of one would be none to pl_secret_mask(). "" without --values.
 */
void pl_triage_value(const struct pl_triage *t, const struct pl_objects *o, struct pl_view *v,
		     pl_addr addr, char *buf, size_t cap);

/*
 * The parts. Each returns 0 or PL_E_CANCELLED, PL_E_NOMEM; that a stage of the session could not be
 * built is told as evidence by triage.c.
 */
int pl_triage_process(struct pl_triage *t,
		      struct pl_err *err); /* triage_process.c: which, coverage */
int pl_triage_death(struct pl_triage *t, struct pl_err *err); /* triage_death.c: signal, stacks */
int pl_triage_handled(struct pl_triage *t,
		      struct pl_err *err);                     /* death_state.c: for which object */
int pl_triage_memory(struct pl_triage *t, struct pl_err *err); /* triage_memory.c: what fills it */
int pl_triage_cycles(struct pl_triage *t, struct pl_err *err); /* triage_cycles.c: dead, held */
int pl_triage_damage(struct pl_triage *t, struct pl_err *err); /* triage_damage.c: broken heap */

void pl_death_free(struct pl_death *d); /* triage_death.c; NULL is fine */

/* Bytes of all objects that were allocated, as sys.getsizeof() counts them: static ones left out.
 */
uint64_t pl_triage_heap_bytes(const struct pl_objects *o); /* triage_memory.c */
/*
 * Are so many dead objects, of so many bytes, more than what always waits for the next collection?
 * heap: bytes of all objects.
 */
static inline bool pl_triage_much(uint64_t objects, uint64_t bytes, uint64_t heap)
{
	return objects > 1000 || (bytes > heap / 20 && objects > 100);
}

#endif
