/*
 * Paths that a core names, resolved below a sysroot that must not be left.
 */
#include "test_image_build.h"

#include "image/internal.h"

static void resolves(const char *root, const char *path, const char *want)
{
	char *got = pl_path_in(root, path);

	if (want) {
		assert_non_null(got);
		assert_string_equal(got, want);
	} else {
		assert_null(got);
	}
	free(got);
}

static void link_to(const char *target, const char *path)
{
	assert_int_equal(symlink(target, in_scratch(path)), 0);
}

static void paths_stay_in_the_sysroot(void **state)
{
	char root[256], lib[300], in[300];

	(void)state;
	snprintf(root, sizeof(root), "%s", in_scratch("root"));
	assert_int_equal(mkdir(root, 0700), 0);
	assert_int_equal(mkdir(in_scratch("root/usr"), 0700), 0);
	assert_int_equal(mkdir(in_scratch("root/usr/lib"), 0700), 0);
	write_file(in_scratch("root/usr/lib/x"), "inside", 6);
	write_file(in_scratch("outside"), "outside", 7);
	link_to("usr/lib", "root/lib");             /* as merged-usr systems have it */
	link_to("/usr/lib/x", "root/usr/absolute"); /* from the root of the sysroot */
	link_to("../../../../../usr/lib/x", "root/up");
	link_to(in_scratch("outside"), "root/out");
	link_to("loop2", "root/loop1");
	link_to("loop1", "root/loop2");
	snprintf(lib, sizeof(lib), "%s/usr/lib/x", root);
	resolves(root, "/usr/lib/x", lib);
	resolves(root, "//usr/./lib//x", lib);
	resolves(root, "/lib/x", lib);
	resolves(root, "/usr/absolute", lib);
	resolves(root, "/up", lib);
	resolves(root, "/../../usr/lib/../lib/x", lib);
	resolves(root, "/out", NULL);
	resolves(root, "/../outside", NULL);
	resolves(root, "/loop1", NULL);
	resolves(root, "/usr/lib/none", NULL);
	resolves(NULL, "/any/../thing", "/any/../thing");
	snprintf(in, sizeof(in), "%s/usr", root);
	resolves(root, "/lib/..", in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_stay_in_the_sysroot),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
