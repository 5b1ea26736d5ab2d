/*
 * source.c - see source.h.
 *
 * Names are those of the functions; a class's methods bear the name that its dict has them under,
 * and what a descriptor keeps is spelled as it is reached: Session.size.fget.
 */
#include "analysis/spell/source.h"

#include <stdio.h>

#include "object/edges/edges.h"
#include "object/frames/generators.h"
#include "object/value/value.h"
#include "object/repr/repr.h"

enum { MAX_NAME = 1024, MAX_FILE = 4096 };

static const struct pl_column source_columns[] = {
	{.name = "name", .align = PL_LEFT, .shrink = true},
	{.name = "file", .align = PL_LEFT, .shrink = true},
	{.name = "line", .align = PL_RIGHT},
};
static const struct pl_column base_columns[] = {
	{.name = "name", .align = PL_LEFT},
	{.name = "address", .align = PL_RIGHT},
};

struct source {
	const struct pl_objects *o;
	struct pl_view *v;
	struct pl_table *t; /* made with the first row */
	struct pl_result *ret;
	char name[MAX_NAME]; /* of the member that is looked at, as the class's dict has it */
	unsigned kept;       /* bits of kept[] that it was found to have */
};

static const struct pl_type *type_of(const struct source *s, pl_addr addr)
{
	const struct pl_objects *o = s->o;
	int32_t i = pl_types_find(o->types, s->v, pl_field_word(s->v, addr, o->l->f.object_type));

	return i < 0 ? NULL : pl_types_at(o->types, (uint32_t)i);
}

static uint8_t kind_of(const struct source *s, pl_addr addr)
{
	const struct pl_type *t = type_of(s, addr);

	return t ? t->kind : PL_KIND_OBJECT;
}

static void put_row(struct source *s, const char *name, const char *file, int line)
{
	struct pl_cell *row;

	if (!s->t)
		s->t = pl_result_table(s->ret, "source", source_columns,
				       PL_ARRAY_LEN(source_columns));
	row = pl_table_row(s->t);
	row[0] = pl_cell_text(s->t, name);
	row[1] = pl_cell_text(s->t, file);
	row[2] = line > 0 ? pl_cell_number((uint64_t)line) : pl_cell_unknown();
}

/* name NULL: what the code calls itself. instruction as of pl_code_line(). */
static void put_code(struct source *s, const char *name, pl_addr code, int64_t instruction)
{
	char own[MAX_NAME], file[MAX_FILE];

	if (kind_of(s, code) != PL_KIND_CODE)
		return;
	pl_code_names(s->o->l, s->v, code, own, sizeof(own), file, sizeof(file));
	put_row(s, name ? name : own, file, pl_code_line(s->o->l, s->v, code, instruction));
}

static void put_function(struct source *s, const char *name, pl_addr function)
{
	const struct pl_fields *f = &s->o->l->f;
	pl_addr qualname = pl_field_word(s->v, function, f->func_qualname);
	char own[MAX_NAME];

	if (!name && qualname && pl_str_read(s->o->l, s->v, qualname, own, sizeof(own), NULL, NULL))
		name = own;
	put_code(s, name, pl_field_word(s->v, function, f->func_code), -1);
}

/* A function that a descriptor or wrapper keeps under a name; what else it keeps is its own matter.
 */
static void put_kept(struct source *s, const char *accessor, pl_addr target)
{
	static const char *const kept[] = {".__func__", ".__wrapped__", ".func",
					   ".fget",     ".fset",        ".fdel"};
	char name[MAX_NAME + 16];

	for (size_t i = 0; i < PL_ARRAY_LEN(kept); i++) {
		if (strcmp(accessor, kept[i]) || s->kept >> i & 1 ||
		    kind_of(s, target) != PL_KIND_FUNCTION)
			continue;
		s->kept |= 1u << i;
		snprintf(name, sizeof(name), "%s%s", s->name, accessor);
		put_function(s, name, target);
	}
}

static void put_kept_in_dict(struct source *s, pl_addr dict)
{
	static const char *const keys[] = {"__wrapped__", "func"};
	pl_addr value;

	for (size_t i = 0; i < PL_ARRAY_LEN(keys); i++) {
		char accessor[16];

		snprintf(accessor, sizeof(accessor), ".%s", keys[i]);
		if (pl_dict_get(s->o->l, s->v, dict, keys[i], &value))
			put_kept(s, accessor, value);
	}
}

