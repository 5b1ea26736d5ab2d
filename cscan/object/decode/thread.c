/*
 * thread.c - thread locals and the queue of C. Facts: Modules/_threadmodule.c,
 * Modules/_queuemodule.c.
 */
#include "object/decode/decode.h"

void pl_decode_local(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.local_key, "<key>", false);
	pl_put_member(d, d->l->f.local_args, "<args>", true);
	pl_put_member(d, d->l->f.local_kw, "<keywords>", true);
	pl_put_member(d, d->l->f.local_dummies, "<dummies>", true);
	pl_put_member(d, d->l->f.local_callback, "<callback>", false);
	pl_put_member(d, d->l->f.local_dicts, "<dicts>", true);
	pl_put_member(d, d->l->f.local_watchdogs, "<watchdogs>", true);
}

/* In the dict of a thread; the local's own dummies hold the dict. */
void pl_decode_localdummy(const struct pl_decode *d)
{
	pl_put(d, pl_word(d, d->l->f.localdummy_dict), PL_EDGE_BORROWED, PL_L_TEXT,
	       (uint64_t)(uintptr_t) "<dict>", false);
}

/* A list up to 3.12, then a ring of items. */
void pl_decode_simplequeue(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t cap = pl_word(d, f->simplequeue_cap), get = pl_word(d, f->simplequeue_get);
	uint64_t n = pl_word(d, f->simplequeue_n);
	const uint8_t *items;

	pl_put_member(d, f->simplequeue_lst, "<items>", true);
	if (!cap || get >= cap || n > cap || cap > pl_image_info(d->v->im)->file_size / 8 ||
	    !(items = pl_at(d->v, pl_word(d, f->simplequeue_items), 8 * cap)))
		return;
	for (uint64_t i = 0; i < n; i++)
		pl_put(d, pl_ld64(items + 8 * ((get + i) % cap)), PL_EDGE_STRONG, PL_L_INDEX, i,
		       true);
}
