/*
 * filter.h - which chains are asked for: --via and --without.
 *
 * A glob means objects by their type or, beginning with one of ".[<", steps by their names as a
 * path spells them: "[3]" and "[*]" mean what they look like. A step stands for all references of
 * its pair of objects (h.a and h.b may be one object): it is left out when each of them fits
 * --without, and it is a step as asked for when one of them fits --via and not --without.
 * References that own their target decide; words of raw memory only where there are none.
 *
 * A search asks of the same source again for each of its targets, in any order. So all references
 * of a source are looked at in one decoding, and what was found is kept by source: the fewer of its
 * targets that fit and its targets that do not.
 */
#ifndef PL_FILTER_H
#define PL_FILTER_H

#include "analysis/search/rooted.h"
#include "base/mem.h"

/* The pairs of objects whose references fit one glob for steps. */
struct pl_steps {
	const char *glob;
	char *literal;   /* of a glob that begins with "[": the same, this one as it is */
	bool all;        /* a pair is one when all its references fit, else when one does */
	uint8_t *flags;  /* by node: see filter.c */
	uint64_t *pairs; /* hash of source << 32 | target, plus 1; 0 is an empty slot */
	size_t cap, n;
	bool *names; /* of a glob for types, in place of all these: by type, whether it fits */
};

struct pl_filter {
	struct pl_rooted rooted;
	const struct pl_graph *graph; /* with backward edges */
	struct pl_ctx *ctx;
	struct pl_view v;
	struct pl_steps via, without; /* glob NULL: not given */
	PL_VEC(pl_node) children;     /* of the source that is looked at */
	bool no_memory;               /* some answer may be wrong: pl_filter_check() */
};

/* One of the two: glob NULL when it was not given. */
struct pl_filter_glob {
	const char *glob;
	bool *types; /* by type index, whether its name fits, malloced; NULL of one for steps */
};
bool pl_filter_is_step(const char *glob);

/* Takes the globs' types. PL_E_NOMEM. Free with pl_filter_fini(), always. */
int pl_filter_init(struct pl_filter *f, struct pl_filter_glob via, struct pl_filter_glob without,
		   const struct pl_objects *o, const struct pl_roots *roots,
		   const struct pl_graph *graph, struct pl_ctx *ctx, struct pl_err *err);
void pl_filter_fini(struct pl_filter *f);
/* After a search that was filtered: PL_E_CANCELLED or PL_E_NOMEM when its answer means nothing. */
int pl_filter_check(const struct pl_filter *f, struct pl_err *err);

/* What pl_graph_paths() and pl_graph_forest() are to find: chains from roots, none --without. */
struct pl_path_query pl_filter_query(struct pl_filter *f, uint64_t max_nodes);
/* Does the chain go through what --via asks for? True when it was not given. */
bool pl_filter_passes(struct pl_filter *f, const pl_node *chain, uint32_t n);

/*
 * Two references of source to one target: would a chain rather go by e than by `than`? One that
 * owns its target is better than any other; then one that does not fit --without, and then one that
 * fits --via.
 */
bool pl_filter_prefers(struct pl_filter *f, pl_id source, const struct pl_edge *e,
		       const struct pl_edge *than);
/* The best reference from source to target, the first of equal ones; false when there is none. */
bool pl_filter_edge(struct pl_filter *f, pl_id source, pl_id target, struct pl_edge *ret);

#endif
