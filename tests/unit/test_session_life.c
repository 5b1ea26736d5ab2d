/*
 * Who is alive and why the dead are still there: each verdict on a heap of a few objects, then
 * random heaps against the collector's algorithm spelled out on lists of edges.
 */
#include "session/life.h"

#include "object/finalizer.h"

#include "test_session_world.h"

#define YOUNG (PL_OBJ_GC | PL_OBJ_TRACKED)
#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)
#define FREEZED (PL_OBJ_GC | PL_OBJ_PERMANENT)
#define INCREMENTAL "3.14.4-source"

static struct world w;
static struct pl_lives *lives;

static void begin(const char *table)
{
	world_init(&w, table);
}

static void judge(unsigned threads)
{
	uint64_t sum[PL_N_LIVES] = {0};
	struct pl_err err;

	world_open(&w, threads);
	assert_int_equal(pl_lives_new(w.o, &w.roots, w.g, &w.ctx, &lives, &err), 0);
	assert_int_equal(lives->n, w.addr.n);
	for (pl_node i = 0; i < lives->n; i++)
		sum[lives->of[i]]++;
	assert_memory_equal(sum, lives->objects, sizeof(sum));
}

static void end(void)
{
	pl_lives_free(lives);
	world_close(&w);
}

static pl_node plain(uint8_t flags)
{
	return world_add(&w, w.h.object_type, flags);
}

/* Two objects that hold each other. */
static pl_node ring(uint8_t flags, uint8_t back)
{
	pl_node a = plain(flags), b = plain(flags);

	world_edge(&w, a, b, SEEN);
	world_edge(&w, b, a, back);
	return a;
}

/* A heap type of C code (none that a class statement made) with a tp_del: PEP 442's legacy one. */
static pl_addr type_with_del(void)
{
	pl_addr t = heap_builtin(&w.h, "app.Legacy", PL_TPFLAG_GC | PL_TPFLAG_HEAPTYPE, 16, 0);

	w64(&w.h, t + (uint64_t)w.h.l.f.type_dealloc, t);
	w64(&w.h, t + (uint64_t)w.h.l.f.type_del, t);
	return t;
}

static void assert_life(pl_node node, enum pl_life life)
{
	assert_int_equal(lives->of[node], life);
}

/* ---- the eight ---- */

static void what_roots_lead_to_lives(void **state)
{
	pl_node a, cached, named, c, weakly;

	(void)state;
	begin("3.11.7-pyenv");
	a = ring(OLD, SEEN);
	c = plain(PL_OBJ_GC);
	world_edge(&w, a + 1, c, HIDDEN);
	weakly = plain(YOUNG);
	world_edge(&w, c, weakly, WEAK);
	w.count.at[weakly]++;
	cached = plain(YOUNG);
	w.count.at[cached]++;
	named = plain(YOUNG);
	w.count.at[named]++;
	world_root(&w, a, PL_ROOT_MODULE, true, "app");
	/* A cache's keeps nothing alive; a frame's borrowed one names what lives. */
	world_root(&w, cached, PL_ROOT_CACHE, false, "<type cache>");
	world_root(&w, named, PL_ROOT_FRAME, false, "<frame f>");
	judge(1);
	assert_life(a, PL_LIVES);
	assert_life(a + 1, PL_LIVES);
	assert_life(c, PL_LIVES);
	assert_life(named, PL_LIVES);
	assert_life(weakly, PL_HELD);
	assert_life(cached, PL_HELD);
	assert_int_equal(lives->contradictions, 0);
	end();
}

static void immortal_and_static_objects_live(void **state)
{
	pl_node immortal, mapped, behind;

	(void)state;
	begin("3.12.1-pyenv");
	immortal = plain(YOUNG);
	behind = plain(YOUNG);
	world_edge(&w, immortal, behind, SEEN);
	w.count.at[immortal] = UINT32_MAX;
	mapped = plain(PL_OBJ_GC | PL_OBJ_STATIC);
	judge(1);
	assert_life(immortal, PL_LIVES);
	assert_life(behind, PL_LIVES);
	assert_life(mapped, PL_LIVES);
	end();
}

