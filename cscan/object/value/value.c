/*
 * value.c - numbers, sequences and the place of an instance's attributes.
 *
 * Knows the structs of longobject, listobject, tupleobject and the rules of typeobject.c for
 * instance dicts, all through the layout's offsets and encodings. Text is in text.c, dicts are in
 * decode/dict.c.
 */
#include "object/value/value.h"

bool pl_value_type(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *type,
		   uint64_t *flags)
{
	pl_addr t;

	if (!pl_read64(v, addr + (uint64_t)l->f.object_type, &t) ||
	    !pl_read64(v, t + (uint64_t)l->f.type_flags, flags))
		return false;
	*type = t;
	return true;
}

static bool flagged(const struct pl_layout *l, struct pl_view *v, pl_addr addr, uint64_t flag)
{
	uint64_t flags;
	pl_addr type;

	return pl_value_type(l, v, addr, &type, &flags) && flags & flag;
}

/* Bytes at hand from addr on without a gap, at most max. */
static uint64_t readable(struct pl_view *v, pl_addr addr, uint64_t max)
{
	pl_addr at = addr;

	if (pl_at(v, addr, max))
		return max;
	while (at - addr < max) {
		const struct pl_span *s = pl_image_span(v->im, at);

		if (!s)
			break;
		at = s->hi;
	}
	return PL_MIN(at - addr, max);
}

/*
 * Size and sign of an int. Up to 3.11 ob_size has both; from 3.12 on lv_tag is the count shifted by
 * 3 with the sign in bits 0-1: 0 positive, 1 zero, 2 negative (pycore_long.h).
 */
bool pl_int_digits(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		   struct pl_digits *ret)
{
	struct pl_digits d = {.width = l->w.long_digits == 2 ? 2 : 4};
	uint64_t word, bytes;

	if (!flagged(l, v, addr, PL_TPFLAG_LONG))
		return false;
	if (l->int_style == PL_INT_TAGGED) {
		if (!pl_read64(v, addr + (uint64_t)l->f.long_tag, &word))
			return false;
		d.negative = (word & 3) == 2;
		d.n = (word & 3) == 1 ? 0 : word >> 3;
	} else {
		if (!pl_read64(v, addr + (uint64_t)l->f.var_size, &word))
			return false;
		d.negative = word >> 63;
		d.n = d.negative ? 0 - word : word;
	}
	d.at = addr + (uint64_t)l->f.long_digits;
	if (!pl_mul(d.n, d.width, &bytes) || readable(v, d.at, bytes) < bytes)
		return false;
	*ret = d;
	return true;
}

bool pl_int_read(const struct pl_layout *l, struct pl_view *v, pl_addr addr, int64_t *ret)
{
	unsigned shift = 0, bits;
	uint64_t word, abs = 0;
	struct pl_digits d;

	if (pl_has(l->f.int_ival) && flagged(l, v, addr, PL_TPFLAG_INT27)) {
		if (!pl_read64(v, addr + (uint64_t)l->f.int_ival, &word))
			return false;
		*ret = (int64_t)word;
		return true;
	}
	if (!pl_int_digits(l, v, addr, &d) || d.n > 5)
		return false;
	bits = d.width == 2 ? 15 : 30;
	for (uint64_t i = 0; i < d.n; i++, shift += bits) {
		const uint8_t *p = pl_at(v, d.at + i * d.width, d.width);
		uint64_t digit = p ? pl_ldn(p, d.width) : UINT64_MAX;

		if (digit >> bits || (digit && (shift > 63 || digit > UINT64_MAX >> shift)))
			return false;
		abs |= shift > 63 ? 0 : digit << shift;
	}
	if (abs > (uint64_t)INT64_MAX + d.negative)
		return false;
	*ret = d.negative ? (int64_t)(0 - abs) : (int64_t)abs;
	return true;
}

static bool items_at(struct pl_view *v, pl_addr first, uint64_t n, pl_addr *items, uint64_t *ret_n)
{
	uint64_t bytes;

	if (n >> 60 || !pl_mul(n, 8, &bytes))
		return false;
	*items = first;
	*ret_n = readable(v, first, bytes) / 8;
	return true;
}

bool pl_list_items(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *items,
		   uint64_t *n)
{
	pl_addr first;
	uint64_t size;

	return flagged(l, v, addr, PL_TPFLAG_LIST) &&
	       pl_read64(v, addr + (uint64_t)l->f.var_size, &size) &&
	       pl_read64(v, addr + (uint64_t)l->f.list_items, &first) &&
	       items_at(v, first, size, items, n);
}

bool pl_tuple_items(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr *items,
		    uint64_t *n)
{
	uint64_t size;

	return flagged(l, v, addr, PL_TPFLAG_TUPLE) &&
	       pl_read64(v, addr + (uint64_t)l->f.var_size, &size) &&
	       items_at(v, addr + (uint64_t)l->f.tuple_items, size, items, n);
}

/*
 * The dict pointer by tp_dictoffset (_PyObject_GetDictPtr, Objects/object.c): from the end of the
 * object when negative.
 */
static bool dict_by_offset(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr type,
			   pl_addr *dict)
{
	uint64_t raw, basicsize, itemsize, size, extra;
	int64_t offset;

	if (!pl_read64(v, type + (uint64_t)l->f.type_dictoffset, &raw) || raw == 0)
		return false;
	offset = (int64_t)raw;
	if (offset < 0) {
		if (!pl_read64(v, type + (uint64_t)l->f.type_basicsize, &basicsize) ||
		    !pl_read64(v, type + (uint64_t)l->f.type_itemsize, &itemsize) ||
		    !pl_read64(v, addr + (uint64_t)l->f.var_size, &size))
			return false;
		size = size >> 63 ? 0 - size : size;
		if (!pl_mul(size, itemsize, &extra) || !pl_add(basicsize, extra, &size) ||
		    pl_round_up(size, 8) < 0 - raw)
			return false;
		raw += pl_round_up(size, 8);
	}
	return pl_read64(v, addr + raw, dict);
}

/* Objects/dictobject.c: _PyObject_InlineValues() of 3.13 on, for types with the inline flag. */
bool pl_inline_values(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr type,
		      pl_addr *values)
{
	const uint8_t *valid;
	uint64_t basicsize;

	if (!pl_read64(v, type + (uint64_t)l->f.type_basicsize, &basicsize))
		return false;
	valid = pl_at(v, addr + basicsize + (uint64_t)l->f.values_valid, 1);
	*values = valid && *valid ? addr + basicsize : 0;
	return valid;
}

bool pl_instance_dict(const struct pl_layout *l, struct pl_view *v, pl_addr addr, pl_addr type_addr,
		      pl_addr *dict, pl_addr *values)
{
	uint64_t flags, word;
	pl_addr d = 0, vals = 0;

	if (!pl_read64(v, type_addr + (uint64_t)l->f.type_flags, &flags))
		return false;
	if (!(flags & l->flag_managed_dict)) {
		if (!dict_by_offset(l, v, addr, type_addr, &d))
			return false;
	} else if (l->attrs_style == PL_ATTRS_311) {
		if (!pl_read64(v, addr - 32, &vals) || !pl_read64(v, addr - 24, &d))
			return false;
	} else if (!pl_read64(v, addr - 24, &word)) {
		return false;
	} else if (l->attrs_style == PL_ATTRS_312 && word & 1) {
		vals = word + 1;
	} else {
		d = word;
		if (!d && flags & l->flag_inline_values &&
		    !pl_inline_values(l, v, addr, type_addr, &vals))
			return false;
	}
	*dict = d;
	*values = d ? 0 : vals;
	return true;
}
