/*
 * Mapped files: found on this machine, checked against the core's first page, used where the core
 * has no bytes.
 */
#include "test_image_build.h"

#define LO UINT64_C(0x7f0000000000)
#define FILE_SIZE 0x3000
#define ID_AT 0x200 /* file offset of the build-id note */

/*
 * An ELF file of three pages: headers and read-only data, code, and data that is mapped one page
 * further up than it lies in the file. id 0: no build-id.
 */
static void make_elf(uint8_t elf[FILE_SIZE], uint8_t id)
{
	Elf64_Nhdr nh = {4, 20, NT_GNU_BUILD_ID};
	Elf64_Ehdr *eh = (Elf64_Ehdr *)(void *)elf;
	Elf64_Phdr ph[4] = {
		{.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 0x1000, .p_memsz = 0x1000},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_offset = 0x1000,
		 .p_vaddr = 0x1000,
		 .p_filesz = 0x1000,
		 .p_memsz = 0x1000},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_W,
		 .p_offset = 0x2000,
		 .p_vaddr = 0x3000,
		 .p_filesz = 0x1000,
		 .p_memsz = 0x1800},
		{.p_type = PT_NOTE, .p_offset = ID_AT, .p_vaddr = ID_AT, .p_filesz = 36},
	};

	for (size_t i = 0; i < FILE_SIZE; i++)
		elf[i] = (uint8_t)(i % 251 + i / 4096);
	memset(eh, 0, sizeof(*eh));
	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_ident[EI_DATA] = ELFDATA2LSB;
	eh->e_ident[EI_VERSION] = EV_CURRENT;
	eh->e_type = ET_DYN;
	eh->e_machine = EM_X86_64;
	eh->e_version = EV_CURRENT;
	eh->e_phoff = sizeof(*eh);
	eh->e_ehsize = sizeof(*eh);
	eh->e_phentsize = sizeof(ph[0]);
	eh->e_phnum = id ? 4 : 3;
	memcpy(elf + sizeof(*eh), ph, sizeof(ph));
	memcpy(elf + ID_AT, &nh, sizeof(nh));
	memcpy(elf + ID_AT + sizeof(nh), "GNU", 4);
	memset(elf + ID_AT + sizeof(nh) + 4, id, 20);
}

/* One library, as the kernel's core has it: its first page and its (changed) data, not its code. */
struct setup {
	struct build b;
	struct opened o;
	uint8_t elf[FILE_SIZE], data[0x1000];
	struct build_map maps[3];
};

static void setup_init(struct setup *s, const char *path, uint8_t id)
{
	make_elf(s->elf, id);
	memset(s->data, 0xdd, sizeof(s->data));
	s->maps[0] = (struct build_map){LO, LO + 0x1000, 0, path};
	s->maps[1] = (struct build_map){LO + 0x1000, LO + 0x2000, 0x1000, path};
	s->maps[2] = (struct build_map){LO + 0x3000, LO + 0x4000, 0x2000, path};
	build_init(&s->b);
}

/* The usual segments: page 0 and the data with bytes, the code without. */
static void add_segments(struct setup *s)
{
	build_load(&s->b, LO, s->elf, 0x1000, DEFAULT, DEFAULT, PF_R);
	build_load(&s->b, LO + 0x1000, NULL, 0, 0, 0x1000, PF_R | PF_X);
	build_load(&s->b, LO + 0x3000, s->data, 0x1000, DEFAULT, DEFAULT, PF_R | PF_W);
}

static void setup_open(struct setup *s, const char *sysroot, const char *exe)
{
	struct pl_image_options options = {
		.core = in_scratch("core"), .sysroot = sysroot, .exe = exe};

	build_files(&s->b, s->maps, 3);
	build_write(&s->b, options.core);
	open_with(&s->o, &options);
	assert_int_equal(s->o.code, 0);
}

static const struct pl_module *module(struct setup *s)
{
	size_t n;
	const struct pl_module *m = pl_image_modules(s->o.im, &n);

	assert_int_equal(n, 1);
	return m;
}

static void setup_fini(struct setup *s)
{
	close_opened(&s->o);
	build_fini(&s->b);
}

