/*
 * base.c - a real core in memory, to be damaged and healed again a thousand times.
 */
#include "base.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/session.h"
#include "base/mem.h"

#define PAGE 4096
#define SMALL 0x100000
#define OBJECT_WORDS 24 /* that an operation may hit, the gc head's four included */
#define HEAD_WORDS 4
#define TARGET_WORDS 64
#define MAX_OPS 256

typedef PL_VEC(uint32_t) offsets; /* of words in the file */

struct undo {
	uint64_t offset;
	uint8_t was[8];
};

struct fuzz_base {
	struct pl_image_options options;
	char path[64]; /* of the copy */
	char *exe, *sysroot;
	int fd; /* the copy */
	uint64_t size;
	const uint8_t *clean; /* the whole file, undamaged */
	PL_VEC(Elf64_Phdr) loads;
	uint64_t headers, notes_at, notes_size; /* bytes of the headers; where the notes are */
	offsets words[FUZZ_N_WHERE];            /* for POINTERS, SMALL, PAGES */
	PL_VEC(pl_addr) objects;
	PL_VEC(struct undo) undo;
	bool cut;
};

static _Noreturn void give_up(const char *what, const char *about)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, about);
	exit(2);
}

/* Where the byte of an address is in the file, or UINT64_MAX. Cores list segments by address. */
static uint64_t offset_of(const struct fuzz_base *b, pl_addr addr)
{
	size_t lo = 0, hi = b->loads.n;
	const Elf64_Phdr *ph;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->loads.at[mid].p_vaddr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return UINT64_MAX;
	ph = &b->loads.at[lo - 1];
	return addr - ph->p_vaddr < ph->p_filesz ? ph->p_offset + (addr - ph->p_vaddr) : UINT64_MAX;
}

static pl_addr addr_of(const struct fuzz_base *b, uint64_t offset)
{
	for (size_t i = 0; i < b->loads.n; i++) {
		const Elf64_Phdr *ph = &b->loads.at[i];

		if (offset - ph->p_offset < ph->p_filesz)
			return ph->p_vaddr + (offset - ph->p_offset);
	}
	return 0;
}

static void read_headers(struct fuzz_base *b)
{
	Elf64_Ehdr eh;

	memcpy(&eh, b->clean, sizeof(eh));
	b->headers = eh.e_phoff + (uint64_t)eh.e_phnum * sizeof(Elf64_Phdr);
	if (b->headers > b->size)
		give_up(b->options.core, "its program headers are cut off");
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, b->clean + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_offset > b->size || ph.p_filesz > b->size - ph.p_offset)
			give_up(b->options.core, "it is truncated");
		if (ph.p_type == PT_LOAD && ph.p_filesz) {
			pl_vec_push(&b->loads, ph);
		} else if (ph.p_type == PT_NOTE) {
			b->notes_at = ph.p_offset;
			b->notes_size = ph.p_filesz;
		}
	}
}

/* Only what was written is worth damaging: text and constants are the files' own. */
static void sort_words(struct fuzz_base *b)
{
	for (size_t i = 0; i < b->loads.n; i++) {
		const Elf64_Phdr *ph = &b->loads.at[i];

		if (!(ph->p_flags & PF_W))
			continue;
		for (uint64_t at = ph->p_offset; at + 8 <= ph->p_offset + ph->p_filesz; at += 8) {
			uint64_t word = pl_ld64(b->clean + at);

			if (word)
				pl_vec_push(&b->words[FUZZ_WORDS], (uint32_t)at);
			if (word && word < SMALL)
				pl_vec_push(&b->words[FUZZ_SMALL], (uint32_t)at);
			else if (word && offset_of(b, word) != UINT64_MAX)
				pl_vec_push(&b->words[FUZZ_POINTERS], (uint32_t)at);
			if (word && at % PAGE < 64)
				pl_vec_push(&b->words[FUZZ_PAGES], (uint32_t)at);
		}
	}
}

/* What pyleak finds in the undamaged core. */
static void list_objects(struct fuzz_base *b)
{
	struct pl_session *s = pl_session_new(&b->options, 1);
	struct pl_objects *o;
	struct pl_err err = {0};

	if (pl_session_index(s, &o, &err))
		give_up(b->options.core, err.text);
	for (size_t i = 0; i < o->n; i++) {
		if (offset_of(b, o->addr[i]) != UINT64_MAX)
			pl_vec_push(&b->objects, o->addr[i]);
	}
	pl_session_free(s);
}

