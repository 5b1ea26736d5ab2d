/*
 * triage_memory.c - what fills the memory: the types, who holds them, how much of it is Python's,
 * and whether the collector was kept from its work.
 */
#include "analysis/triage/triage.h"

#include <stdio.h>

#include "session/collector.h"
#include "analysis/search/holders.h"
#include "base/addrset.h"
#include "base/say.h"
#include "object/frames/exceptions.h"
#include "object/frames/threads.h"

#define SHOWN_TYPES 5
#define LEAST_SHARE 0.02       /* of the bytes: a type with less fills nothing */
#define LEAST_OF_TYPE 0.05     /* of a type's objects: a path with fewer says nothing */
#define DOMINATES 0.3          /* of the bytes: who holds so much is named in a verdict */
#define LEAST_BYTES (1u << 20) /* a heap smaller than that is a program's own, not a leak's */

struct weight {
	uint32_t type;
	uint64_t objects, bytes;
	bool user; /* its class is the program's */
};

struct filling {
	struct pl_triage *t;
	struct pl_objects *o;
	const struct pl_roots *roots;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	struct weight *weights; /* by type index, then by weight */
	size_t n;
	uint64_t heap;             /* bytes of all objects */
	uint64_t dead[PL_N_LIVES]; /* bytes, by enum pl_life */
	struct pl_view v;
};

uint64_t pl_triage_heap_bytes(const struct pl_objects *o)
{
	uint64_t bytes = 0;
	struct pl_view v;

	pl_view_init(&v, o->im);
	for (size_t id = 0; id < o->n; id++) {
		if (!(o->flags[id] & PL_OBJ_STATIC))
			bytes += pl_object_size(o, &v, (pl_id)id);
	}
	return bytes;
}

/* ---- types ---- */

/* An instance's dict says less than the instance: a class of the program counts half as much again.
 */
static int by_weight(const void *pa, const void *pb, void *types)
{
	const struct weight *a = pa, *b = pb;
	uint64_t wa = a->bytes + (a->user ? a->bytes / 2 : 0);
	uint64_t wb = b->bytes + (b->user ? b->bytes / 2 : 0);

	if (wa != wb)
		return wa < wb ? 1 : -1;
	return strcmp(pl_types_at(types, a->type)->name, pl_types_at(types, b->type)->name);
}

static int weigh(struct filling *f, struct pl_err *err)
{
	f->n = pl_types_count(f->o->types);
	f->weights = pl_calloc(f->n + 1, sizeof(*f->weights));
	for (size_t i = 0; i < f->n; i++)
		f->weights[i] = (struct weight){
			.type = (uint32_t)i,
			.user = pl_types_at(f->o->types, (uint32_t)i)->python_class};
	for (size_t id = 0; id < f->o->n; id++) {
		struct weight *w = &f->weights[f->o->type[id]];
		uint64_t size;

		if (id % 4096 == 0 && pl_ctx_cancelled(f->t->ctx))
			return pl_ctx_cancel_err(err);
		if (f->o->flags[id] & PL_OBJ_STATIC)
			continue;
		size = pl_object_size(f->o, &f->v, (pl_id)id);
		w->objects++;
		w->bytes += size;
		f->heap += size;
		f->dead[f->lives->of[id]] += size;
	}
	if (f->n)
		qsort_r(f->weights, f->n, sizeof(*f->weights), by_weight, f->o->types);
	return 0;
}

static double percent(uint64_t part, uint64_t of)
{
	return of ? 100 * (double)part / (double)of : 0;
}

static void put_types(struct filling *f, struct pl_holders *h)
{
	for (size_t i = 0; i < PL_MIN(f->n, (size_t)SHOWN_TYPES); i++) {
		const struct weight *w = &f->weights[i];
		const char *name = pl_types_at(f->o->types, w->type)->name;
		char *path, where[1200], analysis[300];
		double share = 0;

		if ((double)w->bytes < LEAST_SHARE * (double)f->heap)
			break;
		path = pl_holders_of_type(h, w->type, w->objects, &share);
		if (path && share >= LEAST_OF_TYPE)
			snprintf(where, sizeof(where), "%.0f %% of them at %s", 100 * share, path);
		else
			snprintf(where, sizeof(where),
				 path ? "in many places" : "no root reaches them");
		snprintf(analysis, sizeof(analysis), "path %s", name);
		pl_triage_evidence(f->t, "type", analysis,
				   "%s: %s object%s, %s, %.0f %% of the bytes of all objects; %s",
				   name, PL_COUNT(w->objects), w->objects == 1 ? "" : "s",
				   PL_SIZE(w->bytes), percent(w->bytes, f->heap), where);
		free(path);
	}
}

