/*
 * names.c - see names.h. Names are read once per type, so nothing here needs to be quick.
 */
#include "object/types/names.h"

#include <stdio.h>

#include "base/search.h"
#include "base/utf8.h"
#include "layout/facts.h"
#include "object/value/value.h"

#define MAX_NAME 512
#define FLAG_HEAPTYPE (UINT64_C(1) << 9)

static const char *const kind_names[PL_N_KINDS] = {
#define PL_KIND(name, type_name) type_name,
#include "object/kinds.def"
#undef PL_KIND
};

static bool is_heap(const struct pl_layout *l, struct pl_view *v, pl_addr type)
{
	return pl_field_word(v, type, l->f.type_flags) & FLAG_HEAPTYPE;
}

struct pl_recovered {
	pl_addr type;
	const char *module, *qualname; /* raw; in pl_names.strings */
};

static bool recovered_name(const struct pl_names *n, pl_addr addr, char *module, char *qualname)
{
	size_t i = PL_LOWER_BOUND(n->n, k, n->at[k].type < addr);

	if (i == n->n || n->at[i].type != addr)
		return false;
	snprintf(module, MAX_NAME, "%s", n->at[i].module);
	snprintf(qualname, MAX_NAME, "%s", n->at[i].qualname);
	return true;
}

/* The text of a str; *lost when it is one, or could be, but cannot be read. */
static bool text_of(const struct pl_layout *l, struct pl_view *v, pl_addr addr, char *buf,
		    bool *lost)
{
	uint64_t flags;
	pl_addr type;

	if (pl_str_read(l, v, addr, buf, MAX_NAME, NULL, NULL))
		return true;
	*lost |= !pl_value_type(l, v, addr, &type, &flags) ||
		 flags & (PL_TPFLAG_STR | PL_TPFLAG_BYTES);
	buf[0] = '\0';
	return false;
}

/*
 * A class may have no module, or one that is no str (a metaclass with a property of that name); one
 * whose dict, keys or text cannot be read has an unknown one: "?".
 */
static void module_of_class(const struct pl_layout *l, struct pl_view *v, pl_addr dict,
			    char *module)
{
	struct pl_dict_iter it;
	pl_addr key, value;
	char name[MAX_NAME];
	bool lost = false, found = pl_dict_get(l, v, dict, "__module__", &value);

	module[0] = '\0';
	if (found)
		text_of(l, v, value, module, &lost);
	else if (!pl_dict_begin(l, v, dict, &it))
		lost = true;
	while (!found && !lost && pl_dict_next(&it, &key, &value, NULL))
		text_of(l, v, key, name, &lost);
	if (lost)
		strcpy(module, "?");
}

/* __module__ and __qualname__ as raw text, "" for what the type does not say. */
static bool raw_name(const struct pl_names *n, struct pl_view *v, pl_addr addr, char *module,
		     char *qualname)
{
	const struct pl_layout *l = n->l;
	char tp_name[MAX_NAME];
	const char *dot;
	pl_addr str;

	module[0] = qualname[0] = '\0';
	if (is_heap(l, v, addr)) {
		pl_addr dict = pl_field_word(v, addr, l->f.type_dict);

		str = pl_field_word(v, addr,
				    pl_has(l->f.heaptype_qualname) ? l->f.heaptype_qualname
								   : l->f.heaptype_name);
		if (!str || !pl_str_read(l, v, str, qualname, MAX_NAME, NULL, NULL))
			return false;
		module_of_class(l, v, dict, module);
		return true;
	}
	if (!pl_read_cstr(v, pl_field_word(v, addr, l->f.type_name), tp_name, sizeof(tp_name)))
		return recovered_name(n, addr, module, qualname);
	dot = strrchr(tp_name, '.');
	if (!dot) {
		strcpy(module, l->builtins_module);
		strcpy(qualname, tp_name);
	} else {
		memcpy(module, tp_name, (size_t)(dot - tp_name));
		module[dot - tp_name] = '\0';
		strcpy(qualname, dot + 1);
	}
	return true;
}

void pl_type_name(const struct pl_names *n, struct pl_view *v, pl_addr addr, struct pl_arena *a,
		  const char **name, const char **module, bool *known)
{
	char raw_module[MAX_NAME], raw_qualname[MAX_NAME];
	char safe_module[4 * MAX_NAME], safe_qualname[4 * MAX_NAME];

	*known = raw_name(n, v, addr, raw_module, raw_qualname);
	if (!*known) {
		*name = pl_arena_printf(a, "<type at 0x%llx>", (unsigned long long)addr);
		*module = "";
		return;
	}
	pl_utf8_escape(safe_module, sizeof(safe_module), raw_module, strlen(raw_module));
	pl_utf8_escape(safe_qualname, sizeof(safe_qualname), raw_qualname, strlen(raw_qualname));
	*module = pl_arena_strndup(a, safe_module, strlen(safe_module));
	*name = *safe_module ? pl_arena_printf(a, "%s.%s", safe_module, safe_qualname)
			     : pl_arena_strndup(a, safe_qualname, strlen(safe_qualname));
}

