/*
 * triage_damage.c - damage of the heap: where it is, who leads there, and what lies next to it.
 */
#include "analysis/triage/triage.h"

#include <stdio.h>

#include "analysis/spell/besides.h"
#include "analysis/search/damage.h"
#include "analysis/search/rooted.h"
#include "analysis/spell/location.h"
#include "analysis/spell/spell.h"
#include "base/say.h"

#define MOST_STEPS 16 /* objects on a path that are spelled */

struct telling {
	struct pl_triage *t;
	struct pl_objects *o;
	const struct pl_roots *roots;
	const struct pl_graph *g;
	struct pl_view v;
	pl_addr last; /* whose neighbours were told last */
};

/* Of each kind: what is wrong, as evidence and in the verdict's sentence, and what it speaks for.
 */
static const struct {
	const char *kind, *what;
	bool sure; /* nothing but a wrong write or a wrong count explains it */
} kinds[PL_N_DAMAGES] = {
	[PL_DAMAGE_POOL] = {"pool", "pools whose headers contradict their blocks", true},
	[PL_DAMAGE_FREELIST] = {"free-list", "free lists with a link that leads astray", true},
	[PL_DAMAGE_CHUNK] = {"chunk", "malloc chunks with a broken header", true},
	[PL_DAMAGE_LINK] = {"gc-link", "links of the collector's lists that lead to no object",
			    true},
	[PL_DAMAGE_FREED] = {"freed-reference", "references of living objects to freed blocks",
			     true},
	[PL_DAMAGE_HEAD] = {"broken-object", "references to blocks that hold no object any more",
			    true},
	[PL_DAMAGE_WILD] = {"wild-reference", "references to where nothing is mapped", true},
	[PL_DAMAGE_COUNT] = {"impossible-refcount", "impossible reference counts", true},
	[PL_DAMAGE_UNDERCOUNT] = {"undercounted",
				  "objects with far more references than they count", false},
	[PL_DAMAGE_DICT] = {"dict", "dicts whose tables contradict themselves", false},
};

/* ---- words for a site ---- */

/* " (app.CACHE[*])", or nothing when no root reaches it. */
static int put_path(struct telling *s, pl_id id, char *buf, size_t cap, struct pl_err *err)
{
	struct pl_rooted rooted = {.o = s->o, .roots = s->roots};
	struct pl_path_query q = {.rank = pl_rooted_rank, .arg = &rooted};
	struct pl_spelling sp = {.o = s->o, .v = &s->v, .general = true};
	struct pl_path *paths;
	enum pl_path_end end;
	size_t n;
	int rc = pl_graph_paths(s->g, id, 1, &q, s->t->ctx, &paths, &n, &end, err);

	*buf = '\0';
	if (rc)
		return rc;
	if (n) {
		pl_spell_chain(&sp, pl_rooted_best(&rooted, paths[0].node[0]), paths[0].node,
			       PL_MIN(paths[0].n, MOST_STEPS));
		snprintf(buf, cap, " (%.512s%s)", sp.text, paths[0].n > MOST_STEPS ? "..." : "");
	}
	pl_paths_free(paths, n);
	return 0;
}

static void step_of(struct telling *s, pl_id source, pl_addr target, char *buf, size_t cap)
{
	struct pl_spelling sp = {.o = s->o, .v = &s->v, .general = true};
	struct pl_edge e;

	snprintf(buf, cap, "?");
	if (pl_refgraph_edge(s->o, &s->v, s->o->addr[source], target, &e))
		pl_spell_step(&sp, s->o->addr[source], &e, buf, cap);
}

/* What is wrong there, in one sentence. */
static int describe(struct telling *s, const struct pl_damage_site *site, char *buf, size_t cap,
		    struct pl_err *err)
{
	const char *type = site->source == PL_NO_ID ? "" : pl_object_type(s->o, site->source)->name;
	unsigned long long at = site->at,
			   from = site->source == PL_NO_ID ? 0 : s->o->addr[site->source];
	char story[400], step[200], path[600] = "";
	int rc = 0;

