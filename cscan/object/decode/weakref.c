/*
 * weakref.c - weak references and proxies: Objects/weakrefobject.c. The referent is not owned; a
 * dead one is None, which is not owned either and says nothing.
 */
#include "object/decode/decode.h"

static bool is_none(const struct pl_decode *d, pl_addr addr)
{
	pl_id id = pl_objects_id(d->o, addr);

	return id != PL_NO_ID && pl_object_type(d->o, id)->kind == PL_KIND_NONE;
}

void pl_decode_weakref(const struct pl_decode *d)
{
	pl_addr referent = pl_word(d, d->l->f.weakref_object);

	if (!is_none(d, referent))
		pl_put(d, referent, PL_EDGE_WEAK, PL_L_TEXT, (uint64_t)(uintptr_t) "()", false);
	pl_put_member(d, d->l->f.weakref_callback, ".__callback__", true);
}