/* True when one of a row's alternatives, separated by '|', is name. */
static bool row_is(const char *row, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = row; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
		if (!strncmp(at, name, n) && (at[n] == '|' || !at[n]))
			return true;
	}
	return false;
}

/*
 * Rows name Python 3's types; 2.7's builtins fit them by the same qualname unless a row names them
 * by their own module (__builtin__.str is bytes). -1 when no row does.
 */
static int row_of_name(const char *const *rows, size_t n, const char *module, const char *qualname)
{
	char name[2 * MAX_NAME];

	for (int modern = 0; modern < 2; modern++) {
		if (modern && strcmp(module, "__builtin__"))
			break;
		snprintf(name, sizeof(name), "%s.%s", modern ? "builtins" : module, qualname);
		for (size_t k = 0; k < n; k++) {
			if (row_is(rows[k], name))
				return (int)k;
		}
	}
	return -1;
}

int pl_type_row(const struct pl_names *n, struct pl_view *v, pl_addr addr, const char *const *rows,
		size_t count)
{
	const struct pl_layout *l = n->l;
	char module[MAX_NAME], qualname[MAX_NAME];
	pl_addr at = addr;

	for (int i = 0; i < PL_MAX_BASES && at && pl_at(v, at, (uint64_t)l->f.type_struct_size);
	     i++) {
		int row = raw_name(n, v, at, module, qualname)
				  ? row_of_name(rows, count, module, qualname)
				  : -1;

		if (row >= 0)
			return row;
		at = pl_field_word(v, at, l->f.type_base);
	}
	return -1;
}

/*
 * Static types whose names nothing tells: what the flags tell (Include/object.h, tp_flags 24-31; 23
 * was int's in 2.7).
 */
static int kind_of_flags(const struct pl_layout *l, uint64_t flags)
{
	static const uint8_t by_bit[] = {PL_KIND_INT,       PL_KIND_LIST, PL_KIND_TUPLE,
					 PL_KIND_BYTES,     PL_KIND_STR,  PL_KIND_DICT,
					 PL_KIND_EXCEPTION, PL_KIND_TYPE};

	for (unsigned i = 0; i < PL_ARRAY_LEN(by_bit); i++) {
		if (flags >> (24 + i) & 1)
			return by_bit[i];
	}
	return pl_has(l->f.int_ival) && flags >> 23 & 1 ? PL_KIND_INT27 : -1;
}

void pl_type_kind(const struct pl_names *n, struct pl_view *v, pl_addr addr, uint8_t *kind,
		  bool *exact, bool *own_sizeof)
{
	const struct pl_layout *l = n->l;
	pl_addr at = addr;
	char module[MAX_NAME], qualname[MAX_NAME];

	*kind = PL_KIND_OBJECT;
	*exact = false;
	*own_sizeof = false;
	for (int i = 0; i < PL_MAX_BASES && at && pl_at(v, at, (uint64_t)l->f.type_struct_size);
	     i++) {
		bool known = raw_name(n, v, at, module, qualname);
		bool python = is_heap(l, v, at);
		pl_addr dict = pl_field_word(v, at, l->f.type_dict), own;
		int k;

		k = known ? row_of_name(kind_names, PL_N_KINDS, module, qualname)
			  : kind_of_flags(l, pl_field_word(v, at, l->f.type_flags));
		if (k >= 0) {
			*kind = (uint8_t)k;
			*exact = i == 0;
			return;
		}
		if (python && pl_dict_get(l, v, dict, "__sizeof__", &own))
			*own_sizeof = true;
		at = pl_field_word(v, at, l->f.type_base);
	}
}

/* ---- recovering ---- */

#define MAX_RECOVERED 100000

struct recovery {
	struct pl_names *n;
	struct pl_view *v;
	PL_VEC(struct pl_recovered) list;
};

static bool is_nameless_type(struct recovery *r, pl_addr addr)
{
	const struct pl_layout *l = r->n->l;
	char tp_name[MAX_NAME];
	uint64_t metatype;

	if (addr & 7 || !pl_at(r->v, addr, (uint64_t)l->f.type_struct_size) ||
	    !pl_read64(r->v, addr + (uint64_t)l->f.object_type, &metatype) ||
	    metatype != l->type_type || is_heap(l, r->v, addr))
		return false;
	return !pl_read_cstr(r->v, pl_field_word(r->v, addr, l->f.type_name), tp_name,
			     sizeof(tp_name));
}

