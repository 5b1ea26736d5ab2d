/*
 * quantity.h - options that are an amount of memory or of time, as people write them.
 *
 * A number, whole or with a decimal point, and at once a unit; nothing else, so no sign, no blank,
 * no exponent.
 */
#ifndef PL_QUANTITY_H
#define PL_QUANTITY_H

#include "analysis/analysis.h"

/* "4G", "512M", "1.5g", "64K", "2T", each also with B or iB behind it; binary units; without one it
 * is bytes. False when it is no such thing or beyond 2^63. */
bool pl_quantity_bytes(const char *text, uint64_t *ret);
/* "60s", "5m", "2h", "250ms"; without a unit it is seconds. In ns, at most 2^63. */
bool pl_quantity_time(const char *text, uint64_t *ret);

/* The value of an option in bytes or ns; *ret stays as it is when not given. PL_E_USAGE for
 * anything else. */
int pl_args_bytes(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err);
int pl_args_time(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err);

#endif
