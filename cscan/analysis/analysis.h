/*
 * analysis.h - one question, asked of the dead process, answered with tables.
 *
 * An analysis is one file in verb/ (triage/ for the whole report) and one row in analyses.def; the
 * row gives the CLI verb, the gdb command, help, completion, man page and JSON. It reads the stages
 * of a session and fills a result; it knows no output format and no door. Analyses never include
 * each other.
 */
#ifndef PL_ANALYSIS_H
#define PL_ANALYSIS_H

#include "analysis/args.h"
#include "session/session.h"

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

/* Each row of analyses.def, PL_ANALYSIS(types), is a pl_analysis_types in types.c. */
#define PL_ANALYSIS(name) extern const struct pl_analysis pl_analysis_##name;
#include "analysis/analyses.def"
#undef PL_ANALYSIS

/* All rows of analyses.def in its order; *n gets how many. */
const struct pl_analysis *const *pl_analyses(size_t *n);
const struct pl_analysis *pl_analysis_find(const char *name);

#endif
