/*
 * registry.c - the rows of analyses.def.
 */
#include "analysis/analysis.h"

#define PL_ANALYSIS(name) &pl_analysis_##name,
static const struct pl_analysis *const rows[] = {
#include "analysis/analyses.def"
	NULL,
};
#undef PL_ANALYSIS

const struct pl_analysis *const *pl_analyses(size_t *n)
{
	*n = PL_ARRAY_LEN(rows) - 1;
	return rows;
}

const struct pl_analysis *pl_analysis_find(const char *name)
{
	for (size_t i = 0; rows[i]; i++) {
		if (!strcmp(rows[i]->name, name))
			return rows[i];
	}
	return NULL;
}
