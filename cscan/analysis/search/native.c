/* native.c - see native.h. */
#include "analysis/search/native.h"

#include "base/mem.h"

enum {
	MANY_WORDS = 16, /* words of one block that are an array, not a struct's members */
};

/* All that leads to the targets, in the order of distance. */
struct backward {
	pl_node *nodes;
	size_t n;
	pl_node *next;    /* by node: the step towards a target, itself for a target; PL_NO_NODE:
			     unseen */
	uint32_t *length; /* by node: nodes on the chain from it to its target */
	struct pl_addrset targets;
};

static int begin(const struct pl_objects *o, struct backward *b, struct pl_err *err)
{
	pl_addrset_init(&b->targets);
	b->nodes = pl_col_alloc(o->n, sizeof(*b->nodes));
	b->next = pl_col_alloc(o->n, sizeof(*b->next));
	b->length = pl_col_alloc(o->n, sizeof(*b->length));
	if (b->nodes && b->next && b->length)
		return 0;
	return pl_err_set(err, PL_E_NOMEM, "no memory to search among %zu objects", o->n);
}

static void end(const struct pl_objects *o, struct backward *b)
{
	pl_addrset_fini(&b->targets);
	pl_col_free(b->nodes, o->n, sizeof(*b->nodes));
	pl_col_free(b->next, o->n, sizeof(*b->next));
	pl_col_free(b->length, o->n, sizeof(*b->length));
}

static enum pl_walk_answer lead_on(void *arg, pl_node from, pl_node to)
{
	struct backward *b = arg;

	if (b->next[to] != PL_NO_NODE)
		return PL_WALK_PASS;
	b->next[to] = from;
	b->length[to] = b->length[from] + 1;
	return PL_WALK_TAKE;
}

static int search_backward(const struct pl_objects *o, const struct pl_graph *graph,
			   const pl_id *targets, size_t n_targets, struct pl_ctx *ctx,
			   struct backward *b, struct pl_err *err)
{
	struct pl_walk walk = {.fn = lead_on, .arg = b, .back = true};
	int rc;

	memset(b->next, 0xff, o->n * sizeof(*b->next));
	for (size_t i = 0; i < n_targets; i++) {
		b->next[targets[i]] = targets[i];
		b->length[targets[i]] = 1;
		b->nodes[b->n++] = targets[i];
	}
	rc = pl_graph_walk(graph, &walk, ctx, b->nodes, &b->n, err);
	for (size_t i = 0; !rc && i < b->n; i++) {
		if (pl_ctx_look(ctx, i))
			rc = pl_ctx_cancel_err(err);
		pl_addrset_add(&b->targets, o->addr[b->nodes[i]]);
	}
	return rc;
}

struct choosing {
	const struct pl_objects *o;
	const struct backward *b;
	struct pl_native_hit hit;
	uint32_t best; /* nodes on its chain; 0 = none yet */
};

/*
 * The hit with the shortest chain; hits come in the order of their worth. What is on stacks and in
 * memory of no known use is mostly left over: it serves only when there is nothing else.
 */
static bool choose(void *arg, const struct pl_native_hit *hit)
{
	struct choosing *c = arg;
	uint32_t length = c->b->length[pl_objects_id(c->o, hit->target)];

	if (c->best && hit->place > PL_NATIVE_BLOCK && c->hit.place <= PL_NATIVE_BLOCK)
		return false;
	if (!c->best || length < c->best) {
		c->best = length;
		c->hit = *hit;
	}
	return c->best > 1;
}

static void put_chain(const struct choosing *c, struct pl_path *ret, struct pl_native_hit *hit)
{
	ret->n = c->best;
	ret->node = pl_malloc((ret->n + 1u) * sizeof(*ret->node));
	if (!ret->n)
		return;
	*hit = c->hit;
	ret->node[0] = pl_objects_id(c->o, hit->target);
	for (uint32_t i = 1; i < ret->n; i++)
		ret->node[i] = c->b->next[ret->node[i - 1]];
}

int pl_native_chain(const struct pl_objects *o, const struct pl_graph *graph, pl_id target,
		    struct pl_ctx *ctx, struct pl_path *ret, struct pl_native_hit *hit,
		    struct pl_err *err)
{
	struct pl_native_words *words = NULL;
	struct backward b = {0};
	struct choosing c = {.o = o, .b = &b};
	int rc = begin(o, &b, err);

