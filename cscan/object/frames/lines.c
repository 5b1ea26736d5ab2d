/*
 * lines.c - what a code object says of itself: names, local variables, and the line of an
 * instruction in each of the four forms that line tables have had.
 *
 * Facts: PyCode_Addr2Line() in Objects/codeobject.c of each version, Objects/lnotab_notes.txt (up
 * to 3.10), Objects/locations.md and InternalDocs/code_objects.md (3.11 on).
 */
#include "object/frames/lines.h"

#include "base/utf8.h"
#include "object/value/value.h"

enum {
	MAX_TABLE = 16 << 20, /* bytes of a line table; a million lines need about three */
	MAX_NAME = 1024,
	UNIT = 2,         /* bytes of an instruction, 3.6 on */
	KIND_CELL = 0x40, /* co_localspluskinds (pycore_code.h) */
	KIND_FREE = 0x80,
	NO_LINE = -128, /* 3.10: line delta of instructions that belong to no line */
};

/* The bytes object (2.7: str) at addr; NULL when it is none that is all at hand. */
static const uint8_t *bytes_at(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
			       uint64_t *n)
{
	pl_addr type;
	uint64_t flags;

	if (!pl_value_type(l, v, addr, &type, &flags) || !(flags & PL_TPFLAG_BYTES) ||
	    !pl_read64(v, addr + (uint64_t)l->f.var_size, n) || *n > MAX_TABLE)
		return NULL;
	return pl_at(v, addr + (uint64_t)l->f.bytes_data, *n);
}

int pl_line_lnotab(const uint8_t *table, size_t n, int first, int64_t at, bool line_is_signed)
{
	int64_t start = 0;
	uint32_t line = (uint32_t)first; /* wraps on nonsense */

	for (size_t i = 0; i + 1 < n; i += 2) {
		int delta = line_is_signed ? (int8_t)table[i + 1] : table[i + 1];

		start += table[i];
		if (start > at)
			break;
		line += (uint32_t)delta;
	}
	return (int)line;
}

int pl_line_310(const uint8_t *table, size_t n, int first, int64_t at)
{
	int64_t end = 0;
	uint32_t line = (uint32_t)first; /* wraps on nonsense */

	for (size_t i = 0; i + 1 < n; i += 2) {
		int delta = (int8_t)table[i + 1];

		end += table[i];
		line += delta == NO_LINE ? 0 : (uint32_t)delta;
		if (at < end)
			return delta == NO_LINE ? -1 : (int)line;
	}
	return -1;
}

/* A variable-length number: 6 bits a byte, least first, bit 6 says that more follow. */
static uint32_t varint(const uint8_t *table, size_t n, size_t at)
{
	uint32_t value = 0;

	for (unsigned shift = 0; at < n && shift < 32; at++, shift += 6) {
		value |= (uint32_t)(table[at] & 63) << shift;
		if (!(table[at] & 64))
			break;
	}
	return value;
}

/* By how much an entry moves the line; *none when its instructions have no line. */
static int location_delta(const uint8_t *table, size_t n, size_t at, bool *none)
{
	unsigned code = table[at] >> 3 & 15;
	uint32_t zigzag;

	*none = code == 15;
	if (code < 10 || code == 15) /* on the same line, or on none */
		return 0;
	if (code < 13) /* one of the next lines */
		return (int)code - 10;
	zigzag = varint(table, n, at + 1);
	return zigzag & 1 ? -(int)(zigzag >> 1) : (int)(zigzag >> 1);
}

int pl_line_location(const uint8_t *table, size_t n, int first, int64_t at)
{
	int64_t end = 0;
	uint32_t line = (uint32_t)first; /* wraps on nonsense */

	for (size_t i = 0; i < n;) {
		bool none;

		line += (uint32_t)location_delta(table, n, i, &none);
		end += (table[i] & 7) * UNIT + UNIT;
		if (at < end)
			return none ? -1 : (int)line;
		for (i++; i < n && !(table[i] & 0x80); i++)
			;
	}
	return -1;
}

