/*
 * Opening cores: what is refused, segments, notes, truncation, lies in the headers.
 */
#include <signal.h>

#include "test_image_build.h"

#define RW (PF_R | PF_W)

static uint8_t page_a[4096], page_b[4096];

static int fill_pages(void **state)
{
	for (size_t i = 0; i < sizeof(page_a); i++) {
		/* no period that a wrong offset could hit */
		page_a[i] = (uint8_t)((uint32_t)i * 2654435761u >> 23);
		page_b[i] = (uint8_t)((uint32_t)i * 2246822519u >> 21);
	}
	return scratch_make(state);
}

/* ---- refused ---- */

static void refuse(const char *path, int code, const char *says)
{
	struct opened o;

	open_path(&o, path);
	if (o.code != code || !strstr(o.err.text, says))
		print_error("%d: %s\n", o.code, o.err.text);
	assert_int_equal(o.code, code);
	assert_null(o.im);
	assert_non_null(strstr(o.err.text, says));
	assert_null(strchr(o.err.text, '\n'));
	close_opened(&o);
}

static void refuse_bytes(const void *p, size_t n, int code, const char *says)
{
	const char *path = in_scratch("refused");

	write_file(path, p, n);
	refuse(path, code, says);
}

static void not_a_core(void **state)
{
	(void)state;
	refuse(in_scratch("nothing-here"), PL_E_IO, "No such file");
	refuse(scratch, PL_E_NOT_CORE, "is a directory, not a core");
	refuse("/dev/null", PL_E_NOT_CORE, "is a device, not a core");
	refuse("/proc/self/exe", PL_E_NOT_CORE, "is an ELF executable");
	refuse_bytes("", 0, PL_E_NOT_CORE, "is empty, not a core");
	refuse_bytes("#!/bin/sh\necho\n", 15, PL_E_NOT_CORE, "is a text file, not a core");
	refuse_bytes("\0\1\2\3\4", 5, PL_E_NOT_CORE, "is no ELF file, not a core");
	refuse_bytes("\177EL", 3, PL_E_NOT_CORE, "ends after 3 bytes, inside its ELF header");
}

static void other_machines(void **state)
{
	struct build b;

	(void)state;
	build_init(&b);
	build_bytes(&b);
	b.bytes[EI_CLASS] = ELFCLASS32;
	refuse_bytes(b.bytes, b.n, PL_E_MACHINE, "is a core of a 32-bit process");
	b.bytes[EI_CLASS] = ELFCLASS64;
	b.bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	refuse_bytes(b.bytes, b.n, PL_E_MACHINE, "is a core of an aarch64 machine");
	b.bytes[offsetof(Elf64_Ehdr, e_machine)] = 250;
	refuse_bytes(b.bytes, b.n, PL_E_MACHINE, "is a core of machine 250");
	b.bytes[EI_DATA] = ELFDATA2MSB;
	b.bytes[offsetof(Elf64_Ehdr, e_type)] = 0;
	b.bytes[offsetof(Elf64_Ehdr, e_type) + 1] = ET_CORE;
	refuse_bytes(b.bytes, b.n, PL_E_MACHINE, "is a core of a big-endian machine");
	build_fini(&b);
}

static void other_elf_files(void **state)
{
	struct build b;

	(void)state;
	build_init(&b);
	b.eh.e_type = ET_REL;
	build_bytes(&b);
	refuse_bytes(b.bytes, b.n, PL_E_NOT_CORE, "is an ELF object file, not a core");
	b.eh.e_type = 77;
	build_bytes(&b);
	refuse_bytes(b.bytes, b.n, PL_E_NOT_CORE, "is an ELF file of an unknown type, not a core");
	b.eh.e_type = ET_CORE;
	b.eh.e_phentsize = 8;
	build_bytes(&b);
	refuse_bytes(b.bytes, b.n, PL_E_NOT_CORE, "program headers of 8 bytes");
	build_fini(&b);
}

/* ---- segments ---- */

