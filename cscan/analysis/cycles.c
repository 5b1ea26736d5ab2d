/*
 * cycles.c - `cycles`: reference cycles grouped by shape, with what became of them.
 *
 * Two rings have one shape when they have as many objects of each type, and as many references from
 * each type to each other one, and the same state and finalizer: told by a sum of hashes, in one
 * pass over the objects. Only one ring of a shape is looked at to spell it.
 */
#include "analysis/analysis.h"

#include "analysis/reason.h"
#include "analysis/ringspell.h"
#include "base/bits.h"

static const struct pl_column cycle_columns[] = {
	{.name = "shape", .align = PL_LEFT, .below = true},
	{.name = "cycles", .align = PL_RIGHT},
	{.name = "objects", .align = PL_RIGHT},
	{.name = "size", .align = PL_RIGHT},
	{.name = "state", .align = PL_LEFT},
	{.name = "finalizer", .align = PL_LEFT, .optional = true},
	{.name = "verdict", .align = PL_LEFT, .below = true},
	{.name = "example", .align = PL_RIGHT},
	{.name = "edges", .align = PL_LEFT, .below = true},
	{.name = "retained", .align = PL_RIGHT},
};
static const struct pl_column object_columns[] = {
	{.name = "address", .align = PL_RIGHT}, {.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "size", .align = PL_RIGHT},    {.name = "state", .align = PL_LEFT},
	{.name = "cycle", .align = PL_RIGHT},
};
static const struct pl_option options[] = {
	{"unreachable", NULL, NULL, "only those that a full collection would have found dead"},
	{"finalizers", NULL, NULL, "only those with a finalizer"},
	{"state", "STATE", "unreachable reachable frozen garbage held", "only those in this state"},
	{"objects", NULL, NULL, "every object of the cycles, and what hangs off the dead ones"},
	{.name = NULL},
};

#define NO_GROUP UINT32_MAX

/* Rings of one shape. */
struct group {
	uint64_t hash;
	uint32_t example; /* a ring */
	uint32_t cycles;
	uint64_t objects, size, retained;
};

struct listing {
	const struct pl_objects *o;
	const struct pl_roots *roots;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	const struct pl_rings *rings;
	const struct pl_args *args;
	struct pl_ctx *ctx;
	struct pl_reasons reasons;
	struct pl_view v;
	uint64_t *hash;     /* by ring */
	uint32_t *group_of; /* by ring: index of its group, or NO_GROUP: not asked for */
	PL_VEC(struct group) groups;
	uint32_t *slot; /* by hash: index + 1 */
	size_t n_slots; /* a power of two */
};

/* ---- grouping ---- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Sums do not depend on the order in which members are met. */
static void hash_rings(struct listing *s)
{
	const struct pl_rings *r = s->rings;

	for (pl_node id = 0; id < r->n_objects; id++) {
		uint32_t n, ring = r->of[id];
		const pl_node *out;
		uint64_t from, sum;

		if (!pl_bits_has(r->member, id))
			continue;
		from = s->o->type[id] + UINT64_C(1);
		sum = mix(from);
		out = pl_graph_out(s->g, id, &n);
		for (uint32_t i = 0; i < n; i++) {
			if (r->of[out[i]] == ring && pl_bits_has(r->member, out[i]) &&
			    !(pl_graph_flags(s->g, id, i) & PL_G_WEAK))
				sum += mix(from << 32 | (s->o->type[out[i]] + UINT64_C(1)));
		}
		s->hash[ring] += sum;
	}
}

static bool wanted(const struct listing *s, uint32_t ring)
{
	const char *state = pl_args_get(s->args, "state");
	const char *name = pl_life_name(s->rings->life[ring]);

	if (pl_args_get(s->args, "unreachable") && strcmp(name, "unreachable"))
		return false;
	if (state && strcmp(name, state))
		return false;
	return !pl_args_get(s->args, "finalizers") || s->rings->finalizer[ring] ||
	       s->rings->flags[ring] & PL_RING_CALLBACK;
}

