/* reason.c - see reason.h. */
#include "analysis/search/reason.h"

#include <stdio.h>

#include "object/generation.h"
#include "base/bits.h"

int pl_reasons_init(struct pl_reasons *r, struct pl_session *session, struct pl_err *err)
{
	const struct pl_roots *roots;
	struct pl_objects *o;
	int rc;

	*r = (struct pl_reasons){.unseen_ring = PL_NO_RING};
	rc = pl_session_references(session, &o, &roots, &r->g, err);
	if (!rc)
		rc = pl_session_lives(session, &r->lives, err);
	if (!rc)
		rc = pl_session_rings(session, &r->rings, err);
	if (rc)
		return rc;
	r->o = o;
	r->scratch = pl_col_alloc(o->n + 1, sizeof(*r->scratch));
	if (!r->scratch)
		return pl_err_set(err, PL_E_NOMEM, "no memory to follow cycles");
	pl_view_init(&r->v, o->im);
	r->n_collectors = pl_collectors(o, &r->v, &r->collectors);
	return 0;
}

void pl_reasons_fini(struct pl_reasons *r)
{
	if (r->scratch)
		pl_col_free(r->scratch, r->o->n + 1, sizeof(*r->scratch));
	free(r->collectors);
}

/*
 * The collector that has the object: with several interpreters nobody wrote down whose it is, and
 * the main one is asked.
 */
static const struct pl_collector *collector(const struct pl_reasons *r)
{
	return r->n_collectors ? &r->collectors[0] : NULL;
}

/* ---- dead by the counts, but not to the collector ---- */

/* An edge to id that owns it and that the collector does not follow, from a dead object. */
static bool blind_edge(const struct pl_reasons *r, pl_node id, pl_node *source)
{
	uint64_t n_in;
	const pl_node *in = pl_graph_in(r->g, id, &n_in);

	for (uint64_t i = 0; i < n_in; i++) {
		uint32_t n_out;
		const pl_node *out = pl_graph_out(r->g, in[i], &n_out);

		if (r->lives->of[in[i]] != PL_UNSEEN)
			continue;
		for (uint32_t k = 0; k < n_out; k++) {
			if (out[k] != id || pl_graph_flags(r->g, in[i], k))
				continue; /* another target, or weak, or traversed */
			*source = in[i];
			return true;
		}
	}
	return false;
}

static struct pl_reason blame(const struct pl_reasons *r, pl_node source)
{
	uint32_t type = r->o->type[source];
	uint8_t flags = r->o->flags[source];

	return (struct pl_reason){!(flags & PL_OBJ_GC) ? PL_REASON_NOT_GC
				  : !(flags & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT))
					  ? PL_REASON_UNTRACKED
					  : PL_REASON_OMITS,
				  type};
}

/* Who hides one of the members from the collector. */
static struct pl_reason unseen_ring(const struct pl_reasons *r, uint32_t ring)
{
	struct pl_reason ret = {PL_REASON_OMITS, r->o->type[r->rings->first[ring]]};
	uint32_t n;
	pl_node *members = pl_rings_members(r->rings, r->g, ring, r->scratch, &n), source;

	for (uint32_t i = 0; i < n; i++) {
		if (blind_edge(r, members[i], &source)) {
			ret = blame(r, source);
			goto out;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!(r->o->flags[members[i]] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT))) {
			ret = blame(r, members[i]);
			break;
		}
	}
out:
	free(members);
	return ret;
}

/* Who hides it: the holder itself, else another one in its ring. */
static struct pl_reason unseen(struct pl_reasons *r, pl_node id)
{
	uint32_t ring = r->rings->of[id];
	pl_node source;

	if (blind_edge(r, id, &source))
		return blame(r, source);
	if (ring == PL_NO_RING)
		return blame(r, id);
	if (ring != r->unseen_ring) {
		r->unseen = unseen_ring(r, ring);
		r->unseen_ring = ring;
	}
	return r->unseen;
}

/* ---- reasons ---- */

static struct pl_reason blocked(const struct pl_reasons *r, pl_node id)
{
	uint32_t ring = r->rings->of[id];

	if (r->o->l->gc_style != PL_GC_REFS27)
		return (struct pl_reason){PL_REASON_TP_DEL, 0};
	if (ring != PL_NO_RING && r->rings->finalizer[ring] == PL_FINALIZER_GENERATOR)
		return (struct pl_reason){PL_REASON_GENERATOR27, 0};
	return (struct pl_reason){PL_REASON_DEL27, 0};
}

/* Found unreachable by a full collection: when would there have been one? */
static struct pl_reason unreachable(struct pl_reasons *r, pl_node id)
{
	const struct pl_collector *c = collector(r);
	const int generation = pl_generation_of(r->o->flags[id]);
	struct pl_reason none = {PL_REASON_NONE, 0};
	char waits[8];

	if (!c)
		return none;
	if (pl_collector_saves(c))
		return (struct pl_reason){PL_REASON_SAVEALL, 0};
	if (pl_collector_off(c))
		return (struct pl_reason){c->enabled.state == PL_NUMBER_KNOWN && !c->enabled.value
						  ? PL_REASON_DISABLED
						  : PL_REASON_THRESHOLD,
					  0};
	if (r->o->l->gc_style == PL_GC_INCREMENTAL)
		return generation > 0 ? (struct pl_reason){PL_REASON_BACKLOG, 0} : none;
	if (generation == 2 && pl_collector_waits(r->o, c, waits, sizeof(waits)))
		return (struct pl_reason){PL_REASON_OLD, 0};
	return none;
}

