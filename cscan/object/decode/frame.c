/*
 * frame.c - frame objects (Objects/frameobject.c), in 2.7 to 3.10 the frames themselves, later made
 * only when somebody asks for one: then what the frame holds belongs to the thread or generator
 * that runs it, until that is done and the frame object takes it over.
 */
#include "object/decode/decode.h"

#include "object/frames/pyframe.h"

static void put_frame_itself(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	struct pl_pyframe frame;
	enum pl_frame_owner owner;

	pl_put_member(d, f->frame_code, ".f_code", true);
	pl_put_member(d, f->frame_builtins, ".f_builtins", true);
	pl_put_member(d, f->frame_globals, ".f_globals", true);
	pl_put_member(d, f->frame_locals, ".f_locals", true);
	pl_put_member(d, f->frame_exc_type, ".f_exc_type", true);
	pl_put_member(d, f->frame_exc_value, ".f_exc_value", true);
	pl_put_member(d, f->frame_exc_tb, ".f_exc_traceback", true);
	if (pl_pyframe_read(d->o, d->v, d->addr, &frame, &owner))
		pl_pyframe_put_slots(d, &frame, PL_NAMES_FRAME, true);
}

static void put_taken_over(const struct pl_decode *d)
{
	struct pl_pyframe frame;
	enum pl_frame_owner owner;

	pl_put_member(d, d->l->f.frame_extra_locals, "<extra locals>", true);
	pl_put_member(d, d->l->f.frame_locals_cache, "<cached f_locals>", true);
	pl_put_member(d, d->l->f.frame_overwritten, "<overwritten locals>", true);
	if (pl_pyframe_read(d->o, d->v, pl_word(d, d->l->f.frame_iframe), &frame, &owner) &&
	    owner == PL_FRAME_OF_OBJECT)
		pl_pyframe_put(d, &frame, PL_NAMES_FRAME, true);
}

void pl_decode_frame(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.frame_back, ".f_back", true);
	pl_put_member(d, d->l->f.frame_trace, ".f_trace", true);
	if (d->l->frame_style == PL_FRAME_OBJECT)
		put_frame_itself(d);
	else
		put_taken_over(d);
}

/* What frame.f_locals gives from 3.13 on. */
void pl_decode_frame_locals(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.framelocals_frame, "<frame>", true);
}