static void remember(struct recovery *r, pl_addr type, const char *module, const char *qualname)
{
	if (r->list.n == MAX_RECOVERED || !is_nameless_type(r, type))
		return;
	for (size_t i = 0; i < r->list.n; i++) {
		if (r->list.at[i].type == type)
			return;
	}
	pl_vec_push(&r->list, (struct pl_recovered){
				      type,
				      pl_arena_strndup(&r->n->strings, module, strlen(module)),
				      pl_arena_strndup(&r->n->strings, qualname, strlen(qualname)),
			      });
}

static pl_addr module_dict(struct recovery *r, pl_addr modules, const char *name)
{
	pl_addr module;

	return pl_dict_get(r->n->l, r->v, modules, name, &module)
		       ? pl_field_word(r->v, module, r->n->l->f.module_dict)
		       : 0;
}

/* Types under their own names in a module's dict. */
static void recover_all(struct recovery *r, pl_addr dict, const char *module)
{
	const struct pl_layout *l = r->n->l;
	struct pl_dict_iter it;
	pl_addr key, value;
	char name[MAX_NAME];

	pl_dict_begin(l, r->v, dict, &it);
	while (pl_dict_next(&it, &key, &value, NULL)) {
		if (pl_str_read(l, r->v, key, name, sizeof(name), NULL, NULL))
			remember(r, value, module, name);
	}
}

/*
 * Types that a module's dict holds under a key that is not their name, or holds under their name
 * though they say to be of another module; module NULL: of the builtins. Asked in this order.
 */
static const struct {
	const char *holder, *key, *module, *qualname;
} told[] = {
	/* Lib/types.py */
	{"types", "FunctionType", NULL, "function"},
	{"types", "CodeType", NULL, "code"},
	{"types", "MappingProxyType", NULL, "mappingproxy"},
	{"types", "SimpleNamespace", "types", "SimpleNamespace"},
	{"types", "CellType", NULL, "cell"},
	{"types", "GeneratorType", NULL, "generator"},
	{"types", "CoroutineType", NULL, "coroutine"},
	{"types", "AsyncGeneratorType", NULL, "async_generator"},
	{"types", "BuiltinFunctionType", NULL, "builtin_function_or_method"},
	{"types", "WrapperDescriptorType", NULL, "wrapper_descriptor"},
	{"types", "MethodWrapperType", NULL, "method-wrapper"},
	{"types", "MethodDescriptorType", NULL, "method_descriptor"},
	{"types", "ClassMethodDescriptorType", NULL, "classmethod_descriptor"},
	{"types", "ModuleType", NULL, "module"},
	{"types", "TracebackType", NULL, "traceback"},
	{"types", "FrameType", NULL, "frame"},
	{"types", "GetSetDescriptorType", NULL, "getset_descriptor"},
	{"types", "MemberDescriptorType", NULL, "member_descriptor"},
	{"types", "NoneType", NULL, "NoneType"},
	{"types", "GenericAlias", "types", "GenericAlias"},
	{"typing", "Union", "typing", "Union"},
	{"types", "UnionType", "types", "UnionType"},
	{"types", "ClassType", NULL, "classobj"},
	{"types", "InstanceType", NULL, "instance"},
	{"types", "DictProxyType", NULL, "dictproxy"},
	{"_collections", "deque", "collections", "deque"},
	{"_collections", "defaultdict", "collections", "defaultdict"},
	{"_collections", "OrderedDict", "collections", "OrderedDict"},
	{"_functools", "partial", "functools", "partial"},
	{"_functools", "_lru_cache_wrapper", "functools", "_lru_cache_wrapper"},
	{"_thread", "LockType", "_thread", "lock"},
	{"thread", "LockType", "thread", "lock"},
	{"_thread", "RLock", "_thread", "RLock"},
	{"array", "array", "array", "array"},
	{"datetime", "date", "datetime", "date"},
	{"datetime", "datetime", "datetime", "datetime"},
	{"datetime", "time", "datetime", "time"},
	{"datetime", "timedelta", "datetime", "timedelta"},
	{"datetime", "timezone", "datetime", "timezone"},
};

static void recover_told(struct recovery *r, const struct pl_interp *interp)
{
	const struct pl_layout *l = r->n->l;
	bool old = pl_has(l->f.instance27_class);
	pl_addr type;

	for (size_t i = 0; i < PL_ARRAY_LEN(told); i++) {
		pl_addr dict = module_dict(r, interp->modules, told[i].holder);

		if (dict && pl_dict_get(l, r->v, dict, told[i].key, &type))
			remember(r, type, told[i].module ? told[i].module : l->builtins_module,
				 told[i].qualname);
	}
	if (pl_dict_get(l, r->v, module_dict(r, interp->modules, "types"), "MethodType", &type))
		remember(r, type, l->builtins_module, old ? "instancemethod" : "method");
}

