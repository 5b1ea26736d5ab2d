/*
 * pyframe.c - one Python frame: PyFrameObject up to 3.10 (Include/cpython/frameobject.h), then
 * _PyInterpreterFrame (Include/internal/pycore_frame.h, from 3.14 on pycore_interpframe_structs.h).
 *
 * Trusted of an evaluation stack is what the frame itself says: while the interpreter runs a frame,
 * the top is in a register, and only 3.14 and later write it down before each call.
 */
#include "object/frames/pyframe.h"

#include "object/frames/lines.h"

enum {
	UNIT = 2,            /* bytes of an instruction (_Py_CODEUNIT) */
	MAX_STACK = 1 << 16, /* slots of an evaluation stack; compilers stop far below */
	CO_OPTIMIZED = 1,    /* co_flags (Include/code.h): locals are in slots */
	CO_ANY_GENERATOR = 0x20 | 0x80 | 0x200, /* generator, coroutine, async generator */
	TAG_BITS = 3,                           /* of a stack reference (pycore_stackref.h) */
	TAG_NOT_COUNTED = 1,
};

static int byte(struct pl_view *v, pl_addr base, int32_t offset)
{
	const uint8_t *p = pl_has(offset) ? pl_at(v, base + (uint64_t)(int64_t)offset, 1) : NULL;

	return p ? *p : 0;
}

static bool is_kind(const struct pl_objects *o, struct pl_view *v, pl_addr addr, uint8_t kind)
{
	int32_t type =
		addr ? pl_types_find(o->types, v, pl_field_word(v, addr, o->l->f.object_type)) : -1;

	return type >= 0 && pl_types_at(o->types, (uint32_t)type)->kind == kind;
}

pl_addr pl_stackref(const struct pl_layout *l, uint64_t ref, bool *counted)
{
	uint64_t tag = ref & TAG_BITS;

	*counted = true;
	if (l->frame_style != PL_FRAME_TAGGED)
		return ref;
	*counted = tag == 0;
	return tag > TAG_NOT_COUNTED ? 0 : ref & ~(uint64_t)TAG_BITS;
}

/* How deep the stack is, by what the frame says: slots from localsplus on, or -1. */
static int64_t iframe_top(const struct pl_layout *l, struct pl_view *v, const struct pl_pyframe *f)
{
	if (l->frame_style == PL_FRAME_TAGGED) {
		uint64_t top = pl_field_word(v, f->frame, l->f.iframe_stacktop);

		return top < f->locals || top & 7 ? -1 : (int64_t)((top - f->locals) / 8);
	}
	return pl_field_int(v, f->frame, l->f.iframe_stacktop);
}

/* Divide the slots into locals and stack: top is -1 when the depth is not known. */
static void set_slots(const struct pl_layout *l, struct pl_view *v, struct pl_pyframe *f,
		      int64_t top)
{
	int64_t n_locals = pl_code_n_locals(l, v, f->code);
	int64_t size = pl_field_int(v, f->code, l->f.code_stacksize);

	size = size < 0 ? 0 : PL_MIN(size, MAX_STACK);
	if (top < 0 || top > n_locals + size) {
		f->n_locals = (uint32_t)n_locals;
		f->n_unsure = (uint32_t)size;
		return;
	}
	/* A frame that was cleared has a top below its locals. */
	f->n_locals = (uint32_t)PL_MIN(top, n_locals);
	f->n_stack = (uint32_t)(top - f->n_locals);
}

static enum pl_frame_owner owner_of(const struct pl_layout *l, struct pl_view *v, pl_addr frame)
{
	int owner = byte(v, frame, l->f.iframe_owner);

	return owner < PL_FRAME_OF_NOBODY ? (enum pl_frame_owner)owner : PL_FRAME_OF_NOBODY;
}

static bool read_iframe(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
			struct pl_pyframe *f, enum pl_frame_owner *owner)
{
	const struct pl_layout *l = o->l;
	uint64_t instr;
	bool counted;

