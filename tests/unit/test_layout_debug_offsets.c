/* layout/debug_offsets.c: the head of _PyRuntime since 3.13. */
#include "test_layout_fake.h"

#define NOTHING UINT64_MAX /* too large for an offset: the word is not taken */

static const struct expected {
	uint16_t field;
	uint16_t
		at[3]; /* where the word is in 3.13, 3.14, 3.15 (pycore_debug_offsets.h); 0 = not */
} some[] = {
	{PL_F_runtime_interpreters_head, {40, 40, 40}},
	{PL_F_interp_threads_main, {0, 80, 80}},
	{PL_F_interp_gc, {80, 88, 88}},
	{PL_F_interp_builtins, {104, 112, 112}},
	{PL_F_thread_interp, {176, 200, 200}},
	{PL_F_thread_native_id, {200, 224, 248}},
	{PL_F_excinfo_value, {0, 0, 304}},
	{PL_F_iframe_localsplus, {256, 280, 344}},
	{PL_F_code_code, {344, 384, 448}},
	{PL_F_object_type, {360, 408, 472}},
	{PL_F_heaptype_cached_keys, {0, 0, 536}},
	{PL_F_set_mask, {0, 520, 616}},
	{PL_F_dict_values, {464, 544, 640}},
	{PL_F_long_digits, {504, 584, 680}},
	{PL_F_str_ascii_size, {560, 640, 736}},
	{PL_F_gc_collecting, {576, 656, 760}},
	{PL_F_gen_frame_state, {0, 688, 816}},
};

/* The head of a runtime: cookie, version, flag, and words that no field takes. */
static void head(struct fake *f, uint32_t hexversion, uint64_t free_threaded)
{
	memcpy(fake_at(f, f->runtime), PL_DEBUG_COOKIE, 8);
	fake_put(f, f->runtime + 8, hexversion, 8);
	fake_put(f, f->runtime + 16, free_threaded, 8);
	for (pl_addr at = 24; at < 888; at += 8)
		if (at != (pl_addr)f->l.f.runtime_interpreters_head &&
		    at != (pl_addr)f->l.f.runtime_interpreters_main)
			fake_put(f, f->runtime + at, NOTHING, 8);
}

static void words_of_each_minor(void **state)
{
	(void)state;
	for (unsigned minor = 13; minor <= 15; minor++) {
		struct pl_layout l = {0};
		struct fake f;
		struct opened o;
		unsigned n = 0;

		fake_init(&f, fake_table("3.15.2-debian"), NULL);
		head(&f, PL_HEX(3, minor, 0), 0);
		for (size_t i = 0; i < PL_ARRAY_LEN(some); i++) {
			if (!some[i].at[minor - 13])
				continue;
			fake_put(&f, f.runtime + some[i].at[minor - 13], 1000 + i, 8);
			n++;
		}
		fake_open(&f, &o);
		pl_layout_clear(&l);
		assert_int_equal(
			pl_layout_from_debug_offsets(&o.view, f.runtime, PL_HEX(3, minor, 0), &l),
			n);
		for (size_t i = 0; i < PL_ARRAY_LEN(some); i++) {
			bool there = some[i].at[minor - 13];

			assert_int_equal(pl_layout_offset(&l, some[i].field),
					 there ? (int32_t)(1000 + i) : PL_NONE);
			assert_int_equal(l.source[some[i].field],
					 there ? PL_FROM_DEBUG_OFFSETS : PL_FROM_NOWHERE);
		}
		assert_int_equal(l.w.gc_collecting, 4);
		/* a version whose table nobody has read yet gives nothing */
		assert_int_equal(
			pl_layout_from_debug_offsets(&o.view, f.runtime, PL_HEX(3, 16, 0), &l), 0);
		close_opened(&o);
		fake_fini(&f);
	}
}

static void heads(void **state)
{
	struct fake f;
	struct opened o;
	uint32_t hex = 0;
	bool free_threaded = false;

	(void)state;
	fake_init(&f, fake_table("3.15.2-debian"), NULL);
	head(&f, 0x030f02f0, 1);
	fake_put(&f, f.runtime + 2048, 0x7970677562656478, 8); /* the cookie, and nonsense behind */
	fake_put(&f, f.runtime + 2056, 0x0123456789, 8);
	fake_open(&f, &o);
	assert_true(pl_layout_debug_head(&o.view, f.runtime, &hex, &free_threaded));
	assert_int_equal(hex, 0x030f02f0);
	assert_true(free_threaded);
	assert_false(pl_layout_debug_head(&o.view, f.runtime + 2048, &hex, &free_threaded));
	assert_false(pl_layout_debug_head(&o.view, f.runtime + 8, &hex, &free_threaded));
	assert_false(pl_layout_debug_head(&o.view, 0, &hex, &free_threaded));
	assert_false(pl_layout_debug_head(&o.view, FAKE_DATA + FAKE_DATA_BYTES - 8, &hex,
					  &free_threaded));
	close_opened(&o);
	fake_fini(&f);
}