static void a_ring_is_unreachable(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_layout); i++) {
		pl_node a, alone, untracked;

		begin(every_layout[i]);
		a = ring(OLD, SEEN);
		alone = plain(YOUNG);
		world_edge(&w, alone, alone, SEEN);
		untracked = plain(0);
		world_edge(&w, a, untracked, SEEN);
		judge(1);
		assert_life(a, PL_UNREACHABLE);
		assert_life(a + 1, PL_UNREACHABLE);
		assert_life(alone, PL_UNREACHABLE);
		/* The collector does not judge it: it goes with the ring. */
		assert_life(untracked, PL_GOES);
		assert_int_equal(lives->objects[PL_UNREACHABLE], 3);
		assert_int_equal(lives->objects[PL_GOES], 1);
		end();
	}
}

static void one_more_reference_holds_a_ring(void **state)
{
	pl_node a, hangs, other;

	(void)state;
	begin("3.11.7-pyenv");
	a = ring(OLD, SEEN);
	w.count.at[a]++;
	hangs = plain(PL_OBJ_GC);
	world_edge(&w, a + 1, hangs, SEEN);
	other = ring(OLD, SEEN);
	world_edge(&w, hangs, other, SEEN);
	judge(1);
	for (pl_node i = a; i <= other + 1; i++)
		assert_life(i, PL_HELD);
	end();
}

static void what_the_interpreters_memory_holds_lives(void **state)
{
	pl_addr memory, hangs;
	pl_node a, b, c;

	(void)state;
	begin("3.11.7-pyenv");
	memory = heap_put(&w.h, NULL, 64);
	a = ring(OLD, SEEN);
	w.count.at[a]++;
	hangs = plain(PL_OBJ_GC);
	world_edge(&w, a + 1, (pl_node)hangs, SEEN);
	b = ring(OLD, SEEN);
	w.count.at[b]++;
	c = ring(OLD, SEEN);
	w64(&w.h, memory + 24, w.addr.at[a]);
	w64(&w.h, memory + 32, w.addr.at[c]); /* a word explains no count that adds up without */
	w.h.l.runtime = memory;
	w.h.l.f.runtime_size = 64;
	judge(1);
	assert_life(a, PL_LIVES);
	assert_life(a + 1, PL_LIVES);
	assert_life((pl_node)hangs, PL_LIVES);
	assert_life(b, PL_HELD);
	assert_life(b + 1, PL_HELD);
	assert_life(c, PL_UNREACHABLE);
	end();
}

/* What a legacy finalizer leads to is kept with it, what leads to it is not. */
static void legacy_finalizers_block(void **state)
{
	static const char *const tables[] = {"2.7.18-pyenv", "3.11.7-pyenv"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(tables); i++) {
		pl_node blocker, a, before, behind, untracked;

		begin(tables[i]);
		blocker = world_add(&w, type_with_del(), OLD);
		a = plain(OLD);
		world_edge(&w, blocker, a, SEEN);
		world_edge(&w, a, blocker, SEEN);
		before = ring(OLD, SEEN);
		world_edge(&w, before, blocker, SEEN);
		behind = ring(OLD, SEEN);
		world_edge(&w, a, behind, SEEN);
		untracked = plain(0);
		world_edge(&w, behind, untracked, SEEN);
		judge(1);
		assert_life(blocker, PL_BLOCKED);
		assert_life(a, PL_BLOCKED);
		assert_life(before, PL_UNREACHABLE);
		assert_life(before + 1, PL_UNREACHABLE);
		assert_life(behind, PL_BLOCKED);
		assert_life(behind + 1, PL_BLOCKED);
		assert_life(untracked, PL_GOES);
		end();
	}
}

