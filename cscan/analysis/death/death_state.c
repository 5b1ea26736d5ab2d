/*
 * death_state.c - what the process was at when it died: a collection, a finalizer or destructor, a
 * signal handler, and for which object.
 *
 * Told by the names of functions of the stack; of tp_traverse and tp_dealloc by their addresses,
 * which the types themselves hold, so that a stripped extension's are known, too.
 */
#include <signal.h>
#include <stdio.h>

#include "analysis/death/death.h"

enum {
	MAX_NATIVE = 64,       /* calls whose functions are looked up in the types */
	MAX_STACK_WORDS = 512, /* of a call that are searched for its object */
	MAX_HANDLERS = 256,    /* 64 signals, in more interpreters than anybody has */
	MAX_TEXT = 300,
};

static bool is_interpreter(const struct pl_death *d, const struct pl_call *c)
{
	return d->l && c->native && c->native->module == d->l->module;
}

/* ---- which type's function is it ---- */

enum role { TRAVERSE, DEALLOC };

static pl_addr slot(const struct pl_type *t, enum role role)
{
	return role == TRAVERSE ? t->traverse : t->dealloc;
}

/*
 * The type whose tp_traverse or tp_dealloc a native call is: the one that has it from no base. Not
 * for what all classes of Python share.
 */
static const struct pl_type *type_of(const struct pl_death *d, const struct pl_call *c,
				     enum role role)
{
	pl_addr start = c->native->pc - c->native->offset;
	size_t n = d->o ? pl_types_count(d->o->types) : 0;

	for (size_t i = 0; c->native->symbol && i < n; i++) {
		const struct pl_type *t = pl_types_at(d->o->types, (uint32_t)i);
		int32_t base;

		if (slot(t, role) != start || t->python_class)
			continue;
		base = t->base ? pl_types_find(d->o->types, d->v, t->base) : -1;
		if (base < 0 || slot(pl_types_at(d->o->types, (uint32_t)base), role) != start)
			return t;
	}
	return NULL;
}

/* An object of that type to which a register or a word of the call's stack points. */
static pl_addr object_of(const struct pl_death *d, const struct pl_call *c,
			 const struct pl_type *type)
{
	pl_addr at = c->native->sp, end = c->native->end;

	for (size_t i = 0; i < d->fault.n_regs; i++) {
		if (pl_death_type(d, d->fault.regs[i]) == type)
			return d->fault.regs[i];
	}
	for (unsigned i = 0; i < MAX_STACK_WORDS && at < end; i++, at += 8) {
		uint64_t word;

		if (pl_read64(d->v, at, &word) && pl_death_type(d, word) == type)
			return word;
	}
	return 0;
}

/* In the thread that died, at its fault. */
static void put_native(struct pl_death *d)
{
	const struct pl_stack *s = &d->stacks[0];
	static const char *const kinds[] = {[TRAVERSE] = "traversed", [DEALLOC] = "destructor"};
	static const char *const texts[] = {
		[TRAVERSE] = "the collector asked", [DEALLOC] = "freeing"};
	bool told[2] = {false, false};
	unsigned looked_at = 0;

	for (size_t i = d->fault.call; i < s->n_calls && looked_at < MAX_NATIVE; i++) {
		const struct pl_call *c = &s->calls[i];

		looked_at += c->native != NULL;
		for (enum role role = TRAVERSE; c->native && role <= DEALLOC; role++) {
			const struct pl_type *t = told[role] ? NULL : type_of(d, c, role);
			char symbol[MAX_TEXT];
			pl_addr object;

			if (!t)
				continue;
			told[role] = true;
			pl_call_symbol(c, symbol, sizeof(symbol));
			object = object_of(d, c, t);
			if (object)
				pl_triage_conclusion(
					d->t, kinds[role], PL_LIKELY, "object",
					"%s in thread %u: %s a %s, most likely the one at 0x%llx",
					symbol, s->thread->lwp, texts[role], t->name,
					(unsigned long long)object);
			else
				pl_triage_evidence(d->t, kinds[role], "threads --native",
						   "%s in thread %u: %s a %s", symbol,
						   s->thread->lwp, texts[role], t->name);
		}
	}
}

/* ---- the three states ---- */

static void collection(struct pl_death *d)
{
	static const char *const names[] = {"collect",
					    "collect_main",
					    "collect_with_callback",
					    "collect_generations",
					    "gc_collect_main",
					    "gc_collect_region",
					    "gc_collect_young",
					    "gc_collect_increment",
					    "gc_collect_full",
					    "gc_collect_internal",
					    "gc_collect_generations",
					    "gc_collect_with_callback",
					    "_PyGC_Collect",
					    "_PyGC_CollectNoFail",
					    NULL};

	for (size_t i = 0; i < d->n_stacks; i++) {
		const struct pl_stack *s = &d->stacks[i];

		for (size_t k = 0; k < s->n_calls; k++) {
			if (!is_interpreter(d, &s->calls[k]) ||
			    !pl_call_is_any(&s->calls[k], names))
				continue;
			pl_triage_verdict(d->t, "in-collection", PL_CERTAIN,
					  "thread %u was collecting garbage", s->thread->lwp);
			return;
		}
	}
	if (d->o && d->o->collecting)
		pl_triage_verdict(d->t, "in-collection", PL_LIKELY,
				  "the interpreter says that it was collecting garbage");
}

