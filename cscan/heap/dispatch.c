/*
 * dispatch.c - which enumerator answers for a region.
 */
#include "heap/internal.h"

bool pl_heap_walk(const struct pl_heap *h, const struct pl_region *r, pl_run_fn *fn, void *arg,
		  struct pl_heap_tally *tally)
{
	switch (r->kind) {
	case PL_REGION_PYMALLOC:
		return pl_heap_pymalloc_walk(h, r, fn, arg, tally);
	case PL_REGION_MIMALLOC:
		return pl_heap_mimalloc_walk(h, r, fn, arg, tally);
	case PL_REGION_MALLOC:
	case PL_REGION_MMAPPED:
		return pl_heap_glibc_walk(h, r, fn, arg, tally);
	}
	return true;
}

bool pl_heap_find_in(const struct pl_heap *h, const struct pl_region *r,
		     const struct pl_region_index *x, pl_addr addr, struct pl_block *ret)
{
	switch (r->kind) {
	case PL_REGION_PYMALLOC:
		return pl_heap_pymalloc_find(h, r, addr, ret);
	case PL_REGION_MIMALLOC:
		return pl_heap_mimalloc_find(h, r, x, addr, ret);
	case PL_REGION_MALLOC:
	case PL_REGION_MMAPPED:
		return pl_heap_glibc_find(h, r, x, addr, ret);
	}
	return false;
}

bool pl_heap_block_in(const struct pl_heap *h, const struct pl_region *r,
		      const struct pl_region_index *x, pl_addr addr, struct pl_block *ret)
{
	switch (r->kind) {
	case PL_REGION_PYMALLOC:
		return pl_heap_pymalloc_block(h, r, addr, ret);
	case PL_REGION_MIMALLOC:
		return pl_heap_mimalloc_block(h, r, x, addr, ret);
	case PL_REGION_MALLOC:
	case PL_REGION_MMAPPED:
		return pl_heap_glibc_block(h, r, addr, ret);
	}
	return false;
}
