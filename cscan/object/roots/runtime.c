/*
 * runtime.c - the interpreters of the process.
 */
#include "object/roots/runtime.h"

#include "base/mem.h"

#define MAX_INTERPS 1024

size_t pl_interps(struct pl_image *im, const struct pl_layout *l, struct pl_interp **ret)
{
	PL_VEC(struct pl_interp) list = {0};
	struct pl_view v;

	pl_view_init(&v, im);
	for (pl_addr at = l->interp_head; at && list.n < MAX_INTERPS;) {
		struct pl_interp interp = {.addr = at};
		bool seen = false;

		for (size_t i = 0; i < list.n; i++)
			seen |= list.at[i].addr == at;
		if (seen || !pl_at(&v, at, 8))
			break;
		interp.id = pl_has(l->f.interp_id) ? (int64_t)pl_field_word(&v, at, l->f.interp_id)
						   : (int64_t)list.n;
		interp.gc_state = pl_layout_gc_state(l, at);
		interp.modules = pl_field_word(&v, at, l->f.interp_modules);
		interp.sysdict = pl_field_word(&v, at, l->f.interp_sysdict);
		interp.builtins = pl_field_word(&v, at, l->f.interp_builtins);
		pl_vec_push(&list, interp);
		at = pl_field_word(&v, at, l->f.interp_next);
	}
	/* New interpreters are put at the head of the list, so the main one is the last. */
	for (size_t i = 0; i < list.n / 2; i++) {
		struct pl_interp swap = list.at[i];

		list.at[i] = list.at[list.n - 1 - i];
		list.at[list.n - 1 - i] = swap;
	}
	*ret = list.at;
	return list.n;
}
