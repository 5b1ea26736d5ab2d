/*
 * sizeof_ask.h - what the sizers of sizeof.c and sizeof_ext.c share; private to object/.
 *
 * A sizer computes what a type's __sizeof__ returns, without the gc head. It answers false when the
 * core does not let it: then the generic rule stands in.
 */
#ifndef PL_SIZEOF_ASK_H
#define PL_SIZEOF_ASK_H

#include "object/objects.h"
#include "object/value/value.h"

struct pl_size_ask {
	const struct pl_layout *l;
	struct pl_view *v;
	const struct pl_type *t;
	pl_addr addr;
	const uint8_t *obj;
	uint64_t avail; /* bytes of obj that are the fixed part: the type's own word for it, at most
			 */
};
typedef bool pl_sizer(const struct pl_size_ask *a, uint64_t *ret);

/* A word of the object's fixed part; false when this version or this type does not have it. */
static inline bool pl_size_word(const struct pl_size_ask *a, int32_t offset, uint64_t *ret)
{
	if (offset < 0 || (uint64_t)offset + 8 > a->avail)
		return false;
	*ret = pl_ld64(a->obj + offset);
	return true;
}

/* *size grows by n items of width bytes (below 2^16); false when no process has so much. */
static inline bool pl_size_grow(uint64_t *size, uint64_t n, uint64_t width)
{
	if (n >> 46)
		return false;
	*size += n * width;
	return true;
}

/* PyTuple_GET_SIZE of the tuple at addr. */
static inline bool pl_size_tuple(const struct pl_size_ask *a, pl_addr addr, uint64_t *ret)
{
	return pl_read64(a->v, addr + (uint64_t)a->l->f.var_size, ret);
}

/* _PyDict_SizeOf() (Objects/dictobject.c), for dict and the types that build on it. */
pl_sizer pl_size_dict;
/* _PyDict_KeysSize(): header, index table, entries; in bytes. */
uint64_t pl_size_keys(const struct pl_layout *l, const struct pl_dict_keys *k);
/* The sizer of a kind of a stdlib extension type in this version, or NULL. */
pl_sizer *pl_size_extension(const struct pl_layout *l, unsigned kind);

#endif