/* ---- one holder of most ---- */

static const struct weight *weight_of(const struct filling *f, uint32_t type)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->weights[i].type == type)
			return &f->weights[i];
	}
	return NULL;
}

static void put_owner(struct filling *f, struct pl_holders *h)
{
	uint32_t shape = f->heap < LEAST_BYTES ? UINT32_MAX : pl_holders_owner(h, DOMINATES);
	const struct weight *w;
	const char *type;
	double share;
	pl_node node;
	char *path;

	if (shape == UINT32_MAX || h->shapes.at.at[shape].length < 2)
		return;
	node = pl_holders_node(h, shape);
	share = h->below[shape] / h->total;
	path = pl_holders_path(h, shape);
	type = pl_object_type(f->o, node)->name;
	w = weight_of(f, f->o->type[node]);
	pl_triage_verdict(f->t, "memory-dominated",
			  share >= 0.75  ? PL_CERTAIN
			  : share >= 0.5 ? PL_LIKELY
					 : PL_POSSIBLE,
			  "%.0f %% of the bytes of all objects hang off %s: %s, of which there are "
			  "%s",
			  100 * share, path, type, PL_COUNT(w ? w->objects : 0));
	pl_heapsign_word(&f->t->heap, "path");
	pl_heapsign_path(&f->t->heap, path);
	pl_heapsign_word(&f->t->heap, "type");
	pl_heapsign_word(&f->t->heap, type);
	free(path);
}

/* ---- Python's part ---- */

static void put_native(struct filling *f)
{
	const struct pl_span *spans;
	uint64_t present = 0;
	size_t n;

	spans = pl_image_spans(f->o->im, &n);
	for (size_t i = 0; i < n; i++) {
		if (spans[i].source == PL_SPAN_CORE && spans[i].prot & PL_PROT_WRITE &&
		    spans[i].module < 0)
			present += spans[i].hi - spans[i].lo;
	}
	if (present)
		pl_triage_evidence(f->t, "native-bytes", "info",
				   "Python objects account for %s of the %s of writable anonymous "
				   "memory in the core (%.0f %%); C code, stacks and what the "
				   "allocators keep have the rest",
				   PL_SIZE(f->heap), PL_SIZE(present), percent(f->heap, present));
}

/* How the two listings agree, which all that is said of objects rests on. */
static void put_objects(struct filling *f)
{
	const struct pl_object_tally *c = &f->o->tally;
	uint64_t missing = f->o->heap_tally.missing_bytes;

	pl_triage_evidence(f->t, "coverage", "info",
			   "%s objects of %s were found; of %s that the collector tracks %s are in "
			   "blocks of the allocators as well%s%s%s",
			   PL_COUNT(f->o->n), PL_SIZE(f->o->total_size), PL_COUNT(c->in_lists),
			   PL_COUNT(c->from_gc_lists), missing ? "; the core lacks " : "",
			   missing ? PL_SIZE(missing) : "", missing ? " of the heap" : "");
}

/* ---- memory that ran out before ---- */

/* The exceptions of the chains that threads raise or handle: those were told. */
static int find_at_hand(struct filling *f, struct pl_addrset *ret, struct pl_err *err)
{
	struct pl_pythread *threads;
	size_t n;
	int rc = pl_pythreads_new(f->o, f->t->ctx, &threads, &n, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < 2 * n; i++) {
		pl_addr first = i % 2 ? threads[i / 2].handled : threads[i / 2].raised;
		struct pl_exception *chain;
		size_t length = pl_exception_chain(f->o, &f->v, first, f->t->ctx, &chain);

		for (size_t k = 0; k < length; k++)
			pl_addrset_add(ret, chain[k].addr);
		free(chain);
	}
	pl_pythreads_free(threads, n);
	return 0;
}

/* Those that an object holds; not those that only the interpreter keeps for when it needs one. */
static void count_memory_errors(struct filling *f, const bool *of_kind,
				const struct pl_addrset *at_hand)
{
	const char *example = NULL;
	char analysis[300];
	uint64_t kept = 0, edges;

	for (size_t id = 0; id < f->o->n && !pl_ctx_look(f->t->ctx, id); id++) {
		if (!of_kind[f->o->type[id]] || !pl_graph_in(f->g, (pl_node)id, &edges) || !edges ||
		    pl_addrset_has(at_hand, f->o->addr[id]))
			continue;
		example = pl_object_type(f->o, (pl_id)id)->name;
		kept++;
	}
	if (!kept || pl_ctx_cancelled(f->t->ctx))
		return;
	snprintf(analysis, sizeof(analysis), "referrers %s", example);
	pl_triage_evidence(f->t, "out-of-memory", analysis,
			   "objects hold %s instance%s of MemoryError or of classes derived from "
			   "it: of a lack of memory that was survived",
			   PL_COUNT(kept), kept == 1 ? "" : "s");
}

