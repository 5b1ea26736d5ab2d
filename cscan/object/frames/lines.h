/*
 * lines.h - the four forms of line tables, and the number of a code object's local variables; what
 * everybody asks of code objects is in threads.h.
 */
#ifndef PL_LINES_H
#define PL_LINES_H

#include "object/frames/threads.h"

/* More local variables than any compiler makes: a code object that claims more is damaged. */
#define PL_MAX_LOCALS (1u << 20)

/*
 * The line of the instruction at byte `at` >= 0, by a table of n bytes whose code starts in line
 * first; -1 for instructions that belong to no line, and past the end where a form has one.
 */
int pl_line_lnotab(const uint8_t *table, size_t n, int first, int64_t at,
		   bool line_is_signed);                                     /* 2.7 to 3.9 */
int pl_line_310(const uint8_t *table, size_t n, int first, int64_t at);      /* PEP 626 */
int pl_line_location(const uint8_t *table, size_t n, int first, int64_t at); /* PEP 657, 3.11 on */

enum pl_local_kind {
	PL_LOCAL_PLAIN,
	PL_LOCAL_CELL, /* its slot holds a cell, once the function has begun */
	PL_LOCAL_FREE, /* the same, the cell of a function around it */
};
enum pl_local_kind pl_code_local_kind(const struct pl_layout *l, struct pl_view *v, pl_addr code,
				      uint32_t i);
/* Fast locals, cells and free variables of a code object; 0 when it claims too many. */
uint32_t pl_code_n_locals(const struct pl_layout *l, struct pl_view *v, pl_addr code);

#endif
