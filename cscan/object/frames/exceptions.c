/*
 * exceptions.c - see exceptions.h. Facts: Objects/exceptions.c, Python/traceback.c.
 */
#include "object/frames/exceptions.h"

#include "base/addrset.h"
#include "object/types/rows.h"
#include "object/frames/pyframe.h"
#include "object/value/value.h"

enum { MAX_CHAIN = 1 << 16 };

static bool is_exception(const struct pl_layout *l, struct pl_view *v, pl_addr addr)
{
	pl_addr type;
	uint64_t flags;

	return addr && pl_value_type(l, v, addr, &type, &flags) && flags & PL_TPFLAG_EXCEPTION;
}

/* What it was raised from, or while handling; 0 at the end of the chain. */
static pl_addr before(const struct pl_layout *l, struct pl_view *v, pl_addr addr, const char **link)
{
	pl_addr cause = pl_field_word(v, addr, l->f.exc_cause),
		context = pl_field_word(v, addr, l->f.exc_context);
	const uint8_t *suppressed =
		pl_has(l->f.exc_suppress) ? pl_at(v, addr + (uint64_t)l->f.exc_suppress, 1) : NULL;

	*link = cause ? "cause" : "context";
	return cause ? cause : suppressed && *suppressed ? 0 : context;
}

size_t pl_exception_chain(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
			  struct pl_ctx *ctx, struct pl_exception **ret)
{
	PL_VEC(struct pl_exception) chain = {0};
	struct pl_addrset seen;
	const char *link = "";

	pl_addrset_init(&seen);
	while (is_exception(o->l, v, addr) && !(addr & 7) && pl_addrset_add(&seen, addr)) {
		if (chain.n == MAX_CHAIN) {
			pl_ctx_damage(
				ctx, "stopped-looking",
				"a chain of exceptions has more than %d: the rest of them are "
				"left out",
				MAX_CHAIN);
			break;
		}
		pl_vec_push(&chain,
			    (struct pl_exception){
				    addr, pl_field_word(v, addr, o->l->f.exc_traceback), link});
		addr = before(o->l, v, addr, &link);
	}
	pl_addrset_fini(&seen);
	*ret = chain.at;
	return chain.n;
}

static bool is_traceback(const struct pl_objects *o, struct pl_view *v, pl_addr addr)
{
	pl_addr type_addr = pl_field_word(v, addr, o->l->f.object_type);
	int32_t type = type_addr ? pl_types_find(o->types, v, type_addr) : -1;

	return type >= 0 && pl_types_at(o->types, (uint32_t)type)->decoder == PL_DECODER_traceback;
}

bool pl_traceback_read(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
		       struct pl_traceback *ret)
{
	const struct pl_fields *f = &o->l->f;
	struct pl_traceback t = {0};
	enum pl_frame_owner owner;
	struct pl_pyframe frame;
	uint32_t line = 0, last = 0;

	if (!is_traceback(o, v, addr) ||
	    !pl_read32(v, addr + (uint64_t)f->traceback_lineno, &line) ||
	    !pl_read32(v, addr + (uint64_t)f->traceback_lasti, &last))
		return false;
	t.next = pl_field_word(v, addr, f->traceback_next);
	t.frame = pl_field_word(v, addr, f->traceback_frame);
	t.line = (int)line;
	if (pl_pyframe_read(o, v,
			    o->l->frame_style == PL_FRAME_OBJECT
				    ? t.frame
				    : pl_field_word(v, t.frame, f->frame_iframe),
			    &frame, &owner)) {
		t.code = frame.code;
		/* -1 since 3.12: nobody has asked for it yet. */
		if (t.line < 0)
			t.line = pl_code_line(o->l, v, t.code, (int32_t)last);
	}
	*ret = t;
	return true;
}

bool pl_is_memory_error(const struct pl_objects *o, struct pl_view *v, pl_addr type)
{
	pl_addr items, mro = pl_field_word(v, type, o->l->f.type_mro);
	uint64_t n;

	if (!mro || !pl_tuple_items(o->l, v, mro, &items, &n))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		const char *name;
		int32_t index;
		uint64_t base;

		if (!pl_read64(v, items + 8 * i, &base))
			break;
		index = pl_types_find(o->types, v, base);
		if (index < 0)
			continue;
		name = pl_types_at(o->types, (uint32_t)index)->name;
		if (!strcmp(name, "builtins.MemoryError") ||
		    !strcmp(name, "exceptions.MemoryError"))
			return true;
	}
	return false;
}
