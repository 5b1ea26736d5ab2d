/*
 * core.c - the core as a file: whether it is one, its headers, and the bytes of its segments.
 *
 * Nothing past the file's last byte is ever touched; what a header claims beyond it is counted as
 * missing. Knows nothing of how the file came to be mapped (open.c) nor of other files.
 */
#include <elf.h>

#include "image/internal.h"

/* Many times the mappings that Linux gives a process (vm.max_map_count is 65530). */
enum { MAX_SEGMENTS = 1 << 22, MAX_NOTE_SEGMENTS = 64 };

/* ---- what kind of file is it ---- */

static bool is_text(const uint8_t *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if ((p[i] < ' ' && p[i] != '\n' && p[i] != '\t' && p[i] != '\r') || p[i] == 0x7f)
			return false;
	}
	return true;
}

int pl_core_check(const char *name, const uint8_t *p, uint64_t n, struct pl_err *err)
{
	const char *what = NULL;
	uint16_t type, machine;
	bool big;

	if (!n)
		return pl_err_set(err, PL_E_NOT_CORE, "%s is empty, not a core", name);
	if (memcmp(p, ELFMAG, PL_MIN(n, SELFMAG)) != 0)
		return pl_err_set(err, PL_E_NOT_CORE, "%s is %s, not a core", name,
				  is_text(p, PL_MIN(n, 64)) ? "a text file" : "no ELF file");
	if (n < sizeof(Elf64_Ehdr))
		return pl_err_set(err, PL_E_NOT_CORE,
				  "%s ends after %llu bytes, inside its ELF header", name,
				  (unsigned long long)n);
	big = p[EI_DATA] == ELFDATA2MSB;
	type = pl_ld16(p + offsetof(Elf64_Ehdr, e_type));
	machine = pl_ld16(p + offsetof(Elf64_Ehdr, e_machine));
	if (big) {
		type = __builtin_bswap16(type);
		machine = __builtin_bswap16(machine);
	}
	if (type == ET_EXEC)
		what = "executable";
	else if (type == ET_DYN)
		what = "executable or shared library";
	else if (type == ET_REL)
		what = "object file";
	else if (type != ET_CORE)
		what = "file of an unknown type";
	if (what)
		return pl_err_set(err, PL_E_NOT_CORE, "%s is an ELF %s, not a core", name, what);
	if (p[EI_CLASS] != ELFCLASS64)
		return pl_err_set(err, PL_E_MACHINE, "%s is a core of a 32-bit process", name);
	if (big)
		return pl_err_set(err, PL_E_MACHINE, "%s is a core of a big-endian machine", name);
	if (!pl_machine_find(machine)) {
		if (pl_machine_name(machine))
			return pl_err_set(err, PL_E_MACHINE, "%s is a core of %s machine", name,
					  pl_machine_name(machine));
		return pl_err_set(err, PL_E_MACHINE, "%s is a core of machine %u (ELF's number)",
				  name, machine);
	}
	if (pl_ld16(p + offsetof(Elf64_Ehdr, e_phentsize)) != sizeof(Elf64_Phdr))
		return pl_err_set(err, PL_E_NOT_CORE,
				  "%s has a damaged ELF header: program headers of %u bytes", name,
				  pl_ld16(p + offsetof(Elf64_Ehdr, e_phentsize)));
	return 0;
}

/* ---- segments ---- */

struct headers {
	PL_VEC(Elf64_Phdr) notes;
	uint64_t bad, overlapping; /* segments */
};

/*
 * How many program headers there are. From 65535 on the number is in section header 0 (PN_XNUM),
 * which the kernel writes at the file's very end: when that is cut off, the first note or segment
 * tells where the headers must stop.
 */
static uint64_t count_phdrs(struct pl_image *im, const Elf64_Ehdr *eh)
{
	uint64_t size = im->info.file_size, end;
	Elf64_Shdr sh;
	Elf64_Phdr ph;

	if (eh->e_phnum != PN_XNUM)
		return eh->e_phnum;
	if (eh->e_shoff && pl_add(eh->e_shoff, sizeof(sh), &end) && end <= size) {
		memcpy(&sh, im->core + eh->e_shoff, sizeof(sh));
		return sh.sh_info;
	}
	im->info.truncated = true;
	if (eh->e_phoff > size || size - eh->e_phoff < sizeof(ph))
		return 0;
	memcpy(&ph, im->core + eh->e_phoff, sizeof(ph));
	if (ph.p_offset <= eh->e_phoff)
		return 0;
	return (ph.p_offset - eh->e_phoff) / sizeof(ph);
}

static uint8_t prot_of(const Elf64_Phdr *ph)
{
	return (uint8_t)(ph->p_flags & (PF_X | PF_W | PF_R));
}

