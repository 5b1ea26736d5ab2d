/*
 * pickle.c - picklers, unpicklers and their memos. Facts: Modules/_pickle.c, in 2.7
 * Modules/cPickle.c.
 */
#include "object/decode/decode.h"

#define MEMO_ENTRY 16 /* PyMemoEntry: me_key, me_value */

/* An open table from objects to numbers; the objects are kept alive by it. */
static void put_memo(const struct pl_decode *d, pl_addr memo)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t n, table;
	const uint8_t *p;

	if (!memo || !pl_has(f->memotable_table) ||
	    !pl_read64(d->v, memo + (uint64_t)f->memotable_allocated, &n) ||
	    !pl_read64(d->v, memo + (uint64_t)f->memotable_table, &table) ||
	    n > pl_image_info(d->v->im)->file_size / MEMO_ENTRY ||
	    !(p = pl_at(d->v, table, n * MEMO_ENTRY)))
		return;
	for (; n--; p += MEMO_ENTRY)
		pl_put(d, pl_ld64(p), PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<memo>",
		       d->l->pickle_visits_memo);
}

void pl_decode_pickler(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->pickler_write, "<write>", true);
	pl_put_member(d, f->pickler_pers_func, ".persistent_id", true);
	pl_put_member(d, f->pickler_pers_attr, "<persistent_id>", true);
	pl_put_member(d, f->pickler_dispatch, ".dispatch_table", true);
	pl_put_member(d, f->pickler_fast_memo, "<fast memo>", true);
	pl_put_member(d, f->pickler_reducer, ".reducer_override", true);
	pl_put_member(d, f->pickler_buffer_callback, "<buffer callback>", true);
	pl_put_member(d, f->pickler_output, "<output>", false);
	put_memo(d, pl_word(d, f->pickler_memo));
}

void pl_decode_unpickler(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t n = pl_word(d, f->unpickler_memo_size);
	pl_addr memo = pl_word(d, f->unpickler_memo);
	const uint8_t *p = NULL;

	pl_put_member(d, f->unpickler_stack, "<stack>", true);
	pl_put_member(d, f->unpickler_pers_func, ".persistent_load", true);
	pl_put_member(d, f->unpickler_pers_attr, "<persistent_load>", true);
	pl_put_member(d, f->unpickler_buffer, "<buffer>", false);
	pl_put_member(d, f->unpickler_read, "<read>", true);
	pl_put_member(d, f->unpickler_readline, "<readline>", true);
	pl_put_member(d, f->unpickler_readinto, "<readinto>", true);
	pl_put_member(d, f->unpickler_peek, "<peek>", true);
	pl_put_member(d, f->unpickler_buffers, "<buffers>", true);
	if (memo && n <= pl_image_info(d->v->im)->file_size / 8)
		p = pl_at(d->v, memo, 8 * n);
	for (uint64_t i = 0; p && i < n; i++)
		pl_put(d, pl_ld64(p + 8 * i), PL_EDGE_STRONG, PL_L_TEXT,
		       (uint64_t)(uintptr_t) "<memo>", d->l->pickle_visits_memo);
}

/* 2.7's are objects of other structs, whose memos are dicts. */
void pl_decode_pickler27(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->pickler27_write, "<write>", true);
	pl_put_member(d, f->pickler27_file, "<file>", true);
	pl_put_member(d, f->pickler27_memo, ".memo", true);
	pl_put_member(d, f->pickler27_arg, "<argument>", true);
	pl_put_member(d, f->pickler27_pers_func, ".persistent_id", true);
	pl_put_member(d, f->pickler27_inst_pers_func, ".inst_persistent_id", true);
	pl_put_member(d, f->pickler27_dispatch, "<dispatch table>", true);
	pl_put_member(d, f->pickler27_fast_memo, "<fast memo>", true);
}

void pl_decode_unpickler27(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->unpickler27_file, "<file>", true);
	pl_put_member(d, f->unpickler27_readline, "<readline>", true);
	pl_put_member(d, f->unpickler27_read, "<read>", true);
	pl_put_member(d, f->unpickler27_memo, ".memo", true);
	pl_put_member(d, f->unpickler27_arg, "<argument>", true);
	pl_put_member(d, f->unpickler27_stack, "<stack>", true);
	pl_put_member(d, f->unpickler27_pers_func, ".persistent_load", true);
	pl_put_member(d, f->unpickler27_last_string, "<last string>", true);
	pl_put_member(d, f->unpickler27_find_class, ".find_global", true);
}

/* The unpickler's stack; 2.7's is no object of variable size. */
void pl_decode_pdata(const struct pl_decode *d)
{
	bool old = pl_has(d->l->f.pdata_length);
	uint64_t n = pl_word(d, old ? d->l->f.pdata_length : d->l->f.var_size);
	const uint8_t *p;

	if (n > pl_image_info(d->v->im)->file_size / 8 ||
	    !(p = pl_at(d->v, pl_word(d, d->l->f.pdata_data), 8 * n)))
		return;
	for (uint64_t i = 0; i < n; i++)
		pl_put(d, pl_ld64(p + 8 * i), PL_EDGE_STRONG, PL_L_STACK, i, false);
}

void pl_decode_picklermemo(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.picklermemo_pickler, "<pickler>", true);
}

void pl_decode_unpicklermemo(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.unpicklermemo_unpickler, "<unpickler>", true);
}
