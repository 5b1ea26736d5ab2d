/*
 * Compressed cores, cores through a pipe, and what breaks off half way.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "test_image_build.h"

#include "image/internal.h"

enum { DATA = 3 << 20, HOLE = 8 << 20 };

/* Noise that does not compress, zeros that do, noise. */
static uint8_t *data;
static struct build core;

static int make_core(void **state)
{
	uint64_t x = 88172645463325252u; /* xorshift */

	data = pl_calloc(1, DATA + HOLE + DATA);
	for (size_t i = 0; i < DATA; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (uint8_t)x;
		data[DATA + HOLE + i] = (uint8_t)(x >> 8);
	}
	build_init(&core);
	build_thread(&core, 1, SIGABRT, 0, 0, 0);
	build_load(&core, 0x10000, data, DATA + HOLE + DATA, DEFAULT, DEFAULT, PF_R | PF_W);
	build_bytes(&core);
	return scratch_make(state);
}

static int free_core(void **state)
{
	build_fini(&core);
	free(data);
	return scratch_remove(state);
}

static void pack(const char *path, int (*add_filter)(struct archive *), const void *p, size_t n)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	assert_int_equal(add_filter(a), ARCHIVE_OK);
	archive_write_set_format_raw(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_pathname(e, "core");
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, p, n), n);
	archive_entry_free(e);
	assert_int_equal(archive_write_free(a), ARCHIVE_OK);
}

static void assert_whole(struct opened *o)
{
	if (o->code)
		print_error("%s\n", o->err.text);
	assert_int_equal(o->code, 0);
	assert_int_equal(pl_image_info(o->im)->file_size, core.n);
	assert_bytes(o, 0x10000, data, DATA + HOLE + DATA);
	assert_int_equal(o->ctx.n_notes, 0);
}

static const struct {
	const char *name;
	int (*add)(struct archive *);
} filters[] = {
	{"core.zst", archive_write_add_filter_zstd},  {"core.lz4", archive_write_add_filter_lz4},
	{"core.xz", archive_write_add_filter_xz},     {"core.gz", archive_write_add_filter_gzip},
	{"core.bz2", archive_write_add_filter_bzip2},
};

static void each_compression(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(filters); i++) {
		const char *path = in_scratch(filters[i].name);
		struct opened o;
		struct stat st;

		pack(path, filters[i].add, core.bytes, core.n);
		open_path(&o, path);
		assert_whole(&o);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(atomic_load(&o.ctx.total), 0); /* "opening core" came after it */
		close_opened(&o);
	}
}

/* Whatever is left of a cut file is used, and said to be cut. */
static void cut_compression(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(filters); i++) {
		const char *path = in_scratch(filters[i].name);
		struct opened o;
		struct stat st;

		assert_int_equal(stat(path, &st), 0); /* each_compression() made it */
		assert_int_equal(truncate(path, st.st_size - st.st_size / 10), 0);
		open_path(&o, path);
		assert_int_equal(o.code, 0);
		assert_true(o.ctx.partial);
		assert_note(&o, "unpack-stopped", "bytes could be unpacked");
		assert_note(&o, "truncated-core", "bytes of its segments are missing");
		assert_bytes(&o, 0x10000, data, DATA / 2);
		assert_true(pl_image_info(o.im)->missing_bytes > 0);
		assert_int_equal(pl_image_info(o.im)->missing_bytes +
					 pl_image_info(o.im)->present_bytes,
				 DATA + HOLE + DATA);
		close_opened(&o);
	}
}

/* Pages of zeros take no room on the disk. */
static void the_temporary_file_is_sparse(void **state)
{
	const char *path = in_scratch("core.gz");
	struct pl_ctx ctx;
	struct pl_err err = {0};
	struct stat st;
	int fd, out;

	(void)state;
	pack(path, archive_write_add_filter_gzip, core.bytes, core.n);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	pl_ctx_init(&ctx, 1);
	assert_int_equal(pl_unpack(fd, path, 0, 0, &ctx, &out, &err), 0);
	assert_int_equal(fstat(out, &st), 0);
	assert_int_equal(st.st_size, core.n);
	assert_int_equal(st.st_nlink, 0);
	/* the file system's own blocks round the edges up: 64 KiB is the largest there is */
	assert_in_range((uint64_t)st.st_blocks * 512, 2 * DATA, 2 * DATA + 4 * 65536);
	pl_ctx_fini(&ctx);
	close(out);
	close(fd);
}

