/*
 * run.c - the run on a worker thread, the terminal and its signals on the main one.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 50     /* a cancel is passed on within this */
#define DRAW_S 0.1     /* between two drawings */
#define QUIET_S 0.3    /* a run shorter than this shows no progress at all */
#define ESTIMATE_S 1.0 /* a stage must have run so long before its end is guessed */

struct job {
	pyleak *p;
	int argc;
	const char *const *argv;
	pyleak_result *result;
	int in, out; /* a pipe: closed when the run has ended, and the way of its result if relayed
		      */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void *work(void *arg)
{
	struct job *job = arg;

	job->result = pyleak_run(job->p, job->argc, job->argv);
	if (job->out >= 0)
		close(job->out);
	return NULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The progress line: what was drawn last, to know when the stage changes. */
struct line {
	const char *stage;
	double since;
	bool drawn;
};

static void draw(struct line *line, pyleak *p)
{
	uint64_t done = 0, total = 0;
	const char *stage = pyleak_progress(p, &done, &total);
	double seconds, share;

	if (!stage)
		return;
	if (!line->stage || strcmp(stage, line->stage) != 0) {
		line->stage = stage;
		line->since = now();
	}
	seconds = now() - line->since;
	line->drawn = true;
	fprintf(stderr, "\r\033[K%s", stage);
	if (total && done <= total) {
		share = (double)done / (double)total;
		fprintf(stderr, " %.0f %%", share * 100);
		if (seconds >= ESTIMATE_S && share > 0.01)
			fprintf(stderr, ", about %.0f s left", seconds * (1 - share) / share);
	} else if (done) {
		fprintf(stderr, " %" PRIu64, done);
	}
	fflush(stderr);
}

static void erase(struct line *line)
{
	if (line->drawn) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	line->drawn = false;
}

bool cli_print(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * What the run has printed; the progress line gives way to it. False at its end. A terminal that
 * takes no more is met by the run, too, when nobody reads.
 */
static bool relay(struct job *job, struct line *line)
{
	char text[64 << 10];
	ssize_t n = read(job->in, text, sizeof(text));

	if (n < 0)
		return errno == EINTR;
	if (n > 0)
		erase(line);
	return n > 0 && cli_print(text, (size_t)n);
}

static void wait_for(struct job *job, bool progress)
{
	struct pollfd p = {.fd = job->in, .events = POLLIN};
	struct line line = {0};
	double next = now() + QUIET_S;
	int ready;

	do {
		ready = poll(&p, 1, POLL_MS);
		if (interrupted) /* again and again: the run may only just have begun */
			pyleak_cancel(job->p);
		if (progress && !ready && now() >= next) {
			draw(&line, job->p);
			next = now() + DRAW_S;
		}
	} while (ready <= 0 || relay(job, &line));
	erase(&line);
}

pyleak_result *cli_run(pyleak *p, struct pyleak_options *options, int argc, const char *const *argv,
		       bool progress)
{
	struct job job = {.p = p, .argc = argc, .argv = argv, .in = -1, .out = -1};
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
	sigset_t blocked, before;
	pthread_t thread;
	int ends[2];
	bool alone;

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	alone = pipe2(ends, O_CLOEXEC) != 0;
	if (!alone) {
		job.in = ends[0];
		job.out = ends[1];
	}
	/* Where progress is drawn on the terminal that the result goes to, each must know of the
	 * other. */
	options->output = progress && !alone && isatty(STDOUT_FILENO) ? job.out : STDOUT_FILENO;
	pyleak_set_options(p, options);
	/* The worker inherits it and hears no signal, but that of a reader who went away. */
	sigfillset(&blocked);
	sigdelset(&blocked, SIGPIPE);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	alone = alone || pthread_create(&thread, NULL, work, &job) != 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (alone) { /* no thread to be had: then without progress and cancel */
		options->output = STDOUT_FILENO;
		pyleak_set_options(p, options);
		work(&job);
	} else {
		wait_for(&job, progress);
	}
	if (job.in >= 0)
		close(job.in);
	if (!alone)
		pthread_join(thread, NULL);
	return job.result;
}
