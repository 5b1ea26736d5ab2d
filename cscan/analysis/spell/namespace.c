/* namespace.c - see namespace.h. */
#include "analysis/spell/namespace.h"

#include "object/value/value.h"

#define MAX_EDGES 256 /* of an object that is asked by decoding it: a class has fewer */
#define MAX_HOLDERS                                                                   \
	4096 /* of a dict; it has one owner, and that is not the holders' job to hide \
	      */

struct search {
	pl_addr dict;
	bool found;
};

static void compare(void *arg, const struct pl_edge *e)
{
	struct search *s = arg;

	s->found |= e->label == PL_L_DICT && e->target == s->dict;
}

static bool owns(const struct pl_objects *o, const struct pl_graph *g, struct pl_view *v, pl_id id,
		 pl_addr dict)
{
	struct search s = {dict, false};
	pl_addr own = 0, values = 0;
	uint32_t n;

	/* Cheap, and right for instances with any number of items. */
	if (pl_instance_dict(o->l, v, o->addr[id], pl_object_type(o, id)->addr, &own, &values) &&
	    own == dict)
		return true;
	pl_graph_out(g, id, &n);
	if (n <= MAX_EDGES)
		pl_edges(o, v, o->addr[id], compare, &s);
	return s.found;
}

pl_id pl_namespace_owner(const struct pl_objects *o, const struct pl_graph *g, struct pl_view *v,
			 pl_id dict)
{
	uint64_t n;
	const pl_node *in = pl_graph_in(g, dict, &n);

	for (uint64_t i = 0; i < PL_MIN(n, MAX_HOLDERS); i++) {
		if ((!i || in[i] != in[i - 1]) && owns(o, g, v, in[i], o->addr[dict]))
			return in[i];
	}
	return PL_NO_ID;
}
