/*
 * Native and Python calls as one stack: which evaluation call runs which frames, what is folded,
 * what symbols are called. Unwinding and signals are the test's own: it says what they found.
 */
#include "analysis/stacks/nativestack.h"

#include <stdio.h>

#include "cmocka_all.h"
#include "image_fake.h"

#define MOST 64
#define EVAL "_PyEval_EvalFrameDefault"

static struct pl_image *im;
static const struct pl_thread thread = {.lwp = 42};
static const struct pl_module module = {.path = "/usr/lib/libpython3.11.so.1.0", .bias = 0x10000};

/* What was unwound, innermost first. */
static struct {
	struct pl_native_frame frame[MOST];
	size_t n;
	enum pl_unwind_end end;
	struct pl_signal signal;
	bool has_signal;
} unwound;

static struct pl_pyframe pyframe[MOST];
static struct pl_pythread python;
static struct pl_stack stack;

enum pl_unwind_end pl_image_unwind(struct pl_image *image, size_t i, size_t *left,
				   struct pl_native_frame **ret, size_t *n)
{
	assert_ptr_equal(image, im);
	assert_int_equal(i, 0);
	*left -= unwound.n;
	*n = unwound.n;
	*ret = pl_calloc(unwound.n, sizeof(**ret));
	memcpy(*ret, unwound.frame, unwound.n * sizeof(**ret));
	return unwound.end;
}

size_t pl_image_signals(const struct pl_image *image, size_t i,
			const struct pl_native_frame *frames, size_t n, struct pl_signal **ret)
{
	(void)image;
	(void)i;
	(void)frames;
	(void)n;
	*ret = unwound.has_signal ? pl_calloc(1, sizeof(**ret)) : NULL;
	if (unwound.has_signal)
		**ret = unwound.signal;
	return unwound.has_signal;
}

/* ---- what there is ---- */

/* Functions separated by blanks, innermost first; "?" has no symbol. */
static void native(const char *functions, enum pl_unwind_end end)
{
	static char text[2000];
	char *rest = text, *word;

	snprintf(text, sizeof(text), "%s", functions);
	memset(&unwound, 0, sizeof(unwound));
	unwound.end = end;
	while ((word = strsep(&rest, " "))) {
		assert_true(unwound.n < MOST);
		unwound.frame[unwound.n] =
			(struct pl_native_frame){.pc = 0x11000 + unwound.n,
						 .sp = 0x7000 + 16 * unwound.n,
						 .symbol = *word == '?' ? NULL : word,
						 .offset = 0x20};
		unwound.n++;
	}
}

/*
 * Python frames, innermost first, a letter each for the code; a digit behind it says how many
 * evaluation calls are between it and its caller, else 1.
 */
static void frames(const char *codes)
{
	python = (struct pl_pythread){.lwp = 42, .frames = pyframe};
	for (const char *p = codes; *p; p++) {
		struct pl_pyframe *f = &pyframe[python.n_frames++];

		*f = (struct pl_pyframe){.code = (pl_addr)*p, .entries = 1};
		if (p[1] >= '0' && p[1] <= '9')
			f->entries = (uint32_t)(*++p - '0');
	}
}

static void start(void)
{
	size_t left = 1000;

	im = image_fake_new(&thread, &module);
	pl_stack_init(&stack, im, 0, &python, 1, &left);
	assert_int_equal(left, 1000 - unwound.n);
	assert_int_equal(stack.thread->lwp, 42);
}

static void end(void)
{
	pl_stack_fini(&stack);
	image_fake_free(im);
}

/* Calls as words, innermost first: a Python one by its letter, folded ones with *n. */
static void assert_calls(const char *want)
{
	char got[2000] = "";

	for (size_t i = 0; i < stack.n_calls; i++) {
		const struct pl_call *c = &stack.calls[i];
		size_t n = strlen(got);

		assert_true(!c->native != !c->python);
		if (c->python)
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%c", i ? " " : "",
					      (char)c->python->code);
		else
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s", i ? " " : "",
					      c->native->symbol ? c->native->symbol : "?");
		if (c->times > 1)
			snprintf(got + n, sizeof(got) - n, "*%u", (unsigned)c->times);
	}
	assert_string_equal(got, want);
}

