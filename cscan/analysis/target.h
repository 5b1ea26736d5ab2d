/*
 * target.h - what the user named: an object by its address, or objects by their type.
 */
#ifndef PL_TARGET_H
#define PL_TARGET_H

#include "analysis/analysis.h"

struct pl_target {
	bool by_type;
	pl_addr addr;      /* of the object, when not by type */
	pl_id id;          /* of that object; by type PL_NO_ID */
	PL_VEC(pl_id) ids; /* by type: all its objects, ascending */
	bool *types;       /* by type: by type index, whether it was meant */
	size_t n_types;    /* length of types */
};

/*
 * Understand ADDRESS (0x...) or TYPE (module.Qualname or a glob). PL_E_USAGE for a malformed
 * address, PL_E_NOT_FOUND when no listed object is there, PL_E_CANCELLED; a type that no object has
 * is a note and no ids. Free with pl_target_fini().
 */
int pl_target_parse(struct pl_session *s, const struct pl_objects *o, const struct pl_args *args,
		    struct pl_target *ret, struct pl_err *err);
void pl_target_fini(struct pl_target *t);
/* By type index, whether its name fits a glob: malloced. */
bool *pl_target_types(const struct pl_objects *o, const struct pl_args *args, const char *glob);
/* ADDRESS alone; PL_E_NOT_FOUND when no listed object is there. */
int pl_target_object(const struct pl_objects *o, const char *word, pl_id *ret, struct pl_err *err);

#endif