static void a_matched_file_fills_gaps(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");
	const struct pl_module *m;
	const struct pl_span *span;

	(void)state;
	setup_init(&s, path, 7);
	add_segments(&s);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	m = module(&s);
	assert_int_equal(m->state, PL_MODULE_MATCHED);
	assert_string_equal(m->path, path);
	assert_string_equal(m->file, path);
	assert_int_equal(m->lo, LO);
	assert_int_equal(m->hi, LO + 0x4000);
	assert_int_equal(m->bias, LO);
	assert_int_equal(m->core_build_id_len, 20);
	assert_int_equal(m->core_build_id[19], 7);
	assert_memory_equal(m->core_build_id, m->file_build_id, 20);
	assert_false(m->is_exe);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	span = pl_image_span(s.o.im, LO + 0x1000);
	assert_int_equal(span->source, PL_SPAN_FILE);
	assert_int_equal(span->prot, PL_PROT_READ | PL_PROT_EXEC);
	assert_int_equal(span->module, 0);
	/* the core's bytes win over the file's */
	assert_bytes(&s.o, LO + 0x3000, s.data, 0x1000);
	assert_int_equal(pl_image_span(s.o.im, LO + 0x3000)->source, PL_SPAN_CORE);
	assert_unreadable(&s.o, LO + 0x2000);
	assert_int_equal(pl_image_mapping(s.o.im, LO + 0x1000)->present, 0x1000);
	assert_int_equal(pl_image_mapping(s.o.im, LO + 0x3000)->file_offset, 0x2000);
	assert_int_equal(pl_image_info(s.o.im)->present_bytes, 0x2000); /* not the file's */
	assert_int_equal(s.o.ctx.n_notes, 0);
	setup_fini(&s);
}

/* gcore writes no header for what it saves nothing of: NT_FILE alone tells of the code. */
static void a_mapping_that_only_nt_file_knows(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 7);
	build_load(&s.b, LO, s.elf, 0x1000, DEFAULT, DEFAULT, PF_R);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	assert_bytes(&s.o, LO + 0x3000, s.elf + 0x2000, 0x1000);
	assert_int_equal(pl_image_mapping(s.o.im, LO + 0x1000)->prot, 0);
	setup_fini(&s);
}

static void nothing_past_the_end_of_a_file(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 7);
	add_segments(&s);
	write_file(path, s.elf, 0x1800);
	setup_open(&s, NULL, NULL);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x800);
	assert_unreadable(&s.o, LO + 0x1800);
	setup_fini(&s);

	setup_init(&s, path, 7);
	build_load(&s.b, LO, s.elf, 0x1000, DEFAULT, DEFAULT, PF_R);
	setup_open(&s, NULL, NULL);
	assert_unreadable(&s.o, LO + 0x3000); /* all of the mapping is behind the file's end */
	setup_fini(&s);
}

/* Data that was never written to is left out by the kernel: there the file is right. */
static void untouched_data_comes_from_the_file(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 7);
	build_load(&s.b, LO, s.elf, 0x1000, DEFAULT, DEFAULT, PF_R);
	build_load(&s.b, LO + 0x3000, NULL, 0, 0, 0x1000, PF_R | PF_W);
	build_load(&s.b, LO + 0x8000, s.data, 0x1000, DEFAULT, DEFAULT, PF_R | PF_W); /* a heap */
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_bytes(&s.o, LO + 0x3000, s.elf + 0x2000, 0x1000);
	setup_fini(&s);
}

static void another_build_is_not_used(void **state)
{
	static struct setup s;
	static uint8_t other[FILE_SIZE];
	const char *path = in_scratch("lib.so");
	char hex[41];

	(void)state;
	setup_init(&s, path, 7);
	add_segments(&s);
	make_elf(other, 8);
	write_file(path, other, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISMATCH);
	assert_int_equal(module(&s)->file_build_id[0], 8);
	assert_unreadable(&s.o, LO + 0x1000);
	assert_bytes(&s.o, LO + 0x3000, s.data, 0x1000);
	pl_build_id_hex(module(&s)->core_build_id, 20, hex);
	assert_string_equal(hex, "0707070707070707070707070707070707070707");
	assert_note(&s.o, "file-mismatch", hex);
	assert_note(&s.o, "file-mismatch", "0808080808080808080808080808080808080808");
	assert_false(s.o.ctx.partial); /* the core itself is whole */
	setup_fini(&s);
}

static void one_side_without_build_id(void **state)
{
	static struct setup s;
	static uint8_t other[FILE_SIZE];
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 7);
	add_segments(&s);
	make_elf(other, 0);
	write_file(path, other, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISMATCH);
	assert_note(&s.o, "file-mismatch", "its build-id is none");
	setup_fini(&s);

	setup_init(&s, path, 0);
	add_segments(&s);
	make_elf(other, 7);
	write_file(path, other, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISMATCH);
	setup_fini(&s);
}