/* ---- what is no part of the core ---- */

enum { RUBBISH = 64 << 20 };

/* The core with zeros and noise behind it. */
static uint8_t *with_rubbish(size_t *n)
{
	uint8_t *p = pl_calloc(1, core.n + RUBBISH);

	memcpy(p, core.bytes, core.n);
	memcpy(p + core.n + RUBBISH / 2, data, DATA);
	*n = core.n + RUBBISH;
	return p;
}

static void rubbish_behind_the_core_stays_packed(void **state)
{
	size_t n;
	uint8_t *p = with_rubbish(&n);

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(filters); i++) {
		const char *path = in_scratch(filters[i].name);
		struct opened o;

		pack(path, filters[i].add, p, n);
		open_path(&o, path);
		assert_whole(&o);
		close_opened(&o);
	}
	free(p);
}

/* As many segments as need section header 0 to count them: it stands behind all of them. */
static void the_end_of_very_many_segments(void **state)
{
	const char *path = in_scratch("many.gz");
	struct build many;
	struct opened o;
	uint8_t *p;

	(void)state;
	build_init(&many);
	build_thread(&many, 1, SIGABRT, 0, 0, 0);
	for (uint64_t i = 0; i < PN_XNUM + 10u; i++)
		build_load(&many, 0x100000 + i * 0x2000, data + i % DATA, 16, DEFAULT, DEFAULT,
			   PF_R | PF_W);
	build_bytes(&many);
	p = pl_calloc(1, many.n + RUBBISH);
	memcpy(p, many.bytes, many.n);
	pack(path, archive_write_add_filter_gzip, p, many.n + RUBBISH);
	open_path(&o, path);
	assert_int_equal(o.code, 0);
	assert_int_equal(pl_image_info(o.im)->file_size, many.n);
	assert_false(pl_image_info(o.im)->truncated);
	assert_bytes(&o, 0x100000 + (PN_XNUM + 9u) * 0x2000, data + PN_XNUM + 9, 16);
	close_opened(&o);
	build_fini(&many);
	free(p);
}

/* Exactly as much as is allowed, and one byte less; rubbish does not count. */
static void not_more_than_is_allowed(void **state)
{
	struct pl_image_options options = {.core = in_scratch("core.gz")};
	size_t n;
	uint8_t *p = with_rubbish(&n);
	struct pl_image *im;
	struct pl_err err;
	struct pl_ctx ctx;

	(void)state;
	pack(options.core, archive_write_add_filter_gzip, p, n);
	free(p);
	pl_ctx_init(&ctx, 1);
	options.max_unpacked = core.n;
	assert_int_equal(pl_image_open(&options, &ctx, &im, &err), 0);
	pl_image_free(im);
	options.max_unpacked = core.n - 1;
	assert_int_equal(pl_image_open(&options, &ctx, &im, &err), PL_E_IO);
	assert_non_null(strstr(err.text, "--max-unpacked"));
	assert_null(strstr(err.text, "at least")); /* its headers say how much it is */
	/* So little that not even the headers come out. */
	options.max_unpacked = 100;
	assert_int_equal(pl_image_open(&options, &ctx, &im, &err), PL_E_IO);
	assert_non_null(strstr(err.text, "at least"));
	pl_ctx_fini(&ctx);
}

