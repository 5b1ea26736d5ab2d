/*
 * gc.c - `gc`: the collector's generations and state.
 */
#include "analysis/analysis.h"

#include "analysis/generation.h"
#include "object/value.h"

static const struct pl_column generation_columns[] = {
	{.name = "generation", .align = PL_LEFT},
	{.name = "objects", .align = PL_RIGHT},
	{.name = "threshold", .align = PL_RIGHT},
	{.name = "count", .align = PL_RIGHT},
	{.name = "collections", .align = PL_RIGHT},
	{.name = "collected", .align = PL_RIGHT},
	{.name = "uncollectable", .align = PL_RIGHT},
	{.name = "interpreter", .align = PL_RIGHT, .optional = true},
};
static const struct pl_column state_columns[] = {
	{.name = "key", .align = PL_LEFT},
	{.name = "value", .align = PL_LEFT, .shrink = true},
	{.name = "interpreter", .align = PL_RIGHT, .optional = true},
};
static const struct pl_option options[] = {{.name = NULL}};

/* One interpreter's collector while its rows are made. */
struct collector {
	struct pl_objects *o;
	const struct pl_interp *interp;
	const uint64_t *counts;
	bool several;
	struct pl_view v;
};

static struct pl_cell interpreter_cell(const struct collector *c)
{
	return c->several ? pl_cell_int(c->interp->id) : pl_cell_absent();
}

static struct pl_cell int_at(struct collector *c, pl_addr base, int32_t offset)
{
	uint32_t n;

	if (!base || !pl_has(offset))
		return pl_cell_absent();
	if (!pl_read32(&c->v, base + (uint64_t)(int64_t)offset, &n))
		return pl_cell_unknown();
	return pl_cell_int((int32_t)n);
}

static struct pl_cell word_at(struct collector *c, pl_addr base, int32_t offset)
{
	uint64_t n;

	if (!base || !pl_has(offset))
		return pl_cell_absent();
	if (!pl_read64(&c->v, base + (uint64_t)(int64_t)offset, &n))
		return pl_cell_unknown();
	return pl_cell_count(n);
}

/*
 * The statistics record of a generation. Up to 3.14 an array in the collector's state; in 3.15
 * (pycore_interp_structs.h, struct gc_stats) a block of ring buffers, one for the young and two for
 * the old generations, whose index names the current record. 0 when there is none.
 */
static pl_addr stats_record(struct collector *c, unsigned list)
{
	const struct pl_fields *f = &c->o->l->f;
	pl_addr base = c->interp->gc_state;
	uint64_t young = 0, old, at;
	const uint8_t *index;

	if (!base || !pl_has(f->gc_stats) || !pl_has(f->gcstats_size) || list > 2)
		return 0;
	if (!pl_has(f->gcstats_young_size))
		return base + (uint64_t)f->gc_stats + list * (uint64_t)f->gcstats_size;
	if (!pl_read64(&c->v, base + (uint64_t)f->gc_stats, &young) || !young)
		return 0;
	old = young + pl_round_up((uint64_t)f->gcstats_young_size, 8);
	at = list ? old + (list - 1) * (uint64_t)f->gcstats_old_size : young;
	index = pl_at(&c->v, at + (uint64_t)(list ? f->gcstats_old_index : f->gcstats_young_index),
		      1);
	return index ? at + *index * (uint64_t)f->gcstats_size : 0;
}

static void generations(struct collector *c, struct pl_table *t)
{
	const struct pl_fields *f = &c->o->l->f;
	struct pl_gc_list lists[4];
	unsigned n = pl_layout_gc_lists(c->o->l, c->interp->addr, lists);

	for (unsigned i = 0; i < n; i++) {
		struct pl_cell *row = pl_table_row(t);
		pl_addr stats = stats_record(c, i);
		bool permanent = i == 3;

		row[0] = pl_cell_text(t, pl_generation_name(c->o, (int)i));
		row[1] = pl_cell_count(c->counts[i]);
		if (!permanent) {
			row[2] = int_at(c, lists[i].record, f->generation_threshold);
			row[3] = int_at(c, lists[i].record, f->generation_count);
			row[4] = word_at(c, stats, f->gcstats_collections);
			row[5] = word_at(c, stats, f->gcstats_collected);
			row[6] = word_at(c, stats, f->gcstats_uncollectable);
		}
		row[7] = interpreter_cell(c);
	}
}

static void state_row(struct collector *c, struct pl_table *t, const char *key,
		      struct pl_cell value)
{
	struct pl_cell *row = pl_table_row(t);

	row[0] = pl_cell_text(t, key);
	row[1] = value;
	row[2] = interpreter_cell(c);
}

static struct pl_cell flag(struct collector *c, pl_addr state, int32_t offset)
{
	struct pl_cell cell = int_at(c, state, offset);

	if (cell.kind == PL_CELL_INT)
		return pl_cell_bool(cell.i != 0);
	/* The flag exists in every version; without symbols its place may not be known. */
	return pl_cell_unknown();
}

