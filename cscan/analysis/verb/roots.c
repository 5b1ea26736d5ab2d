/*
 * roots.c - `roots`: what keeps objects alive without being an object.
 */
#include "analysis/analysis.h"

static const struct pl_column columns[] = {
	{.name = "kind", .align = PL_LEFT},     {.name = "name", .align = PL_LEFT, .shrink = true},
	{.name = "address", .align = PL_RIGHT}, {.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "holds", .align = PL_LEFT},
};
static const struct pl_option options[] = {
	{"kind", "KIND", NULL, "only roots of this kind: module, frame, thread, ..."},
	{.name = NULL},
};

/* Roots are kept by target; people read them by kind and name. */
static int by_kind(const void *pa, const void *pb)
{
	const struct pl_root *a = *(const struct pl_root *const *)pa;
	const struct pl_root *b = *(const struct pl_root *const *)pb;
	int names;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	names = strcmp(a->name, b->name);
	if (!names)
		names = strcmp(a->accessor, b->accessor);
	return names ? names : (a->target > b->target) - (a->target < b->target);
}

/* Many entries of a cache, or signals without a handler, hold one object by one name. */
static bool is_again(const struct pl_root *root, const struct pl_root *before)
{
	return root->kind == before->kind && root->target == before->target &&
	       !strcmp(root->name, before->name) && !strcmp(root->accessor, before->accessor);
}

/* Whose reference it is; NULL when only C code knows. */
static const char *holds(const struct pl_root *root)
{
	if (root->borrows)
		return "borrowed";
	if (root->owns)
		return "strong";
	return root->kind == PL_ROOT_PENDING || root->kind == PL_ROOT_NATIVE ? NULL : "indirect";
}

static const char *type_name(const struct pl_objects *o, pl_addr addr)
{
	pl_id id = pl_objects_id(o, addr);

	return id == PL_NO_ID ? NULL : pl_object_type(o, id)->name;
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	const char *kind = pl_args_get(args, "kind");
	const struct pl_root **sorted;
	const struct pl_roots *roots;
	struct pl_objects *o;
	struct pl_table *t;
	int rc;

	rc = pl_session_index(s, &o, err);
	if (!rc)
		rc = pl_session_roots(s, &roots, err);
	if (rc)
		return rc;
	sorted = pl_malloc((roots->n + 1) * sizeof(*sorted));
	for (size_t i = 0; i < roots->n; i++)
		sorted[i] = &roots->at[i];
	qsort(sorted, roots->n, sizeof(*sorted), by_kind);
	t = pl_result_table(ret, "roots", columns, PL_ARRAY_LEN(columns));
	for (size_t i = 0; i < roots->n; i++) {
		const char *type = type_name(o, sorted[i]->target), *how = holds(sorted[i]);
		struct pl_cell *row;

		if (i && is_again(sorted[i], sorted[i - 1]))
			continue;
		if ((kind && strcmp(kind, pl_root_kind_name(sorted[i]->kind))) ||
		    (args->match && (!type || !pl_args_match(args, type))))
			continue;
		row = pl_table_row(t);
		row[0] = pl_cell_text(t, pl_root_kind_name(sorted[i]->kind));
		row[1] = pl_cell_printf(t, "%s%s", sorted[i]->name, sorted[i]->accessor);
		row[2] = pl_cell_addr(sorted[i]->target);
		row[3] = type ? pl_cell_text(t, type) : pl_cell_unknown();
		row[4] = how ? pl_cell_text(t, how) : pl_cell_unknown();
	}
	free(sorted);
	return 0;
}

const struct pl_analysis pl_analysis_roots = {
	.name = "roots",
	.arguments = "",
	.summary = "what keeps objects alive: modules, frames, threads, hooks, static types",
	.help = "A root holds an object without being one: a module's namespace, a local of a "
		"frame, a\n"
		"thread's or interpreter's own fields, a static type. `path` leads from here to "
		"an\n"
		"object.\n"
		"\n"
		"holds   strong: it counts in ob_refcnt; indirect: the reference is another "
		"holder's, as\n"
		"        sys.modules holds a module; borrowed: it keeps nothing alive; empty: only "
		"C "
		"code\n"
		"        knows",
	.example = "--kind frame",
	.options = options,
	.run = run,
};
