/*
 * Struct members, asked about this very test program and about what other compilers' settings make.
 */
#include "test_image_self.h"

/* ---- what is asked about ---- */

union test_inner {
	long as_long;
	struct {
		int low, high;
	};
};

struct test_outer;
typedef struct test_outer test_opaque; /* a typedef of what is complete only further down */

typedef struct {
	char tag;
	union test_inner inner;
	struct {
		short in_anonymous;
		union {
			double deep;
			char bytes[8];
		};
	};
	unsigned first : 2, second : 3;
	unsigned : 0;
	unsigned long wide : 40;
	volatile const int *pointer;
	struct test_generation {
		void *head, *tail;
		int count;
	} generations[3];
	int matrix[4][5];
	void *items[1];
	char open_ended[];
} test_anonymous_typedef;

struct test_outer {
	test_anonymous_typedef *p;
	struct {
		struct {
			long collecting;
		} gc;
	} runtime;
};

/* In .debug_str the name of the one is the end of the other, and linkers store only one. */
typedef union test_inner prefix_test_inner;
extern prefix_test_inner test_prefixed;
prefix_test_inner test_prefixed;

extern struct test_outer test_global;
struct test_outer test_global = {.runtime = {{42}}};
extern test_anonymous_typedef *test_pointer;
test_anonymous_typedef *test_pointer;
extern test_opaque *test_opaque_pointer;
test_opaque *test_opaque_pointer = &test_global;

/* ---- this program ---- */

