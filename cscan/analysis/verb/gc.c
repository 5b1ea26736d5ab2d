/*
 * gc.c - `gc`: the collector's generations and state.
 */
#include "analysis/analysis.h"

#include "session/collector.h"
#include "object/generation.h"
#include "object/value/value.h"

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

/* One collector while its rows are made. */
struct telling {
	struct pl_objects *o;
	const struct pl_collector *c;
	bool several;
	struct pl_view *v;
};

static struct pl_cell interpreter_cell(const struct telling *g)
{
	return g->several ? pl_cell_int(g->c->interp->id) : pl_cell_absent();
}

static struct pl_cell number_cell(struct pl_number n)
{
	return n.state == PL_NUMBER_KNOWN     ? pl_cell_int(n.value)
	       : n.state == PL_NUMBER_UNKNOWN ? pl_cell_unknown()
					      : pl_cell_absent();
}

static void generations(const struct telling *g, struct pl_table *t)
{
	const uint64_t *counts = g->o->list_counts[g->c->interp - g->o->interps];

	for (unsigned i = 0; i < g->c->n_lists; i++) {
		struct pl_cell *row = pl_table_row(t);

		row[0] = pl_cell_text(t, pl_generation_name(g->o, (int)i));
		row[1] = pl_cell_count(counts[i]);
		row[2] = number_cell(g->c->list[i].threshold);
		row[3] = number_cell(g->c->list[i].count);
		row[4] = number_cell(g->c->list[i].collections);
		row[5] = number_cell(g->c->list[i].collected);
		row[6] = number_cell(g->c->list[i].uncollectable);
		row[7] = interpreter_cell(g);
	}
}

static void state_row(const struct telling *g, struct pl_table *t, const char *key,
		      struct pl_cell value)
{
	struct pl_cell *row = pl_table_row(t);

	row[0] = pl_cell_text(t, key);
	row[1] = value;
	row[2] = interpreter_cell(g);
}

static struct pl_cell flag_cell(struct pl_number n)
{
	return n.state == PL_NUMBER_KNOWN ? pl_cell_bool(n.value != 0) : pl_cell_unknown();
}

/* gc.DEBUG_* as gc.get_debug() would have shown them (Modules/gcmodule.c). */
static struct pl_cell debug_cell(struct pl_table *t, struct pl_number bits)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{1, "DEBUG_STATS"},     {2, "DEBUG_COLLECTABLE"}, {4, "DEBUG_UNCOLLECTABLE"},
		     {8, "DEBUG_INSTANCES"}, {16, "DEBUG_OBJECTS"},    {32, "DEBUG_SAVEALL"}};
	char text[160] = "";

	if (bits.state != PL_NUMBER_KNOWN)
		return pl_cell_unknown();
	for (size_t i = 0; i < PL_ARRAY_LEN(names); i++) {
		if (!(bits.value & names[i].bit))
			continue;
		if (*text)
			strcat(text, " ");
		strcat(text, names[i].name);
	}
	return pl_cell_text(t, *text ? text : "0");
}

/* gc.garbage and gc.callbacks are made with the first use: no list means nothing in it. */
static struct pl_cell length_cell(const struct telling *g, pl_addr list)
{
	pl_addr items;
	uint64_t n;

	if (!list)
		return pl_cell_count(0);
	return pl_list_items(g->o->l, g->v, list, &items, &n) ? pl_cell_count(n)
							      : pl_cell_unknown();
}

static uint64_t finalized(const struct pl_objects *o)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < o->n_sums; i++)
		sum += o->sums[i].finalized;
	return sum;
}

/* When the next full collection would have come by itself. */
static struct pl_cell next_cell(const struct telling *g, struct pl_table *t)
{
	const char *off = pl_collector_off(g->c);
	char waits[200];

	if (off)
		return pl_cell_printf(t, "never: %s", off);
	if (g->c->enabled.state != PL_NUMBER_KNOWN)
		return pl_cell_unknown();
	if (pl_collector_waits(g->o, g->c, waits, sizeof(waits)))
		return pl_cell_text(t, waits);
	return pl_cell_text(t, "with the next collection of generation 0");
}

static void state(const struct telling *g, struct pl_table *t)
{
	const struct pl_layout *l = g->o->l;
	const struct pl_collector *c = g->c;

	state_row(g, t, "enabled", flag_cell(c->enabled));
	state_row(g, t, "collecting", flag_cell(c->collecting));
	state_row(g, t, "debug", debug_cell(t, c->debug));
	state_row(g, t, "garbage", length_cell(g, c->garbage));
	if (l->gc_style != PL_GC_REFS27)
		state_row(g, t, "callbacks", length_cell(g, c->callbacks));
	if (pl_has(l->f.gc_permanent))
		state_row(g, t, "frozen",
			  pl_cell_count(g->o->list_counts[c->interp - g->o->interps][3]));
	if (pl_has(l->f.gc_long_lived_total)) {
		state_row(g, t, "long_lived_total", number_cell(c->long_lived_total));
		state_row(g, t, "long_lived_pending", number_cell(c->long_lived_pending));
	}
	/* Objects of all interpreters: who has which is not written down. Nothing before PEP 442.
	 */
	if (l->gc_style != PL_GC_REFS27)
		state_row(g, t, "finalized", pl_cell_count(finalized(g->o)));
	state_row(g, t, "next_full", next_cell(g, t));
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct pl_table *lists, *states;
	struct pl_collector *collectors;
	struct pl_objects *o;
	struct pl_view v;
	size_t n;
	int rc;

	(void)args;
	rc = pl_session_census(s, &o, err);
	if (rc)
		return rc;
	pl_view_init(&v, o->im);
	lists = pl_result_table(ret, "generations", generation_columns,
				PL_ARRAY_LEN(generation_columns));
	states = pl_result_table(ret, "state", state_columns, PL_ARRAY_LEN(state_columns));
	n = pl_collectors(o, &v, &collectors);
	for (size_t i = 0; i < n; i++) {
		struct telling g = {o, &collectors[i], n > 1, &v};

		generations(&g, lists);
		state(&g, states);
	}
	free(collectors);
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
		"             gc.freeze(), objects whose finalizer ran already, what the next "
		"full\n"
		"             collection would have waited for",
	.example = "",
	.options = options,
	.run = run,
};
