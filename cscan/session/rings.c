/* rings.c - see rings.h. */
#include "session/rings.h"

#include "base/bits.h"
#include "object/types/rows.h"

struct making {
	const struct pl_objects *o;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	struct pl_ctx *ctx;
	struct pl_rings *r;
	struct pl_view v;
};

static bool holds_itself(const struct pl_graph *g, pl_node node)
{
	uint32_t n;
	const pl_node *out = pl_graph_out(g, node, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (out[i] == node && !(pl_graph_flags(g, node, i) & PL_G_WEAK))
			return true;
	}
	return false;
}

/* ---- components become rings ---- */

/*
 * r->of holds component numbers and comes to hold ring numbers, given in the order of the first
 * members. ring_of: by component, sizes at first.
 */
static int number_rings(struct making *m, uint32_t *ring_of, pl_node n_components,
			struct pl_err *err)
{
	struct pl_rings *r = m->r;
	pl_node n = r->n_objects;

	for (pl_node id = 0; id < n && !pl_ctx_look(m->ctx, id); id++)
		ring_of[r->of[id]]++;
	for (pl_node id = 0; id < n && !pl_ctx_look(m->ctx, id); id++) {
		if (ring_of[r->of[id]] > 1 || holds_itself(m->g, id))
			pl_bits_set(r->member, id);
	}
	for (pl_node c = 0; c < n_components && !pl_ctx_look(m->ctx, c); c++)
		ring_of[c] = PL_NO_RING;
	for (pl_node id = 0; id < n && !pl_ctx_look(m->ctx, id); id++) {
		uint32_t *ring = &ring_of[r->of[id]];

		if (pl_bits_has(r->member, id) && *ring == PL_NO_RING)
			*ring = r->n++;
	}
	for (pl_node id = 0; id < n && !pl_ctx_look(m->ctx, id); id++)
		r->of[id] = ring_of[r->of[id]];
	return pl_ctx_cancelled(m->ctx) ? pl_ctx_cancel_err(err) : 0;
}

static int columns(struct pl_rings *r, struct pl_err *err)
{
	r->first = pl_col_alloc(r->n + 1u, sizeof(*r->first));
	r->objects = pl_col_alloc(r->n + 1u, sizeof(*r->objects));
	r->life = pl_col_alloc(r->n + 1u, 1);
	r->finalizer = pl_col_alloc(r->n + 1u, 1);
	r->flags = pl_col_alloc(r->n + 1u, 1);
	if (r->first && r->objects && r->life && r->finalizer && r->flags)
		return 0;
	return pl_err_set(err, PL_E_NOMEM, "no memory for %u cycles", r->n);
}

static int components(struct making *m, struct pl_err *err)
{
	struct pl_rings *r = m->r;
	size_t n = r->n_objects;
	pl_node n_components;
	uint32_t *ring_of;
	int rc = pl_graph_scc(m->g, NULL, 0, m->ctx, r->of, &n_components, err);

	if (rc)
		return rc;
	ring_of = pl_col_alloc(n + 1, sizeof(*ring_of));
	if (!ring_of)
		return pl_err_set(err, PL_E_NOMEM, "no memory for %u components", n_components);
	rc = number_rings(m, ring_of, n_components, err);
	pl_col_free(ring_of, n + 1, sizeof(*ring_of));
	return rc ? rc : columns(r, err);
}

/* ---- what is known of each ring ---- */

/* What tells a reader most of several finalizers in one ring. */
static bool tells_more(enum pl_finalizer a, enum pl_finalizer b)
{
	static const uint8_t weight[] = {
		[PL_FINALIZER_NONE] = 0,      [PL_FINALIZER_TP_FINALIZE] = 1,
		[PL_FINALIZER_GENERATOR] = 2, [PL_FINALIZER_TP_DEL] = 3,
		[PL_FINALIZER_DEL] = 4,
	};

	return weight[a] > weight[b];
}

