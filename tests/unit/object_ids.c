/* object_ids.c - see object_ids.h. */
#include "object_ids.h"

#include "base/mem.h"
#include "object/list/listing.h"

void object_ids_init(struct pl_objects *o, const pl_addr *objects, size_t n)
{
	struct pl_view v;

	pl_view_init(&v, o->im);
	o->priv = pl_calloc(1, sizeof(*o->priv));
	o->addr = pl_calloc(n + 1, sizeof(*o->addr));
	o->type = pl_calloc(n + 1, sizeof(*o->type));
	o->flags = pl_calloc(n + 1, sizeof(*o->flags));
	o->n = n;
	for (size_t i = 0; i < n; i++) {
		uint64_t type = 0;

		pl_read64(&v, objects[i] + (uint64_t)o->l->f.object_type, &type);
		o->addr[i] = objects[i];
		o->type[i] = (uint32_t)pl_types_find(o->types, &v, type);
		pl_addrset_add(&o->priv->ids, objects[i]);
	}
	pl_addrset_rank_build(&o->priv->ids);
	o->indexed = true;
}

void object_ids_fini(struct pl_objects *o)
{
	pl_addrset_fini(&o->priv->ids);
	pl_addrset_fini(&o->priv->dead);
	free(o->priv);
	free(o->addr);
	free(o->type);
	free(o->flags);
}

void object_ids_dead(struct pl_objects *o, pl_addr addr)
{
	pl_addrset_add(&o->priv->dead, addr);
}
