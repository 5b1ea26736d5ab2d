/*
 * repr_object.c - instances with their attributes, and the interpreter's own objects: functions,
 * modules, types, exceptions, everything that prints as <...> or Name(...).
 */
#include "layout/facts.h"
#include "object/repr/job.h"

#include <string.h>

#include "object/value/value.h"

enum {
	MAX_NAME = 256,
	MAX_MEMBERS = 64, /* slots of one class */
};

static bool field(struct pl_repr_job *r, pl_addr addr, int32_t offset, pl_addr *ret)
{
	return pl_has(offset) && pl_read64(r->v, addr + (uint64_t)offset, ret);
}

static const struct pl_type *type_of(struct pl_repr_job *r, pl_addr addr)
{
	pl_addr type;
	int32_t i;

	if (!field(r, addr, r->l->f.object_type, &type))
		return NULL;
	i = pl_types_find(r->o->types, r->v, type);
	return i < 0 ? NULL : pl_types_at(r->o->types, (uint32_t)i);
}

void pl_repr_put_tp_name(struct pl_repr_job *r, const struct pl_type *t)
{
	char name[MAX_NAME];
	pl_addr text;

	if (field(r, t->addr, r->l->f.type_name, &text) &&
	    pl_read_cstr(r->v, text, name, sizeof(name)))
		pl_out_text(&r->out, name);
	else
		pl_out_text(&r->out, pl_repr_type_name(r, t));
}

static unsigned long long at(const struct pl_repr_obj *x)
{
	return (unsigned long long)x->addr;
}

/* ---- attributes ---- */

/* One more attribute: true while there is room for it; the first one too many is "...". */
static bool attribute(struct pl_repr_job *r, unsigned *n)
{
	if ((*n)++ < r->lim.items && !r->out.full)
		return true;
	if (*n == r->lim.items + 1)
		pl_out_text(&r->out, " ...");
	return false;
}

/* The name of an attribute: bare, or as a string when it could not be written in a program. */
static void put_key(struct pl_repr_job *r, pl_addr key)
{
	char name[MAX_NAME];
	size_t n = 0;
	bool plain = pl_str_read(r->l, r->v, key, name, sizeof(name), NULL, NULL) && *name;

	while (plain && name[n]) {
		unsigned char c = (unsigned char)name[n++];

		plain = c == '_' || c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(n > 1 && c >= '0' && c <= '9');
	}
	if (plain)
		pl_repr_bare(r, key);
	else
		pl_repr_value(r, key, 0);
}

static void put_entries(struct pl_repr_job *r, struct pl_dict_iter *it, unsigned level, unsigned *n)
{
	pl_addr key, value;

	while (pl_dict_next(it, &key, &value, NULL) && attribute(r, n)) {
		pl_out_char(&r->out, ' ');
		put_key(r, key);
		pl_out_char(&r->out, '=');
		pl_repr_value(r, value, level - 1);
	}
}

/* The __slots__ of one class: its member records point into the instance. */
static void put_slots(struct pl_repr_job *r, const struct pl_repr_obj *x,
		      const struct pl_type *class, unsigned level, unsigned *n)
{
	const struct pl_fields *f = &r->l->f;
	pl_addr member, name, offset, value;
	char text[MAX_NAME];
	uint32_t kind;

	if (!class->is_heap || !field(r, class->addr, f->type_members, &member) || !member)
		return;
	for (unsigned i = 0; i < MAX_MEMBERS; i++, member += (uint64_t)f->member_size) {
		if (!field(r, member, f->member_name, &name) || !name ||
		    !pl_read32(r->v, member + (uint64_t)f->member_type, &kind) ||
		    !field(r, member, f->member_offset, &offset))
			return;
		if ((kind != PL_MEMBER_OBJECT_EX && kind != PL_MEMBER_OBJECT) ||
		    offset > (uint64_t)x->t->basicsize - 8 ||
		    !pl_read64(r->v, x->addr + offset, &value) || !value ||
		    !pl_read_cstr(r->v, name, text, sizeof(text)))
			continue;
		if (!attribute(r, n))
			return;
		pl_out_printf(&r->out, " %s=", text);
		pl_repr_value(r, value, level - 1);
	}
}

