/*
 * areas.c - which memory may hold objects: allocators' regions, and files' writable data.
 */
#include "object/list/listing.h"

static int by_lo(const void *a, const void *b)
{
	pl_addr x = ((const struct pl_area *)a)->lo, y = ((const struct pl_area *)b)->lo;

	return x < y ? -1 : x > y;
}

static int by_value(const void *a, const void *b)
{
	pl_addr x = *(const pl_addr *)a, y = *(const pl_addr *)b;

	return x < y ? -1 : x > y;
}

/* Where files' last mappings end, ascending: anonymous memory right behind is their .bss. */
static pl_addr *file_ends(const struct pl_module *modules, size_t n_modules, size_t *n)
{
	pl_addr *ends = pl_malloc((n_modules + 1) * sizeof(*ends));

	*n = 0;
	for (size_t i = 0; i < n_modules; i++) {
		if (modules[i].state != PL_MODULE_NOT_ELF)
			ends[(*n)++] = modules[i].hi;
	}
	qsort(ends, *n, sizeof(*ends), by_value);
	return ends;
}

/* The parts of [lo, hi) that no region of the heap covers; regions are sorted and disjoint. */
static void add_static(struct pl_objects *o, size_t *cap, pl_addr lo, pl_addr hi)
{
	struct pl_objects_private *p = o->priv;
	size_t n_regions, i = pl_heap_region_from(o->heap, lo);
	const struct pl_region *regions = pl_heap_regions(o->heap, &n_regions);

	while (lo < hi) {
		pl_addr end = i < n_regions ? PL_MIN(hi, PL_MAX(lo, regions[i].lo)) : hi;

		if (end - lo >= 16) {
			if (p->n_areas == *cap) {
				*cap *= 2;
				p->areas = pl_realloc(p->areas, *cap * sizeof(*p->areas));
			}
			p->areas[p->n_areas++] = (struct pl_area){lo, end, NULL, (end - lo) / 16};
		}
		if (i == n_regions || regions[i].lo >= hi)
			break;
		lo = regions[i++].hi;
	}
}

void pl_areas_find(struct pl_objects *o, struct pl_ctx *ctx)
{
	struct pl_objects_private *p = o->priv;
	size_t n_regions, n_modules, n_spans, n_ends, cap;
	const struct pl_region *regions = pl_heap_regions(o->heap, &n_regions);
	const struct pl_module *modules = pl_image_modules(o->im, &n_modules);
	const struct pl_span *spans = pl_image_spans(o->im, &n_spans);
	pl_addr *ends = file_ends(modules, n_modules, &n_ends);

	cap = n_regions + 64;
	p->areas = pl_malloc(cap * sizeof(*p->areas));
	for (size_t i = 0; i < n_regions; i++) {
		uint64_t max = regions[i].max_live;

		/* 2.7 keeps ints and floats, 24 bytes each, in malloc'd blocks of many. */
		if (pl_has(o->l->f.int_ival))
			max = (regions[i].hi - regions[i].lo) / 24;
		p->areas[p->n_areas++] =
			(struct pl_area){regions[i].lo, regions[i].hi, &regions[i], max};
	}
	for (size_t i = 0; i < n_spans && !pl_ctx_cancelled(ctx); i++) {
		const struct pl_span *s = &spans[i];
		bool file = s->module >= 0 && modules[s->module].state != PL_MODULE_NOT_ELF;

		if (s->prot & PL_PROT_WRITE &&
		    (file || bsearch(&s->lo, ends, n_ends, sizeof(*ends), by_value)))
			add_static(o, &cap, s->lo, s->hi);
	}
	free(ends);
	qsort(p->areas, p->n_areas, sizeof(*p->areas), by_lo);
	p->elsewhere = pl_malloc((p->n_areas + 1) * sizeof(*p->elsewhere));
	for (size_t i = 0; i < p->n_areas; i++) {
		const struct pl_region *r = p->areas[i].region;

		if (!r || r->kind == PL_REGION_MALLOC || r->kind == PL_REGION_MMAPPED)
			p->elsewhere[p->n_elsewhere++] =
				(struct pl_range){p->areas[i].lo, p->areas[i].hi};
	}
}
