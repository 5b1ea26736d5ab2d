/*
 * The objects around one object: which are taken, which are counted, what the edges between them
 * are called, where the walk ends.
 */
#include "analysis/search/nearby.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)

static struct world w;
static struct pl_nearby near;
static struct pl_nearby_query query;

static pl_node take(pl_addr addr)
{
	return world_take(&w, addr, OLD);
}

static pl_node list_of(pl_node first, unsigned n)
{
	return take(heap_list(&w.h, &w.addr.at[first], n));
}

static void start(pl_node asked, bool back, bool forward)
{
	world_open_decoded(&w, 1);
	query = (struct pl_nearby_query){.o = w.o,
					 .graph = w.g,
					 .roots = &w.roots,
					 .ctx = &w.ctx,
					 .asked = asked,
					 .way = {back, forward},
					 .depth = 3,
					 .too_many = 10};
}

static void walk(void)
{
	struct pl_err err;

	assert_int_equal(pl_nearby_walk(&query, &near, &err), 0);
}

static void end(void)
{
	pl_nearby_fini(&near);
	world_close(&w);
}

/* Index of the object's node; UINT32_MAX when it was not taken. */
static uint32_t node_of(pl_node id)
{
	for (uint32_t i = 0; i < near.nodes.n; i++) {
		if (near.nodes.at[i].what == PL_NEAR_OBJECT && near.nodes.at[i].id == id)
			return i;
	}
	return UINT32_MAX;
}

static size_t count_nodes(enum pl_near_what what)
{
	size_t n = 0;

	for (size_t i = 0; i < near.nodes.n; i++)
		n += near.nodes.at[i].what == what;
	return n;
}

static const struct pl_near_edge *edge(uint32_t source, uint32_t target)
{
	for (size_t i = 0; i < near.edges.n; i++) {
		if (near.edges.at[i].source == source && near.edges.at[i].target == target)
			return &near.edges.at[i];
	}
	return NULL;
}

static void assert_edge(pl_node source, pl_node target, const char *label, uint64_t references)
{
	const struct pl_near_edge *e = edge(node_of(source), node_of(target));

	assert_non_null(e);
	assert_string_equal(e->label, label);
	assert_int_equal(e->references, references);
}

/* That many objects of these kinds are counted there, not drawn. */
static void assert_more(pl_node at, bool back, const char *kinds, uint64_t objects)
{
	uint32_t node = node_of(at);

	for (uint32_t i = 0; i < near.nodes.n; i++) {
		const struct pl_near_node *n = &near.nodes.at[i];

		if (n->what != PL_NEAR_MORE || strcmp(n->kinds, kinds) != 0 ||
		    !(back ? edge(i, node) : edge(node, i)))
			continue;
		assert_int_equal(n->objects, objects);
		return;
	}
	fail_msg("no %s are counted", kinds);
}

static const struct pl_near_node *root_named(const char *name)
{
	for (size_t i = 0; i < near.nodes.n; i++) {
		if (near.nodes.at[i].what == PL_NEAR_ROOT &&
		    !strcmp(near.nodes.at[i].root->name, name))
			return &near.nodes.at[i];
	}
	return NULL;
}

/* ---- which are taken ---- */

static void forward_to_a_depth(void **state)
{
	pl_node a, inner, middle, outer, other;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	inner = list_of(a, 1);
	middle = take(heap_tuple(&w.h, &w.addr.at[inner], 1));
	outer = list_of(middle, 1);
	other = list_of(outer, 1);
	start(outer, false, true);
	query.depth = 2;
	walk();
	assert_int_equal(near.nodes.n, 3);
	assert_int_equal(near.nodes.at[0].id, outer);
	assert_edge(outer, middle, "[0]", 1);
	assert_edge(middle, inner, "[0]", 1);
	assert_int_equal(near.edges.n, 2);
	/* What lies beyond is counted; what was not asked for is not. */
	assert_int_equal(near.nodes.at[node_of(inner)].beyond[PL_FORWARD], 1);
	assert_int_equal(near.nodes.at[0].beyond[PL_BACK], 0);
	assert_int_equal(node_of(other), UINT32_MAX);
	assert_false(near.cut);
	end();
}

