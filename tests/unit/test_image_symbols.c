/*
 * Symbols, sections and struct members, asked about this very test program: what the compiler says
 * (offsetof, sizeof, addresses) is the truth. Also separate debug files.
 */
#include <elf.h>
#include <link.h>

#include "test_image_build.h"

#include "image/internal.h"

#define BASE UINT64_C(0x550000000000)

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
static int test_static_variable[10] __attribute__((used)) = {1};

/* Two symbols of one name, as static variables of several files have it, and LTO's spelling. */
__asm__(".data\n"
	".local test_twice.lto_priv.0\n.comm test_twice.lto_priv.0,16,16\n"
	".local test_twice.lto_priv.1\n.comm test_twice.lto_priv.1,16,16\n"
	".local test_twice.constprop.0\n.comm test_twice.constprop.0,16,16\n"
	".text\n");

/* ---- a core that says this program was mapped at BASE ---- */

static char self[256];
static uint64_t self_size;

static int find_self(void **state)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct stat st;

	if (n < 0 || stat(self, &st) < 0)
		return -1;
	self_size = pl_round_up((uint64_t)st.st_size, 4096);
	return scratch_make(state);
}

/* Mapped from path, with the first page of the file page_from. */
static void open_file(struct opened *o, const char *path, const char *page_from,
		      const char *debug_dir)
{
	struct pl_image_options options = {.core = in_scratch("core"), .debug_dir = debug_dir};
	struct build_map map = {BASE, BASE + self_size, 0, path};
	uint8_t page[4096];
	FILE *f = fopen(page_from, "rb");
	struct build b;

	assert_non_null(f);
	assert_int_equal(fread(page, 1, sizeof(page), f), sizeof(page));
	fclose(f);
	build_init(&b);
	build_auxv(&b, AT_PHDR, BASE + sizeof(Elf64_Ehdr));
	build_files(&b, &map, 1);
	build_load(&b, BASE, page, sizeof(page), DEFAULT, self_size, PF_R);
	build_write(&b, options.core);
	build_fini(&b);
	open_with(o, &options);
	assert_int_equal(o->code, 0);
}

/* The same with this program's own first page: whether path is this program is to be found out. */
static void open_named(struct opened *o, const char *path, const char *debug_dir)
{
	open_file(o, path, self, debug_dir);
}

static void open_self(struct opened *o)
{
	open_named(o, self, NULL);
	assert_int_equal(pl_image_modules(o->im, &(size_t){0})[0].state, PL_MODULE_MATCHED);
}

static int first_object(struct dl_phdr_info *info, size_t size, void *ret)
{
	(void)size;
	*(uint64_t *)ret = info->dlpi_addr;
	return 1;
}

/* Where BASE puts what is at p in this process: the main program is the first object listed. */
static pl_addr expected(const void *p)
{
	uint64_t bias = 0;

	dl_iterate_phdr(first_object, &bias);
	return BASE + ((uintptr_t)p - bias);
}

/* ---- symbols ---- */

static void by_name(void **state)
{
	struct opened o;
	struct pl_symbol s;

	(void)state;
	open_self(&o);
	assert_true(pl_image_symbol(o.im, -1, "test_global", &s));
	assert_int_equal(s.addr, expected(&test_global));
	assert_int_equal(s.size, sizeof(test_global));
	assert_int_equal(s.module, 0);
	assert_string_equal(s.name, "test_global");
	assert_true(pl_image_symbol(o.im, 0, "test_static_variable", &s));
	assert_int_equal(s.addr, expected(test_static_variable));
	assert_int_equal(s.size, sizeof(test_static_variable));
	assert_false(pl_image_symbol(o.im, -1, "no_such_symbol_at_all", &s));
	assert_false(pl_image_symbol(o.im, -1, "", &s));
	assert_false(pl_image_symbol(o.im, -1, "printf", &s)); /* undefined here */
	assert_false(pl_image_symbol(o.im, 1, "test_global", &s));
	close_opened(&o);
}

static bool collect(void *arg, const struct pl_symbol *s)
{
	struct {
		PL_VEC(struct pl_symbol) v;
	} *c = arg;

	pl_vec_push(&c->v, *s);
	return c->v.n < 100;
}

static bool first_only(void *arg, const struct pl_symbol *s)
{
	(void)s;
	return ++*(int *)arg < 1;
}