static bool is_del(const struct pl_death *d, const struct pl_pyframe *f)
{
	char function[MAX_TEXT], file[MAX_TEXT];
	size_t n;

	pl_code_names(d->l, d->v, f->code, function, sizeof(function), file, sizeof(file));
	n = strlen(function);
	return n >= 7 && !strcmp(function + n - 7, "__del__") && (n == 7 || function[n - 8] == '.');
}

static void finalizer(struct pl_death *d)
{
	static const char *const names[] = {"slot_tp_finalize", "slot_tp_del",
					    "PyObject_CallFinalizer", NULL};

	for (size_t i = 0; i < d->n_stacks; i++) {
		const struct pl_stack *s = &d->stacks[i];

		for (size_t k = 0; k < s->n_calls; k++) {
			const struct pl_call *c = &s->calls[k];
			const struct pl_type *type;
			char where[2 * MAX_TEXT];

			if (c->python && is_del(d, c->python)) {
				pl_addr self = pl_pyframe_local(d->o, d->v, c->python, 0);

				type = pl_death_type(d, self);
				pl_death_python(d, c->python, where, sizeof(where));
				pl_triage_verdict(d->t, "in-finalizer", PL_CERTAIN,
						  "thread %u was in %.200s of a %.200s",
						  s->thread->lwp, where,
						  type ? type->name : "no known type");
				if (type)
					pl_triage_evidence(d->t, "destructor", "object",
							   "__del__ of the %s at 0x%llx",
							   type->name, (unsigned long long)self);
				return;
			}
			if (is_interpreter(d, c) && pl_call_is_any(c, names)) {
				pl_triage_verdict(d->t, "in-finalizer", PL_CERTAIN,
						  "thread %u was finalizing an object",
						  s->thread->lwp);
				return;
			}
		}
	}
}

/* A signal's handler in Python. */
struct handler {
	pl_addr code;
	unsigned sig;
};
struct handlers {
	struct handler at[MAX_HANDLERS];
	size_t n;
};

static void find_handlers(const struct pl_death *d, struct handlers *ret)
{
	struct pl_array all;

	ret->n = 0;
	for (size_t i = 0; d->o && i < d->o->n_interps; i++) {
		if (!pl_layout_signal_handlers(d->im, d->l, d->o->interps[i].addr, &all))
			continue;
		for (unsigned sig = 1; sig < all.n && ret->n < MAX_HANDLERS; sig++) {
			pl_addr function = pl_field_word(d->v, all.at + sig * all.stride, 0);
			const struct pl_type *type = pl_death_type(d, function);

			if (type && type->kind == PL_KIND_FUNCTION)
				ret->at[ret->n++] = (struct handler){
					pl_field_word(d->v, function, d->l->f.func_code), sig};
		}
	}
}

/* The number of the signal whose handler runs a frame's code, or 0. */
static unsigned handled_signal(const struct handlers *h, const struct pl_pyframe *f)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->at[i].code == f->code)
			return h->at[i].sig;
	}
	return 0;
}

static bool put_handler(struct pl_death *d, const struct handlers *h, const struct pl_stack *s,
			const struct pl_pyframe *f, bool called)
{
	unsigned sig = handled_signal(h, f);
	const char *name = sig ? sigabbrev_np((int)sig) : NULL;
	char where[2 * MAX_TEXT];

	if (!sig && !called)
		return false;
	pl_death_python(d, f, where, sizeof(where));
	pl_triage_verdict(d->t, "in-signal-handler", called ? PL_CERTAIN : PL_LIKELY,
			  "thread %u was in %.300s, the handler of %s%s", s->thread->lwp, where,
			  name ? "SIG" : "a signal", name ? name : "");
	return true;
}

static void signal_handler(struct pl_death *d)
{
	static const char *const names[] = {"_PyErr_CheckSignalsTstate", "_PyErr_CheckSignals",
					    "PyErr_CheckSignals", "handle_signals", NULL};
	struct handlers handlers;

	find_handlers(d, &handlers);
	for (size_t i = 0; i < d->n_stacks; i++) {
		const struct pl_stack *s = &d->stacks[i];
		const struct pl_pyframe *inside = NULL; /* the last Python call that was met */

		for (size_t k = 0; k < s->n_calls; k++) {
			const struct pl_call *c = &s->calls[k];

			if (inside && is_interpreter(d, c) && pl_call_is_any(c, names) &&
			    put_handler(d, &handlers, s, inside, true))
				return;
			if (c->python) {
				/* Without symbols: what the table of handlers says. */
				if (put_handler(d, &handlers, s, c->python, false))
					return;
				inside = c->python;
			}
		}
	}
}

void pl_death_state(struct pl_death *d)
{
	collection(d);
	finalizer(d);
	pl_death_handlers(d);
	signal_handler(d);
}

int pl_triage_handled(struct pl_triage *t, struct pl_err *err)
{
	struct pl_objects *o;
	int rc;

	if (!t->death || !t->death->l || !t->death->n_stacks)
		return 0;
	/* Only who has seen all objects knows all types. */
	rc = pl_session_census(t->session, &o, err);
	if (rc)
		return rc;
	t->death->o = o;
	put_native(t->death);
	return 0;
}
