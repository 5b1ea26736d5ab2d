/*
 * path.c - `path`: the shortest chains of references from a root, spelled as Python.
 */
#include "analysis/analysis.h"

#include "analysis/search/native.h"
#include "analysis/spell/ringspell.h"
#include "analysis/search/shapes.h"
#include "analysis/spell/spell.h"
#include "analysis/target.h"
#include "object/repr/repr.h"

static const struct pl_column path_columns[] = {
	{.name = "path", .align = PL_LEFT},   {.name = "length", .align = PL_RIGHT},
	{.name = "root", .align = PL_LEFT},   {.name = "objects", .align = PL_RIGHT},
	{.name = "share", .align = PL_RIGHT}, {.name = "example", .align = PL_RIGHT},
};
static const struct pl_column step_columns[] = {
	{.name = "step", .align = PL_RIGHT},
	{.name = "edge", .align = PL_LEFT, .shrink = true},
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "repr", .align = PL_LEFT, .shrink = true},
};
static const struct pl_option options[] = {
	{"count", "K", NULL, "so many different chains (default 1); of a TYPE, so many shapes"},
	{"via", "GLOB", NULL, "only chains through an object of this type, or a step like '.attr'"},
	{"without", "GLOB", NULL,
	 "no chain through an object of this type, or a step like '.attr'"},
	{"max-nodes", "N", NULL,
	 "of one object: stop after looking at N objects (default: no bound)"},
	{.name = NULL},
};

#define VIA_TRIES 64   /* chains looked at for each that --via asks for */
#define NATIVE_TRIES 8 /* more chains looked at when the shortest is not sure */

struct search {
	const struct pl_objects *o;
	struct pl_ctx *ctx;
	struct pl_filter f; /* roots, graph, --via and --without */
	uint64_t max_nodes;
	bool cut; /* not all references were looked at */
};

struct found {
	struct pl_path *paths;
	size_t n;
	enum pl_path_end end;
	struct pl_root native; /* where the one path begins, when it has a name */
	char name[512];        /* of it */
};

/* ---- one object ---- */

/* The step to the i-th node: as a group of chains has it, or of this one. */
static bool step_to(struct search *s, const struct pl_shapes *shapes, const struct pl_path *p,
		    uint32_t i, struct pl_edge *ret)
{
	return shapes ? pl_shapes_step(shapes, p->node[i], ret)
		      : pl_filter_edge(&s->f, p->node[i - 1], p->node[i], ret);
}

/* shapes: spelled in general for all chains of a shape; NULL: one chain. */
static void spell(struct search *s, const struct pl_path *p, const struct pl_root *root,
		  const struct pl_shapes *shapes, struct pl_spelling *sp, struct pl_table *steps)
{
	*sp = (struct pl_spelling){.o = s->o, .v = &s->f.v, .general = shapes != NULL};
	pl_spell_root(sp, root, s->o->addr[p->node[0]]);
	for (uint32_t i = 0; i < p->n && !pl_ctx_cancelled(s->ctx); i++) {
		char label[256] = "?", repr[200];
		struct pl_edge e;
		struct pl_cell *row;

		if (i && step_to(s, shapes, p, i, &e))
			pl_spell_step(sp, s->o->addr[p->node[i - 1]], &e, label, sizeof(label));
		if (!steps)
			continue;
		row = pl_table_row(steps);
		row[0] = pl_cell_count(i);
		row[1] = i ? pl_cell_text(steps, label) : pl_cell_text(steps, sp->text);
		row[2] = pl_cell_addr(s->o->addr[p->node[i]]);
		row[3] = pl_cell_text(steps, pl_object_type(s->o, p->node[i])->name);
		pl_repr(s->o, &s->f.v, s->o->addr[p->node[i]], NULL, repr, sizeof(repr));
		row[4] = pl_cell_text(steps, repr);
	}
	pl_spell_end(sp);
}

static void put_path(struct search *s, const struct pl_path *p, const struct pl_root *root,
		     struct pl_table *t, struct pl_table *steps)
{
	struct pl_cell *row = pl_table_row(t);
	struct pl_spelling sp;

