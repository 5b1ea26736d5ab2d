/*
 * fuzz_notes.c - any bytes as the notes of a core that is sound otherwise: two segments, one of
 * which begins like a mapped ELF file.
 */
#include <elf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "fuzz.h"
#include "runs.h"

#define PAGE 4096
#define MOST (1 << 20)

struct file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	uint8_t rest[PAGE - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
	uint8_t image[PAGE], heap[PAGE];
};

static void fill(struct file *f, size_t notes)
{
	Elf64_Phdr load = {.p_type = PT_LOAD, .p_filesz = PAGE, .p_memsz = PAGE, .p_align = PAGE};

	memset(f, 0, sizeof(*f));
	memcpy(f->eh.e_ident, ELFMAG, SELFMAG);
	f->eh.e_ident[EI_CLASS] = ELFCLASS64;
	f->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	f->eh.e_ident[EI_VERSION] = EV_CURRENT;
	f->eh.e_type = ET_CORE;
	f->eh.e_machine = EM_X86_64;
	f->eh.e_version = EV_CURRENT;
	f->eh.e_phoff = sizeof(f->eh);
	f->eh.e_ehsize = sizeof(f->eh);
	f->eh.e_phentsize = sizeof(Elf64_Phdr);
	f->eh.e_phnum = 3;
	memcpy(f->image, &f->eh, sizeof(f->eh));
	f->ph[0] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = sizeof(*f), .p_filesz = notes};
	f->ph[1] = f->ph[2] = load;
	f->ph[1].p_offset = offsetof(struct file, image);
	f->ph[1].p_vaddr = 0x400000;
	f->ph[1].p_flags = PF_R | PF_X;
	f->ph[2].p_offset = offsetof(struct file, heap);
	f->ph[2].p_vaddr = 0x500000;
	f->ph[2].p_flags = PF_R | PF_W;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lines[] = {"info --format json"};
	/* No file of this machine is found below it, whatever the notes name. */
	struct pl_image_options options = {.sysroot = "/dev/null"};
	int fd = memfd_create("core", MFD_CLOEXEC);
	struct file f;
	char path[64];

	size = PL_MIN(size, MOST);
	fill(&f, size);
	if (fd < 0 || write(fd, &f, sizeof(f)) != (ssize_t)sizeof(f) ||
	    write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	options.core = path;
	fuzz_clock();
	fuzz_run(&options, 1, false, lines, PL_ARRAY_LEN(lines));
	close(fd);
	return 0;
}
