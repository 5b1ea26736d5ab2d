/*
 * gen_layout.c - write the layout table of an interpreter from its debug information.
 *
 *	gen_layout [--sysroot DIR] [--debug-dir DIR] --variant NAME ELF...
 *
 * ELF... are the interpreter's files: the executable, libpython, the extension modules whose
 *structs are wanted. They are not run: an empty core that maps them is made, so that the very code
 *that reads the debug information of a real core (image/, layout/dwarf_source.c) reads it here.
 * scripts/gen_layout.py finds the files and puts the table where it belongs.
 */
#include "layout/internal.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_BASE 0x7f0000000000
#define MAX_FILES 512
#define PAGE 4096

struct mapped {
	const char *path;
	char *bytes;
	size_t size;
	pl_addr base;
};

/* The parts of a core: notes, program headers. */
struct buffer {
	char *at;
	size_t n;
	FILE *file;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "gen_layout: %s: %s\n", what, why);
	exit(1);
}

static void open_buffer(struct buffer *b)
{
	b->file = open_memstream(&b->at, &b->n);
	if (!b->file)
		die("memory", "not enough");
}

static void put(struct buffer *b, const void *p, size_t n)
{
	fwrite(p, 1, n, b->file);
}

static void read_file(struct mapped *m, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buffer b;
	char block[1 << 16];
	size_t n;

	if (!f)
		die(path, "cannot be opened");
	open_buffer(&b);
	while ((n = fread(block, 1, sizeof(block), f)))
		put(&b, block, n);
	fclose(f);
	fclose(b.file);
	*m = (struct mapped){.path = path, .bytes = b.at, .size = b.n};
	if (m->size < sizeof(Elf64_Ehdr) || memcmp(m->bytes, ELFMAG, SELFMAG))
		die(path, "is no ELF file");
}

/* Call fn for each PT_LOAD, with its page-aligned place in the made-up process. */
static size_t each_load(const struct mapped *m, struct buffer *notes, struct buffer *headers)
{
	const Elf64_Ehdr *e = (const void *)m->bytes;
	size_t n = 0;

	if (e->e_phoff > m->size || (size_t)e->e_phnum * sizeof(Elf64_Phdr) > m->size - e->e_phoff)
		die(m->path, "has no program headers");
	for (unsigned i = 0; i < e->e_phnum; i++) {
		const Elf64_Phdr *p = (const void *)(m->bytes + e->e_phoff + i * sizeof(*p));
		pl_addr lo = (m->base + p->p_vaddr) / PAGE * PAGE;
		pl_addr hi = pl_round_up(m->base + p->p_vaddr + p->p_filesz, PAGE);
		Elf64_Phdr load = {.p_type = PT_LOAD, .p_flags = p->p_flags, .p_vaddr = lo};

		if (p->p_type != PT_LOAD || !p->p_filesz)
			continue;
		load.p_memsz = hi - lo;
		load.p_align = PAGE;
		put(headers, &load, sizeof(load));
		put(notes, (uint64_t[]){lo, hi, p->p_offset / PAGE}, 24);
		n++;
	}
	return n;
}

static uint64_t extent(const struct mapped *m)
{
	const Elf64_Ehdr *e = (const void *)m->bytes;
	uint64_t end = 0;

	for (unsigned i = 0; i < e->e_phnum; i++) {
		const Elf64_Phdr *p = (const void *)(m->bytes + e->e_phoff + i * sizeof(*p));

		if (p->p_type == PT_LOAD)
			end = PL_MAX(end, p->p_vaddr + p->p_memsz);
	}
	return pl_round_up(end, PAGE) + PAGE;
}

/* NT_FILE: count, page size, ranges, then the names in the same order. */
static void file_note(struct buffer *ret, struct buffer *headers, struct mapped *files, size_t n)
{
	struct buffer ranges, names;
	uint64_t total = 0;
	Elf64_Nhdr head = {.n_namesz = 5, .n_type = NT_FILE};
	static const char pad[4];

	open_buffer(&ranges);
	open_buffer(&names);
	for (size_t i = 0; i < n; i++) {
		size_t loads = each_load(&files[i], &ranges, headers);

		for (size_t j = 0; j < loads; j++)
			put(&names, files[i].path, strlen(files[i].path) + 1);
		total += loads;
	}
	fclose(ranges.file);
	fclose(names.file);
	head.n_descsz = (uint32_t)(16 + ranges.n + names.n);
	open_buffer(ret);
	put(ret, &head, sizeof(head));
	put(ret, "CORE\0\0\0", 8);
	put(ret, (uint64_t[]){total, PAGE}, 16);
	put(ret, ranges.at, ranges.n);
	put(ret, names.at, names.n);
	put(ret, pad, (4 - head.n_descsz % 4) % 4);
	fclose(ret->file);
	free(ranges.at);
	free(names.at);
}