	spell(s, p, root, NULL, &sp, steps);
	row[0] = pl_cell_text(t, sp.text);
	row[1] = pl_cell_count(p->n);
	row[2] = root ? pl_cell_text(t, pl_root_kind_name(root->kind)) : pl_cell_absent();
	row[3] = pl_cell_count(1);
	row[4] = pl_cell_share(1);
	row[5] = pl_cell_addr(s->o->addr[p->node[p->n - 1]]);
}

static bool is_filtered(const struct search *s)
{
	return s->f.via.glob || s->f.without.glob;
}

static void note_end(struct pl_ctx *ctx, const struct search *s, size_t found, enum pl_path_end end)
{
	if (end == PL_PATHS_BOUND)
		pl_ctx_note(ctx, PL_WARNING, "stopped-looking",
			    "stopped looking after %llu objects: there may be %s",
			    (unsigned long long)s->max_nodes, found ? "more chains" : "a chain");
	else if (!found && !is_filtered(s))
		pl_ctx_note(ctx, PL_INFO, "unreachable",
			    s->cut ? "neither a root nor C memory was found to reach this object, "
				     "but not all references were looked at"
				   : "neither a root nor C memory reaches this object: nothing but "
				     "its own cycle holds it");
	else if (!found)
		pl_ctx_note(ctx, PL_INFO, "not-found", "no chain fits --via and --without");
}

static void forget(struct found *f)
{
	pl_paths_free(f->paths, f->n);
	f->paths = NULL;
	f->n = 0;
}

static int find_unsure(struct pl_ctx *ctx, struct search *s, pl_id target, size_t count,
		       struct found *f, struct pl_err *err)
{
	struct pl_path_query q = pl_filter_query(&s->f, s->max_nodes);

	forget(f);
	s->f.rooted.unsure = true;
	return pl_graph_paths(s->f.graph, target, count, &q, ctx, &f->paths, &f->n, &f->end, err);
}

/*
 * No root reaches the target for sure. Who else may hold it, best first: static data and structs of
 * C code, slots of an evaluation stack whose depth is not known, other words.
 */
static int find_native(struct pl_ctx *ctx, struct search *s, pl_id target, size_t count,
		       struct found *f, struct pl_err *err)
{
	struct pl_native_hit hit;
	struct pl_path path;
	int rc = pl_native_chain(s->o, s->f.graph, target, ctx, &path, &hit, err);

	if (rc)
		return rc;
	if (!path.n || hit.place > PL_NATIVE_BLOCK)
		rc = find_unsure(ctx, s, target, count, f, err);
	if (rc || f->n || !path.n) {
		free(path.node);
		return rc;
	}
	forget(f);
	pl_native_name(s->o, &hit, f->name, sizeof(f->name));
	f->native = (struct pl_root){.kind = PL_ROOT_NATIVE, .name = f->name, .accessor = ""};
	f->paths = pl_malloc(sizeof(*f->paths));
	f->paths[0] = path;
	f->n = 1;
	return 0;
}

/* Does it go through a word that may be no reference? */
static bool is_native(struct search *s, const struct pl_path *p)
{
	for (uint32_t i = 0; i + 1 < p->n; i++) {
		struct pl_edge e;

		if (pl_filter_edge(&s->f, p->node[i], p->node[i + 1], &e) &&
		    e.kind == PL_EDGE_NATIVE)
			return true;
	}
	return false;
}

