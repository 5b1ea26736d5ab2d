/*
 * Options: what is understood, and one clear line for each mistake, with nothing printed.
 */
#include "api/options.h"

#include <stdio.h>
#include <unistd.h>

#include "cmocka_all.h"

static const struct pl_option own[] = {
	{"tracked", NULL, NULL, "a flag"},
	{"generation", "N", NULL, "free text"},
	{"by", "WHAT", "type module", "a choice"},
	{.name = NULL},
};

static int never(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
		 struct pl_err *err)
{
	(void)s, (void)args, (void)ret, (void)err;
	return PL_E_BUG;
}

static const struct pl_analysis types = {
	.name = "types",
	.arguments = "",
	.summary = "s",
	.help = "",
	.example = "",
	.options = own,
	.run = never,
};
static const struct pl_analysis diff = {
	.name = "diff",
	.arguments = "OLD NEW [NEWER]",
	.summary = "s",
	.help = "",
	.example = "",
	.options = own,
	.run = never,
};

#define PARSE(a, ret, err, ...) parse(a, ret, err, (const char *const[]){"x", ##__VA_ARGS__, NULL})

static int parse(const struct pl_analysis *a, struct pl_request *ret, struct pl_err *err,
		 const char *const *argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return pl_request_parse(a, argc, argv, ret, err);
}

