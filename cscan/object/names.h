/*
 * names.h - what a type object says of itself: its name and what it derives from.
 */
#ifndef PL_NAMES_H
#define PL_NAMES_H

#include "base/mem.h"
#include "object/objects.h"

/*
 * type(o).__module__ + '.' + type(o).__qualname__ of the type at addr (2.7: __name__), as CPython
 * computes it (Objects/typeobject.c, type_module() and type_qualname()); escaped. Strings live in a.
 * When the name is in memory that is not at hand, *name is "<type at 0x...>", *module "", *known
 * false.
 */
void pl_type_name(const struct pl_layout *l, struct pl_view *v, pl_addr addr, struct pl_arena *a,
		  const char **name, const char **module, bool *known);
/*
 * The row of kinds.def that the type is or derives from; *exact when it is that type itself;
 * *own_sizeof when it or a base on the way has a __sizeof__ of its own in its dict.
 */
void pl_type_kind(const struct pl_layout *l, struct pl_view *v, pl_addr addr, uint8_t *kind,
		  bool *exact, bool *own_sizeof);
/*
 * The first of n rows ("builtins.dict|builtins.frozendict") that names the type or the nearest of
 * its bases that any row names; -1 when none does.
 */
int pl_type_row(const struct pl_layout *l, struct pl_view *v, pl_addr addr, const char *const *rows,
		size_t n);
/*
 * Names of static types that lay in memory which is not at hand: the dicts of `builtins` and
 * `types` tell them, for their keys are strings on the heap.
 */
void pl_types_recover_names(struct pl_types *t, const struct pl_layout *l, struct pl_view *v,
			    const struct pl_interp *interp);

#endif
