/*
 * graph.c - `graph ADDRESS`: a picture of who holds an object, what it refers to, or the shortest
 * chain from a root.
 */
#include "analysis/analysis.h"

#include <inttypes.h>
#include <stdio.h>

#include "analysis/spell/dot.h"
#include "analysis/search/nearby.h"
#include "analysis/search/rooted.h"
#include "analysis/target.h"
#include "base/bits.h"
#include "object/repr/repr.h"

static const struct pl_column node_columns[] = {
	{.name = "id", .align = PL_LEFT},
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "repr", .align = PL_LEFT, .shrink = true},
	{.name = "refcount", .align = PL_RIGHT},
	{.name = "role", .align = PL_LEFT},
	{.name = "objects", .align = PL_RIGHT},
};
static const struct pl_column edge_columns[] = {
	{.name = "source", .align = PL_LEFT},
	{.name = "target", .align = PL_LEFT},
	{.name = "label", .align = PL_LEFT, .shrink = true},
	{.name = "kind", .align = PL_LEFT},
	{.name = "references", .align = PL_RIGHT},
};
static const struct pl_option options[] = {
	{"depth", "N", NULL, "so many references away from the object; 3"},
	{"too-many", "N", NULL, "of an object's neighbours draw N, count the others; 10"},
	{"direction", "WHERE", "back forward both",
	 "back: who holds it; forward: what it holds; back"},
	{"chain", NULL, NULL, "only the shortest chain from a root"},
	{"ignore", "GLOB", NULL, "leave out objects of these types"},
	{"highlight", "GLOB", NULL, "mark objects of these types"},
	{"refcounts", NULL, NULL, "write the refcount of each object"},
	{"max-nodes", "N", NULL, "at most N objects in all, 0 for no bound; 200"},
	{.name = NULL},
};

struct drawing {
	const struct pl_args *args;
	const struct pl_objects *o;
	const struct pl_roots *roots;
	const struct pl_graph *graph;
	const struct pl_rings *rings;
	struct pl_ctx *ctx;
	struct pl_view v;
	struct pl_nearby_query q;
	struct pl_nearby near;
	struct pl_arena strings;
};

static bool fits(const struct drawing *d, const char *glob, const char *type)
{
	struct pl_args word = *d->args;

	word.match = glob;
	return pl_args_match(&word, type);
}

/* ---- what is drawn ---- */

/* As the column `role` says it. */
static const char *const roles[] = {
	[PL_DOT_PLAIN] = "object", [PL_DOT_ASKED] = "asked", [PL_DOT_HIGHLIGHT] = "highlight",
	[PL_DOT_ROOT] = "root",    [PL_DOT_MORE] = "more",
};

/* In one dead cycle with the object that was asked about. */
static bool in_its_cycle(const struct drawing *d, pl_id id)
{
	uint32_t ring = d->rings->of[id];

	return ring != PL_NO_RING && ring == d->rings->of[d->q.asked] &&
	       d->rings->life[ring] != PL_LIVES && pl_bits_has(d->rings->member, id);
}

static enum pl_dot_look look_of(const struct drawing *d, const struct pl_near_node *n)
{
	const char *highlight = pl_args_get(d->args, "highlight");

	if (n->what == PL_NEAR_ROOT)
		return PL_DOT_ROOT;
	if (n->what == PL_NEAR_MORE)
		return PL_DOT_MORE;
	if (n->id == d->q.asked)
		return PL_DOT_ASKED;
	if (highlight && fits(d, highlight, pl_object_type(d->o, n->id)->name))
		return PL_DOT_HIGHLIGHT;
	return in_its_cycle(d, n->id) ? PL_DOT_HIGHLIGHT : PL_DOT_PLAIN;
}

/* "o1", "r7": the row's number behind a letter for its role. */
static const char *id_of(struct drawing *d, size_t node)
{
	static const char letters[] = {
		[PL_NEAR_OBJECT] = 'o', [PL_NEAR_ROOT] = 'r', [PL_NEAR_MORE] = 'm'};

	return pl_arena_printf(&d->strings, "%c%zu", letters[d->near.nodes.at[node].what],
			       node + 1);
}