/* Without build-ids the first page is compared. */
static void no_build_id_at_all(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 0);
	add_segments(&s);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_UNCHECKED);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	assert_note(&s.o, "files-unchecked", path);
	setup_fini(&s);

	setup_init(&s, path, 0);
	add_segments(&s);
	s.elf[0xfff] ^= 1;
	write_file(path, s.elf, FILE_SIZE);
	s.elf[0xfff] ^= 1;
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISMATCH);
	assert_note(&s.o, "file-mismatch", "its first page differs");
	assert_unreadable(&s.o, LO + 0x1000);
	setup_fini(&s);
}

/* The core has the ELF header, but not so much of the page that the build-id is in it. */
static void build_id_beyond_what_the_core_has(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 7);
	build_load(&s.b, LO, s.elf, ID_AT + 8, DEFAULT, 0x1000, PF_R);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->core_build_id_len, 0);
	assert_int_equal(module(&s)->state, PL_MODULE_UNCHECKED);
	assert_bytes(&s.o, LO, s.elf, 0x1000);
	setup_fini(&s);
}

/* A core that lacks the first page, as one written with another coredump_filter. */
static void nothing_to_compare(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");
	char deleted[256];

	(void)state;
	setup_init(&s, path, 7);
	build_load(&s.b, LO + 0x1000, NULL, 0, 0, 0x1000, PF_R | PF_X);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_UNCHECKED);
	assert_int_equal(module(&s)->core_build_id_len, 0);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	setup_fini(&s);

	/* but when the file was deleted, the one of that name now is another */
	snprintf(deleted, sizeof(deleted), "%s (deleted)", path);
	setup_init(&s, deleted, 7);
	build_load(&s.b, LO + 0x1000, NULL, 0, 0, 0x1000, PF_R | PF_X);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISSING);
	assert_null(module(&s)->file);
	assert_unreadable(&s.o, LO + 0x1000);
	setup_fini(&s);

	/* unless its build-id shows that it is equal */
	setup_init(&s, deleted, 7);
	add_segments(&s);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MATCHED);
	assert_string_equal(module(&s)->path, deleted);
	assert_string_equal(module(&s)->file, path);
	setup_fini(&s);
}

static void missing_and_no_elf(void **state)
{
	static struct setup s;
	const char *path = in_scratch("not-there.so");

	(void)state;
	setup_init(&s, path, 7);
	add_segments(&s);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISSING);
	assert_int_equal(module(&s)->bias, LO); /* from the first page in the core */
	assert_note(&s.o, "files-missing", path);
	setup_fini(&s);

	path = in_scratch("lib.so");
	setup_init(&s, path, 7);
	add_segments(&s);
	write_file(path, "hello", 5);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISMATCH);
	setup_fini(&s);

	/* a data file: not ELF in the core either, and never read from */
	setup_init(&s, path, 7);
	memset(s.elf, 'h', FILE_SIZE);
	build_load(&s.b, LO, s.elf, 0x1000, DEFAULT, 0x2000, PF_R);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_NOT_ELF);
	assert_unreadable(&s.o, LO + 0x1000);
	assert_int_equal(s.o.ctx.n_notes, 0);
	setup_fini(&s);
}

static void only_regular_files_are_opened(void **state)
{
	static struct setup s;
	const char *path = in_scratch("fifo");

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0); /* to open it would block for ever */
	setup_init(&s, path, 7);
	add_segments(&s);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISSING);
	setup_fini(&s);
}

/* What a truncated core lost was saved for having been changed: the file does not know it. */
static void lost_bytes_are_not_replaced(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");
	struct pl_image_options options = {.core = in_scratch("cut")};

	(void)state;
	setup_init(&s, path, 7);
	write_file(path, s.elf, FILE_SIZE);
	add_segments(&s);
	build_files(&s.b, s.maps, 3);
	build_bytes(&s.b);
	write_file(options.core, s.b.bytes, s.b.n - 0x400);
	open_with(&s.o, &options);
	assert_int_equal(s.o.code, 0);
	assert_bytes(&s.o, LO + 0x3000, s.data, 0xc00);
	assert_unreadable(&s.o, LO + 0x3c00);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	assert_int_equal(pl_image_info(s.o.im)->missing_bytes, 0x400);
	setup_fini(&s);
}

