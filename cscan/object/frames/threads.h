/*
 * threads.h - the Python threads of the process, their stacks, and what frames and code objects
 * say.
 */
#ifndef PL_THREADS_H
#define PL_THREADS_H

#include "object/edges/edges.h"

/* A frame: on a thread's Python stack, kept by a frame object, or of a generator. */
struct pl_pyframe {
	pl_addr frame;     /* PyFrameObject (up to 3.10) or _PyInterpreterFrame */
	pl_addr code;      /* code object */
	pl_addr locals;    /* address of localsplus[0] */
	uint32_t n_locals; /* fast locals, cells and free variables */
	uint32_t n_stack;  /* evaluation stack entries above them that can be trusted */
	uint32_t n_unsure; /* slots above these that may hold references: how deep the stack is
			    * while the frame runs is not written down */
	pl_addr frame_obj; /* PyFrameObject if one was made, else 0 */
	pl_addr globals, builtins,
		namespace;   /* namespace: f_locals dict of a class body or module, or 0 */
	pl_addr function;    /* function object, 3.11+, else 0 */
	int64_t instruction; /* byte offset of the last or current one in the code, < 0 before the
				first */
	int line;            /* exact line, -1 unknown */
	bool generator;   /* its code is that of a generator or coroutine, which owns what the frame
			     holds */
	uint32_t entries; /* on a thread's stack: calls of the evaluation function between it and
			   * the frame that called it: 0 when one call runs both (3.11 on) */
};

struct pl_pythread {
	pl_addr tstate;
	pl_addr interp;
	uint32_t lwp; /* 0 when it cannot be matched */
	bool holds_gil;
	pl_addr raised, handled;       /* exception objects (2.7-3.11: values), or 0 */
	pl_addr raised_tb, handled_tb; /* tracebacks kept beside them, before they are the
					* exceptions' own: 0 where there is no such place */
	struct pl_pyframe *frames;     /* innermost first */
	size_t n_frames;
	uint32_t entries; /* calls of the evaluation function inside of the innermost frame: they
			   * are leaving their last one (3.12 on) */
	bool cut;         /* the chain of frames was broken or runs in a circle */
};

/* All threads of all interpreters, oldest first, malloced; damage shortens. PL_E_CANCELLED. */
int pl_pythreads_new(const struct pl_objects *o, struct pl_ctx *ctx, struct pl_pythread **ret,
		     size_t *n, struct pl_err *err);
void pl_pythreads_free(struct pl_pythread *t, size_t n);

/*
 * What a thread itself holds for a frame on its stack, as edges: up to 3.10 the frame object (label
 * ""), later function, code, locals, evaluation stack. Nothing for a generator's frame: the
 * generator holds that.
 */
void pl_pyframe_edges(const struct pl_objects *o, struct pl_view *v, const struct pl_pyframe *f,
		      pl_edge_fn *fn, void *arg);
/*
 * The value of the i-th local as f_locals has it: what is in the cell for a cell; 0 when unbound,
 * and for what a class body only sees.
 */
pl_addr pl_pyframe_local(const struct pl_objects *o, struct pl_view *v, const struct pl_pyframe *f,
			 uint32_t i);

/* The line that an instruction belongs to (byte offset into the code), or -1: every line table
 * format. */
int pl_code_line(const struct pl_layout *l, struct pl_view *v, pl_addr code, int64_t instruction);
/* Qualified name (name before 3.11) and file of a code object, escaped, into the caller's buffers.
 */
void pl_code_names(const struct pl_layout *l, struct pl_view *v, pl_addr code, char *name,
		   size_t name_cap, char *file, size_t file_cap);
/* Name of the i-th fast local (locals, then cells, then free variables): address of its str, or 0.
 */
pl_addr pl_code_local_name(const struct pl_layout *l, struct pl_view *v, pl_addr code, uint32_t i);
/*
 * A local or stack entry as an object address: tag bits taken off (3.14+), 0 for NULL and for what
 * is no object; *counted false for a reference that owns nothing.
 */
pl_addr pl_stackref(const struct pl_layout *l, uint64_t word, bool *counted);

#endif
