/*
 * generator.c - generators, coroutines, async generators and the little objects between them
 * (Objects/genobject.c, anext_awaitable in Objects/iterobject.c).
 */
#include "object/frames/generators.h"

#include "object/decode/decode.h"

/* The exception that it was handling when it stopped. */
static void put_handled(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.gen_exc_type, "<handled exception type>", true);
	pl_put_member(d, d->l->f.gen_exc_value, "<handled exception>", true);
	pl_put_member(d, d->l->f.gen_exc_tb, "<handled traceback>", true);
}

static void put_frame(const struct pl_decode *d, const struct pl_generator *g)
{
	static const char *const codes[] = {"", ".gi_code", ".cr_code", ".ag_code"};
	static const char *const frames[] = {"", ".gi_frame", ".cr_frame", ".ag_frame"};
	const struct pl_fields *f = &d->l->f;
	bool counted;
	pl_addr code;

	pl_put_member(d, f->gen_code, codes[g->names], true);
	if (d->l->gen_state_style == PL_GEN_FRAME) {
		pl_put_member(d, f->gen_frame, frames[g->names], true);
		return;
	}
	if (g->has_frame) {
		pl_pyframe_put(d, &g->frame, g->names, true);
		return;
	}
	/* A frame that is done has let go of all but its code, which 3.11 drops too. */
	if (pl_has(f->gen_code))
		return;
	code = pl_stackref(d->l, pl_word(d, f->gen_iframe + f->iframe_executable), &counted);
	pl_put(d, code, counted ? PL_EDGE_STRONG : PL_EDGE_BORROWED, PL_L_TEXT,
	       (uint64_t)(uintptr_t)codes[g->names], d->l->traverse_finished_code);
}

static void decode(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	struct pl_generator g;

	if (!pl_generator_read(d->o, d->v, d->addr, &g))
		return;
	pl_put_member(d, f->gen_name, ".__name__", true);
	pl_put_member(d, f->gen_qualname, ".__qualname__", true);
	put_frame(d, &g);
	put_handled(d);
	/* The two have one place, and a generator has neither. */
	if (g.names == PL_NAMES_COROUTINE)
		pl_put_member(d, f->coro_origin, ".cr_origin", false);
	if (g.names == PL_NAMES_ASYNC_GENERATOR)
		pl_put_member(d, f->asyncgen_finalizer, "<finalizer>", true);
}

void pl_decode_generator(const struct pl_decode *d)
{
	decode(d);
}

void pl_decode_coroutine(const struct pl_decode *d)
{
	decode(d);
}

void pl_decode_async_generator(const struct pl_decode *d)
{
	decode(d);
}

/* What coroutine.__await__() gives. */
void pl_decode_coroutine_wrapper(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.corowrapper_coroutine, "<coroutine>", true);
}

/* asend() and __anext__() of an async generator. */
void pl_decode_asend(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.asend_gen, "<async generator>", true);
	pl_put_member(d, d->l->f.asend_value, "<value to send>", true);
}

/* athrow() and aclose(); their arguments were one tuple at first. */
void pl_decode_athrow(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->athrow_gen, "<async generator>", true);
	pl_put_member(d, f->athrow_args, "<arguments>", true);
	pl_put_member(d, f->athrow_type, "<exception type>", true);
	pl_put_member(d, f->athrow_value, "<exception>", true);
	pl_put_member(d, f->athrow_tb, "<traceback>", true);
}

/* A value that an async generator yields, on its way out. */
void pl_decode_wrapped_value(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.wrapped_value, "<value>", true);
}

/* anext() with a default. */
void pl_decode_anext(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.anext_wrapped, "<awaitable>", true);
	pl_put_member(d, d->l->f.anext_default, "<default>", true);
}
