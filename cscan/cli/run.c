/*
 * run.c - the run on a worker thread, the terminal and its signals on the main one.
 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define POLL_MS 50     /* a cancel is passed on within this */
#define DRAW_EVERY 2   /* polls between two drawings */
#define QUIET_POLLS 6  /* a run shorter than this shows no progress at all */
#define ESTIMATE_S 1.0 /* a stage must have run so long before its end is guessed */

struct job {
	pyleak *p;
	size_t pieces, told; /* of its early text that are written, and their bytes */
	bool mute;           /* standard output takes no more: the end of the run meets it, too */
	int argc;
	const char *const *argv;
	pyleak_result *result;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done; /* under lock */
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
	pyleak_result *r = pyleak_run(job->p, job->argc, job->argv);

	pthread_mutex_lock(&job->lock);
	job->result = r;
	job->done = true;
	pthread_cond_signal(&job->ended);
	pthread_mutex_unlock(&job->lock);
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

/* What is ready to be read; the progress line gives way to it. */
static void show_early(struct job *job, struct line *line)
{
	const char *piece;

	while (!job->mute && (piece = pyleak_early(job->p, job->pieces))) {
		size_t len = strlen(piece);

		erase(line);
		job->mute = !cli_write("-", piece, len);
		job->pieces += !job->mute;
		job->told += job->mute ? 0 : len;
	}
}

static void wait_for(struct job *job, bool progress)
{
	struct line line = {0};
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&job->lock);
	for (unsigned polls = 1; !job->done; polls++) {
		until.tv_nsec += POLL_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		while (!job->done && pthread_cond_timedwait(&job->ended, &job->lock, &until) == 0)
			;
		pthread_mutex_unlock(&job->lock);
		if (interrupted) /* again and again: the run may only just have begun */
			pyleak_cancel(job->p);
		show_early(job, &line);
		if (progress && polls >= QUIET_POLLS && polls % DRAW_EVERY == 0)
			draw(&line, job->p);
		pthread_mutex_lock(&job->lock);
	}
	pthread_mutex_unlock(&job->lock);
	erase(&line);
	show_early(job, &line); /* a run that failed leaves it, too */
}

pyleak_result *cli_run(pyleak *p, int argc, const char *const *argv, bool progress, size_t *told)
{
	struct job job = {.p = p, .argc = argc, .argv = argv};
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
	pthread_condattr_t clock;
	sigset_t all, before;
	pthread_t thread;
	int failed;

	pthread_mutex_init(&job.lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&job.ended, &clock);
	pthread_condattr_destroy(&clock);
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all,
			&before); /* the worker inherits it and hears no signal */
	failed = pthread_create(&thread, NULL, work, &job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		work(&job); /* no thread to be had: then without progress and cancel */
	} else {
		wait_for(&job, progress);
		pthread_join(thread, NULL);
	}
	pthread_cond_destroy(&job.ended);
	pthread_mutex_destroy(&job.lock);
	*told = job.told;
	return job.result;
}
