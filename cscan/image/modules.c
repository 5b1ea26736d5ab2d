/*
 * modules.c - the files that were mapped: which they are on this machine, and whether they are the
 * same ones.
 *
 * A file is the same when its build-id equals the one in its first page, which the core holds by
 * default. Without a build-id the first page itself is compared. A file that differs is never used.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/internal.h"

/* More mapped files than any process has; each costs an open(). */
enum { MAX_MODULES = 8192, MAX_NAMED = 4 };

#define DELETED " (deleted)"

/* What is being found out about one module. */
struct candidate {
	struct pl_module *m;
	const struct pl_file_map *first; /* its first mapping */
	const uint8_t *bytes;            /* of it, as the core has them, or NULL */
	uint64_t n_bytes;
	bool has_head; /* they start an ELF file */
	struct pl_elf_head head;
	bool looks_elf; /* has_head, or a part of it was executable */
};

/* ---- grouping ---- */

static bool read_head(const struct pl_image *im, const struct pl_file_map *f,
		      struct pl_elf_head *ret)
{
	uint64_t n;
	const uint8_t *p = f->offset ? NULL : pl_core_bytes(im, f->lo, &n);

	return p && pl_elf_head(p, PL_MIN(n, f->hi - f->lo), ret);
}

/*
 * Does f start another mapping of the same file? A file's first page may be mapped twice in a row
 * (lld lays code right behind the headers), so what counts is whether f lies behind all of it.
 */
static bool starts_again(const struct pl_file_map *f, const struct pl_file_map *prev,
			 const struct pl_module *m, const struct pl_elf_head *head)
{
	if (f->offset)
		return false;
	if (head)
		return f->lo - m->lo >= pl_round_up(head->load_hi - head->load_lo, PL_PAGE);
	return f->lo != prev->hi;
}

static void group(struct pl_image *im, struct pl_ctx *ctx)
{
	struct pl_elf_head head;
	bool has_head = false;

	for (size_t i = 0; i < im->file_maps.n; i++) {
		struct pl_file_map *f = &im->file_maps.at[i];
		struct pl_module *m = im->modules.n ? &im->modules.at[im->modules.n - 1] : NULL;

		if (!m || strcmp(m->path, f->path) != 0 ||
		    starts_again(f, f - 1, m, has_head ? &head : NULL)) {
			if (im->modules.n == MAX_MODULES) {
				pl_ctx_damage(ctx, "too-many-files",
					      "the core names more than %d mapped files; the rest "
					      "is not looked at",
					      MAX_MODULES);
				return;
			}
			pl_vec_push(&im->modules, (struct pl_module){.path = f->path, .lo = f->lo});
			m = &im->modules.at[im->modules.n - 1];
			has_head = read_head(im, f, &head);
		}
		m->hi = f->hi;
		f->module = (int)im->modules.n - 1;
	}
}

/* The module that the kernel started: its program headers (or its entry) are in AT_PHDR. */
static void mark_exe(struct pl_image *im)
{
	uint64_t addr;

	if (!pl_image_auxv(im, AT_PHDR, &addr) && !pl_image_auxv(im, AT_ENTRY, &addr))
		return;
	for (size_t i = 0; i < im->modules.n; i++) {
		struct pl_module *m = &im->modules.at[i];

		if (addr >= m->lo && addr < m->hi) {
			m->is_exe = true;
			return;
		}
	}
}

/* ---- a core without NT_FILE ---- */

/* Where a file was loaded, when no note says so. */
static bool find_bias(const struct pl_image *im, const struct pl_file *f, pl_addr *ret)
{
	uint64_t phdr, vaddr;

	if (f->head.type == ET_EXEC) {
		*ret = 0;
		return true;
	}
	if (f->head.phdr_vaddr && pl_image_auxv(im, AT_PHDR, &phdr)) {
		*ret = phdr - f->head.phdr_vaddr;
		return true;
	}
	for (size_t i = 0; i < im->ranges.n; i++) {
		const struct pl_range *r = &im->ranges.at[i];
		struct pl_elf_head head;

		if (r->host && pl_elf_head(r->host, r->hi - r->lo, &head) &&
		    pl_build_id_equal(head.build_id, head.build_id_len, f->head.build_id,
				      f->head.build_id_len) &&
		    pl_elf_vaddr_of(r->host, r->hi - r->lo, 0, &vaddr)) {
			*ret = r->lo - vaddr;
			return true;
		}
	}
	return false;
}

