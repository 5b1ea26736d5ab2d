/*
 * repr.c - what an object looks like, as its Python would print it.
 *
 * Picks the printer by the kind of the type. Where a class has a repr of its own, which cannot be
 * run, what is known of the value stands in the class's name: Money(12). Nothing here recurses
 * deeper than the limits; the core cannot make it fail, only make it say less.
 */
#include "layout/facts.h"
#include "object/repr/job.h"

#include <string.h>

#define DEFAULT_DEPTH 2
#define DEFAULT_ITEMS 6
#define DEFAULT_CHARS 60
#define DEFAULT_TOTAL 200
#define MAX_NESTED \
	(2 * PL_REPR_MAX_DEPTH) /* values in values that are no containers, as a method's self */

const char *pl_repr_type_name(const struct pl_repr_job *r, const struct pl_type *t)
{
	size_t n = strlen(r->l->builtins_module);
	bool builtin = !strcmp(t->module, r->l->builtins_module) && t->name[n] == '.';

	return builtin ? t->name + n + 1 : t->name;
}

const char *pl_repr_short_name(const struct pl_type *t)
{
	const char *dot = strrchr(t->name, '.');

	return dot ? dot + 1 : t->name;
}

const char *pl_repr_class_name(const struct pl_repr_job *r, const struct pl_type *t,
			       const char *builtin)
{
	return r->l->repr_style == PL_REPR_36 ? builtin : pl_repr_short_name(t);
}

/* Whether the class prints itself, that is, its tp_repr is not that of the builtin it derives from.
 */
static bool prints_itself(struct pl_repr_job *r, const struct pl_type *t)
{
	int32_t at = r->l->f.type_repr;
	const struct pl_type *base = t;
	uint64_t own, its;

	if (t->exact || !pl_has(at))
		return false;
	for (int i = 0; i < PL_MAX_BASES && !base->exact; i++) {
		int32_t index = pl_types_find(r->o->types, r->v, base->base);

		if (index < 0)
			return false;
		base = pl_types_at(r->o->types, (uint32_t)index);
	}
	return pl_read64(r->v, t->addr + (uint64_t)at, &own) &&
	       pl_read64(r->v, base->addr + (uint64_t)at, &its) && own != its;
}

static bool word(struct pl_repr_job *r, const char *s)
{
	pl_out_text(&r->out, s);
	return true;
}

/* Values that a subclass with a repr of its own shows as Name(value). */
static bool content(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	switch (x->t->kind) {
	case PL_KIND_STR:
		return pl_repr_str(r, x);
	case PL_KIND_INT:
	case PL_KIND_INT27:
		return pl_repr_int(r, x);
	case PL_KIND_FLOAT:
		return pl_repr_float(r, x);
	case PL_KIND_COMPLEX:
		return pl_repr_complex(r, x);
	case PL_KIND_BYTES:
		return pl_repr_bytes(r, x);
	case PL_KIND_BYTEARRAY:
		return pl_repr_bytearray(r, x);
	case PL_KIND_DECIMAL:
		return pl_repr_decimal(r, x);
	case PL_KIND_LIST:
		return pl_repr_list(r, x, level);
	case PL_KIND_TUPLE:
		return pl_repr_tuple(r, x, level);
	case PL_KIND_DICT:
	case PL_KIND_FROZENDICT:
		return pl_repr_dict(r, x, level);
	case PL_KIND_ORDEREDDICT:
		return pl_repr_ordereddict(r, x, level);
	case PL_KIND_SET:
	case PL_KIND_FROZENSET:
		return pl_repr_set(r, x, level);
	default:
		return false;
	}
}

