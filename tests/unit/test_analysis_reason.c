/*
 * Why a dead object is still there: each reason, its words, and the sentence for its ring, on heaps
 * of a few objects and collectors in known states.
 */
#include "analysis/search/reason.h"

#include "test_session_world.h"

#define OLD (PL_OBJ_GC | PL_OBJ_TRACKED | 2 << PL_OBJ_GEN_SHIFT)
#define YOUNG (PL_OBJ_GC | PL_OBJ_TRACKED)
#define KNOWN(n)                   \
	(struct pl_number)         \
	{                          \
		PL_NUMBER_KNOWN, n \
	}

static struct world w;
static struct pl_lives *lives;
static struct pl_rings *rings;
static struct pl_reasons reasons;
/* What the collector is like; nothing of it is known at first. */
static struct pl_collector state_of_gc;

static void begin(const char *table)
{
	state_of_gc = (struct pl_collector){.n_lists = 3};
	world_init(&w, table);
}

static void ask(bool has_collector)
{
	struct pl_err err;

	world_open(&w, 1);
	assert_int_equal(pl_lives_new(w.o, &w.roots, w.g, &w.ctx, &lives, &err), 0);
	assert_int_equal(pl_rings_new(w.o, w.g, lives, &w.ctx, &rings, &err), 0);
	reasons = (struct pl_reasons){
		.o = w.o, .g = w.g, .lives = lives, .rings = rings, .unseen_ring = PL_NO_RING};
	reasons.scratch = pl_col_alloc(w.o->n + 1, sizeof(*reasons.scratch));
	reasons.collectors = pl_calloc(1, sizeof(*reasons.collectors));
	reasons.collectors[0] = state_of_gc;
	reasons.n_collectors = has_collector;
	pl_view_init(&reasons.v, w.o->im);
}

static void end(void)
{
	pl_reasons_fini(&reasons);
	pl_rings_free(rings);
	pl_lives_free(lives);
	world_close(&w);
}

static pl_node ring(pl_addr type, uint8_t flags, uint8_t back)
{
	pl_node a = world_add(&w, type, flags), b = world_add(&w, type, flags);

	world_edge(&w, a, b, SEEN);
	world_edge(&w, b, a, back);
	return a;
}

static void assert_reason(pl_node node, enum pl_reason_kind kind, const char *text)
{
	struct pl_reason reason = pl_reason_of(&reasons, node);
	char buf[256];

	assert_int_equal(reason.kind, kind);
	pl_reason_text(&reasons, reason, buf, sizeof(buf));
	assert_string_equal(buf, text);
}

static void assert_verdict(pl_node of, const char *text)
{
	char buf[512];

	assert_int_not_equal(rings->of[of], PL_NO_RING);
	pl_reason_verdict(&reasons, rings->of[of], buf, sizeof(buf));
	assert_string_equal(buf, text);
}

/* A ring that a full collection would free: the collector's state, and what is said of it. */
static void assert_waits(uint8_t generation, enum pl_reason_kind kind, const char *text,
			 const char *verdict)
{
	pl_node a =
		ring(w.h.object_type,
		     (uint8_t)(PL_OBJ_GC | PL_OBJ_TRACKED | generation << PL_OBJ_GEN_SHIFT), SEEN);

	ask(true);
	assert_reason(a, kind, text);
	assert_reason(a + 1, kind, text);
	assert_verdict(a, verdict);
	end();
}

/* ---- what a collection would free ---- */

static void nothing_is_in_the_way(void **state)
{
	pl_node a, living;

	(void)state;
	begin("3.11.7-pyenv");
	assert_waits(0, PL_REASON_NONE, "", "dead; the next collection frees it");
	begin("3.11.7-pyenv");
	a = ring(w.h.object_type, OLD, SEEN);
	living = ring(w.h.object_type, OLD, SEEN);
	world_root(&w, living, PL_ROOT_MODULE, true, "app");
	ask(false);
	assert_reason(a, PL_REASON_NONE, "");
	assert_reason(living, PL_REASON_NONE, "");
	assert_verdict(living, "alive");
	end();
}

static void the_collector_is_off(void **state)
{
	(void)state;
	begin("3.11.7-pyenv");
	state_of_gc.enabled = KNOWN(0);
	assert_waits(1, PL_REASON_DISABLED, "gc is disabled",
		     "dead since the last full collection; gc is disabled");
	begin("3.11.7-pyenv");
	state_of_gc.enabled = KNOWN(1);
	state_of_gc.list[0].threshold = KNOWN(0);
	assert_waits(1, PL_REASON_THRESHOLD, "threshold 0: no collection comes by itself",
		     "dead since the last full collection; threshold 0: no collection comes by "
		     "itself");
	/* What could not be read is no reason. */
	begin("3.11.7-pyenv");
	state_of_gc.enabled.state = PL_NUMBER_UNKNOWN;
	assert_waits(1, PL_REASON_NONE, "", "dead; the next collection frees it");
}

