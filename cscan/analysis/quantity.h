/*
 * quantity.h - options that are an amount of memory or of time, as people write them.
 *
 * A number, whole or with a decimal point, and at once a unit; nothing else, so no sign, no blank,
 * no exponent.
 */
#ifndef PL_QUANTITY_H
#define PL_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* "4G", "512M", "1.5g", "64K", "2T", each also with B or iB behind it; binary units; without one it
 * is bytes. False when it is no such thing or beyond 2^63. */
bool pl_quantity_bytes(const char *text, uint64_t *ret);
/* "60s", "5m", "2h", "250ms"; without a unit it is seconds. In ns, at most 2^63. */
bool pl_quantity_time(const char *text, uint64_t *ret);

#endif
