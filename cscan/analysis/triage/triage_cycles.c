/*
 * triage_cycles.c - what is dead and still there: cycles, and objects that count references which
 * nobody holds.
 *
 * Some dead objects always wait for the next collection, so few of them are no verdict. What a
 * collection would never free is one from a handful on. While a collection is on, its own lists
 * hold what it found: then nothing is concluded from what is dead.
 */
#include "analysis/triage/triage.h"

#include <stdio.h>

#include "analysis/search/reason.h"
#include "session/refsum.h"
#include "analysis/search/ringgroups.h"
#include "base/bits.h"
#include "base/say.h"

#define SHOWN 3             /* shapes of cycles, types held from C */
#define LEAST_UNCOLLECTED 5 /* objects that no collection frees, for a verdict */
#define LEAST_TOLD 100      /* objects that wait for the next collection, for a line */
#define LEAST_HELD 5        /* objects of one class of the program, held from C */
#define LEAST_HELD_C 1000   /* of one C type: their own code keeps some for good reasons */
#define LIKELY_HELD 100     /* of the program's: no accident */

struct dead {
	uint64_t objects, bytes;
};

/* Of one type: what no collection frees, and what one would. */
struct dead_type {
	uint64_t bytes[2];
};

/* References of one type that nothing holds. */
struct held {
	uint32_t type;
	uint64_t objects, bytes, surplus;
	pl_node example;
};

struct looking {
	struct pl_triage *t;
	struct pl_objects *o;
	const struct pl_roots *roots;
	const struct pl_graph *g;
	const struct pl_lives *lives;
	const struct pl_rings *rings;
	struct pl_reasons reasons;
	struct pl_ringgroups groups;
	struct dead by_reason[PL_N_REASONS];
	uint64_t judged[PL_N_REASONS]; /* objects, without what only hangs off them */
	pl_node example[PL_N_REASONS];
	struct dead_type *by_type;
	uint64_t heap;
	struct pl_view v;
};

/* ---- what is dead ---- */

static bool is_dead(enum pl_life life)
{
	return life != PL_LIVES && life != PL_HELD;
}

/* No collection frees these, whenever it comes. */
static bool is_uncollectable(enum pl_reason_kind kind)
{
	switch (kind) {
	case PL_REASON_IN_GARBAGE:
	case PL_REASON_DEL27:
	case PL_REASON_GENERATOR27:
	case PL_REASON_TP_DEL:
	case PL_REASON_OMITS:
	case PL_REASON_NOT_GC:
		return true;
	default:
		return false;
	}
}

static int sum_dead(struct looking *s, struct pl_err *err)
{
	for (pl_node id = 0; id < s->lives->n; id++) {
		enum pl_reason_kind kind;
		uint64_t size;

		if (id % 4096 == 0 && pl_ctx_cancelled(s->t->ctx))
			return pl_ctx_cancel_err(err);
		if (!is_dead(s->lives->of[id]))
			continue;
		kind = pl_reason_of(&s->reasons, id).kind;
		if (s->o->flags[id] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT) ||
		    pl_bits_has(s->rings->member, id))
			s->judged[kind]++;
		if (!s->by_reason[kind].objects++)
			s->example[kind] = id;
		size = pl_object_size(s->o, &s->v, id);
		s->by_reason[kind].bytes += size;
		s->by_type[s->o->type[id]].bytes[!is_uncollectable(kind)] += size;
	}
	return 0;
}

/* The class of the program with most bytes among them; any type when there is none. */
static const char *main_type(const struct looking *s, bool uncollectable)
{
	const struct pl_type *best = NULL;
	uint64_t most = 0;

	for (int user = 1; user >= 0 && !best; user--) {
		for (size_t i = 0; i < pl_types_count(s->o->types); i++) {
			const struct pl_type *type = pl_types_at(s->o->types, (uint32_t)i);
			uint64_t bytes = s->by_type[i].bytes[!uncollectable];

			if (bytes > most && type->python_class == user) {
				best = type;
				most = bytes;
			}
		}
	}
	return best ? best->name : "?";
}

static struct dead sum_of(const struct looking *s, bool uncollectable)
{
	struct dead sum = {0, 0};

