/*
 * ownwords.h - the interpreter's own memory, where it keeps objects that no root of roots.h names:
 * the types of module ast, caches, the exceptions made in advance.
 */
#ifndef PL_OWNWORDS_H
#define PL_OWNWORDS_H

#include "object/objects.h"

typedef void pl_own_word_fn(void *arg, uint64_t word);
/*
 * Every aligned word of the static data of the file that is the interpreter, of _PyRuntime and of
 * each PyInterpreterState, as far as their places are known. A word may own what it points to, or
 * borrow it, or be no pointer at all.
 */
void pl_own_words(const struct pl_objects *o, struct pl_view *v, pl_own_word_fn *fn, void *arg);

#endif
