/*
 * bench_stages.c - how long a core takes to become a reference graph, stage by stage.
 *
 *	cc -O2 -Icscan -pthread -o build/bench_stages tests/bench/bench_stages.c \
 *		build/lib/libpyleak.a -ldw -lelf -larchive -ljansson
 *	build/bench_stages CORE [THREADS]
 *
 * One line of CSV: seconds of the objects (from opening the file to ids), of the roots, of the
 * graph in both directions; its edges, and the bytes that it added to what is resident.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "session/session.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Resident memory of the process's own, without mapped files, in KiB. */
static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	uint64_t kib = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	struct pl_image_options options = {.core = argc > 1 ? argv[1] : NULL};
	unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2;
	struct pl_session *s;
	const struct pl_graph *g;
	const struct pl_roots *roots;
	struct pl_objects *o;
	struct pl_err err;
	double start, at[3];
	uint64_t before;

	if (!options.core)
		return 2;
	s = pl_session_new(&options, threads);
	start = now();
	if (pl_session_index(s, &o, &err))
		goto fail;
	at[0] = now();
	if (pl_session_roots(s, &roots, &err))
		goto fail;
	at[1] = now();
	before = resident();
	if (pl_session_graph(s, &g, &err))
		goto fail;
	at[2] = now();
	printf("%.3f,%.3f,%.3f,%" PRIu64 ",%" PRIu64 "\n", at[0] - start, at[1] - at[0],
	       at[2] - at[1], g->n_edges, (resident() - before) << 10);
	pl_session_free(s);
	return 0;
fail:
	fprintf(stderr, "%s\n", err.text);
	pl_session_free(s);
	return 1;
}
