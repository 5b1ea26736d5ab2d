/* nearby.c - see nearby.h. */
#include "analysis/search/nearby.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_LABELS 3 /* spelled of the references between two objects */
#define MAX_MORE 3   /* types that are counted by name where there are too many neighbours */
#define MAX_ROOTS 4  /* drawn of those that hold one object */

/* Neighbours of one type. */
struct group {
	uint32_t type;
	uint64_t n, taken;
};

struct step {
	uint32_t node;
	uint8_t way;
	uint64_t depth;
};

struct walk {
	const struct pl_nearby_query *q;
	struct pl_nearby *ret;
	struct pl_view v;
	uint32_t *node_of; /* by object id: index + 1 of its node */
	uint32_t *stamp;   /* by object id: the listing it was last seen in */
	uint32_t stamp_now;
	PL_VEC(pl_id) found; /* what list() listed */
	size_t n_held;       /* of these come first; behind them what is referred to but not held */
	bool not_held;       /* while the latter are listed */
	uint32_t *group_of;  /* by type index: index + 1 in groups */
	PL_VEC(struct group) groups;
	PL_VEC(struct step) queue;
	uint64_t n_objects;
	/* While the edges of one node are read. */
	uint32_t source;
	bool chain; /* edges to the next node only */
};

static pl_addr class_of(const struct walk *w, pl_id id)
{
	return pl_object_type(w->q->o, id)->addr;
}

static bool is_there(const struct walk *w, pl_id id)
{
	uint32_t type = w->q->o->type[id];

	return type >= w->q->n_left_out || !w->q->left_out[type];
}

/*
 * What a picture says already: an object's class stands in its box, and a key that is a str or int
 * in the label of the value's edge. They are edges all the same when that is what was asked about.
 */
static bool is_said(const struct walk *w, pl_id source, pl_id target, const struct pl_edge *e)
{
	if (target == w->q->asked)
		return false;
	if (e->label == PL_L_KEY) {
		const struct pl_type *t = pl_object_type(w->q->o, target);

		return t->exact && (t->kind == PL_KIND_STR || t->kind == PL_KIND_BYTES ||
				    t->kind == PL_KIND_INT || t->kind == PL_KIND_INT27);
	}
	return e->label == PL_L_TEXT && e->target == class_of(w, source) &&
	       !strcmp((const char *)(uintptr_t)e->arg, ".__class__");
}

/* ---- neighbours ---- */

static void list_back(struct walk *w, pl_id id)
{
	const struct pl_objects *o = w->q->o;
	uint64_t n, run;
	const pl_node *in = pl_graph_in(w->q->graph, id, &n);
	bool by_instances = id != w->q->asked;

	for (uint64_t i = 0; i < n; i += run) {
		for (run = 1; i + run < n && in[i + run] == in[i]; run++)
			;
		/* One reference of an instance of a heap type is that to its class. */
		if (by_instances && run == 1 && class_of(w, in[i]) == o->addr[id] &&
		    pl_object_type(o, in[i])->is_heap)
			continue;
		if (is_there(w, in[i]))
			pl_vec_push(&w->found, in[i]);
	}
}

static void found_forward(void *arg, const struct pl_edge *e)
{
	struct walk *w = arg;
	pl_id source = w->ret->nodes.at[w->source].id, id = pl_objects_id(w->q->o, e->target);
	bool weak = e->kind == PL_EDGE_WEAK || e->kind == PL_EDGE_BORROWED;

	if (weak != w->not_held || id == PL_NO_ID || w->stamp[id] == w->stamp_now ||
	    is_said(w, source, id, e) || !is_there(w, id))
		return;
	w->stamp[id] = w->stamp_now;
	pl_vec_push(&w->found, id);
}

/* The neighbours of a node, each once, in a fixed order, into w->found. */
static void list(struct walk *w, uint32_t node, int way)
{
	pl_id id = w->ret->nodes.at[node].id;

	w->found.n = 0;
	if (way == PL_BACK) {
		list_back(w, id);
		w->n_held = w->found.n;
		return;
	}
	w->stamp_now++;
	w->source = node;
	w->not_held = false;
	pl_edges(w->q->o, &w->v, w->q->o->addr[id], found_forward, w);
	w->n_held = w->found.n;
	w->not_held = true;
	pl_edges(w->q->o, &w->v, w->q->o->addr[id], found_forward, w);
}

static int by_count(const void *pa, const void *pb)
{
	const struct group *a = pa, *b = pb;

	return a->n != b->n ? (a->n < b->n ? -1 : 1) : (a->type > b->type) - (a->type < b->type);
}

