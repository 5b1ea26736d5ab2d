/*
 * path.c - the shortest chains from roots to one node, each a different explanation.
 *
 * Knows what makes two chains different and one chain worth telling:
 *
 * Different. A chain is told by the node after the rooted one, its second node: each chain enters
 * by another second node (or, where the second node is the target, from another rooted node). So no
 * two chains share their first step, which would be variations of the end; and no two go through
 * the same inner nodes, which would be variations of the root.
 *
 * Worth telling. A chain whose inner node is itself held by a root as good as the chain's own says
 * nothing new: the shorter chain from there on is the explanation. A chain through a node that is
 * held by a worse root is kept (C memory holds the list, but so does app.CACHE). The target does
 * not count as an inner node: that it is held by a root does not end the search.
 *
 * A backward breadth-first search from the target does both at once. What it queues is not a node
 * but a label: a node with the part of a chain from there to the target, and `limit`, the best rank
 * met on that part; only roots of better rank are news there. A node gets a further label only when
 * that has a higher limit than those before, which were no longer; so a chain that avoids a rooted
 * node is found even where a shorter one goes through it. There are at most as many labels of a
 * node as there are ranks, in practice one. Every chain is simple, since going through a node twice
 * never raises the limit.
 */
#include "graph/internal.h"

#include "base/mem.h"

#define NO_LIMIT UINT32_MAX /* no rooted node was met */
#define NO_LABEL UINT32_MAX

struct label {
	pl_node node;
	uint32_t next; /* label of the node after this one on the chain; NO_LABEL for the target */
	uint32_t limit;
};

/* A whole chain: root, then the nodes from label on. */
struct candidate {
	pl_node root;
	uint32_t label;
	uint32_t rank;
};

struct search {
	const struct pl_graph *g;
	const struct pl_path_query *q;
	struct pl_pulse pulse;
	pl_node target;
	size_t count; /* chains wanted */
	size_t max_labels;
	struct label *labels; /* the queue */
	size_t n_labels, cap_labels;
	uint32_t *limit;         /* [node]: highest limit of its labels, 0 = it has none */
	uint64_t *taken;         /* nodes that are the second one of a chain in paths */
	struct candidate *found; /* in the level that is being expanded */
	size_t n_found, cap_found;
	struct pl_path *paths;
	size_t n_paths, cap_paths;
	bool bounded; /* max_labels was hit */
	struct pl_err *err;
};

static int no_memory(const struct search *s)
{
	return pl_err_set(s->err, PL_E_NOMEM, "not enough memory for the search");
}

/* An array with room for one more than n items; NULL without memory, and at is as it was. */
static void *grow(void *at, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 64, bytes;
	void *p;

	if (n < *cap)
		return at;
	if (__builtin_mul_overflow(more, size, &bytes))
		return NULL;
	p = realloc(at, bytes);
	if (p)
		*cap = more;
	return p;
}

static int push(struct search *s, pl_node node, uint32_t next, uint32_t limit)
{
	struct label *labels;

	if (s->n_labels == s->max_labels) {
		s->bounded = true;
		return 0;
	}
	labels = grow(s->labels, s->n_labels, &s->cap_labels, sizeof(*labels));
	if (!labels)
		return no_memory(s);
	s->labels = labels;
	s->labels[s->n_labels++] = (struct label){node, next, limit};
	s->limit[node] = limit;
	return 0;
}

static int find(struct search *s, struct candidate c)
{
	struct candidate *found = grow(s->found, s->n_found, &s->cap_found, sizeof(*found));

	if (!found)
		return no_memory(s);
	s->found = found;
	s->found[s->n_found++] = c;
	return 0;
}

/* Keep the chain of a candidate that is different from those kept before. */
static int keep(struct search *s, const struct candidate *c)
{
	pl_node second = c->label == NO_LABEL ? s->target : s->labels[c->label].node;
	struct pl_path path = {.n = 1}, *paths;

	if (second != s->target) {
		if (pl_bits_has(s->taken, second))
			return 0;
		pl_bits_set(s->taken, second);
	}
	paths = grow(s->paths, s->n_paths, &s->cap_paths, sizeof(*paths));
	if (!paths)
		return no_memory(s);
	s->paths = paths;
	for (uint32_t l = c->label; l != NO_LABEL; l = s->labels[l].next)
		path.n++;
	path.node = malloc((size_t)path.n * sizeof(*path.node));
	if (!path.node)
		return no_memory(s);
	path.n = 0;
	path.node[path.n++] = c->root;
	for (uint32_t l = c->label; l != NO_LABEL; l = s->labels[l].next)
		path.node[path.n++] = s->labels[l].node;
	s->paths[s->n_paths++] = path;
	return 0;
}

