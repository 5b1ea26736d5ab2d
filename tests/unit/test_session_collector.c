/*
 * The state of a collector as its memory has it, with what could not be read or does not exist told
 * apart; and what it means: off, saving, waiting.
 */
#include "session/collector.h"

#include "test_session_world.h"

#define STATE_SIZE 4096

static struct world w;
static struct pl_interp interp;
static struct pl_collector *found;
static size_t n_found;

static void begin(const char *table)
{
	world_init(&w, table);
	interp = (struct pl_interp){.addr = heap_put(&w.h, NULL, 128 << 10)};
	interp.gc_state = heap_put(&w.h, NULL, STATE_SIZE);
}

static void read_all(const struct pl_interp *interps, size_t n)
{
	world_open(&w, 1);
	w.o->interps = (struct pl_interp *)interps;
	w.o->n_interps = n;
	n_found = pl_collectors(w.o, &w.h.o.view, &found);
}

static void end(void)
{
	free(found);
	w.o->interps = NULL;
	w.o->n_interps = 0;
	world_close(&w);
}

static void assert_number(struct pl_number n, int64_t value)
{
	assert_int_equal(n.state, PL_NUMBER_KNOWN);
	assert_int_equal(n.value, value);
}

static void put_state(int32_t field, uint32_t value)
{
	w32(&w.h, interp.gc_state + (uint64_t)field, value);
}

/* ---- what is read ---- */

static void the_state_and_its_lists(void **state)
{
	static const char *const tables[] = {"3.11.7-pyenv", "3.13.0-pyenv"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(tables); i++) {
		struct pl_gc_list lists[4];
		const struct pl_fields *f;
		unsigned n;

		begin(tables[i]);
		f = &w.h.l.f;
		put_state(f->gc_enabled, 1);
		put_state(f->gc_debug, PL_DEBUG_SAVEALL | 4);
		put_state(f->gc_collecting, 0);
		n = pl_layout_gc_lists(&w.h.l, interp.addr, lists);
		assert_int_equal(n, 4);
		for (unsigned k = 0; k < 3; k++) {
			w32(&w.h, lists[k].record + (uint64_t)f->generation_threshold, 700 + k);
			w32(&w.h, lists[k].record + (uint64_t)f->generation_count, k + 1);
		}
		w64(&w.h, interp.gc_state + (uint64_t)f->gc_long_lived_total, 1000);
		w64(&w.h, interp.gc_state + (uint64_t)f->gc_long_lived_pending, 10);
		read_all(&interp, 1);
		assert_int_equal(n_found, 1);
		assert_ptr_equal(found[0].interp, &interp);
		assert_int_equal(found[0].n_lists, 4);
		assert_number(found[0].enabled, 1);
		assert_number(found[0].debug, PL_DEBUG_SAVEALL | 4);
		assert_number(found[0].collecting, 0);
		for (unsigned k = 0; k < 3; k++) {
			assert_number(found[0].list[k].threshold, 700 + k);
			assert_number(found[0].list[k].count, k + 1);
		}
		/* The permanent one has neither. */
		assert_int_equal(found[0].list[3].threshold.state, PL_NUMBER_ABSENT);
		assert_number(found[0].long_lived_total, 1000);
		assert_number(found[0].long_lived_pending, 10);
		assert_int_equal(found[0].garbage, 0);
		end();
	}
}

/* One that every version has and that is not at hand is unknown; others are absent. */
static void what_cannot_be_read(void **state)
{
	struct pl_gc_list lists[4];

	(void)state;
	begin("3.11.7-pyenv");
	interp.gc_state = UINT64_C(0x5000000000);
	pl_layout_gc_lists(&w.h.l, interp.addr, lists);
	w32(&w.h, lists[0].record + (uint64_t)w.h.l.f.generation_threshold, 700);
	read_all(&interp, 1);
	assert_int_equal(n_found, 1);
	assert_int_equal(found[0].enabled.state, PL_NUMBER_UNKNOWN);
	assert_int_equal(found[0].long_lived_total.state, PL_NUMBER_UNKNOWN);
	assert_null(pl_collector_off(&found[0]));
	assert_false(pl_collector_saves(&found[0]));
	end();
	begin("3.11.7-pyenv");
	w.h.l.f.gc_enabled = w.h.l.f.gc_long_lived_total = PL_NONE;
	read_all(&interp, 1);
	assert_int_equal(found[0].enabled.state, PL_NUMBER_UNKNOWN);
	assert_int_equal(found[0].long_lived_total.state, PL_NUMBER_ABSENT);
	end();
}

