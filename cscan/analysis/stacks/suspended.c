/*
 * suspended.c - generators, coroutines and tasks that wait, each with what it waits for: see
 * stacks.h.
 */
#include "analysis/stacks/stacks.h"

#include <stdio.h>

#include "base/addrset.h"
#include "base/utf8.h"
#include "object/types/rows.h"
#include "object/frames/generators.h"
#include "object/value/value.h"

enum {
	MAX_TEXT = 512,
	FUTURE_PENDING = 0 /* fut_state in Modules/_asynciomodule.c */
};

static const struct pl_column columns[] = {
	{.name = "chain", .align = PL_RIGHT}, {.name = "depth", .align = PL_RIGHT},
	{.name = "kind", .align = PL_LEFT},   {.name = "name", .align = PL_LEFT, .shrink = true},
	{.name = "state", .align = PL_LEFT},  {.name = "file", .align = PL_LEFT, .shrink = true},
	{.name = "line", .align = PL_RIGHT},  {.name = "address", .align = PL_RIGHT},
};

struct chains {
	const struct pl_objects *o;
	struct pl_ctx *ctx;
	struct pl_view *v;
	struct pl_table *t;
	struct pl_addrset shown; /* what has a row, tasks excepted */
	struct pl_addrset inner; /* what a generator waits for */
	uint64_t n;              /* chains so far */
	size_t limit;
};

static bool is_pending(const struct chains *c, pl_addr task)
{
	uint32_t state;

	return pl_has(c->o->l->f.future_state) &&
	       pl_read32(c->v, task + (uint64_t)c->o->l->f.future_state, &state) &&
	       state == FUTURE_PENDING;
}

/* The name that Task.get_name() gives: a default one is only a number until somebody asks (3.12
 * on). */
static bool task_name(const struct chains *c, pl_addr task, char *buf, size_t cap)
{
	pl_addr name = pl_field_word(c->v, task, c->o->l->f.task_name);
	char raw[MAX_TEXT];
	int64_t number;
	size_t n;

	if (name && pl_int_read(c->o->l, c->v, name, &number)) {
		snprintf(buf, cap, "Task-%lld", (long long)number);
		return true;
	}
	if (!name || !pl_str_read(c->o->l, c->v, name, raw, sizeof(raw), &n, NULL))
		return false;
	pl_utf8_escape(buf, cap, raw, n);
	return true;
}

/* A row begun, or NULL when the table is full. */
static struct pl_cell *new_row(struct chains *c, uint64_t depth, const char *kind, pl_addr addr)
{
	struct pl_cell *row;

	if (c->limit && c->t->n_rows >= c->limit) {
		c->t->hidden_rows++;
		return NULL;
	}
	row = pl_table_row(c->t);
	row[0] = pl_cell_number(c->n);
	row[1] = pl_cell_count(depth);
	row[2] = pl_cell_text(c->t, kind);
	row[7] = pl_cell_addr(addr);
	return row;
}

static void put_generator(struct chains *c, uint64_t depth, pl_addr addr,
			  const struct pl_generator *g)
{
	static const char *const kinds[] = {"", "generator", "coroutine", "async generator"};
	struct pl_cell *row = new_row(c, depth, kinds[g->names], addr);
	char name[MAX_TEXT], file[MAX_TEXT], raw[MAX_TEXT];
	size_t n;

	if (!row)
		return;
	pl_code_names(c->o->l, c->v, g->code, name, sizeof(name), file, sizeof(file));
	if (g->qualname && pl_str_read(c->o->l, c->v, g->qualname, raw, sizeof(raw), &n, NULL))
		pl_utf8_escape(name, sizeof(name), raw, n);
	row[3] = pl_cell_text(c->t, name);
	row[4] = pl_cell_text(c->t, pl_generator_state_name(g->state));
	row[5] = pl_cell_text(c->t, file);
	if (g->has_frame && g->frame.line > 0)
		row[6] = pl_cell_number((uint64_t)g->frame.line);
}

static void put_task(struct chains *c, uint64_t depth, pl_addr addr)
{
	struct pl_cell *row = new_row(c, depth, "task", addr);
	char name[MAX_TEXT];

	if (!row)
		return;
	if (task_name(c, addr, name, sizeof(name)))
		row[3] = pl_cell_text(c->t, name);
	row[4] = pl_cell_text(c->t, is_pending(c, addr) ? "pending" : "done");
}

static void put_other(struct chains *c, uint64_t depth, pl_addr addr, const char *type)
{
	struct pl_cell *row = new_row(c, depth, "awaitable", addr);

	if (row)
		row[3] = pl_cell_text(c->t, type);
}

