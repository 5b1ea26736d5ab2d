/*
 * output.c - results into files, whole or not at all.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* close() without losing the errno of what failed before it */
static bool close_after(int fd, bool written)
{
	int saved = errno;
	bool closed = close(fd) == 0;

	if (!written)
		errno = saved;
	return written && closed;
}

static bool write_directly(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 && close_after(fd, write_all(fd, data, len));
}

static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* temp is path with room for a suffix behind it */
static bool write_and_rename(const char *path, char *temp, mode_t mode, const char *data,
			     size_t len)
{
	int fd = mkostemp(temp, O_CLOEXEC), saved;

	if (fd < 0)
		return false;
	if (close_after(fd, write_all(fd, data, len) && fchmod(fd, mode) == 0) &&
	    rename(temp, path) == 0)
		return true;
	saved = errno;
	unlink(temp);
	errno = saved;
	return false;
}

bool cli_write(const char *path, const char *data, size_t len)
{
	struct stat st;
	char *target, *temp;
	mode_t mode;
	bool done;

	if (!strcmp(path, "-"))
		return write_all(STDOUT_FILENO, data, len);
	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return write_directly(path, data, len);
		mode = st.st_mode & 07777;
		target = realpath(path, NULL); /* a link stays a link */
	} else {
		mode = new_file_mode();
		target = strdup(path);
	}
	if (!target)
		return false;
	if (asprintf(&temp, "%s.XXXXXX", target) < 0) {
		free(target);
		return false;
	}
	done = write_and_rename(target, temp, mode, data, len);
	free(temp);
	free(target);
	return done;
}
