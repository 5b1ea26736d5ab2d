/*
 * rawword.c - a word of C memory that belongs to an object whose decoder knows no more of it.
 *
 * It may be a reference, or point to a malloc'd block that holds some; blocks that these point to
 * are not followed. A number that happens to be an object's address is the price, and the edges are
 * marked native.
 */
#include "object/edges/put.h"

#include "heap/index.h"

#define MAX_OWN 1024       /* bytes of an object that may hold a pointer into itself */
#define CODE_A_REFERENCE 4 /* instructions followed that count as one */

static bool is_object(const struct pl_decode *d, pl_addr target)
{
	return target && !(target & 7) && pl_objects_id(d->o, target) != PL_NO_ID;
}

/* Not a block that an object starts in, behind no, one or two gc heads: that is somebody else's. */
static bool is_buffer(const struct pl_decode *d, const struct pl_block *b)
{
	uint64_t head = d->l->f.gc_head_size > 0 ? (uint64_t)d->l->f.gc_head_size : 0;
	const uint64_t heads[] = {0, head, head + 16};

	for (size_t i = 0; i < PL_ARRAY_LEN(heads); i++) {
		/* What lies behind the block's end is not in it. */
		if (heads[i] < b->usable && is_object(d, b->base + heads[i]))
			return false;
	}
	return true;
}

static void put_native(const struct pl_decode *d, pl_addr target, uint64_t offset,
		       enum pl_visit visit)
{
	pl_put(d, target, visit == PL_VISIT_YES ? PL_EDGE_STRONG : PL_EDGE_NATIVE, PL_L_NATIVE,
	       offset, visit != PL_VISIT_NO);
}

static void put_block(const struct pl_decode *d, const struct pl_raw *raw, pl_addr base,
		      uint64_t usable, uint64_t offset)
{
	uint64_t n = PL_MIN(usable / 8, PL_RAW_WORDS);
	const uint8_t *p = pl_at(d->v, base, 8 * n);

	for (uint64_t i = 0; p && i < n; i++) {
		pl_addr target = pl_ld64(p + 8 * i);

		if (target != d->addr && is_object(d, target))
			put_native(d, target, offset,
				   raw->behind ? pl_visits_deep(raw->visits)
					       : pl_visits_behind(raw->visits, (int64_t)offset,
								  (int64_t)(8 * i)));
	}
}

/*
 * An object's own word. It may be an array of its own that is visited through a pointer to it: the
 * object then points into itself.
 */
static enum pl_visit visit_of(const struct pl_decode *d, const struct pl_raw *raw, int64_t offset)
{
	enum pl_visit visit = pl_visits_field(raw->visits, offset);

	for (uint64_t at = 0; visit == PL_VISIT_NO && at < MAX_OWN && at + 8 <= d->room; at += 8) {
		uint64_t inside = pl_ld64(d->obj + at) - d->addr;

		if (inside && inside < d->room)
			visit = pl_visits_behind(raw->visits, (int64_t)at,
						 offset - (int64_t)inside);
	}
	return visit;
}

void pl_put_raw_word(const struct pl_decode *d, struct pl_raw *raw, pl_addr word, uint64_t offset)
{
	struct pl_block block;

	if (is_object(d, word)) {
		put_native(d, word, offset,
			   raw->behind
				   ? pl_visits_behind(raw->visits, raw->pointer, (int64_t)offset)
				   : visit_of(d, raw, (int64_t)offset));
	} else if (raw->blocks && word && !(word & 7) &&
		   pl_heap_block_at(d->o->heap, word, &block) && is_buffer(d, &block)) {
		--raw->blocks;
		put_block(d, raw, word, block.usable, offset);
	}
}

struct pl_visits *pl_put_visits(const struct pl_decode *d, pl_addr traverse)
{
	struct pl_visits *visits = pl_types_visits_of(d->o->types, d->v, traverse, d->type->addr);

	if (d->left)
		*d->left -= PL_MIN(*d->left, pl_visits_steps(visits) / CODE_A_REFERENCE);
	return visits;
}
