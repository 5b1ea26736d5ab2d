/*
 * life.c - see life.h.
 *
 * Three questions, each over the whole heap and none per object: what do the roots lead to; what
 * does the collector's own algorithm leave over, without and with the frozen objects; and of what
 * no root leads to, what do the counts of all objects explain.
 */
#include "session/life.h"

#include "object/generation.h"
#include "base/bits.h"
#include "base/parallel.h"
#include "object/finalizer.h"
#include "object/native/ownwords.h"
#include "object/value/value.h"

#define CHUNK 4096 /* objects that a worker takes at a time: a multiple of 64 */

struct judging {
	const struct pl_objects *o;
	const struct pl_roots *roots;
	const struct pl_graph *g;
	struct pl_ctx *ctx;
	struct pl_view *views; /* one per worker */
	struct pl_lives *l;
	uint32_t *count;    /* references in all, up to UINT32_MAX; 0 for what has no count */
	uint64_t *immortal; /* bitmaps by object id */
	uint64_t *reached, *in;
	const uint64_t *skip; /* objects whose counts nobody will ask for, or NULL */
};

const char *pl_life_name(enum pl_life l)
{
	static const char *const names[] = {"reachable", "garbage", "unreachable", "unreachable",
					    "frozen",    "held",    "held",        "unreachable"};

	return names[l];
}

/* ---- counts ---- */

static void read_counts(void *arg, unsigned worker, size_t chunk)
{
	struct judging *j = arg;
	size_t end = PL_MIN((chunk + 1) * CHUNK, j->o->n);

	for (size_t id = chunk * CHUNK; id < end; id++) {
		bool immortal = false;
		uint64_t count = 0;

		if (j->skip && pl_bits_has(j->skip, id))
			continue;
		if (!pl_object_refcount(j->o, &j->views[worker], j->o->addr[id], &count, &immortal))
			count = 0;
		if (immortal || j->o->flags[id] & PL_OBJ_STATIC)
			pl_bits_set(j->immortal, id);
		j->count[id] = (uint32_t)PL_MIN(count, (uint64_t)UINT32_MAX);
	}
	pl_ctx_step(j->ctx, end - chunk * CHUNK);
}

/* A replay uses the counts up, so that each reads them anew. */
static int counts(struct judging *j, const uint64_t *skip, struct pl_err *err)
{
	j->skip = skip;
	pl_ctx_stage(j->ctx, "reading reference counts", j->o->n);
	return pl_parallel(j->ctx, (j->o->n + CHUNK - 1) / CHUNK, read_counts, j, err);
}

/* ---- what the roots lead to ---- */

/*
 * Roots that own nothing are other names of what is owned elsewhere, or caches and registries that
 * keep nothing alive.
 */
static bool keeps(const struct pl_root *r)
{
	return r->owns || (r->kind != PL_ROOT_CACHE && r->kind != PL_ROOT_INTERNED &&
			   r->kind != PL_ROOT_TASK && r->kind != PL_ROOT_PENDING);
}

static void mark_roots(const struct judging *j, uint64_t *bits)
{
	for (size_t i = 0; i < j->roots->n; i++) {
		const struct pl_root *r = &j->roots->at[i];
		pl_id id = keeps(r) ? pl_objects_id(j->o, r->target) : PL_NO_ID;

		if (id != PL_NO_ID)
			pl_bits_set(bits, id);
	}
}

static int reach(struct judging *j, struct pl_err *err)
{
	memcpy(j->reached, j->immortal, (j->o->n / 64 + 1) * sizeof(*j->reached));
	mark_roots(j, j->reached);
	return pl_graph_reach(j->g, 0, j->ctx, j->reached, err);
}

struct garbage {
	const struct judging *j;
	const uint64_t *rooted;
	pl_addr list[16]; /* gc.garbage of so many interpreters */
	size_t n;
};

static bool is_garbage_list(const struct garbage *g, pl_addr addr)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->list[i] == addr)
			return true;
	}
	return false;
}

static unsigned root_rank(void *arg, pl_node node)
{
	const struct garbage *g = arg;

	return pl_bits_has(g->rooted, node);
}

static bool not_from_list(void *arg, pl_node source, pl_node target)
{
	const struct garbage *g = arg;

	(void)target;
	return !is_garbage_list(g, g->j->o->addr[source]);
}

