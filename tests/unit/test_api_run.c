/*
 * Runs through the public API, with analyses that are not in the registry: status, output, notes,
 * cancel. The core is a file that is none, so no stage beyond the image is met here.
 */
#include "api/handle.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cmocka_all.h"

static const struct pl_option no_options[] = {{.name = NULL}};
static const struct pl_column columns[] = {
	{.name = "type", .align = PL_LEFT},
	{.name = "count", .align = PL_RIGHT},
};

/* Three rows; the word given decides what else happens. */
static int run_fake(struct pl_session *s, const struct pl_args *args, struct pl_result *ret,
		    struct pl_err *err)
{
	struct pl_ctx *ctx = pl_session_ctx(s);
	const char *how = args->n_words ? args->words[0] : "";
	struct pl_table *t = pl_result_table(ret, "fake", columns, 2);
	struct pl_image *im;

	if (!strncmp(how, "section", 7))
		pl_result_section(ret, "First");
	for (uint64_t i = 0; i < 30; i++) {
		struct pl_cell *row = pl_table_row(t);

		row[0] = pl_cell_printf(t, "app.T%02u", (unsigned)i);
		row[1] = pl_cell_count(i);
	}
	if (!strncmp(how, "section", 7)) {
		/* As a budget does that is used up just then. */
		atomic_store(&ctx->cancel, !strcmp(how, "section-cancel"));
		pl_result_section(ret, "Then");
		atomic_store(&ctx->cancel, false);
		pl_table_row(t)[0] = pl_cell_text(t, "app.Late");
	}
	if (!strcmp(how, "section-fail"))
		return pl_err_set(err, PL_E_NO_PYTHON, "no CPython here");
	pl_table_total(t)[1] = pl_cell_count(435);
	if (!strcmp(how, "finding"))
		ret->finding = true;
	if (!strcmp(how, "damage") || !strcmp(how, "both"))
		pl_ctx_damage(ctx, "bad-list", "a list is \033 broken");
	if (!strcmp(how, "both"))
		ret->finding = true;
	if (!strcmp(how, "note"))
		pl_ctx_note(ctx, PL_INFO, "n", "by the way");
	if (!strcmp(how, "cancel"))
		atomic_store(&ctx->cancel, true);
	if (!strcmp(how, "fail"))
		return pl_err_set(err, PL_E_NO_PYTHON, "no CPython here");
	if (!strcmp(how, "core"))
		return pl_session_image(s, &im, err);
	return 0;
}

static const struct pl_analysis fake = {
	.name = "fake",
	.arguments = "[HOW]",
	.summary = "tries the machinery",
	.help = "Some paragraph.",
	.example = "note",
	.options = no_options,
	.run = run_fake,
};

#define RUN(p, a, ...) run(p, a, (const char *const[]){"fake", ##__VA_ARGS__, NULL})

static pyleak_result *run(pyleak *p, const struct pl_analysis *a, const char *const *argv)
{
	pyleak_result *r = pl_calloc(1, sizeof(*r));
	int argc = 0;

	while (argv[argc])
		argc++;
	pl_run_analysis(p, a, argc, argv, r);
	return r;
}

static void set_core(pyleak *p, const char *core)
{
	struct pyleak_options o = {.size = sizeof(o), .core = core, .threads = 1};

	assert_int_equal(pyleak_set_options(p, &o), 0);
}

static int new_handle(void **state)
{
	pyleak *p = pyleak_new();

	set_core(p, "/dev/null");
	*state = p;
	return 0;
}

static int free_handle(void **state)
{
	pyleak_free(*state);
	return 0;
}

static void plain_result(void **state)
{
	pyleak_result *r = RUN(*state, &fake);
	size_t len;

	assert_int_equal(pyleak_result_status(r), 0);
	assert_null(pyleak_result_error(r));
	assert_null(pyleak_result_hint(r));
	assert_null(pyleak_result_note(r, 0));
	assert_null(pyleak_result_output_file(r));
	assert_non_null(strstr(pyleak_result_output(r, &len), "app.T19"));
	assert_null(strstr(pyleak_result_output(r, &len), "app.T20"));
	assert_non_null(strstr(pyleak_result_output(r, &len), "... 10 more (--limit 0 for all)"));
	assert_int_equal(len, strlen(pyleak_result_output(r, NULL)));
	pyleak_result_free(r);
}

