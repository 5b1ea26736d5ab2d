/*
 * roots.c - the set of roots: what interpreters hold. Threads and frames are added by
 * roots_threads.c, the tables of the runtime by roots_runtime.c.
 */
#include "base/search.h"
#include "object/roots/rootset.h"

#include "object/value/value.h"

#define MAX_NAME 256
#define MAX_ATEXIT 65536
#define MAX_STATIC_TYPES 4096 /* records of an interpreter; 3.15 has 203 */

static const char *const kind_names[PL_N_ROOTS] = {
#define PL_ROOT(name, text) text,
#include "object/roots.def"
#undef PL_ROOT
};

const char *pl_root_kind_name(enum pl_root_kind k)
{
	return kind_names[k];
}

/* A dict whose names are the next step of a path: app.NAME. */
static void add_namespace(struct pl_rootset *s, enum pl_root_kind kind, pl_addr dict, bool owns,
			  const char *name)
{
	struct pl_root *root = pl_root_add(s, kind, dict, "", owns, "%s", name);

	if (root)
		root->dict_is_namespace = true;
}

/*
 * Each module of sys.modules stands for itself and for its dict. Neither is owned by the root: the
 * reference is that of sys.modules; they are where a reader wants a chain to begin.
 */
static void add_modules(struct pl_rootset *s, pl_addr modules)
{
	const struct pl_layout *l = s->o->l;
	struct pl_dict_iter it;
	pl_addr key, module;
	char name[4 * MAX_NAME];

	pl_root_add(s, PL_ROOT_IMPORT, modules, "", true, "sys.modules");
	if (!pl_dict_begin(l, &s->v, modules, &it))
		return;
	while (pl_dict_next(&it, &key, &module, NULL)) {
		pl_id id = pl_objects_id(s->o, module);

		pl_root_str(s, key, name, sizeof(name));
		pl_root_add(s, PL_ROOT_MODULE, module, "", false, "%s", name);
		if (id != PL_NO_ID && pl_object_type(s->o, id)->kind == PL_KIND_MODULE)
			add_namespace(s, PL_ROOT_MODULE, pl_root_word(s, module, l->f.module_dict),
				      false, name);
	}
}

/* PyInterpreterState members that own one object each (pycore_interp.h of each version). */
static void add_members(struct pl_rootset *s, pl_addr interp)
{
	const struct pl_fields *f = &s->o->l->f;
	const struct {
		enum pl_root_kind kind;
		int32_t offset;
		const char *name;
	} members[] = {
		{PL_ROOT_IMPORT, f->interp_modules_by_index, "<interpreter>.modules_by_index"},
		{PL_ROOT_IMPORT, f->interp_importlib, "<interpreter>.importlib"},
		{PL_ROOT_IMPORT, f->interp_import_func, "<interpreter>.import_func"},
		{PL_ROOT_IMPORT, f->interp_modules_reloading, "<interpreter>.modules_reloading"},
		{PL_ROOT_IMPORT, f->interp_lazy_import_func, "<interpreter>.lazy_import_func"},
		{PL_ROOT_IMPORT, f->interp_lazy_filter, "<interpreter>.lazy_imports_filter"},
		{PL_ROOT_IMPORT, f->interp_lazy_modules, "<interpreter>.lazy_modules"},
		{PL_ROOT_IMPORT, f->interp_lazy_pending, "<interpreter>.lazy_pending_submodules"},
		{PL_ROOT_SYS, f->interp_sysdict_copy, "<interpreter>.sysdict_copy"},
		{PL_ROOT_BUILTINS, f->interp_builtins_copy, "<interpreter>.builtins_copy"},
		{PL_ROOT_CODEC, f->interp_codec_path, "<codecs>.search_path"},
		{PL_ROOT_CODEC, f->interp_codec_cache, "<codecs>.search_cache"},
		{PL_ROOT_CODEC, f->interp_codec_errors, "<codecs>.error_registry"},
		{PL_ROOT_INTERPRETER, f->interp_dict, "<interpreter>.dict"},
		{PL_ROOT_INTERPRETER, f->interp_errnomap, "<interpreter>.errnomap"},
		{PL_ROOT_INTERPRETER, f->interp_warnings_filters, "<warnings>.filters"},
		{PL_ROOT_INTERPRETER, f->interp_warnings_once, "<warnings>.onceregistry"},
		{PL_ROOT_INTERPRETER, f->interp_warnings_default, "<warnings>.defaultaction"},
		{PL_ROOT_INTERPRETER, f->interp_warnings_context, "<warnings>.context"},
		{PL_ROOT_HOOK, f->interp_before_forkers, "<fork hooks>.before"},
		{PL_ROOT_HOOK, f->interp_after_forkers_parent, "<fork hooks>.after_in_parent"},
		{PL_ROOT_HOOK, f->interp_after_forkers_child, "<fork hooks>.after_in_child"},
		{PL_ROOT_HOOK, f->interp_audit_hooks, "<audit hooks>"},
	};

	for (size_t i = 0; i < PL_ARRAY_LEN(members); i++)
		pl_root_add(s, members[i].kind, pl_root_word(s, interp, members[i].offset), "",
			    true, "%s", members[i].name);
}

