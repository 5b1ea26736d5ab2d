/*
 * Where a heap contradicts itself: nothing on a sound one, and one site of each kind for each thing
 * that is wrong. The session is the test's own: it hands out a heap made by hand.
 */
#include "analysis/search/damage.h"

#include "heap/glibc.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)
#define CHUNK UINT64_C(0x7f1000000000) /* an mmapped chunk of malloc's, a page */
#define NOWHERE UINT64_C(0x5000000000) /* nothing is mapped there */

static struct world w;
static struct pl_lives *lives;
static struct pl_damage damage;

/* ---- the session ---- */

struct pl_ctx *pl_session_ctx(struct pl_session *s)
{
	(void)s;
	return &w.ctx;
}

int pl_session_references(struct pl_session *s, struct pl_objects **o,
			  const struct pl_roots **roots, const struct pl_graph **graph,
			  struct pl_err *err)
{
	(void)s;
	(void)err;
	*o = w.o;
	*roots = &w.roots;
	*graph = w.g;
	return 0;
}

int pl_session_strays(struct pl_session *s, const struct pl_strays **ret, struct pl_err *err)
{
	(void)s;
	(void)err;
	*ret = &w.strays;
	return 0;
}

int pl_session_lives(struct pl_session *s, const struct pl_lives **ret, struct pl_err *err)
{
	(void)s;
	(void)err;
	*ret = lives;
	return 0;
}

/* ---- heaps ---- */

static uint8_t chunk[4096];

static void begin(void)
{
	uint64_t size = sizeof(chunk) | PL_CHUNK_MMAPPED;

	memset(chunk, 0, sizeof(chunk));
	memcpy(chunk + 8, &size, sizeof(size));
	world_init(&w, "3.11.7-pyenv");
}

/* An object of 64 bytes behind a gc head that links to itself: sound, on a list of its own. */
static pl_node with_head(pl_addr type, uint8_t flags)
{
	pl_addr head = heap_put(&w.h, NULL, (size_t)w.h.l.f.gc_head_size + 64);
	pl_addr addr = head + (uint64_t)w.h.l.f.gc_head_size;

	w64(&w.h, head + (uint64_t)w.h.l.f.gc_head_next, head);
	w64(&w.h, head + (uint64_t)w.h.l.f.gc_head_prev, head | 1);
	w64(&w.h, addr + (uint64_t)w.h.l.f.object_type, type);
	return world_take(&w, addr, flags);
}

/* A list of one item, which nothing counts. */
static pl_node list_of(pl_addr item)
{
	pl_node list = with_head(w.h.list_type, OLD);
	pl_addr addr = w.addr.at[list];

	w64(&w.h, addr + (uint64_t)w.h.l.f.var_size, 1);
	w64(&w.h, addr + (uint64_t)w.h.l.f.list_items, heap_put(&w.h, &item, 8));
	w64(&w.h, addr + (uint64_t)w.h.l.f.list_allocated, 1);
	w.count.at[list] = 1;
	return list;
}

/* Also the chunk, as memory that malloc gave out. */
static void open_all(unsigned threads)
{
	struct pl_err err;

	world_write_counts(&w);
	build_init(&w.h.b);
	build_load(&w.h.b, CHUNK, chunk, sizeof(chunk), DEFAULT, DEFAULT, PF_R | PF_W);
	heap_open_begun(&w.h);
	world_open_table(&w, threads);
	pl_vec_push(&w.no_heap->regions, (struct pl_region){.lo = CHUNK,
							    .hi = CHUNK + sizeof(chunk),
							    .kind = PL_REGION_MMAPPED,
							    .max_live = 1});
	world_decode(&w);
	assert_int_equal(pl_lives_new(w.o, &w.roots, w.g, &w.ctx, &lives, &err), 0);
}

static void look(void)
{
	struct pl_err err;

	memset(&damage, 0xff, sizeof(damage));
	assert_int_equal(pl_damage_find(NULL, &damage, &err), 0);
}

static void end(void)
{
	pl_lives_free(lives);
	world_close(&w);
}

static void assert_none_but(enum pl_damage_kind kind)
{
	for (int i = 0; i < PL_N_DAMAGES; i++) {
		if (i != (int)kind)
			assert_int_equal(damage.n[i], 0);
	}
}

static void assert_site(enum pl_damage_kind kind, size_t i, pl_addr at, pl_id source, uint64_t word)
{
	assert_true(i < damage.n[kind]);
	assert_int_equal(damage.site[kind][i].kind, kind);
	assert_int_equal(damage.site[kind][i].at, at);
	assert_int_equal(damage.site[kind][i].source, source);
	assert_int_equal(damage.site[kind][i].word, word);
}

/* That is wrong and nothing else. */
static void assert_one(enum pl_damage_kind kind, pl_addr at, pl_id source, uint64_t word)
{
	look();
	assert_none_but(kind);
	assert_int_equal(damage.n[kind], 1);
	assert_site(kind, 0, at, source, word);
}

/* ---- tests ---- */

