/*
 * label.c - the text of an edge's label.
 */
#include <stdio.h>

#include "base/utf8.h"
#include "object/edges/edges.h"
#include "object/value/value.h"
#include "object/repr/repr.h"

#define MAX_NAME 256

const char *pl_edge_kind_name(enum pl_edge_kind k)
{
	static const char *const names[] = {
		[PL_EDGE_STRONG] = "strong",
		[PL_EDGE_WEAK] = "weak",
		[PL_EDGE_BORROWED] = "borrowed",
		[PL_EDGE_NATIVE] = "native",
	};

	return names[k];
}

/* The str or C string at addr, escaped; "?" when it cannot be read. */
static void name_at(const struct pl_objects *o, struct pl_view *v, pl_addr addr, bool c_string,
		    char *buf, size_t cap)
{
	char raw[MAX_NAME];

	if (c_string ? pl_read_cstr(v, addr, raw, sizeof(raw))
		     : pl_str_read(o->l, v, addr, raw, sizeof(raw), NULL, NULL))
		pl_utf8_escape(buf, cap, raw, strlen(raw));
	else
		snprintf(buf, cap, "?");
}

static void repr_of(const struct pl_objects *o, struct pl_view *v, pl_addr addr, char *buf,
		    size_t cap)
{
	static const struct pl_repr_limits limits = {
		.depth = 1, .items = 3, .chars = 40, .total = 80};

	pl_repr(o, v, addr, &limits, buf, cap);
}

void pl_label(const struct pl_objects *o, struct pl_view *v, const struct pl_edge *e, bool path,
	      char *buf, size_t cap)
{
	static const char *const frame_of[] = {"", ".gi_frame", ".cr_frame", ".ag_frame"};
	char name[4 * MAX_NAME];
	unsigned long long n = e->arg;

	switch ((enum pl_label_kind)e->label) {
	case PL_L_TEXT:
		snprintf(buf, cap, "%s", (const char *)(uintptr_t)e->arg);
		break;
	case PL_L_DICT:
		snprintf(buf, cap, ".__dict__");
		break;
	case PL_L_ATTR:
	case PL_L_MEMBER:
		name_at(o, v, e->arg, e->label == PL_L_MEMBER, name, sizeof(name));
		snprintf(buf, cap, ".%s", name);
		break;
	case PL_L_ITEM:
		repr_of(o, v, e->arg, name, sizeof(name));
		snprintf(buf, cap, "[%s]", name);
		break;
	case PL_L_KEY:
		repr_of(o, v, e->target, name, sizeof(name));
		snprintf(buf, cap, "<key %s>", name);
		break;
	case PL_L_INDEX:
		snprintf(buf, cap, "[%llu]", n);
		break;
	case PL_L_ELEMENT:
		snprintf(buf, cap, "<set element>");
		break;
	case PL_L_LOCAL:
	case PL_L_GI_LOCAL:
	case PL_L_CR_LOCAL:
	case PL_L_AG_LOCAL:
		name_at(o, v, e->arg, false, name, sizeof(name));
		if (path)
			snprintf(buf, cap, "%s.f_locals['%s']", frame_of[e->label - PL_L_LOCAL],
				 name);
		else
			snprintf(buf, cap, "local %s", name);
		break;
	case PL_L_CLOSURE:
		name_at(o, v, e->arg << 16 >> 16, false, name, sizeof(name));
		if (path)
			snprintf(buf, cap, ".__closure__[%llu].cell_contents", n >> 48);
		else
			snprintf(buf, cap, "closure %s", name);
		break;
	case PL_L_STACK:
		snprintf(buf, cap, "<stack %llu>", n);
		break;
	case PL_L_NATIVE:
		snprintf(buf, cap, "<native +0x%llx>", n);
		break;
	}
}
