/*
 * capsule.c - a C pointer wrapped in an object: Objects/capsule.c.
 */
#include "object/decode/decode.h"
#include "object/traverse/visits.h"

#define MAX_NAME 64

/*
 * Capsules of the library with a traverse function of their own (3.13 on): it visits the first word
 * of what they point to, a type (sock_capi_traverse() in Modules/socketmodule.c,
 * curses_capi_capsule_traverse() in Modules/_cursesmodule.c).
 */
static bool visits_first_word(const struct pl_decode *d)
{
	static const char *const names[] = {"_socket.CAPI", "_curses._C_API"};
	char name[MAX_NAME];

	if (!pl_word(d, d->l->f.capsule_traverse) ||
	    !pl_read_cstr(d->v, pl_word(d, d->l->f.capsule_name), name, sizeof(name)))
		return false;
	for (size_t i = 0; i < PL_ARRAY_LEN(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/* What anybody else's traverse function visits is told by its code alone. */
void pl_decode_capsule(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	const int32_t words[] = {f->capsule_pointer, f->capsule_context};
	struct pl_raw raw = {.blocks = PL_RAW_BLOCKS};
	struct pl_visits *visits;
	uint64_t target;

	if (visits_first_word(d) && pl_read64(d->v, pl_word(d, f->capsule_pointer), &target)) {
		pl_put(d, target, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<type>", true);
		return;
	}
	raw.visits = visits = pl_put_visits(d, pl_word(d, f->capsule_traverse));
	for (size_t i = 0; i < PL_ARRAY_LEN(words); i++)
		pl_put_raw_word(d, &raw, pl_word(d, words[i]), (uint64_t)words[i]);
	pl_visits_free(visits);
}