/* One step: the row of addr; returns what comes after it, 0 at the end of the chain. */
static pl_addr put_step(struct chains *c, uint64_t depth, pl_addr addr)
{
	int32_t type =
		pl_types_find(c->o->types, c->v, pl_field_word(c->v, addr, c->o->l->f.object_type));
	const struct pl_type *t = type < 0 ? NULL : pl_types_at(c->o->types, (uint32_t)type);
	struct pl_generator g;
	bool news;

	if (!t)
		return 0;
	/* A task that is awaited has a chain of its own. */
	if (t->decoder == PL_DECODER_task) {
		put_task(c, depth, addr);
		return depth == 0 ? pl_awaitable_inner(c->o, c->v, addr) : 0;
	}
	news = !(addr & 7) && pl_addrset_add(&c->shown, addr);
	if (pl_generator_read(c->o, c->v, addr, &g)) {
		put_generator(c, depth, addr, &g);
		return news ? g.waits_for : 0;
	}
	put_other(c, depth, addr, t->name);
	return news ? pl_awaitable_inner(c->o, c->v, addr) : 0;
}

static void put_chain(struct chains *c, pl_addr first)
{
	pl_addr at = first;

	/* Ends at the latest where it comes to what was shown before. */
	for (uint64_t depth = 0; at && !pl_ctx_look(c->ctx, depth); depth++)
		at = put_step(c, depth, at);
	c->n++;
}

typedef void visit_fn(struct chains *c, pl_addr addr);

/* Calls tasks for every task and generators for every generator; either may be NULL. */
static int each(struct chains *c, visit_fn *tasks, visit_fn *generators, struct pl_ctx *ctx,
		struct pl_err *err)
{
	const struct pl_objects *o = c->o;

	for (size_t k = 0; k < o->n_segments; k++) {
		for (size_t i = 0; i < o->segments[k].n; i++) {
			pl_id id = o->segments[k].first + (pl_id)i;

			if (!(i & 0xffff) && pl_ctx_cancelled(ctx))
				return pl_ctx_cancel_err(err);
			if (tasks && pl_object_type(o, id)->decoder == PL_DECODER_task)
				tasks(c, o->addr[id]);
			if (generators && pl_object_type(o, id)->kind == PL_KIND_GENERATOR)
				generators(c, o->addr[id]);
		}
	}
	return 0;
}

static void chain_of_task(struct chains *c, pl_addr task)
{
	if (is_pending(c, task))
		put_chain(c, task);
}

static bool stands(const struct chains *c, pl_addr addr, struct pl_generator *g)
{
	return pl_generator_read(c->o, c->v, addr, g) && g->has_frame &&
	       g->state != PL_GENERATOR_RUNNING;
}

static void note_inner(struct chains *c, pl_addr addr)
{
	struct pl_generator g;

	for (pl_addr at = stands(c, addr, &g) ? g.waits_for : 0, n = 0; at && n < 8; n++) {
		if (!(at & 7))
			pl_addrset_add(&c->inner, at);
		at = pl_awaitable_inner(c->o, c->v, at);
	}
}

static void chain_of_outermost(struct chains *c, pl_addr addr)
{
	struct pl_generator g;

	if (!pl_addrset_has(&c->shown, addr) && !pl_addrset_has(&c->inner, addr) &&
	    stands(c, addr, &g))
		put_chain(c, addr);
}

/* What waits for each other in a circle, if a damaged core says so. */
static void chain_of_rest(struct chains *c, pl_addr addr)
{
	struct pl_generator g;

	if (!pl_addrset_has(&c->shown, addr) && stands(c, addr, &g))
		put_chain(c, addr);
}

int pl_put_suspended(const struct pl_objects *o, struct pl_view *v, size_t limit,
		     struct pl_ctx *ctx, struct pl_result *ret, struct pl_err *err)
{
	struct chains c = {.o = o, .v = v, .ctx = ctx, .limit = limit};
	int rc;

	c.t = pl_result_table(ret, "suspended", columns, PL_ARRAY_LEN(columns));
	pl_addrset_init(&c.shown);
	pl_addrset_init(&c.inner);
	rc = each(&c, chain_of_task, note_inner, ctx, err);
	if (!rc)
		rc = each(&c, NULL, chain_of_outermost, ctx, err);
	if (!rc)
		rc = each(&c, NULL, chain_of_rest, ctx, err);
	pl_addrset_fini(&c.shown);
	pl_addrset_fini(&c.inner);
	return rc;
}