static void put_tables(struct drawing *d, struct pl_result *ret)
{
	struct pl_table *t =
		pl_result_table(ret, "nodes", node_columns, PL_ARRAY_LEN(node_columns));

	for (size_t i = 0; i < d->near.nodes.n; i++) {
		const struct pl_near_node *n = &d->near.nodes.at[i];
		struct pl_cell *row = pl_table_row(t);
		uint64_t refcount;
		char repr[200];
		bool immortal;

		row[0] = pl_cell_text(t, id_of(d, i));
		row[5] = pl_cell_text(t, roles[look_of(d, n)]);
		row[6] = pl_cell_count(n->objects);
		if (n->what == PL_NEAR_ROOT) {
			row[2] = pl_cell_printf(t, "<%s>", pl_root_kind_name(n->root->kind));
			row[3] = pl_cell_text(t, n->root->name);
			continue;
		}
		if (n->what == PL_NEAR_MORE) {
			row[2] = pl_cell_text(t, n->kinds);
			continue;
		}
		row[1] = pl_cell_addr(d->o->addr[n->id]);
		row[2] = pl_cell_text(t, pl_object_type(d->o, n->id)->name);
		pl_repr(d->o, &d->v, d->o->addr[n->id], NULL, repr, sizeof(repr));
		row[3] = pl_cell_text(t, repr);
		row[4] = pl_object_refcount(d->o, &d->v, d->o->addr[n->id], &refcount, &immortal)
				 ? pl_cell_count(refcount)
				 : pl_cell_unknown();
	}
	t = pl_result_table(ret, "edges", edge_columns, PL_ARRAY_LEN(edge_columns));
	for (size_t i = 0; i < d->near.edges.n; i++) {
		const struct pl_near_edge *e = &d->near.edges.at[i];
		struct pl_cell *row = pl_table_row(t);

		row[0] = pl_cell_text(t, id_of(d, e->source));
		row[1] = pl_cell_text(t, id_of(d, e->target));
		row[2] = pl_cell_text(t, e->label);
		row[3] = pl_cell_text(t, pl_edge_kind_name((enum pl_edge_kind)e->kind));
		row[4] = pl_cell_count(e->references);
	}
}

/* ---- the picture ---- */

/* 1234567 as "1,234,567". */
static const char *grouped(struct drawing *d, uint64_t n)
{
	if (n < 1000)
		return pl_arena_printf(&d->strings, "%" PRIu64, n);
	return pl_arena_printf(&d->strings, "%s,%03" PRIu64, grouped(d, n / 1000), n % 1000);
}

static const char *without_builtins(const char *type)
{
	static const char prefix[] = "builtins.";

	return strncmp(type, prefix, strlen(prefix)) ? type : type + strlen(prefix);
}

/* "0x7f... · refs 3 · held by +12": the rest of a picture goes on at an object of its border. */
static const char *foot_of(struct drawing *d, const struct pl_near_node *n)
{
	pl_addr addr = d->o->addr[n->id];
	const char *foot = pl_arena_printf(&d->strings, "0x%" PRIx64, addr);
	uint64_t refcount;
	bool immortal;

	if (pl_args_get(d->args, "refcounts") &&
	    pl_object_refcount(d->o, &d->v, addr, &refcount, &immortal))
		foot = immortal ? pl_arena_printf(&d->strings, "%s · immortal", foot)
				: pl_arena_printf(&d->strings, "%s · refs %s", foot,
						  grouped(d, refcount));
	if (n->beyond[PL_BACK])
		foot = pl_arena_printf(&d->strings, "%s · held by +%s", foot,
				       grouped(d, n->beyond[PL_BACK]));
	if (n->beyond[PL_FORWARD])
		foot = pl_arena_printf(&d->strings, "%s · holds +%s", foot,
				       grouped(d, n->beyond[PL_FORWARD]));
	return foot;
}

/* The repr without "<app.Session at 0x..." and ">", which the box says in its own way. */
static const char *body_of(struct drawing *d, pl_addr addr, const char *type)
{
	static const struct pl_repr_limits limits = {
		.depth = 1, .items = 3, .chars = 30, .total = 80};
	char repr[256];
	const char *plain = pl_arena_printf(&d->strings, "<%s at 0x%" PRIx64, type, addr);
	size_t n, skip = strlen(plain);

	pl_repr(d->o, &d->v, addr, &limits, repr, sizeof(repr));
	n = strlen(repr);
	if (strncmp(repr, plain, skip))
		return pl_arena_strndup(&d->strings, repr, n);
	skip += repr[skip] == ' ';
	n -= repr[n - 1] == '>';
	return pl_arena_strndup(&d->strings, repr + skip, n - skip);
}