static void add_collector(struct pl_rootset *s, pl_addr state)
{
	const struct pl_layout *l = s->o->l;

	pl_root_add(s, PL_ROOT_GARBAGE, pl_root_word(s, state, l->f.gc_garbage), "", true,
		    "<gc.garbage>");
	pl_root_add(s, PL_ROOT_CALLBACK, pl_root_word(s, state, l->f.gc_callbacks), "", true,
		    "<gc.callbacks>");
}

/*
 * What lies in a file's data lives as long as the process: it was initialised with one reference.
 * From 3.12 on the dicts and subclasses of static builtin types are in the interpreter instead
 * (Objects/typeobject.c, managed_static_type_state).
 */
static void add_statics(struct pl_rootset *s, struct pl_ctx *ctx)
{
	for (size_t id = 0; id < s->o->n && !pl_ctx_look(ctx, id); id++) {
		if (s->o->flags[id] & PL_OBJ_STATIC) {
			bool type = pl_object_type(s->o, (pl_id)id)->is_type;
			int32_t index =
				type ? pl_types_find(s->o->types, &s->v, s->o->addr[id]) : -1;

			pl_root_add(s, PL_ROOT_STATIC, s->o->addr[id], "", true, "<static %s>",
				    index >= 0 ? pl_types_at(s->o->types, (uint32_t)index)->name
					       : pl_object_type(s->o, (pl_id)id)->name);
		}
	}
}

static void add_static_type_state(struct pl_rootset *s, pl_addr interp)
{
	const struct pl_fields *f = &s->o->l->f;
	const int32_t arrays[] = {f->interp_static_types, f->interp_ext_static_types};
	const uint32_t bytes[] = {s->o->l->w.interp_static_types,
				  s->o->l->w.interp_ext_static_types};

	if (s->o->l->static_types_style != PL_STATIC_PER_INTERP || f->managed_static_type_size <= 0)
		return;
	for (size_t a = 0; a < PL_ARRAY_LEN(arrays); a++) {
		uint64_t n = bytes[a] / (uint64_t)f->managed_static_type_size;

		for (uint64_t i = 0; pl_has(arrays[a]) && i < PL_MIN(n, MAX_STATIC_TYPES); i++) {
			pl_addr record = interp + (uint64_t)arrays[a] +
					 i * (uint64_t)f->managed_static_type_size;
			pl_addr type = pl_root_word(s, record, f->managed_static_type_type);
			int32_t index = type ? pl_types_find(s->o->types, &s->v, type) : -1;
			const char *name;

			if (index < 0)
				continue;
			name = pl_types_at(s->o->types, (uint32_t)index)->name;
			add_namespace(s, PL_ROOT_STATIC,
				      pl_root_word(s, record, f->managed_static_type_dict), true,
				      name);
			pl_root_add(s, PL_ROOT_STATIC,
				    pl_root_word(s, record, f->managed_static_type_subclasses),
				    ".__subclasses__", true, "%s", name);
		}
	}
}

static void add_interned(struct pl_rootset *s)
{
	for (size_t i = 0; i < s->o->n_interned; i++)
		pl_root_add(s, PL_ROOT_INTERNED, s->o->interned[i], "", true, "<interned>");
}

/*
 * Functions of atexit: a list of tuples from 3.14 on; before, an array of pointers to structs,
 * which is in the interpreter (3.10+) or in the module's state (Modules/atexitmodule.c).
 */
