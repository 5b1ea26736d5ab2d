/*
 * structseq.c - the items of a tuple, and those that a struct sequence (time.struct_time) has
 * beyond its visible length: Objects/structseq.c.
 */
#include "object/decode/decode.h"
#include "object/value/value.h"

#define MAX_FIELDS 1024 /* os.stat_result has 19 */

static uint64_t word(const struct pl_decode *d, pl_addr base, int32_t offset)
{
	uint64_t w = 0;

	pl_read64(d->v, base + (uint64_t)(int64_t)offset, &w);
	return w;
}

/* The nearest C type on the chain of bases when that is not tuple itself: a struct sequence. */
static pl_addr struct_sequence(const struct pl_decode *d)
{
	const struct pl_type *t = pl_c_base(d->o, d->v, d->type);

	return t && t->kind == PL_KIND_TUPLE && !t->exact ? t->addr : 0;
}

/*
 * Fields behind the visible ones; tp_members has a record for every field with a name, and the
 * hidden ones all have one. Whether the collector sees them changed with a tp_traverse of their
 * own: before that they inherited tuple's.
 */
static void put_hidden(const struct pl_decode *d, pl_addr type, uint64_t visible)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t first = (uint64_t)f->tuple_items + visible * 8;
	pl_addr member = word(d, type, f->type_members), base = word(d, type, f->type_base);
	bool own = word(d, type, f->type_traverse) != word(d, base, f->type_traverse);

	for (int i = 0; member && i < MAX_FIELDS; i++, member += (uint64_t)f->member_size) {
		uint64_t name = word(d, member, f->member_name);
		uint64_t offset = word(d, member, f->member_offset), target;

		if (!name)
			return;
		if (offset >= first && offset < first + 8 * MAX_FIELDS &&
		    pl_read64(d->v, d->addr + offset, &target))
			pl_put(d, target, PL_EDGE_STRONG, PL_L_MEMBER, name, own);
	}
}

void pl_decode_tuple(const struct pl_decode *d)
{
	pl_addr items, type;
	uint64_t n;

	if (!pl_tuple_items(d->l, d->v, d->addr, &items, &n))
		return;
	pl_put_items(d, items, n);
	type = d->type->exact ? 0 : struct_sequence(d);
	if (type)
		put_hidden(d, type, n);
}

/*
 * In 2.7 struct sequences are laid out like tuples but do not derive from them: their types are
 * known by name. In later versions the same names are tuples.
 */
void pl_decode_structseq(const struct pl_decode *d)
{
	uint64_t n = pl_word(d, d->l->f.var_size);

	if (d->type->kind == PL_KIND_TUPLE) {
		pl_decode_tuple(d);
	} else if (n <= MAX_FIELDS) {
		pl_put_items(d, d->addr + (uint64_t)d->l->f.tuple_items, n);
		put_hidden(d, d->type->addr, n);
	}
}