struct pl_reason pl_reason_of(struct pl_reasons *r, pl_node id)
{
	/* What is not the collector's goes with what is, except in a ring of its own. */
	if (!pl_bits_has(r->rings->member, id) &&
	    !(r->o->flags[id] & (PL_OBJ_TRACKED | PL_OBJ_PERMANENT)))
		return (struct pl_reason){PL_REASON_NONE, 0};
	switch (r->lives->of[id]) {
	case PL_GARBAGE:
		return (struct pl_reason){PL_REASON_IN_GARBAGE, 0};
	case PL_UNREACHABLE:
		return unreachable(r, id);
	case PL_BLOCKED:
		return blocked(r, id);
	case PL_FROZEN:
		return (struct pl_reason){PL_REASON_FROZEN, 0};
	case PL_UNSEEN:
		return unseen(r, id);
	case PL_HELD:
		/* What C code holds lives; only a cycle would have died but for it. */
		return (struct pl_reason){
			r->rings->of[id] == PL_NO_RING ? PL_REASON_NONE : PL_REASON_HELD, 0};
	default:
		return (struct pl_reason){PL_REASON_NONE, 0};
	}
}

/* Why it came to be in gc.garbage. */
static const char *garbage(const struct pl_reasons *r)
{
	const struct pl_collector *c = collector(r);

	if (r->o->l->gc_style == PL_GC_REFS27)
		return "in gc.garbage: __del__ on Python 2";
	if (c && pl_collector_saves(c))
		return "in gc.garbage: DEBUG_SAVEALL";
	return "in gc.garbage";
}

void pl_reason_text(struct pl_reasons *r, struct pl_reason reason, char *buf, size_t cap)
{
	static const char *const texts[PL_N_REASONS] = {
		[PL_REASON_NONE] = "",
		[PL_REASON_DEL27] = "__del__ on Python 2",
		[PL_REASON_GENERATOR27] = "generator inside try on Python 2",
		[PL_REASON_TP_DEL] = "legacy tp_del",
		[PL_REASON_SAVEALL] = "DEBUG_SAVEALL: it would go to gc.garbage",
		[PL_REASON_DISABLED] = "gc is disabled",
		[PL_REASON_THRESHOLD] = "threshold 0: no collection comes by itself",
		[PL_REASON_BACKLOG] = "incremental backlog: old objects wait for their increment",
		[PL_REASON_FROZEN] = "frozen by gc.freeze()",
		[PL_REASON_HELD] = "held from C: references that no Python object holds",
	};
	const struct pl_collector *c = collector(r);
	char waits[200] = "";

	switch (reason.kind) {
	case PL_REASON_IN_GARBAGE:
		snprintf(buf, cap, "%s", garbage(r));
		break;
	case PL_REASON_OLD:
		if (c)
			pl_collector_waits(r->o, c, waits, sizeof(waits));
		snprintf(buf, cap, "too old: %s", waits);
		break;
	case PL_REASON_OMITS:
		snprintf(buf, cap, "tp_traverse of %s omits a reference",
			 pl_types_at(r->o->types, reason.type)->name);
		break;
	case PL_REASON_NOT_GC:
		snprintf(buf, cap, "%s is no gc type", pl_types_at(r->o->types, reason.type)->name);
		break;
	case PL_REASON_UNTRACKED:
		snprintf(buf, cap, "a %s that holds references is not tracked",
			 pl_types_at(r->o->types, reason.type)->name);
		break;
	default:
		snprintf(buf, cap, "%s", texts[reason.kind]);
		break;
	}
}

/* ---- one ring ---- */

uint64_t pl_reason_surplus(struct pl_reasons *r, pl_node id)
{
	uint64_t count, n_in;
	bool immortal;

	pl_graph_in(r->g, id, &n_in);
	if (!pl_object_refcount(r->o, &r->v, r->o->addr[id], &count, &immortal) || immortal)
		return 0;
	return count > n_in ? count - n_in : 0;
}

static void held(struct pl_reasons *r, uint32_t ring, char *buf, size_t cap)
{
	uint64_t surplus = 0;
	uint32_t n;
	pl_node *members = pl_rings_members(r->rings, r->g, ring, r->scratch, &n);

	for (uint32_t i = 0; i < n; i++)
		surplus += pl_reason_surplus(r, members[i]);
	free(members);
	if (surplus)
		snprintf(buf, cap, "kept by %llu reference%s that no Python object holds",
			 (unsigned long long)surplus, surplus == 1 ? "" : "s");
	else
		snprintf(buf, cap, "kept by an object that C code holds");
}

void pl_reason_verdict(struct pl_reasons *r, uint32_t ring, char *buf, size_t cap)
{
	struct pl_reason reason = pl_reason_of(r, r->rings->first[ring]);
	char text[256];

	pl_reason_text(r, reason, text, sizeof(text));
	switch (r->rings->life[ring]) {
	case PL_LIVES:
		snprintf(buf, cap, "alive");
		break;
	case PL_GARBAGE:
		snprintf(buf, cap, "%s", text);
		break;
	case PL_UNREACHABLE:
		if (reason.kind == PL_REASON_NONE)
			snprintf(buf, cap, "dead; the next collection frees it");
		else if (reason.kind == PL_REASON_DISABLED || reason.kind == PL_REASON_THRESHOLD)
			snprintf(buf, cap, "dead since the last full collection; %s", text);
		else
			snprintf(buf, cap, "dead; %s", text);
		break;
	case PL_UNSEEN:
		snprintf(buf, cap, "dead, but the collector cannot see it: %s", text);
		break;
	case PL_HELD:
		held(r, ring, buf, cap);
		break;
	default:
		snprintf(buf, cap, "dead, and never freed: %s", text);
		break;
	}
}
