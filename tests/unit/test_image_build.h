/*
 * test_image_build.h - ELF cores for the unit tests of the image room, written byte by byte.
 *
 * Start with build_init(), add notes and segments, then build_write() the file or take its bytes.
 * A segment's header claims what the test says, true or not.
 */
#ifndef TEST_IMAGE_BUILD_H
#define TEST_IMAGE_BUILD_H

#include <elf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/image.h"

#include "cmocka_all.h"

#define DEFAULT UINT64_MAX /* let the builder fill it in */

struct build_seg {
	Elf64_Phdr ph;
	const void *data;
	size_t n;
};

struct build {
	Elf64_Ehdr eh;
	PL_VEC(uint8_t) notes;
	PL_VEC(struct build_seg) segs;
	uint8_t *bytes; /* of the file, after build_bytes() */
	size_t n;
};

static inline void build_init(struct build *b)
{
	memset(b, 0, sizeof(*b));
	memcpy(b->eh.e_ident, ELFMAG, SELFMAG);
	b->eh.e_ident[EI_CLASS] = ELFCLASS64;
	b->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	b->eh.e_ident[EI_VERSION] = EV_CURRENT;
	b->eh.e_type = ET_CORE;
	b->eh.e_machine = EM_X86_64;
	b->eh.e_version = EV_CURRENT;
	b->eh.e_phoff = sizeof(b->eh);
	b->eh.e_ehsize = sizeof(b->eh);
	b->eh.e_phentsize = sizeof(Elf64_Phdr);
}

static inline void build_fini(struct build *b)
{
	pl_vec_free(&b->notes);
	pl_vec_free(&b->segs);
	free(b->bytes);
}

static inline void build_put(struct build *b, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pl_vec_push(&b->notes, ((const uint8_t *)p)[i]);
	while (b->notes.n % 4)
		pl_vec_push(&b->notes, 0);
}

/* A note of owner CORE; descsz is what its header claims, or DEFAULT. */
static inline void build_note(struct build *b, uint32_t type, const void *desc, size_t n,
			      uint64_t descsz)
{
	Elf64_Nhdr nh = {5, (uint32_t)(descsz == DEFAULT ? n : descsz), type};

	build_put(b, &nh, sizeof(nh));
	build_put(b, "CORE", 5);
	build_put(b, desc, n);
}

/* An NT_PRSTATUS; rip, rsp, fs_base as given, the other registers hold their index. */
static inline void build_thread(struct build *b, uint32_t lwp, uint16_t signal, uint64_t ip,
				uint64_t sp, uint64_t fs)
{
	uint8_t d[336] = {0};

	memcpy(d + 12, &signal, sizeof(signal));
	memcpy(d + 32, &lwp, sizeof(lwp));
	for (uint64_t i = 0; i < 27; i++) {
		uint64_t v = i == 16 ? ip : i == 19 ? sp : i == 21 ? fs : i;

		memcpy(d + 112 + 8 * i, &v, sizeof(v));
	}
	build_note(b, NT_PRSTATUS, d, sizeof(d), DEFAULT);
}

struct build_map {
	uint64_t lo, hi, offset;
	const char *path;
};

static inline void build_files(struct build *b, const struct build_map *maps, size_t n)
{
	PL_VEC(uint8_t) d = {0};
	uint64_t head[2] = {n, 4096};

	for (size_t i = 0; i < sizeof(head); i++)
		pl_vec_push(&d, ((uint8_t *)head)[i]);
	for (size_t k = 0; k < n; k++) {
		uint64_t e[3] = {maps[k].lo, maps[k].hi, maps[k].offset / 4096};

		for (size_t i = 0; i < sizeof(e); i++)
			pl_vec_push(&d, ((uint8_t *)e)[i]);
	}
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i <= strlen(maps[k].path); i++)
			pl_vec_push(&d, (uint8_t)maps[k].path[i]);
	}
	build_note(b, NT_FILE, d.at, d.n, DEFAULT);
	pl_vec_free(&d);
}

static inline void build_auxv(struct build *b, uint64_t type, uint64_t value)
{
	uint64_t d[4] = {type, value, AT_NULL, 0};

	build_note(b, NT_AUXV, d, sizeof(d), DEFAULT);
}

/* A PT_LOAD of n bytes of data; memsz and filesz are what its header claims, or DEFAULT for n. */
static inline void build_load(struct build *b, uint64_t vaddr, const void *data, size_t n,
			      uint64_t filesz, uint64_t memsz, uint32_t flags)
{
	struct build_seg s = {
		.ph = {.p_type = PT_LOAD,
		       .p_flags = flags,
		       .p_offset = DEFAULT,
		       .p_vaddr = vaddr,
		       .p_filesz = filesz == DEFAULT ? n : filesz,
		       .p_memsz = memsz == DEFAULT ? n : memsz,
		       .p_align = 4096},
		.data = data,
		.n = n,
	};

	pl_vec_push(&b->segs, s);
}