	switch (site->kind) {
	case PL_DAMAGE_POOL:
		snprintf(buf, cap,
			 "the header of the pool at 0x%llx does not agree with its blocks", at);
		break;
	case PL_DAMAGE_FREELIST:
		snprintf(
			buf, cap,
			"the freed block at 0x%llx has a link to no freed block: it was written to "
			"after it was freed, from it or from the one before",
			at);
		break;
	case PL_DAMAGE_CHUNK:
		snprintf(buf, cap, "at 0x%llx there should be a malloc chunk, and there is none",
			 at);
		break;
	case PL_DAMAGE_LINK:
		snprintf(buf, cap,
			 "the %s link of the %s at 0x%llx leads to 0x%llx, which is no object on a "
			 "list of the collector's",
			 site->word ? "next" : "previous", type, from, at);
		break;
	case PL_DAMAGE_FREED:
	case PL_DAMAGE_HEAD:
	case PL_DAMAGE_WILD:
		rc = put_path(s, site->source, path, sizeof(path), err);
		step_of(s, site->source, site->at, step, sizeof(step));
		pl_location_story(s->o, &s->v, site->at, story, sizeof(story));
		snprintf(buf, cap, "the %s at 0x%llx%s refers by %s to 0x%llx; %s%s", type, from,
			 path, step, at,
			 site->kind == PL_DAMAGE_HEAD ? "no object can be made out there: " : "",
			 story);
		break;
	case PL_DAMAGE_COUNT:
		snprintf(buf, cap, "the %s at 0x%llx counts %lld references", type, at,
			 (long long)site->word);
		break;
	case PL_DAMAGE_UNDERCOUNT:
		snprintf(buf, cap, "the %s at 0x%llx has %s references, far more than it counts",
			 type, at, PL_COUNT(site->word));
		break;
	case PL_DAMAGE_DICT:
		snprintf(buf, cap,
			 "the %s at 0x%llx says that it has %s entries, and its table has another "
			 "number of them",
			 type, at, PL_COUNT(site->word));
		break;
	default:
		break;
	}
	return rc;
}

/* ---- tables ---- */

static int put_site(struct telling *s, const struct pl_damage_site *site, struct pl_err *err)
{
	pl_addr shown = site->source == PL_NO_ID ? site->at : s->o->addr[site->source];
	char text[1600], besides[900], analysis[40];
	int rc = describe(s, site, text, sizeof(text), err);

	if (rc)
		return rc;
	snprintf(analysis, sizeof(analysis), "object 0x%llx", (unsigned long long)shown);
	pl_triage_conclusion(s->t, kinds[site->kind].kind,
			     kinds[site->kind].sure ? PL_CERTAIN : PL_LIKELY, analysis, "%s", text);
	if (site->kind != PL_DAMAGE_WILD && site->at != s->last &&
	    pl_besides(s->o, &s->v, site->at, besides, sizeof(besides)))
		pl_triage_evidence(s->t, "neighbours", analysis, "of 0x%llx: %s",
				   (unsigned long long)site->at, besides);
	s->last = site->at;
	return 0;
}

static void put_verdict(struct telling *s, const struct pl_damage *d)
{
	char text[500] = "";
	bool sure = false;
	size_t at = 0;

	for (int kind = 0; kind < PL_N_DAMAGES; kind++) {
		if (!d->n[kind])
			continue;
		sure |= kinds[kind].sure;
		if (at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s: %s",
					       at ? "; " : "", kinds[kind].what,
					       PL_COUNT(d->n[kind]));
	}
	if (!at)
		return;
	s->t->found |= PL_FOUND_DAMAGE;
	pl_triage_verdict(s->t, "heap-damage", sure ? PL_CERTAIN : PL_LIKELY, "%s", text);
}

int pl_triage_damage(struct pl_triage *t, struct pl_err *err)
{
	struct telling s = {.t = t};
	struct pl_damage d;
	int rc = pl_session_references(t->session, &s.o, &s.roots, &s.g, err);

	if (!rc)
		rc = pl_damage_find(t->session, &d, err);
	if (rc)
		return rc;
	pl_view_init(&s.v, s.o->im);
	put_verdict(&s, &d);
	for (int kind = 0; kind < PL_N_DAMAGES && !rc; kind++) {
		uint64_t n = PL_MIN(d.n[kind], (uint64_t)PL_DAMAGE_SHOWN);

		/* The allocators tell one place of many. */
		if (kind <= PL_DAMAGE_CHUNK)
			n = PL_MIN(n, UINT64_C(1));
		for (uint64_t i = 0; i < n && !rc; i++)
			rc = put_site(&s, &d.site[kind][i], err);
	}
	return rc;
}