static void back_to_a_root(void **state)
{
	pl_node a, list, module, behind;
	const struct pl_near_node *root;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	list = list_of(a, 1);
	module = list_of(list, 1);
	behind = list_of(module, 1);
	world_root(&w, module, PL_ROOT_MODULE, true, "app");
	start(a, true, false);
	walk();
	/* What a module holds explains itself: who else holds it is not looked for. */
	assert_int_equal(count_nodes(PL_NEAR_OBJECT), 3);
	assert_int_equal(node_of(behind), UINT32_MAX);
	assert_edge(list, a, "[0]", 1);
	assert_edge(module, list, "[0]", 1);
	root = root_named("app");
	assert_non_null(root);
	assert_int_equal(edge((uint32_t)(root - near.nodes.at), node_of(module))->kind,
			 PL_EDGE_STRONG);
	end();
	/* What a stack holds may well be held on purpose elsewhere. */
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	list = list_of(a, 1);
	behind = list_of(list, 1);
	world_root(&w, list, PL_ROOT_FRAME, true, "<frame f>");
	start(a, true, false);
	walk();
	assert_int_not_equal(node_of(behind), UINT32_MAX);
	end();
}

static void both_ways(void **state)
{
	pl_node a, b, list, holder, sibling;
	pl_addr two[2];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	b = take(heap_int(&w.h, 2));
	list = list_of(a, 1);
	two[0] = w.addr.at[b];
	two[1] = w.addr.at[list];
	holder = take(heap_list(&w.h, two, 2));
	sibling = list_of(list, 1);
	start(list, true, true);
	walk();
	/* Forwards from the asked object alone: what its holders hold besides is nothing of its. */
	assert_int_equal(near.nodes.n, 4);
	assert_int_equal(node_of(b), UINT32_MAX);
	assert_edge(holder, list, "[1]", 1);
	assert_edge(sibling, list, "[0]", 1);
	assert_edge(list, a, "[0]", 1);
	end();
}

/* Some of each type, rare types first; the rest by type. */
static void too_many_neighbours(void **state)
{
	enum { INTS = 20, TEXTS = 3 };
	pl_node first, list, taken_ints = 0, taken_texts = 0;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	first = (pl_node)w.addr.n;
	for (int i = 0; i < INTS; i++)
		take(heap_int(&w.h, i + 1));
	for (int i = 0; i < TEXTS; i++)
		take(heap_str(&w.h, "text"));
	list = list_of(first, INTS + TEXTS);
	start(list, false, true);
	query.too_many = 5;
	walk();
	for (pl_node i = 0; i < INTS + TEXTS; i++) {
		if (node_of(first + i) != UINT32_MAX)
			*(i < INTS ? &taken_ints : &taken_texts) += 1;
	}
	assert_int_equal(taken_ints, 2);
	assert_int_equal(taken_texts, 3);
	/* The first of each. */
	assert_int_not_equal(node_of(first), UINT32_MAX);
	assert_int_not_equal(node_of(first + 1), UINT32_MAX);
	assert_more(list, false, "builtins.int", INTS - 2);
	assert_int_equal(count_nodes(PL_NEAR_MORE), 1);
	end();
}

/* Three types by name, the others together. */
static void many_types_that_are_left(void **state)
{
	static const char *const names[] = {"app.A", "app.B", "app.C", "app.D", "app.E"};
	pl_node first, list;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	first = (pl_node)w.addr.n;
	for (unsigned t = 0; t < PL_ARRAY_LEN(names); t++) {
		pl_addr type = heap_builtin(&w.h, names[t], 0, 16, 0);

		for (unsigned i = 0; i < 2 + t; i++)
			take(heap_object(&w.h, type, 16));
	}
	list = list_of(first, 2 + 3 + 4 + 5 + 6);
	start(list, false, true);
	query.too_many = 0;
	walk();
	assert_int_equal(count_nodes(PL_NEAR_OBJECT), 1);
	assert_more(list, false, "app.E", 6);
	assert_more(list, false, "app.D", 5);
	assert_more(list, false, "app.C", 4);
	assert_more(list, false, "objects of 2 types", 5);
	assert_int_equal(count_nodes(PL_NEAR_MORE), 4);
	end();
}

