/*
 * notes.c - the notes of a core: threads, process, signal, auxiliary vector, mapped files.
 *
 * Layouts are those of 64-bit Linux (fs/binfmt_elf.c, include/linux/elfcore.h; the same on every
 * 64-bit machine but for the registers, see machine/). Each note is bounded by what the file holds;
 * a note that claims more ends the reading, and what NT_FILE and NT_AUXV held till there counts.
 */
#include <elf.h>
#include <signal.h>
#include <stdlib.h>

#include "image/internal.h"

/* struct elf_prstatus */
enum { PRSTATUS_CURSIG = 12, PRSTATUS_PID = 32, PRSTATUS_REG = 112, PRSTATUS_TAIL = 8 };
/* struct elf_prpsinfo */
enum { PRPSINFO_PID = 24, PRPSINFO_ARGS = 56, PRPSINFO_ARGS_LEN = 80 };
/* siginfo_t */
enum { SIGINFO_CODE = 8, SIGINFO_ADDR = 16, SIGINFO_PID = 16 };

enum { MAX_AUXV = 256, MAX_THREADS = 1 << 20, MAX_FILE_MAPS = 1 << 22 };

static void read_prstatus(struct pl_image *im, const uint8_t *d, uint64_t n)
{
	const struct pl_registers *m = im->machine->regs;
	uint64_t *regs;
	struct pl_thread t;

	if (n < PRSTATUS_REG + m->n * 8 + PRSTATUS_TAIL || im->threads.n == MAX_THREADS)
		return;
	regs = pl_arena_alloc(&im->strings, m->n * sizeof(*regs));
	memcpy(regs, d + PRSTATUS_REG, m->n * sizeof(*regs));
	t = (struct pl_thread){
		.lwp = pl_ld32(d + PRSTATUS_PID),
		.signal = (int16_t)pl_ld16(d + PRSTATUS_CURSIG),
		.ip = regs[m->pc],
		.sp = regs[m->sp],
		.own_sp = regs[m->sp],
		.tp = regs[m->tp],
		.regs = regs,
		.n_regs = m->n,
	};
	if (!im->threads.n) {
		im->info.signal = t.signal;
		if (!im->info.pid)
			im->info.pid = t.lwp;
	}
	pl_vec_push(&im->threads, t);
}

static void read_prpsinfo(struct pl_image *im, const uint8_t *d, uint64_t n)
{
	if (n < PRPSINFO_ARGS + PRPSINFO_ARGS_LEN || im->info.command)
		return;
	im->info.pid = pl_ld32(d + PRPSINFO_PID);
	im->info.command =
		pl_arena_strndup(&im->strings, (const char *)d + PRPSINFO_ARGS, PRPSINFO_ARGS_LEN);
	/* The kernel writes the dying thread's NT_PRSTATUS first; gdb starts with NT_PRPSINFO. */
	if (!im->threads.n)
		im->info.from_gcore = true;
}

void pl_siginfo_read(const uint8_t *p, struct pl_siginfo *ret)
{
	int signo = (int)pl_ld32(p), code = (int)pl_ld32(p + SIGINFO_CODE);

	*ret = (struct pl_siginfo){.signal = signo, .code = code};
	if (code == SI_USER || code == SI_TKILL || code == SI_QUEUE)
		ret->sender = pl_ld32(p + SIGINFO_PID);
	/* si_addr is there when the kernel itself raised the signal (si_code > 0). */
	if (code > 0 && (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
			 signo == SIGFPE || signo == SIGTRAP)) {
		ret->has_addr = true;
		ret->addr = pl_ld64(p + SIGINFO_ADDR);
	}
}

static void read_siginfo(struct pl_image *im, const uint8_t *d, uint64_t n)
{
	struct pl_siginfo info;

	/* gdb writes one per thread; the first thread's is the process's. */
	if (n < PL_SIGINFO_BYTES || im->threads.n > 1 || im->info.has_siginfo)
		return;
	pl_siginfo_read(d, &info);
	im->info.has_siginfo = true;
	im->info.si_code = info.code;
	im->info.sender = info.sender;
	im->info.has_fault_addr = info.has_addr;
	im->info.fault_addr = info.addr;
}

static void read_auxv(struct pl_image *im, const uint8_t *d, uint64_t n)
{
	if (im->auxv.n)
		return;
	for (; n >= 16 && im->auxv.n < MAX_AUXV; d += 16, n -= 16) {
		struct pl_auxv a = {pl_ld64(d), pl_ld64(d + 8)};

		if (a.type == AT_NULL)
			return;
		pl_vec_push(&im->auxv, a);
	}
}