/* Write the entries that NT_FILE would have had for the main program, from the file itself. */
static void make_file_maps(struct pl_image *im)
{
	struct pl_file *f;
	const char *path = im->exe;
	uint64_t n, addr;
	const uint8_t *p;
	char *where = NULL;
	Elf64_Phdr ph;
	pl_addr bias;

	if (!path && pl_image_auxv(im, AT_EXECFN, &addr) && (p = pl_core_bytes(im, addr, &n)) &&
	    p[0] == '/' && memchr(p, '\0', (size_t)n)) {
		path = pl_arena_strndup(&im->strings, (const char *)p, (size_t)n);
		where = pl_path_in(im->sysroot, path);
	}
	f = path ? pl_file_open(where ? where : path) : NULL;
	free(where);
	if (f && f->is_elf && find_bias(im, f, &bias)) {
		for (unsigned i = 0; pl_elf_load(f->map, f->size, i, &ph); i++) {
			uint64_t skip = ph.p_vaddr % PL_PAGE;
			struct pl_file_map m = {.path = path, .module = -1};

			m.lo = bias + ph.p_vaddr - skip;
			m.offset = ph.p_offset - skip;
			if (ph.p_filesz && ph.p_offset >= skip &&
			    pl_add(m.lo, pl_round_up(ph.p_filesz + skip, PL_PAGE), &m.hi) &&
			    (!im->file_maps.n || m.lo >= im->file_maps.at[im->file_maps.n - 1].hi))
				pl_vec_push(&im->file_maps, m);
		}
	}
	pl_file_free(f);
}

/* ---- finding and checking ---- */

static struct candidate look(struct pl_image *im, size_t index, const struct pl_file_map *first,
			     size_t n_maps)
{
	struct candidate c = {.m = &im->modules.at[index], .first = first};

	c.bytes = pl_core_bytes(im, first->lo, &c.n_bytes);
	if (c.bytes) {
		c.n_bytes = PL_MIN(c.n_bytes, first->hi - first->lo);
		c.has_head = !first->offset && pl_elf_head(c.bytes, c.n_bytes, &c.head);
	}
	c.looks_elf = c.has_head;
	/* Without its first bytes, code is the sign; a JIT's memory file has other first bytes. */
	for (size_t i = 0; i < n_maps && !c.looks_elf && (!c.bytes || first->offset); i++) {
		size_t k = pl_find_range(im->memory.at, im->memory.n, sizeof(*im->memory.at),
					 first[i].lo);

		c.looks_elf = k < im->memory.n && (im->memory.at[k].prot & PL_PROT_EXEC);
	}
	if (c.has_head) {
		c.m->core_build_id_len = c.head.build_id_len;
		memcpy(c.m->core_build_id, c.head.build_id, c.head.build_id_len);
	}
	return c;
}

static bool is_deleted(const char *path)
{
	size_t n = strlen(path), k = strlen(DELETED);

	return n > k && strcmp(path + n - k, DELETED) == 0;
}

/* What of path is below a directory, or NULL. */
static const char *below(const char *directory, const char *path)
{
	size_t n = directory ? strlen(directory) : 0;

	while (n && directory[n - 1] == '/')
		n--;
	return n && !strncmp(path, directory, n) && path[n] == '/' ? path + n : NULL;
}

/*
 * A path as seen in the process's root. The kernel writes it so; gcore, run from outside of a
 * chroot, puts the sysroot itself in front, as the kernel tells it: without links.
 */
static const char *below_sysroot(const struct pl_image *im, const char *path)
{
	const char *found = below(im->sysroot, path);

	if (!found)
		found = below(im->real_sysroot, path);
	return found ? found : path;
}

static struct pl_file *open_file(struct pl_image *im, const struct pl_module *m)
{
	struct pl_file *f = NULL;
	char *path, *where;

