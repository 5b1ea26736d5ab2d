/*
 * The heap's signature: what changes it and what must not; and when dead objects are a verdict.
 */
#include "analysis/triage/heapsign.h"
#include "analysis/triage/triage.h"

#include "cmocka_all.h"

static void assert_path(const char *a, const char *b, bool same)
{
	struct pl_heapsign one = {0}, two = {0};

	pl_heapsign_path(&one, a);
	pl_heapsign_path(&two, b);
	assert_int_equal(one.hash == two.hash, same);
}

static void numbers_in_brackets(void **state)
{
	(void)state;
	assert_path("<frame run app.py:33 thread 4242>.job", "<frame run app.py:7 thread 9>.job",
		    true);
	assert_path("<native libfoo.so+0x1f0>", "<native libfoo.so+0xdead>", true);
	assert_path("<app.Node at 0x7f10>.next", "<app.Node at 0x55d0>.next", true);
	assert_path("<frame run app.py:33 thread 4242>.job",
		    "<frame stop app.py:33 thread 4242>.job", false);
	/* a name is a name */
	assert_path("app.CACHE1[*]", "app.CACHE2[*]", false);
	assert_path("app<x>.CACHE1", "app<x>.CACHE2", false);
	assert_path("app.CACHE[*]", "app.CACHE[*].conn", false);
	/* an unbalanced bracket opens or closes nothing else */
	assert_path("a>b1<c2", "a>b1<c3", true);
	assert_path("a>b1<c2", "a>b4<c2", false);
}

static void words_are_apart(void **state)
{
	struct pl_heapsign one = {0}, two = {0};

	(void)state;
	pl_heapsign_word(&one, "ab");
	pl_heapsign_word(&one, "c");
	pl_heapsign_word(&two, "a");
	pl_heapsign_word(&two, "bc");
	assert_true(one.hash != two.hash);
}

static void text(void **state)
{
	struct pl_heapsign s = {0};
	char buf[24] = "untouched";

	(void)state;
	assert_false(pl_heapsign_end(&s, buf));
	assert_string_equal(buf, "untouched");
	pl_heapsign_word(&s, "");
	assert_true(pl_heapsign_end(&s, buf));
	/* FNV-1a of one NUL byte: its published offset basis times its prime */
	assert_string_equal(buf, "heap/1:af63bd4c8601b7df");
}

static void much(void **state)
{
	const uint64_t heap = 1 << 20;

	(void)state;
	assert_false(pl_triage_much(0, 0, heap));
	assert_false(pl_triage_much(1000, 1000, heap));
	assert_true(pl_triage_much(1001, 1001, heap));
	assert_true(pl_triage_much(101, heap / 20 + 1, heap));
	assert_false(pl_triage_much(101, heap / 20, heap));
	/* one big buffer that waits for the next collection */
	assert_false(pl_triage_much(3, heap / 2, heap));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_brackets),
		cmocka_unit_test(words_are_apart),
		cmocka_unit_test(text),
		cmocka_unit_test(much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
