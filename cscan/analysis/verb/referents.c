/*
 * referents.c - `referents`: what an object refers to, or the objects of a type together.
 */
#include "analysis/analysis.h"

#include "analysis/spell/edgerows.h"
#include "analysis/target.h"

static const struct pl_option options[] = {
	{"each", NULL, NULL, "of a TYPE: every edge of every object, not sums"},
	{.name = NULL},
};

struct listing {
	const struct pl_objects *o;
	struct pl_view v;
	const struct pl_args *args;
	struct pl_table *t;
	struct pl_edge_groups *groups;
	pl_addr object;  /* of which edges are listed; 0: the one that the user named */
	size_t most;     /* rows to make, 0 = all */
	bool attributes; /* edges are entries of an object's __dict__ */
};

static bool type_matches(const struct listing *s, pl_addr target)
{
	pl_id id = pl_objects_id(s->o, target);

	return id == PL_NO_ID ? !s->args->match
			      : pl_args_match(s->args, pl_object_type(s->o, id)->name);
}

static void put_row(void *arg, const struct pl_edge *e)
{
	struct listing *s = arg;

	if (!type_matches(s, e->target))
		return;
	if (s->most && s->t->n_rows >= s->most)
		s->t->hidden_rows++;
	else
		pl_edge_row(s->o, &s->v, s->t, s->object, e->target, e);
}

/* The attributes of an object whose class keeps them in a dict are counted like those of any other.
 */
static void put_group(void *arg, const struct pl_edge *e)
{
	struct listing *s = arg;
	pl_id id = pl_objects_id(s->o, e->target);

	pl_edge_groups_add(s->groups, &s->v, e, id, s->attributes);
	if (e->label == PL_L_DICT && !s->attributes && id != PL_NO_ID) {
		s->attributes = true;
		pl_edges(s->o, &s->v, e->target, put_group, s);
		s->attributes = false;
	}
}

static int of_type(struct pl_ctx *ctx, struct listing *s, const struct pl_target *target,
		   pl_edge_fn *fn, struct pl_err *err)
{
	pl_ctx_stage(ctx, "reading references", target->ids.n);
	for (size_t i = 0; i < target->ids.n; i++) {
		if (i % 256 == 0 && pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		s->object = s->o->addr[target->ids.at[i]];
		pl_edges(s->o, &s->v, s->object, fn, s);
		pl_ctx_step(ctx, 1);
	}
	pl_ctx_stage(ctx, NULL, 0);
	return 0;
}

static int one_by_one(struct pl_session *session, struct listing *s, const struct pl_target *target,
		      struct pl_result *ret, struct pl_err *err)
{
	int rc = 0;

	s->most = s->args->sort ? 0 : s->args->limit;
	s->t = pl_edge_table(ret, "referents", target->by_type);
	if (target->by_type) {
		rc = of_type(pl_session_ctx(session), s, target, put_row, err);
	} else {
		pl_edges(s->o, &s->v, target->addr, put_row, s);
	}
	return rc || !s->args->sort ? rc : pl_args_apply(s->args, s->t, err);
}

static int grouped(struct pl_session *session, struct listing *s, const struct pl_target *target,
		   struct pl_result *ret, struct pl_err *err)
{
	int rc;

	s->groups = pl_edge_groups_new(s->o);
	rc = of_type(pl_session_ctx(session), s, target, put_group, err);
	if (!rc) {
		pl_edge_groups_put(s->groups, s->args, ret, "referents");
		rc = pl_args_apply(s->args, ret->tables.at[0], err);
	}
	pl_edge_groups_free(s->groups);
	return rc;
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct listing s = {.args = args};
	struct pl_target target;
	struct pl_objects *o;
	int rc;

	rc = pl_session_index(session, &o, err);
	if (!rc)
		rc = pl_target_parse(session, o, args, &target, err);
	if (rc)
		return rc;
	s.o = o;
	pl_view_init(&s.v, o->im);
	if (target.by_type && !pl_args_get(args, "each"))
		rc = grouped(session, &s, &target, ret, err);
	else
		rc = one_by_one(session, &s, &target, ret, err);
	pl_target_fini(&target);
	return rc;
}

const struct pl_analysis pl_analysis_referents = {
	.name = "referents",
	.arguments = "ADDRESS|TYPE",
	.summary = "what an object refers to, each reference with its name",
	.help = "Of an object, every reference that its memory holds. Of a type, the references of "
		"all\n"
		"its objects added up by the type they lead to and by name, keys and indices "
		"spelled\n"
		"[*]: `objects` says how many different objects of that type are at the other "
		"end.\n"
		"\n"
		"kind       strong: owns; weak: a weakref's referent; borrowed: owns nothing; "
		"native:\n"
		"           a word of raw memory that holds an object's address\n"
		"traversed  the garbage collector sees it, so gc.get_referents() would have shown "
		"it;\n"
		"           a cycle through one that it does not see is never collected",
	.example = "app.Session",
	.options = options,
	.own_rows = true,
	.run = run,
};
