/*
 * instances.c - `instances TYPE`: the objects of a type, one by one.
 */
#include "analysis/analysis.h"

#include "analysis/search/order.h"
#include "base/parallel.h"
#include "base/sink.h"
#include "object/generation.h"
#include "object/repr/repr.h"

/* The first are as in enum pl_order_key. */
static const struct pl_column columns[] = {
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "refcount", .align = PL_RIGHT},
	{.name = "size", .align = PL_RIGHT},
	{.name = "generation", .align = PL_LEFT},
	{.name = "repr", .align = PL_LEFT, .shrink = true},
};
static const struct pl_option options[] = {{.name = NULL}};

struct ids {
	PL_VEC(pl_id) ids;
};

/* PL_N_ORDERS: in the order of the listing. */
static int parse_key(const char *sort, enum pl_order_key *key, struct pl_err *err)
{
	const char *name = sort && *sort == '-' ? sort + 1 : sort;

	*key = PL_N_ORDERS;
	for (int i = 0; name && i < PL_N_ORDERS; i++) {
		if (!strcmp(name, columns[i].name))
			*key = (enum pl_order_key)i;
	}
	if (!name || *key != PL_N_ORDERS)
		return 0;
	pl_err_set(err, PL_E_USAGE, "cannot sort by '%s'", sort);
	pl_err_hint(err, "columns to sort by: address type refcount size generation");
	return PL_E_USAGE;
}

static bool *matching_types(const struct pl_objects *o, const struct pl_args *args,
			    size_t *n_matching)
{
	size_t n = pl_types_count(o->types);
	bool *match = pl_calloc(n + 1, sizeof(*match));
	struct pl_args word = *args;

	word.match = args->words[0];
	*n_matching = 0;
	for (uint32_t i = 0; i < n; i++) {
		const char *name = pl_types_at(o->types, i)->name;

		match[i] = pl_args_match(&word, name) && pl_args_match(args, name);
		*n_matching += match[i];
	}
	return match;
}

/* What the threads that make rows look at. */
struct rows {
	const struct pl_objects *o;
	const pl_id *ids;
	struct pl_view *views; /* by worker */
};

static void make_row(void *arg, unsigned worker, size_t i, struct pl_table *t)
{
	struct rows *r = arg;
	const struct pl_objects *o = r->o;
	struct pl_view *v = &r->views[worker];
	pl_id id = r->ids[i];
	struct pl_cell *row = pl_table_row(t);
	const char *generation = pl_generation_name(o, pl_generation_of(o->flags[id]));
	char repr[256];
	uint64_t n;
	bool immortal;

	row[0] = pl_cell_addr(o->addr[id]);
	row[1] = pl_cell_text(t, pl_object_type(o, id)->name);
	if (pl_object_refcount(o, v, o->addr[id], &n, &immortal))
		row[2] = pl_cell_count(n);
	else
		row[2] = pl_cell_unknown();
	row[3] = pl_cell_size(pl_object_size(o, v, id));
	if (generation)
		row[4] = pl_cell_text(t, generation);
	pl_repr(o, v, o->addr[id], NULL, repr, sizeof(repr));
	row[5] = pl_cell_text(t, repr);
}

/* The first n of the ids as rows of t. */
static int tell(struct pl_result *ret, struct pl_table *t, const struct pl_objects *o,
		const pl_id *ids, size_t n, struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned workers = pl_parallel_workers(ctx);
	struct rows r = {.o = o, .ids = ids, .views = pl_calloc(workers, sizeof(*r.views))};
	int rc;

	for (unsigned i = 0; i < workers; i++)
		pl_view_init(&r.views[i], o->im);
	pl_ctx_stage(ctx, "reading instances", n);
	rc = pl_result_rows(ret, t, n, make_row, &r, ctx, err);
	pl_ctx_stage(ctx, NULL, 0);
	free(r.views);
	return rc;
}

/* The ids of the objects whose type matches; where memory is short, some of them. */
static int collect(const struct pl_objects *o, const bool *match, struct ids *list,
		   struct pl_ctx *ctx, struct pl_err *err)
{
	for (size_t k = 0; k < o->n_segments; k++) {
		for (size_t i = 0; i < o->segments[k].n; i++) {
			pl_id id = o->segments[k].first + (pl_id)i;

			if (id % 65536 == 0 && pl_ctx_cancelled(ctx))
				return pl_ctx_cancel_err(err);
			if (match[o->type[id]])
				pl_vec_push(&list->ids, id);
		}
	}
	return 0;
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct pl_ctx *ctx = pl_session_ctx(s);
	struct ids list = {0};
	enum pl_order_key key;
	struct pl_objects *o;
	struct pl_table *t;
	size_t n_types, shown;
	bool *match;
	int rc;

	rc = parse_key(args->sort, &key, err);
	if (!rc)
		rc = pl_session_objects(s, &o, err);
	if (rc)
		return rc;
	match = matching_types(o, args, &n_types);
	rc = collect(o, match, &list, ctx, err);
	free(match);
	if (!n_types)
		pl_ctx_note(ctx, PL_WARNING, "no-such-type", "no type in this core is named %s",
			    args->words[0]);
	if (!rc && key != PL_N_ORDERS)
		rc = pl_order(o, key, *args->sort == '-', list.ids.at, list.ids.n, ctx, err);
	t = pl_result_table(ret, "instances", columns, PL_ARRAY_LEN(columns));
	shown = args->limit && args->limit < list.ids.n ? args->limit : list.ids.n;
	t->hidden_rows = list.ids.n - shown;
	if (!rc)
		rc = tell(ret, t, o, list.ids.at, shown, ctx, err);
	pl_vec_free(&list.ids);
	return rc;
}

const struct pl_analysis pl_analysis_instances = {
	.name = "instances",
	.arguments = "TYPE",
	.summary = "the objects of a type: address, refcount, size, generation, repr",
	.help = "TYPE is module.Qualname or a glob; builtins may drop `builtins.`. Subclasses are "
		"types\n"
		"of their own. Without --sort the rows come in address order. The repr is read "
		"from\n"
		"the dead process's memory: no code runs, and long ones are cut with `...`.",
	.example = "app.Session --sort size",
	.options = options,
	.own_rows = true,
	.run = run,
};
