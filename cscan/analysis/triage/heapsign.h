/*
 * heapsign.h - the signature of what fills a heap: "heap/1:" and 16 hex digits.
 *
 * Version 1. Words are fed in this order, as far as they are found: of the path that holds most of
 * the heap's bytes, "path" and the path in its general spelling, "type" and the type of what it
 * leads to; of the dead cycles, when there are enough of them for a verdict, of the shape that
 * retains most, "cycle", the state ("unreachable", "garbage", "frozen", "held"), and the names of
 * its members' types, each once, in the order of strcmp(). A word's bytes and a NUL behind it go
 * into an FNV-1a hash of 64 bits. Of a path, every number within <...>, hexadecimal with its 0x or
 * decimal, counts as one *: threads, lines, addresses and offsets differ from run to run or from
 * release to release. No word holds a count, a size, a share or an address, so none of them
 * matters. A heap in which nothing dominates and little is dead has no signature.
 */
#ifndef PL_HEAPSIGN_H
#define PL_HEAPSIGN_H

#include "base/base.h"

struct pl_heapsign {
	uint64_t hash;
	bool any; /* a word was fed */
};

void pl_heapsign_word(struct pl_heapsign *s, const char *word);
/* A path: its numbers are made alike. */
void pl_heapsign_path(struct pl_heapsign *s, const char *path);
/* "heap/1:0123456789abcdef" into buf; false, and buf untouched, when no word was fed. */
bool pl_heapsign_end(const struct pl_heapsign *s, char buf[24]);

#endif