/* A finalizer of PEP 442 blocks nothing; in 2.7 there is none. */
static void tp_finalize_does_not_block(void **state)
{
	pl_addr type;
	pl_node a;

	(void)state;
	begin("3.8.18-pyenv");
	type = heap_builtin(&w.h, "app.Final", PL_TPFLAG_GC | PL_TPFLAG_HEAPTYPE, 16, 0);
	w64(&w.h, type + (uint64_t)w.h.l.f.type_dealloc, type);
	w64(&w.h, type + (uint64_t)w.h.l.f.type_finalize, type);
	a = world_add(&w, type, OLD);
	world_edge(&w, a, a, SEEN);
	judge(1);
	assert_life(a, PL_UNREACHABLE);
	end();
}

static void frozen_rings_are_not_looked_at(void **state)
{
	pl_node frozen, held, mixed;

	(void)state;
	begin("3.13.0-pyenv");
	frozen = ring(FREEZED, SEEN);
	held = ring(FREEZED, SEEN);
	w.count.at[held]++;
	/* One that is frozen keeps a ring from being found, too. */
	mixed = plain(OLD);
	world_edge(&w, mixed, frozen, SEEN);
	world_edge(&w, frozen, mixed, SEEN);
	judge(1);
	assert_life(frozen, PL_FROZEN);
	assert_life(frozen + 1, PL_FROZEN);
	assert_life(mixed, PL_FROZEN);
	assert_life(held, PL_HELD);
	end();
}

/* A reference that a tp_traverse omits, a member that is not tracked, one of no gc type. */
static void what_the_collector_does_not_see(void **state)
{
	pl_node hidden, untracked, no_gc, tracked;

	(void)state;
	begin("3.11.7-pyenv");
	hidden = ring(OLD, HIDDEN);
	untracked = ring(PL_OBJ_GC, SEEN);
	no_gc = ring(0, HIDDEN);
	/* Tracked itself, but held by one that the collector does not look at. */
	tracked = plain(YOUNG);
	world_edge(&w, no_gc, tracked, HIDDEN);
	judge(1);
	for (pl_node i = hidden; i <= no_gc + 1; i++)
		assert_life(i, PL_UNSEEN);
	assert_life(untracked, PL_UNSEEN);
	assert_life(tracked, PL_UNSEEN);
	end();
}

static void gc_garbage_alone_leads_there(void **state)
{
	static const uint8_t back[] = {SEEN, HIDDEN};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(back); i++) {
		pl_node list, empty, a, shared, hangs;
		pl_addr items[1] = {0};

		begin("3.11.7-pyenv");
		list = world_take(&w, heap_list(&w.h, items, 1), OLD);
		empty = world_take(&w, heap_list(&w.h, items, 0), OLD);
		a = ring(OLD, back[i]);
		hangs = plain(0);
		world_edge(&w, a, hangs, SEEN);
		shared = plain(OLD);
		world_edge(&w, list, a, SEEN);
		world_edge(&w, a, shared, SEEN);
		world_root(&w, list, PL_ROOT_GARBAGE, true, "<gc.garbage>");
		world_root(&w, empty, PL_ROOT_GARBAGE, true, "<gc.garbage>");
		world_root(&w, shared, PL_ROOT_MODULE, true, "app");
		judge(1);
		assert_life(list, PL_LIVES);
		assert_life(empty, PL_LIVES);
		assert_life(a, PL_GARBAGE);
		assert_life(a + 1, PL_GARBAGE);
		assert_life(hangs, PL_GARBAGE);
		assert_life(shared, PL_LIVES);
		end();
	}
}

/* ---- details ---- */

