/* edgerows.c - see edgerows.h. */
#include "analysis/spell/edgerows.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/value/value.h"
#include "object/repr/repr.h"

#define MAX_LABEL 256

static const struct pl_column edge_columns[] = {
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "edge", .align = PL_LEFT, .shrink = true},
	{.name = "kind", .align = PL_LEFT},
	{.name = "traversed", .align = PL_LEFT},
	{.name = "repr", .align = PL_LEFT, .shrink = true},
};
static const struct pl_column each_columns[] = {
	{.name = "object", .align = PL_RIGHT},
	{.name = "address", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "edge", .align = PL_LEFT, .shrink = true},
	{.name = "kind", .align = PL_LEFT},
	{.name = "traversed", .align = PL_LEFT},
};
static const struct pl_column group_columns[] = {
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "edge", .align = PL_LEFT, .shrink = true},
	{.name = "kind", .align = PL_LEFT},
	{.name = "edges", .align = PL_RIGHT},
	{.name = "objects", .align = PL_RIGHT},
};

/* ---- one by one ---- */

struct pl_table *pl_edge_table(struct pl_result *ret, const char *name, bool each)
{
	return each ? pl_result_table(ret, name, each_columns, PL_ARRAY_LEN(each_columns))
		    : pl_result_table(ret, name, edge_columns, PL_ARRAY_LEN(edge_columns));
}

void pl_edge_row(const struct pl_objects *o, struct pl_view *v, struct pl_table *t, pl_addr object,
		 pl_addr other, const struct pl_edge *e)
{
	struct pl_cell *row = pl_table_row(t);
	pl_id id = pl_objects_id(o, other);
	char label[MAX_LABEL], repr[200];

	if (object)
		*row++ = pl_cell_addr(object);
	pl_label(o, v, e, false, label, sizeof(label));
	row[0] = pl_cell_addr(other);
	row[1] = id == PL_NO_ID ? pl_cell_unknown() : pl_cell_text(t, pl_object_type(o, id)->name);
	row[2] = pl_cell_text(t, label);
	row[3] = pl_cell_text(t, pl_edge_kind_name((enum pl_edge_kind)e->kind));
	row[4] = pl_cell_bool(e->traversed);
	if (object)
		return;
	pl_repr(o, v, other, NULL, repr, sizeof(repr));
	row[5] = pl_cell_text(t, repr);
}

void pl_edge_row_outside(struct pl_table *t, pl_addr object, pl_addr at, const char *holder,
			 const char *edge, enum pl_edge_kind kind)
{
	struct pl_cell *row = pl_table_row(t);

	if (object)
		*row++ = pl_cell_addr(object);
	row[0] = at ? pl_cell_addr(at) : pl_cell_absent();
	row[1] = pl_cell_text(t, holder);
	row[2] = pl_cell_text(t, edge);
	row[3] = pl_cell_text(t, pl_edge_kind_name(kind));
	row[4] = pl_cell_bool(false);
}

/* ---- grouped ---- */

#define NO_TYPE UINT32_MAX

/* What the table shows as one row. */
struct group {
	uint32_t type;      /* index into the directory; NO_TYPE: what is no listed object */
	const char *holder; /* "<frame>", or NULL */
	const char *edge;
	enum pl_edge_kind kind;
	uint64_t edges, objects;
};

/* What makes two edges surely the same without spelling them. */
struct key {
	uint32_t type;
	uint8_t label, kind;
	bool attribute;
	uint64_t arg;
	uint32_t group;
};

struct pl_edge_groups {
	const struct pl_objects *o;
	struct pl_arena strings;
	PL_VEC(struct group) at;
	uint32_t *slot; /* by text: index into at, plus 1 */
	size_t cap;
	PL_VEC(struct key) keys;
	uint32_t *key_slot; /* likewise into keys */
	size_t key_cap;
	PL_VEC(uint64_t) seen; /* group << 32 | object, as often as met */
};

struct pl_edge_groups *pl_edge_groups_new(const struct pl_objects *o)
{
	struct pl_edge_groups *g = pl_calloc(1, sizeof(*g));

	g->o = o;
	return g;
}