#define T test_anonymous_typedef
#define MEMBER(s, m)                                                                      \
	{                                                                                 \
		{.strct = #s, .member = #m}, (int64_t)offsetof(s, m), sizeof(((s *)0)->m) \
	}

struct truth {
	struct pl_member_query q;
	int64_t offset;
	uint64_t size;
};

static const struct truth truths[] = {
	MEMBER(test_anonymous_typedef, tag),
	MEMBER(test_anonymous_typedef, inner),
	MEMBER(test_anonymous_typedef, inner.as_long),
	MEMBER(test_anonymous_typedef, inner.high),
	MEMBER(test_anonymous_typedef, in_anonymous),
	MEMBER(test_anonymous_typedef, deep),
	MEMBER(test_anonymous_typedef, bytes),
	MEMBER(test_anonymous_typedef, bytes[3]),
	MEMBER(test_anonymous_typedef, pointer),
	MEMBER(test_anonymous_typedef, generations),
	MEMBER(test_anonymous_typedef, generations[0].tail),
	MEMBER(test_anonymous_typedef, generations[2].count),
	MEMBER(test_anonymous_typedef, matrix),
	MEMBER(test_anonymous_typedef, matrix[2]),
	MEMBER(test_anonymous_typedef, matrix[3][4]),
	MEMBER(test_anonymous_typedef, items),
	{{.strct = "test_outer", .member = "runtime.gc.collecting"},
	 offsetof(struct test_outer, runtime.gc.collecting),
	 sizeof(long)},
	{{.strct = "test_opaque", .member = "runtime.gc"},
	 offsetof(struct test_outer, runtime.gc),
	 sizeof(long)},
	{{.strct = "test_anonymous_typedef", .member = "open_ended"}, offsetof(T, open_ended), 0},
	{{.strct = "test_anonymous_typedef", .member = "open_ended[7]"},
	 offsetof(T, open_ended) + 7,
	 1},
	/* sizes of structs */
	{{.strct = "test_anonymous_typedef", .member = ""}, sizeof(T), sizeof(T)},
	{{.strct = "test_generation", .member = ""},
	 sizeof(struct test_generation),
	 sizeof(struct test_generation)},
	{{.strct = "test_inner", .member = ""}, sizeof(union test_inner), sizeof(union test_inner)},
	/* alternatives, the first that is there */
	{{.strct = "no_such_struct|test_outer", .member = "p"}, 0, sizeof(void *)},
	{{.strct = "test_outer|test_inner", .member = "no|runtime|p"},
	 offsetof(struct test_outer, runtime),
	 sizeof(long)},
	{{.strct = "test_outer|test_inner", .member = "high"},
	 offsetof(union test_inner, high),
	 sizeof(int)},
};

static const struct {
	struct pl_member_query q;
	bool has_struct;
} unanswerable[] = {
	{{.strct = "no_such_struct", .member = "x"}, false},
	{{.strct = "test_opaqu", .member = "p"}, false}, /* the beginning of a name */
	{{.strct = "outer", .member = "p"}, false},      /* the end of one */
	{{.strct = "", .member = ""}, false},
	{{.strct = "test_outer", .member = "no_such_member"}, true},
	{{.strct = "test_outer", .member = "p.tag"}, true}, /* pointers are not followed */
	{{.strct = "test_outer", .member = "runtime."}, true},
	{{.strct = "test_outer", .member = "runtime.gc.collecting.x"}, true},
	{{.strct = "test_outer", .member = "runtime[0]"}, true}, /* no array */
	{{.strct = "test_anonymous_typedef", .member = "generations[3]"}, true},
	{{.strct = "test_anonymous_typedef", .member = "matrix[0][5]"}, true},
	{{.strct = "test_anonymous_typedef", .member = "matrix[0][0][0]"}, true},
	{{.strct = "test_anonymous_typedef", .member = "matrix[]"}, true},
	{{.strct = "test_anonymous_typedef", .member = "matrix[1"}, true},
	{{.strct = "test_anonymous_typedef", .member = "matrix[99999999999999999999]"}, true},
	{{.strct = "test_anonymous_typedef", .member = "open_ended[4000000000]"}, true},
};

static void check_members(struct opened *o, const char *const *hints)
{
	struct pl_member_query q[PL_ARRAY_LEN(truths) + PL_ARRAY_LEN(unanswerable)];
	size_t n = 0;

	for (size_t i = 0; i < PL_ARRAY_LEN(truths); i++)
		q[n++] = truths[i].q;
	for (size_t i = 0; i < PL_ARRAY_LEN(unanswerable); i++)
		q[n++] = unanswerable[i].q;
	assert_true(pl_image_dwarf_members(o->im, 0, hints, q, n));
	for (size_t i = 0; i < PL_ARRAY_LEN(truths); i++) {
		const struct truth *t = &truths[i];

		if (!q[i].found || q[i].offset != t->offset || q[i].size != t->size)
			print_error("%s . %s\n", q[i].strct, q[i].member);
		assert_true(q[i].found);
		assert_true(q[i].has_struct);
		assert_int_equal(q[i].offset, t->offset);
		assert_int_equal(q[i].size, t->size);
		assert_int_equal(q[i].bit_size, 0);
	}
	for (size_t i = 0; i < PL_ARRAY_LEN(unanswerable); i++) {
		const struct pl_member_query *u = &q[PL_ARRAY_LEN(truths) + i];

		if (u->found || u->has_struct != unanswerable[i].has_struct)
			print_error("%s . %s\n", u->strct, u->member);
		assert_false(u->found);
		assert_int_equal(u->has_struct, unanswerable[i].has_struct);
	}
}

static void members(void **state)
{
	const char *const hints[] = {"no/such/unit.c", "test_image_symbols.c", NULL};
	struct pl_member_query inner = {.strct = "test_inner", .member = "high"};
	struct opened o;

	(void)state;
	open_self(&o);
	check_members(&o, NULL);
	check_members(&o, hints);
	/* alone, so that no other name makes the unit be read */
	assert_true(pl_image_dwarf_members(o.im, 0, NULL, &inner, 1));
	assert_true(inner.found);
	assert_false(pl_image_dwarf_members(o.im, -1, NULL, NULL, 0));
	assert_false(pl_image_dwarf_members(o.im, 1, NULL, NULL, 0));
	close_opened(&o);
}

/* The bits that a field of all ones sets, read through the answer. */
static void check_bits(const struct pl_member_query *q, const T *ones)
{
	uint64_t word = pl_ldn((const uint8_t *)ones + q->offset, (unsigned)q->size);
	uint64_t mask = ((UINT64_C(1) << q->bit_size) - 1) << q->bit_offset;

	assert_true(q->found);
	assert_int_equal(word, mask);
}

static void bit_fields(void **state)
{
	struct pl_member_query q[] = {
		{.strct = "test_anonymous_typedef", .member = "first"},
		{.strct = "test_anonymous_typedef", .member = "second"},
		{.strct = "test_anonymous_typedef", .member = "wide"},
	};
	static const T first = {.first = 3}, second = {.second = 7},
		       wide = {.wide = (UINT64_C(1) << 40) - 1};
	struct opened o;

	(void)state;
	open_self(&o);
	assert_true(pl_image_dwarf_members(o.im, 0, NULL, q, PL_ARRAY_LEN(q)));
	assert_int_equal(q[0].bit_size, 2);
	assert_int_equal(q[1].bit_size, 3);
	assert_int_equal(q[2].bit_size, 40);
	check_bits(&q[0], &first);
	check_bits(&q[1], &second);
	check_bits(&q[2], &wide);
	close_opened(&o);
}

/* ---- other compilers' DWARF ---- */

/* Old DWARF counts bit fields from the other end, and may write offsets as expressions. */
static void old_dwarf(void **state)
{
	static const char source[] =
		"struct old_outer { char c; int a; unsigned first : 2, second : 3, "
		"third : 27, fourth : 5; } old_global;\n";
	static const struct {
		const char *member;
		unsigned offset, bit_size, bit_offset;
	} want[] = {{"a", 4, 0, 0},
		    {"first", 8, 2, 0},
		    {"second", 8, 3, 2},
		    {"third", 8, 27, 5},
		    {"fourth", 12, 5, 0}};

	(void)state;
	for (unsigned version = 2; version <= 5; version++) {
		const char *so = in_scratch("old.so");
		struct pl_member_query q[PL_ARRAY_LEN(want)] = {0};
		struct opened o;

		write_file(in_scratch("old.c"), source, sizeof(source) - 1);
		run("${CC:-cc} -g -gdwarf-%u -gstrict-dwarf -shared -fPIC -o '%s' '%s/old.c'",
		    version, so, scratch);
		for (size_t i = 0; i < PL_ARRAY_LEN(want); i++)
			q[i] = (struct pl_member_query){.strct = "old_outer",
							.member = want[i].member};
		open_file(&o, so, so, NULL);
		assert_true(pl_image_dwarf_members(o.im, 0, NULL, q, PL_ARRAY_LEN(q)));
		for (size_t i = 0; i < PL_ARRAY_LEN(want); i++) {
			assert_true(q[i].found);
			assert_int_equal(q[i].offset, want[i].offset);
			assert_int_equal(q[i].size, 4);
			assert_int_equal(q[i].bit_size, want[i].bit_size);
			assert_int_equal(q[i].bit_offset, want[i].bit_offset);
		}
		close_opened(&o);
	}
}

/* A unit that only declares a struct is passed over, and of two definitions the hinted one counts.
 */
static void definitions_in_several_units(void **state)
{
	static const char one[] = "struct elsewhere; struct elsewhere *one_pointer;\n"
				  "static struct own { int x; } one_own;\n"
				  "void *one(void) { return &one_own; }\n",
			  two[] = "struct elsewhere { long first, wanted; } two_global;\n"
				  "static struct own { long y, x; } two_own;\n"
				  "void *two(void) { return &two_own; }\n";
	const char *const hints[][2] = {{"/one.c", NULL}, {"/two.c", NULL}};
	const char *so = in_scratch("units.so");
	struct opened o;

	(void)state;
	write_file(in_scratch("one.c"), one, sizeof(one) - 1);
	write_file(in_scratch("two.c"), two, sizeof(two) - 1);
	run("${CC:-cc} -g -shared -fPIC -o '%s' '%s/one.c' '%s/two.c'", so, scratch, scratch);
	open_file(&o, so, so, NULL);
	for (size_t i = 0; i < PL_ARRAY_LEN(hints); i++) {
		struct pl_member_query q[] = {
			{.strct = "elsewhere", .member = "wanted"},
			{.strct = "own", .member = "x"},
		};

		assert_true(pl_image_dwarf_members(o.im, 0, hints[i], q, PL_ARRAY_LEN(q)));
		assert_true(q[0].found);
		assert_int_equal(q[0].offset, sizeof(long));
		assert_true(q[1].found);
		assert_int_equal(q[1].offset, i ? sizeof(long) : 0);
	}
	close_opened(&o);
}

/* ---- dwz ---- */

/* Types that moved to dwz's common file are found where they are imported. */
static void dwz_common_file(void **state)
{
	char path[512], dir[256], command[2048];
	struct opened o;

	(void)state;
	if (system("command -v dwz >/dev/null") != 0)
		skip();
	snprintf(dir, sizeof(dir), "%s", in_scratch("dwz"));
	build_id_path(path, sizeof(path), dir);
	/* two files alike, so that dwz has something to share */
	run("objcopy --only-keep-debug '%s' '%s' && cp '%s' '%s/twin.debug' && mkdir '%s/.dwz'",
	    self, path, path, dir, dir);
	snprintf(command, sizeof(command),
		 "dwz -m '%s/.dwz/common' -M /usr/lib/debug/.dwz/common '%s' '%s/twin.debug'", dir,
		 path, dir);
	if (system(command) != 0)
		skip(); /* dwz does not know every compiler's DWARF */
	run("readelf -SW '%s' 2>/dev/null | grep -q gnu_debugaltlink", path);
	open_named(&o, "/gone/away", dir);
	check_members(&o, NULL);
	close_opened(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),         cmocka_unit_test(bit_fields),
		cmocka_unit_test(old_dwarf),       cmocka_unit_test(definitions_in_several_units),
		cmocka_unit_test(dwz_common_file),
	};

	return cmocka_run_group_tests(tests, find_self, scratch_remove);
}
