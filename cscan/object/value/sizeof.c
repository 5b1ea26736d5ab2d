/*
 * sizeof.c - sys.getsizeof() from outside, for the builtin types.
 *
 * Follows __sizeof__ of each type as CPython's source has it: where the size depends on the
 * version, offsets or encodings of the layout tell. Types of the stdlib's extension modules are in
 * sizeof_ext.c. Runs once for each object of a heap, so the commonest types come first.
 */
#include "object/value/sizeof.h"

#include "object/value/sizeof_ask.h"
#include "object/value/value.h"

#define PTR 8
#define MAX_FIXED 2048           /* bytes of a fixed part that is put together from several spans */
#define SANE (UINT64_C(1) << 20) /* bytes: below this a size is believed without asking further */

/* object.__sizeof__ (Objects/typeobject.c): tp_basicsize, and tp_itemsize for each of ob_size. */
static uint64_t generic(const struct pl_size_ask *a)
{
	uint64_t size = (uint64_t)a->t->basicsize, n;

	if (a->t->itemsize > 0 && pl_size_word(a, a->l->f.var_size, &n) && !(n >> 40))
		size += n * (uint64_t)a->t->itemsize;
	return size;
}

/*
 * Objects/longobject.c. Up to 3.11 the size starts at ob_digit, whatever a subclass adds; 3.12
 * starts at tp_basicsize.
 */
static bool size_int(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_layout *l = a->l;
	uint64_t n, size, least = l->getsizeof_zero_digit;

	if (l->int_style == PL_INT_TAGGED) {
		if (!pl_size_word(a, l->f.long_tag, &n))
			return false;
		n >>= 3;
		size = (uint64_t)a->t->basicsize;
	} else {
		if (!pl_size_word(a, l->f.var_size, &n))
			return false;
		n = n >> 63 ? 0 - n : n;
		size = (uint64_t)(l->str_style == PL_STR_27 ? (int32_t)a->t->basicsize
							    : l->f.long_digits);
	}
	if (!pl_size_grow(&size, PL_MAX(n, least), l->w.long_digits == 2 ? 2 : 4))
		return false;
	*ret = size;
	return true;
}

/* 2.7, Objects/unicodeobject.c: the struct (defenc is its last member) and length + 1 units. */
static bool size_unicode27(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t n, size = (uint64_t)a->l->f.unicode27_defenc + PTR;

	if (!pl_size_word(a, a->l->f.unicode27_length, &n) ||
	    !pl_size_grow(&size, n + 1, a->l->unicode27_ucs4 ? 4 : 2))
		return false;
	*ret = size;
	return true;
}

/*
 * What a str keeps besides its characters (Objects/unicodeobject.c): a wchar_t copy up to 3.11, and
 * a UTF-8 copy, unless they are the characters themselves. A compact ASCII string has no field for
 * the lengths of these: both are its own length.
 */
static bool grow_copies(const struct pl_size_ask *a, bool ready, bool compact, bool ascii,
			uint64_t data, uint64_t length, uint64_t *size)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t wstr = 0, utf8 = 0, n = length;
	bool has_lengths = !(compact && ascii);

	if (a->l->str_style == PL_STR_LEGACY && pl_size_word(a, f->str_wstr, &wstr) && wstr &&
	    (!ready || wstr != data)) {
		if (has_lengths && !pl_size_word(a, f->str_wstr_length, &n))
			return false;
		if (!pl_size_grow(size, n + 1, 4))
			return false;
	}
	if (has_lengths && pl_size_word(a, f->str_utf8, &utf8) && utf8 && utf8 != data) {
		if (!pl_size_word(a, f->str_utf8_length, &n) || !pl_size_grow(size, n + 1, 1))
			return false;
	}
	return true;
}

/*
 * Objects/unicodeobject.c, unicode_sizeof_impl(): the struct of the form that the string has (a
 * subclass's additions are not counted; `data` is the last member of the biggest form), and length
 * + 1 characters.
 */
