/*
 * DOT: hostile texts stay texts, and the picture is the same every time.
 */
#include "analysis/spell/dot.h"

#define LINES "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">"

#include "cmocka_all.h"

typedef void put_fn(FILE *out, const char *text, size_t columns);

static void check(put_fn *put, const char *text, size_t columns, const char *want)
{
	char *got = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&got, &n);

	assert_non_null(out);
	put(out, text, columns);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(got, want);
	free(got);
}

static void quoted_text_has_no_escape_of_graphviz(void **state)
{
	(void)state;
	check(pl_dot_quoted, "['k']", 40, "\"['k']\"");
	check(pl_dot_quoted, "a\"];b->c", 40, "\"a\\\"];b->c\"");
	check(pl_dot_quoted, "\\N\\", 40, "\"\\\\N\\\\\"");
	check(pl_dot_quoted, "&amp;", 40, "\"&amp;amp;\"");
	check(pl_dot_quoted, "", 40, "\"\"");
}

static void html_text_has_no_markup(void **state)
{
	(void)state;
	check(pl_dot_html, "<B>\"&\"</B>", 40, "&lt;B&gt;&quot;&amp;&quot;&lt;/B&gt;");
	check(pl_dot_html, "\\N", 40, "\\N");
}

static void controls_and_broken_utf8_are_escaped(void **state)
{
	(void)state;
	check(pl_dot_quoted, "a\nb\x1b[31m", 40, "\"a\\\\nb\\\\x1b[31m\"");
	check(pl_dot_html, "a\nb", 40, "a\\nb");
	check(pl_dot_html, "\xff\xc3", 40, "\\xff\\xc3");
	check(pl_dot_quoted, "\xff", 40, "\"\\\\xff\"");
}

static void long_text_is_cut_at_a_character(void **state)
{
	(void)state;
	check(pl_dot_html, "abcdef", 6, "abcdef");
	check(pl_dot_html, "abcdefg", 6, "abcde…");
	check(pl_dot_html, "<<<<", 3, "&lt;&lt;…");
	check(pl_dot_html, "äöüäöü", 4, "äöü…");
	check(pl_dot_html, "漢字漢字", 5, "漢字…");
	check(pl_dot_html, "漢字漢字", 4, "漢…");
}

static void a_picture_is_written_in_order(void **state)
{
	struct pl_dot d = {.title = "T<", .subtitle = "S"};
	size_t n = 0;
	char *text;

	(void)state;
	pl_vec_push(&d.nodes, (struct pl_dot_node){"o1", PL_DOT_ASKED, "app.T", "x=1", "0x10"});
	pl_vec_push(&d.nodes, (struct pl_dot_node){"m2", PL_DOT_MORE, "… 2 more", NULL, ""});
	pl_vec_push(&d.edges, (struct pl_dot_edge){"m2", "o1", PL_DOT_SOLID, ""});
	pl_vec_push(&d.edges, (struct pl_dot_edge){"o1", "m2", PL_DOT_DASHED, ".a"});
	pl_vec_push(&d.edges, (struct pl_dot_edge){"o1", "o1", PL_DOT_DOTTED, NULL});
	text = pl_dot_write(&d, &n);
	assert_non_null(text);
	assert_int_equal(strlen(text), n);
	assert_memory_equal(text, "digraph pyleak {\n", 17);
	assert_non_null(strstr(text, "rankdir=LR"));
	assert_non_null(strstr(
		text, "  label=<" LINES "<TR><TD><B>T&lt;</B></TD></TR>"
		      "<TR><TD><FONT COLOR=\"#6b6b6b\" POINT-SIZE=\"10\">S</FONT></TD></TR>"
		      "</TABLE>>;\n"
		      "  o1 [label=<" LINES "<TR><TD><B>app.T</B></TD></TR>"
		      "<TR><TD><FONT COLOR=\"#6b6b6b\">x=1</FONT></TD></TR>"
		      "<TR><TD><FONT COLOR=\"#6b6b6b\" POINT-SIZE=\"9\">0x10</FONT></TD></TR>"
		      "</TABLE>>"));
	assert_non_null(strstr(text, "  m2 [label=<… 2 more>"));
	assert_non_null(strstr(text, "  m2 -> o1;\n"
				     "  o1 -> m2 [label=\".a\", style=dashed, color=\"#909090\"];\n"
				     "  o1 -> o1 [style=dotted, color=\"#505050\", penwidth=1.5];\n"
				     "}\n"));
	free(text);
	d.down = true;
	text = pl_dot_write(&d, &n);
	assert_non_null(strstr(text, "rankdir=TB"));
	free(text);
	pl_dot_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_text_has_no_escape_of_graphviz),
		cmocka_unit_test(html_text_has_no_markup),
		cmocka_unit_test(controls_and_broken_utf8_are_escaped),
		cmocka_unit_test(long_text_is_cut_at_a_character),
		cmocka_unit_test(a_picture_is_written_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