static void put_attributes(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	const struct pl_type *classes[PL_MAX_BASES];
	pl_addr dict, values, base = x->t->addr;
	struct pl_dict_iter it;
	unsigned n = 0, n_classes = 0;

	while (n_classes < PL_MAX_BASES) {
		int32_t i = pl_types_find(r->o->types, r->v, base);

		if (i < 0)
			break;
		classes[n_classes] = pl_types_at(r->o->types, (uint32_t)i);
		base = classes[n_classes++]->base;
	}
	while (n_classes)
		put_slots(r, x, classes[--n_classes], level, &n);
	if (!pl_instance_dict(r->l, r->v, x->addr, x->t->addr, &dict, &values))
		return;
	if (dict ? pl_dict_begin(r->l, r->v, dict, &it)
		 : values && pl_values_begin(r->l, r->v, x->t->addr, values, &it))
		put_entries(r, &it, level, &n);
}

/* <app.Session at 0x7f... user='bob'> */
bool pl_repr_instance(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_out_printf(&r->out, "<%s at 0x%llx", pl_repr_type_name(r, x->t), at(x));
	if (level && pl_repr_enter(r, x->addr, level, "")) {
		put_attributes(r, x, level);
		pl_repr_leave(r);
	}
	pl_out_char(&r->out, '>');
	return true;
}

/* module.name of a 2.7 old-style class. */
static bool put_class27(struct pl_repr_job *r, pl_addr class)
{
	pl_addr name, dict, module;

	if (!field(r, class, r->l->f.class27_name, &name) ||
	    !field(r, class, r->l->f.class27_dict, &dict))
		return false;
	if (pl_dict_get(r->l, r->v, dict, "__module__", &module)) {
		pl_repr_bare(r, module);
		pl_out_char(&r->out, '.');
	}
	pl_repr_bare(r, name);
	return true;
}

/* Objects/classobject.c of 2.7: <class app.Old at 0x...>, <app.Old instance at 0x...> */
bool pl_repr_class27(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	pl_out_text(&r->out, "<class ");
	if (!put_class27(r, x->addr))
		pl_out_char(&r->out, '?');
	pl_out_printf(&r->out, " at 0x%llx>", at(x));
	return true;
}

bool pl_repr_instance27(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	struct pl_dict_iter it;
	pl_addr class, dict;
	unsigned n = 0;

	pl_out_char(&r->out, '<');
	if (!field(r, x->addr, r->l->f.instance27_class, &class) || !put_class27(r, class))
		pl_out_char(&r->out, '?');
	pl_out_printf(&r->out, " instance at 0x%llx", at(x));
	if (level && pl_repr_enter(r, x->addr, level, "")) {
		if (field(r, x->addr, r->l->f.instance27_dict, &dict) &&
		    pl_dict_begin(r->l, r->v, dict, &it))
			put_entries(r, &it, level, &n);
		pl_repr_leave(r);
	}
	pl_out_char(&r->out, '>');
	return true;
}

/* Lib/enum.py: <Color.RED: 1>, told by the metatype. */
bool pl_repr_enum(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	int32_t meta = pl_types_find(r->o->types, r->v, x->t->metatype);
	const char *name = meta < 0 ? "" : pl_types_at(r->o->types, (uint32_t)meta)->name;
	pl_addr dict, values, key, value, member = 0, content = 0;
	struct pl_dict_iter it;

	if ((strcmp(name, "enum.EnumMeta") && strcmp(name, "enum.EnumType")) ||
	    !pl_instance_dict(r->l, r->v, x->addr, x->t->addr, &dict, &values))
		return false;
	if (dict ? !pl_dict_begin(r->l, r->v, dict, &it)
		 : !values || !pl_values_begin(r->l, r->v, x->t->addr, values, &it))
		return false;
	while (pl_dict_next(&it, &key, &value, NULL)) {
		if (pl_str_equals(r->l, r->v, key, "_name_"))
			member = value;
		else if (pl_str_equals(r->l, r->v, key, "_value_"))
			content = value;
	}
	if (!member || !content)
		return false;
	pl_out_printf(&r->out, "<%s.", pl_repr_short_name(x->t));
	pl_repr_bare(r, member);
	pl_out_text(&r->out, ": ");
	pl_repr_value(r, content, level ? level - 1 : 0);
	pl_out_char(&r->out, '>');
	return true;
}

