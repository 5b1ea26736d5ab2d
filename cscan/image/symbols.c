/*
 * symbols.c - names to addresses and back, through libelf.
 *
 * A module has up to three tables: .dynsym and .symtab of its file, .symtab of its separate debug
 * file. Each is indexed by name on first need. What a table says is only as good as the file: every
 * index and string is checked, addresses are passed on as they are.
 */
#include <elf.h>
#include <stdlib.h>

#include "image/internal.h"

enum table { DYNSYM, SYMTAB, DEBUG_SYMTAB, N_TABLES };

struct pl_symtab {
	Elf_Data *syms; /* NULL: there is no such table */
	const char *names;
	size_t names_size; /* the last byte is NUL */
	uint32_t n, mask;
	uint32_t
		*slot; /* symbol index by hash of the base name, 0 = free (symbol 0 is no symbol) */
};

struct by_addr {
	pl_addr lo, hi, reach; /* reach: highest hi of this and all before it */
	const char *name;
};

struct pl_symtab_by_addr {
	PL_VEC(struct by_addr) v;
};

/* Length of a name without what the compiler hung on it: ".lto_priv.3", ".7". */
static size_t base_length(const char *name)
{
	size_t n = strlen(name);

	for (;;) {
		size_t dot = n;

		while (dot && name[dot - 1] != '.')
			dot--;
		if (dot < 2)
			return n;
		if (strspn(name + dot, "0123456789") < n - dot &&
		    (n - dot != 8 || memcmp(name + dot, "lto_priv", 8) != 0))
			return n;
		n = dot - 1;
	}
}

static uint32_t hash(const char *s, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h ^ h >> 15;
}

/* The i-th symbol, when it names a place in memory. */
static const char *get(const struct pl_symtab *t, uint32_t i, GElf_Sym *ret)
{
	if (!gelf_getsym(t->syms, (int)i, ret) || ret->st_name >= t->names_size ||
	    ret->st_shndx == SHN_UNDEF || ret->st_shndx == SHN_ABS)
		return NULL;
	switch (GELF_ST_TYPE(ret->st_info)) {
	case STT_NOTYPE:
	case STT_OBJECT:
	case STT_FUNC:
	case STT_COMMON:
	case STT_GNU_IFUNC:
		return t->names[ret->st_name] ? t->names + ret->st_name : NULL;
	default:
		return NULL;
	}
}

static void build_index(struct pl_symtab *t)
{
	GElf_Sym sym;
	uint32_t cap = 16;

	while (cap < t->n * 2)
		cap *= 2;
	t->mask = cap - 1;
	t->slot = pl_calloc(cap, sizeof(*t->slot));
	for (uint32_t i = 1; i < t->n; i++) {
		const char *name = get(t, i, &sym);
		uint32_t k;

		if (!name)
			continue;
		for (k = hash(name, base_length(name)); t->slot[k & t->mask]; k++)
			;
		t->slot[k & t->mask] = i;
	}
}

static void load_table(struct pl_symtab *t, struct pl_file *f, const char *section)
{
	GElf_Shdr sh;
	Elf_Scn *scn = pl_file_section(f, section, &sh);
	Elf_Data *syms, *names;

	if (!scn || sh.sh_type == SHT_NOBITS)
		return;
	syms = elf_getdata(scn, NULL);
	names = elf_getdata(elf_getscn(pl_file_elf(f), sh.sh_link), NULL);
	if (!syms || !names || !names->d_buf || !names->d_size ||
	    ((const char *)names->d_buf)[names->d_size - 1] != '\0')
		return;
	t->syms = syms;
	t->names = names->d_buf;
	t->names_size = names->d_size;
	t->n = (uint32_t)PL_MIN(syms->d_size / sizeof(Elf64_Sym), INT32_MAX / 2);
	build_index(t);
}

