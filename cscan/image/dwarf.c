/*
 * dwarf.c - struct layouts asked from the DWARF of a module.
 *
 * All queries are answered in one pass over the units, those named by the hints first. Which names
 * can exist at all is seen in .debug_str beforehand, so that a struct of another version does not
 * make us read every unit for nothing. Units of dwz (partial units in this file or in the common
 * one of .gnu_debugaltlink) are read where they are imported.
 */
#include <dwarf.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/search.h"
#include "image/internal.h"

/* ---- opening ---- */

/*
 * libdw unpacks every compressed section when it opens a file. The ones that are not about types
 * are the greater part: they are declared empty in our private copy of the section headers.
 */
static void hide_unneeded(struct pl_file *f)
{
	static const char *const needed[] = {
		".debug_info",        ".debug_abbrev", ".debug_str",   ".debug_line_str",
		".debug_str_offsets", ".debug_addr",   ".debug_types",
	};
	Elf *elf = pl_file_elf(f);
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0 ||
	    mprotect((void *)f->map, (size_t)f->size, PROT_READ | PROT_WRITE) < 0)
		return;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		GElf_Shdr sh;
		const char *s;
		bool keep = false;

		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_COMPRESSED) ||
		    !(s = elf_strptr(elf, names, sh.sh_name)))
			continue;
		for (size_t i = 0; i < PL_ARRAY_LEN(needed); i++)
			keep |= !strcmp(s, needed[i]);
		if (!keep) {
			sh.sh_type = SHT_NOBITS;
			sh.sh_flags = 0;
			gelf_update_shdr(scn, &sh);
		}
	}
}

static Dwarf *open_dwarf(struct pl_file *f)
{
	if (!f || !pl_file_section(f, ".debug_info", NULL))
		return NULL;
	hide_unneeded(f);
	return dwarf_begin_elf(pl_file_elf(f), DWARF_C_READ, NULL);
}

static Dwarf *get_dwarf(struct pl_image *im, int module)
{
	struct pl_module_priv *p = &im->priv[module];
	struct pl_file *f = p->file;

	if (p->dwarf_tried)
		return p->dwarf;
	p->dwarf_tried = true;
	p->dwarf = open_dwarf(f);
	if (!p->dwarf) {
		f = pl_module_debug(im, module);
		p->dwarf = open_dwarf(f);
	}
	if (!p->dwarf)
		return NULL;
	p->alt = pl_debug_alt(im, f);
	p->dwarf_alt = open_dwarf(p->alt);
	if (p->dwarf_alt)
		dwarf_setalt(p->dwarf, p->dwarf_alt);
	return p->dwarf;
}

void pl_dwarf_free(struct pl_module_priv *m)
{
	if (m->dwarf)
		dwarf_end(m->dwarf);
	if (m->dwarf_alt)
		dwarf_end(m->dwarf_alt);
	pl_file_free(m->alt);
}

/* ---- the struct names that are wanted ---- */

struct wanted {
	const char *name; /* of len bytes, not terminated */
	size_t len;
	bool possible; /* .debug_str has it */
	bool found;
	Dwarf_Die die; /* a complete definition, when found */
	int next;      /* in the list of its bucket, -1 ends */
};

enum { TAIL = 4, BUCKETS = 256 };

struct names {
	PL_VEC(struct wanted) v;
	int bucket[BUCKETS]; /* by the last TAIL bytes */
	size_t open;         /* possible, but not found yet */
};

/* Bucket of a name by its end: linkers store a string that is the end of another inside it. */
static unsigned bucket_of(const char *s, size_t n)
{
	return n < TAIL ? 0 : (pl_ld32(s + n - TAIL) * 2654435761u) >> 24;
}

static struct wanted *find_name(struct names *names, const char *s, size_t n)
{
	for (int i = names->bucket[bucket_of(s, n)]; i >= 0; i = names->v.at[i].next) {
		struct wanted *w = &names->v.at[i];

		if (w->len == n && memcmp(w->name, s, n) == 0)
			return w;
	}
	return NULL;
}

