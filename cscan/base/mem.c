/*
 * mem.c - allocation that does not fail quietly, lazily touched columns, and the bump arena.
 */
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#define SMALL ((size_t)64 << 10) /* bytes: what a vector may ask for without being refused */

atomic_bool pl_mem_is_short;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned runs; /* under way; under lock */
static void *reserve; /* NULL: given away, or no run; under lock */

bool pl_mem_begin(void)
{
	bool held;

	pthread_mutex_lock(&lock);
	if (!runs)
		atomic_store(&pl_mem_is_short, false);
	if (!reserve && !pl_mem_short()) {
		/* Not touched, so that it costs nothing but the right to have it. */
		reserve = mmap(NULL, PL_RESERVE_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		reserve = reserve == MAP_FAILED ? NULL : reserve;
	}
	held = reserve != NULL;
	runs += held;
	pthread_mutex_unlock(&lock);
	return held;
}

static void let_go(void)
{
	if (reserve)
		munmap(reserve, PL_RESERVE_BYTES);
	reserve = NULL;
}

void pl_mem_end(void)
{
	pthread_mutex_lock(&lock);
	if (!--runs) {
		let_go();
		atomic_store(&pl_mem_is_short, false);
	}
	pthread_mutex_unlock(&lock);
}

void pl_mem_refused(void)
{
	atomic_store(&pl_mem_is_short, true);
}

/* Something small was refused: false when the reserve is of no help. */
static bool use_reserve(void)
{
	bool had;

	pl_mem_refused();
	pthread_mutex_lock(&lock);
	had = reserve != NULL;
	let_go();
	pthread_mutex_unlock(&lock);
	return had;
}

void pl_oom(void)
{
	abort();
}

void *pl_try_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		pl_mem_refused();
	return p;
}

void *pl_try_realloc(void *p, size_t n)
{
	void *bigger = realloc(p, n ? n : 1);

	if (!bigger)
		pl_mem_refused();
	return bigger;
}

void *pl_malloc(size_t n)
{
	return pl_realloc(NULL, n);
}

void *pl_calloc(size_t n, size_t size)
{
	void *p = pl_try_calloc(n, size);

	if (!p && use_reserve())
		p = pl_try_calloc(n, size);
	if (!p)
		p = pl_try_calloc(n, size); /* another thread gave the reserve away meanwhile */
	if (!p)
		pl_oom();
	return p;
}

void *pl_realloc(void *p, size_t n)
{
	void *bigger = pl_try_realloc(p, n);

	if (!bigger && use_reserve())
		bigger = pl_try_realloc(p, n);
	if (!bigger)
		bigger = pl_try_realloc(p, n);
	if (!bigger)
		pl_oom();
	return bigger;
}

void *pl_vec_grow(void *at, size_t n, size_t *cap, size_t size)
{
	size_t more = n ? n * 2 : 8, bytes;
	char *bigger;

	if (__builtin_mul_overflow(more + 1, size, &bytes)) {
		pl_mem_refused();
		return at;
	}
	bigger = bytes <= SMALL ? pl_realloc(at, bytes) : pl_try_realloc(at, bytes);
	if (!bigger)
		return at;
	memset(bigger + more * size, 0, size);
	*cap = more;
	return bigger;
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
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		pl_oom();
	p = pl_malloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void *pl_col_alloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		pl_mem_refused();
		return NULL;
	}
	p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		pl_mem_refused();
		return NULL;
	}
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

void pl_arena_clear(struct pl_arena *a)
{
	struct pl_arena_chunk *c = a->head;

	if (!c)
		return;
	for (struct pl_arena_chunk *old = c->next, *next; old; old = next) {
		next = old->next;
		free(old);
	}
	c->next = NULL;
	memset(c->bytes, 0, c->used);
	c->used = 0;
}

void pl_arena_fini(struct pl_arena *a)
{
	for (struct pl_arena_chunk *c = a->head, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	a->head = NULL;
}