/* a + b or a * b chains: as many as there are, when that is more than can be counted. */
static size_t more_by(size_t a, size_t b)
{
	return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static size_t times(size_t a, size_t b)
{
	return a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

/* Chains of sure references first, the order kept otherwise; some more are looked at for that. */
static int put_sure_first(struct pl_ctx *ctx, struct search *s, pl_id target, size_t count,
			  struct found *f, struct pl_err *err)
{
	struct pl_path_query q = pl_filter_query(&s->f, s->max_nodes);
	struct pl_path *sorted;
	bool *native;
	size_t n = 0;
	int rc;

	forget(f);
	rc = pl_graph_paths(s->f.graph, target, more_by(count, NATIVE_TRIES), &q, ctx, &f->paths,
			    &f->n, &f->end, err);
	if (rc)
		return rc;
	sorted = pl_malloc((f->n + 1) * sizeof(*sorted));
	native = pl_calloc(f->n + 1, sizeof(*native));
	for (size_t i = 0; i < f->n && !pl_ctx_cancelled(ctx); i++)
		native[i] = is_native(s, &f->paths[i]);
	for (int of = 0; of < 2; of++) {
		for (size_t i = 0; i < f->n; i++) {
			if (native[i] == of)
				sorted[n++] = f->paths[i];
		}
	}
	free(native);
	free(f->paths);
	f->paths = sorted;
	return pl_filter_check(&s->f, err);
}

static int find_paths(struct pl_ctx *ctx, struct search *s, pl_id target, size_t count,
		      struct found *f, struct pl_err *err)
{
	struct pl_path_query q = pl_filter_query(&s->f, s->max_nodes);
	int rc = pl_graph_paths(s->f.graph, target, count, &q, ctx, &f->paths, &f->n, &f->end, err);

	if (!rc && f->n && is_native(s, &f->paths[0]))
		return put_sure_first(ctx, s, target, count, f, err);
	if (rc || f->n || f->end != PL_PATHS_ALL)
		return rc;
	return is_filtered(s) ? find_unsure(ctx, s, target, count, f, err)
			      : find_native(ctx, s, target, count, f, err);
}

static int put_paths(struct pl_ctx *ctx, struct search *s, size_t count, size_t looked_at,
		     const struct found *f, struct pl_result *ret, struct pl_err *err)
{
	struct pl_table *steps = NULL, *t;
	size_t shown = 0;

	t = pl_result_table(ret, "paths", path_columns, PL_ARRAY_LEN(path_columns));
	if (count == 1)
		steps = pl_result_table(ret, "steps", step_columns, PL_ARRAY_LEN(step_columns));
	for (size_t i = 0; i < f->n && shown < count && !pl_ctx_cancelled(ctx); i++) {
		const struct pl_path *p = &f->paths[i];

		if (!pl_filter_passes(&s->f, p->node, p->n))
			continue;
		put_path(s, p,
			 f->native.name ? &f->native : pl_rooted_best(&s->f.rooted, p->node[0]), t,
			 steps);
		shown++;
	}
	note_end(ctx, s, shown, f->end);
	if (s->f.via.glob && shown < count && f->n == looked_at)
		pl_ctx_note(ctx, PL_WARNING, "stopped-looking",
			    "--via looked at %zu chains: there may be more", f->n);
	return pl_filter_check(&s->f, err);
}

static int of_object(struct pl_session *session, struct search *s, pl_id target, size_t count,
		     struct pl_result *ret, struct pl_err *err)
{
	size_t looked_at = s->f.via.glob ? times(count, VIA_TRIES) : count;
	struct found f = {0};
	char story[700];
	int rc = pl_ringspell_story(session, target, story, sizeof(story), err);

	/* What its own cycle accounts for wholly no word of C memory can own. */
	if (!rc && *story) {
		pl_result_table(ret, "paths", path_columns, PL_ARRAY_LEN(path_columns));
		pl_ctx_note(s->ctx, PL_INFO, "dead-cycle", "%s", story);
		return 0;
	}
	if (!rc)
		rc = find_paths(s->ctx, s, target, looked_at, &f, err);
	if (!rc)
		rc = pl_filter_check(&s->f, err);
	if (!rc)
		rc = put_paths(s->ctx, s, count, looked_at, &f, ret, err);
	forget(&f);
	return rc;
}

/* ---- all objects of a type ---- */

/* Shapes that differ in a key's address alone are spelled alike: their rows are one. */
static int by_path(const void *pa, const void *pb)
{
	const struct pl_cell *a = pa, *b = pb;

	return strcmp(a[0].s, b[0].s);
}

static void merge_rows(struct pl_table *t)
{
	size_t width = t->n_columns, to = 0;

	if (!t->n_rows)
		return; /* qsort() may not be given NULL */
	qsort(t->cells, t->n_rows, width * sizeof(*t->cells), by_path);
	for (size_t i = 1; i < t->n_rows; i++) {
		struct pl_cell *kept = &t->cells[to * width], *row = &t->cells[i * width];

		if (!strcmp(kept[0].s, row[0].s)) {
			kept[3].u += row[3].u;
			kept[4].d += row[4].d;
		} else if (++to != i) {
			memcpy(&t->cells[to * width], row, width * sizeof(*row));
		}
	}
	t->n_rows = to + 1;
}

/* What a chain that begins at node begins with: a root, or the word that holds node, as *word. */
static const struct pl_root *tree_root(const struct search *s, const struct pl_native_roots *native,
				       pl_node node, struct pl_root *word, char *name, size_t cap)
{
	const struct pl_native_root *held = pl_native_root_of(native, node);

	if (!held)
		return pl_rooted_best(&s->f.rooted, node);
	pl_native_root_name(s->o, held, name, cap);
	*word = (struct pl_root){.kind = PL_ROOT_NATIVE, .name = name, .accessor = ""};
	return word;
}

static int put_shapes(struct search *s, const struct pl_shapes *shapes,
		      const struct pl_native_roots *native, size_t total, struct pl_table *t,
		      struct pl_err *err)
{
	for (size_t i = 0; i < shapes->at.n && !pl_ctx_cancelled(s->ctx); i++) {
		const struct pl_shape *shape = &shapes->at.at[i];
		struct pl_root word;
		const struct pl_root *root;
		struct pl_spelling sp;
		struct pl_cell *row;
		struct pl_path p;
		char name[512];

		if (!shape->objects)
			continue;
		p.node = pl_shapes_chain(shapes, shape->example, &p.n);
		if (pl_filter_passes(&s->f, p.node, p.n)) {
			root = tree_root(s, native, p.node[0], &word, name, sizeof(name));
			spell(s, &p, root, shapes, &sp, NULL);
			row = pl_table_row(t);
			row[0] = pl_cell_text(t, sp.text);
			row[1] = pl_cell_count(p.n);
			row[2] = root ? pl_cell_text(t, pl_root_kind_name(root->kind))
				      : pl_cell_absent();
			row[3] = pl_cell_count(shape->objects);
			row[4] = pl_cell_share((double)shape->objects / (double)total);
			row[5] = pl_cell_addr(s->o->addr[shape->example]);
		}
		free(p.node);
	}
	merge_rows(t);
	pl_table_sort(t, "objects");
	return pl_filter_check(&s->f, err);
}

static int count_shapes(struct pl_ctx *ctx, struct pl_shapes *shapes, const pl_id *ids, size_t n,
			size_t *lost, struct pl_err *err)
{
	size_t without_root = 0;

	pl_ctx_stage(ctx, "grouping chains", n);
	for (size_t i = 0; i < n; i++) {
		pl_ctx_step(ctx, 1);
		without_root += !pl_shapes_count(shapes, ids[i]);
		if (pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
	}
	pl_ctx_stage(ctx, NULL, 0);
	*lost = without_root;
	return 0;
}

/* The forest of all roots' chains, and then of C memory's to the targets that these leave out. */
static int find_forest(struct pl_ctx *ctx, struct search *s, const struct pl_target *target,
		       pl_node *parent, struct pl_native_roots *native, size_t *held,
		       struct pl_err *err)
{
	struct pl_path_query q = pl_filter_query(&s->f, s->max_nodes);
	size_t lost = 0;
	int rc = pl_graph_forest(s->f.graph, &q, ctx, parent, err);

	for (size_t i = 0; !rc && i < target->ids.n; i++)
		lost += parent[target->ids.at[i]] == PL_NO_NODE;
	if (rc || !lost || s->f.without.glob)
		return rc;
	rc = pl_native_forest(s->o, s->f.graph, s->f.rooted.roots, target->ids.at, target->ids.n,
			      ctx, parent, native, err);
	*held = lost;
	for (size_t i = 0; !rc && i < target->ids.n; i++)
		*held -= parent[target->ids.at[i]] == PL_NO_NODE;
	return rc;
}

static void note_lost(struct pl_ctx *ctx, const struct search *s, size_t held, size_t lost,
		      size_t total)
{
	if (held)
		pl_ctx_note(ctx, PL_INFO, "native",
			    "%zu of %zu objects are reached from words of C memory alone, which "
			    "may own them, borrow them, or be left over",
			    held, total);
	if (lost)
		pl_ctx_note(ctx, PL_INFO, "unreachable",
			    s->f.without.glob ? "%zu of %zu objects are reached from no root that "
						"--without leaves; C memory was not looked through"
			    : s->cut
				    ? "%zu of %zu objects were found to be reached neither from a "
				      "root nor from C memory, but not all references were looked "
				      "at"
				    : "%zu of %zu objects are reached neither from a root nor "
				      "from C memory: garbage, or a reference was never given back",
			    lost, total);
}

static int of_type(struct search *s, const struct pl_target *target, size_t count,
		   struct pl_result *ret, struct pl_err *err)
{
	struct pl_native_roots native = {0};
	struct pl_shapes shapes;
	struct pl_table *t;
	size_t held = 0, lost = 0;
	pl_node *parent = pl_col_alloc(s->o->n + 1, sizeof(*parent));
	int rc;

	if (!parent)
		return pl_err_set(err, PL_E_NOMEM, "no memory for chains");
	rc = find_forest(s->ctx, s, target, parent, &native, &held, err);
	if (!rc)
		rc = pl_filter_check(&s->f, err);
	if (!rc)
		rc = pl_shapes_init(&shapes, s->o, s->f.rooted.roots, parent, s->ctx, err);
	if (rc)
		goto out;
	shapes.filter = &s->f;
	shapes.words = &native;
	rc = count_shapes(s->ctx, &shapes, target->ids.at, target->ids.n, &lost, err);
	if (!rc) {
		t = pl_result_table(ret, "paths", path_columns, PL_ARRAY_LEN(path_columns));
		rc = put_shapes(s, &shapes, &native, target->ids.n, t, err);
		if (count)
			pl_table_limit(t, count);
		note_lost(s->ctx, s, held, lost, target->ids.n);
	}
	pl_shapes_fini(&shapes);
out:
	pl_vec_free(&native.at);
	pl_col_free(parent, s->o->n + 1, sizeof(*parent));
	return rc;
}

static struct pl_filter_glob glob_of(const struct pl_objects *o, const struct pl_args *args,
				     const char *option)
{
	const char *glob = pl_args_get(args, option);

	return (struct pl_filter_glob){
		glob, glob && !pl_filter_is_step(glob) ? pl_target_types(o, args, glob) : NULL};
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	uint64_t count = 0, max_nodes = 0;
	const struct pl_graph *graph;
	const struct pl_roots *roots;
	const struct pl_strays *strays;
	struct pl_target target;
	struct pl_objects *o;
	struct search s = {.ctx = pl_session_ctx(session)};
	int rc;

	rc = pl_args_number(args, "count", &count, err);
	if (!rc)
		rc = pl_args_number(args, "max-nodes", &max_nodes, err);
	if (!rc)
		rc = pl_session_references(session, &o, &roots, &graph, err);
	if (!rc)
		rc = pl_session_strays(session, &strays, err);
	if (!rc)
		rc = pl_target_parse(session, o, args, &target, err);
	if (rc)
		return rc;
	s.o = o;
	s.cut = strays->cut;
	s.max_nodes = max_nodes;
	rc = pl_filter_init(&s.f, glob_of(o, args, "via"), glob_of(o, args, "without"), o, roots,
			    graph, s.ctx, err);
	if (!rc && target.by_type)
		rc = of_type(&s, &target, (size_t)count, ret, err);
	else if (!rc)
		rc = of_object(session, &s, target.id, count ? (size_t)count : 1, ret, err);
	pl_filter_fini(&s.f);
	pl_target_fini(&target);
	return rc;
}

const struct pl_analysis pl_analysis_path = {
	.name = "path",
	.arguments = "ADDRESS|TYPE",
	.summary = "who holds it: the chain of references from a root, spelled as Python",
	.help = "Of an object, the shortest chain from a root (a module's global, a local of a "
		"thread's\n"
		"frame, ...) and, with --count, others that differ from it in more than a step. Of "
		"a\n"
		"type, the shapes of all its objects' shortest chains, keys and indices spelled "
		"[*],\n"
		"with the share of the objects that each holds. Weak references own nothing and "
		"are\n"
		"never part of a chain. Where no root reaches an object, the chain begins at a "
		"word "
		"of\n"
		"C memory that points to it, if there is one; of a type, * stands for its address.",
	.example = "app.Session --count 5",
	.options = options,
	.run = run,
};