static void segments_are_read(void **state)
{
	struct opened o;
	struct build b;
	const struct pl_core_info *info;
	const struct pl_span *s;
	const struct pl_mapping *m;
	uint64_t word;
	uint32_t half;
	size_t n;

	(void)state;
	build_init(&b);
	/* out of order; the one at 0x3000 goes on without bytes; 0x7000 has none at all */
	build_load(&b, 0x9000, page_b, 4096, DEFAULT, DEFAULT, PF_R);
	build_load(&b, 0x3000, page_a, 4096, DEFAULT, 8192, PF_R | PF_X);
	build_load(&b, 0x7000, NULL, 0, 0, 4096, RW);
	open_built(&o, &b);
	info = pl_image_info(o.im);
	assert_int_equal(info->n_segments, 3);
	assert_int_equal(info->present_bytes, 8192);
	assert_int_equal(info->missing_bytes, 0);
	assert_int_equal(info->file_size, b.n);
	assert_int_equal(info->machine, EM_X86_64);
	assert_false(info->truncated);
	assert_false(o.ctx.partial);

	s = pl_image_spans(o.im, &n);
	assert_int_equal(n, 2);
	assert_int_equal(s[0].lo, 0x3000);
	assert_int_equal(s[0].hi, 0x4000);
	assert_int_equal(s[0].prot, PL_PROT_READ | PL_PROT_EXEC);
	assert_int_equal(s[0].source, PL_SPAN_CORE);
	assert_int_equal(s[0].module, -1);
	assert_int_equal(s[1].lo, 0x9000);
	m = pl_image_mappings(o.im, &n);
	assert_int_equal(n, 3);
	assert_int_equal(m[0].lo, 0x3000);
	assert_int_equal(m[0].hi, 0x5000);
	assert_int_equal(m[0].present, 4096);
	assert_int_equal(m[1].lo, 0x7000);
	assert_int_equal(m[1].present, 0);
	assert_ptr_equal(pl_image_mapping(o.im, 0x7fff), &m[1]);
	assert_null(pl_image_mapping(o.im, 0x8000));

	assert_bytes(&o, 0x3000, page_a, 4096);
	assert_bytes(&o, 0x9000, page_b, 4096);
	assert_unreadable(&o, 0x2fff);
	assert_unreadable(&o, 0x4000);
	assert_unreadable(&o, 0x7000);
	assert_unreadable(&o, 0xa000);
	assert_unreadable(&o, 0);
	assert_unreadable(&o, UINT64_MAX);
	assert_true(pl_read64(&o.view, 0x3ff8, &word));
	assert_int_equal(word, pl_ld64(page_a + 0xff8));
	assert_false(pl_read64(&o.view, 0x3ff9, &word));
	assert_true(pl_read32(&o.view, 0x3ffc, &half));
	assert_int_equal(half, pl_ld32(page_a + 0xffc));
	assert_null(pl_at(&o.view, 0x3000, 4097));
	assert_null(pl_at(&o.view, 0x3001, UINT64_MAX));
	assert_false(pl_read(&o.view, 0x3001, page_a, UINT64_MAX));
	close_opened(&o);
	build_fini(&b);
}

static void neighbours_are_joined(void **state)
{
	struct opened o;
	struct build b;
	size_t n;

	(void)state;
	build_init(&b);
	build_load(&b, 0x1000, page_a, 4096, DEFAULT, DEFAULT, RW);
	build_load(&b, 0x2000, page_b, 4096, DEFAULT, DEFAULT, RW);
	build_load(&b, 0x3000, page_a, 4096, DEFAULT, DEFAULT, PF_R); /* other protection */
	build_load(&b, 0x5000, page_b, 4096, DEFAULT, DEFAULT, PF_R); /* not adjoining */
	open_built(&o, &b);
	assert_int_equal(pl_image_spans(o.im, &n)[0].hi, 0x3000);
	assert_int_equal(n, 3);
	/* what adjoins in memory and in the file is one pointer, whatever the protection */
	assert_non_null(pl_at(&o.view, 0x1000, 0x3000));
	assert_null(pl_at(&o.view, 0x1000, 0x3001));
	close_opened(&o);
	build_fini(&b);
}

