/*
 * proof.c - whether a layout is right for this core.
 *
 * Knows what must hold in every CPython whatever its version: type is its own type, threads belong
 * to their interpreter, sys.modules holds sys, the collector's lists close and link back. A wrong
 * offset breaks one of these at once; a damaged heap breaks them in a few places, which is
 * tolerated: the share of faults decides.
 */
#include "layout/internal.h"

#include <stdarg.h>
#include <stdio.h>

#define MAX_INTERPS 4096      /* followed along the chain */
#define MAX_STATES 16         /* collectors whose lists are walked */
#define SAMPLE 20000          /* nodes of each list */
#define FEW_NODES 20          /* that many good nodes prove nothing yet */
#define MAX_MODULES 64        /* interpreters whose sys.modules is read */
#define HUGE_ARENA (2u << 20) /* 3.15 with huge pages */
#define FIRST_ARENAS 4096     /* among which one is in use */

struct proof {
	struct pl_view v;
	struct pl_layout *l;
	char *why;
	size_t cap;
	struct pl_list_check lists; /* of all states together */
};

static bool PL_PRINTF(2, 3) fail(struct proof *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, p->cap, fmt, ap);
	va_end(ap);
	return false;
}

static bool half(struct proof *p, pl_addr base, int32_t offset, uint32_t *ret)
{
	return pl_has(offset) && base && pl_read32(&p->v, pl_layout_at(base, offset), ret);
}

/* NULL, or an object whose type is one. */
static bool null_or_object(struct proof *p, pl_addr addr)
{
	uint64_t type;

	return !addr || (!(addr & 7) && pl_layout_word(&p->v, addr, p->l->f.object_type, &type) &&
			 pl_layout_is_type(&p->v, p->l, type));
}

static bool prove_type(struct proof *p)
{
	const struct pl_layout *l = p->l;
	uint64_t type, basicsize, base, none;

	if (!l->type_type)
		return fail(p, "PyType_Type was not found");
	if (!pl_layout_word(&p->v, l->type_type, l->f.object_type, &type))
		return fail(p, "PyType_Type is not in the core");
	if (type != l->type_type)
		return fail(p, "the type of PyType_Type is not itself");
	if (!pl_layout_word(&p->v, l->type_type, l->f.type_basicsize, &basicsize))
		return fail(p, "type.__basicsize__ is not in the core");
	if (pl_has(l->f.heaptype_size) && basicsize != (uint64_t)(int64_t)l->f.heaptype_size)
		return fail(p, "type.__basicsize__ is %llu, expected %d",
			    (unsigned long long)basicsize, l->f.heaptype_size);
	if (!pl_layout_word(&p->v, l->type_type, l->f.type_base, &base) ||
	    !pl_layout_is_type(&p->v, l, base) ||
	    !pl_layout_word(&p->v, base, l->f.type_base, &none) || none)
		return fail(p, "the base of type is not object");
	return true;
}

static bool prove_modules(struct proof *p, pl_addr interp, bool *proved)
{
	static const char *const python2[] = {"sys", "__builtin__"};
	static const char *const python3[] = {"sys", "builtins"};
	const struct pl_layout *l = p->l;
	uint64_t modules;
	unsigned found = 0;

	if (!pl_layout_word(&p->v, interp, l->f.interp_modules, &modules))
		return fail(p, "the interpreter's modules are not in the core");
	if (!modules) /* not made yet, or torn down already */
		return true;
	if (!pl_layout_dict_keys(&p->v, l, modules, l->str_style == PL_STR_27 ? python2 : python3,
				 2, &found) ||
	    !null_or_object(p, modules))
		return fail(p, "the interpreter's modules at 0x%llx are no dict",
			    (unsigned long long)modules);
	*proved = found == 3;
	return true;
}

static bool prove_interps(struct proof *p, bool *proved)
{
	const struct pl_layout *l = p->l;
	pl_addr interp = l->interp_head;
	unsigned threads;

	*proved = false;
	if (!interp)
		return pl_has(l->f.runtime_interpreters_head)
			       ? fail(p, "the runtime has no interpreter")
			       : true; /* before 3.7 a stripped binary may hide it */
	for (unsigned i = 0; interp && i < MAX_INTERPS; i++) {
		if (!pl_layout_is_interp(&p->v, l, interp, &threads)) {
			/* damage further down the chain does not speak against the layout */
			if (i && *proved)
				return true;
			return fail(p, "no interpreter at 0x%llx", (unsigned long long)interp);
		}
		if (!*proved && i < MAX_MODULES && !prove_modules(p, interp, proved))
			return false;
		if (!pl_layout_word(&p->v, interp, l->f.interp_next, &interp))
			break;
	}
	return true;
}

static bool prove_state(struct proof *p, pl_addr interp, pl_addr state)
{
	const struct pl_layout *l = p->l;
	struct pl_gc_list lists[4];
	unsigned n = pl_layout_gc_lists(l, interp, lists);
	uint32_t threshold, collecting = 0;

	half(p, state, l->f.gc_collecting, &collecting);
	if (collecting > 1)
		return fail(p, "gc.collecting is %u", collecting);
	for (unsigned i = 0; i < n; i++) {
		/* thresholds are C ints; a user may set any that is not negative */
		if (half(p, lists[i].record, l->f.generation_threshold, &threshold) &&
		    threshold > INT32_MAX)
			return fail(p, "generation %s has threshold %u", lists[i].name, threshold);
		pl_layout_check_list(&p->v, l, lists[i].head, collecting != 0, SAMPLE, &p->lists);
	}
	return true;
}

