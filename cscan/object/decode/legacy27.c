/*
 * legacy27.c - builtins that only Python 2 has: old-style classes and their instances, file,
 * buffer, unicode. Facts: Objects/classobject.c, fileobject.c, bufferobject.c, unicodeobject.c.
 */
#include "object/decode/decode.h"

void pl_decode_classobj(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->class27_bases, ".__bases__", true);
	pl_put(d, pl_word(d, f->class27_dict), PL_EDGE_STRONG, PL_L_DICT, 0, true);
	pl_put_member(d, f->class27_name, ".__name__", true);
	pl_put_member(d, f->class27_getattr, ".__getattr__", true);
	pl_put_member(d, f->class27_setattr, ".__setattr__", true);
	pl_put_member(d, f->class27_delattr, ".__delattr__", true);
}

void pl_decode_instance(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->instance27_class, ".__class__", true);
	pl_put(d, pl_word(d, f->instance27_dict), PL_EDGE_STRONG, PL_L_DICT, 0, true);
}

void pl_decode_file(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->file27_name, ".name", false);
	pl_put_member(d, f->file27_mode, ".mode", false);
	pl_put_member(d, f->file27_encoding, ".encoding", false);
	pl_put_member(d, f->file27_errors, ".errors", false);
}

void pl_decode_buffer(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.buffer27_base, "<base>", false);
}

/* The encoded text, once it was asked for. Python 3's str has no such field. */
void pl_decode_unicode(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.unicode27_defenc, "<encoded>", false);
}
