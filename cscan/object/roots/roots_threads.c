/*
 * roots_threads.c - what thread states hold (Include/cpython/pystate.h) and what the frames on
 * their stacks do: locals and evaluation stacks, exceptions, dicts, contexts, hooks.
 *
 * Up to 3.10 a thread owns frame objects and these own the rest; from 3.11 on the thread owns what
 * its frames hold. The locals of every frame are roots in both cases, because it is there that a
 * reader wants a chain to begin; those that another object owns are marked so.
 */
#include "object/roots/rootset.h"

#include <stdio.h>

#include "object/frames/threads.h"
#include "object/value/value.h"

#define MAX_NAME 256

/* One frame whose roots are being added. */
struct frame_roots {
	struct pl_rootset *s;
	const struct pl_pyframe *f;
	const char *name; /* "<frame handler app.py:33 thread 4242>" */
};

static void add_local(struct frame_roots *a, enum pl_root_kind kind, pl_addr target, bool owns,
		      const char *format, pl_addr str)
{
	char name[4 * MAX_NAME], accessor[4 * MAX_NAME + 16];

	pl_root_str(a->s, str, name, sizeof(name));
	snprintf(accessor, sizeof(accessor), format, name);
	pl_root_add(a->s, kind, target, accessor, owns, "%s", a->name);
}

/* The word of a local as it is, a cell where there is one. */
static pl_addr raw_local(struct frame_roots *a, uint32_t i)
{
	uint64_t word = 0;
	bool counted;

	pl_read64(&a->s->v, a->f->locals + 8 * (uint64_t)i, &word);
	return pl_stackref(a->s->o->l, word, &counted);
}

/* What the thread itself owns. A cell is not what the local's name stands for: its content is. */
static void add_owned(void *arg, const struct pl_edge *e)
{
	struct frame_roots *a = arg;
	bool owns = e->kind == PL_EDGE_STRONG;
	struct pl_root *root;
	char label[MAX_NAME];

	if (e->label == PL_L_LOCAL) {
		pl_id id = pl_objects_id(a->s->o, e->target);
		bool cell = id != PL_NO_ID && pl_object_type(a->s->o, id)->kind == PL_KIND_CELL;

		add_local(a, PL_ROOT_FRAME, e->target, owns, cell ? "<cell %s>" : ".%s", e->arg);
		return;
	}
	pl_label(a->s->o, &a->s->v, e, true, label, sizeof(label));
	/* A slot above a stack of unknown depth may hold what was there before. */
	root = pl_root_add(a->s, e->kind == PL_EDGE_NATIVE ? PL_ROOT_NATIVE : PL_ROOT_FRAME,
			   e->target, e->target == a->f->namespace ? "" : label, owns, "%s",
			   a->name);
	if (root)
		root->dict_is_namespace = e->target == a->f->namespace;
}

/* What the frame holds in its own name, whoever owns the frame. */
static void add_visible(struct frame_roots *a)
{
	const struct pl_layout *l = a->s->o->l;
	bool thread_owns = !a->f->generator && l->frame_style != PL_FRAME_OBJECT;
	enum pl_root_kind kind = a->f->generator ? PL_ROOT_GENERATOR : PL_ROOT_FRAME;

	for (uint32_t i = 0; i < a->f->n_locals; i++) {
		pl_addr value = pl_pyframe_local(a->s->o, &a->s->v, a->f, i);

		if (value && (!thread_owns || value != raw_local(a, i)))
			add_local(a, kind, value, false, ".%s",
				  pl_code_local_name(l, &a->s->v, a->f->code, i));
	}
	if (!thread_owns) {
		struct pl_root *root =
			pl_root_add(a->s, kind, a->f->namespace, "", false, "%s", a->name);

		if (root)
			root->dict_is_namespace = true;
	}
}

static void add_frame(struct pl_rootset *s, const struct pl_pyframe *f, const char *thread)
{
	char function[MAX_NAME], path[4 * MAX_NAME], line[16] = "?";
	char name[6 * MAX_NAME];
	struct frame_roots a = {s, f, name};

	pl_code_names(s->o->l, &s->v, f->code, function, sizeof(function), path, sizeof(path));
	if (f->line > 0)
		snprintf(line, sizeof(line), "%d", f->line);
	snprintf(name, sizeof(name), "<frame %s %s:%s %s>", function, pl_base_name(path), line,
		 thread);
	pl_pyframe_edges(s->o, &s->v, f, add_owned, &a);
	add_visible(&a);
}

