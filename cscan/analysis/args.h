/*
 * args.h - what the user asked of an analysis: words, options, and what they must be.
 */
#ifndef PL_ARGS_H
#define PL_ARGS_H

#include "base/err.h"
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
/* The value of an option in bytes or ns; *ret stays as it is when not given. PL_E_USAGE for
 * anything else. */
int pl_args_bytes(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err);
int pl_args_time(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err);
/*
 * --sort and --limit on a table: what api/ does to the first table of a result, for an analysis
 * with own_rows to call where it can do it cheaply. PL_E_USAGE with the columns named when there is
 * no such column.
 */
int pl_args_apply(const struct pl_args *args, struct pl_table *t, struct pl_err *err);

#endif