/* Adjoining in memory but not in the file: no pointer spans both, pl_read() and cstr do. */
static void reads_cross_spans(void **state)
{
	static uint8_t left[4096], right[4096];
	char s[64];
	struct opened o;
	struct build b;

	(void)state;
	memcpy(left + 4090, "hello ", 6);
	memcpy(right, "world", 6);
	memset(right + 4000, 'x', 96);
	build_init(&b);
	build_load(&b, 0x2000, right, 4096, DEFAULT, DEFAULT, RW);
	build_load(&b, 0x1000, left, 4096, DEFAULT, DEFAULT, RW);
	open_built(&o, &b);
	assert_null(pl_at(&o.view, 0x1ffa, 12));
	assert_bytes(&o, 0x1ffa, "hello world", 12);
	assert_true(pl_read_cstr(&o.view, 0x1ffa, s, sizeof(s)));
	assert_string_equal(s, "hello world");
	assert_true(pl_read_cstr(&o.view, 0x1ffa, s, 12));
	assert_false(pl_read_cstr(&o.view, 0x1ffa, s, 11));               /* no room for the NUL */
	assert_false(pl_read_cstr(&o.view, 0x2000 + 4000, s, sizeof(s))); /* longer than that */
	assert_false(pl_read_cstr(&o.view, 0x2000 + 4090, s, sizeof(s))); /* runs off the end */
	assert_false(pl_read_cstr(&o.view, 0x5000, s, sizeof(s)));
	close_opened(&o);
	build_fini(&b);
}

static void overlapping_segments(void **state)
{
	struct opened o;
	struct build b;
	size_t n;
	const struct pl_span *s;

	(void)state;
	build_init(&b);
	build_load(&b, 0x1000, page_a, 4096, DEFAULT, DEFAULT, RW);
	build_load(&b, 0x1800, page_b, 4096, DEFAULT, DEFAULT, RW); /* its first half is taken */
	build_load(&b, 0x1100, page_b, 16, DEFAULT, DEFAULT, RW);   /* inside the first */
	build_load(&b, 0x9000, NULL, 0, 0, 0, RW);                  /* empty */
	open_built(&o, &b);
	s = pl_image_spans(o.im, &n);
	for (size_t i = 1; i < n; i++)
		assert_true(s[i - 1].hi <= s[i].lo);
	assert_bytes(&o, 0x1000, page_a, 4096);
	assert_bytes(&o, 0x2000, page_b + 0x800, 0x800);
	assert_unreadable(&o, 0x2800);
	assert_unreadable(&o, 0x9000);
	assert_note(&o, "bad-segments", "2 segments of the core overlap");
	assert_true(o.ctx.partial);
	close_opened(&o);
	build_fini(&b);
}

static void absurd_segments(void **state)
{
	struct opened o;
	struct build b;

	(void)state;
	build_init(&b);
	build_load(&b, UINT64_MAX - 10, page_a, 4096, DEFAULT, DEFAULT, RW); /* wraps round */
	build_load(&b, 0x1000, page_a, 16, UINT64_MAX, 16, RW); /* more bytes than memory */
	build_load(&b, 0x2000, page_b, 16, UINT64_C(1) << 62, UINT64_C(1) << 62, RW);
	build_load(&b, UINT64_C(1) << 63, page_b, 16, 32, 32, RW);
	b.segs.at[3].ph.p_offset = UINT64_MAX - 8; /* its bytes would be past any file's end */
	build_load(&b, UINT64_MAX - 8192, page_a, 4096, DEFAULT, 8192,
		   RW); /* up to the last byte */
	open_built(&o, &b);
	assert_bytes(&o, 0x1000, page_a, 16);
	assert_bytes(&o, 0x2000, page_b, 16);
	assert_unreadable(&o, 0x1010);
	assert_unreadable(&o, UINT64_C(1) << 63);
	assert_unreadable(&o, UINT64_MAX - 5);
	assert_unreadable(&o, UINT64_MAX - 8000);
	assert_note(&o, "bad-segments", "2 are beyond the address space");
	assert_note(&o, "truncated-core", "bytes of its segments are missing");
	assert_true(pl_image_info(o.im)->truncated);
	close_opened(&o);
	build_fini(&b);
}

static void many_segments(void **state)
{
	enum { N = 70000 };
	struct opened o;
	struct build b;
	size_t n;

	(void)state;
	build_init(&b);
	build_thread(&b, 1, SIGABRT, 0, 0, 0);
	for (uint64_t i = 0; i < N; i++)
		build_load(&b, 0x100000 + i * 0x2000, page_a + i % 4000, 8, DEFAULT, 0x1000, RW);
	open_built(&o, &b);
	assert_int_equal(b.eh.e_phnum, PN_XNUM);
	assert_int_equal(pl_image_info(o.im)->n_segments, N);
	pl_image_spans(o.im, &n);
	assert_int_equal(n, N);
	for (uint64_t i = 0; i < N; i += 997)
		assert_bytes(&o, 0x100000 + i * 0x2000, page_a + i % 4000, 8);
	assert_false(o.ctx.partial);
	close_opened(&o);

	/* the section header with the count is the first thing that a truncated core loses */
	write_file(in_scratch("core"), b.bytes, b.n - 1);
	open_path(&o, in_scratch("core"));
	assert_int_equal(o.code, 0);
	assert_int_equal(pl_image_info(o.im)->n_segments, N);
	assert_int_equal(pl_image_info(o.im)->present_bytes, N * 8);
	assert_true(pl_image_info(o.im)->truncated);
	assert_true(o.ctx.partial);
	close_opened(&o);
	build_fini(&b);
}