/* The table of a module, indexed; its syms is NULL when there is none. */
static const struct pl_symtab *table(struct pl_image *im, int module, enum table which)
{
	struct pl_module_priv *p = &im->priv[module];

	if (!p->symtab[which]) {
		p->symtab[which] = pl_calloc(1, sizeof(struct pl_symtab));
		if (which == DEBUG_SYMTAB)
			load_table(p->symtab[which], pl_module_debug(im, module), ".symtab");
		else
			load_table(p->symtab[which], p->file,
				   which == DYNSYM ? ".dynsym" : ".symtab");
	}
	return p->symtab[which];
}

static struct pl_symbol symbol(const struct pl_image *im, int module, const GElf_Sym *sym,
			       const char *name)
{
	return (struct pl_symbol){.addr = im->modules.at[module].bias + sym->st_value,
				  .size = sym->st_size,
				  .module = module,
				  .name = name};
}

/* ---- by name ---- */

/*
 * Step through the symbols of a table whose name (exact) or base name is name: *pos starts as 0.
 * False past the last.
 */
static bool next_named(struct pl_image *im, int module, enum table which, const char *name,
		       bool exact, uint32_t *pos, struct pl_symbol *ret)
{
	const struct pl_symtab *t = table(im, module, which);
	size_t base = base_length(name);

	if (!t->syms)
		return false;
	for (uint32_t k = hash(name, base) + *pos; t->slot[k & t->mask]; k++) {
		GElf_Sym sym;
		const char *s = get(t, t->slot[k & t->mask], &sym);

		(*pos)++;
		if (exact ? strcmp(s, name) == 0
			  : !name[base] && base_length(s) == base && s[base] &&
				    memcmp(s, name, base) == 0) {
			*ret = symbol(im, module, &sym, s);
			return true;
		}
	}
	return false;
}

static bool find_in(struct pl_image *im, int module, enum table which, const char *name, bool exact,
		    struct pl_symbol *ret)
{
	uint32_t pos = 0;

	return next_named(im, module, which, name, exact, &pos, ret);
}

static bool find_in_module(struct pl_image *im, int module, const char *name, struct pl_symbol *ret)
{
	for (int inexact = 0; inexact < 2; inexact++) {
		for (enum table t = DYNSYM; t < N_TABLES; t++) {
			if (find_in(im, module, t, name, !inexact, ret))
				return true;
		}
	}
	return false;
}

bool pl_image_symbol(struct pl_image *im, int module, const char *name, struct pl_symbol *ret)
{
	int n = (int)im->modules.n;

	if (module >= 0)
		return module < n && find_in_module(im, module, name, ret);
	for (int i = 0; i < n; i++) {
		if (im->modules.at[i].is_exe && find_in_module(im, i, name, ret))
			return true;
	}
	/* The exported tables of all before anyone's local ones, which cost more to open. */
	for (int inexact = 0; inexact < 2; inexact++) {
		for (enum table t = DYNSYM; t < N_TABLES; t++) {
			for (int i = 0; i < n; i++) {
				if (find_in(im, i, t, name, !inexact, ret))
					return true;
			}
		}
	}
	return false;
}

/* Call fn for a module's symbols of that name that were not seen in a table before; false = stop.
 */
static bool each_in_module(struct pl_image *im, int module, const char *name,
			   bool (*fn)(void *arg, const struct pl_symbol *s), void *arg)
{
	PL_VEC(pl_addr) seen = {0};
	bool more = true;

	for (int inexact = 0; inexact < 2; inexact++) {
		for (enum table t = DYNSYM; t < N_TABLES && more; t++) {
			struct pl_symbol s;
			uint32_t pos = 0;

			while (more && next_named(im, module, t, name, !inexact, &pos, &s)) {
				size_t i = 0;

				while (i < seen.n && seen.at[i] != s.addr)
					i++;
				if (i < seen.n)
					continue;
				pl_vec_push(&seen, s.addr);
				more = fn(arg, &s);
			}
		}
	}
	pl_vec_free(&seen);
	return more;
}