int pl_code_line(const struct pl_layout *l, struct pl_view *v, pl_addr code, int64_t instruction)
{
	int first = pl_field_int(v, code, l->f.code_firstlineno);
	const uint8_t *table;
	uint64_t n;

	if (instruction < 0)
		return first;
	table = bytes_at(l, v, pl_field_word(v, code, l->f.code_linetable), &n);
	if (!table)
		return -1;
	switch (l->line_style) {
	case PL_LINES_LNOTAB27:
	case PL_LINES_LNOTAB36:
		return pl_line_lnotab(table, n, first, instruction,
				      l->line_style == PL_LINES_LNOTAB36);
	case PL_LINES_310:
		return pl_line_310(table, n, first, instruction);
	default:
		return pl_line_location(table, n, first, instruction);
	}
}

static void text(const struct pl_layout *l, struct pl_view *v, pl_addr str, char *buf, size_t cap)
{
	char raw[MAX_NAME];
	size_t n;

	if (str && pl_str_read(l, v, str, raw, sizeof(raw), &n, NULL))
		pl_utf8_escape(buf, cap, raw, n);
	else
		pl_utf8_escape(buf, cap, "?", 1);
}

void pl_code_names(const struct pl_layout *l, struct pl_view *v, pl_addr code, char *name,
		   size_t name_cap, char *file, size_t file_cap)
{
	int32_t at = pl_has(l->f.code_qualname) ? l->f.code_qualname : l->f.code_name;

	text(l, v, pl_field_word(v, code, at), name, name_cap);
	text(l, v, pl_field_word(v, code, l->f.code_filename), file, file_cap);
}

static pl_addr item(const struct pl_layout *l, struct pl_view *v, pl_addr tuple, uint64_t i)
{
	pl_addr items;
	uint64_t n, ret;

	if (!tuple || !pl_tuple_items(l, v, tuple, &items, &n) || i >= n ||
	    !pl_read64(v, items + 8 * i, &ret))
		return 0;
	return ret;
}

static uint64_t length(const struct pl_layout *l, struct pl_view *v, pl_addr tuple)
{
	pl_addr items;
	uint64_t n;

	return tuple && pl_tuple_items(l, v, tuple, &items, &n) ? n : 0;
}

pl_addr pl_code_local_name(const struct pl_layout *l, struct pl_view *v, pl_addr code, uint32_t i)
{
	pl_addr cells = pl_field_word(v, code, l->f.code_cellvars);
	uint64_t n_locals, n_cells;

	if (pl_has(l->f.code_localsplusnames))
		return item(l, v, pl_field_word(v, code, l->f.code_localsplusnames), i);
	n_locals = (uint32_t)pl_field_int(v, code, l->f.code_nlocals);
	n_cells = length(l, v, cells);
	if (i < n_locals)
		return item(l, v, pl_field_word(v, code, l->f.code_varnames), i);
	if (i - n_locals < n_cells)
		return item(l, v, cells, i - n_locals);
	return item(l, v, pl_field_word(v, code, l->f.code_freevars), i - n_locals - n_cells);
}

enum pl_local_kind pl_code_local_kind(const struct pl_layout *l, struct pl_view *v, pl_addr code,
				      uint32_t i)
{
	pl_addr kinds = pl_field_word(v, code, l->f.code_localspluskinds);
	uint64_t n_locals, n_cells;
	const uint8_t *kind;

	if (kinds) {
		kind = pl_at(v, kinds + (uint64_t)l->f.bytes_data + i, 1);
		return !kind               ? PL_LOCAL_PLAIN
		       : *kind & KIND_FREE ? PL_LOCAL_FREE
		       : *kind & KIND_CELL ? PL_LOCAL_CELL
					   : PL_LOCAL_PLAIN;
	}
	n_locals = (uint32_t)pl_field_int(v, code, l->f.code_nlocals);
	n_cells = length(l, v, pl_field_word(v, code, l->f.code_cellvars));
	return i < n_locals             ? PL_LOCAL_PLAIN
	       : i < n_locals + n_cells ? PL_LOCAL_CELL
					: PL_LOCAL_FREE;
}

uint32_t pl_code_n_locals(const struct pl_layout *l, struct pl_view *v, pl_addr code)
{
	uint64_t n;

	if (pl_has(l->f.code_nlocalsplus))
		n = (uint32_t)pl_field_int(v, code, l->f.code_nlocalsplus);
	else
		n = (uint64_t)(uint32_t)pl_field_int(v, code, l->f.code_nlocals) +
		    length(l, v, pl_field_word(v, code, l->f.code_cellvars)) +
		    length(l, v, pl_field_word(v, code, l->f.code_freevars));
	return n > PL_MAX_LOCALS ? 0 : (uint32_t)n;
}
