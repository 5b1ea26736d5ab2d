/*
 * help.c - help texts from the registry's rows.
 */
#include "api/help.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>

#include "api/options.h"

#define HELP_COLUMN 26 /* where the explanation of an option starts */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Made texts by what they are for; there are few, so a list is searched. */
static PL_VEC(struct made {
	const struct pl_analysis *a;
	const char *kind; /* "pyleak", "gdb", or the option's name */
	char *text;
}) made;

static const char *find(const struct pl_analysis *a, const char *kind)
{
	for (size_t i = 0; i < made.n; i++) {
		if (made.at[i].a == a && !strcmp(made.at[i].kind, kind))
			return made.at[i].text;
	}
	return NULL;
}

static const char *keep(const struct pl_analysis *a, const char *kind, char *text)
{
	pl_vec_push(&made, (struct made){a, kind, text});
	return text;
}

static void usage(FILE *out, const struct pl_analysis *a, bool gdb)
{
	fprintf(out, "usage: %s%s [OPTIONS]", gdb ? "py-leak-" : "pyleak ", a->name);
	if (*a->arguments)
		fprintf(out, " %s", a->arguments);
	fprintf(out, "%s\n", gdb ? "" : " CORE");
}

static void options(FILE *out, const char *heading, const struct pl_option *o)
{
	if (!o->name)
		return;
	fprintf(out, "\n%s:\n", heading);
	for (; o->name; o++) {
		int n = fprintf(out, "  --%s", o->name);

		if (o->metavar && o->values) {
			fputc(' ', out);
			for (const char *c = o->values; *c; c++)
				fputc(*c == ' ' ? '|' : *c, out);
			n += 1 + (int)strlen(o->values);
		} else if (o->metavar) {
			n += fprintf(out, " %s", o->metavar);
		}
		if (n > HELP_COLUMN - 2)
			n = fprintf(out, "\n") - 1;
		fprintf(out, "%*s%s\n", HELP_COLUMN - n, "", o->help);
	}
}

static char *make_help(const struct pl_analysis *a, bool gdb)
{
	char *text = NULL;
	size_t n = 0, len = strlen(a->help);
	FILE *out = open_memstream(&text, &n);

	if (!out)
		pl_oom();
	if (!gdb) {
		usage(out, a, gdb);
		fputc('\n', out);
	}
	fprintf(out, "%c%s.\n", toupper((unsigned char)a->summary[0]), a->summary + 1);
	if (gdb) {
		fputc('\n', out);
		usage(out, a, gdb);
	}
	if (len)
		fprintf(out, "\n%s%s", a->help, a->help[len - 1] == '\n' ? "" : "\n");
	options(out, "Options", a->options);
	options(out, "Options of every analysis", pl_common_options());
	fprintf(out, "\nExample:\n  %s%s%s%s%s\n", gdb ? "(gdb) py-leak-" : "pyleak ", a->name,
		*a->example ? " " : "", a->example, gdb ? "" : " core");
	if (fclose(out) != 0)
		pl_oom();
	return text;
}

const char *pl_help_text(const struct pl_analysis *a, const char *door)
{
	bool gdb = !strcmp(door, "gdb");
	const char *kind = gdb ? "gdb" : "pyleak", *text;

	pthread_mutex_lock(&lock);
	text = find(a, kind);
	if (!text)
		text = keep(a, kind, make_help(a, gdb));
	pthread_mutex_unlock(&lock);
	return text;
}

static const struct pl_option *nth_option(const struct pl_analysis *a, size_t i)
{
	for (const struct pl_option *o = a->options; o->name; o++) {
		if (!i--)
			return o;
	}
	for (const struct pl_option *o = pl_common_options(); o->name; o++) {
		if (!i--)
			return o;
	}
	return NULL;
}

const char *pl_help_option(const struct pl_analysis *a, size_t i, const struct pl_option **ret)
{
	const struct pl_option *o = nth_option(a, i);
	const char *text;

	if (!o)
		return NULL;
	pthread_mutex_lock(&lock);
	text = find(NULL, o->name);
	if (!text)
		text = keep(NULL, o->name, pl_asprintf("--%s", o->name));
	pthread_mutex_unlock(&lock);
	*ret = o;
	return text;
}