void pl_image_symbols_named(struct pl_image *im, int module, const char *name,
			    bool (*fn)(void *arg, const struct pl_symbol *s), void *arg)
{
	bool more = true;

	for (int i = 0; i < (int)im->modules.n && more; i++) {
		if (module < 0 || i == module)
			more = each_in_module(im, i, name, fn, arg);
	}
}

/* ---- by address ---- */

static int by_lo(const void *a, const void *b)
{
	const struct by_addr *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static const struct pl_symtab_by_addr *addresses(struct pl_image *im, int module)
{
	struct pl_module_priv *p = &im->priv[module];
	struct pl_symtab_by_addr *ret;
	pl_addr reach = 0;

	if (p->by_addr)
		return p->by_addr;
	ret = pl_calloc(1, sizeof(*ret));
	for (enum table w = DYNSYM; w < N_TABLES; w++) {
		const struct pl_symtab *t = table(im, module, w);

		for (uint32_t i = 1; t->syms && i < t->n; i++) {
			GElf_Sym sym;
			const char *name = get(t, i, &sym);
			struct by_addr a = {.name = name};

			if (!name || !sym.st_size)
				continue;
			a.lo = im->modules.at[module].bias + sym.st_value;
			if (pl_add(a.lo, sym.st_size, &a.hi))
				pl_vec_push(&ret->v, a);
		}
	}
	if (ret->v.n)
		qsort(ret->v.at, ret->v.n, sizeof(*ret->v.at), by_lo);
	for (size_t i = 0; i < ret->v.n; i++)
		ret->v.at[i].reach = reach = PL_MAX(reach, ret->v.at[i].hi);
	p->by_addr = ret;
	return ret;
}

/* The module in whose segments addr lies, its .bss included; -1 for none. */
static int module_at(struct pl_image *im, pl_addr addr)
{
	size_t above = PL_LOWER_BOUND(im->modules.n, k, im->modules.at[k].lo <= addr);
	const struct pl_file *f;
	const struct pl_module *m;

	if (!above)
		return -1;
	m = &im->modules.at[above - 1];
	f = im->priv[above - 1].file;
	if (!f)
		f = pl_module_debug(im, (int)above - 1);
	if (addr < m->hi || (f && addr - m->bias < f->head.load_hi))
		return (int)above - 1;
	return -1;
}

bool pl_image_symbol_at(struct pl_image *im, pl_addr addr, struct pl_symbol *ret)
{
	enum { MAX_STEPS = 1000 }; /* only a hostile table nests this deep */
	const struct pl_symtab_by_addr *t;
	int module = module_at(im, addr);
	size_t above;

	if (module < 0)
		return false;
	t = addresses(im, module);
	above = PL_LOWER_BOUND(t->v.n, k, t->v.at[k].lo <= addr);
	for (size_t i = above; i && above - i < MAX_STEPS && t->v.at[i - 1].reach > addr; i--) {
		const struct by_addr *a = &t->v.at[i - 1];

		if (addr < a->hi) {
			*ret = (struct pl_symbol){a->lo, a->hi - a->lo, module, a->name};
			return true;
		}
	}
	return false;
}

bool pl_image_section(struct pl_image *im, int module, const char *name, pl_addr *addr,
		      uint64_t *size)
{
	GElf_Shdr sh;

	if (module < 0 || module >= (int)im->modules.n ||
	    (!pl_file_section(im->priv[module].file, name, &sh) &&
	     !pl_file_section(pl_module_debug(im, module), name, &sh)))
		return false;
	*addr = im->modules.at[module].bias + sh.sh_addr;
	*size = sh.sh_size;
	return true;
}

void pl_symbols_free(struct pl_module_priv *m)
{
	for (enum table t = DYNSYM; t < N_TABLES; t++) {
		if (m->symtab[t])
			free(m->symtab[t]->slot);
		free(m->symtab[t]);
	}
	if (m->by_addr)
		pl_vec_free(&m->by_addr->v);
	free(m->by_addr);
}
