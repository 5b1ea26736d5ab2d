/*
 * reason.h - why the collector of the process would not free, by itself, an object that is dead.
 */
#ifndef PL_REASON_H
#define PL_REASON_H

#include "session/collector.h"
#include "session/session.h"

enum pl_reason_kind {
	PL_REASON_NONE, /* it lives, or a collection would free it */
	PL_REASON_IN_GARBAGE,
	PL_REASON_DEL27,       /* __del__ in a cycle, up to 3.3 */
	PL_REASON_GENERATOR27, /* a generator inside try or with in a cycle, up to 3.3 */
	PL_REASON_TP_DEL,
	PL_REASON_SAVEALL,
	PL_REASON_DISABLED,
	PL_REASON_THRESHOLD,
	PL_REASON_OLD,
	PL_REASON_BACKLOG,
	PL_REASON_FROZEN,
	PL_REASON_OMITS,     /* type's tp_traverse omits a reference */
	PL_REASON_NOT_GC,    /* type is no gc type */
	PL_REASON_UNTRACKED, /* an object of type holds references and is not tracked */
	PL_REASON_HELD,
	PL_N_REASONS
};

struct pl_reason {
	enum pl_reason_kind kind;
	uint32_t type; /* index of the type named, for OMITS, NOT_GC and UNTRACKED */
};

/* What the answers are made of; all borrowed but what pl_reasons_init() makes. */
struct pl_reasons {
	const struct pl_objects *o;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	const struct pl_rings *rings;
	struct pl_collector *collectors;
	size_t n_collectors;
	struct pl_view v;
	pl_node *scratch;        /* for pl_rings_members(), pl_rings_cycle() */
	uint32_t unseen_ring;    /* the ring of the last PL_UNSEEN object, */
	struct pl_reason unseen; /* and what was found */
};

/* Builds the stages that it needs: their errors, and PL_E_NOMEM. */
int pl_reasons_init(struct pl_reasons *r, struct pl_session *session, struct pl_err *err);
void pl_reasons_fini(struct pl_reasons *r);

struct pl_reason pl_reason_of(struct pl_reasons *r, pl_node id);
/* "gc is disabled", "__del__ on Python 2", "too old: long_lived_pending 3 is below ..." into buf.
 */
void pl_reason_text(struct pl_reasons *r, struct pl_reason reason, char *buf, size_t cap);
/* References that the object counts and that come from no object found. */
uint64_t pl_reason_surplus(struct pl_reasons *r, pl_node id);
/* All that there is to say of one ring, as a sentence into buf: see `cycles`. */
void pl_reason_verdict(struct pl_reasons *r, uint32_t ring, char *buf, size_t cap);

#endif