/* --match: one of the members is of such a type. */
static bool matches(struct listing *s, uint32_t ring)
{
	bool ret = false;
	pl_node *members;
	uint32_t n;

	if (!s->args->match)
		return true;
	members = pl_rings_members(s->rings, s->g, ring, s->reasons.scratch, &n);
	for (uint32_t i = 0; i < n && !ret; i++)
		ret = pl_args_match(s->args, pl_object_type(s->o, members[i])->name);
	free(members);
	return ret;
}

static void grow(struct listing *s)
{
	free(s->slot);
	s->n_slots = s->n_slots ? s->n_slots * 2 : 1024;
	s->slot = pl_calloc(s->n_slots, sizeof(*s->slot));
	for (size_t i = 0; i < s->groups.n; i++) {
		size_t at = s->groups.at[i].hash & (s->n_slots - 1);

		while (s->slot[at])
			at = (at + 1) & (s->n_slots - 1);
		s->slot[at] = (uint32_t)i + 1;
	}
}

static uint32_t find(struct listing *s, uint64_t hash, uint32_t ring)
{
	size_t at;

	if ((s->groups.n + 1) * 2 > s->n_slots)
		grow(s);
	for (at = hash & (s->n_slots - 1); s->slot[at]; at = (at + 1) & (s->n_slots - 1)) {
		if (s->groups.at[s->slot[at] - 1].hash == hash)
			return s->slot[at] - 1;
	}
	pl_vec_push(&s->groups, (struct group){.hash = hash, .example = ring});
	s->slot[at] = (uint32_t)s->groups.n;
	return (uint32_t)s->groups.n - 1;
}

static void group_rings(struct listing *s)
{
	const struct pl_rings *r = s->rings;

	for (uint32_t ring = 0; ring < r->n; ring++) {
		uint64_t kind = (uint64_t)r->life[ring] << 16 | (uint64_t)r->finalizer[ring] << 8 |
				r->flags[ring];
		struct group *group;

		s->group_of[ring] = NO_GROUP;
		if (!wanted(s, ring))
			continue;
		s->group_of[ring] = find(s, s->hash[ring] + mix(kind + 1), ring);
		group = &s->groups.at[s->group_of[ring]];
		group->cycles++;
		group->objects += r->objects[ring];
	}
}

static void add_sizes(struct listing *s)
{
	const struct pl_rings *r = s->rings;

	for (pl_node id = 0; id < r->n_objects; id++) {
		uint32_t group = r->of[id] == PL_NO_RING ? NO_GROUP : s->group_of[r->of[id]];
		uint64_t size;

		if (group == NO_GROUP)
			continue;
		size = pl_object_size(s->o, &s->v, id);
		s->groups.at[group].retained += size;
		if (pl_bits_has(r->member, id))
			s->groups.at[group].size += size;
	}
}

/* ---- spelling one ring ---- */

static bool is_users(const struct pl_type *t)
{
	return t->python_class || t->kind == PL_KIND_INSTANCE27;
}

/*
 * Begin where a reader would: at an instance of a class of the program, else at a class, else by
 * name, by address.
 */
static bool better_start(const struct pl_objects *o, pl_node a, pl_node b)
{
	const struct pl_type *ta = pl_object_type(o, a), *tb = pl_object_type(o, b);
	int order;

	if (is_users(ta) != is_users(tb))
		return is_users(ta);
	if (ta->is_type != tb->is_type)
		return ta->is_type;
	order = strcmp(ta->name, tb->name);
	return order ? order < 0 : a < b;
}

static pl_node best_start(struct listing *s, uint32_t ring)
{
	uint32_t n;
	pl_node *members = pl_rings_members(s->rings, s->g, ring, s->reasons.scratch, &n);
	pl_node best = members[0];

	for (uint32_t i = 1; i < n; i++) {
		if (better_start(s->o, members[i], best))
			best = members[i];
	}
	free(members);
	return best;
}

