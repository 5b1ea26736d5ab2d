/*
 * refsum.h - how many references to each object were found; shared by the analyses that hold them
 * against ob_refcnt.
 */
#ifndef PL_REFSUM_H
#define PL_REFSUM_H

#include "object/roots.h"

/* By object id. */
struct pl_refsum {
	uint32_t *strong; /* counted references: edges of objects, parallel ones each, and owning
			     roots */
	uint32_t *native; /* words of raw memory that hold the object's address: may be counted, may
			     not */
	size_t n;
};

/*
 * Count them all but those in C memory, on all threads, without a graph. Needs an indexed table;
 * roots may be NULL: none. PL_E_CANCELLED, PL_E_NOMEM. Free with pl_refsum_fini().
 */
int pl_refsum_new(const struct pl_objects *o, const struct pl_roots *roots, struct pl_ctx *ctx,
		  struct pl_refsum *ret, struct pl_err *err);
/*
 * Look through C memory for the objects that count more references than were found, None and its
 * like left out, and add the words that hold them to native. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_refsum_words(const struct pl_objects *o, struct pl_refsum *f, struct pl_ctx *ctx,
		    struct pl_err *err);
/* ob_refcnt minus what was found: below 0 when more was. False: no count, or an immortal object. */
bool pl_refsum_surplus(const struct pl_objects *o, struct pl_view *v, const struct pl_refsum *f,
		       pl_id id, uint64_t *refcount, int64_t *ret);
/*
 * A trace-refs build keeps the address of every object in a table of its own from 3.13 on: one word
 * of C memory that owns nothing.
 */
static inline bool pl_refsum_traced(const struct pl_layout *l)
{
	return l->flavour & PL_TRACE_REFS && !pl_has(l->f.object_next);
}
void pl_refsum_fini(struct pl_refsum *f);

#endif
