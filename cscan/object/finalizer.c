/* finalizer.c - see finalizer.h. */
#include "object/finalizer.h"

#include "layout/facts.h"
#include "object/frames/generators.h"
#include "object/types/names.h"
#include "object/value/value.h"

enum {
	SETUP_LOOP = 120,  /* b_type of a block that needs no clean-up, up to 3.7 (opcode.h) */
	MAX_BLOCKS = 20,   /* CO_MAXBLOCKS, code.h */
	ENTRY_START = 128, /* first byte of an entry of an exception table, */
	ENTRY_MORE = 64,   /* and a byte that another one follows (3.11+,
			      Objects/exception_handling_notes.txt) */
};

struct pl_finalizers {
	const struct pl_objects *o;
	uint8_t *of_type; /* enum pl_finalizer, by type index */
	size_t n;
};

const char *pl_finalizer_name(enum pl_finalizer f)
{
	static const char *const names[] = {NULL, "__del__", "tp_finalize", "tp_del", "generator"};

	return names[f];
}

bool pl_finalizer_blocks(const struct pl_layout *l, enum pl_finalizer f)
{
	/* Before PEP 442 nobody could say what order is safe. */
	if (l->gc_style == PL_GC_REFS27)
		return f != PL_FINALIZER_NONE;
	return f == PL_FINALIZER_TP_DEL;
}

/* The nearest base that no class statement made, or -1. */
static int32_t c_base(const struct pl_objects *o, struct pl_view *v, const struct pl_type *t)
{
	for (int i = 0; i < PL_MAX_BASES && t->base; i++) {
		int32_t base = pl_types_find(o->types, v, t->base);

		if (base < 0)
			return -1;
		t = pl_types_at(o->types, (uint32_t)base);
		if (!t->python_class)
			return base;
	}
	return -1;
}

/* A slot of the type as an address, and whether a class of the program filled it. */
static pl_addr slot(const struct pl_objects *o, struct pl_view *v, const struct pl_type *t,
		    int32_t offset, bool *own)
{
	pl_addr function = pl_field_word(v, t->addr, offset);
	int32_t base = function && t->python_class ? c_base(o, v, t) : -1;

	*own = t->python_class &&
	       (base < 0 ||
		pl_field_word(v, pl_types_at(o->types, (uint32_t)base)->addr, offset) != function);
	return function;
}

/* A generator's own finalizer does something only while it is suspended: asked object by object. */
static enum pl_finalizer of_type(const struct pl_objects *o, struct pl_view *v,
				 const struct pl_type *t)
{
	bool before_442 = o->l->gc_style == PL_GC_REFS27, own;

	if (t->kind == PL_KIND_GENERATOR)
		return PL_FINALIZER_GENERATOR;
	if (slot(o, v, t, o->l->f.type_del, &own))
		return own ? PL_FINALIZER_DEL
		       /* 2.7 asks classes alone: a static type's is not looked at */
		       : before_442 && !t->is_heap ? PL_FINALIZER_NONE
						   : PL_FINALIZER_TP_DEL;
	if (!before_442 && slot(o, v, t, o->l->f.type_finalize, &own))
		return own ? PL_FINALIZER_DEL : PL_FINALIZER_TP_FINALIZE;
	return PL_FINALIZER_NONE;
}

struct pl_finalizers *pl_finalizers_new(const struct pl_objects *o, struct pl_view *v)
{
	struct pl_finalizers *f = pl_calloc(1, sizeof(*f));

	f->o = o;
	f->n = pl_types_count(o->types);
	f->of_type = pl_calloc(f->n + 1, 1);
	for (uint32_t i = 0; i < f->n; i++)
		f->of_type[i] = (uint8_t)of_type(o, v, pl_types_at(o->types, i));
	return f;
}

void pl_finalizers_free(struct pl_finalizers *f)
{
	if (!f)
		return;
	free(f->of_type);
	free(f);
}

/* ---- 2.7's old-style instances ---- */

/* _PyInstance_Lookup(): the instance's dict, then the class and its bases, depth first. */
static bool class_has_del(const struct pl_layout *l, struct pl_view *v, pl_addr class)
{
	pl_addr todo[PL_MAX_BASES], items, found;
	size_t n = 0;
	uint64_t n_items;

	todo[n++] = class;
	for (size_t at = 0; at < n; at++) {
		if (pl_dict_get(l, v, pl_field_word(v, todo[at], l->f.class27_dict), "__del__",
				&found))
			return true;
		if (!pl_tuple_items(l, v, pl_field_word(v, todo[at], l->f.class27_bases), &items,
				    &n_items))
			continue;
		for (uint64_t i = 0; i < n_items && n < PL_MAX_BASES; i++) {
			if (pl_read64(v, items + 8 * i, &todo[n]))
				n++;
		}
	}
	return false;
}

