/*
 * besides.h - what lies next to an address: the block before and the block after, and what is in
 * them.
 *
 * Who wrote past the end of his memory wrote into the block after; who is damaged was most often
 * written to from the block before.
 */
#ifndef PL_BESIDES_H
#define PL_BESIDES_H

#include "object/objects.h"

/*
 * "before it a builtins.bytes at 0x..., after it a freed block that last held a app.Row": a
 * sentence without full stop into buf; types and addresses, no values. False when addr is in no
 * allocator's block.
 */
bool pl_besides(const struct pl_objects *o, struct pl_view *v, pl_addr addr, char *buf, size_t cap);
/* The object that the block around addr holds, or PL_NO_ID. */
pl_id pl_besides_object(const struct pl_objects *o, const struct pl_block *b);

#endif
