/*
 * death_words.c - calls and objects in the words that all parts of "how it died" use.
 */
#include <stdio.h>

#include "analysis/death/death.h"

enum { MAX_TEXT = 300 };

void pl_death_call(const struct pl_death *d, const struct pl_call *c, char *buf, size_t cap)
{
	const struct pl_native_frame *f = c->native;
	const struct pl_module *modules;
	char symbol[MAX_TEXT];
	size_t n;

	modules = pl_image_modules(d->im, &n);
	pl_call_symbol(c, symbol, sizeof(symbol));
	if (*symbol)
		snprintf(buf, cap, "%s in %s", symbol, pl_call_library(d->im, c));
	else if (f->module >= 0)
		snprintf(buf, cap, "%s +0x%llx", pl_call_library(d->im, c),
			 (unsigned long long)(f->pc - modules[f->module].bias));
	else
		snprintf(buf, cap, "0x%llx, where no file is mapped", (unsigned long long)f->pc);
}

void pl_death_python(const struct pl_death *d, const struct pl_pyframe *f, char *buf, size_t cap)
{
	char function[MAX_TEXT], file[MAX_TEXT];

	pl_code_names(d->l, d->v, f->code, function, sizeof(function), file, sizeof(file));
	snprintf(buf, cap, "%s (%s:%d)", function, pl_base_name(file), f->line);
}

const struct pl_call *pl_death_innermost_python(const struct pl_stack *s)
{
	for (size_t i = 0; i < s->n_calls; i++) {
		if (s->calls[i].python)
			return &s->calls[i];
	}
	return NULL;
}

const struct pl_type *pl_death_type(const struct pl_death *d, pl_addr addr)
{
	int32_t index = -1;

	if (d->o && addr)
		index = pl_types_find(d->o->types, d->v,
				      pl_field_word(d->v, addr, d->l->f.object_type));
	return index < 0 ? NULL : pl_types_at(d->o->types, (uint32_t)index);
}
