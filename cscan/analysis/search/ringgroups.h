/*
 * ringgroups.h - reference cycles grouped by shape.
 *
 * Two rings have one shape when they have as many objects of each type, and as many references from
 * each type to each other one, and the same state and finalizer: told by a sum of hashes, in one
 * pass over the objects. Only one ring of a shape is looked at to spell it.
 */
#ifndef PL_RINGGROUPS_H
#define PL_RINGGROUPS_H

#include "analysis/spell/ringspell.h"
#include "base/mem.h"

#define PL_NO_GROUP UINT32_MAX

/* Rings of one shape. */
struct pl_ringgroup {
	uint64_t hash;
	uint32_t example; /* a ring */
	uint32_t cycles;
	uint64_t objects, size; /* members */
	uint64_t retained;      /* bytes of the members and of what hangs off them */
};

struct pl_ringgroups {
	uint32_t *of; /* by ring: index of its group, or PL_NO_GROUP: not asked for */
	uint32_t n_rings;
	PL_VEC(struct pl_ringgroup) at;
};

/*
 * Group the rings of which wanted() says true. The groups come in the order of their first ring;
 * pl_ringgroups_sort() ends what of says. PL_E_CANCELLED, PL_E_NOMEM. Free with
 * pl_ringgroups_fini(), after a failure too.
 */
int pl_ringgroups_init(struct pl_ringgroups *s, const struct pl_objects *o,
		       const struct pl_graph *g, const struct pl_rings *rings,
		       bool (*wanted)(void *arg, uint32_t ring), void *arg, struct pl_err *err);
void pl_ringgroups_fini(struct pl_ringgroups *s);
/* What a reader must act on first; of one state, what holds most. */
void pl_ringgroups_sort(struct pl_ringgroups *s, const struct pl_rings *rings);

/*
 * A ring of a group in words: "app.Session → dict → app.Session (+3)", malloced; its references as
 * general accessors into edges. Begins where a reader would: at an instance of a class of the
 * program, else at a class, else by name, by address.
 */
char *pl_ringgroup_shape(const struct pl_ringspell *spell, uint32_t ring, char *edges, size_t cap);

#endif
