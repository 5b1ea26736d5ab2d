/*
 * code.c - code objects (Include/cpython/code.h, Objects/codeobject.c). The collector knows nothing
 * of what they hold: none of it is traversed in builds with a GIL.
 */
#include "object/decode/decode.h"

enum { MAX_EXECUTORS = 256 }; /* MAX_EXECUTORS_SIZE in Python/optimizer.c */

static pl_addr word(const struct pl_decode *d, pl_addr base, int32_t offset)
{
	uint64_t w = 0;

	if (base && pl_has(offset))
		pl_read64(d->v, base + (uint64_t)(int64_t)offset, &w);
	return w;
}

static void put(const struct pl_decode *d, pl_addr target, const char *label)
{
	pl_put(d, target, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t)label, false);
}

/* What co_code and the like gave when they were asked for; a block of its own from 3.12 on. */
static void put_cached(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr cached = pl_word(d, f->code_cached);

	pl_put_member(d, f->code_cached_code, ".co_code", false);
	put(d, word(d, cached, f->cocached_code), ".co_code");
	put(d, word(d, cached, f->cocached_varnames), ".co_varnames");
	put(d, word(d, cached, f->cocached_cellvars), ".co_cellvars");
	put(d, word(d, cached, f->cocached_freevars), ".co_freevars");
}

/* Traces that the optimizer made of the code's loops (3.13 on). */
static void put_executors(const struct pl_decode *d)
{
	pl_addr array = pl_word(d, d->l->f.code_executors);
	uint32_t n = 0;

	if (!array || !pl_has(d->l->f.executors_size) || !pl_has(d->l->f.executors_items) ||
	    !pl_read32(d->v, array + (uint64_t)d->l->f.executors_size, &n) || n > MAX_EXECUTORS)
		return;
	for (uint32_t i = 0; i < n; i++)
		put(d, word(d, array + 8 * (uint64_t)i, d->l->f.executors_items), "<executor>");
}

void pl_decode_code(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	bool in_place =
		d->l->line_style == PL_LINES_LOCATION; /* the instructions: no bytes object */
	bool lnotab =
		d->l->line_style == PL_LINES_LNOTAB27 || d->l->line_style == PL_LINES_LNOTAB36;

	pl_put_member(d, in_place ? PL_NONE : f->code_code, ".co_code", false);
	pl_put_member(d, f->code_consts, ".co_consts", false);
	pl_put_member(d, f->code_names, ".co_names", false);
	pl_put_member(d, f->code_varnames, ".co_varnames", false);
	pl_put_member(d, f->code_freevars, ".co_freevars", false);
	pl_put_member(d, f->code_cellvars, ".co_cellvars", false);
	pl_put_member(d, f->code_localsplusnames, "<names of locals>", false);
	pl_put_member(d, f->code_localspluskinds, "<kinds of locals>", false);
	pl_put_member(d, f->code_filename, ".co_filename", false);
	pl_put_member(d, f->code_name, ".co_name", false);
	pl_put_member(d, f->code_qualname, ".co_qualname", false);
	pl_put_member(d, f->code_linetable, lnotab ? ".co_lnotab" : ".co_linetable", false);
	pl_put_member(d, f->code_exceptiontable, ".co_exceptiontable", false);
	put_cached(d);
	put_executors(d);
}
