/*
 * How many references to each object were found: lists in memory, decoded on several threads or
 * taken from the graph, against what the test wrote; and words of C memory that explain a surplus.
 */
#include "base/bits.h"
#include "session/refsum.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)
#define MOST 200u
#define ITEMS 6u

static struct world w;
static struct pl_refsum sum;

static pl_node list(void)
{
	pl_addr none[ITEMS] = {0};

	return world_take(&w, heap_list(&w.h, none, ITEMS), OLD);
}

/* The i-th item of a list; counted there. */
static void item(pl_node of, unsigned i, pl_node target)
{
	pl_addr items;

	memcpy(&items, heap_at(&w.h, w.addr.at[of] + (uint64_t)w.h.l.f.list_items), 8);
	w64(&w.h, items + 8 * i, w.addr.at[target]);
	w.count.at[target]++;
}

/* One that holds its items itself: no buffer of it could be taken for C memory. */
static pl_node tuple_of(pl_node target)
{
	pl_node ret = world_take(&w, heap_tuple(&w.h, &w.addr.at[target], 1), OLD);

	w.size.at[ret] = (uint32_t)w.h.l.f.tuple_items + 8;
	w.count.at[target]++;
	return ret;
}

static void start(unsigned threads)
{
	world_write_counts(&w);
	world_open_decoded(&w, threads);
}

static void count(bool of_graph)
{
	struct pl_err err;

	if (of_graph)
		assert_int_equal(pl_refsum_of_graph(w.o, &w.roots, w.g, &sum, &err), 0);
	else
		assert_int_equal(pl_refsum_new(w.o, &w.roots, &w.ctx, &sum, &err), 0);
	assert_int_equal(sum.n, w.addr.n);
}

/* The surplus, or INT64_MIN when the object has no count to hold it against. */
static int64_t surplus(pl_node node, uint64_t *refcount)
{
	int64_t ret = INT64_MIN;

	return pl_refsum_surplus(w.o, &w.h.o.view, &sum, node, refcount, &ret) ? ret : INT64_MIN;
}

/* ---- what is found ---- */

static void random_lists(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		uint32_t edges[MOST] = {0}, extra[MOST] = {0};
		uint64_t s = ~seed;
		pl_node n = 1 + test_rand_below(&s, MOST);

		world_init(&w, every_layout[seed % PL_ARRAY_LEN(every_layout)]);
		for (pl_node i = 0; i < n; i++)
			list();
		for (pl_node i = 0; i < n; i++) {
			unsigned items = test_rand_below(&s, ITEMS + 1);

			for (unsigned k = 0; k < items; k++) {
				pl_node to = test_rand_below(&s, n);

				item(i, k, to);
				edges[to]++;
			}
		}
		for (pl_node i = 0; i < n; i++) {
			uint32_t r = test_rand_below(&s, 10);

			if (r < 2) {
				world_root(&w, i, r ? PL_ROOT_MODULE : PL_ROOT_FRAME, r, "app");
				edges[i] += r;
			} else if (r == 2) {
				extra[i] = 1 + test_rand_below(&s, 5);
				w.count.at[i] += extra[i];
			}
		}
		start(1 + (unsigned)seed % 3);
		for (int of_graph = 0; of_graph < 2; of_graph++) {
			count(of_graph);
			for (pl_node i = 0; i < n; i++) {
				uint64_t refcount;

				assert_int_equal(sum.strong[i], edges[i]);
				assert_int_equal(sum.native[i], 0);
				assert_int_equal(surplus(i, &refcount), extra[i]);
				assert_int_equal(refcount, edges[i] + extra[i]);
			}
			pl_refsum_fini(&sum);
		}
		world_close(&w);
	}
}

