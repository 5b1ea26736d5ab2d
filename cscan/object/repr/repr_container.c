/*
 * repr_container.c - lists, tuples, dicts, sets and what builds on them, cut by depth and items.
 */
#include "object/repr/job.h"

#include "object/value/value.h"

enum {
	MAX_SCAN = 1 << 16, /* slots of a sparse table that are looked at for the first items */
	MAX_NAME = 256,
};

bool pl_repr_enter(struct pl_repr_job *r, pl_addr addr, unsigned level, const char *mark)
{
	bool inside = !level || r->n_above == PL_REPR_MAX_DEPTH;

	for (unsigned i = 0; i < r->n_above; i++)
		inside |= r->above[i] == addr;
	if (inside) {
		pl_out_text(&r->out, mark);
		return false;
	}
	r->above[r->n_above++] = addr;
	return true;
}

void pl_repr_leave(struct pl_repr_job *r)
{
	r->n_above--;
}

/* What comes before item i: ", ", and "..." instead of the item that is one too many. */
static bool separate(struct pl_repr_job *r, uint64_t i)
{
	if (i)
		pl_out_text(&r->out, ", ");
	if (i < r->lim.items && !r->out.full)
		return true;
	pl_out_text(&r->out, "...");
	return false;
}

void pl_repr_items(struct pl_repr_job *r, pl_addr first, uint64_t n, unsigned level)
{
	for (uint64_t i = 0; i < n; i++) {
		pl_addr item;

		if (!separate(r, i))
			return;
		if (!pl_read64(r->v, first + 8 * i, &item)) {
			pl_out_text(&r->out, "...");
			return;
		}
		pl_repr_value(r, item, level - 1);
	}
}

bool pl_repr_list(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr first;
	uint64_t n;

	if (!pl_list_items(r->l, r->v, x->addr, &first, &n))
		return false;
	if (n && !pl_repr_enter(r, x->addr, level, "[...]"))
		return true;
	pl_out_char(&r->out, '[');
	pl_repr_items(r, first, n, level);
	pl_out_char(&r->out, ']');
	if (n)
		pl_repr_leave(r);
	return true;
}

bool pl_repr_tuple(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr first;
	uint64_t n;

	if (!pl_tuple_items(r->l, r->v, x->addr, &first, &n))
		return false;
	if (n && !pl_repr_enter(r, x->addr, level, "(...)"))
		return true;
	pl_out_char(&r->out, '(');
	pl_repr_items(r, first, n, level);
	pl_out_text(&r->out, n == 1 ? ",)" : ")");
	if (n)
		pl_repr_leave(r);
	return true;
}

/* The entries of a dict in braces. */
static bool braces(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	struct pl_dict_iter it;
	pl_addr key, value;
	uint64_t n = 0;

	if (!pl_dict_begin(r->l, r->v, x->addr, &it))
		return false;
	it.n = PL_MIN(it.n, MAX_SCAN);
	if (!pl_dict_next(&it, &key, &value, NULL)) {
		pl_out_text(&r->out, "{}");
		return true;
	}
	if (!pl_repr_enter(r, x->addr, level, "{...}"))
		return true;
	pl_out_char(&r->out, '{');
	do {
		if (!separate(r, n++))
			break;
		pl_repr_value(r, key, level - 1);
		pl_out_text(&r->out, ": ");
		pl_repr_value(r, value, level - 1);
	} while (pl_dict_next(&it, &key, &value, NULL));
	pl_out_char(&r->out, '}');
	pl_repr_leave(r);
	return true;
}

/* dict in braces, frozendict as Name({...}). */
bool pl_repr_dict(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	struct pl_dict_iter it;
	pl_addr key, value;

	if (x->t->kind != PL_KIND_FROZENDICT)
		return braces(r, x, level);
	if (!pl_dict_begin(r->l, r->v, x->addr, &it))
		return false;
	pl_out_printf(&r->out, "%s(", pl_repr_short_name(x->t));
	if (pl_dict_next(&it, &key, &value, NULL))
		braces(r, x, level);
	pl_out_char(&r->out, ')');
	return true;
}

/* The keys of an OrderedDict in their order. */
struct order {
	pl_addr at;   /* node or link that is next */
	pl_addr root; /* 2.7: the link that ends the circle */
};

/* Item i of a list. */
static bool list_item(struct pl_repr_job *r, pl_addr list, uint64_t i, pl_addr *ret)
{
	pl_addr first;
	uint64_t n;

	return pl_list_items(r->l, r->v, list, &first, &n) && i < n &&
	       pl_read64(r->v, first + 8 * i, ret);
}

enum { LINK_NEXT = 1, LINK_KEY = 2 }; /* Lib/collections.py of 2.7: [PREV, NEXT, KEY] */

