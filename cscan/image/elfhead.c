/*
 * elfhead.c - what the first bytes of an ELF file tell: its addresses and its build-id.
 *
 * The same reading serves a file of this machine and the first page of a mapped file, which the
 * kernel puts into every core. Every offset is checked against the bytes given.
 */
#include <elf.h>

#include "image/internal.h"

static bool get_phdrs(const uint8_t *p, uint64_t n, Elf64_Ehdr *eh, const uint8_t **ret)
{
	if (n < sizeof(*eh) || memcmp(p, ELFMAG, SELFMAG) != 0 || p[EI_CLASS] != ELFCLASS64 ||
	    p[EI_DATA] != ELFDATA2LSB)
		return false;
	memcpy(eh, p, sizeof(*eh));
	if (!eh->e_phnum) { /* dwz's common files have sections only */
		*ret = p;
		return true;
	}
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phoff > n ||
	    eh->e_phnum > (n - eh->e_phoff) / sizeof(Elf64_Phdr))
		return false;
	*ret = p + eh->e_phoff;
	return true;
}

static Elf64_Phdr phdr_at(const uint8_t *phdrs, unsigned i)
{
	Elf64_Phdr ph;

	memcpy(&ph, phdrs + i * sizeof(ph), sizeof(ph));
	return ph;
}

static void find_build_id(const uint8_t *p, uint64_t n, uint64_t align, struct pl_elf_head *ret)
{
	while (n >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;
		uint64_t desc, end;

		memcpy(&nh, p, sizeof(nh));
		desc = pl_round_up(sizeof(nh) + (uint64_t)nh.n_namesz, align);
		end = desc + nh.n_descsz;
		if (end > n)
			return;
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 &&
		    memcmp(p + sizeof(nh), "GNU", 4) == 0 && nh.n_descsz <= PL_BUILD_ID_MAX) {
			memcpy(ret->build_id, p + desc, nh.n_descsz);
			ret->build_id_len = nh.n_descsz;
			return;
		}
		end = PL_MIN(pl_round_up(end, align), n);
		p += end;
		n -= end;
	}
}

bool pl_elf_head(const uint8_t *p, uint64_t n, struct pl_elf_head *ret)
{
	Elf64_Ehdr eh;
	const uint8_t *phdrs;
	bool any_load = false;

	if (!get_phdrs(p, n, &eh, &phdrs))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->type = eh.e_type;
	ret->machine = eh.e_machine;
	ret->entry = eh.e_entry;
	ret->notes_read = true;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph = phdr_at(phdrs, i);
		uint64_t end;

		if (ph.p_type == PT_LOAD && pl_add(ph.p_vaddr, ph.p_memsz, &end)) {
			ret->load_lo = any_load ? PL_MIN(ret->load_lo, ph.p_vaddr) : ph.p_vaddr;
			ret->load_hi = any_load ? PL_MAX(ret->load_hi, end) : end;
			any_load = true;
			if (eh.e_phoff >= ph.p_offset && eh.e_phoff - ph.p_offset < ph.p_filesz)
				ret->phdr_vaddr = ph.p_vaddr + (eh.e_phoff - ph.p_offset);
		} else if (ph.p_type == PT_NOTE && !ret->build_id_len) {
			if (ph.p_offset > n || ph.p_filesz > n - ph.p_offset)
				ret->notes_read = false;
			else
				find_build_id(p + ph.p_offset, ph.p_filesz, ph.p_align == 8 ? 8 : 4,
					      ret);
		}
	}
	return true;
}

bool pl_elf_vaddr_of(const uint8_t *p, uint64_t n, uint64_t offset, uint64_t *ret)
{
	Elf64_Ehdr eh;
	const uint8_t *phdrs;

	if (!get_phdrs(p, n, &eh, &phdrs))
		return false;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph = phdr_at(phdrs, i);

		if (ph.p_type == PT_LOAD && offset >= (ph.p_offset & ~(PL_PAGE - 1)) &&
		    (offset < ph.p_offset || offset - ph.p_offset < ph.p_filesz)) {
			*ret = ph.p_vaddr + (offset - ph.p_offset);
			return true;
		}
	}
	return false;
}

bool pl_elf_load(const uint8_t *p, uint64_t n, unsigned i, Elf64_Phdr *ret)
{
	Elf64_Ehdr eh;
	const uint8_t *phdrs;

	if (!get_phdrs(p, n, &eh, &phdrs))
		return false;
	for (unsigned k = 0; k < eh.e_phnum; k++) {
		Elf64_Phdr ph = phdr_at(phdrs, k);

		if (ph.p_type == PT_LOAD && i-- == 0) {
			*ret = ph;
			return true;
		}
	}
	return false;
}

bool pl_build_id_equal(const uint8_t *a, unsigned a_len, const uint8_t *b, unsigned b_len)
{
	return a_len && a_len == b_len && memcmp(a, b, a_len) == 0;
}

void pl_build_id_hex(const uint8_t *id, unsigned len, char *buf)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < len; i++) {
		buf[2 * i] = digits[id[i] >> 4];
		buf[2 * i + 1] = digits[id[i] & 15];
	}
	buf[2 * len] = '\0';
}