/* Lay the file out: headers, notes, data of the segments, and section header 0 when it must. */
static inline void build_bytes(struct build *b)
{
	size_t n_ph = b->segs.n + 1, at = sizeof(b->eh) + n_ph * sizeof(Elf64_Phdr);
	Elf64_Phdr note = {.p_type = PT_NOTE, .p_offset = at, .p_filesz = b->notes.n};
	Elf64_Shdr sh = {.sh_info = (uint32_t)n_ph};
	uint8_t *p;

	b->n = at + b->notes.n;
	for (size_t i = 0; i < b->segs.n; i++)
		b->n += b->segs.at[i].n;
	if (n_ph >= PN_XNUM) {
		b->eh.e_shoff = b->n;
		b->eh.e_shentsize = sizeof(sh);
		b->eh.e_shnum = 1;
		b->n += sizeof(sh);
	}
	if (!b->eh.e_phnum)
		b->eh.e_phnum = (uint16_t)PL_MIN(n_ph, PN_XNUM);
	free(b->bytes);
	p = b->bytes = pl_calloc(1, b->n);
	memcpy(p, &b->eh, sizeof(b->eh));
	memcpy(p + sizeof(b->eh), &note, sizeof(note));
	if (b->notes.n)
		memcpy(p + at, b->notes.at, b->notes.n);
	at += b->notes.n;
	for (size_t i = 0; i < b->segs.n; i++) {
		struct build_seg *s = &b->segs.at[i];
		Elf64_Phdr ph = s->ph;

		if (ph.p_offset == DEFAULT)
			ph.p_offset = at;
		memcpy(p + sizeof(b->eh) + (i + 1) * sizeof(ph), &ph, sizeof(ph));
		if (s->n)
			memcpy(p + at, s->data, s->n);
		at += s->n;
	}
	if (n_ph >= PN_XNUM)
		memcpy(p + at, &sh, sizeof(sh));
}

static inline void write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void build_write(struct build *b, const char *path)
{
	build_bytes(b);
	write_file(path, b->bytes, b->n);
}

/* A scratch directory, removed with everything in it by scratch_remove(). */
static char scratch[64];

static inline int scratch_make(void **state)
{
	(void)state;
	strcpy(scratch, "/tmp/pyleak-test-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
	return system(command);
}

/* A path below the scratch directory; valid until four calls later. */
static inline const char *in_scratch(const char *name)
{
	static char buf[4][256];
	static unsigned turn;
	char *p = buf[turn++ % PL_ARRAY_LEN(buf)];

	snprintf(p, sizeof(buf[0]), "%s/%s", scratch, name);
	return p;
}

/* An image under test and what was said while it was opened. */
struct opened {
	struct pl_ctx ctx;
	struct pl_err err;
	struct pl_image *im;
	struct pl_view view;
	int code;
};

static inline void open_with(struct opened *o, const struct pl_image_options *options)
{
	memset(o, 0, sizeof(*o));
	pl_ctx_init(&o->ctx, 1);
	o->code = pl_image_open(options, &o->ctx, &o->im, &o->err);
	if (o->im)
		pl_view_init(&o->view, o->im);
}

static inline void open_path(struct opened *o, const char *path)
{
	struct pl_image_options options = {.core = path};

	open_with(o, &options);
}

/* build_write() to the scratch directory and open it, which must work. */
static inline void open_built(struct opened *o, struct build *b)
{
	const char *path = in_scratch("core");

	build_write(b, path);
	open_path(o, path);
	if (o->code)
		print_error("%s\n", o->err.text);
	assert_int_equal(o->code, 0);
}

static inline void close_opened(struct opened *o)
{
	pl_image_free(o->im);
	pl_ctx_fini(&o->ctx);
}

static inline const struct pl_note *note_of(const struct opened *o, const char *code)
{
	for (size_t i = 0; i < o->ctx.n_notes; i++) {
		if (!strcmp(o->ctx.notes[i].code, code))
			return &o->ctx.notes[i];
	}
	return NULL;
}

static inline void assert_note(const struct opened *o, const char *code, const char *part)
{
	const struct pl_note *n = note_of(o, code);

	if (!n || !strstr(n->text, part))
		print_error("note %s: %s\n", code, n ? n->text : "(not there)");
	assert_non_null(n);
	assert_non_null(strstr(n->text, part));
}

/* The n bytes at addr are those at want. */
static inline void assert_bytes(struct opened *o, pl_addr addr, const void *want, size_t n)
{
	uint8_t *got = pl_malloc(n);

	assert_true(pl_read(&o->view, addr, got, n));
	assert_memory_equal(got, want, n);
	free(got);
}

static inline void assert_unreadable(struct opened *o, pl_addr addr)
{
	uint8_t b;

	assert_false(pl_read(&o->view, addr, &b, 1));
	assert_null(pl_at(&o->view, addr, 1));
	assert_null(pl_image_span(o->im, addr));
}

#endif