static bool size_str(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_layout *l = a->l;
	unsigned shift = l->str_style == PL_STR_COMPACT_BYTE_INTERNED ? 8 : 2;
	uint64_t n, size, data = 0;
	uint32_t state, kind;
	bool compact, ascii;

	if (l->str_style == PL_STR_27)
		return size_unicode27(a, ret);
	if (!pl_size_word(a, l->f.str_length, &n) || (uint64_t)l->f.str_state + 4 > a->avail)
		return false;
	state = pl_ld32(a->obj + l->f.str_state);
	kind = state >> shift & 7;
	compact = state >> (shift + 3) & 1;
	ascii = state >> (shift + 4) & 1;
	if (compact) {
		size = (uint64_t)(ascii ? l->f.str_ascii_size : l->f.str_compact_size);
		data = a->addr + size;
	} else {
		size = (uint64_t)l->f.str_data + PTR;
		if (!pl_size_word(a, l->f.str_data, &data))
			return false;
	}
	if (data && !pl_size_grow(&size, n + 1, kind))
		return false;
	if (!(compact && ascii && l->str_style != PL_STR_LEGACY) &&
	    !grow_copies(a, kind != 0, compact, ascii, data, n, &size))
		return false;
	*ret = size;
	return true;
}

/* 2.7's str (Objects/stringobject.c) leaves out what a subclass adds; later bytes are generic. */
static bool size_bytes(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t n, size = (uint64_t)a->l->f.bytes_data + 1;

	if (a->l->str_style != PL_STR_27) {
		*ret = generic(a);
		return true;
	}
	if (!pl_size_word(a, a->l->f.var_size, &n) || !pl_size_grow(&size, n, 1))
		return false;
	*ret = size;
	return true;
}

/* Objects/bytearrayobject.c; from 3.15 on the bytes are a bytes object of their own. */
static bool size_bytearray(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, a->l->f.bytearray_alloc, &n) || !pl_size_grow(&size, n, 1))
		return false;
	if (pl_has(a->l->f.bytearray_object) && n)
		size += (uint64_t)a->l->f.bytes_data + 1;
	*ret = size;
	return true;
}

/* Objects/listobject.c; allocated is -1 while the list is being sorted. */
static bool size_list(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, a->l->f.list_allocated, &n) ||
	    !pl_size_grow(&size, n >> 63 ? 0 : n, PTR))
		return false;
	*ret = size;
	return true;
}

/* Objects/setobject.c; an entry is {key, hash}. */
static bool size_set(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t table, mask, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, a->l->f.set_table, &table) ||
	    !pl_size_word(a, a->l->f.set_mask, &mask))
		return false;
	if (table != a->addr + (uint64_t)a->l->f.set_smalltable &&
	    !pl_size_grow(&size, mask + 1, 16))
		return false;
	*ret = size;
	return true;
}

/*
 * Objects/odictobject.c: a dict, the table of node pointers, and a node for each key. 2.7 has only
 * the class of collections.py, a plain dict here.
 */
static bool size_odict(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t size, nodes, first, used;

	if (!pl_size_dict(a, &size))
		return false;
	if (pl_size_word(a, f->odict_nodes_size, &nodes) &&
	    pl_size_word(a, f->odict_first, &first) && pl_size_word(a, f->dict_used, &used)) {
		if (!pl_size_grow(&size, nodes, PTR) ||
		    (first && !pl_size_grow(&size, used, (uint64_t)f->odictnode_size)))
			return false;
	}
	*ret = size;
	return true;
}

/*
 * Objects/typeobject.c, type___sizeof___impl(): the struct, and the keys that instances share.
 * 2.7 has no such method: the generic rule counts the __slots__ records then.
 */
static bool size_type(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_layout *l = a->l;
	struct pl_dict_keys k;
	uint64_t flags, keys, size;

	if (!pl_size_word(a, l->f.type_flags, &flags))
		return false;
	if (!pl_has(l->f.heaptype_cached_keys)) {
		*ret = generic(a);
		return true;
	}
	if (flags & PL_TPFLAG_HEAPTYPE) {
		if (!pl_size_word(a, l->f.heaptype_cached_keys, &keys))
			return false;
		size = (uint64_t)l->f.heaptype_size;
		if (keys) {
			if (!pl_dict_keys_read(l, a->v, keys, &k))
				return false;
			size += pl_size_keys(l, &k);
		}
	} else {
		size = (uint64_t)l->f.type_struct_size;
	}
	*ret = size;
	return true;
}

