/*
 * Chains grouped by what they have in common: shapes of a few chains, and of random trees of lists,
 * dicts and tuples against the same names put together as text.
 */
#include "analysis/search/shapes.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)

static struct world w;
static struct pl_shapes shapes;
static pl_node *parent;

static unsigned rank(void *arg, pl_node node)
{
	size_t n;
	const struct pl_root *root = pl_roots_of(&w.roots, w.o->addr[node], &n);

	(void)arg;
	return root ? 1 + (unsigned)root->kind : 0;
}

static void start(void)
{
	struct pl_path_query q = {.rank = rank};
	struct pl_err err;

	world_open_decoded(&w, 1);
	parent = pl_col_alloc(w.o->n + 1, sizeof(*parent));
	assert_int_equal(pl_graph_forest(w.g, &q, &w.ctx, parent, &err), 0);
	assert_int_equal(pl_shapes_init(&shapes, w.o, &w.roots, parent, &w.ctx, &err), 0);
}

static void end(void)
{
	pl_shapes_fini(&shapes);
	pl_col_free(parent, w.o->n + 1, sizeof(*parent));
	world_close(&w);
}

static pl_node take(pl_addr addr)
{
	return world_take(&w, addr, OLD);
}

/* The shape of a node that was counted. */
static const struct pl_shape *shape_of(pl_node node)
{
	assert_int_not_equal(shapes.shape_of[node], 0);
	return &shapes.at.at[shapes.shape_of[node] - 1];
}

static void assert_step(pl_node node, pl_node before, uint8_t label, uint64_t arg)
{
	assert_int_equal(shape_of(node)->parent, shapes.shape_of[before] - 1);
	assert_int_equal(shape_of(node)->label, label);
	assert_int_equal(shape_of(node)->arg, arg);
	assert_int_equal(shape_of(node)->length, shape_of(before)->length + 1);
}

/* Indices are left open, positions of different containers are not mixed. */
static void items_of_a_list_have_one_shape(void **state)
{
	pl_node a, b, c, lone, list, other, unreached;
	pl_addr items[3];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1));
	b = take(heap_int(&w.h, 2));
	c = take(heap_int(&w.h, 3));
	lone = take(heap_int(&w.h, 4));
	unreached = take(heap_int(&w.h, 5));
	for (unsigned i = 0; i < 3; i++)
		items[i] = w.addr.at[a + i];
	list = take(heap_list(&w.h, items, 3));
	other = take(heap_list(&w.h, &w.addr.at[lone], 1));
	world_root(&w, list, PL_ROOT_MODULE, true, "app");
	world_root(&w, other, PL_ROOT_MODULE, true, "app");
	start();
	for (pl_node i = a; i <= lone; i++)
		assert_true(pl_shapes_count(&shapes, i));
	assert_true(pl_shapes_count(&shapes, b));
	assert_false(pl_shapes_count(&shapes, unreached));
	assert_int_equal(shapes.at.n, 4); /* two roots, items of each */
	assert_ptr_equal(shape_of(a), shape_of(c));
	assert_ptr_not_equal(shape_of(a), shape_of(lone));
	assert_int_equal(shape_of(a)->objects, 4);
	assert_int_equal(shape_of(a)->example, a);
	assert_step(a, list, PL_L_INDEX, 0);
	assert_int_equal(shape_of(list)->parent, UINT32_MAX);
	assert_int_equal(shape_of(list)->arg, w.addr.at[list]);
	assert_int_equal(shape_of(list)->objects, 0);
	end();
}

/* Of a namespace the names tell, of any other dict nothing does. */
static void names_tell_and_keys_do_not(void **state)
{
	pl_node k1, k2, a, b, names, c, d, keys;
	pl_addr items[2][2];

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	k1 = take(heap_str(&w.h, "one"));
	k2 = take(heap_str(&w.h, "two"));
	a = take(heap_int(&w.h, 1));
	b = take(heap_int(&w.h, 2));
	c = take(heap_int(&w.h, 3));
	d = take(heap_int(&w.h, 4));
	for (unsigned i = 0; i < 2; i++) {
		items[i][0] = w.addr.at[k1 + i];
		items[i][1] = w.addr.at[a + i];
	}
	names = take(heap_dict(&w.h, items, 2));
	for (unsigned i = 0; i < 2; i++)
		items[i][1] = w.addr.at[c + i];
	keys = take(heap_dict(&w.h, items, 2));
	world_root(&w, names, PL_ROOT_MODULE, true, "app");
	w.held.at[0].dict_is_namespace = true;
	world_root(&w, keys, PL_ROOT_SYS, true, "<sys>");
	start();
	for (pl_node i = a; i <= d; i++)
		assert_true(pl_shapes_count(&shapes, i));
	assert_step(a, names, PL_L_ITEM, w.addr.at[k1]);
	assert_step(b, names, PL_L_ITEM, w.addr.at[k2]);
	assert_step(c, keys, PL_L_ITEM, 0);
	assert_ptr_equal(shape_of(c), shape_of(d));
	assert_int_equal(shape_of(c)->objects, 2);
	end();
}

