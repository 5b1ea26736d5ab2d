/*
 * Generators in each state of each version, what they wait for; chains of exceptions, tracebacks.
 */
#include "object/frames/generators.h"

#include "object/frames/exceptions.h"

#include "test_object_code.h"

#define EXCEPTIONS UINT64_C(0x20000000) /* many, beside the heap */
#define EXCEPTION 96u                   /* bytes of one */

static struct code_heap c;
static struct heap *const h = &c.h;
static pl_addr generator_type;

static void begin(const char *table)
{
	code_heap_init(&c, table);
	generator_type =
		heap_builtin(h, "generator", PL_TPFLAG_GC, (uint64_t)h->l.f.gen_struct_size, 0);
}

/* A generator at byte 4 of its code; the last slot is the top of its stack. */
struct gen_spec {
	int8_t state;          /* of the frame, as the version writes it */
	int64_t at;            /* byte of the code, -2: not begun (up to 3.10) */
	uint8_t opcode, oparg; /* of the instruction after the last one */
	bool no_frame;
	const uint64_t *stack;
	size_t n_stack;
};

static pl_addr heap_generator(const struct gen_spec *g)
{
	const struct pl_fields *f = &h->l.f;
	struct code_spec code = {.name = "gen",
				 .first_line = 5,
				 .lines = "",
				 .stack_size = 4,
				 .flags = CO_OPTIMIZED | CO_GENERATOR};
	struct frame_spec frame = {.at = g->at,
				   .slots = g->stack,
				   .n_slots = g->n_stack,
				   .depth = (int64_t)g->n_stack};
	pl_addr gen = heap_object(h, generator_type, (size_t)f->gen_struct_size + 512);

	code.instructions[g->at + 2] = g->opcode;
	code.instructions[g->at + 3] = g->oparg;
	frame.code = heap_code(&c, &code);
	put_word(h, gen, f->gen_name, heap_str(h, "gen"));
	if (pl_has(f->gen_iframe)) {
		fill_iframe(h, gen + (uint64_t)f->gen_iframe, &frame, PL_FRAME_OF_GENERATOR);
		w8(h, gen + (uint64_t)f->gen_frame_state, (uint8_t)g->state);
		return gen;
	}
	put_word(h, gen, f->gen_code, frame.code);
	if (pl_has(f->gen_running))
		w8(h, gen + (uint64_t)f->gen_running, g->state == 0);
	if (!g->no_frame) {
		pl_addr object = heap_frame(&c, &frame);

		put_word(h, gen, f->gen_frame, object);
		if (h->l.line_style == PL_LINES_310)
			w8(h, object + (uint64_t)f->frame_state, (uint8_t)g->state);
	}
	return gen;
}

static enum pl_generator_state state_of(pl_addr gen, pl_addr *waits_for)
{
	struct pl_generator g;

	assert_true(pl_generator_read(&h->objects, &h->o.view, gen, &g));
	assert_int_equal(g.names, PL_NAMES_GENERATOR);
	assert_int_equal(g.has_frame, g.state != PL_GENERATOR_FINISHED);
	assert_true(g.code != 0);
	if (g.has_frame)
		assert_int_equal(g.frame.code, g.code);
	if (g.has_frame && g.frame.instruction < 0)
		assert_int_equal(g.frame.line, 5);
	*waits_for = g.waits_for;
	return g.state;
}