/* A holder that a root holds ends the search: it comes before the others. */
static void rooted_holders_come_first(void **state)
{
	pl_node a, last = 0;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	for (int i = 0; i < 12; i++)
		last = list_of(a, 1);
	world_root(&w, last, PL_ROOT_MODULE, true, "app");
	start(a, true, false);
	query.too_many = 3;
	walk();
	assert_int_not_equal(node_of(last), UINT32_MAX);
	assert_int_equal(count_nodes(PL_NEAR_OBJECT), 1 + 3);
	assert_more(a, true, "builtins.list", 9);
	end();
}

static void no_more_than_so_many(void **state)
{
	pl_node first, list;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	first = (pl_node)w.addr.n;
	for (int i = 0; i < 8; i++)
		take(heap_int(&w.h, i + 1));
	list = list_of(first, 8);
	start(list, false, true);
	query.most = 4;
	walk();
	assert_true(near.cut);
	assert_int_equal(count_nodes(PL_NEAR_OBJECT), 4);
	pl_nearby_fini(&near);
	query.most = 9;
	walk();
	assert_false(near.cut);
	assert_int_equal(count_nodes(PL_NEAR_OBJECT), 9);
	end();
}

static void types_that_are_left_out(void **state)
{
	pl_node a, list;
	bool *left_out;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	take(heap_str(&w.h, "text"));
	list = list_of(a, 2);
	start(list, false, true);
	query.n_left_out = w.o->type[a] + 1;
	left_out = pl_calloc(query.n_left_out, 1);
	left_out[w.o->type[a]] = true;
	query.left_out = left_out;
	walk();
	/* Neither drawn nor counted. */
	assert_int_equal(node_of(a), UINT32_MAX);
	assert_int_not_equal(node_of(a + 1), UINT32_MAX);
	assert_int_equal(near.nodes.n, 2);
	free(left_out);
	end();
}

/* ---- edges ---- */

static void parallel_references_are_one_edge(void **state)
{
	pl_addr same[6];
	pl_node a, list, three;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	for (int i = 0; i < 6; i++)
		same[i] = w.addr.at[a];
	list = take(heap_list(&w.h, same, 6));
	three = take(heap_tuple(&w.h, same, 3));
	start(a, true, false);
	walk();
	assert_edge(list, a, "[0], [1], [2], \u2026 3 more", 6);
	assert_edge(three, a, "[0], [1], [2]", 3);
	assert_int_equal(near.edges.n, 2);
	end();
}

/* A key that is a str stands in the label of its value; any other is an object, and so is one that
 * was asked about. */
static void keys_that_labels_name(void **state)
{
	pl_node key, tuple, value, dict;
	pl_addr pairs[2][2];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	key = take(heap_str(&w.h, "name"));
	tuple = take(heap_tuple(&w.h, NULL, 0));
	value = take(heap_list(&w.h, NULL, 0));
	pairs[0][0] = w.addr.at[key];
	pairs[1][0] = w.addr.at[tuple];
	pairs[0][1] = pairs[1][1] = w.addr.at[value];
	dict = take(heap_dict(&w.h, pairs, 2));
	start(dict, false, true);
	walk();
	assert_int_equal(node_of(key), UINT32_MAX);
	assert_edge(dict, value, "['name'], [()]", 2);
	assert_edge(dict, tuple, "<key ()>", 1);
	pl_nearby_fini(&near);
	query.asked = key;
	query.way[PL_BACK] = true;
	walk();
	assert_edge(dict, key, "<key 'name'>", 1);
	end();
}

