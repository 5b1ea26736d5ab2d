/*
 * options.c - argp without its mouth: it parses, we say what was wrong.
 */
#include "api/options.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

enum common { FORMAT, OUTPUT, LIMIT, SORT, MATCH, NO_PROGRESS, HELP, N_COMMON };

static const struct pl_option common_options[] = {
	[FORMAT] = {"format", "FORMAT", "text json csv", "how the result is written; text"},
	[OUTPUT] = {"output", "FILE", NULL, "write the result to FILE"},
	[LIMIT] = {"limit", "N", NULL, "at most N rows, 0 for all; 20 in text, else all"},
	[SORT] = {"sort", "COLUMN", NULL, "sort by a column; -COLUMN turns the order round"},
	[MATCH] = {"match", "GLOB", NULL, "only types whose name fits, such as 'app.*'"},
	[NO_PROGRESS] = {"no-progress", NULL, NULL, "show no progress"},
	[HELP] = {"help", NULL, NULL, "show this help"},
	[N_COMMON] = {NULL, NULL, NULL, NULL},
};

#define TEXT_LIMIT 20
#define FIRST_KEY 0x100 /* no character: there are no short options */

const struct pl_option *pl_common_options(void)
{
	return common_options;
}

static size_t count_options(const struct pl_option *o)
{
	size_t n = 0;

	while (o[n].name)
		n++;
	return n;
}

struct parse {
	const struct pl_analysis *a;
	size_t n_own, n_options; /* of the analysis; with the common ones */
	const char **values;     /* n_options, own first */
	const char **words;
	size_t n_words;
	int stopped_at; /* argv index behind the option that getopt refused, 0 = none */
};

static const struct pl_option *option_at(const struct parse *p, size_t i)
{
	return i < p->n_own ? &p->a->options[i] : &common_options[i - p->n_own];
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		p->words[p->n_words++] = arg;
		return 0;
	case ARGP_KEY_ERROR:
		p->stopped_at = state->next;
		return 0;
	default:
		if (key < FIRST_KEY || (size_t)(key - FIRST_KEY) >= p->n_options)
			return ARGP_ERR_UNKNOWN;
		p->values[key - FIRST_KEY] = arg ? arg : "";
		return 0;
	}
}

/* Say what is wrong with one word, if it is an option that getopt would refuse. */
static bool blame(const struct parse *p, const char *word, struct pl_err *err)
{
	size_t len, hits = 0, at = 0;
	const struct pl_option *hit = NULL;
	char names[200] = "";

	if (word[0] != '-' || !word[1])
		return false;
	if (word[1] != '-') {
		pl_err_set(err, PL_E_USAGE, "unknown option '%s'", word);
		return true;
	}
	len = strcspn(word + 2, "=");
	for (size_t i = 0; i < p->n_options; i++) {
		const struct pl_option *o = option_at(p, i);

		if (strncmp(o->name, word + 2, len) != 0)
			continue;
		hit = o;
		hits++;
		if (strlen(o->name) == len) {
			hits = 1;
			break;
		}
		if (at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, " --%s", o->name);
	}
	if (hits == 0)
		pl_err_set(err, PL_E_USAGE, "unknown option '%s'", word);
	else if (hits > 1)
		pl_err_set(err, PL_E_USAGE, "option '%s' is ambiguous:%s", word, names);
	else if (word[2 + len] && !hit->metavar)
		pl_err_set(err, PL_E_USAGE, "option '--%s' takes no value", hit->name);
	else if (!word[2 + len] && hit->metavar)
		pl_err_set(err, PL_E_USAGE, "option '--%s' needs a value: %s", hit->name,
			   hit->metavar);
	else
		return false;
	return true;
}

static int run_argp(struct parse *p, struct pl_arena *strings, int argc, const char *const *argv,
		    struct pl_err *err)
{
	struct argp_option *table = pl_calloc(p->n_options + 1, sizeof(*table));
	struct argp argp = {.options = table, .parser = parse_one};
	char **copy = pl_calloc((size_t)argc + 1, sizeof(*copy)); /* getopt reorders it */
	error_t failed;

