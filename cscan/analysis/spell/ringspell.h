/*
 * ringspell.h - a reference cycle in words.
 */
#ifndef PL_RINGSPELL_H
#define PL_RINGSPELL_H

#include "session/session.h"

struct pl_ringspell {
	const struct pl_objects *o;
	const struct pl_graph *g;
	const struct pl_rings *rings;
	struct pl_view *v;
	pl_node *scratch; /* as for pl_rings_members(): lent by the caller */
};

/*
 * A shortest cycle through start: its types, "app.Session \u2192 dict \u2192 app.Session",
 * malloced; and its references as accessors, general ones ([*]) when asked, into edges; of a long
 * one the first dozen. *n gets its length.
 */
char *pl_ringspell(const struct pl_ringspell *s, pl_node start, bool general, char *edges,
		   size_t cap, uint32_t *n);
/*
 * What is to say of one object that no root reaches and that is in a dead cycle or hangs off one:
 * "only reachable from its own cycle: <app.Node at 0x7f..>.next.prev" into buf; "" when nothing.
 * Builds the stages that it needs: their errors.
 */
int pl_ringspell_story(struct pl_session *session, pl_id id, char *buf, size_t cap,
		       struct pl_err *err);

#endif