/* 3.14.0 to 3.14.4 forget young tuples that hold nothing worth a look, before they judge. */
static void young_tuples_are_dropped(void **state)
{
	static const struct {
		const char *table;
		enum pl_life empty;
	} want[] = {{INCREMENTAL, PL_GOES}, {"3.13.0-pyenv", PL_UNREACHABLE}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
		pl_node a, young, old, holds;
		pl_addr tuple;

		begin(want[i].table);
		tuple = w.h.tuple_type;
		a = ring(OLD, SEEN);
		young = world_add(&w, tuple, YOUNG);
		old = world_add(&w, tuple, PL_OBJ_GC | PL_OBJ_TRACKED | 1 << PL_OBJ_GEN_SHIFT);
		holds = world_add(&w, tuple, YOUNG);
		world_edge(&w, a, young, SEEN);
		world_edge(&w, a, old, SEEN);
		world_edge(&w, a, holds, SEEN);
		world_edge(&w, holds, a, SEEN);
		judge(1);
		assert_life(young, want[i].empty);
		assert_life(old, PL_UNREACHABLE);
		assert_life(holds, PL_UNREACHABLE);
		end();
	}
}

static void a_root_that_owns_nothing_contradicts(void **state)
{
	pl_node a;

	(void)state;
	begin("3.11.7-pyenv");
	a = ring(OLD, SEEN);
	world_root(&w, a, PL_ROOT_FRAME, false, "<frame f>");
	judge(1);
	assert_life(a, PL_UNREACHABLE);
	assert_int_equal(lives->contradictions, 2);
	assert_true(world_noted(&w, "contradictory-counts"));
	end();
}

static void an_empty_heap(void **state)
{
	(void)state;
	begin("3.11.7-pyenv");
	judge(1);
	assert_int_equal(lives->n, 0);
	assert_false(world_noted(&w, "contradictory-counts"));
	end();
}

static void names_as_cycles_prints_them(void **state)
{
	(void)state;
	assert_string_equal(pl_life_name(PL_LIVES), "reachable");
	assert_string_equal(pl_life_name(PL_GARBAGE), "garbage");
	assert_string_equal(pl_life_name(PL_UNREACHABLE), "unreachable");
	assert_string_equal(pl_life_name(PL_BLOCKED), "unreachable");
	assert_string_equal(pl_life_name(PL_FROZEN), "frozen");
	assert_string_equal(pl_life_name(PL_UNSEEN), "held");
	assert_string_equal(pl_life_name(PL_HELD), "held");
	assert_string_equal(pl_life_name(PL_GOES), "unreachable");
}

static void a_cancel_ends_it(void **state)
{
	struct pl_lives *none = NULL;
	struct pl_err err;

	(void)state;
	begin("3.11.7-pyenv");
	ring(OLD, SEEN);
	world_open(&w, 1);
	atomic_store(&w.ctx.cancel, true);
	assert_int_equal(pl_lives_new(w.o, &w.roots, w.g, &w.ctx, &none, &err), PL_E_CANCELLED);
	assert_null(none);
	world_close(&w);
}

/* ---- against the algorithm on lists ---- */

#define MOST 24u

struct oracle {
	pl_node n;
	uint8_t of[MOST];
	uint32_t legacy, list; /* bits: a legacy finalizer; the list that is gc.garbage */
	uint32_t immortal;
	uint64_t contradictions;
};

static bool takes_part(const struct test_edge *e, uint8_t mask)
{
	return mask ? e->flags & mask : !(e->flags & PL_G_WEAK);
}

/* All that is reached from these over edges of the kind, none of which begins at one of `not`. */
static uint32_t reached(uint32_t from, uint8_t mask, uint32_t not )
{
	for (bool more = true; more;) {
		more = false;
		for (size_t k = 0; k < w.edges.n; k++) {
			const struct test_edge *e = &w.edges.at[k];

			if (takes_part(e, mask) && from >> e->from & 1 && !(not >> e->from & 1) &&
			    !(from >> e->to & 1)) {
				from |= 1u << e->to;
				more = true;
			}
		}
	}
	return from;
}

