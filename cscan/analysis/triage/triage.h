/*
 * triage.h - the parts of `triage`: one part to a file, each adds what it finds; how it died is
 * death/'s.
 *
 * The parts run in the order of triage.c, what needs no heap first. A part says little and names
 * the analysis that shows the rest; what it cannot find out it leaves out, what it had no time for
 * it names. No part shows a value of the program's (redaction): types, functions, files, sizes and
 * shapes only, unless t->values.
 */
#ifndef PL_TRIAGE_H
#define PL_TRIAGE_H

#include "analysis/analysis.h"
#include "analysis/triage/say.h"

/*
 * The parts. Each returns 0 or PL_E_CANCELLED, PL_E_NOMEM; that a stage of the session could not be
 * built is told as evidence by triage.c.
 */
int pl_triage_process(struct pl_triage *t,
		      struct pl_err *err); /* triage_process.c: which, coverage */
int pl_triage_memory(struct pl_triage *t, struct pl_err *err); /* triage_memory.c: what fills it */
int pl_triage_cycles(struct pl_triage *t, struct pl_err *err); /* triage_cycles.c: dead, held */
int pl_triage_damage(struct pl_triage *t, struct pl_err *err); /* triage_damage.c: broken heap */

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