	for (enum pl_reason_kind kind = 0; kind < PL_N_REASONS; kind++) {
		if (is_uncollectable(kind) != uncollectable)
			continue;
		sum.objects += s->by_reason[kind].objects;
		sum.bytes += s->by_reason[kind].bytes;
	}
	return sum;
}

/* The reason of most of them, in words. */
static enum pl_reason_kind main_reason(struct looking *s, bool uncollectable, char *buf, size_t cap)
{
	enum pl_reason_kind best = PL_REASON_NONE;
	uint64_t most = 0;

	for (enum pl_reason_kind kind = 0; kind < PL_N_REASONS; kind++) {
		if (is_uncollectable(kind) == uncollectable && s->judged[kind] > most) {
			best = kind;
			most = s->judged[kind];
		}
	}
	snprintf(buf, cap, "the next collection frees them");
	if (best != PL_REASON_NONE)
		pl_reason_text(&s->reasons, pl_reason_of(&s->reasons, s->example[best]), buf, cap);
	return best;
}

static void judge_uncollectable(struct looking *s)
{
	struct dead sum = sum_of(s, true);
	enum pl_reason_kind kind;
	char why[300];

	if (!sum.objects || (s->o->collecting && !s->by_reason[PL_REASON_IN_GARBAGE].objects))
		return;
	kind = main_reason(s, true, why, sizeof(why));
	pl_triage_evidence(s->t, "uncollectable", "uncollectable",
			   "no collection frees %s dead objects of %s; most of them: %s",
			   PL_COUNT(sum.objects), PL_SIZE(sum.bytes), why);
	if (sum.objects < LEAST_UNCOLLECTED)
		return;
	s->t->found |= PL_FOUND_UNCOLLECTABLE;
	pl_triage_verdict(s->t, "leak-uncollectable",
			  kind == PL_REASON_OMITS || kind == PL_REASON_NOT_GC ? PL_LIKELY
									      : PL_CERTAIN,
			  "%s dead objects of %s can never be collected: %s", PL_COUNT(sum.objects),
			  PL_SIZE(sum.bytes), why);
}

/* Nothing hinders the next collection: then a thousand or two are what always waits for it. */
static bool is_late(const struct dead *sum, uint64_t heap)
{
	return sum->objects > 10000 || (sum->bytes > heap / 10 && sum->objects > 1000);
}

/* True when there are so many that the biggest cycles are worth their lines. */
static bool judge_unreachable(struct looking *s)
{
	struct dead sum = sum_of(s, false);
	enum pl_reason_kind kind;
	char why[300];
	bool much;

	if (!sum.objects || s->o->collecting)
		return false;
	kind = main_reason(s, false, why, sizeof(why));
	much = kind == PL_REASON_NONE ? is_late(&sum, s->heap)
				      : pl_triage_much(sum.objects, sum.bytes, s->heap);
	if (!much && sum.objects < LEAST_TOLD)
		return false;
	pl_triage_evidence(s->t, "unreachable", "cycles --unreachable",
			   "dead and not collected yet: %s objects of %s; %s",
			   PL_COUNT(sum.objects), PL_SIZE(sum.bytes), why);
	/* That the collector was kept from its work is a verdict of its own: triage_memory.c. */
	if (much && kind != PL_REASON_DISABLED && kind != PL_REASON_THRESHOLD &&
	    kind != PL_REASON_FROZEN)
		pl_triage_verdict(
			s->t, "leak-unreachable", kind == PL_REASON_NONE ? PL_POSSIBLE : PL_LIKELY,
			"%s objects of %s are dead and not collected, %s before all: %s",
			PL_COUNT(sum.objects), PL_SIZE(sum.bytes), main_type(s, false), why);
	return much;
}

/* ---- cycles ---- */

static bool is_dead_ring(void *arg, uint32_t ring)
{
	const struct looking *s = arg;

	return is_dead(s->rings->life[ring]);
}

static bool is_much(const struct looking *s, const struct pl_ringgroup *g)
{
	pl_node first = s->rings->first[g->example];

	return is_uncollectable(pl_reason_of((struct pl_reasons *)&s->reasons, first).kind)
		       ? g->objects >= LEAST_UNCOLLECTED
		       : pl_triage_much(g->objects, g->retained, s->heap);
}