static void draw_node(struct drawing *d, size_t node, struct pl_dot *dot)
{
	const struct pl_near_node *n = &d->near.nodes.at[node];
	struct pl_dot_node box = {.id = id_of(d, node), .look = look_of(d, n)};

	switch (n->what) {
	case PL_NEAR_OBJECT:
		box.head = without_builtins(pl_object_type(d->o, n->id)->name);
		box.body = body_of(d, d->o->addr[n->id], pl_object_type(d->o, n->id)->name);
		box.foot = foot_of(d, n);
		break;
	case PL_NEAR_ROOT:
		box.head = n->root->name;
		box.foot = pl_root_kind_name(n->root->kind);
		break;
	case PL_NEAR_MORE:
		box.head = pl_arena_printf(&d->strings, "… %s more %s", grouped(d, n->objects),
					   without_builtins(n->kinds));
		break;
	}
	pl_vec_push(&dot->nodes, box);
}

static void draw_edge(struct drawing *d, const struct pl_near_edge *e, struct pl_dot *dot)
{
	static const enum pl_dot_line lines[] = {
		[PL_EDGE_STRONG] = PL_DOT_SOLID,
		[PL_EDGE_WEAK] = PL_DOT_DASHED,
		[PL_EDGE_BORROWED] = PL_DOT_DASHED,
		[PL_EDGE_NATIVE] = PL_DOT_DOTTED,
	};

	const struct pl_root *root = d->near.nodes.at[e->source].root;
	/* A module's name owns nothing, sys.modules does; yet a chain begins there. */
	bool name = root && root->kind == PL_ROOT_MODULE;

	pl_vec_push(&dot->edges,
		    (struct pl_dot_edge){id_of(d, e->source), id_of(d, e->target),
					 name ? PL_DOT_SOLID : lines[e->kind], e->label});
}

/* "who holds it, 3 references back; cut at 200 objects" */
static const char *subtitle(struct drawing *d, bool chain)
{
	const char *text;

	if (chain)
		return d->near.nodes.n > 1 ? "the shortest chain from a root"
					   : "no root reaches it";
	text = pl_arena_printf(&d->strings, "%s, up to %s references away",
			       !d->q.way[PL_FORWARD] ? "who holds it"
			       : !d->q.way[PL_BACK]  ? "what it holds"
						     : "who holds it and what it holds",
			       grouped(d, d->q.depth));
	return d->near.cut ? pl_arena_printf(&d->strings, "%s; cut at %s objects", text,
					     grouped(d, d->q.most))
			   : text;
}

static int draw(struct drawing *d, bool chain, struct pl_result *ret, struct pl_err *err)
{
	struct pl_dot dot = {.down = chain, .subtitle = subtitle(d, chain)};
	size_t len;

	dot.title = pl_arena_printf(&d->strings, "%s at 0x%" PRIx64,
				    without_builtins(pl_object_type(d->o, d->q.asked)->name),
				    d->o->addr[d->q.asked]);
	for (size_t i = 0; i < d->near.nodes.n; i++)
		draw_node(d, i, &dot);
	for (size_t i = 0; i < d->near.edges.n; i++)
		draw_edge(d, &d->near.edges.at[i], &dot);
	ret->text = pl_dot_write(&dot, &len);
	pl_dot_fini(&dot);
	return ret->text ? 0 : pl_err_set(err, PL_E_NOMEM, "no memory for the picture");
}

/* ---- what is asked ---- */

static int find_chain(struct drawing *d, struct pl_err *err)
{
	struct pl_rooted rooted = {.o = d->o, .roots = d->roots, .unsure = true};
	struct pl_path_query query = {.rank = pl_rooted_rank, .arg = &rooted};
	struct pl_path *paths;
	enum pl_path_end end;
	size_t n;
	int rc = pl_graph_paths(d->graph, d->q.asked, 1, &query, d->ctx, &paths, &n, &end, err);

	if (rc)
		return rc;
	if (!n)
		pl_ctx_note(d->ctx, PL_INFO, "unreachable",
			    "no root reaches this object: nothing but its own cycle, or C code, "
			    "holds it");
	rc = pl_nearby_chain(&d->q, n ? paths[0].node : &d->q.asked, n ? paths[0].n : 1, &d->near,
			     err);
	pl_paths_free(paths, n);
	return rc;
}

