/*
 * detect.c - which CPython is in the image, and where.
 *
 * Knows the exported names of CPython, the words of its version, and who else looks like it; no
 * offsets. Order of trust for the version: the debug offsets' head (3.13+), Py_Version (3.11+), the
 * text of sys.version in the interpreter's own data, its PY_VERSION string, the names of files.
 */
#include "layout/internal.h"

static bool usable(const struct pl_module *m)
{
	return m->state == PL_MODULE_MATCHED || m->state == PL_MODULE_UNCHECKED;
}

int pl_layout_extension(const struct pl_image *im, const char *base)
{
	size_t n, len = strlen(base);
	const struct pl_module *m = pl_image_modules(im, &n);

	for (size_t i = 0; i < n; i++) {
		const char *name = pl_base_name(m[i].path);

		/* array.cpython-311-x86_64-linux-gnu.so, array.so, array_d.so */
		if (!strncmp(name, base, len) && strstr(name, ".so") && usable(&m[i]) &&
		    (name[len] == '.' || !strncmp(name + len, "_d.", 3)))
			return (int)i;
	}
	return -1;
}

/* How likely a module is the interpreter by its name, 0 the best; an executable may hold it all. */
enum { RANK_LIBRARY, RANK_PROGRAM, RANK_OTHER };

static int rank_of(const struct pl_module *m)
{
	const char *name = pl_base_name(m->path);

	if (!strncmp(name, "libpython", 9))
		return RANK_LIBRARY;
	return m->is_exe || !strncmp(name, "python", 6) ? RANK_PROGRAM : RANK_OTHER;
}

/* True when module i is the nth that defines PyType_Type; *nth counts down. */
static bool find_in(struct pl_image *im, size_t i, const struct pl_module *m, unsigned *nth,
		    struct pl_found *f)
{
	struct pl_symbol s;

	if (!usable(m) || !pl_image_symbol(im, (int)i, "PyType_Type", &s) || (*nth)--)
		return false;
	f->module = f->path_module = (int)i;
	f->path = m->path;
	f->type_type = s.addr;
	f->type_bytes = s.size;
	return true;
}

/* Look for PyType_Type: in the executable, then where it is likely, then everywhere. */
static void find_module(struct pl_image *im, unsigned nth, struct pl_found *f)
{
	size_t n;
	const struct pl_module *m = pl_image_modules(im, &n);

	for (size_t i = 0; i < n; i++)
		if (m[i].is_exe && find_in(im, i, &m[i], &nth, f))
			return;
	for (int rank = RANK_LIBRARY; rank <= RANK_OTHER; rank++)
		for (size_t i = 0; i < n; i++)
			if (!m[i].is_exe && rank_of(&m[i]) == rank &&
			    find_in(im, i, &m[i], &nth, f))
				return;
}

/* With no usable file: the module whose name says that it was the interpreter. */
static void find_name(const struct pl_image *im, struct pl_found *f)
{
	size_t n;
	const struct pl_module *m = pl_image_modules(im, &n);
	unsigned flavour;

	for (int rank = RANK_LIBRARY; rank <= RANK_PROGRAM && !f->path; rank++) {
		for (size_t i = 0; i < n && !f->path; i++) {
			if (rank_of(&m[i]) != rank || !strstr(pl_base_name(m[i].path), "python"))
				continue;
			/* "libpython3.so" is a stub, "python" may be a symbolic name */
			if (rank == RANK_LIBRARY && !pl_layout_version_in_path(m[i].path, &flavour))
				continue;
			f->path = m[i].path;
			f->path_module = (int)i;
		}
	}
}

/* The minor and the flavour by the names of all mapped files, the interpreter's own first. */
static uint32_t version_by_name(const struct pl_image *im, const struct pl_found *f,
				unsigned *flavour)
{
	size_t n;
	const struct pl_module *m = pl_image_modules(im, &n);
	uint32_t hex = f->path ? pl_layout_version_in_path(f->path, flavour) : 0;

	for (size_t i = 0; i < n && !hex; i++)
		hex = pl_layout_version_in_path(m[i].path, flavour);
	return hex;
}

