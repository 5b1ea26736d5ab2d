/* generation.c - see generation.h. */
#include "object/generation.h"

#include <stdio.h>

static const char *const plain[] = {"0", "1", "2", "permanent"};
static const char *const incremental[] = {"young", "old0", "old1", "permanent"};

const char *pl_generation_name(const struct pl_objects *o, int generation)
{
	if (generation < 0 || generation >= (int)PL_ARRAY_LEN(plain))
		return NULL;
	return (o->l->gc_style == PL_GC_INCREMENTAL ? incremental : plain)[generation];
}

int pl_generation_parse(const struct pl_objects *o, const char *name, int *ret, struct pl_err *err)
{
	for (int i = 0; i < (int)PL_ARRAY_LEN(plain); i++) {
		if (!strcmp(name, plain[i]) || !strcmp(name, pl_generation_name(o, i))) {
			*ret = i;
			return 0;
		}
	}
	pl_err_set(err, PL_E_USAGE, "no generation '%s'", name);
	pl_err_hint(err, "this collector has %s, %s, %s and permanent", pl_generation_name(o, 0),
		    pl_generation_name(o, 1), pl_generation_name(o, 2));
	return PL_E_USAGE;
}
