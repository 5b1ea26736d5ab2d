/*
 * objects.c - the object table: its columns and sums, ids, and what one object says of itself. How
 * it is filled is list/'s.
 */
#include "object/objects.h"

#include "object/list/listing.h"
#include "object/value/sizeof.h"

int pl_columns_alloc(struct pl_objects *o, uint64_t cap, struct pl_err *err)
{
	o->addr = NULL;
	o->type = NULL;
	o->size = NULL;
	o->flags = NULL;
	if (cap >= PL_NO_ID)
		return pl_err_set(err, PL_E_NOMEM, "the core claims more than 4 billion objects");
	o->cap = (size_t)cap;
	o->addr = pl_col_alloc(o->cap + 1, sizeof(*o->addr));
	o->type = pl_col_alloc(o->cap + 1, sizeof(*o->type));
	o->size = pl_col_alloc(o->cap + 1, sizeof(*o->size));
	o->flags = pl_col_alloc(o->cap + 1, sizeof(*o->flags));
	if (!o->addr || !o->type || !o->size || !o->flags)
		return pl_err_set(err, PL_E_NOMEM, "no memory for a table of %zu objects", o->cap);
	return 0;
}

void pl_columns_free(struct pl_objects *o)
{
	pl_col_free(o->addr, o->cap + 1, sizeof(*o->addr));
	pl_col_free(o->type, o->cap + 1, sizeof(*o->type));
	pl_col_free(o->size, o->cap + 1, sizeof(*o->size));
	pl_col_free(o->flags, o->cap + 1, sizeof(*o->flags));
}

void pl_columns_put(struct pl_objects *o, size_t id, const struct pl_found *f, uint8_t flags)
{
	o->addr[id] = f->addr;
	o->type[id] = f->type;
	o->size[id] = f->size < UINT32_MAX ? (uint32_t)f->size : UINT32_MAX;
	o->flags[id] = (uint8_t)(flags | (f->size < UINT32_MAX ? 0 : PL_OBJ_HUGE));
}

void pl_sum_add(struct pl_type_sums *sums, uint8_t flags, uint64_t size)
{
	unsigned list = flags & PL_OBJ_PERMANENT ? 3
			: flags & PL_OBJ_TRACKED
				? (unsigned)(flags & PL_OBJ_GEN_MASK) >> PL_OBJ_GEN_SHIFT
				: PL_ON_NO_LIST;

	sums->count[list]++;
	sums->size[list] += size;
	sums->finalized += (flags & PL_OBJ_FINALIZED) != 0;
}

pl_id pl_objects_id(const struct pl_objects *o, pl_addr addr)
{
	uint64_t rank = pl_addrset_rank(&o->priv->ids, addr);

	return rank == UINT64_MAX ? PL_NO_ID : (pl_id)rank;
}

uint64_t pl_object_size(const struct pl_objects *o, struct pl_view *v, pl_id id)
{
	const struct pl_type *t;
	const uint8_t *obj;
	uint64_t least;

	if (!(o->flags[id] & PL_OBJ_HUGE))
		return o->size[id];
	t = pl_object_type(o, id);
	least = (uint64_t)PL_MAX(t->basicsize, o->l->f.object_size);
	obj = pl_at(v, o->addr[id], least);
	return obj ? pl_sizeof(o->l, v, t, o->addr[id], obj, least) : UINT32_MAX;
}

bool pl_object_refcount(const struct pl_objects *o, struct pl_view *v, pl_addr addr, uint64_t *ret,
			bool *immortal)
{
	uint64_t word;

	if (!pl_read64(v, addr + (uint64_t)o->l->f.object_refcnt, &word))
		return false;
	*immortal = false;
	switch (o->l->refcount_style) {
	case PL_REF_IMMORTAL_SIGN:
		*immortal = word >> 31 & 1;
		break;
	case PL_REF_IMMORTAL_U32:
		word &= UINT32_MAX;
		*immortal = word >> 31 & 1;
		break;
	case PL_REF_STATIC_BIG:
		/* _PyObject_IMMORTAL_REFCNT in Include/internal/pycore_object.h; a few steps less
		 * is it too. */
		*immortal = word >= 999999999 / 2;
		break;
	case PL_REF_PLAIN:
	case PL_REF_BIASED:
		break;
	}
	*ret = word;
	return true;
}

bool pl_object_on_freelist(const struct pl_objects *o, pl_addr addr)
{
	return pl_addrset_has(&o->priv->dead, addr);
}

bool pl_objects_interned(const struct pl_objects *o, pl_addr dict)
{
	for (size_t i = 0; i < o->n_interned; i++) {
		if (o->interned[i] == dict)
			return true;
	}
	return false;
}