/* ---- merging ---- */

static void no_python_at_all(void **state)
{
	(void)state;
	native("read start_thread", PL_UNWIND_WHOLE);
	python = (struct pl_pythread){.lwp = 43};
	start();
	assert_null(stack.python);
	assert_true(stack.merged);
	assert_calls("read start_thread");
	assert_int_equal(stack.calls[1].depth, 1);
	end();
}

/* Up to 3.10 each evaluation call runs one frame. */
static void one_frame_for_each_call(void **state)
{
	(void)state;
	native("read os_read " EVAL " call " EVAL " run_mod main", PL_UNWIND_WHOLE);
	frames("ab");
	start();
	assert_true(stack.merged);
	assert_calls("read os_read a call b run_mod main");
	assert_ptr_equal(stack.calls[2].frame, &stack.frames[2]);
	assert_null(stack.calls[2].native);
	end();
	/* Versions that have no other name for it. */
	native("read PyEval_EvalFrameEx PyEval_EvalFrameEx main", PL_UNWIND_WHOLE);
	frames("ab");
	start();
	assert_calls("read a b main");
	end();
}

/* From 3.11 on one call runs all frames up to an entry frame. */
static void one_call_for_many_frames(void **state)
{
	(void)state;
	native("read " EVAL " call " EVAL " main", PL_UNWIND_WHOLE);
	frames("a0b0cd0e");
	start();
	assert_true(stack.merged);
	assert_calls("read a b c call d e main");
	assert_ptr_equal(stack.calls[1].frame, stack.calls[3].frame);
	assert_ptr_equal(stack.calls[5].frame, &stack.frames[3]);
	end();
}

/* An evaluation call that has left its last frame, and one that has not begun its first. */
static void calls_that_run_none(void **state)
{
	(void)state;
	native(EVAL " clear " EVAL " call " EVAL " main", PL_UNWIND_WHOLE);
	frames("ab");
	python.entries = 1;
	start();
	assert_calls(EVAL " clear a call b main");
	end();
	/* Two between a frame and its caller: the second runs none. */
	native(EVAL " " EVAL " " EVAL " main", PL_UNWIND_WHOLE);
	frames("a2b");
	start();
	assert_calls("a " EVAL " b main");
	end();
	/* More than Python knows of: the innermost has none yet. */
	native(EVAL " call " EVAL " main", PL_UNWIND_WHOLE);
	frames("a");
	start();
	assert_true(stack.merged);
	assert_calls(EVAL " call a main");
	end();
}

/* Where the native stack is cut both are counted from the inside; the rest follows. */
static void a_stack_that_is_cut(void **state)
{
	(void)state;
	native("read " EVAL " call " EVAL " lost", PL_UNWIND_LOST);
	frames("abcd");
	start();
	assert_true(stack.merged);
	assert_calls("read a call b lost c d");
	assert_null(stack.calls[5].frame);
	assert_string_equal(pl_stack_end(&stack), "the stack below the last native frame is lost");
	end();
}

/* Fewer calls than frames need, though the stack is whole, or none: nobody can say. */
static void what_does_not_go_together(void **state)
{
	(void)state;
	native("read " EVAL " main", PL_UNWIND_WHOLE);
	frames("ab");
	start();
	assert_false(stack.merged);
	assert_calls("read " EVAL " main a b");
	end();
	native("read ?", PL_UNWIND_NO_FILE);
	frames("a");
	start();
	assert_false(stack.merged);
	assert_calls("read ? a");
	end();
}

