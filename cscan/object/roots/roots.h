/*
 * roots.h - what keeps objects alive without being an object: interpreters, threads, frames, C
 * memory.
 */
#ifndef PL_ROOTS_H
#define PL_ROOTS_H

#include "base/mem.h"
#include "object/edges/edges.h"

/* In the order of preference when several roots hold one object: what tells a programmer most,
 * first. */
enum pl_root_kind {
#define PL_ROOT(name, text) PL_ROOT_##name,
#include "object/roots.def"
#undef PL_ROOT
	PL_N_ROOTS
};

struct pl_root {
	enum pl_root_kind kind;
	pl_addr target;
	const char *name;     /* how a path that begins here is spelled: "app", "<frame handler
				 app.py:33 thread 4242>", "<gc.garbage>"; owned by the set */
	const char *accessor; /* step from the root to the target: ".x" for a local, "" when the
				 target is the root itself */
	bool owns;    /* it holds a counted reference; if not, that of another holder is meant, or
			 nobody knows (the argument of a pending call) */
	bool borrows; /* it keeps nothing alive, no chain begins here: values in the type cache,
			 asyncio's list of tasks */
	bool dict_is_namespace; /* target is a module's or class's dict: the next step is .NAME, not
				   ['NAME'] */
};

struct pl_roots {
	struct pl_root *at; /* sorted by target, for each target what borrows it last */
	size_t n;
	struct pl_arena names;
};

/*
 * All roots of all interpreters and threads, native words excepted (they are found by native.h on
 * demand). Needs an indexed object table. Damage shortens the set and is noted in ctx.
 */
int pl_roots_new(struct pl_objects *o, struct pl_ctx *ctx, struct pl_roots **ret,
		 struct pl_err *err);
void pl_roots_free(struct pl_roots *r);
/* The roots that hold target: first of *n in r->at, or NULL. None that borrows it. */
const struct pl_root *pl_roots_of(const struct pl_roots *r, pl_addr target, size_t *n);
const char *
pl_root_kind_name(enum pl_root_kind k); /* "module", "frame", ... as `roots` prints it */

#endif
