/*
 * debug_offsets.c - what the core itself says: _Py_DebugOffsets, the head of _PyRuntime since 3.13.
 *
 * Knows where each word of that table is in 3.13, 3.14 and 3.15
 * (Include/internal/pycore_debug_offsets.h of each). The words are constants of the interpreter's
 * initialised data: right even in a process that died while it started.
 */
#include "layout/internal.h"

enum { AT_COOKIE = 0, AT_VERSION = 8, AT_FREE_THREADED = 16 };
#define LARGEST (1u << 24) /* no CPython struct is that big: a larger word is damage */

/* Word of the table at each minor (0 = not there), and bytes of the member where it is not 8. */
struct row {
	uint16_t field;
	uint16_t at[3]; /* 3.13, 3.14, 3.15 */
	uint8_t width;
};

static const struct row rows[] = {
	{PL_F_runtime_interpreters_head, {40, 40, 40}, 8},
	{PL_F_interp_size, {48, 48, 48}, 0},
	{PL_F_interp_id, {56, 56, 56}, 8},
	{PL_F_interp_next, {64, 64, 64}, 8},
	{PL_F_interp_threads_head, {72, 72, 72}, 8},
	{PL_F_interp_threads_main, {0, 80, 80}, 8},
	{PL_F_interp_gc, {80, 88, 88}, 0},
	{PL_F_interp_modules, {88, 96, 96}, 8},
	{PL_F_interp_sysdict, {96, 104, 104}, 8},
	{PL_F_interp_builtins, {104, 112, 112}, 8},
	{PL_F_interp_ceval_gil, {112, 120, 120}, 8},
	{PL_F_thread_size, {152, 176, 176}, 0},
	{PL_F_thread_next, {168, 192, 192}, 8},
	{PL_F_thread_interp, {176, 200, 200}, 8},
	{PL_F_thread_frame, {184, 208, 208}, 8},
	{PL_F_thread_id, {192, 216, 240}, 8},
	{PL_F_thread_native_id, {200, 224, 248}, 8},
	{PL_F_thread_datastack_chunk, {208, 232, 256}, 8},
	{PL_F_thread_current_exception, {0, 0, 288}, 8},
	{PL_F_thread_exc_state, {0, 0, 296}, 0},
	{PL_F_excinfo_value, {0, 0, 304}, 8},
	{PL_F_iframe_size, {224, 248, 312}, 0},
	{PL_F_iframe_previous, {232, 256, 320}, 8},
	{PL_F_iframe_executable, {240, 264, 328}, 8},
	{PL_F_iframe_instr, {248, 272, 336}, 8},
	{PL_F_iframe_localsplus, {256, 280, 344}, 8},
	{PL_F_iframe_owner, {264, 288, 352}, 1},
	{PL_F_iframe_stacktop, {0, 296, 360}, 8},
	{PL_F_code_struct_size, {272, 312, 376}, 0},
	{PL_F_code_filename, {280, 320, 384}, 8},
	{PL_F_code_name, {288, 328, 392}, 8},
	{PL_F_code_qualname, {296, 336, 400}, 8},
	{PL_F_code_linetable, {304, 344, 408}, 8},
	{PL_F_code_firstlineno, {312, 352, 416}, 4},
	{PL_F_code_argcount, {320, 360, 424}, 4},
	{PL_F_code_localsplusnames, {328, 368, 432}, 8},
	{PL_F_code_localspluskinds, {336, 376, 440}, 8},
	{PL_F_code_code, {344, 384, 448}, 0},
	{PL_F_object_size, {352, 400, 464}, 0},
	{PL_F_object_type, {360, 408, 472}, 8},
	{PL_F_type_struct_size, {368, 416, 480}, 0},
	{PL_F_type_name, {376, 424, 488}, 8},
	{PL_F_type_flags, {392, 440, 504}, 8},
	{PL_F_type_basicsize, {0, 0, 512}, 8},
	{PL_F_type_dictoffset, {0, 0, 520}, 8},
	{PL_F_heaptype_size, {0, 0, 528}, 0},
	{PL_F_heaptype_cached_keys, {0, 0, 536}, 8},
	{PL_F_tuple_items, {408, 456, 552}, 0},
	{PL_F_var_size, {416, 464, 560}, 8},
	{PL_F_list_items, {432, 480, 576}, 8},
	{PL_F_set_size, {0, 496, 592}, 0},
	{PL_F_set_used, {0, 504, 600}, 8},
	{PL_F_set_table, {0, 512, 608}, 8},
	{PL_F_set_mask, {0, 520, 616}, 8},
	{PL_F_dict_size, {448, 528, 624}, 0},
	{PL_F_dict_keys, {456, 536, 632}, 8},
	{PL_F_dict_values, {464, 544, 640}, 8},
	{PL_F_float_value, {480, 560, 656}, 8},
	{PL_F_long_tag, {496, 576, 672}, 8},
	{PL_F_long_digits, {504, 584, 680}, 0},
	{PL_F_bytes_data, {528, 608, 704}, 0},
	{PL_F_str_state, {544, 624, 720}, 4},
	{PL_F_str_length, {552, 632, 728}, 8},
	{PL_F_str_ascii_size, {560, 640, 736}, 0},
	{PL_F_str_compact_size, {0, 0, 744}, 0},
	{PL_F_gc_size, {568, 648, 752}, 0},
	{PL_F_gc_collecting, {576, 656, 760}, 4},
	{PL_F_gc_stats, {0, 0, 784}, 8},
	{PL_F_gen_struct_size, {0, 664, 792}, 0},
	{PL_F_gen_name, {0, 672, 800}, 8},
	{PL_F_gen_iframe, {0, 680, 808}, 0},
	{PL_F_gen_frame_state, {0, 688, 816}, 1},
};