/* Objects/exceptions.c, BaseException_repr(): the name before the tuple of args, in which a single
 * one has a comma; ValueError('x') since bpo-30399. */
bool pl_repr_exception(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr args, first;
	uint64_t n;

	if (!pl_repr_word(r, x, r->l->f.exc_args, &args) ||
	    !pl_tuple_items(r->l, r->v, args, &first, &n))
		return false;
	pl_out_text(&r->out, pl_repr_short_name(x->t));
	if (n && !pl_repr_enter(r, x->addr, level, "(...)"))
		return true;
	pl_out_char(&r->out, '(');
	if (n) {
		pl_repr_items(r, first, n, level);
		pl_repr_leave(r);
	}
	pl_out_text(&r->out, n == 1 && r->l->repr_style == PL_REPR_36 ? ",)" : ")");
	return true;
}

bool pl_repr_slice(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr start, stop, step;

	if (!pl_repr_word(r, x, r->l->f.slice_start, &start) ||
	    !pl_repr_word(r, x, r->l->f.slice_stop, &stop) ||
	    !pl_repr_word(r, x, r->l->f.slice_step, &step))
		return false;
	if (!pl_repr_enter(r, x->addr, level, "slice(...)"))
		return true;
	pl_out_text(&r->out, "slice(");
	pl_repr_value(r, start, level - 1);
	pl_out_text(&r->out, ", ");
	pl_repr_value(r, stop, level - 1);
	pl_out_text(&r->out, ", ");
	pl_repr_value(r, step, level - 1);
	pl_out_char(&r->out, ')');
	pl_repr_leave(r);
	return true;
}

/* functools.partial(<function f at 0x...>, 1, key=2) */
bool pl_repr_partial(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr fn, args, kw, first, key, value;
	struct pl_dict_iter it;
	uint64_t n;

	if (!pl_repr_word(r, x, r->l->f.partial_fn, &fn) ||
	    !pl_repr_word(r, x, r->l->f.partial_args, &args) ||
	    !pl_tuple_items(r->l, r->v, args, &first, &n) ||
	    !pl_repr_word(r, x, r->l->f.partial_kw, &kw))
		return false;
	pl_out_printf(&r->out, "%s", x->t->name);
	if (!pl_repr_enter(r, x->addr, level, "(...)"))
		return true;
	pl_out_char(&r->out, '(');
	pl_repr_value(r, fn, level - 1);
	if (n) {
		pl_out_text(&r->out, ", ");
		pl_repr_items(r, first, n, level);
	}
	if (pl_dict_begin(r->l, r->v, kw, &it)) {
		for (unsigned i = 0; i < r->lim.items && pl_dict_next(&it, &key, &value, NULL);
		     i++) {
			pl_out_text(&r->out, ", ");
			pl_repr_bare(r, key);
			pl_out_char(&r->out, '=');
			pl_repr_value(r, value, level - 1);
		}
	}
	pl_out_char(&r->out, ')');
	pl_repr_leave(r);
	return true;
}

bool pl_repr_mappingproxy(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr mapping;

	if (!pl_repr_word(r, x, r->l->f.mappingproxy_mapping, &mapping))
		return false;
	if (!pl_repr_enter(r, x->addr, level, "mappingproxy(...)"))
		return true;
	pl_out_text(&r->out, "mappingproxy(");
	pl_repr_value(r, mapping, level);
	pl_out_char(&r->out, ')');
	pl_repr_leave(r);
	return true;
}

/* ---- the interpreter's own ---- */

