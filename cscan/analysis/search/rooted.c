/* rooted.c - see rooted.h. */
#include "analysis/search/rooted.h"

const struct pl_root *pl_rooted_best(const struct pl_rooted *r, pl_id id)
{
	size_t n;

	return pl_roots_of(r->roots, r->o->addr[id], &n);
}

/* Native roots may be left-overs: a real one always serves better, however long its chain. */
unsigned pl_rooted_rank(void *arg, pl_node node)
{
	const struct pl_rooted *r = arg;
	const struct pl_root *root = pl_rooted_best(r, node);

	return root && (r->unsure || root->kind != PL_ROOT_NATIVE) ? 1 + (unsigned)root->kind : 0;
}
