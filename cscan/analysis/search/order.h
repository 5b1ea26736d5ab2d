/*
 * order.h - objects in the order of one of their columns.
 */
#ifndef PL_ORDER_H
#define PL_ORDER_H

#include "object/objects.h"

enum pl_order_key {
	PL_ORDER_ADDRESS,
	PL_ORDER_TYPE,
	PL_ORDER_REFCOUNT,
	PL_ORDER_SIZE,
	PL_ORDER_GENERATION,
	PL_N_ORDERS
};

/*
 * Sort n ids, which ascend, as pl_table_sort() would sort their rows: numbers descending, text
 * ascending, or turned round; what is on no list of the collector's is last either way, and equal
 * ones stay in the order of their addresses. PL_E_CANCELLED, PL_E_NOMEM.
 */
int pl_order(const struct pl_objects *o, enum pl_order_key key, bool turned, pl_id *ids, size_t n,
	     struct pl_ctx *ctx, struct pl_err *err);

#endif
