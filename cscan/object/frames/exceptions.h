/*
 * exceptions.h - an exception with what led to it, and the entries of a traceback.
 */
#ifndef PL_EXCEPTIONS_H
#define PL_EXCEPTIONS_H

#include "object/objects.h"

struct pl_exception {
	pl_addr addr;
	pl_addr traceback; /* its own, 0 for none */
	const char
		*link; /* how the one before it leads here: "" for the first, "cause", "context" */
};

/*
 * The exception at addr and what it was raised from or while handling, as Python would print it
 * (__cause__, else __context__ unless it is suppressed), the first one itself; *ret malloced,
 * returns the number. The chain ends where it comes back to itself; of a very long
 * one the rest is left out, and ctx has a note that says so.
 */
size_t pl_exception_chain(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
			  struct pl_ctx *ctx, struct pl_exception **ret);

struct pl_traceback {
	pl_addr frame; /* frame object */
	pl_addr code;
	pl_addr next; /* the entry further in, 0 at the end */
	int line;     /* -1 unknown */
};
/* One entry; false when the object at addr is no traceback. */
bool pl_traceback_read(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		       struct pl_traceback *ret);

/*
 * Is the type at addr MemoryError, or a class derived from it? By its __mro__: the first base may
 * be another exception.
 */
bool pl_is_memory_error(const struct pl_objects *o, struct pl_view *v, pl_addr type);

#endif
