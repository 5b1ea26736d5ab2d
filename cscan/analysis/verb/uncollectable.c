/*
 * uncollectable.c - `uncollectable`: what is dead and will not be freed by the collector itself,
 * and why.
 */
#include "analysis/analysis.h"

#include "analysis/search/reason.h"

static const struct pl_column type_columns[] = {
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "objects", .align = PL_RIGHT},
	{.name = "size", .align = PL_RIGHT},
	{.name = "reason", .align = PL_LEFT, .below = true},
	{.name = "example", .align = PL_RIGHT},
};
static const struct pl_column object_columns[] = {
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "reason", .align = PL_LEFT, .shrink = true},
};
static const struct pl_option options[] = {
	{"objects", NULL, NULL, "every object by itself"},
	{.name = NULL},
};

/* Objects of one type with one reason. */
struct sum {
	uint32_t type; /* index */
	struct pl_reason reason;
	uint64_t objects, size;
	pl_node example;
};

struct listing {
	const struct pl_objects *o;
	const struct pl_args *args;
	struct pl_reasons reasons;
	PL_VEC(struct sum) sums;
	uint32_t *last;     /* by type index: the sum used last, index + 1 */
	struct pl_table *t; /* of objects, or NULL */
};

static bool is(const struct sum *sum, uint32_t type, struct pl_reason reason)
{
	return sum->type == type && sum->reason.kind == reason.kind &&
	       sum->reason.type == reason.type;
}

/* Few pairs of type and reason occur, and neighbours mostly have the same one. */
static struct sum *sum_of(struct listing *s, uint32_t type, struct pl_reason reason)
{
	if (s->last[type] && is(&s->sums.at[s->last[type] - 1], type, reason))
		return &s->sums.at[s->last[type] - 1];
	for (size_t i = 0; i < s->sums.n; i++) {
		if (is(&s->sums.at[i], type, reason)) {
			s->last[type] = (uint32_t)i + 1;
			return &s->sums.at[i];
		}
	}
	pl_vec_push(&s->sums, (struct sum){.type = type, .reason = reason, .example = PL_NO_NODE});
	s->last[type] = (uint32_t)s->sums.n;
	return &s->sums.at[s->sums.n - 1];
}

static void put_object(struct listing *s, pl_node id, struct pl_reason reason)
{
	struct pl_cell *row;
	char text[300];

	if (s->args->limit && !s->args->sort && s->t->n_rows >= s->args->limit) {
		s->t->hidden_rows++;
		return;
	}
	pl_reason_text(&s->reasons, reason, text, sizeof(text));
	row = pl_table_row(s->t);
	row[0] = pl_cell_addr(s->o->addr[id]);
	row[1] = pl_cell_text(s->t, pl_object_type(s->o, id)->name);
	row[2] = pl_cell_text(s->t, text);
}

static void weigh(struct listing *s, pl_node id)
{
	struct pl_reason reason = pl_reason_of(&s->reasons, id);
	struct sum *sum;

	if (reason.kind == PL_REASON_NONE ||
	    !pl_args_match(s->args, pl_object_type(s->o, id)->name))
		return;
	if (s->t)
		put_object(s, id, reason);
	sum = sum_of(s, s->o->type[id], reason);
	sum->objects++;
	sum->size += pl_object_size(s->o, &s->reasons.v, id);
	if (sum->example == PL_NO_NODE)
		sum->example = id;
}

/* The order of sums is that of their first objects, so it is the same for any number of threads. */
static void put_types(struct listing *s, struct pl_table *t)
{
	for (size_t i = 0; i < s->sums.n; i++) {
		const struct sum *sum = &s->sums.at[i];
		struct pl_cell *row = pl_table_row(t);
		char text[300];

		pl_reason_text(&s->reasons, sum->reason, text, sizeof(text));
		row[0] = pl_cell_text(t, pl_types_at(s->o->types, sum->type)->name);
		row[1] = pl_cell_count(sum->objects);
		row[2] = pl_cell_size(sum->size);
		row[3] = pl_cell_text(t, text);
		row[4] = pl_cell_addr(s->o->addr[sum->example]);
	}
	pl_table_sort(t, "type");
	pl_table_sort(t, "size");
}

static int fill(struct pl_session *session, struct listing *s, struct pl_result *ret,
		struct pl_err *err)
{
	struct pl_ctx *ctx = pl_session_ctx(session);
	struct pl_table *t;

	s->last = pl_calloc(pl_types_count(s->o->types) + 1, sizeof(*s->last));
	if (pl_args_get(s->args, "objects"))
		s->t = pl_result_table(ret, "objects", object_columns,
				       PL_ARRAY_LEN(object_columns));
	for (size_t id = 0; id < s->o->n; id++) {
		if (id % 4096 == 0 && pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		weigh(s, (pl_node)id);
	}
	if (s->t)
		return s->args->sort ? pl_args_apply(s->args, s->t, err) : 0;
	t = pl_result_table(ret, "uncollectable", type_columns, PL_ARRAY_LEN(type_columns));
	put_types(s, t);
	return pl_args_apply(s->args, t, err);
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct listing s = {.args = args};
	int rc;

	rc = pl_reasons_init(&s.reasons, session, err);
	if (rc)
		return rc;
	s.o = s.reasons.o;
	rc = fill(session, &s, ret, err);
	pl_reasons_fini(&s.reasons);
	pl_vec_free(&s.sums);
	free(s.last);
	return rc;
}

const struct pl_analysis pl_analysis_uncollectable = {
	.name = "uncollectable",
	.arguments = "",
	.summary = "dead objects that this collector would not free by itself, and why",
	.help = "Dead objects that the next collection would free are not listed. The reasons:\n"
		"\n"
		"in gc.garbage             a collection gave up on it, or saved it "
		"(DEBUG_SAVEALL)\n"
		"__del__ on Python 2       a cycle with __del__, and all that it holds\n"
		"legacy tp_del             the same for C types, Python 3.4 on\n"
		"gc is disabled            or threshold 0: no collection comes by itself\n"
		"too old                   the next full collection is not due, with the numbers\n"
		"incremental backlog       3.14.0 to 3.14.4: old objects wait for their "
		"increment\n"
		"frozen by gc.freeze()     its list is never looked at\n"
		"tp_traverse of T omits    the collector does not see all references: a bug of T\n"
		"T is no gc type           the same: T holds references and is not the "
		"collector's\n"
		"held from C               a cycle that references keep which no Python object "
		"holds",
	.example = "--match 'app.*' --objects",
	.options = options,
	.own_rows = true,
	.run = run,
};
