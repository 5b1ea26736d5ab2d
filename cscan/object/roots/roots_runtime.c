/*
 * roots_runtime.c - tables of the runtime that hold objects: the cache of attributes of types,
 * pending calls, handlers of signals, callbacks of monitoring, asyncio's list of tasks.
 *
 * Where they are is known by layout/; here is what of it is owned.
 */
#include "object/roots/rootset.h"
#include "object/value/value.h"

#define MAX_TOOLS 8   /* PY_MONITORING_TOOL_IDS, 3.12 to 3.15 */
#define MAX_EVENTS 64 /* of a tool; 3.15 has 19 */

static bool is_object(const struct pl_rootset *s, pl_addr target)
{
	return target && !(target & 7) && pl_objects_id(s->o, target) != PL_NO_ID;
}

/*
 * An entry owns its name and borrows the value: it is the type's dict that keeps that, and when the
 * type has changed, nobody (Objects/typeobject.c, update_cache()).
 */
static void add_type_cache(struct pl_rootset *s, pl_addr interp)
{
	const struct pl_fields *f = &s->o->l->f;
	struct pl_array cache;

	if (!pl_layout_type_cache(s->o->im, s->o->l, interp, &cache))
		return;
	for (uint64_t i = 0; i < cache.n; i++) {
		pl_addr entry = cache.at + i * cache.stride;
		pl_addr value = pl_root_word(s, entry, f->typecache_value);

		pl_root_add(s, PL_ROOT_CACHE, pl_root_word(s, entry, f->typecache_name), ".name",
			    true, "<type cache>");
		if (is_object(s, value))
			pl_root_add(s, PL_ROOT_CACHE, value, ".value", false, "<type cache>")
				->borrows = true;
	}
}

/*
 * The argument of a pending call is whatever its function expects: an object often, and whether the
 * call owns it only the function knows (Python/ceval.c, Py_AddPendingCall(); ceval_gil.c).
 */
static void add_pending(struct pl_rootset *s, pl_addr interp)
{
	struct pl_pending rings[2];
	unsigned n = pl_layout_pending(s->o->im, s->o->l, interp, rings);
	unsigned long number = 0;

	for (unsigned r = 0; r < n; r++) {
		const struct pl_pending *p = &rings[r];

		for (uint64_t i = 0; i < p->n; i++, number++) {
			pl_addr call = p->calls.at + (p->first + i) % p->calls.n * p->calls.stride;
			pl_addr arg = pl_root_word(s, call, 8);

			if (is_object(s, arg))
				pl_root_add(s, PL_ROOT_PENDING, arg, ".arg", false,
					    "<pending calls>[%lu]", number);
		}
	}
}

/* Signals without a handler of Python's have an int, or None: they are all one to a reader. */
static void add_signals(struct pl_rootset *s, pl_addr interp)
{
	struct pl_array handlers;

	if (!pl_layout_signal_handlers(s->o->im, s->o->l, interp, &handlers))
		return;
	for (uint64_t i = 0; i < handlers.n; i++) {
		pl_addr handler = pl_root_word(s, handlers.at + i * handlers.stride, 0);
		pl_id id = handler ? pl_objects_id(s->o, handler) : PL_NO_ID;
		uint8_t kind;

		if (id == PL_NO_ID)
			continue;
		kind = pl_object_type(s->o, id)->kind;
		if (kind == PL_KIND_INT || kind == PL_KIND_INT27 || kind == PL_KIND_NONE)
			pl_root_add(s, PL_ROOT_HOOK, handler, "[*]", true, "<signal handlers>");
		else
			pl_root_add(s, PL_ROOT_HOOK, handler, "", true, "<signal handlers>[%llu]",
				    (unsigned long long)i);
	}
}

/* sys.monitoring: callables of each tool for each event, and the tools' names (3.12 on). */
static void add_monitoring(struct pl_rootset *s, pl_addr interp)
{
	const struct pl_layout *l = s->o->l;
	unsigned events = PL_MIN(l->w.interp_monitoring_callables / (8 * MAX_TOOLS), MAX_EVENTS);

	for (unsigned i = 0; pl_has(l->f.interp_monitoring_callables) && i < MAX_TOOLS * events;
	     i++)
		pl_root_add(
			s, PL_ROOT_HOOK,
			pl_root_word(s, interp + 8 * (uint64_t)i, l->f.interp_monitoring_callables),
			"", true, "<monitoring>.callables[%u][%u]", i / events, i % events);
	for (unsigned i = 0; i < MAX_TOOLS; i++)
		pl_root_add(s, PL_ROOT_HOOK,
			    pl_root_word(s, interp + 8 * (uint64_t)i, l->f.interp_monitoring_names),
			    "", true, "<monitoring>.tool_names[%u]", i);
}

/*
 * A list that runs through the tasks themselves and owns none of them; a task leaves it when it is
 * done or dies (Modules/_asynciomodule.c, register_task(), 3.14 on; pycore_llist.h).
 */
void pl_roots_tasks(struct pl_rootset *s, pl_addr list, const char *name)
{
	int32_t at = s->o->l->f.task_node;
	uint64_t node = 0, previous = list;

	if (!pl_has(at) || !pl_read64(&s->v, list, &node))
		return;
	for (size_t i = 0; node != list && i < s->o->n; i++) {
		pl_addr task = node - (uint64_t)at;
		uint64_t back = 0;

		if (!is_object(s, task) || !pl_read64(&s->v, node + 8, &back) || back != previous)
			return;
		pl_root_add(s, PL_ROOT_TASK, task, "", false, "%s[%zu]", name, i)->borrows = true;
		previous = node;
		if (!pl_read64(&s->v, node, &node))
			return;
	}
}

void pl_roots_runtime(struct pl_rootset *s, pl_addr interp)
{
	const struct pl_fields *f = &s->o->l->f;

	add_type_cache(s, interp);
	add_pending(s, interp);
	add_signals(s, interp);
	add_monitoring(s, interp);
	if (pl_has(f->interp_asyncio_tasks))
		pl_roots_tasks(s, interp + (uint64_t)f->interp_asyncio_tasks,
			       "<interpreter>.asyncio_tasks");
}
