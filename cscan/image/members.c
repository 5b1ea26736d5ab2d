/*
 * members.c - a dotted path to a member of a struct, answered from its DWARF.
 *
 * Knows how C structs are described: typedefs, anonymous unions and structs whose members belong to
 * the outer one, arrays, bit fields in both spellings (DWARF 2 and 4). A file's DWARF may be
 * hostile: chains and nesting are capped, offsets are checked, siblings only go forward.
 */
#include <dwarf.h>

#include "image/internal.h"

enum {
	MAX_CHAIN = 64,   /* typedefs and qualifiers on a type, dimensions of an array */
	MAX_NESTED = 256, /* anonymous structs and unions in one struct */
};

/* Where a path has got to: a type, and how many of its dimensions are taken if it is an array. */
struct place {
	Dwarf_Die type;
	unsigned taken;
	uint64_t offset;
	uint8_t bit_size, bit_offset;
};

bool pl_dwarf_next(Dwarf_Die *die)
{
	Dwarf_Die next;

	if (dwarf_siblingof(die, &next) != 0 || next.addr <= die->addr)
		return false;
	*die = next;
	return true;
}

static bool get_udata(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &v) != 0)
		return false;
	*ret = v;
	return true;
}

bool pl_dwarf_type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Die at = *die;

	for (unsigned i = 0; i < MAX_CHAIN; i++) {
		Dwarf_Attribute attr;
		Dwarf_Die next;

		if (!dwarf_attr(&at, DW_AT_type, &attr) || !dwarf_formref_die(&attr, &next))
			return false;
		at = next;
		switch (dwarf_tag(&at)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			break;
		default:
			*ret = at;
			return true;
		}
	}
	return false;
}

static bool is_aggregate(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

/* Elements in the k-th dimension of an array; 0 when it has none or they are not known (x[]). */
static uint64_t dimension(Dwarf_Die *array, unsigned k)
{
	Dwarf_Die die;
	uint64_t v;

	if (dwarf_child(array, &die) != 0)
		return 0;
	do {
		if (dwarf_tag(&die) != DW_TAG_subrange_type || k-- > 0)
			continue;
		if (get_udata(&die, DW_AT_count, &v))
			return v;
		return get_udata(&die, DW_AT_upper_bound, &v) ? v + 1 : 0;
	} while (pl_dwarf_next(&die));
	return 0;
}

static unsigned dimensions(Dwarf_Die *array)
{
	Dwarf_Die die;
	unsigned n = 0;

	if (dwarf_child(array, &die) != 0)
		return 0;
	do {
		n += dwarf_tag(&die) == DW_TAG_subrange_type;
	} while (n < MAX_CHAIN && pl_dwarf_next(&die));
	return n;
}

/* Bytes of a type; of an array whose first dimensions are taken, those of what is left. */
static bool size_of(const Dwarf_Die *type, unsigned taken, uint64_t *ret)
{
	Dwarf_Die at = *type;
	uint64_t factor = 1, size;

	for (unsigned i = 0; dwarf_tag(&at) == DW_TAG_array_type; i++, taken = 0) {
		for (unsigned k = taken, n = dimensions(&at); k < n; k++) {
			if (!pl_mul(factor, dimension(&at, k), &factor))
				return false;
		}
		if (i == MAX_CHAIN || !pl_dwarf_type_of(&at, &at))
			return false;
	}
	if (!get_udata(&at, DW_AT_byte_size, &size)) {
		if (dwarf_tag(&at) != DW_TAG_pointer_type)
			return false;
		size = sizeof(uint64_t); /* clang leaves it out; only 64-bit files are read */
	}
	return pl_mul(factor, size, ret);
}

/* DW_AT_data_member_location: a number, or in old DWARF an expression that adds one. */
static bool member_location(Dwarf_Die *member, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr(member, DW_AT_data_member_location, &attr)) {
		*ret = 0; /* a member of a union, or a bit field that has DW_AT_data_bit_offset */
		return true;
	}
	if (dwarf_formudata(&attr, ret) == 0)
		return true;
	if (dwarf_getlocation(&attr, &ops, &n) != 0 || n != 1 || ops[0].atom != DW_OP_plus_uconst)
		return false;
	*ret = ops[0].number;
	return true;
}

