/*
 * bench_graph.c - seconds that each operation of graph/ takes on graphs of a chosen size.
 *
 *	cc -O2 -Icscan -pthread -o build/bench_graph tests/bench/bench_graph.c build/lib/libpyleak.a
 *	build/bench_graph [NODES] [EDGES] [THREADS]          10000000 15000000 2
 *
 * Three graphs, made on the fly so that the edges' source costs next to nothing: `random` (every
 * target anywhere: each step misses the cache), `near` (as objects of a heap refer: close by, to
 * a few hubs, some anywhere), `list` (a chain through all nodes in order). One CSV line for each.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "graph/graph.h"

enum shape { RANDOM, NEAR, LIST };
static const char *const shape_names[] = {"random", "near", "list"};

struct input {
	enum shape shape;
	pl_node n;
	uint64_t m;
};

static uint64_t mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static pl_node target(const struct input *in, pl_node node, uint64_t r)
{
	uint64_t any = (r >> 32) * in->n >> 32;

	if (in->shape == RANDOM || r % 16 == 0)
		return (pl_node)any;
	if (r % 4 == 0)
		return (pl_node)(r / 4 % 64 % in->n);
	return (pl_node)((node + 1 + r / 4 % 100) % in->n);
}

static void edges(void *arg, unsigned worker, pl_node node, struct pl_edge_sink *sink)
{
	const struct input *in = arg;
	uint64_t first = in->m * node / in->n, end = in->m * (node + 1) / in->n;

	(void)worker;
	if (in->shape == LIST) {
		pl_edge_put(sink, (pl_node)((node + 1ull) % in->n), PL_G_TRAVERSED);
		return;
	}
	for (uint64_t e = first; e < end; e++)
		pl_edge_put(sink, target(in, node, mix(e)), PL_G_TRAVERSED);
}

static unsigned rank(void *arg, pl_node node)
{
	(void)arg;
	return node % 100000 == 0 ? 1 + node % 7 : 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds since *t, which moves on to now. */
static double lap(double *t)
{
	double was = *t;

	*t = now();
	return *t - was;
}

static int run(struct input *in, struct pl_ctx *ctx, struct pl_err *err)
{
	pl_node *column = pl_calloc(in->n, sizeof(*column)), n_components;
	uint64_t *reached = pl_calloc((size_t)in->n / 64 + 1, sizeof(*reached));
	struct pl_path_query query = {rank, NULL, NULL, 0};
	struct pl_path *paths = NULL;
	struct pl_graph *g = NULL;
	enum pl_path_end end;
	struct rusage usage;
	double t, took[6];
	size_t n_paths = 0;
	int rc;

	memset(column, 1, (size_t)in->n * sizeof(*column)); /* have the pages */
	t = now();
	rc = pl_graph_build(in->n, edges, in, ctx, &g, err);
	took[0] = lap(&t);
	rc = rc ? rc : pl_graph_reverse(g, ctx, err);
	took[1] = lap(&t);
	getrusage(RUSAGE_SELF, &usage);
	rc = rc ? rc : pl_graph_forest(g, &query, ctx, column, err);
	took[2] = lap(&t);
	rc = rc ? rc : pl_graph_scc(g, NULL, 0, ctx, column, &n_components, err);
	took[3] = lap(&t);
	reached[0] = 1;
	rc = rc ? rc : pl_graph_reach(g, 0, ctx, reached, err);
	took[4] = lap(&t);
	rc = rc ? rc
		: pl_graph_paths(g, in->n / 2 + 77777, 5, &query, ctx, &paths, &n_paths, &end, err);
	took[5] = lap(&t);
	if (!rc) {
		printf("%s,%u,%llu,%u", shape_names[in->shape], in->n,
		       (unsigned long long)g->n_edges, ctx->threads);
		for (size_t i = 0; i < PL_ARRAY_LEN(took); i++)
			printf(",%.3f", took[i]);
		printf(",%u,%zu,%ld\n", n_components, n_paths, usage.ru_maxrss / 1024);
	}
	pl_paths_free(paths, n_paths);
	pl_graph_free(g);
	free(reached);
	free(column);
	return rc;
}

int main(int argc, char **argv)
{
	struct input in = {.n = 10000000, .m = 15000000};
	unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : 2;
	struct pl_err err = {0};
	struct pl_ctx ctx;
	int rc = 0;

	if (argc > 1)
		in.n = (pl_node)PL_MAX(strtoul(argv[1], NULL, 0), 200000);
	if (argc > 2)
		in.m = strtoull(argv[2], NULL, 0);
	pl_ctx_init(&ctx, threads);
	puts("graph,nodes,edges,threads,build,reverse,forest,scc,reach,paths5,components,paths,"
	     "peak_mib");
	for (in.shape = RANDOM; in.shape <= LIST && !rc; in.shape++)
		rc = run(&in, &ctx, &err);
	if (rc)
		fprintf(stderr, "bench_graph: %s\n", err.text);
	pl_ctx_fini(&ctx);
	return rc != 0;
}
