/*
 * variants.c - how builds of one version differ although their tables say otherwise.
 *
 * Knows the layout breaks inside a minor release, and what distributions patch: which fields move
 * where. A variant is one more candidate; only the proof can tell whether a core has it.
 */
#include "layout/internal.h"

struct moved {
	uint16_t field;
	int32_t offset;
};

/*
 * bpo-27987: until 3.7.4 (and in 3.6, which pyenv patches) PyGC_Head ended in a double instead of a
 * long double, so it and all that holds it is aligned to 8 bytes and not to 16 (Include/objimpl.h,
 * Include/internal/mem.h, Include/internal/pystate.h).
 */
static const struct moved short_head_36[] = {
	{PL_F_gc_head_size, 24},
	{PL_F_generation_size, 32},
	{PL_F_generation_threshold, 24},
	{PL_F_generation_count, 28},
};
static const struct moved short_head_37[] = {
	{PL_F_gc_head_size, 24},
	{PL_F_generation_size, 32},
	{PL_F_generation_threshold, 24},
	{PL_F_generation_count, 28},
	{PL_F_gc_size, 272},
	{PL_F_gc_generations, 24},
	{PL_F_gc_permanent, 128},
	{PL_F_gc_stats, 160},
	{PL_F_gc_collecting, 232},
	{PL_F_gc_garbage, 240},
	{PL_F_gc_callbacks, 248},
	{PL_F_gc_long_lived_total, 256},
	{PL_F_gc_long_lived_pending, 264},
	{PL_F_runtime_gc, 312},
	{PL_F_runtime_gil_holder, 1184},
	{PL_F_runtime_gil_locked, 1192},
	{PL_F_runtime_tstate_current, 1392},
	{PL_F_runtime_size, 1424},
};
/* Debian's patch "gchead-alignment" to 3.13 and 3.14 aligns PyGC_Head to 4 bytes. */
static const struct moved generations_20[] = {{PL_F_gc_generations, 20}};
static const struct moved generations_24[] = {{PL_F_gc_generations, 24}};

#define MOVED(a) a, PL_ARRAY_LEN(a)
static const struct variant {
	uint32_t minor;
	const char *name;
	const struct moved *moved;
	size_t n;
} variants[] = {
	{PL_HEX(3, 6, 0), "gc head of 24 bytes", MOVED(short_head_36)},
	{PL_HEX(3, 7, 0), "gc head of 24 bytes", MOVED(short_head_37)},
	{PL_HEX(3, 13, 0), "generations at +20", MOVED(generations_20)},
	{PL_HEX(3, 13, 0), "generations at +24", MOVED(generations_24)},
	{PL_HEX(3, 14, 0), "generations at +20", MOVED(generations_20)},
	{PL_HEX(3, 14, 0), "generations at +24", MOVED(generations_24)},
};

static bool changes(const struct variant *v, const struct pl_layout *l)
{
	for (size_t i = 0; i < v->n; i++)
		if (pl_has(pl_layout_offset(l, v->moved[i].field)) &&
		    pl_layout_offset(l, v->moved[i].field) != v->moved[i].offset)
			return true;
	return false;
}

const char *pl_layout_variant(struct pl_layout *l, unsigned nth)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(variants); i++) {
		const struct variant *v = &variants[i];

		if (v->minor >> 16 != l->hexversion >> 16 || !changes(v, l) || nth--)
			continue;
		for (size_t k = 0; k < v->n; k++) {
			const struct moved *m = &v->moved[k];

			if (pl_has(pl_layout_offset(l, m->field)))
				pl_layout_set(l, m->field, m->offset, *pl_layout_width(l, m->field),
					      PL_FROM_INFERENCE);
		}
		return v->name;
	}
	return NULL;
}
