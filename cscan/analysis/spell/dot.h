/*
 * dot.h - a picture of boxes and arrows in Graphviz's DOT language.
 *
 * Knows what the kinds of boxes and arrows look like, and how any text becomes well-formed DOT;
 * knows neither objects nor references.
 */
#ifndef PL_DOT_H
#define PL_DOT_H

#include <stdio.h>

#include "base/mem.h"

enum pl_dot_look {
	PL_DOT_PLAIN,
	PL_DOT_ASKED, /* what the picture is about */
	PL_DOT_HIGHLIGHT,
	PL_DOT_ROOT,
	PL_DOT_MORE, /* stands for boxes that are left out */
};
enum pl_dot_line { PL_DOT_SOLID, PL_DOT_DASHED, PL_DOT_DOTTED };

/* Texts may hold any byte; NULL or "" for none. Long ones are cut when they are drawn. */
struct pl_dot_node {
	const char *id; /* letters and digits, unique in the picture */
	enum pl_dot_look look;
	const char *head; /* in bold; of PL_DOT_MORE alone, and plain */
	const char *body; /* in grey below */
	const char *foot; /* in small grey print at the bottom */
};
struct pl_dot_edge {
	const char *source, *target; /* ids */
	enum pl_dot_line line;
	const char *label;
};
struct pl_dot {
	const char *title, *subtitle;
	bool down; /* arrows point down, for a chain; else to the right */
	PL_VEC(struct pl_dot_node) nodes;
	PL_VEC(struct pl_dot_edge) edges;
};

/* The vectors alone: the texts are the caller's. */
void pl_dot_fini(struct pl_dot *d);
/* The whole as DOT, in the order of the vectors: malloced, *len bytes; NULL without memory. */
char *pl_dot_write(const struct pl_dot *d, size_t *len);

/* ---- texts, at most `columns` wide, then "…" ---- */
/* As a quoted string that Graphviz shows as it is: no escape and no entity of its own is left. */
void pl_dot_quoted(FILE *out, const char *text, size_t columns);
/* As a part of an HTML-like label. */
void pl_dot_html(FILE *out, const char *text, size_t columns);

#endif