/* States as each version writes them; waiting is told by the next instruction up to 3.12. */
static void states(void **state)
{
	static const struct {
		const char *table;
		int8_t created, suspended, waiting, running, finished;
		uint8_t opcode, oparg; /* after the last instruction of one that waits */
		int64_t created_at;
	} rows[] = {
		{"3.6.15-pyenv", 1, 1, 1, 0, 1, 72, 0, -2},
		{"3.10.13-pyenv", -2, -1, -1, 0, 1, 72, 0, -2},
		{"3.11.7-pyenv", -2, -1, -1, 0, 4, 151, 2, 4},
		{"3.12.1-pyenv", -2, -1, -1, 0, 4, 151, 3, 4},
		{"3.13.0-pyenv", -3, -2, -1, 0, 4, 0, 0, 4},
		{"3.15.2-debian", 0, 1, 2, 4, 5, 0, 0, 4},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		pl_addr value, other, gens[5], waits_for;
		uint64_t stack[2];

		begin(rows[i].table);
		value = heap_str(h, "value");
		other = heap_str(h, "other");
		/* 3.15 has something of its own on top. */
		stack[0] = h->l.gen_state_style == PL_GEN_315 ? value : other;
		stack[1] = h->l.gen_state_style == PL_GEN_315 ? other : value;
		gens[0] = heap_generator(
			&(struct gen_spec){.state = rows[i].created, .at = rows[i].created_at});
		gens[1] = heap_generator(
			&(struct gen_spec){rows[i].suspended, 4, 86, 1, false, stack, 2});
		gens[2] = heap_generator(&(struct gen_spec){rows[i].waiting, 4, rows[i].opcode,
							    rows[i].oparg, false, stack, 2});
		gens[3] = heap_generator(
			&(struct gen_spec){rows[i].running, 4, 0, 0, false, stack, 2});
		gens[4] = heap_generator(
			&(struct gen_spec){rows[i].finished, 4, 0, 0, true, stack, 2});
		heap_open(h);
		assert_int_equal(state_of(gens[0], &waits_for), PL_GENERATOR_CREATED);
		assert_int_equal(state_of(gens[1], &waits_for), PL_GENERATOR_SUSPENDED);
		assert_int_equal(waits_for, 0);
		assert_int_equal(state_of(gens[2], &waits_for), PL_GENERATOR_WAITING);
		assert_int_equal(waits_for, value);
		assert_int_equal(state_of(gens[3], &waits_for), PL_GENERATOR_RUNNING);
		assert_int_equal(waits_for, 0);
		assert_int_equal(state_of(gens[4], &waits_for), PL_GENERATOR_FINISHED);
		assert_int_equal(waits_for, 0);
		heap_close(h);
	}
}

/* 2.7 has no `yield from`; its opcode 72 prints. */
static void python_2_never_waits(void **state)
{
	pl_addr value, gen, waits_for;

	(void)state;
	begin("2.7.18-debian");
	value = heap_str(h, "value");
	gen = heap_generator(&(struct gen_spec){1, 4, 72, 0, false, &value, 1});
	heap_open(h);
	assert_int_equal(state_of(gen, &waits_for), PL_GENERATOR_SUSPENDED);
	assert_int_equal(waits_for, 0);
	heap_close(h);
}

static void no_generators(void **state)
{
	struct pl_generator g = {.names = PL_NAMES_COROUTINE};
	pl_addr str, broken;

	(void)state;
	begin("3.12.1-pyenv");
	str = heap_str(h, "value");
	broken = heap_generator(&(struct gen_spec){.state = -1, .at = 4});
	put_word(h, broken + (uint64_t)h->l.f.gen_iframe, h->l.f.iframe_executable, str);
	heap_open(h);
	assert_false(pl_generator_read(&h->objects, &h->o.view, str, &g));
	assert_false(pl_generator_read(&h->objects, &h->o.view, 0, &g));
	assert_int_equal(g.names, PL_NAMES_COROUTINE);
	assert_true(pl_generator_read(&h->objects, &h->o.view, broken, &g));
	assert_false(g.has_frame);
	assert_int_equal(g.waits_for, 0);
	assert_int_equal(pl_awaitable_inner(&h->objects, &h->o.view, str), 0);
	assert_int_equal(pl_awaitable_inner(&h->objects, &h->o.view, 0), 0);
	heap_close(h);
}

static pl_addr heap_exception(pl_addr cause, pl_addr context, bool suppress)
{
	const struct pl_fields *f = &h->l.f;
	static pl_addr type;
	pl_addr e;

	type = heap_builtin(h, "BaseException", PL_TPFLAG_GC | PL_TPFLAG_EXCEPTION, 80, 0);
	e = heap_object(h, type, 96);
	put_word(h, e, f->exc_cause, cause);
	put_word(h, e, f->exc_context, context);
	if (pl_has(f->exc_suppress))
		w8(h, e + (uint64_t)f->exc_suppress, suppress);
	return e;
}

static void chains(void **state)
{
	struct pl_exception *chain;
	pl_addr first, hidden, second, third, none, circle;

	(void)state;
	begin("3.12.1-pyenv");
	first = heap_exception(0, 0, false);
	hidden = heap_exception(0, first, true);
	second = heap_exception(0, first, false);
	third = heap_exception(second, hidden, true);
	none = heap_str(h, "no exception");
	circle = heap_exception(0, third, false);
	put_word(h, first, h->l.f.exc_context, circle);
	heap_open(h);
	assert_int_equal(pl_exception_chain(&h->objects, &h->o.view, hidden, &h->o.ctx, &chain), 1);
	assert_string_equal(chain[0].link, "");
	free(chain);
	assert_int_equal(pl_exception_chain(&h->objects, &h->o.view, third, &h->o.ctx, &chain), 4);
	assert_int_equal(chain[1].addr, second);
	assert_string_equal(chain[1].link, "cause");
	assert_int_equal(chain[2].addr, first);
	assert_string_equal(chain[2].link, "context");
	assert_int_equal(chain[3].addr, circle);
	free(chain);
	assert_int_equal(pl_exception_chain(&h->objects, &h->o.view, none, &h->o.ctx, &chain), 0);
	free(chain);
	heap_close(h);
}