/* The lists that are gc.garbage and hold something. */
static void find_garbage(struct garbage *g)
{
	const struct judging *j = g->j;

	for (size_t i = 0; i < j->roots->n && g->n < PL_ARRAY_LEN(g->list); i++) {
		const struct pl_root *r = &j->roots->at[i];
		pl_addr items;
		uint64_t n;

		if (r->kind == PL_ROOT_GARBAGE && !is_garbage_list(g, r->target) &&
		    pl_list_items(j->o->l, &j->views[0], r->target, &items, &n) && n)
			g->list[g->n++] = r->target;
	}
}

/* What is lost to the roots when gc.garbage is emptied. */
static int judge_garbage(struct judging *j, struct pl_err *err)
{
	struct garbage g = {.j = j, .rooted = j->in};
	struct pl_path_query q = {.rank = root_rank, .ok = not_from_list, .arg = &g};
	pl_node *parent;
	int rc;

	find_garbage(&g);
	if (!g.n)
		return 0;
	parent = pl_col_alloc(j->o->n + 1, sizeof(*parent));
	if (!parent)
		return pl_err_set(err, PL_E_NOMEM, "no memory to tell what gc.garbage holds");
	memcpy(j->in, j->immortal, (j->o->n / 64 + 1) * sizeof(*j->in));
	mark_roots(j, j->in);
	rc = pl_graph_forest(j->g, &q, j->ctx, parent, err);
	for (pl_node id = 0; !rc && id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (pl_bits_has(j->reached, id) && parent[id] == PL_NO_NODE)
			j->l->of[id] = PL_GARBAGE;
	}
	pl_col_free(parent, j->o->n + 1, sizeof(*parent));
	return rc;
}

/* ---- the collector's view ---- */

/*
 * Candidates into j->in: objects on the lists given by flags. Immortal ones are taken off the
 * lists by the collector itself (update_refs(), 3.12+).
 */
static void candidates(struct judging *j, uint8_t flags)
{
	memset(j->in, 0, (j->o->n / 64 + 1) * sizeof(*j->in));
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (j->o->flags[id] & flags && !pl_bits_has(j->immortal, id))
			pl_bits_set(j->in, id);
	}
}

/* _PyObject_GC_MAY_BE_TRACKED(): a gc object, but no exact tuple that is untracked already. */
static bool may_be_tracked(const struct pl_objects *o, pl_node id)
{
	const struct pl_type *t = pl_object_type(o, id);

	return o->flags[id] & PL_OBJ_GC &&
	       (o->flags[id] & PL_OBJ_TRACKED || t->kind != PL_KIND_TUPLE || !t->exact);
}

/*
 * The full collection of 3.14.0 to 3.14.4 takes young tuples off the list that hold nothing it
 * could track, before it looks (untrack_tuples() in Python/gc.c).
 */
static void drop_tuples(struct judging *j)
{
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		bool kept = false;
		const pl_node *out;
		uint32_t n;

		if (!pl_bits_has(j->in, id) || pl_generation_of(j->o->flags[id]) != 0 ||
		    pl_object_type(j->o, id)->kind != PL_KIND_TUPLE ||
		    !pl_object_type(j->o, id)->exact)
			continue;
		out = pl_graph_out(j->g, id, &n);
		for (uint32_t i = 0; i < n && !kept; i++)
			kept = may_be_tracked(j->o, out[i]);
		if (!kept)
			pl_bits_clear(j->in, id);
	}
}

static int replay(struct judging *j, uint8_t flags, enum pl_life life, struct pl_err *err)
{
	int rc;

	candidates(j, flags);
	if (j->o->l->gc_style == PL_GC_INCREMENTAL)
		drop_tuples(j);
	rc = pl_graph_unheld(j->g, PL_G_TRAVERSED, j->ctx, j->count, j->in, NULL, err);
	if (rc)
		return rc;
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (!pl_bits_has(j->in, id) || j->l->of[id] != PL_LIVES)
			continue;
		j->l->of[id] = (uint8_t)life;
		j->l->contradictions += pl_bits_has(j->reached, id);
	}
	return 0;
}

