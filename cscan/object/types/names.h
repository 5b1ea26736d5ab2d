/*
 * names.h - what a type object says of itself: its name and what it derives from.
 */
#ifndef PL_NAMES_H
#define PL_NAMES_H

#include "base/mem.h"
#include "object/objects.h"

/*
 * The name of a static type is a C string in the file it came from, and most cores do not hold it.
 * Where the file is not at hand either, module dicts tell names, for their keys are strings on the
 * heap: `builtins`, `types`, `_collections_abc` and the modules that define the types.
 */
struct pl_names {
	const struct pl_layout *l;
	struct pl_recovered *at; /* sorted by type */
	size_t n;
	struct pl_arena strings;
};

/* Names of all static types whose own names cannot be read; costs nothing where they can. */
void pl_names_init(struct pl_names *n, const struct pl_layout *l, struct pl_view *v,
		   const struct pl_interp *interps, size_t n_interps);
void pl_names_fini(struct pl_names *n);

/*
 * type(o).__module__ + '.' + type(o).__qualname__ of the type at addr (2.7: __name__), as CPython
 * computes it (Objects/typeobject.c, type_module() and type_qualname()); escaped. Strings live in
 * a. When the name is in memory that is not at hand and nothing tells it, *name is "<type at
 * 0x...>", *module "", *known false.
 */
void pl_type_name(const struct pl_names *n, struct pl_view *v, pl_addr addr, struct pl_arena *a,
		  const char **name, const char **module, bool *known);
/*
 * The row of kinds.def that the type is or derives from; *exact when it is that type itself;
 * *own_sizeof when it or a base on the way has a __sizeof__ of its own in its dict.
 */
void pl_type_kind(const struct pl_names *n, struct pl_view *v, pl_addr addr, uint8_t *kind,
		  bool *exact, bool *own_sizeof);
/*
 * The first of count rows ("builtins.dict|builtins.frozendict") that names the type or the nearest
 * of its bases that any row names; -1 when none does.
 */
int pl_type_row(const struct pl_names *n, struct pl_view *v, pl_addr addr, const char *const *rows,
		size_t count);

#endif
