/*
 * malloc_truth.c - a process whose every malloc block is known: it writes them down and dies.
 *
 * Its own malloc family records each block and passes the call on to glibc's, so that the file
 * "live"
 * ({address, usable size} pairs of u64) names every block there is, those of libc and the loader
 * included. What happens to the heap covers each place a free chunk can be: thread caches,
 * fastbins, bins, arenas of running and of ended threads, several heaps of one arena, mmapped
 * chunks side by side.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);

enum { SLOTS = 1 << 18, THREADS = 6 };

/* Open addressing; a freed block's slot keeps its address with size 0. */
static struct {
	uint64_t addr, usable;
} table[SLOTS];
static volatile char locked;

static void set(void *p, uint64_t usable)
{
	uint64_t i = (uint64_t)p / 16 * 0x9e3779b97f4a7c15u >> 46;

	while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE))
		;
	while (table[i].addr && table[i].addr != (uint64_t)p)
		i = (i + 1) % SLOTS;
	table[i].addr = (uint64_t)p;
	table[i].usable = usable;
	__atomic_clear(&locked, __ATOMIC_RELEASE);
}

static void *made(void *p)
{
	if (p)
		set(p, malloc_usable_size(p));
	return p;
}

void *malloc(size_t n)
{
	return made(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return made(__libc_calloc(n, size));
}

void free(void *p)
{
	if (p)
		set(p, 0);
	__libc_free(p);
}

void *realloc(void *p, size_t n)
{
	if (p)
		set(p, 0);
	return made(__libc_realloc(p, n));
}

void *memalign(size_t align, size_t n)
{
	return made(__libc_memalign(align, n));
}

void *aligned_alloc(size_t align, size_t n)
{
	return memalign(align, n);
}

int posix_memalign(void **ret, size_t align, size_t n)
{
	*ret = memalign(align, n);
	return *ret ? 0 : ENOMEM;
}

static uint64_t seed = 42;

static uint64_t dice(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

/* Take and give back blocks of all sizes up to max, n times; a third of them stays. */
static void churn(unsigned n, uint64_t max)
{
	void *keep[64] = {0};

	for (unsigned i = 0; i < n; i++) {
		void **p = &keep[dice(64)];

		if (dice(3))
			free(*p);
		*p = malloc(1 + dice(1 + dice(max)));
	}
}

/* Fill a thread's cache and the fastbins behind it. */
static void give_back_many_small(void)
{
	void *p[40];

	for (size_t size = 8; size < 1500; size += 24) {
		for (unsigned i = 0; i < 40; i++)
			p[i] = malloc(size);
		for (unsigned i = 0; i < 40; i += i % 7 ? 1 : 2)
			free(p[i]);
	}
}

static pthread_barrier_t barrier;

static void *thread(void *arg)
{
	uintptr_t id = (uintptr_t)arg;
	void *big[1000];

	pthread_barrier_wait(&barrier);
	for (uintptr_t turn = 0; turn < THREADS; turn++) {
		if (turn == id) {
			churn(3000, 4000);
			give_back_many_small();
			if (id == 1) { /* 100 MB: more than one heap */
				for (unsigned i = 0; i < 1000; i++)
					big[i] = malloc(100000);
				for (unsigned i = 0; i < 1000; i += 3)
					free(big[i]);
			}
		}
		pthread_barrier_wait(&barrier);
	}
	if (id >= THREADS / 2)
		return NULL;
	for (;;)
		pause();
}

static void mmapped(void)
{
	void *p[12];

	for (unsigned i = 0; i < 12; i++)
		p[i] = malloc((200 + 64 * i) << 10);
	free(p[3]);
	free(p[7]);
	free(p[8]);
	p[0] = realloc(p[0], 3 << 20);
	memset(p[0], 0xff, 3 << 20);
}

int main(void)
{
	pthread_t t[THREADS];
	int fd;

	churn(20000, 3000);
	give_back_many_small();
	mmapped();
	churn(2000, 100000);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, thread, (void *)i);
	for (unsigned i = 0; i <= THREADS; i++)
		pthread_barrier_wait(&barrier);
	for (unsigned i = THREADS / 2; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (size_t align = 32; align <= 1 << 16; align *= 2)
		memalign(align, 100 + align);
	give_back_many_small();
	fd = open("live", O_CREAT | O_TRUNC | O_WRONLY, 0666);
	for (unsigned i = 0; i < SLOTS; i++) {
		if (table[i].usable && write(fd, &table[i], 16) != 16)
			return 1;
	}
	close(fd);
	abort();
}
