/*
 * open.c - an image from its beginning to its end: the core is mapped, unpacked where need be, the
 * other files of this room fill in what they know, and all of it is given back.
 *
 * The file is mapped, not read: opening costs the same for a megabyte and for a terabyte. No other
 * file of this room calls this one.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/internal.h"

/* Map the core, unpacking it first where need be, at most so many bytes if not 0. */
static int map_core(struct pl_image *im, uint64_t max_unpacked, struct pl_ctx *ctx,
		    struct pl_err *err)
{
	const char *path = im->info.path;
	const char *name = strcmp(path, "-") ? path : "standard input";
	int fd, packed, ret = 0;
	uint8_t head[sizeof(Elf64_Ehdr)];
	struct stat st;
	ssize_t got;
	void *p;

	/* O_NONBLOCK: a pipe without a writer must not hold us here, where nobody can cancel. */
	if (strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	else
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || fstat(fd, &st) < 0) {
		ret = pl_err_errno(err, PL_E_IO, errno, "cannot open %s", name);
		goto out;
	}
	if (S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
		ret = pl_err_set(err, PL_E_NOT_CORE, "%s is a %s, not a core", name,
				 S_ISDIR(st.st_mode) ? "directory" : "device");
		goto out;
	}
	got = S_ISREG(st.st_mode) ? pread(fd, head, sizeof(head), 0) : 0;
	if (got < 0) {
		ret = pl_err_errno(err, PL_E_IO, errno, "cannot read %s", name);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || pl_is_packed(head, (size_t)got)) {
		ret = pl_unpack(fd, name, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
				max_unpacked, ctx, &packed, err);
		if (ret < 0)
			goto out;
		close(fd);
		fd = packed;
		if (fstat(fd, &st) < 0) {
			ret = pl_err_errno(err, PL_E_IO, errno, "cannot unpack %s", name);
			goto out;
		}
	} else {
		ret = pl_core_check(name, head, (uint64_t)got, err);
		if (ret < 0)
			goto out;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		ret = pl_err_errno(err, PL_E_IO, errno, "cannot map %s", name);
		goto out;
	}
	im->core = p;
	im->info.file_size = (uint64_t)st.st_size;
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

static char *keep(struct pl_image *im, const char *s)
{
	return s && *s ? pl_arena_strndup(&im->strings, s, strlen(s)) : NULL;
}

/* The path without links and dots, or NULL. */
static char *keep_real(struct pl_image *im, const char *path)
{
	char *real = realpath(path, NULL), *kept = keep(im, real);

	free(real);
	return kept;
}

static void look_for_stacks(struct pl_image *im, struct pl_ctx *ctx)
{
	size_t blank = 0;

	for (size_t i = 0; i < im->threads.n; i++)
		blank += pl_image_stack_blank(im, &im->threads.at[i]);
	if (blank)
		pl_ctx_damage(ctx, "missing-stacks",
			      "the core has only zeros where the stacks of %zu of its %zu threads "
			      "were%s",
			      blank, im->threads.n,
			      im->info.from_gcore ? ": gcore of gdb before 18 leaves out stacks "
						    "that glibc 2.42 or newer made"
						  : "");
}

static void sum_up(struct pl_image *im, struct pl_ctx *ctx)
{
	for (size_t i = 0; i < im->spans.n; i++) {
		if (im->spans.at[i].source == PL_SPAN_CORE)
			im->info.present_bytes += im->spans.at[i].hi - im->spans.at[i].lo;
	}
	if (im->info.missing_bytes)
		pl_ctx_damage(ctx, "truncated-core",
			      "the core is truncated: %llu bytes of its segments are missing",
			      (unsigned long long)im->info.missing_bytes);
	else if (im->info.truncated)
		pl_ctx_damage(ctx, "truncated-core",
			      "the core is truncated: some of its headers or notes are missing");
}

int pl_image_open(const struct pl_image_options *options, struct pl_ctx *ctx, struct pl_image **ret,
		  struct pl_err *err)
{
	struct pl_image *im = pl_calloc(1, sizeof(*im));
	int code;

	im->info.path = pl_arena_strndup(&im->strings, options->core, strlen(options->core));
	im->exe = keep(im, options->exe);
	im->sysroot = keep(im, options->sysroot);
	im->real_sysroot = im->sysroot ? keep_real(im, im->sysroot) : NULL;
	im->debug_dir = keep(im, options->debug_dir);
	code = map_core(im, options->max_unpacked, ctx, err);
	if (code < 0) {
		pl_image_free(im);
		return code;
	}
	pl_ctx_stage(ctx, "opening core", 0);
	pl_core_read(im, ctx);
	pl_modules_find(im, ctx);
	pl_spans_build(im);
	code = pl_spans_check(im, err);
	if (code < 0) {
		pl_image_free(im);
		return code;
	}
	pl_stacks_find(im);
	sum_up(im, ctx);
	look_for_stacks(im, ctx);
	*ret = im;
	return 0;
}

void pl_image_free(struct pl_image *im)
{
	if (!im)
		return;
	pl_unwinder_free(im->unwinder); /* it borrows the files */
	for (size_t i = 0; im->priv && i < im->modules.n; i++) {
		pl_symbols_free(&im->priv[i]);
		pl_dwarf_free(&im->priv[i]);
		pl_file_free(im->priv[i].debug);
		pl_file_free(im->priv[i].file);
	}
	free(im->priv);
	pl_vec_free(&im->ranges);
	pl_vec_free(&im->memory);
	pl_vec_free(&im->file_maps);
	pl_vec_free(&im->mappings);
	pl_vec_free(&im->spans);
	pl_vec_free(&im->runs);
	pl_vec_free(&im->modules);
	pl_vec_free(&im->threads);
	pl_vec_free(&im->stacks);
	pl_vec_free(&im->altstacks);
	pl_vec_free(&im->auxv);
	if (im->core)
		munmap((void *)im->core, (size_t)im->info.file_size);
	pl_arena_fini(&im->strings);
	free(im);
}