/* n segments of 8 bytes a megabyte apart, or of all these bytes: the same ones of the file. */
static void open_scattered(struct opened *o, uint64_t n, bool dense)
{
	static uint8_t bytes[1 << 20];
	struct build b;

	build_init(&b);
	build_load(&b, 0x100000, bytes, dense ? sizeof(bytes) : 8, DEFAULT, DEFAULT, RW);
	for (uint64_t i = 1; i < n; i++) {
		build_load(&b, 0x100000 + (i << 20), NULL, 0, dense ? sizeof(bytes) : 8,
			   dense ? sizeof(bytes) : 8, RW);
		b.segs.at[i].ph.p_offset = sizeof(b.eh) + (n + 1) * sizeof(Elf64_Phdr);
	}
	build_write(&b, in_scratch("core"));
	build_fini(&b);
	open_path(o, in_scratch("core"));
}

/* How many of them are one more than are read, by what spans.c says. */
static uint64_t first_refused(bool dense)
{
	const uint64_t chunk = 16384 + 24 + 4 * 2048, allowed = (uint64_t)64 << 20;
	const uint64_t head = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);

	for (uint64_t n = 1;; n++) {
		uint64_t size = head + n * sizeof(Elf64_Phdr) + (dense ? 1 << 20 : 8);
		uint64_t most = 64 * size + allowed;

		if (n > most / chunk || (dense && n << 20 > most))
			return n;
	}
}

static void scattered_bytes(void **state)
{
	(void)state;
	for (int dense = 0; dense < 2; dense++) {
		uint64_t n = first_refused(dense);
		struct opened o;
		size_t spans;

		open_scattered(&o, n - 1, dense);
		assert_int_equal(o.code, 0);
		pl_image_spans(o.im, &spans);
		assert_int_equal(spans, n - 1);
		close_opened(&o);
		open_scattered(&o, n, dense);
		assert_int_equal(o.code, PL_E_NOMEM);
		assert_null(o.im);
		assert_non_null(strstr(o.err.text, "more than 64 times its size"));
		assert_non_null(strstr(o.err.hint, "damaged, or made"));
		close_opened(&o);
	}
}

static void too_many_claimed(void **state)
{
	struct opened o;
	struct build b;

	(void)state;
	build_init(&b);
	build_load(&b, 0x1000, page_a, 4096, DEFAULT, DEFAULT, RW);
	b.eh.e_phnum = 60000;
	open_built(&o, &b);
	assert_note(&o, "truncated-headers", "of 60000 are there");
	assert_bytes(&o, 0x1000, page_a, 4096);
	assert_true(o.ctx.partial);
	close_opened(&o);
	build_fini(&b);
}

/* Cut at every byte: never a crash, never a wrong byte, and what is missing is counted. */
static void truncated_at_any_byte(void **state)
{
	struct build_map maps[] = {{0x10000, 0x11000, 0, "/nowhere/lib.so"}};
	struct build b;
	size_t data = 0;

	(void)state;
	build_init(&b);
	build_thread(&b, 7, SIGSEGV, 1, 2, 3);
	build_files(&b, maps, 1);
	build_load(&b, 0x1000, page_a, 64, DEFAULT, DEFAULT, RW);
	build_load(&b, 0x2000, page_b, 64, DEFAULT, DEFAULT, RW);
	build_bytes(&b);
	data = b.n - 128;
	for (size_t n = 0; n <= b.n; n++) {
		size_t a = n < data ? 0 : PL_MIN(n - data, 64);
		size_t c = n < data + 64 ? 0 : n - data - 64;
		size_t modules;
		struct opened o;

		write_file(in_scratch("cut"), b.bytes, n);
		open_path(&o, in_scratch("cut"));
		if (n < sizeof(Elf64_Ehdr)) {
			assert_int_equal(o.code, PL_E_NOT_CORE);
			close_opened(&o);
			continue;
		}
		assert_int_equal(o.code, 0);
		assert_int_equal(pl_image_info(o.im)->truncated, n < b.n);
		assert_int_equal(o.ctx.partial, n < b.n);
		if (a)
			assert_bytes(&o, 0x1000, page_a, a);
		assert_unreadable(&o, 0x1000 + a);
		if (c)
			assert_bytes(&o, 0x2000, page_b, c);
		assert_unreadable(&o, 0x2000 + c);
		if (n >= sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr))
			assert_int_equal(pl_image_info(o.im)->missing_bytes, 128 - a - c);
		pl_image_modules(o.im, &modules);
		assert_int_equal(modules, n >= data ? 1 : modules); /* a whole note counts */
		assert_true(modules <= 1);
		close_opened(&o);
	}
	build_fini(&b);
}