/* A static type object has no head in front; some versions count one all the same. */
static uint64_t head(const struct pl_size_ask *a)
{
	uint64_t flags;

	if (a->t->is_type && pl_size_word(a, a->l->f.type_flags, &flags) &&
	    !(flags & PL_TPFLAG_HEAPTYPE) && !a->l->getsizeof_static_head)
		return 0;
	return a->t->head_counted;
}

/*
 * Objects/codeobject.c: from 3.11 on a variable object, rounded up to words as _PyObject_VAR_SIZE()
 * does (object.__sizeof__ does not); before, what hangs off it: an index for each
 * cell variable that is an argument, the opcode caches of 3.8 to 3.10 (a byte for each instruction
 * of two bytes, and their entries). _PyCodeObjectExtra is {ce_size, ce_extras[]}.
 */
static bool size_code(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t size = pl_round_up(generic(a), PTR), p, code, n;

	if (pl_size_word(a, f->code_cell2arg, &p) && p && pl_size_word(a, f->code_cellvars, &p) &&
	    p && (!pl_size_tuple(a, p, &n) || !pl_size_grow(&size, n, PTR)))
		return false;
	if (pl_size_word(a, f->code_extra, &p) && p &&
	    (!pl_read64(a->v, p, &n) || !pl_size_grow(&size, n + 1, PTR)))
		return false;
	if (pl_size_word(a, f->code_opcache, &p) && p && pl_has(f->opcache_entry_size)) {
		if (!pl_size_word(a, f->code_code, &code) || !pl_size_tuple(a, code, &n) ||
		    !pl_size_grow(&size, n / 2, 1) || (uint64_t)f->code_opcache_size >= a->avail)
			return false;
		size += a->obj[f->code_opcache_size] * (uint64_t)f->opcache_entry_size;
	}
	*ret = size;
	return true;
}

static bool code_int(const struct pl_size_ask *a, pl_addr code, int32_t offset, uint64_t *ret)
{
	uint32_t n;

	if (!pl_has(offset) || !pl_read32(a->v, code + (uint64_t)offset, &n))
		return false;
	*ret = n;
	return true;
}

/* Slots of a frame from 3.11 on: co_nlocalsplus + co_stacksize. */
static bool grow_slots(const struct pl_size_ask *a, pl_addr code, uint64_t *size)
{
	uint64_t locals, stack;

	return code_int(a, code, a->l->f.code_nlocalsplus, &locals) &&
	       code_int(a, code, a->l->f.code_stacksize, &stack) &&
	       pl_size_grow(size, locals + stack, PTR);
}

/* The code of an interpreter frame; 3.14 on a tagged reference (pycore_stackref.h). */
static bool iframe_code(const struct pl_size_ask *a, pl_addr iframe, pl_addr *code)
{
	if (!pl_read64(a->v, iframe + (uint64_t)a->l->f.iframe_executable, code))
		return false;
	if (a->l->frame_style == PL_FRAME_TAGGED)
		*code &= ~UINT64_C(3);
	return true;
}

/* Up to 3.10: locals, cells, free variables and the value stack follow the struct, which has one
 * slot. */
static bool size_frame_object(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t code, cells, frees, locals, stack, size = (uint64_t)a->t->basicsize - PTR;

	if (!pl_size_word(a, f->frame_code, &code) ||
	    !code_int(a, code, f->code_nlocals, &locals) ||
	    !code_int(a, code, f->code_stacksize, &stack) ||
	    !pl_read64(a->v, code + (uint64_t)f->code_cellvars, &cells) ||
	    !pl_read64(a->v, code + (uint64_t)f->code_freevars, &frees) ||
	    !pl_size_tuple(a, cells, &cells) || !pl_size_tuple(a, frees, &frees) ||
	    !pl_size_grow(&size, cells, PTR) || !pl_size_grow(&size, frees, PTR) ||
	    !pl_size_grow(&size, locals + stack, PTR))
		return false;
	*ret = size;
	return true;
}

