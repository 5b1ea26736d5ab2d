/*
 * crash_signature.c - crash/1: one value for the same death, whatever the run, the machine, the
 * addresses and the patch release of CPython.
 *
 *	crash/1: = FNV-1a, 64 bits, in 16 hex digits, over the lines
 *		the verdict's word ("segfault-null")
 *		up to 8 calls of the thread that died, innermost first
 *	each ended by '\n'. A call is
 *		py FILE FUNCTION	base name of the file, qualified name (name before 3.11)
 *		c LIBRARY SYMBOL	base name up to its first ".so", without digits, dots and
 *					dashes at its end; the symbol up to the first '.' or '@'
 *	No line has a line number, an offset or an address. Left out are
 *		- calls of a handler of the signal that it died of: all inside of the call that
 *		  the first of the signals interrupted (death_signal.c says which that is)
 *		- calls of the C library, of libffi and the vDSO, and code in no file: they differ
 *		  with the processor (strlen has a version for each) and with the libraries there
 *		- native calls that are not inside of all Python calls: how Python calls Python, and
 *		  how a task or a thread is started, differs with the version and the build
 *		- of the interpreter's own, its extension modules (lib-dynload) among them, which go
 *		  by the library name "python", all inside but the innermost, for compilers merge
 *		  the rest as they like; and the ones by which it calls C, raises errors and gives
 *		  up (the lists below)
 *		- all native calls where a recursion of Python's overflowed the stack: which of them
 *		  was the last that fitted is chance
 *	Recursion counts once. A stripped library's functions have no symbol, which is a symbol too:
 *	"?"; so the signature of a death does change with the symbols at hand.
 */
#include <stdio.h>

#include "analysis/death/death.h"

enum { MAX_WORD = 300 };

static bool starts(const char *s, const char *const *prefixes)
{
	for (; *prefixes; prefixes++) {
		if (!strncmp(s, *prefixes, strlen(*prefixes)))
			return true;
	}
	return false;
}

/* Base name of a library without its version: "libc.so.6" and "libc-2.31.so" are "libc". */
static void library_name(const char *library, char *buf, size_t cap)
{
	const char *end = strstr(library, ".so");
	const char *tag = strstr(library, ".cpython-");
	size_t n = end ? (size_t)(end - library) : strlen(library);

	if (tag && (size_t)(tag - library) < n)
		n = (size_t)(tag - library);
	while (n > 1 && strchr("0123456789.-", library[n - 1]))
		n--;
	n = PL_MIN(n, cap - 1);
	memcpy(buf, library, n);
	buf[n] = '\0';
}

void pl_signature_native(const char *library, const char *symbol, bool interpreter, char *buf,
			 size_t cap)
{
	static const char *const system[] = {"libc.",      "libc-",   "libpthread", "ld-linux",
					     "linux-vdso", "libffi.", "?",          NULL};
	/* How the interpreter calls, raises, and dies of its own accord. */
	static const char *const machinery[] = {"_PyEval",
						"PyEval_",
						"_TAIL_CALL",
						"_PyObject_Call",
						"PyObject_Call",
						"_PyObject_Vector",
						"PyObject_Vector",
						"_PyObject_MakeTpCall",
						"_PyFunction_",
						"_PyCFunction_",
						"PyCFunction_",
						"_PyMethodDef_",
						"_PyVectorcall",
						"PyVectorcall",
						"_PyStack_",
						"function_",
						"cfunction_",
						"method_",
						"instancemethod_",
						"methoddescr_",
						"slot_",
						"call_function",
						"fast_function",
						"do_call",
						"vectorcall_",
						"object_vacall",
						"type_call",
						"wrap_",
						"wrapper_",
						"vgetargs",
						"fatal_error",
						"_Py_FatalError",
						"Py_FatalError",
						"os_abort",
						"posix_abort",
						"trampoline_",
						"_Py_CheckFunctionResult",
						NULL};
	char name[MAX_WORD];

	buf[0] = '\0';
	if (starts(library, system) || (interpreter && symbol && starts(symbol, machinery)))
		return;
	if (interpreter)
		snprintf(name, sizeof(name), "python");
	else
		library_name(library, name, sizeof(name));
	snprintf(buf, cap, "c %s %.*s", name, symbol ? (int)strcspn(symbol, ".@") : 1,
		 symbol ? symbol : "?");
}

void pl_signature_python(const char *file, const char *function, char *buf, size_t cap)
{
	snprintf(buf, cap, "py %s %s", pl_base_name(file), function);
}

/* The interpreter, be it a program or a library, with the extension modules that come with it. */
static bool is_interpreter(const struct pl_death *d, const struct pl_call *c)
{
	static const char *const names[] = {"python2", "python3", "libpython", NULL};
	const struct pl_module *modules;
	size_t n;

	if (c->python || c->native->module < 0)
		return false;
	modules = pl_image_modules(d->im, &n);
	return (d->l && c->native->module == d->l->module) ||
	       starts(pl_call_library(d->im, c), names) ||
	       strstr(modules[c->native->module].path, "/lib-dynload/");
}

static void one_call(const struct pl_death *d, const struct pl_call *c, char *buf, size_t cap)
{
	char function[MAX_WORD], file[MAX_WORD];

	if (c->python) {
		pl_code_names(d->l, d->v, c->python->code, function, sizeof(function), file,
			      sizeof(file));
		pl_signature_python(file, function, buf, cap);
		return;
	}
	pl_signature_native(pl_call_library(d->im, c), c->native->symbol, is_interpreter(d, c), buf,
			    cap);
}

/* Whether the two innermost calls of Python are of the same function. */
static bool python_recurses(const struct pl_stack *s)
{
	const struct pl_call *innermost = pl_death_innermost_python(s);

	/* Rounds of a recursion are folded into one where they are alike. */
	if (innermost && innermost->times > 1)
		return true;
	for (const struct pl_call *c = innermost + 1; innermost && c < s->calls + s->n_calls; c++) {
		if (c->python)
			return c->python->code == innermost->python->code;
	}
	return false;
}

static void feed(uint64_t *hash, const char *s)
{
	for (; *s; s++)
		*hash = (*hash ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	*hash = (*hash ^ '\n') * UINT64_C(0x100000001b3);
}

void pl_crash_signature(const struct pl_death *d, const char *word, char ret[32])
{
	const struct pl_stack *s = &d->stacks[0];
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	char line[3 * MAX_WORD], before[3 * MAX_WORD] = "";
	bool native = strcmp(word, "stack-overflow") != 0 || !python_recurses(s), any = false;
	unsigned kept = 0;

	feed(&hash, word);
	for (size_t i = d->fault.call; i < s->n_calls && kept < PL_SIGNATURE_FRAMES; i++) {
		const struct pl_call *c = &s->calls[i];

		native = native && !c->python;
		if (!c->python && (!native || (any && is_interpreter(d, c))))
			continue;
		one_call(d, c, line, sizeof(line));
		any = any || *line;
		if (!*line || !strcmp(line, before))
			continue;
		feed(&hash, line);
		strcpy(before, line);
		kept++;
	}
	snprintf(ret, 32, "crash/1:%016llx", (unsigned long long)hash);
}
