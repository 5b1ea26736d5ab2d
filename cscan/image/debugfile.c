/*
 * debugfile.c - where separate debug files lie: by build-id, by .gnu_debuglink, by
 * .gnu_debugaltlink.
 *
 * Only this machine's disk is searched: the directories of --debug-dir, which is a list as gdb's
 * debug-file-directory is, the sysroot's /usr/lib/debug, our own.
 * libdwfl, which would ask debuginfod servers, is not let look for files (see unwind.c).
 */
#include <stdio.h>
#include <stdlib.h>

#include "image/internal.h"

#define DEBUG_ROOT "/usr/lib/debug"

/* Open dir/rest; with a root, dir is a path inside it and so is every link. */
static struct pl_file *open_at(const char *root, const char *dir, const char *rest)
{
	char *inside = pl_asprintf("%s/%s", dir, rest);
	char *path = pl_path_in(root, inside);
	struct pl_file *f = path ? pl_file_open(path) : NULL;

	free(path);
	free(inside);
	if (f && !f->is_elf) {
		pl_file_free(f);
		f = NULL;
	}
	return f;
}

/* CRC-32 of a .gnu_debuglink: the reflected 0xedb88320 polynomial, as in zip. */
static uint32_t crc32_of(const uint8_t *p, uint64_t n)
{
	uint32_t table[256], c = UINT32_MAX;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (unsigned k = 0; k < 8; k++)
			v = v & 1 ? UINT32_C(0xedb88320) ^ v >> 1 : v >> 1;
		table[i] = v;
	}
	for (uint64_t i = 0; i < n; i++)
		c = table[(c ^ p[i]) & 0xff] ^ c >> 8;
	return ~c;
}

/* What the debug file must fulfil: the build-id, or where there is none the checksum. */
struct wanted {
	const uint8_t *id;
	unsigned id_len;
	uint32_t crc;
};

/* f when it is the wanted file, else NULL and f is freed. */
static struct pl_file *if_wanted(struct pl_file *f, const struct wanted *w)
{
	bool ok;

	if (!f)
		return NULL;
	if (w->id_len)
		ok = pl_build_id_equal(w->id, w->id_len, f->head.build_id, f->head.build_id_len);
	else
		ok = crc32_of(f->map, f->size) == w->crc;
	if (ok)
		return f;
	pl_file_free(f);
	return NULL;
}

/* The next directory of a list separated by ':', malloced; NULL at its end. */
static char *next_dir(const char **list)
{
	const char *from;

	if (!*list)
		return NULL;
	from = *list += strspn(*list, ":");
	*list += strcspn(*list, ":");
	return *list == from ? NULL : pl_strndup(from, (size_t)(*list - from));
}

/* Try DIR/rest for each directory that holds debug files. */
static struct pl_file *in_debug_roots(const struct pl_image *im, const char *rest,
				      const struct wanted *w)
{
	const char *list = im->debug_dir;
	struct pl_file *f = NULL;
	char *dir;

	while (!f && (dir = next_dir(&list))) {
		f = if_wanted(open_at(NULL, dir, rest), w);
		/* a root into which debug packages were unpacked */
		if (!f)
			f = if_wanted(open_at(dir, DEBUG_ROOT, rest), w);
		free(dir);
	}
	if (!f && im->sysroot)
		f = if_wanted(open_at(im->sysroot, DEBUG_ROOT, rest), w);
	if (!f)
		f = if_wanted(open_at(NULL, DEBUG_ROOT, rest), w);
	return f;
}

static struct pl_file *by_build_id(const struct pl_image *im, const uint8_t *id, unsigned len)
{
	char hex[2 * PL_BUILD_ID_MAX + 1], rest[sizeof(hex) + 32];
	struct wanted w = {id, len, 0};

	if (len < 2)
		return NULL;
	pl_build_id_hex(id, len, hex);
	snprintf(rest, sizeof(rest), ".build-id/%.2s/%s.debug", hex, hex + 2);
	return in_debug_roots(im, rest, &w);
}

/*
 * The bytes of a section that starts with a file name, as both link sections do; *after is what
 * follows its NUL, n bytes.
 */
static const char *link_section(struct pl_file *f, const char *section, const uint8_t **after,
				size_t *n)
{
	Elf_Scn *scn = pl_file_section(f, section, NULL);
	Elf_Data *d = scn ? elf_rawdata(scn, NULL) : NULL;
	const char *name = d ? d->d_buf : NULL, *nul;

	nul = name ? memchr(name, '\0', d->d_size) : NULL;
	if (!nul || nul == name)
		return NULL;
	*after = (const uint8_t *)nul + 1;
	*n = d->d_size - (size_t)(nul + 1 - name);
	return name;
}

/* Directory part of a path, malloced: "" for the root or a bare name's "." */
static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? pl_strndup(path, (size_t)(slash - path)) : pl_strdup(".");
}

static struct pl_file *by_debuglink(const struct pl_image *im, struct pl_file *file)
{
	const uint8_t *after;
	size_t n, pad, in_root;
	const char *name = link_section(file, ".gnu_debuglink", &after, &n);
	struct wanted w = {file->head.build_id, file->head.build_id_len, 0};
	const char *list = im->debug_dir;
	char *dir, *rest, *debug_dir;
	struct pl_file *f;

	if (!name || strchr(name, '/'))
		return NULL;
	pad = (4 - (strlen(name) + 1) % 4) % 4;
	if (n < pad + 4)
		return NULL;
	w.crc = pl_ld32(after + pad);
	dir = dir_of(file->path);
	f = if_wanted(open_at(NULL, dir, name), &w);
	if (!f) {
		rest = pl_asprintf(".debug/%s", name);
		f = if_wanted(open_at(NULL, dir, rest), &w);
		free(rest);
	}
	while (!f && (debug_dir = next_dir(&list))) {
		f = if_wanted(open_at(NULL, debug_dir, name), &w);
		free(debug_dir);
	}
	if (!f) {
		/* the file's own directory below the debug roots, without the sysroot */
		in_root = im->sysroot ? strlen(im->sysroot) : 0;
		if (in_root && strncmp(dir, im->sysroot, in_root) != 0)
			in_root = 0;
		rest = pl_asprintf("%s/%s", dir + in_root, name);
		f = in_debug_roots(im, rest, &w);
		free(rest);
	}
	free(dir);
	return f;
}

struct pl_file *pl_debug_file(const struct pl_image *im, struct pl_file *file,
			      const uint8_t *build_id, unsigned build_id_len)
{
	struct pl_file *f = by_build_id(im, build_id, build_id_len);

	return f || !file ? f : by_debuglink(im, file);
}

struct pl_file *pl_debug_alt(const struct pl_image *im, struct pl_file *f)
{
	const uint8_t *id;
	size_t n;
	const char *name = link_section(f, ".gnu_debugaltlink", &id, &n);
	struct pl_file *alt;
	struct wanted w;
	char *dir;

	if (!name || n < 2 || n > PL_BUILD_ID_MAX)
		return NULL;
	w = (struct wanted){id, (unsigned)n, 0};
	alt = by_build_id(im, id, (unsigned)n);
	if (alt)
		return alt;
	if (name[0] != '/') {
		dir = dir_of(f->path);
		alt = if_wanted(open_at(NULL, dir, name), &w);
		free(dir);
		return alt;
	}
	if (!strncmp(name, DEBUG_ROOT "/", strlen(DEBUG_ROOT "/")))
		return in_debug_roots(im, name + strlen(DEBUG_ROOT "/"), &w);
	return if_wanted(open_at(im->sysroot, "", name + 1), &w);
}
