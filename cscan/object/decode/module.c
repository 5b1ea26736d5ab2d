/*
 * module.c - modules: Objects/moduleobject.c. Their __dict__ is listed by attributes.c.
 */
#include "object/decode/decode.h"

#include "object/value.h"

#define MAX_STATE                                                                       \
	(1u << 20) /* bytes of a module's C state; the largest of the library has 3 KiB \
		    */

/*
 * The C state is a struct that only the module's own code knows, with a tp_traverse of its own:
 * every word that is an object's address may be a reference, there and in what it points to.
 */
static void put_state(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr state = pl_word(d, f->module_state), def;
	unsigned blocks = PL_RAW_BLOCKS;
	uint64_t size = 0, word;

	if (!state)
		return;
	if (pl_has(f->module_state_size))
		size = pl_word(d, f->module_state_size);
	else if (pl_has(f->moduledef_size) && (def = pl_word(d, f->module_def)))
		pl_read64(d->v, def + (uint64_t)f->moduledef_size, &size);
	/* m_size is -1 for a module without state. */
	for (uint64_t at = 0; size <= MAX_STATE && at + 8 <= size; at += 8) {
		if (pl_read64(d->v, state + at, &word))
			pl_put_raw_word(d, word, at, &blocks);
	}
}

#define MAX_CALLBACKS (1 << 20)

/*
 * Up to 3.9 the functions of atexit hang off the module's state, and atexit_m_traverse() visits
 * them; whose they are is said by roots.c.
 */
static void put_callbacks(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	const int32_t members[] = {f->atexit_callback_func, f->atexit_callback_args,
				   f->atexit_callback_kwargs};
	pl_addr state = pl_word(d, f->module_state), list, callback, target;
	uint32_t n;

	if (!pl_read64(d->v, state + (uint64_t)f->atexit_state_callbacks, &list) ||
	    !pl_read32(d->v, state + (uint64_t)f->atexit_state_n, &n))
		return;
	for (uint32_t i = 0; i < PL_MIN(n, (uint32_t)MAX_CALLBACKS); i++) {
		if (!pl_read64(d->v, list + 8 * (uint64_t)i, &callback))
			return;
		for (size_t k = 0; callback && k < PL_ARRAY_LEN(members); k++) {
			if (pl_read64(d->v, callback + (uint64_t)members[k], &target))
				pl_put(d, target, PL_EDGE_BORROWED, PL_L_TEXT,
				       (uint64_t)(uintptr_t) "<callback>", true);
		}
	}
}

void pl_decode_module(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->module_name, ".__name__", false);
	if (pl_has(f->atexit_state_callbacks) && pl_has(f->atexit_state_n) &&
	    pl_str_equals(d->l, d->v, pl_word(d, f->module_name), "atexit"))
		put_callbacks(d);
	else
		put_state(d);
}

/* The dict that a module of one phase is made from once more in another interpreter. */
void pl_decode_moduledef(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.moduledef_copy, "<copy of __dict__>", false);
}
