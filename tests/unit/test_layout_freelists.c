/* layout/freelists.c: where each kind of version keeps its dead objects. */
#include "test_layout_fake.h"

static const struct pl_freelist *list_of(const struct pl_freelist *lists, size_t n,
					 const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(lists[i].name, name))
			return &lists[i];
	return NULL;
}

/* The freelists of the fake, as laid out by its own table. */
static size_t lists_of(struct fake *f, struct opened *o, struct pl_freelist **ret)
{
	f->l.module = -1;
	fake_open(f, o);
	return pl_layout_freelists(o->im, &f->l, f->interp, ret);
}

static pl_addr at(const struct fake *f, int32_t offset)
{
	return f->interp + (uint64_t)(int64_t)offset;
}

static void arrays_and_chains(void **state)
{
	static const char *const tables[] = {"3.10.13-pyenv", "3.11.7-pyenv", "3.13.0-pyenv"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(tables); i++) {
		const struct pl_freelist *one;
		struct pl_freelist *lists;
		struct opened o;
		struct fake f;
		size_t n;
		/* up to 3.10 slot 0 holds the empty tuple, which lives */
		bool by_length = !strcmp(tables[i], "3.10.13-pyenv");

		fake_init(&f, fake_table(tables[i]), NULL);
		fake_put(&f, at(&f, f.l.f.free_floats_n), 3, 4);
		fake_put(&f, at(&f, f.l.f.free_lists_n), 200, 4);
		fake_put(&f, at(&f, f.l.f.free_dicts_n), (uint32_t)-1, 4);
		fake_put(&f, at(&f, f.l.f.free_slices), f.dict, 8);
		fake_put(&f, at(&f, f.l.f.free_tuples_n), 1, 4);
		fake_put(&f, at(&f, f.l.f.free_tuples_n) + 4, 7, 4);
		n = lists_of(&f, &o, &lists);
		one = list_of(lists, n, "floats");
		assert_int_equal(one->kind, PL_FREELIST_CHAIN_TYPE);
		assert_int_equal(one->where, at(&f, f.l.f.free_floats));
		assert_int_equal(one->count, 3);
		assert_true(one->objects);
		/* no more than the array holds; a count below zero is none */
		one = list_of(lists, n, "lists");
		assert_int_equal(one->kind, PL_FREELIST_ARRAY);
		assert_int_equal(one->count, 80);
		assert_int_equal(list_of(lists, n, "dicts")->count, 0);
		assert_int_equal(list_of(lists, n, "slices")->count, 1);
		assert_false(list_of(lists, n, "dictkeys")->objects);
		one = list_of(lists, n, "contexts");
		assert_int_equal(one->kind, PL_FREELIST_CHAIN_AT);
		assert_int_equal(one->link_offset, f.l.f.context_weaklist);
		assert_null(list_of(lists, n, "tuples[0]"));
		assert_int_equal(list_of(lists, n, "tuples[1]")->count, by_length ? 7 : 1);
		one = list_of(lists, n, by_length ? "tuples[1]" : "tuples[2]");
		assert_int_equal(one->count, 7);
		assert_int_equal(one->where, at(&f, f.l.f.free_tuples) + 8);
		assert_int_equal(one->kind, PL_FREELIST_CHAIN_AT);
		assert_int_equal(one->link_offset, f.l.f.tuple_items);
		assert_int_equal(list_of(lists, n, "frames") != NULL, by_length);
		free(lists);
		close_opened(&o);
		fake_fini(&f);
	}
}

static void records_of_one_shape(void **state)
{
	const struct pl_freelist *one;
	struct pl_freelist *lists;
	struct opened o;
	struct fake f;
	size_t n;

	(void)state;
	fake_init(&f, fake_table("3.14.10-debian"), NULL);
	fake_put(&f, at(&f, f.l.f.free_ints_n), 5, 8);
	fake_put(&f, at(&f, f.l.f.free_tuples) + 16 + 8, 9, 8);
	n = lists_of(&f, &o, &lists);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(lists[i].kind, strcmp(lists[i].name, "memerrors")
							? PL_FREELIST_CHAIN_FIRST
							: PL_FREELIST_CHAIN_AT);
	one = list_of(lists, n, "ints");
	assert_int_equal(one->where, at(&f, f.l.f.free_ints));
	assert_int_equal(one->count, 5);
	one = list_of(lists, n, "tuples[2]");
	assert_int_equal(one->where, at(&f, f.l.f.free_tuples) + 16);
	assert_int_equal(one->count, 9);
	assert_non_null(list_of(lists, n, "tuples[20]"));
	assert_null(list_of(lists, n, "tuples[21]"));
	assert_false(list_of(lists, n, "stack_chunks")->objects);
	assert_true(list_of(lists, n, "methods")->objects);
	free(lists);
	close_opened(&o);
	fake_fini(&f);
}

/* Dead unicode objects of 2.7 look alive, so they are searched for where there are no symbols. */
static void unicode_of_python2(void **state)
{
	enum { LENGTH = 5, APART = 64, FLAG_UNICODE = 1 << 28 };
	struct pl_freelist *lists;
	struct opened o;
	struct fake f;
	pl_addr unicode, chain, variable;

	(void)state;
	fake_init(&f, fake_table("2.7.18-pyenv"), NULL);
	unicode = fake_type(&f, FLAG_UNICODE, 48, f.object);
	variable = fake_take(&f.data_end, 64);
	chain = fake_take(&f.data_end, LENGTH * APART);
	fake_put(&f, variable, chain, 8);
	for (pl_addr i = 0; i < LENGTH; i++) {
		fake_put(&f, chain + i * APART, i + 1 < LENGTH ? chain + (i + 1) * APART : 0, 8);
		fake_put(&f, chain + i * APART + 8, unicode, 8);
	}
	/* a pointer into the middle of the chain, and one to a living object */
	fake_put(&f, variable + 16, chain + 2 * APART, 8);
	fake_put(&f, variable + 24, fake_object(&f, unicode, 64), 8);
	assert_int_equal(lists_of(&f, &o, &lists), 1);
	assert_string_equal(lists[0].name, "unicode");
	assert_int_equal(lists[0].kind, PL_FREELIST_CHAIN_FIRST);
	assert_int_equal(lists[0].where, variable);
	assert_int_equal(lists[0].count, LENGTH);
	free(lists);
	close_opened(&o);
	/* a chain that runs in a circle is none */
	fake_put(&f, chain + 4 * APART, chain, 8);
	assert_int_equal(lists_of(&f, &o, &lists), 0);
	close_opened(&o);
	fake_fini(&f);
}

static void nothing_without_an_interpreter(void **state)
{
	struct pl_freelist *lists;
	struct opened o;
	struct fake f;

	(void)state;
	fake_init(&f, fake_table("3.12.1-pyenv"), NULL);
	f.interp = 0;
	assert_int_equal(lists_of(&f, &o, &lists), 0);
	assert_null(lists);
	close_opened(&o);
	fake_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_and_chains),
		cmocka_unit_test(records_of_one_shape),
		cmocka_unit_test(unicode_of_python2),
		cmocka_unit_test(nothing_without_an_interpreter),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
