/*
 * objects.h - every live object of the process, once.
 *
 * Knows CPython's objects through a layout, blocks through heap/. Objects are columns indexed by a
 * uint32 id in address order. Two listings are joined: what the collector's lists hold and what the
 * allocators' live blocks look like; their difference is kept for `info`. Built once, then
 * read-only and safe for several readers, each with a pl_view of its own.
 */
#ifndef PL_OBJECTS_H
#define PL_OBJECTS_H

#include "base/base.h"
#include "base/ctx.h"
#include "heap/heap.h"
#include "image/image.h"
#include "layout/layout.h"
#include "object/roots/runtime.h"
#include "object/types/type.h"

typedef uint32_t pl_id;
#define PL_NO_ID UINT32_MAX

enum pl_object_flag {
	PL_OBJ_GC = 1,        /* its type has a gc head (PyObject_IS_GC) */
	PL_OBJ_TRACKED = 2,   /* on a list that gc.get_objects() returns */
	PL_OBJ_PERMANENT = 4, /* on the permanent list (gc.freeze) */
	PL_OBJ_GEN_SHIFT = 3, /* bits 3-4: index of its list, for TRACKED ones */
	PL_OBJ_GEN_MASK = 3 << PL_OBJ_GEN_SHIFT,
	PL_OBJ_FINALIZED = 32, /* tp_finalize was called */
	PL_OBJ_STATIC = 64,    /* in a mapped file's data, not allocated */
	PL_OBJ_HUGE = 128,     /* size column saturated: ask pl_object_size() */
};

/* How the two listings compare; shown by `info`. */
struct pl_object_tally {
	uint64_t from_blocks, from_gc_lists,
		from_static;           /* objects by where they were found first */
	uint64_t in_lists;             /* nodes on all gc lists */
	uint64_t listed_not_in_blocks; /* on a gc list, in memory of no known allocator */
	uint64_t listed_not_live;      /* on a gc list, but its block is free: damage */
	uint64_t linked_not_listed;    /* gc head says tracked, on no list (inside a collection, or
					  damage) */
	uint64_t on_freelists;         /* dead, excluded */
	uint64_t refcount_zero;        /* being destroyed or half built, excluded */
	uint64_t buffers;              /* live blocks that hold no object */
	uint64_t broken_lists;         /* lists that could not be walked to their end */
	uint64_t bad_links;            /* on those lists: nodes whose neighbours contradict them */
	uint64_t bad_types;            /* listed objects whose type is no type */
	uint64_t stale; /* looked like an object, but a container owns the block as its buffer */
};

/*
 * The columns are filled region by region, so that regions can be read in parallel; between two
 * segments ids are unused until pl_objects_index() closes the gaps. A loop over all objects is
 * therefore a loop over segments, before and after.
 */
struct pl_segment {
	pl_id first;
	uint32_t n;
};

/* Objects of a type by the list they are on: 0-3 as in pl_layout_gc_lists(), PL_ON_NO_LIST for
 * none. */
enum { PL_ON_NO_LIST = 4 };
struct pl_type_sums {
	uint64_t count[5], size[5];
	uint64_t finalized; /* of them, those with PL_OBJ_FINALIZED */
};

struct pl_objects {
	struct pl_image *im;
	const struct pl_layout *l;
	const struct pl_heap *heap;
	struct pl_types *types;
	size_t n;                  /* live objects */
	struct pl_type_sums *sums; /* by type index, n_sums of them */
	size_t n_sums;
	pl_addr *addr;  /* ascending over the segments; the columns are NULL in a census */
	uint32_t *type; /* index into types */
	uint32_t *size; /* sys.getsizeof, UINT32_MAX when PL_OBJ_HUGE */
	uint8_t *flags; /* enum pl_object_flag */
	struct pl_segment *segments;
	size_t n_segments;
	size_t cap; /* length of the columns: ids are below it */
	bool indexed;
	bool collecting; /* the core was taken inside a collection */
	struct pl_interp *interps;
	size_t n_interps;
	struct pl_object_tally tally;
	struct pl_heap_tally heap_tally;
	uint64_t total_size;
	pl_addr *interned; /* dicts of interned strings, after pl_objects_index() */
	size_t n_interned;
	const uint64_t (
		*list_counts)[4]; /* [n_interps]: objects on each list of pl_layout_gc_lists() */
	struct pl_objects_private *priv; /* object/'s own */
};

/*
 * List every live object. census: only the sums, no columns, which saves the memory of the table
 * (unless the two listings differ and have to be compared object by object: then it has columns all
 * the same). Damage is counted and noted in ctx, never an error; PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_objects_new(struct pl_image *im, const struct pl_layout *l, const struct pl_heap *heap,
		   bool census, struct pl_ctx *ctx, struct pl_objects **ret, struct pl_err *err);
/*
 * All that is known without a walk over the heap: interpreters, types as they are asked for, what
 * the free lists keep, whether a collection was on. It holds no object (n is 0), so that what needs
 * the table finds nothing in it: for questions about single addresses, threads and exceptions.
 */
struct pl_objects *pl_objects_outline(struct pl_image *im, const struct pl_layout *l,
				      const struct pl_heap *heap);
void pl_objects_free(struct pl_objects *o);
/*
 * Close the gaps between the segments (ids become 0 .. n - 1 in address order) and prepare
 * pl_objects_id(). Only needed by who asks for ids; `types` does not. Idempotent.
 */
int pl_objects_index(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err);
/* The id of the object that starts at addr, or PL_NO_ID. Constant time; only after
 * pl_objects_index(). */
pl_id pl_objects_id(const struct pl_objects *o, pl_addr addr);
static inline const struct pl_type *pl_object_type(const struct pl_objects *o, pl_id id)
{
	return pl_types_at(o->types, o->type[id]);
}
/* True when an object starts at addr that is dead and kept on a freelist for the next of its type.
 */
bool pl_object_on_freelist(const struct pl_objects *o, pl_addr addr);
/* True for a dict of interned strings: ob_refcnt does not count its references. */
bool pl_objects_interned(const struct pl_objects *o, pl_addr dict);
/* What sys.getsizeof() would have said. */
uint64_t pl_object_size(const struct pl_objects *o, struct pl_view *v, pl_id id);
/* ob_refcnt as the interpreter counts it; *immortal set when it is not a count. False: unreadable.
 */
bool pl_object_refcount(const struct pl_objects *o, struct pl_view *v, pl_addr addr, uint64_t *ret,
			bool *immortal);

#endif
