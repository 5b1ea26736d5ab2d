/*
 * spell.h - a chain of references as a Python expression.
 */
#ifndef PL_SPELL_H
#define PL_SPELL_H

#include "object/roots/roots.h"

/*
 * Steps are added one by one; an instance's dict and the key in it become one ".key", and so does a
 * module's. general: keys and indices are spelled [*], a key
 * itself <key>, so that paths of one shape are equal and no value of the program's is in them.
 */
struct pl_spelling {
	const struct pl_objects *o;
	struct pl_view *v;
	bool general;
	bool namespace; /* the object reached is a dict whose str keys are names */
	pl_addr before; /* source of the last step, and the length of text without it */
	size_t before_len;
	char text[1024];
	size_t len;
};
/* A str that can stand behind a dot: into buf. */
bool pl_spell_is_name(const struct pl_objects *o, struct pl_view *v, pl_addr key, char *buf,
		      size_t cap);
/* Begin at a root; root NULL: at an object that no root holds, spelled <module.Type at 0x...>. */
void pl_spell_root(struct pl_spelling *s, const struct pl_root *root, pl_addr addr);
/*
 * Add the step e, which leads from source; what a coroutine waits for is ".cr_await". The accessor
 * alone, as it was added, into step (cap bytes), if step is not NULL: ".__dict__" and then ".key"
 * for the two steps that make one name.
 */
void pl_spell_step(struct pl_spelling *s, pl_addr source, const struct pl_edge *e, char *step,
		   size_t cap);
/* A dict step that no key followed is spelled now. */
void pl_spell_end(struct pl_spelling *s);
/* All of it: a chain of n objects, the first of which is held by the root. */
void pl_spell_chain(struct pl_spelling *s, const struct pl_root *root, const pl_id *chain,
		    uint32_t n);

#endif
