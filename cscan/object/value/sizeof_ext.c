/*
 * sizeof_ext.c - __sizeof__ of the stdlib's extension types.
 *
 * Each follows the method of that name in the module's C file. A class of the program may bear the
 * same name, so nothing is read beyond what the type itself says it has.
 */
#include "object/value/sizeof_ask.h"

#define PTR 8
#define MAX_TEXT (UINT64_C(1) << 20) /* of a C string that is counted */
#define MAX_NODES 1000000            /* of a parse tree */
#define MAX_DEPTH 4096               /* of a parse tree */

/* strlen() in the core, at most MAX_TEXT. */
static bool text_length(const struct pl_size_ask *a, pl_addr addr, uint64_t *ret)
{
	uint64_t n = 0;

	while (n < MAX_TEXT) {
		const struct pl_span *s = pl_image_span(a->v->im, addr + n);
		const uint8_t *from, *nul;
		uint64_t here;

		if (!s)
			return false;
		from = s->host + (addr + n - s->lo);
		here = PL_MIN(s->hi - (addr + n), MAX_TEXT - n);
		nul = memchr(from, 0, here);
		if (nul) {
			*ret = n + (uint64_t)(nul - from);
			return true;
		}
		n += here;
	}
	return false;
}

/* *size grows by the C string that a pointer in the object leads to, with its NUL; NULL counts
 * nothing. */
static bool grow_text(const struct pl_size_ask *a, int32_t offset, uint64_t *size)
{
	uint64_t p, n;

	if (!pl_size_word(a, offset, &p))
		return false;
	if (p && !text_length(a, p, &n))
		return false;
	*size += p ? n + 1 : 0;
	return true;
}

/* sys.getsizeof() of an exact bytes object. */
static bool bytes_size(const struct pl_size_ask *a, pl_addr addr, uint64_t *ret)
{
	uint64_t n, size = (uint64_t)a->l->f.bytes_data + 1;

	if (!pl_size_tuple(a, addr, &n) || !pl_size_grow(&size, n, 1))
		return false;
	*ret = size;
	return true;
}

static bool refcount_is_1(const struct pl_size_ask *a, pl_addr addr)
{
	uint64_t word;

	if (!pl_read64(a->v, addr + (uint64_t)a->l->f.object_refcnt, &word))
		return false;
	return (a->l->refcount_style == PL_REF_IMMORTAL_U32 ? (uint32_t)word : word) == 1;
}

/* *size grows by one word for each item that a count in the object tells. */
static bool plus_words(const struct pl_size_ask *a, int32_t offset, uint64_t *ret)
{
	uint64_t n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, offset, &n) || !pl_size_grow(&size, n, PTR))
		return false;
	*ret = size;
	return true;
}

/* Modules/_collectionsmodule.c: a block has two links and BLOCKLEN items. */
static bool size_deque(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t length, left, items, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, pl_has(f->deque_len27) ? f->deque_len27 : f->var_size, &length) ||
	    !pl_size_word(a, f->deque_leftindex, &left) || f->dequeblock_size <= 2 * PTR)
		return false;
	items = (uint64_t)f->dequeblock_size / PTR - 2;
	if (!pl_size_grow(&size, (left + length + items - 1) / items, (uint64_t)f->dequeblock_size))
		return false;
	*ret = size;
	return true;
}

/* Modules/arraymodule.c */
static bool size_array(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t n, descr, size = (uint64_t)a->t->basicsize;
	uint32_t width;

	if (!pl_size_word(a, f->array_allocated, &n) || !pl_size_word(a, f->array_descr, &descr) ||
	    !pl_read32(a->v, descr + (uint64_t)f->arraydescr_itemsize, &width) || width > 16 ||
	    !pl_size_grow(&size, n, width))
		return false;
	*ret = size;
	return true;
}

/* Modules/_struct.c: 2.7 counts s_len + 1 codes, later versions those before the one without
 * fmtdef. */
