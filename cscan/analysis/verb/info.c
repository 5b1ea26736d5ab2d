/*
 * info.c - `info`: which CPython this was, how it is read, what the core holds and lacks.
 */
#include "analysis/analysis.h"

#include <signal.h>

static const struct pl_column pair_columns[] = {
	{.name = "key", .align = PL_LEFT},
	{.name = "value", .align = PL_LEFT, .shrink = true},
};
static const struct pl_column layout_columns[] = {
	{.name = "field", .align = PL_LEFT},
	{.name = "source", .align = PL_LEFT},
	{.name = "offset", .align = PL_RIGHT},
};
static const struct pl_column rejected_columns[] = {
	{.name = "layout", .align = PL_LEFT, .shrink = true},
	{.name = "reason", .align = PL_LEFT, .shrink = true},
};
static const struct pl_column module_columns[] = {
	{.name = "file", .align = PL_LEFT, .shrink = true},
	{.name = "state", .align = PL_LEFT},
	{.name = "build_id", .align = PL_LEFT, .shrink = true},
	{.name = "file_build_id", .align = PL_LEFT, .optional = true, .shrink = true},
};
static const struct pl_option options[] = {{.name = NULL}};

static const char *const module_states[] = {
	[PL_MODULE_MATCHED] = "matched", [PL_MODULE_UNCHECKED] = "unchecked",
	[PL_MODULE_MISSING] = "missing", [PL_MODULE_MISMATCH] = "mismatch",
	[PL_MODULE_NOT_ELF] = "data",
};

static void pair(struct pl_table *t, const char *key, struct pl_cell value)
{
	struct pl_cell *row = pl_table_row(t);

	row[0] = pl_cell_text(t, key);
	row[1] = value;
}

static struct pl_cell flavour(struct pl_table *t, unsigned flags)
{
	return pl_cell_printf(t, "%s%s%s", flags & PL_PYDEBUG ? "debug" : "release",
			      flags & PL_TRACE_REFS ? " trace-refs" : "",
			      flags & PL_FREE_THREADED ? " free-threaded" : "");
}

static void python_table(struct pl_result *ret, const struct pl_layout *l,
			 const struct pl_objects *o, const struct pl_module *modules)
{
	static const char *const gc_styles[] = {
		[PL_GC_REFS27] = "generations",     [PL_GC_REFS34] = "generations",
		[PL_GC_LINKS] = "generations",      [PL_GC_INCREMENTAL] = "incremental",
		[PL_GC_NO_LISTS] = "free-threaded",
	};
	struct pl_table *t =
		pl_result_table(ret, "python", pair_columns, PL_ARRAY_LEN(pair_columns));
	const struct pl_heap_stats *h = pl_heap_stats(o->heap);

	pair(t, "version", pl_cell_text(t, l->version));
	pair(t, "hexversion", pl_cell_printf(t, "0x%08x", l->hexversion));
	pair(t, "version_from", pl_cell_text(t, l->version_source ? l->version_source : ""));
	pair(t, "flavour", flavour(t, l->flavour));
	pair(t, "layout", pl_cell_text(t, pl_source_name(l->best)));
	pair(t, "layout_table", l->table ? pl_cell_text(t, l->table) : pl_cell_absent());
	pair(t, "library",
	     l->module >= 0 ? pl_cell_text(t, modules[l->module].path) : pl_cell_unknown());
	pair(t, "collector", pl_cell_text(t, gc_styles[l->gc_style]));
	pair(t, "collecting", pl_cell_bool(o->collecting));
	pair(t, "interpreters", pl_cell_count(o->n_interps));
	pair(t, "debug_hooks", pl_cell_bool(h->hooked));
	pair(t, "pymalloc",
	     h->pymalloc_source ? pl_cell_text(t, h->pymalloc_source) : pl_cell_absent());
	pair(t, "malloc", h->malloc_source ? pl_cell_text(t, h->malloc_source) : pl_cell_absent());
}