	if (!pl_at(v, addr, (uint64_t)l->f.iframe_localsplus))
		return false;
	*owner = owner_of(l, v, addr);
	if (*owner == PL_FRAME_OF_NOBODY)
		return false;
	f->code = pl_stackref(l, pl_field_word(v, addr, l->f.iframe_executable), &counted);
	if (!is_kind(o, v, f->code, PL_KIND_CODE))
		return false;
	f->frame = addr;
	f->function = pl_stackref(l, pl_field_word(v, addr, l->f.iframe_func), &counted);
	f->globals = pl_field_word(v, addr, l->f.iframe_globals);
	f->builtins = pl_field_word(v, addr, l->f.iframe_builtins);
	f->frame_obj = pl_field_word(v, addr, l->f.iframe_frame_obj);
	f->locals = addr + (uint64_t)l->f.iframe_localsplus;
	f->generator = *owner == PL_FRAME_OF_GENERATOR;
	set_slots(l, v, f, iframe_top(l, v, f));
	instr = pl_field_word(v, addr, l->f.iframe_instr);
	f->instruction = (int64_t)(instr - f->code - (uint64_t)l->f.code_code);
	f->line = pl_field_int(v, f->frame_obj, f->frame_obj ? l->f.frame_lineno : PL_NONE);
	return true;
}

/* Depth of the value stack of a frame object; -1 while it runs, for then it is not written down. */
static int64_t object_top(const struct pl_layout *l, struct pl_view *v, const struct pl_pyframe *f)
{
	int64_t n_locals = pl_code_n_locals(l, v, f->code);
	uint64_t base = pl_field_word(v, f->frame, l->f.frame_valuestack), top;
	int depth = pl_field_int(v, f->frame, l->f.frame_stackdepth);

	if (base != f->locals + 8 * (uint64_t)n_locals)
		return n_locals;
	if (pl_has(l->f.frame_stackdepth))
		return depth < 0 ? -1 : n_locals + depth;
	top = pl_field_word(v, f->frame, l->f.frame_stacktop);
	if (top)
		return top < base || top & 7 ? n_locals : n_locals + (int64_t)((top - base) / 8);
	/* 2.7 does not say either whether it runs. */
	return pl_has(l->f.frame_state) && !byte(v, f->frame, l->f.frame_state) ? n_locals : -1;
}

static bool read_object(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
			struct pl_pyframe *f, enum pl_frame_owner *owner)
{
	const struct pl_layout *l = o->l;

	if (!pl_at(v, addr, (uint64_t)l->f.frame_localsplus))
		return false;
	*owner = PL_FRAME_OF_OBJECT;
	f->code = pl_field_word(v, addr, l->f.frame_code);
	if (!is_kind(o, v, f->code, PL_KIND_CODE))
		return false;
	f->frame = f->frame_obj = addr;
	f->globals = pl_field_word(v, addr, l->f.frame_globals);
	f->builtins = pl_field_word(v, addr, l->f.frame_builtins);
	f->locals = addr + (uint64_t)l->f.frame_localsplus;
	f->generator = pl_field_int(v, f->code, l->f.code_flags) & CO_ANY_GENERATOR;
	set_slots(l, v, f, object_top(l, v, f));
	/* f_localsplus is the variable part of the object. */
	if ((uint64_t)f->n_locals + f->n_stack + f->n_unsure >
	    pl_field_word(v, addr, l->f.var_size))
		f->n_locals = f->n_stack = f->n_unsure = 0;
	/* 3.10 counts instructions, those before it bytes. */
	f->instruction = pl_field_int(v, addr, l->f.frame_lasti) *
			 (int64_t)(l->line_style == PL_LINES_310 ? UNIT : 1);
	/* A line that was set is the line: always up to 3.9 while it is traced, in 3.10 when not 0.
	 */
	if (l->line_style == PL_LINES_310 || pl_field_word(v, addr, l->f.frame_trace))
		f->line = pl_field_int(v, addr, l->f.frame_lineno);
	return true;
}

bool pl_pyframe_read(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		     struct pl_pyframe *ret, enum pl_frame_owner *owner)
{
	const struct pl_layout *l = o->l;
	bool objects = l->frame_style == PL_FRAME_OBJECT;
	struct pl_pyframe f = {0};

	if (!addr ||
	    !(objects ? read_object(o, v, addr, &f, owner) : read_iframe(o, v, addr, &f, owner)))
		return false;
	if (!(pl_field_int(v, f.code, l->f.code_flags) & CO_OPTIMIZED))
		f.namespace =
			pl_field_word(v, addr, objects ? l->f.frame_locals : l->f.iframe_locals);
	if (f.line <= 0)
		f.line = pl_code_line(l, v, f.code, f.instruction);
	*ret = f;
	return true;
}

pl_addr pl_pyframe_back(const struct pl_layout *l, struct pl_view *v, pl_addr addr)
{
	return pl_field_word(v, addr,
			     l->frame_style == PL_FRAME_OBJECT ? l->f.frame_back
							       : l->f.iframe_previous);
}

