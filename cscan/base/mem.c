/*
 * mem.c - allocation that cannot fail quietly, lazily touched columns, and the bump arena.
 */
#include "base/mem.h"

#include <stdio.h>
#include <sys/mman.h>

void pl_oom(void)
{
	abort();
}

void *pl_malloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		pl_oom();
	return p;
}

void *pl_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		pl_oom();
	return p;
}

void *pl_realloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		pl_oom();
	return p;
}

char *pl_strdup(const char *s)
{
	return pl_strndup(s, strlen(s));
}

char *pl_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = pl_malloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *pl_asprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		pl_oom();
	return p;
}

void *pl_col_alloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, bytes, MADV_HUGEPAGE); /* a wish: without huge pages it is only slower */
	return p;
}

void pl_col_free(void *p, size_t n, size_t size)
{
	size_t bytes = n * size; /* cannot overflow: pl_col_alloc() gave p */

	if (p)
		munmap(p, bytes ? bytes : 1);
}

#define CHUNK_BYTES ((size_t)64 << 10)
#define ALIGN 16

struct pl_arena_chunk {
	struct pl_arena_chunk *next;
	size_t used, cap;
	_Alignas(ALIGN) char bytes[];
};

/*
 * A chunk for at least n bytes, in front of the list; one made for a single big thing goes behind
 * the first chunk, whose room is still wanted.
 */
static struct pl_arena_chunk *chunk_new(struct pl_arena *a, size_t n)
{
	bool big = n > CHUNK_BYTES / 4;
	size_t cap = big ? n : CHUNK_BYTES, bytes;
	struct pl_arena_chunk *c;

	if (__builtin_add_overflow(sizeof(*c), cap, &bytes))
		pl_oom();
	c = pl_calloc(1, bytes);
	c->cap = cap;
	if (big && a->head) {
		c->next = a->head->next;
		a->head->next = c;
	} else {
		c->next = a->head;
		a->head = c;
	}
	return c;
}

void *pl_arena_alloc(struct pl_arena *a, size_t n)
{
	struct pl_arena_chunk *c = a->head;
	void *p;

	if (n > SIZE_MAX - ALIGN)
		pl_oom();
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!c || n > c->cap - c->used)
		c = chunk_new(a, n);
	p = c->bytes + c->used;
	c->used += n;
	return p;
}

char *pl_arena_strndup(struct pl_arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = pl_arena_alloc(a, len + 1);

	memcpy(p, s, len);
	return p;
}

char *pl_arena_vprintf(struct pl_arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		pl_oom();
	p = pl_arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

char *pl_arena_printf(struct pl_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = pl_arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void pl_arena_fini(struct pl_arena *a)
{
	for (struct pl_arena_chunk *c = a->head, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	a->head = NULL;
}
