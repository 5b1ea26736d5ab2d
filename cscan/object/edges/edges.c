/*
 * edges.c - the references that every object may hold whatever its builtin base, and the way to the
 * decoder of that base.
 */
#include "object/edges/edges.h"

#include "object/edges/attributes.h"
#include "object/decode/decode.h"
#include "object/value/value.h"

static pl_decoder *const decoders[] = {
#define PL_DECODER(name, types) pl_decode_##name,
#include "object/decoders.def"
#undef PL_DECODER
};

void pl_decode_leaf(const struct pl_decode *d)
{
	(void)d;
}

/* Heap types whose tp_traverse does not visit the class: those that bpo-40217 left out, and those
 * that were written since as if it had not been. */
static bool forgets_class(const struct pl_layout *l, uint8_t decoder)
{
	switch (decoder) {
	case PL_DECODER_paramspecattr: /* Objects/typevarobject.c */
	case PL_DECODER_constevaluator:
	case PL_DECODER_mbencoder: /* Modules/cjkcodecs/multibytecodec.c */
	case PL_DECODER_mbdecoder:
	case PL_DECODER_mbreader:
	case PL_DECODER_mbwriter:
		return true;
	case PL_DECODER_zstdcompressor: /* Modules/_zstd/ */
	case PL_DECODER_zstddecompressor:
	case PL_DECODER_zstddict:
	case PL_DECODER_segment: /* Modules/unicodedata.c */
	case PL_DECODER_graphemes:
		return !l->late_visit_type;
	default:
		return false;
	}
}

/*
 * Of a C type that no decoder knows the code tells. With bpo-40217 subtype_traverse() leaves the
 * class to the tp_traverse of a base that is a heap type, too.
 */
static bool native_visits_class(const struct pl_decode *d)
{
	enum pl_visit visit;

	if (d->type->python_class &&
	    !(d->l->traverse_type && d->native->is_heap && d->native->traverse))
		return true;
	visit = pl_visits_field(d->visits, d->l->f.object_type);
	return visit == PL_VISIT_YES || (visit == PL_VISIT_MAYBE && d->l->traverse_type);
}

/*
 * subtype_traverse() has always visited the class of its instances; since C types do so too
 * (bpo-40217), it leaves that to the nearest C type on the chain of bases when that is a heap type.
 */
static bool visits_class(const struct pl_decode *d)
{
	const struct pl_type *base;

	if (d->native)
		return native_visits_class(d);
	if (!d->l->traverse_type)
		return d->type->python_class;
	if (!forgets_class(d->l, d->type->decoder))
		return true;
	base = pl_c_base(d->o, d->v, d->type);
	return !base || !base->is_heap;
}

static bool edges(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		  const struct pl_type *type, uint64_t *left, pl_edge_fn *fn, void *arg)
{
	struct pl_decode d = {.o = o,
			      .l = o->l,
			      .v = v,
			      .type = type,
			      .addr = addr,
			      .left = left,
			      .fn = fn,
			      .arg = arg};
	bool gc;

	if (type->holds_nothing)
		return true;
	d.room = (uint64_t)PL_MAX(d.type->basicsize, o->l->f.object_size);
	/* A static type object is shorter than its metatype's instances say. */
	if (d.type->is_type && !pl_at(v, addr, d.room))
		d.room = (uint64_t)o->l->f.type_struct_size;
	d.obj = pl_at(v, addr, d.room);
	if (!d.obj)
		return false;
	/* Static types have no gc head, though their metatype says so: type_is_gc() in
	 * typeobject.c. */
	d.gc = d.type->is_gc &&
	       (!d.type->is_type || pl_word(&d, o->l->f.type_flags) & PL_TPFLAG_HEAPTYPE);
	d.native = pl_native_type(&d);
	if (d.native)
		d.visits = pl_type_visits(o->types, v, d.native);
	if (d.type->is_heap)
		pl_put(&d, type->addr, PL_EDGE_STRONG, PL_L_TEXT,
		       (uint64_t)(uintptr_t) ".__class__", visits_class(&d));
	/* What a class inherits from a C type without tp_traverse nobody visits. */
	gc = d.gc;
	d.gc = gc && d.type->base_traverses;
	decoders[d.type->decoder](&d);
	d.gc = gc;
	pl_put_slots(&d);
	pl_put_attributes(&d);
	return true;
}

bool pl_edges(const struct pl_objects *o, struct pl_view *v, pl_addr addr, pl_edge_fn *fn,
	      void *arg)
{
	uint64_t type_addr;
	int32_t type;

	if (!pl_read64(v, addr + (uint64_t)o->l->f.object_type, &type_addr))
		return false;
	type = pl_types_find(o->types, v, type_addr);
	return type >= 0 && edges(o, v, addr, pl_types_at(o->types, (uint32_t)type), NULL, fn, arg);
}

bool pl_edges_of(const struct pl_objects *o, struct pl_view *v, pl_id id, pl_edge_fn *fn, void *arg)
{
	return edges(o, v, o->addr[id], pl_object_type(o, id), NULL, fn, arg);
}

bool pl_edges_within(const struct pl_objects *o, struct pl_view *v, pl_id id,
		     struct pl_edges_left *left, pl_edge_fn *fn, void *arg)
{
	return left->n && edges(o, v, o->addr[id], pl_object_type(o, id), &left->n, fn, arg);
}

#define EDGES_A_WORD 4 /* twice what honest memory can give */
#define EDGES_OF_FILES \
	(1 << 24) /* of static objects, whose words the core may leave to the files */

uint64_t pl_edges_most(const struct pl_objects *o)
{
	return pl_image_info(o->im)->file_size / 8 * EDGES_A_WORD + EDGES_OF_FILES;
}

struct pl_edges_left pl_edges_begin(const struct pl_objects *o)
{
	return (struct pl_edges_left){.n = pl_edges_most(o) + 1};
}

bool pl_edges_over(const struct pl_objects *o, const struct pl_edges_left *left, uint64_t *used)
{
	*used += pl_edges_most(o) + 1 - left->n;
	return *used > pl_edges_most(o);
}