	if (!rc)
		rc = search_backward(o, graph, &target, 1, ctx, &b, err);
	if (!rc)
		rc = pl_native_words_new(o, &b.targets, b.nodes, b.n, ctx, &words, err);
	if (!rc)
		rc = pl_native_words_each(words, PL_NATIVE_FILE, PL_NATIVE_REGISTER, choose, &c,
					  err);
	if (!rc)
		put_chain(&c, ret, hit);
	pl_native_words_free(words);
	end(o, &b);
	return rc;
}

/* ---- many targets ---- */

/* The nodes that lead to a target and that no root reaches. */
struct forest {
	const struct pl_objects *o;
	const struct pl_graph *graph;
	struct backward b;
	pl_node *parent;
	pl_node *queue;
	size_t n; /* in the queue */
	struct pl_native_roots roots;
};

static void plant(struct forest *f, pl_node node)
{
	f->parent[node] = node;
	f->queue[f->n++] = node;
}

static enum pl_walk_answer grow(void *arg, pl_node from, pl_node to)
{
	struct forest *f = arg;

	if (f->parent[to] != PL_NO_NODE || f->b.next[to] == PL_NO_NODE)
		return PL_WALK_PASS;
	f->parent[to] = from;
	return PL_WALK_TAKE;
}

/* From what was planted, only over nodes that lead to a target. */
static int spread(struct forest *f, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_walk walk = {.fn = grow, .arg = f};
	int rc = pl_graph_walk(f->graph, &walk, ctx, f->queue, &f->n, err);

	f->n = 0;
	return rc;
}

static bool plant_word(void *arg, const struct pl_native_hit *hit)
{
	struct forest *f = arg;
	pl_node node = pl_objects_id(f->o, hit->target);

	if (f->parent[node] == PL_NO_NODE) {
		pl_vec_push(&f->roots.at,
			    (struct pl_native_root){.node = node, .hit = *hit, .alike = node});
		plant(f, node);
	}
	return true;
}

/* Trees from the words in places that are surely in use, or from all others. */
static int grow_from_words(struct forest *f, bool sure, struct pl_native_words *words,
			   struct pl_ctx *ctx, struct pl_err *err)
{
	int rc = pl_native_words_each(words, sure ? PL_NATIVE_FILE : PL_NATIVE_MAPPING,
				      sure ? PL_NATIVE_BLOCK : PL_NATIVE_REGISTER, plant_word, f,
				      err);

	return rc ? rc : spread(f, ctx, err);
}

static int grow_from_roots(const struct pl_objects *o, struct forest *f,
			   const struct pl_roots *roots, struct pl_ctx *ctx, struct pl_err *err)
{
	for (size_t i = 0; i < roots->n; i++) {
		pl_node node = pl_objects_id(o, roots->at[i].target);

		if (roots->at[i].kind == PL_ROOT_NATIVE && node != PL_NO_ID &&
		    f->b.next[node] != PL_NO_NODE && f->parent[node] == PL_NO_NODE)
			plant(f, node);
	}
	return spread(f, ctx, err);
}

/* ---- words that are like each other ---- */

