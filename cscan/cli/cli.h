/*
 * cli.h - the parts of the command-line program.
 *
 * Knows the library through pyleak.h only. What is the command line's own: where the core and the
 * files around it lie, the terminal (progress, colour, width), signals, writing files, exit status.
 */
#ifndef PL_CLI_H
#define PL_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "include/pyleak.h"

/* ---- words.c: the command line taken apart ---- */
struct cli_option {
	const char *name;    /* "exe", typed --exe */
	const char *metavar; /* "FILE"; NULL for a flag */
	const char *help;    /* one line */
};
/* The options of the command line alone; ends with name NULL. */
extern const struct cli_option cli_options[];

struct cli_words {
	const char *exe, *sysroot, *debug_dir; /* NULL = not given */
	unsigned threads;                      /* 0 = not given */
	uint64_t max_unpacked;                 /* bytes, 0 = not given */
	bool quiet, no_progress, help, version;
	const char *analysis; /* first word, or NULL */
	const char **options; /* of the analysis, with their values, as typed; n_options strings */
	size_t n_options;
	const char **words; /* the words behind the analysis, CORE among them */
	size_t n_words;
	char error[256]; /* why cli_words_read() failed, one line */
};
/* Take argv apart; false with error set. Strings stay argv's. cli_words_free() in either case. */
bool cli_words_read(int argc, char **argv, struct cli_words *ret);
void cli_words_free(struct cli_words *w);

/* ---- run.c: a run with a terminal around it ---- */
/*
 * Run argv on a worker thread; show progress if asked; SIGINT cancels, a second one kills. The
 * result goes to standard output while it is made: options->output is set here.
 */
pyleak_result *cli_run(pyleak *p, struct pyleak_options *options, int argc, const char *const *argv,
		       bool progress);
/* Write to standard output; false with errno set. */
bool cli_print(const char *text, size_t len);

/* ---- picture.c ---- */
/*
 * len bytes of DOT made a picture ("svg", "png") by Graphviz's dot: malloced, *ret_len bytes. NULL
 * with one line in why when there is no dot or it fails.
 */
char *cli_picture(const char *kind, const char *dot, size_t len, size_t *ret_len, char *why,
		  size_t cap);

#endif
