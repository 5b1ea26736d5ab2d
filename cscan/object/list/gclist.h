/*
 * gclist.h - walking the collector's lists.
 */
#ifndef PL_GCLIST_H
#define PL_GCLIST_H

#include "base/addrset.h"
#include "object/objects.h"

/*
 * What the lists of all interpreters hold. The members of the largest list are in `listed` only;
 * those of the others are in small[] as well, indexed like pl_layout_gc_lists(); so a generation
 * costs memory only for what is not in the big one.
 */
struct pl_gclists {
	struct pl_addrset listed;   /* objects (not heads) on any list */
	struct pl_addrset small[4]; /* by list index, empty for `big` */
	unsigned n_lists;           /* per interpreter, 3 or 4 */
	unsigned big;               /* the list whose members are in listed alone: the oldest */
	unsigned permanent;         /* index of the permanent list, or UINT_MAX */
	uint64_t broken;            /* lists that do not close */
	uint64_t bad_nodes;         /* nodes whose links contradict each other or cannot be read */
	uint64_t (*counts)[4];      /* [n_interps]: nodes of each list; interpreters that share one
				       collector: the first */
};

/*
 * Walk every list of every interpreter from both ends, on two threads, until the walks meet: after
 * a damaged node the other end still gives what lies behind it. collecting: the links back hold
 * reference counts, only those forward are walked. PL_E_CANCELLED only.
 */
int pl_gclists_walk(struct pl_image *im, const struct pl_layout *l, const struct pl_interp *interps,
		    size_t n_interps, bool collecting, struct pl_ctx *ctx, struct pl_gclists *ret,
		    struct pl_err *err);
void pl_gclists_fini(struct pl_gclists *g);

/* What the gc head before an object says, by the layout's gc_style. */
enum pl_gc_state {
	PL_GC_UNTRACKED,
	PL_GC_TRACKED,  /* it claims to be on a list */
	PL_GC_NONSENSE, /* no gc head: the words make no sense */
};
/* head: the gc_head_size bytes before the object. *finalized: tp_finalize was called. */
enum pl_gc_state pl_gc_head_state(const struct pl_layout *l, const uint8_t *head, bool collecting,
				  bool *finalized);

#endif