static void add_load(struct pl_image *im, const Elf64_Phdr *ph, struct headers *h)
{
	uint64_t size = im->info.file_size, held = PL_MIN(ph->p_filesz, ph->p_memsz), have = 0;
	pl_addr end;

	im->info.n_segments++;
	if (!ph->p_memsz)
		return;
	/* No process has the last page, and without it no walk in steps of up to a page wraps. */
	if (!pl_add(ph->p_vaddr, ph->p_memsz, &end) || end > UINT64_MAX - PL_PAGE) {
		h->bad++;
		return;
	}
	pl_vec_push(&im->memory, (struct pl_range){ph->p_vaddr, end, NULL, prot_of(ph)});
	if (ph->p_offset < size)
		have = PL_MIN(held, size - ph->p_offset);
	if (have)
		pl_vec_push(&im->ranges, (struct pl_range){ph->p_vaddr, ph->p_vaddr + have,
							   im->core + ph->p_offset, prot_of(ph)});
	if (have < held) {
		im->info.truncated = true;
		if (!pl_add(im->info.missing_bytes, held - have, &im->info.missing_bytes))
			im->info.missing_bytes = UINT64_MAX;
		pl_vec_push(&im->ranges, (struct pl_range){ph->p_vaddr + have, ph->p_vaddr + held,
							   NULL, prot_of(ph)});
	}
}

static int by_lo(const void *a, const void *b)
{
	const struct pl_range *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi > y->hi ? -1 : x->hi < y->hi;
}

/* Sort, and cut from each range what the one before it holds already; returns how many were cut. */
static uint64_t make_disjoint(struct pl_range *r, size_t *n)
{
	size_t kept = 0;
	uint64_t cut = 0;
	bool sorted = true;

	for (size_t i = 1; i < *n && sorted; i++)
		sorted = by_lo(&r[i - 1], &r[i]) <= 0;
	if (!sorted)
		qsort(r, *n, sizeof(*r), by_lo);
	for (size_t i = 0; i < *n; i++) {
		struct pl_range x = r[i];

		if (kept && x.lo < r[kept - 1].hi) {
			pl_addr hi = r[kept - 1].hi;

			cut++;
			if (x.hi <= hi)
				continue;
			if (x.host)
				x.host += hi - x.lo;
			x.lo = hi;
		}
		r[kept++] = x;
	}
	*n = kept;
	return cut;
}

static void read_phdrs(struct pl_image *im, struct pl_ctx *ctx, const Elf64_Ehdr *eh,
		       struct headers *h)
{
	uint64_t size = im->info.file_size, count = count_phdrs(im, eh), room = 0;

	if (eh->e_phoff < size)
		room = (size - eh->e_phoff) / sizeof(Elf64_Phdr);
	if (count > room) {
		im->info.truncated = true;
		pl_ctx_damage(ctx, "truncated-headers",
			      "the core ends inside its program headers: %llu of %llu are there",
			      (unsigned long long)room, (unsigned long long)count);
		count = room;
	}
	if (count > MAX_SEGMENTS) {
		pl_ctx_damage(ctx, "too-many-segments",
			      "the core claims %llu segments; %d are read",
			      (unsigned long long)count, MAX_SEGMENTS);
		count = MAX_SEGMENTS;
	}
	for (uint64_t i = 0; i < count; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, im->core + eh->e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD)
			add_load(im, &ph, h);
		else if (ph.p_type == PT_NOTE && h->notes.n < MAX_NOTE_SEGMENTS)
			pl_vec_push(&h->notes, ph);
	}
	h->overlapping = make_disjoint(im->memory.at, &im->memory.n);
	make_disjoint(im->ranges.at, &im->ranges.n);
	if (h->bad || h->overlapping)
		pl_ctx_damage(
			ctx, "bad-segments",
			"%llu segments of the core overlap others, %llu are beyond the address "
			"space",
			(unsigned long long)h->overlapping, (unsigned long long)h->bad);
}

static void read_notes(struct pl_image *im, struct pl_ctx *ctx, const struct headers *h)
{
	uint64_t size = im->info.file_size, budget = size;

	for (size_t i = 0; i < h->notes.n; i++) {
		const Elf64_Phdr *ph = &h->notes.at[i];
		uint64_t have = 0;

		if (ph->p_offset < size)
			have = PL_MIN(ph->p_filesz, size - ph->p_offset);
		if (have < ph->p_filesz)
			im->info.truncated = true;
		/* Segments that overlap cannot make us read more than the file holds. */
		have = PL_MIN(have, budget);
		budget -= have;
		if (have)
			pl_notes_read(im, ctx, im->core + ph->p_offset, have);
	}
	pl_notes_finish(im, ctx);
}

void pl_core_read(struct pl_image *im, struct pl_ctx *ctx)
{
	struct headers h = {0};
	Elf64_Ehdr eh;

	memcpy(&eh, im->core, sizeof(eh));
	im->info.machine = eh.e_machine;
	im->machine = pl_machine_find(eh.e_machine);
	read_phdrs(im, ctx, &eh, &h);
	read_notes(im, ctx, &h);
	pl_vec_free(&h.notes);
}

const uint8_t *pl_core_bytes(const struct pl_image *im, pl_addr addr, uint64_t *n)
{
	const struct pl_range *r;
	size_t i = pl_find_range(im->ranges.at, im->ranges.n, sizeof(*r), addr);

	if (i == im->ranges.n || !im->ranges.at[i].host)
		return NULL;
	r = &im->ranges.at[i];
	*n = r->hi - addr;
	return r->host + (addr - r->lo);
}
