/*
 * object.c - `object ADDRESS`: one object seen whole.
 */
#include "analysis/analysis.h"

#include <stdio.h>

#include "object/generation.h"
#include "analysis/spell/location.h"
#include "analysis/spell/ringspell.h"
#include "analysis/spell/source.h"
#include "analysis/target.h"
#include "object/edges/edges.h"
#include "object/value/value.h"
#include "object/repr/repr.h"

static const struct pl_column object_columns[] = {
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT},
	{.name = "refcount", .align = PL_RIGHT},
	{.name = "size", .align = PL_RIGHT},
	{.name = "gc", .align = PL_LEFT},
	{.name = "location", .align = PL_LEFT},
	{.name = "repr", .align = PL_LEFT},
	{.name = "generation", .align = PL_LEFT, .optional = true},
	{.name = "immortal", .align = PL_LEFT, .optional = true},
	{.name = "finalized", .align = PL_LEFT, .optional = true},
	{.name = "cycle", .align = PL_LEFT, .optional = true},
};
static const struct pl_column attribute_columns[] = {
	{.name = "name", .align = PL_LEFT, .shrink = true},
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "repr", .align = PL_LEFT, .shrink = true},
};
static const struct pl_option options[] = {{.name = NULL}};

static const char *gc_state(uint8_t flags)
{
	if (!(flags & PL_OBJ_GC))
		return "not-gc";
	return flags & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT) ? "tracked" : "untracked";
}

static void put_object(const struct pl_objects *o, struct pl_view *v, pl_id id, const char *cycle,
		       struct pl_result *ret)
{
	struct pl_table *t =
		pl_result_table(ret, "object", object_columns, PL_ARRAY_LEN(object_columns));
	const char *generation = pl_generation_name(o, pl_generation_of(o->flags[id]));
	static const struct pl_repr_limits limits = {
		.depth = 3, .items = 20, .chars = 200, .total = 600};
	struct pl_cell *row = pl_table_row(t);
	char text[800];
	uint64_t count;
	bool immortal;

	t->record = true;
	row[0] = pl_cell_addr(o->addr[id]);
	row[1] = pl_cell_text(t, pl_object_type(o, id)->name);
	if (pl_object_refcount(o, v, o->addr[id], &count, &immortal)) {
		row[2] = pl_cell_count(count);
		if (immortal)
			row[8] = pl_cell_bool(true);
	} else {
		row[2] = pl_cell_unknown();
	}
	row[3] = pl_cell_size(pl_object_size(o, v, id));
	row[4] = pl_cell_text(t, gc_state(o->flags[id]));
	pl_location(o, o->addr[id], text, sizeof(text));
	row[5] = pl_cell_text(t, text);
	pl_repr(o, v, o->addr[id], &limits, text, sizeof(text));
	row[6] = pl_cell_text(t, text);
	if (generation)
		row[7] = pl_cell_text(t, generation);
	if (o->flags[id] & PL_OBJ_FINALIZED)
		row[9] = pl_cell_bool(true);
	if (*cycle)
		row[10] = pl_cell_text(t, cycle);
}

struct attributes {
	const struct pl_objects *o;
	struct pl_view *v;
	struct pl_table *t;
};

static void put_attribute(struct attributes *a, const char *name, pl_addr addr)
{
	struct pl_cell *row = pl_table_row(a->t);
	pl_id id = pl_objects_id(a->o, addr);
	char repr[256];

	row[0] = pl_cell_text(a->t, name);
	row[1] = pl_cell_addr(addr);
	row[2] = id == PL_NO_ID ? pl_cell_unknown()
				: pl_cell_text(a->t, pl_object_type(a->o, id)->name);
	pl_repr(a->o, a->v, addr, NULL, repr, sizeof(repr));
	row[3] = pl_cell_text(a->t, repr);
}

static void put_dict(struct attributes *a, pl_addr dict)
{
	struct pl_dict_iter it;
	pl_addr key, value;
	char name[256];

	if (!pl_dict_begin(a->o->l, a->v, dict, &it))
		return;
	while (pl_dict_next(&it, &key, &value, NULL)) {
		if (pl_str_read(a->o->l, a->v, key, name, sizeof(name), NULL, NULL))
			put_attribute(a, name, value);
	}
}

/* Attributes are edges that begin with a dot; items and elements are `referents`' part. */
static void on_edge(void *arg, const struct pl_edge *e)
{
	struct attributes *a = arg;
	char label[512];

	if (e->label == PL_L_DICT) {
		put_dict(a, e->target);
		return;
	}
	pl_label(a->o, a->v, e, true, label, sizeof(label));
	if (*label == '.')
		put_attribute(a, label + 1, e->target);
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct attributes a;
	struct pl_objects *o;
	char cycle[700] = "";
	struct pl_view v;
	pl_id id;
	int rc;

	rc = pl_session_index(s, &o, err);
	if (rc)
		return rc;
	pl_view_init(&v, o->im);
	rc = pl_target_object(o, args->words[0], &id, err);
	if (rc == PL_E_NOT_FOUND) {
		char story[400];

		pl_location_story(o, &v, err->addr, story, sizeof(story));
		pl_err_hint(err, "%s", story);
		return rc;
	}
	/* Only what the collector tracks can be in a cycle: the graph is not needed for others. */
	if (!rc && o->flags[id] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT))
		rc = pl_ringspell_story(s, id, cycle, sizeof(cycle), err);
	if (rc)
		return rc;
	put_object(o, &v, id, cycle, ret);
	a = (struct attributes){o, &v,
				pl_result_table(ret, "attributes", attribute_columns,
						PL_ARRAY_LEN(attribute_columns))};
	pl_edges(o, &v, o->addr[id], on_edge, &a);
	pl_table_limit(a.t, args->limit);
	pl_source_put(o, &v, id, args->limit, ret);
	return 0;
}

const struct pl_analysis pl_analysis_object = {
	.name = "object",
	.arguments = "ADDRESS",
	.summary = "one object: repr, attributes, refcount, size, gc state, where it lives",
	.help = "object      what it is, what the collector knows of it, and whose memory it lies "
		"in:\n"
		"            a pymalloc pool, a malloc chunk, a file's data by symbol; of a dead "
		"cycle\n"
		"            the chain that it is\n"
		"attributes  from __dict__, slots and inline values, and what C structs hold by "
		"name\n"
		"source      file and line of a function, of a class's methods, of where a frame "
		"stands\n"
		"bases       of a class\n"
		"\n"
		"Where no object starts at ADDRESS, the error says what is there: the inside of\n"
		"another one, or a freed block and what it last held.",
	.example = "0x7f5a3c0d1e40",
	.options = options,
	.own_rows = true,
	.run = run,
};
