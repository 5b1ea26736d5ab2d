/*
 * options.h - from the words a user typed to what an analysis is asked.
 *
 * The same for every door: the command line's own options (--exe, --sysroot ...) are gone before
 * the words come here. Parsing is argp's, with nothing printed: each mistake is one line in a
 * pl_err.
 */
#ifndef PL_OPTIONS_H
#define PL_OPTIONS_H

#include "analysis/analysis.h"

enum pl_format { PL_FORMAT_TEXT, PL_FORMAT_JSON, PL_FORMAT_CSV };

/* A parsed request. All that args points to lives until pl_request_fini(). */
struct pl_request {
	struct pl_args args;
	enum pl_format format;
	const char *output; /* --output FILE, or NULL */
	bool help;          /* --help: nothing else was checked */
	struct pl_arena strings;
};

/*
 * Parse what follows the name of the analysis (argv[0] is the name itself). PL_E_USAGE with *ret
 * untouched. Free with pl_request_fini().
 */
int pl_request_parse(const struct pl_analysis *a, int argc, const char *const *argv,
		     struct pl_request *ret, struct pl_err *err);
void pl_request_fini(struct pl_request *r);

/* The options that every analysis takes; ends with name NULL. */
const struct pl_option *pl_common_options(void);

#endif
