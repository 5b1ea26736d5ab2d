/* layout/: a made-up CPython of every table is found and proved with no file of it at hand. */
#include "test_layout_fake.h"

static struct pl_layout *resolved(struct opened *o)
{
	struct pl_layout *l = NULL;
	struct pl_err err = {0};
	int rc = pl_layout_resolve(o->im, &o->ctx, &l, &err);

	if (rc)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	return l;
}

static void refused(struct opened *o, int code, const char *part)
{
	struct pl_layout *l = NULL;
	struct pl_err err = {0};

	assert_int_equal(pl_layout_resolve(o->im, &o->ctx, &l, &err), code);
	assert_null(l);
	if (!strstr(err.text, part))
		print_error("%s\n", err.text);
	assert_non_null(strstr(err.text, part));
}

/* Every place of the fake was found, whatever table the offsets come from. */
static void assert_places(const struct fake *f, const struct pl_layout *l)
{
	struct pl_gc_list want[4], got[4];
	unsigned n = pl_layout_gc_lists(&f->l, f->interp, want);

	assert_int_equal(l->type_type, f->type);
	assert_int_equal(l->runtime, f->runtime);
	assert_int_equal(l->gc_statics, f->statics);
	assert_int_equal(l->interp_head, f->interp);
	if (pl_has(l->f.runtime_tstate_current))
		assert_int_equal(l->tstate_current, f->thread);
	assert_int_equal(pl_layout_gc_lists(l, l->interp_head, got), n);
	for (unsigned i = 0; i < n; i++) {
		assert_string_equal(got[i].name, want[i].name);
		assert_int_equal(got[i].head, want[i].head);
		assert_int_equal(got[i].record, want[i].record);
	}
	assert_int_equal(l->f.interp_modules, f->l.f.interp_modules);
}

static void every_table(void **state)
{
	size_t n;
	const struct pl_layout_table *t = pl_layout_tables(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct pl_layout *l;
		struct fake f;
		struct opened o;

		fake_init(&f, &t[i], NULL);
		fake_open(&f, &o);
		l = resolved(&o);
		assert_int_equal(l->hexversion, t[i].hexversion);
		assert_string_equal(l->version_source, "sys.version text");
		assert_int_equal(l->best, PL_FROM_TABLE);
		assert_int_equal(l->module, -1);
		assert_int_equal(l->object_align, 16);
		assert_places(&f, l);
		pl_layout_free(l);
		close_opened(&o);
		fake_fini(&f);
	}
}

static void assert_rejected(const struct pl_layout *l, const char *what)
{
	for (size_t i = 0; i < l->rejected.n; i++) {
		if (!strcmp(l->rejected.at[i].what, what)) {
			assert_true(*l->rejected.at[i].why);
			return;
		}
	}
	fail_msg("%s was not rejected", what);
}

/* 3.13.5 as upstream has it, which is in no table: Debian's is tried, rejected, and said. */
static void generations_of_upstream(struct pl_layout *l)
{
	l->f.gc_generations = 24;
}

