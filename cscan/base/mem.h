/*
 * mem.h - growing arrays and big columns, and what happens when memory runs out.
 *
 * The library lives in a debugger: it must not end the process for what a core or a result asks
 * for. Nor can each of some hundred small allocations have an error path that nobody ever walked.
 * So the memory of a run is of two kinds:
 *
 *   - What grows with the core or the result may fail. pl_col_alloc() and pl_try_...() give NULL,
 *     pl_vec_push() drops the element.
 *   - What is small (a name, a job, a chunk of an arena) never fails: a run holds PL_RESERVE_BYTES
 *     back, and gives them to malloc() at the first allocation that was refused.
 *
 * Whichever it was, memory is from then on short, which is sticky: pl_mem_short() holds until the
 * run ends, pl_ctx_cancelled() is true, so all loops end as if cancelled, by ways that are tested,
 * only with PL_E_NOMEM, and so does the run, whatever came out. What was built meanwhile may lack
 * elements (so it is thrown away) but never room: see pl_vec_push(). Only who uses up the reserve
 * as well, between two looks at cancel, meets abort().
 *
 * Memory is the process's: when it is short, all runs of it fail.
 */
#ifndef PL_MEM_H
#define PL_MEM_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/base.h"

#define PL_RESERVE_BYTES ((size_t)32 << 20)

/*
 * A run begins, and ends: between the two the reserve is held. False when not even that is to be
 * had; then there is nothing to end. Any thread.
 */
bool pl_mem_begin(void);
void pl_mem_end(void);
/* Whether something was refused since the runs that are under way began. */
extern atomic_bool pl_mem_is_short;
static inline bool pl_mem_short(void)
{
	return atomic_load_explicit(&pl_mem_is_short, memory_order_relaxed);
}
/* For what is refused by others: from now on memory is short. */
void pl_mem_refused(void);

/* NULL when it cannot be had, or n * size overflows: for what grows with the core or the result. */
void *pl_try_calloc(size_t n, size_t size);
void *pl_try_realloc(void *p, size_t n);

/* For what is small. */
_Noreturn void pl_oom(void);
void *pl_malloc(size_t n);
void *pl_calloc(size_t n, size_t size);
void *pl_realloc(void *p, size_t n);
char *pl_strdup(const char *s);
char *pl_strndup(const char *s, size_t n);
char *pl_asprintf(const char *fmt, ...) PL_PRINTF(1, 2);

/*
 * n * size bytes of zeroed memory on huge pages where the kernel has them, touched lazily: a
 * generous upper bound costs only what is written. NULL when it cannot be had (or n * size
 * overflows). Free with pl_col_free() and the same n and size.
 */
void *pl_col_alloc(size_t n, size_t size);
void pl_col_free(void *p, size_t n, size_t size);

/*
 * A vector: struct { T *at; size_t n, cap; } v = {0}. Elements move when it grows. Where memory is
 * short a push does nothing; at[n] is there even so, zeroed, for who kept n as the index of what
 * was pushed.
 */
#define PL_VEC(T)              \
	struct {               \
		T *at;         \
		size_t n, cap; \
	}
#define pl_vec_push(v, ...)                                                                  \
	do {                                                                                 \
		if ((v)->n == (v)->cap)                                                      \
			(v)->at = pl_vec_grow((v)->at, (v)->n, &(v)->cap, sizeof(*(v)->at)); \
		if ((v)->n < (v)->cap)                                                       \
			(v)->at[(v)->n++] = (__VA_ARGS__);                                   \
	} while (0)
/* A bigger at for n elements with *cap set, or the same with *cap as it was. */
void *pl_vec_grow(void *at, size_t n, size_t *cap, size_t size);
#define pl_vec_free(v)                 \
	do {                           \
		free((v)->at);         \
		(v)->at = NULL;        \
		(v)->n = (v)->cap = 0; \
	} while (0)

/* A bump allocator for strings and small things that live as long as their owner. */
struct pl_arena {
	struct pl_arena_chunk *head;
};
void *pl_arena_alloc(struct pl_arena *a, size_t n); /* 16-aligned, zeroed */
char *pl_arena_strndup(struct pl_arena *a, const char *s, size_t n);
char *pl_arena_printf(struct pl_arena *a, const char *fmt, ...) PL_PRINTF(2, 3);
char *pl_arena_vprintf(struct pl_arena *a, const char *fmt, va_list ap) PL_PRINTF(2, 0);
/* All that was handed out is gone; a chunk stays for what comes. */
void pl_arena_clear(struct pl_arena *a);
void pl_arena_fini(struct pl_arena *a);

#endif