static void why_it_ends(void **state)
{
	static const struct {
		enum pl_unwind_end end;
		const char *text;
	} want[] = {
		{PL_UNWIND_NO_FILE, "the last native frame's code is in no file at hand"},
		{PL_UNWIND_NO_RULE, "its file does not say how to leave the last native frame"},
		{PL_UNWIND_BLANK, "the core has only zeros where the native stack was"},
		{PL_UNWIND_BOUND, "so many native frames were read, and no more"},
	};

	(void)state;
	assert_null(pl_stack_end(&(struct pl_stack){.end = PL_UNWIND_WHOLE}));
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++)
		assert_string_equal(pl_stack_end(&(struct pl_stack){.end = want[i].end}),
				    want[i].text);
}

/* ---- folding ---- */

static void recursion_is_folded(void **state)
{
	(void)state;
	python = (struct pl_pythread){0};
	native("f f f main", PL_UNWIND_WHOLE);
	start();
	assert_calls("f*3 main");
	assert_int_equal(stack.calls[1].depth, 3);
	end();
	native("f f main", PL_UNWIND_WHOLE);
	start();
	assert_calls("f f main");
	end();
	native("x f g h f g h f g h f g main", PL_UNWIND_WHOLE);
	start();
	assert_calls("x f*3 g*3 h*3 f g main");
	end();
	/* Calls without a symbol are the same where they stand at one instruction. */
	native("? ? ? main", PL_UNWIND_WHOLE);
	start();
	assert_calls("? ? ? main");
	end();
	native("? ? ? main", PL_UNWIND_WHOLE);
	for (size_t i = 0; i < 3; i++)
		unwound.frame[i].pc = 0x11111;
	start();
	assert_calls("?*3 main");
	end();
	/* The same name in another file is another function. */
	native("f f f main", PL_UNWIND_WHOLE);
	unwound.frame[1].module = -1;
	start();
	assert_calls("f f f main");
	end();
}

static void recursion_of_python(void **state)
{
	(void)state;
	native("read " EVAL " call " EVAL " call " EVAL " call main", PL_UNWIND_WHOLE);
	frames("a0bab");
	start();
	/* The native calls of each round are the same, what they run is not. */
	assert_true(stack.merged);
	assert_calls("read a b call a call b call main");
	end();
	native("read " EVAL " call " EVAL " call " EVAL " call main", PL_UNWIND_WHOLE);
	frames("a0ba0ba0b");
	start();
	assert_calls("read a*3 b*3 call*3 main");
	end();
}

/* ---- signals ---- */

static void what_a_signal_interrupted(void **state)
{
	struct pl_signal none = {.frame = 3};

	(void)state;
	native("write handler restore " EVAL " main", PL_UNWIND_WHOLE);
	unwound.has_signal = true;
	unwound.signal.frame = 3;
	frames("a0b");
	start();
	assert_calls("write handler restore a b main");
	assert_int_equal(stack.n_signals, 1);
	assert_int_equal(pl_stack_interrupted(&stack, &stack.signals[0]), 3);
	none.frame = 0;
	assert_int_equal(pl_stack_interrupted(&stack, &none), 0);
	end();
	/* In a recursion that is folded it is the round that is left, or the call behind. */
	python = (struct pl_pythread){0};
	native("f f f main", PL_UNWIND_WHOLE);
	start();
	none.frame = 1;
	assert_int_equal(pl_stack_interrupted(&stack, &none), 1);
	end();
}

/* ---- words ---- */