	if (m->is_exe && im->exe)
		return pl_file_open(im->exe);
	if (m->path[0] != '/')
		return NULL;
	path = pl_strndup(m->path, strlen(m->path) - (is_deleted(m->path) ? strlen(DELETED) : 0));
	where = pl_path_in(im->sysroot, below_sysroot(im, path));
	if (where)
		f = pl_file_open(where);
	free(where);
	free(path);
	return f;
}

static bool same_first_page(const struct candidate *c, const struct pl_file *f)
{
	uint64_t n = PL_MIN(c->n_bytes, PL_PAGE);

	if (c->first->offset >= f->size)
		return false;
	n = PL_MIN(n, f->size - c->first->offset);
	return memcmp(c->bytes, f->map + c->first->offset, (size_t)n) == 0;
}

static enum pl_module_state check(const struct pl_image *im, const struct candidate *c,
				  const struct pl_file *f)
{
	const struct pl_elf_head *a = &c->head, *b = &f->head;

	if (!f->is_elf)
		return c->looks_elf ? PL_MODULE_MISMATCH : PL_MODULE_NOT_ELF;
	if (b->machine != im->info.machine)
		return PL_MODULE_MISMATCH;
	if (c->has_head && a->build_id_len && b->build_id_len)
		return pl_build_id_equal(a->build_id, a->build_id_len, b->build_id, b->build_id_len)
			       ? PL_MODULE_MATCHED
			       : PL_MODULE_MISMATCH;
	/* One side is known to have none: then they are two files. */
	if (c->has_head && a->notes_read && a->build_id_len != b->build_id_len)
		return PL_MODULE_MISMATCH;
	if (c->bytes)
		return same_first_page(c, f) ? PL_MODULE_UNCHECKED : PL_MODULE_MISMATCH;
	/* The file of that name is another one by now, and nothing tells whether it is equal. */
	if (is_deleted(c->m->path) && !(c->m->is_exe && im->exe))
		return PL_MODULE_MISSING;
	return PL_MODULE_UNCHECKED;
}

static void set_bias(struct candidate *c, const struct pl_file *f)
{
	uint64_t vaddr;

	if (f && f->is_elf && pl_elf_vaddr_of(f->map, f->size, c->first->offset, &vaddr))
		c->m->bias = c->m->lo - vaddr;
	else if (c->has_head && pl_elf_vaddr_of(c->bytes, c->n_bytes, c->first->offset, &vaddr))
		c->m->bias = c->m->lo - vaddr;
	else
		c->m->bias = c->m->lo - c->first->offset;
}

static void find_file(struct pl_image *im, struct candidate *c, struct pl_file **ret)
{
	struct pl_module *m = c->m;
	struct pl_file *f = open_file(im, m);

	m->state = f ? check(im, c, f) : PL_MODULE_MISSING;
	if (f && m->state != PL_MODULE_MISSING) {
		m->file = pl_arena_strndup(&im->strings, f->path, strlen(f->path));
		if (f->is_elf) {
			m->file_build_id_len = f->head.build_id_len;
			memcpy(m->file_build_id, f->head.build_id, f->head.build_id_len);
		}
	}
	if (m->state != PL_MODULE_MATCHED && m->state != PL_MODULE_UNCHECKED) {
		pl_file_free(f);
		f = NULL;
	}
	set_bias(c, f);
	*ret = f;
}

/* ---- what the user is told ---- */

/* "a, b, c, d and 3 more" of module paths, as they come. */
struct names {
	char text[512];
	size_t n;
};

static void add_name(struct names *s, const char *path)
{
	size_t used = strlen(s->text);

	if (s->n < MAX_NAMED)
		snprintf(s->text + used, sizeof(s->text) - used, "%s%s", s->n ? ", " : "", path);
	s->n++;
}

static void end_names(struct names *s)
{
	size_t used = strlen(s->text);

	if (s->n > MAX_NAMED)
		snprintf(s->text + used, sizeof(s->text) - used, " and %zu more", s->n - MAX_NAMED);
}

