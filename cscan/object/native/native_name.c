/*
 * native_name.c - a word of C memory as a path spells it.
 */
#include "object/native/native.h"

#include <stdio.h>

#include "base/utf8.h"

static void name_in_file(const struct pl_objects *o, const struct pl_native_hit *hit, char *buf,
			 size_t cap)
{
	const struct pl_module *modules, *module;
	struct pl_symbol symbol;
	char file[512];
	const char *base;
	size_t n;

	modules = pl_image_modules(o->im, &n);
	module = &modules[hit->module];
	pl_utf8_escape(file, sizeof(file), module->path, strlen(module->path));
	base = pl_base_name(file);
	if (pl_image_symbol_at(o->im, hit->at, &symbol))
		snprintf(buf, cap, "<native %s %s+0x%llx>", base, symbol.name,
			 (unsigned long long)(hit->at - symbol.addr));
	else
		snprintf(buf, cap, "<native %s+0x%llx>", base,
			 (unsigned long long)(hit->at - module->bias));
}

void pl_native_name(const struct pl_objects *o, const struct pl_native_hit *hit, char *buf,
		    size_t cap)
{
	unsigned long long at = hit->at, base = hit->base;

	switch (hit->place) {
	case PL_NATIVE_FILE:
		name_in_file(o, hit, buf, cap);
		break;
	case PL_NATIVE_BLOCK:
		snprintf(buf, cap, "<malloc block 0x%llx+0x%llx>", base, at - base);
		break;
	case PL_NATIVE_MAPPING:
		snprintf(buf, cap, "<mapping 0x%llx+0x%llx>", base, at - base);
		break;
	case PL_NATIVE_STACK:
		snprintf(buf, cap, "<stack of thread %u 0x%llx>", hit->lwp, at);
		break;
	case PL_NATIVE_REGISTER:
		snprintf(buf, cap, "<register %s of thread %u>",
			 pl_image_register(o->im, (size_t)at), hit->lwp);
		break;
	}
}

void pl_native_general_name(const struct pl_objects *o, const struct pl_native_hit *hit, char *buf,
			    size_t cap)
{
	switch (hit->place) {
	case PL_NATIVE_BLOCK:
		snprintf(buf, cap, "<malloc block *+0x%llx>",
			 (unsigned long long)(hit->at - hit->base));
		break;
	case PL_NATIVE_MAPPING:
		snprintf(buf, cap, "<mapping *>");
		break;
	case PL_NATIVE_STACK:
		snprintf(buf, cap, "<stack of thread %u *>", hit->lwp);
		break;
	case PL_NATIVE_FILE:
	case PL_NATIVE_REGISTER:
		pl_native_name(o, hit, buf, cap);
		break;
	}
}

void pl_native_array_name(const struct pl_native_hit *hit, uint64_t stride, char *buf, size_t cap)
{
	unsigned long long first = (hit->at - hit->base) % stride;

	if (first)
		snprintf(buf, cap, "<malloc block *+0x%llx+%llu*n>", first,
			 (unsigned long long)stride);
	else
		snprintf(buf, cap, "<malloc block *+%llu*n>", (unsigned long long)stride);
}
