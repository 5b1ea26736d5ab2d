/*
 * rootset.c - see rootset.h.
 */
#include "object/roots/rootset.h"

#include <stdio.h>

#include "base/utf8.h"
#include "object/value/value.h"

#define MAX_NAME 256

struct pl_root *pl_root_add(struct pl_rootset *s, enum pl_root_kind kind, pl_addr target,
			    const char *accessor, bool owns, const char *fmt, ...)
{
	char name[4 * MAX_NAME];
	va_list ap;

	if (!target)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	pl_vec_push(&s->list,
		    (struct pl_root){
			    .kind = kind,
			    .target = target,
			    .name = pl_arena_strndup(&s->r->names, name, strlen(name)),
			    .accessor = pl_arena_strndup(&s->r->names, accessor, strlen(accessor)),
			    .owns = owns,
		    });
	return &s->list.at[s->list.n - 1];
}

uint64_t pl_root_word(struct pl_rootset *s, pl_addr base, int32_t offset)
{
	uint64_t w = 0;

	if (base && pl_has(offset))
		pl_read64(&s->v, base + (uint64_t)(int64_t)offset, &w);
	return w;
}

void pl_root_str(struct pl_rootset *s, pl_addr str, char *buf, size_t cap)
{
	char raw[MAX_NAME];

	if (pl_str_read(s->o->l, &s->v, str, raw, sizeof(raw), NULL, NULL))
		pl_utf8_escape(buf, cap, raw, strlen(raw));
	else
		snprintf(buf, cap, "?");
}