static void describe(struct making *m)
{
	struct pl_finalizers *finalizers = pl_finalizers_new(m->o, &m->v);
	struct pl_rings *r = m->r;

	for (pl_node id = 0; id < r->n_objects && !pl_ctx_look(m->ctx, id); id++) {
		uint32_t ring = r->of[id];
		enum pl_finalizer f;

		if (ring == PL_NO_RING)
			continue;
		if (!r->objects[ring]++) {
			r->first[ring] = id;
			r->flags[ring] = PL_RING_FINALIZED;
			r->life[ring] = PL_GOES;
		}
		/* A member that the collector does not judge tells nothing of the ring. */
		if (r->life[ring] == PL_GOES)
			r->life[ring] = m->lives->of[id];
		f = pl_finalizer_of(finalizers, &m->v, id);
		if (f == PL_FINALIZER_NONE)
			continue;
		if (tells_more(f, r->finalizer[ring]))
			r->finalizer[ring] = (uint8_t)f;
		if (!(m->o->flags[id] & PL_OBJ_FINALIZED))
			r->flags[ring] &= (uint8_t)~PL_RING_FINALIZED;
	}
	for (uint32_t ring = 0; ring < r->n && !pl_ctx_look(m->ctx, ring); ring++) {
		if (r->finalizer[ring] == PL_FINALIZER_NONE)
			r->flags[ring] &= (uint8_t)~PL_RING_FINALIZED;
	}
	pl_finalizers_free(finalizers);
}

/* Rings whose end a living weak reference waits for. */
static void find_callbacks(struct making *m)
{
	const struct pl_fields *f = &m->o->l->f;

	for (pl_node id = 0; id < m->r->n_objects && !pl_ctx_look(m->ctx, id); id++) {
		pl_id referent;

		/* references and proxies alike: PyWeakref_Check() */
		if (pl_object_type(m->o, id)->decoder != PL_DECODER_weakref ||
		    m->lives->of[id] != PL_LIVES ||
		    !pl_field_word(&m->v, m->o->addr[id], f->weakref_callback))
			continue;
		referent = pl_objects_id(m->o,
					 pl_field_word(&m->v, m->o->addr[id], f->weakref_object));
		if (referent != PL_NO_ID && m->r->of[referent] != PL_NO_RING)
			m->r->flags[m->r->of[referent]] |= PL_RING_CALLBACK;
	}
}

static enum pl_walk_answer take_along(void *arg, pl_node from, pl_node to)
{
	struct making *m = arg;

	if (m->r->of[to] != PL_NO_RING || m->lives->of[to] == PL_LIVES)
		return PL_WALK_PASS;
	m->r->of[to] = m->r->of[from];
	return PL_WALK_TAKE;
}

/* Dead objects in no ring go with the first ring found to lead to them. */
static int hang(struct making *m, struct pl_err *err)
{
	struct pl_rings *r = m->r;
	struct pl_walk walk = {.fn = take_along, .arg = m};
	pl_node *queue = pl_col_alloc(r->n_objects + 1u, sizeof(*queue));
	size_t n = 0;
	int rc;

	if (!queue)
		return pl_err_set(err, PL_E_NOMEM, "no memory to follow cycles");
	for (pl_node id = 0; id < r->n_objects && !pl_ctx_look(m->ctx, id); id++) {
		if (r->of[id] != PL_NO_RING && m->lives->of[id] != PL_LIVES)
			queue[n++] = id;
	}
	rc = pl_graph_walk(m->g, &walk, m->ctx, queue, &n, err);
	pl_col_free(queue, r->n_objects + 1u, sizeof(*queue));
	/* A loop that a cancel has ended is found here, if no call has said so. */
	return !rc && pl_ctx_cancelled(m->ctx) ? pl_ctx_cancel_err(err) : rc;
}

int pl_rings_new(const struct pl_objects *o, const struct pl_graph *g, const struct pl_lives *lives,
		 struct pl_ctx *ctx, struct pl_rings **ret, struct pl_err *err)
{
	struct pl_rings *r = pl_calloc(1, sizeof(*r));
	struct making m = {.o = o, .g = g, .lives = lives, .ctx = ctx, .r = r};
	int rc;

