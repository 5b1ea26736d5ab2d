/*
 * Thread-local variables, of cores that hold this process's own C library as the loader left it:
 * &errno is the truth.
 */
#include <errno.h>
#include <pthread.h>

#include "test_image_self.h"

/* The C library, as the loader lists it. */
static struct {
	const char *path;
	pl_addr bias;
	pl_addr relro_lo, relro_hi; /* where the words are that the loader wrote */
	uint64_t size;
} libc;

static int find_libc(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (!strstr(info->dlpi_name, "/libc.so.6"))
		return 0;
	libc.path = strdup(info->dlpi_name);
	libc.bias = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_LOAD)
			libc.size = pl_round_up(ph->p_vaddr + ph->p_memsz, 4096);
		if (ph->p_type == PT_GNU_RELRO) {
			libc.relro_lo = libc.bias + (ph->p_vaddr & ~UINT64_C(4095));
			libc.relro_hi = libc.bias + ((ph->p_vaddr + ph->p_memsz) & ~UINT64_C(4095));
		}
	}
	return 1;
}

enum { N_THREADS = 3 };
static pl_addr self_of[N_THREADS], errno_of[N_THREADS];

static void *note_down(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;

	self_of[i] = (pl_addr)pthread_self();
	errno_of[i] = (pl_addr)(uintptr_t)&errno;
	return NULL;
}

static int prepare(void **state)
{
	pthread_t thread;

	dl_iterate_phdr(find_libc, NULL);
	note_down((void *)0);
	for (uintptr_t i = 1; i < N_THREADS; i++) {
		if (pthread_create(&thread, NULL, note_down, (void *)i) ||
		    pthread_join(thread, NULL))
			return -1;
	}
	return libc.path && libc.relro_hi > libc.relro_lo ? scratch_make(state) : -1;
}

/* What is changed of the words that the loader wrote. */
enum damage { NONE, LEFT_OUT, ONE_WORD };

static void open_core(struct opened *o, enum damage damage)
{
	struct pl_image_options options = {.core = in_scratch("core")};
	uint64_t n = libc.relro_hi - libc.relro_lo;
	struct build_map map = {libc.bias, libc.bias + libc.size, 0, libc.path};
	uint8_t *words = pl_malloc(n);
	struct build b;

	memcpy(words, (const void *)(uintptr_t)libc.relro_lo, n);
	for (uint64_t i = 0; damage == ONE_WORD && i < n; i += 8) {
		int64_t word;

		/* Distances from the thread pointer are negative, and addresses are not. */
		memcpy(&word, words + i, 8);
		if (word < 0 && word > -4096) {
			words[i] ^= 8;
			break;
		}
	}
	build_init(&b);
	build_files(&b, &map, 1);
	build_load(&b, libc.bias, (const void *)(uintptr_t)libc.bias, 4096, DEFAULT, DEFAULT, PF_R);
	if (damage != LEFT_OUT)
		build_load(&b, libc.relro_lo, words, n, DEFAULT, DEFAULT, PF_R);
	build_write(&b, options.core);
	build_fini(&b);
	free(words);
	open_with(o, &options);
	assert_int_equal(o->code, 0);
	assert_int_equal(pl_image_modules(o->im, &(size_t){0})[0].state, PL_MODULE_MATCHED);
}

static void errno_of_each_thread(void **state)
{
	struct opened o;
	uint64_t offset = 1;

	(void)state;
	open_core(&o, NONE);
	assert_true(pl_image_tls(o.im, "errno", &offset));
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(self_of[i] + offset, errno_of[i]);
	assert_false(pl_image_tls(o.im, "no_such_variable", &offset));
	assert_false(pl_image_tls(o.im, "environ", &offset)); /* all threads share it */
	assert_int_equal(self_of[0] + offset, errno_of[0]);
	close_opened(&o);
}

/* What the file has in place of the words, or a word that differs, is no answer. */
static void without_the_loaders_words(void **state)
{
	struct opened o;
	uint64_t offset = 1;

	(void)state;
	for (enum damage damage = LEFT_OUT; damage <= ONE_WORD; damage++) {
		open_core(&o, damage);
		assert_false(pl_image_tls(o.im, "errno", &offset));
		assert_int_equal(offset, 1);
		close_opened(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errno_of_each_thread),
		cmocka_unit_test(without_the_loaders_words),
	};

	return cmocka_run_group_tests(tests, prepare, scratch_remove);
}