static void say_mismatch(struct pl_ctx *ctx, const struct pl_module *m)
{
	char want[2 * PL_BUILD_ID_MAX + 1] = "none";
	char have[2 * PL_BUILD_ID_MAX + 1] = "none";

	if (m->core_build_id_len)
		pl_build_id_hex(m->core_build_id, m->core_build_id_len, want);
	if (m->file_build_id_len)
		pl_build_id_hex(m->file_build_id, m->file_build_id_len, have);
	if (m->core_build_id_len || m->file_build_id_len)
		pl_ctx_note(ctx, PL_WARNING, "file-mismatch",
			    "%s is not the file that was mapped as %s, so it is not used: its "
			    "build-id is %s, the core has %s",
			    m->file, m->path, have, want);
	else
		pl_ctx_note(ctx, PL_WARNING, "file-mismatch",
			    "%s is not the file that was mapped as %s, so it is not used: its "
			    "first page differs",
			    m->file, m->path);
}

/* What became of --exe, when it is not simply used or refused like any other file. */
static void say_exe(struct pl_image *im, struct pl_ctx *ctx)
{
	for (size_t i = 0; i < im->modules.n; i++) {
		const struct pl_module *m = &im->modules.at[i];

		if (m->is_exe && m->state == PL_MODULE_MISSING)
			pl_ctx_note(ctx, PL_WARNING, "file-missing",
				    "%s cannot be read as the main program, %s", im->exe, m->path);
		if (m->is_exe)
			return;
	}
	pl_ctx_note(ctx, PL_WARNING, "exe-unused",
		    "%s is not used: the core does not tell where its main program was", im->exe);
}

void pl_modules_find(struct pl_image *im, struct pl_ctx *ctx)
{
	struct names missing = {.n = 0}, unchecked = {.n = 0};
	size_t at = 0, n_maps, mismatches = 0;

	if (!im->file_maps.n)
		make_file_maps(im);
	group(im, ctx);
	mark_exe(im);
	im->priv = pl_calloc(im->modules.n, sizeof(*im->priv));
	for (size_t i = 0; i < im->modules.n; i++, at += n_maps) {
		struct candidate c;

		for (n_maps = 0; at + n_maps < im->file_maps.n &&
				 im->file_maps.at[at + n_maps].module == (int)i;)
			n_maps++;
		c = look(im, i, &im->file_maps.at[at], n_maps);
		find_file(im, &c, &im->priv[i].file);
		if (c.m->state == PL_MODULE_MISSING && c.looks_elf)
			add_name(&missing, c.m->path);
		else if (c.m->state == PL_MODULE_UNCHECKED)
			add_name(&unchecked, c.m->path);
		else if (c.m->state == PL_MODULE_MISMATCH && mismatches++ < MAX_NAMED)
			say_mismatch(ctx, c.m);
	}
	if (im->exe)
		say_exe(im, ctx);
	end_names(&missing);
	end_names(&unchecked);
	if (mismatches > MAX_NAMED)
		pl_ctx_note(ctx, PL_WARNING, "file-mismatch",
			    "%zu more mapped files are not the ones on this machine",
			    mismatches - MAX_NAMED);
	if (missing.n)
		pl_ctx_note(ctx, PL_WARNING, "files-missing",
			    "%zu mapped programs and libraries are not %s: %s", missing.n,
			    im->sysroot ? "under the sysroot" : "on this machine", missing.text);
	if (unchecked.n)
		pl_ctx_note(ctx, PL_INFO, "files-unchecked",
			    "%zu mapped files could not be checked by build-id and are taken as "
			    "they are: %s",
			    unchecked.n, unchecked.text);
}

struct pl_file *pl_module_debug(struct pl_image *im, int module)
{
	struct pl_module_priv *p = &im->priv[module];
	const struct pl_module *m = &im->modules.at[module];

	if (!p->debug_tried) {
		p->debug_tried = true;
		p->debug = pl_debug_file(
			im, p->file, m->core_build_id_len ? m->core_build_id : m->file_build_id,
			m->core_build_id_len ? m->core_build_id_len
					     : (p->file ? m->file_build_id_len : 0));
	}
	return p->debug;
}
