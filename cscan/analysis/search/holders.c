/* holders.c - see holders.h. */
#include "analysis/search/holders.h"

#include "analysis/spell/spell.h"

#define SAMPLE 65536     /* objects of the whole heap that are looked at, besides the big ones */
#define BIG 16384        /* an object is big with one part in so many of all bytes */
#define TYPE_SAMPLE 8192 /* objects of one type */
#define MOST_STEPS 16    /* objects on a path: longer ones are a chain of like things */
#define SPELLED 64       /* shapes of one type that are spelled: the ones with most objects */
#define MOST_BELOW 0.8   /* a step is gone on with when it leads to so much of what is below */
#define OFTEN 4096       /* objects between two looks at cancel */
#define NEARLY 0.95      /* paths of so many of the most common one's objects are as common */

/* ---- the whole heap ---- */

struct sample {
	pl_node node;
	double bytes; /* that it stands for */
};

struct sampling {
	PL_VEC(struct sample) at;
	double rest; /* bytes of all that are not big */
	uint64_t small;
};

/* Between two objects of many: true after a cancel. */
static bool look(const struct pl_holders *h, size_t id)
{
	if (id % OFTEN)
		return false;
	pl_ctx_step(h->ctx, OFTEN);
	return pl_ctx_cancelled(h->ctx);
}

static int take_sample(struct pl_holders *h, struct sampling *s, struct pl_err *err)
{
	uint64_t bytes = 0, step, at = 0;
	double of_small = 0;

	pl_ctx_stage(h->ctx, "weighing objects", 2 * h->o->n);
	for (size_t id = 0; id < h->o->n; id++) {
		if (look(h, id))
			return pl_ctx_cancel_err(err);
		if (!(h->o->flags[id] & PL_OBJ_STATIC))
			bytes += pl_object_size(h->o, &h->v, (pl_id)id);
	}
	step = h->o->n / SAMPLE + 1;
	for (size_t id = 0; id < h->o->n; id++) {
		uint64_t size;

		if (look(h, id))
			return pl_ctx_cancel_err(err);
		if (h->o->flags[id] & PL_OBJ_STATIC)
			continue;
		size = pl_object_size(h->o, &h->v, (pl_id)id);
		if (size > bytes / BIG) {
			pl_vec_push(&s->at, (struct sample){(pl_node)id, (double)size});
			continue;
		}
		s->rest += (double)size;
		if (at++ % step == 0) {
			pl_vec_push(&s->at, (struct sample){(pl_node)id, -(double)size});
			of_small += (double)size;
		}
	}
	/* Those that stand for others bear a minus until it is known for how many. */
	for (size_t i = 0; i < s->at.n; i++) {
		if (s->at.at[i].bytes < 0)
			s->at.at[i].bytes *= -s->rest / of_small;
	}
	h->total = (double)bytes;
	return 0;
}

static int charge(struct pl_holders *h, const struct sampling *s, struct pl_err *err)
{
	pl_ctx_stage(h->ctx, "grouping chains", s->at.n);
	for (size_t i = 0; i < s->at.n; i++) {
		pl_shapes_count(&h->shapes, s->at.at[i].node);
		if (pl_ctx_cancelled(h->ctx))
			return pl_ctx_cancel_err(err);
		pl_ctx_step(h->ctx, 1);
	}
	h->n_below = h->shapes.at.n;
	h->below = pl_calloc(h->n_below + 1, sizeof(*h->below));
	h->via = pl_calloc(h->n_below + 1, sizeof(*h->via));
	for (size_t i = 0; i < s->at.n; i++) {
		uint32_t shape = h->shapes.shape_of[s->at.at[i].node];

		if (shape)
			h->below[shape - 1] += s->at.at[i].bytes;
	}
	/* A shape comes after the one that it goes on from. */
	for (size_t i = h->n_below; i-- > 0;) {
		const struct pl_shape *shape = &h->shapes.at.at[i];

		if (shape->objects)
			h->via[i] = shape->example;
		if (shape->parent != UINT32_MAX) {
			h->below[shape->parent] += h->below[i];
			h->via[shape->parent] = h->via[i];
		}
	}
	return 0;
}

int pl_holders_init(struct pl_holders *h, const struct pl_objects *o, const struct pl_roots *roots,
		    const struct pl_graph *g, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_rooted rooted = {.o = o, .roots = roots};
	struct pl_path_query q = {.rank = pl_rooted_rank, .arg = &rooted};
	struct sampling s = {0};
	int rc;

	*h = (struct pl_holders){.o = o, .roots = roots, .ctx = ctx};
	pl_view_init(&h->v, o->im);
	h->parent = pl_col_alloc(o->n + 1, sizeof(*h->parent));
	if (!h->parent)
		return pl_err_set(err, PL_E_NOMEM, "no memory for chains");
	rc = pl_graph_forest(g, &q, ctx, h->parent, err);
	if (!rc)
		rc = pl_shapes_init(&h->shapes, o, roots, h->parent, ctx, err);
	if (rc)
		return rc;
	h->shapes.most = MOST_STEPS;
	rc = take_sample(h, &s, err);
	if (!rc)
		rc = charge(h, &s, err);
	pl_ctx_stage(ctx, NULL, 0);
	pl_vec_free(&s.at);
	return rc;
}

void pl_holders_fini(struct pl_holders *h)
{
	if (h->shapes.o)
		pl_shapes_fini(&h->shapes);
	if (h->parent)
		pl_col_free(h->parent, h->o->n + 1, sizeof(*h->parent));
	free(h->below);
	free(h->via);
}