	pl_view_init(&m.v, o->im);
	r->ctx = ctx;
	r->n_objects = (pl_node)o->n;
	r->of = pl_col_alloc(o->n + 1, sizeof(*r->of));
	r->member = pl_bits_new(o->n);
	if (r->of && r->member)
		rc = components(&m, err);
	else
		rc = pl_err_set(err, PL_E_NOMEM, "no memory for the cycles of %zu objects", o->n);
	if (!rc) {
		describe(&m);
		find_callbacks(&m);
		rc = hang(&m, err);
	}
	pl_ctx_stage(ctx, NULL, 0);
	if (rc)
		pl_rings_free(r);
	else
		*ret = r;
	return rc;
}

static void drop(void *column, size_t n, size_t size)
{
	if (column)
		pl_col_free(column, n, size);
}

void pl_rings_free(struct pl_rings *r)
{
	if (!r)
		return;
	drop(r->of, r->n_objects + 1u, sizeof(*r->of));
	pl_bits_free(r->member, r->n_objects);
	drop(r->first, r->n + 1u, sizeof(*r->first));
	drop(r->objects, r->n + 1u, sizeof(*r->objects));
	drop(r->life, r->n + 1u, 1);
	drop(r->finalizer, r->n + 1u, 1);
	drop(r->flags, r->n + 1u, 1);
	free(r);
}

/* ---- one ring ---- */

struct search {
	const struct pl_rings *r;
	pl_node start;
	pl_node *scratch; /* who led to whom, plus 1 (start: itself) */
	pl_node *back;    /* where an edge back to start comes from, or NULL: go on */
};

static enum pl_walk_answer inside(void *arg, pl_node from, pl_node to)
{
	struct search *s = arg;

	if (!pl_bits_has(s->r->member, to) || s->r->of[to] != s->r->of[from])
		return PL_WALK_PASS;
	if (s->back && to == s->start) {
		*s->back = from;
		return PL_WALK_END;
	}
	if (s->scratch[to])
		return PL_WALK_PASS;
	s->scratch[to] = from + 1;
	return PL_WALK_TAKE;
}

/*
 * Breadth first inside the ring from start; ends early at the first edge back to start when back is
 * given. Returns the nodes met, malloced; after a cancel the first of them.
 */
static pl_node *search(const struct pl_rings *r, const struct pl_graph *g, pl_node start,
		       pl_node *scratch, uint32_t *n, pl_node *back)
{
	struct search s = {r, start, scratch, back};
	struct pl_walk walk = {.fn = inside, .arg = &s};
	pl_node *queue = pl_malloc(r->objects[r->of[start]] * sizeof(*queue));
	size_t met = 1;

	queue[0] = start;
	scratch[start] = start + 1;
	pl_graph_walk(g, &walk, r->ctx, queue, &met, NULL);
	*n = (uint32_t)met;
	return queue;
}

static void clean(pl_node *scratch, const pl_node *nodes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		scratch[nodes[i]] = 0;
}

pl_node *pl_rings_members(const struct pl_rings *r, const struct pl_graph *g, uint32_t ring,
			  pl_node *scratch, uint32_t *n)
{
	pl_node *members = search(r, g, r->first[ring], scratch, n, NULL);

	clean(scratch, members, *n);
	return members;
}

pl_node *pl_rings_cycle(const struct pl_rings *r, const struct pl_graph *g, pl_node start,
			pl_node *scratch, uint32_t *n)
{
	uint32_t met, length = 1;
	pl_node last = start;
	pl_node *nodes = search(r, g, start, scratch, &met, &last), *ret;

	for (pl_node at = last; at != start; at = scratch[at] - 1)
		length++;
	ret = pl_malloc(length * sizeof(*ret));
	*n = length;
	for (pl_node at = last; length > 1; at = scratch[at] - 1)
		ret[--length] = at;
	ret[0] = start;
	clean(scratch, nodes, met);
	free(nodes);
	return ret;
}