/* <class 'app.Session'>; 2.7 says <type 'dict'> of types that no class statement made. */
bool pl_repr_type(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	int32_t i = pl_types_find(r->o->types, r->v, x->addr);
	const struct pl_type *t;

	if (i < 0)
		return false;
	t = pl_types_at(r->o->types, (uint32_t)i);
	pl_out_printf(&r->out, "<%s '",
		      r->l->str_style == PL_STR_27 && !t->is_heap ? "type" : "class");
	pl_out_text(&r->out, pl_repr_type_name(r, t));
	pl_out_text(&r->out, "'>");
	return true;
}

bool pl_repr_module(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	pl_addr dict, name;

	if (!pl_repr_word(r, x, r->l->f.module_dict, &dict) ||
	    !pl_dict_get(r->l, r->v, dict, "__name__", &name))
		return false;
	pl_out_text(&r->out, "<module '");
	pl_repr_bare(r, name);
	pl_out_text(&r->out, "'>");
	return true;
}

/* __qualname__ of a function, 2.7: __name__; false when x is none. */
static bool function_name(struct pl_repr_job *r, const struct pl_repr_obj *x, pl_addr *name)
{
	const struct pl_fields *f = &r->l->f;

	return x->t->kind == PL_KIND_FUNCTION &&
	       pl_repr_word(r, x, pl_has(f->func_qualname) ? f->func_qualname : f->func_name, name);
}

bool pl_repr_function(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	pl_addr name;

	if (!function_name(r, x, &name))
		return false;
	pl_out_text(&r->out, "<function ");
	pl_repr_bare(r, name);
	pl_out_printf(&r->out, " at 0x%llx>", at(x));
	return true;
}

/* <bound method Session.close of <app.Session at 0x...>> */
bool pl_repr_method(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	struct pl_repr_obj fn;
	pl_addr self, name;

	if (!pl_repr_word(r, x, r->l->f.method_func, &fn.addr) ||
	    !pl_repr_word(r, x, r->l->f.method_self, &self))
		return false;
	fn.t = type_of(r, fn.addr);
	if (!fn.t || !function_name(r, &fn, &name))
		return false;
	pl_out_text(&r->out, self ? "<bound method " : "<unbound method ");
	pl_repr_bare(r, name);
	if (self && pl_repr_enter(r, x->addr, level + 1, "")) {
		pl_out_text(&r->out, " of ");
		pl_repr_value(r, self, level ? level - 1 : 0);
		pl_repr_leave(r);
	}
	pl_out_char(&r->out, '>');
	return true;
}

/* Objects/methodobject.c: <built-in function len>, <built-in method append of list object at 0x...>
 */
bool pl_repr_cfunction(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	pl_addr def, self, text;
	const struct pl_type *t = NULL;
	char name[MAX_NAME];

	if (!pl_repr_word(r, x, r->l->f.cfunction_ml, &def) ||
	    !pl_repr_word(r, x, r->l->f.cfunction_self, &self) ||
	    !field(r, def, r->l->f.methoddef_name, &text) ||
	    !pl_read_cstr(r->v, text, name, sizeof(name)))
		return false;
	if (self)
		t = type_of(r, self);
	if (!t || t->kind == PL_KIND_MODULE) {
		pl_out_printf(&r->out, "<built-in function %s>", name);
		return true;
	}
	pl_out_printf(&r->out, "<built-in method %s of ", name);
	pl_repr_put_tp_name(r, t);
	pl_out_printf(&r->out, " object at 0x%llx>", (unsigned long long)self);
	return true;
}

bool pl_repr_code(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	const struct pl_fields *f = &r->l->f;
	pl_addr name, filename;
	uint32_t line;

	if (!pl_repr_word(r, x, f->code_name, &name) ||
	    !pl_repr_word(r, x, f->code_filename, &filename) ||
	    !pl_read32(r->v, x->addr + (uint64_t)f->code_firstlineno, &line))
		return false;
	pl_out_text(&r->out, "<code object ");
	pl_repr_bare(r, name);
	pl_out_printf(&r->out, " at 0x%llx, file \"", at(x));
	pl_repr_bare(r, filename);
	pl_out_printf(&r->out, "\", line %u>", line);
	return true;
}