static void sections_come_early(void **state)
{
	pyleak *p = *state;
	pyleak_result *r = RUN(p, &fake, "--limit", "0", "section");
	const char *early = pyleak_early(p, 0), *output = pyleak_result_output(r, NULL);

	assert_null(pyleak_early(p, 1));
	assert_int_equal(strncmp(output, early, strlen(early)), 0);
	assert_non_null(strstr(early, "First\n"));
	assert_non_null(strstr(early, "app.T29"));
	assert_null(strstr(early, "app.Late"));
	assert_null(strstr(output + strlen(early), "app.T29"));
	assert_non_null(strstr(output + strlen(early), "Then\n"));
	assert_non_null(strstr(output + strlen(early), "app.Late"));
	pyleak_result_free(r);
	r = RUN(p, &fake, "--limit", "0", "section-cancel");
	assert_non_null(strstr(pyleak_early(p, 0), "app.T29"));
	assert_non_null(strstr(pyleak_result_output(r, NULL), "app.T29"));
	assert_non_null(strstr(pyleak_result_output(r, NULL), "app.Late"));
	pyleak_result_free(r);
	/* What was ready outlives the failure of the rest. */
	r = RUN(p, &fake, "--limit", "0", "section-fail");
	assert_string_equal(pyleak_result_output(r, NULL), "");
	assert_non_null(strstr(pyleak_early(p, 0), "app.T29"));
	pyleak_result_free(r);
	/* For a file all is written at once, and other formats know no sections. */
	r = RUN(p, &fake, "--limit", "0", "--output", "/tmp/x", "section");
	assert_null(pyleak_early(p, 0));
	assert_non_null(strstr(pyleak_result_output(r, NULL), "First\n"));
	assert_non_null(strstr(pyleak_result_output(r, NULL), "Then\n"));
	pyleak_result_free(r);
	r = RUN(p, &fake, "--limit", "0", "--format", "csv", "section");
	assert_null(pyleak_early(p, 0));
	assert_null(strstr(pyleak_result_output(r, NULL), "Then"));
	assert_non_null(strstr(pyleak_result_output(r, NULL), "app.T29,29\napp.Late,\n"));
	pyleak_result_free(r);
}

static void early_text_is_forgotten(void **state)
{
	pyleak *p = *state;
	pyleak_result *r = RUN(p, &fake, "--limit", "0", "section");

	assert_non_null(pyleak_early(p, 0));
	pyleak_result_free(r);
	set_core(p, "/dev/null");
	assert_null(pyleak_early(p, 0));
}

static void sort_and_formats(void **state)
{
	pyleak_result *r = RUN(*state, &fake, "--sort", "count", "--format", "csv", "--limit", "2");

	assert_string_equal(pyleak_result_output(r, NULL), "type,count\napp.T29,29\napp.T28,28\n");
	pyleak_result_free(r);
	r = RUN(*state, &fake, "--format", "json", "--output", "/tmp/x.json");
	assert_non_null(strstr(pyleak_result_output(r, NULL), "\"app.T29\""));
	assert_string_equal(pyleak_result_output_file(r), "/tmp/x.json");
	pyleak_result_free(r);
}

static void own_rows_are_left_alone(void **state)
{
	struct pl_analysis own = fake;
	pyleak_result *r;

	own.own_rows = true;
	r = RUN(*state, &own, "--sort", "nosuch", "--limit", "1", "--format", "csv");
	assert_int_equal(pyleak_result_status(r), 0);
	assert_non_null(strstr(pyleak_result_output(r, NULL), "app.T29"));
	pyleak_result_free(r);
}