/* Types that only an instance under a known name tells. */
static void recover_of_values(struct recovery *r, const struct pl_interp *interp)
{
	static const char *const infos[] = {"flags",     "float_info",  "hash_info",   "int_info",
					    "long_info", "thread_info", "version_info"};
	const struct pl_layout *l = r->n->l;
	pl_addr main_dict = module_dict(r, interp->modules, "__main__"), value;

	for (size_t i = 0; i < PL_ARRAY_LEN(infos); i++) {
		if (pl_dict_get(l, r->v, interp->sysdict, infos[i], &value))
			remember(r, pl_field_word(r->v, value, l->f.object_type), "sys", infos[i]);
	}
	if (pl_dict_get(l, r->v, interp->builtins, "NotImplemented", &value))
		remember(r, pl_field_word(r->v, value, l->f.object_type), l->builtins_module,
			 "NotImplementedType");
	if (pl_dict_get(l, r->v, interp->builtins, "Ellipsis", &value))
		remember(r, pl_field_word(r->v, value, l->f.object_type), l->builtins_module,
			 "ellipsis");
	/* None of a program that was started as a script; a module started by name has a spec. */
	if (pl_dict_get(l, r->v, main_dict, "__spec__", &value) ||
	    pl_dict_get(l, r->v, main_dict, "__package__", &value)) {
		pl_addr type = pl_field_word(r->v, value, l->f.object_type);

		if (pl_field_word(r->v, type, l->f.type_basicsize) == (uint64_t)l->f.object_size)
			remember(r, type, l->builtins_module, "NoneType");
	}
}

/* Of the oldest versions, whose `types` module does not name them yet. */
static void recover_descriptors(struct recovery *r, const struct pl_interp *interp)
{
	const struct pl_layout *l = r->n->l;
	pl_addr types = module_dict(r, interp->modules, "types");
	pl_addr weakrefs = module_dict(r, interp->modules, "_weakref"), list, dict, value;

	if (weakrefs && pl_dict_get(l, r->v, weakrefs, "ref", &value)) {
		/* 3.10 gave it the name of its module, together with types.UnionType. */
		bool named = types && pl_dict_get(l, r->v, types, "UnionType", &dict);

		remember(r, value, named ? "weakref" : l->builtins_module,
			 named ? "ReferenceType" : "weakref");
	}
	if (l->static_types_style != PL_STATIC_IN_TYPE ||
	    !pl_dict_get(l, r->v, interp->builtins, "list", &list))
		return;
	dict = pl_field_word(r->v, list, l->f.type_dict);
	if (pl_dict_get(l, r->v, dict, "append", &value))
		remember(r, pl_field_word(r->v, value, l->f.object_type), l->builtins_module,
			 "method_descriptor");
	if (pl_dict_get(l, r->v, dict, "__len__", &value))
		remember(r, pl_field_word(r->v, value, l->f.object_type), l->builtins_module,
			 "wrapper_descriptor");
}

static void recover(struct recovery *r, const struct pl_interp *interp)
{
	const struct pl_layout *l = r->n->l;
	pl_addr value;

	/* 2.7: exceptions have a module of their own, and str is called bytes too. */
	recover_all(r, module_dict(r, interp->modules, "exceptions"), "exceptions");
	if (pl_dict_get(l, r->v, interp->builtins, "str", &value))
		remember(r, value, l->builtins_module, "str");
	recover_all(r, interp->builtins, l->builtins_module);
	recover_told(r, interp);
	recover_of_values(r, interp);
	recover_descriptors(r, interp);
	recover_all(r, module_dict(r, interp->modules, "itertools"), "itertools");
	recover_all(r, module_dict(r, interp->modules, "_io"), "_io");
	/* Iterators and views that have no name of their own anywhere (Lib/_collections_abc.py). */
	if (!pl_has(l->f.instance27_class))
		recover_all(r, module_dict(r, interp->modules, "_collections_abc"),
			    l->builtins_module);
}

static int by_type(const void *a, const void *b)
{
	pl_addr x = ((const struct pl_recovered *)a)->type,
		y = ((const struct pl_recovered *)b)->type;

	return x < y ? -1 : x > y;
}

void pl_names_init(struct pl_names *n, const struct pl_layout *l, struct pl_view *v,
		   const struct pl_interp *interps, size_t n_interps)
{
	struct recovery r = {.n = n, .v = v};

	*n = (struct pl_names){.l = l};
	/* Where the name of `type` itself can be read, so can the others of its file. */
	if (!n_interps || !is_nameless_type(&r, l->type_type))
		return;
	recover(&r, &interps[0]);
	if (r.list.n)
		qsort(r.list.at, r.list.n, sizeof(*r.list.at), by_type);
	n->at = r.list.at;
	n->n = r.list.n;
}

void pl_names_fini(struct pl_names *n)
{
	free(n->at);
	pl_arena_fini(&n->strings);
}