static void a_sound_heap(void **state)
{
	pl_addr pair[1][2];
	pl_node a, list, dict;

	(void)state;
	begin();
	a = with_head(w.h.object_type, OLD);
	list = list_of(w.addr.at[a]);
	pair[0][0] = pair[0][1] = w.addr.at[a];
	dict = world_take(&w, heap_dict(&w.h, pair, 1), PL_OBJ_GC);
	w.count.at[a] = 3;
	w.count.at[dict] = 1;
	open_all(2);
	w.o->tally.bad_links = 1;
	look();
	assert_none_but(PL_N_DAMAGES);
	assert_int_equal(lives->of[list], PL_HELD);
	end();
}

static void what_the_allocators_say(void **state)
{
	(void)state;
	begin();
	open_all(1);
	w.o->heap_tally = (struct pl_heap_tally){.bad_pools = 3,
						 .bad_freelists = 2,
						 .bad_chunks = 1,
						 .pool_at = 0x1000,
						 .freelist_at = 0x2000,
						 .chunk_at = 0x3000};
	look();
	assert_int_equal(damage.n[PL_DAMAGE_POOL], 3);
	assert_site(PL_DAMAGE_POOL, 0, 0x1000, PL_NO_ID, 0);
	assert_int_equal(damage.n[PL_DAMAGE_FREELIST], 2);
	assert_site(PL_DAMAGE_FREELIST, 0, 0x2000, PL_NO_ID, 0);
	assert_int_equal(damage.n[PL_DAMAGE_CHUNK], 1);
	assert_site(PL_DAMAGE_CHUNK, 0, 0x3000, PL_NO_ID, 0);
	end();
}

/* The neighbour that its gc head names does not name it. Only looked at where a list was broken. */
static void a_link_that_leads_astray(void **state)
{
	for (int forward = 0; forward < 2; forward++) {
		pl_addr memory;
		pl_node a;

		(void)state;
		begin();
		memory = heap_put(&w.h, NULL, 64);
		a = with_head(w.h.object_type, OLD);
		w.count.at[a] = 1;
		w64(&w.h,
		    w.addr.at[a] - (uint64_t)w.h.l.f.gc_head_size +
			    (uint64_t)(forward ? w.h.l.f.gc_head_next : w.h.l.f.gc_head_prev),
		    memory);
		open_all(1);
		look();
		assert_none_but(PL_N_DAMAGES);
		w.o->tally.broken_lists = 1;
		assert_one(PL_DAMAGE_LINK, memory + (uint64_t)w.h.l.f.gc_head_size, a,
			   (uint64_t)forward);
		w.o->collecting = true;
		look();
		assert_none_but(PL_N_DAMAGES);
		end();
	}
}

/* Of two objects that disagree the one that leads to no object is wrong: a tracked one is none. */
static void neighbours_that_disagree(void **state)
{
	pl_node a, b;

	(void)state;
	begin();
	a = with_head(w.h.object_type, OLD);
	b = with_head(w.h.object_type, OLD);
	w.count.at[a] = w.count.at[b] = 1;
	w64(&w.h, w.addr.at[a] - (uint64_t)w.h.l.f.gc_head_size + (uint64_t)w.h.l.f.gc_head_next,
	    w.addr.at[b] - (uint64_t)w.h.l.f.gc_head_size);
	open_all(1);
	w.o->tally.bad_links = 1;
	look();
	assert_none_but(PL_N_DAMAGES);
	w.o->flags[b] = PL_OBJ_GC;
	assert_one(PL_DAMAGE_LINK, w.addr.at[b], a, 1);
	end();
}

static void counts_that_none_can_be(void **state)
{
	static const uint64_t bad[] = {0, UINT64_C(1) << 40, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(bad); i++) {
		pl_node a, big, unlisted;

		begin();
		a = with_head(w.h.object_type, OLD);
		big = with_head(w.h.object_type, OLD);
		unlisted = with_head(w.h.object_type, PL_OBJ_GC);
		w.count.at[a] = bad[i];
		/* On no list, and nothing reaches it: it may never have been an object. */
		w.count.at[unlisted] = 0;
		w.count.at[big] = UINT32_MAX;
		open_all(1);
		assert_one(PL_DAMAGE_COUNT, w.addr.at[a], a, bad[i]);
		w.o->collecting = true;
		look();
		assert_none_but(PL_N_DAMAGES);
		end();
	}
}

