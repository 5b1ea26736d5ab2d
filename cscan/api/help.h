/*
 * help.h - what the registry's rows say to people: usage, options, examples, per door.
 *
 * Made once from the rows of analyses.def and kept for the life of the process.
 */
#ifndef PL_HELP_H
#define PL_HELP_H

#include "analysis/analysis.h"

/*
 * The help text of an analysis for a door, "pyleak" (CORE is named on the command line) or "gdb"
 * (the core is gdb's). Lives as long as the process. Thread-safe.
 */
const char *pl_help_text(const struct pl_analysis *a, const char *door);
/* The i-th option as typed, "--limit", own ones first; NULL past the last. As long-lived. */
const char *pl_help_option(const struct pl_analysis *a, size_t i, const struct pl_option **ret);

#endif