/* ---- notes ---- */

static void notes_of_a_process(void **state)
{
	uint8_t info[136] = {0}, sig[128] = {0};
	const struct pl_core_info *i;
	const struct pl_thread *t;
	struct opened o;
	struct build b;
	uint64_t v;
	size_t n;

	(void)state;
	info[24] = 99;              /* pr_pid */
	memset(info + 56, 'a', 80); /* pr_psargs without a NUL */
	sig[0] = SIGSEGV;
	sig[8] = 1;     /* SEGV_MAPERR */
	sig[17] = 0x12; /* si_addr 0x1200 */
	build_init(&b);
	build_thread(&b, 101, SIGSEGV, 0x400000, 0x7ffe0000, 0x7f0000001000);
	build_note(&b, NT_PRPSINFO, info, sizeof(info), DEFAULT);
	build_note(&b, NT_SIGINFO, sig, sizeof(sig), DEFAULT);
	build_auxv(&b, AT_PAGESZ, 4096);
	build_thread(&b, 102, 0, 1, 2, 3);
	build_note(&b, NT_PRSTATUS, sig, sizeof(sig), DEFAULT); /* too short to be one */
	open_built(&o, &b);
	i = pl_image_info(o.im);
	assert_int_equal(i->pid, 99);
	assert_int_equal(i->signal, SIGSEGV);
	assert_int_equal(i->si_code, 1);
	assert_true(i->has_fault_addr);
	assert_int_equal(i->fault_addr, 0x1200);
	assert_int_equal(strlen(i->command), 80);
	assert_false(i->from_gcore);
	t = pl_image_threads(o.im, &n);
	assert_int_equal(n, 2);
	assert_int_equal(t[0].lwp, 101);
	assert_int_equal(t[0].signal, SIGSEGV);
	assert_int_equal(t[0].ip, 0x400000);
	assert_int_equal(t[0].sp, 0x7ffe0000);
	assert_int_equal(t[0].tp, 0x7f0000001000);
	assert_int_equal(t[0].n_regs, 27);
	assert_int_equal(t[0].regs[10], 10);
	assert_int_equal(t[1].lwp, 102);
	assert_true(pl_image_auxv(o.im, AT_PAGESZ, &v));
	assert_int_equal(v, 4096);
	assert_false(pl_image_auxv(o.im, AT_BASE, &v));
	close_opened(&o);
	build_fini(&b);
}

static void snapshot_of_gdb(void **state)
{
	uint8_t info[136] = {0};
	struct opened o;
	struct build b;

	(void)state;
	memcpy(info + 56, "python3 app.py", 14);
	build_init(&b);
	build_note(&b, NT_PRPSINFO, info, sizeof(info), DEFAULT); /* gdb writes it first */
	build_thread(&b, 5, SIGTRAP, 0, 0, 0);
	open_built(&o, &b);
	assert_true(pl_image_info(o.im)->from_gcore);
	assert_int_equal(pl_image_info(o.im)->signal, 0);
	assert_string_equal(pl_image_info(o.im)->command, "python3 app.py");
	close_opened(&o);
	build_fini(&b);
}

