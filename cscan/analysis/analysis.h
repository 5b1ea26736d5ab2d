/*
 * analysis.h - one question, asked of the dead process, answered with tables.
 *
 * An analysis is one file here and one row in analyses.def; the row gives the CLI verb, the gdb
 * command, help, completion, man page and JSON. It reads the stages of a session and fills a
 * result; it knows no output format and no door. Analyses never include each other.
 */
#ifndef PL_ANALYSIS_H
#define PL_ANALYSIS_H

#include "session/session.h"
#include "base/table.h"

/* An option of one analysis; those that every analysis takes are added by api/. */
struct pl_option {
	const char *name;    /* "generation", typed --generation */
	const char *metavar; /* "N"; NULL for a flag */
	const char *values;  /* space-separated choices, checked when parsed; NULL = free */
	const char *help;    /* one line */
};

/* What the user asked for: values by option name, and the words before them. */
struct pl_args {
	const char *const *words; /* positional arguments, without the core */
	size_t n_words;
	const struct pl_option *options; /* of the analysis, ends with name NULL */
	const char **values; /* parallel to options; NULL = not given, "" = a given flag */
	const char *match;   /* --match GLOB on type names, or NULL */
	const char *sort;    /* --sort COLUMN, or NULL: the analysis's own order */
	size_t limit; /* rows to print in the first table, 0 = all, from --limit and --format */
};
/* The value of an option, NULL when not given ("" for a flag given). A name that no row has is a
 * bug. */
const char *pl_args_get(const struct pl_args *args, const char *name);
/* The value of an option as a number; *ret stays as it is when not given. PL_E_USAGE for anything
 * else. */
int pl_args_number(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err);
/* --match: true when there is no glob or the type name fits ("dict" fits builtins.dict). */
bool pl_args_match(const struct pl_args *args, const char *type_name);

typedef int pl_analysis_fn(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
			   struct pl_err *err);

struct pl_analysis {
	const char *name;      /* "types" */
	const char *arguments; /* "TYPE", "" for none; each word is required unless in brackets */
	const char *summary;   /* one line, no full stop */
	const char *help;      /* a paragraph or two of plain text, lines of at most 78 columns */
	const char *example;   /* the arguments of an example, "--match 'app.*' --limit 5" */
	const struct pl_option *options; /* ends with name NULL */
	bool own_rows; /* true: the analysis itself applies --sort and --limit (it must not make
			  millions of rows) */
	pl_analysis_fn *run;
};

/*
 * --sort and --limit on a table: what api/ does to the first table of a result, for an analysis
 * with own_rows to call where it can do it cheaply. PL_E_USAGE with the columns named when there is
 * no such column.
 */
int pl_args_apply(const struct pl_args *args, struct pl_table *t, struct pl_err *err);

/* Each row of analyses.def, PL_ANALYSIS(types), is a pl_analysis_types in types.c. */
#define PL_ANALYSIS(name) extern const struct pl_analysis pl_analysis_##name;
#include "analysis/analyses.def"
#undef PL_ANALYSIS

/* All rows of analyses.def in its order; *n gets how many. */
const struct pl_analysis *const *pl_analyses(size_t *n);
const struct pl_analysis *pl_analysis_find(const char *name);

#endif
