/* filter.c - see filter.h. */
#include "analysis/search/filter.h"

#include <fnmatch.h>

#include "analysis/spell/namespace.h"
#include "analysis/spell/spell.h"

#define MAX_LABEL 512
#define FIRST_PAIRS 4096 /* slots of a hash at first */
#define OFTEN 256        /* references between two looks at cancel */

enum {
	/* of a node as a source */
	KNOWN = 1,    /* its references were looked at */
	INVERTED = 2, /* its pairs in the hash are those that do not fit */
	SOME = 4,     /* it has pairs in the hash */
	/* of a node as a target, while a source is looked at */
	FITS = 8,    /* a reference fits */
	MISSES = 16, /* one does not */
	OWNED = 32,  /* these are references that own it */
	TARGET = FITS | MISSES | OWNED,
};

bool pl_filter_is_step(const char *glob)
{
	return strchr(".[<", *glob) != NULL;
}

static int steps_init(struct pl_steps *s, const struct pl_filter_glob *glob,
		      const struct pl_objects *o, struct pl_err *err)
{
	s->glob = glob->glob;
	s->names = glob->types;
	if (!s->glob || s->names)
		return 0;
	s->literal = *s->glob == '[' ? pl_asprintf("\\%s", s->glob) : NULL;
	s->flags = pl_col_alloc(o->n + 1, 1);
	return s->flags ? 0 : pl_err_set(err, PL_E_NOMEM, "no memory to judge %zu objects", o->n);
}

static void steps_fini(struct pl_steps *s, const struct pl_objects *o)
{
	if (s->flags)
		pl_col_free(s->flags, o->n + 1, 1);
	if (s->pairs)
		pl_col_free(s->pairs, s->cap, sizeof(*s->pairs));
	free(s->names);
	free(s->literal);
}

int pl_filter_init(struct pl_filter *f, struct pl_filter_glob via, struct pl_filter_glob without,
		   const struct pl_objects *o, const struct pl_roots *roots,
		   const struct pl_graph *graph, struct pl_ctx *ctx, struct pl_err *err)
{
	int rc, of_without;

	*f = (struct pl_filter){.rooted = {.o = o, .roots = roots}, .graph = graph, .ctx = ctx};
	f->without.all = true;
	pl_view_init(&f->v, o->im);
	rc = steps_init(&f->via, &via, o, err);
	of_without = steps_init(&f->without, &without, o, err);
	return rc ? rc : of_without;
}

void pl_filter_fini(struct pl_filter *f)
{
	steps_fini(&f->via, f->rooted.o);
	steps_fini(&f->without, f->rooted.o);
	pl_vec_free(&f->children);
}

int pl_filter_check(const struct pl_filter *f, struct pl_err *err)
{
	if (pl_ctx_cancelled(f->ctx))
		return pl_ctx_cancel_err(err);
	return f->no_memory ? pl_err_set(err, PL_E_NOMEM, "no memory for the steps of chains") : 0;
}

/* ---- one reference ---- */

/* A dict whose str keys are names: the __dict__ of some object, or a namespace that is a root. */
static bool is_namespace(struct pl_filter *f, pl_id dict)
{
	const struct pl_root *root = pl_rooted_best(&f->rooted, dict);

	return (root && root->dict_is_namespace) ||
	       pl_namespace_owner(f->rooted.o, f->graph, &f->v, dict) != PL_NO_ID;
}

/* What a label begins with, so that most need not be spelled. */
static char first_char(const struct pl_edge *e)
{
	switch ((enum pl_label_kind)e->label) {
	case PL_L_TEXT:
		return *(const char *)(uintptr_t)e->arg;
	case PL_L_ITEM:
	case PL_L_INDEX:
		return '[';
	case PL_L_KEY:
	case PL_L_ELEMENT:
	case PL_L_STACK:
	case PL_L_NATIVE:
		return '<';
	case PL_L_DICT:
	case PL_L_ATTR:
	case PL_L_MEMBER:
	case PL_L_LOCAL:
	case PL_L_GI_LOCAL:
	case PL_L_CR_LOCAL:
	case PL_L_AG_LOCAL:
	case PL_L_CLOSURE:
		break;
	}
	return '.';
}

/*
 * What is true of the references of one source: asked at most once, for it may take a while. 0: not
 * asked yet, else 1 for no and 2 for yes.
 */
struct source {
	pl_id id;
	uint8_t is_namespace;
};

