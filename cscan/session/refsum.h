/*
 * refsum.h - how many references to each object were found; shared by the analyses that hold them
 * against ob_refcnt.
 */
#ifndef PL_REFSUM_H
#define PL_REFSUM_H

#include "base/addrset.h"
#include "graph/graph.h"
#include "object/native/native.h"
#include "object/roots/roots.h"

/* By object id. */
struct pl_refsum {
	uint32_t *strong; /* counted references: edges of objects, parallel ones each, and owning
			     roots */
	uint32_t *native; /* words of raw memory that hold the object's address: may be counted, may
			     not */
	size_t n;
	bool cut; /* not all references were counted: what was not found may be there. A graph's
		     pl_strays says the same of it */
	/* After pl_refsum_words(): what it looked for, who refers to it, and where the words are.
	 */
	struct pl_addrset targets;
	uint8_t *holders;
	struct pl_native_words *words;
};

/*
 * Count them all but those in C memory, on all threads, without a graph. Needs an indexed table;
 * roots may be NULL: none. PL_E_CANCELLED, PL_E_NOMEM. Free with pl_refsum_fini().
 */
int pl_refsum_new(const struct pl_objects *o, const struct pl_roots *roots, struct pl_ctx *ctx,
		  struct pl_refsum *ret, struct pl_err *err);
/*
 * The same from a graph that is there, with its backward edges: quicker, but words of an object's
 * own that may be references (PL_EDGE_NATIVE) are among strong, not native. Can end in a surplus
 * that is too small, never in one that is too large. PL_E_NOMEM.
 */
int pl_refsum_of_graph(const struct pl_objects *o, const struct pl_roots *roots,
		       const struct pl_graph *g, struct pl_refsum *ret, struct pl_err *err);
/*
 * Look through C memory for the objects that count more references than were found, static ones
 * left out, and add the words that hold them to native. g, with its backward edges, makes it
 * quicker; NULL: without. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_refsum_words(const struct pl_objects *o, const struct pl_graph *g, struct pl_refsum *f,
		    struct pl_ctx *ctx, struct pl_err *err);
/* A word that may be a reference: in C memory, or among an object's own. */
struct pl_refword {
	pl_id target;
	pl_id source; /* object that has the word; PL_NO_ID: C memory has it */
	union {
		struct pl_native_hit hit;
		struct pl_edge edge; /* from source */
	};
};
typedef void pl_refword_fn(void *arg, const struct pl_refword *word);
/*
 * After pl_refsum_words() without a graph: tell of each word that native counts of the objects in
 * wanted (a bitmap by id), as far as they were looked for; those in C memory first, in the order of
 * pl_native_words_each(), then those of objects, by source. PL_E_CANCELLED.
 */
int pl_refsum_tell(const struct pl_objects *o, const struct pl_refsum *f, const uint64_t *wanted,
		   pl_refword_fn *fn, void *arg, struct pl_ctx *ctx, struct pl_err *err);
/* ob_refcnt minus what was found: below 0 when more was. False: no count, or an immortal object. */
bool pl_refsum_surplus(const struct pl_objects *o, struct pl_view *v, const struct pl_refsum *f,
		       pl_id id, uint64_t *refcount, int64_t *ret);
/*
 * Is the surplus of that object no leak? A static object is never freed, and its count is no
 * account: C code has any number of Nones, and initialises types by rules of its own (up to 3.9 it
 * counts a tp_base that PyType_Ready() filled in and no other; up to 3.7 a struct sequence's type
 * counts itself).
 */
static inline bool pl_refsum_static(const struct pl_objects *o, pl_id id)
{
	return o->flags[id] & PL_OBJ_STATIC;
}
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
