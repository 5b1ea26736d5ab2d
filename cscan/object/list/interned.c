/*
 * interned.c - which dicts hold the interned strings.
 *
 * Their keys and values are the same strings, and ob_refcnt counts neither reference
 * (Objects/unicodeobject.c, PyUnicode_InternInPlace(); 2.7: Objects/stringobject.c). From 3.12 on
 * each interpreter has one and says where; before, it is a static variable that a stripped binary
 * does not name, and the dict is found by what it is like.
 */
#include "object/list/listing.h"
#include "object/value/value.h"

#define LEAST 256 /* entries: a bare interpreter has more than a thousand */
#define LOOKS 64  /* entries that are looked at */
#define ENTRY 16  /* bytes that an entry takes at least */

/* An interned string: the lowest two bits of its state (2.7: sstate) say so. */
static bool is_interned(const struct pl_layout *l, struct pl_view *v, pl_addr str)
{
	int32_t at = pl_has(l->f.str27_state) ? l->f.str27_state : l->f.str_state;
	uint32_t state;

	return pl_read32(v, str + (uint64_t)at, &state) && state & 3;
}

static bool looks_right(const struct pl_layout *l, struct pl_view *v, pl_addr dict)
{
	struct pl_dict_iter it;
	pl_addr key, value;

	if (!pl_dict_begin(l, v, dict, &it))
		return false;
	for (int i = 0; i < LOOKS && pl_dict_next(&it, &key, &value, NULL); i++) {
		if (key != value || !is_interned(l, v, key))
			return false;
	}
	return true;
}

/* A program's own table of interned strings would be smaller: these are all there are. */
static void search(struct pl_objects *o, struct pl_view *v, struct pl_ctx *ctx)
{
	uint64_t most = LEAST - 1, used;
	pl_addr best = 0;

	for (size_t id = 0; id < o->n && !pl_ctx_look(ctx, id); id++) {
		const struct pl_type *t = pl_object_type(o, (pl_id)id);

		if (t->kind == PL_KIND_DICT && t->exact && o->size[id] > LEAST * ENTRY &&
		    pl_dict_used(o->l, v, o->addr[id], &used) && used > most &&
		    looks_right(o->l, v, o->addr[id])) {
			most = used;
			best = o->addr[id];
		}
	}
	if (best)
		o->interned[o->n_interned++] = best;
}

int pl_interned_find(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_view v;
	uint64_t dict;

	pl_view_init(&v, o->im);
	free(o->interned);
	o->n_interned = 0;
	o->interned = pl_calloc(o->n_interps + 1, sizeof(*o->interned));
	for (size_t i = 0; pl_has(o->l->f.interp_interned) && i < o->n_interps; i++) {
		if (pl_read64(&v, o->interps[i].addr + (uint64_t)o->l->f.interp_interned, &dict) &&
		    dict)
			o->interned[o->n_interned++] = dict;
	}
	if (!pl_has(o->l->f.interp_interned))
		search(o, &v, ctx);
	return pl_ctx_cancelled(ctx) ? pl_ctx_cancel_err(err) : 0;
}