/* Trial deletion: what of `in` only holds itself. */
static uint32_t unheld(uint32_t in, uint8_t mask)
{
	uint32_t held = 0, all = 0;

	for (pl_node i = 0; i < w.addr.n; i++) {
		uint64_t left = w.count.at[i];

		for (size_t k = 0; k < w.edges.n; k++) {
			const struct test_edge *e = &w.edges.at[k];

			if (e->to == i && takes_part(e, mask) && in >> e->from & 1 && left)
				left--;
		}
		held |= in >> i & 1 && left ? 1u << i : 0;
	}
	for (; all != held;) {
		all = held;
		for (size_t k = 0; k < w.edges.n; k++) {
			const struct test_edge *e = &w.edges.at[k];

			if (takes_part(e, mask) && held >> e->from & 1 && in >> e->to & 1)
				held |= 1u << e->to;
		}
	}
	return in & ~held;
}

static uint32_t with_life(const struct oracle *x, enum pl_life life)
{
	uint32_t ret = 0;

	for (pl_node i = 0; i < x->n; i++)
		ret |= x->of[i] == life ? 1u << i : 0;
	return ret;
}

static void give(struct oracle *x, uint32_t nodes, enum pl_life life)
{
	for (pl_node i = 0; i < x->n; i++) {
		if (nodes >> i & 1)
			x->of[i] = (uint8_t)life;
	}
}

static uint32_t flagged(uint8_t flags)
{
	uint32_t ret = 0;

	for (pl_node i = 0; i < w.addr.n; i++)
		ret |= w.flags.at[i] & flags ? 1u << i : 0;
	return ret;
}

static uint32_t rooted(void)
{
	uint32_t ret = 0;

	for (size_t r = 0; r < w.held.n; r++) {
		const struct pl_root *root = &w.held.at[r];

		for (pl_node i = 0; i < w.addr.n; i++) {
			if (w.addr.at[i] == root->target &&
			    (root->owns || root->kind == PL_ROOT_FRAME))
				ret |= 1u << i;
		}
	}
	return ret;
}

static void replay(struct oracle *x, uint32_t in, enum pl_life life, uint32_t alive)
{
	uint32_t found = unheld(in & ~x->immortal, PL_G_TRAVERSED) & with_life(x, PL_LIVES);

	give(x, found, life);
	x->contradictions += (uint64_t)__builtin_popcount(found & alive);
}

static void ask_oracle(struct oracle *x)
{
	uint32_t from = rooted() | x->immortal, alive = reached(from, 0, 0), rest, dead, goes;

	x->n = (pl_node)w.addr.n;
	if (x->list)
		give(x, alive & ~reached(from, 0, x->list), PL_GARBAGE);
	replay(x, flagged(PL_OBJ_TRACKED), PL_UNREACHABLE, alive);
	give(x,
	     reached(with_life(x, PL_UNREACHABLE) & x->legacy, PL_G_TRAVERSED, 0) &
		     with_life(x, PL_UNREACHABLE),
	     PL_BLOCKED);
	if (flagged(PL_OBJ_PERMANENT))
		replay(x, flagged(PL_OBJ_TRACKED | PL_OBJ_PERMANENT), PL_FROZEN, alive);
	rest = ~alive & with_life(x, PL_LIVES);
	dead = unheld(~alive & ((1u << x->n) - 1), 0) & rest;
	give(x, rest & ~dead, PL_HELD);
	goes = with_life(x, PL_GARBAGE) | with_life(x, PL_UNREACHABLE) | with_life(x, PL_BLOCKED) |
	       with_life(x, PL_FROZEN);
	/* Over dead ones alone: what is none of them leads no further. */
	for (bool more = true; more;) {
		more = false;
		for (size_t k = 0; k < w.edges.n; k++) {
			const struct test_edge *e = &w.edges.at[k];

			if (takes_part(e, 0) && goes >> e->from & 1 && dead >> e->to & 1) {
				more |= !(goes >> e->to & 1);
				goes |= 1u << e->to;
				give(x, 1u << e->to, PL_GOES);
			}
		}
	}
	give(x, dead & ~goes, PL_UNSEEN);
}

/* A heap of the seed: now and then a gc.garbage, frozen objects, a root, a count beyond the edges.
 */