static bool size_struct(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t codes, fmtdef, n = 0, size = (uint64_t)a->t->basicsize;
	uint64_t stride = (uint64_t)f->structcode_size;

	if (!pl_size_word(a, f->struct_codes, &codes) || f->structcode_size <= 0)
		return false;
	if (a->l->str_style == PL_STR_27) {
		if (!pl_size_word(a, f->struct_len, &n))
			return false;
	} else {
		uint64_t at = codes + (uint64_t)f->structcode_fmtdef;

		while (n < MAX_TEXT && pl_read64(a->v, at + n * stride, &fmtdef) && fmtdef)
			n++;
	}
	if (!pl_size_grow(&size, n + 1, stride))
		return false;
	*ret = size;
	return true;
}

/* Modules/_io/bytesio.c: 2.7 has a C buffer, later versions a bytes object, counted while not
 * shared. */
static bool size_bytesio(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t buf, n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, f->bytesio_buf, &buf))
		return false;
	if (buf && pl_has(f->bytesio_buf_size)) {
		if (!pl_size_word(a, f->bytesio_buf_size, &n) || !pl_size_grow(&size, n, 1))
			return false;
	} else if (buf && refcount_is_1(a, buf)) {
		if (!bytes_size(a, buf, &n))
			return false;
		size += n;
	}
	*ret = size;
	return true;
}

/* Modules/_io/bufferedio.c */
static bool size_buffered(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t buffer, n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, a->l->f.buffered_buffer, &buffer) ||
	    !pl_size_word(a, a->l->f.buffered_buffer_size, &n))
		return false;
	if (buffer && !pl_size_grow(&size, n, 1))
		return false;
	*ret = size;
	return true;
}

/* Modules/_pickle.c: the memo table has {key, value} entries. */
static bool size_pickler(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t memo, output, n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, f->pickler_memo, &memo) ||
	    !pl_size_word(a, f->pickler_output, &output))
		return false;
	if (memo) {
		if (!pl_read64(a->v, memo + (uint64_t)f->memotable_allocated, &n) ||
		    !pl_size_grow(&size, n, 2 * PTR))
			return false;
		size += (uint64_t)f->memotable_size;
	}
	if (output) {
		if (!bytes_size(a, output, &n))
			return false;
		size += n;
	}
	*ret = size;
	return true;
}

static bool size_unpickler(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t memo, memo_n, marks, marks_n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, f->unpickler_memo, &memo) ||
	    !pl_size_word(a, f->unpickler_memo_size, &memo_n) ||
	    !pl_size_word(a, f->unpickler_marks, &marks) ||
	    !pl_size_word(a, f->unpickler_marks_size, &marks_n) ||
	    !pl_size_grow(&size, memo ? memo_n : 0, PTR) ||
	    !pl_size_grow(&size, marks ? marks_n : 0, PTR) ||
	    !grow_text(a, f->unpickler_input_line, &size) ||
	    !grow_text(a, f->unpickler_encoding, &size) ||
	    !grow_text(a, f->unpickler_errors, &size))
		return false;
	*ret = size;
	return true;
}

/* Modules/_decimal: words of the coefficient, once they do not fit into the object itself. */
static bool size_decimal(const struct pl_size_ask *a, uint64_t *ret)
{
	enum {
		NOT_ALLOCATED = 0xe0
	}; /* MPD_STATIC_DATA, MPD_SHARED_DATA, MPD_CONST_DATA: mpdecimal.h */
	const struct pl_fields *f = &a->l->f;
	uint64_t n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, f->decimal_alloc, &n) || !pl_has(f->decimal_flags) ||
	    (uint64_t)f->decimal_flags >= a->avail)
		return false;
	if (!(a->obj[f->decimal_flags] & NOT_ALLOCATED) && !pl_size_grow(&size, n, PTR))
		return false;
	*ret = size;
	return true;
}