struct fuzz_base *fuzz_base_new(const struct pl_image_options *options)
{
	struct fuzz_base *b = pl_calloc(1, sizeof(*b));
	int fd = open(options->core, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0)
		give_up(options->core, "cannot open it");
	b->size = (uint64_t)st.st_size;
	map = mmap(NULL, b->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (b->size < sizeof(Elf64_Ehdr) || b->size > UINT32_MAX || map == MAP_FAILED)
		give_up(options->core, "this is no small core");
	b->clean = map;
	b->options = *options;
	b->exe = options->exe ? pl_strdup(options->exe) : NULL;
	b->sysroot = options->sysroot ? pl_strdup(options->sysroot) : NULL;
	b->options.exe = b->exe;
	b->options.sysroot = b->sysroot;
	read_headers(b);
	sort_words(b);
	list_objects(b);
	b->fd = memfd_create("core", MFD_CLOEXEC);
	if (b->fd < 0 || write(b->fd, b->clean, b->size) != (ssize_t)b->size)
		give_up(options->core, "cannot copy it");
	snprintf(b->path, sizeof(b->path), "/proc/self/fd/%d", b->fd);
	b->options.core = b->path;
	return b;
}

void fuzz_base_free(struct fuzz_base *b)
{
	munmap((void *)b->clean, b->size);
	close(b->fd);
	for (size_t i = 0; i < FUZZ_N_WHERE; i++)
		pl_vec_free(&b->words[i]);
	pl_vec_free(&b->loads);
	pl_vec_free(&b->objects);
	pl_vec_free(&b->undo);
	free(b->exe);
	free(b->sysroot);
	free(b);
}

const struct pl_image_options *fuzz_base_options(const struct fuzz_base *b)
{
	return &b->options;
}

const pl_addr *fuzz_base_objects(const struct fuzz_base *b, size_t *n)
{
	*n = b->objects.n;
	return b->objects.at;
}

/* ---- damage ---- */

pl_addr fuzz_base_object_of(const struct fuzz_base *b, const struct fuzz_op *op)
{
	unsigned where = op->where % FUZZ_N_WHERE;

	if ((where != FUZZ_OBJECTS && where != FUZZ_TARGETS) || !b->objects.n)
		return 0;
	return b->objects.at[(op->index >> 8) % b->objects.n];
}

/* Offset in the file of the index-th word of a kind, or UINT64_MAX. */
static uint64_t place(const struct fuzz_base *b, const struct fuzz_op *op, uint32_t further)
{
	unsigned where = op->where % FUZZ_N_WHERE;
	uint32_t index = op->index + further;
	const offsets *words = &b->words[where];
	struct fuzz_op moved = *op;
	uint64_t at;

	switch ((enum fuzz_where)where) {
	case FUZZ_HEADERS:
		return index % b->headers & ~UINT64_C(3);
	case FUZZ_NOTES:
		return b->notes_size ? b->notes_at + (index % b->notes_size & ~UINT64_C(3))
				     : UINT64_MAX;
	case FUZZ_WORDS:
	case FUZZ_POINTERS:
	case FUZZ_SMALL:
	case FUZZ_PAGES:
		return words->n ? words->at[index % words->n] : UINT64_MAX;
	case FUZZ_OBJECTS:
	case FUZZ_TARGETS:
		moved.index = op->index + (further << 8);
		if (!b->objects.n)
			return UINT64_MAX;
		at = offset_of(b, fuzz_base_object_of(b, &moved) +
					  8 * (uint64_t)(op->index & 0xff) % (8 * OBJECT_WORDS) -
					  8 * HEAD_WORDS);
		if (where == FUZZ_OBJECTS || at > b->size - 8)
			return at;
		return offset_of(b, (pl_ld64(b->clean + at) & ~UINT64_C(7)) +
					    op->index / 8 % TARGET_WORDS * 8);
	default:
		return UINT64_MAX;
	}
}

static uint64_t scattered(uint64_t z)
{
	z = (z + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return z ^ z >> 29;
}

static void put(struct fuzz_base *b, uint64_t offset, const void *bytes)
{
	struct undo u = {.offset = offset};

	if (pread(b->fd, u.was, 8, (off_t)offset) != 8)
		return; /* cut off already */
	pl_vec_push(&b->undo, u);
	if (pwrite(b->fd, bytes, 8, (off_t)offset) != 8)
		give_up(b->path, "cannot write");
}

/* Offset, address and length of a segment change places with those of another. */
static void swap_segments(struct fuzz_base *b, uint32_t first, uint32_t second)
{
	const uint64_t at[] = {offsetof(Elf64_Phdr, p_offset), offsetof(Elf64_Phdr, p_vaddr),
			       offsetof(Elf64_Phdr, p_filesz)};
	uint64_t n = (b->headers - sizeof(Elf64_Ehdr)) / sizeof(Elf64_Phdr), x, y;

	if (!n)
		return;
	x = sizeof(Elf64_Ehdr) + first % n * sizeof(Elf64_Phdr);
	y = sizeof(Elf64_Ehdr) + second % n * sizeof(Elf64_Phdr);
	/* One of the three, so that the bytes lie at wrong addresses. */
	put(b, x + at[first % 3], b->clean + y + at[first % 3]);
	put(b, y + at[first % 3], b->clean + x + at[first % 3]);
}

static void do_file(struct fuzz_base *b, const struct fuzz_op *op)
{
	if (op->what % 2) {
		swap_segments(b, op->index, op->arg);
	} else if (!b->cut) {
		b->cut = true;
		if (ftruncate(b->fd, (off_t)(b->size * op->arg >> 16)) < 0)
			give_up(b->path, "cannot truncate");
	}
}

/* To the word at an offset of the file; other: where FUZZ_OTHER takes its word from. */
static void do_word(struct fuzz_base *b, const struct fuzz_op *op, uint64_t at, uint64_t other)
{
	uint64_t word;

	if (at > b->size - 8)
		return;
	word = pl_ld64(b->clean + at);
	switch ((enum fuzz_what)(op->what % FUZZ_N_WHAT)) {
	case FUZZ_ZERO:
		word = 0;
		break;
	case FUZZ_ONES:
		word = UINT64_MAX;
		break;
	case FUZZ_FLIP:
		word ^= UINT64_C(1) << op->arg % 64;
		break;
	case FUZZ_ADD:
		word += (uint64_t)(int64_t)(int16_t)op->arg;
		break;
	case FUZZ_SET:
		word = op->arg;
		break;
	case FUZZ_OTHER:
		word = other > b->size - 8 ? 0 : pl_ld64(b->clean + other);
		break;
	case FUZZ_ITSELF:
		word = addr_of(b, at);
		break;
	default:
		word = scattered(op->arg);
	}
	put(b, at, &word);
}

void fuzz_base_damage_at(struct fuzz_base *b, pl_addr addr, const struct fuzz_op *op)
{
	do_word(b, op, offset_of(b, addr), offset_of(b, addr + (uint64_t)op->arg * 8));
}

void fuzz_base_damage(struct fuzz_base *b, const uint8_t *ops, size_t size)
{
	struct fuzz_op op;

	for (size_t i = 0; i < PL_MIN(size / sizeof(op), MAX_OPS); i++) {
		memcpy(&op, ops + i * sizeof(op), sizeof(op));
		if (op.where % FUZZ_N_WHERE == FUZZ_FILE)
			do_file(b, &op);
		else
			do_word(b, &op, place(b, &op, 0), place(b, &op, op.arg));
	}
}

bool fuzz_base_cut(const struct fuzz_base *b)
{
	return b->cut;
}

void fuzz_base_heal(struct fuzz_base *b)
{
	if (b->cut && pwrite(b->fd, b->clean, b->size, 0) != (ssize_t)b->size)
		give_up(b->path, "cannot write");
	while (!b->cut && b->undo.n) {
		const struct undo *u = &b->undo.at[--b->undo.n];

		if (pwrite(b->fd, u->was, 8, (off_t)u->offset) != 8)
			give_up(b->path, "cannot write");
	}
	b->undo.n = 0;
	b->cut = false;
}

/* ---- bases of the environment ---- */

struct named {
	char *entry;
	struct fuzz_base *base; /* made on first use */
};

static char *part(char **rest, char end)
{
	char *at = *rest, *stop = strchr(at, end);

	*rest = stop ? stop + 1 : at + strlen(at);
	if (stop)
		*stop = '\0';
	return at;
}

struct fuzz_base *fuzz_base_at(unsigned i, unsigned *n)
{
	static PL_VEC(struct named) bases;
	const char *given = getenv("PYLEAK_FUZZ_BASES");

	if (!bases.n) {
		char *rest = given ? pl_strdup(given) : NULL;

		if (!rest || !*rest)
			give_up("PYLEAK_FUZZ_BASES", "it names no core (make fuzz sets it)");
		while (*rest)
			pl_vec_push(&bases, (struct named){.entry = part(&rest, ';')});
	}
	*n = (unsigned)bases.n;
	i %= *n;
	if (!bases.at[i].base) {
		char *entry = bases.at[i].entry;
		struct pl_image_options options = {.core = part(&entry, ':')};
		char *exe = part(&entry, ':'), *sysroot = part(&entry, ':');

		options.exe = *exe ? exe : NULL;
		options.sysroot = *sysroot ? sysroot : NULL;
		bases.at[i].base = fuzz_base_new(&options);
	}
	return bases.at[i].base;
}