static void saveall_comes_first(void **state)
{
	(void)state;
	begin("3.11.7-pyenv");
	state_of_gc.enabled = KNOWN(0);
	state_of_gc.debug = KNOWN(PL_DEBUG_SAVEALL | 1);
	assert_waits(0, PL_REASON_SAVEALL, "DEBUG_SAVEALL: it would go to gc.garbage",
		     "dead; DEBUG_SAVEALL: it would go to gc.garbage");
}

static void too_old(void **state)
{
	(void)state;
	begin("3.11.7-pyenv");
	state_of_gc.enabled = KNOWN(1);
	state_of_gc.list[0].threshold = KNOWN(700);
	state_of_gc.long_lived_total = KNOWN(1000);
	state_of_gc.long_lived_pending = KNOWN(249);
	assert_waits(2, PL_REASON_OLD,
		     "too old: long_lived_pending 249 is below a quarter of long_lived_total 1000",
		     "dead; too old: long_lived_pending 249 is below a quarter of "
		     "long_lived_total 1000");
	begin("3.11.7-pyenv");
	state_of_gc.long_lived_total = KNOWN(1000);
	state_of_gc.long_lived_pending = KNOWN(250);
	assert_waits(2, PL_REASON_NONE, "", "dead; the next collection frees it");
	begin("3.11.7-pyenv");
	state_of_gc.list[2].count = KNOWN(10);
	state_of_gc.list[2].threshold = KNOWN(10);
	assert_waits(2, PL_REASON_OLD,
		     "too old: 10 collections of generation 1 since the last, 1 to come",
		     "dead; too old: 10 collections of generation 1 since the last, 1 to come");
	begin("3.11.7-pyenv");
	state_of_gc.list[2].count = KNOWN(11);
	state_of_gc.list[2].threshold = KNOWN(10);
	assert_waits(2, PL_REASON_NONE, "", "dead; the next collection frees it");
	begin("3.11.7-pyenv");
	state_of_gc.list[1].threshold = KNOWN(0);
	assert_waits(2, PL_REASON_OLD, "too old: threshold 0 of an older generation",
		     "dead; too old: threshold 0 of an older generation");
	/* The younger ones are collected all the same. */
	begin("3.11.7-pyenv");
	state_of_gc.list[1].threshold = KNOWN(0);
	assert_waits(1, PL_REASON_NONE, "", "dead; the next collection frees it");
}

static void an_incremental_collector(void **state)
{
	(void)state;
	begin("3.14.4-source");
	assert_waits(1, PL_REASON_BACKLOG,
		     "incremental backlog: old objects wait for their increment",
		     "dead; incremental backlog: old objects wait for their increment");
	begin("3.14.4-source");
	assert_waits(0, PL_REASON_NONE, "", "dead; the next collection frees it");
}

/* ---- what none frees ---- */

static void finalizers_block(void **state)
{
	static const struct {
		const char *table, *text;
		enum pl_reason_kind kind;
	} want[] = {{"2.7.18-pyenv", "__del__ on Python 2", PL_REASON_DEL27},
		    {"3.11.7-pyenv", "legacy tp_del", PL_REASON_TP_DEL}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
		char verdict[100];
		pl_addr type;
		pl_node a;

		begin(want[i].table);
		type = heap_builtin(&w.h, "app.T", PL_TPFLAG_GC | PL_TPFLAG_HEAPTYPE, 16, 0);
		w64(&w.h, type + (uint64_t)w.h.l.f.type_dealloc, type);
		w64(&w.h, type + (uint64_t)w.h.l.f.type_del, type);
		a = ring(type, OLD, SEEN);
		ask(true);
		assert_reason(a, want[i].kind, want[i].text);
		snprintf(verdict, sizeof(verdict), "dead, and never freed: %s", want[i].text);
		assert_verdict(a, verdict);
		end();
	}
}

static void frozen(void **state)
{
	pl_node a;

	(void)state;
	begin("3.11.7-pyenv");
	a = ring(w.h.object_type, PL_OBJ_GC | PL_OBJ_PERMANENT, SEEN);
	ask(true);
	assert_reason(a, PL_REASON_FROZEN, "frozen by gc.freeze()");
	assert_verdict(a, "dead, and never freed: frozen by gc.freeze()");
	end();
}

static void in_garbage(void **state)
{
	static const struct {
		const char *table, *text;
		int64_t debug;
	} want[] = {
		{"2.7.18-pyenv", "in gc.garbage: __del__ on Python 2", 0},
		{"3.11.7-pyenv", "in gc.garbage: DEBUG_SAVEALL", PL_DEBUG_SAVEALL},
		{"3.11.7-pyenv", "in gc.garbage", 0},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
		pl_addr none[1] = {0};
		pl_node list, a;

		begin(want[i].table);
		list = world_take(&w, heap_list(&w.h, none, 1), OLD);
		a = ring(w.h.object_type, OLD, SEEN);
		world_edge(&w, list, a, SEEN);
		world_root(&w, list, PL_ROOT_GARBAGE, true, "<gc.garbage>");
		state_of_gc.debug = KNOWN(want[i].debug);
		ask(true);
		assert_reason(a, PL_REASON_IN_GARBAGE, want[i].text);
		assert_verdict(a, want[i].text);
		end();
	}
}