/* The neighbours in w->found that are no nodes, by type: few first. */
static uint64_t group_rest(struct walk *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->groups.n; i++)
		w->group_of[w->groups.at[i].type] = 0;
	w->groups.n = 0;
	for (size_t i = 0; i < w->found.n; i++) {
		uint32_t type = w->q->o->type[w->found.at[i]];

		if (w->node_of[w->found.at[i]])
			continue;
		if (!w->group_of[type]) {
			pl_vec_push(&w->groups, (struct group){.type = type});
			w->group_of[type] = (uint32_t)w->groups.n;
		}
		w->groups.at[w->group_of[type] - 1].n++;
		n++;
	}
	if (w->groups.n)
		qsort(w->groups.at, w->groups.n, sizeof(*w->groups.at), by_count);
	for (size_t i = 0; i < w->groups.n; i++)
		w->group_of[w->groups.at[i].type] = (uint32_t)i + 1;
	return n;
}

/* ---- the walk ---- */

static uint32_t add_node(struct walk *w, struct pl_near_node node)
{
	pl_vec_push(&w->ret->nodes, node);
	return (uint32_t)w->ret->nodes.n - 1;
}

static uint32_t add_object(struct walk *w, pl_id id)
{
	uint32_t node =
		add_node(w, (struct pl_near_node){.what = PL_NEAR_OBJECT, .id = id, .objects = 1});

	w->node_of[id] = node + 1;
	w->n_objects++;
	return node;
}

static bool is_full(const struct walk *w)
{
	return w->q->most && w->n_objects >= w->q->most;
}

static const struct pl_root *roots_of(const struct walk *w, pl_id id, size_t *n)
{
	*n = 0;
	return pl_roots_of(w->q->roots, w->q->o->addr[id], n);
}

/*
 * A walk back ends at what a module or an interpreter holds: its other holders explain nothing
 * more. What a stack holds may well be held on purpose elsewhere.
 */
static bool is_explained(const struct walk *w, pl_id id)
{
	size_t n;
	const struct pl_root *root = roots_of(w, id, &n);

	if (!root || id == w->q->asked)
		return false;
	return root->kind == PL_ROOT_MODULE ||
	       (root->kind >= PL_ROOT_BUILTINS && root->kind != PL_ROOT_NATIVE);
}

static void go_on(struct walk *w, uint32_t node, int way, uint64_t depth)
{
	struct pl_near_node *n = &w->ret->nodes.at[node];

	if (n->seen[way])
		return;
	n->seen[way] = true;
	pl_vec_push(&w->queue, (struct step){node, (uint8_t)way, depth});
}

/* Take w->found.at[i], unless there are enough. What is not held is drawn and no more. */
static bool take(struct walk *w, size_t i, const struct step *s, uint64_t *room)
{
	uint32_t node;

	if (!*room)
		return false;
	if (is_full(w)) {
		w->ret->cut = true;
		*room = 0;
		return false;
	}
	node = add_object(w, w->found.at[i]);
	if (i < w->n_held)
		go_on(w, node, s->way, s->depth + 1);
	--*room;
	return true;
}

/* Share out the room: one of each type in turn, rare types first. */
static void share_out(struct walk *w, uint64_t room)
{
	bool any = true;

	while (room && any) {
		any = false;
		for (size_t i = 0; room && i < w->groups.n; i++) {
			struct group *g = &w->groups.at[i];

			if (g->taken < g->n) {
				g->taken++;
				room--;
				any = true;
			}
		}
	}
}

static void take_neighbours(struct walk *w, const struct step *s)
{
	uint64_t room = w->q->too_many;
	size_t n;

	for (size_t i = 0; i < w->n_held; i++) {
		uint32_t known = w->node_of[w->found.at[i]];

		if (known)
			go_on(w, known - 1, s->way, s->depth + 1);
	}
	/* A holder that a root holds ends the search: it comes first. */
	for (size_t i = 0; s->way == PL_BACK && room && i < w->found.n; i++) {
		pl_id id = w->found.at[i];

		if (!w->node_of[id] && roots_of(w, id, &n))
			take(w, i, s, &room);
	}
	group_rest(w);
	share_out(w, room);
	for (size_t i = 0; room && i < w->found.n; i++) {
		pl_id id = w->found.at[i];
		struct group *g;

		if (w->node_of[id])
			continue;
		g = &w->groups.at[w->group_of[w->q->o->type[id]] - 1];
		if (g->taken && take(w, i, s, &room))
			g->taken--;
	}
}

