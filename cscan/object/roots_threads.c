/*
 * roots_threads.c - what thread states hold besides their frames' own objects: locals and
 * evaluation stacks, exceptions, dicts, contexts, hooks.
 */
#include "object/rootset.h"

int pl_roots_threads(struct pl_rootset *s, struct pl_ctx *ctx, struct pl_err *err)
{
	(void)s;
	(void)ctx;
	(void)err;
	return 0;
}
