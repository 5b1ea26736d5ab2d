/*
 * Reference cycles: what each ring is said to be, what hangs off the dead ones, one shortest cycle;
 * on small heaps, then on random ones against who reaches whom, tried for every pair.
 */
#include "session/rings.h"

#include "base/bits.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)
#define MOST 24u

static struct world w;
static struct pl_lives *lives;
static struct pl_rings *rings;
static pl_node scratch_nodes[64];

static void find(unsigned threads)
{
	struct pl_err err;

	world_open(&w, threads);
	assert_int_equal(pl_lives_new(w.o, &w.roots, w.g, &w.ctx, &lives, &err), 0);
	assert_int_equal(pl_rings_new(w.o, w.g, lives, &w.ctx, &rings, &err), 0);
	assert_int_equal(rings->n_objects, w.addr.n);
}

static void end(void)
{
	pl_rings_free(rings);
	pl_lives_free(lives);
	world_close(&w);
}

static pl_node plain(void)
{
	return world_add(&w, w.h.object_type, OLD);
}

/* n objects, each of which holds the next, the last one the first. */
static pl_node ring_of(unsigned n)
{
	pl_node first = (pl_node)w.addr.n;

	for (unsigned i = 0; i < n; i++)
		plain();
	for (unsigned i = 0; i < n; i++)
		world_edge(&w, first + i, first + (i + 1) % n, SEEN);
	return first;
}

static void assert_ring(uint32_t ring, pl_node first, uint32_t objects, enum pl_life life)
{
	assert_true(ring < rings->n);
	assert_int_equal(rings->first[ring], first);
	assert_int_equal(rings->objects[ring], objects);
	assert_int_equal(rings->life[ring], life);
}

static void assert_in(pl_node node, uint32_t ring, bool member)
{
	assert_int_equal(rings->of[node], ring);
	assert_int_equal(pl_bits_has(rings->member, node), member);
}

/* ---- small heaps ---- */

/* Numbered by their first members; weak edges make no ring, a loop does. */
static void rings_are_numbered_by_address(void **state)
{
	pl_node alone, a, loop, b, weak;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	alone = plain();
	a = ring_of(3);
	loop = ring_of(1);
	b = ring_of(2);
	weak = plain();
	world_edge(&w, weak, alone, SEEN);
	world_edge(&w, alone, weak, WEAK);
	world_root(&w, a, PL_ROOT_MODULE, true, "app");
	world_root(&w, weak, PL_ROOT_MODULE, true, "app");
	find(1);
	assert_int_equal(rings->n, 3);
	assert_ring(0, a, 3, PL_LIVES);
	assert_ring(1, loop, 1, PL_UNREACHABLE);
	assert_ring(2, b, 2, PL_UNREACHABLE);
	assert_in(alone, PL_NO_RING, false);
	assert_in(weak, PL_NO_RING, false);
	for (pl_node i = a; i < a + 3; i++)
		assert_in(i, 0, true);
	assert_in(loop, 1, true);
	assert_in(b, 2, true);
	assert_in(b + 1, 2, true);
	end();
}

/* What is dead and in no ring hangs off the first ring that leads there; the living do not. */
static void dead_objects_hang_off_rings(void **state)
{
	pl_node a, near, far, living, held;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = ring_of(2);
	near = plain();
	world_edge(&w, a + 1, near, SEEN);
	far = plain();
	world_edge(&w, near, far, HIDDEN);
	living = plain();
	world_edge(&w, near, living, SEEN);
	world_root(&w, living, PL_ROOT_MODULE, true, "app");
	held = plain();
	w.count.at[held]++;
	find(1);
	assert_int_equal(rings->n, 1);
	assert_ring(0, a, 2, PL_UNREACHABLE);
	assert_in(near, 0, false);
	assert_in(far, 0, false);
	assert_in(living, PL_NO_RING, false);
	assert_in(held, PL_NO_RING, false);
	end();
}

