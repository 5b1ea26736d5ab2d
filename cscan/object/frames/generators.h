/*
 * generators.h - generators, coroutines and async generators: where each stands and what it waits
 * for.
 */
#ifndef PL_GENERATORS_H
#define PL_GENERATORS_H

#include "object/frames/pyframe.h"

enum pl_generator_state {
	PL_GENERATOR_CREATED,   /* its code has not begun */
	PL_GENERATOR_SUSPENDED, /* in a yield */
	PL_GENERATOR_WAITING,   /* in a `yield from`, `await`, `async for` or `async with` */
	PL_GENERATOR_RUNNING,   /* its frame is on a thread's stack */
	PL_GENERATOR_FINISHED,  /* it has no frame any more */
};

struct pl_generator {
	enum pl_generator_state state;
	enum pl_frame_names names; /* which of the three kinds it is */
	bool has_frame;            /* frame holds: never when it is finished */
	struct pl_pyframe frame;
	pl_addr code;           /* code object, 0 when it was freed with the frame */
	pl_addr name, qualname; /* str, 0 in 2.7 */
	pl_addr waits_for;      /* the iterator or awaitable that it delegates to, when it waits */
};

/* False when the object at addr is no generator of any kind. */
bool pl_generator_read(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		       struct pl_generator *ret);
const char *pl_generator_state_name(enum pl_generator_state s); /* "created", "suspended" ... */
/*
 * What an awaitable that is no generator stands for: the coroutine of an `await`ed wrapper, the
 * async generator of an asend() or athrow(), the future of a future's iterator, the coroutine of a
 * task. 0 for what stands for itself.
 */
pl_addr pl_awaitable_inner(const struct pl_objects *o, struct pl_view *v, pl_addr addr);

#endif
