/*
 * args.c - what an analysis asks of its arguments.
 */
#include "analysis/args.h"

#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/quantity.h"

const char *pl_args_get(const struct pl_args *args, const char *name)
{
	for (size_t i = 0; args->options[i].name; i++) {
		if (!strcmp(args->options[i].name, name))
			return args->values[i];
	}
	assert(false && "an option that the analysis has no row for");
	return NULL;
}

int pl_args_number(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err)
{
	const char *value = pl_args_get(args, name);
	unsigned long long n;
	char *end;

	if (!value)
		return 0;
	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno || end == value || *end || *value == '-')
		return pl_err_set(err, PL_E_USAGE, "--%s needs a number, not '%s'", name, value);
	*ret = n;
	return 0;
}

int pl_args_bytes(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err)
{
	const char *value = pl_args_get(args, name);

	if (!value || pl_quantity_bytes(value, ret))
		return 0;
	return pl_err_set(err, PL_E_USAGE, "--%s needs an amount of memory such as 512M, not '%s'",
			  name, value);
}

int pl_args_time(const struct pl_args *args, const char *name, uint64_t *ret, struct pl_err *err)
{
	const char *value = pl_args_get(args, name);

	if (!value || pl_quantity_time(value, ret))
		return 0;
	return pl_err_set(err, PL_E_USAGE, "--%s needs a time such as 60s, not '%s'", name, value);
}

bool pl_args_match(const struct pl_args *args, const char *type_name)
{
	static const char *const builtins[] = {"builtins.", "__builtin__." /* 2.7 */};

	if (!args->match || !fnmatch(args->match, type_name, 0))
		return true;
	for (size_t i = 0; i < PL_ARRAY_LEN(builtins); i++) {
		size_t n = strlen(builtins[i]);

		if (!strncmp(type_name, builtins[i], n))
			return !fnmatch(args->match, type_name + n, 0);
	}
	return false;
}

int pl_args_apply(const struct pl_args *args, struct pl_table *t, struct pl_err *err)
{
	if (args->sort && !pl_table_sort(t, args->sort)) {
		char names[256] = "";
		size_t at = 0;

		for (size_t i = 0; i < t->n_columns && at < sizeof(names); i++)
			at += (size_t)snprintf(names + at, sizeof(names) - at, " %s",
					       t->columns[i].name);
		pl_err_set(err, PL_E_USAGE, "no column '%s' to sort by", args->sort);
		if (err)
			pl_err_hint(err, "columns:%s; a '-' before the name turns the order round",
				    names);
		return PL_E_USAGE;
	}
	pl_table_limit(t, args->limit);
	return 0;
}
