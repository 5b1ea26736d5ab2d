/*
 * words.c - which word of the command line is whose.
 *
 * The options of an analysis are only told apart here (does a value follow?) and then handed to the
 * library as typed, which is also who says what is wrong with them.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum own { EXE, SYSROOT, DEBUG_DIR, MAX_UNPACKED, THREADS, QUIET, VERSION, N_OWN };

const struct cli_option cli_options[] = {
	[EXE] = {"exe", "FILE", "the interpreter; else found from the core's notes"},
	[SYSROOT] = {"sysroot", "DIR", "where the paths that the core names begin"},
	[DEBUG_DIR] = {"debug-dir", "DIR",
		       "separate debug files, besides /usr/lib/debug; A:B for two"},
	[MAX_UNPACKED] = {"max-unpacked", "SIZE",
			  "at most SIZE bytes of a compressed core, such as 20G"},
	[THREADS] = {"threads", "N", "at most N threads; else one per processor"},
	[QUIET] = {"quiet", NULL, "no warnings and no progress"},
	[VERSION] = {"version", NULL, "show pyleak's version"},
	[N_OWN] = {NULL, NULL, NULL},
};

/* What an option as typed stands for. */
struct meaning {
	enum { UNKNOWN, AMBIGUOUS, OWN, THEIRS } whose;
	enum own own;
	const char *theirs; /* full name with its dashes */
	bool takes_value;
};

/* Weigh one candidate; true when it is the exact name and the search is over. */
static bool consider(struct meaning *m, struct meaning candidate, const char *full,
		     const char *typed, size_t len, bool *clash)
{
	if (strncmp(full, typed, len) != 0)
		return false;
	if (strlen(full) == len) {
		*m = candidate;
		*clash = false;
		return true;
	}
	/* Two of theirs are theirs to complain about. */
	if (m->whose != UNKNOWN && (m->whose == OWN || candidate.whose == OWN))
		*clash = true;
	*m = candidate;
	return false;
}

/* typed is without its dashes; len is up to '=' or the end. */
static struct meaning look_up(const char *analysis, const char *typed, size_t len)
{
	struct meaning m = {.whose = UNKNOWN};
	bool clash = false;
	const char *theirs, *values;

	for (size_t i = 0; i < N_OWN; i++) {
		struct meaning c = {OWN, (enum own)i, NULL, cli_options[i].metavar != NULL};

		if (consider(&m, c, cli_options[i].name, typed, len, &clash))
			return m;
	}
	for (size_t i = 0; analysis && (theirs = pyleak_analysis_option(analysis, i, &values));
	     i++) {
		struct meaning c = {THEIRS, N_OWN, theirs, values != NULL};

		if (consider(&m, c, theirs + 2, typed, len, &clash))
			return m;
	}
	if (clash)
		m.whose = AMBIGUOUS;
	return m;
}

/* "1048576", "500M", "1.5G": the units are those of 1024, as in what pyleak prints. */
static bool read_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *unit;
	double bytes;
	char *end;

	errno = 0;
	bytes = strtod(text, &end);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (!isdigit((unsigned char)*text) || errno || (*end && (!unit || end[1])))
		return false;
	for (ptrdiff_t i = 0; unit && i <= unit - units; i++)
		bytes *= 1024;
	if (!(bytes >= 1 && bytes < 9e18))
		return false;
	*ret = (uint64_t)bytes;
	return true;
}

static bool set_own(struct cli_words *w, enum own own, const char *value)
{
	char *end;
	unsigned long n;

	switch (own) {
	case EXE:
		w->exe = value;
		break;
	case SYSROOT:
		w->sysroot = value;
		break;
	case DEBUG_DIR:
		w->debug_dir = value;
		break;
	case MAX_UNPACKED:
		if (read_size(value, &w->max_unpacked))
			break;
		snprintf(w->error, sizeof(w->error),
			 "--max-unpacked needs a size such as 500M or 20G, not '%s'", value);
		return false;
	case THREADS:
		errno = 0;
		n = strtoul(value, &end, 10);
		if (!isdigit((unsigned char)*value) || *end || errno || !n || n > 4096) {
			snprintf(w->error, sizeof(w->error),
				 "--threads needs a number from 1 to 4096, not '%s'", value);
			return false;
		}
		w->threads = (unsigned)n;
		break;
	case QUIET:
		w->quiet = true;
		break;
	default:
		w->version = true;
		break;
	}
	return true;
}

/* One long option at argv[*i]; moves *i to its value when that is a word of its own. */
static bool read_long(int argc, char **argv, int *i, struct cli_words *w)
{
	const char *typed = argv[*i] + 2;
	size_t len = strcspn(typed, "=");
	const char *value = typed[len] ? typed + len + 1 : NULL;
	struct meaning m = look_up(w->analysis, typed, len);
	bool next = m.takes_value && !value && *i + 1 < argc;

	switch (m.whose) {
	case OWN:
		if (next)
			value = argv[++*i];
		if (m.takes_value == (value != NULL))
			return set_own(w, m.own, value);
		snprintf(w->error, sizeof(w->error), "option '--%s' %s", cli_options[m.own].name,
			 value ? "takes no value" : "needs a value");
		return false;
	case AMBIGUOUS:
		snprintf(w->error, sizeof(w->error), "option '%s' is ambiguous", argv[*i]);
		return false;
	case UNKNOWN:
		if (!w->analysis && len && !strncmp("help", typed, len)) {
			w->help = true;
			return true;
		}
		if (!w->analysis) {
			snprintf(w->error, sizeof(w->error), "unknown option '%s'", argv[*i]);
			return false;
		}
		break;
	case THEIRS:
		w->help |= !strcmp(m.theirs, "--help");
		w->no_progress |= !strcmp(m.theirs, "--no-progress");
		break;
	}
	w->options[w->n_options++] = argv[*i];
	if (next)
		w->options[w->n_options++] = argv[++*i];
	return true;
}

bool cli_words_read(int argc, char **argv, struct cli_words *ret)
{
	bool only_words = false;

	memset(ret, 0, sizeof(*ret));
	ret->options = calloc((size_t)argc + 1, sizeof(*ret->options));
	ret->words = calloc((size_t)argc + 1, sizeof(*ret->words));
	if (!ret->options || !ret->words) {
		snprintf(ret->error, sizeof(ret->error), "out of memory");
		return false;
	}
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (only_words || arg[0] != '-' || !arg[1]) {
			if (ret->analysis)
				ret->words[ret->n_words++] = arg;
			else
				ret->analysis = arg;
		} else if (!strcmp(arg, "--")) {
			only_words = true;
		} else if (!strcmp(arg, "-h")) {
			ret->help = true;
		} else if (arg[1] == '-') {
			if (!read_long(argc, argv, &i, ret))
				return false;
		} else {
			snprintf(ret->error, sizeof(ret->error), "unknown option '%s'", arg);
			return false;
		}
	}
	return true;
}

void cli_words_free(struct cli_words *w)
{
	free(w->options);
	free(w->words);
}
