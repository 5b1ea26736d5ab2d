/* dot.c - see dot.h. */
#include "analysis/spell/dot.h"

#include "base/utf8.h"

#define HEAD_COLUMNS 48
#define BODY_COLUMNS 44
#define LABEL_COLUMNS 40
#define TITLE_COLUMNS 100

#define GREY "#6b6b6b"

/* Lines of a table: those of a plain label stand so close that underscores run into the next one.
 */
#define LINES "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">"
#define LINES_END "</TABLE>"

/* ---- texts ---- */

/* What a character that has a meaning of its own is written as, or NULL. */
typedef const char *escape_fn(char c);

/* Graphviz reads backslashes and HTML entities in quoted labels. */
static const char *in_quotes(char c)
{
	return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '&' ? "&amp;" : NULL;
}

static const char *in_html(char c)
{
	return c == '"'   ? "&quot;"
	       : c == '&' ? "&amp;"
	       : c == '<' ? "&lt;"
	       : c == '>' ? "&gt;"
			  : NULL;
}

static void put(FILE *out, const char *text, size_t columns, escape_fn *escape)
{
	size_t n = pl_utf8_escape(NULL, 0, text, strlen(text)) + 1, at = 0, used = 0;
	char *safe = pl_malloc(n);
	bool cut;

	pl_utf8_escape(safe, n, text, strlen(text));
	cut = pl_utf8_columns(safe) > columns;
	while (safe[at]) {
		const char *written = escape(safe[at]);
		uint32_t cp = 0;
		size_t len = pl_utf8_get(safe + at, n - at, &cp);

		used += pl_utf8_width(cp);
		if (cut && used + 1 > columns)
			break;
		if (written)
			fputs(written, out);
		else
			fwrite(safe + at, 1, len, out);
		at += len;
	}
	if (cut)
		fputs("…", out);
	free(safe);
}

void pl_dot_quoted(FILE *out, const char *text, size_t columns)
{
	putc('"', out);
	put(out, text, columns, in_quotes);
	putc('"', out);
}

void pl_dot_html(FILE *out, const char *text, size_t columns)
{
	put(out, text, columns, in_html);
}

/* ---- the picture ---- */

static bool given(const char *text)
{
	return text && *text;
}

/* The line of a label that stands out. */
static void put_head(FILE *out, const char *text, size_t columns)
{
	fputs("<TR><TD><B>", out);
	pl_dot_html(out, text, columns);
	fputs("</B></TD></TR>", out);
}

/* A line of a label under those before it. */
static void put_line(FILE *out, const char *text, size_t columns, const char *font)
{
	if (!given(text))
		return;
	fprintf(out, "<TR><TD><FONT %s>", font);
	pl_dot_html(out, text, columns);
	fputs("</FONT></TD></TR>", out);
}

static void put_node(FILE *out, const struct pl_dot_node *n)
{
	static const char *const looks[] = {
		[PL_DOT_PLAIN] = "",
		[PL_DOT_ASKED] = ", fillcolor=\"#ffdf80\", color=\"#9a6b00\", penwidth=2",
		[PL_DOT_HIGHLIGHT] = ", fillcolor=\"#f9b5ab\", color=\"#a32015\"",
		[PL_DOT_ROOT] =
			", fillcolor=\"#d5ecd4\", color=\"#2f6b2d\", style=\"filled,rounded\"",
		[PL_DOT_MORE] =
			", fillcolor=\"#f2f2f2\", color=\"#a0a0a0\", style=\"filled,dashed\"",
	};

	fprintf(out, "  %s [label=<", n->id);
	if (n->look == PL_DOT_MORE) {
		pl_dot_html(out, n->head, HEAD_COLUMNS);
	} else {
		fputs(LINES, out);
		put_head(out, n->head, HEAD_COLUMNS);
		put_line(out, n->body, BODY_COLUMNS, "COLOR=\"" GREY "\"");
		put_line(out, n->foot, BODY_COLUMNS, "COLOR=\"" GREY "\" POINT-SIZE=\"9\"");
		fputs(LINES_END, out);
	}
	fprintf(out, ">%s];\n", looks[n->look]);
}

static void put_edge(FILE *out, const struct pl_dot_edge *e)
{
	static const char *const lines[] = {
		[PL_DOT_SOLID] = NULL,
		[PL_DOT_DASHED] = "style=dashed, color=\"#909090\"",
		[PL_DOT_DOTTED] = "style=dotted, color=\"#505050\", penwidth=1.5",
	};
	const char *line = lines[e->line];

	fprintf(out, "  %s -> %s", e->source, e->target);
	if (given(e->label) || line) {
		fputs(" [", out);
		if (given(e->label)) {
			fputs("label=", out);
			pl_dot_quoted(out, e->label, LABEL_COLUMNS);
		}
		fprintf(out, "%s%s]", given(e->label) && line ? ", " : "", line ? line : "");
	}
	fputs(";\n", out);
}

static void put_title(FILE *out, const struct pl_dot *d)
{
	if (!given(d->title))
		return;
	fputs("  label=<" LINES, out);
	put_head(out, d->title, TITLE_COLUMNS);
	put_line(out, d->subtitle, TITLE_COLUMNS, "COLOR=\"" GREY "\" POINT-SIZE=\"10\"");
	fputs(LINES_END ">;\n", out);
}

void pl_dot_fini(struct pl_dot *d)
{
	pl_vec_free(&d->nodes);
	pl_vec_free(&d->edges);
}

char *pl_dot_write(const struct pl_dot *d, size_t *len)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	bool full;

	if (!out)
		return NULL;
	fprintf(out,
		"digraph pyleak {\n"
		"  graph [charset=\"UTF-8\", rankdir=%s, nodesep=0.15, ranksep=%s, labelloc=t,\n"
		"    fontname=\"sans-serif\", fontsize=12];\n"
		"  node [shape=box, style=filled, fillcolor=\"#ffffff\", color=\"#505050\",\n"
		"    fontname=\"sans-serif\", fontsize=10, height=0.3, margin=\"0.1,0.05\"];\n"
		"  edge [fontname=\"sans-serif\", fontsize=9, color=\"#505050\", arrowsize=0.6];\n",
		d->down ? "TB" : "LR", d->down ? "0.35" : "0.5");
	put_title(out, d);
	for (size_t i = 0; i < d->nodes.n; i++)
		put_node(out, &d->nodes.at[i]);
	for (size_t i = 0; i < d->edges.n; i++)
		put_edge(out, &d->edges.at[i]);
	fputs("}\n", out);
	full = ferror(out) != 0;
	full |= fclose(out) != 0;
	if (full) {
		free(text);
		return NULL;
	}
	*len = n;
	return text;
}