/* Up to 3.8 all interpreters share one; one whose state is not known has none. */
static void interpreters_that_share_one(void **state)
{
	struct pl_interp all[3];

	(void)state;
	begin("3.11.7-pyenv");
	all[0] = all[1] = all[2] = interp;
	all[2].gc_state = 0;
	read_all(all, 3);
	assert_int_equal(n_found, 1);
	assert_ptr_equal(found[0].interp, &all[0]);
	end();
	begin("3.11.7-pyenv");
	all[0] = all[1] = interp;
	all[1].gc_state = heap_put(&w.h, NULL, STATE_SIZE);
	read_all(all, 2);
	assert_int_equal(n_found, 2);
	assert_ptr_equal(found[1].interp, &all[1]);
	end();
	begin("3.11.7-pyenv");
	read_all(NULL, 0);
	assert_int_equal(n_found, 0);
	end();
}

/* ---- what it means ---- */

#define KNOWN(n)                   \
	(struct pl_number)         \
	{                          \
		PL_NUMBER_KNOWN, n \
	}

static void off_and_saving(void **state)
{
	struct pl_collector c = {.n_lists = 3};

	(void)state;
	assert_null(pl_collector_off(&c));
	assert_false(pl_collector_saves(&c));
	c.list[0].threshold = KNOWN(0);
	assert_string_equal(pl_collector_off(&c), "threshold 0");
	c.enabled = KNOWN(0);
	assert_string_equal(pl_collector_off(&c), "gc is disabled");
	c.enabled = KNOWN(1);
	c.list[0].threshold = KNOWN(700);
	assert_null(pl_collector_off(&c));
	c.debug = KNOWN(31);
	assert_false(pl_collector_saves(&c));
	c.debug = KNOWN(32);
	assert_true(pl_collector_saves(&c));
	c.debug.state = PL_NUMBER_UNKNOWN;
	assert_false(pl_collector_saves(&c));
}

static void what_a_full_collection_waits_for(void **state)
{
	struct pl_collector c = {.n_lists = 3};
	char text[200] = "";

	(void)state;
	begin("3.11.7-pyenv");
	read_all(&interp, 1);
	assert_false(pl_collector_waits(w.o, &c, text, sizeof(text)));
	c.list[2].count = KNOWN(3);
	c.list[2].threshold = KNOWN(10);
	assert_true(pl_collector_waits(w.o, &c, text, sizeof(text)));
	assert_string_equal(text, "3 collections of generation 1 since the last, 8 to come");
	c.long_lived_total = KNOWN(90000);
	c.long_lived_pending = KNOWN(120);
	assert_true(pl_collector_waits(w.o, &c, text, sizeof(text)));
	assert_string_equal(text,
			    "long_lived_pending 120 is below a quarter of long_lived_total 90000");
	c.list[1].threshold = KNOWN(0);
	assert_true(pl_collector_waits(w.o, &c, text, sizeof(text)));
	assert_string_equal(text, "threshold 0 of an older generation");
	end();
	begin("3.14.4-source");
	read_all(&interp, 1);
	assert_true(pl_collector_waits(w.o, &c, text, sizeof(text)));
	assert_string_equal(text, "this version collects the old objects by increments");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_and_its_lists),
		cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(interpreters_that_share_one),
		cmocka_unit_test(off_and_saving),
		cmocka_unit_test(what_a_full_collection_waits_for),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