/* The constants of a frozen module are laid out by the compiler: nobody counts what they hold. */
static void static_tuples_count_nothing(void **state)
{
	pl_addr two[2];
	pl_node a, b;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = world_add(&w, w.h.object_type, 0);
	b = world_add(&w, w.h.object_type, 0);
	two[0] = two[1] = w.addr.at[a];
	world_take(&w, heap_tuple(&w.h, two, 2), PL_OBJ_GC | PL_OBJ_STATIC);
	two[1] = w.addr.at[b];
	world_take(&w, heap_tuple(&w.h, two, 2), OLD);
	world_take(&w, heap_list(&w.h, two, 2), PL_OBJ_GC | PL_OBJ_STATIC);
	start(1);
	for (int of_graph = 0; of_graph < 2; of_graph++) {
		count(of_graph);
		assert_int_equal(sum.strong[a], 2);
		assert_int_equal(sum.strong[b], 2);
		pl_refsum_fini(&sum);
	}
	world_close(&w);
}

/* More found than counted is below 0; an immortal object has no account. */
static void surpluses_have_a_sign(void **state)
{
	uint64_t refcount;
	pl_node a, b;

	(void)state;
	world_init(&w, "3.12.1-pyenv");
	a = list();
	b = list();
	item(a, 0, b);
	item(a, 1, b);
	item(b, 0, a);
	item(b, 1, a);
	w.count.at[b] = 1;
	w.count.at[a] = UINT32_MAX;
	start(1);
	count(false);
	assert_int_equal(sum.strong[b], 2);
	assert_int_equal(surplus(b, &refcount), -1);
	assert_int_equal(refcount, 1);
	assert_int_equal(surplus(a, &refcount), INT64_MIN);
	/* Words of C memory explain a surplus, and make none. */
	sum.native[b] = 5;
	assert_int_equal(surplus(b, &refcount), -1);
	pl_refsum_fini(&sum);
	world_close(&w);
}

/* Without roots, what they own is a surplus. */
static void roots_may_be_left_out(void **state)
{
	uint64_t refcount;
	struct pl_err err;
	pl_node a;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = list();
	world_root(&w, a, PL_ROOT_MODULE, true, "app");
	start(1);
	assert_int_equal(pl_refsum_new(w.o, NULL, &w.ctx, &sum, &err), 0);
	assert_int_equal(surplus(a, &refcount), 1);
	pl_refsum_fini(&sum);
	assert_int_equal(pl_refsum_of_graph(w.o, NULL, w.g, &sum, &err), 0);
	assert_int_equal(surplus(a, &refcount), 1);
	pl_refsum_fini(&sum);
	world_close(&w);
}

/* ---- words of C memory ---- */

struct expected {
	pl_node target;
	const pl_addr *at;
	size_t n, told;
};

static void assert_word(void *arg, const struct pl_refword *word)
{
	struct expected *e = arg;

	assert_true(e->told < e->n);
	assert_int_equal(word->target, e->target);
	assert_int_equal(word->source, PL_NO_ID);
	assert_int_equal(word->hit.target, w.addr.at[e->target]);
	assert_int_equal(word->hit.at, e->at[e->told]);
	assert_int_equal(word->hit.place, PL_NATIVE_MAPPING);
	e->told++;
}

static void assert_words(pl_node target, size_t want, const pl_addr *at)
{
	struct expected e = {target, at, want, 0};
	uint64_t wanted[MOST / 64 + 1] = {0};
	struct pl_err err;

	pl_bits_set(wanted, target);
	assert_int_equal(pl_refsum_tell(w.o, &sum, wanted, assert_word, &e, &w.ctx, &err), 0);
	assert_int_equal(e.told, want);
}

/*
 * Three words hold an object that counts two more than was found, one another that counts four
 * more; one holds an object whose count adds up, and one a static one: these two are not looked
 * for.
 */
