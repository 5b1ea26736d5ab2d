/*
 * say.h - the report under way, and how a part says something in it: verdict, evidence, signature.
 */
#ifndef PL_SAY_REPORT_H
#define PL_SAY_REPORT_H

#include "analysis/triage/heapsign.h"
#include "base/table.h"
#include "session/session.h"

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

#endif
