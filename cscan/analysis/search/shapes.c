/* shapes.c - see shapes.h. */
#include "analysis/search/shapes.h"

#define OFTEN 256 /* references between two looks at cancel */

int pl_shapes_init(struct pl_shapes *s, const struct pl_objects *o, const struct pl_roots *roots,
		   const pl_node *parent, struct pl_ctx *ctx, struct pl_err *err)
{
	*s = (struct pl_shapes){
		.o = o, .roots = roots, .parent = parent, .ctx = ctx, .n_nodes = o->n + 1};
	pl_view_init(&s->v, o->im);
	s->shape_of = pl_col_alloc(s->n_nodes, sizeof(*s->shape_of));
	s->arg_of = pl_col_alloc(s->n_nodes, sizeof(*s->arg_of));
	s->label_of = pl_col_alloc(s->n_nodes, sizeof(*s->label_of));
	if (s->shape_of && s->arg_of && s->label_of)
		return 0;
	pl_shapes_fini(s);
	return pl_err_set(err, PL_E_NOMEM, "no memory to group %zu chains", o->n);
}

void pl_shapes_fini(struct pl_shapes *s)
{
	pl_col_free(s->shape_of, s->n_nodes, sizeof(*s->shape_of));
	pl_col_free(s->arg_of, s->n_nodes, sizeof(*s->arg_of));
	pl_col_free(s->label_of, s->n_nodes, sizeof(*s->label_of));
	pl_vec_free(&s->at);
	free(s->slot);
}

static size_t hash(uint32_t parent, uint8_t label, uint64_t arg)
{
	uint64_t h = (arg ^ (uint64_t)parent << 20 ^ (uint64_t)label << 56) *
		     UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h ^ h >> 32);
}

static void put(struct pl_shapes *s, uint32_t index)
{
	const struct pl_shape *shape = &s->at.at[index];
	size_t i = hash(shape->parent, shape->label, shape->arg) & (s->cap - 1);

	while (s->slot[i])
		i = (i + 1) & (s->cap - 1);
	s->slot[i] = index + 1;
}

static void grow(struct pl_shapes *s)
{
	free(s->slot);
	s->cap = s->cap ? s->cap * 2 : 1024;
	s->slot = pl_calloc(s->cap, sizeof(*s->slot));
	for (size_t i = 0; i < s->at.n; i++)
		put(s, (uint32_t)i);
}

static uint32_t find(struct pl_shapes *s, uint32_t parent, uint8_t label, uint64_t arg)
{
	if ((s->at.n + 1) * 2 > s->cap)
		grow(s);
	for (size_t i = hash(parent, label, arg) & (s->cap - 1); s->slot[i];
	     i = (i + 1) & (s->cap - 1)) {
		const struct pl_shape *shape = &s->at.at[s->slot[i] - 1];

		if (shape->parent == parent && shape->label == label && shape->arg == arg)
			return s->slot[i] - 1;
	}
	pl_vec_push(&s->at,
		    (struct pl_shape){
			    .parent = parent,
			    .label = label,
			    .arg = arg,
			    .length = parent == UINT32_MAX ? 1 : s->at.at[parent].length + 1,
		    });
	put(s, (uint32_t)s->at.n - 1);
	return (uint32_t)s->at.n - 1;
}

bool pl_shapes_step(const struct pl_shapes *s, pl_node node, struct pl_edge *ret)
{
	if (!s->label_of[node])
		return false;
	*ret = (struct pl_edge){.target = s->o->addr[node],
				.arg = s->arg_of[node],
				.kind = PL_EDGE_STRONG,
				.label = (uint8_t)(s->label_of[node] - 1)};
	return true;
}

struct labelling {
	struct pl_shapes *s;
	pl_node parent;
	uint32_t met;
	bool cancelled;
};