/* A core told to leave out private memory does not hold changed data: the file's is no answer. */
static void filtered_data_is_not_replaced(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 7);
	build_load(&s.b, LO, s.elf, 0x1000, DEFAULT, DEFAULT, PF_R);
	build_load(&s.b, LO + 0x1000, NULL, 0, 0, 0x1000, PF_R | PF_X);
	build_load(&s.b, LO + 0x3000, NULL, 0, 0, 0x1000, PF_R | PF_W);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	assert_unreadable(&s.o, LO + 0x3000);
	setup_fini(&s);
}

static void two_loads_of_one_file(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");
	struct build_map maps[4];
	const struct pl_module *m;
	struct pl_image_options options = {.core = in_scratch("core")};
	size_t n;

	(void)state;
	setup_init(&s, path, 7);
	add_segments(&s);
	build_load(&s.b, LO + 0x5000, s.elf, 0x1000, DEFAULT, DEFAULT, PF_R);
	write_file(path, s.elf, FILE_SIZE);
	memcpy(maps, s.maps, sizeof(s.maps));
	maps[3] = (struct build_map){LO + 0x5000, LO + 0x8000, 0, path}; /* mmap()ed to be read */
	build_files(&s.b, maps, 4);
	build_write(&s.b, options.core);
	open_with(&s.o, &options);
	m = pl_image_modules(s.o.im, &n);
	assert_int_equal(n, 2);
	assert_int_equal(m[0].hi, LO + 0x4000);
	assert_int_equal(m[1].lo, LO + 0x5000);
	assert_bytes(&s.o, LO + 0x6000, s.elf + 0x1000, 0x2000);
	setup_fini(&s);
}

/* lld lays code right behind the headers, so the first page is mapped twice in a row. */
static void a_first_page_mapped_twice(void **state)
{
	static struct setup s;
	const char *path = in_scratch("lib.so");

	(void)state;
	setup_init(&s, path, 7);
	s.maps[1].offset = 0;
	add_segments(&s);
	write_file(path, s.elf, FILE_SIZE);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->hi, LO + 0x4000); /* one module */
	assert_bytes(&s.o, LO + 0x1000, s.elf, 0x1000);
	setup_fini(&s);
}

/* Code in a file that is no ELF: what a JIT keeps in a memory file. Nobody misses that. */
static void code_of_a_jit(void **state)
{
	static struct setup s;

	(void)state;
	setup_init(&s, "/memfd:jit (deleted)", 7);
	build_load(&s.b, LO, s.data, 0x1000, DEFAULT, 0x4000, PF_R | PF_X);
	setup_open(&s, NULL, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MISSING);
	assert_int_equal(s.o.ctx.n_notes, 0);
	setup_fini(&s);
}

/* ---- the main program and --exe ---- */

static void exe_is_where_the_program_headers_are(void **state)
{
	static struct setup s;
	static uint8_t other[FILE_SIZE];
	char right[256], wrong[256];

	(void)state;
	snprintf(right, sizeof(right), "%s", in_scratch("right"));
	snprintf(wrong, sizeof(wrong), "%s", in_scratch("wrong"));
	setup_init(&s, "/not/on/this/machine", 7);
	write_file(right, s.elf, FILE_SIZE);
	make_elf(other, 9);
	write_file(wrong, other, FILE_SIZE);

	build_auxv(&s.b, AT_PHDR, LO + 64);
	add_segments(&s);
	setup_open(&s, NULL, right);
	assert_true(module(&s)->is_exe);
	assert_int_equal(module(&s)->state, PL_MODULE_MATCHED);
	assert_string_equal(module(&s)->file, right);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	setup_fini(&s);

	setup_init(&s, right, 7); /* its own path would do, but the user said another */
	build_auxv(&s.b, AT_PHDR, LO + 64);
	add_segments(&s);
	setup_open(&s, NULL, wrong);
	assert_int_equal(module(&s)->state, PL_MODULE_MISMATCH);
	assert_note(&s.o, "file-mismatch", wrong);
	assert_unreadable(&s.o, LO + 0x1000);
	setup_fini(&s);

	setup_init(&s, right, 7);
	add_segments(&s);
	setup_open(&s, NULL, wrong);
	assert_false(module(&s)->is_exe);
	assert_int_equal(module(&s)->state, PL_MODULE_MATCHED);
	assert_note(&s.o, "exe-unused", wrong);
	setup_fini(&s);

	setup_init(&s, right, 7);
	build_auxv(&s.b, AT_PHDR, LO + 64);
	add_segments(&s);
	setup_open(&s, NULL, "/no/such/exe");
	assert_int_equal(module(&s)->state, PL_MODULE_MISSING);
	assert_note(&s.o, "file-missing", "/no/such/exe");
	setup_fini(&s);
}

