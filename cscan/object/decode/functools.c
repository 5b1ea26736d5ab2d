/*
 * functools.c - functools and operator: partial, lru_cache, cmp_to_key, getters. Facts: Modules/
 * _functoolsmodule.c, Modules/_operator.c.
 */
#include "object/decode/decode.h"

#define LINK_BYTES 56 /* at least, of a lru_list_elem: what bounds a ring that does not close */

void pl_decode_partial(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.partial_fn, ".func", true);
	pl_put_member(d, d->l->f.partial_args, ".args", true);
	pl_put_member(d, d->l->f.partial_kw, ".keywords", true);
}

void pl_decode_keywrapper(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.keywrapper_cmp, "<compare>", true);
	pl_put_member(d, d->l->f.keywrapper_object, ".obj", true);
}

void pl_decode_itemgetter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.itemgetter_item, "<item>", true);
}

void pl_decode_attrgetter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.attrgetter_attr, "<attributes>", true);
}

/*
 * The wrapper owns the ring of links that keeps the order of a bounded cache; the cache's dict owns
 * each link once more. The collector sees the links themselves only in 3.6, where they have a gc
 * head; later the wrapper's traverse goes through them (and visits their type since it is a heap
 * type).
 */
static void put_link(const struct pl_decode *d, pl_addr link, pl_addr key, pl_addr result)
{
	uint64_t type_addr = 0;
	int32_t type = -1;
	bool is_gc;

	if (pl_read64(d->v, link + (uint64_t)d->l->f.object_type, &type_addr))
		type = pl_types_find(d->o->types, d->v, type_addr);
	is_gc = type >= 0 && pl_types_at(d->o->types, (uint32_t)type)->is_gc;
	pl_put(d, link, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<link>", is_gc);
	if (is_gc)
		return;
	pl_put(d, key, PL_EDGE_BORROWED, PL_L_TEXT, (uint64_t)(uintptr_t) "<cached arguments>",
	       true);
	pl_put(d, result, PL_EDGE_BORROWED, PL_L_TEXT, (uint64_t)(uintptr_t) "<cached result>",
	       true);
	if (pl_has(d->l->f.lru_link_type))
		pl_put(d, type_addr, PL_EDGE_BORROWED, PL_L_TEXT,
		       (uint64_t)(uintptr_t) "<link type>", true);
}

static void put_links(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t most = pl_image_info(d->v->im)->file_size / LINK_BYTES;
	pl_addr end, link = pl_word(d, f->lru_first);
	uint64_t key, result, next;

	if (!pl_has(f->lru_root) || !pl_has(f->lrulink_next))
		return;
	end = d->addr + (uint64_t)f->lru_root;
	for (uint64_t i = 0; link && link != end && i < most; i++, link = next) {
		if (!pl_read64(d->v, link + (uint64_t)f->lrulink_key, &key) ||
		    !pl_read64(d->v, link + (uint64_t)f->lrulink_result, &result) ||
		    !pl_read64(d->v, link + (uint64_t)f->lrulink_next, &next))
			return;
		put_link(d, link, key, result);
	}
}

void pl_decode_lru(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	put_links(d);
	pl_put_member(d, f->lru_maxsize36, "<maxsize>", true);
	pl_put_member(d, f->lru_func, ".__wrapped__", true);
	pl_put_member(d, f->lru_cache, "<cache>", true);
	pl_put_member(d, f->lru_info_type, "<info type>", true);
	pl_put_member(d, f->lru_kwd_mark, "<keyword mark>", true);
	pl_put_member(d, f->lru_link_type, "<link type>", true);
}

void pl_decode_lrulink(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->lrulink_key, "<cached arguments>", true);
	pl_put_member(d, f->lrulink_result, "<cached result>", true);
	pl_put(d, pl_word(d, f->lrulink_prev), PL_EDGE_BORROWED, PL_L_TEXT,
	       (uint64_t)(uintptr_t) "<previous>", false);
	pl_put(d, pl_word(d, f->lrulink_next), PL_EDGE_BORROWED, PL_L_TEXT,
	       (uint64_t)(uintptr_t) "<next>", false);
}

/*
 * name is visited since the type is a heap type. In 3.13 vectorcall_args points into a tuple that
 * is a member of its own, and the names are not visited; before the first call vectorcall_args is
 * NULL and the names are not set (methodcaller_new() in Modules/_operator.c).
 */
void pl_decode_methodcaller(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->methodcaller_name, "<name>", d->type->is_heap);
	pl_put_member(d, f->methodcaller_args, "<args>", true);
	pl_put_member(d, f->methodcaller_kwds, "<keywords>", true);
	if (!pl_has(f->methodcaller_borrowed))
		pl_put_member(d, f->methodcaller_vector, "<call args>", true);
	if (pl_word(d, f->methodcaller_vector))
		pl_put_member(d, f->methodcaller_kwnames, "<call names>",
			      !pl_has(f->methodcaller_borrowed));
}