static int by_name(const void *pa, const void *pb)
{
	return strcmp(*(const char *const *)pa, *(const char *const *)pb);
}

static void sign(struct looking *s, uint32_t ring)
{
	uint32_t n;
	pl_node *members = pl_rings_members(s->rings, s->g, ring, s->reasons.scratch, &n);
	const char **names = pl_calloc(n, sizeof(*names));

	for (uint32_t i = 0; i < n; i++)
		names[i] = pl_object_type(s->o, members[i])->name;
	qsort(names, n, sizeof(*names), by_name);
	pl_heapsign_word(&s->t->heap, "cycle");
	pl_heapsign_word(&s->t->heap, pl_life_name(s->rings->life[ring]));
	for (uint32_t i = 0; i < n; i++) {
		if (!i || strcmp(names[i], names[i - 1]))
			pl_heapsign_word(&s->t->heap, names[i]);
	}
	free(names);
	free(members);
}

static void put_group(struct looking *s, const struct pl_ringgroup *g)
{
	const struct pl_ringspell spell = {s->o, s->g, s->rings, &s->v, s->reasons.scratch};
	char edges[512], verdict[300], analysis[300];
	char *shape = pl_ringgroup_shape(&spell, g->example, edges, sizeof(edges));
	char *first = pl_strndup(shape, strcspn(shape, " "));

	pl_reason_verdict(&s->reasons, g->example, verdict, sizeof(verdict));
	snprintf(analysis, sizeof(analysis), "cycles --match %s", first);
	pl_triage_evidence(s->t, "cycle", analysis,
			   "%s cycles of %s objects, which keep %s: %s; %s; by %s",
			   PL_COUNT(g->cycles), PL_COUNT(g->objects), PL_SIZE(g->retained), shape,
			   verdict, edges);
	free(first);
	free(shape);
}

/* all: shapes that are no verdict by themselves are shown too. */
static int put_cycles(struct looking *s, bool all, struct pl_err *err)
{
	int rc = pl_ringgroups_init(&s->groups, s->o, s->g, s->rings, is_dead_ring, s, err);
	unsigned shown = 0;

	if (rc)
		return rc;
	pl_ringgroups_sort(&s->groups, s->rings);
	for (size_t i = 0; i < s->groups.at.n && shown < SHOWN; i++) {
		bool much = is_much(s, &s->groups.at.at[i]);

		if (!much && !all)
			continue;
		if (!shown++ && much)
			sign(s, s->groups.at.at[i].example);
		put_group(s, &s->groups.at.at[i]);
	}
	return 0;
}

/* ---- held from C ---- */

static void weigh_held(struct looking *s, const struct pl_refsum *found, pl_node id,
		       struct held *held)
{
	struct held *h = &held[s->o->type[id]];
	uint64_t refcount;
	int64_t surplus;

	if (pl_refsum_static(s->o, id) ||
	    !pl_refsum_surplus(s->o, &s->v, found, id, &refcount, &surplus) || surplus <= 0)
		return;
	if (!h->objects++)
		h->example = id;
	h->bytes += pl_object_size(s->o, &s->v, id);
	h->surplus += (uint64_t)surplus;
}

/* Worth a search through C memory? And, after it, a verdict? */
static bool is_leak(const struct looking *s, const struct held *h)
{
	bool user = pl_types_at(s->o->types, h->type)->python_class;

	return h->objects >= (user ? LEAST_HELD : LEAST_HELD_C);
}

static struct held *weigh_all(struct looking *s, const struct pl_refsum *found)
{
	size_t n = pl_types_count(s->o->types);
	struct held *held = pl_calloc(n + 1, sizeof(*held));

	for (size_t i = 0; i < n; i++)
		held[i].type = (uint32_t)i;
	for (pl_node id = 0; id < s->lives->n && !pl_ctx_look(s->t->ctx, id); id++)
		weigh_held(s, found, id, held);
	return held;
}

static int by_bytes(const void *pa, const void *pb)
{
	const struct held *a = pa, *b = pb;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return a->type < b->type ? -1 : a->type > b->type;
}