/* The types on a shortest cycle, and the references between them as accessors. */
static void put_shape(struct listing *s, struct pl_table *t, uint32_t ring, struct pl_cell *row)
{
	const struct pl_ringspell spell = {s->o, s->g, s->rings, &s->v, s->reasons.scratch};
	char edges[512];
	uint32_t n;
	char *types = pl_ringspell(&spell, best_start(s, ring), true, edges, sizeof(edges), &n);

	n = s->rings->objects[ring] - n;
	row[0] = n ? pl_cell_printf(t, "%s (+%u)", types, n) : pl_cell_text(t, types);
	row[8] = pl_cell_text(t, edges);
	free(types);
}

static struct pl_cell finalizer_cell(struct pl_table *t, const struct pl_rings *r, uint32_t ring)
{
	const char *name = pl_finalizer_name(r->finalizer[ring]);

	if (name && r->flags[ring] & PL_RING_FINALIZED)
		return pl_cell_printf(t, "%s (ran)", name);
	if (name)
		return pl_cell_text(t, name);
	return r->flags[ring] & PL_RING_CALLBACK ? pl_cell_text(t, "weakref callback")
						 : pl_cell_absent();
}

static void put_group(struct listing *s, struct pl_table *t, const struct group *g)
{
	struct pl_cell *row = pl_table_row(t);
	char verdict[300];

	put_shape(s, t, g->example, row);
	row[1] = pl_cell_count(g->cycles);
	row[2] = pl_cell_count(g->objects);
	row[3] = pl_cell_size(g->size);
	row[4] = pl_cell_text(t, pl_life_name(s->rings->life[g->example]));
	row[5] = finalizer_cell(t, s->rings, g->example);
	pl_reason_verdict(&s->reasons, g->example, verdict, sizeof(verdict));
	row[6] = pl_cell_text(t, verdict);
	row[7] = pl_cell_addr(s->o->addr[s->rings->first[g->example]]);
	row[9] = pl_cell_size(g->retained);
}

/* ---- the tables ---- */

/* What a reader must act on first; of one state, what holds most. */
static int by_weight(const void *pa, const void *pb, void *arg)
{
	static const uint8_t rank[PL_N_LIVES] = {
		[PL_BLOCKED] = 0, [PL_GARBAGE] = 1, [PL_UNREACHABLE] = 2, [PL_UNSEEN] = 3,
		[PL_FROZEN] = 4,  [PL_HELD] = 5,    [PL_LIVES] = 6,
	};
	const struct group *a = pa, *b = pb;
	const struct pl_rings *r = arg;
	int ra = rank[r->life[a->example]], rb = rank[r->life[b->example]];

	if (ra != rb)
		return ra - rb;
	if (a->retained != b->retained)
		return a->retained < b->retained ? 1 : -1;
	return r->first[a->example] < r->first[b->example] ? -1 : 1;
}

static int put_groups(struct listing *s, struct pl_result *ret, struct pl_err *err)
{
	struct pl_table *t =
		pl_result_table(ret, "cycles", cycle_columns, PL_ARRAY_LEN(cycle_columns));
	size_t limit = s->args->sort ? 0 : s->args->limit;

	qsort_r(s->groups.at, s->groups.n, sizeof(*s->groups.at), by_weight, (void *)s->rings);
	for (size_t i = 0; i < s->groups.n; i++) {
		if (i % 64 == 0 && pl_ctx_cancelled(s->ctx))
			return pl_ctx_cancel_err(err);
		if (!matches(s, s->groups.at[i].example))
			continue;
		if (limit && t->n_rows == limit)
			t->hidden_rows++;
		else
			put_group(s, t, &s->groups.at[i]);
	}
	return s->args->sort ? pl_args_apply(s->args, t, err) : 0;
}

/* The collector's objects and members that it does not see: what goes with them has no row. */
static bool has_row(const struct listing *s, pl_node id)
{
	return s->group_of[s->rings->of[id]] != NO_GROUP && s->lives->of[id] != PL_GOES &&
	       (pl_bits_has(s->rings->member, id) ||
		s->o->flags[id] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT)) &&
	       pl_args_match(s->args, pl_object_type(s->o, id)->name);
}

