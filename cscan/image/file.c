/*
 * file.c - files of this machine that a core or another file names, mapped to be read.
 *
 * The names are hostile: only regular files are opened (no device, no pipe that would block), and
 * under a sysroot no name leads out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <elfutils/libdwelf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/internal.h"

/* A file that has its build-id in a section only: dwz's common files have no program headers. */
static void build_id_from_section(struct pl_file *f)
{
	const void *id;
	ssize_t n = dwelf_elf_gnu_build_id(pl_file_elf(f), &id);

	if (n > 0 && n <= PL_BUILD_ID_MAX) {
		memcpy(f->head.build_id, id, (size_t)n);
		f->head.build_id_len = (unsigned)n;
	}
}

struct pl_file *pl_file_open(const char *path)
{
	struct stat st;
	struct pl_file *f = NULL;
	void *map;
	int fd;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map != MAP_FAILED) {
			f = pl_calloc(1, sizeof(*f));
			f->path = pl_strdup(path);
			f->map = map;
			f->size = (uint64_t)st.st_size;
			f->is_elf = pl_elf_head(f->map, f->size, &f->head);
			if (f->is_elf && !f->head.build_id_len && pl_file_elf(f))
				build_id_from_section(f);
		}
	}
	close(fd);
	return f;
}

void pl_file_free(struct pl_file *f)
{
	if (!f)
		return;
	if (f->elf)
		elf_end(f->elf);
	munmap((void *)f->map, (size_t)f->size);
	free(f->path);
	free(f);
}

Elf *pl_file_elf(struct pl_file *f)
{
	if (!f || f->elf_tried)
		return f ? f->elf : NULL;
	f->elf_tried = true;
	if (f->is_elf && elf_version(EV_CURRENT) != EV_NONE)
		f->elf = elf_memory((char *)f->map, (size_t)f->size);
	return f->elf;
}

Elf_Scn *pl_file_section(struct pl_file *f, const char *name, GElf_Shdr *ret_shdr)
{
	Elf *elf = pl_file_elf(f);
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		GElf_Shdr sh;
		const char *s;

		if (!gelf_getshdr(scn, &sh) || !(s = elf_strptr(elf, names, sh.sh_name)) ||
		    strcmp(s, name) != 0)
			continue;
		if (ret_shdr)
			*ret_shdr = sh;
		return scn;
	}
	return NULL;
}

/* A path that is being resolved below a root: what is done, and what is still to walk. */
struct walk {
	char done[PATH_MAX]; /* without the root; "" or "/a/b" */
	char rest[PATH_MAX];
};

/* Take the next component off w->rest into name; false at the end. */
static bool next_component(struct walk *w, char name[NAME_MAX + 1])
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/");

	if (!len || len > NAME_MAX)
		return false;
	memcpy(name, w->rest + skip, len);
	name[len] = '\0';
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return true;
}

/* Put a link's target before what is left to walk; false when that gets too long. */
static bool follow(struct walk *w, const char *target)
{
	size_t n = strlen(target), rest = strlen(w->rest);

	if (n + 1 + rest + 1 > sizeof(w->rest))
		return false;
	memmove(w->rest + n + 1, w->rest, rest + 1);
	memcpy(w->rest, target, n);
	w->rest[n] = '/';
	if (target[0] == '/')
		w->done[0] = '\0';
	return true;
}

char *pl_path_in(const char *root, const char *path)
{
	enum { MAX_LINKS = 40 }; /* as the kernel allows */
	struct walk w = {.done = ""};
	char name[NAME_MAX + 1], target[PATH_MAX];
	unsigned links = 0;

	if (!root)
		return pl_strdup(path);
	if (strlen(path) >= sizeof(w.rest))
		return NULL;
	strcpy(w.rest, path);
	while (next_component(&w, name)) {
		size_t len = strlen(w.done);
		char *full;
		ssize_t n;

		if (!strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			*(len ? strrchr(w.done, '/') : w.done) = '\0';
			continue;
		}
		if (len + 1 + strlen(name) >= sizeof(w.done))
			return NULL;
		full = pl_asprintf("%s%s/%s", root, w.done, name);
		n = readlink(full, target, sizeof(target) - 1);
		free(full);
		if (n < 0 && errno != EINVAL) /* EINVAL: there, but no link */
			return NULL;
		if (n < 0) {
			w.done[len] = '/';
			strcpy(w.done + len + 1, name);
			continue;
		}
		target[n] = '\0';
		if (++links > MAX_LINKS || !follow(&w, target))
			return NULL;
	}
	return w.rest[strspn(w.rest, "/")] ? NULL : pl_asprintf("%s%s", root, w.done);
}