static void the_cookie_finds_the_runtime(void **state)
{
	struct pl_layout *l = NULL;
	struct pl_err err = {0};
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.13.18-debian"), NULL);
	head(&f, 0x030d12f0, 0);
	fake_put(&f, f.runtime + 264, 71, 8); /* interpreter_frame.owner is a byte at 70 in truth */
	strcpy(f.path, "/usr/bin/python3");
	fake_open(&f, &o);
	assert_int_equal(pl_layout_resolve(o.im, &o.ctx, &l, &err), 0);
	assert_int_equal(l->runtime, f.runtime);
	assert_int_equal(l->hexversion, 0x030d12f0);
	assert_string_equal(l->version_source, "debug offsets");
	assert_int_equal(l->interp_head, f.interp);
	/* what the core says goes before the table */
	assert_int_equal(l->f.iframe_owner, 71);
	assert_int_equal(l->w.iframe_owner, 1);
	assert_int_equal(l->source[PL_F_iframe_owner], PL_FROM_DEBUG_OFFSETS);
	assert_int_equal(l->source[PL_F_iframe_func], PL_FROM_TABLE);
	assert_int_equal(l->best, PL_FROM_TABLE);
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

static void free_threaded_is_refused(void **state)
{
	struct pl_layout *l = NULL;
	struct pl_err err = {0};
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.14.10-debian"), NULL);
	head(&f, 0x030e0af0, 1);
	fake_open(&f, &o);
	assert_int_equal(pl_layout_resolve(o.im, &o.ctx, &l, &err), PL_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "free-threaded CPython 3.14.10"));
	close_opened(&o);
	fake_fini(&f);
}

/* 3.14.5 made the collector's state 24 bytes longer: what lies behind it in the interpreter moved.
 */
static void the_tail_of_the_interpreter_moves(void **state)
{
	const struct pl_layout_table *t = fake_table("3.14.10-debian");
	struct pl_layout l = {0};
	int32_t builtins = pl_layout_table_offset(t, PL_F_interp_builtins);
	int32_t size = pl_layout_table_offset(t, PL_F_interp_size);
	int32_t types = pl_layout_table_offset(t, PL_F_interp_static_types);

	(void)state;
	pl_layout_from_table(&l, t, PL_FROM_SAME_MINOR);
	pl_layout_shift_interp(&l, t);
	assert_int_equal(l.f.interp_static_types, types);
	pl_layout_set(&l, PL_F_interp_builtins, builtins - 24, 8, PL_FROM_DEBUG_OFFSETS);
	pl_layout_set(&l, PL_F_interp_size, size - 24, 0, PL_FROM_DEBUG_OFFSETS);
	pl_layout_shift_interp(&l, t);
	assert_int_equal(l.f.interp_static_types, types - 24);
	assert_int_equal(l.source[PL_F_interp_static_types], PL_FROM_INFERENCE);
	assert_int_equal(l.f.interp_builtins, builtins - 24);
	assert_int_equal(l.f.interp_next, pl_layout_table_offset(t, PL_F_interp_next));
	/* the struct grew elsewhere too: nobody knows where */
	pl_layout_from_table(&l, t, PL_FROM_SAME_MINOR);
	pl_layout_set(&l, PL_F_interp_builtins, builtins - 24, 8, PL_FROM_DEBUG_OFFSETS);
	pl_layout_set(&l, PL_F_interp_size, size - 32, 0, PL_FROM_DEBUG_OFFSETS);
	pl_layout_shift_interp(&l, t);
	assert_int_equal(l.f.interp_static_types, types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_each_minor),
		cmocka_unit_test(heads),
		cmocka_unit_test(the_cookie_finds_the_runtime),
		cmocka_unit_test(free_threaded_is_refused),
		cmocka_unit_test(the_tail_of_the_interpreter_moves),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
