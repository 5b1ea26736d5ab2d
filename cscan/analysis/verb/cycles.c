/*
 * cycles.c - `cycles`: reference cycles grouped by shape, with what became of them.
 */
#include "analysis/analysis.h"

#include "analysis/search/reason.h"
#include "analysis/search/ringgroups.h"
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

struct listing {
	const struct pl_objects *o;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	const struct pl_rings *rings;
	const struct pl_args *args;
	struct pl_ctx *ctx;
	struct pl_reasons reasons;
	struct pl_view v;
	struct pl_ringgroups groups;
};

static bool wanted(void *arg, uint32_t ring)
{
	const struct listing *s = arg;
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
	for (uint32_t i = 0; i < n && !ret && !pl_ctx_look(s->ctx, i); i++)
		ret = pl_args_match(s->args, pl_object_type(s->o, members[i])->name);
	free(members);
	return ret;
}

/* ---- spelling one ring ---- */

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

static void put_group(struct listing *s, struct pl_table *t, const struct pl_ringgroup *g)
{
	const struct pl_ringspell spell = {s->o, s->g, s->rings, &s->v, s->reasons.scratch};
	struct pl_cell *row = pl_table_row(t);
	char verdict[300], edges[512];
	char *shape = pl_ringgroup_shape(&spell, g->example, edges, sizeof(edges));

	row[0] = pl_cell_text(t, shape);
	free(shape);
	row[8] = pl_cell_text(t, edges);
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

static int put_groups(struct listing *s, struct pl_result *ret, struct pl_err *err)
{
	struct pl_table *t =
		pl_result_table(ret, "cycles", cycle_columns, PL_ARRAY_LEN(cycle_columns));
	size_t limit = s->args->sort ? 0 : s->args->limit;

	pl_ringgroups_sort(&s->groups, s->rings);
	for (size_t i = 0; i < s->groups.at.n; i++) {
		if (pl_ctx_cancelled(s->ctx))
			return pl_ctx_cancel_err(err);
		if (!matches(s, s->groups.at.at[i].example))
			continue;
		if (limit && t->n_rows == limit)
			t->hidden_rows++;
		else
			put_group(s, t, &s->groups.at.at[i]);
	}
	return s->args->sort ? pl_args_apply(s->args, t, err) : 0;
}

/* The collector's objects and members that it does not see: what goes with them has no row. */
static bool has_row(const struct listing *s, pl_node id)
{
	return s->groups.of[s->rings->of[id]] != PL_NO_GROUP && s->lives->of[id] != PL_GOES &&
	       (pl_bits_has(s->rings->member, id) ||
		s->o->flags[id] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT)) &&
	       pl_args_match(s->args, pl_object_type(s->o, id)->name);
}

static void put_objects(struct listing *s, struct pl_result *ret)
{
	struct pl_table *t =
		pl_result_table(ret, "objects", object_columns, PL_ARRAY_LEN(object_columns));

	for (pl_node id = 0; id < s->rings->n_objects && !pl_ctx_look(s->ctx, id); id++) {
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

	pl_ctx_stage(s->ctx, "grouping cycles", s->rings->n);
	rc = pl_ringgroups_init(&s->groups, s->o, s->g, s->rings, wanted, s, err);
	if (!rc)
		rc = put_groups(s, ret, err);
	if (!rc && pl_args_get(s->args, "objects"))
		put_objects(s, ret);
	if (!rc && pl_ctx_cancelled(s->ctx))
		rc = pl_ctx_cancel_err(err);
	pl_ctx_stage(s->ctx, NULL, 0);
	return rc;
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct listing s = {.args = args, .ctx = pl_session_ctx(session)};
	int rc;

	rc = pl_reasons_init(&s.reasons, session, err);
	if (rc)
		return rc;
	s.o = s.reasons.o;
	s.g = s.reasons.g;
	s.lives = s.reasons.lives;
	s.rings = s.reasons.rings;
	pl_view_init(&s.v, s.o->im);
	rc = fill(&s, ret, err);
	pl_reasons_fini(&s.reasons);
	pl_ringgroups_fini(&s.groups);
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
