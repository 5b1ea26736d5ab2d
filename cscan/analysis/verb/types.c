/*
 * types.c - `types`: how many objects of each type, how many of them the gc tracks, how many bytes.
 */
#include "analysis/analysis.h"

#include "object/generation.h"

static const struct pl_column type_columns[] = {
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "count", .align = PL_RIGHT},
	{.name = "tracked", .align = PL_RIGHT},
	{.name = "size", .align = PL_RIGHT},
	{.name = "address", .align = PL_RIGHT, .optional = true},
};
static const struct pl_column module_columns[] = {
	{.name = "module", .align = PL_LEFT, .shrink = true},
	{.name = "count", .align = PL_RIGHT},
	{.name = "tracked", .align = PL_RIGHT},
	{.name = "size", .align = PL_RIGHT},
};

static const struct pl_option options[] = {
	{"tracked", NULL, NULL, "only objects that gc.get_objects() would have returned"},
	{"generation", "N", NULL, "only objects of this list: 0 1 2 permanent (young old0 old1)"},
	{"by", "WHAT", "type module", "one row for each type (default) or for each module"},
	{.name = NULL},
};

struct sums {
	uint64_t count, tracked, size;
};

/* What the options ask for, by type index. own: objects with a Python __sizeof__, which a core
 * cannot run. */
static struct sums *add_up(const struct pl_objects *o, bool tracked_only, int generation,
			   uint64_t *own)
{
	struct sums *sums = pl_calloc(o->n_sums + 1, sizeof(*sums));

	*own = 0;
	for (size_t i = 0; i < o->n_sums; i++) {
		for (int list = 0; list <= PL_ON_NO_LIST; list++) {
			bool tracked = list < 3;

			if ((tracked_only && !tracked) || (generation >= 0 && list != generation))
				continue;
			sums[i].count += o->sums[i].count[list];
			sums[i].tracked += tracked ? o->sums[i].count[list] : 0;
			sums[i].size += o->sums[i].size[list];
		}
		if (pl_types_at(o->types, (uint32_t)i)->own_sizeof)
			*own += sums[i].count;
	}
	return sums;
}

static void fill_row(struct pl_cell *row, const struct sums *s)
{
	row[1] = pl_cell_count(s->count);
	row[2] = pl_cell_count(s->tracked);
	row[3] = pl_cell_size(s->size);
}

static void by_type(const struct pl_objects *o, const struct pl_args *args, const struct sums *sums,
		    struct pl_table *t)
{
	struct sums total = {0};

	for (uint32_t i = 0; i < o->n_sums; i++) {
		const struct pl_type *type = pl_types_at(o->types, i);
		struct pl_cell *row;

		if (!sums[i].count || !pl_args_match(args, type->name))
			continue;
		row = pl_table_row(t);
		row[0] = pl_cell_text(t, type->name);
		fill_row(row, &sums[i]);
		if (type->ambiguous)
			row[4] = pl_cell_addr(type->addr);
		total.count += sums[i].count;
		total.tracked += sums[i].tracked;
		total.size += sums[i].size;
	}
	fill_row(pl_table_total(t), &total);
}

struct module_sum {
	const char *module;
	struct sums sums;
};

static int by_module_name(const void *a, const void *b)
{
	return strcmp(((const struct module_sum *)a)->module,
		      ((const struct module_sum *)b)->module);
}

static void by_module(const struct pl_objects *o, const struct pl_args *args,
		      const struct sums *sums, struct pl_table *t)
{
	size_t n = 0;
	struct module_sum *all = pl_calloc(o->n_sums + 1, sizeof(*all));
	struct sums total = {0};

	for (uint32_t i = 0; i < o->n_sums; i++) {
		const struct pl_type *type = pl_types_at(o->types, i);

		if (sums[i].count && pl_args_match(args, type->name))
			all[n++] = (struct module_sum){type->module, sums[i]};
	}
	qsort(all, n, sizeof(*all), by_module_name);
	for (size_t i = 0; i < n;) {
		struct sums sum = {0};
		struct pl_cell *row = pl_table_row(t);

		row[0] = *all[i].module ? pl_cell_text(t, all[i].module) : pl_cell_unknown();
		for (size_t first = i; i < n && !strcmp(all[i].module, all[first].module); i++) {
			sum.count += all[i].sums.count;
			sum.tracked += all[i].sums.tracked;
			sum.size += all[i].sums.size;
		}
		fill_row(row, &sum);
		total.count += sum.count;
		total.tracked += sum.tracked;
		total.size += sum.size;
	}
	fill_row(pl_table_total(t), &total);
	free(all);
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	const char *by = pl_args_get(args, "by"), *name = pl_args_get(args, "generation");
	bool modules = by && !strcmp(by, "module");
	struct pl_objects *o;
	struct pl_table *t;
	struct sums *sums;
	int generation = -1, rc;
	uint64_t own;

	rc = pl_session_census(s, &o, err);
	if (!rc && name)
		rc = pl_generation_parse(o, name, &generation, err);
	if (rc)
		return rc;
	sums = add_up(o, pl_args_get(args, "tracked") != NULL, generation, &own);
	t = modules ? pl_result_table(ret, "types", module_columns, PL_ARRAY_LEN(module_columns))
		    : pl_result_table(ret, "types", type_columns, PL_ARRAY_LEN(type_columns));
	if (modules)
		by_module(o, args, sums, t);
	else
		by_type(o, args, sums, t);
	/* Types are numbered as threads meet them: names decide between equal sizes. */
	if (!modules)
		pl_table_sort(t, "address");
	pl_table_sort(t, modules ? "module" : "type");
	pl_table_sort(t, "size");
	if (own)
		pl_ctx_note(
			pl_session_ctx(s), PL_INFO, "own-sizeof",
			"%llu objects have a __sizeof__ written in Python, which a dead process "
			"cannot run: their size is that of the object itself",
			(unsigned long long)own);
	free(sums);
	return 0;
}

const struct pl_analysis pl_analysis_types = {
	.name = "types",
	.arguments = "",
	.summary = "objects by type: how many, how many of them gc-tracked, how many bytes",
	.help = "Counts every live object of the process: those that the garbage collector tracks\n"
		"and those it does not (str, int, bytes, untracked tuples and dicts), wherever "
		"they\n"
		"were allocated. Objects on CPython's free lists are dead and not counted.\n"
		"\n"
		"count    all live objects of the type\n"
		"tracked  those that gc.get_objects() would have returned\n"
		"size     sum of sys.getsizeof(), in bytes",
	.example = "--match 'app.*' --limit 10",
	.options = options,
	.run = run,
};
