/*
 * generators.c - see generators.h. Facts: Objects/genobject.c, Include/internal/pycore_frame.h
 * (states of a frame), Modules/_asynciomodule.c of each version.
 */
#include "object/frames/generators.h"

#include "object/types/rows.h"
#include "object/value/value.h"

enum {
	YIELD_FROM = 72,      /* opcode, 3.6 to 3.10 (Include/opcode.h) */
	AFTER_YIELD_FROM = 2, /* 3.11, 3.12: argument of the RESUME that follows, from here on */
	UNIT = 2,
};

static int byte(struct pl_view *v, pl_addr base, int32_t offset)
{
	const uint8_t *p = pl_has(offset) ? pl_at(v, base + (uint64_t)(int64_t)offset, 1) : NULL;

	return p ? (int8_t)*p : 0;
}

const char *pl_generator_state_name(enum pl_generator_state s)
{
	static const char *const names[] = {"created", "suspended", "waiting", "running",
					    "finished"};

	return names[s];
}

/* The instruction after the last one: opcode and argument; 0 where there is none. */
static unsigned next_instruction(const struct pl_layout *l, struct pl_view *v,
				 const struct pl_pyframe *f)
{
	pl_addr code = f->code + (uint64_t)l->f.code_code;
	const uint8_t *p;

	if (l->frame_style == PL_FRAME_OBJECT)
		code = pl_field_word(v, f->code, l->f.code_code) + (uint64_t)l->f.bytes_data;
	p = pl_at(v, code + (uint64_t)(f->instruction + UNIT), UNIT);
	return p ? pl_ld16(p) : 0;
}

/* A generator up to 3.10: it has a frame object, which it drops when it is finished. */
static void read_by_frame(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
			  struct pl_generator *g)
{
	const struct pl_layout *l = o->l;
	pl_addr frame = pl_field_word(v, addr, l->f.gen_frame);
	enum pl_frame_owner owner;
	bool runs;

	g->code = pl_field_word(v, addr, l->f.gen_code);
	g->state = PL_GENERATOR_FINISHED;
	g->has_frame = pl_pyframe_read(o, v, frame, &g->frame, &owner);
	if (!g->has_frame)
		return;
	runs = pl_has(l->f.gen_running) ? byte(v, addr, l->f.gen_running)
					: byte(v, frame, l->f.frame_state) == 0;
	if (runs)
		g->state = PL_GENERATOR_RUNNING;
	else if (g->frame.instruction < 0)
		g->state = PL_GENERATOR_CREATED;
	/* 2.7 has no `yield from`, and no such instructions. */
	else if (l->line_style != PL_LINES_LNOTAB27 &&
		 (next_instruction(l, v, &g->frame) & 0xff) == YIELD_FROM)
		g->state = PL_GENERATOR_WAITING;
	else
		g->state = PL_GENERATOR_SUSPENDED;
}

static enum pl_generator_state state_of(const struct pl_layout *l, int n)
{
	switch (l->gen_state_style) {
	case PL_GEN_315:
		return n == 0   ? PL_GENERATOR_CREATED
		       : n == 1 ? PL_GENERATOR_SUSPENDED
		       : n <= 3 ? PL_GENERATOR_WAITING
		       : n == 4 ? PL_GENERATOR_RUNNING
				: PL_GENERATOR_FINISHED;
	case PL_GEN_313:
		return n == -3   ? PL_GENERATOR_CREATED
		       : n == -2 ? PL_GENERATOR_SUSPENDED
		       : n == -1 ? PL_GENERATOR_WAITING
		       : n == 0  ? PL_GENERATOR_RUNNING
				 : PL_GENERATOR_FINISHED;
	default:
		return n == -2   ? PL_GENERATOR_CREATED
		       : n == -1 ? PL_GENERATOR_SUSPENDED
		       : n == 0  ? PL_GENERATOR_RUNNING
				 : PL_GENERATOR_FINISHED;
	}
}

