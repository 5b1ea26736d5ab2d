/*
 * ctypes.c - foreign data, functions and their types. Facts: Modules/_ctypes/ (ctypes.h, _ctypes.c,
 * stgdict.c).
 */
#include "object/decode/decode.h"

void pl_decode_cdata(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.cdata_base, "._b_base_", true);
	pl_put_member(d, d->l->f.cdata_objects, "._objects", true);
}

void pl_decode_cfuncptr(const struct pl_decode *d)
{
	pl_decode_cdata(d);
	pl_put_member(d, d->l->f.cfuncptr_thunk, "<thunk>", true);
	pl_put_member(d, d->l->f.cfuncptr_callable, "<callable>", true);
	pl_put_member(d, d->l->f.cfuncptr_converters, "<converters>", true);
	pl_put_member(d, d->l->f.cfuncptr_argtypes, ".argtypes", true);
	pl_put_member(d, d->l->f.cfuncptr_restype, ".restype", true);
	pl_put_member(d, d->l->f.cfuncptr_checker, "<checker>", true);
	pl_put_member(d, d->l->f.cfuncptr_errcheck, ".errcheck", true);
	pl_put_member(d, d->l->f.cfuncptr_paramflags, "<paramflags>", true);
}

void pl_decode_cfield(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.cfield_proto, ".type", true);
	pl_put_member(d, d->l->f.cfield_name, ".name", false);
}

void pl_decode_carg(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.carg_obj, "._obj", true);
}

void pl_decode_cthunk(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.cthunk_converters, "<converters>", true);
	pl_put_member(d, d->l->f.cthunk_callable, "<callable>", true);
	pl_put_member(d, d->l->f.cthunk_restype, "<restype>", true);
}

void pl_decode_dictremover(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.dictremover_key, "<key>", true);
	pl_put_member(d, d->l->f.dictremover_dict, "<dict>", true);
}

#define TYPE_DATA_ALIGN \
	16 /* PyObject_GetTypeData(): _Py_ALIGN_UP(basicsize, alignof(max_align_t)) */

/* Up to 3.12 what ctypes knows of a type is the type's dict, of a type of its own. */
void pl_decode_stgdict(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_dict(d);
	pl_put_member(d, f->stgdict_proto, "._type_", false);
	pl_put_member(d, f->stgdict_argtypes, "._argtypes_", false);
	pl_put_member(d, f->stgdict_converters, "<converters>", false);
	pl_put_member(d, f->stgdict_restype, "._restype_", false);
	pl_put_member(d, f->stgdict_checker, "<checker>", false);
}

/* What a pointer type points to is the dict's, but PyCPointerType_traverse() visits it. */
static void put_dict_proto(const struct pl_decode *d)
{
	uint64_t proto, type_addr, dict = pl_word(d, d->l->f.type_dict);
	int32_t type;

	if (!dict || !pl_read64(d->v, dict + (uint64_t)d->l->f.object_type, &type_addr))
		return;
	type = pl_types_find(d->o->types, d->v, type_addr);
	if (type >= 0 && pl_types_at(d->o->types, (uint32_t)type)->decoder == PL_DECODER_stgdict &&
	    pl_read64(d->v, dict + (uint64_t)d->l->f.stgdict_proto, &proto))
		pl_put(d, proto, PL_EDGE_BORROWED, PL_L_TEXT, (uint64_t)(uintptr_t) "._type_",
		       true);
}

/* From 3.13 on it lies behind the type. */
void pl_decode_ctype(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	int32_t at;

	pl_put_type(d);
	if (!pl_has(f->stginfo_proto))
		return;
	at = (f->heaptype_size + TYPE_DATA_ALIGN - 1) / TYPE_DATA_ALIGN * TYPE_DATA_ALIGN;
	pl_put_member(d, at + f->stginfo_proto, "._type_", true);
	pl_put_member(d, at + f->stginfo_argtypes, "._argtypes_", true);
	pl_put_member(d, at + f->stginfo_converters, "<converters>", true);
	pl_put_member(d, at + f->stginfo_restype, "._restype_", true);
	pl_put_member(d, at + f->stginfo_checker, "<checker>", true);
	if (pl_has(f->stginfo_pointer_type))
		pl_put_member(d, at + f->stginfo_pointer_type, "<pointer type>", true);
	pl_put_member(d, at + f->stginfo_module, "<module>", true);
}

void pl_decode_cpointertype(const struct pl_decode *d)
{
	pl_decode_ctype(d);
	if (pl_has(d->l->f.stgdict_proto))
		put_dict_proto(d);
}
