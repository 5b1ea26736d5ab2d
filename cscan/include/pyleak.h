/*
 * pyleak.h - the whole public API of libpyleak.
 *
 * libpyleak opens the ELF core of a dead CPython process and answers questions about its heap. One
 * handle stands for one core (diff names further cores in its arguments). Everything costly is done
 * on first need and kept: the second analysis of a handle is quick.
 *
 *	pyleak *p = pyleak_new();
 *	struct pyleak_options o = {.size = sizeof(o), .core = "core"};
 *	pyleak_set_options(p, &o);
 *	const char *argv[] = {"types", "--limit", "5"};
 *	pyleak_result *r = pyleak_run(p, 3, argv);
 *	fputs(pyleak_result_output(r, NULL), stdout);
 *	pyleak_result_free(r);
 *	pyleak_free(p);
 *
 * Threads: one call at a time per handle, from any thread; pyleak_cancel() and pyleak_progress()
 * may be called from any other thread meanwhile. The library never prints (it writes where it is
 * told to), never exits, never forks, installs no signal handler and calls nobody back. Where
 * memory runs out a run fails, and says so. Strings that it returns are UTF-8 without
 * control characters other than newline, whatever the core held.
 */
#ifndef PYLEAK_H
#define PYLEAK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PYLEAK_API __attribute__((visibility("default")))

typedef struct pyleak pyleak;
typedef struct pyleak_result pyleak_result;

/* Set size to sizeof(struct pyleak_options), so that old callers and new libraries meet safely. */
struct pyleak_options {
	size_t size;
	const char *core;      /* path or "-"; required */
	const char *exe;       /* or NULL */
	const char *sysroot;   /* or NULL */
	const char *debug_dir; /* or NULL; may be several, separated by ':' */
	unsigned threads;      /* 0 = as many as there are processors */
	unsigned columns;      /* width of text; 0 = 80 */
	int colour;            /* nonzero: text may have ANSI colour */
	/*
	 * A file descriptor that takes the result while it is made, so that it need not be held in
	 * memory; 0 = none, the result waits in pyleak_result_output(). With it --output FILE is
	 * written, too, whole or not at all. A write that is refused ends the run with an error.
	 */
	int output;
	uint64_t max_unpacked; /* most bytes of a compressed core, unpacked; 0 = no limit */
};

/* "0.1.0" */
PYLEAK_API const char *pyleak_version(void);

PYLEAK_API pyleak *pyleak_new(void);
PYLEAK_API void pyleak_free(pyleak *p);
/* Copies the strings; the core is opened by the first run that needs it. Returns 0, or -1 when size
 * is not understood. */
PYLEAK_API int pyleak_set_options(pyleak *p, const struct pyleak_options *options);

/*
 * Run one analysis: argv[0] is its name, the rest its options and arguments as on the command line
 * (without CORE). Never returns NULL. The result is independent of the handle: free it with
 * pyleak_result_free(), before or after pyleak_free().
 */
PYLEAK_API pyleak_result *pyleak_run(pyleak *p, int argc, const char *const *argv);
/* The exit status of the contract: 0, 1, 2, 3, 4, 70; 130 when cancelled. */
PYLEAK_API int pyleak_result_status(const pyleak_result *r);
/* The printed result (text, JSON or CSV), "" on an error and where it went elsewhere
 * (pyleak_options.output); *len (may be NULL) gets its length. */
PYLEAK_API const char *pyleak_result_output(const pyleak_result *r, size_t *len);
/* Where --output wants what pyleak_result_output() returns, or NULL; writing the file is the
 * caller's part: see pyleak_save(). */
PYLEAK_API const char *pyleak_result_output_file(const pyleak_result *r);
/*
 * "svg" or "png" when the output is DOT and --output's name asks for a picture: the caller's part
 * is to put through Graphviz (dot -Tsvg) what it writes to that file. Else NULL.
 */
PYLEAK_API const char *pyleak_result_picture(const pyleak_result *r);
/* One line each, or NULL: what went wrong and what to try. */
PYLEAK_API const char *pyleak_result_error(const pyleak_result *r);
PYLEAK_API const char *pyleak_result_hint(const pyleak_result *r);
/* The i-th note for the user (warnings of the run), "warning: ..." or "note: ...", NULL past the
 * last. */
PYLEAK_API const char *pyleak_result_note(const pyleak_result *r, size_t i);
PYLEAK_API void pyleak_result_free(pyleak_result *r);
/*
 * Put len bytes into a file whole or not at all: an old file is replaced when the new one is
 * complete. A device or a pipe is written directly. 0, or -1 with errno set.
 */
PYLEAK_API int pyleak_save(const char *path, const char *data, size_t len);

/* Ask the running call to stop; it does within 0.2 s, with status 130. Cleared by the next run. */
PYLEAK_API void pyleak_cancel(pyleak *p);
/*
 * What the running call does: a short static text, or NULL when idle; *done and *total in the
 * stage's own unit (total 0 = unknown). Any thread.
 */
PYLEAK_API const char *pyleak_progress(pyleak *p, uint64_t *done, uint64_t *total);
/*
 * The i-th piece of text that the running call, or the last one, had ready before its end; NULL
 * past the last so far. Together they are the beginning of pyleak_result_output(), which nobody
 * need wait for; a call that fails leaves them all the same. There are none with --output, with
 * another format than text, or where a descriptor takes them. Any thread; valid until options are
 * set or the next run begins.
 */
PYLEAK_API const char *pyleak_early(pyleak *p, size_t i);

/* ---- the registry: what a door needs for help and completion ---- */
/* Name of the i-th analysis in the order of the contract, NULL past the last. */
PYLEAK_API const char *pyleak_analysis(size_t i);
/* One line, and the whole help text (usage, options, example); NULL for an unknown name. */
PYLEAK_API const char *pyleak_analysis_summary(const char *name);
/* door: "pyleak" or "gdb" (the usage line and example differ). Static or cached; never freed. */
PYLEAK_API const char *pyleak_analysis_help(const char *name, const char *door);
/* Words an analysis takes before options, "" for none: "TYPE", "ADDRESS|TYPE", "OLD NEW [NEWER]".
 */
PYLEAK_API const char *pyleak_analysis_arguments(const char *name);
/* The i-th option of an analysis as typed ("--limit"), NULL past the last; *values (may be NULL)
 * gets "text json csv", "" for free text, or NULL for a flag. */
PYLEAK_API const char *pyleak_analysis_option(const char *name, size_t i, const char **values);
/*
 * The i-th type name of the core that starts with prefix, in alphabetical order, for completion;
 * NULL past the last, or when the core has not been read yet and now is 0. With now = 1 it is read.
 * Borrowed until pyleak_free().
 */
PYLEAK_API const char *pyleak_complete_type(pyleak *p, const char *prefix, size_t i, int now);

#ifdef __cplusplus
}
#endif
#endif
