/*
 * runtime.c - the interpreters of the process.
 */
#include "object/roots/runtime.h"

#include "base/addrset.h"
#include "base/mem.h"

/* Each has a sys, a builtins and a state of its own, 300 KiB at least: so many take 20 GiB before
 * any of them runs a line. */
#define MAX_INTERPS (1 << 16)

size_t pl_interps(struct pl_image *im, const struct pl_layout *l, struct pl_interp **ret)
{
	PL_VEC(struct pl_interp) list = {0};
	struct pl_addrset seen;
	struct pl_view v;

	pl_view_init(&v, im);
	pl_addrset_init(&seen);
	for (pl_addr at = l->interp_head; at && list.n < MAX_INTERPS;) {
		struct pl_interp interp = {.addr = at};

		if (at & 7 || !pl_addrset_add(&seen, at) || !pl_at(&v, at, 8))
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
	pl_addrset_fini(&seen);
	/* New interpreters are put at the head of the list, so the main one is the last. */
	for (size_t i = 0; i < list.n / 2; i++) {
		struct pl_interp swap = list.at[i];

		list.at[i] = list.at[list.n - 1 - i];
		list.at[list.n - 1 - i] = swap;
	}
	*ret = list.at;
	return list.n;
}