/* Call next_word() until false to go through the '|'-separated alternatives of s. */
static bool next_word(const char **s, const char **word, size_t *n)
{
	if (!*s)
		return false;
	*word = *s;
	*n = strcspn(*s, "|");
	*s = (*s)[*n] ? *s + *n + 1 : NULL;
	return true;
}

static void collect_names(struct names *names, const struct pl_member_query *q, size_t n)
{
	memset(names, 0, sizeof(*names));
	for (size_t i = 0; i < BUCKETS; i++)
		names->bucket[i] = -1;
	for (size_t i = 0; i < n; i++) {
		const char *s = q[i].strct, *word;
		size_t len;

		while (next_word(&s, &word, &len)) {
			unsigned b = bucket_of(word, len);
			struct wanted w = {.name = word, .len = len, .next = names->bucket[b]};

			if (!len || find_name(names, word, len))
				continue;
			names->bucket[b] = (int)names->v.n;
			pl_vec_push(&names->v, w);
		}
	}
}

/* Mark the names that end some string of .debug_str; false when there is none to look in. */
static bool mark_possible(struct names *names, Dwarf *dbg)
{
	const char *s;
	size_t n;
	Dwarf_Off at = 0;

	for (; (s = dwarf_getstring(dbg, at, &n)); at += n + 1) {
		if (n < TAIL)
			continue;
		for (int i = names->bucket[bucket_of(s, n)]; i >= 0; i = names->v.at[i].next) {
			struct wanted *w = &names->v.at[i];

			if (w->len <= n && memcmp(w->name, s + n - w->len, w->len) == 0)
				w->possible = true;
		}
	}
	return at > 0;
}

static void count_open(struct names *names, Dwarf *dbg, Dwarf *alt)
{
	bool all = !mark_possible(names, dbg);

	if (alt)
		mark_possible(names, alt);
	for (size_t i = 0; i < names->v.n; i++) {
		struct wanted *w = &names->v.at[i];

		/* A string too short to be worth a reference is written in place. */
		w->possible |= all || w->len < TAIL;
		names->open += w->possible;
	}
}

/* ---- units ---- */

struct unit {
	Dwarf_Die die;
	const char *name;
	bool done;
};

struct units {
	PL_VEC(struct unit) v;
	uint32_t *by_addr; /* indices into v, sorted by die.addr */
	uint32_t *todo;    /* imported units to be read next; each is put there once */
	size_t n_todo;
};

static const char *attr_string(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) ? dwarf_formstring(&attr) : NULL;
}

static void list_units(struct units *u, Dwarf *dbg)
{
	Dwarf_CU *cu = NULL;
	struct unit unit = {.done = false};

	while (u->v.n < UINT32_MAX &&
	       dwarf_get_units(dbg, cu, &cu, NULL, NULL, &unit.die, NULL) == 0) {
		unit.name = attr_string(&unit.die, DW_AT_name);
		pl_vec_push(&u->v, unit);
	}
}

static int by_die_addr(const void *a, const void *b, void *arg)
{
	const struct units *u = arg;
	const char *x = u->v.at[*(const uint32_t *)a].die.addr;
	const char *y = u->v.at[*(const uint32_t *)b].die.addr;

	return x < y ? -1 : x > y;
}

static void index_units(struct units *u)
{
	u->by_addr = pl_malloc(u->v.n * sizeof(*u->by_addr));
	u->todo = pl_malloc(u->v.n * sizeof(*u->todo));
	for (size_t i = 0; i < u->v.n; i++)
		u->by_addr[i] = (uint32_t)i;
	if (u->v.n)
		qsort_r(u->by_addr, u->v.n, sizeof(*u->by_addr), by_die_addr, u);
}

/* Put the unit that an imported_unit names on the list, unless it was there before. */
static void import_unit(struct units *u, Dwarf_Die *import)
{
	Dwarf_Attribute attr;
	Dwarf_Die die;
	struct unit *x;
	size_t i;

	if (!dwarf_attr(import, DW_AT_import, &attr) || !dwarf_formref_die(&attr, &die))
		return;
	i = PL_LOWER_BOUND(u->v.n, k,
			   (const char *)u->v.at[u->by_addr[k]].die.addr < (const char *)die.addr);
	if (i == u->v.n)
		return;
	x = &u->v.at[u->by_addr[i]];
	if (x->die.addr != die.addr || x->done)
		return;
	x->done = true;
	u->todo[u->n_todo++] = u->by_addr[i];
}

