/*
 * mem.h - growing arrays and big columns.
 *
 * A failed small allocation ends in abort() through pl_oom(): nothing sensible can be done, and no
 * caller has to spell it. Columns sized by the core's own claims go through pl_col_alloc(), which
 * does fail properly: a hostile count must not kill gdb.
 */
#ifndef PL_MEM_H
#define PL_MEM_H

#include <stdarg.h>
#include <stdlib.h>

#include "base/base.h"

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

/* A vector: struct { T *at; size_t n, cap; } v = {0}. Elements move when it grows. */
#define PL_VEC(T)              \
	struct {               \
		T *at;         \
		size_t n, cap; \
	}
#define pl_vec_push(v, ...)                                                         \
	do {                                                                        \
		if ((v)->n == (v)->cap) {                                           \
			(v)->cap = (v)->cap ? (v)->cap * 2 : 8;                     \
			(v)->at = pl_realloc((v)->at, (v)->cap * sizeof(*(v)->at)); \
		}                                                                   \
		(v)->at[(v)->n++] = (__VA_ARGS__);                                  \
	} while (0)
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
void pl_arena_fini(struct pl_arena *a);

#endif