/* The code of a frame object; from 3.11 on through its interpreter frame, from 3.14 on tagged. */
static bool frame_code(struct pl_repr_job *r, const struct pl_repr_obj *x, pl_addr *code)
{
	const struct pl_fields *f = &r->l->f;
	pl_addr iframe;

	if (r->l->frame_style == PL_FRAME_OBJECT)
		return pl_repr_word(r, x, f->frame_code, code);
	if (!pl_repr_word(r, x, f->frame_iframe, &iframe) ||
	    !field(r, iframe, f->iframe_executable, code))
		return false;
	if (r->l->frame_style == PL_FRAME_TAGGED)
		*code &= ~UINT64_C(3);
	return true;
}

bool pl_repr_frame(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	pl_addr code, name, filename;

	if (!frame_code(r, x, &code) || !field(r, code, r->l->f.code_name, &name) ||
	    !field(r, code, r->l->f.code_filename, &filename))
		return false;
	pl_out_printf(&r->out, "<frame at 0x%llx, file '", at(x));
	pl_repr_bare(r, filename);
	pl_out_text(&r->out, "', code ");
	pl_repr_bare(r, name);
	pl_out_char(&r->out, '>');
	return true;
}

/* <generator object f at 0x...>; 2.7 has the name only in the code. */
bool pl_repr_generator(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	const struct pl_fields *f = &r->l->f;
	pl_addr name, code;

	if (!pl_repr_word(r, x, f->gen_qualname, &name) &&
	    !(pl_repr_word(r, x, f->gen_code, &code) && field(r, code, f->code_name, &name)))
		return false;
	pl_out_printf(&r->out, "<%s object ", pl_repr_short_name(x->t));
	pl_repr_bare(r, name);
	pl_out_printf(&r->out, " at 0x%llx>", at(x));
	return true;
}

bool pl_repr_cell(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	const struct pl_type *t;
	pl_addr content;

	if (!pl_repr_word(r, x, r->l->f.cell_ref, &content))
		return false;
	t = content ? type_of(r, content) : NULL;
	if (content && !t)
		return false;
	pl_out_printf(&r->out, "<cell at 0x%llx: ", at(x));
	if (t) {
		pl_repr_put_tp_name(r, t);
		pl_out_printf(&r->out, " object at 0x%llx>", (unsigned long long)content);
	} else {
		pl_out_text(&r->out, "empty>");
	}
	return true;
}

/* (NAME) behind the referent of a weak reference that has a __name__. */
static void put_own_name(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	int32_t i = x->t->is_type ? pl_types_find(r->o->types, r->v, x->addr) : -1;
	pl_addr name;

	if (i >= 0) {
		pl_out_printf(&r->out, " (%s)",
			      pl_repr_short_name(pl_types_at(r->o->types, (uint32_t)i)));
	} else if (x->t->kind == PL_KIND_FUNCTION && pl_repr_word(r, x, r->l->f.func_name, &name)) {
		pl_out_text(&r->out, " (");
		pl_repr_bare(r, name);
		pl_out_char(&r->out, ')');
	}
}

/* Objects/weakrefobject.c: a dead one refers to None. */
bool pl_repr_weakref(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	struct pl_repr_obj to;

	if (!pl_repr_word(r, x, r->l->f.weakref_object, &to.addr))
		return false;
	to.t = type_of(r, to.addr);
	if (!to.t)
		return false;
	if (to.t->kind == PL_KIND_NONE) {
		pl_out_printf(&r->out, "<weakref at 0x%llx; dead>", at(x));
		return true;
	}
	pl_out_printf(&r->out, "<weakref at 0x%llx; to '", at(x));
	pl_repr_put_tp_name(r, to.t);
	pl_out_printf(&r->out, "' at 0x%llx", at(&to));
	put_own_name(r, &to);
	pl_out_char(&r->out, '>');
	return true;
}

/* Modules/_elementtree.c: <Element 'tag' at 0x...> */
bool pl_repr_element(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	pl_addr tag;

	if (!pl_repr_word(r, x, r->l->f.element_tag, &tag))
		return false;
	pl_out_text(&r->out, "<Element ");
	pl_repr_value(r, tag, 0);
	pl_out_printf(&r->out, " at 0x%llx>", at(x));
	return true;
}
