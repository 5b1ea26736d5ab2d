/* sound.c - see sound.h. */
#include "sound.h"

#include <stdlib.h>

#include "base/mem.h"

struct fuzz_sort {
	PL_VEC(uint32_t) at; /* numbers of objects, as operations name them */
};

struct fuzz_sound *fuzz_sound_at(unsigned i)
{
	static struct fuzz_sound sounds[UINT8_MAX + 1];
	struct fuzz_base *b;
	struct pl_err err = {0};
	struct fuzz_sound *t;
	unsigned n;

	b = fuzz_base_at(i, &n);
	t = &sounds[i % n];
	if (!t->s) {
		t->b = b;
		t->s = pl_session_new(fuzz_base_options(b), 1);
		if (pl_session_index(t->s, &t->o, &err))
			abort();
	}
	return t;
}

void fuzz_sound_sort(struct fuzz_sound *t, unsigned n,
		     unsigned (*sort_of)(const struct pl_type *type))
{
	size_t n_objects;
	const pl_addr *objects = fuzz_base_objects(t->b, &n_objects);

	if (t->sorts)
		return;
	t->sorts = pl_calloc(n, sizeof(*t->sorts));
	t->n_sorts = n;
	for (size_t i = 0; i < n_objects; i++) {
		unsigned sort = sort_of(pl_object_type(t->o, pl_objects_id(t->o, objects[i])));

		if (sort < n)
			pl_vec_push(&t->sorts[sort].at, (uint32_t)i);
	}
}

uint32_t fuzz_sound_pick(const struct fuzz_sound *t, unsigned sort, unsigned which, pl_addr *addr)
{
	size_t n_objects;
	const pl_addr *objects = fuzz_base_objects(t->b, &n_objects);

	for (unsigned i = 0; i < t->n_sorts; i++) {
		const struct fuzz_sort *s = &t->sorts[(sort + i) % t->n_sorts];

		if (s->at.n) {
			*addr = objects[s->at.at[which % s->at.n]];
			return s->at.at[which % s->at.n];
		}
	}
	abort();
}

void fuzz_sound_damage(struct fuzz_sound *t, uint32_t object, const uint8_t *ops, size_t size)
{
	struct fuzz_op op;

	for (size_t i = 0; i + sizeof(op) <= size; i += sizeof(op)) {
		memcpy(&op, ops + i, sizeof(op));
		if (op.where % 4 != 3)
			op.index = object << 8 | (op.index & 0xff);
		op.where = op.where % 2 ? FUZZ_TARGETS : FUZZ_OBJECTS;
		fuzz_base_damage(t->b, (const uint8_t *)&op, sizeof(op));
	}
}
