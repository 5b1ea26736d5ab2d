/*
 * Chains of references as Python expressions: namespaces and other dicts, what can stand behind a
 * dot, the general form, and where a long one is cut.
 */
#include "analysis/spell/spell.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)

static struct world w;
static struct pl_spelling sp;

static pl_node take(pl_addr addr)
{
	return world_take(&w, addr, OLD);
}

static pl_node list_of(pl_node first, unsigned n)
{
	return take(heap_list(&w.h, &w.addr.at[first], n));
}

/* A dict of one entry. */
static pl_node dict_of(pl_addr key, pl_node value)
{
	const pl_addr pair[1][2] = {{key, w.addr.at[value]}};

	return take(heap_dict(&w.h, pair, 1));
}

static void start(void)
{
	world_open_decoded(&w, 1);
	sp = (struct pl_spelling){.o = w.o, .v = &w.h.o.view};
}

static void assert_chain(const struct pl_root *root, const pl_id *chain, uint32_t n,
			 const char *want)
{
	pl_spell_chain(&sp, root, chain, n);
	assert_string_equal(sp.text, want);
	assert_int_equal(sp.len, strlen(want));
}

/* The same in both forms. */
static void assert_chains(const struct pl_root *root, const pl_id *chain, uint32_t n,
			  const char *want, const char *general)
{
	sp.general = false;
	assert_chain(root, chain, n, want);
	sp.general = true;
	assert_chain(root, chain, n, general);
	sp.general = false;
}

static struct pl_root named(const char *name, const char *accessor, bool namespace)
{
	return (struct pl_root){.name = name, .accessor = accessor, .dict_is_namespace = namespace};
}

/* ---- roots ---- */

static void a_root_and_its_accessor(void **state)
{
	struct pl_root plain = named("<frame f app.py:3>", ".x", false);
	struct pl_root module = named("app", "", true);
	char want[64];
	pl_node a, type;
	pl_id id;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = list_of(0, 0);
	type = world_add(&w, heap_builtin(&w.h, "app.Session", 0, 16, 0), 0);
	start();
	id = a;
	assert_chain(&plain, &id, 1, "<frame f app.py:3>.x");
	/* A namespace that nothing follows is itself what is meant. */
	assert_chain(&module, &id, 1, "app.__dict__");
	snprintf(want, sizeof(want), "<builtins.list at 0x%llx>", (unsigned long long)w.addr.at[a]);
	assert_chain(NULL, &id, 1, want);
	id = type;
	snprintf(want, sizeof(want), "<app.Session at 0x%llx>",
		 (unsigned long long)w.addr.at[type]);
	assert_chain(NULL, &id, 1, want);
	pl_spell_root(&sp, NULL, 0x1234);
	assert_string_equal(sp.text, "<object at 0x1234>");
	world_close(&w);
}

/* ---- steps ---- */

/* The key of a namespace that is a name stands behind a dot; of any other dict in brackets. */
static void keys_and_names(void **state)
{
	static const struct {
		const char *key, *name, *item, *general;
	} want[] = {
		{"conn", "m.conn", "m['conn']", "m.conn"},
		{"_a1", "m._a1", "m['_a1']", "m._a1"},
		{"1a", "m.__dict__['1a']", "m['1a']", "m.__dict__[*]"},
		{"", "m.__dict__['']", "m['']", "m.__dict__[*]"},
		{"a b", "m.__dict__['a b']", "m['a b']", "m.__dict__[*]"},
		{"a.b", "m.__dict__['a.b']", "m['a.b']", "m.__dict__[*]"},
		{"it's", "m.__dict__[\"it's\"]", "m[\"it's\"]", "m.__dict__[*]"},
	};
	struct pl_root namespace = named("m", "", true), plain = named("m", "", false);

	(void)state;
	for (size_t layout = 0; layout < PL_ARRAY_LEN(every_layout); layout++) {
		for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
			pl_node value, dict;
			pl_id chain[2];

			world_init(&w, every_layout[layout]);
			value = list_of(0, 0);
			dict = dict_of(heap_str(&w.h, want[i].key), value);
			start();
			chain[0] = dict;
			chain[1] = value;
			assert_chains(&namespace, chain, 2, want[i].name, want[i].general);
			assert_chains(&plain, chain, 2, want[i].item, "m[*]");
			world_close(&w);
		}
	}
}

static void keys_that_are_no_text(void **state)
{
	struct pl_root namespace = named("m", "", true), plain = named("m", "", false);
	pl_node key, value, dict, by_key;
	pl_id chain[2];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	value = list_of(0, 0);
	dict = dict_of(heap_int(&w.h, -7), value);
	key = take(heap_tuple(&w.h, NULL, 0));
	by_key = dict_of(w.addr.at[key], value);
	start();
	chain[0] = dict;
	chain[1] = value;
	assert_chains(&plain, chain, 2, "m[-7]", "m[*]");
	assert_chains(&namespace, chain, 2, "m.__dict__[-7]", "m.__dict__[*]");
	chain[0] = by_key;
	chain[1] = key;
	/* The key itself is the target. */
	assert_chains(&plain, chain, 2, "m<key ()>", "m<key>");
	assert_chains(&namespace, chain, 2, "m.__dict__<key ()>", "m.__dict__<key>");
	world_close(&w);
}

