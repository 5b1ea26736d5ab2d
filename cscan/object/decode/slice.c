/*
 * slice.c - small builtins that hold a few objects: slice, range, super, mappingproxy, views of a
 * dict. Facts: Objects/sliceobject.c, rangeobject.c, typeobject.c, descrobject.c, dictobject.c.
 */
#include "object/decode/decode.h"

void pl_decode_slice(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.slice_start, ".start", true);
	pl_put_member(d, d->l->f.slice_stop, ".stop", true);
	pl_put_member(d, d->l->f.slice_step, ".step", true);
}

void pl_decode_range(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.range_start, ".start", false);
	pl_put_member(d, d->l->f.range_stop, ".stop", false);
	pl_put_member(d, d->l->f.range_step, ".step", false);
	pl_put_member(d, d->l->f.range_length, "<length>", false);
}

void pl_decode_super(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.super_type, ".__thisclass__", true);
	pl_put_member(d, d->l->f.super_obj, ".__self__", true);
	pl_put_member(d, d->l->f.super_obj_type, ".__self_class__", true);
}

void pl_decode_mappingproxy(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.mappingproxy_mapping, "<mapping>", true);
	pl_put_member(d, d->l->f.dictproxy27_dict, "<mapping>", true);
}

void pl_decode_dictview(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.dictview_dict, ".mapping", true);
}
