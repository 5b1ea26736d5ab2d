/*
 * main.c - pyleak ANALYSIS [OPTIONS] [ARGUMENTS] CORE
 */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Exit statuses of our own; the others come from the library. */
enum { DONE = 0, BAD_USAGE = 2, NOT_USABLE = 3 };

static int complain(int status, const char *text, const char *hint)
{
	fprintf(stderr, "pyleak: %s\n", text);
	if (hint)
		fprintf(stderr, "  %s\n", hint);
	return status;
}

/* Put the whole into a file, or with NULL to standard output; the exit status. */
static int deliver(const char *path, const char *text, size_t len, int status)
{
	char why[512];

	if (path ? pyleak_save(path, text, len) == 0 : cli_print(text, len))
		return status;
	snprintf(why, sizeof(why), "cannot write %s (%s)", path ? path : "the result",
		 strerror(errno));
	return complain(NOT_USABLE, why, NULL);
}

/* Make the picture and put it where it belongs; without Graphviz keep the DOT beside it. */
static int deliver_picture(const char *path, const char *kind, const char *dot, size_t len,
			   int status)
{
	char why[512], text[1024], hint[1024], *beside;
	size_t picture_len, stem = strlen(path) - strlen(kind);
	char *picture = cli_picture(kind, dot, len, &picture_len, why, sizeof(why));

	if (picture) {
		status = deliver(path, picture, picture_len, status);
		free(picture);
		return status;
	}
	if (asprintf(&beside, "%.*sdot", (int)stem, path) < 0)
		return complain(NOT_USABLE, why, NULL);
	status = deliver(beside, dot, len, DONE);
	if (status == DONE) {
		snprintf(text, sizeof(text), "%s; the graph is in %s", why, beside);
		snprintf(hint, sizeof(hint), "where Graphviz is installed: dot -T%s %s -o %s", kind,
			 beside, path);
		status = complain(NOT_USABLE, text, hint);
	}
	free(beside);
	return status;
}

static void option_help(FILE *out)
{
	for (const struct cli_option *o = cli_options; o->name; o++) {
		int n = fprintf(out, "  --%s%s%s", o->name, o->metavar ? " " : "",
				o->metavar ? o->metavar : "");

		fprintf(out, "%*s%s\n", 26 - n, "", o->help);
	}
}

static void overview(FILE *out)
{
	const char *name;

	fputs("usage: pyleak ANALYSIS [OPTIONS] [ARGUMENTS] CORE\n"
	      "       pyleak help ANALYSIS\n"
	      "\n"
	      "Finds memory leaks in the core of a dead CPython process.\n"
	      "\n"
	      "Analyses:\n",
	      out);
	for (size_t i = 0; (name = pyleak_analysis(i)); i++)
		fprintf(out, "  %-12s%s\n", name, pyleak_analysis_summary(name));
	fputs("\nOptions:\n", out);
	option_help(out);
	fputs("\n"
	      "CORE is an ELF core, plain or compressed, or - for standard input.\n"
	      "Exit status: 0 done, 1 a finding, 2 bad usage, 3 core not usable,\n"
	      "4 done on a damaged or truncated core, 70 a bug in pyleak.\n"
	      "\n"
	      "Example:\n"
	      "  pyleak types --limit 5 core\n",
	      out);
}

/* Help of everything, or of one analysis. */
static int help(const char *name)
{
	const char *text = name ? pyleak_analysis_help(name, "pyleak") : NULL;
	char *all = NULL;
	size_t len = 0;
	FILE *out;
	int status;

	if (name && !text) {
		char why[256];

		snprintf(why, sizeof(why), "no analysis is called '%s'", name);
		return complain(BAD_USAGE, why, "pyleak --help lists them");
	}
	out = open_memstream(&all, &len);
	if (!out)
		return complain(NOT_USABLE, strerror(errno), NULL);
	if (text) {
		fputs(text, out);
		fputs("\nOptions of the command line:\n", out);
		option_help(out);
	} else {
		overview(out);
	}
	if (fclose(out) != 0)
		return complain(NOT_USABLE, strerror(errno), NULL);
	status = deliver(NULL, all, len, DONE);
	free(all);
	return status;
}

