/*
 * runs.c - analyses of a damaged core, held to the contract.
 */
#include "runs.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "include/pyleak.h"

#define MAX_WORDS 8
/* Beyond a --budget: what stops within 0.2 s takes some times as long under the sanitizers. */
#define GRACE 2.0

static void too_long(int signal)
{
	static const char text[] = "fuzz: an input takes too long\n";

	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void fuzz_clock(void)
{
	struct itimerval clock = {.it_value = {.tv_sec = FUZZ_SECONDS}};

	signal(SIGPROF, too_long);
	setitimer(ITIMER_PROF, &clock, NULL);
}

static _Noreturn void broken(const char *line, const char *what, const char *text)
{
	fprintf(stderr, "fuzz: %s: %s: %s\n", line, what, text);
	abort();
}

static void check_text(const char *line, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = pl_utf8_get(s + i, n - i, &c);

		if (!len || (c != '\n' && !pl_utf8_printable(c)))
			broken(line, "prints what no terminal should see", s);
		i += len;
	}
}

/* The document parses, and tells as the status does whether the result is whole. */
static void check_json(const char *line, const char *out, size_t n, int status)
{
	json_error_t why;
	json_t *document = json_loadb(out, n, JSON_REJECT_DUPLICATES, &why);
	bool partial;

	if (!document)
		broken(line, "its JSON does not parse", why.text);
	partial = json_is_true(json_object_get(document, "partial"));
	if (status != 1 && partial != (status == 4))
		broken(line, "its JSON and its status disagree", out);
	json_decref(document);
}

static void check_result(const char *line, bool cut, const pyleak_result *r)
{
	int status = pyleak_result_status(r);
	const char *error = pyleak_result_error(r), *hint = pyleak_result_hint(r), *note;
	size_t n;
	const char *out = pyleak_result_output(r, &n);

	/* 1: only where a finding was asked for; 2: what was asked for is not in this core, or not
	 * any more */
	if (status != 0 && status != 2 && status != 3 && status != 4 &&
	    (status != 1 || !strstr(line, "--fail-on")))
		broken(line, "a status that no core may cause", error ? error : "no message");
	if ((status == 2 || status == 3) != (error != NULL) || (error && n))
		broken(line, "status and message disagree", error ? error : "no message");
	if (cut && !status)
		broken(line, "nothing is said of a core cut short", out);
	check_text(line, out, n);
	if (error)
		check_text(line, error, strlen(error));
	if (hint)
		check_text(line, hint, strlen(hint));
	for (size_t i = 0; (note = pyleak_result_note(r, i)); i++)
		check_text(line, note, strlen(note));
	if (strstr(line, "json") && n)
		check_json(line, out, n, status);
}

/* Seconds of all processors together: a machine that is busy with others does not count. */
static double worked(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The seconds that a line may take by its --budget, 0 for any. */
static double budget_of(const char *line)
{
	const char *budget = strstr(line, "--budget ");
	char *unit;
	double n = budget ? strtod(budget + strlen("--budget "), &unit) : 0;

	return n && !strncmp(unit, "ms", 2) ? n / 1000 : n;
}

static void run_line(pyleak *p, bool cut, unsigned threads, const char *line)
{
	double budget = budget_of(line), start = worked();
	char copy[256], *rest = copy, *word;
	const char *argv[MAX_WORDS];
	pyleak_result *r;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while (argc < MAX_WORDS && (word = strsep(&rest, " ")))
		argv[argc++] = word;
	r = pyleak_run(p, argc, argv);
	if (budget && worked() - start > (budget + GRACE) * threads)
		broken(line, "its budget is not kept", "");
	check_result(line, cut, r);
	pyleak_result_free(r);
}

void fuzz_run(const struct pl_image_options *options, unsigned threads, bool cut,
	      const char *const *lines, size_t n)
{
	struct pyleak_options o = {
		.size = sizeof(o),
		.core = options->core,
		.exe = options->exe,
		.sysroot = options->sysroot,
		.threads = threads,
	};
	pyleak *p = pyleak_new();

	pyleak_set_options(p, &o);
	for (size_t i = 0; i < n; i++)
		run_line(p, cut, threads, lines[i]);
	pyleak_free(p);
}