/* move_legacy_finalizers() and move_legacy_finalizer_reachable(): what they hold stays as well. */
static int judge_blocked(struct judging *j, struct pl_err *err)
{
	struct pl_finalizers *f = pl_finalizers_new(j->o, &j->views[0]);
	bool any = false;
	int rc;

	memset(j->in, 0, (j->o->n / 64 + 1) * sizeof(*j->in));
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (j->l->of[id] == PL_UNREACHABLE &&
		    pl_finalizer_blocks(j->o->l, pl_finalizer_of(f, &j->views[0], id))) {
			pl_bits_set(j->in, id);
			any = true;
		}
	}
	pl_finalizers_free(f);
	if (!any)
		return 0;
	rc = pl_graph_reach(j->g, PL_G_TRAVERSED, j->ctx, j->in, err);
	for (pl_node id = 0; !rc && id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (pl_bits_has(j->in, id) && j->l->of[id] == PL_UNREACHABLE)
			j->l->of[id] = PL_BLOCKED;
	}
	return rc;
}

static int judge_unreachable(struct judging *j, struct pl_err *err)
{
	bool frozen = false;
	int rc;

	rc = replay(j, PL_OBJ_TRACKED, PL_UNREACHABLE, err);
	if (!rc)
		rc = judge_blocked(j, err);
	for (pl_node id = 0; !rc && id < j->l->n && !frozen && !pl_ctx_look(j->ctx, id); id++)
		frozen = j->o->flags[id] & PL_OBJ_PERMANENT;
	if (rc || !frozen)
		return rc;
	rc = counts(j, NULL, err);
	return rc ? rc : replay(j, PL_OBJ_TRACKED | PL_OBJ_PERMANENT, PL_FROZEN, err);
}

/* ---- the rest: no root leads there, and the collector would not find it ---- */

struct spreading {
	struct judging *j;
	enum pl_life life;
};

static enum pl_walk_answer give_life(void *arg, pl_node from, pl_node to)
{
	struct spreading *s = arg;

	(void)from;
	if (!pl_bits_has(s->j->in, to))
		return PL_WALK_PASS;
	pl_bits_clear(s->j->in, to);
	s->j->l->of[to] = (uint8_t)s->life;
	return PL_WALK_TAKE;
}

/* Nodes of j->in that the queue leads to get this life and leave j->in. */
static int spread(struct judging *j, pl_node *queue, size_t n, enum pl_life life,
		  struct pl_err *err)
{
	struct spreading s = {j, life};
	struct pl_walk walk = {.fn = give_life, .arg = &s};

	return pl_graph_walk(j->g, &walk, j->ctx, queue, &n, err);
}

struct owning {
	struct judging *j;
	pl_node *queue;
	size_t n;
};

/* A word explains a count that no object does; one that counts nothing more may be a cache's. */
static void take_own(void *arg, uint64_t word)
{
	struct owning *w = arg;
	pl_id id = pl_objects_id(w->j->o, word);

	if (id == PL_NO_ID || !pl_bits_has(w->j->in, id) || !w->j->count[id])
		return;
	pl_bits_clear(w->j->in, id);
	w->j->l->of[id] = PL_LIVES;
	w->queue[w->n++] = id;
}

/* What the interpreter's own memory holds lives, whatever its roots do not name. */
static int judge_own(struct judging *j, pl_node *queue, struct pl_err *err)
{
	struct owning w = {.j = j, .queue = queue};

	memset(j->in, 0, (j->o->n / 64 + 1) * sizeof(*j->in));
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (j->l->of[id] == PL_HELD)
			pl_bits_set(j->in, id);
	}
	pl_own_words(j->o, &j->views[0], take_own, &w);
	return spread(j, queue, w.n, PL_LIVES, err);
}

/*
 * The counts of all that no root leads to, against all references from there. What they do not
 * explain is held; what they do and has no life yet stays in j->in.
 */
static int judge_counts(struct judging *j, struct pl_err *err)
{
	int rc = counts(j, j->reached, err);

	if (rc)
		return rc;
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (pl_bits_has(j->reached, id))
			pl_bits_clear(j->in, id);
		else
			pl_bits_set(j->in, id);
	}
	rc = pl_graph_unheld(j->g, 0, j->ctx, j->count, j->in, NULL, err);
	if (rc)
		return rc;
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (pl_bits_has(j->reached, id) || j->l->of[id] != PL_LIVES)
			pl_bits_clear(j->in, id);
		else if (!pl_bits_has(j->in, id))
			j->l->of[id] = PL_HELD;
	}
	return 0;
}