/* "instances needs TYPE CORE" when there are too few words; the last word is the core. */
static bool have_core(const struct cli_words *w)
{
	const char *arguments = pyleak_analysis_arguments(w->analysis);
	const char *usage = pyleak_analysis_help(w->analysis, "pyleak");
	size_t need = 1;
	char text[256], hint[256];

	for (const char *a = arguments; *a; a += strspn(a, " ")) {
		need += *a != '[';
		a += strcspn(a, " ");
	}
	if (w->n_words >= need)
		return true;
	snprintf(text, sizeof(text), "%s needs %s%sCORE", w->analysis, arguments,
		 *arguments ? " and " : "");
	snprintf(hint, sizeof(hint), "%.*s", (int)strcspn(usage, "\n"), usage);
	complain(BAD_USAGE, text, hint);
	return false;
}

static unsigned terminal_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

static bool wants_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

/* What the run had to say beside its result: the notes, then what went wrong. */
static int tell(const pyleak_result *r, const struct cli_words *w)
{
	const char *file = pyleak_result_output_file(r), *note;
	const char *error = pyleak_result_error(r);
	int status = pyleak_result_status(r);
	size_t len;
	const char *text = pyleak_result_output(r, &len);

	if (!error && pyleak_result_picture(r))
		status = deliver_picture(file, pyleak_result_picture(r), text, len, status);
	else if (!error && len)
		status = deliver(file, text, len, status); /* --help of an analysis */
	for (size_t i = 0; !w->quiet && (note = pyleak_result_note(r, i)); i++)
		fprintf(stderr, "pyleak: %s\n", note);
	if (error)
		complain(status, error, pyleak_result_hint(r));
	return status;
}

static int analyse(const struct cli_words *w)
{
	struct pyleak_options options = {
		.size = sizeof(options),
		.core = w->words[w->n_words - 1],
		.exe = w->exe,
		.sysroot = w->sysroot,
		.debug_dir = w->debug_dir,
		.threads = w->threads,
		.columns = terminal_columns(),
		.colour = wants_colour(),
		.max_unpacked = w->max_unpacked,
	};
	const char **argv = calloc(w->n_options + w->n_words + 2, sizeof(*argv));
	bool progress = isatty(STDERR_FILENO) && !w->quiet && !w->no_progress;
	pyleak_result *r;
	int argc = 0, status;
	pyleak *p;

	if (!argv)
		return complain(NOT_USABLE, "out of memory", NULL);
	argv[argc++] = w->analysis;
	for (size_t i = 0; i < w->n_options; i++)
		argv[argc++] = w->options[i];
	argv[argc++] = "--"; /* a word that starts with '-' came behind one */
	for (size_t i = 0; i + 1 < w->n_words; i++)
		argv[argc++] = w->words[i];
	p = pyleak_new();
	r = cli_run(p, &options, argc, argv, progress);
	status = tell(r, w);
	pyleak_result_free(r);
	pyleak_free(p);
	free(argv);
	return status;
}

static int dispatch(const struct cli_words *w)
{
	char text[256];

	if (w->version) {
		snprintf(text, sizeof(text), "pyleak %s\n", pyleak_version());
		return deliver(NULL, text, strlen(text), DONE);
	}
	if (w->analysis && !strcmp(w->analysis, "help"))
		return help(w->n_words ? w->words[0] : NULL);
	if (w->help)
		return help(w->analysis);
	if (!w->analysis)
		return complain(BAD_USAGE, "no analysis and no core are given",
				"usage: pyleak ANALYSIS [OPTIONS] [ARGUMENTS] CORE; "
				"pyleak --help lists the analyses");
	if (!pyleak_analysis_summary(w->analysis))
		return help(w->analysis); /* says that there is none */
	return have_core(w) ? analyse(w) : BAD_USAGE;
}

int main(int argc, char **argv)
{
	struct cli_words words;
	int status;

	signal(SIGPIPE,
	       SIG_DFL); /* a reader that goes away ends us quietly, whatever we inherited */
	if (cli_words_read(argc, argv, &words))
		status = dispatch(&words);
	else
		status = complain(BAD_USAGE, words.error, "try --help");
	cli_words_free(&words);
	return status;
}
