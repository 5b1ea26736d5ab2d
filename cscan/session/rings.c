/* rings.c - see rings.h. */
#include "session/rings.h"

#include "base/bits.h"
#include "object/decode/decode.h"

struct making {
	const struct pl_objects *o;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	struct pl_ctx *ctx;
	struct pl_rings *r;
	struct pl_view v;
};

static bool inside(const struct pl_rings *r, const struct pl_graph *g, pl_node node, uint32_t i,
		   pl_node target)
{
	return pl_bits_has(r->member, target) && r->of[target] == r->of[node] &&
	       !(pl_graph_flags(g, node, i) & PL_G_WEAK);
}

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
static void number_rings(struct making *m, uint32_t *ring_of, pl_node n_components)
{
	struct pl_rings *r = m->r;
	pl_node n = r->n_objects;

	for (pl_node id = 0; id < n; id++)
		ring_of[r->of[id]]++;
	for (pl_node id = 0; id < n; id++) {
		if (ring_of[r->of[id]] > 1 || holds_itself(m->g, id))
			pl_bits_set(r->member, id);
	}
	for (pl_node c = 0; c < n_components; c++)
		ring_of[c] = PL_NO_RING;
	for (pl_node id = 0; id < n; id++) {
		uint32_t *ring = &ring_of[r->of[id]];

		if (pl_bits_has(r->member, id) && *ring == PL_NO_RING)
			*ring = r->n++;
	}
	for (pl_node id = 0; id < n; id++)
		r->of[id] = ring_of[r->of[id]];
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
	number_rings(m, ring_of, n_components);
	pl_col_free(ring_of, n + 1, sizeof(*ring_of));
	return columns(r, err);
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

	for (pl_node id = 0; id < r->n_objects; id++) {
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
	for (uint32_t ring = 0; ring < r->n; ring++) {
		if (r->finalizer[ring] == PL_FINALIZER_NONE)
			r->flags[ring] &= (uint8_t)~PL_RING_FINALIZED;
	}
	pl_finalizers_free(finalizers);
}

/* Rings whose end a living weak reference waits for. */
static void find_callbacks(struct making *m)
{
	const struct pl_fields *f = &m->o->l->f;

	for (pl_node id = 0; id < m->r->n_objects; id++) {
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

/* Dead objects in no ring go with the first ring found to lead to them. */
static int hang(struct making *m, struct pl_err *err)
{
	struct pl_rings *r = m->r;
	pl_node *queue = pl_col_alloc(r->n_objects + 1u, sizeof(*queue));
	size_t n = 0;

	if (!queue)
		return pl_err_set(err, PL_E_NOMEM, "no memory to follow cycles");
	for (pl_node id = 0; id < r->n_objects; id++) {
		if (r->of[id] != PL_NO_RING && m->lives->of[id] != PL_LIVES)
			queue[n++] = id;
	}
	for (size_t at = 0; at < n; at++) {
		uint32_t n_out;
		const pl_node *out = pl_graph_out(m->g, queue[at], &n_out);

		for (uint32_t i = 0; i < n_out; i++) {
			if (r->of[out[i]] != PL_NO_RING || m->lives->of[out[i]] == PL_LIVES ||
			    pl_graph_flags(m->g, queue[at], i) & PL_G_WEAK)
				continue;
			r->of[out[i]] = r->of[queue[at]];
			queue[n++] = out[i];
		}
	}
	pl_col_free(queue, r->n_objects + 1u, sizeof(*queue));
	return 0;
}

int pl_rings_new(const struct pl_objects *o, const struct pl_graph *g, const struct pl_lives *lives,
		 struct pl_ctx *ctx, struct pl_rings **ret, struct pl_err *err)
{
	struct pl_rings *r = pl_calloc(1, sizeof(*r));
	struct making m = {.o = o, .g = g, .lives = lives, .ctx = ctx, .r = r};
	int rc;

	pl_view_init(&m.v, o->im);
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

/*
 * Breadth first inside the ring from start; scratch gets who led to whom, plus 1 (start: itself).
 * Ends early at the first edge back to start when back is given: *back is where it comes from.
 * Returns the nodes met, malloced.
 */
static pl_node *search(const struct pl_rings *r, const struct pl_graph *g, pl_node start,
		       pl_node *scratch, uint32_t *n, pl_node *back)
{
	pl_node *queue = pl_try_calloc(r->objects[r->of[start]], sizeof(*queue));
	uint32_t met = 0;

	if (!queue) { /* the run fails: start alone does till then */
		queue = pl_malloc(sizeof(*queue));
		*queue = start;
		*n = 1;
		return queue;
	}
	queue[met++] = start;
	scratch[start] = start + 1;
	for (uint32_t at = 0; at < met; at++) {
		uint32_t n_out;
		const pl_node *out = pl_graph_out(g, queue[at], &n_out);

		for (uint32_t i = 0; i < n_out; i++) {
			if (!inside(r, g, queue[at], i, out[i]))
				continue;
			if (back && out[i] == start) {
				*back = queue[at];
				goto out;
			}
			if (scratch[out[i]])
				continue;
			scratch[out[i]] = queue[at] + 1;
			queue[met++] = out[i];
		}
	}
out:
	*n = met;
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
	ret = pl_try_calloc(length, sizeof(*ret));
	if (!ret) {
		length = 1;
		ret = pl_malloc(sizeof(*ret));
	}
	*n = length;
	for (pl_node at = last; length > 1; at = scratch[at] - 1)
		ret[--length] = at;
	ret[0] = start;
	clean(scratch, nodes, met);
	free(nodes);
	return ret;
}
