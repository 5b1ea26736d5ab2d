/*
 * roots.c - the set of roots, put together from what each kind of root's file finds.
 */
#include "object/roots.h"

static const char *const kind_names[PL_N_ROOTS] = {
#define PL_ROOT(name, text) text,
#include "object/roots.def"
#undef PL_ROOT
};

const char *pl_root_kind_name(enum pl_root_kind k)
{
	return kind_names[k];
}

/* By target, then best kind first. */
static int by_target(const void *pa, const void *pb)
{
	const struct pl_root *a = pa, *b = pb;

	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

int pl_roots_new(struct pl_objects *o, struct pl_ctx *ctx, struct pl_roots **ret, struct pl_err *err)
{
	struct pl_roots *r = pl_calloc(1, sizeof(*r));

	(void)o;
	(void)ctx;
	(void)err;
	if (r->n)
		qsort(r->at, r->n, sizeof(*r->at), by_target);
	*ret = r;
	return 0;
}

void pl_roots_free(struct pl_roots *r)
{
	if (!r)
		return;
	free(r->at);
	pl_arena_fini(&r->names);
	free(r);
}

const struct pl_root *pl_roots_of(const struct pl_roots *r, pl_addr target, size_t *n)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->at[mid].target < target)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*n = 0; lo + *n < r->n && r->at[lo + *n].target == target; (*n)++)
		;
	return *n ? &r->at[lo] : NULL;
}