/* Modules/itertoolsmodule.c: an index for each pool, for each place, or both. */
static bool size_product(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t pools, n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, a->l->f.product_pools, &pools) || !pl_size_tuple(a, pools, &n) ||
	    !pl_size_grow(&size, n, PTR))
		return false;
	*ret = size;
	return true;
}

static bool size_combinations(const struct pl_size_ask *a, uint64_t *ret)
{
	return plus_words(a, a->l->f.combinations_r, ret);
}

static bool size_combinations_wr(const struct pl_size_ask *a, uint64_t *ret)
{
	return plus_words(a, a->l->f.combinations_wr_r, ret);
}

static bool size_permutations(const struct pl_size_ask *a, uint64_t *ret)
{
	uint64_t pool, n, size;

	if (!plus_words(a, a->l->f.permutations_r, &size) ||
	    !pl_size_word(a, a->l->f.permutations_pool, &pool) || !pl_size_tuple(a, pool, &n) ||
	    !pl_size_grow(&size, n, PTR))
		return false;
	*ret = size;
	return true;
}

/* Modules/_elementtree.c: children lie in the extra struct while they are few. */
static bool size_element(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t extra, children, n, size = (uint64_t)a->t->basicsize;

	if (!pl_size_word(a, f->element_extra, &extra))
		return false;
	if (extra) {
		size += (uint64_t)f->elementextra_size;
		if (!pl_read64(a->v, extra + (uint64_t)f->elementextra_children, &children) ||
		    !pl_read64(a->v, extra + (uint64_t)f->elementextra_allocated, &n))
			return false;
		if (children != extra + (uint64_t)f->elementextra_own &&
		    !pl_size_grow(&size, n, PTR))
			return false;
	}
	*ret = size;
	return true;
}

/* Modules/_ctypes/stgdict.c, 3.7 to 3.12; counts the struct beyond the dict twice, so do we. */
static bool size_stgdict(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t size, elements, length;

	if (!pl_size_dict(a, &size))
		return false;
	if (!pl_has(a->l->f.runtime_size)) { /* before 3.7, which brought _PyRuntime too: a dict's
					      */
		*ret = size;
		return true;
	}
	if (!pl_has(f->stgdict_ndim) || (uint64_t)f->stgdict_ndim + 4 > a->avail ||
	    !grow_text(a, f->stgdict_format, &size) ||
	    !pl_size_word(a, f->stgdict_elements, &elements) ||
	    !pl_size_word(a, f->stgdict_length, &length))
		return false;
	size += (uint64_t)(f->stgdict_size - f->dict_size);
	if (!pl_size_grow(&size, pl_ld32(a->obj + f->stgdict_ndim), PTR) ||
	    (elements && !pl_size_grow(&size, length + 1, PTR)))
		return false;
	*ret = size;
	return true;
}

/*
 * Modules/_ctypes/_ctypes.c, 3.13 on: a type object, and what its StgInfo holds, which lies behind
 * the struct of a plain heap type.
 */
static bool size_ctype(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t at = pl_round_up((uint64_t)f->heaptype_size, 16), n, elements, length;
	uint64_t size = (uint64_t)a->t->basicsize;
	struct pl_size_ask info = *a;

	if (!pl_size_word(a, f->var_size, &n) ||
	    !pl_size_grow(&size, n, (uint64_t)a->t->itemsize) || !pl_has(f->stginfo_ndim) ||
	    at >= a->avail)
		return false;
	info.obj += at;
	info.avail -= at;
	if ((uint64_t)f->stginfo_ndim + 4 > info.avail)
		return false;
	if (pl_ld32(info.obj + f->stginfo_initialized)) {
		if (!grow_text(&info, f->stginfo_format, &size) ||
		    !pl_size_word(&info, f->stginfo_elements, &elements) ||
		    !pl_size_word(&info, f->stginfo_length, &length) ||
		    (elements && !pl_size_grow(&size, length + 1, PTR)) ||
		    !pl_size_grow(&size, pl_ld32(info.obj + f->stginfo_ndim), PTR))
			return false;
	}
	*ret = size;
	return true;
}

