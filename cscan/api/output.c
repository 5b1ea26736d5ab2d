/* output.c - see output.h. */
#include "api/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"

#define BUFFER_BYTES (256 << 10)
#define WAIT_MS 50 /* between two looks at stop */

/*
 * A reader at the other end may let us wait. Who can take something can take PIPE_BUF bytes of it
 * at once, and more if it may refuse the rest.
 */
static void look_at(struct pl_output *o)
{
	struct stat st;

	if (fstat(o->fd, &st) != 0)
		return;
	o->slow = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(o->fd);
	o->most = o->slow && !(fcntl(o->fd, F_GETFL) & O_NONBLOCK) ? PIPE_BUF : SSIZE_MAX;
}

static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* The file, or the one that is to take its place: fd is set. */
static bool open_file(struct pl_output *o)
{
	struct stat st;

	if (stat(o->path, &st) == 0) {
		if (!S_ISREG(st.st_mode)) {
			o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
			if (o->fd >= 0)
				look_at(o);
			return o->fd >= 0;
		}
		o->mode = st.st_mode & 07777;
		o->target = realpath(o->path, NULL); /* a link stays a link */
		if (!o->target)
			return false;
	} else {
		o->mode = new_file_mode();
		o->target = pl_strdup(o->path);
	}
	o->temp = pl_asprintf("%s.XXXXXX", o->target);
	o->fd = mkostemp(o->temp, O_CLOEXEC);
	if (o->fd >= 0)
		return true;
	free(o->temp);
	o->temp = NULL;
	return false;
}

/*
 * One write that does not wait longer than stop allows.
 */
static ssize_t write_some(const struct pl_output *o, const char *data, size_t n)
{
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};

	while (o->slow && poll(&p, 1, WAIT_MS) == 0) {
		if (atomic_load_explicit(o->stop, memory_order_relaxed)) {
			errno = ECANCELED;
			return -1;
		}
	}
	return write(o->fd, data, PL_MIN(n, o->most));
}

/* The stream's way out: n, or less when it failed. */
static ssize_t write_all(void *cookie, const char *data, size_t n)
{
	struct pl_output *o = cookie;
	size_t done = 0;

	if (!o->failed && o->fd < 0 && !open_file(o))
		o->failed = errno;
	while (!o->failed && done < n) {
		ssize_t k = write_some(o, data + done, n - done);

		if (k >= 0)
			done += (size_t)k;
		else if (errno != EINTR && errno != EAGAIN)
			o->failed = errno;
	}
	return (ssize_t)done;
}

bool pl_output_open(struct pl_output *o, const char *path, int fd, const atomic_bool *stop)
{
	static const cookie_io_functions_t ways = {.write = write_all};

	*o = (struct pl_output){
		.fd = path ? -1 : fd, .path = path, .stop = stop, .most = SSIZE_MAX};
	o->memory = !path && !fd;
	if (o->memory) {
		o->stream = open_memstream(&o->text, &o->len);
		return o->stream != NULL;
	}
	if (!path)
		look_at(o);
	o->stream = fopencookie(o, "w", ways);
	if (o->stream)
		setvbuf(o->stream, NULL, _IOFBF, BUFFER_BYTES);
	return o->stream != NULL;
}

int pl_output_blame(const struct pl_output *o, struct pl_err *err)
{
	static const int full[] = {ENOSPC, EDQUOT, EFBIG};

	if (o->failed == ECANCELED)
		return pl_ctx_cancel_err(err);
	pl_err_errno(err, PL_E_IO, o->failed, "cannot write %s", o->path ? o->path : "the result");
	for (size_t i = 0; i < PL_ARRAY_LEN(full); i++) {
		if (o->failed == full[i])
			pl_err_hint(err, "make room there, or name another file with --output");
	}
	return PL_E_IO;
}

static void check(struct pl_output *o, bool done)
{
	if (!done && !o->failed)
		o->failed = errno;
}

static void close_file(struct pl_output *o)
{
	if (o->path && o->fd >= 0)
		check(o, close(o->fd) == 0);
	o->fd = -1;
}

static void forget_file(struct pl_output *o)
{
	free(o->temp);
	free(o->target);
	o->temp = o->target = NULL;
}

int pl_output_end(struct pl_output *o, struct pl_err *err)
{
	bool written = !ferror(o->stream);

	written &= fclose(o->stream) == 0;
	o->stream = NULL;
	if (!written && o->memory)
		return pl_err_set(err, PL_E_NOMEM, "no memory for the printed result");
	if (o->path && o->fd < 0 && !o->failed)
		check(o, open_file(o)); /* nothing was written, and that is a file, too */
	if (o->temp && !o->failed)
		check(o, fchmod(o->fd, o->mode) == 0);
	close_file(o);
	if (o->temp && !o->failed)
		check(o, rename(o->temp, o->target) == 0);
	if (o->temp && o->failed)
		unlink(o->temp);
	forget_file(o);
	return o->failed ? pl_output_blame(o, err) : 0;
}

void pl_output_drop(struct pl_output *o)
{
	if (o->stream) {
		o->failed = o->failed ? o->failed : ECANCELED; /* what it holds is not written */
		fclose(o->stream);
		o->stream = NULL;
	}
	close_file(o);
	if (o->temp)
		unlink(o->temp);
	forget_file(o);
	free(o->text);
	o->text = NULL;
}