/* PyThreadState members that own one object each. */
static void add_members(struct pl_rootset *s, pl_addr tstate, const char *thread)
{
	const struct pl_fields *f = &s->o->l->f;
	const struct {
		enum pl_root_kind kind;
		int32_t offset;
		const char *name;
	} members[] = {
		{PL_ROOT_EXCEPTION, f->thread_current_exception, ".raised"},
		{PL_ROOT_EXCEPTION, f->thread_curexc_value, ".raised"},
		{PL_ROOT_EXCEPTION, f->thread_curexc_type, ".raised_type"},
		{PL_ROOT_EXCEPTION, f->thread_curexc_tb, ".raised_traceback"},
		{PL_ROOT_EXCEPTION, f->thread_exc_value, ".handled"},
		{PL_ROOT_EXCEPTION, f->thread_exc_type, ".handled_type"},
		{PL_ROOT_EXCEPTION, f->thread_exc_tb, ".handled_traceback"},
		{PL_ROOT_EXCEPTION, f->thread_async_exc, ".async_exc"},
		{PL_ROOT_THREAD, f->thread_dict, ".dict"},
		{PL_ROOT_CONTEXT, f->thread_context, ".context"},
		{PL_ROOT_HOOK, f->thread_traceobj, ".trace"},
		{PL_ROOT_HOOK, f->thread_profileobj, ".profile"},
		{PL_ROOT_HOOK, f->thread_asyncgen_firstiter, ".asyncgen_firstiter"},
		{PL_ROOT_HOOK, f->thread_asyncgen_finalizer, ".asyncgen_finalizer"},
		{PL_ROOT_HOOK, f->thread_coroutine_wrapper, ".coroutine_wrapper"},
		{PL_ROOT_TASK, f->thread_running_loop, ".running_loop"},
		{PL_ROOT_TASK, f->thread_running_task, ".running_task"},
		{PL_ROOT_THREAD, f->thread_local_key, ".local_key"},
		{PL_ROOT_THREAD, f->thread_local_sentinel, ".local_sentinel"},
		{PL_ROOT_IMPORT, f->thread_lazy_imports, ".lazy_imports"},
	};

	for (size_t i = 0; i < PL_ARRAY_LEN(members); i++)
		pl_root_add(s, members[i].kind, pl_root_word(s, tstate, members[i].offset),
			    members[i].name, true, "<%s>", thread);
}

/*
 * The bottom of the stack of exceptions being handled is in the thread state (3.7 on); the other
 * entries are in generators, which own them.
 */
static void add_handled(struct pl_rootset *s, const struct pl_pythread *t, const char *thread)
{
	const struct pl_fields *f = &s->o->l->f;
	pl_addr bottom, value;

	if (!pl_has(f->thread_exc_state))
		return;
	bottom = t->tstate + (uint64_t)(int64_t)f->thread_exc_state;
	value = pl_root_word(s, bottom, f->excinfo_value);
	pl_root_add(s, PL_ROOT_EXCEPTION, value, ".handled", true, "<%s>", thread);
	pl_root_add(s, PL_ROOT_EXCEPTION, pl_root_word(s, bottom, f->excinfo_type), ".handled_type",
		    true, "<%s>", thread);
	pl_root_add(s, PL_ROOT_EXCEPTION, pl_root_word(s, bottom, f->excinfo_tb),
		    ".handled_traceback", true, "<%s>", thread);
	if (t->handled != value)
		pl_root_add(s, PL_ROOT_EXCEPTION, t->handled, ".handled", false, "<%s>", thread);
}

static void add_thread(struct pl_rootset *s, const struct pl_pythread *t)
{
	int32_t tasks = s->o->l->f.thread_asyncio_tasks;
	char thread[40], name[64];

	if (t->lwp)
		snprintf(thread, sizeof(thread), "thread %u", t->lwp);
	else
		snprintf(thread, sizeof(thread), "tstate 0x%llx", (unsigned long long)t->tstate);
	for (size_t i = 0; i < t->n_frames; i++)
		add_frame(s, &t->frames[i], thread);
	add_members(s, t->tstate, thread);
	add_handled(s, t, thread);
	if (pl_has(tasks)) {
		snprintf(name, sizeof(name), "<%s>.asyncio_tasks", thread);
		pl_roots_tasks(s, t->tstate + (uint64_t)tasks, name);
	}
}

int pl_roots_threads(struct pl_rootset *s, struct pl_ctx *ctx, struct pl_err *err)
{
	struct pl_pythread *threads;
	size_t n;
	int rc = pl_pythreads_new(s->o, ctx, &threads, &n, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		add_thread(s, &threads[i]);
		if (pl_ctx_cancelled(ctx)) {
			rc = pl_ctx_cancel_err(err);
			break;
		}
	}
	pl_pythreads_free(threads, n);
	return rc;
}
