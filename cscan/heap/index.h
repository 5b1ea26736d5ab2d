/*
 * index.h - the live blocks of the whole heap by address: is one here, which is around, what comes
 * next.
 *
 * The blocks are those that pl_heap_walk() hands out, whichever allocator they are of; what the
 * owner may use of one is [base, base + usable). The starts of a region's blocks are collected when
 * the first question about it comes, and kept (starts.h: a bit for each 16 bytes, as a rule): so
 * that "does a live block start here" is one bit, and the others are a few steps. A listing of the
 * heap does not ask, and pays nothing. A region is some MiB at most, so that making it needs no
 * look at cancel; two threads that ask at once may both make it, and one copy stays.
 *
 * Memory: 1/120 of the bytes in blocks, in no honest core more than 1/60. What is kept never takes
 * more than an eighth of the core's size and 16 MiB: segments of a hostile core may share their
 * bytes, and so have any number of blocks. Beyond, a region is read again for each question: slow,
 * and right.
 */
#ifndef PL_HEAP_INDEX_H
#define PL_HEAP_INDEX_H

#include "heap/heap.h"

/* Whether a live block starts at addr: its owner's bytes, behind the debug hooks' prefix. */
bool pl_heap_starts(const struct pl_heap *h, pl_addr addr);
/* The live block that starts at addr; false when none does. */
bool pl_heap_block_at(const struct pl_heap *h, pl_addr addr, struct pl_block *ret);
/* The live block whose owner's bytes addr is among; false when it is in none. */
bool pl_heap_block_around(const struct pl_heap *h, pl_addr addr, struct pl_block *ret);
/*
 * The first live block that starts at or behind addr, in whichever region; false when there is none
 * any more. To walk them all in order: from 0 on, each time from the last one's base + 1.
 */
bool pl_heap_block_next(const struct pl_heap *h, pl_addr addr, struct pl_block *ret);

/*
 * Make the index of all regions at once, on all threads, and number the blocks: from 0, in address
 * order. PL_E_CANCELLED, or PL_E_NOMEM when they do not fit. Not thread-safe itself; once it has
 * returned, pl_heap_blocks() says how many there are, and pl_heap_number() which one starts at an
 * address (UINT64_MAX: none).
 */
int pl_heap_number_all(const struct pl_heap *h, struct pl_ctx *ctx, struct pl_err *err);
uint64_t pl_heap_blocks(const struct pl_heap *h);
uint64_t pl_heap_number(const struct pl_heap *h, pl_addr addr);

#endif