/* The disk is full: one line, and nothing is left in the directory. */
static void a_full_disk(void **state)
{
	const char *path = in_scratch("core.gz"), *dir = in_scratch("tmp");
	struct rlimit before, little = {.rlim_cur = DATA / 2};
	struct opened o;

	(void)state;
	pack(path, archive_write_add_filter_gzip, core.bytes, core.n);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(setenv("TMPDIR", dir, 1), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	open_path(&o, path);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_int_equal(o.code, PL_E_IO);
	assert_non_null(strstr(o.err.text, "cannot unpack"));
	assert_non_null(strstr(o.err.text, "(File too large)"));
	assert_non_null(strstr(o.err.hint, "TMPDIR"));
	assert_int_equal(o.ctx.n_notes, 0);
	assert_int_equal(rmdir(dir), 0); /* only of an empty directory */
	close_opened(&o);
}

static void refuse(const char *path, int code, const char *says)
{
	struct opened o;

	open_path(&o, path);
	if (o.code != code || !strstr(o.err.text, says))
		print_error("%d: %s\n", o.code, o.err.text);
	assert_int_equal(o.code, code);
	assert_non_null(strstr(o.err.text, says));
	close_opened(&o);
}

static void packed_but_no_core(void **state)
{
	const char *path = in_scratch("other.gz");

	(void)state;
	pack(path, archive_write_add_filter_gzip, "hello world\n", 12);
	refuse(path, PL_E_NOT_CORE, "is a text file, not a core");
	pack(path, archive_write_add_filter_gzip, "", 0);
	refuse(path, PL_E_NOT_CORE, "is empty, not a core");
	pack(path, archive_write_add_filter_gzip, core.bytes, 50);
	refuse(path, PL_E_NOT_CORE, "ends after 50 bytes, inside its ELF header");
	write_file(path, "\x28\xb5\x2f\xfdgarbage garbage garbage", 27);
	refuse(path, PL_E_NOT_CORE, "cannot be unpacked");
}

static void no_room(void **state)
{
	const char *path = in_scratch("core.gz");
	struct opened o;

	(void)state;
	pack(path, archive_write_add_filter_gzip, core.bytes, core.n);
	assert_int_equal(setenv("TMPDIR", in_scratch("nowhere"), 1), 0);
	open_path(&o, path);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_int_equal(o.code, PL_E_IO);
	assert_non_null(strstr(o.err.text, "cannot make a temporary file"));
	assert_non_null(strstr(o.err.hint, "TMPDIR"));
	close_opened(&o);
}

/* ---- pipes ---- */

static void *feed(void *arg)
{
	int fd = *(int *)arg;
	size_t done = 0;

	while (done < core.n) {
		ssize_t n = write(fd, core.bytes + done, core.n - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return NULL;
}

/* A plain core on standard input, which is spooled to the temporary file. */
static void standard_input(void **state)
{
	int p[2], saved = dup(STDIN_FILENO);
	pthread_t feeder;
	struct opened o;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(dup2(p[0], STDIN_FILENO), STDIN_FILENO);
	close(p[0]);
	assert_int_equal(pthread_create(&feeder, NULL, feed, &p[1]), 0);
	open_path(&o, "-");
	dup2(saved, STDIN_FILENO);
	close(saved);
	pthread_join(feeder, NULL);
	assert_whole(&o);
	assert_string_equal(pl_image_info(o.im)->path, "-");
	close_opened(&o);
}

struct canceller {
	struct pl_ctx *ctx;
	const char *stage; /* seen when it cancelled */
};

static void *cancel_soon(void *arg)
{
	struct canceller *c = arg;

	while (!(c->stage = atomic_load(&c->ctx->stage)))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	atomic_store(&c->ctx->cancel, true);
	return NULL;
}

/* A pipe into which nobody ever writes: opening it waits, but can be cancelled. */
static void waiting_for_a_pipe_is_cancelled(void **state)
{
	struct pl_image_options options = {.core = in_scratch("fifo")};
	struct canceller c = {NULL, NULL};
	struct timespec from, to;
	struct pl_image *im = NULL;
	struct pl_err err = {0};
	struct pl_ctx ctx;
	pthread_t thread;

	(void)state;
	assert_int_equal(mkfifo(options.core, 0600), 0);
	pl_ctx_init(&ctx, 1);
	c.ctx = &ctx;
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &c), 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(pl_image_open(&options, &ctx, &im, &err), PL_E_CANCELLED);
	clock_gettime(CLOCK_MONOTONIC, &to);
	pthread_join(thread, NULL);
	assert_null(im);
	assert_string_equal(c.stage, "unpacking core");
	/* the contract says 0.2 s after the cancel; generous for a busy machine under valgrind */
	assert_true(to.tv_sec - from.tv_sec < 5);
	pl_ctx_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_compression),
		cmocka_unit_test(cut_compression),
		cmocka_unit_test(the_temporary_file_is_sparse),
		cmocka_unit_test(rubbish_behind_the_core_stays_packed),
		cmocka_unit_test(the_end_of_very_many_segments),
		cmocka_unit_test(not_more_than_is_allowed),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(packed_but_no_core),
		cmocka_unit_test(no_room),
		cmocka_unit_test(standard_input),
		cmocka_unit_test(waiting_for_a_pipe_is_cancelled),
	};

	return cmocka_run_group_tests(tests, make_core, free_core);
}
