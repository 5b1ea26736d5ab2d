/*
 * Threads and their frames: stacks of every version, evaluation stacks that can and cannot be
 * trusted, kernel threads, the GIL, exceptions; and lists that run in circles.
 */
#include "object/frames/threads.h"
#include "object/roots/runtime.h"

#include "base/addrset.h"

#include "test_object_code.h"

#define FIRST_LWP 4242
#define MANY UINT64_C(0x20000000) /* where there are many of something, beside the heap */
#define MOST (1u << 16)
#define FIRST_SELF UINT64_C(0x7f1234567700)

static struct code_heap c;
static struct heap *const h = &c.h;
static pl_addr interp, threads[3];
static struct pl_interp interps[1];
static struct pl_pythread *found;
static size_t n_found;

static int64_t furthest(const int32_t *offsets, size_t n)
{
	int64_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = pl_has(offsets[i]) ? PL_MAX(most, offsets[i]) : most;
	return most + 8;
}

/* An interpreter and three threads, the newest first in its list; frames are the tests'. */
static void make_threads(void)
{
	const struct pl_fields *f = &h->l.f;
	const int32_t used[] = {f->interp_threads_head, f->interp_ceval_gil, f->interp_next};
	pl_addr next = 0;

	interp = heap_put(h, NULL, (size_t)furthest(used, PL_ARRAY_LEN(used)));
	for (int i = 0; i < 3; i++) {
		threads[i] = heap_put(h, NULL, (size_t)f->thread_size);
		put_word(h, threads[i], f->thread_interp, interp);
		put_word(h, threads[i], f->thread_next, next);
		put_word(h, threads[i], f->thread_id, FIRST_SELF + 256 * (uint64_t)i);
		next = threads[i];
	}
	put_word(h, interp, f->interp_threads_head, next);
}

static void set_frame(pl_addr thread, pl_addr frame)
{
	const struct pl_fields *f = &h->l.f;

	if (pl_has(f->cframe_frame)) {
		pl_addr cframe = heap_put(h, NULL, 64);

		put_word(h, thread, f->thread_cframe, cframe);
		put_word(h, cframe, f->cframe_frame, frame);
	} else {
		put_word(h, thread, f->thread_frame, frame);
	}
}

static void link_frame(pl_addr frame, pl_addr back)
{
	bool object = h->l.frame_style == PL_FRAME_OBJECT;

	put_word(h, frame, object ? h->l.f.frame_back : h->l.f.iframe_previous, back);
}

/* Threads 0 and 1 are in the core with their pointers, 2 is not. */
static void read_threads(void)
{
	build_init(&h->b);
	build_thread(&h->b, FIRST_LWP, 6, 0, 0, FIRST_SELF);
	build_thread(&h->b, FIRST_LWP + 1, 0, 0, 0, FIRST_SELF + 256);
	heap_open_begun(h);
	interps[0] = (struct pl_interp){.addr = interp};
	h->objects.interps = interps;
	h->objects.n_interps = 1;
	assert_int_equal(pl_pythreads_new(&h->objects, &h->o.ctx, &found, &n_found, NULL), 0);
}

static void forget(void)
{
	pl_pythreads_free(found, n_found);
	heap_close(h);
}

static pl_addr simple_code(const char *name, int line)
{
	struct code_spec s = {.name = name,
			      .first_line = line,
			      .lines = "",
			      .plain = {"one", "two"},
			      .cells = {"kept"},
			      .stack_size = 4,
			      .flags = CO_OPTIMIZED};

	return heap_code(&c, &s);
}