static bool in_namespace(struct pl_filter *f, struct source *source)
{
	if (!source->is_namespace)
		source->is_namespace = is_namespace(f, source->id) ? 2 : 1;
	return source->is_namespace == 2;
}

/* The name of a step; false when the glob's first character says already that it does not fit. */
static bool name_of(struct pl_filter *f, char first, struct source *source, const struct pl_edge *e,
		    char *label, size_t cap)
{
	bool item = e->label == PL_L_ITEM && first != '<' && in_namespace(f, source) &&
		    pl_spell_is_name(f->rooted.o, &f->v, e->arg, label + 1, cap - 1);

	if (item)
		label[0] = '.';
	else if (first == first_char(e))
		pl_label(f->rooted.o, &f->v, e, true, label, cap);
	else
		return false;
	return first == label[0];
}

static bool fits(struct pl_filter *f, const struct pl_steps *s, struct source *source,
		 const struct pl_edge *e)
{
	char label[MAX_LABEL];

	return name_of(f, *s->glob, source, e, label, sizeof(label)) &&
	       (!fnmatch(s->glob, label, 0) || (s->literal && !fnmatch(s->literal, label, 0)));
}

static bool owns(const struct pl_edge *e)
{
	return e->kind != PL_EDGE_WEAK && e->kind != PL_EDGE_BORROWED;
}

/* ---- pairs ---- */

static uint64_t *slot_of(uint64_t *pairs, size_t cap, uint64_t pair)
{
	uint64_t h = pair * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h ^ h >> 32) & (cap - 1);

	while (pairs[i] && pairs[i] != pair)
		i = (i + 1) & (cap - 1);
	return &pairs[i];
}

static uint64_t pair_of(pl_id source, pl_id target)
{
	return ((uint64_t)source << 32 | target) + 1;
}

/* False, and all as it was, without memory or after a cancel. */
static bool grow(struct pl_filter *f, struct pl_steps *s)
{
	size_t cap = s->cap ? s->cap * 2 : FIRST_PAIRS;
	uint64_t *pairs = pl_col_alloc(cap, sizeof(*pairs));

	if (!pairs) {
		f->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < s->cap; i++) {
		if (i % 4096 == 0 && pl_ctx_cancelled(f->ctx)) {
			pl_col_free(pairs, cap, sizeof(*pairs));
			return false;
		}
		if (s->pairs[i])
			*slot_of(pairs, cap, s->pairs[i]) = s->pairs[i];
	}
	if (s->pairs)
		pl_col_free(s->pairs, s->cap, sizeof(*s->pairs));
	s->pairs = pairs;
	s->cap = cap;
	return true;
}

static bool add_pair(struct pl_filter *f, struct pl_steps *s, uint64_t pair)
{
	if ((s->n + 1) * 2 > s->cap && !grow(f, s))
		return false;
	*slot_of(s->pairs, s->cap, pair) = pair;
	s->n++;
	return true;
}

struct looking {
	struct pl_filter *f;
	struct pl_steps *s;
	struct source source;
	uint32_t met;
	bool cancelled;
};

/* What is left out cannot be what a chain is asked to go through. */
static bool counts(struct looking *l, const struct pl_edge *e)
{
	return fits(l->f, l->s, &l->source, e) && !(l->s == &l->f->via && l->f->without.flags &&
						    fits(l->f, &l->f->without, &l->source, e));
}

static void look_at(void *arg, const struct pl_edge *e)
{
	struct looking *l = arg;
	pl_id id;
	uint8_t *flags;

	if (l->met++ % OFTEN == 0)
		l->cancelled = pl_ctx_cancelled(l->f->ctx);
	if (l->cancelled || !owns(e))
		return;
	id = pl_objects_id(l->f->rooted.o, e->target);
	if (id == PL_NO_ID)
		return;
	flags = &l->s->flags[id];
	if (!(*flags & TARGET))
		pl_vec_push(&l->f->children, id);
	if (e->kind == PL_EDGE_NATIVE && *flags & OWNED)
		return;
	if (e->kind != PL_EDGE_NATIVE && !(*flags & OWNED))
		*flags = (uint8_t)((*flags & ~TARGET) | OWNED);
	*flags |= counts(l, e) ? FITS : MISSES;
}

static bool is_pair(const struct pl_steps *s, uint8_t flags)
{
	return flags & FITS && !(s->all && flags & MISSES);
}

