/* ringgroups.c - see ringgroups.h. */
#include "analysis/search/ringgroups.h"

#include "base/bits.h"

struct grouping {
	struct pl_ringgroups *s;
	const struct pl_objects *o;
	const struct pl_graph *g;
	const struct pl_rings *rings;
	uint64_t *hash; /* by ring */
	uint32_t *slot; /* by hash: index + 1 */
	size_t n_slots; /* a power of two */
};

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Sums do not depend on the order in which members are met. */
static void hash_rings(struct grouping *s)
{
	const struct pl_rings *r = s->rings;

	for (pl_node id = 0; id < r->n_objects && !pl_ctx_look(r->ctx, id); id++) {
		uint32_t n, ring = r->of[id];
		const pl_node *out;
		uint64_t from, sum;

		if (!pl_bits_has(r->member, id) || s->s->of[ring] == PL_NO_GROUP)
			continue;
		from = s->o->type[id] + UINT64_C(1);
		sum = mix(from);
		out = pl_graph_out(s->g, id, &n);
		for (uint32_t i = 0; i < n; i++) {
			if (r->of[out[i]] == ring && pl_bits_has(r->member, out[i]) &&
			    !(pl_graph_flags(s->g, id, i) & PL_G_WEAK))
				sum += mix(from << 32 | (s->o->type[out[i]] + UINT64_C(1)));
		}
		s->hash[ring] += sum;
	}
}

static void grow(struct grouping *s)
{
	free(s->slot);
	s->n_slots = s->n_slots ? s->n_slots * 2 : 1024;
	s->slot = pl_calloc(s->n_slots, sizeof(*s->slot));
	for (size_t i = 0; i < s->s->at.n; i++) {
		size_t at = s->s->at.at[i].hash & (s->n_slots - 1);

		while (s->slot[at])
			at = (at + 1) & (s->n_slots - 1);
		s->slot[at] = (uint32_t)i + 1;
	}
}

static uint32_t find(struct grouping *s, uint64_t hash, uint32_t ring)
{
	size_t at;

	if ((s->s->at.n + 1) * 2 > s->n_slots)
		grow(s);
	for (at = hash & (s->n_slots - 1); s->slot[at]; at = (at + 1) & (s->n_slots - 1)) {
		if (s->s->at.at[s->slot[at] - 1].hash == hash)
			return s->slot[at] - 1;
	}
	pl_vec_push(&s->s->at, (struct pl_ringgroup){.hash = hash, .example = ring});
	s->slot[at] = (uint32_t)s->s->at.n;
	return (uint32_t)s->s->at.n - 1;
}

static void group_rings(struct grouping *s)
{
	const struct pl_rings *r = s->rings;

	for (uint32_t ring = 0; ring < r->n && !pl_ctx_look(r->ctx, ring); ring++) {
		uint64_t kind = (uint64_t)r->life[ring] << 16 | (uint64_t)r->finalizer[ring] << 8 |
				r->flags[ring];
		struct pl_ringgroup *group;

		if (s->s->of[ring] == PL_NO_GROUP)
			continue;
		s->s->of[ring] = find(s, s->hash[ring] + mix(kind + 1), ring);
		group = &s->s->at.at[s->s->of[ring]];
		group->cycles++;
		group->objects += r->objects[ring];
	}
}

static void add_sizes(struct grouping *s)
{
	const struct pl_rings *r = s->rings;
	struct pl_view v;

	pl_view_init(&v, s->o->im);
	for (pl_node id = 0; id < r->n_objects && !pl_ctx_look(r->ctx, id); id++) {
		uint32_t group = r->of[id] == PL_NO_RING ? PL_NO_GROUP : s->s->of[r->of[id]];
		uint64_t size;

		if (group == PL_NO_GROUP)
			continue;
		size = pl_object_size(s->o, &v, id);
		s->s->at.at[group].retained += size;
		if (pl_bits_has(r->member, id))
			s->s->at.at[group].size += size;
	}
}