static void add_atexit(struct pl_rootset *s, const struct pl_interp *interp)
{
	const struct pl_fields *f = &s->o->l->f;
	pl_addr base = interp->addr, list, module, entry;
	int32_t at = f->interp_atexit_callbacks, at_n = f->interp_atexit_n;
	uint32_t n;

	if (!pl_has(at)) {
		if (!pl_dict_get(s->o->l, &s->v, interp->modules, "atexit", &module))
			return;
		base = pl_root_word(s, module, f->module_state);
		at = f->atexit_state_callbacks;
		at_n = f->atexit_state_n;
	}
	list = pl_root_word(s, base, at);
	if (!pl_has(at_n)) {
		pl_root_add(s, PL_ROOT_HOOK, list, "", true, "<atexit>");
		return;
	}
	n = (uint32_t)pl_root_word(s, base, at_n);
	for (uint32_t i = 0; i < PL_MIN(n, (uint32_t)MAX_ATEXIT); i++) {
		/* An entry that was unregistered is NULL. */
		if (!pl_read64(&s->v, list + 8 * (uint64_t)i, &entry))
			break;
		pl_root_add(s, PL_ROOT_HOOK, pl_root_word(s, entry, f->atexit_callback_func),
			    ".func", true, "<atexit>[%u]", i);
		pl_root_add(s, PL_ROOT_HOOK, pl_root_word(s, entry, f->atexit_callback_args),
			    ".args", true, "<atexit>[%u]", i);
		pl_root_add(s, PL_ROOT_HOOK, pl_root_word(s, entry, f->atexit_callback_kwargs),
			    ".kwargs", true, "<atexit>[%u]", i);
	}
}

/* By target, what borrows it last, best kind first; then by what it is called, so that the order
 * is always the same. */
static int by_target(const void *pa, const void *pb)
{
	const struct pl_root *a = pa, *b = pb;
	int names;

	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	if (a->borrows != b->borrows)
		return a->borrows ? 1 : -1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	names = strcmp(a->name, b->name);
	return names ? names : strcmp(a->accessor, b->accessor);
}

int pl_roots_new(struct pl_objects *o, struct pl_ctx *ctx, struct pl_roots **ret,
		 struct pl_err *err)
{
	struct pl_rootset s = {.o = o, .r = pl_calloc(1, sizeof(struct pl_roots))};
	pl_addr state = 0;
	int rc;

	pl_view_init(&s.v, o->im);
	pl_ctx_stage(ctx, "finding roots", 0);
	for (size_t i = 0; i < o->n_interps; i++) {
		const struct pl_interp *interp = &o->interps[i];

		add_modules(&s, interp->modules);
		add_namespace(&s, PL_ROOT_SYS, interp->sysdict, true, "sys");
		add_namespace(&s, PL_ROOT_BUILTINS, interp->builtins, true, o->l->builtins_module);
		add_members(&s, interp->addr);
		/* Up to 3.8 all interpreters share one collector. */
		if (interp->gc_state != state)
			add_collector(&s, interp->gc_state);
		state = interp->gc_state;
		add_static_type_state(&s, interp->addr);
		add_atexit(&s, interp);
		pl_roots_runtime(&s, interp->addr);
	}
	add_interned(&s);
	add_statics(&s, ctx);
	rc = pl_ctx_cancelled(ctx) ? pl_ctx_cancel_err(err) : pl_roots_threads(&s, ctx, err);
	s.r->at = s.list.at;
	s.r->n = s.list.n;
	if (s.r->n)
		qsort(s.r->at, s.r->n, sizeof(*s.r->at), by_target);
	pl_ctx_stage(ctx, NULL, 0);
	if (rc)
		pl_roots_free(s.r);
	else
		*ret = s.r;
	return rc;
}

void pl_roots_free(struct pl_roots *r)
{
	if (!r)
		return;
	free(r->at);
	pl_arena_fini(&r->names);
	free(r);
}

const struct pl_root *pl_roots_of(const struct pl_roots *r, pl_addr target, size_t *n)
{
	size_t first = PL_LOWER_BOUND(r->n, k, r->at[k].target < target);

	*n = 0;
	while (first + *n < r->n && r->at[first + *n].target == target &&
	       !r->at[first + *n].borrows)
		(*n)++;
	return *n ? &r->at[first] : NULL;
}