static void long_chains_are_cut(void **state)
{
	enum { DEEP = 40 };
	pl_node node[DEEP], *chain;
	uint32_t n;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	node[DEEP - 1] = take(heap_int(&w.h, 1));
	for (int i = DEEP - 2; i >= 0; i--)
		node[i] = take(heap_list(&w.h, &w.addr.at[node[i + 1]], 1));
	world_root(&w, node[0], PL_ROOT_MODULE, true, "app");
	start();
	shapes.most = 16;
	assert_true(pl_shapes_count(&shapes, node[DEEP - 1]));
	assert_int_equal(shapes.at.n, 16);
	for (int i = 0; i < DEEP; i++)
		assert_int_equal(shape_of(node[i])->length, PL_MIN(i + 1, 16));
	chain = pl_shapes_chain(&shapes, node[DEEP - 1], &n);
	assert_int_equal(n, DEEP);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(chain[i], node[i]);
	free(chain);
	end();
}

/* ---- against text ---- */

enum { MOST = 300, ITEMS = 4 };

/*
 * A tree: the i-th object is held by a later one, at a place of it. Lists and tuples leave the
 * index open, dicts that are no namespace the key; the name of a chain is its root and what kind of
 * step leads on, which is one for each holder.
 */
static void random_trees(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		static char text[MOST][600];
		PL_VEC(pl_node) loose = {0};
		uint32_t up[MOST];
		uint64_t s = ~seed, objects[MOST] = {0};
		pl_node n = 5 + test_rand_below(&s, MOST - 5), key;

		world_init(&w, "3.11.7-pyenv");
		key = take(heap_str(&w.h, "k"));
		for (pl_node i = 1; i < n; i++) {
			uint32_t m = test_rand_below(&s, ITEMS + 1), kind = test_rand_below(&s, 3);
			pl_addr items[ITEMS], pairs[ITEMS][2];

			m = PL_MIN(m, (uint32_t)loose.n);
			up[i] = UINT32_MAX;
			for (uint32_t k = 0; k < m; k++) {
				pl_node child = loose.at[--loose.n];

				items[k] = pairs[k][1] = w.addr.at[child];
				pairs[k][0] = w.addr.at[key];
				up[child] = i;
			}
			assert_int_equal(take(kind == 0   ? heap_list(&w.h, items, m)
					      : kind == 1 ? heap_tuple(&w.h, items, m)
							  : heap_dict(&w.h, pairs, m)),
					 i);
			pl_vec_push(&loose, i);
			/* Now and then the newest come first, for long chains. */
			if (test_rand_below(&s, 2) && loose.n > 1) {
				pl_node *at = &loose.at[test_rand_below(&s, (uint32_t)loose.n)];
				pl_node last = loose.at[loose.n - 1];

				loose.at[loose.n - 1] = *at;
				*at = last;
			}
		}
		for (size_t i = 0; i < loose.n; i++) {
			if (test_rand_below(&s, 4))
				world_root(&w, loose.at[i], PL_ROOT_MODULE, true, "app");
			else
				up[loose.at[i]] = UINT32_MAX - 1; /* nobody's */
		}
		start();
		for (pl_node i = n - 1; i > 0; i--) {
			const char *step;

			if (up[i] >= n) {
				snprintf(text[i], sizeof(text[i]), up[i] == UINT32_MAX ? "%u" : "",
					 i);
				continue;
			}
			step = pl_object_type(w.o, up[i])->kind == PL_KIND_DICT ? "k" : "i";
			snprintf(text[i], sizeof(text[i]), *text[up[i]] ? "%s%s" : "%.0s%.0s",
				 text[up[i]], step);
		}
		for (pl_node i = 1; i < n; i++)
			assert_int_equal(pl_shapes_count(&shapes, i), *text[i] != '\0');
		for (pl_node i = 1; i < n; i++) {
			if (!*text[i])
				continue;
			for (pl_node k = 1; k < n; k++) {
				bool same = !strcmp(text[i], text[k]);

				objects[i] += same;
				if (*text[k])
					assert_int_equal(shapes.shape_of[i] == shapes.shape_of[k],
							 same);
			}
			assert_int_equal(shape_of(i)->objects, objects[i]);
		}
		end();
		pl_vec_free(&loose);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_of_a_list_have_one_shape),
		cmocka_unit_test(names_tell_and_keys_do_not),
		cmocka_unit_test(long_chains_are_cut),
		cmocka_unit_test(random_trees),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