/* The line is written down, or (3.12 on) told by the instruction when nobody has asked for it. */
static void tracebacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		const struct pl_fields *f = &h->l.f;
		struct code_spec code = {.name = "f",
					 .first_line = 9,
					 .lines = "",
					 .stack_size = 1,
					 .flags = CO_OPTIMIZED};
		struct frame_spec spec = {.at = -2};
		struct pl_traceback entry;
		pl_addr type, told, lazy, frame, object;

		begin(every_frame_layout[i]);
		type = heap_builtin(h, "traceback", PL_TPFLAG_GC, 40, 0);
		spec.code = heap_code(&c, &code);
		frame = object = heap_frame(&c, &spec);
		if (h->l.frame_style != PL_FRAME_OBJECT) {
			object = heap_object(h, c.frame_type, 128);
			put_word(h, object, f->frame_iframe, frame);
		}
		told = heap_object(h, type, 40);
		lazy = heap_object(h, type, 40);
		put_word(h, told, f->traceback_next, lazy);
		put_word(h, told, f->traceback_frame, object);
		put_int(h, told, f->traceback_lineno, 77);
		put_word(h, lazy, f->traceback_frame, object);
		put_int(h, lazy, f->traceback_lasti, (uint32_t)-1);
		put_int(h, lazy, f->traceback_lineno, (uint32_t)-1);
		heap_open(h);
		assert_true(pl_traceback_read(&h->objects, &h->o.view, told, &entry));
		assert_int_equal(entry.next, lazy);
		assert_int_equal(entry.frame, object);
		assert_int_equal(entry.code, spec.code);
		assert_int_equal(entry.line, 77);
		assert_true(pl_traceback_read(&h->objects, &h->o.view, lazy, &entry));
		assert_int_equal(entry.next, 0);
		assert_int_equal(entry.line, 9);
		assert_false(pl_traceback_read(&h->objects, &h->o.view, object, &entry));
		assert_false(pl_traceback_read(&h->objects, &h->o.view, 0, &entry));
		heap_close(h);
	}
}

/* A chain of n exceptions, each raised while the next was handled. */
static void chain_of(size_t n, size_t want)
{
	const struct pl_fields *f = &h->l.f;
	struct pl_exception *chain;
	pl_addr type;
	uint8_t *mem = pl_calloc(n, EXCEPTION);

	begin("3.12.1-pyenv");
	type = heap_builtin(h, "BaseException", PL_TPFLAG_GC | PL_TPFLAG_EXCEPTION, 80, 0);
	for (size_t i = 0; i < n; i++) {
		pl_addr next = i + 1 < n ? EXCEPTIONS + (i + 1) * EXCEPTION : 0;

		memcpy(mem + i * EXCEPTION + f->object_type, &type, 8);
		memcpy(mem + i * EXCEPTION + f->exc_context, &next, 8);
	}
	build_init(&h->b);
	build_load(&h->b, EXCEPTIONS, mem, n * EXCEPTION, DEFAULT, DEFAULT, PF_R | PF_W);
	heap_open_begun(h);
	assert_int_equal(pl_exception_chain(&h->objects, &h->o.view, EXCEPTIONS, &h->o.ctx, &chain),
			 want);
	for (size_t i = 0; i < want; i++)
		assert_int_equal(chain[i].addr, EXCEPTIONS + i * EXCEPTION);
	assert_int_equal(note_of(&h->o, "stopped-looking") != NULL, want < n);
	assert_int_equal(h->o.ctx.partial, want < n);
	free(chain);
	heap_close(h);
	free(mem);
}

static void long_chains(void **state)
{
	(void)state;
	chain_of(1 << 16, 1 << 16);
	chain_of((1 << 16) + 1, 1 << 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),        cmocka_unit_test(python_2_never_waits),
		cmocka_unit_test(no_generators), cmocka_unit_test(chains),
		cmocka_unit_test(tracebacks),    cmocka_unit_test(long_chains),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