static int walk(struct walk *w, struct pl_err *err)
{
	add_object(w, w->q->asked);
	for (int way = PL_BACK; way <= PL_FORWARD; way++) {
		if (w->q->way[way])
			go_on(w, 0, way, 0);
	}
	for (size_t i = 0; i < w->queue.n; i++) {
		struct step s = w->queue.at[i];

		if (pl_ctx_cancelled(w->q->ctx))
			return pl_ctx_cancel_err(err);
		if (s.depth >= w->q->depth ||
		    (s.way == PL_BACK && is_explained(w, w->ret->nodes.at[s.node].id)))
			continue;
		w->ret->nodes.at[s.node].opened[s.way] = true;
		list(w, s.node, s.way);
		take_neighbours(w, &s);
	}
	return 0;
}

/* ---- edges ---- */

static void add_label(struct walk *w, struct pl_near_edge *edge, const struct pl_edge *e)
{
	char label[256];

	if (edge->references > MAX_LABELS)
		return;
	pl_label(w->q->o, &w->v, e, false, label, sizeof(label));
	edge->label = *edge->label ? pl_arena_printf(&w->ret->strings, "%s, %s", edge->label, label)
				   : pl_arena_strndup(&w->ret->strings, label, strlen(label));
}

static void on_edge(void *arg, const struct pl_edge *e)
{
	struct walk *w = arg;
	pl_id id = pl_objects_id(w->q->o, e->target);
	uint32_t target = id == PL_NO_ID ? 0 : w->node_of[id], *last;
	struct pl_near_edge *edge;

	if (!target || (w->chain ? target - 1 != w->source + 1
				 : is_said(w, w->ret->nodes.at[w->source].id, id, e)))
		return;
	target--;
	last = &w->ret->nodes.at[target].edge[e->kind];
	if (!*last || w->ret->edges.at[*last - 1].source != w->source) {
		pl_vec_push(&w->ret->edges,
			    (struct pl_near_edge){w->source, target, e->kind, "", 0});
		*last = (uint32_t)w->ret->edges.n;
	}
	edge = &w->ret->edges.at[*last - 1];
	edge->references++;
	add_label(w, edge, e);
}

static int read_edges(struct walk *w, struct pl_err *err)
{
	size_t n = w->ret->nodes.n;

	for (w->source = 0; w->source < n; w->source++) {
		if (pl_ctx_cancelled(w->q->ctx))
			return pl_ctx_cancel_err(err);
		pl_edges(w->q->o, &w->v, w->q->o->addr[w->ret->nodes.at[w->source].id], on_edge, w);
	}
	for (size_t i = 0; i < w->ret->edges.n; i++) {
		struct pl_near_edge *e = &w->ret->edges.at[i];

		if (e->references > MAX_LABELS)
			e->label = pl_arena_printf(&w->ret->strings, "%s, … %" PRIu64 " more",
						   e->label, e->references - MAX_LABELS);
	}
	return 0;
}

/* ---- what is left out ---- */

static void add_more(struct walk *w, uint32_t node, int way, const char *kinds, uint64_t n)
{
	struct pl_near_node more = {
		.what = PL_NEAR_MORE, .id = PL_NO_ID, .kinds = kinds, .objects = n};
	uint32_t at = add_node(w, more);

	pl_vec_push(&w->ret->edges,
		    (struct pl_near_edge){way == PL_BACK ? at : node, way == PL_BACK ? node : at,
					  PL_EDGE_STRONG, "", n});
}

/* The biggest groups by name, the others together. */
static void add_groups(struct walk *w, uint32_t node, int way)
{
	size_t n = w->groups.n, named = n <= MAX_MORE + 1 ? n : MAX_MORE;
	uint64_t others = 0;

	for (size_t i = 0; i < named; i++) {
		const struct group *g = &w->groups.at[n - 1 - i];

		add_more(w, node, way, pl_types_at(w->q->o->types, g->type)->name, g->n);
	}
	for (size_t i = 0; i < n - named; i++)
		others += w->groups.at[i].n;
	if (others)
		add_more(w, node, way,
			 pl_arena_printf(&w->ret->strings, "objects of %zu types", n - named),
			 others);
}

static int count_rest(struct walk *w, struct pl_err *err)
{
	size_t n_objects = w->ret->nodes.n;

	for (uint32_t i = 0; i < n_objects; i++) {
		for (int way = PL_BACK; way <= PL_FORWARD; way++) {
			bool opened = w->ret->nodes.at[i].opened[way];
			uint64_t rest;

			if (!w->ret->nodes.at[i].seen[way] ||
			    (way == PL_BACK && is_explained(w, w->ret->nodes.at[i].id)))
				continue;
			if (pl_ctx_cancelled(w->q->ctx))
				return pl_ctx_cancel_err(err);
			list(w, i, way);
			rest = group_rest(w);
			if (opened)
				add_groups(w, i, way);
			else
				w->ret->nodes.at[i].beyond[way] = rest;
		}
	}
	return 0;
}