static bool prove_lists(struct proof *p, bool enough)
{
	struct pl_layout *l = p->l;
	pl_addr interp = l->interp_head, last = 0;
	const struct pl_list_check *c = &p->lists;

	if (!pl_has(l->f.gc_generations))
		return fail(p, "the collector's lists were not found");
	for (unsigned i = 0; i < MAX_STATES; i++) {
		pl_addr state = pl_layout_gc_state(l, interp);

		if (!state)
			return i ? true : fail(p, "the collector's state was not found");
		if (state != last && !prove_state(p, interp, state))
			return false;
		last = state;
		if (!interp || !pl_layout_word(&p->v, interp, l->f.interp_next, &interp) || !interp)
			break;
	}
	/* one fault in twenty nodes is far more than damage does and far less than a wrong offset
	 */
	if ((c->bad + c->back) * 20 > c->nodes)
		return fail(
			p,
			"the gc lists break: %llu nodes, %llu are no objects, %llu not linked back",
			(unsigned long long)c->nodes, (unsigned long long)c->bad,
			(unsigned long long)c->back);
	if (c->nodes < FEW_NODES && !enough)
		return fail(p, "the gc lists hold only %llu objects, too few to prove anything",
			    (unsigned long long)c->nodes);
	return true;
}

static bool prove_static_types(struct proof *p, bool started)
{
	const struct pl_layout *l = p->l;
	pl_addr records = pl_layout_at(l->interp_head, l->f.interp_static_types);
	uint64_t first;

	/* no type was readied yet, or the core does not hold the place */
	if (!pl_has(l->f.managed_static_type_type) || !pl_has(l->f.interp_static_types) ||
	    !l->interp_head || !pl_read64(&p->v, records, &first) || (!first && !started))
		return true;
	if (!pl_layout_is_static_types(&p->v, l, records, 1))
		return fail(p, "interpreter+%d holds no static types", l->f.interp_static_types);
	return true;
}

/* The arenas of the first interpreter: also tells how big an arena is (3.15: 1 or 2 MiB). */
static bool prove_arenas(struct proof *p)
{
	struct pl_layout *l = p->l;
	uint64_t state, address, bytes;
	uint32_t count, pools;
	pl_addr arenas;

	if (!pl_has(l->f.interp_obmalloc) || !pl_has(l->f.obmalloc_arenas) ||
	    !pl_has(l->f.arena_size) || !l->interp_head)
		return true;
	state = pl_layout_at(l->interp_head, l->f.interp_obmalloc);
	/* 3.12 embeds the state, later versions point to it (pycore_interp.h): the width tells */
	if (l->w.interp_obmalloc == 8 && (!pl_read64(&p->v, state, &state) || !state))
		return true;
	if (!pl_layout_is_obmalloc(&p->v, l, state, &count, &arenas))
		return fail(p, "no allocator state at 0x%llx", (unsigned long long)state);
	for (uint32_t i = 0; i < PL_MIN(count, FIRST_ARENAS); i++) {
		pl_addr arena = arenas + (uint64_t)i * (uint64_t)(int64_t)l->f.arena_size;

		if (!pl_layout_word(&p->v, arena, l->f.arena_address, &address) ||
		    !half(p, arena, l->f.arena_ntotalpools, &pools))
			return fail(p, "arena %u at 0x%llx cannot be read", i,
				    (unsigned long long)arena);
		if (!address)
			continue;
		/* an arena that is not aligned to its pools loses one pool */
		bytes = ((uint64_t)pools + 1) / 2 * 2 * l->pool_bytes;
		if (bytes == HUGE_ARENA)
			l->arena_bytes = HUGE_ARENA;
		else if (bytes != l->arena_bytes)
			return fail(p, "arena %u has %u pools", i, pools);
		break;
	}
	return true;
}

static bool prove_pointers(struct proof *p)
{
	static const uint16_t interp_fields[] = {
		PL_F_interp_modules, PL_F_interp_sysdict,    PL_F_interp_builtins,
		PL_F_interp_dict,    PL_F_interp_codec_path, PL_F_interp_builtins_copy,
	};
	const struct pl_layout *l = p->l;
	pl_addr state = pl_layout_gc_state(l, l->interp_head);
	uint64_t value;
	uint32_t enabled;

	for (size_t i = 0; l->interp_head && i < PL_ARRAY_LEN(interp_fields); i++)
		if (pl_layout_word(&p->v, l->interp_head, pl_layout_offset(l, interp_fields[i]),
				   &value) &&
		    !null_or_object(p, value))
			return fail(p, "%s holds 0x%llx, no object",
				    pl_field_name(interp_fields[i]), (unsigned long long)value);
	if (pl_layout_word(&p->v, state, l->f.gc_garbage, &value) && !null_or_object(p, value))
		return fail(p, "gc.garbage is 0x%llx, no object", (unsigned long long)value);
	if (half(p, state, l->f.gc_enabled, &enabled) && enabled > 1)
		return fail(p, "gc.enabled is %u", enabled);
	return true;
}

bool pl_layout_prove(struct pl_image *im, struct pl_layout *l, bool strict, char *why, size_t cap)
{
	struct proof p = {.l = l, .why = why, .cap = cap};
	bool interps;

	pl_view_init(&p.v, im);
	if (!prove_type(&p) || !prove_interps(&p, &interps) || !prove_lists(&p, interps || !strict))
		return false;
	if (strict && (!prove_static_types(&p, interps) || !prove_pointers(&p)))
		return false;
	if (!prove_arenas(&p) && strict)
		return false;
	/* blocks of pymalloc are multiples of its alignment: one odd multiple of 8 tells
	 * (bpo-27987) */
	if ((l->gc_style == PL_GC_REFS27 || l->gc_style == PL_GC_REFS34) && p.lists.low_bits & 8)
		l->object_align = 8;
	return true;
}
