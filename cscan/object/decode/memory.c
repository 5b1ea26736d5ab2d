/*
 * memory.c - objects that lend out memory: memoryview and the buffer behind it, bytearray,
 * PickleBuffer. Facts: Objects/memoryobject.c, bytearrayobject.c, picklebufobject.c.
 */
#include "object/decode/decode.h"

/*
 * From 3.3 on a memoryview owns a managed buffer, and its own copy of the exporter's address is not
 * counted; in 2.7 it owns both its base and the exporter.
 */
void pl_decode_memoryview(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	bool old = pl_has(f->memory_base27);

	pl_put_member(d, f->memory_base27, "<base>", true);
	pl_put_member(d, f->memory_buffer, "<buffer>", true);
	pl_put(d, pl_word(d, f->memory_obj), old ? PL_EDGE_STRONG : PL_EDGE_BORROWED, PL_L_TEXT,
	       (uint64_t)(uintptr_t) ".obj", old);
}

void pl_decode_managedbuffer(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.managedbuffer_obj, ".obj", true);
}

void pl_decode_picklebuffer(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.picklebuffer_obj, ".raw().obj", true);
}

/* From 3.15 on its bytes are a bytes object's. */
void pl_decode_bytearray(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.bytearray_object, "<bytes>", false);
}