/* Objects whose repr is the same with and without a class in between. */
static bool special(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	switch (x->t->kind) {
	case PL_KIND_NONE:
		return word(r, "None");
	case PL_KIND_BOOL:
		return pl_repr_bool(r, x);
	case PL_KIND_ELLIPSIS:
		return word(r, "Ellipsis");
	case PL_KIND_NOTIMPLEMENTED:
		return word(r, "NotImplemented");
	case PL_KIND_TYPE:
	case PL_KIND_CTYPE_TYPE:
		return pl_repr_type(r, x);
	case PL_KIND_TUPLE:
		return pl_repr_named_tuple(r, x, level);
	case PL_KIND_EXCEPTION:
		return pl_repr_exception(r, x, level);
	case PL_KIND_DEFAULTDICT:
		return pl_repr_defaultdict(r, x, level);
	case PL_KIND_DEQUE:
		return pl_repr_deque(r, x, level);
	case PL_KIND_ARRAY:
		return pl_repr_array(r, x);
	case PL_KIND_RANGE:
		return pl_repr_range(r, x, level);
	case PL_KIND_SLICE:
		return pl_repr_slice(r, x, level);
	case PL_KIND_PARTIAL:
		return pl_repr_partial(r, x, level);
	case PL_KIND_MAPPINGPROXY:
		return pl_repr_mappingproxy(r, x, level);
	case PL_KIND_DATE:
		return pl_repr_date(r, x, level);
	case PL_KIND_DATETIME:
		return pl_repr_datetime(r, x, level);
	case PL_KIND_TIME:
		return pl_repr_time(r, x, level);
	case PL_KIND_TIMEDELTA:
		return pl_repr_timedelta(r, x, level);
	case PL_KIND_TIMEZONE:
		return pl_repr_timezone(r, x, level);
	case PL_KIND_MODULE:
		return pl_repr_module(r, x);
	case PL_KIND_FUNCTION:
		return pl_repr_function(r, x);
	case PL_KIND_METHOD:
		return pl_repr_method(r, x, level);
	case PL_KIND_CFUNCTION:
		return pl_repr_cfunction(r, x);
	case PL_KIND_CODE:
		return pl_repr_code(r, x);
	case PL_KIND_FRAME:
		return pl_repr_frame(r, x);
	case PL_KIND_GENERATOR:
		return pl_repr_generator(r, x);
	case PL_KIND_CELL:
		return pl_repr_cell(r, x);
	case PL_KIND_WEAKREF:
		return pl_repr_weakref(r, x);
	case PL_KIND_ELEMENT:
		return pl_repr_element(r, x);
	case PL_KIND_CLASS27:
		return pl_repr_class27(r, x);
	case PL_KIND_INSTANCE27:
		return pl_repr_instance27(r, x, level);
	default:
		return false;
	}
}

/* Sets and the named dicts always show their class's name around the value. */
static bool named_anyway(const struct pl_type *t)
{
	return t->kind == PL_KIND_SET || t->kind == PL_KIND_FROZENSET ||
	       t->kind == PL_KIND_ORDEREDDICT || t->kind == PL_KIND_FROZENDICT;
}

/*
 * Name(value) of a class that prints itself. Nothing is written when the value cannot be read, so
 * the name is taken back then.
 */
static bool named_content(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	struct pl_out before = r->out;

	pl_out_printf(&r->out, "%s(", pl_repr_short_name(x->t));
	if (content(r, x, level)) {
		pl_out_char(&r->out, ')');
		return true;
	}
	r->out = before;
	return false;
}

static void put_value(struct pl_repr_job *r, pl_addr addr, unsigned level)
{
	struct pl_repr_obj x = {.addr = addr};
	pl_addr type;
	int32_t i;

	if (!addr) {
		pl_out_text(&r->out, "<NULL>");
		return;
	}
	if (!pl_read64(r->v, addr + (uint64_t)r->l->f.object_type, &type) ||
	    (i = pl_types_find(r->o->types, r->v, type)) < 0) {
		pl_out_printf(&r->out, "<unreadable at 0x%llx>", (unsigned long long)addr);
		return;
	}
	x.t = pl_types_at(r->o->types, (uint32_t)i);
	if (pl_repr_enum(r, &x, level) || special(r, &x, level))
		return;
	if (prints_itself(r, x.t) && !named_anyway(x.t) ? named_content(r, &x, level)
							: content(r, &x, level))
		return;
	pl_repr_instance(r, &x, level);
}

void pl_repr_value(struct pl_repr_job *r, pl_addr addr, unsigned level)
{
	if (r->out.full)
		return;
	if (r->n_nested == MAX_NESTED) {
		pl_out_text(&r->out, "...");
		return;
	}
	r->n_nested++;
	put_value(r, addr, level);
	r->n_nested--;
}

void pl_repr(const struct pl_objects *o, struct pl_view *v, pl_addr addr,
	     const struct pl_repr_limits *limits, char *buf, size_t cap)
{
	struct pl_repr_job r = {.o = o, .l = o->l, .v = v};

	if (!cap)
		return;
	if (limits)
		r.lim = *limits;
	r.lim.depth = r.lim.depth ? PL_MIN(r.lim.depth, PL_REPR_MAX_DEPTH) : DEFAULT_DEPTH;
	r.lim.items = r.lim.items ? r.lim.items : DEFAULT_ITEMS;
	r.lim.total = r.lim.total ? r.lim.total : DEFAULT_TOTAL;
	r.lim.total = (unsigned)PL_MIN((size_t)r.lim.total, cap);
	r.lim.chars = r.lim.chars ? r.lim.chars : DEFAULT_CHARS;
	r.lim.chars = PL_MIN(r.lim.chars, r.lim.total);
	pl_out_init(&r.out, buf, cap, r.lim.total);
	pl_repr_value(&r, addr, r.lim.depth);
	pl_out_end(&r.out);
}
