/*
 * say.h - numbers as a reader wants them.
 */
#ifndef PL_SAY_H
#define PL_SAY_H

#include "base/base.h"

#define PL_SAY 32 /* bytes that any of these needs, with the NUL */

/* "1,234,567" into buf; returns buf, so that a compound literal can stand for it in a sentence. */
const char *pl_say_count(char buf[PL_SAY], uint64_t n);
/* "12.3 MiB", "512 B" */
const char *pl_say_size(char buf[PL_SAY], uint64_t bytes);

/* For the arguments of a printf: the text lives as long as the block around it. */
#define PL_COUNT(n) pl_say_count((char[PL_SAY]){0}, (n))
#define PL_SIZE(n) pl_say_size((char[PL_SAY]){0}, (n))

#endif