static void stacks_of_every_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		pl_addr value, cell, inner, outer;

		code_heap_init(&c, every_frame_layout[i]);
		make_threads();
		value = heap_str(h, "value");
		cell = heap_cell(&c, value);
		inner = heap_frame(&c, &(struct frame_spec){
					       .code = simple_code("inner", 0),
					       .at = -2,
					       .slots = (uint64_t[]){value, 0, cell, value, cell},
					       .n_slots = 5,
					       .n_locals = 3,
					       .depth = 2,
				       });
		put_int(h,
			pl_ld64(heap_at(h, inner + (uint64_t)(h->l.frame_style == PL_FRAME_OBJECT
								      ? h->l.f.frame_code
								      : h->l.f.iframe_executable))),
			h->l.f.code_firstlineno, 33);
		outer = heap_frame(&c, &(struct frame_spec){
					       .code = simple_code("outer", 44),
					       .at = -2,
					       .slots = (uint64_t[]){0, value, 0, 0},
					       .n_slots = 4,
					       .n_locals = 3,
					       .depth = -1,
				       });
		link_frame(inner, outer);
		set_frame(threads[0], inner);
		read_threads();
		assert_int_equal(n_found, 3);
		for (size_t t = 0; t < 3; t++) {
			assert_int_equal(found[t].tstate, threads[t]);
			assert_int_equal(found[t].interp, interp);
			assert_int_equal(found[t].lwp, t < 2 ? FIRST_LWP + t : 0);
			assert_int_equal(found[t].n_frames, t == 0 ? 2 : 0);
			assert_false(found[t].cut);
		}
		assert_int_equal(found[0].frames[0].frame, inner);
		assert_int_equal(found[0].frames[0].line, 33);
		assert_int_equal(found[0].frames[0].n_locals, 3);
		assert_int_equal(found[0].frames[0].n_stack, 2);
		assert_int_equal(found[0].frames[0].n_unsure, 0);
		assert_int_equal(pl_pyframe_local(&h->objects, &h->o.view, &found[0].frames[0], 0),
				 value);
		assert_int_equal(pl_pyframe_local(&h->objects, &h->o.view, &found[0].frames[0], 1),
				 0);
		assert_int_equal(pl_pyframe_local(&h->objects, &h->o.view, &found[0].frames[0], 2),
				 value);
		assert_int_equal(pl_pyframe_local(&h->objects, &h->o.view, &found[0].frames[0], 3),
				 0);
		assert_int_equal(found[0].frames[1].frame, outer);
		assert_int_equal(found[0].frames[1].line, 44);
		assert_int_equal(found[0].frames[1].n_locals, 3);
		assert_int_equal(found[0].frames[1].n_stack, 0);
		assert_int_equal(found[0].frames[1].n_unsure, 4);
		forget();
	}
}

/* The top of a stack that no code of that size can have says nothing. */
static void nonsense_tops(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		pl_addr frame;

		code_heap_init(&c, every_frame_layout[i]);
		make_threads();
		frame = heap_frame(&c, &(struct frame_spec){.code = simple_code("f", 1),
							    .slots = (uint64_t[40]){0},
							    .n_slots = 40,
							    .n_locals = 3,
							    .depth = 5});
		set_frame(threads[0], frame);
		read_threads();
		assert_int_equal(found[0].n_frames, 1);
		assert_int_equal(found[0].frames[0].n_locals, 3);
		assert_int_equal(found[0].frames[0].n_stack, 0);
		forget();
	}
}

/* A code object that claims more variables than the frame object has room for. */
static void frame_objects_have_an_end(void **state)
{
	struct frame_spec s = {.n_locals = 3, .n_slots = 3, .slots = (uint64_t[3]){0}};
	pl_addr frame;

	(void)state;
	code_heap_init(&c, "3.9.18-pyenv");
	make_threads();
	s.code = simple_code("f", 1);
	frame = heap_frame(&c, &s);
	put_word(h, frame, h->l.f.var_size, 2);
	set_frame(threads[0], frame);
	read_threads();
	assert_int_equal(found[0].n_frames, 1);
	assert_int_equal(found[0].frames[0].n_locals, 0);
	assert_int_equal(found[0].frames[0].line, 1);
	forget();
}

static void frames_in_a_circle(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		struct frame_spec s = {
			.depth = 0, .n_locals = 3, .n_slots = 3, .slots = (uint64_t[3]){0}};
		pl_addr one, two;

		code_heap_init(&c, every_frame_layout[i]);
		make_threads();
		s.code = simple_code("f", 1);
		one = heap_frame(&c, &s);
		two = heap_frame(&c, &s);
		link_frame(one, two);
		link_frame(two, one);
		set_frame(threads[0], one);
		set_frame(threads[1], two);
		set_frame(threads[2], 0x1234567890);
		read_threads();
		assert_int_equal(found[0].n_frames + found[1].n_frames, 2);
		assert_true(found[0].cut && found[1].cut && found[2].cut);
		forget();
	}
}

static void threads_in_a_circle(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		code_heap_init(&c, every_frame_layout[i]);
		make_threads();
		put_word(h, threads[0], h->l.f.thread_next, threads[1]);
		read_threads();
		assert_int_equal(n_found, 3);
		assert_note(&h->o, "broken-threads", "list of threads");
		forget();
	}
}

static void strangers_in_the_list(void **state)
{
	(void)state;
	code_heap_init(&c, "3.12.1-pyenv");
	make_threads();
	put_word(h, threads[1], h->l.f.thread_interp, interp + 8);
	read_threads();
	assert_int_equal(n_found, 1);
	assert_int_equal(found[0].tstate, threads[2]);
	forget();
}