static void items_in_items(void **state)
{
	struct pl_root root = named("app", ".rows", false);
	pl_node a, b, tuple, list, dict;
	pl_id chain[4];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = list_of(0, 0);
	b = list_of(0, 0);
	tuple = take(heap_tuple(&w.h, &w.addr.at[a], 2));
	dict = dict_of(heap_str(&w.h, "k"), tuple);
	list = take(heap_list(&w.h, &w.addr.at[tuple], 2));
	start();
	chain[0] = list;
	chain[1] = dict;
	chain[2] = tuple;
	chain[3] = b;
	assert_chains(&root, chain, 4, "app.rows[1]['k'][1]", "app.rows[*][*][*]");
	chain[1] = tuple;
	chain[2] = a;
	assert_chains(&root, chain, 3, "app.rows[0][0]", "app.rows[*][*]");
	world_close(&w);
}

/* An instance's dict and the key in it become one name; the dict alone is .__dict__. */
static void the_dict_of_an_instance(void **state)
{
	struct pl_root root = named("m", ".x", false);
	struct pl_edge to_dict = {.kind = PL_EDGE_STRONG, .label = PL_L_DICT}, to_value;
	pl_node value, dict;
	char step[64];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	value = list_of(0, 0);
	dict = dict_of(heap_str(&w.h, "conn"), value);
	start();
	to_dict.target = w.addr.at[dict];
	assert_true(pl_refgraph_edge(w.o, sp.v, w.addr.at[dict], w.addr.at[value], &to_value));
	pl_spell_root(&sp, &root, 0);
	pl_spell_step(&sp, 0, &to_dict, step, sizeof(step));
	assert_string_equal(step, ".__dict__");
	assert_string_equal(sp.text, "m.x");
	pl_spell_step(&sp, w.addr.at[dict], &to_value, step, sizeof(step));
	assert_string_equal(step, ".conn");
	assert_string_equal(sp.text, "m.x.conn");
	/* A second one behind it, that nothing follows. */
	pl_spell_step(&sp, 0, &to_dict, NULL, 0);
	assert_string_equal(sp.text, "m.x.conn");
	pl_spell_end(&sp);
	assert_string_equal(sp.text, "m.x.conn.__dict__");
	pl_spell_end(&sp);
	assert_string_equal(sp.text, "m.x.conn.__dict__");
	world_close(&w);
}

/* What follows a dict and is no item of it. */
static void a_namespace_by_another_step(void **state)
{
	struct pl_root root = named("m", "", true);
	struct pl_edge e = {
		.target = 1, .arg = (uint64_t)(uintptr_t) ".__class__", .label = PL_L_TEXT};
	char step[64];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	start();
	pl_spell_root(&sp, &root, 0);
	pl_spell_step(&sp, 0, &e, step, sizeof(step));
	assert_string_equal(step, ".__class__");
	assert_string_equal(sp.text, "m.__dict__.__class__");
	world_close(&w);
}

/* A step without a reference, which only a damaged heap has, is left out. */
static void a_chain_with_a_gap(void **state)
{
	struct pl_root root = named("m", "", false);
	pl_node a, list;
	pl_id chain[3];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = list_of(0, 0);
	list = list_of(a, 1);
	start();
	chain[0] = chain[1] = list;
	chain[2] = a;
	assert_chain(&root, chain, 3, "m[0]");
	world_close(&w);
}

/* ---- room ---- */

static void a_long_one_is_cut(void **state)
{
	struct pl_root root = named("m", "", false);
	struct pl_edge e = {.target = 1, .label = PL_L_INDEX, .arg = 1234567};
	size_t room = sizeof(sp.text) - 1;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	start();
	pl_spell_root(&sp, &root, 0);
	for (unsigned i = 0; i < 200; i++)
		pl_spell_step(&sp, 0, &e, NULL, 0);
	assert_int_equal(sp.len, room);
	assert_int_equal(strlen(sp.text), room);
	for (size_t i = 0; i + 9 < room; i += 9)
		assert_memory_equal(sp.text + 1 + i, "[1234567]", PL_MIN((size_t)9, room - 1 - i));
	world_close(&w);
}

/* Never in the middle of a character: three bytes of UTF-8 fit or do not. */
static void a_character_is_not_cut(void **state)
{
	struct pl_edge e = {
		.target = 1, .label = PL_L_TEXT, .arg = (uint64_t)(uintptr_t) "\u20ac\u20ac"};

	(void)state;
	for (size_t before = 0; before < 8; before++) {
		char name[sizeof(sp.text)];
		struct pl_root root = named(name, "", false);
		size_t room = sizeof(sp.text) - 1;

		world_init(&w, "3.11.7-pyenv");
		start();
		memset(name, 'm', sizeof(name));
		name[room - before] = '\0';
		pl_spell_root(&sp, &root, 0);
		pl_spell_step(&sp, 0, &e, NULL, 0);
		assert_int_equal(sp.len, room - before + PL_MIN(before / 3, (size_t)2) * 3);
		assert_int_equal(strlen(sp.text), sp.len);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_and_its_accessor),
		cmocka_unit_test(keys_and_names),
		cmocka_unit_test(keys_that_are_no_text),
		cmocka_unit_test(items_in_items),
		cmocka_unit_test(the_dict_of_an_instance),
		cmocka_unit_test(a_namespace_by_another_step),
		cmocka_unit_test(a_chain_with_a_gap),
		cmocka_unit_test(a_long_one_is_cut),
		cmocka_unit_test(a_character_is_not_cut),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