static void statuses(void **state)
{
	static const struct {
		const char *how;
		int status;
	} cases[] = {{"finding", 1}, {"damage", 4}, {"both", 1},    {"note", 0},
		     {"fail", 3},    {"core", 3},   {"cancel", 130}};

	for (size_t i = 0; i < PL_ARRAY_LEN(cases); i++) {
		pyleak_result *r = RUN(*state, &fake, cases[i].how);
		bool done = cases[i].status < 3 || cases[i].status == 4;

		assert_int_equal(pyleak_result_status(r), cases[i].status);
		assert_int_equal(pyleak_result_error(r) == NULL, done);
		assert_int_equal(*pyleak_result_output(r, NULL) != '\0', done);
		pyleak_result_free(r);
	}
}

static void errors_have_hints(void **state)
{
	pyleak_result *r = RUN(*state, &fake, "fail");

	assert_string_equal(pyleak_result_error(r), "no CPython here");
	assert_non_null(strstr(pyleak_result_hint(r), "--exe"));
	pyleak_result_free(r);
	r = RUN(*state, &fake, "--sort", "weight");
	assert_int_equal(pyleak_result_status(r), 2);
	assert_string_equal(pyleak_result_error(r), "no column 'weight' to sort by");
	assert_non_null(strstr(pyleak_result_hint(r), "type count"));
	pyleak_result_free(r);
}

/* What one run had to say is not said again by the next; what the core has to say is. */
static void notes_are_of_one_run(void **state)
{
	pyleak_result *r = RUN(*state, &fake, "damage");

	assert_string_equal(pyleak_result_note(r, 0), "warning: a list is \\x1b broken");
	assert_null(pyleak_result_note(r, 1));
	pyleak_result_free(r);
	r = RUN(*state, &fake, "note");
	assert_string_equal(pyleak_result_note(r, 0), "note: by the way");
	assert_null(pyleak_result_note(r, 1));
	assert_int_equal(pyleak_result_status(r), 0); /* no longer partial */
	pyleak_result_free(r);
}

static void a_cancel_holds_for_one_run(void **state)
{
	pyleak_result *r;

	pyleak_cancel(*state); /* nothing runs: cleared by the next run */
	r = RUN(*state, &fake);
	assert_int_equal(pyleak_result_status(r), 0);
	pyleak_result_free(r);
	r = RUN(*state, &fake, "cancel");
	assert_int_equal(pyleak_result_status(r), 130);
	assert_string_equal(pyleak_result_error(r), "cancelled");
	pyleak_result_free(r);
	r = RUN(*state, &fake);
	assert_int_equal(pyleak_result_status(r), 0);
	pyleak_result_free(r);
}

static void progress_is_idle_between_runs(void **state)
{
	uint64_t done = 1, total = 1;

	assert_null(pyleak_progress(*state, &done, &total));
	pyleak_result_free(RUN(*state, &fake));
	assert_null(pyleak_progress(*state, &done, &total));
}

/* A failed stage fails again, with the same words. */
static void failures_stay(void **state)
{
	pyleak_result *a = RUN(*state, &fake, "core"), *b = RUN(*state, &fake, "core");

	assert_int_equal(pyleak_result_status(a), 3);
	assert_string_equal(pyleak_result_error(a), pyleak_result_error(b));
	pyleak_result_free(a);
	set_core(*state, "/nonexistent/core");
	pyleak_result_free(b);
	b = RUN(*state, &fake, "core");
	assert_int_equal(pyleak_result_status(b), 3);
	assert_non_null(strstr(pyleak_result_error(b), "/nonexistent/core"));
	pyleak_result_free(b);
}

static void help_needs_no_core(void **state)
{
	pyleak *p = pyleak_new();
	pyleak_result *r = RUN(p, &fake, "--help");

	(void)state;
	assert_int_equal(pyleak_result_status(r), 0);
	assert_non_null(strstr(pyleak_result_output(r, NULL), "Some paragraph."));
	assert_non_null(strstr(pyleak_result_output(r, NULL), "--format text|json|csv"));
	pyleak_result_free(r);
	r = RUN(p, &fake);
	assert_int_equal(pyleak_result_status(r), 2);
	assert_string_equal(pyleak_result_error(r), "no core is given");
	pyleak_result_free(r);
	assert_null(pyleak_complete_type(p, "", 0, 1));
	pyleak_free(p);
}

