/*
 * tables.c - the layouts of builds that were looked at before, and the list of fields.
 *
 * Knows the generated files in tables/ (scripts/gen_layout.py writes them from DWARF) and nothing
 * of the core. A table lists only the fields that its build has.
 */
#include "layout/internal.h"

const struct pl_field_row pl_layout_rows[PL_N_FIELDS] = {
#define PL_FIELD(name, strct, member) {#name, strct, member},
#include "layout/fields.def"
#undef PL_FIELD
};

static const struct pl_layout_table tables[] = {
#define PL_TABLE(name, hexversion, flavour, ...) \
	{name, hexversion, flavour, (const struct pl_table_row[]){__VA_ARGS__{PL_N_FIELDS, 0, 0}}},
#define F(field, offset) {PL_F_##field, offset, 8},
#define W(field, offset, width) {PL_F_##field, offset, width},
#include "layout/tables/all.def"
#undef F
#undef W
#undef PL_TABLE
};

const struct pl_layout_table *pl_layout_tables(size_t *n)
{
	*n = PL_ARRAY_LEN(tables);
	return tables;
}

void pl_layout_clear(struct pl_layout *l)
{
	for (unsigned i = 0; i < PL_N_FIELDS; i++)
		pl_layout_set(l, i, PL_NONE, 0, PL_FROM_NOWHERE);
	l->table = NULL;
}

void pl_layout_from_table(struct pl_layout *l, const struct pl_layout_table *t,
			  enum pl_source source)
{
	pl_layout_clear(l);
	for (unsigned i = 0; i < PL_N_FIELDS; i++)
		l->source[i] = (uint8_t)source;
	for (const struct pl_table_row *r = t->rows; r->field < PL_N_FIELDS; r++)
		pl_layout_set(l, r->field, r->offset, r->width, source);
	l->table = t->name;
}

int32_t pl_layout_table_offset(const struct pl_layout_table *t, enum pl_field field)
{
	for (const struct pl_table_row *r = t->rows; r->field < PL_N_FIELDS; r++)
		if (r->field == field)
			return r->offset;
	return PL_NONE;
}

const char *pl_field_name(enum pl_field f)
{
	return (unsigned)f < PL_N_FIELDS ? pl_layout_rows[f].name : "?";
}

const char *pl_source_name(enum pl_source s)
{
	static const char *const names[] = {
		[PL_FROM_NOWHERE] = "none",
		[PL_FROM_DWARF] = "dwarf",
		[PL_FROM_DEBUG_OFFSETS] = "debug-offsets",
		[PL_FROM_TABLE] = "table",
		[PL_FROM_SAME_MINOR] = "same-minor",
		[PL_FROM_INFERENCE] = "inferred",
		[PL_FROM_SYMBOL] = "symbol",
	};

	return (unsigned)s < PL_ARRAY_LEN(names) ? names[s] : "?";
}
