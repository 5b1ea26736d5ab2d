/*
 * unpack.c - a compressed core, or one that comes through a pipe, made a file that can be mapped.
 *
 * libarchive unpacks; the bytes go to an unlinked temporary file in which pages of zeros stay
 * holes. No program is started: filters that libarchive could only run as a program are left out.
 */
#include <archive.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "image/internal.h"

enum { READ_BYTES = 256 << 10, POLL_MS = 100, HOLE_BYTES = 4096 };

struct unpack {
	int fd; /* read from */
	const char *name;
	struct pl_ctx *ctx;
	uint8_t *buf;
	int out;
	const char *dir;                  /* of out, for messages */
	uint8_t head[sizeof(Elf64_Ehdr)]; /* of what came out */
	size_t n_head;
	uint64_t size; /* bytes that came out */
};

bool pl_is_packed(const uint8_t *p, size_t n)
{
	static const struct {
		size_t n;
		char magic[8];
	} known[] = {
		{4, "\x28\xb5\x2f\xfd"}, /* zstd */
		{4, "\x04\x22\x4d\x18"}, /* lz4 */
		{6, "\xfd"
		    "7zXZ\0"},       /* xz */
		{3, "\x1f\x8b\x08"}, /* gzip */
		{3, "BZh"},          /* bzip2 */
	};

	for (size_t i = 0; i < PL_ARRAY_LEN(known); i++) {
		if (n >= known[i].n && memcmp(p, known[i].magic, known[i].n) == 0)
			return true;
	}
	return false;
}

/* libarchive's source of bytes: waits in short steps, so that a silent pipe can be cancelled. */
static la_ssize_t read_some(struct archive *a, void *arg, const void **ret)
{
	struct unpack *u = arg;
	struct pollfd p = {.fd = u->fd, .events = POLLIN};

	for (;;) {
		ssize_t n;

		if (pl_ctx_cancelled(u->ctx)) {
			archive_set_error(a, EINTR, "cancelled");
			return ARCHIVE_FATAL;
		}
		if (poll(&p, 1, POLL_MS) == 0)
			continue;
		n = read(u->fd, u->buf, READ_BYTES);
		if (n >= 0) {
			pl_ctx_step(u->ctx, (uint64_t)n);
			*ret = u->buf;
			return n;
		}
		if (errno != EINTR && errno != EAGAIN) {
			archive_set_error(a, errno, "%s", strerror(errno));
			return ARCHIVE_FATAL;
		}
	}
}

static struct archive *open_archive(struct unpack *u)
{
	struct archive *a = archive_read_new();

	if (!a)
		pl_oom();
	archive_read_support_format_raw(a);
	archive_read_support_format_empty(a);
	if (archive_zlib_version())
		archive_read_support_filter_gzip(a);
	if (archive_bzlib_version())
		archive_read_support_filter_bzip2(a);
	if (archive_liblzma_version())
		archive_read_support_filter_xz(a);
	if (archive_liblz4_version())
		archive_read_support_filter_lz4(a);
	if (archive_libzstd_version())
		archive_read_support_filter_zstd(a);
	archive_read_open(a, u, NULL, read_some, NULL); /* a failure shows at the first header */
	return a;
}

