/*
 * heap_list.c - lists what heap/ finds in a core, for tests/e2e/test_heap.py.
 *
 *	heap_list CORE OUT [--exe FILE] [--sysroot DIR] [--debug-dir DIR] [--no-python]
 *
 * OUT gets {base, usable bytes, enum pl_region_kind, hooked} of each live block as four u64, in the
 * order of the walk; standard output a JSON object of the key figures and of what is inconsistent.
 * --no-python: the process was none; no layout is sought.
 */
#include <stdio.h>
#include <string.h>

#include "heap/internal.h"

struct lister {
	const struct pl_heap *h;
	FILE *out;
	uint64_t kind, live, last;
	uint64_t out_of_order, not_found; /* blocks */
};

static bool list_run(void *arg, const struct pl_run *run)
{
	struct lister *l = arg;

	for (uint32_t i = 0; i < run->n; i++) {
		uint64_t row[4] = {run->base + (uint64_t)i * run->stride, run->usable, l->kind,
				   run->hooked};
		struct pl_block b;

		if (!pl_bits_has(run->live, i))
			continue;
		fwrite(row, sizeof(row), 1, l->out);
		l->out_of_order += row[0] <= l->last;
		l->last = row[0];
		l->live++;
		/* finding is slow in malloc's heaps: a sample will do */
		if (l->live % 16 == 0)
			l->not_found += !pl_heap_find(l->h, row[0], &b) ||
					b.state != PL_BLOCK_LIVE || b.base != row[0] ||
					b.usable != row[1];
	}
	return true;
}

/* Blocks over pymalloc's limit, or, up to 3.8, all blocks: as the interpreter itself counts. */
static bool counted(struct pl_image *im, const struct pl_layout *l, bool all, uint64_t *ret)
{
	struct pl_symbol s;
	struct pl_view v;

	pl_view_init(&v, im);
	return pl_image_symbol(im, l->module, all ? "_Py_AllocatedBlocks" : "raw_allocated_blocks",
			       &s) &&
	       pl_read64(&v, s.addr, ret);
}

/* The same of 3.12 and later, summed over the states of all interpreters. */
static bool counted_by_states(struct pl_image *im, const struct pl_layout *l, uint64_t *ret)
{
	PL_VEC(pl_addr) seen = {0};
	pl_addr interp = l->interp_head, state;
	uint64_t n, sum = 0;
	struct pl_view v;
	size_t i;

	if (!pl_has(l->f.interp_obmalloc) || !pl_has(l->f.obmalloc_raw_blocks))
		return false;
	pl_view_init(&v, im);
	while (interp && seen.n < 1000) {
		state = interp + (uint64_t)l->f.interp_obmalloc;
		if (l->w.interp_obmalloc == 8)
			pl_read64(&v, state, &state);
		for (i = 0; i < seen.n && seen.at[i] != state; i++)
			;
		if (i == seen.n && pl_read64(&v, state + (uint64_t)l->f.obmalloc_raw_blocks, &n))
			sum += n;
		pl_vec_push(&seen, state);
		if (!pl_read64(&v, interp + (uint64_t)l->f.interp_next, &interp))
			break;
	}
	pl_vec_free(&seen);
	*ret = sum;
	return true;
}

static void print_count(const char *name, bool known, uint64_t n)
{
	if (known)
		printf("\"%s\": %llu, ", name, (unsigned long long)n);
	else
		printf("\"%s\": null, ", name);
}

/* Memory of files, and the anonymous mapping behind each: where static objects may be. */
static void print_static(struct pl_image *im)
{
	size_t n;
	const struct pl_mapping *m = pl_image_mappings(im, &n);
	const char *comma = "";

	printf("\"static\": [");
	for (size_t i = 0; i < n; i++) {
		bool bss = i && m[i].module < 0 && m[i - 1].module >= 0 && m[i - 1].hi == m[i].lo;

		if (m[i].module < 0 && !bss)
			continue;
		printf("%s[%llu, %llu]", comma, (unsigned long long)m[i].lo,
		       (unsigned long long)m[i].hi);
		comma = ", ";
	}
	printf("], ");
}

