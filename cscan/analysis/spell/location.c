/* location.c - see location.h. */
#include "analysis/spell/location.h"
#include "base/search.h"

#include <stdio.h>

static bool on_stack(const struct pl_objects *o, pl_addr addr, char *buf, size_t cap)
{
	const struct pl_thread *t;

	if (pl_image_stack(o->im, addr, &t) != PL_STACK_LIVE)
		return false;
	snprintf(buf, cap, "stack of thread %u", t->lwp);
	return true;
}

static void in_file(const struct pl_objects *o, const struct pl_mapping *m, pl_addr addr, char *buf,
		    size_t cap)
{
	const struct pl_module *modules;
	struct pl_symbol symbol;
	size_t n;

	modules = pl_image_modules(o->im, &n);
	if (pl_image_symbol_at(o->im, addr, &symbol) && symbol.module >= 0) {
		unsigned long long into = addr - symbol.addr;

		snprintf(buf, cap, into ? "%s+0x%llx in %s" : "%s%.0llx in %s", symbol.name, into,
			 pl_base_name(modules[symbol.module].path));
		return;
	}
	snprintf(buf, cap, "%s+0x%llx", pl_base_name(modules[m->module].path),
		 (unsigned long long)(addr - modules[m->module].bias));
}

/* The kernel backs shared memory that has no file with one of this name (mm/shmem.c). */
static bool is_anonymous(const struct pl_objects *o, const struct pl_mapping *m)
{
	size_t n;

	return !strcmp(pl_image_modules(o->im, &n)[m->module].path, "/dev/zero (deleted)");
}

static const char *state_name(enum pl_block_state state)
{
	static const char *const names[] = {
		[PL_BLOCK_LIVE] = "block",
		[PL_BLOCK_FREE] = "freed block",
		[PL_BLOCK_NEVER] = "never used block",
		[PL_BLOCK_HEADER] = "header",
	};

	return names[state];
}

static void in_block(const struct pl_block *b, char *buf, size_t cap)
{
	unsigned long long pool = b->pool, usable = b->usable;
	const char *state = state_name(b->state);

	switch (b->region->kind) {
	case PL_REGION_PYMALLOC:
		snprintf(buf, cap, "pymalloc arena %u, pool 0x%llx, %s of %llu bytes",
			 b->region->index, pool, state, usable);
		break;
	case PL_REGION_MIMALLOC:
		snprintf(buf, cap, "mimalloc segment %u, page 0x%llx, %s of %llu bytes",
			 b->region->index, pool, state, usable);
		break;
	case PL_REGION_MALLOC:
		snprintf(buf, cap, "malloc chunk 0x%llx, %s of %llu bytes", pool, state, usable);
		break;
	case PL_REGION_MMAPPED:
		snprintf(buf, cap, "mmapped malloc chunk 0x%llx, %s of %llu bytes", pool, state,
			 usable);
		break;
	}
}

void pl_location(const struct pl_objects *o, pl_addr addr, char *buf, size_t cap)
{
	const struct pl_mapping *m = pl_image_mapping(o->im, addr);
	struct pl_block block;

	if (pl_heap_find(o->heap, addr, &block))
		in_block(&block, buf, cap);
	else if (on_stack(o, addr, buf, cap))
		return;
	else if (m && m->module >= 0 && !is_anonymous(o, m))
		in_file(o, m, addr, buf, cap);
	else if (m)
		snprintf(buf, cap, "%s mapping 0x%llx-0x%llx",
			 m->module >= 0 ? "shared anonymous" : "anonymous",
			 (unsigned long long)m->lo, (unsigned long long)m->hi);
	else
		snprintf(buf, cap, "not mapped");
}

/* Do both lie in one block, or both in none? */
static bool same_block(const struct pl_objects *o, pl_addr a, pl_addr b)
{
	struct pl_block at_a, at_b;
	bool has_a = pl_heap_find(o->heap, a, &at_a), has_b = pl_heap_find(o->heap, b, &at_b);

	return has_a == has_b && (!has_a || at_a.base == at_b.base);
}

/*
 * The last object whose start is not above addr, when addr is inside of it. Its size alone does not
 * tell: sys.getsizeof() counts a dict's keys and a list's items, which lie elsewhere.
 */
static pl_id around(const struct pl_objects *o, pl_addr addr)
{
	size_t above = PL_LOWER_BOUND(o->n, k, o->addr[k] <= addr);

	if (!above || addr - o->addr[above - 1] >= o->size[above - 1] ||
	    !same_block(o, o->addr[above - 1], addr))
		return PL_NO_ID;
	return (pl_id)(above - 1);
}

/* A freed block keeps the type pointer of what last lay in it: only its first word is a link. */
static const struct pl_type *last_held(const struct pl_objects *o, struct pl_view *v, pl_addr block)
{
	const int32_t heads[] = {0, o->l->f.gc_head_size, o->l->f.gc_head_size + 16};

	for (size_t i = 0; i < PL_ARRAY_LEN(heads); i++) {
		uint64_t type;
		int32_t index;

		if (!pl_read64(v, block + (uint64_t)(heads[i] + o->l->f.object_type), &type))
			continue;
		index = pl_types_find(o->types, v, type);
		if (index >= 0 && pl_types_at(o->types, (uint32_t)index)->head == heads[i])
			return pl_types_at(o->types, (uint32_t)index);
	}
	return NULL;
}

void pl_location_story(const struct pl_objects *o, struct pl_view *v, pl_addr addr, char *buf,
		       size_t cap)
{
	pl_id id = around(o, addr);
	const struct pl_type *type;
	struct pl_block block;
	char place[512];
	int32_t index;

	if (id != PL_NO_ID) {
		snprintf(buf, cap, "this is inside the %s at 0x%llx, 0x%llx bytes from its start",
			 pl_object_type(o, id)->name, (unsigned long long)o->addr[id],
			 (unsigned long long)(addr - o->addr[id]));
		return;
	}
	if (pl_object_on_freelist(o, addr)) {
		/* Those that are chained by their type pointers have none any more: floats of 2.7.
		 */
		index = pl_types_find(o->types, v, pl_field_word(v, addr, o->l->f.object_type));
		snprintf(buf, cap, "there is a dead %s that a free list keeps",
			 index < 0 ? "object" : pl_types_at(o->types, (uint32_t)index)->name);
		return;
	}
	if (pl_heap_find(o->heap, addr, &block) && block.state == PL_BLOCK_FREE) {
		type = last_held(o, v, block.base);
		if (type)
			snprintf(buf, cap, "there is a freed block that last held a %s",
				 type->name);
		else
			snprintf(buf, cap, "there is a freed block");
		return;
	}
	pl_location(o, addr, place, sizeof(place));
	snprintf(buf, cap, "the address is in: %s", place);
}
