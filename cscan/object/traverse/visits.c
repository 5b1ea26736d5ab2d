/*
 * visits.c - see visits.h.
 */
#include "object/traverse/walk.h"

struct pl_visits {
	bool complete, deep;
	unsigned steps, n;
	struct pl_visited at[];
};

static const struct pl_walk_machine *const machines[] = {&pl_walk_x86};

/* The machine whose code the core holds; NULL when it cannot be followed. */
static const struct pl_walk_machine *machine_of(const struct pl_image *im)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(machines); i++) {
		if (machines[i]->elf == pl_image_machine(im)->elf)
			return machines[i];
	}
	return NULL;
}

struct pl_visits *pl_visits_new(const struct pl_image *im, const struct pl_layout *l,
				struct pl_view *v, pl_addr function, pl_addr type, unsigned most)
{
	struct pl_walk w = {
		.im = im,
		.v = v,
		.m = machine_of(im),
		.calls = pl_image_machine(im)->calls,
		.type = type,
		.object_type = l->f.object_type,
		.most = PL_MIN(most, (unsigned)PL_WALK_STEPS),
	};
	struct pl_visits *vs;

	w.lost = function && (!w.m || !w.most);
	if (function && !w.lost)
		pl_walk_run(&w, function);
	vs = pl_calloc(1, sizeof(*vs) + w.n_visited * sizeof(vs->at[0]));
	vs->complete = !w.lost;
	vs->deep = w.deep;
	vs->steps = w.steps;
	vs->n = w.n_visited;
	memcpy(vs->at, w.visited, w.n_visited * sizeof(vs->at[0]));
	return vs;
}

void pl_visits_free(struct pl_visits *vs)
{
	free(vs);
}

bool pl_visits_complete(const struct pl_visits *vs)
{
	return vs->complete;
}

unsigned pl_visits_steps(const struct pl_visits *vs)
{
	return vs->steps;
}

/* Exactly there, or an array's step away. */
static enum pl_visit meets(int32_t from, uint8_t step, int64_t offset)
{
	if (!step)
		return from == offset ? PL_VISIT_YES : PL_VISIT_NO;
	return offset >= from && (offset - from) % step == 0 ? PL_VISIT_MAYBE : PL_VISIT_NO;
}

static enum pl_visit ask(const struct pl_visits *vs, uint8_t level, int64_t offset, int64_t behind)
{
	enum pl_visit best = vs->complete ? PL_VISIT_NO : PL_VISIT_MAYBE;

	for (unsigned i = 0; i < vs->n; i++) {
		const struct pl_visited *e = &vs->at[i];
		enum pl_visit outer, inner;

		if (e->level != level)
			continue;
		outer = meets(e->off0, e->step0, offset);
		inner = meets(e->off1, e->step1, behind);
		if (outer == PL_VISIT_YES && inner == PL_VISIT_YES && !e->again)
			return PL_VISIT_YES;
		if (outer != PL_VISIT_NO && inner != PL_VISIT_NO)
			best = PL_VISIT_MAYBE;
	}
	return best;
}

enum pl_visit pl_visits_field(const struct pl_visits *vs, int64_t offset)
{
	return ask(vs, PL_T_FIELD, offset, 0);
}

enum pl_visit pl_visits_behind(const struct pl_visits *vs, int64_t offset, int64_t behind)
{
	return ask(vs, PL_T_BEHIND, offset, behind);
}

enum pl_visit pl_visits_deep(const struct pl_visits *vs)
{
	return vs->complete && !vs->deep ? PL_VISIT_NO : PL_VISIT_MAYBE;
}
