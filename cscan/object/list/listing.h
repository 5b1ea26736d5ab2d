/*
 * listing.h - the stages of pl_objects_new(), private to object/.
 *
 *	walk    the collector's lists (gclist.c)
 *	scan    every area's live blocks are classified, in batches (scan.c)
 *	settle  what each gc head claims is replaced by what the lists hold; sums by type, and the
 *	        columns where they are wanted (settle.c)
 *	claims  only when a block was doubtful: ask the containers whose buffer it is, then scan
 *	        again (claims.c)
 *	join    objects that are on a list but in no allocator's block are added (join.c)
 */
#ifndef PL_LISTING_H
#define PL_LISTING_H

#include "base/parallel.h"
#include "object/list/classify.h"
#include "object/types/names.h"

/* A stretch of memory to look through: a region of the heap, or a file's writable data. */
struct pl_area {
	pl_addr lo, hi;
	const struct pl_region *region; /* NULL: static data */
	uint64_t max;                   /* no more objects than this */
};

struct pl_objects_private {
	struct pl_area *areas; /* sorted; segments[i] belongs to areas[i] */
	size_t n_areas;
	struct pl_range *elsewhere; /* the areas that are not Python's own allocator's */
	size_t n_elsewhere;
	struct pl_names names;
	struct pl_gclists lists;
	struct pl_addrset dead; /* on freelists */
	struct pl_addrset real; /* doubtful objects that no container claimed */
	struct pl_addrset ids;  /* after pl_objects_index(): addr -> id by rank */
	bool claims_known;      /* real is filled */
	PL_VEC(pl_addr) doubts; /* doubtful objects met before that */
};

/* Fill areas: all regions, and the writable data of ELF files that is no heap. */
void pl_areas_find(struct pl_objects *o, struct pl_ctx *ctx);
/* Freelist members of every interpreter into priv->dead; chains are bounded by their counts. */
void pl_dead_collect(struct pl_objects *o);

/*
 * Classify all areas in parallel. sink gets what was found in an area, in address order, in
 * batches; an area's batches all come from one worker.
 */
typedef void pl_sink_fn(void *arg, unsigned worker, size_t area, const struct pl_found *found,
			size_t n);
/* What the scan itself counts; added up over all workers. */
struct pl_scan_tally {
	struct pl_heap_tally heap;
	uint64_t dead, buffers;
};
int pl_scan(struct pl_objects *o, pl_sink_fn *sink, void *arg, struct pl_ctx *ctx,
	    struct pl_scan_tally *tally, struct pl_err *err);

/* One scan whose finds are settled: fills sums, n, total_size, tallies, and the columns if o has
 * some. */
int pl_settle(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err);
/* Decide the doubts: fill priv->real. */
int pl_claims(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err);
/* Add the objects that are on a list and were not met by the scan. */
int pl_join(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err);

/* Fill o->interned; the ids are final. */
/* PL_E_CANCELLED. */
int pl_interned_find(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err);

/*
 * Columns of cap objects, in place of what the members held, which the caller frees; PL_E_NOMEM,
 * with some of them NULL.
 */
int pl_columns_alloc(struct pl_objects *o, uint64_t cap, struct pl_err *err);
void pl_columns_free(struct pl_objects *o);
/* Fill row id, below the columns' cap, with what was found and the flags that hold for it. */
void pl_columns_put(struct pl_objects *o, size_t id, const struct pl_found *f, uint8_t flags);
/* Where a walk over addresses stands in the collector's lists; one per thread. */
struct pl_on_list {
	const struct pl_gclists *g;
	uint64_t key; /* of the chunks: of g->listed and of g->small[], NULL where nothing is */
	const struct pl_addrset_chunk *listed, *small[4];
};
void pl_on_list_init(struct pl_on_list *at, const struct pl_gclists *g);
/* False when the object is on no list; else *flags gets what its list says. */
bool pl_on_list(struct pl_on_list *at, pl_addr addr, uint8_t *flags);
/* Count one object into o->sums, which must have room for its type. */
void pl_sum_add(struct pl_type_sums *sums, uint8_t flags, uint64_t size);

#endif
