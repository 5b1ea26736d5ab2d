/*
 * referrers.c - `referrers`: what refers to an object, or to the objects of a type together.
 */
#include "analysis/analysis.h"

#include <stdio.h>

#include "analysis/spell/edgerows.h"
#include "analysis/spell/namespace.h"
#include "session/refsum.h"
#include "analysis/target.h"
#include "base/bits.h"
#include "object/native/native.h"

static const struct pl_option options[] = {
	{"each", NULL, NULL, "of a TYPE: every reference to every object, not sums"},
	{"native", NULL, NULL,
	 "look through C memory in any case: data of libraries, malloc, stacks"},
	{.name = NULL},
};

/* A set of objects. */
struct bitmap {
	uint64_t *bits;
	size_t n; /* words */
};

struct listing {
	const struct pl_objects *o;
	const struct pl_graph *graph;
	const struct pl_roots *roots;
	struct pl_view v;
	const struct pl_args *args;
	const struct pl_target *target;
	struct pl_table *t;
	struct pl_edge_groups *groups;
	struct bitmap sources; /* who refers */
	uint64_t strong;       /* counted references, those of roots too */
	pl_id source;          /* whose edges are looked at */
	pl_id shown;           /* who is shown for it: the owner of that dict, or source itself */
	bool attributes;       /* source is the __dict__ of shown */
	size_t most;           /* rows to make, 0 = all */
	uint64_t words;        /* of C memory that hold them */
};

/* True when the object at addr is one of those that the user asked about. */
static bool is_wanted(const struct listing *s, pl_addr addr)
{
	pl_id id;

	if (!s->target->by_type)
		return addr == s->target->addr;
	id = pl_objects_id(s->o, addr);
	return id != PL_NO_ID && s->target->types[s->o->type[id]];
}

/* ---- who refers ---- */

/* Owning referrers are the graph's backward edges. */
static void mark_owners(struct listing *s, pl_id id)
{
	uint64_t n;
	const pl_node *in = pl_graph_in(s->graph, id, &n);

	for (uint64_t i = 0; i < n; i++)
		pl_bits_set(s->sources.bits, in[i]);
}

/* The backward edges leave out weak ones: look at all that there are. */
static void mark_weak(struct listing *s, pl_id id)
{
	uint32_t n;
	const pl_node *out = pl_graph_out(s->graph, id, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (pl_graph_flags(s->graph, id, i) & PL_G_WEAK && is_wanted(s, s->o->addr[out[i]]))
			pl_bits_set(s->sources.bits, id);
	}
}