static pl_addr type_with(int32_t slot)
{
	pl_addr t = heap_builtin(&w.h, "app.T", PL_TPFLAG_GC | PL_TPFLAG_HEAPTYPE, 16, 0);

	w64(&w.h, t + (uint64_t)w.h.l.f.type_dealloc, t);
	w64(&w.h, t + (uint64_t)slot, t);
	return t;
}

/* The most telling of its members' finalizers; it ran when it ran for all that have one. */
static void finalizers_of_members(void **state)
{
	pl_node first, second, third;
	pl_addr legacy, final;

	(void)state;
	world_init(&w, "3.8.18-pyenv");
	legacy = type_with(w.h.l.f.type_del);
	final = type_with(w.h.l.f.type_finalize);
	first = world_add(&w, final, OLD | PL_OBJ_FINALIZED);
	world_edge(&w, first, plain(), SEEN);
	world_edge(&w, first + 1, first, SEEN);
	second = world_add(&w, final, OLD | PL_OBJ_FINALIZED);
	world_edge(&w, second, world_add(&w, final, OLD), SEEN);
	world_edge(&w, second + 1, second, SEEN);
	third = world_add(&w, final, OLD | PL_OBJ_FINALIZED);
	world_edge(&w, third, world_add(&w, legacy, OLD | PL_OBJ_FINALIZED), SEEN);
	world_edge(&w, third + 1, third, SEEN);
	ring_of(2);
	find(1);
	assert_int_equal(rings->n, 4);
	assert_int_equal(rings->finalizer[0], PL_FINALIZER_TP_FINALIZE);
	assert_int_equal(rings->flags[0], PL_RING_FINALIZED);
	assert_int_equal(rings->finalizer[1], PL_FINALIZER_TP_FINALIZE);
	assert_int_equal(rings->flags[1], 0);
	assert_int_equal(rings->finalizer[2], PL_FINALIZER_TP_DEL);
	assert_int_equal(rings->flags[2], PL_RING_FINALIZED);
	assert_ring(2, third, 2, PL_BLOCKED);
	assert_int_equal(rings->finalizer[3], PL_FINALIZER_NONE);
	assert_int_equal(rings->flags[3], 0);
	end();
}

/* A member that the collector does not judge tells nothing of its ring. */
static void a_ring_is_what_its_judged_members_are(void **state)
{
	pl_node untracked, a;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	untracked = world_add(&w, w.h.object_type, PL_OBJ_GC);
	a = plain();
	world_edge(&w, untracked, a, SEEN);
	world_edge(&w, a, untracked, SEEN);
	/* The count of the tracked one is off: it seems to be held by the untracked one alone. */
	w.count.at[a]--;
	find(1);
	assert_int_equal(lives->of[untracked], PL_GOES);
	assert_ring(0, untracked, 2, PL_UNREACHABLE);
	end();
}

/* A living weak reference with a callback is news of each ring, and of what hangs off it. */
static void callbacks_of_weak_references(void **state)
{
	const struct pl_fields *f;
	pl_addr type, callback;
	pl_node living, mute, dead, a, b, c, hangs;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	f = &w.h.l.f;
	type = heap_builtin(&w.h, "weakref", PL_TPFLAG_GC, 72, 0);
	callback = heap_str(&w.h, "any object");
	living = world_take(&w, heap_object(&w.h, type, 72), OLD);
	mute = world_take(&w, heap_object(&w.h, type, 72), OLD);
	dead = world_take(&w, heap_object(&w.h, type, 72), OLD);
	a = ring_of(2);
	b = ring_of(2);
	c = ring_of(2);
	hangs = plain();
	world_edge(&w, c, hangs, SEEN);
	world_edge(&w, b, dead, SEEN);
	world_root(&w, living, PL_ROOT_MODULE, true, "app");
	world_root(&w, mute, PL_ROOT_MODULE, true, "app");
	w64(&w.h, w.addr.at[living] + (uint64_t)f->weakref_object, w.addr.at[a + 1]);
	w64(&w.h, w.addr.at[living] + (uint64_t)f->weakref_callback, callback);
	w64(&w.h, w.addr.at[mute] + (uint64_t)f->weakref_object, w.addr.at[c]);
	w64(&w.h, w.addr.at[dead] + (uint64_t)f->weakref_object, w.addr.at[b]);
	w64(&w.h, w.addr.at[dead] + (uint64_t)f->weakref_callback, callback);
	find(1);
	assert_int_equal(rings->n, 3);
	assert_int_equal(rings->flags[0], PL_RING_CALLBACK);
	assert_int_equal(rings->flags[1], 0);
	assert_int_equal(rings->flags[2], 0);
	end();
}

