/*
 * test_image_self.h - cores in which the test program itself was mapped, for the tests of symbols
 * and DWARF: what the compiler says (addresses, offsetof, sizeof) is the truth.
 */
#ifndef TEST_IMAGE_SELF_H
#define TEST_IMAGE_SELF_H

#include <link.h>

#include "image/internal.h"

#include "test_image_build.h"

#define BASE UINT64_C(0x550000000000)

static char self[256];
static uint64_t self_size;

static inline int find_self(void **state)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct stat st;

	if (n < 0 || stat(self, &st) < 0)
		return -1;
	self_size = pl_round_up((uint64_t)st.st_size, 4096);
	return scratch_make(state);
}

/* Mapped from path, with the first page of the file page_from. */
static inline void open_file(struct opened *o, const char *path, const char *page_from,
			     const char *debug_dir)
{
	struct pl_image_options options = {.core = in_scratch("core"), .debug_dir = debug_dir};
	struct build_map map = {BASE, BASE + self_size, 0, path};
	uint8_t page[4096];
	FILE *f = fopen(page_from, "rb");
	struct build b;

	assert_non_null(f);
	assert_int_equal(fread(page, 1, sizeof(page), f), sizeof(page));
	fclose(f);
	build_init(&b);
	build_auxv(&b, AT_PHDR, BASE + sizeof(Elf64_Ehdr));
	build_files(&b, &map, 1);
	build_load(&b, BASE, page, sizeof(page), DEFAULT, self_size, PF_R);
	build_write(&b, options.core);
	build_fini(&b);
	open_with(o, &options);
	assert_int_equal(o->code, 0);
}

/* The same with this program's own first page: whether path is this program is to be found out. */
static inline void open_named(struct opened *o, const char *path, const char *debug_dir)
{
	open_file(o, path, self, debug_dir);
}

static inline void open_self(struct opened *o)
{
	open_named(o, self, NULL);
	assert_int_equal(pl_image_modules(o->im, &(size_t){0})[0].state, PL_MODULE_MATCHED);
}

static inline int first_object(struct dl_phdr_info *info, size_t size, void *ret)
{
	(void)size;
	*(uint64_t *)ret = info->dlpi_addr;
	return 1;
}

/* Where BASE puts what is at p in this process: the main program is the first object listed. */
static inline pl_addr expected(const void *p)
{
	uint64_t bias = 0;

	dl_iterate_phdr(first_object, &bias);
	return BASE + ((uintptr_t)p - bias);
}

static inline void run(const char *format, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

/* Path of the debug file for this program's build-id below a directory, whose parts are made. */
static inline void build_id_path(char *buf, size_t size, const char *dir)
{
	struct opened o;
	const struct pl_module *m;
	char hex[2 * PL_BUILD_ID_MAX + 1];

	open_self(&o);
	m = pl_image_modules(o.im, &(size_t){0});
	assert_true(m->core_build_id_len > 0);
	pl_build_id_hex(m->core_build_id, m->core_build_id_len, hex);
	close_opened(&o);
	run("mkdir -p %s/.build-id/%.2s", dir, hex);
	snprintf(buf, size, "%s/.build-id/%.2s/%s.debug", dir, hex, hex + 2);
}

#endif
