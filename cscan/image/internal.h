/*
 * internal.h - what the files of this room share; nobody outside includes it.
 *
 * The way of data in here, which open.c leads: program headers become byte ranges (core.c), notes
 * become threads, auxv and a list of mapped files (notes.c), those are looked up on this machine
 * (modules.c), and all of it together becomes mappings, spans and runs (spans.c). Symbols and DWARF
 * are read from the files on first need (symbols.c, dwarf.c).
 */
#ifndef PL_IMAGE_INTERNAL_H
#define PL_IMAGE_INTERNAL_H

#include <elfutils/libdw.h>
#include <libelf.h>

#include "base/mem.h"
#include "base/search.h"
#include "image/image.h"

#define PL_BUILD_ID_MAX 32

/* ---- elfhead.c: the first bytes of an ELF file, in a file or in a core ---- */
struct pl_elf_head {
	uint16_t type, machine;
	uint64_t entry;
	uint64_t load_lo,
		load_hi;     /* around all PT_LOADs, addresses as in the file; both 0 without */
	uint64_t phdr_vaddr; /* of the program headers, 0 when no PT_LOAD holds them */
	bool notes_read;     /* every PT_NOTE lay within the bytes given */
	uint8_t build_id[PL_BUILD_ID_MAX];
	unsigned build_id_len; /* 0 = none seen */
};
/* False when the n bytes at p do not start a 64-bit little-endian ELF, all program headers in. */
bool pl_elf_head(const uint8_t *p, uint64_t n, struct pl_elf_head *ret);
/* Where its PT_LOADs put the byte at a file offset (whole pages are mapped), as in the file. */
bool pl_elf_vaddr_of(const uint8_t *p, uint64_t n, uint64_t offset, uint64_t *ret);
/* The i-th PT_LOAD, or false. */
bool pl_elf_load(const uint8_t *p, uint64_t n, unsigned i, Elf64_Phdr *ret);
/* True when both are there and equal. */
bool pl_build_id_equal(const uint8_t *a, unsigned a_len, const uint8_t *b, unsigned b_len);

/* ---- file.c: files of this machine ---- */
struct pl_file {
	char *path;
	const uint8_t *map; /* the whole file */
	uint64_t size;
	bool is_elf; /* head is filled */
	struct pl_elf_head head;
	Elf *elf; /* use pl_file_elf() */
	bool elf_tried;
};
/* Map a regular file; NULL when it is not there, empty, no regular file or unreadable. */
struct pl_file *pl_file_open(const char *path);
void pl_file_free(struct pl_file *f);
/* libelf's handle, made on first need; NULL when f is NULL or libelf refuses the file. */
Elf *pl_file_elf(struct pl_file *f);
/* The section of that name, or NULL; *ret_shdr is filled when it is not NULL. */
Elf_Scn *pl_file_section(struct pl_file *f, const char *name, GElf_Shdr *ret_shdr);
/*
 * root/path on this machine, malloced. With a root, symbolic links and ".." are resolved inside it,
 * as a chroot would; NULL when a component is missing. With root NULL it is a copy of path.
 */
char *pl_path_in(const char *root, const char *path);

/* ---- debugfile.c: separate debug files ---- */
/*
 * The debug file that goes with a build-id or, when file is not NULL, with its .gnu_debuglink. Only
 * this machine's disk is searched. NULL when there is none.
 */
struct pl_file *pl_debug_file(const struct pl_image *im, struct pl_file *file,
			      const uint8_t *build_id, unsigned build_id_len);
/* The file that the .gnu_debugaltlink (dwz) of f names, or NULL. */
struct pl_file *pl_debug_alt(const struct pl_image *im, struct pl_file *f);

/* ---- unpack.c ---- */
/* True when the n first bytes of a file are the magic of a compression that is known. */
bool pl_is_packed(const uint8_t *p, size_t n);
/*
 * Copy what can be read from fd, unpacked, to an unlinked sparse file in $TMPDIR (or /tmp) and
 * return its descriptor; name is for messages, size of the input for the progress (0 = unknown).
 * Input that ends early or is damaged gives what came before it, and a note. 0 or an error.
 */
int pl_unpack(int fd, const char *name, uint64_t size, struct pl_ctx *ctx, int *ret,
	      struct pl_err *err);

/* ---- core.c ---- */
/* 0 when the n first bytes of a file start a core that can be read, else the error, which says what
 * the file is instead. */
int pl_core_check(const char *name, const uint8_t *p, uint64_t n, struct pl_err *err);

/*
 * Of a file that pl_core_check() lets through, mapped: its machine, segments and notes. What cannot
 * be read or is cut off is said in ctx.
 */
void pl_core_read(struct pl_image *im, struct pl_ctx *ctx);
/* Bytes that a PT_LOAD claims to hold; host is NULL where the file ends before them. */
struct pl_range {
	pl_addr lo, hi;
	const uint8_t *host;
	uint8_t prot;
};
/* The core's own bytes from addr on: their host address and, in *n, how many; NULL for none. */
const uint8_t *pl_core_bytes(const struct pl_image *im, pl_addr addr, uint64_t *n);

/* An entry of NT_FILE. */
struct pl_file_map {
	pl_addr lo, hi;
	uint64_t offset; /* bytes */
	const char *path;
	int module;
};

/* Host-contiguous spans joined: what a view looks up. */
struct pl_run {
	pl_addr lo, hi;
	const uint8_t *host;
};

