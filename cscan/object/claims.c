/*
 * claims.c - blocks that look like an object but are a container's buffer.
 *
 * A list's items are pointers: [None, int] in a non-PIE program reads as a refcount of some
 * millions and the type `int`. Only such doubtful blocks are asked about, and only by containers
 * whose buffers are arrays of pointers; as a rule there are none and nothing is done.
 */
#include "object/listing.h"
#include "object/value.h"

struct claims {
	struct pl_objects *o;
	struct pl_addrset blocks; /* of the doubtful */
	struct pl_view v;
};

static pl_addr word(struct claims *c, pl_addr base, int32_t offset)
{
	uint64_t w = 0;

	if (pl_has(offset))
		pl_read64(&c->v, base + (uint64_t)(int64_t)offset, &w);
	return w;
}

static void claim(struct claims *c, pl_addr buffer)
{
	if (buffer && !(buffer & 7))
		pl_addrset_remove(&c->blocks, buffer);
}

static void ask(struct claims *c, pl_addr addr, const struct pl_type *t)
{
	const struct pl_fields *f = &c->o->l->f;

	switch (t->kind) {
	case PL_KIND_LIST:
		claim(c, word(c, addr, f->list_items));
		break;
	case PL_KIND_SET:
	case PL_KIND_FROZENSET:
		claim(c, word(c, addr, f->set_table));
		break;
	case PL_KIND_DICT:
		claim(c, word(c, addr, f->dict_keys));
		claim(c, word(c, addr, f->dict_values));
		claim(c, word(c, addr, f->dict_table));
		break;
	default:
		break;
	}
}

void pl_claims_settle(struct pl_objects *o)
{
	struct claims c = {.o = o};

	if (!o->priv->doubts.n)
		return;
	pl_view_init(&c.v, o->im);
	pl_addrset_init(&c.blocks);
	for (size_t i = 0; i < o->priv->doubts.n; i++)
		pl_addrset_add(&c.blocks, o->priv->doubts.at[i].block);
	for (size_t s = 0; s < o->n_segments; s++) {
		for (size_t i = 0; i < o->segments[s].n; i++) {
			size_t id = (size_t)o->segments[s].first + i;

			ask(&c, o->addr[id], pl_object_type(o, (pl_id)id));
		}
	}
	for (size_t i = 0; i < o->priv->doubts.n; i++) {
		const struct pl_doubt *d = &o->priv->doubts.at[i];

		if (!pl_addrset_has(&c.blocks, d->block)) {
			o->type[o->segments[d->area].first + d->index] = PL_TOMB;
			o->tally.stale++;
		}
	}
	pl_addrset_fini(&c.blocks);
}
