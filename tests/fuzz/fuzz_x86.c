/*
 * fuzz_x86.c - any bytes as machine code: taken apart at every offset, and followed as a
 * tp_traverse.
 *
 * An input is the offset of the function (2 bytes), then the code. Behind it lie traps, before it
 * the object's type.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/mem.h"
#include "fuzz.h"
#include "layout/layout.h"
#include "machine/x86.h"
#include "object/traverse/visits.h"
#include "runs.h"

enum {
	PAGE = 4096,
	BYTES = 4 * PAGE,
	HEAD = 2,
	TRAP = 0xcc,
	BUDGET = 1 << 20, /* instructions */
};
#define CODE UINT64_C(0x400000)
#define TYPE UINT64_C(0x500000)

/* A core of two segments; the code's bytes are rewritten below an image that stays open. */
struct file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	uint8_t rest[PAGE - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
	uint8_t type[PAGE], code[BYTES];
};

static int fd = -1;
static struct pl_image *im;

static _Noreturn void broken(const char *what)
{
	fprintf(stderr, "fuzz: x86: %s\n", what);
	abort();
}

static void open_core(void)
{
	static struct file f;
	struct pl_image_options options = {.sysroot = "/dev/null"};
	struct pl_ctx ctx;
	struct pl_err err;
	char path[64];

	memcpy(f.eh.e_ident, ELFMAG, SELFMAG);
	f.eh.e_ident[EI_CLASS] = ELFCLASS64;
	f.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	f.eh.e_ident[EI_VERSION] = EV_CURRENT;
	f.eh.e_type = ET_CORE;
	f.eh.e_machine = EM_X86_64;
	f.eh.e_version = EV_CURRENT;
	f.eh.e_phoff = sizeof(f.eh);
	f.eh.e_ehsize = sizeof(f.eh);
	f.eh.e_phentsize = sizeof(Elf64_Phdr);
	f.eh.e_phnum = 2;
	f.ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
			       .p_flags = PF_R | PF_X,
			       .p_offset = offsetof(struct file, code),
			       .p_vaddr = CODE,
			       .p_filesz = BYTES,
			       .p_memsz = BYTES,
			       .p_align = PAGE};
	f.ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
			       .p_flags = PF_R | PF_W,
			       .p_offset = offsetof(struct file, type),
			       .p_vaddr = TYPE,
			       .p_filesz = PAGE,
			       .p_memsz = PAGE,
			       .p_align = PAGE};
	fd = memfd_create("core", MFD_CLOEXEC);
	if (fd < 0 || write(fd, &f, sizeof(f)) != (ssize_t)sizeof(f))
		broken("cannot make a core");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	options.core = path;
	pl_ctx_init(&ctx, 1);
	if (pl_image_open(&options, &ctx, &im, &err))
		broken(err.text);
	pl_ctx_fini(&ctx);
}

/* ---- one instruction ---- */

static void check_fields(const struct pl_x86 *x, size_t n)
{
	if (!x->len || x->len > n || x->len > PL_X86_MAX)
		broken("a length that is none");
	if (x->map > 3 || (x->width != 2 && x->width != 4 && x->width != 8) || x->reg > 15 ||
	    x->rm > 15 || x->base > PL_X86_NONE || x->index > PL_X86_NONE ||
	    x->index == PL_X86_RIP || x->vvvv > 15)
		broken("an operand that there is not");
	if (x->scale != 1 && x->scale != 2 && x->scale != 4 && x->scale != 8)
		broken("a scale that there is not");
	if (x->memory && !x->has_modrm)
		broken("an operand in memory without ModRM");
}

/* What there is of an instruction lies in a buffer of its own, so that more is noticed. */
static void decode_all(const uint8_t *code, size_t size)
{
	for (size_t at = 0; at < size; at++) {
		size_t n = PL_MIN(size - at, (size_t)PL_X86_MAX);
		uint8_t *bytes = pl_malloc(n);
		struct pl_x86 x, again;

		memcpy(bytes, code + at, n);
		if (pl_x86_decode(bytes, n, &x)) {
			check_fields(&x, n);
			if (pl_x86_decode(bytes, x.len - 1u, &again))
				broken("its end was not needed");
			if (!pl_x86_decode(bytes, x.len, &again) || again.len != x.len ||
			    again.op != x.op || again.disp != x.disp || again.imm != x.imm)
				broken("what follows it makes a difference");
		}
		free(bytes);
	}
}

/* ---- a function ---- */

static struct pl_visits *follow(pl_addr function)
{
	struct pl_layout l = {.f.object_type = 8};
	struct pl_view v;

	pl_view_init(&v, im);
	return pl_visits_new(im, &l, &v, function, TYPE, BUDGET);
}

static void walk(pl_addr function)
{
	struct pl_visits *vs = follow(function), *again = follow(function);

	if (pl_visits_complete(vs) != pl_visits_complete(again) ||
	    pl_visits_deep(vs) != pl_visits_deep(again))
		broken("followed twice, it is not the same");
	for (int64_t at = -64; at < 512; at += 8) {
		if (pl_visits_field(vs, at) != pl_visits_field(again, at) ||
		    pl_visits_behind(vs, 16, at) != pl_visits_behind(again, 16, at))
			broken("followed twice, it does not visit the same");
		if (!pl_visits_complete(vs) && pl_visits_field(vs, at) == PL_VISIT_NO)
			broken("what was not followed is said to visit nothing");
	}
	pl_visits_free(vs);
	pl_visits_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t code[BYTES];
	uint16_t entry;

	if (size < HEAD)
		return 0;
	if (fd < 0)
		open_core();
	memcpy(&entry, data, sizeof(entry));
	size = PL_MIN(size - HEAD, (size_t)BYTES);
	fuzz_clock();
	decode_all(data + HEAD, size);
	memset(code, TRAP, sizeof(code));
	memcpy(code, data + HEAD, size);
	if (pwrite(fd, code, sizeof(code), offsetof(struct file, code)) != (ssize_t)sizeof(code))
		broken("cannot write");
	walk(CODE + entry % (size + 1));
	return 0;
}