/* Objects/frameobject.c. */
static bool size_frame(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t iframe, size;
	pl_addr code;

	if (a->l->frame_style == PL_FRAME_OBJECT)
		return size_frame_object(a, ret);
	size = (uint64_t)f->frame_own_iframe + (uint64_t)f->iframe_localsplus;
	if (!pl_size_word(a, f->frame_iframe, &iframe) || !iframe_code(a, iframe, &code) ||
	    !grow_slots(a, code, &size))
		return false;
	*ret = size;
	return true;
}

/* Objects/genobject.c: from 3.11 on the frame is part of a generator or coroutine. */
static bool size_gen(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t size = (uint64_t)f->gen_iframe + (uint64_t)f->iframe_localsplus;
	pl_addr code;

	if (pl_has(f->gen_code) ? !pl_size_word(a, f->gen_code, &code)
				: !iframe_code(a, a->addr + (uint64_t)f->gen_iframe, &code))
		return false;
	if (!grow_slots(a, code, &size))
		return false;
	*ret = size;
	return true;
}

/* The sizer of a kind in this version; NULL: object.__sizeof__. */
static pl_sizer *sizer_of(const struct pl_layout *l, unsigned kind)
{
	switch (kind) {
	case PL_KIND_STR:
		return size_str;
	case PL_KIND_DICT:
	case PL_KIND_DEFAULTDICT:
	case PL_KIND_FROZENDICT:
		return pl_size_dict;
	case PL_KIND_LIST:
		return size_list;
	case PL_KIND_BOOL: /* 2.7: an int of fixed size */
		return pl_has(l->f.int_ival) ? NULL : size_int;
	case PL_KIND_INT:
		return size_int;
	case PL_KIND_BYTES:
		return size_bytes;
	case PL_KIND_BYTEARRAY:
		return size_bytearray;
	case PL_KIND_SET:
	case PL_KIND_FROZENSET:
		return size_set;
	case PL_KIND_TYPE:
		return size_type;
	case PL_KIND_CODE:
		return size_code;
	case PL_KIND_FRAME:
		return size_frame;
	case PL_KIND_GENERATOR:
		return l->gen_state_style == PL_GEN_FRAME ? NULL : size_gen;
	case PL_KIND_ORDEREDDICT:
		return size_odict;
	default:
		return pl_size_extension(l, kind);
	}
}

/* No object is bigger than all memory that the process had and that a core would hold. */
static bool believable(const struct pl_size_ask *a, uint64_t size)
{
	const struct pl_core_info *info;

	if (size < SANE)
		return true;
	info = pl_image_info(a->v->im);
	return size <= info->present_bytes + info->missing_bytes;
}

uint64_t pl_sizeof(const struct pl_layout *l, struct pl_view *v, const struct pl_type *t,
		   pl_addr addr, const uint8_t *obj, uint64_t avail)
{
	struct pl_size_ask a = {
		.l = l,
		.v = v,
		.t = t,
		.addr = addr,
		.obj = obj,
		.avail = PL_MIN(avail, (uint64_t)t->basicsize),
	};
	pl_sizer *sizer = sizer_of(l, t->kind);
	uint8_t copy[MAX_FIXED];
	uint64_t size;

	if (a.avail < (uint64_t)t->basicsize && t->basicsize <= MAX_FIXED &&
	    pl_read(v, addr, copy, (uint64_t)t->basicsize)) {
		a.obj = copy; /* a static type on two pages, of which the core holds but one */
		a.avail = (uint64_t)t->basicsize;
	}
	if (!sizer || !sizer(&a, &size) || !believable(&a, size))
		size = generic(&a);
	if (!believable(&a, size))
		size = (uint64_t)t->basicsize;
	return size + head(&a);
}

uint32_t pl_sizeof_fixed(const struct pl_layout *l, const struct pl_type *t)
{
	if (t->itemsize || sizer_of(l, t->kind))
		return 0;
	return (uint32_t)t->basicsize + t->head_counted;
}