/* What C puts between two runs of the interpreter is no Python frame. */
static void entry_frames_are_passed_over(void **state)
{
	static const char *const layouts[] = {"3.12.1-pyenv", "3.13.0-pyenv", "3.15.2-debian"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(layouts); i++) {
		struct frame_spec s = {
			.depth = 0, .n_locals = 3, .n_slots = 3, .slots = (uint64_t[3]){0}};
		pl_addr one, entry, two;

		code_heap_init(&c, layouts[i]);
		make_threads();
		s.code = simple_code("f", 1);
		one = heap_frame(&c, &s);
		two = heap_frame(&c, &s);
		entry = heap_put(h, NULL, (size_t)h->l.f.iframe_size);
		put_word(h, entry, h->l.f.iframe_executable, h->none | 1);
		w8(h, entry + (uint64_t)h->l.f.iframe_owner, 3);
		link_frame(one, entry);
		link_frame(entry, two);
		set_frame(threads[0], one);
		read_threads();
		assert_int_equal(found[0].n_frames, 2);
		assert_int_equal(found[0].frames[1].frame, two);
		assert_false(found[0].cut);
		forget();
	}
}

struct edges {
	struct pl_edge at[16];
	size_t n;
};

static void keep(void *arg, const struct pl_edge *e)
{
	struct edges *edges = arg;

	assert_in_range(edges->n, 0, 15);
	edges->at[edges->n++] = *e;
}

/* Pointers, references that are not counted, NULL, a small integer, a mark. */
static void tagged_references(void **state)
{
	struct edges edges = {.n = 0};
	pl_addr value, other, frame;
	bool counted;

	(void)state;
	code_heap_init(&c, "3.15.2-debian");
	make_threads();
	value = heap_str(h, "value");
	other = heap_str(h, "other");
	frame = heap_frame(&c, &(struct frame_spec){
				       .code = simple_code("f", 1),
				       .slots = (uint64_t[]){value | 1, 1, other, 7 << 2 | 3,
							     value | 2, other | 1},
				       .n_slots = 6,
				       .n_locals = 3,
				       .depth = 3,
			       });
	set_frame(threads[0], frame);
	read_threads();
	pl_pyframe_edges(&h->objects, &h->o.view, &found[0].frames[0], keep, &edges);
	assert_int_equal(edges.n, 4);
	assert_int_equal(edges.at[0].target, found[0].frames[0].code);
	assert_int_equal(edges.at[1].target, value);
	assert_int_equal(edges.at[1].kind, PL_EDGE_BORROWED);
	assert_int_equal(edges.at[1].label, PL_L_LOCAL);
	assert_true(pl_str_equals(&h->l, &h->o.view, edges.at[1].arg, "one"));
	assert_int_equal(edges.at[2].target, other);
	assert_int_equal(edges.at[2].kind, PL_EDGE_STRONG);
	assert_true(pl_str_equals(&h->l, &h->o.view, edges.at[2].arg, "kept"));
	assert_int_equal(edges.at[3].target, other);
	assert_int_equal(edges.at[3].kind, PL_EDGE_BORROWED);
	assert_int_equal(edges.at[3].label, PL_L_STACK);
	assert_int_equal(edges.at[3].arg, 2);
	assert_int_equal(pl_stackref(&h->l, 0, &counted), 0);
	h->l.frame_style = PL_FRAME_313;
	assert_int_equal(pl_stackref(&h->l, value | 1, &counted), value | 1);
	assert_true(counted);
	forget();
}

/* Up to 3.10 a thread holds the frame object, which holds the rest. */
static void a_thread_holds_its_frame_objects(void **state)
{
	struct edges edges = {.n = 0};
	struct frame_spec s = {.depth = 0, .n_locals = 3, .n_slots = 3, .slots = (uint64_t[3]){0}};
	pl_addr frame;

	(void)state;
	code_heap_init(&c, "3.9.18-pyenv");
	make_threads();
	s.code = simple_code("f", 1);
	frame = heap_frame(&c, &s);
	set_frame(threads[0], frame);
	read_threads();
	pl_pyframe_edges(&h->objects, &h->o.view, &found[0].frames[0], keep, &edges);
	assert_int_equal(edges.n, 1);
	assert_int_equal(edges.at[0].target, frame);
	assert_int_equal(edges.at[0].kind, PL_EDGE_STRONG);
	found[0].frames[0].generator = true;
	pl_pyframe_edges(&h->objects, &h->o.view, &found[0].frames[0], keep, &edges);
	assert_int_equal(edges.n, 1);
	forget();
}

