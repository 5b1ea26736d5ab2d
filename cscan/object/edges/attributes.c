/*
 * attributes.c - see attributes.h. Facts: Objects/typeobject.c, Objects/dictobject.c and
 * Objects/object_layout.md of each version.
 */
#include "object/edges/attributes.h"

#include "layout/facts.h"
#include "object/types/types.h"
#include "object/value/value.h"

#define MAX_SLOTS 4096  /* of one class */
#define MAX_INLINE 4096 /* attributes without a dict object; CPython stops at 30 */

/* The PyMemberDef records behind one class object: as many as its ob_size says. */
static bool own_slots(const struct pl_objects *o, struct pl_view *v, const struct pl_type *t,
		      pl_slot_fn *fn, void *arg)
{
	const struct pl_fields *f = &o->l->f;
	int32_t meta = pl_types_find(o->types, v, t->metatype);
	uint64_t n = pl_field_word(v, t->addr, f->var_size);
	pl_addr at;

	if (meta < 0 || n > MAX_SLOTS || !pl_has(f->member_size))
		return true;
	at = t->addr + (uint64_t)pl_types_at(o->types, (uint32_t)meta)->basicsize;
	for (uint64_t i = 0; i < n; i++, at += (uint64_t)f->member_size) {
		uint32_t type;

		if (!pl_read32(v, at + (uint64_t)f->member_type, &type))
			return true;
		if ((type == PL_MEMBER_OBJECT || type == PL_MEMBER_OBJECT_EX) &&
		    !fn(arg, pl_field_word(v, at, f->member_name),
			(int64_t)pl_field_word(v, at, f->member_offset)))
			return false;
	}
	return true;
}

void pl_type_slots(const struct pl_objects *o, struct pl_view *v, pl_addr type, pl_slot_fn *fn,
		   void *arg)
{
	for (int i = 0; i < PL_MAX_BASES && type; i++) {
		int32_t index = pl_types_find(o->types, v, type);
		const struct pl_type *t;

		if (index < 0)
			return;
		t = pl_types_at(o->types, (uint32_t)index);
		if (t->python_class && !own_slots(o, v, t, fn, arg))
			return;
		type = t->base;
	}
}

static bool put_slot(void *arg, pl_addr name, int64_t offset)
{
	const struct pl_decode *d = arg;
	uint64_t target;

	if (offset < 0 || offset > d->type->basicsize)
		return true;
	if (pl_read64(d->v, d->addr + (uint64_t)offset, &target))
		pl_put(d, target, PL_EDGE_STRONG, PL_L_MEMBER, name, true);
	return true;
}

void pl_put_slots(const struct pl_decode *d)
{
	if (d->type->slotted)
		pl_type_slots(d->o, d->v, d->type->addr, put_slot, (void *)d);
}

/* Values without a dict object: value i belongs to key i of the class's cached keys. */
static void put_values(const struct pl_decode *d, pl_addr values, enum pl_edge_kind kind)
{
	struct pl_dict_iter it;
	pl_addr key, value;

	if (!pl_values_begin(d->l, d->v, d->type->addr, values, &it))
		return;
	for (unsigned n = 0; n < MAX_INLINE && pl_dict_next(&it, &key, &value, NULL); n++)
		pl_put(d, value, kind, PL_L_ATTR, key, true);
}

/* Values that the instance's dict owns and the instance visits: 3.13.0 to 3.13.3. */
static bool visits_values(const struct pl_decode *d, pl_addr *values)
{
	return d->l->visits_inline_values && d->type->flags & d->l->flag_inline_values &&
	       pl_inline_values(d->l, d->v, d->addr, d->type->addr, values) && *values;
}

/* A dict that a C type gives its instances is its own tp_traverse's to visit. */
static bool visits_dict(const struct pl_decode *d)
{
	return !d->native || d->native->dictoffset <= 0 ||
	       pl_visits_field(d->visits, d->native->dictoffset) != PL_VISIT_NO;
}

void pl_put_attributes(const struct pl_decode *d)
{
	pl_addr dict = 0, values = 0;

	if (!d->type->dictoffset && !(d->type->flags & d->l->flag_managed_dict))
		return;
	if (!pl_instance_dict(d->l, d->v, d->addr, d->type->addr, &dict, &values))
		return;
	if (dict && visits_values(d, &values)) {
		pl_put(d, dict, PL_EDGE_STRONG, PL_L_DICT, 0, false);
		put_values(d, values, PL_EDGE_BORROWED);
	} else if (dict) {
		pl_put(d, dict, PL_EDGE_STRONG, PL_L_DICT, 0, visits_dict(d));
	} else if (values) {
		put_values(d, values, PL_EDGE_STRONG);
	}
}
