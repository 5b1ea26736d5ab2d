/*
 * exceptions.c - the exceptions of threads and their tracebacks as tables: see stacks.h.
 */
#include "analysis/stacks/stacks.h"

#include "base/addrset.h"
#include "object/frames/exceptions.h"
#include "object/repr/repr.h"

enum { MAX_TEXT = 512 };

static const struct pl_column exception_columns[] = {
	{.name = "thread", .align = PL_RIGHT},
	{.name = "state", .align = PL_LEFT},
	{.name = "chain", .align = PL_RIGHT},
	{.name = "link", .align = PL_LEFT, .optional = true},
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "repr", .align = PL_LEFT, .shrink = true},
};
static const struct pl_column traceback_columns[] = {
	{.name = "exception", .align = PL_RIGHT},
	{.name = "depth", .align = PL_RIGHT},
	{.name = "function", .align = PL_LEFT, .shrink = true},
	{.name = "file", .align = PL_LEFT, .shrink = true},
	{.name = "line", .align = PL_RIGHT},
};

struct tables {
	const struct pl_objects *o;
	struct pl_ctx *ctx;
	struct pl_view *v;
	struct pl_result *ret;
	struct pl_table *exceptions, *tracebacks; /* NULL until needed */
	struct pl_addrset told;                   /* exceptions whose traceback is in the table */
};

static const char *type_name(const struct pl_objects *o, struct pl_view *v, pl_addr addr)
{
	uint64_t type = 0;
	int32_t index;

	if (!pl_read64(v, addr + (uint64_t)o->l->f.object_type, &type))
		return NULL;
	index = pl_types_find(o->types, v, type);
	return index < 0 ? NULL : pl_types_at(o->types, (uint32_t)index)->name;
}

/* Outermost first, as Python prints it. */
static void put_traceback(struct tables *t, pl_addr exception, pl_addr at)
{
	struct pl_addrset seen;
	struct pl_traceback entry;

	if (!at || !pl_addrset_add(&t->told, exception))
		return;
	if (!t->tracebacks)
		t->tracebacks = pl_result_table(t->ret, "tracebacks", traceback_columns,
						PL_ARRAY_LEN(traceback_columns));
	pl_addrset_init(&seen);
	for (uint64_t depth = 0;
	     !(at & 7) && pl_addrset_add(&seen, at) && pl_traceback_read(t->o, t->v, at, &entry);
	     depth++, at = entry.next) {
		if (pl_ctx_look(t->ctx, depth))
			break;
		struct pl_cell *row = pl_table_row(t->tracebacks);
		char function[MAX_TEXT], file[MAX_TEXT];

		pl_code_names(t->o->l, t->v, entry.code, function, sizeof(function), file,
			      sizeof(file));
		row[0] = pl_cell_addr(exception);
		row[1] = pl_cell_count(depth);
		row[2] = pl_cell_text(t->tracebacks, function);
		row[3] = pl_cell_text(t->tracebacks, file);
		row[4] = entry.line > 0 ? pl_cell_number((uint64_t)entry.line) : pl_cell_absent();
	}
	pl_addrset_fini(&seen);
}

static void put_exception(struct tables *t, const struct pl_pythread *thread, const char *state,
			  uint64_t chain, const struct pl_exception *e)
{
	const char *type = type_name(t->o, t->v, e->addr);
	struct pl_cell *row;
	char repr[MAX_TEXT];

	if (!t->exceptions)
		t->exceptions = pl_result_table(t->ret, "exceptions", exception_columns,
						PL_ARRAY_LEN(exception_columns));
	row = pl_table_row(t->exceptions);
	pl_repr(t->o, t->v, e->addr, NULL, repr, sizeof(repr));
	row[0] = thread->lwp ? pl_cell_number(thread->lwp) : pl_cell_unknown();
	row[1] = pl_cell_text(t->exceptions, state);
	row[2] = pl_cell_count(chain);
	if (*e->link)
		row[3] = pl_cell_text(t->exceptions, e->link);
	row[4] = pl_cell_addr(e->addr);
	row[5] = type ? pl_cell_text(t->exceptions, type) : pl_cell_unknown();
	row[6] = pl_cell_text(t->exceptions, repr);
}

/* beside: the traceback kept beside the exception, which is newer than its own. */
static void put_chain(struct tables *t, const struct pl_pythread *thread, const char *state,
		      pl_addr first, pl_addr beside)
{
	struct pl_exception *chain;
	size_t n = pl_exception_chain(t->o, t->v, first, t->ctx, &chain);

	for (size_t i = 0; i < n; i++) {
		put_exception(t, thread, state, i, &chain[i]);
		put_traceback(t, chain[i].addr, i == 0 && beside ? beside : chain[i].traceback);
	}
	if (first && !n)
		put_exception(t, thread, state, 0,
			      &(struct pl_exception){.addr = first, .link = ""});
	free(chain);
}

void pl_put_exceptions(const struct pl_objects *o, struct pl_view *v,
		       const struct pl_pythread *threads, size_t n, struct pl_ctx *ctx,
		       struct pl_result *ret)
{
	struct tables t = {.o = o, .v = v, .ctx = ctx, .ret = ret};

	pl_addrset_init(&t.told);
	for (size_t i = 0; i < n; i++) {
		put_chain(&t, &threads[i], "raised", threads[i].raised, threads[i].raised_tb);
		put_chain(&t, &threads[i], "handled", threads[i].handled, threads[i].handled_tb);
	}
	pl_addrset_fini(&t.told);
}