void pl_edge_groups_free(struct pl_edge_groups *g)
{
	if (!g)
		return;
	pl_arena_fini(&g->strings);
	pl_vec_free(&g->at);
	pl_vec_free(&g->keys);
	pl_vec_free(&g->seen);
	free(g->slot);
	free(g->key_slot);
	free(g);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = mix(h, (unsigned char)*s);
	return h;
}

static uint64_t hash_group(const struct group *m)
{
	return hash_text(hash_text(mix(m->type, m->kind), m->edge), m->holder ? m->holder : "");
}

static bool same_group(const struct group *a, const struct group *b)
{
	return a->type == b->type && a->kind == b->kind && !strcmp(a->edge, b->edge) &&
	       !strcmp(a->holder ? a->holder : "", b->holder ? b->holder : "");
}

static uint64_t hash_key(const struct key *k)
{
	return mix(mix(k->type, (uint64_t)(k->label << 16 | k->kind << 8 | k->attribute)), k->arg);
}

static bool same_key(const struct key *a, const struct key *b)
{
	return a->type == b->type && a->label == b->label && a->kind == b->kind &&
	       a->attribute == b->attribute && a->arg == b->arg;
}

/* Open tables of indices plus 1 into a vector; grown before they are half full. */
#define GROW(slots, slots_cap, vector, hash)                                                   \
	do {                                                                                   \
		if (((vector).n + 1) * 2 > (slots_cap)) {                                      \
			(slots_cap) = (slots_cap) ? (slots_cap)*2 : 256;                       \
			free(slots);                                                           \
			(slots) = pl_calloc(slots_cap, sizeof(*(slots)));                      \
			for (size_t i_ = 0; i_ < (vector).n; i_++) {                           \
				size_t at_ = (size_t)hash(&(vector).at[i_]) & ((slots_cap)-1); \
				while ((slots)[at_])                                           \
					at_ = (at_ + 1) & ((slots_cap)-1);                     \
				(slots)[at_] = (uint32_t)i_ + 1;                               \
			}                                                                      \
		}                                                                              \
	} while (0)

static uint32_t find_group(struct pl_edge_groups *g, const struct group *wanted)
{
	struct group new = *wanted;
	size_t at;

	GROW(g->slot, g->cap, g->at, hash_group);
	at = (size_t)hash_group(wanted) & (g->cap - 1);
	for (; g->slot[at]; at = (at + 1) & (g->cap - 1)) {
		if (same_group(&g->at.at[g->slot[at] - 1], wanted))
			return g->slot[at] - 1;
	}
	new.edge = pl_arena_strndup(&g->strings, new.edge, strlen(new.edge));
	if (new.holder)
		new.holder = pl_arena_strndup(&g->strings, new.holder, strlen(new.holder));
	pl_vec_push(&g->at, new);
	g->slot[at] = (uint32_t)g->at.n;
	return (uint32_t)g->at.n - 1;
}

/* A str that can stand behind a dot. */
static bool is_name(const struct pl_objects *o, struct pl_view *v, pl_addr str)
{
	char name[MAX_LABEL];
	bool cut;

	if (!pl_str_read(o->l, v, str, name, sizeof(name), NULL, &cut) || cut || !*name ||
	    isdigit((unsigned char)*name))
		return false;
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '_' && !(*p & 0x80))
			return false;
	}
	return true;
}

/* The label with keys and indices as [*]. */
static void spell(const struct pl_edge_groups *g, struct pl_view *v, const struct pl_edge *e,
		  bool attribute, char *buf, size_t cap)
{
	struct pl_edge named = *e;

	switch ((enum pl_label_kind)e->label) {
	case PL_L_ITEM:
		named.label = PL_L_ATTR;
		if (attribute && is_name(g->o, v, e->arg))
			pl_label(g->o, v, &named, false, buf, cap);
		else
			snprintf(buf, cap, attribute ? ".__dict__[*]" : "[*]");
		break;
	case PL_L_INDEX:
		snprintf(buf, cap, "[*]");
		break;
	case PL_L_KEY:
		snprintf(buf, cap, attribute ? ".__dict__ <key>" : "<key>");
		break;
	case PL_L_CLOSURE:
		snprintf(buf, cap, "closure *");
		break;
	case PL_L_STACK:
		snprintf(buf, cap, "<stack *>");
		break;
	default:
		pl_label(g->o, v, e, false, buf, cap);
	}
}