static void by_name_with_suffix(void **state)
{
	struct {
		PL_VEC(struct pl_symbol) v;
	} c = {0};
	struct opened o;
	struct pl_symbol s;
	int calls = 0;

	(void)state;
	open_self(&o);
	assert_true(pl_image_symbol(o.im, -1, "test_twice", &s));
	assert_int_equal(strncmp(s.name, "test_twice.lto_priv.", 20), 0);
	assert_true(pl_image_symbol(o.im, -1, "test_twice.lto_priv.1", &s));
	assert_string_equal(s.name, "test_twice.lto_priv.1");
	assert_false(pl_image_symbol(o.im, -1, "test_twice.lto_priv.7", &s));
	assert_false(pl_image_symbol(o.im, -1, "test_twice.lto_priv", &s));
	assert_false(pl_image_symbol(o.im, -1, "test_twic", &s));
	pl_image_symbols_named(o.im, 0, "test_twice", collect, &c);
	assert_int_equal(c.v.n, 2); /* .constprop is another thing, not another copy */
	assert_int_not_equal(c.v.at[0].addr, c.v.at[1].addr);
	pl_vec_free(&c.v);
	pl_image_symbols_named(o.im, -1, "test_global", collect, &c);
	assert_int_equal(c.v.n, 1); /* though .dynsym may have it, too */
	pl_vec_free(&c.v);
	pl_image_symbols_named(o.im, -1, "test_twice", first_only, &calls);
	assert_int_equal(calls, 1);
	close_opened(&o);
}

static void by_address(void **state)
{
	struct opened o;
	struct pl_symbol s;
	const struct pl_module *m;
	size_t n;

	(void)state;
	open_self(&o);
	assert_true(pl_image_symbol_at(o.im, expected(&test_global), &s));
	assert_string_equal(s.name, "test_global");
	assert_true(pl_image_symbol_at(o.im, expected(&test_static_variable[9]) + 3, &s));
	assert_string_equal(s.name, "test_static_variable");
	assert_int_equal(s.addr, expected(test_static_variable));
	assert_int_equal(s.size, sizeof(test_static_variable));
	assert_true(pl_image_symbol_at(o.im, expected(&test_pointer), &s)); /* .bss */
	assert_string_equal(s.name, "test_pointer");
	assert_true(pl_image_symbol_at(o.im, expected((const void *)(uintptr_t)by_address), &s));
	assert_string_equal(s.name, "by_address");
	m = pl_image_modules(o.im, &n);
	assert_false(pl_image_symbol_at(o.im, m[0].lo, &s)); /* the ELF header */
	assert_false(pl_image_symbol_at(o.im, 0, &s));
	assert_false(pl_image_symbol_at(o.im, UINT64_MAX, &s));
	close_opened(&o);
}

static void sections(void **state)
{
	struct opened o;
	pl_addr addr;
	uint64_t size;

	(void)state;
	open_self(&o);
	assert_true(pl_image_section(o.im, 0, ".data", &addr, &size));
	assert_in_range(expected(&test_global), addr, addr + size - sizeof(test_global));
	assert_true(pl_image_section(o.im, 0, ".bss", &addr, &size));
	assert_in_range(expected(&test_pointer), addr, addr + size - sizeof(test_pointer));
	assert_false(pl_image_section(o.im, 0, ".PyRuntime", &addr, &size));
	assert_false(pl_image_section(o.im, -1, ".data", &addr, &size));
	assert_false(pl_image_section(o.im, 1, ".data", &addr, &size));
	close_opened(&o);
}

/* ---- DWARF ---- */

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

/* ---- separate debug files ---- */

