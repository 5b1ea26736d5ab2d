/*
 * Who holds most of the heap: shares by shape against an exact count over every chain, the owner
 * that they lead to, and the path that most objects of a type have in common.
 */
#include "analysis/search/holders.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)

static struct world w;
static struct pl_holders holders;

static void start(void)
{
	struct pl_err err;

	world_open_decoded(&w, 1);
	assert_int_equal(pl_holders_init(&holders, w.o, &w.roots, w.g, &w.ctx, &err), 0);
}

static void end(void)
{
	pl_holders_fini(&holders);
	world_close(&w);
}

static pl_node take(pl_addr addr, uint32_t size)
{
	pl_node node = world_take(&w, addr, OLD);

	w.size.at[node] = size;
	return node;
}

/* A list of the n nodes from first on. */
static pl_node list_of(pl_node first, unsigned n, uint32_t size)
{
	return take(heap_list(&w.h, &w.addr.at[first], n), size);
}

static void assert_path(uint32_t shape, const char *want)
{
	char *path = pl_holders_path(&holders, shape);

	assert_string_equal(path, want);
	free(path);
}

/* ---- shares ---- */

enum { MOST = 2000, ITEMS = 6 };

static void random_trees(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		PL_VEC(pl_node) loose = {0};
		uint64_t s = ~seed, total = 0, *below;
		pl_node n = 2 + test_rand_below(&s, MOST - 2);

		world_init(&w, "3.11.7-pyenv");
		for (pl_node i = 0; i < n; i++) {
			uint32_t m = test_rand_below(&s, ITEMS + 1);
			pl_addr items[ITEMS];

			m = PL_MIN(m, (uint32_t)loose.n);
			for (uint32_t k = 0; k < m; k++) {
				uint32_t at = test_rand_below(&s, (uint32_t)loose.n);

				items[k] = w.addr.at[loose.at[at]];
				loose.at[at] = loose.at[--loose.n];
			}
			take(test_rand_below(&s, 2) ? heap_list(&w.h, items, m)
						    : heap_tuple(&w.h, items, m),
			     16 + test_rand_below(&s, i % 50 ? 100 : 100000));
			pl_vec_push(&loose, i);
		}
		/* What is in a file counts for nobody. */
		w.flags.at[0] |= PL_OBJ_STATIC;
		for (size_t i = 0; i < loose.n; i++) {
			if (test_rand_below(&s, 8))
				world_root(&w, loose.at[i], PL_ROOT_MODULE, true, "app");
		}
		start();
		below = pl_calloc(holders.n_below + 1, sizeof(*below));
		for (pl_node i = 0; i < n; i++) {
			uint32_t last = 0;

			if (w.flags.at[i] & PL_OBJ_STATIC)
				continue;
			total += w.size.at[i];
			if (holders.parent[i] == PL_NO_NODE)
				continue;
			/* Up the chain: each shape on it once. */
			for (pl_node at = i;; at = holders.parent[at]) {
				uint32_t shape = holders.shapes.shape_of[at];

				assert_int_not_equal(shape, 0);
				if (shape != last)
					below[shape - 1] += w.size.at[i];
				last = shape;
				if (holders.parent[at] == at)
					break;
			}
		}
		/* All are looked at, so no share is a guess: sums of whole numbers are exact. */
		assert_true(holders.total == (double)total);
		for (size_t i = 0; i < holders.n_below; i++)
			assert_true(holders.below[i] == (double)below[i]);
		free(below);
		end();
		pl_vec_free(&loose);
	}
}

/* ---- owners ---- */

/* app -> table -> rows of big cells: the shape where it all comes together, not the cells. */
static void the_owner_of_most(void **state)
{
	enum { ROWS = 50 };
	pl_node key, cells, rows, table, app, other, first_key;
	pl_addr pairs[2][2];
	uint32_t owner;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	key = take(heap_str(&w.h, "table"), 50);
	first_key = key;
	key = take(heap_str(&w.h, "other"), 50);
	cells = (pl_node)w.addr.n;
	for (int i = 0; i < ROWS; i++)
		take(heap_int(&w.h, 1000 + i), 10000);
	rows = (pl_node)w.addr.n;
	for (unsigned i = 0; i < ROWS; i++)
		list_of(cells + i, 1, 64);
	table = list_of(rows, ROWS, 500);
	other = take(heap_bytes(&w.h, "x", 1), 40000);
	pairs[0][0] = w.addr.at[first_key];
	pairs[0][1] = w.addr.at[table];
	pairs[1][0] = w.addr.at[key];
	pairs[1][1] = w.addr.at[other];
	app = take(heap_dict(&w.h, pairs, 2), 232);
	world_root(&w, app, PL_ROOT_MODULE, true, "app");
	w.held.at[0].dict_is_namespace = true;
	start();
	owner = pl_holders_owner(&holders, 0.5);
	assert_path(owner, "app.table[*][*]");
	assert_int_equal(holders.parent[pl_holders_node(&holders, owner)],
			 holders.parent[cells] == rows ? rows : PL_NO_NODE);
	assert_true(holders.below[owner] == 10000.0 * ROWS);
	/* Nobody has more than there is. */
	assert_int_equal(pl_holders_owner(&holders, 1.1), UINT32_MAX);
	end();
}