/* Keep what was found of a source: whether each of its children fits. */
static void keep(struct pl_filter *f, struct pl_steps *s, pl_id source)
{
	size_t n = f->children.n, n_fit = 0;
	bool inverted, whole = true;

	for (size_t i = 0; i < n; i++)
		n_fit += is_pair(s, s->flags[f->children.at[i]]);
	inverted = n_fit > n / 2;
	for (size_t i = 0; i < n && whole; i++) {
		pl_id child = f->children.at[i];

		if (is_pair(s, s->flags[child]) != inverted)
			whole = add_pair(f, s, pair_of(source, child));
	}
	if (!whole)
		return;
	s->flags[source] |= KNOWN;
	if (inverted)
		s->flags[source] |= INVERTED;
	if (n_fit && n_fit < n)
		s->flags[source] |= SOME;
}

static void learn(struct pl_filter *f, struct pl_steps *s, pl_id source)
{
	struct looking l = {.f = f, .s = s, .source = {.id = source}};

	f->children.n = 0;
	pl_edges_of(f->rooted.o, &f->v, source, look_at, &l);
	if (!l.cancelled)
		keep(f, s, source);
	for (size_t i = 0; i < f->children.n; i++)
		s->flags[f->children.at[i]] &= (uint8_t)~TARGET;
}

static bool steps_have(struct pl_filter *f, struct pl_steps *s, pl_id source, pl_id target)
{
	bool in = false;

	if (!(s->flags[source] & KNOWN))
		learn(f, s, source);
	if (s->flags[source] & SOME)
		in = *slot_of(s->pairs, s->cap, pair_of(source, target)) != 0;
	return in != !!(s->flags[source] & INVERTED);
}

/* ---- chains ---- */

static unsigned rank(void *arg, pl_node node)
{
	struct pl_filter *f = arg;

	return pl_rooted_rank(&f->rooted, node);
}

/* After a cancel, or without memory, any answer will do: the search's is not taken. */
static bool edge_ok(void *arg, pl_node source, pl_node target)
{
	struct pl_filter *f = arg;

	if (f->without.names)
		return !f->without.names[f->rooted.o->type[source]];
	return !pl_ctx_cancelled(f->ctx) && !f->no_memory &&
	       !steps_have(f, &f->without, source, target);
}

struct pl_path_query pl_filter_query(struct pl_filter *f, uint64_t max_nodes)
{
	return (struct pl_path_query){rank, f->without.glob ? edge_ok : NULL, f, max_nodes};
}

bool pl_filter_passes(struct pl_filter *f, const pl_node *chain, uint32_t n)
{
	bool passes = !f->via.glob;

	for (uint32_t i = 0; !passes && i + 1 < n; i++)
		passes = f->via.names ? f->via.names[f->rooted.o->type[chain[i]]]
				      : steps_have(f, &f->via, chain[i], chain[i + 1]);
	return passes;
}

/* ---- which reference of a pair ---- */

/* How well a chain goes by it; one that is not to be gone by at all still may be the only one. */
static unsigned worth(struct pl_filter *f, struct source *source, const struct pl_edge *e)
{
	bool left_out = f->without.flags && fits(f, &f->without, source, e);
	bool wanted = f->via.flags && fits(f, &f->via, source, e);

	if (!owns(e))
		return 0;
	return (e->kind == PL_EDGE_STRONG ? 5u : 1u) + (left_out ? 0 : 2) + wanted;
}

bool pl_filter_prefers(struct pl_filter *f, pl_id source, const struct pl_edge *e,
		       const struct pl_edge *than)
{
	struct source s = {.id = source};

	return worth(f, &s, e) > worth(f, &s, than);
}

struct choosing {
	struct pl_filter *f;
	struct source source;
	pl_addr target;
	struct pl_edge *ret;
	unsigned worth; /* of *ret, plus 1 */
};

static void choose(void *arg, const struct pl_edge *e)
{
	struct choosing *c = arg;
	unsigned w;

	if (e->target != c->target)
		return;
	w = worth(c->f, &c->source, e) + 1;
	if (w > c->worth) {
		c->worth = w;
		*c->ret = *e;
	}
}

bool pl_filter_edge(struct pl_filter *f, pl_id source, pl_id target, struct pl_edge *ret)
{
	const struct pl_objects *o = f->rooted.o;
	struct choosing c = {
		.f = f, .source = {.id = source}, .target = o->addr[target], .ret = ret};

	pl_edges_of(o, &f->v, source, choose, &c);
	return c.worth > 0;
}