static void run(const char *format, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

/* Path of the debug file for this program's build-id below a directory, whose parts are made. */
static void build_id_path(char *buf, size_t size, const char *dir)
{
	struct opened o;
	const struct pl_module *m;
	char hex[2 * PL_BUILD_ID_MAX + 1];

	open_self(&o);
	m = pl_image_modules(o.im, &(size_t){0});
	assert_true(m->core_build_id_len > 0);
	pl_build_id_hex(m->core_build_id, m->core_build_id_len, hex);
	close_opened(&o);
	run("mkdir -p %s/.build-id/%.2s", dir, hex);
	snprintf(buf, size, "%s/.build-id/%.2s/%s.debug", dir, hex, hex + 2);
}

static void assert_all_known(struct opened *o)
{
	struct pl_symbol s;
	pl_addr addr;
	uint64_t size;

	assert_true(pl_image_symbol(o->im, -1, "test_static_variable", &s));
	assert_int_equal(s.addr, expected(test_static_variable));
	assert_true(pl_image_symbol_at(o->im, expected(&test_static_variable[2]), &s));
	assert_string_equal(s.name, "test_static_variable");
	assert_true(pl_image_section(o->im, 0, ".bss", &addr, &size));
	check_members(o, NULL);
}

static bool count(void *arg, const struct pl_symbol *s)
{
	(void)s;
	++*(int *)arg;
	return true;
}

/* The file is gone, but a debug file of that build-id is there. */
static void debug_file_by_build_id(void **state)
{
	int n = 0;
	char path[512], dir[256];
	struct opened o;
	struct pl_symbol s;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", in_scratch("dbg"));
	build_id_path(path, sizeof(path), dir);
	open_named(&o, "/gone/away", dir);
	assert_false(pl_image_symbol(o.im, -1, "test_global", &s));
	close_opened(&o);
	run("objcopy --only-keep-debug '%s' '%s'", self, path);
	open_named(&o, "/gone/away", dir);
	assert_int_equal(pl_image_modules(o.im, &(size_t){0})[0].state, PL_MODULE_MISSING);
	assert_all_known(&o);
	close_opened(&o);
	/* a symbol that both the file and its debug file list is still one */
	open_named(&o, self, dir);
	pl_image_symbols_named(o.im, -1, "test_static_variable", count, &n);
	assert_int_equal(n, 1);
	close_opened(&o);
	/* compressed, as distributions ship them */
	run("objcopy --compress-debug-sections '%s'", path);
	open_named(&o, "/gone/away", dir);
	assert_all_known(&o);
	close_opened(&o);
	/* as a tree into which a debug package was unpacked */
	run("mkdir -p '%s/tree/usr/lib' && mv '%s' '%s/tree/usr/lib/debug'", scratch, dir, scratch);
	open_named(&o, "/gone/away", in_scratch("tree"));
	assert_all_known(&o);
	close_opened(&o);
}

/* A debug file in the right place that belongs to another build is not believed. */
static void debug_file_of_another_build(void **state)
{
	char path[512], dir[256];
	struct opened o;
	struct pl_symbol s;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", in_scratch("wrong"));
	build_id_path(path, sizeof(path), dir);
	run("objcopy --remove-section .note.gnu.build-id '%s' '%s'", self, path);
	open_named(&o, "/gone/away", dir);
	assert_false(pl_image_symbol(o.im, -1, "test_global", &s));
	assert_false(pl_image_dwarf_members(o.im, 0, NULL, NULL, 0));
	close_opened(&o);
}

static void debug_file_by_link(void **state)
{
	char bin[256], debug[256], dir[256];
	struct opened o;
	struct pl_symbol s;

	(void)state;
	snprintf(bin, sizeof(bin), "%s", in_scratch("stripped"));
	snprintf(debug, sizeof(debug), "%s", in_scratch("stripped.debug"));
	snprintf(dir, sizeof(dir), "%s", in_scratch("links"));
	run("objcopy --only-keep-debug '%s' '%s' && objcopy --strip-all --add-gnu-debuglink='%s' "
	    "'%s' '%s'",
	    self, debug, debug, self, bin);
	open_named(&o, bin, NULL);
	assert_all_known(&o);
	close_opened(&o);
	run("mkdir '%s' && mv '%s' '%s'", dir, debug, dir);
	open_named(&o, bin, NULL);
	assert_false(pl_image_symbol(o.im, -1, "test_static_variable", &s));
	close_opened(&o);
	open_named(&o, bin, dir);
	assert_all_known(&o);
	close_opened(&o);
	run("mkdir '%s/.debug' && mv '%s/stripped.debug' '%s/.debug'", scratch, dir, scratch);
	open_named(&o, bin, NULL);
	assert_all_known(&o);
	close_opened(&o);
}

/* Without build-ids the checksum in .gnu_debuglink decides. */
static void debug_file_by_checksum(void **state)
{
	char bin[256], debug[256];
	struct opened o;
	struct pl_symbol s;

	(void)state;
	snprintf(bin, sizeof(bin), "%s", in_scratch("no-id"));
	snprintf(debug, sizeof(debug), "%s", in_scratch("no-id.debug"));
	run("objcopy --remove-section .note.gnu.build-id '%s' '%s.all' && "
	    "objcopy --only-keep-debug '%s.all' '%s' && "
	    "objcopy --strip-all --add-gnu-debuglink='%s' '%s.all' '%s'",
	    self, bin, bin, debug, debug, bin, bin);
	open_file(&o, bin, bin, NULL);
	assert_int_equal(pl_image_modules(o.im, &(size_t){0})[0].state, PL_MODULE_UNCHECKED);
	assert_all_known(&o);
	close_opened(&o);
	run("printf x >> '%s'", debug);
	open_file(&o, bin, bin, NULL);
	assert_false(pl_image_symbol(o.im, -1, "test_static_variable", &s));
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
	assert_all_known(&o);
	close_opened(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(by_name_with_suffix),
		cmocka_unit_test(by_address),
		cmocka_unit_test(sections),
		cmocka_unit_test(members),
		cmocka_unit_test(bit_fields),
		cmocka_unit_test(debug_file_by_build_id),
		cmocka_unit_test(debug_file_of_another_build),
		cmocka_unit_test(debug_file_by_link),
		cmocka_unit_test(debug_file_by_checksum),
		cmocka_unit_test(old_dwarf),
		cmocka_unit_test(definitions_in_several_units),
		cmocka_unit_test(dwz_common_file),
	};

	return cmocka_run_group_tests(tests, find_self, scratch_remove);
}
