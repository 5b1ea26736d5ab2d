/*
 * iterators.c - iterators of the builtins. Facts: Objects/iterobject.c, listobject.c,
 * tupleobject.c, dictobject.c, setobject.c, odictobject.c, enumobject.c, rangeobject.c, and
 * Python/bltinmodule.c.
 */
#include "object/decode/decode.h"

/*
 * Iterators of list, tuple, str, bytes, bytearray, memoryview and any sequence: each has a struct
 * of its own that begins with the index and the sequence, as the seqiterobject does.
 */
void pl_decode_seqiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.seqiter_seq, "<sequence>", true);
}

void pl_decode_reversed(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.reversed_seq, "<sequence>", true);
}

void pl_decode_dictiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.dictiter_dict, "<dict>", true);
	pl_put_member(d, d->l->f.dictiter_result, "<result>", true);
}

void pl_decode_odictiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.odictiter_odict, "<dict>", true);
	pl_put_member(d, d->l->f.odictiter_current, "<key>", true);
	pl_put_member(d, d->l->f.odictiter_result, "<result>", true);
}

void pl_decode_setiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.setiter_set, "<set>", true);
}

void pl_decode_calliter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.calliter_callable, "<callable>", true);
	pl_put_member(d, d->l->f.calliter_sentinel, "<sentinel>", true);
}

/* Of a range whose bounds do not fit a machine word. */
void pl_decode_longrangeiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.longrangeiter_index, "<index>", false);
	pl_put_member(d, d->l->f.longrangeiter_start, "<start>", false);
	pl_put_member(d, d->l->f.longrangeiter_step, "<step>", false);
	pl_put_member(d, d->l->f.longrangeiter_len, "<length>", false);
}

void pl_decode_enumerate(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.enum_iterator, "<iterator>", true);
	pl_put_member(d, d->l->f.enum_result, "<result>", true);
	pl_put_member(d, d->l->f.enum_longindex, "<index>", true);
	pl_put_member(d, d->l->f.enum_one, "<one>", false);
}

void pl_decode_zip(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.zip_iterators, "<iterators>", true);
	pl_put_member(d, d->l->f.zip_result, "<result>", true);
}

void pl_decode_map(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.map_iterators, "<iterators>", true);
	pl_put_member(d, d->l->f.map_function, "<function>", true);
}

void pl_decode_filter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.filter_iterator, "<iterator>", true);
	pl_put_member(d, d->l->f.filter_function, "<function>", true);
}
