/*
 * source.h - where in the program's source an object was written.
 */
#ifndef PL_SOURCE_H
#define PL_SOURCE_H

#include "analysis/analysis.h"
#include "object/objects.h"

/*
 * Table `source` of the object with that id, where it has one: a row for a function, method or code
 * object, which says the line that its definition begins in (co_firstlineno), for a frame or a
 * suspended generator the line that it stands in, and for a class a row for each of its own methods
 * in the order of its dict. Table `bases` for a class: those that its class statement named.
 */
void pl_source_put(const struct pl_objects *o, struct pl_view *v, pl_id id, size_t limit,
		   struct pl_result *ret);

#endif