static void layout_table(struct pl_result *ret, const struct pl_layout *l,
			 const struct pl_args *args)
{
	struct pl_table *t =
		pl_result_table(ret, "layout", layout_columns, PL_ARRAY_LEN(layout_columns));

	for (enum pl_field f = 0; f < PL_N_FIELDS; f++) {
		struct pl_cell *row = pl_table_row(t);
		int32_t offset = pl_layout_offset(l, f);

		row[0] = pl_cell_text(t, pl_field_name(f));
		row[1] = pl_cell_text(t, pl_has(offset) ? pl_source_name(l->source[f]) : "absent");
		row[2] = pl_has(offset) ? pl_cell_int(offset) : pl_cell_absent();
	}
	pl_table_limit(t, args->limit);
}

static void image_table(struct pl_result *ret, struct pl_image *im)
{
	struct pl_table *t =
		pl_result_table(ret, "image", pair_columns, PL_ARRAY_LEN(pair_columns));
	const struct pl_core_info *c = pl_image_info(im);
	const char *signal = c->signal ? sigabbrev_np(c->signal) : NULL;
	size_t n_threads, n_mappings, n_spans;
	uint64_t from_files = 0, mapped = 0;
	const struct pl_mapping *mappings = pl_image_mappings(im, &n_mappings);
	const struct pl_span *spans = pl_image_spans(im, &n_spans);

	pl_image_threads(im, &n_threads);
	for (size_t i = 0; i < n_mappings; i++)
		mapped += mappings[i].hi - mappings[i].lo;
	for (size_t i = 0; i < n_spans; i++)
		from_files += spans[i].source == PL_SPAN_FILE ? spans[i].hi - spans[i].lo : 0;
	pair(t, "core", pl_cell_text(t, c->path));
	pair(t, "written_by", pl_cell_text(t, c->from_gcore ? "gcore" : "kernel"));
	pair(t, "command", pl_cell_text(t, c->command));
	pair(t, "pid", pl_cell_int(c->pid));
	pair(t, "signal", signal ? pl_cell_printf(t, "SIG%s", signal) : pl_cell_absent());
	pair(t, "fault_address",
	     c->has_fault_addr ? pl_cell_addr(c->fault_addr) : pl_cell_absent());
	pair(t, "threads", pl_cell_count(n_threads));
	pair(t, "segments", pl_cell_count(c->n_segments));
	pair(t, "file_size", pl_cell_size(c->file_size));
	pair(t, "mapped", pl_cell_size(mapped));
	pair(t, "in_core", pl_cell_size(c->present_bytes));
	pair(t, "from_files", pl_cell_size(from_files));
	pair(t, "truncated", pl_cell_bool(c->truncated));
	pair(t, "missing_bytes", pl_cell_size(c->missing_bytes));
}

static void module_table(struct pl_result *ret, struct pl_image *im, const struct pl_args *args)
{
	struct pl_table *t =
		pl_result_table(ret, "modules", module_columns, PL_ARRAY_LEN(module_columns));
	const struct pl_module *modules;
	char hex[2 * sizeof(modules->core_build_id) + 1];
	size_t n;

	modules = pl_image_modules(im, &n);
	for (size_t i = 0; i < n; i++) {
		const struct pl_module *m = &modules[i];
		struct pl_cell *row;

		if (m->state == PL_MODULE_NOT_ELF)
			continue;
		row = pl_table_row(t);
		row[0] = pl_cell_text(t, m->path);
		row[1] = pl_cell_text(t, module_states[m->state]);
		pl_build_id_hex(m->core_build_id, m->core_build_id_len, hex);
		row[2] = m->core_build_id_len ? pl_cell_text(t, hex) : pl_cell_unknown();
		pl_build_id_hex(m->file_build_id, m->file_build_id_len, hex);
		if (m->state == PL_MODULE_MISMATCH)
			row[3] = m->file_build_id_len ? pl_cell_text(t, hex) : pl_cell_unknown();
	}
	pl_table_limit(t, args->limit);
}