/* Of the shapes that go on from that one (UINT32_MAX: of the roots) the one with most below it. */
static uint32_t heaviest(const struct pl_holders *h, uint32_t parent)
{
	uint32_t best = UINT32_MAX;

	for (size_t i = 0; i < h->n_below; i++) {
		if (h->shapes.at.at[i].parent == parent &&
		    (best == UINT32_MAX || h->below[i] > h->below[best]))
			best = (uint32_t)i;
	}
	return best;
}

uint32_t pl_holders_owner(const struct pl_holders *h, double least)
{
	uint32_t at = heaviest(h, UINT32_MAX), next;

	if (at == UINT32_MAX || h->below[at] < least * h->total)
		return UINT32_MAX;
	for (;;) {
		next = heaviest(h, at);
		if (next == UINT32_MAX || h->below[next] < least * h->total ||
		    (h->shapes.at.at[at].length > 2 && h->below[next] < MOST_BELOW * h->below[at]))
			break;
		at = next;
	}
	/* What an instance holds is in its dict: the instance is who. */
	if (h->shapes.at.at[at].parent != UINT32_MAX && h->shapes.at.at[at].label == PL_L_DICT)
		at = h->shapes.at.at[at].parent;
	return at;
}

/* ---- spelling ---- */

/* A chain that goes through the shape, cut behind it: malloced, *n nodes. */
static pl_node *chain_of(const struct pl_holders *h, uint32_t shape, uint32_t *n)
{
	const struct pl_shape *s = &h->shapes.at.at[shape];
	pl_node *chain =
		pl_shapes_chain(&h->shapes, shape < h->n_below ? h->via[shape] : s->example, n);

	*n = PL_MIN(*n, s->length);
	return chain;
}

pl_node pl_holders_node(const struct pl_holders *h, uint32_t shape)
{
	uint32_t n;
	pl_node *chain = chain_of(h, shape, &n), ret = chain[n - 1];

	free(chain);
	return ret;
}

char *pl_holders_path(struct pl_holders *h, uint32_t shape)
{
	struct pl_spelling sp = {.o = h->o, .v = &h->v, .general = true};
	uint32_t n = 0;
	pl_node *chain = chain_of(h, shape, &n);
	size_t n_roots;

	pl_spell_chain(&sp, pl_roots_of(h->roots, h->o->addr[chain[0]], &n_roots), chain, n);
	free(chain);
	return pl_asprintf("%s%s", sp.text, n < MOST_STEPS ? "" : "...");
}

/* ---- one type ---- */

struct part {
	uint32_t shape;
	uint64_t objects;
	char *path;
};

static int by_objects(const void *pa, const void *pb)
{
	const struct part *a = pa, *b = pb;

	if (a->objects != b->objects)
		return a->objects < b->objects ? 1 : -1;
	return (a->shape > b->shape) - (a->shape < b->shape);
}

static int by_path(const void *pa, const void *pb)
{
	const struct part *a = pa, *b = pb;

	return strcmp(a->path, b->path);
}

/* Shapes that are spelled alike are one; of paths that are about as common, the first by name. */
static char *most_common(struct pl_holders *h, struct part *parts, size_t n, uint64_t all,
			 double *share)
{
	size_t to = 0, best;
	uint64_t most = 0;
	char *ret;

	for (size_t i = 0; i < n; i++)
		parts[i].path = pl_holders_path(h, parts[i].shape);
	qsort(parts, n, sizeof(*parts), by_path);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(parts[to].path, parts[i].path)) {
			parts[++to] = parts[i];
		} else {
			parts[to].objects += parts[i].objects;
			free(parts[i].path);
		}
	}
	n = to + 1;
	for (size_t i = 0; i < n; i++)
		most = PL_MAX(most, parts[i].objects);
	for (best = 0; (double)parts[best].objects < NEARLY * (double)most; best++)
		;
	*share = (double)parts[best].objects / (double)all;
	ret = pl_strdup(parts[best].path);
	for (size_t i = 0; i < n; i++)
		free(parts[i].path);
	return ret;
}

char *pl_holders_of_type(struct pl_holders *h, uint32_t type, uint64_t objects, double *share)
{
	uint64_t step = objects / TYPE_SAMPLE + 1, at = 0, all = 0;
	PL_VEC(struct part) parts = {0};
	PL_VEC(uint32_t) slot = {0}; /* by shape: part + 1 */
	char *ret = NULL;

	for (size_t id = 0; id < h->o->n; id++) {
		uint32_t shape;

		if (id % OFTEN == 0 && pl_ctx_cancelled(h->ctx))
			break;
		if (h->o->type[id] != type || h->o->flags[id] & PL_OBJ_STATIC || at++ % step)
			continue;
		all++;
		if (!pl_shapes_count(&h->shapes, (pl_node)id))
			continue;
		shape = h->shapes.shape_of[id] - 1;
		while (slot.n <= shape)
			pl_vec_push(&slot, 0);
		if (!slot.at[shape]) {
			pl_vec_push(&parts, (struct part){.shape = shape});
			slot.at[shape] = (uint32_t)parts.n;
		}
		parts.at[slot.at[shape] - 1].objects++;
	}
	if (parts.n) {
		qsort(parts.at, parts.n, sizeof(*parts.at), by_objects);
		ret = most_common(h, parts.at, PL_MIN(parts.n, (size_t)SPELLED), all, share);
	}
	pl_vec_free(&parts);
	pl_vec_free(&slot);
	return ret;
}