	for (size_t i = 0; i < p->n_options; i++) {
		table[i].name = option_at(p, i)->name;
		table[i].key = FIRST_KEY + (int)i;
		table[i].arg = option_at(p, i)->metavar;
	}
	for (int i = 0; i < argc; i++)
		copy[i] = pl_arena_strndup(strings, argv[i], strlen(argv[i]));
	failed = argp_parse(&argp, argc, copy, ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, p);
	if (failed) {
		int at = p->stopped_at;

		/* getopt is past a long option, and still at a cluster of short ones */
		if (!(at > 0 && at <= argc && blame(p, copy[at - 1], err)) &&
		    !(at > 0 && at < argc && blame(p, copy[at], err)))
			pl_err_set(err, PL_E_USAGE, "cannot understand the options of %s",
				   p->a->name);
	}
	free(copy);
	free(table);
	return failed ? PL_E_USAGE : 0;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);

	for (const char *c = choices; *c; c += strspn(c, " ")) {
		size_t len = strcspn(c, " ");

		if (len == n && !memcmp(c, value, n))
			return true;
		c += len;
	}
	return false;
}

static int check_choices(const struct parse *p, struct pl_err *err)
{
	for (size_t i = 0; i < p->n_options; i++) {
		const struct pl_option *o = option_at(p, i);

		if (!p->values[i] || !o->values || is_choice(o->values, p->values[i]))
			continue;
		pl_err_set(err, PL_E_USAGE, "--%s cannot be '%s'", o->name, p->values[i]);
		if (err)
			pl_err_hint(err, "choose from: %s", o->values);
		return PL_E_USAGE;
	}
	return 0;
}

/* "TYPE" needs one word, "OLD NEW [NEWER]" two or three, "" none. */
static int check_words(const struct parse *p, struct pl_err *err)
{
	size_t need = 0, most = 0;
	const char *missing = NULL;
	int missing_len = 0;

	for (const char *w = p->a->arguments; *w; w += strspn(w, " ")) {
		size_t len = strcspn(w, " ");

		if (*w != '[') {
			if (need++ == p->n_words) {
				missing = w;
				missing_len = (int)len;
			}
		}
		most++;
		w += len;
	}
	if (missing)
		return pl_err_set(err, PL_E_USAGE, "%s needs %.*s", p->a->name, missing_len,
				  missing);
	if (p->n_words > most)
		return pl_err_set(err, PL_E_USAGE, "%s does not take '%s'%s%s", p->a->name,
				  p->words[most], most ? " behind " : "", p->a->arguments);
	return 0;
}

static int parse_limit(const char *value, enum pl_format format, size_t *ret, struct pl_err *err)
{
	char *end;
	unsigned long long n;

	if (!value) {
		*ret = format == PL_FORMAT_TEXT ? TEXT_LIMIT : 0;
		return 0;
	}
	errno = 0;
	n = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno)
		return pl_err_set(err, PL_E_USAGE, "--limit needs a number of rows, not '%s'",
				  value);
	*ret = (size_t)n;
	return 0;
}

static enum pl_format format_of(const char *value)
{
	if (!value || !strcmp(value, "text"))
		return PL_FORMAT_TEXT;
	return !strcmp(value, "json") ? PL_FORMAT_JSON : PL_FORMAT_CSV;
}

/* The whole parse; what it allocates stays in r->strings, also on failure. */
static int parse(const struct pl_analysis *a, int argc, const char *const *argv,
		 struct pl_request *r, struct pl_err *err)
{
	struct parse p = {.a = a, .n_own = count_options(a->options)};
	const char **common;
	int code;

	p.n_options = p.n_own + N_COMMON;
	p.values = pl_arena_alloc(&r->strings, p.n_options * sizeof(*p.values));
	p.words = pl_arena_alloc(&r->strings, (size_t)argc * sizeof(*p.words));
	common = p.values + p.n_own;
	code = run_argp(&p, &r->strings, argc, argv, err);
	if (code)
		return code;
	r->help = common[HELP] != NULL;
	if (r->help)
		return 0;
	code = check_choices(&p, err);
	if (!code)
		code = check_words(&p, err);
	if (code)
		return code;
	r->format = format_of(common[FORMAT]);
	r->output = common[OUTPUT];
	r->args = (struct pl_args){
		.words = p.words,
		.n_words = p.n_words,
		.options = a->options,
		.values = p.values,
		.match = common[MATCH],
		.sort = common[SORT],
	};
	return parse_limit(common[LIMIT], r->format, &r->args.limit, err);
}

int pl_request_parse(const struct pl_analysis *a, int argc, const char *const *argv,
		     struct pl_request *ret, struct pl_err *err)
{
	struct pl_request r = {0};
	int code = parse(a, argc, argv, &r, err);

	if (code)
		pl_request_fini(&r);
	else
		*ret = r;
	return code;
}

void pl_request_fini(struct pl_request *r)
{
	pl_arena_fini(&r->strings);
}
