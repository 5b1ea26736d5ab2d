/*
 * put_type.c - what a class holds besides its __dict__, which attributes.c lists for every object.
 *
 * Facts: type_traverse() and type_dealloc() in Objects/typeobject.c, 2.7 to 3.15. A static type is
 * a bare PyTypeObject with no gc head; what it points to is owned all the same, but for tp_base,
 * which a static initialiser sets without counting it.
 */
#include "object/edges/put.h"
#include "object/value/value.h"

#define MAX_KEYS 65536 /* of a shared key table; CPython stops sharing at 30 */

/*
 * The names of the instances' attributes are owned by the key table that the instances share, and
 * that is the class's: Objects/dictobject.c, new_dict_with_shared_keys().
 */
static void put_cached_keys(const struct pl_decode *d)
{
	struct pl_dict_keys k;
	pl_addr keys = pl_word(d, d->l->f.heaptype_cached_keys);

	if (!keys || !pl_dict_keys_read(d->l, d->v, keys, &k))
		return;
	for (uint64_t i = 0; i < PL_MIN(k.n, MAX_KEYS); i++) {
		uint64_t key;

		if (!pl_read64(d->v, k.entries + i * k.stride + (k.stride == 24 ? 8 : 0), &key))
			return;
		pl_put(d, key, PL_EDGE_STRONG, PL_L_KEY, 0, false);
	}
}

static void put_heap_type(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->type_base, ".__base__", true);
	pl_put_member(d, f->heaptype_module, "<ht_module>", true);
	pl_put_member(d, f->heaptype_name, ".__name__", false);
	pl_put_member(d, f->heaptype_qualname, ".__qualname__", false);
	pl_put_member(d, f->heaptype_slots, ".__slots__", false);
	put_cached_keys(d);
}

void pl_put_type(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t flags = pl_word(d, f->type_flags);

	pl_put_member(d, f->type_mro, ".__mro__", true);
	pl_put_member(d, f->type_bases, ".__bases__", true);
	pl_put_member(d, f->type_cache, "<tp_cache>", true);
	/* A container of weak references; of static builtin types it is a number from 3.12 on. */
	if (!(flags & d->l->flag_static_builtin))
		pl_put_member(d, f->type_subclasses, ".__subclasses__()", false);
	if (flags & PL_TPFLAG_HEAPTYPE)
		put_heap_type(d);
	else
		pl_put(d, pl_word(d, f->type_base), PL_EDGE_BORROWED, PL_L_TEXT,
		       (uint64_t)(uintptr_t) ".__base__", false);
}