/* Nodes of Objects/odictobject.c, 2.7: links of Lib/collections.py. False when neither is there. */
static bool order_begin(struct pl_repr_job *r, const struct pl_repr_obj *x, struct order *ret)
{
	pl_addr dict, values, root, first;

	if (pl_has(r->l->f.odict_first)) {
		*ret = (struct order){0};
		return pl_repr_word(r, x, r->l->f.odict_first, &ret->at);
	}
	if (!pl_instance_dict(r->l, r->v, x->addr, x->t->addr, &dict, &values) || !dict ||
	    !pl_dict_get(r->l, r->v, dict, "_OrderedDict__root", &root) ||
	    !list_item(r, root, LINK_NEXT, &first))
		return false;
	*ret = (struct order){first, root};
	return true;
}

/* False at the end, and where the order cannot be read any further. */
static bool order_next(struct pl_repr_job *r, struct order *o, pl_addr *key)
{
	const struct pl_fields *f = &r->l->f;

	if (!o->at || o->at == o->root)
		return false;
	if (o->root)
		return list_item(r, o->at, LINK_KEY, key) && list_item(r, o->at, LINK_NEXT, &o->at);
	return pl_read64(r->v, o->at + (uint64_t)f->odictnode_key, key) &&
	       pl_read64(r->v, o->at + (uint64_t)f->odictnode_next, &o->at);
}

/* The value of that very key. */
static bool value_of(struct pl_repr_job *r, pl_addr dict, pl_addr key, pl_addr *value)
{
	struct pl_dict_iter it;
	pl_addr at;

	if (!pl_dict_begin(r->l, r->v, dict, &it))
		return false;
	it.n = PL_MIN(it.n, MAX_SCAN);
	while (pl_dict_next(&it, &at, value, NULL)) {
		if (at == key)
			return true;
	}
	return false;
}

/* Name([('a', 1), ...]), since 3.12 Name({'a': 1, ...}); Name() when empty. */
bool pl_repr_ordereddict(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	bool pairs = r->l->repr_style != PL_REPR_312;
	pl_addr key = 0, value = 0;
	struct order o;
	uint64_t n = 0;
	bool more;

	if (!order_begin(r, x, &o))
		return false;
	pl_out_printf(&r->out, "%s(", pl_repr_short_name(x->t));
	more = order_next(r, &o, &key);
	if (more && pl_repr_enter(r, x->addr, level, pairs ? "[...]" : "{...}")) {
		pl_out_char(&r->out, pairs ? '[' : '{');
		for (; more && separate(r, n++); more = order_next(r, &o, &key)) {
			pl_out_text(&r->out, pairs ? "(" : "");
			pl_repr_value(r, key, level - 1);
			pl_out_text(&r->out, pairs ? ", " : ": ");
			if (value_of(r, x->addr, key, &value))
				pl_repr_value(r, value, level - 1);
			else
				pl_out_text(&r->out, "...");
			pl_out_text(&r->out, pairs ? ")" : "");
		}
		pl_out_char(&r->out, pairs ? ']' : '}');
		pl_repr_leave(r);
	}
	pl_out_char(&r->out, ')');
	return true;
}

/* Objects/rangeobject.c: range(0, 5), range(0, 9, 2) */
bool pl_repr_range(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr start, stop, step;
	int64_t by;

	(void)level;
	if (!pl_repr_word(r, x, r->l->f.range_start, &start) ||
	    !pl_repr_word(r, x, r->l->f.range_stop, &stop) ||
	    !pl_repr_word(r, x, r->l->f.range_step, &step))
		return false;
	pl_out_text(&r->out, "range(");
	pl_repr_value(r, start, 0);
	pl_out_text(&r->out, ", ");
	pl_repr_value(r, stop, 0);
	if (!pl_int_read(r->l, r->v, step, &by) || by != 1) {
		pl_out_text(&r->out, ", ");
		pl_repr_value(r, step, 0);
	}
	pl_out_char(&r->out, ')');
	return true;
}

bool pl_repr_defaultdict(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	struct pl_dict_iter it;
	pl_addr factory;

	if (!pl_repr_word(r, x, r->l->f.defdict_factory, &factory) ||
	    !pl_dict_begin(r->l, r->v, x->addr, &it))
		return false;
	pl_out_printf(&r->out, "%s(", pl_repr_class_name(r, x->t, "defaultdict"));
	if (factory)
		pl_repr_value(r, factory, 0);
	else
		pl_out_text(&r->out, "None");
	pl_out_text(&r->out, ", ");
	braces(r, x, level);
	pl_out_char(&r->out, ')');
	return true;
}