struct pl_symtab; /* symbols.c: one symbol table, indexed */

/* What belongs to a module but is nobody's business outside; same index as modules. */
struct pl_module_priv {
	struct pl_file *file;  /* NULL unless MATCHED or UNCHECKED */
	struct pl_file *debug; /* use pl_module_debug() */
	bool debug_tried;
	struct pl_symtab *symtab[3]; /* .dynsym, .symtab, the debug file's .symtab; made on need */
	struct pl_symtab_by_addr *by_addr;
	struct pl_file *alt; /* dwz's common file of the DWARF */
	Dwarf *dwarf, *dwarf_alt;
	bool dwarf_tried;
};

struct pl_auxv {
	uint64_t type, value;
};

struct pl_image {
	struct pl_core_info info;
	const uint8_t *core; /* the whole file, mapped */
	const struct pl_machine *machine;
	const char *exe, *sysroot, *debug_dir; /* options, NULL when not given */
	const char *real_sysroot;              /* of sysroot, absolute and without links, or NULL */
	PL_VEC(struct pl_range) ranges;        /* sorted, disjoint: what the core claims to hold */
	PL_VEC(struct pl_range) memory;        /* sorted, disjoint: what was mapped; host unused */
	PL_VEC(struct pl_file_map) file_maps;  /* sorted, disjoint */
	PL_VEC(struct pl_mapping) mappings;
	PL_VEC(struct pl_span) spans;
	PL_VEC(struct pl_run) runs;
	PL_VEC(struct pl_module) modules;
	struct pl_module_priv *priv;
	PL_VEC(struct pl_thread) threads;
	PL_VEC(struct pl_stack_end) stacks; /* by end: stack.c */
	PL_VEC(uint32_t) altstacks;         /* threads that stand on one: altstack.c */
	PL_VEC(struct pl_auxv) auxv;
	struct pl_unwinder *unwinder; /* unwind.c: made on first need */
	struct pl_arena strings;
};

/* ---- sigframe.c ---- */
/* A view's memory for a machine to ask. */
struct pl_memory pl_memory_of(struct pl_view *v);
/* Is the code at pc the one that a signal handler returns to? */
bool pl_is_sigreturn(const struct pl_machine *m, struct pl_view *v, pl_addr pc);
/*
 * The registers, ip and sp that the kernel laid down for a handler that returns with that stack
 * pointer; the thread's count for those that are not in there. False when they are not at hand.
 */
bool pl_sigframe_regs(const struct pl_machine *m, struct pl_view *v, const struct pl_thread *t,
		      pl_addr sp, struct pl_signal *ret);

/* ---- altstack.c ---- */
/* Find the threads that stand on an alternate stack, once memory can be read. */
void pl_altstacks_find(struct pl_image *im);

/* ---- notes.c ---- */
/* Bytes of a siginfo_t that pl_siginfo_read() looks at. */
#define PL_SIGINFO_BYTES 24
/* Of 64-bit Linux: what is common to the one of a note and the one on a stack. */
void pl_siginfo_read(const uint8_t *p, struct pl_siginfo *ret);
/* Read the notes in the n bytes at p (the part of a PT_NOTE that the file holds) into im. */
void pl_notes_read(struct pl_image *im, struct pl_ctx *ctx, const uint8_t *p, uint64_t n);
/* Sort what NT_FILE said, once all notes are read. */
void pl_notes_finish(struct pl_image *im, struct pl_ctx *ctx);

/* ---- modules.c ---- */
/* Group the file maps to modules, find their files, check them, say in ctx what is missing. */
void pl_modules_find(struct pl_image *im, struct pl_ctx *ctx);
/* The separate debug file, searched on first need, or NULL. */
struct pl_file *pl_module_debug(struct pl_image *im, int module);

/* ---- spans.c ---- */
void pl_spans_build(struct pl_image *im);
/* PL_E_NOMEM when the core's bytes are scattered so far that tables about them are out of all
 * proportion. */
int pl_spans_check(const struct pl_image *im, struct pl_err *err);

/* ---- members.c ---- */
/* The type behind typedefs and qualifiers of the type that die has (DW_AT_type), or false. */
bool pl_dwarf_type_of(Dwarf_Die *die, Dwarf_Die *ret);
/*
 * Where in a struct (a complete definition) the member is that the first n bytes of path name; no
 * bytes ask for the struct itself. Fills the answer of *ret (not has_struct) and returns true.
 */
bool pl_dwarf_member(Dwarf_Die *strct, const char *path, size_t n, struct pl_member_query *ret);
/* dwarf_siblingof() that only goes forward, whatever the file says; false at the end. */
bool pl_dwarf_next(Dwarf_Die *die);

/* ---- stack.c ---- */
/* Where the stack of a thread ends, in the mapping that its stack pointer is in. */
struct pl_stack_end {
	pl_addr end;
	const struct pl_mapping *mapping;
	uint32_t thread;
};
/* Note the stacks of all threads, once memory can be read. */
void pl_stacks_find(struct pl_image *im);

/* ---- unwind.c: NULL is fine ---- */
void pl_unwinder_free(struct pl_unwinder *u);

/* ---- symbols.c, dwarf.c: give back what they keep in priv ---- */
void pl_symbols_free(struct pl_module_priv *m);
void pl_dwarf_free(struct pl_module_priv *m);

/* Whether all of the n bytes at p are 0. */
static inline bool pl_is_zero(const uint8_t *p, uint64_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, (size_t)n - 1));
}

#endif