static void put_objects(struct listing *s, struct pl_result *ret)
{
	struct pl_table *t =
		pl_result_table(ret, "objects", object_columns, PL_ARRAY_LEN(object_columns));

	for (pl_node id = 0; id < s->rings->n_objects; id++) {
		struct pl_cell *row;

		if (s->rings->of[id] == PL_NO_RING || !has_row(s, id))
			continue;
		if (s->args->limit && t->n_rows == s->args->limit) {
			t->hidden_rows++;
			continue;
		}
		row = pl_table_row(t);
		row[0] = pl_cell_addr(s->o->addr[id]);
		row[1] = pl_cell_text(t, pl_object_type(s->o, id)->name);
		row[2] = pl_cell_size(pl_object_size(s->o, &s->v, id));
		row[3] = pl_cell_text(t, pl_life_name(s->lives->of[id]));
		row[4] = pl_cell_addr(s->o->addr[s->rings->first[s->rings->of[id]]]);
	}
}

static int fill(struct listing *s, struct pl_result *ret, struct pl_err *err)
{
	int rc;

	s->hash = pl_col_alloc(s->rings->n + 1u, sizeof(*s->hash));
	s->group_of = pl_col_alloc(s->rings->n + 1u, sizeof(*s->group_of));
	if (!s->hash || !s->group_of)
		return pl_err_set(err, PL_E_NOMEM, "no memory to group %u cycles", s->rings->n);
	pl_ctx_stage(s->ctx, "grouping cycles", s->rings->n);
	hash_rings(s);
	group_rings(s);
	add_sizes(s);
	rc = put_groups(s, ret, err);
	if (!rc && pl_args_get(s->args, "objects"))
		put_objects(s, ret);
	pl_ctx_stage(s->ctx, NULL, 0);
	return rc;
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct listing s = {.args = args, .ctx = pl_session_ctx(session)};
	struct pl_objects *o;
	int rc;

	rc = pl_session_references(session, &o, &s.roots, &s.g, err);
	if (!rc)
		rc = pl_session_lives(session, &s.lives, err);
	if (!rc)
		rc = pl_session_rings(session, &s.rings, err);
	if (!rc)
		rc = pl_reasons_init(&s.reasons, o, s.g, s.lives, s.rings, err);
	if (rc)
		return rc;
	s.o = o;
	pl_view_init(&s.v, o->im);
	rc = fill(&s, ret, err);
	pl_reasons_fini(&s.reasons);
	if (s.hash)
		pl_col_free(s.hash, s.rings->n + 1u, sizeof(*s.hash));
	if (s.group_of)
		pl_col_free(s.group_of, s.rings->n + 1u, sizeof(*s.group_of));
	pl_vec_free(&s.groups);
	free(s.slot);
	return rc;
}

const struct pl_analysis pl_analysis_cycles = {
	.name = "cycles",
	.arguments = "",
	.summary = "reference cycles by shape: which are dead, and why they are still there",
	.help = "The collector of this very version is replayed on the core; no finalizer runs.\n"
		"\n"
		"shape      the types on a shortest cycle, (+N) for the other objects that belong "
		"to it\n"
		"state      unreachable: a full collection would find it dead; garbage: gc.garbage "
		"alone\n"
		"           holds it; frozen: dead, but for gc.freeze(); held: no root leads to "
		"it, and\n"
		"           references keep it that no Python object holds; reachable: alive\n"
		"finalizer  __del__, tp_finalize, tp_del, generator (suspended inside try or "
		"with),\n"
		"           weakref callback; (ran): it was called already\n"
		"edges      the references on the cycle, from the first type on\n"
		"retained   size of the cycles and all that only they hold",
	.example = "--unreachable --match 'app.*'",
	.options = options,
	.own_rows = true,
	.run = run,
};