static void unknown_analysis(void **state)
{
	static const char *const argv[] = {"nosuch\033"};
	pyleak_result *r = pyleak_run(*state, 1, argv);

	assert_int_equal(pyleak_result_status(r), 2);
	assert_string_equal(pyleak_result_error(r), "no analysis is called 'nosuch\\x1b'");
	assert_string_equal(pyleak_result_output(r, NULL), "");
	pyleak_result_free(r);
	r = pyleak_run(*state, 0, NULL);
	assert_int_equal(pyleak_result_status(r), 2);
	pyleak_result_free(r);
}

/* All that is in a file without a name, NUL-terminated. */
static char *contents(int fd)
{
	static char text[1 << 16];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void set_output(pyleak *p, int fd)
{
	struct pyleak_options o = {.size = sizeof(o), .core = "/dev/null", .output = fd};

	assert_int_equal(pyleak_set_options(p, &o), 0);
}

/* The same bytes as in memory, of every format, and nothing of them is kept. */
static void a_descriptor_takes_the_result(void **state)
{
	static const char *const formats[] = {"text", "json", "csv"};
	pyleak *p = *state;

	for (size_t i = 0; i < PL_ARRAY_LEN(formats); i++) {
		int fd = memfd_create("out", 0);
		pyleak_result *kept, *written;

		set_output(p, 0);
		kept = RUN(p, &fake, "--format", formats[i], "section");
		set_output(p, fd);
		written = RUN(p, &fake, "--format", formats[i], "section");
		assert_int_equal(pyleak_result_status(written), 0);
		assert_string_equal(pyleak_result_output(written, NULL), "");
		assert_string_equal(contents(fd), pyleak_result_output(kept, NULL));
		assert_null(pyleak_early(p, 0));
		pyleak_result_free(kept);
		pyleak_result_free(written);
		close(fd);
	}
}

/* With a descriptor --output's file is written here, whole or not at all. */
static void a_file_is_there_whole_or_not_at_all(void **state)
{
	char dir[] = "/tmp/test_api_run-XXXXXX", path[64];
	pyleak *p = *state;
	int fd = memfd_create("out", 0), file;
	pyleak_result *r;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/out", dir);
	set_output(p, fd);
	r = RUN(p, &fake, "--output", path, "fail");
	assert_int_equal(pyleak_result_status(r), 3);
	pyleak_result_free(r);
	assert_int_equal(access(path, F_OK), -1);
	r = RUN(p, &fake, "--format", "csv", "--output", path);
	assert_int_equal(pyleak_result_status(r), 0);
	assert_null(pyleak_result_output_file(r));
	pyleak_result_free(r);
	assert_string_equal(contents(fd), "");
	file = open(path, O_RDONLY);
	assert_non_null(strstr(contents(file), "app.T29,29\n"));
	close(file);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else is in it */
	close(fd);
}

static void a_write_that_is_refused(void **state)
{
	int full = open("/dev/full", O_WRONLY), ends[2];
	pyleak_result *r;

	set_output(*state, full);
	r = RUN(*state, &fake, "--format", "json");
	assert_int_equal(pyleak_result_status(r), 3);
	assert_string_equal(pyleak_result_error(r),
			    "cannot write the result (No space left on device)");
	assert_non_null(strstr(pyleak_result_hint(r), "--output"));
	pyleak_result_free(r);
	close(full);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	set_output(*state, ends[1]);
	r = RUN(*state, &fake);
	assert_int_equal(pyleak_result_status(r), 3);
	assert_string_equal(pyleak_result_error(r), "cannot write the result (Broken pipe)");
	pyleak_result_free(r);
	close(ends[1]);
	set_output(*state, 0);
	r = RUN(*state, &fake, "--output", "/nonexistent/out");
	assert_int_equal(pyleak_result_status(r), 0); /* the caller's to write, and to fail */
	pyleak_result_free(r);
	assert_int_equal(pyleak_save("/nonexistent/out", "x", 1), -1);
}

/* Nobody reads, and the pipe is full: a cancel ends the wait. */
static void *cancel_soon(void *arg)
{
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	pyleak_cancel(arg);
	return NULL;
}

static void a_reader_who_does_not_read(void **state)
{
	int ends[2];
	pthread_t thread;
	pyleak_result *r;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	for (char x = 'x'; write(ends[1], &x, 1) == 1;)
		;
	for (int blocking = 0; blocking <= 1; blocking++) {
		assert_int_equal(fcntl(ends[1], F_SETFL, blocking ? 0 : O_NONBLOCK), 0);
		set_output(*state, ends[1]);
		assert_int_equal(pthread_create(&thread, NULL, cancel_soon, *state), 0);
		r = RUN(*state, &fake);
		pthread_join(thread, NULL);
		assert_int_equal(pyleak_result_status(r), 130);
		assert_string_equal(pyleak_result_error(r), "cancelled");
		pyleak_result_free(r);
	}
	close(ends[0]);
	close(ends[1]);
}

static void options_of_other_versions(void **state)
{
	struct {
		struct pyleak_options o;
		char later[16];
	} newer = {.o = {.size = sizeof(newer), .core = "x"}};

	assert_int_equal(pyleak_set_options(*state, &newer.o), 0);
	newer.later[3] = 1; /* something that this library cannot do */
	assert_int_equal(pyleak_set_options(*state, &newer.o), -1);
	newer.o.size = offsetof(struct pyleak_options, output); /* of 0.1.0: without those behind */
	newer.o.output = 99;
	assert_int_equal(pyleak_set_options(*state, &newer.o), 0);
	newer.o.size = 4;
	assert_int_equal(pyleak_set_options(*state, &newer.o), -1);
}

/* Each row of the registry has all that a door asks for. */
static void registry(void **state)
{
	const char *name;
	size_t n = 0;

	(void)state;
	for (; (name = pyleak_analysis(n)); n++) {
		const char *values, *option, *help = pyleak_analysis_help(name, "pyleak");
		bool format = false;

		assert_true(*pyleak_analysis_summary(name) != '\0');
		assert_non_null(pyleak_analysis_arguments(name));
		assert_non_null(strstr(help, "Example:"));
		assert_ptr_equal(help, pyleak_analysis_help(name, "pyleak")); /* cached */
		assert_non_null(strstr(pyleak_analysis_help(name, "gdb"), "(gdb) py-leak-"));
		for (size_t i = 0; (option = pyleak_analysis_option(name, i, &values)); i++) {
			assert_non_null(strstr(help, option));
			if (!strcmp(option, "--format")) {
				assert_string_equal(values, "text json csv");
				format = true;
			}
			if (!strcmp(option, "--help"))
				assert_null(values);
			if (!strcmp(option, "--limit"))
				assert_string_equal(values, "");
		}
		assert_true(format);
	}
	assert_true(n > 0);
	assert_null(pyleak_analysis_help("nosuch", "gdb"));
	assert_null(pyleak_analysis_option("nosuch", 0, NULL));
	assert_null(pyleak_analysis_summary("nosuch"));
	assert_null(pyleak_analysis_arguments("nosuch"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, new_handle, free_handle)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plain_result),
		TEST(sections_come_early),
		TEST(early_text_is_forgotten),
		TEST(sort_and_formats),
		TEST(own_rows_are_left_alone),
		TEST(statuses),
		TEST(errors_have_hints),
		TEST(notes_are_of_one_run),
		TEST(a_cancel_holds_for_one_run),
		TEST(progress_is_idle_between_runs),
		TEST(failures_stay),
		TEST(help_needs_no_core),
		TEST(unknown_analysis),
		TEST(a_descriptor_takes_the_result),
		TEST(a_file_is_there_whole_or_not_at_all),
		TEST(a_write_that_is_refused),
		TEST(a_reader_who_does_not_read),
		TEST(options_of_other_versions),
		TEST(registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
