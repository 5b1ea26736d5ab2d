/*
 * pyframe.h - reading one frame, wherever it lies; for threads.c and the decoders of frames and
 * generators.
 */
#ifndef PL_PYFRAME_H
#define PL_PYFRAME_H

#include "object/frames/threads.h"

/* Who owns what a frame holds. */
enum pl_frame_owner {
	PL_FRAME_OF_THREAD,    /* it is on the stack of a thread (3.11 on) */
	PL_FRAME_OF_GENERATOR, /* it is part of a generator (3.11 on) */
	PL_FRAME_OF_OBJECT,    /* a frame object: always up to 3.10, later when nothing runs it any
				  more */
	PL_FRAME_OF_NOBODY,    /* an entry marker of the interpreter's own: it holds nothing */
};

/*
 * The frame at addr: a PyFrameObject up to 3.10 (frame_style PL_FRAME_OBJECT), else an
 * _PyInterpreterFrame. False when it is none; *owner is set in any case when the memory is at hand.
 */
bool pl_pyframe_read(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		     struct pl_pyframe *ret, enum pl_frame_owner *owner);
/* The frame that called it, 0 for none. */
pl_addr pl_pyframe_back(const struct pl_layout *l, struct pl_view *v, pl_addr addr);

/* What a frame's references are called: seen from a frame object or from the generator that owns
 * it. */
enum pl_frame_names {
	PL_NAMES_FRAME,
	PL_NAMES_GENERATOR,
	PL_NAMES_COROUTINE,
	PL_NAMES_ASYNC_GENERATOR,
};
/* What an _PyInterpreterFrame owns: function, code, dict of locals, frame object, locals, stack. */
void pl_pyframe_put(const struct pl_decode *d, const struct pl_pyframe *f,
		    enum pl_frame_names names, bool traversed);
/* Locals and evaluation stack alone: all that a frame object up to 3.10 shares with the later ones.
 */
void pl_pyframe_put_slots(const struct pl_decode *d, const struct pl_pyframe *f,
			  enum pl_frame_names names, bool traversed);

#endif