/* The first label stays, unless the filter would rather go by another. */
static void label_child(void *arg, const struct pl_edge *e)
{
	struct labelling *l = arg;
	struct pl_edge before;
	pl_id id;

	if (l->met++ % OFTEN == 0)
		l->cancelled = pl_ctx_cancelled(l->s->ctx);
	if (l->cancelled || e->kind == PL_EDGE_WEAK || e->kind == PL_EDGE_BORROWED)
		return;
	id = pl_objects_id(l->s->o, e->target);
	if (id == PL_NO_ID || l->s->parent[id] != l->parent || id == l->parent)
		return;
	if (pl_shapes_step(l->s, id, &before) &&
	    !(l->s->filter && pl_filter_prefers(l->s->filter, l->parent, e, &before)))
		return;
	l->s->label_of[id] = (uint8_t)(e->label + 1);
	l->s->arg_of[id] = e->arg;
}

/* Is the object reached through a label, or as a root, a dict whose keys are names? */
static bool is_namespace(const struct pl_shapes *s, uint32_t shape, pl_node node)
{
	const struct pl_shape *at = &s->at.at[shape];
	const struct pl_root *root;
	size_t n;

	if (at->parent != UINT32_MAX)
		return at->label == PL_L_DICT;
	root = pl_roots_of(s->roots, s->o->addr[node], &n);
	return root && root->dict_is_namespace;
}

/* The shape of node, whose parent's shape is known. */
static uint32_t extend(struct pl_shapes *s, uint32_t shape, pl_node parent, pl_node node)
{
	uint8_t label;
	uint64_t arg;

	if (!s->label_of[node]) {
		/* One decoding labels all children of the parent, for a container has many. */
		struct labelling l = {.s = s, .parent = parent};

		pl_edges_of(s->o, &s->v, parent, label_child, &l);
	}
	label = s->label_of[node] ? (uint8_t)(s->label_of[node] - 1) : PL_L_NATIVE;
	arg = s->arg_of[node];
	if (label == PL_L_INDEX || (label == PL_L_ITEM && !is_namespace(s, shape, parent)))
		arg = 0;
	return find(s, shape, label, arg);
}

/* The shape of a chain of one node, which a root or a word holds. */
static uint32_t root_shape(struct pl_shapes *s, pl_node node)
{
	const struct pl_native_root *word = s->words ? pl_native_root_of(s->words, node) : NULL;

	return find(s, UINT32_MAX, 0, s->o->addr[word ? word->alike : node]);
}

/* The last nodes of a chain whose shapes are not known yet, the target first. */
static uint32_t unknown(const struct pl_shapes *s, pl_node node, pl_node **ret)
{
	uint32_t n = 0, cap = 0;
	pl_node *list = NULL;

	for (pl_node at = node; !s->shape_of[at] && !pl_ctx_cancelled(s->ctx); at = s->parent[at]) {
		if (n == cap) {
			cap = cap ? cap * 2 : 16;
			list = pl_realloc(list, cap * sizeof(*list));
		}
		list[n++] = at;
		if (s->parent[at] == at)
			break;
	}
	*ret = list;
	return n;
}

bool pl_shapes_count(struct pl_shapes *s, pl_node node)
{
	pl_node *list;
	uint32_t n;

	if (s->parent[node] == PL_NO_NODE)
		return false;
	n = unknown(s, node, &list);
	while (n--) {
		pl_node at = list[n], parent = s->parent[at];
		uint32_t shape;

		if (pl_ctx_cancelled(s->ctx))
			break;
		if (parent == at)
			shape = root_shape(s, at);
		else if (s->most && s->at.at[s->shape_of[parent] - 1].length >= s->most)
			shape = s->shape_of[parent] - 1;
		else
			shape = extend(s, s->shape_of[parent] - 1, parent, at);
		s->shape_of[at] = shape + 1;
	}
	free(list);
	if (!s->shape_of[node])
		return false;
	if (!s->at.at[s->shape_of[node] - 1].objects++)
		s->at.at[s->shape_of[node] - 1].example = node;
	return true;
}

pl_node *pl_shapes_chain(const struct pl_shapes *s, pl_node node, uint32_t *n)
{
	uint32_t len = 1;
	pl_node *chain;

	for (pl_node at = node; s->parent[at] != at; at = s->parent[at])
		len++;
	chain = pl_malloc(len * sizeof(*chain));
	*n = len;
	for (pl_node at = node; len--; at = s->parent[at])
		chain[len] = at;
	return chain;
}
