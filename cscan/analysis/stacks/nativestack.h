/*
 * nativestack.h - the stack of a thread as one: native calls, and in place of the interpreter's
 * evaluation function the Python calls that it runs.
 */
#ifndef PL_NATIVESTACK_H
#define PL_NATIVESTACK_H

#include "base/table.h"
#include "object/frames/threads.h"

/* One call; exactly one of the two is set, both point into the struct pl_stack. */
struct pl_call {
	const struct pl_native_frame *native;
	const struct pl_pyframe *python;
	const struct pl_native_frame *frame; /* native, or the one that runs python; NULL: not known
					      */
	uint64_t depth;                      /* 0 is the innermost */
	uint64_t times; /* recursion: the row of calls that it belongs to is there so often, but
			 * listed once; else 1 */
};

struct pl_stack {
	const struct pl_thread *thread;
	const struct pl_pythread *python; /* borrowed; NULL: no Python, or it is not known */
	struct pl_native_frame *frames;
	size_t n_frames;
	enum pl_unwind_end end;
	bool merged; /* false: how native and Python calls go together is not known, and Python's
		      * follow */
	struct pl_call *calls; /* innermost first */
	size_t n_calls;
	struct pl_signal *signals; /* whose handlers run, innermost first */
	size_t n_signals;
};

/*
 * The stack of the i-th thread of the image, whose Python side is looked up among n threads (0:
 * there is none). left: of pl_image_unwind().
 */
void pl_stack_init(struct pl_stack *s, struct pl_image *im, size_t thread,
		   const struct pl_pythread *threads, size_t n, size_t *left);
void pl_stack_fini(struct pl_stack *s);
/* Index of the call that a signal interrupted; those inside of it are the handler's. n_calls: not
 * known. */
size_t pl_stack_interrupted(const struct pl_stack *s, const struct pl_signal *signal);
/* The Python thread that runs on a kernel's thread, or NULL. */
const struct pl_pythread *pl_stack_python(const struct pl_pythread *threads, size_t n,
					  uint32_t lwp);

/* Is the call native, of a function of that name? What compilers hang on it (".cold") is ignored.
 */
bool pl_call_is(const struct pl_call *c, const char *function);
/* One of these, which end with NULL. */
bool pl_call_is_any(const struct pl_call *c, const char *const *functions);
/* The symbol of a native call without what the linker hung on it (".lto_priv.0", "@@GLIBC_2.34");
 * "" for none. */
void pl_call_symbol(const struct pl_call *c, char *buf, size_t cap);
/* The last component of the path of a native call's file, or "?". */
const char *pl_call_library(struct pl_image *im, const struct pl_call *c);
/* Why the native stack ends where it does, a sentence without full stop; NULL when it is whole. */
const char *pl_stack_end(const struct pl_stack *s);

/*
 * The rows of a table of calls, for pl_stack_put(). In text, the middle of a long stack is left
 * out, not so recursion, which is folded: "times" tells how often the rows above each other with
 * that number are there.
 */
struct pl_table *pl_stack_table(struct pl_result *ret, const char *name);
/* l and v may be NULL when no call is Python's; limit: calls to put, 0 = all. */
void pl_stack_put(struct pl_table *t, const struct pl_stack *s, struct pl_image *im,
		  const struct pl_layout *l, struct pl_view *v, size_t limit);

#endif
