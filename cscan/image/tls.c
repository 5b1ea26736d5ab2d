/*
 * tls.c - variables that every thread has one of: where a thread's copy lies.
 *
 * A library that is loaded with the program has its thread-local data at a fixed distance from
 * each thread's thread pointer (ELF TLS, "static TLS"). The loader chose it, and wrote it, for the
 * library's own code, into the words that relocations of one type name (x86-64: R_X86_64_TPOFF64
 * in .rela.dyn): word = distance of the library's block + addend. So these words, as the core has
 * them, tell the distance, whatever the loader's own structs look like. Of the C library every
 * version has more than a dozen; they must agree.
 */
#include <elf.h>

#include "image/internal.h"

/* Where in the block of a module the thread-local variable is that it exports by that name. */
static bool symbol_offset(struct pl_file *f, const char *name, uint64_t *ret)
{
	GElf_Shdr sh;
	Elf_Scn *scn = pl_file_section(f, ".dynsym", &sh);
	Elf_Data *syms = scn ? elf_getdata(scn, NULL) : NULL;
	GElf_Sym sym;

	for (int i = 1; syms && gelf_getsym(syms, i, &sym); i++) {
		const char *s;

		if (GELF_ST_TYPE(sym.st_info) != STT_TLS || sym.st_shndx == SHN_UNDEF)
			continue;
		s = elf_strptr(pl_file_elf(f), sh.sh_link, sym.st_name);
		if (s && !strcmp(s, name)) {
			*ret = sym.st_value;
			return true;
		}
	}
	return false;
}

/* The loader wrote it: it is a word of the core's own, not one of the file's that stands in. */
static bool written_word(struct pl_view *v, pl_addr addr, uint64_t *ret)
{
	const struct pl_span *s = pl_image_span(v->im, addr);

	return s && s->source == PL_SPAN_CORE && pl_read64(v, addr, ret);
}

/*
 * The distance of a module's block from the thread pointer, modulo 2^64. False when no relocation
 * tells it, or when two differ.
 */
static bool block_distance(const struct pl_image *im, size_t module, uint64_t *ret)
{
	struct pl_file *f = im->priv[module].file;
	Elf_Scn *scn = pl_file_section(f, ".rela.dyn", NULL);
	Elf_Data *relas = scn ? elf_getdata(scn, NULL) : NULL;
	bool found = false;
	struct pl_view v;
	GElf_Rela r;

	pl_view_init(&v, im);
	for (int i = 0; relas && gelf_getrela(relas, i, &r); i++) {
		uint64_t word;

		/* With a symbol it may be of another module. */
		if (GELF_R_TYPE(r.r_info) != im->machine->tls->relocation || GELF_R_SYM(r.r_info) ||
		    !written_word(&v, im->modules.at[module].bias + r.r_offset, &word))
			continue;
		word -= (uint64_t)r.r_addend;
		if (found && word != *ret)
			return false;
		*ret = word;
		found = true;
	}
	return found;
}

bool pl_image_tls(struct pl_image *im, const char *name, uint64_t *ret)
{
	for (size_t i = 0; im->machine->tls->relocation && i < im->modules.n; i++) {
		uint64_t offset, distance;

		if (!symbol_offset(im->priv[i].file, name, &offset))
			continue;
		if (!block_distance(im, i, &distance))
			return false;
		*ret = distance + offset;
		return true;
	}
	return false;
}