/* No NT_FILE, as when a truncated gcore lost its notes: --exe is found by its build-id. */
static void exe_without_nt_file(void **state)
{
	static struct setup s;
	struct pl_image_options options = {.core = in_scratch("core"), .exe = in_scratch("exe")};

	(void)state;
	setup_init(&s, "", 7);
	write_file(options.exe, s.elf, FILE_SIZE);
	add_segments(&s);
	build_write(&s.b, options.core);
	open_with(&s.o, &options);
	assert_int_equal(s.o.code, 0);
	assert_int_equal(module(&s)->state, PL_MODULE_MATCHED);
	assert_int_equal(module(&s)->lo, LO);
	assert_int_equal(module(&s)->hi, LO + 0x4000);
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	assert_bytes(&s.o, LO + 0x3000, s.data, 0x1000);
	setup_fini(&s);
}

/* ---- sysroot ---- */

static void a_sysroot_is_searched_alone(void **state)
{
	static struct setup s;
	char host[256], root[256];

	(void)state;
	snprintf(host, sizeof(host), "%s", in_scratch("lib.so"));
	snprintf(root, sizeof(root), "%s", in_scratch("root2"));
	assert_int_equal(mkdir(root, 0700), 0);
	setup_init(&s, host, 7);
	add_segments(&s);
	write_file(host, s.elf, FILE_SIZE);
	setup_open(&s, root, NULL); /* on this machine, but not under the sysroot */
	assert_int_equal(module(&s)->state, PL_MODULE_MISSING);
	assert_note(&s.o, "files-missing", "under the sysroot");
	setup_fini(&s);

	setup_init(&s, "/lib.so", 7);
	add_segments(&s);
	write_file(in_scratch("root2/lib.so"), s.elf, FILE_SIZE);
	setup_open(&s, root, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MATCHED);
	setup_fini(&s);

	/* gcore, run from outside of a chroot, writes paths as they are outside */
	setup_init(&s, in_scratch("root2/lib.so"), 7);
	add_segments(&s);
	setup_open(&s, root, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MATCHED);
	assert_string_equal(module(&s)->file, in_scratch("root2/lib.so"));
	assert_bytes(&s.o, LO + 0x1000, s.elf + 0x1000, 0x1000);
	setup_fini(&s);

	/* and without links, whatever the sysroot is called here */
	snprintf(host, sizeof(host), "%s", in_scratch("link"));
	assert_int_equal(symlink(root, host), 0);
	setup_init(&s, in_scratch("root2/lib.so"), 7);
	add_segments(&s);
	setup_open(&s, host, NULL);
	assert_int_equal(module(&s)->state, PL_MODULE_MATCHED);
	assert_string_equal(module(&s)->file, in_scratch("link/lib.so"));
	setup_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_matched_file_fills_gaps),
		cmocka_unit_test(a_mapping_that_only_nt_file_knows),
		cmocka_unit_test(nothing_past_the_end_of_a_file),
		cmocka_unit_test(untouched_data_comes_from_the_file),
		cmocka_unit_test(another_build_is_not_used),
		cmocka_unit_test(one_side_without_build_id),
		cmocka_unit_test(no_build_id_at_all),
		cmocka_unit_test(build_id_beyond_what_the_core_has),
		cmocka_unit_test(nothing_to_compare),
		cmocka_unit_test(missing_and_no_elf),
		cmocka_unit_test(only_regular_files_are_opened),
		cmocka_unit_test(lost_bytes_are_not_replaced),
		cmocka_unit_test(filtered_data_is_not_replaced),
		cmocka_unit_test(two_loads_of_one_file),
		cmocka_unit_test(a_first_page_mapped_twice),
		cmocka_unit_test(code_of_a_jit),
		cmocka_unit_test(exe_is_where_the_program_headers_are),
		cmocka_unit_test(exe_without_nt_file),
		cmocka_unit_test(a_sysroot_is_searched_alone),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
