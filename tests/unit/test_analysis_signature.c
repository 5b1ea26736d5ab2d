/* How a call is spelled in a crash signature: the same for the same function anywhere. */
#include "analysis/death/death.h"

#include "cmocka_all.h"

static const char *native(const char *library, const char *symbol, bool interpreter)
{
	static char buf[300];

	strcpy(buf, "untouched");
	pl_signature_native(library, symbol, interpreter, buf, sizeof(buf));
	return buf;
}

static void what_compilers_and_linkers_add(void **state)
{
	(void)state;
	assert_string_equal(native("app.so", "work", false), "c app work");
	assert_string_equal(native("app.so", "work.cold", false), "c app work");
	assert_string_equal(native("app.so", "work.part.0.lto_priv.3", false), "c app work");
	assert_string_equal(native("app.so", "work@@APP_1.2", false), "c app work");
	assert_string_equal(native("app.so", NULL, false), "c app ?");
}

static void versions_of_libraries(void **state)
{
	(void)state;
	assert_string_equal(native("libssl.so.1.1", "SSL_read", false), "c libssl SSL_read");
	assert_string_equal(native("libssl.so.3", "SSL_read", false), "c libssl SSL_read");
	assert_string_equal(native("libfoo-2.31.so", "f", false), "c libfoo f");
	assert_string_equal(native("_ctypes.cpython-311-x86_64-linux-gnu.so", "f", false),
			    "c _ctypes f");
	assert_string_equal(native("_ctypes.cpython-39-x86_64-linux-gnu.so", "f", false),
			    "c _ctypes f");
	assert_string_equal(native("_ctypes.so", "f", false), "c _ctypes f");
	assert_string_equal(native("2", "f", false), "c 2 f");
}

static void the_interpreter_is_one(void **state)
{
	(void)state;
	assert_string_equal(native("python3.11", "list_dealloc", true), "c python list_dealloc");
	assert_string_equal(native("libpython3.13.so.1.0", "list_dealloc.lto_priv.0", true),
			    "c python list_dealloc");
}

static void what_does_not_count(void **state)
{
	static const char *const libraries[] = {"libc.so.6",
						"libc-2.31.so",
						"libpthread-2.31.so",
						"ld-linux-x86-64.so.2",
						"linux-vdso.so.1",
						"libffi.so.8.1.2",
						"?"};
	static const char *const machinery[] = {"_PyEval_EvalFrameDefault",
						"_PyEval_EvalFrameDefault.cold",
						"PyEval_EvalFrameEx",
						"_PyObject_MakeTpCall",
						"cfunction_vectorcall_O",
						"fatal_error.cold",
						"Py_FatalError",
						"_TAIL_CALL_CALL"};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(libraries); i++)
		assert_string_equal(native(libraries[i], "abort", false), "");
	for (size_t i = 0; i < PL_ARRAY_LEN(machinery); i++) {
		assert_string_equal(native("python3.11", machinery[i], true), "");
		/* of those names elsewhere nothing is known */
		assert_string_not_equal(native("app.so", machinery[i], false), "");
	}
}

static void calls_of_python(void **state)
{
	char buf[300];

	(void)state;
	pl_signature_python("/home/me/app/jobs.py", "Worker.run.<locals>.step", buf, sizeof(buf));
	assert_string_equal(buf, "py jobs.py Worker.run.<locals>.step");
	pl_signature_python("<string>", "<module>", buf, sizeof(buf));
	assert_string_equal(buf, "py <string> <module>");
}

static void too_long_is_cut(void **state)
{
	char name[1000], buf[40];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	pl_signature_python(name, name, buf, sizeof(buf));
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
	pl_signature_native(name, name, false, buf, sizeof(buf));
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_compilers_and_linkers_add),
		cmocka_unit_test(versions_of_libraries),
		cmocka_unit_test(the_interpreter_is_one),
		cmocka_unit_test(what_does_not_count),
		cmocka_unit_test(calls_of_python),
		cmocka_unit_test(too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