/* Add a member's place to that of its struct. */
static bool add_member(Dwarf_Die *member, struct place *p)
{
	uint64_t at, bits, unit, from;

	if (!member_location(member, &at) || !pl_add(p->offset, at, &p->offset) ||
	    !pl_dwarf_type_of(member, &p->type))
		return false;
	p->taken = 0;
	p->bit_size = p->bit_offset = 0;
	if (!get_udata(member, DW_AT_bit_size, &bits))
		return true;
	/* The storage unit is as large as the declared type and aligned to that. */
	if (!size_of(&p->type, 0, &unit) || !unit || unit > 8 || bits > 8 * unit)
		return false;
	if (!get_udata(member, DW_AT_data_bit_offset, &from)) {
		/* DWARF 2 counts from the storage unit's most significant bit. */
		if (!get_udata(member, DW_AT_bit_offset, &from) || from + bits > 8 * unit)
			return false;
		from = 8 * unit - from - bits;
	}
	if (!pl_add(p->offset, from / (8 * unit) * unit, &p->offset))
		return false;
	p->bit_size = (uint8_t)bits;
	p->bit_offset = (uint8_t)(from % (8 * unit));
	return true;
}

static bool is_named(Dwarf_Die *die, const char *name, size_t n, bool *anonymous)
{
	Dwarf_Attribute attr;
	const char *s = dwarf_attr(die, DW_AT_name, &attr) ? dwarf_formstring(&attr) : NULL;

	*anonymous = !s || !*s;
	return s && strncmp(s, name, n) == 0 && s[n] == '\0';
}

/* Step from a struct to its member of that name, which may be one of an anonymous struct in it. */
static bool step(struct place *p, const char *name, size_t n)
{
	struct place todo[MAX_NESTED];
	size_t n_todo = 1, pushed = 1;

	todo[0] = *p;
	while (n_todo) {
		struct place at = todo[--n_todo];
		Dwarf_Die die;

		if (!is_aggregate(&at.type) || dwarf_child(&at.type, &die) != 0)
			continue;
		do {
			struct place next = at;
			bool anonymous;

			if (dwarf_tag(&die) != DW_TAG_member)
				continue;
			if (is_named(&die, name, n, &anonymous)) {
				if (!add_member(&die, &next))
					return false;
				*p = next;
				return true;
			}
			if (anonymous && pushed < MAX_NESTED && add_member(&die, &next)) {
				todo[n_todo++] = next;
				pushed++;
			}
		} while (pl_dwarf_next(&die));
	}
	return false;
}

/* Step from an array to its i-th element. */
static bool step_index(struct place *p, uint64_t i)
{
	uint64_t have, size;

	if (dwarf_tag(&p->type) != DW_TAG_array_type)
		return false;
	have = dimension(&p->type, p->taken);
	p->taken++;
	if ((have && i >= have) || !size_of(&p->type, p->taken, &size) || !pl_mul(i, size, &size) ||
	    !pl_add(p->offset, size, &p->offset))
		return false;
	if (p->taken < dimensions(&p->type))
		return true;
	p->taken = 0;
	return pl_dwarf_type_of(&p->type, &p->type);
}

static bool parse_index(const char **s, const char *end, uint64_t *ret)
{
	uint64_t v = 0;
	const char *from = ++*s;

	for (; *s < end && **s >= '0' && **s <= '9'; (*s)++) {
		if (!pl_mul(v, 10, &v) || !pl_add(v, (uint64_t)(**s - '0'), &v))
			return false;
	}
	if (*s == from || *s == end || **s != ']')
		return false;
	(*s)++;
	*ret = v;
	return true;
}

bool pl_dwarf_member(Dwarf_Die *strct, const char *path, size_t n, struct pl_member_query *ret)
{
	struct place p = {.type = *strct};
	const char *s = path, *end = path + n;
	uint64_t size, index;

	while (s < end) {
		const char *name = s;

		while (s < end && *s != '.' && *s != '[')
			s++;
		if (!step(&p, name, (size_t)(s - name)))
			return false;
		while (s < end && *s == '[') {
			if (!parse_index(&s, end, &index) || !step_index(&p, index))
				return false;
		}
		if (s < end && (*s++ != '.' || s == end))
			return false;
	}
	if (!size_of(&p.type, p.taken, &size))
		return false;
	if (!n)
		p.offset = size;
	if (p.offset > INT32_MAX)
		return false;
	ret->found = true;
	ret->offset = (int64_t)p.offset;
	ret->size = size;
	ret->bit_size = p.bit_size;
	ret->bit_offset = p.bit_offset;
	return true;
}