static int find_sources(struct pl_ctx *ctx, struct listing *s, struct pl_err *err)
{
	const size_t in_block = (size_t)1 << PL_BLOCK_SHIFT;

	for (size_t lo = 0; lo < s->o->n; lo += in_block) {
		bool weak = s->graph->blocks[lo >> PL_BLOCK_SHIFT].weak;
		size_t hi = PL_MIN(lo + in_block, s->o->n);

		if (pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		for (size_t id = lo; id < hi && (weak || s->target->by_type); id++) {
			if (s->target->by_type && is_wanted(s, s->o->addr[id]))
				mark_owners(s, (pl_id)id);
			if (weak)
				mark_weak(s, (pl_id)id);
		}
	}
	if (!s->target->by_type && pl_objects_id(s->o, s->target->addr) != PL_NO_ID)
		mark_owners(s, pl_objects_id(s->o, s->target->addr));
	return 0;
}

/* ---- what is shown ---- */

static bool type_matches(const struct listing *s, const char *name)
{
	return pl_args_match(s->args, name);
}

static bool full(struct listing *s)
{
	if (!s->most || s->t->n_rows < s->most)
		return false;
	s->t->hidden_rows++;
	return true;
}

static void put_edge(void *arg, const struct pl_edge *e)
{
	struct listing *s = arg;

	if (!is_wanted(s, e->target))
		return;
	s->strong += e->kind == PL_EDGE_STRONG;
	if (s->groups)
		pl_edge_groups_add(s->groups, &s->v, e, s->shown, s->attributes);
	else if (type_matches(s, pl_object_type(s->o, s->source)->name) && !full(s))
		pl_edge_row(s->o, &s->v, s->t, s->target->by_type ? e->target : 0,
			    s->o->addr[s->source], e);
}

/* Only what owns: a module is a root by courtesy, sys.modules holds it. */
static void put_root(struct listing *s, const struct pl_root *root, pl_id id)
{
	char holder[64], edge[512];

	s->strong++;
	snprintf(holder, sizeof(holder), "<%s>", pl_root_kind_name(root->kind));
	snprintf(edge, sizeof(edge), "%s%s", root->name, root->accessor);
	if (s->groups)
		pl_edge_groups_outside(s->groups, holder,
				       *root->accessor ? root->accessor : root->name,
				       PL_EDGE_STRONG, id);
	else if (type_matches(s, holder) && !full(s))
		pl_edge_row_outside(s->t, s->target->by_type ? root->target : 0, 0, holder, edge,
				    PL_EDGE_STRONG);
}

static void put_roots(struct listing *s)
{
	for (size_t i = 0; i < s->roots->n; i++) {
		const struct pl_root *root = &s->roots->at[i];
		pl_id id = pl_objects_id(s->o, root->target);

		if (root->owns && id != PL_NO_ID && is_wanted(s, root->target))
			put_root(s, root, id);
	}
}

static int put_objects(struct pl_ctx *ctx, struct listing *s, struct pl_err *err)
{
	int rc = 0;

	pl_ctx_stage(ctx, "reading references", s->o->n);
	for (size_t id = 0; !rc && id < s->o->n; id++) {
		if (id % 4096 == 0) {
			pl_ctx_step(ctx, 4096);
			if (pl_ctx_cancelled(ctx))
				rc = pl_ctx_cancel_err(err);
		}
		if (!s->sources.bits[id / 64]) {
			id |= 63;
			continue;
		}
		if (!pl_bits_has(s->sources.bits, (pl_id)id))
			continue;
		s->source = s->shown = (pl_id)id;
		if (s->groups) {
			pl_id owner = pl_namespace_owner(s->o, s->graph, &s->v, (pl_id)id);

			s->attributes = owner != PL_NO_ID;
			s->shown = s->attributes ? owner : (pl_id)id;
		}
		pl_edges_of(s->o, &s->v, (pl_id)id, put_edge, s);
	}
	pl_ctx_stage(ctx, NULL, 0);
	return rc;
}

/* ---- C memory ---- */

static bool put_word(void *arg, const struct pl_native_hit *hit)
{
	static const char *const places[] = {
		[PL_NATIVE_FILE] = NULL, /* by its name */
		[PL_NATIVE_BLOCK] = "<malloc block>",
		[PL_NATIVE_MAPPING] = "<mapping>",
		[PL_NATIVE_STACK] = "<stack>",
		[PL_NATIVE_REGISTER] = "<register>",
	};
	struct listing *s = arg;
	char name[256];

	s->words++;
	if (s->groups && places[hit->place]) {
		pl_edge_groups_outside(s->groups, "<native>", places[hit->place], PL_EDGE_NATIVE,
				       pl_objects_id(s->o, hit->target));
		return true;
	}
	if (!s->groups && (!type_matches(s, "<native>") || full(s)))
		return true;
	pl_native_name(s->o, hit, name, sizeof(name));
	if (s->groups)
		pl_edge_groups_outside(s->groups, "<native>", name, PL_EDGE_NATIVE,
				       pl_objects_id(s->o, hit->target));
	else
		pl_edge_row_outside(s->t, s->target->by_type ? hit->target : 0,
				    hit->place == PL_NATIVE_REGISTER ? 0 : hit->at, "<native>",
				    name, PL_EDGE_NATIVE);
	return true;
}

static int put_words(struct pl_ctx *ctx, struct listing *s, struct pl_err *err)
{
	struct pl_native_words *words = NULL;
	PL_VEC(pl_id) owners = {0};
	struct pl_addrset targets;
	int rc;

	pl_addrset_init(&targets);
	for (size_t id = 0; id < s->o->n; id++) {
		if (is_wanted(s, s->o->addr[id]))
			pl_addrset_add(&targets, s->o->addr[id]);
		if (pl_bits_has(s->sources.bits, (pl_id)id))
			pl_vec_push(&owners, (pl_id)id);
	}
	rc = pl_native_words_new(s->o, &targets, owners.at, owners.n, ctx, &words, err);
	if (!rc)
		rc = pl_native_words_each(words, PL_NATIVE_FILE, PL_NATIVE_REGISTER, put_word, s,
					  err);
	pl_native_words_free(words);
	pl_vec_free(&owners);
	pl_addrset_fini(&targets);
	return rc;
}

/* References of one object that are counted and not found; 0 for an immortal one. */
static uint64_t unexplained(struct listing *s)
{
	uint64_t refcount;
	bool immortal;

	if (s->target->by_type ||
	    !pl_object_refcount(s->o, &s->v, s->target->addr, &refcount, &immortal) || immortal)
		return 0;
	return refcount > s->strong ? refcount - s->strong : 0;
}

static int put_all(struct pl_ctx *ctx, struct listing *s, struct pl_err *err)
{
	uint64_t missing;
	int rc;

	s->sources.n = s->o->n / 64 + 1;
	s->sources.bits = pl_calloc(s->sources.n, sizeof(*s->sources.bits));
	rc = find_sources(ctx, s, err);
	put_roots(s);
	if (!rc)
		rc = put_objects(ctx, s, err);
	missing = unexplained(s);
	if (!rc && (missing || pl_args_get(s->args, "native")))
		rc = put_words(ctx, s, err);
	if (s->words && pl_refsum_traced(s->o->l))
		s->words--;
	if (!rc && missing > s->words)
		pl_ctx_note(
			ctx, PL_INFO, "unexplained",
			"references counted and found nowhere: %llu; C code took them and never "
			"gave them back",
			(unsigned long long)(missing - s->words));
	free(s->sources.bits);
	return rc;
}

static int list(struct pl_session *session, struct listing *s, struct pl_result *ret,
		struct pl_err *err)
{
	bool each = pl_args_get(s->args, "each") || !s->target->by_type;
	int rc;

	if (each) {
		s->most = s->args->sort ? 0 : s->args->limit;
		s->t = pl_edge_table(ret, "referrers", s->target->by_type);
	} else {
		s->groups = pl_edge_groups_new(s->o);
	}
	rc = put_all(pl_session_ctx(session), s, err);
	if (!rc && s->groups)
		pl_edge_groups_put(s->groups, s->args, ret, "referrers");
	if (!rc && (s->groups || s->args->sort))
		rc = pl_args_apply(s->args, ret->tables.at[0], err);
	pl_edge_groups_free(s->groups);
	return rc;
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct listing s = {.args = args};
	struct pl_target target;
	struct pl_objects *o;
	int rc;

	rc = pl_session_references(session, &o, &s.roots, &s.graph, err);
	if (!rc)
		rc = pl_target_parse(session, o, args, &target, err);
	if (rc)
		return rc;
	s.o = o;
	s.target = &target;
	pl_view_init(&s.v, o->im);
	rc = list(session, &s, ret, err);
	pl_target_fini(&target);
	return rc;
}

const struct pl_analysis pl_analysis_referrers = {
	.name = "referrers",
	.arguments = "ADDRESS|TYPE",
	.summary = "what refers to an object, each reference with its name",
	.help = "Of an object, every reference to it from other objects and from roots. Of a type, "
		"the\n"
		"references to all its objects added up by the type they come from and by name, "
		"keys\n"
		"and indices spelled [*]; a reference out of an instance's or module's __dict__ "
		"counts\n"
		"as that object's attribute. `objects` says how many different objects of that "
		"type\n"
		"refer: one list that holds 300,000 sessions has 300,000 edges and 1 object.\n"
		"\n"
		"Words of C memory (<native>) are looked for when ob_refcnt of the object counts "
		"more\n"
		"than was found in objects and roots; of a TYPE only with --native. Such a word "
		"may own\n"
		"its object, borrow it, or be left over from before.",
	.example = "app.Session",
	.options = options,
	.own_rows = true,
	.run = run,
};
