/*
 * functools.c - functools and operator: partial, lru_cache, cmp_to_key, getters. Facts: Modules/
 * _functoolsmodule.c, Modules/_operator.c.
 */
#include "object/decode/decode.h"

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
 * each link once more. A link is of no type that the collector knows, so the wrapper's traverse
 * goes through it (from 3.9 on).
 */
static void put_links(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr end, link = pl_word(d, f->lru_first);
	uint64_t key, result, next;

	if (!pl_has(f->lru_root) || !pl_has(f->lrulink_next))
		return;
	end = d->addr + (uint64_t)f->lru_root;
	for (uint64_t i = 0; link && link != end && i < pl_image_info(d->v->im)->file_size / 32; i++, link = next) {
		if (!pl_read64(d->v, link + (uint64_t)f->lrulink_key, &key) ||
		    !pl_read64(d->v, link + (uint64_t)f->lrulink_result, &result) ||
		    !pl_read64(d->v, link + (uint64_t)f->lrulink_next, &next))
			return;
		pl_put(d, link, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<link>", !d->l->traverse_type);
		pl_put(d, key, PL_EDGE_BORROWED, PL_L_TEXT, (uint64_t)(uintptr_t) "<cached arguments>", d->l->traverse_type);
		pl_put(d, result, PL_EDGE_BORROWED, PL_L_TEXT, (uint64_t)(uintptr_t) "<cached result>", d->l->traverse_type);
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

	pl_put_member(d, f->lrulink_key, "<cached arguments>", false);
	pl_put_member(d, f->lrulink_result, "<cached result>", false);
	pl_put(d, pl_word(d, f->lrulink_prev), PL_EDGE_BORROWED, PL_L_TEXT, (uint64_t)(uintptr_t) "<previous>", false);
	pl_put(d, pl_word(d, f->lrulink_next), PL_EDGE_BORROWED, PL_L_TEXT, (uint64_t)(uintptr_t) "<next>", false);
}

/* In 3.13 vectorcall_args points into a tuple that is a member of its own. */
void pl_decode_methodcaller(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->methodcaller_name, "<name>", true);
	pl_put_member(d, f->methodcaller_args, "<args>", true);
	pl_put_member(d, f->methodcaller_kwds, "<keywords>", true);
	if (!pl_has(f->methodcaller_borrowed))
		pl_put_member(d, f->methodcaller_vector, "<call args>", true);
	pl_put_member(d, f->methodcaller_kwnames, "<call names>", true);
}