/* A core of a process that mapped the files and had nothing else; its descriptor. */
static int make_core(struct mapped *files, size_t n)
{
	struct buffer notes, headers;
	Elf64_Ehdr e = {.e_type = ET_CORE, .e_version = EV_CURRENT};
	Elf64_Phdr note = {.p_type = PT_NOTE};
	int fd = memfd_create("core", MFD_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "wb");

	if (!f)
		die("memory", "not enough");
	open_buffer(&headers);
	file_note(&notes, &headers, files, n);
	fclose(headers.file);
	memcpy(e.e_ident, files[0].bytes, EI_NIDENT);
	e.e_machine = ((const Elf64_Ehdr *)(const void *)files[0].bytes)->e_machine;
	e.e_ehsize = sizeof(e);
	e.e_phentsize = sizeof(note);
	e.e_phoff = sizeof(e);
	e.e_phnum = (uint16_t)(1 + headers.n / sizeof(note));
	note.p_offset = sizeof(e) + sizeof(note) + headers.n;
	note.p_filesz = notes.n;
	note.p_align = 4;
	fwrite(&e, sizeof(e), 1, f);
	fwrite(&note, sizeof(note), 1, f);
	fwrite(headers.at, 1, headers.n, f);
	fwrite(notes.at, 1, notes.n, f);
	if (fclose(f))
		die("core", "cannot be written");
	free(headers.at);
	free(notes.at);
	return fd;
}

static const char *flavour_words(unsigned flavour)
{
	switch (flavour) {
	case PL_RELEASE:
		return "PL_RELEASE";
	case PL_PYDEBUG:
		return "PL_PYDEBUG";
	case PL_TRACE_REFS:
		return "PL_TRACE_REFS";
	default:
		return "PL_PYDEBUG | PL_TRACE_REFS";
	}
}

static void print_table(const struct pl_layout *l, const struct pl_found *found,
			const char *variant, unsigned machine)
{
	char version[24], word[96];
	unsigned column = 0;

	pl_layout_version_text(found->hexversion, version, sizeof(version));
	printf("/* CPython %s, %s%s%s, machine %u: written by scripts/gen_layout.py from its "
	       "DWARF. */\n",
	       version, variant, found->flavour & PL_PYDEBUG ? ", pydebug" : "",
	       found->flavour & PL_TRACE_REFS ? ", trace refs" : "", machine);
	printf("PL_TABLE(\"%s-%s%s%s\", 0x%08x, %s,", version, variant,
	       found->flavour & PL_PYDEBUG ? "-debug" : "",
	       found->flavour & PL_TRACE_REFS ? "-tracerefs" : "", found->hexversion,
	       flavour_words(found->flavour));
	column = 100;
	for (unsigned i = 0; i < PL_N_FIELDS; i++) {
		int32_t offset = pl_layout_offset(l, i);
		uint32_t width = ((const uint32_t *)&l->w)[i];
		int n;

		if (!pl_has(offset))
			continue;
		n = width == 8 ? snprintf(word, sizeof(word), "F(%s, %d)", pl_field_name(i), offset)
			       : snprintf(word, sizeof(word), "W(%s, %d, %u)", pl_field_name(i),
					  offset, width);
		if (column + (unsigned)n + 1 > 99) {
			printf("\n\t%s", word);
			column = 8 + (unsigned)n;
		} else {
			printf(" %s", word);
			column += 1 + (unsigned)n;
		}
	}
	printf(")\n");
}

int main(int argc, char **argv)
{
	static struct mapped files[MAX_FILES];
	struct pl_image_options options = {0};
	const char *variant = NULL;
	struct pl_found found;
	struct pl_layout l = {0};
	struct pl_image *im;
	struct pl_ctx ctx;
	struct pl_err err;
	char core[32];
	pl_addr base = FIRST_BASE;
	size_t n = 0;
	int fd;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--sysroot") && i + 1 < argc)
			options.sysroot = argv[++i];
		else if (!strcmp(argv[i], "--debug-dir") && i + 1 < argc)
			options.debug_dir = argv[++i];
		else if (!strcmp(argv[i], "--variant") && i + 1 < argc)
			variant = argv[++i];
		else if (n < MAX_FILES)
			read_file(&files[n++], argv[i]);
	}
	if (!n || !variant)
		die("usage", "gen_layout [--sysroot DIR] [--debug-dir DIR] --variant NAME ELF...");
	for (size_t i = 0; i < n; i++) {
		const Elf64_Ehdr *e = (const void *)files[i].bytes;

		if (e->e_type == ET_EXEC)
			continue;
		files[i].base = base;
		base += extent(&files[i]);
	}
	fd = make_core(files, n);
	snprintf(core, sizeof(core), "/proc/self/fd/%d", fd);
	options.core = core;
	pl_ctx_init(&ctx, 1);
	if (pl_image_open(&options, &ctx, &im, &err) || pl_layout_detect(im, &ctx, 0, &found, &err))
		die(files[0].path, err.text);
	if (!(found.hexversion & 0xff))
		die(files[0].path, "its exact version was not found");
	pl_layout_clear(&l);
	if (!pl_layout_from_dwarf(im, &found, &l))
		die(files[0].path, "has no debug information");
	print_table(&l, &found, variant, pl_image_info(im)->machine);
	pl_image_free(im);
	pl_ctx_fini(&ctx);
	for (size_t i = 0; i < n; i++)
		free(files[i].bytes);
	close(fd);
	return 0;
}
