/* ringspell.c - see ringspell.h. */
#include "analysis/spell/ringspell.h"

#include <stdio.h>

#include "session/refgraph.h"
#include "analysis/spell/spell.h"
#include "base/bits.h"

enum { MOST_SPELLED = 12 }; /* objects of a longer cycle are counted */

static const char *short_name(const struct pl_objects *o, pl_node id)
{
	const char *name = pl_object_type(o, id)->name;
	size_t n = strlen(o->l->builtins_module);

	return strncmp(name, o->l->builtins_module, n) || name[n] != '.' ? name : name + n + 1;
}

char *pl_ringspell(const struct pl_ringspell *s, pl_node start, bool general, char *edges,
		   size_t cap, uint32_t *n)
{
	struct pl_spelling spelling = {.o = s->o, .v = s->v, .general = general};
	pl_node *cycle = pl_rings_cycle(s->rings, s->g, start, s->scratch, n);
	struct pl_arena text = {0};
	char *types = pl_arena_strndup(&text, "", 0), *ret;
	size_t root;

	pl_spell_root(&spelling, NULL, s->o->addr[start]);
	root = spelling.len;
	for (uint32_t i = 0; i < PL_MIN(*n, (uint32_t)MOST_SPELLED); i++) {
		pl_node next = cycle[(i + 1) % *n];
		struct pl_edge e;

		types = pl_arena_printf(&text, "%s%s \u2192 ", types, short_name(s->o, cycle[i]));
		if (pl_refgraph_edge(s->o, s->v, s->o->addr[cycle[i]], s->o->addr[next], &e))
			pl_spell_step(&spelling, s->o->addr[cycle[i]], &e, NULL, 0);
	}
	pl_spell_end(&spelling);
	snprintf(edges, cap, "%s%s", spelling.text + root, *n > MOST_SPELLED ? "..." : "");
	if (*n > MOST_SPELLED)
		types = pl_arena_printf(&text, "%s(%u more) \u2192 ", types, *n - MOST_SPELLED);
	ret = pl_asprintf("%s%s", types, short_name(s->o, start));
	pl_arena_fini(&text);
	free(cycle);
	return ret;
}

/* A cycle that is dead by the counts: nothing but itself holds it. */
static bool is_dead(const struct pl_rings *rings, uint32_t ring)
{
	return ring != PL_NO_RING && rings->life[ring] != PL_LIVES &&
	       rings->life[ring] != PL_GARBAGE && rings->life[ring] != PL_HELD;
}

static void tell(const struct pl_ringspell *s, pl_id id, char *buf, size_t cap)
{
	bool member = pl_bits_has(s->rings->member, id);
	pl_node start = member ? id : s->rings->first[s->rings->of[id]];
	char edges[512];
	uint32_t n;

	free(pl_ringspell(s, start, false, edges, sizeof(edges), &n));
	snprintf(buf, cap, "only reachable from %s: <%s at 0x%llx>%s",
		 member ? "its own cycle" : "a dead cycle", pl_object_type(s->o, start)->name,
		 (unsigned long long)s->o->addr[start], edges);
}

int pl_ringspell_story(struct pl_session *session, pl_id id, char *buf, size_t cap,
		       struct pl_err *err)
{
	struct pl_ringspell s = {0};
	const struct pl_roots *roots;
	struct pl_objects *o;
	struct pl_view v;
	int rc = pl_session_references(session, &o, &roots, &s.g, err);

	if (!rc)
		rc = pl_session_rings(session, &s.rings, err);
	if (rc)
		return rc;
	*buf = '\0';
	if (!is_dead(s.rings, s.rings->of[id]))
		return 0;
	s.scratch = pl_col_alloc(o->n + 1, sizeof(*s.scratch));
	if (!s.scratch)
		return pl_err_set(err, PL_E_NOMEM, "no memory to follow a cycle");
	pl_view_init(&v, o->im);
	s.o = o;
	s.v = &v;
	tell(&s, id, buf, cap);
	pl_col_free(s.scratch, o->n + 1, sizeof(*s.scratch));
	return 0;
}
