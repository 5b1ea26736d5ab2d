/* besides.c - see besides.h. */
#include "analysis/spell/besides.h"

#include <stdio.h>

#include "analysis/spell/location.h"
#include "base/search.h"

#define STEP 16 /* blocks are 16-aligned, or 8 apart from there */
#define STEPS 4 /* a chunk's header and the debug hooks' words lie between two blocks */

pl_id pl_besides_object(const struct pl_objects *o, const struct pl_block *b)
{
	size_t i = PL_LOWER_BOUND(o->n, k, o->addr[k] < b->base);

	return i < o->n && o->addr[i] - b->base < b->usable ? (pl_id)i : PL_NO_ID;
}

/* The next block in a direction; false at the end of what the allocator has. */
static bool neighbour(const struct pl_objects *o, const struct pl_block *b, bool after,
		      struct pl_block *ret)
{
	pl_addr edge = after ? b->base + b->usable : b->base - 1;

	for (unsigned i = 0; i < STEPS; i++) {
		pl_addr at = after ? edge + i * STEP : edge - i * STEP;

		if (!pl_heap_find(o->heap, at, ret))
			return false;
		if (ret->base != b->base)
			return true;
	}
	return false;
}

static void describe(const struct pl_objects *o, struct pl_view *v, const struct pl_block *b,
		     char *buf, size_t cap)
{
	static const char there[] = "there is ";
	pl_id id = b->state == PL_BLOCK_LIVE ? pl_besides_object(o, b) : PL_NO_ID;
	char story[300];

	if (id != PL_NO_ID) {
		snprintf(buf, cap, "the %s at 0x%llx", pl_object_type(o, id)->name,
			 (unsigned long long)o->addr[id]);
		return;
	}
	switch (b->state) {
	case PL_BLOCK_LIVE:
		snprintf(buf, cap, "a block of %llu bytes at 0x%llx that holds no object",
			 (unsigned long long)b->usable, (unsigned long long)b->base);
		break;
	case PL_BLOCK_FREE:
		pl_location_story(o, v, b->base, story, sizeof(story));
		snprintf(buf, cap, "%s",
			 strncmp(story, there, sizeof(there) - 1) ? "a freed block"
								  : story + sizeof(there) - 1);
		break;
	case PL_BLOCK_NEVER:
		snprintf(buf, cap, "memory that was never used");
		break;
	case PL_BLOCK_HEADER:
		snprintf(buf, cap, "the allocator's own header");
		break;
	}
}

bool pl_besides(const struct pl_objects *o, struct pl_view *v, pl_addr addr, char *buf, size_t cap)
{
	char before[400] = "nothing of the allocator's", after[400] = "nothing of the allocator's";
	struct pl_block b, other;

	if (!pl_heap_find(o->heap, addr, &b))
		return false;
	if (neighbour(o, &b, false, &other))
		describe(o, v, &other, before, sizeof(before));
	if (neighbour(o, &b, true, &other))
		describe(o, v, &other, after, sizeof(after));
	snprintf(buf, cap, "before it %s, after it %s", before, after);
	return true;
}