/* The part of a label's argument that tells groups apart. */
static uint64_t grouping_arg(const struct pl_edge *e, bool attribute)
{
	switch ((enum pl_label_kind)e->label) {
	case PL_L_ITEM:
		return attribute ? e->arg : 0;
	case PL_L_INDEX:
	case PL_L_KEY:
	case PL_L_CLOSURE:
	case PL_L_STACK:
		return 0;
	default:
		return e->arg;
	}
}

static void count(struct pl_edge_groups *g, uint32_t group, pl_id other)
{
	g->at.at[group].edges++;
	pl_vec_push(&g->seen, (uint64_t)group << 32 | other);
}

void pl_edge_groups_add(struct pl_edge_groups *g, struct pl_view *v, const struct pl_edge *e,
			pl_id other, bool attribute)
{
	struct key k = {
		.type = other == PL_NO_ID ? NO_TYPE : g->o->type[other],
		.label = e->label,
		.kind = e->kind,
		.attribute = attribute,
		.arg = grouping_arg(e, attribute),
	};
	char text[MAX_LABEL];
	size_t at;

	GROW(g->key_slot, g->key_cap, g->keys, hash_key);
	at = (size_t)hash_key(&k) & (g->key_cap - 1);
	for (; g->key_slot[at]; at = (at + 1) & (g->key_cap - 1)) {
		if (same_key(&g->keys.at[g->key_slot[at] - 1], &k))
			break;
	}
	if (!g->key_slot[at]) {
		spell(g, v, e, attribute, text, sizeof(text));
		k.group = find_group(g, &(struct group){.type = k.type,
							.edge = text,
							.kind = (enum pl_edge_kind)e->kind});
		pl_vec_push(&g->keys, k);
		g->key_slot[at] = (uint32_t)g->keys.n;
	}
	count(g, g->keys.at[g->key_slot[at] - 1].group, other);
}

void pl_edge_groups_outside(struct pl_edge_groups *g, const char *holder, const char *edge,
			    enum pl_edge_kind kind, pl_id held)
{
	struct group wanted = {.type = NO_TYPE, .holder = holder, .edge = edge, .kind = kind};

	count(g, find_group(g, &wanted), held);
}

static int by_value(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

static void count_objects(struct pl_edge_groups *g)
{
	if (g->seen.n)
		qsort(g->seen.at, g->seen.n, sizeof(*g->seen.at), by_value);
	for (size_t i = 0; i < g->seen.n; i++) {
		if (!i || g->seen.at[i] != g->seen.at[i - 1])
			g->at.at[g->seen.at[i] >> 32].objects++;
	}
}

void pl_edge_groups_put(struct pl_edge_groups *g, const struct pl_args *args, struct pl_result *ret,
			const char *name)
{
	struct pl_table *t = pl_result_table(ret, name, group_columns, PL_ARRAY_LEN(group_columns));

	count_objects(g);
	for (size_t i = 0; i < g->at.n; i++) {
		const struct group *m = &g->at.at[i];
		const char *type = m->holder            ? m->holder
				   : m->type == NO_TYPE ? ""
							: pl_types_at(g->o->types, m->type)->name;
		struct pl_cell *row;

		if (!pl_args_match(args, type))
			continue;
		row = pl_table_row(t);
		if (m->type != NO_TYPE || m->holder)
			row[0] = pl_cell_text(t, type);
		else
			row[0] = pl_cell_unknown();
		row[1] = pl_cell_text(t, m->edge);
		row[2] = pl_cell_text(t, pl_edge_kind_name(m->kind));
		row[3] = pl_cell_count(m->edges);
		row[4] = m->type == NO_TYPE && !m->holder ? pl_cell_unknown()
							  : pl_cell_count(m->objects);
	}
	/* Groups are met in the order of addresses: names decide between equal counts. */
	pl_table_sort(t, "edge");
	pl_table_sort(t, "type");
	pl_table_sort(t, "edges");
}