static void native_ids(void **state)
{
	(void)state;
	code_heap_init(&c, "3.12.1-pyenv");
	make_threads();
	/* The pointer decides: a forked child inherits its parent's native id. */
	put_word(h, threads[0], h->l.f.thread_native_id, FIRST_LWP + 1);
	put_word(h, threads[2], h->l.f.thread_native_id, FIRST_LWP + 1);
	read_threads();
	assert_int_equal(found[0].lwp, FIRST_LWP);
	assert_int_equal(found[2].lwp, FIRST_LWP + 1);
	forget();
}

static void who_holds_the_gil(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		const struct pl_fields *f = &h->l.f;
		pl_addr gil;

		for (uint32_t locked = 0; locked < 2; locked++) {
			code_heap_init(&c, every_frame_layout[i]);
			make_threads();
			gil = heap_put(h, NULL, 64);
			put_word(h, interp, f->interp_ceval_gil, gil);
			put_int(h, gil, f->gil_locked, locked);
			put_word(h, gil, f->gil_holder, threads[1]);
			h->l.tstate_current = locked ? threads[1] : 0;
			read_threads();
			assert_false(found[0].holds_gil);
			assert_int_equal(found[1].holds_gil, locked);
			assert_false(found[2].holds_gil);
			forget();
		}
	}
}

/* Raised by thread 0; handled by 1, whose innermost handler has nothing; 2 has None everywhere. */
static void exceptions(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(every_frame_layout); i++) {
		const struct pl_fields *f = &h->l.f;
		pl_addr value, other, items[2];

		code_heap_init(&c, every_frame_layout[i]);
		make_threads();
		value = heap_str(h, "value");
		other = heap_str(h, "other");
		put_word(h, threads[0], f->thread_current_exception, value);
		put_word(h, threads[0], f->thread_curexc_type, other);
		put_word(h, threads[0], f->thread_curexc_value, value);
		put_word(h, threads[0], f->thread_curexc_tb, other);
		put_word(h, threads[1], f->thread_exc_value, value);
		put_word(h, threads[1], f->thread_exc_tb, other);
		put_word(h, threads[2], f->thread_exc_value, h->none);
		/* An exception without a value up to 3.11: its type stands for it. */
		put_word(h, threads[2], f->thread_curexc_type, other);
		for (int k = 1; k >= 0; k--) {
			items[k] = heap_put(h, NULL, 64);
			put_word(h, items[k], f->excinfo_value, k ? value : h->none);
			put_word(h, items[k], f->excinfo_tb, other);
			put_word(h, items[k], f->excinfo_previous, k ? 0 : items[1]);
		}
		put_word(h, threads[1], f->thread_exc_info, items[0]);
		read_threads();
		assert_int_equal(found[0].raised, value);
		assert_int_equal(found[0].raised_tb, pl_has(f->thread_curexc_tb) ? other : 0);
		assert_int_equal(found[0].handled, 0);
		assert_int_equal(found[1].raised, 0);
		assert_int_equal(found[1].handled, value);
		assert_int_equal(found[1].handled_tb,
				 pl_has(f->excinfo_tb) || pl_has(f->thread_exc_tb) ? other : 0);
		assert_int_equal(found[2].handled, 0);
		assert_int_equal(found[2].raised, pl_has(f->thread_current_exception) ? 0 : other);
		forget();
	}
}

static void nested_handlers_in_a_circle(void **state)
{
	pl_addr item;

	(void)state;
	code_heap_init(&c, "3.11.7-pyenv");
	make_threads();
	item = heap_put(h, NULL, 64);
	put_word(h, item, h->l.f.excinfo_previous, item);
	put_word(h, threads[0], h->l.f.thread_exc_info, item);
	read_threads();
	assert_int_equal(found[0].handled, 0);
	forget();
}

static void cancelled(void **state)
{
	struct frame_spec s = {.depth = 0, .n_locals = 3, .n_slots = 3, .slots = (uint64_t[3]){0}};
	struct pl_err err = {0};

	(void)state;
	code_heap_init(&c, "3.11.7-pyenv");
	make_threads();
	s.code = simple_code("f", 1);
	set_frame(threads[0], heap_frame(&c, &s));
	read_threads();
	pl_pythreads_free(found, n_found);
	found = NULL;
	n_found = 7;
	atomic_store(&h->o.ctx.cancel, true);
	assert_int_equal(pl_pythreads_new(&h->objects, &h->o.ctx, &found, &n_found, &err),
			 PL_E_CANCELLED);
	assert_int_equal(err.code, PL_E_CANCELLED);
	assert_null(found);
	assert_int_equal(n_found, 7);
	heap_close(h);
}

