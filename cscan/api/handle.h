/*
 * handle.h - what pyleak.h's opaque structs hold; private to api/.
 */
#ifndef PL_HANDLE_H
#define PL_HANDLE_H

#include <pthread.h>

#include "analysis/analysis.h"
#include "include/pyleak.h"

struct pyleak {
	pthread_mutex_t lock;       /* of session: cancel and progress come from other threads */
	struct pl_session *session; /* NULL until the options name a core */
	/* The options that the session was made for, owned; to tell whether they changed. */
	char *core, *exe, *sysroot, *debug_dir;
	unsigned columns;
	bool colour;
	/* For completion: names of the types of the session's core, sorted; NULL = not made yet. */
	const char **type_names;
	size_t n_type_names;
	struct pl_arena strings; /* of type_names, also of those of earlier cores */
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

/*
 * Run one analysis for pyleak_run(), which has looked it up: parse, run, sort and cut, print. Fills
 * *r. Here so that tests can run analyses that are not in the registry.
 */
void pl_run_analysis(struct pyleak *p, const struct pl_analysis *a, int argc,
		     const char *const *argv, struct pyleak_result *r);

#endif