static int judge_rest(struct judging *j, struct pl_err *err)
{
	pl_node *queue;
	size_t n = 0;
	int rc = judge_counts(j, err);

	if (rc)
		return rc;
	queue = pl_col_alloc(j->o->n + 1, sizeof(*queue));
	if (!queue)
		return pl_err_set(err, PL_E_NOMEM, "no memory to follow dead objects");
	for (pl_node id = 0; id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (j->l->of[id] >= PL_GARBAGE && j->l->of[id] <= PL_FROZEN)
			queue[n++] = id;
	}
	rc = spread(j, queue, n, PL_GOES, err);
	for (pl_node id = 0; !rc && id < j->l->n && !pl_ctx_look(j->ctx, id); id++) {
		if (pl_bits_has(j->in, id))
			j->l->of[id] = PL_UNSEEN;
	}
	if (!rc)
		rc = judge_own(j, queue, err);
	pl_col_free(queue, j->o->n + 1, sizeof(*queue));
	return rc;
}

static int judge(struct judging *j, struct pl_err *err)
{
	int rc = counts(j, NULL, err);

	if (!rc)
		rc = reach(j, err);
	if (!rc)
		rc = judge_garbage(j, err);
	if (!rc)
		rc = judge_unreachable(j, err);
	if (!rc)
		rc = judge_rest(j, err);
	for (pl_node id = 0; !rc && id < j->l->n && !pl_ctx_look(j->ctx, id); id++)
		j->l->objects[j->l->of[id]]++;
	/* A loop that a cancel has ended is found here, if no call has said so. */
	return !rc && pl_ctx_cancelled(j->ctx) ? pl_ctx_cancel_err(err) : rc;
}

static void note_doubts(struct pl_ctx *ctx, const struct pl_objects *o, const struct pl_lives *l)
{
	if (o->collecting)
		pl_ctx_note(ctx, PL_WARNING, "collecting",
			    "the core was taken inside a collection: what it had in hand may be "
			    "told wrongly");
	if (l->contradictions)
		pl_ctx_note(ctx, PL_WARNING, "contradictory-counts",
			    "%llu objects are unreachable by their counts though a root leads to "
			    "them",
			    (unsigned long long)l->contradictions);
}

int pl_lives_new(const struct pl_objects *o, const struct pl_roots *roots, const struct pl_graph *g,
		 struct pl_ctx *ctx, struct pl_lives **ret, struct pl_err *err)
{
	unsigned n_workers = pl_parallel_workers(ctx);
	struct judging j = {.o = o, .roots = roots, .g = g, .ctx = ctx};
	int rc;

	j.l = pl_calloc(1, sizeof(*j.l));
	j.l->n = (pl_node)o->n;
	j.l->of = pl_col_alloc(o->n + 1, 1);
	j.count = pl_col_alloc(o->n + 1, sizeof(*j.count));
	j.immortal = pl_bits_new(o->n);
	j.reached = pl_bits_new(o->n);
	j.in = pl_bits_new(o->n);
	j.views = pl_calloc(n_workers, sizeof(*j.views));
	for (unsigned i = 0; i < n_workers; i++)
		pl_view_init(&j.views[i], o->im);
	if (j.l->of && j.count && j.immortal && j.reached && j.in)
		rc = judge(&j, err);
	else
		rc = pl_err_set(err, PL_E_NOMEM, "no memory to judge %zu objects", o->n);
	pl_ctx_stage(ctx, NULL, 0);
	free(j.views);
	pl_bits_free(j.in, o->n);
	pl_bits_free(j.reached, o->n);
	pl_bits_free(j.immortal, o->n);
	if (j.count)
		pl_col_free(j.count, o->n + 1, sizeof(*j.count));
	if (rc) {
		pl_lives_free(j.l);
		return rc;
	}
	note_doubts(ctx, o, j.l);
	*ret = j.l;
	return 0;
}

void pl_lives_free(struct pl_lives *l)
{
	if (!l)
		return;
	if (l->of)
		pl_col_free(l->of, (size_t)l->n + 1, 1);
	free(l);
}