static int put_memory_errors(struct filling *f, struct pl_err *err)
{
	bool *of_kind = pl_calloc(f->n + 1, sizeof(*of_kind)), any = false;
	struct pl_addrset at_hand;
	int rc = 0;

	for (size_t i = 0; i < f->n; i++) {
		uint32_t type = f->weights[i].type;

		of_kind[type] =
			f->weights[i].objects &&
			pl_is_memory_error(f->o, &f->v, pl_types_at(f->o->types, type)->addr);
		any |= of_kind[type];
	}
	pl_addrset_init(&at_hand);
	if (any)
		rc = find_at_hand(f, &at_hand, err);
	if (any && !rc)
		count_memory_errors(f, of_kind, &at_hand);
	pl_addrset_fini(&at_hand);
	free(of_kind);
	return rc;
}

/* ---- the collector ---- */

static void put_off(struct filling *f, const char *off)
{
	uint64_t objects = f->lives->objects[PL_UNREACHABLE], bytes = f->dead[PL_UNREACHABLE];

	if (!f->o->collecting && pl_triage_much(objects, bytes, f->heap))
		pl_triage_verdict(f->t, "gc-disabled", PL_CERTAIN,
				  "%s: a collection would free %s dead objects of %s", off,
				  PL_COUNT(objects), PL_SIZE(bytes));
	pl_triage_evidence(f->t, "gc-state", "gc",
			   "no automatic collection: %s; dead objects that one would free: %s, %s",
			   off, PL_COUNT(objects), PL_SIZE(bytes));
}

static void put_frozen(struct filling *f, uint64_t frozen)
{
	uint64_t objects = f->lives->objects[PL_FROZEN], bytes = f->dead[PL_FROZEN];

	if (pl_triage_much(objects, bytes, f->heap))
		pl_triage_verdict(f->t, "gc-frozen", PL_CERTAIN,
				  "gc.freeze() keeps %s dead objects of %s from being collected",
				  PL_COUNT(objects), PL_SIZE(bytes));
	pl_triage_evidence(f->t, "gc-state", "types --generation permanent",
			   "gc.freeze() took %s objects from the collector; dead ones among them: "
			   "%s, %s",
			   PL_COUNT(frozen), PL_COUNT(objects), PL_SIZE(bytes));
}

static void put_collector(struct filling *f, const struct pl_collector *c, bool *frozen_told)
{
	const char *off = pl_collector_off(c);
	uint64_t frozen = c->n_lists > 3 ? f->o->list_counts[c->interp - f->o->interps][3] : 0;

	if (off)
		put_off(f, off);
	/* From 3.12 on the interpreter freezes nothing by itself, but immortal objects may be
	 * there: what counts are the dead. */
	if (frozen && f->lives->objects[PL_FROZEN] && !*frozen_told) {
		put_frozen(f, frozen);
		*frozen_told = true;
	}
	if (pl_collector_saves(c))
		pl_triage_evidence(f->t, "gc-state", "gc",
				   "gc.DEBUG_SAVEALL is set: what is collected goes to gc.garbage "
				   "instead of being freed");
}

static void put_collectors(struct filling *f)
{
	struct pl_collector *collectors;
	bool frozen_told = false;
	size_t n = pl_collectors(f->o, &f->v, &collectors);

	for (size_t i = 0; i < n; i++)
		put_collector(f, &collectors[i], &frozen_told);
	free(collectors);
}

static int put_holders(struct filling *f, struct pl_err *err)
{
	struct pl_holders h;
	int rc = pl_holders_init(&h, f->o, f->roots, f->g, f->t->ctx, err);

	if (!rc) {
		put_owner(f, &h);
		put_types(f, &h);
	}
	pl_holders_fini(&h);
	return rc || !pl_ctx_cancelled(f->t->ctx) ? rc : pl_ctx_cancel_err(err);
}

int pl_triage_memory(struct pl_triage *t, struct pl_err *err)
{
	struct filling f = {.t = t};
	int rc = pl_session_references(t->session, &f.o, &f.roots, &f.g, err);

	if (!rc)
		rc = pl_session_lives(t->session, &f.lives, err);
	if (rc)
		return rc;
	pl_view_init(&f.v, f.o->im);
	rc = weigh(&f, err);
	if (!rc)
		rc = put_holders(&f, err);
	if (!rc)
		rc = put_memory_errors(&f, err);
	if (!rc) {
		put_objects(&f);
		put_native(&f);
		put_collectors(&f);
	}
	free(f.weights);
	return rc;
}
