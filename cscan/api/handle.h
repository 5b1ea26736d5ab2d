/*
 * handle.h - what pyleak.h's opaque structs hold; private to api/.
 */
#ifndef PL_HANDLE_H
#define PL_HANDLE_H

#include <pthread.h>

#include "analysis/analysis.h"
#include "include/pyleak.h"

struct pyleak {
	pthread_mutex_t lock; /* of session and early: other threads ask for them during a run */
	struct pl_session *session; /* NULL until the options name a core */
	/* The options that the session was made for, owned; to tell whether they changed. */
	char *core, *exe, *sysroot, *debug_dir;
	uint64_t max_unpacked;
	unsigned threads;
	unsigned columns;
	bool colour;
	int output;       /* descriptor, 0 = none */
	atomic_bool stop; /* a cancel from outside, in contrast to one by a budget */
	/* For completion: names of the types of the session's core, sorted; NULL = not made yet. */
	const char **type_names;
	size_t n_type_names;
	struct pl_arena strings; /* of type_names, also of those of earlier cores */
	PL_VEC(char *) early;    /* the sections of the run's text that were printed already */
};

struct pyleak_result {
	int status;
	char *output; /* NULL = none */
	size_t output_len;
	char *output_file;
	const char *picture; /* static: what the output, being DOT, is to become; NULL = nothing */
	struct pl_err err;
	PL_VEC(char *) notes;
};

/* A session of the options' core in place of the one there is, of which nothing is kept. */
void pl_handle_renew(struct pyleak *p);
/* No session, and nothing of what it knew. */
void pl_handle_drop(struct pyleak *p);
/* Forget the sections of the last run. */
void pl_run_forget_early(struct pyleak *p);
/*
 * Run one analysis for pyleak_run(), which has looked it up: parse, run, sort and cut, print. Fills
 * *r. Here so that tests can run analyses that are not in the registry.
 */
void pl_run_analysis(struct pyleak *p, const struct pl_analysis *a, int argc,
		     const char *const *argv, struct pyleak_result *r);

#endif