/* The shortest way round, not the whole component. */
static void one_cycle_of_a_ring(void **state)
{
	pl_node a, *nodes;
	uint32_t n;

	(void)state;
	world_init(&w, "3.11.7-pyenv");
	a = ring_of(6);
	world_edge(&w, a + 3, a + 1, SEEN);
	world_edge(&w, a + 2, a + 1, WEAK);
	world_edge(&w, a + 5, a + 5, SEEN);
	find(1);
	assert_int_equal(rings->n, 1);
	nodes = pl_rings_cycle(rings, w.g, a + 1, scratch_nodes, &n);
	assert_int_equal(n, 3);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(nodes[i], a + 1 + i);
	free(nodes);
	nodes = pl_rings_cycle(rings, w.g, a + 5, scratch_nodes, &n);
	assert_int_equal(n, 1);
	assert_int_equal(nodes[0], a + 5);
	free(nodes);
	nodes = pl_rings_members(rings, w.g, 0, scratch_nodes, &n);
	assert_int_equal(n, 6);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(nodes[i], a + i);
	free(nodes);
	end();
}

/* ---- against every pair ---- */

static bool owns(const struct test_edge *e)
{
	return !(e->flags & PL_G_WEAK);
}

/* far[i]: what i leads to over one owning reference or more; within: over these nodes only. */
static void who_reaches_whom(uint32_t *far, uint32_t within)
{
	memset(far, 0, MOST * sizeof(*far));
	for (size_t k = 0; k < w.edges.n; k++) {
		const struct test_edge *e = &w.edges.at[k];

		if (owns(e) && within >> e->to & 1)
			far[e->from] |= 1u << e->to;
	}
	for (pl_node via = 0; via < w.addr.n; via++) {
		for (pl_node i = 0; i < w.addr.n; i++) {
			if (far[i] >> via & 1)
				far[i] |= far[via];
		}
	}
}

static void check_components(const uint32_t *far)
{
	uint32_t n = 0;

	for (pl_node i = 0; i < w.addr.n; i++) {
		uint32_t component = 0;

		for (pl_node k = 0; k < w.addr.n; k++)
			component |= far[i] >> k & 1 && far[k] >> i & 1 ? 1u << k : 0;
		assert_int_equal(pl_bits_has(rings->member, i), component != 0);
		if (!component)
			continue;
		assert_true(component >> i & 1);
		if ((pl_node)__builtin_ctz(component) == i) {
			assert_int_equal(rings->of[i], n);
			assert_int_equal(rings->first[n], i);
			assert_int_equal(rings->objects[n], __builtin_popcount(component));
			n++;
		}
		assert_int_equal(rings->of[i], rings->of[__builtin_ctz(component)]);
	}
	assert_int_equal(rings->n, n);
}

/* Dead and in no ring: off some ring that leads there over dead ones, if there is one. */
static void check_hanging(void)
{
	uint32_t far[MOST], loose = 0, any;

	for (pl_node i = 0; i < w.addr.n; i++) {
		if (lives->of[i] != PL_LIVES && !pl_bits_has(rings->member, i))
			loose |= 1u << i;
	}
	who_reaches_whom(far, loose);
	for (pl_node i = 0; i < w.addr.n; i++) {
		if (pl_bits_has(rings->member, i))
			continue;
		any = 0;
		for (pl_node k = 0; k < w.addr.n; k++) {
			if (pl_bits_has(rings->member, k) && lives->of[k] != PL_LIVES &&
			    far[k] >> i & 1)
				any |= 1u << rings->of[k];
		}
		if (any && loose >> i & 1)
			assert_true(rings->of[i] < rings->n && any >> rings->of[i] & 1);
		else
			assert_int_equal(rings->of[i], PL_NO_RING);
	}
}