/* gc.DEBUG_* as gc.get_debug() would have shown them (Modules/gcmodule.c). */
static struct pl_cell debug_flags(struct pl_table *t, struct pl_cell bits)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{1, "DEBUG_STATS"},     {2, "DEBUG_COLLECTABLE"}, {4, "DEBUG_UNCOLLECTABLE"},
		     {8, "DEBUG_INSTANCES"}, {16, "DEBUG_OBJECTS"},    {32, "DEBUG_SAVEALL"}};
	char text[160] = "";

	if (bits.kind != PL_CELL_INT)
		return pl_cell_unknown();
	for (size_t i = 0; i < PL_ARRAY_LEN(names); i++) {
		if (!(bits.i & names[i].bit))
			continue;
		if (*text)
			strcat(text, " ");
		strcat(text, names[i].name);
	}
	return pl_cell_text(t, *text ? text : "0");
}

/* A list of the collector's, by its place in the state or by its name in module gc. */
static pl_addr gc_list_object(struct collector *c, int32_t offset, const char *name)
{
	const struct pl_layout *l = c->o->l;
	pl_addr at = c->interp->gc_state + (uint64_t)offset, list = 0, module, dict;

	if (c->interp->gc_state && pl_has(offset) && pl_read64(&c->v, at, &list) && list)
		return list;
	if (pl_dict_get(l, &c->v, c->interp->modules, "gc", &module) &&
	    pl_read64(&c->v, module + (uint64_t)l->f.module_dict, &dict) &&
	    pl_dict_get(l, &c->v, dict, name, &list))
		return list;
	return 0;
}

static struct pl_cell list_length(struct collector *c, pl_addr list, bool may_be_absent)
{
	pl_addr items;
	uint64_t n;

	/* gc.garbage is made with the first collection that needs it: no list means nothing in it.
	 */
	if (!list)
		return may_be_absent ? pl_cell_count(0) : pl_cell_unknown();
	return pl_list_items(c->o->l, &c->v, list, &items, &n) ? pl_cell_count(n)
							       : pl_cell_unknown();
}

static void state(struct collector *c, struct pl_table *t)
{
	const struct pl_layout *l = c->o->l;
	pl_addr base = c->interp->gc_state;
	struct pl_cell debug = int_at(c, base, l->f.gc_debug);

	state_row(c, t, "enabled", flag(c, base, l->f.gc_enabled));
	state_row(c, t, "collecting", flag(c, base, l->f.gc_collecting));
	state_row(c, t, "debug", debug_flags(t, debug));
	state_row(c, t, "garbage",
		  list_length(c, gc_list_object(c, l->f.gc_garbage, "garbage"), true));
	if (l->gc_style != PL_GC_REFS27)
		state_row(c, t, "callbacks",
			  list_length(c, gc_list_object(c, l->f.gc_callbacks, "callbacks"), true));
	if (pl_has(l->f.gc_permanent))
		state_row(c, t, "frozen", pl_cell_count(c->counts[3]));
	if (pl_has(l->f.gc_long_lived_total)) {
		state_row(c, t, "long_lived_total", word_at(c, base, l->f.gc_long_lived_total));
		state_row(c, t, "long_lived_pending", word_at(c, base, l->f.gc_long_lived_pending));
	}
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct pl_table *lists, *states;
	struct pl_objects *o;
	pl_addr seen = 0;
	int rc;

	(void)args;
	rc = pl_session_census(s, &o, err);
	if (rc)
		return rc;
	lists = pl_result_table(ret, "generations", generation_columns,
				PL_ARRAY_LEN(generation_columns));
	states = pl_result_table(ret, "state", state_columns, PL_ARRAY_LEN(state_columns));
	for (size_t i = 0; i < o->n_interps; i++) {
		struct collector c = {
			.o = o, .interp = &o->interps[i], .counts = o->list_counts[i]};

		/* Up to 3.8 all interpreters share one collector. */
		if (!c.interp->gc_state || c.interp->gc_state == seen)
			continue;
		seen = c.interp->gc_state;
		c.several = o->n_interps > 1 &&
			    o->interps[o->n_interps - 1].gc_state != o->interps[0].gc_state;
		pl_view_init(&c.v, o->im);
		generations(&c, lists);
		state(&c, states);
	}
	return 0;
}

const struct pl_analysis pl_analysis_gc = {
	.name = "gc",
	.arguments = "",
	.summary = "the garbage collector: generations, thresholds, statistics, gc.garbage",
	.help = "generations  objects on each list; threshold and count as gc.get_threshold() and\n"
		"             gc.get_count() would have said; statistics of gc.get_stats()\n"
		"state        enabled, collecting (the core was taken inside a collection), debug\n"
		"             flags, lengths of gc.garbage and gc.callbacks, objects frozen by\n"
		"             gc.freeze()",
	.example = "",
	.options = options,
	.run = run,
};
