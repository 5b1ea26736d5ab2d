/*
 * profiler.c - the profiler behind cProfile: Modules/_lsprof.c, Modules/rotatingtree.h.
 */
#include "object/decode/decode.h"

#include "base/mem.h"

#define MAX_ENTRIES (1u << 20) /* one for each function that was called */

/* The functions it knows, in a binary tree without balance: code objects, or the names of builtins.
 * The collector does not see them. */
static void put_entries(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	PL_VEC(pl_addr) todo = {0};
	pl_addr left, right, user;

	if (!pl_has(f->profentry_user))
		return;
	pl_vec_push(&todo, pl_word(d, f->profiler_entries));
	for (unsigned i = 0; i < MAX_ENTRIES && todo.n; i++) {
		pl_addr at = todo.at[--todo.n];

		if (!at || !pl_read64(d->v, at + (uint64_t)f->profentry_user, &user) ||
		    !pl_read64(d->v, at + (uint64_t)f->profentry_left, &left) ||
		    !pl_read64(d->v, at + (uint64_t)f->profentry_right, &right))
			continue;
		pl_put(d, user, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<called>", false);
		pl_vec_push(&todo, right);
		pl_vec_push(&todo, left);
	}
	pl_vec_free(&todo);
}

void pl_decode_profiler(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.profiler_timer, "<timer>", d->l->profiler_visits_timer);
	pl_put_member(d, d->l->f.profiler_missing, "<missing>", d->l->profiler_visits_missing);
	put_entries(d);
}
