/* layout/tables/ and fields.def: every table is whole, and says what cannot be otherwise. */
#include "layout/internal.h"

#include <stdio.h>

#include "cmocka_all.h"

#define FIRST_HEAPTYPE_TABLE                                                 \
	0x03000000 /* PEP 3115's keys and qualified names came with Python 3 \
		    */

static void fields_are_told_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PL_N_FIELDS; i++) {
		assert_true(*pl_layout_rows[i].strct);
		assert_string_equal(pl_field_name(i), pl_layout_rows[i].name);
		for (unsigned j = 0; j < i; j++) {
			assert_string_not_equal(pl_layout_rows[i].name, pl_layout_rows[j].name);
			if (!strcmp(pl_layout_rows[i].strct, pl_layout_rows[j].strct) &&
			    !strcmp(pl_layout_rows[i].member, pl_layout_rows[j].member))
				fail_msg("%s is %s", pl_layout_rows[i].name,
					 pl_layout_rows[j].name);
		}
	}
	assert_string_equal(pl_field_name(PL_N_FIELDS), "?");
}

static void sources_have_names(void **state)
{
	(void)state;
	assert_string_equal(pl_source_name(PL_FROM_NOWHERE), "none");
	assert_string_equal(pl_source_name(PL_FROM_DWARF), "dwarf");
	assert_string_equal(pl_source_name(PL_FROM_DEBUG_OFFSETS), "debug-offsets");
	assert_string_equal(pl_source_name(PL_FROM_TABLE), "table");
	assert_string_equal(pl_source_name(PL_FROM_SAME_MINOR), "same-minor");
	assert_string_equal(pl_source_name(PL_FROM_INFERENCE), "inferred");
	assert_string_equal(pl_source_name(PL_FROM_SYMBOL), "symbol");
	assert_string_equal(pl_source_name(PL_FROM_SYMBOL + 1), "?");
}

static void names_are_versions(void **state)
{
	size_t n;
	const struct pl_layout_table *t = pl_layout_tables(&n);

	(void)state;
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		char text[24];
		size_t length;

		pl_layout_version_text(t[i].hexversion, text, sizeof(text));
		length = strlen(text);
		assert_memory_equal(t[i].name, text, length);
		assert_int_equal(t[i].name[length], '-');
		assert_int_equal(strstr(t[i].name, "debug") != NULL,
				 (t[i].flavour & PL_PYDEBUG) != 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(t[i].name, t[j].name);
	}
}

/* Size of the struct of a field by its row with member "", or 0. */
static uint64_t struct_bytes(const struct pl_layout *l, unsigned field)
{
	for (unsigned i = 0; i < PL_N_FIELDS; i++)
		if (!*pl_layout_rows[i].member && pl_has(pl_layout_offset(l, i)) &&
		    !strcmp(pl_layout_rows[i].strct, pl_layout_rows[field].strct))
			return (uint64_t)pl_layout_offset(l, i);
	return 0;
}

static void members_lie_in_their_structs(void **state)
{
	size_t n, checked = 0;
	const struct pl_layout_table *t = pl_layout_tables(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct pl_layout l = {.hexversion = t[i].hexversion};

		pl_layout_from_table(&l, &t[i], PL_FROM_TABLE);
		for (unsigned f = 0; f < PL_N_FIELDS; f++) {
			int32_t offset = pl_layout_offset(&l, f);
			uint64_t bytes = struct_bytes(&l, f);

			if (!pl_has(offset) || !bytes || !*pl_layout_rows[f].member)
				continue;
			assert_true(offset >= 0);
			if ((uint64_t)offset + *pl_layout_width(&l, f) > bytes)
				fail_msg("%s of %s", pl_field_name(f), t[i].name);
			checked++;
		}
	}
	assert_true(checked > 100 * n);
}