/* Modules/_queuemodule.c */
static bool size_simplequeue(const struct pl_size_ask *a, uint64_t *ret)
{
	return plus_words(a, a->l->f.simplequeue_cap, ret);
}

/* How much room the parser of 2.7 to 3.9 makes for n children: fancy_roundup() of Parser/node.c. */
static uint64_t node_room(uint64_t n)
{
	uint64_t room = 256;

	if (n <= 1)
		return n;
	if (n <= 128)
		return pl_round_up(n, 4);
	while (room < n)
		room <<= 1;
	return room;
}

struct siblings {
	pl_addr next;
	uint64_t left;
};

/* What one node adds: its text and the array of its children, which is *below. */
static bool grow_node(const struct pl_size_ask *a, pl_addr node, uint64_t *size,
		      struct siblings *below)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t text, n = 0, child;
	uint32_t count;

	if (!pl_read32(a->v, node + (uint64_t)f->node_nchildren, &count) ||
	    !pl_read64(a->v, node + (uint64_t)f->node_child, &child) ||
	    !pl_read64(a->v, node + (uint64_t)f->node_str, &text) ||
	    (text && !text_length(a, text, &n)))
		return false;
	*below = (struct siblings){child, child ? count : 0};
	*size += text ? n + 1 : 0;
	return pl_size_grow(size, node_room(below->left), (uint64_t)f->node_size);
}

/* Modules/parsermodule.c: a parse tree of the parser module. */
static bool size_st(const struct pl_size_ask *a, uint64_t *ret)
{
	const struct pl_fields *f = &a->l->f;
	uint64_t root, size = (uint64_t)a->t->basicsize;
	struct siblings stack[MAX_DEPTH];
	unsigned depth = 1;

	if (!pl_has(f->node_child) || !pl_size_word(a, f->st_node, &root))
		return false;
	stack[0] = (struct siblings){root, root ? 1 : 0};
	size += root ? (uint64_t)f->node_size : 0;
	for (unsigned seen = 0; depth;) {
		struct siblings *s = &stack[depth - 1], below;

		if (!s->left) {
			depth--;
			continue;
		}
		if (seen++ == MAX_NODES || !grow_node(a, s->next, &size, &below))
			return false;
		s->next += (uint64_t)f->node_size;
		s->left--;
		if (below.left) {
			if (depth == MAX_DEPTH)
				return false;
			stack[depth++] = below;
		}
	}
	*ret = size;
	return true;
}

pl_sizer *pl_size_extension(const struct pl_layout *l, unsigned kind)
{
	switch (kind) {
	case PL_KIND_DEQUE:
		return size_deque;
	case PL_KIND_ARRAY:
		return size_array;
	case PL_KIND_STRUCT:
		return size_struct;
	case PL_KIND_BYTESIO:
		return size_bytesio;
	case PL_KIND_BUFFERED:
		return size_buffered;
	case PL_KIND_PICKLER:
		return size_pickler;
	case PL_KIND_UNPICKLER:
		return size_unpickler;
	case PL_KIND_DECIMAL:
		return size_decimal;
	case PL_KIND_PRODUCT:
		return l->itertools_sizeof ? size_product : NULL;
	case PL_KIND_COMBINATIONS:
		return l->itertools_sizeof ? size_combinations : NULL;
	case PL_KIND_COMBINATIONS_WR:
		return l->itertools_sizeof ? size_combinations_wr : NULL;
	case PL_KIND_PERMUTATIONS:
		return l->itertools_sizeof ? size_permutations : NULL;
	case PL_KIND_ELEMENT:
		return size_element;
	case PL_KIND_STGDICT:
		return size_stgdict;
	case PL_KIND_CTYPE_TYPE:
		return size_ctype;
	case PL_KIND_SIMPLEQUEUE:
		return l->simplequeue_sizeof ? size_simplequeue : NULL;
	case PL_KIND_ST:
		return size_st;
	default:
		return NULL;
	}
}