/* ---- what the collector does not see ---- */

static void who_hides_a_ring(void **state)
{
	pl_addr shy, plain;
	pl_node omits, no_gc, untracked, behind;

	(void)state;
	begin("3.11.7-pyenv");
	shy = heap_builtin(&w.h, "app.Shy", PL_TPFLAG_GC, 16, 0);
	plain = heap_builtin(&w.h, "app.Plain", 0, 16, 0);
	/* The second omits its reference to the first. */
	omits = world_add(&w, w.h.object_type, OLD);
	world_edge(&w, omits, world_add(&w, shy, OLD), SEEN);
	world_edge(&w, omits + 1, omits, HIDDEN);
	no_gc = world_add(&w, w.h.object_type, OLD);
	world_edge(&w, no_gc, world_add(&w, plain, 0), SEEN);
	world_edge(&w, no_gc + 1, no_gc, HIDDEN);
	untracked = world_add(&w, w.h.object_type, OLD);
	world_edge(&w, untracked, world_add(&w, shy, PL_OBJ_GC), SEEN);
	world_edge(&w, untracked + 1, untracked, SEEN);
	behind = world_add(&w, w.h.object_type, OLD);
	world_edge(&w, no_gc + 1, behind, HIDDEN);
	ask(true);
	assert_reason(omits, PL_REASON_OMITS, "tp_traverse of app.Shy omits a reference");
	assert_reason(omits + 1, PL_REASON_OMITS, "tp_traverse of app.Shy omits a reference");
	assert_verdict(omits, "dead, but the collector cannot see it: tp_traverse of app.Shy omits "
			      "a reference");
	assert_reason(no_gc, PL_REASON_NOT_GC, "app.Plain is no gc type");
	assert_reason(no_gc + 1, PL_REASON_NOT_GC, "app.Plain is no gc type");
	assert_verdict(no_gc, "dead, but the collector cannot see it: app.Plain is no gc type");
	assert_reason(untracked, PL_REASON_UNTRACKED,
		      "a app.Shy that holds references is not tracked");
	assert_reason(untracked + 1, PL_REASON_UNTRACKED,
		      "a app.Shy that holds references is not tracked");
	assert_reason(behind, PL_REASON_NOT_GC, "app.Plain is no gc type");
	end();
}

/* ---- held ---- */

static void held_from_c(void **state)
{
	pl_node one, three, by_other, alone, other;

	(void)state;
	begin("3.11.7-pyenv");
	one = ring(w.h.object_type, OLD, SEEN);
	w.count.at[one]++;
	three = ring(w.h.object_type, OLD, SEEN);
	w.count.at[three]++;
	w.count.at[three + 1] += 2;
	by_other = ring(w.h.object_type, OLD, SEEN);
	other = world_add(&w, w.h.object_type, OLD);
	world_edge(&w, other, by_other, SEEN);
	w.count.at[other]++;
	alone = world_add(&w, w.h.object_type, OLD);
	w.count.at[alone]++;
	ask(true);
	assert_reason(one, PL_REASON_HELD, "held from C: references that no Python object holds");
	assert_verdict(one, "kept by 1 reference that no Python object holds");
	assert_verdict(three, "kept by 3 references that no Python object holds");
	assert_verdict(by_other, "kept by an object that C code holds");
	/* What C code holds lives; only a cycle would have died but for it. */
	assert_reason(alone, PL_REASON_NONE, "");
	assert_reason(other, PL_REASON_NONE, "");
	assert_int_equal(pl_reason_surplus(&reasons, one), 1);
	assert_int_equal(pl_reason_surplus(&reasons, one + 1), 0);
	assert_int_equal(pl_reason_surplus(&reasons, three + 1), 2);
	end();
}

/* What is not the collector's goes with what is: no reason of its own. */
static void what_goes_with_a_ring(void **state)
{
	pl_node a, untracked, tracked;

	(void)state;
	begin("3.11.7-pyenv");
	state_of_gc.enabled = KNOWN(0);
	a = ring(w.h.object_type, OLD, SEEN);
	untracked = world_add(&w, w.h.object_type, 0);
	tracked = world_add(&w, w.h.object_type, YOUNG);
	world_edge(&w, a, untracked, SEEN);
	world_edge(&w, a, tracked, SEEN);
	ask(true);
	assert_reason(untracked, PL_REASON_NONE, "");
	assert_reason(tracked, PL_REASON_DISABLED, "gc is disabled");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_in_the_way),
		cmocka_unit_test(the_collector_is_off),
		cmocka_unit_test(saveall_comes_first),
		cmocka_unit_test(too_old),
		cmocka_unit_test(an_incremental_collector),
		cmocka_unit_test(finalizers_block),
		cmocka_unit_test(frozen),
		cmocka_unit_test(in_garbage),
		cmocka_unit_test(who_hides_a_ring),
		cmocka_unit_test(held_from_c),
		cmocka_unit_test(what_goes_with_a_ring),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