static enum pl_confidence how_sure(uint64_t objects)
{
	return objects >= LIKELY_HELD ? PL_LIKELY : PL_POSSIBLE;
}

static void put_held(struct looking *s, struct held *held, size_t n)
{
	uint64_t objects = 0, bytes = 0, shown = 0;
	const char *first = NULL;

	qsort(held, n, sizeof(*held), by_bytes);
	for (size_t i = 0; i < n; i++) {
		const char *name = pl_types_at(s->o->types, held[i].type)->name;
		char analysis[300];

		if (!is_leak(s, &held[i]))
			continue;
		objects += held[i].objects;
		bytes += held[i].bytes;
		if (!first)
			first = name;
		if (shown++ >= SHOWN)
			continue;
		snprintf(analysis, sizeof(analysis), "refcounts --match %s", name);
		pl_triage_conclusion(
			s->t, "held-from-c", how_sure(held[i].objects), analysis,
			"%s: %s objects count %s references that neither an object, nor a "
			"root, nor a word of C memory holds; one is at 0x%llx",
			name, PL_COUNT(held[i].objects), PL_COUNT(held[i].surplus),
			(unsigned long long)s->o->addr[held[i].example]);
	}
	if (!first)
		return;
	s->t->found |= PL_FOUND_UNCOLLECTABLE; /* as `uncollectable` says of them */
	pl_triage_verdict(s->t, "leak-held-from-c", how_sure(objects),
			  "C code never gave back references to %s objects of %s, most of "
			  "them %s",
			  PL_COUNT(objects), PL_SIZE(bytes), first);
}

static int judge_held(struct looking *s, struct pl_err *err)
{
	size_t n = pl_types_count(s->o->types);
	const struct pl_strays *strays;
	struct pl_refsum found;
	struct held *held;
	bool any = false;
	int rc = pl_session_strays(s->t->session, &strays, err);

	/* What was not found may be among the references that were not looked at. */
	if (rc || strays->cut)
		return rc;
	rc = pl_refsum_of_graph(s->o, s->roots, s->g, &found, err);
	if (rc)
		return rc;
	held = weigh_all(s, &found);
	for (size_t i = 0; i < n; i++)
		any |= is_leak(s, &held[i]);
	if (pl_ctx_cancelled(s->t->ctx))
		rc = pl_ctx_cancel_err(err);
	if (any && !rc) {
		free(held);
		held = NULL;
		rc = pl_refsum_words(s->o, s->g, &found, s->t->ctx, err);
		if (!rc) {
			held = weigh_all(s, &found);
			if (pl_ctx_cancelled(s->t->ctx))
				rc = pl_ctx_cancel_err(err);
			else
				put_held(s, held, n);
		}
	}
	free(held);
	pl_refsum_fini(&found);
	return rc;
}

static int look(struct looking *s, struct pl_err *err)
{
	bool much;
	int rc = sum_dead(s, err);

	if (rc)
		return rc;
	judge_uncollectable(s);
	much = judge_unreachable(s);
	if (much || s->t->found & PL_FOUND_UNCOLLECTABLE)
		rc = put_cycles(s, much, err);
	/* The counts of what a collection works on are not to be had before it is over. */
	if (!rc && !s->o->collecting)
		rc = judge_held(s, err);
	return rc;
}

int pl_triage_cycles(struct pl_triage *t, struct pl_err *err)
{
	struct looking s = {.t = t};
	char signature[24];
	int rc;

	rc = pl_session_references(t->session, &s.o, &s.roots, &s.g, err);
	if (!rc)
		rc = pl_reasons_init(&s.reasons, t->session, err);
	if (rc)
		return rc;
	s.lives = s.reasons.lives;
	s.rings = s.reasons.rings;
	pl_view_init(&s.v, s.o->im);
	s.heap = pl_triage_heap_bytes(s.o);
	s.by_type = pl_calloc(pl_types_count(s.o->types) + 1, sizeof(*s.by_type));
	rc = look(&s, err);
	if (!rc && pl_heapsign_end(&t->heap, signature))
		pl_triage_signature(t, "heap", signature);
	free(s.by_type);
	pl_ringgroups_fini(&s.groups);
	pl_reasons_fini(&s.reasons);
	return rc;
}