/* Twice as many references as counted, and four more; a type's are counted by rules of its own. */
static void many_more_references_than_counted(void **state)
{
	static const struct {
		unsigned refs, count;
		bool bad;
	} want[] = {{5, 1, true}, {4, 1, false}, {12, 6, true}, {11, 6, false}, {8, 4, true}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
		pl_addr items[12];
		pl_node a, list;

		begin();
		a = with_head(w.h.object_type, OLD);
		for (unsigned k = 0; k < want[i].refs; k++)
			items[k] = w.addr.at[a];
		list = list_of(0);
		w64(&w.h, w.addr.at[list] + (uint64_t)w.h.l.f.var_size, want[i].refs);
		w64(&w.h, w.addr.at[list] + (uint64_t)w.h.l.f.list_items,
		    heap_put(&w.h, items, sizeof(items)));
		w.count.at[a] = want[i].count;
		open_all(1);
		if (want[i].bad) {
			assert_one(PL_DAMAGE_UNDERCOUNT, w.addr.at[a], a, want[i].refs);
		} else {
			look();
			assert_none_but(PL_N_DAMAGES);
		}
		/* What a file's data holds, nobody counts. */
		w.o->flags[list] |= PL_OBJ_STATIC;
		look();
		assert_none_but(PL_N_DAMAGES);
		end();
	}
}

static void a_dict_with_another_number_of_entries(void **state)
{
	pl_addr pair[1][2];
	pl_node dict;

	(void)state;
	begin();
	pair[0][0] = pair[0][1] = w.h.none;
	dict = world_take(&w, heap_dict(&w.h, pair, 1), OLD);
	w.count.at[dict] = 1;
	w64(&w.h, w.addr.at[dict] + (uint64_t)w.h.l.f.dict_used, 3);
	open_all(1);
	assert_one(PL_DAMAGE_DICT, w.addr.at[dict], dict, 3);
	end();
}

/* ---- references to no object ---- */

static void where_nothing_is_mapped(void **state)
{
	pl_node wild, null, unlisted;

	(void)state;
	begin();
	wild = list_of(NOWHERE);
	null = list_of(0x1234); /* a small number is no address at all */
	unlisted = list_of(NOWHERE);
	w.flags.at[unlisted] = PL_OBJ_GC;
	open_all(1);
	assert_one(PL_DAMAGE_WILD, NOWHERE, wild, 0);
	assert_int_equal(lives->of[null], PL_HELD);
	end();
}

static void into_a_block_with_no_object(void **state)
{
	pl_node list;

	(void)state;
	begin();
	list = list_of(CHUNK + 32);
	open_all(1);
	assert_one(PL_DAMAGE_HEAD, CHUNK + 32, list, 0);
	end();
}

/* An object that is being destroyed has a sound head and a count of 0; one of no gc type any. */
static void into_a_block_with_a_sound_head(void **state)
{
	for (uint64_t count = 0; count < 3; count++) {
		uint64_t head[2] = {count};

		(void)state;
		begin();
		head[1] = count < 2 ? w.h.list_type : w.h.float_type;
		memcpy(chunk + 32, head, sizeof(head));
		list_of(CHUNK + 32);
		open_all(1);
		look();
		assert_none_but(count == 1 ? PL_DAMAGE_HEAD : PL_N_DAMAGES);
		assert_int_equal(damage.n[PL_DAMAGE_HEAD], count == 1);
		end();
	}
}

static void to_what_a_free_list_keeps(void **state)
{
	pl_node list;

	(void)state;
	begin();
	list = list_of(CHUNK + 48);
	open_all(1);
	object_ids_dead(w.o, CHUNK + 48);
	assert_one(PL_DAMAGE_FREED, CHUNK + 48, list, 0);
	end();
}

/* ---- many ---- */

/* All are counted, the lowest kept, the same for any number of threads. */
static void the_lowest_sites_are_kept(void **state)
{
	enum { MANY = 5000 };

	(void)state;
	for (unsigned threads = 1; threads <= 4; threads += 3) {
		begin();
		for (unsigned i = 0; i < MANY; i++)
			with_head(w.h.object_type, OLD);
		open_all(threads);
		look();
		assert_none_but(PL_DAMAGE_COUNT);
		assert_int_equal(damage.n[PL_DAMAGE_COUNT], MANY);
		for (pl_id i = 0; i < PL_DAMAGE_SHOWN; i++)
			assert_site(PL_DAMAGE_COUNT, i, w.addr.at[i], i, 0);
		end();
	}
}

static void a_cancel_ends_it(void **state)
{
	struct pl_err err;

	(void)state;
	begin();
	with_head(w.h.object_type, OLD);
	open_all(1);
	atomic_store(&w.ctx.cancel, true);
	assert_int_equal(pl_damage_find(NULL, &damage, &err), PL_E_CANCELLED);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_heap),
		cmocka_unit_test(what_the_allocators_say),
		cmocka_unit_test(a_link_that_leads_astray),
		cmocka_unit_test(neighbours_that_disagree),
		cmocka_unit_test(counts_that_none_can_be),
		cmocka_unit_test(many_more_references_than_counted),
		cmocka_unit_test(a_dict_with_another_number_of_entries),
		cmocka_unit_test(where_nothing_is_mapped),
		cmocka_unit_test(into_a_block_with_no_object),
		cmocka_unit_test(into_a_block_with_a_sound_head),
		cmocka_unit_test(to_what_a_free_list_keeps),
		cmocka_unit_test(the_lowest_sites_are_kept),
		cmocka_unit_test(a_cancel_ends_it),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
