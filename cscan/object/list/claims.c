/*
 * claims.c - blocks that look like an object but are a container's buffer.
 *
 * A list's items are pointers: [None, int] in a non-PIE program reads as a refcount of some
 * millions and the type `int`. Only such doubtful blocks are asked about, and only containers whose
 * buffers are arrays of pointers can claim them, and modules, whose C state often begins with a few
 * types, and types of ctypes, whose format is a string of a few characters; as a rule there are
 * none and nothing is done.
 */
#include "object/list/listing.h"

struct claims {
	struct pl_objects *o;
	struct pl_addrset blocks; /* of the doubtful, which are their objects' addresses: they have
				     no gc head */
	struct pl_addrset *claimed; /* one per worker */
	struct pl_view *v;          /* one per worker */
};

static void claim(struct claims *c, unsigned worker, pl_addr object, int32_t offset)
{
	uint64_t buffer;

	if (pl_has(offset) &&
	    pl_read64(&c->v[worker], object + (uint64_t)(int64_t)offset, &buffer) &&
	    pl_addrset_has(&c->blocks, buffer))
		pl_addrset_add(&c->claimed[worker], buffer);
}

static void ask(void *arg, unsigned worker, size_t area, const struct pl_found *found, size_t n)
{
	struct claims *c = arg;
	const struct pl_fields *f = &c->o->l->f;

	(void)area;
	for (size_t i = 0; i < n; i++) {
		pl_addr addr = found[i].addr;

		switch (pl_types_at(c->o->types, found[i].type)->kind) {
		case PL_KIND_LIST:
			claim(c, worker, addr, f->list_items);
			break;
		case PL_KIND_SET:
		case PL_KIND_FROZENSET:
			claim(c, worker, addr, f->set_table);
			break;
		case PL_KIND_STGDICT: /* ctypes up to 3.12 */
			claim(c, worker, addr, f->stgdict_format);
			break;
		case PL_KIND_CTYPE_TYPE: /* 3.13 on: behind the type, Modules/_ctypes/ctypes.h */
			if (pl_has(f->stginfo_format))
				claim(c, worker, addr,
				      (int32_t)pl_round_up((uint64_t)f->heaptype_size, 16) +
					      f->stginfo_format);
			break;
		case PL_KIND_DICT:
			claim(c, worker, addr, f->dict_keys);
			claim(c, worker, addr, f->dict_values);
			claim(c, worker, addr, f->dict_table);
			break;
		case PL_KIND_MODULE:
			claim(c, worker, addr, f->module_state);
			break;
		default:
			break;
		}
	}
}

int pl_claims(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(ctx);
	struct pl_objects_private *p = o->priv;
	struct claims c = {.o = o};
	struct pl_scan_tally tally;
	int rc;

	c.claimed = pl_calloc(n, sizeof(*c.claimed));
	c.v = pl_calloc(n, sizeof(*c.v));
	for (unsigned i = 0; i < n; i++)
		pl_view_init(&c.v[i], o->im);
	for (size_t i = 0; i < p->doubts.n; i++)
		pl_addrset_add(&c.blocks, p->doubts.at[i]);
	rc = pl_scan(o, ask, &c, ctx, &tally, err);
	for (size_t i = 0; i < p->doubts.n; i++) {
		bool claimed = false;

		for (unsigned w = 0; w < n; w++)
			claimed |= pl_addrset_has(&c.claimed[w], p->doubts.at[i]);
		if (!claimed)
			pl_addrset_add(&p->real, p->doubts.at[i]);
	}
	p->claims_known = true;
	for (unsigned i = 0; i < n; i++)
		pl_addrset_fini(&c.claimed[i]);
	pl_addrset_fini(&c.blocks);
	free(c.claimed);
	free(c.v);
	return rc;
}