#define GOOD(a, q, ...)                                    \
	do {                                               \
		struct pl_err good_err = {0};              \
		if (PARSE(a, q, &good_err, ##__VA_ARGS__)) \
			fail_msg("%s", good_err.text);     \
	} while (0)

/* The parse fails with this text and hint (NULL: whatever) and leaves the request alone. */
#define BAD(a, want_text, want_hint, ...)                                                \
	do {                                                                             \
		struct pl_err bad_err = {0};                                             \
		struct pl_request bad_q;                                                 \
		const char *bad_hint = want_hint;                                        \
		memset(&bad_q, 0x5a, sizeof(bad_q));                                     \
		assert_int_equal(PARSE(a, &bad_q, &bad_err, ##__VA_ARGS__), PL_E_USAGE); \
		assert_string_equal(bad_err.text, want_text);                            \
		if (bad_hint)                                                            \
			assert_string_equal(bad_err.hint, bad_hint);                     \
		assert_int_equal(((unsigned char *)&bad_q)[0], 0x5a);                    \
	} while (0)

static void defaults(void **state)
{
	struct pl_request q;

	(void)state;
	GOOD(&types, &q);
	assert_int_equal(q.format, PL_FORMAT_TEXT);
	assert_int_equal(q.args.limit, 20);
	assert_int_equal(q.args.n_words, 0);
	assert_null(q.args.match);
	assert_null(q.args.sort);
	assert_null(q.output);
	assert_false(q.help);
	assert_null(pl_args_get(&q.args, "tracked"));
	assert_null(pl_args_get(&q.args, "by"));
	pl_request_fini(&q);
}

static void limits_follow_the_format(void **state)
{
	struct pl_request q;

	(void)state;
	GOOD(&types, &q, "--format", "json");
	assert_int_equal(q.format, PL_FORMAT_JSON);
	assert_int_equal(q.args.limit, 0);
	pl_request_fini(&q);
	GOOD(&types, &q, "--format=csv", "--limit=7");
	assert_int_equal(q.format, PL_FORMAT_CSV);
	assert_int_equal(q.args.limit, 7);
	pl_request_fini(&q);
	GOOD(&types, &q, "--limit", "0");
	assert_int_equal(q.args.limit, 0);
	pl_request_fini(&q);
}

static void everything_given(void **state)
{
	struct pl_request q;

	(void)state;
	GOOD(&types, &q, "--tracked", "--generation", "-1", "--by=module", "--output", "o.txt",
	     "--sort", "-count", "--match", "app.*", "--no-progress", "--limit", "1", "--limit",
	     "2");
	assert_string_equal(pl_args_get(&q.args, "tracked"), "");
	assert_string_equal(pl_args_get(&q.args, "generation"), "-1");
	assert_string_equal(pl_args_get(&q.args, "by"), "module");
	assert_string_equal(q.output, "o.txt");
	assert_string_equal(q.args.sort, "-count");
	assert_string_equal(q.args.match, "app.*");
	assert_int_equal(q.args.limit, 2); /* the last one counts */
	pl_request_fini(&q);
}

static void abbreviations(void **state)
{
	struct pl_request q;

	(void)state;
	GOOD(&types, &q, "--track", "--form", "json", "--gen=2");
	assert_string_equal(pl_args_get(&q.args, "tracked"), "");
	assert_string_equal(pl_args_get(&q.args, "generation"), "2");
	assert_int_equal(q.format, PL_FORMAT_JSON);
	pl_request_fini(&q);
}

static void words_and_options_mix(void **state)
{
	struct pl_request q;

	(void)state;
	GOOD(&diff, &q, "old", "--limit", "3", "new", "--", "--newer");
	assert_int_equal(q.args.n_words, 3);
	assert_string_equal(q.args.words[0], "old");
	assert_string_equal(q.args.words[1], "new");
	assert_string_equal(q.args.words[2], "--newer");
	pl_request_fini(&q);
	GOOD(&diff, &q, "-", "new");
	assert_string_equal(q.args.words[0], "-");
	pl_request_fini(&q);
}

static void help_wins(void **state)
{
	struct pl_request q;

	(void)state;
	GOOD(&diff, &q, "--help"); /* although OLD and NEW are missing */
	assert_true(q.help);
	pl_request_fini(&q);
}

static void mistakes_in_options(void **state)
{
	(void)state;
	BAD(&types, "unknown option '--limt'", "try --help", "--limt", "5");
	BAD(&types, "unknown option '--limt=5'", NULL, "--limt=5");
	BAD(&types, "unknown option '-x'", NULL, "-x");
	BAD(&types, "unknown option '-xyz'", NULL, "-xyz");
	BAD(&types, "unknown option '-?'", NULL, "-?");
	BAD(&types, "option '--limit' needs a value: N", NULL, "--limit");
	BAD(&types, "option '--generation' needs a value: N", NULL, "--tracked", "--gen");
	BAD(&types, "option '--tracked' takes no value", NULL, "--tracked=yes");
	BAD(&types, "unknown option '--usage'", NULL, "--usage");
	BAD(&types, "unknown option '--version'", NULL, "--version");
}

static void mistakes_beside_good_options(void **state)
{
	(void)state;
	BAD(&types, "unknown option '--nosuch'", NULL, "--limit", "5", "--nosuch", "--tracked");
	BAD(&diff, "unknown option '--nosuch'", NULL, "old", "--nosuch", "new", "--tracked");
	BAD(&diff, "unknown option '-q'", NULL, "old", "--tracked", "-q", "new");
}

static void ambiguous(void **state)
{
	static const struct pl_option clashing[] = {
		{"form", NULL, NULL, "a prefix of --format that is an option itself"},
		{"forget", NULL, NULL, "begins like it"},
		{.name = NULL},
	};
	struct pl_analysis a = types;
	struct pl_request q;

	(void)state;
	a.options = clashing;
	BAD(&a, "option '--for' is ambiguous: --form --forget --format", NULL, "--for");
	GOOD(&a, &q, "--form");
	assert_string_equal(pl_args_get(&q.args, "form"), "");
	assert_null(pl_args_get(&q.args, "forget"));
	pl_request_fini(&q);
}

static void mistakes_in_values(void **state)
{
	(void)state;
	BAD(&types, "--format cannot be 'xml'", "choose from: text json csv", "--format", "xml");
	BAD(&types, "--format cannot be 'text json'", NULL, "--format", "text json");
	BAD(&types, "--by cannot be ''", "choose from: type module", "--by", "");
	BAD(&types, "--limit needs a number of rows, not '-3'", NULL, "--limit", "-3");
	BAD(&types, "--limit needs a number of rows, not '5k'", NULL, "--limit", "5k");
	BAD(&types, "--limit needs a number of rows, not ''", NULL, "--limit=");
	BAD(&types, "--limit needs a number of rows, not '99999999999999999999'", NULL, "--limit",
	    "99999999999999999999");
}

static void mistakes_in_words(void **state)
{
	(void)state;
	BAD(&types, "types does not take 'dict'", NULL, "dict");
	BAD(&diff, "diff needs OLD", NULL);
	BAD(&diff, "diff needs NEW", NULL, "a");
	BAD(&diff, "diff does not take 'd' behind OLD NEW [NEWER]", NULL, "a", "b", "c", "d");
	BAD(&types, "types does not take 'a\\x1b[2J'", NULL, "a\033[2J");
}

/* getopt and argp like to talk; a library must not. */
static void nothing_is_printed(void **state)
{
	FILE *caught = tmpfile();
	int saved = dup(STDERR_FILENO), code;
	struct pl_err err = {0};
	struct pl_request q;

	(void)state;
	assert_non_null(caught);
	fflush(stderr);
	dup2(fileno(caught), STDERR_FILENO);
	code = PARSE(&types, &q, &err, "--nosuch");
	code |= PARSE(&types, &q, &err, "--limit");
	code |= PARSE(&types, &q, &err, "-z");
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(code, PL_E_USAGE);
	assert_int_equal(lseek(fileno(caught), 0, SEEK_END), 0);
	fclose(caught);
}

static void glob_matches(void **state)
{
	struct pl_args args = {.match = NULL};

	(void)state;
	assert_true(pl_args_match(&args, "anything"));
	args.match = "dict";
	assert_true(pl_args_match(&args, "builtins.dict"));
	assert_true(pl_args_match(&args, "__builtin__.dict"));
	assert_false(pl_args_match(&args, "app.dict"));
	assert_false(pl_args_match(&args, "builtins.dict_keys"));
	args.match = "app.*";
	assert_true(pl_args_match(&args, "app.models.User"));
	assert_false(pl_args_match(&args, "myapp.User"));
	args.match = "builtins.*";
	assert_true(pl_args_match(&args, "builtins.int"));
	args.match = "*Error";
	assert_true(pl_args_match(&args, "builtins.KeyError"));
}

static void sort_and_limit(void **state)
{
	static const struct pl_column columns[] = {{.name = "type"}, {.name = "count"}};
	struct pl_table *t = pl_table_new("types", columns, 2);
	struct pl_args args = {.sort = "count", .limit = 1};
	struct pl_err err = {0};

	(void)state;
	pl_table_row(t)[1] = pl_cell_count(1);
	pl_table_row(t)[1] = pl_cell_count(2);
	assert_int_equal(pl_args_apply(&args, t, &err), 0);
	assert_int_equal(t->n_rows, 1);
	assert_int_equal(t->cells[1].u, 2);
	assert_int_equal(t->hidden_rows, 1);
	args.sort = "size";
	assert_int_equal(pl_args_apply(&args, t, &err), PL_E_USAGE);
	assert_string_equal(err.text, "no column 'size' to sort by");
	assert_string_equal(err.hint,
			    "columns: type count; a '-' before the name turns the order round");
	pl_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(limits_follow_the_format),
		cmocka_unit_test(everything_given),
		cmocka_unit_test(abbreviations),
		cmocka_unit_test(words_and_options_mix),
		cmocka_unit_test(help_wins),
		cmocka_unit_test(mistakes_in_options),
		cmocka_unit_test(mistakes_beside_good_options),
		cmocka_unit_test(ambiguous),
		cmocka_unit_test(mistakes_in_values),
		cmocka_unit_test(mistakes_in_words),
		cmocka_unit_test(nothing_is_printed),
		cmocka_unit_test(glob_matches),
		cmocka_unit_test(sort_and_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