static void random_heap(uint64_t seed, struct oracle *x)
{
	static const uint8_t flags[] = {YOUNG, OLD, OLD, OLD, PL_OBJ_GC, 0, FREEZED, YOUNG};
	uint64_t s = ~seed;
	pl_node n = 2 + test_rand_below(&s, MOST - 2);
	pl_addr none[1] = {0}, legacy;
	bool frozen = !test_rand_below(&s, 4), garbage = !test_rand_below(&s, 3);
	size_t m = test_rand_below(&s, 2 * n + 2);

	*x = (struct oracle){0};
	begin("3.11.7-pyenv");
	legacy = type_with_del();
	for (pl_node i = 0; i < n; i++) {
		uint8_t f = flags[test_rand_below(&s, frozen ? 8 : 6)];

		if (!i && garbage) {
			world_take(&w, heap_list(&w.h, none, 1), OLD);
			world_root(&w, 0, PL_ROOT_GARBAGE, true, "<gc.garbage>");
			x->list = 1;
		} else if (f & PL_OBJ_GC && !test_rand_below(&s, 8)) {
			world_add(&w, legacy, f);
			x->legacy |= 1u << i;
		} else {
			plain(f);
		}
	}
	for (size_t k = 0; k < m; k++) {
		uint32_t kind = test_rand_below(&s, 12);

		world_edge(&w, test_rand_below(&s, n), test_rand_below(&s, n),
			   kind == 0   ? WEAK
			   : kind == 1 ? PL_G_WEAK
			   : kind == 2 ? HIDDEN
				       : SEEN);
	}
	for (pl_node i = 0; i < n; i++) {
		uint32_t r = test_rand_below(&s, 24);

		if (r == 0)
			world_root(&w, i, PL_ROOT_MODULE, true, "app");
		else if (r == 1)
			world_root(&w, i, PL_ROOT_FRAME, false, "<frame f>");
		else if (r == 2)
			world_root(&w, i, PL_ROOT_CACHE, false, "<type cache>");
		else if (r == 3)
			w.count.at[i]++;
		else if (r == 4)
			w.count.at[i] -= w.count.at[i] > 0;
		else if (r == 5 && !test_rand_below(&s, 3))
			w.flags.at[i] = PL_OBJ_STATIC;
		if (w.flags.at[i] & PL_OBJ_STATIC)
			x->immortal |= 1u << i;
	}
}

static void random_heaps(void **state)
{
	uint64_t met[PL_N_LIVES] = {0};

	(void)state;
	for (uint64_t seed = 0; seed < 600; seed++) {
		struct oracle x;

		random_heap(seed, &x);
		ask_oracle(&x);
		judge(1 + seed % 2);
		for (pl_node i = 0; i < x.n; i++) {
			if (lives->of[i] != x.of[i])
				print_error("seed %u, node %u\n", (unsigned)seed, i);
			assert_int_equal(lives->of[i], x.of[i]);
			met[x.of[i]]++;
		}
		assert_int_equal(lives->contradictions, x.contradictions);
		end();
	}
	/* The heaps are such that every verdict occurs. */
	for (int life = 0; life < PL_N_LIVES; life++)
		assert_true(met[life] > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_roots_lead_to_lives),
		cmocka_unit_test(immortal_and_static_objects_live),
		cmocka_unit_test(a_ring_is_unreachable),
		cmocka_unit_test(one_more_reference_holds_a_ring),
		cmocka_unit_test(what_the_interpreters_memory_holds_lives),
		cmocka_unit_test(legacy_finalizers_block),
		cmocka_unit_test(tp_finalize_does_not_block),
		cmocka_unit_test(frozen_rings_are_not_looked_at),
		cmocka_unit_test(what_the_collector_does_not_see),
		cmocka_unit_test(gc_garbage_alone_leads_there),
		cmocka_unit_test(young_tuples_are_dropped),
		cmocka_unit_test(a_root_that_owns_nothing_contradicts),
		cmocka_unit_test(an_empty_heap),
		cmocka_unit_test(names_as_cycles_prints_them),
		cmocka_unit_test(a_cancel_ends_it),
		cmocka_unit_test(random_heaps),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
