/* ringspell.c - see ringspell.h. */
#include "analysis/ringspell.h"

#include <stdio.h>

#include "analysis/refgraph.h"
#include "analysis/spell.h"
#include "base/bits.h"

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
	for (uint32_t i = 0; i < *n; i++) {
		pl_node next = cycle[(i + 1) % *n];
		struct pl_edge e;

		types = pl_arena_printf(&text, "%s%s \u2192 ", types, short_name(s->o, cycle[i]));
		if (pl_refgraph_edge(s->o, s->v, s->o->addr[cycle[i]], s->o->addr[next], &e))
			pl_spell_step(&spelling, s->o->addr[cycle[i]], &e, NULL, 0);
	}
	pl_spell_end(&spelling);
	snprintf(edges, cap, "%s", spelling.text + root);
	ret = pl_asprintf("%s%s", types, short_name(s->o, start));
	pl_arena_fini(&text);
	free(cycle);
	return ret;
}

bool pl_ringspell_story(const struct pl_ringspell *s, pl_node id, char *buf, size_t cap)
{
	uint32_t ring = s->rings->of[id], n;
	bool member;
	char edges[512];
	pl_node start;

	if (ring == PL_NO_RING || s->rings->life[ring] == PL_LIVES ||
	    s->rings->life[ring] == PL_GARBAGE || s->rings->life[ring] == PL_HELD)
		return false;
	member = pl_bits_has(s->rings->member, id);
	start = member ? id : s->rings->first[ring];
	free(pl_ringspell(s, start, false, edges, sizeof(edges), &n));
	snprintf(buf, cap, "only reachable from %s: <%s at 0x%llx>%s",
		 member ? "its own cycle" : "a dead cycle", pl_object_type(s->o, start)->name,
		 (unsigned long long)s->o->addr[start], edges);
	return true;
}
