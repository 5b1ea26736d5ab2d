/*
 * Symbols and sections, asked about this very test program, and where separate debug files are
 * found.
 */
#include "test_image_self.h"

/* ---- what is asked about ---- */

extern long test_global[5];
long test_global[5] = {42};
extern void *test_pointer;
void *test_pointer;
static int test_static_variable[10] __attribute__((used)) = {1};
struct test_known {
	char before;
	long member;
};
extern struct test_known test_known;
struct test_known test_known;

/* Two symbols of one name, as static variables of several files have it, and LTO's spelling. */
__asm__(".data\n"
	".local test_twice.lto_priv.0\n.comm test_twice.lto_priv.0,16,16\n"
	".local test_twice.lto_priv.1\n.comm test_twice.lto_priv.1,16,16\n"
	".local test_twice.constprop.0\n.comm test_twice.constprop.0,16,16\n"
	".text\n");

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

/* ---- separate debug files ---- */

static void assert_all_known(struct opened *o)
{
	struct pl_member_query q = {.strct = "test_known", .member = "member"};
	struct pl_symbol s;
	pl_addr addr;
	uint64_t size;

	assert_true(pl_image_symbol(o->im, -1, "test_static_variable", &s));
	assert_int_equal(s.addr, expected(test_static_variable));
	assert_true(pl_image_symbol_at(o->im, expected(&test_static_variable[2]), &s));
	assert_string_equal(s.name, "test_static_variable");
	assert_true(pl_image_section(o->im, 0, ".bss", &addr, &size));
	assert_true(pl_image_dwarf_members(o->im, 0, NULL, &q, 1));
	assert_true(q.found);
	assert_int_equal(q.offset, offsetof(struct test_known, member));
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
	char path[512], dir[256], list[600];
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
	/* one directory of several, as in gdb's debug-file-directory */
	snprintf(list, sizeof(list), "::/no/such:%s:%s/other", dir, dir);
	open_named(&o, "/gone/away", list);
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
	    "objcopy --only-keep-debug '%s.all' '%s' 2>/dev/null && "
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(by_name_with_suffix),
		cmocka_unit_test(by_address),
		cmocka_unit_test(sections),
		cmocka_unit_test(debug_file_by_build_id),
		cmocka_unit_test(debug_file_of_another_build),
		cmocka_unit_test(debug_file_by_link),
		cmocka_unit_test(debug_file_by_checksum),
	};

	return cmocka_run_group_tests(tests, find_self, scratch_remove);
}