/* What a weak reference leads to is drawn, and the walk does not go on from there. */
static void weak_references_hold_nothing(void **state)
{
	const struct pl_fields *f;
	pl_node a, list, weak;
	pl_addr type;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	f = &w.h.l.f;
	type = heap_builtin(&w.h, "weakref", PL_TPFLAG_GC, 72, 0);
	a = take(heap_int(&w.h, 1));
	list = list_of(a, 1);
	weak = take(heap_object(&w.h, type, 72));
	w64(&w.h, w.addr.at[weak] + (uint64_t)f->weakref_object, w.addr.at[list]);
	start(weak, false, true);
	walk();
	assert_int_equal(near.nodes.n, 2);
	assert_int_equal(edge(0, node_of(list))->kind, PL_EDGE_WEAK);
	assert_int_equal(node_of(a), UINT32_MAX);
	end();
}

/* ---- roots ---- */

/* The best one, and those that own; at most four of one object, the rest counted. */
static void roots_of_one_object(void **state)
{
	static const char *const names[] = {"m0", "m1", "m2", "m3", "m4", "m5"};
	pl_node a, b;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	b = list_of(a, 1);
	for (size_t i = 0; i < PL_ARRAY_LEN(names); i++)
		world_root(&w, a, PL_ROOT_MODULE, true, names[i]);
	world_root(&w, b, PL_ROOT_MODULE, true, "app");
	world_root(&w, b, PL_ROOT_FRAME, false, "<frame f>");
	start(a, true, false);
	walk();
	assert_int_equal(count_nodes(PL_NEAR_ROOT), 4 + 1);
	assert_more(a, true, "roots", 2);
	assert_non_null(root_named("app"));
	assert_null(root_named("<frame f>"));
	end();
}

/* ---- a chain ---- */

static void a_chain_with_its_steps(void **state)
{
	pl_node a, list, tuple;
	struct pl_err err;
	pl_addr two[2];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	list = list_of(a, 1);
	two[0] = w.addr.at[list];
	two[1] = w.addr.at[a];
	tuple = take(heap_tuple(&w.h, two, 2));
	world_root(&w, tuple, PL_ROOT_MODULE, true, "app");
	world_root(&w, tuple, PL_ROOT_SYS, true, "<sys>");
	start(a, true, false);
	assert_int_equal(pl_nearby_chain(&query, (pl_id[]){tuple, list, a}, 3, &near, &err), 0);
	/* The shorter way from the first to the last is none of its steps; one root is enough. */
	assert_int_equal(near.nodes.n, 4);
	assert_int_equal(near.edges.n, 3);
	assert_edge(tuple, list, "[0]", 1);
	assert_edge(list, a, "[0]", 1);
	assert_non_null(root_named("app"));
	assert_null(root_named("<sys>"));
	end();
}

static void a_cancel_ends_it(void **state)
{
	struct pl_err err;
	pl_node a;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	start(a, true, true);
	atomic_store(&w.ctx.cancel, true);
	assert_int_equal(pl_nearby_walk(&query, &near, &err), PL_E_CANCELLED);
	assert_int_equal(pl_nearby_chain(&query, &a, 1, &near, &err), PL_E_CANCELLED);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward_to_a_depth),
		cmocka_unit_test(back_to_a_root),
		cmocka_unit_test(both_ways),
		cmocka_unit_test(too_many_neighbours),
		cmocka_unit_test(many_types_that_are_left),
		cmocka_unit_test(rooted_holders_come_first),
		cmocka_unit_test(no_more_than_so_many),
		cmocka_unit_test(types_that_are_left_out),
		cmocka_unit_test(parallel_references_are_one_edge),
		cmocka_unit_test(keys_that_labels_name),
		cmocka_unit_test(weak_references_hold_nothing),
		cmocka_unit_test(roots_of_one_object),
		cmocka_unit_test(a_chain_with_its_steps),
		cmocka_unit_test(a_cancel_ends_it),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