static void names_without_what_was_hung_on_them(void **state)
{
	static const struct {
		const char *symbol, *shown, *function;
	} want[] = {
		{"abort", "abort", "abort"},
		{"abort.cold", "abort.cold", "abort"},
		{"__memcpy@@GLIBC_2.14", "__memcpy", "__memcpy"},
		{"list_dealloc.lto_priv.0", "list_dealloc", "list_dealloc"},
		{"f.lto_priv.0@x", "f", "f"},
	};
	struct pl_call none = {0};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
		struct pl_native_frame f = {.symbol = want[i].symbol};
		struct pl_call c = {.native = &f};

		pl_call_symbol(&c, buf, sizeof(buf));
		assert_string_equal(buf, want[i].shown);
		assert_true(pl_call_is(&c, want[i].function));
		assert_false(pl_call_is(&c, "other"));
		/* The beginning of a name is not the name. */
		f.symbol = "aborted";
		assert_false(pl_call_is(&c, "abort"));
	}
	pl_call_symbol(&none, buf, sizeof(buf));
	assert_string_equal(buf, "");
	assert_false(pl_call_is(&none, "abort"));
}

/* Of the states of one thread, a state for each interpreter: the one that runs. */
static void the_state_that_runs(void **state)
{
	struct pl_pythread threads[] = {
		{.lwp = 7},
		{.lwp = 8, .n_frames = 1},
		{.lwp = 7, .n_frames = 2},
		{.lwp = 7, .n_frames = 3},
	};

	(void)state;
	assert_ptr_equal(pl_stack_python(threads, 4, 7), &threads[2]);
	threads[3].holds_gil = true;
	assert_ptr_equal(pl_stack_python(threads, 4, 7), &threads[3]);
	assert_ptr_equal(pl_stack_python(threads, 4, 8), &threads[1]);
	assert_null(pl_stack_python(threads, 4, 9));
	assert_null(pl_stack_python(NULL, 0, 7));
}

static void rows_of_native_calls(void **state)
{
	struct pl_result result = {0};
	struct pl_table *t;
	const struct pl_cell *row;

	(void)state;
	native("f.lto_priv.1 f.lto_priv.1 f.lto_priv.1 ? ? main", PL_UNWIND_WHOLE);
	unwound.frame[4].module = -1;
	python = (struct pl_pythread){0};
	start();
	assert_string_equal(pl_call_library(im, &stack.calls[0]), "libpython3.11.so.1.0");
	assert_string_equal(pl_call_library(im, &stack.calls[2]), "?");
	t = pl_stack_table(&result, "stack");
	pl_stack_put(t, &stack, im, NULL, NULL, 3);
	assert_int_equal(t->n_rows, 3);
	row = t->cells;
	assert_int_equal(row[0].u, 42);
	assert_int_equal(row[1].u, 0);
	assert_string_equal(row[2].s, "native");
	assert_string_equal(row[3].s, "f");
	assert_string_equal(row[4].s, "libpython3.11.so.1.0");
	assert_int_equal(row[5].kind, PL_CELL_ABSENT);
	assert_int_equal(row[6].u, 0x20);
	assert_int_equal(row[7].u, 3);
	/* Without a symbol the offset counts from the file. */
	row += t->n_columns;
	assert_int_equal(row[1].u, 3);
	assert_int_equal(row[3].kind, PL_CELL_UNKNOWN);
	assert_int_equal(row[6].u, 0x11003 - 0x10000);
	assert_int_equal(row[7].kind, PL_CELL_ABSENT);
	/* Without a file it is the address. */
	row += t->n_columns;
	assert_int_equal(row[4].kind, PL_CELL_ABSENT);
	assert_int_equal(row[6].u, 0x11004);
	end();
	pl_result_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_python_at_all),
		cmocka_unit_test(one_frame_for_each_call),
		cmocka_unit_test(one_call_for_many_frames),
		cmocka_unit_test(calls_that_run_none),
		cmocka_unit_test(a_stack_that_is_cut),
		cmocka_unit_test(what_does_not_go_together),
		cmocka_unit_test(why_it_ends),
		cmocka_unit_test(recursion_is_folded),
		cmocka_unit_test(recursion_of_python),
		cmocka_unit_test(what_a_signal_interrupted),
		cmocka_unit_test(names_without_what_was_hung_on_them),
		cmocka_unit_test(the_state_that_runs),
		cmocka_unit_test(rows_of_native_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