static int find_nearby(struct drawing *d, struct pl_err *err)
{
	int rc = pl_nearby_walk(&d->q, &d->near, err);

	if (!rc && d->near.cut)
		pl_ctx_note(d->ctx, PL_WARNING, "stopped-looking",
			    "stopped at %" PRIu64 " objects: --max-nodes N draws more, --depth and "
			    "--too-many fewer",
			    d->q.most);
	return rc;
}

/* The types that --match and --ignore leave out: a flag by type index. */
static bool *left_out(const struct drawing *d, size_t n)
{
	const char *ignore = pl_args_get(d->args, "ignore");
	bool *out = pl_calloc(n + 1, sizeof(*out));

	for (uint32_t i = 0; i < n; i++) {
		const char *type = pl_types_at(d->o->types, i)->name;

		out[i] = !pl_args_match(d->args, type) || (ignore && fits(d, ignore, type));
	}
	return out;
}

static int find_and_draw(struct drawing *d, struct pl_result *ret, struct pl_err *err)
{
	bool chain = pl_args_get(d->args, "chain") != NULL;
	bool *out;
	int rc;

	d->q.n_left_out = pl_types_count(d->o->types);
	out = left_out(d, d->q.n_left_out);
	d->q.left_out = out;
	rc = chain ? find_chain(d, err) : find_nearby(d, err);
	free(out);
	if (rc)
		return rc;
	rc = draw(d, chain, ret, err);
	if (!rc)
		put_tables(d, ret);
	pl_nearby_fini(&d->near);
	return rc;
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	const char *direction = pl_args_get(args, "direction");
	struct drawing d = {.args = args, .q = {.depth = 3, .too_many = 10, .most = 200}};
	struct pl_objects *o;
	int rc;

	rc = pl_args_number(args, "depth", &d.q.depth, err);
	if (!rc)
		rc = pl_args_number(args, "too-many", &d.q.too_many, err);
	if (!rc)
		rc = pl_args_number(args, "max-nodes", &d.q.most, err);
	if (!rc)
		rc = pl_session_index(s, &o, err);
	if (!rc)
		rc = pl_target_object(o, args->words[0], &d.q.asked, err);
	if (!rc)
		rc = pl_session_roots(s, &d.roots, err);
	if (!rc)
		rc = pl_session_graph(s, &d.graph, err);
	if (!rc)
		rc = pl_session_rings(s, &d.rings, err);
	if (rc)
		return rc;
	d.ctx = pl_session_ctx(s);
	d.o = d.q.o = o;
	d.q.graph = d.graph;
	d.q.roots = d.roots;
	d.q.ctx = d.ctx;
	d.q.way[PL_BACK] = !direction || strcmp(direction, "forward");
	d.q.way[PL_FORWARD] = direction && strcmp(direction, "back");
	pl_view_init(&d.v, o->im);
	rc = find_and_draw(&d, ret, err);
	pl_arena_fini(&d.strings);
	return rc;
}

const struct pl_analysis pl_analysis_graph = {
	.name = "graph",
	.arguments = "ADDRESS",
	.summary = "a picture of the references around an object, as DOT, SVG or PNG",
	.help = "Draws the objects that hold an object, back from it in up to three references; "
		"with\n"
		"--direction forward what it holds, with --chain the shortest chain from a root. "
		"The\n"
		"name of --output says what is written: x.svg and x.png are made by Graphviz's "
		"dot,\n"
		"anything else gets the DOT itself, which is also what is printed.\n"
		"\n"
		"Of an object in a dead cycle the whole cycle is marked.\n"
		"\n"
		"A box says type, value and address; of an object at the border also how many\n"
		"holders or referents are not drawn. Roots are green; dashed references are weak "
		"or\n"
		"borrowed, dotted ones were found in raw memory. An instance's reference to its "
		"class\n"
		"and a dict's to keys that are str or int are left out, and so is what else holds "
		"a\n"
		"module or what the interpreter holds. --match leaves out objects of all other "
		"types. json and csv\n"
		"give the tables:\n"
		"\n"
		"nodes  role is asked, object, highlight, root or more (objects that are left "
		"out)\n"
		"edges  source and target are ids of nodes",
	.example = "0x7f5a3c0d1e40 --output leak.svg",
	.options = options,
	.run = run,
};
