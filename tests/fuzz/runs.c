/*
 * runs.c - analyses of a damaged core, held to the contract.
 */
#include "runs.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "include/pyleak.h"

#define MAX_WORDS 8

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

static void check_result(const char *line, bool cut, const pyleak_result *r)
{
	int status = pyleak_result_status(r);
	const char *error = pyleak_result_error(r), *hint = pyleak_result_hint(r), *note;
	size_t n;
	const char *out = pyleak_result_output(r, &n);

	/* 2: what was asked for is not in this core, or not any more */
	if (status != 0 && status != 2 && status != 3 && status != 4)
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
	if (strstr(line, "json") && n) {
		json_error_t why;
		json_t *document = json_loadb(out, n, JSON_REJECT_DUPLICATES, &why);

		if (!document)
			broken(line, "its JSON does not parse", why.text);
		json_decref(document);
	}
}

static void run_line(pyleak *p, bool cut, const char *line)
{
	char copy[256], *rest = copy, *word;
	const char *argv[MAX_WORDS];
	pyleak_result *r;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while (argc < MAX_WORDS && (word = strsep(&rest, " ")))
		argv[argc++] = word;
	r = pyleak_run(p, argc, argv);
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
		run_line(p, cut, lines[i]);
	pyleak_free(p);
}