/* Keep die when it defines, or is a typedef of, a struct that is wanted. */
static void consider(struct names *names, Dwarf_Die *die, int tag)
{
	const char *name = attr_string(die, DW_AT_name);
	struct wanted *w = name ? find_name(names, name, strlen(name)) : NULL;
	Dwarf_Die type = *die;

	if (!w || w->found)
		return;
	if (tag == DW_TAG_typedef) {
		if (!pl_dwarf_type_of(die, &type))
			return;
		tag = dwarf_tag(&type);
		if (tag != DW_TAG_structure_type && tag != DW_TAG_union_type &&
		    tag != DW_TAG_class_type)
			return;
	}
	if (!dwarf_hasattr(&type, DW_AT_byte_size)) /* a declaration */
		return;
	w->die = type;
	w->found = true;
	names->open -= w->possible;
}

static void read_one(struct units *u, struct names *names, size_t index)
{
	Dwarf_Die die;

	if (dwarf_child(&u->v.at[index].die, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
		    tag == DW_TAG_class_type || tag == DW_TAG_typedef)
			consider(names, &die, tag);
		else if (tag == DW_TAG_imported_unit)
			import_unit(u, &die);
	} while (pl_dwarf_next(&die));
}

/* Read a unit and what it imports, once. */
static void read_unit(struct units *u, struct names *names, size_t index)
{
	if (u->v.at[index].done)
		return;
	u->v.at[index].done = true;
	read_one(u, names, index);
	while (u->n_todo)
		read_one(u, names, u->todo[--u->n_todo]);
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = s ? strlen(s) : 0, k = strlen(tail);

	return n >= k && memcmp(s + n - k, tail, k) == 0;
}

static void read_units(struct units *u, struct names *names, const char *const *hints)
{
	for (; hints && *hints && names->open; hints++) {
		for (size_t i = 0; i < u->v.n; i++) {
			if (ends_with(u->v.at[i].name, *hints))
				read_unit(u, names, i);
		}
	}
	/*
	 * Partial units count only where they are imported: dwz's common file may hold those of
	 * other builds too, a debug build's among them.
	 */
	for (size_t i = 0; i < u->v.n && names->open; i++) {
		if (dwarf_tag(&u->v.at[i].die) != DW_TAG_partial_unit)
			read_unit(u, names, i);
	}
}

/* ---- answers ---- */

static void answer(struct names *names, struct pl_member_query *q)
{
	const char *s = q->strct, *strct;
	size_t strct_len;

	q->found = q->has_struct = false;
	while (next_word(&s, &strct, &strct_len)) {
		struct wanted *w = find_name(names, strct, strct_len);
		const char *m = q->member, *member;
		size_t len;

		if (!w || !w->found)
			continue;
		q->has_struct = true;
		while (next_word(&m, &member, &len)) {
			if (pl_dwarf_member(&w->die, member, len, q))
				return;
		}
	}
}

bool pl_image_dwarf_members(struct pl_image *im, int module, const char *const *hints,
			    struct pl_member_query *queries, size_t n)
{
	struct units units = {.n_todo = 0};
	struct names names;
	Dwarf *dbg, *alt;

	if (module < 0 || module >= (int)im->modules.n || !(dbg = get_dwarf(im, module)))
		return false;
	alt = im->priv[module].dwarf_alt;
	collect_names(&names, queries, n);
	count_open(&names, dbg, alt);
	list_units(&units, dbg);
	if (alt)
		list_units(&units, alt);
	index_units(&units);
	read_units(&units, &names, hints);
	for (size_t i = 0; i < n; i++)
		answer(&names, &queries[i]);
	free(units.by_addr);
	free(units.todo);
	pl_vec_free(&units.v);
	pl_vec_free(&names.v);
	return true;
}
