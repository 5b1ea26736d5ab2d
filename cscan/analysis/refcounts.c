/*
 * refcounts.c - `refcounts`: objects that count more references than were found.
 */
#include "analysis/analysis.h"

#include <stdio.h>

#include "analysis/refsum.h"

static const struct pl_column type_columns[] = {
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "objects", .align = PL_RIGHT},
	{.name = "surplus", .align = PL_RIGHT},
	{.name = "example", .align = PL_RIGHT},
	{.name = "refcount", .align = PL_RIGHT},
	{.name = "found", .align = PL_RIGHT},
};
static const struct pl_column object_columns[] = {
	{.name = "address", .align = PL_RIGHT},  {.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "refcount", .align = PL_RIGHT}, {.name = "found", .align = PL_RIGHT},
	{.name = "native", .align = PL_RIGHT},   {.name = "surplus", .align = PL_RIGHT},
};
static const struct pl_option options[] = {
	{"objects", NULL, NULL, "every object by itself: also those with more found than counted"},
	{.name = NULL},
};

#define NAMED_TYPES 5 /* in the note about what is over-counted */

/* Of one type. */
struct sum {
	uint64_t objects, surplus; /* that count more than was found */
	uint64_t over;             /* objects of which more was found than they count */
	pl_id example;             /* the one with the greatest surplus */
	int64_t most;
	uint64_t refcount, found; /* of the example */
};

struct listing {
	const struct pl_objects *o;
	struct pl_view v;
	const struct pl_args *args;
	struct pl_refsum found;
	struct sum *sums;   /* by type index */
	struct pl_table *t; /* of objects, or NULL */
	size_t most;        /* rows of it, 0 = all */
};

static void put_object(struct listing *s, pl_id id, uint64_t refcount, int64_t surplus)
{
	struct pl_cell *row;

	if (s->most && s->t->n_rows >= s->most) {
		s->t->hidden_rows++;
		return;
	}
	row = pl_table_row(s->t);
	row[0] = pl_cell_addr(s->o->addr[id]);
	row[1] = pl_cell_text(s->t, pl_object_type(s->o, id)->name);
	row[2] = pl_cell_count(refcount);
	row[3] = pl_cell_count(s->found.strong[id]);
	row[4] = pl_cell_count(s->found.native[id]);
	row[5] = pl_cell_int(surplus);
}

static void weigh(struct listing *s, pl_id id)
{
	struct sum *sum = &s->sums[s->o->type[id]];
	uint64_t refcount;
	int64_t surplus;

	if (!pl_refsum_surplus(s->o, &s->v, &s->found, id, &refcount, &surplus))
		return;
	if (!surplus)
		return;
	if (s->t)
		put_object(s, id, refcount, surplus);
	if (surplus < 0) {
		sum->over++;
		return;
	}
	sum->objects++;
	sum->surplus += (uint64_t)surplus;
	if (surplus > sum->most) {
		sum->most = surplus;
		sum->example = id;
		sum->refcount = refcount;
		sum->found = (uint64_t)s->found.strong[id] + s->found.native[id];
	}
}

static void put_types(const struct listing *s, struct pl_table *t)
{
	for (uint32_t i = 0; i < pl_types_count(s->o->types); i++) {
		const struct sum *sum = &s->sums[i];
		struct pl_cell *row;

		if (!sum->objects)
			continue;
		row = pl_table_row(t);
		row[0] = pl_cell_text(t, pl_types_at(s->o->types, i)->name);
		row[1] = pl_cell_count(sum->objects);
		row[2] = pl_cell_count(sum->surplus);
		row[3] = pl_cell_addr(s->o->addr[sum->example]);
		row[4] = pl_cell_count(sum->refcount);
		row[5] = pl_cell_count(sum->found);
	}
	pl_table_sort(t, "type");
	pl_table_sort(t, "surplus");
}

/* More references than the count says: the heap was being changed, or a decoder errs. */
static void note_over(struct pl_ctx *ctx, const struct listing *s)
{
	uint64_t total = 0, named = 0;
	char text[512] = "";
	size_t at = 0;

	for (uint32_t i = 0; i < pl_types_count(s->o->types); i++) {
		uint64_t over = s->sums[i].over;

		total += over;
		if (over && named++ < NAMED_TYPES && at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu %s",
					       at ? ", " : "", (unsigned long long)over,
					       pl_types_at(s->o->types, i)->name);
	}
	if (total)
		pl_ctx_note(ctx, PL_INFO, "over-counted",
			    "%llu objects have more references than their count says: %s%s",
			    (unsigned long long)total, text, named > NAMED_TYPES ? ", ..." : "");
}

static int fill(struct pl_session *session, struct listing *s, struct pl_result *ret,
		struct pl_err *err)
{
	struct pl_ctx *ctx = pl_session_ctx(session);
	struct pl_table *t;

	s->sums = pl_calloc(pl_types_count(s->o->types) + 1, sizeof(*s->sums));
	if (pl_args_get(s->args, "objects")) {
		s->t = pl_result_table(ret, "objects", object_columns,
				       PL_ARRAY_LEN(object_columns));
		s->most = s->args->sort ? 0 : s->args->limit;
	}
	pl_ctx_stage(ctx, "weighing", s->o->n);
	for (size_t id = 0; id < s->o->n; id++) {
		if (id % 4096 == 0 && pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		if (pl_args_match(s->args, pl_object_type(s->o, (pl_id)id)->name))
			weigh(s, (pl_id)id);
		pl_ctx_step(ctx, 1);
	}
	pl_ctx_stage(ctx, NULL, 0);
	note_over(ctx, s);
	if (s->t)
		return s->args->sort ? pl_args_apply(s->args, s->t, err) : 0;
	t = pl_result_table(ret, "refcounts", type_columns, PL_ARRAY_LEN(type_columns));
	put_types(s, t);
	return pl_args_apply(s->args, t, err);
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct listing s = {.args = args};
	const struct pl_roots *roots;
	struct pl_objects *o;
	int rc;

	rc = pl_session_index(session, &o, err);
	if (!rc)
		rc = pl_session_roots(session, &roots, err);
	if (!rc)
		rc = pl_refsum_new(o, roots, pl_session_ctx(session), &s.found, err);
	if (rc)
		return rc;
	s.o = o;
	pl_view_init(&s.v, o->im);
	rc = pl_refsum_words(o, &s.found, pl_session_ctx(session), err);
	if (!rc)
		rc = fill(session, &s, ret, err);
	free(s.sums);
	pl_refsum_fini(&s.found);
	return rc;
}

const struct pl_analysis pl_analysis_refcounts = {
	.name = "refcounts",
	.arguments = "",
	.summary = "objects whose ob_refcnt exceeds every reference found: leaks of C extensions",
	.help = "A reference that no object, no root and no word of C memory accounts for was "
		"never\n"
		"given back: the C code that took it forgot it. Immortal objects are left out.\n"
		"\n"
		"surplus   references counted in ob_refcnt and not found\n"
		"example   the object of the type with the greatest surplus, its count and what "
		"was\n"
		"          found of it\n"
		"native    (--objects) words of C memory, stacks too, that hold its address: each "
		"may be\n"
		"          a reference, so each makes the surplus smaller by one",
	.example = "--match 'app.*' --objects",
	.options = options,
	.own_rows = true,
	.run = run,
};