/*
 * Keys and values of the dicts in a list: where they share what is below a dict, the dicts are the
 * owner; where the values have most of it, they are.
 */
static void several_that_share(void **state)
{
	static const struct {
		uint32_t key, value;
		const char *owner;
	} want[] = {{5000, 5000, "app[*][*]"}, {1000, 9000, "app[*][*][*]"}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
		pl_node dict, list, top;
		pl_addr pair[1][2];

		world_init(&w, "3.11.7-pyenv");
		pair[0][0] = heap_bytes(&w.h, "k", 1);
		pair[0][1] = heap_bytes(&w.h, "v", 1);
		take(pair[0][0], want[i].key);
		take(pair[0][1], want[i].value);
		dict = take(heap_dict(&w.h, pair, 1), 64);
		list = list_of(dict, 1, 64);
		top = list_of(list, 1, 64);
		world_root(&w, top, PL_ROOT_MODULE, true, "app");
		start();
		assert_path(pl_holders_owner(&holders, 0.4), want[i].owner);
		end();
	}
}

static void no_root_no_owner(void **state)
{
	double share = -1;
	pl_node a;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = take(heap_int(&w.h, 1), 5000);
	world_root(&w, a, PL_ROOT_NATIVE, false, "<native>");
	start();
	assert_int_equal(pl_holders_owner(&holders, 0.1), UINT32_MAX);
	assert_null(pl_holders_of_type(&holders, w.o->type[a], 1, &share));
	assert_true(share == -1);
	end();
}

static void long_paths_are_cut(void **state)
{
	pl_node at;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	at = take(heap_int(&w.h, 1), 100000);
	for (int i = 0; i < 30; i++)
		at = list_of(at, 1, 64);
	world_root(&w, at, PL_ROOT_MODULE, true, "app");
	start();
	assert_path(pl_holders_owner(&holders, 0.5),
		    "app[*][*][*][*][*][*][*][*][*][*][*][*][*][*][*]...");
	end();
}

/* ---- one type ---- */

/* Of 24,000 ints a third is in one list, the rest in another: evenly spaced ones are looked at. */
static void the_path_of_most_objects_of_a_type(void **state)
{
	enum { LEFT = 8000, RIGHT = 16000 };
	pl_node first, few, lists, more;
	double share;
	char *path;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	first = (pl_node)w.addr.n;
	for (unsigned i = 0; i < LEFT + RIGHT; i++)
		take(heap_object(&w.h, w.h.int_type, 16), 28);
	few = take(heap_str(&w.h, "text"), 50);
	lists = list_of(first, LEFT, 64);
	more = list_of(first + LEFT, RIGHT, 64);
	world_root(&w, lists, PL_ROOT_MODULE, true, "app.few");
	world_root(&w, more, PL_ROOT_MODULE, true, "app.many");
	start();
	path = pl_holders_of_type(&holders, w.o->type[first], LEFT + RIGHT, &share);
	assert_string_equal(path, "app.many[*]");
	/* holders.h promises a share within one in a hundred. */
	assert_true(share > 2.0 / 3 - 0.01 && share < 2.0 / 3 + 0.01);
	free(path);
	assert_null(pl_holders_of_type(&holders, w.o->type[few], 1, &share));
	end();
}

/* Of paths that are about as common the first by name; alike ones are one. */
static void common_paths_are_told_by_name(void **state)
{
	pl_node first, a, b, c;
	double share;
	char *path;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	first = (pl_node)w.addr.n;
	for (unsigned i = 0; i < 300; i++)
		take(heap_object(&w.h, w.h.int_type, 16), 28);
	a = list_of(first, 99, 64);
	b = list_of(first + 99, 100, 64);
	c = list_of(first + 199, 101, 64);
	world_root(&w, a, PL_ROOT_MODULE, true, "app.zz");
	world_root(&w, b, PL_ROOT_MODULE, true, "app.b");
	world_root(&w, c, PL_ROOT_MODULE, true, "app.c");
	start();
	path = pl_holders_of_type(&holders, w.o->type[first], 300, &share);
	assert_string_equal(path, "app.b[*]");
	assert_true(share == 100.0 / 300);
	free(path);
	end();
	/* The same, but two of the roots are spelled alike: together they have most. */
	world_init(&w, "3.11.7-pyenv");
	for (unsigned i = 0; i < 300; i++)
		take(heap_object(&w.h, w.h.int_type, 16), 28);
	a = list_of(0, 99, 64);
	b = list_of(99, 100, 64);
	c = list_of(199, 101, 64);
	world_root(&w, a, PL_ROOT_MODULE, true, "app.zz");
	world_root(&w, b, PL_ROOT_MODULE, true, "app.b");
	world_root(&w, c, PL_ROOT_MODULE, true, "app.zz");
	start();
	path = pl_holders_of_type(&holders, w.o->type[0], 300, &share);
	assert_string_equal(path, "app.zz[*]");
	assert_true(share == 200.0 / 300);
	free(path);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_trees),
		cmocka_unit_test(the_owner_of_most),
		cmocka_unit_test(several_that_share),
		cmocka_unit_test(no_root_no_owner),
		cmocka_unit_test(long_paths_are_cut),
		cmocka_unit_test(the_path_of_most_objects_of_a_type),
		cmocka_unit_test(common_paths_are_told_by_name),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
