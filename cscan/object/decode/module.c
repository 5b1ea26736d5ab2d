/*
 * module.c - modules: Objects/moduleobject.c. Their __dict__ is listed by attributes.c.
 */
#include "object/decode/decode.h"

#define MAX_STATE                                                                       \
	(1u << 20) /* bytes of a module's C state; the largest of the library has 3 KiB \
		    */

/*
 * The C state is a struct that only the module's own code knows, with a tp_traverse of its own:
 * every word that is an object's address may be a reference, there and in what it points to.
 * module_traverse() calls PyModuleDef.m_traverse, since 3.15 md_state_traverse, when there is a
 * state.
 */
static void put_state(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr state = pl_word(d, f->module_state), def = pl_word(d, f->module_def);
	struct pl_raw raw = {.behind = true, .pointer = f->module_state, .blocks = PL_RAW_BLOCKS};
	uint64_t size = 0, word, traverse = pl_word(d, f->module_traverse);
	struct pl_visits *visits;

	if (!state)
		return;
	if (pl_has(f->module_state_size))
		size = pl_word(d, f->module_state_size);
	else if (pl_has(f->moduledef_size) && def)
		pl_read64(d->v, def + (uint64_t)f->moduledef_size, &size);
	if (!pl_has(f->module_traverse) && pl_has(f->moduledef_traverse) && def)
		pl_read64(d->v, def + (uint64_t)f->moduledef_traverse, &traverse);
	raw.visits = visits = pl_types_visits_of(d->o->types, d->v, traverse, d->type->addr);
	/* m_size is -1 for a module without state. */
	for (uint64_t at = 0; size <= MAX_STATE && at + 8 <= size; at += 8) {
		if (pl_read64(d->v, state + at, &word))
			pl_put_raw_word(d, &raw, word, at);
	}
	pl_visits_free(visits);
}

void pl_decode_module(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.module_name, ".__name__", false);
	put_state(d);
}