int pl_ringgroups_init(struct pl_ringgroups *s, const struct pl_objects *o,
		       const struct pl_graph *g, const struct pl_rings *rings,
		       bool (*wanted)(void *arg, uint32_t ring), void *arg, struct pl_err *err)
{
	struct grouping by = {.s = s, .o = o, .g = g, .rings = rings};
	bool any = false;

	*s = (struct pl_ringgroups){.n_rings = rings->n};
	s->of = pl_col_alloc(rings->n + 1u, sizeof(*s->of));
	by.hash = pl_col_alloc(rings->n + 1u, sizeof(*by.hash));
	if (!s->of || !by.hash) {
		pl_col_free(by.hash, rings->n + 1u, sizeof(*by.hash));
		return pl_err_set(err, PL_E_NOMEM, "no memory to group %u cycles", rings->n);
	}
	for (uint32_t ring = 0; ring < rings->n && !pl_ctx_look(rings->ctx, ring); ring++) {
		s->of[ring] = wanted(arg, ring) ? 0 : PL_NO_GROUP;
		any |= !s->of[ring];
	}
	if (any) {
		hash_rings(&by);
		group_rings(&by);
		add_sizes(&by);
	}
	free(by.slot);
	pl_col_free(by.hash, rings->n + 1u, sizeof(*by.hash));
	return pl_ctx_cancelled(rings->ctx) ? pl_ctx_cancel_err(err) : 0;
}

void pl_ringgroups_fini(struct pl_ringgroups *s)
{
	pl_col_free(s->of, s->n_rings + 1u, sizeof(*s->of));
	pl_vec_free(&s->at);
}

static int by_weight(const void *pa, const void *pb, void *arg)
{
	static const uint8_t rank[PL_N_LIVES] = {
		[PL_BLOCKED] = 0, [PL_GARBAGE] = 1, [PL_UNREACHABLE] = 2, [PL_UNSEEN] = 3,
		[PL_FROZEN] = 4,  [PL_HELD] = 5,    [PL_LIVES] = 6,
	};
	const struct pl_ringgroup *a = pa, *b = pb;
	const struct pl_rings *r = arg;
	int ra = rank[r->life[a->example]], rb = rank[r->life[b->example]];

	if (ra != rb)
		return ra - rb;
	if (a->retained != b->retained)
		return a->retained < b->retained ? 1 : -1;
	return r->first[a->example] < r->first[b->example] ? -1 : 1;
}

void pl_ringgroups_sort(struct pl_ringgroups *s, const struct pl_rings *rings)
{
	if (s->at.n)
		qsort_r(s->at.at, s->at.n, sizeof(*s->at.at), by_weight, (void *)rings);
}

static bool is_users(const struct pl_type *t)
{
	return t->python_class || t->kind == PL_KIND_INSTANCE27;
}

static bool better_start(const struct pl_objects *o, pl_node a, pl_node b)
{
	const struct pl_type *ta = pl_object_type(o, a), *tb = pl_object_type(o, b);
	int order;

	if (is_users(ta) != is_users(tb))
		return is_users(ta);
	if (ta->is_type != tb->is_type)
		return ta->is_type;
	order = strcmp(ta->name, tb->name);
	return order ? order < 0 : a < b;
}

static pl_node best_start(const struct pl_ringspell *s, uint32_t ring)
{
	uint32_t n;
	pl_node *members = pl_rings_members(s->rings, s->g, ring, s->scratch, &n);
	pl_node best = members[0];

	for (uint32_t i = 1; i < n; i++) {
		if (better_start(s->o, members[i], best))
			best = members[i];
	}
	free(members);
	return best;
}

char *pl_ringgroup_shape(const struct pl_ringspell *spell, uint32_t ring, char *edges, size_t cap)
{
	uint32_t n;
	char *types = pl_ringspell(spell, best_start(spell, ring), true, edges, cap, &n), *all;

	n = spell->rings->objects[ring] - n;
	if (!n)
		return types;
	all = pl_asprintf("%s (+%u)", types, n);
	free(types);
	return all;
}