static bool by_py_version(struct pl_image *im, struct pl_found *f)
{
	struct pl_symbol s;
	struct pl_view v;
	uint64_t hex;

	pl_view_init(&v, im);
	if (f->module < 0 || !pl_image_symbol(im, f->module, "Py_Version", &s) ||
	    !pl_read64(&v, s.addr, &hex) || hex > UINT32_MAX || hex >> 24 != 3)
		return false;
	f->hexversion = (uint32_t)hex;
	f->version_source = "Py_Version";
	return true;
}

/* A search for the text of sys.version. */
struct text {
	uint32_t minor; /* the only one to accept, 0 = any */
	uint32_t hexversion;
	const char *other;
};

static bool text_in(void *arg, pl_addr lo, const uint8_t *host, uint64_t n)
{
	struct text *t = arg;
	const char *other = NULL;
	uint32_t hex = pl_layout_version_in_text((const char *)host, n, &other);

	(void)lo;
	if (!hex || (t->minor && hex >> 16 != t->minor >> 16))
		return false;
	t->hexversion = hex;
	t->other = other;
	return true;
}

/*
 * sys.version lies in a static buffer of the interpreter (Python/getversion.c) and on the heap: in
 * the statics of that module, -1 = everywhere. True when it was found and says CPython.
 */
static bool by_text(struct pl_image *im, struct pl_ctx *ctx, int module, struct text *t,
		    struct pl_found *f)
{
	if (!pl_layout_scan(im, ctx, pl_layout_statics_range(im, module), text_in, t) || t->other)
		return false;
	f->hexversion = t->hexversion;
	f->version_source = "sys.version text";
	return true;
}

/* "3.9.18" with a NUL behind, and before it no digit or point that would make it another number. */
static bool is_constant(const char *s, size_t n, bool first, uint32_t *ret)
{
	size_t eaten = pl_layout_version_parse(s, PL_MIN(n, 24u), ret);

	if (!eaten || (!first && (s[-1] == '.' || (s[-1] >= '0' && s[-1] <= '9'))))
		return false;
	if (eaten < n && s[eaten] == '+')
		eaten++;
	return eaten < n && !s[eaten];
}

/*
 * The PY_VERSION string in the interpreter's constants, of the minor that its name tells. Linkers
 * store a string that is the end of another ("/opt/python/3.9.18") inside it.
 */
static bool by_constant(struct pl_image *im, struct pl_found *f, uint32_t minor)
{
	size_t n;
	const struct pl_span *s = pl_image_spans(im, &n);
	char text[24];
	uint32_t hex;

	if (!minor || f->module < 0)
		return false;
	pl_layout_version_text(minor, text, sizeof(text));
	for (size_t i = 0; i < n; i++) {
		const char *start = (const char *)s[i].host, *p = start;
		const char *end = p + (s[i].hi - s[i].lo);

		if (s[i].module != f->module || s[i].prot & PL_PROT_WRITE)
			continue;
		while ((p = memmem(p, (size_t)(end - p), text, strlen(text)))) {
			if (is_constant(p, (size_t)(end - p), p == start, &hex)) {
				f->hexversion = hex;
				f->version_source = "PY_VERSION string";
				return true;
			}
			p++;
		}
	}
	return false;
}

/* What only one kind of build exports (Objects/object.c). */
static void flavour_by_symbols(struct pl_image *im, struct pl_found *f)
{
	struct pl_symbol s;

	if (f->module < 0)
		return;
	f->flavour_known = true;
	if (pl_image_symbol(im, f->module, "_Py_NegativeRefcount", &s))
		f->flavour |= PL_PYDEBUG;
	if (pl_image_symbol(im, f->module, "_Py_PrintReferences", &s))
		f->flavour |= PL_TRACE_REFS;
	if (pl_image_symbol(im, f->module, "_Py_DecRefShared", &s))
		f->flavour |= PL_FREE_THREADED;
}

static int refuse_other(const char *name, struct pl_err *err)
{
	return pl_err_set(err, PL_E_UNSUPPORTED, "this is %s, not CPython", name);
}

