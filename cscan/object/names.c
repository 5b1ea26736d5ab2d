/*
 * names.c - see names.h. Names are read once per type, so nothing here needs to be quick.
 */
#include "object/names.h"

#include <stdio.h>

#include "base/utf8.h"
#include "object/types.h"
#include "object/value.h"

#define MAX_NAME 512
#define MAX_BASES 64 /* tp_base steps to a builtin */
#define FLAG_HEAPTYPE (UINT64_C(1) << 9)

static const char *const kind_names[PL_N_KINDS] = {
#define PL_KIND(name, type_name) type_name,
#include "object/kinds.def"
#undef PL_KIND
};

static pl_addr word(struct pl_view *v, pl_addr base, int32_t offset)
{
	uint64_t w = 0;

	if (pl_has(offset))
		pl_read64(v, base + (uint64_t)(int64_t)offset, &w);
	return w;
}

static bool is_heap(const struct pl_layout *l, struct pl_view *v, pl_addr type)
{
	return word(v, type, l->f.type_flags) & FLAG_HEAPTYPE;
}

/* __module__ and __qualname__ as raw text, "" for what the type does not say. */
static bool raw_name(const struct pl_layout *l, struct pl_view *v, pl_addr addr, char *module,
		     char *qualname)
{
	char tp_name[MAX_NAME];
	const char *dot;
	pl_addr str;

	module[0] = qualname[0] = '\0';
	if (is_heap(l, v, addr)) {
		pl_addr dict = word(v, addr, l->f.type_dict);

		str = word(v, addr, pl_has(l->f.heaptype_qualname) ? l->f.heaptype_qualname
								    : l->f.heaptype_name);
		if (!str || !pl_str_read(l, v, str, qualname, MAX_NAME, NULL, NULL))
			return false;
		if (dict && pl_dict_get(l, v, dict, "__module__", &str))
			pl_str_read(l, v, str, module, MAX_NAME, NULL, NULL);
		return true;
	}
	if (!pl_read_cstr(v, word(v, addr, l->f.type_name), tp_name, sizeof(tp_name)))
		return false;
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

void pl_type_name(const struct pl_layout *l, struct pl_view *v, pl_addr addr, struct pl_arena *a,
		  const char **name, const char **module, bool *known)
{
	char raw_module[MAX_NAME], raw_qualname[MAX_NAME];
	char safe_module[4 * MAX_NAME], safe_qualname[4 * MAX_NAME];

	*known = raw_name(l, v, addr, raw_module, raw_qualname);
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

int pl_type_row(const struct pl_layout *l, struct pl_view *v, pl_addr addr, const char *const *rows,
		size_t n)
{
	char module[MAX_NAME], qualname[MAX_NAME];
	pl_addr at = addr;

	for (int i = 0; i < MAX_BASES && at && pl_at(v, at, (uint64_t)l->f.type_struct_size); i++) {
		int row = raw_name(l, v, at, module, qualname)
				  ? row_of_name(rows, n, module, qualname)
				  : -1;

		if (row >= 0)
			return row;
		at = word(v, at, l->f.type_base);
	}
	return -1;
}

/* Static types whose names are not at hand: what the flags tell (Include/object.h, tp_flags 24-31). */
static int kind_of_flags(uint64_t flags)
{
	static const uint8_t by_bit[] = {PL_KIND_INT, PL_KIND_LIST, PL_KIND_TUPLE, PL_KIND_BYTES,
					 PL_KIND_STR, PL_KIND_DICT, PL_KIND_OBJECT, PL_KIND_TYPE};

	for (unsigned i = 0; i < PL_ARRAY_LEN(by_bit); i++) {
		if (flags >> (24 + i) & 1 && by_bit[i] != PL_KIND_OBJECT)
			return by_bit[i];
	}
	return -1;
}

void pl_type_kind(const struct pl_layout *l, struct pl_view *v, pl_addr addr, uint8_t *kind,
		  bool *exact, bool *own_sizeof)
{
	pl_addr at = addr;
	char module[MAX_NAME], qualname[MAX_NAME];

	*kind = PL_KIND_OBJECT;
	*exact = false;
	*own_sizeof = false;
	for (int i = 0; i < MAX_BASES && at && pl_at(v, at, (uint64_t)l->f.type_struct_size); i++) {
		bool known = raw_name(l, v, at, module, qualname);
		bool python = is_heap(l, v, at);
		pl_addr dict = word(v, at, l->f.type_dict), own;
		int k;

		k = known ? row_of_name(kind_names, PL_N_KINDS, module, qualname) : kind_of_flags(word(v, at, l->f.type_flags));
		if (k >= 0) {
			*kind = (uint8_t)k;
			*exact = i == 0;
			return;
		}
		if (python && pl_dict_get(l, v, dict, "__sizeof__", &own))
			*own_sizeof = true;
		at = word(v, at, l->f.type_base);
	}
}

/* Names that the `types` module gives to types that no builtin name reaches (Lib/types.py). */
static const struct {
	const char *key, *qualname;
} types_names[] = {
	{"FunctionType", "function"},
	{"CodeType", "code"},
	{"MappingProxyType", "mappingproxy"},
	{"SimpleNamespace", "SimpleNamespace"},
	{"CellType", "cell"},
	{"GeneratorType", "generator"},
	{"CoroutineType", "coroutine"},
	{"AsyncGeneratorType", "async_generator"},
	{"MethodType", "method"},
	{"BuiltinFunctionType", "builtin_function_or_method"},
	{"WrapperDescriptorType", "wrapper_descriptor"},
	{"MethodWrapperType", "method-wrapper"},
	{"MethodDescriptorType", "method_descriptor"},
	{"ClassMethodDescriptorType", "classmethod_descriptor"},
	{"ModuleType", "module"},
	{"TracebackType", "traceback"},
	{"FrameType", "frame"},
	{"GetSetDescriptorType", "getset_descriptor"},
	{"MemberDescriptorType", "member_descriptor"},
	{"NoneType", "NoneType"},
	{"NotImplementedType", "NotImplementedType"},
	{"EllipsisType", "ellipsis"},
	{"UnionType", "UnionType"},
	{"GenericAlias", "GenericAlias"},
	{"ClassType", "classobj"},
	{"InstanceType", "instance"},
};

static void rename_unknown(struct pl_types *t, pl_addr type, const char *module, const char *qualname)
{
	int32_t i = pl_types_known(t, type);

	if (i >= 0 && !pl_types_at(t, (uint32_t)i)->name_known)
		pl_types_rename(t, (uint32_t)i, module, qualname);
}

void pl_types_recover_names(struct pl_types *t, const struct pl_layout *l, struct pl_view *v,
			    const struct pl_interp *interp)
{
	struct pl_dict_iter it;
	pl_addr key, value, module, dict;
	char name[MAX_NAME];

	pl_dict_begin(l, v, interp->builtins, &it);
	while (pl_dict_next(&it, &key, &value, NULL)) {
		if (pl_str_read(l, v, key, name, sizeof(name), NULL, NULL))
			rename_unknown(t, value, l->builtins_module, name);
	}
	if (!pl_dict_get(l, v, interp->modules, "types", &module))
		return;
	dict = word(v, module, l->f.module_dict);
	for (size_t i = 0; i < PL_ARRAY_LEN(types_names); i++) {
		if (pl_dict_get(l, v, dict, types_names[i].key, &value))
			rename_unknown(t, value, l->builtins_module, types_names[i].qualname);
	}
}