static void on_edge(void *arg, const struct pl_edge *e)
{
	struct source *s = arg;
	char label[MAX_NAME];

	if (e->kind != PL_EDGE_STRONG)
		return;
	if (e->label == PL_L_DICT) {
		put_kept_in_dict(s, e->target);
	} else if (e->label == PL_L_TEXT || e->label == PL_L_ATTR || e->label == PL_L_MEMBER) {
		pl_label(s->o, s->v, e, true, label, sizeof(label));
		put_kept(s, label, e->target);
	}
}

static void put_methods(struct source *s, pl_addr dict)
{
	struct pl_dict_iter it;
	pl_addr key, value;

	if (!pl_dict_begin(s->o->l, s->v, dict, &it))
		return;
	while (pl_dict_next(&it, &key, &value, NULL)) {
		const struct pl_type *t = type_of(s, value);

		if (!t || t->is_type ||
		    !pl_str_read(s->o->l, s->v, key, s->name, sizeof(s->name), NULL, NULL))
			continue;
		s->kept = 0;
		if (t->kind == PL_KIND_FUNCTION)
			put_function(s, s->name, value);
		else
			pl_edges(s->o, s->v, value, on_edge, s);
	}
}

static void put_bases(struct source *s, pl_addr tuple)
{
	struct pl_table *t =
		pl_result_table(s->ret, "bases", base_columns, PL_ARRAY_LEN(base_columns));
	char name[MAX_NAME];
	pl_addr first, base;
	uint64_t n;

	if (!tuple || !pl_tuple_items(s->o->l, s->v, tuple, &first, &n))
		return;
	for (uint64_t i = 0; i < n && pl_read64(s->v, first + 8 * i, &base); i++) {
		int32_t type = pl_types_find(s->o->types, s->v, base);
		struct pl_cell *row = pl_table_row(t);

		if (type >= 0) {
			row[0] = pl_cell_text(t, pl_types_at(s->o->types, (uint32_t)type)->name);
		} else {
			pl_repr(s->o, s->v, base, NULL, name, sizeof(name));
			row[0] = pl_cell_text(t, name);
		}
		row[1] = pl_cell_addr(base);
	}
}

static void put_frame(struct source *s, const struct pl_pyframe *f)
{
	char name[MAX_NAME], file[MAX_FILE];

	pl_code_names(s->o->l, s->v, f->code, name, sizeof(name), file, sizeof(file));
	put_row(s, name, file, f->line);
}

/* A frame object, from 3.11 on through the interpreter's frame. */
static void put_frame_object(struct source *s, pl_addr addr)
{
	const struct pl_layout *l = s->o->l;
	enum pl_frame_owner owner;
	struct pl_pyframe f;

	if (l->frame_style != PL_FRAME_OBJECT)
		addr = pl_field_word(s->v, addr, l->f.frame_iframe);
	if (pl_pyframe_read(s->o, s->v, addr, &f, &owner))
		put_frame(s, &f);
}

static void put_generator(struct source *s, pl_addr addr)
{
	struct pl_generator g;

	if (!pl_generator_read(s->o, s->v, addr, &g))
		return;
	if (g.has_frame)
		put_frame(s, &g.frame);
	else
		put_code(s, NULL, g.code, -1);
}

void pl_source_put(const struct pl_objects *o, struct pl_view *v, pl_id id, size_t limit,
		   struct pl_result *ret)
{
	struct source s = {.o = o, .v = v, .ret = ret};
	const struct pl_type *t = pl_object_type(o, id);
	const struct pl_fields *f = &o->l->f;
	pl_addr addr = o->addr[id];

	if (t->is_type) {
		put_bases(&s, pl_field_word(v, addr, f->type_bases));
		put_methods(&s, pl_field_word(v, addr, f->type_dict));
	} else if (t->kind == PL_KIND_CLASS27) {
		put_bases(&s, pl_field_word(v, addr, f->class27_bases));
		put_methods(&s, pl_field_word(v, addr, f->class27_dict));
	} else if (t->kind == PL_KIND_FUNCTION) {
		put_function(&s, NULL, addr);
	} else if (t->kind == PL_KIND_METHOD &&
		   kind_of(&s, pl_field_word(v, addr, f->method_func)) == PL_KIND_FUNCTION) {
		put_function(&s, NULL, pl_field_word(v, addr, f->method_func));
	} else if (t->kind == PL_KIND_CODE) {
		put_code(&s, NULL, addr, -1);
	} else if (t->kind == PL_KIND_FRAME) {
		put_frame_object(&s, addr);
	} else if (t->kind == PL_KIND_GENERATOR) {
		put_generator(&s, addr);
	}
	if (s.t)
		pl_table_limit(s.t, limit);
}