/* A generator since 3.11: the interpreter's frame is a part of it. */
static void read_embedded(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
			  struct pl_generator *g)
{
	const struct pl_layout *l = o->l;
	pl_addr frame = addr + (uint64_t)l->f.gen_iframe;
	enum pl_frame_owner owner;
	bool counted;

	g->state = state_of(l, byte(v, addr, l->f.gen_frame_state));
	g->code = pl_field_word(v, addr, l->f.gen_code);
	if (!g->code)
		g->code = pl_stackref(l, pl_field_word(v, frame, l->f.iframe_executable), &counted);
	if (g->state == PL_GENERATOR_FINISHED)
		return;
	g->has_frame = pl_pyframe_read(o, v, frame, &g->frame, &owner);
	if (g->has_frame && g->state == PL_GENERATOR_SUSPENDED &&
	    l->gen_state_style == PL_GEN_311 &&
	    next_instruction(l, v, &g->frame) >> 8 >= AFTER_YIELD_FROM)
		g->state = PL_GENERATOR_WAITING;
}

static const struct pl_type *type_of(const struct pl_objects *o, struct pl_view *v, pl_addr addr)
{
	pl_addr type_addr = pl_field_word(v, addr, o->l->f.object_type);
	int32_t type = type_addr ? pl_types_find(o->types, v, type_addr) : -1;

	return type < 0 ? NULL : pl_types_at(o->types, (uint32_t)type);
}

static bool kind_of(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		    enum pl_frame_names *ret)
{
	const struct pl_type *t = type_of(o, v, addr);

	switch (t ? t->decoder : PL_DECODER_native) {
	case PL_DECODER_generator:
		*ret = PL_NAMES_GENERATOR;
		return true;
	case PL_DECODER_coroutine:
		*ret = PL_NAMES_COROUTINE;
		return true;
	case PL_DECODER_async_generator:
		*ret = PL_NAMES_ASYNC_GENERATOR;
		return true;
	default:
		return false;
	}
}

bool pl_generator_read(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		       struct pl_generator *ret)
{
	const struct pl_layout *l = o->l;
	struct pl_generator g = {0};
	/* 3.15 has one more entry above what is waited for. */
	uint32_t depth = l->gen_state_style == PL_GEN_315 ? 2 : 1;

	if (!kind_of(o, v, addr, &g.names) || !pl_at(v, addr, (uint64_t)l->f.gen_struct_size))
		return false;
	if (l->gen_state_style == PL_GEN_FRAME)
		read_by_frame(o, v, addr, &g);
	else
		read_embedded(o, v, addr, &g);
	g.name = pl_field_word(v, addr, l->f.gen_name);
	g.qualname = pl_field_word(v, addr, l->f.gen_qualname);
	if (g.state == PL_GENERATOR_WAITING && g.frame.n_stack >= depth) {
		uint32_t top = g.frame.n_locals + g.frame.n_stack - depth;
		bool counted;

		g.waits_for = pl_stackref(
			l, pl_field_word(v, g.frame.locals + 8 * (uint64_t)top, 0), &counted);
	}
	*ret = g;
	return true;
}

pl_addr pl_awaitable_inner(const struct pl_objects *o, struct pl_view *v, pl_addr addr)
{
	const struct pl_fields *f = &o->l->f;
	const struct pl_type *t = type_of(o, v, addr);

	switch (t ? t->decoder : PL_DECODER_nothing) {
	case PL_DECODER_coroutine_wrapper:
		return pl_field_word(v, addr, f->corowrapper_coroutine);
	case PL_DECODER_asend:
		return pl_field_word(v, addr, f->asend_gen);
	case PL_DECODER_athrow:
		return pl_field_word(v, addr, f->athrow_gen);
	case PL_DECODER_anext:
		return pl_field_word(v, addr, f->anext_wrapped);
	case PL_DECODER_futureiter:
		return pl_field_word(v, addr, f->futureiter_future);
	case PL_DECODER_task:
		return pl_field_word(v, addr, f->task_coro);
	default:
		return 0;
	}
}
