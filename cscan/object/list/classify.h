/*
 * classify.h - is there an object in this block?
 *
 * An allocator's block says nothing of what lies in it. An object gives itself away by its type
 * pointer at the one distance from the block's start that its type's flags allow, by a gc head that
 * makes sense, a refcount that can be one, and a size that fits the block.
 */
#ifndef PL_CLASSIFY_H
#define PL_CLASSIFY_H

#include "object/list/gclist.h"
#include "object/types/types.h"

/* What a block was found to be. */
enum pl_verdict {
	PL_V_BUFFER, /* no object */
	PL_V_OBJECT,
	PL_V_DEAD,     /* refcount 0, or on a freelist */
	PL_V_DOUBTFUL, /* an object, unless a container owns the block: refcount that could be a
			  pointer */
};

struct pl_found {
	pl_addr addr; /* of the object */
	uint32_t type;
	uint64_t size; /* sys.getsizeof */
	uint8_t flags; /* PL_OBJ_GC, PL_OBJ_FINALIZED; PL_OBJ_TRACKED as its own gc head claims */
	bool doubtful; /* the scan's: the verdict was PL_V_DOUBTFUL */
};

/* One per thread. */
struct pl_classifier {
	struct pl_image *im;
	const struct pl_layout *l;
	struct pl_types *types;
	const struct pl_addrset *dead; /* objects on freelists */
	bool collecting;
	unsigned n_heads; /* distances to try: 0, gc head, gc head + pre-header */
	uint8_t head[3];
	unsigned last; /* the one that fitted last */
	struct pl_view v;
	struct {
		pl_addr addr;
		int32_t type; /* -1: no type */
	} seen[1024];         /* answers of the type directory, by a hash of the address */
};

void pl_classifier_init(struct pl_classifier *c, struct pl_image *im, const struct pl_layout *l,
			struct pl_types *types, const struct pl_addrset *dead, bool collecting);

/*
 * Look at one block: addr and its bytes host[0 .. usable). hooked: the debug hooks' word before the
 * block tells the domain. On PL_V_OBJECT and PL_V_DOUBTFUL fills *ret.
 */
enum pl_verdict pl_classify(struct pl_classifier *c, pl_addr addr, const uint8_t *host,
			    uint64_t usable, bool hooked, struct pl_found *ret);

/*
 * The object at addr, which something that cannot err says is one (a gc list): false when its type
 * is no type or its bytes are not at hand.
 */
bool pl_classify_certain(struct pl_classifier *c, pl_addr addr, struct pl_found *ret);

/* A static object at host, for the scan of a mapped file's data: bytes at hand before it and from
 * it on. */
enum pl_verdict pl_classify_static(struct pl_classifier *c, pl_addr addr, const uint8_t *host,
				   uint64_t before, uint64_t usable, struct pl_found *ret);

/*
 * 2.7 (Objects/intobject.c, Objects/floatobject.c): ints and floats live in malloc'd blocks of
 * {next, objects[]}. Calls fn for each live one in the block; false when it is no such block.
 */
bool pl_classify_int_block(struct pl_classifier *c, pl_addr addr, const uint8_t *host,
			   uint64_t usable, void (*fn)(void *arg, const struct pl_found *f),
			   void *arg);

#endif
