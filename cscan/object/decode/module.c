/*
 * module.c - modules: Objects/moduleobject.c. Their __dict__ is listed by attributes.c.
 */
#include "object/decode/decode.h"
#include "object/value/value.h"

#include "object/value/value.h"

#define MAX_STATE                                                                       \
	(1u << 20) /* bytes of a module's C state; the largest of the library has 3 KiB \
		    */

/* What users put into the C states of some modules; their m_traverse visits it. */
static const struct member {
	const char *module, *name;
	enum pl_field field;
} members[] = {
	{"_asyncio", "<current tasks>", PL_F_asyncio_state_current},
	{"_asyncio", "<scheduled tasks>", PL_F_asyncio_state_scheduled},
	{"_asyncio", "<eager tasks>", PL_F_asyncio_state_eager},
	{"_csv", "<dialects>", PL_F_csv_state_dialects},
	{"readline", "<completion_display_matches_hook>", PL_F_readline_state_display},
	{"readline", "<startup_hook>", PL_F_readline_state_startup},
	{"readline", "<pre_input_hook>", PL_F_readline_state_pre_input},
	{"readline", "<completer>", PL_F_readline_state_completer},
	{"_sqlite3", "<adapters>", PL_F_sqlite_state_adapters},
	{"_sqlite3", "<converters>", PL_F_sqlite_state_converters},
};

/* Which of members the module has, a bit for each. */
static unsigned known_members(const struct pl_decode *d)
{
	pl_addr name = pl_word(d, d->l->f.module_name);
	unsigned ret = 0;

	for (size_t i = 0; name && i < PL_ARRAY_LEN(members); i++) {
		if (pl_has(pl_layout_offset(d->l, members[i].field)) &&
		    pl_str_equals(d->l, d->v, name, members[i].module))
			ret |= 1u << i;
	}
	return ret;
}

static const char *member_at(const struct pl_decode *d, unsigned known, uint64_t at)
{
	for (size_t i = 0; known && i < PL_ARRAY_LEN(members); i++) {
		if (known >> i & 1 &&
		    (uint64_t)(int64_t)pl_layout_offset(d->l, members[i].field) == at)
			return members[i].name;
	}
	return NULL;
}

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
	unsigned known;

	if (!state)
		return;
	if (pl_has(f->module_state_size))
		size = pl_word(d, f->module_state_size);
	else if (pl_has(f->moduledef_size) && def)
		pl_read64(d->v, def + (uint64_t)f->moduledef_size, &size);
	if (!pl_has(f->module_traverse) && pl_has(f->moduledef_traverse) && def)
		pl_read64(d->v, def + (uint64_t)f->moduledef_traverse, &traverse);
	raw.visits = visits = pl_put_visits(d, traverse);
	/* m_size is -1 for a module without state. */
	known = known_members(d);
	for (uint64_t at = 0; size <= MAX_STATE && at + 8 <= size; at += 8) {
		const char *name = member_at(d, known, at);

		if (!pl_read64(d->v, state + at, &word))
			continue;
		if (name)
			pl_put(d, word, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t)name, true);
		else
			pl_put_raw_word(d, &raw, word, at);
	}
	pl_visits_free(visits);
}

#define MAX_CALLBACKS (1 << 20)

/*
 * Up to 3.9 the functions of atexit hang off the module's state, and atexit_m_traverse() visits
 * them; whose they are is said by roots.c.
 */
static void put_callbacks(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	const int32_t words[] = {f->atexit_callback_func, f->atexit_callback_args,
				 f->atexit_callback_kwargs};
	pl_addr state = pl_word(d, f->module_state), list, callback, target;
	uint32_t n;

	if (!pl_read64(d->v, state + (uint64_t)f->atexit_state_callbacks, &list) ||
	    !pl_read32(d->v, state + (uint64_t)f->atexit_state_n, &n))
		return;
	for (uint32_t i = 0; i < PL_MIN(n, (uint32_t)MAX_CALLBACKS); i++) {
		if (!pl_read64(d->v, list + 8 * (uint64_t)i, &callback))
			return;
		for (size_t k = 0; callback && k < PL_ARRAY_LEN(words); k++) {
			if (pl_read64(d->v, callback + (uint64_t)words[k], &target))
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