pl_addr pl_pyframe_local(const struct pl_objects *o, struct pl_view *v, const struct pl_pyframe *f,
			 uint32_t i)
{
	enum pl_local_kind kind = pl_code_local_kind(o->l, v, f->code, i);
	bool counted;
	pl_addr value;

	/* A class body sees the variables around it, but they are not its locals. */
	if (i >= f->n_locals || (kind == PL_LOCAL_FREE && f->namespace))
		return 0;
	value = pl_stackref(o->l, pl_field_word(v, f->locals + 8 * (uint64_t)i, 0), &counted);
	/* Before its first instructions ran, a function has the argument where the cell will be. */
	return kind != PL_LOCAL_PLAIN && is_kind(o, v, value, PL_KIND_CELL)
		       ? pl_field_word(v, value, o->l->f.cell_ref)
		       : value;
}

void pl_pyframe_put_slots(const struct pl_decode *d, const struct pl_pyframe *f,
			  enum pl_frame_names names, bool traversed)
{
	static const uint8_t local_labels[] = {PL_L_LOCAL, PL_L_GI_LOCAL, PL_L_CR_LOCAL,
					       PL_L_AG_LOCAL};
	uint64_t n = (uint64_t)f->n_locals + f->n_stack + f->n_unsure;
	const uint8_t *slots = n ? pl_at(d->v, f->locals, 8 * n) : NULL;

	for (uint32_t i = 0; slots && i < n; i++) {
		bool counted, sure = i < f->n_locals + f->n_stack;
		pl_addr target = pl_stackref(d->l, pl_ld64(slots + 8 * (uint64_t)i), &counted);
		uint8_t kind = counted ? PL_EDGE_STRONG : PL_EDGE_BORROWED;

		if (!target)
			continue;
		if (i < f->n_locals)
			pl_put(d, target, kind, local_labels[names],
			       pl_code_local_name(d->l, d->v, f->code, i), traversed);
		else if (sure || (!(target & 7) && pl_objects_id(d->o, target) != PL_NO_ID))
			pl_put(d, target, sure ? kind : PL_EDGE_NATIVE, PL_L_STACK, i - f->n_locals,
			       traversed && sure);
	}
}

static void put_ref(const struct pl_decode *d, uint64_t ref, const char *label, bool traversed)
{
	bool counted;
	pl_addr target = pl_stackref(d->l, ref, &counted);

	pl_put(d, target, counted ? PL_EDGE_STRONG : PL_EDGE_BORROWED, PL_L_TEXT,
	       (uint64_t)(uintptr_t)label, traversed);
}

void pl_pyframe_put(const struct pl_decode *d, const struct pl_pyframe *f,
		    enum pl_frame_names names, bool traversed)
{
	static const struct {
		const char *function, *code, *locals, *frame;
	} labels[] = {
		{"<function>", ".f_code", ".f_locals", "<frame>"},
		{".gi_frame.<function>", ".gi_code", ".gi_frame.f_locals", ".gi_frame"},
		{".cr_frame.<function>", ".cr_code", ".cr_frame.f_locals", ".cr_frame"},
		{".ag_frame.<function>", ".ag_code", ".ag_frame.f_locals", ".ag_frame"},
	};
	const struct pl_fields *fields = &d->l->f;

	put_ref(d, pl_field_word(d->v, f->frame, fields->iframe_func), labels[names].function,
		traversed);
	put_ref(d, pl_field_word(d->v, f->frame, fields->iframe_executable), labels[names].code,
		traversed);
	pl_put(d, pl_field_word(d->v, f->frame, fields->iframe_locals), PL_EDGE_STRONG, PL_L_TEXT,
	       (uint64_t)(uintptr_t)labels[names].locals, traversed);
	pl_put(d, f->frame_obj, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t)labels[names].frame,
	       traversed);
	/* The collector goes up to the top that is written down: nowhere while it is not. */
	pl_pyframe_put_slots(d, f, names, traversed && !f->n_unsure);
}

void pl_pyframe_edges(const struct pl_objects *o, struct pl_view *v, const struct pl_pyframe *f,
		      pl_edge_fn *fn, void *arg)
{
	struct pl_decode d = {.o = o, .l = o->l, .v = v, .addr = f->frame, .fn = fn, .arg = arg};

	if (f->generator)
		return;
	if (o->l->frame_style == PL_FRAME_OBJECT)
		pl_put(&d, f->frame, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "", false);
	else
		pl_pyframe_put(&d, f, PL_NAMES_FRAME, false);
}