/* The two listings side by side: the collector's lists, and the allocators' blocks. */
static void objects_table(struct pl_result *ret, const struct pl_objects *o)
{
	struct pl_table *t =
		pl_result_table(ret, "objects", pair_columns, PL_ARRAY_LEN(pair_columns));
	const struct pl_object_tally *c = &o->tally;
	const struct pl_heap_tally *h = &o->heap_tally;

	pair(t, "live", pl_cell_count(o->n));
	pair(t, "in_allocator_blocks", pl_cell_count(c->from_blocks));
	pair(t, "static", pl_cell_count(c->from_static));
	pair(t, "on_gc_lists", pl_cell_count(c->in_lists));
	pair(t, "on_gc_lists_and_in_blocks", pl_cell_count(c->from_gc_lists));
	pair(t, "on_gc_lists_in_other_memory", pl_cell_count(c->listed_not_in_blocks));
	pair(t, "on_gc_lists_but_freed", pl_cell_count(c->listed_not_live));
	pair(t, "on_gc_lists_without_type", pl_cell_count(c->bad_types));
	pair(t, "tracked_but_on_no_list", pl_cell_count(c->linked_not_listed));
	pair(t, "gc_lists_that_do_not_close", pl_cell_count(c->broken_lists));
	pair(t, "damaged_gc_links", pl_cell_count(c->bad_links));
	pair(t, "dead_on_freelists", pl_cell_count(c->on_freelists));
	pair(t, "refcount_zero", pl_cell_count(c->refcount_zero));
	pair(t, "blocks_without_object", pl_cell_count(c->buffers));
	pair(t, "stale_blocks", pl_cell_count(c->stale));
	pair(t, "damaged_arenas", pl_cell_count(h->bad_arenas));
	pair(t, "damaged_pools", pl_cell_count(h->bad_pools));
	pair(t, "damaged_freelists", pl_cell_count(h->bad_freelists));
	pair(t, "damaged_chunks", pl_cell_count(h->bad_chunks));
	pair(t, "missing_heap_bytes", pl_cell_size(h->missing_bytes));
}

static void rejected_table(struct pl_result *ret, const struct pl_layout *l)
{
	struct pl_table *t;

	if (!l->rejected.n)
		return;
	t = pl_result_table(ret, "rejected", rejected_columns, PL_ARRAY_LEN(rejected_columns));
	for (size_t i = 0; i < l->rejected.n; i++) {
		struct pl_cell *row = pl_table_row(t);

		row[0] = pl_cell_text(t, l->rejected.at[i].what);
		row[1] = pl_cell_text(t, l->rejected.at[i].why);
	}
}

static int run(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	const struct pl_layout *l;
	struct pl_objects *o;
	struct pl_image *im;
	size_t n;
	int rc;

	rc = pl_session_image(s, &im, err);
	if (!rc)
		rc = pl_session_layout(s, &l, err);
	if (!rc)
		rc = pl_session_census(s, &o, err);
	if (rc)
		return rc;
	python_table(ret, l, o, pl_image_modules(im, &n));
	image_table(ret, im);
	objects_table(ret, o);
	rejected_table(ret, l);
	module_table(ret, im, args);
	layout_table(ret, l, args);
	return 0;
}

const struct pl_analysis pl_analysis_info = {
	.name = "info",
	.arguments = "",
	.summary =
		"which CPython, where each layout field came from, what the core holds and lacks",
	.help = "python    version, build flavour, where the layout comes from, which allocators\n"
		"image     the core: what it holds, what had to come from files, what is missing\n"
		"objects   the collector's lists against the allocators' blocks: every difference\n"
		"rejected  layouts that failed their proof on this core, and why\n"
		"modules   mapped files: matched by build-id, missing, or another build\n"
		"layout    every field of CPython's structs: source and offset (--limit 0 for all)",
	.example = "--limit 0",
	.options = options,
	.own_rows = true,
	.run = run,
};