/* Facts of every CPython from 2.7 to 3.15 (Include/object.h), which infer.c relies on as well. */
static void what_never_changed(void **state)
{
	size_t n;
	const struct pl_layout_table *t = pl_layout_tables(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct pl_layout l = {.hexversion = t[i].hexversion, .flavour = t[i].flavour};
		int head = t[i].flavour & PL_TRACE_REFS && t[i].hexversion < 0x030d0000 ? 16 : 0;

		pl_layout_from_table(&l, &t[i], PL_FROM_TABLE);
		assert_true(pl_layout_encodings(&l));
		assert_string_equal(l.table, t[i].name);
		assert_int_equal(l.f.object_type, 8 + head);
		assert_int_equal(l.f.type_basicsize, 32 + head);
		assert_int_equal(l.f.type_flags, 168 + head);
		assert_int_equal(l.f.type_base, 256 + head);
		assert_int_equal(l.f.var_size, 16 + head);
		assert_int_equal(l.f.pool_header_size, 48);
		assert_int_equal(l.f.arena_size, 48);
		assert_int_equal(l.w.generation_threshold, 4);
		assert_int_equal(pl_has(l.f.heaptype_qualname),
				 t[i].hexversion > FIRST_HEAPTYPE_TABLE);
		assert_int_equal(pl_has(l.f.interp_static_types),
				 l.static_types_style == PL_STATIC_PER_INTERP);
		assert_int_equal(pl_has(l.f.long_tag), l.int_style == PL_INT_TAGGED);
		assert_int_equal(pl_has(l.f.free_lists), l.freelist_style != PL_FREE_STATICS);
		assert_int_equal(pl_has(l.f.keys_log2_size), l.dict_style == PL_DICT_KEYS311);
		assert_int_equal(pl_has(l.f.str_wstr), l.str_style == PL_STR_LEGACY);
		assert_int_equal(pl_has(l.f.frame_localsplus), l.frame_style == PL_FRAME_OBJECT);
		assert_int_equal(pl_has(l.f.code_localsplusnames),
				 l.line_style == PL_LINES_LOCATION);
		assert_int_equal(l.preheader_gc, l.attrs_style != PL_ATTRS_DICTOFFSET);
	}
}

static void debian_moved_the_generations(void **state)
{
	size_t n, seen = 0;
	const struct pl_layout_table *t = pl_layout_tables(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (t[i].hexversion >> 16 != 0x030d)
			continue;
		/* Debian's patch "gchead-alignment" */
		assert_int_equal(pl_layout_table_offset(&t[i], PL_F_gc_generations),
				 strstr(t[i].name, "debian") ? 20 : 24);
		seen++;
	}
	assert_true(seen >= 2);
}

static void unknown_versions(void **state)
{
	static const uint32_t unknown[] = {0x020600f0, 0x030500f0, 0x031000a1, 0x040000f0, 0};
	struct pl_layout l = {0};

	(void)state;
	pl_layout_clear(&l);
	for (size_t i = 0; i < PL_ARRAY_LEN(unknown); i++) {
		l.hexversion = unknown[i];
		assert_false(pl_layout_encodings(&l));
	}
}

static void incremental_by_its_fields(void **state)
{
	struct pl_layout l = {.hexversion = 0x030e04f0};

	(void)state;
	pl_layout_clear(&l);
	assert_true(pl_layout_encodings(&l));
	assert_int_equal(l.gc_style, PL_GC_LINKS);
	l.f.gc_old = 48;
	assert_true(pl_layout_encodings(&l));
	assert_int_equal(l.gc_style, PL_GC_INCREMENTAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_told_once),
		cmocka_unit_test(sources_have_names),
		cmocka_unit_test(names_are_versions),
		cmocka_unit_test(members_lie_in_their_structs),
		cmocka_unit_test(what_never_changed),
		cmocka_unit_test(debian_moved_the_generations),
		cmocka_unit_test(unknown_versions),
		cmocka_unit_test(incremental_by_its_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