static bool instance_has_del(const struct pl_layout *l, struct pl_view *v, pl_addr addr)
{
	pl_addr found;

	return pl_dict_get(l, v, pl_field_word(v, addr, l->f.instance27_dict), "__del__", &found) ||
	       class_has_del(l, v, pl_field_word(v, addr, l->f.instance27_class));
}

/* ---- generators ---- */

/* Blocks of the frame that closing the generator would run (up to 3.10). */
static bool in_block(const struct pl_layout *l, struct pl_view *v, pl_addr frame)
{
	uint32_t n, type;

	if (!pl_has(l->f.frame_iblock) || !pl_has(l->f.frame_blockstack) ||
	    !pl_has(l->f.tryblock_size) || !pl_read32(v, frame + (uint64_t)l->f.frame_iblock, &n) ||
	    n > MAX_BLOCKS)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		pl_addr block = frame + (uint64_t)l->f.frame_blockstack +
				(uint64_t)i * (uint64_t)l->f.tryblock_size;

		if (pl_read32(v, block + (uint64_t)l->f.tryblock_type, &type) && type != SETUP_LOOP)
			return true;
	}
	return false;
}

/* The next number of an exception table: six bits a byte, the highest first. */
static uint32_t table_number(const uint8_t *table, size_t n, size_t *at)
{
	uint32_t ret = 0;

	while (*at < n) {
		uint8_t byte = table[(*at)++];

		ret = ret << 6 | (byte & (ENTRY_MORE - 1));
		if (!(byte & ENTRY_MORE))
			break;
	}
	return ret;
}

/* The handler of an exception raised at a byte of the code, as such a byte; -1 when it has none. */
static int64_t handler_of(const uint8_t *table, size_t n, int64_t instruction)
{
	for (size_t at = 0; at < n;) {
		uint32_t start = table_number(table, n, &at) * 2;
		uint32_t size = table_number(table, n, &at) * 2;
		uint32_t target = table_number(table, n, &at) * 2;

		table_number(table, n, &at); /* depth and whether the instruction is kept */
		if (instruction >= start && instruction - start < size)
			return target;
	}
	return -1;
}

/*
 * Closing the generator raises where it stands: does an except, finally or with block of the
 * program's see it? The compiler has handlers of its own that begin otherwise, around an await, an
 * async for, and from 3.12 on the whole body; what they raise again goes to the next one.
 */
static bool in_handler(const struct pl_layout *l, struct pl_view *v, const struct pl_pyframe *f)
{
	pl_addr bytes = pl_field_word(v, f->code, l->f.code_exceptiontable);
	uint64_t n = pl_field_word(v, bytes, l->f.var_size);
	const uint8_t *table = bytes && n && n < UINT32_MAX
				       ? pl_at(v, bytes + (uint64_t)l->f.bytes_data, n)
				       : NULL;
	int64_t at = f->instruction;

	for (int i = 0; table && i < MAX_BLOCKS; i++) {
		const uint8_t *opcode;

		at = handler_of(table, n, at);
		if (at < 0)
			return false;
		opcode = pl_at(v, f->code + (uint64_t)(l->f.code_code + at), 1);
		if (opcode && *opcode == l->push_exc_info)
			return true;
	}
	return false;
}

static bool generator_waits(const struct pl_objects *o, struct pl_view *v, pl_addr addr)
{
	struct pl_generator g;

	if (!pl_generator_read(o, v, addr, &g) || !g.has_frame ||
	    (g.state != PL_GENERATOR_SUSPENDED && g.state != PL_GENERATOR_WAITING))
		return false;
	return o->l->gen_state_style == PL_GEN_FRAME ? in_block(o->l, v, g.frame.frame)
						     : in_handler(o->l, v, &g.frame);
}

enum pl_finalizer pl_finalizer_of(const struct pl_finalizers *f, struct pl_view *v, pl_id id)
{
	const struct pl_objects *o = f->o;
	uint32_t type = o->type[id];
	/* A type that was met after the table was made is one of another's instance: it has none.
	 */
	enum pl_finalizer ret = type < f->n ? f->of_type[type] : PL_FINALIZER_NONE;

	if (pl_types_at(o->types, type)->kind == PL_KIND_INSTANCE27)
		return instance_has_del(o->l, v, o->addr[id]) ? PL_FINALIZER_DEL
							      : PL_FINALIZER_NONE;
	if (ret == PL_FINALIZER_GENERATOR && !generator_waits(o, v, o->addr[id]))
		return PL_FINALIZER_NONE;
	return ret;
}
