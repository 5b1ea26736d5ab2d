/*
 * visits.h - which fields of an object a tp_traverse visits, read from its machine code.
 *
 * For types that no decoder knows. The code is in the core or in the mapped file; it is read, not
 * run: walk.c follows the function and the functions that it hands the visitproc to, and notes what
 * is passed to it. Nothing is known where the code cannot be had or does what cannot be followed.
 */
#ifndef PL_VISITS_H
#define PL_VISITS_H

#include "image/image.h"
#include "layout/layout.h"

enum pl_visit {
	PL_VISIT_NO,    /* all of it was followed, and it does not visit the field */
	PL_VISIT_YES,   /* it hands the field to the visitproc */
	PL_VISIT_MAYBE, /* a loop visits it and others, up to an end that only the object says; or
			   not all could be followed */
};

struct pl_visits;
/*
 * Of the traverseproc at function, for objects whose type is at type. A function of 0 visits
 * nothing. Takes a bounded time whatever the code: at most so many instructions are followed, and
 * no more than walk.c's own bound.
 */
struct pl_visits *pl_visits_new(const struct pl_image *im, const struct pl_layout *l,
				struct pl_view *v, pl_addr function, pl_addr type, unsigned most);
void pl_visits_free(struct pl_visits *vs);
/* The word at an offset of the object. */
enum pl_visit pl_visits_field(const struct pl_visits *vs, int64_t offset);
/* The word at offset `behind` of the memory that the word at offset points to. */
enum pl_visit pl_visits_behind(const struct pl_visits *vs, int64_t offset, int64_t behind);
/* A word that takes more pointers to reach. */
enum pl_visit pl_visits_deep(const struct pl_visits *vs);
/* False when not all of the function could be followed. */
bool pl_visits_complete(const struct pl_visits *vs);
unsigned pl_visits_steps(const struct pl_visits *vs); /* instructions that were followed */

#endif