/* count, page size, count times (start, end, page offset), count strings. */
static void read_file_maps(struct pl_image *im, struct pl_ctx *ctx, const uint8_t *d, uint64_t n)
{
	uint64_t count, page, names;
	const uint8_t *name, *end = d + n;

	if (n < 16 || im->file_maps.n)
		return;
	count = pl_ld64(d);
	page = pl_ld64(d + 8);
	if (count > MAX_FILE_MAPS || !pl_mul(count, 24, &names) || names > n - 16) {
		pl_ctx_damage(ctx, "bad-notes",
			      "the list of mapped files claims %llu entries in %llu bytes",
			      (unsigned long long)count, (unsigned long long)n);
		return;
	}
	name = d + 16 + names;
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *e = d + 16 + 24 * i;
		const uint8_t *nul = memchr(name, '\0', (size_t)(end - name));
		struct pl_file_map m = {.lo = pl_ld64(e), .hi = pl_ld64(e + 8), .module = -1};

		if (!nul)
			return;
		if (m.lo < m.hi && pl_mul(pl_ld64(e + 16), page, &m.offset)) {
			size_t before = im->file_maps.n;

			/* One copy for the several mappings of one file, which come in a row. */
			if (before &&
			    !strcmp(im->file_maps.at[before - 1].path, (const char *)name))
				m.path = im->file_maps.at[before - 1].path;
			else
				m.path = pl_arena_strndup(&im->strings, (const char *)name,
							  (size_t)(nul - name));
			pl_vec_push(&im->file_maps, m);
		}
		name = nul + 1;
	}
}

static void read_note(struct pl_image *im, struct pl_ctx *ctx, uint32_t type, const uint8_t *d,
		      uint64_t n)
{
	switch (type) {
	case NT_PRSTATUS:
		read_prstatus(im, d, n);
		break;
	case NT_PRPSINFO:
		read_prpsinfo(im, d, n);
		break;
	case NT_SIGINFO:
		read_siginfo(im, d, n);
		break;
	case NT_AUXV:
		read_auxv(im, d, n);
		break;
	case NT_FILE:
		read_file_maps(im, ctx, d, n);
		break;
	}
}

void pl_notes_read(struct pl_image *im, struct pl_ctx *ctx, const uint8_t *p, uint64_t n)
{
	while (n >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;
		uint64_t desc, end;
		bool core;

		memcpy(&nh, p, sizeof(nh));
		desc = pl_round_up(sizeof(nh) + (uint64_t)nh.n_namesz, 4);
		end = desc + nh.n_descsz;
		if (end > n && !im->info.truncated) {
			pl_ctx_damage(ctx, "bad-notes",
				      "a note of the core claims %u bytes where %llu are left: "
				      "threads and mapped files behind it are unknown",
				      nh.n_descsz, (unsigned long long)n);
			return;
		}
		if (desc > n)
			return;
		core = nh.n_namesz == 5 && memcmp(p + sizeof(nh), "CORE", 5) == 0;
		if (core)
			read_note(im, ctx, nh.n_type, p + desc, PL_MIN(end, n) - desc);
		end = PL_MIN(pl_round_up(end, 4), n);
		p += end;
		n -= end;
	}
}

static int by_lo(const void *a, const void *b)
{
	const struct pl_file_map *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void pl_notes_finish(struct pl_image *im, struct pl_ctx *ctx)
{
	size_t kept = 0, n = im->file_maps.n;
	struct pl_file_map *m = im->file_maps.at;

	if (n)
		qsort(m, n, sizeof(*m), by_lo);
	for (size_t i = 0; i < n; i++) {
		if (!kept || m[i].lo >= m[kept - 1].hi)
			m[kept++] = m[i];
	}
	im->file_maps.n = kept;
	if (kept < n)
		pl_ctx_damage(ctx, "bad-notes", "%zu of %zu mapped files overlap others", n - kept,
			      n);
	if (!im->info.command)
		im->info.command = "";
	/* A live process that gdb stopped to take a snapshot died of nothing. */
	if (im->info.from_gcore &&
	    (im->info.signal == SIGSTOP || im->info.signal == SIGTRAP || im->info.signal == SIGINT))
		im->info.signal = 0;
}