static int by_place(const void *pa, const void *pb)
{
	const struct pl_native_root *a = pa, *b = pb;

	if (a->hit.place != b->hit.place)
		return a->hit.place < b->hit.place ? -1 : 1;
	return (a->hit.at > b->hit.at) - (a->hit.at < b->hit.at);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Many words in one block are an array: tell by what they are apart. */
static void find_arrays(struct pl_native_root *roots, size_t n)
{
	size_t end;

	for (size_t first = 0; first < n; first = end) {
		uint64_t stride = 0;

		for (end = first + 1; end < n && roots[end].hit.place == roots[first].hit.place &&
				      roots[end].hit.base == roots[first].hit.base;
		     end++)
			stride = common_divisor(roots[end].hit.at - roots[end - 1].hit.at, stride);
		if (roots[first].hit.place != PL_NATIVE_BLOCK || end - first < MANY_WORDS)
			continue;
		for (size_t i = first; i < end; i++)
			roots[i].stride = stride;
	}
}

/* What the general names of two roots differ in, if they do. */
static int by_name(const struct pl_native_root *a, const struct pl_native_root *b)
{
	uint64_t at = a->hit.at, bt = b->hit.at;

	if (a->hit.place != b->hit.place)
		return a->hit.place < b->hit.place ? -1 : 1;
	if (a->hit.lwp != b->hit.lwp)
		return a->hit.lwp < b->hit.lwp ? -1 : 1;
	if (a->stride != b->stride)
		return a->stride < b->stride ? -1 : 1;
	if (a->hit.place == PL_NATIVE_MAPPING || a->hit.place == PL_NATIVE_STACK)
		return 0;
	if (a->hit.place == PL_NATIVE_BLOCK) {
		at -= a->hit.base;
		bt -= b->hit.base;
	}
	if (a->stride) {
		at %= a->stride;
		bt %= b->stride;
	}
	return (at > bt) - (at < bt);
}

static int by_name_and_node(const void *pa, const void *pb)
{
	const struct pl_native_root *a = pa, *b = pb;
	int order = by_name(a, b);

	return order ? order : (a->node > b->node) - (a->node < b->node);
}

static void find_alike(struct pl_native_root *roots, size_t n)
{
	if (!n)
		return;
	qsort(roots, n, sizeof(*roots), by_place);
	find_arrays(roots, n);
	qsort(roots, n, sizeof(*roots), by_name_and_node);
	for (size_t i = 1; i < n; i++) {
		if (!by_name(&roots[i - 1], &roots[i]))
			roots[i].alike = roots[i - 1].alike;
	}
}

void pl_native_root_name(const struct pl_objects *o, const struct pl_native_root *root, char *buf,
			 size_t cap)
{
	if (root->stride)
		pl_native_array_name(&root->hit, root->stride, buf, cap);
	else
		pl_native_general_name(o, &root->hit, buf, cap);
}

static int by_node(const void *pa, const void *pb)
{
	const struct pl_native_root *a = pa, *b = pb;

	return (a->node > b->node) - (a->node < b->node);
}

const struct pl_native_root *pl_native_root_of(const struct pl_native_roots *r, pl_node node)
{
	struct pl_native_root key = {.node = node}, *found;

	found = r->at.n ? bsearch(&key, r->at.at, r->at.n, sizeof(key), by_node) : NULL;
	return found;
}

int pl_native_forest(const struct pl_objects *o, const struct pl_graph *graph,
		     const struct pl_roots *roots, const pl_id *targets, size_t n_targets,
		     struct pl_ctx *ctx, pl_node *parent, struct pl_native_roots *ret,
		     struct pl_err *err)
{
	struct forest f = {.o = o, .graph = graph, .parent = parent};
	struct pl_native_words *words = NULL;
	PL_VEC(pl_id) lost = {0};
	int rc = begin(o, &f.b, err);

	f.queue = pl_col_alloc(o->n, sizeof(*f.queue));
	if (!rc && !f.queue)
		rc = pl_err_set(err, PL_E_NOMEM, "no memory to search among %zu objects", o->n);
	for (size_t i = 0; i < n_targets; i++) {
		if (parent[targets[i]] == PL_NO_NODE)
			pl_vec_push(&lost, targets[i]);
	}
	if (!rc)
		rc = search_backward(o, graph, lost.at, lost.n, ctx, &f.b, err);
	if (!rc)
		rc = pl_native_words_new(o, &f.b.targets, f.b.nodes, f.b.n, ctx, &words, err);
	if (!rc)
		rc = grow_from_words(&f, true, words, ctx, err);
	if (!rc)
		rc = grow_from_roots(o, &f, roots, ctx, err);
	if (!rc)
		rc = grow_from_words(&f, false, words, ctx, err);
	if (rc) {
		pl_vec_free(&f.roots.at);
	} else {
		find_alike(f.roots.at.at, f.roots.at.n);
		if (f.roots.at.n)
			qsort(f.roots.at.at, f.roots.at.n, sizeof(*f.roots.at.at), by_node);
		*ret = f.roots;
	}
	pl_native_words_free(words);
	pl_col_free(f.queue, o->n, sizeof(*f.queue));
	pl_vec_free(&lost);
	end(o, &f.b);
	return rc;
}