/* The candidates of a level are chains of one length: keep by rank, then as they were found. */
static int keep_best(struct search *s)
{
	uint64_t *ranked = NULL;
	int rc = 0;

	if (!s->n_found)
		return 0;
	ranked = pl_col_alloc(s->n_found, sizeof(*ranked));
	if (!ranked)
		return no_memory(s);
	for (size_t i = 0; i < s->n_found; i++)
		ranked[i] = pl_ranked(s->found[i].rank, (uint32_t)i);
	rc = pl_graph_sort_ranked(ranked, s->n_found, s->err);
	for (size_t i = 0; i < s->n_found && !rc && s->n_paths < s->count; i++)
		rc = keep(s, &s->found[(uint32_t)ranked[i]]);
	pl_col_free(ranked, s->n_found, sizeof(*ranked));
	s->n_found = 0;
	return rc;
}

/* Look at all that refer to the node of a label. */
static int expand(struct search *s, uint32_t index)
{
	struct label label = s->labels[index];
	struct candidate best = {.label = index, .rank = NO_LIMIT};
	pl_node before = PL_NO_NODE;
	uint64_t n;
	const pl_node *in = pl_graph_in(s->g, label.node, &n);
	int rc = 0;

	for (uint64_t i = 0; i < n && !rc && !s->bounded; before = in[i++]) {
		pl_node p = in[i];
		uint32_t rank, limit;

		if (pl_pulse_edge(&s->pulse))
			return pl_ctx_cancel_err(s->err);
		/* One that has a label without limit is not rooted, and can get no better label. */
		if (p == before || s->limit[p] == NO_LIMIT)
			continue;
		if (s->q->ok) {
			bool ok = s->q->ok(s->q->arg, p, label.node);

			if (pl_ctx_cancelled(s->pulse.ctx))
				return pl_ctx_cancel_err(s->err);
			if (!ok)
				continue;
		}
		rank = s->q->rank(s->q->arg, p);
		rank = PL_MIN(rank, NO_LIMIT - 1);
		limit = rank ? PL_MIN(rank, label.limit) : label.limit;
		if (rank && rank < label.limit) {
			struct candidate c = {p, index, rank};

			if (label.node == s->target)
				rc = find(s, c);
			else if (rank < best.rank)
				best = c;
		}
		if (!rc && limit > 1 && limit > s->limit[p])
			rc = push(s, p, index, limit);
	}
	if (!rc && best.rank != NO_LIMIT)
		rc = find(s, best);
	return rc;
}

static void prefetch(const struct search *s, size_t at)
{
	uint64_t n;

	if (at + 16 < s->n_labels)
		pl_graph_prefetch(s->g->in_blocks, s->labels[at + 16].node);
	if (at + 8 < s->n_labels)
		__builtin_prefetch(pl_graph_in(s->g, s->labels[at + 8].node, &n));
}

static int run(struct search *s)
{
	size_t at = 0;
	unsigned rank = s->q->rank(s->q->arg, s->target);
	int rc;

	if (rank && s->count) {
		rc = keep(s, &(struct candidate){s->target, NO_LABEL, rank});
		if (rc)
			return rc;
	}
	rc = push(s, s->target, NO_LABEL, NO_LIMIT);
	while (!rc && at < s->n_labels && s->n_paths < s->count && !s->bounded) {
		for (size_t level_end = s->n_labels; at < level_end && !rc && !s->bounded; at++) {
			if (pl_pulse_node(&s->pulse))
				return pl_ctx_cancel_err(s->err);
			prefetch(s, at);
			rc = expand(s, (uint32_t)at);
		}
		if (!rc)
			rc = keep_best(s);
	}
	return rc;
}

int pl_graph_paths(const struct pl_graph *g, pl_node target, size_t count,
		   const struct pl_path_query *q, struct pl_ctx *ctx, struct pl_path **ret,
		   size_t *n, enum pl_path_end *end, struct pl_err *err)
{
	size_t n_words = ((size_t)g->n_nodes + 63) / 64;
	struct search s = {.g = g,
			   .q = q,
			   .pulse = {.ctx = ctx},
			   .target = target,
			   .count = count,
			   .max_labels = UINT32_MAX,
			   .err = err};
	int rc;

	if (!g->in_blocks || target >= g->n_nodes)
		return pl_err_set(err, PL_E_BUG, "chains asked of a graph that cannot tell them");
	if (q->max_nodes)
		s.max_labels = (size_t)PL_MIN(q->max_nodes, s.max_labels);
	pl_ctx_stage(ctx, "looking for roots", 0);
	s.limit = pl_col_alloc(g->n_nodes, sizeof(*s.limit));
	s.taken = pl_col_alloc(n_words, sizeof(*s.taken));
	if (!s.limit || !s.taken)
		rc = pl_err_set(err, PL_E_NOMEM, "not enough memory for %u nodes", g->n_nodes);
	else
		rc = run(&s);
	pl_col_free(s.limit, g->n_nodes, sizeof(*s.limit));
	pl_col_free(s.taken, n_words, sizeof(*s.taken));
	free(s.labels);
	free(s.found);
	if (rc) {
		pl_paths_free(s.paths, s.n_paths);
		return rc;
	}
	*ret = s.paths;
	*n = s.n_paths;
	*end = s.bounded ? PL_PATHS_BOUND : PL_PATHS_ALL;
	return 0;
}

void pl_paths_free(struct pl_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(paths[i].node);
	free(paths);
}
