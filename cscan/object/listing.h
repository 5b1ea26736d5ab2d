/*
 * listing.h - the stages of pl_objects_new(), private to object/: scan, settle, join.
 *
 *	scan    every region's live blocks are classified into its segment of the columns, while one
 *	        thread walks the gc lists (scan.c)
 *	settle  blocks that only looked like objects are dropped (claims.c), and what each gc head
 *	        claims is replaced by what the lists hold (settle.c)
 *	join    objects that are on a list but in no allocator's block are added (objects.c)
 */
#ifndef PL_LISTING_H
#define PL_LISTING_H

#include "base/parallel.h"
#include "object/classify.h"

#define PL_TOMB UINT32_MAX /* in the type column: this object was dropped */

/* A stretch of memory to look through: a region of the heap, or a file's writable data. */
struct pl_area {
	pl_addr lo, hi;
	const struct pl_region *region; /* NULL: static data */
	uint64_t max;                   /* no more objects than this */
};

struct pl_doubt {
	pl_addr block;  /* start of the block */
	uint32_t area;
	uint32_t index; /* in the area's segment */
};

struct pl_objects_private {
	struct pl_area *areas; /* sorted; segments[i] belongs to areas[i] */
	size_t n_areas;
	struct pl_gclists lists;
	struct pl_addrset dead;
	struct pl_addrset ids;  /* after pl_objects_index(): addr -> id by rank */
	PL_VEC(struct pl_doubt) doubts;
};

/* Fill areas: all regions, and the writable data of ELF files that is no heap. */
void pl_areas_find(struct pl_objects *o);
/* Freelist members of every interpreter into priv->dead; chains are bounded by their counts. */
void pl_dead_collect(struct pl_objects *o);
int pl_scan(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err);
/* Turn doubtful objects whose block a container owns into tombs. */
void pl_claims_settle(struct pl_objects *o);
int pl_settle(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err);

#endif
