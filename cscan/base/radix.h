/*
 * radix.h - sorting millions of things by a number, with a look at cancel.
 */
#ifndef PL_RADIX_H
#define PL_RADIX_H

#include "base/ctx.h"

struct pl_keyed {
	uint64_t key;
	uint32_t value;
};

/*
 * Sort ascending by key; those of one key stay in order. A pass for each byte in which keys differ,
 * so small numbers cost little. PL_E_CANCELLED; PL_E_NOMEM for as much memory again.
 */
int pl_radix_sort(struct pl_keyed *at, size_t n, struct pl_ctx *ctx, struct pl_err *err);

#endif