/* References from start back to it, over members of its ring. */
static uint32_t shortest(pl_node start)
{
	uint32_t met = 0, at = 1u << start;

	for (uint32_t steps = 1;; steps++) {
		uint32_t next = 0;

		for (size_t k = 0; k < w.edges.n; k++) {
			const struct test_edge *e = &w.edges.at[k];

			if (owns(e) && at >> e->from & 1)
				next |= 1u << e->to;
		}
		if (next >> start & 1)
			return steps;
		met |= next;
		at = next;
		assert_true(steps <= MOST && met);
	}
}

static bool has_edge(pl_node from, pl_node to)
{
	for (size_t k = 0; k < w.edges.n; k++) {
		if (owns(&w.edges.at[k]) && w.edges.at[k].from == from && w.edges.at[k].to == to)
			return true;
	}
	return false;
}

static void check_cycles(void)
{
	for (pl_node i = 0; i < w.addr.n; i++) {
		pl_node *nodes;
		uint32_t n;

		if (!pl_bits_has(rings->member, i))
			continue;
		nodes = pl_rings_cycle(rings, w.g, i, scratch_nodes, &n);
		assert_int_equal(n, shortest(i));
		assert_int_equal(nodes[0], i);
		for (uint32_t k = 0; k < n; k++)
			assert_true(has_edge(nodes[k], nodes[(k + 1) % n]));
		free(nodes);
	}
	for (uint32_t ring = 0; ring < rings->n; ring++) {
		uint32_t n, met = 0;
		pl_node *nodes = pl_rings_members(rings, w.g, ring, scratch_nodes, &n);

		assert_int_equal(n, rings->objects[ring]);
		assert_int_equal(nodes[0], rings->first[ring]);
		for (uint32_t k = 0; k < n; k++) {
			assert_in(nodes[k], ring, true);
			met |= 1u << nodes[k];
		}
		assert_int_equal(__builtin_popcount(met), n);
		free(nodes);
	}
	for (size_t i = 0; i < PL_ARRAY_LEN(scratch_nodes); i++)
		assert_int_equal(scratch_nodes[i], 0);
}

static void random_heaps(void **state)
{
	uint64_t n_rings = 0, hanging = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 400; seed++) {
		uint64_t s = ~seed;
		struct test_graph t = test_graph_small(seed, MOST);
		uint32_t far[MOST];

		world_init(&w, "3.11.7-pyenv");
		for (pl_node i = 0; i < t.n; i++)
			plain();
		for (size_t k = 0; k < t.m; k++)
			world_edge(&w, t.edge[k].from, t.edge[k].to, t.edge[k].flags);
		if (!test_rand_below(&s, 2))
			world_root(&w, test_rand_below(&s, t.n), PL_ROOT_MODULE, true, "app");
		find(1 + seed % 2);
		who_reaches_whom(far, UINT32_MAX);
		check_components(far);
		check_hanging();
		check_cycles();
		n_rings += rings->n;
		for (pl_node i = 0; i < t.n; i++)
			hanging += rings->of[i] != PL_NO_RING && !pl_bits_has(rings->member, i);
		end();
		test_graph_fini(&t);
	}
	/* The graphs are such that both occur. */
	assert_true(n_rings > 200);
	assert_true(hanging > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_are_numbered_by_address),
		cmocka_unit_test(dead_objects_hang_off_rings),
		cmocka_unit_test(finalizers_of_members),
		cmocka_unit_test(a_ring_is_what_its_judged_members_are),
		cmocka_unit_test(callbacks_of_weak_references),
		cmocka_unit_test(one_cycle_of_a_ring),
		cmocka_unit_test(random_heaps),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