static void a_killed_process_has_no_fault_address(void **state)
{
	uint8_t sig[128] = {0};
	struct opened o;
	struct build b;

	(void)state;
	sig[0] = SIGSEGV; /* si_code 0: kill -SEGV; where si_addr would be is the sender's pid */
	sig[16] = 77;
	build_init(&b);
	build_thread(&b, 5, SIGSEGV, 0, 0, 0);
	build_note(&b, NT_SIGINFO, sig, sizeof(sig), DEFAULT);
	open_built(&o, &b);
	assert_false(pl_image_info(o.im)->has_fault_addr);
	assert_string_equal(pl_image_info(o.im)->command, "");
	assert_int_equal(pl_image_info(o.im)->pid, 5);
	close_opened(&o);
	build_fini(&b);
}

static void absurd_notes(void **state)
{
	uint64_t files[2] = {UINT64_C(1) << 61, 4096};
	struct opened o;
	struct build b;
	size_t n;

	(void)state;
	build_init(&b);
	build_note(&b, NT_FILE, files, sizeof(files), DEFAULT);
	build_thread(&b, 5, SIGABRT, 0, 0, 0);
	build_note(&b, NT_AUXV, "x", 1, UINT32_MAX);
	build_thread(&b, 6, SIGABRT, 0, 0, 0); /* behind the lie: not found */
	open_built(&o, &b);
	pl_image_threads(o.im, &n);
	assert_int_equal(n, 1);
	pl_image_modules(o.im, &n);
	assert_int_equal(n, 0);
	assert_note(&o, "bad-notes", "claims 2305843009213693952 entries");
	assert_int_equal(o.ctx.n_notes, 2);
	assert_true(o.ctx.partial);
	close_opened(&o);
	build_fini(&b);
}

/* Many PT_NOTEs that all point to the same bytes cannot make us read them again and again. */
static void cyclic_notes(void **state)
{
	enum { COPIES = 1000 };
	struct opened o;
	struct build b;
	size_t n;

	(void)state;
	build_init(&b);
	for (uint32_t i = 0; i < 1000; i++)
		build_thread(&b, i, SIGABRT, 0, 0, 0);
	for (unsigned i = 0; i < COPIES; i++) {
		build_load(&b, 0, NULL, 0, b.notes.n, 0, 0);
		b.segs.at[i].ph.p_type = PT_NOTE;
		b.segs.at[i].ph.p_offset = sizeof(Elf64_Ehdr) + (COPIES + 1) * sizeof(Elf64_Phdr);
	}
	open_built(&o, &b);
	pl_image_threads(o.im, &n);
	/* at most as many notes as the file has bytes for: the 1000 that are there, and some again
	 */
	assert_in_range(n, 1000, b.n / 336);
	close_opened(&o);
	build_fini(&b);
}

static void overlapping_files(void **state)
{
	struct build_map maps[] = {
		{0x20000, 0x22000, 0, "/a"},         {0x10000, 0x12000, 0, "/b"},
		{0x11000, 0x13000, 0, "/c"},         {0x30000, 0x30000, 0, "/empty"},
		{0x50000, 0x40000, 0, "/backwards"},
	};
	const struct pl_module *m;
	struct opened o;
	struct build b;
	size_t n;

	(void)state;
	build_init(&b);
	build_files(&b, maps, PL_ARRAY_LEN(maps));
	open_built(&o, &b);
	m = pl_image_modules(o.im, &n);
	assert_int_equal(n, 2);
	assert_string_equal(m[0].path, "/b");
	assert_string_equal(m[1].path, "/a");
	assert_note(&o, "bad-notes", "1 of 3 mapped files overlap");
	close_opened(&o);
	build_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_a_core),
		cmocka_unit_test(other_machines),
		cmocka_unit_test(other_elf_files),
		cmocka_unit_test(segments_are_read),
		cmocka_unit_test(neighbours_are_joined),
		cmocka_unit_test(reads_cross_spans),
		cmocka_unit_test(overlapping_segments),
		cmocka_unit_test(absurd_segments),
		cmocka_unit_test(many_segments),
		cmocka_unit_test(scattered_bytes),
		cmocka_unit_test(too_many_claimed),
		cmocka_unit_test(truncated_at_any_byte),
		cmocka_unit_test(notes_of_a_process),
		cmocka_unit_test(snapshot_of_gdb),
		cmocka_unit_test(a_killed_process_has_no_fault_address),
		cmocka_unit_test(absurd_notes),
		cmocka_unit_test(cyclic_notes),
		cmocka_unit_test(overlapping_files),
	};

	return cmocka_run_group_tests(tests, fill_pages, scratch_remove);
}