static void words_explain_a_surplus(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 4; threads += 3) {
		for (int with_graph = 0; with_graph < 2; with_graph++) {
			pl_node a, b, c, d;
			uint64_t refcount;
			struct pl_err err;
			pl_addr memory;

			world_init(&w, "3.11.7-pyenv");
			c = world_add(&w, w.h.object_type, 0);
			b = tuple_of(c);
			a = tuple_of(b);
			d = world_add(&w, w.h.object_type, PL_OBJ_STATIC);
			memory = heap_put(&w.h, NULL, 128);
			w.count.at[a] += 2;
			w.count.at[c] += 4;
			w.count.at[d] += 7;
			for (unsigned i = 0; i < 3; i++)
				w64(&w.h, memory + 16 * i, w.addr.at[a]);
			w64(&w.h, memory + 48, w.addr.at[b]);
			w64(&w.h, memory + 56, w.addr.at[c]);
			w64(&w.h, memory + 64, w.addr.at[d]);
			start(threads);
			count(false);
			assert_int_equal(
				pl_refsum_words(w.o, with_graph ? w.g : NULL, &sum, &w.ctx, &err),
				0);
			assert_int_equal(sum.native[a], 3);
			assert_int_equal(sum.native[b], 0);
			assert_int_equal(sum.native[c], 1);
			assert_int_equal(sum.native[d], 0);
			assert_int_equal(surplus(a, &refcount), 0);
			assert_int_equal(surplus(c, &refcount), 3);
			assert_words(a, 3, (pl_addr[]){memory, memory + 16, memory + 32});
			assert_words(b, 0, NULL);
			assert_words(c, 1, (pl_addr[]){memory + 56});
			assert_words(d, 0, NULL);
			pl_refsum_fini(&sum);
			world_close(&w);
		}
	}
}

/* From 3.13 on a trace-refs build has one word for each object that owns nothing. */
static void the_table_of_a_trace_refs_build(void **state)
{
	pl_node a, b;
	uint64_t refcount;
	struct pl_err err;
	pl_addr memory;

	(void)state;
	world_init(&w, "3.13.15-source-tracerefs");
	a = list();
	b = list();
	memory = heap_put(&w.h, NULL, 64);
	w.count.at[a] += 2;
	w.count.at[b] += 1;
	w64(&w.h, memory, w.addr.at[a]);
	w64(&w.h, memory + 8, w.addr.at[a]);
	w64(&w.h, memory + 16, w.addr.at[b]);
	start(1);
	assert_true(pl_refsum_traced(w.o->l));
	count(false);
	assert_int_equal(pl_refsum_words(w.o, NULL, &sum, &w.ctx, &err), 0);
	assert_int_equal(surplus(a, &refcount), 1);
	assert_int_equal(surplus(b, &refcount), 1);
	pl_refsum_fini(&sum);
	world_close(&w);
}

/*
 * More words than were once kept, of two objects in turn: each is counted, whatever the number of
 * threads.
 */
static void words_without_a_cap(void **state)
{
	const size_t n = (1 << 16) + 2;

	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		pl_node a, b;
		uint64_t refcount;
		struct pl_err err;
		pl_addr memory;

		world_init(&w, "3.11.7-pyenv");
		a = list();
		b = list();
		memory = heap_put(&w.h, NULL, 8 * n);
		for (size_t i = 0; i < n; i++)
			w64(&w.h, memory + 8 * i, w.addr.at[i % 2 ? a : b]);
		w.count.at[a] += n / 2;
		w.count.at[b] += n / 2 + 1;
		start(threads);
		count(false);
		assert_int_equal(pl_refsum_words(w.o, NULL, &sum, &w.ctx, &err), 0);
		assert_int_equal(sum.native[a], n / 2);
		assert_int_equal(sum.native[b], n / 2);
		assert_int_equal(surplus(a, &refcount), 0);
		assert_int_equal(surplus(b, &refcount), 1);
		assert_false(world_noted(&w, "stopped-looking"));
		pl_refsum_fini(&sum);
		world_close(&w);
	}
}

static void nothing_to_look_for(void **state)
{
	struct pl_err err;
	pl_node a;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = list();
	item(a, 0, a);
	start(1);
	count(false);
	assert_int_equal(pl_refsum_words(w.o, w.g, &sum, &w.ctx, &err), 0);
	assert_null(sum.words);
	assert_words(a, 0, NULL);
	pl_refsum_fini(&sum);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_lists),
		cmocka_unit_test(static_tuples_count_nothing),
		cmocka_unit_test(surpluses_have_a_sign),
		cmocka_unit_test(roots_may_be_left_out),
		cmocka_unit_test(words_explain_a_surplus),
		cmocka_unit_test(the_table_of_a_trace_refs_build),
		cmocka_unit_test(words_without_a_cap),
		cmocka_unit_test(nothing_to_look_for),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