/* PyPy and GraalPy have no PyType_Type of CPython's kind: their files tell. */
static const char *other_by_files(const struct pl_image *im)
{
	size_t n;
	const struct pl_module *m = pl_image_modules(im, &n);

	for (size_t i = 0; i < n; i++) {
		const char *name = pl_base_name(m[i].path);

		if (!strncmp(name, "libpypy", 7) || (m[i].is_exe && !strncmp(name, "pypy", 4)))
			return "PyPy";
		if (!strncmp(name, "libgraalpy", 10) ||
		    (m[i].is_exe && !strncmp(name, "graalpy", 7)))
			return "GraalPy";
	}
	return NULL;
}

static void find_runtime(struct pl_image *im, struct pl_ctx *ctx, struct pl_found *f)
{
	struct pl_symbol s;
	struct pl_view v;
	uint32_t hex;
	bool free_threaded;

	if (f->module >= 0 && pl_image_symbol(im, f->module, "_PyRuntime", &s)) {
		f->runtime = s.addr;
		f->runtime_bytes = s.size;
	} else if (f->module < 0) {
		f->runtime = pl_layout_find_cookie(im, ctx, f);
	}
	pl_view_init(&v, im);
	if (!pl_layout_debug_head(&v, f->runtime, &hex, &free_threaded))
		return;
	f->has_cookie = true;
	f->hexversion = hex;
	f->version_source = "debug offsets";
	if (free_threaded)
		f->flavour |= PL_FREE_THREADED;
}

/* Version and flavour by whatever tells them; the name of another implementation, or NULL. */
static const char *find_version(struct pl_image *im, struct pl_ctx *ctx, struct pl_found *f)
{
	unsigned flavour = 0;
	uint32_t minor = version_by_name(im, f, &flavour);
	struct pl_found said = *f;
	struct text t = {.minor = 0};

	flavour_by_symbols(im, f);
	if (!f->flavour_known)
		f->flavour |= flavour;
	if (f->hexversion || by_py_version(im, f)) {
		/* a fork has CPython's names and version, and says who it is only in sys.version */
		if (f->path_module >= 0)
			by_text(im, ctx, f->path_module, &t, &said);
		return t.other;
	}
	if (f->path_module >= 0 && by_text(im, ctx, f->path_module, &t, f))
		return NULL;
	if (t.other || by_constant(im, f, minor))
		return t.other;
	t.minor = minor;
	if (by_text(im, ctx, -1, &t, f) || t.other || !minor)
		return t.other;
	f->hexversion = minor;
	f->version_source = "file name";
	return NULL;
}

int pl_layout_detect(struct pl_image *im, struct pl_ctx *ctx, unsigned nth, struct pl_found *ret,
		     struct pl_err *err)
{
	struct pl_found f = {.module = -1, .path_module = -1};
	const char *other = other_by_files(im);
	char version[24];

	if (other)
		return refuse_other(other, err);
	find_module(im, nth, &f);
	if (f.module < 0 && nth)
		return pl_err_set(err, PL_E_NO_PYTHON, "no further CPython was found");
	if (f.module < 0)
		find_name(im, &f);
	find_runtime(im, ctx, &f);
	other = find_version(im, ctx, &f);
	if (!f.type_type && (f.hexversion || f.path))
		f.type_type = pl_layout_find_type(im, ctx, &f);
	if (pl_ctx_cancelled(ctx))
		return pl_ctx_cancel_err(err);
	if (other)
		return refuse_other(other, err);
	if (!f.hexversion && !f.path)
		return pl_err_set(err, PL_E_NO_PYTHON, "no CPython was found in this core");
	if (!f.hexversion)
		return pl_err_set(err, PL_E_LAYOUT,
				  "the version of the CPython in this core was not found");
	if (f.flavour & PL_FREE_THREADED) {
		pl_layout_version_text(f.hexversion, version, sizeof(version));
		return pl_err_set(
			err, PL_E_UNSUPPORTED,
			"this is a free-threaded CPython %s, which this version of pyleak "
			"cannot read yet",
			version);
	}
	*ret = f;
	return 0;
}
