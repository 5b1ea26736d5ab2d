/*
 * man.c - writes the man page pyleak.1 at build time, from the registry: no second source of truth.
 */
#include "cli/cli.h"

#include <string.h>

/* Text for roff: backslashes and leading dots mean themselves, hyphens stay ASCII. */
static void roff(const char *s)
{
	bool start = true;

	for (; *s; s++) {
		if (start && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else
			putchar(*s);
		start = *s == '\n';
	}
}

static void literal(const char *text)
{
	puts(".nf");
	roff(text);
	puts(".fi");
}

static void analysis(const char *name)
{
	printf(".SS ");
	roff(name);
	putchar('\n');
	literal(pyleak_analysis_help(name, "pyleak"));
}

int main(void)
{
	const char *name;

	printf(".TH PYLEAK 1 \"\" \"pyleak %s\" \"User Commands\"\n", pyleak_version());
	puts(".SH NAME\n"
	     "pyleak \\- find memory leaks in the core of a dead CPython process\n"
	     ".SH SYNOPSIS\n"
	     ".B pyleak\n"
	     ".I ANALYSIS\n"
	     "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR] \\fICORE\\fR\n"
	     ".br\n"
	     ".B pyleak help\n"
	     ".I ANALYSIS\n"
	     ".SH DESCRIPTION\n"
	     "Reads the ELF core of a CPython process and says what is on its heap.\n"
	     ".I CORE\n"
	     "was written by the kernel, by gcore or by systemd\\-coredump; it may be\n"
	     "compressed, and\n"
	     ".B \\-\n"
	     "stands for standard input.\n"
	     "Nothing that the core names is executed, nothing is downloaded.\n"
	     "The same analyses run inside gdb as\n"
	     ".BI py\\-leak\\- ANALYSIS\n"
	     "once the pyleak.gdb of the installation is sourced.\n"
	     ".SH OPTIONS\n"
	     "These may stand anywhere; each analysis lists its own below.");
	for (const struct cli_option *o = cli_options; o->name; o++) {
		printf(".TP\n.B \\-\\-");
		roff(o->name);
		if (o->metavar)
			printf(" \\fI%s\\fR", o->metavar);
		putchar('\n');
		roff(o->help);
		putchar('\n');
	}
	puts(".SH ANALYSES");
	for (size_t i = 0; (name = pyleak_analysis(i)); i++)
		analysis(name);
	puts(".SH EXIT STATUS\n"
	     ".TP\n0\ndone\n"
	     ".TP\n1\na finding\n"
	     ".TP\n2\nbad usage\n"
	     ".TP\n3\nnot usable: not a core, no CPython in it, or a build that is not supported\n"
	     ".TP\n4\ndone on a damaged or truncated core: the results hold for what is there\n"
	     ".TP\n70\na bug in pyleak\n"
	     ".SH ENVIRONMENT\n"
	     ".TP\n.B NO_COLOR\nif set, text has no colour\n"
	     ".SH SEE ALSO\n"
	     ".BR gdb (1),\n"
	     ".BR gcore (1),\n"
	     ".BR core (5),\n"
	     ".BR coredumpctl (1)");
	return fflush(stdout) != 0 || ferror(stdout);
}
