/*
 * native.c - instances of C types that no decoder knows.
 *
 * What is known of them is what the type says: its member descriptors, which name objects that the
 * instance owns, and its size. Every other aligned word of the instance that is the address of a
 * live object is taken for a reference, and so is every such word in the malloc'd blocks that these
 * words point to, one level deep. A number that happens to be an address is the price: the edge is
 * marked native, unless the type's tp_traverse is seen to visit that very word.
 */
#include "layout/facts.h"
#include "object/decode/decode.h"

#define MAX_MEMBERS 256 /* of one type */
#define MAX_WORDS 4096  /* of an instance */

struct scan {
	const struct pl_decode *d;
	uint8_t named[MAX_WORDS /
		      8]; /* words that a member descriptor names, or that are no reference */
};

static void take(struct scan *s, int64_t offset)
{
	if (offset >= 0 && offset / 8 < MAX_WORDS)
		s->named[offset / 64] |= (uint8_t)(1 << offset / 8 % 8);
}

static bool taken(const struct scan *s, uint64_t offset)
{
	return s->named[offset / 64] >> offset / 8 % 8 & 1;
}

/* The PyMemberDef records of one C type, ended by one without a name. */
static void put_members(struct scan *s, pl_addr type)
{
	const struct pl_decode *d = s->d;
	const struct pl_fields *f = &d->l->f;
	uint64_t at, name, offset;
	uint32_t kind;

	if (!pl_has(f->member_size) || !pl_read64(d->v, type + (uint64_t)f->type_members, &at) ||
	    !at)
		return;
	for (unsigned i = 0; i < MAX_MEMBERS; i++, at += (uint64_t)f->member_size) {
		if (!pl_read64(d->v, at + (uint64_t)f->member_name, &name) || !name ||
		    !pl_read32(d->v, at + (uint64_t)f->member_type, &kind) ||
		    !pl_read64(d->v, at + (uint64_t)f->member_offset, &offset))
			return;
		if ((kind != PL_MEMBER_OBJECT && kind != PL_MEMBER_OBJECT_EX) || offset & 7 ||
		    offset < (uint64_t)f->object_size || offset > d->room - 8 || taken(s, offset))
			continue;
		take(s, (int64_t)offset);
		pl_put(d, pl_ld64(d->obj + offset), PL_EDGE_STRONG, PL_L_MEMBER, name,
		       pl_visits_field(d->visits, (int64_t)offset) != PL_VISIT_NO);
	}
}

/*
 * The nearest type on the chain of bases that no class statement made: subtype_traverse() calls its
 * tp_traverse. A class statement's instance that is no larger than what it gives by itself, slots
 * aside, has object there.
 */
const struct pl_type *pl_native_type(const struct pl_decode *d)
{
	const struct pl_type *t = d->type;

	if (t->decoder != PL_DECODER_native && t->decoder != PL_DECODER_nothing)
		return NULL;
	if (t->python_class && t->basicsize <= d->l->f.object_size + 8 * ((t->dictoffset > 0) +
									  (t->weaklistoffset > 0)))
		return NULL;
	t = pl_c_base(d->o, d->v, t);
	return t && t->basicsize > d->l->f.object_size ? t : NULL;
}

/* The nearest row is object's own, for C types that no row knows as for class statements'. */
void pl_decode_nothing(const struct pl_decode *d)
{
	pl_decode_native(d);
}

void pl_decode_native(const struct pl_decode *d)
{
	struct pl_raw raw = {.visits = d->visits, .blocks = PL_RAW_BLOCKS};
	const struct pl_type *t = d->native;
	struct scan s = {.d = d};
	uint64_t end;

	if (!t)
		return;
	take(&s, d->type->dictoffset);
	take(&s, d->type->weaklistoffset);
	end = PL_MIN(PL_MIN((uint64_t)t->basicsize, d->room), MAX_WORDS * 8);
	for (int i = 0; i < PL_MAX_BASES && t; i++) {
		int32_t base;

		put_members(&s, t->addr);
		base = t->base ? pl_types_find(d->o->types, d->v, t->base) : -1;
		t = base < 0 ? NULL : pl_types_at(d->o->types, (uint32_t)base);
	}
	for (uint64_t at = (uint64_t)d->l->f.object_size; at + 8 <= end; at += 8) {
		if (!taken(&s, at))
			pl_put_raw_word(d, &raw, pl_ld64(d->obj + at), at);
	}
}