static void list(struct pl_image *im, const struct pl_layout *l, const struct pl_heap *h, FILE *out)
{
	const struct pl_heap_stats *s = pl_heap_stats(h);
	size_t n;
	const struct pl_region *r = pl_heap_regions(h, &n);
	struct lister lister = {.h = h, .out = out};
	struct pl_heap_tally t = {0};
	uint64_t over = 0, disorder = 0, owners = 0, raw = 0, all = 0, before;
	bool known;

	for (size_t i = 0; i < n; i++) {
		lister.kind = r[i].kind;
		before = lister.live;
		pl_heap_walk(h, &r[i], list_run, &lister, &t);
		over += lister.live - before > r[i].max_live;
		disorder += i && r[i].lo < r[i - 1].hi;
		owners = PL_MAX(owners, r[i].owner + 1);
	}
	known = counted_by_states(im, l, &raw) || counted(im, l, false, &raw);
	printf("{");
	print_count("raw_blocks", known, raw);
	known = counted(im, l, true, &all);
	print_count("all_blocks", known, all);
	print_static(im);
	printf("\"version\": \"%s\", \"pymalloc_source\": \"%s\", \"malloc_source\": \"%s\", ",
	       l->version, s->pymalloc_source ? s->pymalloc_source : "",
	       s->malloc_source ? s->malloc_source : "");
	printf("\"hooked\": %s, ", s->hooked ? "true" : "false");
#define COUNT(name, value) print_count(name, true, value)
	COUNT("pool_blocks", s->pool_blocks_live);
	COUNT("page_blocks", s->page_blocks_live);
	COUNT("chunks", s->chunks_live + s->chunks_mmapped);
	COUNT("malloc_arenas", s->malloc_arenas);
	COUNT("owners", owners);
	COUNT("over_max_live", over);
	COUNT("out_of_order", lister.out_of_order + disorder);
	COUNT("not_found", lister.not_found);
	COUNT("damage",
	      t.bad_arenas + t.bad_pools + t.bad_chunks + t.bad_freelists + t.missing_bytes);
	printf("\"regions\": %zu}\n", n);
}

int main(int argc, char **argv)
{
	struct pl_image_options options = {.core = argc > 2 ? argv[1] : NULL};
	struct pl_layout nothing = {.module = -1}, *l = &nothing;
	struct pl_image *im;
	struct pl_heap *h;
	struct pl_err err;
	struct pl_ctx ctx;
	bool python = true;
	FILE *out;

	for (unsigned i = 0; i < PL_N_FIELDS; i++)
		((int32_t *)&nothing.f)[i] = PL_NONE;
	for (int i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "--no-python"))
			python = false;
		else if (!strcmp(argv[i], "--exe") && i + 1 < argc)
			options.exe = argv[++i];
		else if (!strcmp(argv[i], "--sysroot") && i + 1 < argc)
			options.sysroot = argv[++i];
		else if (!strcmp(argv[i], "--debug-dir") && i + 1 < argc)
			options.debug_dir = argv[++i];
	}
	out = argc > 2 ? fopen(argv[2], "wb") : NULL;
	if (!out)
		return 2;
	pl_ctx_init(&ctx, 2);
	if (pl_image_open(&options, &ctx, &im, &err) ||
	    (python && pl_layout_resolve(im, &ctx, &l, &err)) ||
	    pl_heap_new(im, l, &ctx, &h, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 3;
	}
	list(im, l, h, out);
	pl_heap_free(h);
	if (python)
		pl_layout_free(l);
	pl_image_free(im);
	pl_ctx_fini(&ctx);
	return fclose(out) ? 1 : 0;
}