/* {1, 2}, frozenset({1, 2}), set(); 2.7: set([1, 2]). Subclasses show their name. */
bool pl_repr_set(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	bool old = r->l->str_style == PL_STR_27;
	bool plain = !old && x->t->kind == PL_KIND_SET && x->t->exact;
	const char *open = old ? "[" : "{", *close = old ? "]" : "}";
	struct pl_set_iter it;
	uint64_t n = 0;
	pl_addr key;

	if (!pl_repr_word(r, x, r->l->f.set_table, &key) || !pl_set_begin(r->l, r->v, x->addr, &it))
		return false;
	it.n = PL_MIN(it.n, MAX_SCAN);
	if (!pl_set_next(&it, &key)) {
		pl_out_printf(&r->out, old ? "%s([])" : "%s()", pl_repr_short_name(x->t));
		return true;
	}
	if (!plain)
		pl_out_printf(&r->out, "%s(", pl_repr_short_name(x->t));
	if (pl_repr_enter(r, x->addr, level, old ? "[...]" : "{...}")) {
		pl_out_text(&r->out, open);
		do {
			if (!separate(r, n++))
				break;
			pl_repr_value(r, key, level - 1);
		} while (pl_set_next(&it, &key));
		pl_out_text(&r->out, close);
		pl_repr_leave(r);
	}
	if (!plain)
		pl_out_char(&r->out, ')');
	return true;
}

bool pl_repr_deque(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	struct pl_deque_iter it;
	uint64_t n = 0, maxlen;
	pl_addr item;

	if (!pl_repr_word(r, x, r->l->f.deque_maxlen, &maxlen) ||
	    !pl_deque_begin(r->l, r->v, x->addr, &it))
		return false;
	pl_out_printf(&r->out, "%s(", pl_repr_class_name(r, x->t, "deque"));
	if (!it.n) {
		pl_out_text(&r->out, "[]");
	} else if (pl_repr_enter(r, x->addr, level, "[...]")) {
		pl_out_char(&r->out, '[');
		while (pl_deque_next(&it, &item) && separate(r, n++))
			pl_repr_value(r, item, level - 1);
		pl_out_char(&r->out, ']');
		pl_repr_leave(r);
	}
	if (!(maxlen >> 63))
		pl_out_printf(&r->out, ", maxlen=%llu", (unsigned long long)maxlen);
	pl_out_char(&r->out, ')');
	return true;
}

/* Name of field i of a namedtuple class: an item of its _fields. */
static bool tuple_field(struct pl_repr_job *r, pl_addr fields, uint64_t i, pl_addr *name)
{
	pl_addr first;
	uint64_t n;

	return pl_tuple_items(r->l, r->v, fields, &first, &n) && i < n &&
	       pl_read64(r->v, first + 8 * i, name);
}

/* Name of visible item i of a struct sequence: the member at its offset (Objects/structseq.c). */
static bool member_field(struct pl_repr_job *r, pl_addr members, uint64_t i, char name[MAX_NAME])
{
	const struct pl_fields *f = &r->l->f;
	uint64_t offset;
	pl_addr text;

	members += i * (uint64_t)f->member_size;
	return pl_read64(r->v, members + (uint64_t)f->member_name, &text) && text &&
	       pl_read64(r->v, members + (uint64_t)f->member_offset, &offset) &&
	       offset == (uint64_t)f->tuple_items + 8 * i &&
	       pl_read_cstr(r->v, text, name, MAX_NAME);
}

/* namedtuple("Point", "x y") as Point(x=1, y=2), time.struct_time(tm_year=1970, ...). */
bool pl_repr_named_tuple(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr first, dict = 0, fields = 0, members = 0, name, item;
	char text[MAX_NAME];
	uint64_t n;

	if (x->t->exact || !pl_tuple_items(r->l, r->v, x->addr, &first, &n) || !n)
		return false;
	pl_read64(r->v, x->t->addr + (uint64_t)r->l->f.type_members, &members);
	if (x->t->is_heap && pl_read64(r->v, x->t->addr + (uint64_t)r->l->f.type_dict, &dict))
		pl_dict_get(r->l, r->v, dict, "_fields", &fields);
	if (fields ? !tuple_field(r, fields, n - 1, &name)
		   : !members || !member_field(r, members, 0, text))
		return false;
	pl_out_printf(&r->out, "%s", fields ? pl_repr_short_name(x->t) : x->t->name);
	if (!pl_repr_enter(r, x->addr, level, "(...)"))
		return true;
	pl_out_char(&r->out, '(');
	for (uint64_t i = 0; i < n && separate(r, i); i++) {
		if (fields && tuple_field(r, fields, i, &name)) {
			pl_repr_bare(r, name);
			pl_out_char(&r->out, '=');
		} else if (!fields && member_field(r, members, i, text)) {
			pl_out_printf(&r->out, "%s=", text);
		}
		if (!pl_read64(r->v, first + 8 * i, &item))
			break;
		pl_repr_value(r, item, level - 1);
	}
	pl_out_char(&r->out, ')');
	pl_repr_leave(r);
	return true;
}