/* ---- roots ---- */

static uint32_t root_node(struct walk *w, const struct pl_root *root, size_t first)
{
	for (size_t i = first; i < w->ret->nodes.n; i++) {
		const struct pl_near_node *n = &w->ret->nodes.at[i];

		if (n->what == PL_NEAR_ROOT && n->root->kind == root->kind &&
		    !strcmp(n->root->name, root->name))
			return (uint32_t)i;
	}
	return add_node(w,
			(struct pl_near_node){
				.what = PL_NEAR_ROOT, .id = PL_NO_ID, .root = root, .objects = 1});
}

/* The best root, and others if they own. */
static void add_roots_of(struct walk *w, uint32_t node, size_t most, size_t first)
{
	size_t n, drawn = 0;
	const struct pl_root *roots = roots_of(w, w->ret->nodes.at[node].id, &n);
	uint64_t left = 0;

	for (size_t i = 0; roots && i < n; i++) {
		if (i && !roots[i].owns)
			continue;
		if (drawn == most) {
			left++;
			continue;
		}
		drawn++;
		pl_vec_push(&w->ret->edges,
			    (struct pl_near_edge){root_node(w, &roots[i], first), node,
						  roots[i].owns ? PL_EDGE_STRONG : PL_EDGE_BORROWED,
						  roots[i].accessor, 1});
	}
	if (left && !w->chain)
		add_more(w, node, PL_BACK, "roots", left);
}

/* Roots hold what was come to backwards; of what an object refers to they are no news. */
static void add_roots(struct walk *w, size_t n_objects)
{
	for (uint32_t i = 0; i < n_objects; i++) {
		if (w->ret->nodes.at[i].seen[PL_BACK] || !i)
			add_roots_of(w, i, MAX_ROOTS, n_objects);
	}
}

/* ---- */

static int start(struct walk *w, const struct pl_nearby_query *q, struct pl_nearby *ret,
		 struct pl_err *err)
{
	*w = (struct walk){.q = q, .ret = ret};
	*ret = (struct pl_nearby){0};
	pl_view_init(&w->v, q->o->im);
	w->node_of = pl_col_alloc(q->o->n + 1, sizeof(*w->node_of));
	w->stamp = pl_col_alloc(q->o->n + 1, sizeof(*w->stamp));
	w->group_of = pl_calloc(pl_types_count(q->o->types) + 1, sizeof(*w->group_of));
	if (!w->node_of || !w->stamp)
		return pl_err_set(err, PL_E_NOMEM, "no memory for the objects of a picture");
	return 0;
}

static int end(struct walk *w, int rc)
{
	if (w->node_of)
		pl_col_free(w->node_of, w->q->o->n + 1, sizeof(*w->node_of));
	if (w->stamp)
		pl_col_free(w->stamp, w->q->o->n + 1, sizeof(*w->stamp));
	free(w->group_of);
	pl_vec_free(&w->found);
	pl_vec_free(&w->groups);
	pl_vec_free(&w->queue);
	if (rc)
		pl_nearby_fini(w->ret);
	return rc;
}

int pl_nearby_walk(const struct pl_nearby_query *q, struct pl_nearby *ret, struct pl_err *err)
{
	struct walk w;
	size_t n_objects;
	int rc = start(&w, q, ret, err);

	if (!rc)
		rc = walk(&w, err);
	if (!rc)
		rc = read_edges(&w, err);
	n_objects = ret->nodes.n;
	if (!rc)
		rc = count_rest(&w, err);
	if (!rc)
		add_roots(&w, n_objects);
	return end(&w, rc);
}

int pl_nearby_chain(const struct pl_nearby_query *q, const pl_id *chain, uint32_t n,
		    struct pl_nearby *ret, struct pl_err *err)
{
	struct walk w;
	int rc = start(&w, q, ret, err);

	for (uint32_t i = 0; !rc && i < n; i++)
		add_object(&w, chain[i]);
	w.chain = true;
	if (!rc)
		rc = read_edges(&w, err);
	if (!rc && n)
		add_roots_of(&w, 0, 1, n);
	return end(&w, rc);
}

void pl_nearby_fini(struct pl_nearby *n)
{
	pl_vec_free(&n->nodes);
	pl_vec_free(&n->edges);
	pl_arena_fini(&n->strings);
}