/* ---- bounds ---- */

static uint8_t *many;

static void put_many(size_t stride, size_t i, int32_t offset, uint64_t value)
{
	memcpy(many + i * stride + offset, &value, 8);
}

/* n of them stand beside the heap, whose interpreter's threads are read. */
static void read_many(size_t stride, size_t n)
{
	build_init(&h->b);
	build_load(&h->b, MANY, many, stride * n, DEFAULT, DEFAULT, PF_R | PF_W);
	heap_open_begun(h);
	interps[0] = (struct pl_interp){.addr = interp};
	h->objects.interps = interps;
	h->objects.n_interps = 1;
	assert_int_equal(pl_pythreads_new(&h->objects, &h->o.ctx, &found, &n_found, NULL), 0);
}

static void forget_many(bool stopped)
{
	assert_int_equal(note_of(&h->o, "stopped-looking") != NULL, stopped);
	assert_int_equal(h->o.ctx.partial, stopped);
	forget();
	free(many);
}

static void threads_of(size_t n)
{
	const struct pl_fields *f;
	size_t stride;

	code_heap_init(&c, "3.12.1-pyenv");
	make_threads();
	f = &h->l.f;
	stride = ((size_t)f->thread_size + 7) & ~(size_t)7;
	many = pl_calloc(n, stride);
	for (size_t i = 0; i < n; i++) {
		put_many(stride, i, f->thread_interp, interp);
		put_many(stride, i, f->thread_next, i + 1 < n ? MANY + (i + 1) * stride : 0);
	}
	put_word(h, interp, f->interp_threads_head, MANY);
	read_many(stride, n);
	assert_int_equal(n_found, PL_MIN(n, (size_t)MOST));
	forget_many(n > MOST);
}

static void many_threads(void **state)
{
	(void)state;
	threads_of(MOST);
	threads_of(MOST + 1);
}

/* n handlers without an exception stand before the one that has one. */
static void handlers_of(size_t n)
{
	const size_t stride = 32;
	const struct pl_fields *f;
	pl_addr value;

	code_heap_init(&c, "3.12.1-pyenv");
	make_threads();
	f = &h->l.f;
	value = heap_str(h, "an exception");
	many = pl_calloc(n + 1, stride);
	for (size_t i = 0; i < n; i++)
		put_many(stride, i, f->excinfo_previous, MANY + (i + 1) * stride);
	put_many(stride, n, f->excinfo_value, value);
	put_word(h, threads[0], f->thread_exc_info, MANY);
	read_many(stride, n + 1);
	assert_int_equal(n_found, 3);
	assert_int_equal(found[0].handled, n < MOST ? value : 0);
	forget_many(n >= MOST);
}

static void many_handlers(void **state)
{
	(void)state;
	handlers_of(MOST - 1);
	handlers_of(MOST);
}

static void interps_of(size_t n)
{
	struct pl_interp *list;
	size_t stride;

	code_heap_init(&c, "3.12.1-pyenv");
	make_threads();
	stride = ((size_t)PL_MAX(h->l.f.interp_next, h->l.f.interp_id) + 15) & ~(size_t)7;
	many = pl_calloc(n, stride);
	for (size_t i = 0; i < n; i++) {
		put_many(stride, i, h->l.f.interp_id, n - 1 - i);
		put_many(stride, i, h->l.f.interp_next, i + 1 < n ? MANY + (i + 1) * stride : 0);
	}
	read_many(stride, n);
	h->l.interp_head = MANY;
	assert_int_equal(pl_interps(h->o.im, &h->l, &list), PL_MIN(n, (size_t)MOST));
	/* The oldest that was found is the first. */
	assert_int_equal(list[0].id, n > MOST ? n - MOST : 0);
	free(list);
	forget_many(false);
}

static void many_interpreters(void **state)
{
	(void)state;
	interps_of(MOST);
	interps_of(MOST + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_of_every_version),
		cmocka_unit_test(nonsense_tops),
		cmocka_unit_test(frame_objects_have_an_end),
		cmocka_unit_test(frames_in_a_circle),
		cmocka_unit_test(threads_in_a_circle),
		cmocka_unit_test(strangers_in_the_list),
		cmocka_unit_test(entry_frames_are_passed_over),
		cmocka_unit_test(tagged_references),
		cmocka_unit_test(a_thread_holds_its_frame_objects),
		cmocka_unit_test(native_ids),
		cmocka_unit_test(who_holds_the_gil),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(nested_handlers_in_a_circle),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(many_handlers),
		cmocka_unit_test(many_interpreters),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