static int open_out(struct unpack *u, struct pl_err *err)
{
	const char *dir = getenv("TMPDIR");
	char *path;

	u->dir = dir && *dir ? dir : "/tmp";
	u->out = open(u->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (u->out < 0) { /* not every file system can */
		path = pl_asprintf("%s/pyleak-XXXXXX", u->dir);
		u->out = mkostemp(path, O_CLOEXEC);
		if (u->out >= 0)
			unlink(path);
		free(path);
	}
	if (u->out >= 0)
		return 0;
	pl_err_errno(err, PL_E_IO, errno, "cannot make a temporary file in %s", u->dir);
	pl_err_hint(err, "set TMPDIR to a directory with room for the unpacked core");
	return PL_E_IO;
}

/* Bytes from p on, at most n, that are all hole or all data; cut where pages of the file are. */
static size_t stretch(const uint8_t *p, size_t n, uint64_t offset, bool *hole)
{
	size_t len = 0;

	while (len < n) {
		size_t k = HOLE_BYTES - (size_t)((offset + len) % HOLE_BYTES);
		bool zero;

		k = PL_MIN(k, n - len);
		zero = pl_is_zero(p + len, k);
		if (!len)
			*hole = zero;
		else if (zero != *hole)
			break;
		len += k;
	}
	return len;
}

static int write_block(struct unpack *u, const uint8_t *p, size_t n, uint64_t offset,
		       struct pl_err *err)
{
	while (n) {
		bool hole;
		size_t len = stretch(p, n, offset, &hole), done = 0;

		while (!hole && done < len) {
			ssize_t k = pwrite(u->out, p + done, len - done, (off_t)(offset + done));

			if (k < 0 && errno == EINTR)
				continue;
			if (k < 0) {
				pl_err_errno(err, PL_E_IO, errno, "cannot unpack %s to %s", u->name,
					     u->dir);
				pl_err_hint(err, "set TMPDIR to a directory with room for "
						 "the unpacked core");
				return PL_E_IO;
			}
			done += (size_t)k;
		}
		p += len;
		n -= len;
		offset += len;
	}
	return 0;
}

/* Look at the first bytes as soon as they are there: what is no core need not be unpacked. */
static int check_head(struct unpack *u, const uint8_t *p, size_t n, struct pl_err *err)
{
	size_t k = PL_MIN(n, sizeof(u->head) - u->n_head);

	if (!k)
		return 0;
	memcpy(u->head + u->n_head, p, k);
	u->n_head += k;
	return u->n_head < sizeof(u->head) ? 0 : pl_core_check(u->name, u->head, u->n_head, err);
}

/* 1 when all came out, 0 when it broke off, negative on an error. */
static int copy_blocks(struct unpack *u, struct archive *a, struct pl_err *err)
{
	for (;;) {
		const void *p;
		size_t n;
		la_int64_t offset;
		int r = archive_read_data_block(a, &p, &n, &offset), code;

		if (pl_ctx_cancelled(u->ctx))
			return pl_ctx_cancel_err(err);
		if (r == ARCHIVE_EOF)
			return 1;
		if (r < ARCHIVE_WARN)
			return 0;
		if (!n)
			continue;
		code = check_head(u, p, n, err);
		if (code >= 0)
			code = write_block(u, p, n, (uint64_t)offset, err);
		if (code < 0)
			return code;
		u->size = (uint64_t)offset + n;
	}
}

static int copy(struct unpack *u, struct archive *a, struct pl_err *err)
{
	struct archive_entry *entry;
	int r = archive_read_next_header(a, &entry), code = 1;

	if (pl_ctx_cancelled(u->ctx))
		return pl_ctx_cancel_err(err);
	if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
		code = copy_blocks(u, a, err);
	else if (r != ARCHIVE_EOF)
		code = 0;
	if (code < 0)
		return code;
	if (!code && !u->size)
		return pl_err_set(err, PL_E_NOT_CORE, "%s cannot be unpacked: %s", u->name,
				  archive_error_string(a));
	if (u->n_head < sizeof(u->head))
		return pl_core_check(u->name, u->head, u->n_head, err);
	if (!code)
		pl_ctx_damage(u->ctx, "unpack-stopped",
			      "%s breaks off or is damaged: %llu bytes could be unpacked (%s)",
			      u->name, (unsigned long long)u->size, archive_error_string(a));
	if (ftruncate(u->out, (off_t)u->size) < 0)
		return pl_err_errno(err, PL_E_IO, errno, "cannot unpack %s to %s", u->name, u->dir);
	return 0;
}

int pl_unpack(int fd, const char *name, uint64_t size, struct pl_ctx *ctx, int *ret,
	      struct pl_err *err)
{
	struct unpack u = {.fd = fd, .name = name, .ctx = ctx, .out = -1};
	int code = open_out(&u, err);
	struct archive *a;

	if (code < 0)
		return code;
	u.buf = pl_malloc(READ_BYTES);
	pl_ctx_stage(ctx, "unpacking core", size);
	a = open_archive(&u);
	code = copy(&u, a, err);
	archive_read_free(a);
	free(u.buf);
	if (code < 0)
		close(u.out);
	else
		*ret = u.out;
	return code;
}
