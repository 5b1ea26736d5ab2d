/*
 * collector.h - the state of a garbage collector, read once; shared by the analyses that tell it
 * or judge by it.
 */
#ifndef PL_COLLECTOR_H
#define PL_COLLECTOR_H

#include "object/objects.h"

/* Three answers: a number, "this version has none", "it could not be read". */
struct pl_number {
	enum { PL_NUMBER_ABSENT, PL_NUMBER_UNKNOWN, PL_NUMBER_KNOWN } state;
	int64_t value;
};

/* gc.DEBUG_* (Modules/gcmodule.c) */
enum {
	PL_DEBUG_SAVEALL = 32,
};

struct pl_collector {
	const struct pl_interp *interp; /* the first that uses it */
	unsigned n_lists;               /* as in pl_layout_gc_lists(); the last is permanent if 4 */
	struct {
		struct pl_number threshold, count, collections, collected, uncollectable;
	} list[4];
	struct pl_number enabled, collecting, debug, long_lived_total, long_lived_pending;
	pl_addr garbage, callbacks; /* list objects, 0 = unknown or not made yet */
};

/*
 * The collectors of all interpreters (up to 3.8 they share one); *ret malloced. A field that exists
 * in every version but whose place is not known is PL_NUMBER_UNKNOWN.
 */
size_t pl_collectors(const struct pl_objects *o, struct pl_view *v, struct pl_collector **ret);

/* Why automatic collections do not happen, or NULL: "gc is disabled", "threshold 0". */
const char *pl_collector_off(const struct pl_collector *c);
/*
 * What a full collection by itself waits for, as a sentence into buf: "3 of 10 collections of
 * generation 1 first", "long_lived_pending 120 is below a quarter of long_lived_total 90,000".
 * False when nothing hinders the next one.
 */
bool pl_collector_waits(const struct pl_objects *o, const struct pl_collector *c, char *buf,
			size_t cap);
/* gc.DEBUG_SAVEALL is set. */
bool pl_collector_saves(const struct pl_collector *c);

#endif