static void variant_of_a_table(void **state)
{
	struct pl_layout *l;
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.13.5-debian"), generations_of_upstream);
	fake_open(&f, &o);
	l = resolved(&o);
	assert_places(&f, l);
	assert_int_equal(l->best, PL_FROM_TABLE);
	assert_string_equal(l->table, "3.13.5-debian");
	assert_int_equal(l->source[PL_F_gc_generations], PL_FROM_INFERENCE);
	assert_rejected(l, "table 3.13.5-debian");
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

/* 3.7.3, before gc heads grew to 32 bytes (bpo-27987). */
static void short_head(struct pl_layout *l)
{
	l->hexversion = 0x030703f0;
	assert_string_equal(pl_layout_variant(l, 0), "gc head of 24 bytes");
	assert_null(pl_layout_variant(l, 0));
}

static void another_patch_and_its_variant(void **state)
{
	struct pl_layout *l;
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.7.16-pyenv"), short_head);
	fake_open(&f, &o);
	l = resolved(&o);
	assert_places(&f, l);
	assert_int_equal(l->best, PL_FROM_SAME_MINOR);
	assert_string_equal(l->version, "3.7.3");
	assert_int_equal(l->f.gc_head_size, 24);
	assert_int_equal(l->f.generation_size, 32);
	assert_rejected(l, "table 3.7.16-pyenv");
	assert_note(&o, "same-minor-layout", l->table);
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

/* A patch release of the future: something before the static types grew by five words. */
static void grown_before_static_types(struct pl_layout *l)
{
	l->hexversion = 0x030d63f0;
	l->f.interp_types += 40;
	l->f.interp_static_types += 40;
	l->f.interp_interned += 40;
}

static void tail_of_the_interpreter_moved(void **state)
{
	struct pl_layout *l;
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.13.18-debian"), grown_before_static_types);
	/* an allocator's state, where the table says */
	fake_word(&f, f.interp, f.l.f.interp_obmalloc, f.nodes + 4 * FAKE_NODE_BYTES + 64);
	fake_open(&f, &o);
	l = resolved(&o);
	assert_places(&f, l);
	assert_string_equal(l->version, "3.13.99");
	assert_int_equal(l->f.interp_static_types, f.l.f.interp_static_types);
	assert_int_equal(l->f.interp_interned, f.l.f.interp_interned);
	assert_int_equal(l->f.interp_obmalloc, f.l.f.interp_obmalloc);
	assert_int_equal(l->f.interp_freelists, f.l.f.interp_freelists);
	assert_int_equal(l->source[PL_F_interp_static_types], PL_FROM_INFERENCE);
	assert_int_equal(l->source[PL_F_interp_obmalloc], PL_FROM_SAME_MINOR);
	/* between the freelists and the types: moved or not, nobody can tell */
	assert_false(pl_has(l->f.free_memerrors));
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

/* An odd multiple of 8 among the blocks: pymalloc aligned to 8 then (bpo-27987). */
static void blocks_aligned_to_8(void **state)
{
	struct pl_layout *l;
	struct fake f;
	struct opened o;
	pl_addr last, moved, head;
	struct pl_gc_list lists[4];

	(void)state;
	fake_init(&f, fake_table("3.6.15-pyenv"), NULL);
	pl_layout_gc_lists(&f.l, f.interp, lists);
	head = lists[1].head;
	last = f.nodes + (FAKE_NODES - 1) * FAKE_NODE_BYTES;
	moved = last + 8;
	memmove(fake_at(&f, moved), fake_at(&f, last), 128);
	fake_link(&f, last - FAKE_NODE_BYTES, moved);
	fake_link(&f, moved, head);
	fake_open(&f, &o);
	l = resolved(&o);
	assert_int_equal(l->object_align, 8);
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

static void a_little_damage_is_tolerated(void **state)
{
	struct pl_layout *l;
	struct fake f;
	struct opened o;
	pl_addr node;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	node = f.nodes + 7 * FAKE_NODE_BYTES;
	fake_word(&f, node + (uint64_t)f.l.f.gc_head_size, f.l.f.object_type, 0xdead);
	fake_open(&f, &o);
	l = resolved(&o);
	assert_places(&f, l);
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

static void wrong_in_many_nodes(void **state)
{
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	for (unsigned i = 0; i < FAKE_NODES; i += 3)
		fake_word(&f, f.nodes + i * FAKE_NODE_BYTES + (uint64_t)f.l.f.gc_head_size,
			  f.l.f.object_type, f.interp);
	fake_open(&f, &o);
	refused(&o, PL_E_LAYOUT, "14 are no objects");
	close_opened(&o);
	fake_fini(&f);
}

static void links_do_not_point_back(void **state)
{
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	for (unsigned i = 1; i < FAKE_NODES; i += 3)
		fake_word(&f, f.nodes + i * FAKE_NODE_BYTES, f.l.f.gc_head_prev, f.nodes);
	fake_open(&f, &o);
	refused(&o, PL_E_LAYOUT, "not linked back");
	close_opened(&o);
	/* inside a collection prev holds reference counts, and says nothing against the layout */
	fake_put(&f, pl_layout_gc_state(&f.l, f.interp) + (uint64_t)f.l.f.gc_collecting, 1, 4);
	fake_open(&f, &o);
	pl_layout_free(resolved(&o));
	close_opened(&o);
	fake_fini(&f);
}

static void lists_without_end(void **state)
{
	struct fake f;
	struct opened o;
	struct pl_layout *l;
	pl_addr last;

	(void)state;
	fake_init(&f, fake_table("3.10.13-pyenv"), NULL);
	last = f.nodes + (FAKE_NODES - 1) * FAKE_NODE_BYTES;
	/* the last node leads back to the first: the walk ends, and the lie is one fault of many */
	fake_word(&f, last, f.l.f.gc_head_next, f.nodes);
	fake_open(&f, &o);
	l = resolved(&o);
	assert_places(&f, l);
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

static void negative_threshold(void **state)
{
	struct fake f;
	struct opened o;
	struct pl_gc_list lists[4];

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	pl_layout_gc_lists(&f.l, f.interp, lists);
	fake_put(&f, lists[2].record + (uint64_t)f.l.f.generation_threshold, 0xdeadbeef, 4);
	fake_open(&f, &o);
	refused(&o, PL_E_LAYOUT, "generation 2 has threshold 3735928559");
	close_opened(&o);
	fake_fini(&f);
}

static void type_of_another_type(void **state)
{
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	fake_word(&f, f.type, f.l.f.object_type, f.object);
	fake_open(&f, &o);
	refused(&o, PL_E_LAYOUT, "PyType_Type was not found");
	close_opened(&o);
	fake_fini(&f);
}

static void thread_of_another_interpreter(void **state)
{
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	fake_word(&f, f.thread, f.l.f.thread_interp, f.modules);
	fake_open(&f, &o);
	refused(&o, PL_E_LAYOUT, "the runtime has no interpreter");
	close_opened(&o);
	fake_fini(&f);
}

static void modules_without_sys(void **state)
{
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	fake_word(&f, f.interp, f.l.f.interp_modules, f.thread);
	fake_open(&f, &o);
	refused(&o, PL_E_LAYOUT, "the runtime has no interpreter");
	close_opened(&o);
	fake_fini(&f);
}

/* Interpreters in a circle, a thread that follows itself. */
static void circles(void **state)
{
	struct fake f;
	struct opened o;
	struct pl_layout *l;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	fake_word(&f, f.interp, f.l.f.interp_next, f.interp);
	fake_word(&f, f.thread, f.l.f.thread_next, f.thread);
	fake_open(&f, &o);
	l = resolved(&o);
	assert_places(&f, l);
	pl_layout_free(l);
	close_opened(&o);
	fake_fini(&f);
}

static void other_implementations(void **state)
{
	static const struct {
		const char *path, *text, *part;
	} rows[] = {
		{"/usr/lib/libpypy3.9-c.so", NULL, "PyPy"},
		{"/opt/lib/libpython3.8.so.1.0", "3.8.12 (x, 0) \n[Pyston 2.3.5, GCC 9.4.0]",
		 "Pyston"},
		{"/opt/lib/libpython3.10.so.1.0", "3.10.5+cinder (x, 0) [Cinder]", NULL},
		{"/usr/lib/libpython3.13t.so.1.0", NULL, "free-threaded CPython 3.13"},
		{"/usr/lib/libpython3.5m.so.1.0", NULL, "3.5 is not supported"},
		{"/usr/lib/libpython3.16.so.1.0", NULL, "3.16 is not supported"},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		struct fake f;
		struct opened o;

		fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
		memset(f.data, 0, FAKE_DATA_BYTES);
		if (rows[i].text)
			memcpy(f.data + 999, rows[i].text, strlen(rows[i].text));
		strcpy(f.path, rows[i].path);
		fake_open(&f, &o);
		if (rows[i].part)
			refused(&o, PL_E_UNSUPPORTED, rows[i].part);
		else
			/* its text is no sys.version of ours: the name tells the minor, the proof
			 * the rest */
			refused(&o, PL_E_LAYOUT, "no layout fits this CPython 3.10");
		close_opened(&o);
		fake_fini(&f);
	}
}

static void no_python(void **state)
{
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	memset(f.data, 0, FAKE_DATA_BYTES);
	strcpy(f.path, "/usr/lib/libc.so.6");
	fake_open(&f, &o);
	refused(&o, PL_E_NO_PYTHON, "no CPython");
	close_opened(&o);
	fake_fini(&f);
}

static void cancelled(void **state)
{
	struct fake f;
	struct opened o;

	(void)state;
	fake_init(&f, fake_table("3.11.7-pyenv"), NULL);
	fake_open(&f, &o);
	o.ctx.cancel = true;
	refused(&o, PL_E_CANCELLED, "");
	close_opened(&o);
	fake_fini(&f);
}

/* Bytes of the process at random places get random values: any answer will do, but there is one. */
static void random_damage(void **state)
{
	uint64_t seed = 20261120;
	unsigned passed = 0, failed = 0;
	size_t n;
	const struct pl_layout_table *t = pl_layout_tables(&n);

	(void)state;
	for (size_t round = 0; round < 4 * n; round++) {
		struct pl_layout *l = NULL;
		struct pl_err err = {0};
		struct fake f;
		struct opened o;

		fake_init(&f, &t[round % n], NULL);
		for (unsigned i = 0; i < 100; i++) {
			pl_addr at;

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			at = (seed >> 33) % (f.heap_end - FAKE_HEAP) & ~7u;
			memcpy(f.heap + at, &(uint64_t){seed & 1 ? seed : f.heap_end - at}, 8);
		}
		fake_open(&f, &o);
		if (pl_layout_resolve(o.im, &o.ctx, &l, &err) == 0) {
			struct pl_freelist *lists;

			pl_layout_freelists(o.im, l, l->interp_head, &lists);
			free(lists);
			assert_int_equal(l->type_type, f.type);
			passed++;
		} else {
			assert_true(*err.text);
			failed++;
		}
		pl_layout_free(l);
		close_opened(&o);
		fake_fini(&f);
	}
	/* the seed is fixed: some are damaged too much, some are not */
	assert_true(failed > 0);
	assert_true(passed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table),
		cmocka_unit_test(variant_of_a_table),
		cmocka_unit_test(another_patch_and_its_variant),
		cmocka_unit_test(tail_of_the_interpreter_moved),
		cmocka_unit_test(blocks_aligned_to_8),
		cmocka_unit_test(a_little_damage_is_tolerated),
		cmocka_unit_test(wrong_in_many_nodes),
		cmocka_unit_test(links_do_not_point_back),
		cmocka_unit_test(lists_without_end),
		cmocka_unit_test(negative_threshold),
		cmocka_unit_test(type_of_another_type),
		cmocka_unit_test(thread_of_another_interpreter),
		cmocka_unit_test(modules_without_sys),
		cmocka_unit_test(circles),
		cmocka_unit_test(other_implementations),
		cmocka_unit_test(no_python),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(random_damage),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
