/*
 * picture.c - DOT made an SVG or PNG by Graphviz's dot, a program of its own on the PATH.
 */
#include "cli/cli.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Files without names, so that neither side waits for the other and nothing is left behind. */
struct pipes {
	int in, out, complaints;
};

static int unnamed(void)
{
	return memfd_create("pyleak", MFD_CLOEXEC);
}

static bool open_pipes(struct pipes *p, const char *dot, size_t len)
{
	p->in = unnamed();
	p->out = unnamed();
	p->complaints = unnamed();
	if (p->in < 0 || p->out < 0 || p->complaints < 0)
		return false;
	while (len) {
		ssize_t n = write(p->in, dot, len);

		if (n < 0)
			return false;
		dot += n;
		len -= (size_t)n;
	}
	return lseek(p->in, 0, SEEK_SET) == 0;
}

static void close_pipes(const struct pipes *p)
{
	const int fds[] = {p->in, p->out, p->complaints};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* All that was written to a file without name, malloced and NUL-terminated; NULL with errno set. */
static char *contents(int fd, size_t *len)
{
	struct stat st;
	char *data;

	if (fstat(fd, &st) != 0)
		return NULL;
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	if (!data)
		return NULL;
	for (size_t at = 0; at < *len;) {
		ssize_t n = pread(fd, data + at, *len - at, (off_t)at);

		if (n <= 0) {
			free(data);
			return NULL;
		}
		at += (size_t)n;
	}
	data[*len] = '\0';
	return data;
}

/* Run dot -TKIND to its end: its wait status, or -1 with errno set when it could not be started. */
static int run_dot(const char *kind, const struct pipes *p)
{
	char program[] = "dot", format[16];
	char *argv[] = {program, format, NULL};
	posix_spawn_file_actions_t files;
	int failed, status;
	pid_t pid;

	snprintf(format, sizeof(format), "-T%s", kind);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, p->in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, p->out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, p->complaints, STDERR_FILENO);
	failed = posix_spawnp(&pid, program, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (failed) {
		errno = failed;
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

/* The first line that dot complained with, what no terminal should see left out. */
static void blame(const struct pipes *p, int status, char *why, size_t cap)
{
	size_t len = 0, n = 0;
	char *said = contents(p->complaints, &len), line[200];

	for (size_t i = 0; said && i < len && said[i] != '\n' && n + 1 < sizeof(line); i++) {
		if (said[i] >= ' ' && said[i] <= '~')
			line[n++] = said[i];
	}
	line[n] = '\0';
	free(said);
	if (WIFSIGNALED(status))
		snprintf(why, cap, "Graphviz's dot was killed by signal %d", WTERMSIG(status));
	else
		snprintf(why, cap, "Graphviz's dot failed with status %d%s%s", WEXITSTATUS(status),
			 n ? ": " : "", line);
}

char *cli_picture(const char *kind, const char *dot, size_t len, size_t *ret_len, char *why,
		  size_t cap)
{
	struct pipes p = {-1, -1, -1};
	char *picture = NULL;
	int status = -1;

	if (open_pipes(&p, dot, len))
		status = run_dot(kind, &p);
	if (status == -1 && errno == ENOENT)
		snprintf(why, cap, "Graphviz's dot is not installed");
	else if (status == -1)
		snprintf(why, cap, "cannot run Graphviz's dot (%s)", strerror(errno));
	else if (status)
		blame(&p, status, why, cap);
	else
		picture = contents(p.out, ret_len);
	if (!status && !picture)
		snprintf(why, cap, "cannot read what Graphviz's dot wrote (%s)", strerror(errno));
	close_pipes(&p);
	return picture;
}