bool pl_layout_debug_head(struct pl_view *v, pl_addr runtime, uint32_t *hexversion,
			  bool *free_threaded)
{
	const uint8_t *p = runtime ? pl_at(v, runtime, AT_FREE_THREADED + 8) : NULL;

	if (!p || memcmp(p + AT_COOKIE, PL_DEBUG_COOKIE, 8))
		return false;
	/* a cookie in a string or in a stray copy is followed by something else */
	if (pl_ld64(p + AT_VERSION) >> 24 != 3 || pl_ld64(p + AT_FREE_THREADED) > 1)
		return false;
	*hexversion = (uint32_t)pl_ld64(p + AT_VERSION);
	*free_threaded = pl_ld64(p + AT_FREE_THREADED) == 1;
	return true;
}

/* Column of struct row for a version, -1 when its table is unknown. */
static int column(uint32_t hexversion)
{
	unsigned minor = hexversion >> 16 & 0xff;

	return hexversion >> 24 == 3 && minor >= 13 && minor <= 15 ? (int)minor - 13 : -1;
}

static bool word(struct pl_view *v, pl_addr runtime, const struct row *r, int col, int32_t *ret)
{
	uint64_t value;

	if (col < 0 || !r->at[col] || !pl_read64(v, runtime + r->at[col], &value) ||
	    value >= LARGEST)
		return false;
	*ret = (int32_t)value;
	return true;
}

unsigned pl_layout_from_debug_offsets(struct pl_view *v, pl_addr runtime, uint32_t hexversion,
				      struct pl_layout *l)
{
	unsigned n = 0;
	int32_t offset;

	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (!word(v, runtime, r, column(hexversion), &offset))
			continue;
		/* sizes of members are not in the table: keep the one that another build had */
		pl_layout_set(l, r->field, offset,
			      r->width ? r->width : *pl_layout_width(l, r->field),
			      PL_FROM_DEBUG_OFFSETS);
		n++;
	}
	return n;
}

void pl_layout_debug_compare(struct pl_view *v, pl_addr runtime, uint32_t hexversion,
			     const struct pl_layout_table *t, unsigned *same, unsigned *other)
{
	int32_t offset;

	*same = *other = 0;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		if (!word(v, runtime, &rows[i], column(hexversion), &offset))
			continue;
		if (pl_layout_table_offset(t, rows[i].field) == offset)
			(*same)++;
		else
			(*other)++;
	}
}

void pl_layout_shift_interp(struct pl_layout *l, const struct pl_layout_table *t)
{
	int32_t old_last = pl_layout_table_offset(t, PL_F_interp_builtins);
	int32_t old_size = pl_layout_table_offset(t, PL_F_interp_size);
	int32_t by;

	if (l->source[PL_F_interp_builtins] != PL_FROM_DEBUG_OFFSETS || !pl_has(old_last) ||
	    !pl_has(old_size))
		return;
	by = l->f.interp_builtins - old_last;
	if (!by || l->f.interp_size - old_size != by)
		return;
	for (unsigned i = 0; i < PL_N_FIELDS; i++) {
		int32_t offset = pl_layout_offset(l, i);

		if (!strcmp(pl_layout_rows[i].strct, "_is") && *pl_layout_rows[i].member &&
		    pl_has(offset) && offset > old_last && l->source[i] != PL_FROM_DEBUG_OFFSETS)
			pl_layout_set(l, i, offset + by, *pl_layout_width(l, i), PL_FROM_INFERENCE);
	}
}
