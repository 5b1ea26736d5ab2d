/* collector.c - see collector.h. */
#include "session/collector.h"

#include <stdio.h>

#include "object/value/value.h"

struct reader {
	const struct pl_objects *o;
	struct pl_view *v;
	struct pl_collector *c;
};

static struct pl_number int_at(struct reader *r, pl_addr base, int32_t offset)
{
	uint32_t n;

	if (!base || !pl_has(offset))
		return (struct pl_number){PL_NUMBER_ABSENT, 0};
	if (!pl_read32(r->v, base + (uint64_t)(int64_t)offset, &n))
		return (struct pl_number){PL_NUMBER_UNKNOWN, 0};
	return (struct pl_number){PL_NUMBER_KNOWN, (int32_t)n};
}

static struct pl_number word_at(struct reader *r, pl_addr base, int32_t offset)
{
	uint64_t n;

	if (!base || !pl_has(offset))
		return (struct pl_number){PL_NUMBER_ABSENT, 0};
	if (!pl_read64(r->v, base + (uint64_t)(int64_t)offset, &n))
		return (struct pl_number){PL_NUMBER_UNKNOWN, 0};
	return (struct pl_number){PL_NUMBER_KNOWN, (int64_t)n};
}

/* Of a field that every version has. */
static struct pl_number surely(struct pl_number n)
{
	if (n.state == PL_NUMBER_ABSENT)
		n.state = PL_NUMBER_UNKNOWN;
	return n;
}

/*
 * The statistics record of a generation. Up to 3.14 an array in the collector's state; in 3.15
 * (pycore_interp_structs.h, struct gc_stats) a block of ring buffers, one for the young and two for
 * the old generations, whose index names the current record. 0 when there is none.
 */
static pl_addr stats_record(struct reader *r, unsigned list)
{
	const struct pl_fields *f = &r->o->l->f;
	pl_addr base = r->c->interp->gc_state;
	uint64_t young = 0, old, at;
	const uint8_t *index;

	if (!base || !pl_has(f->gc_stats) || !pl_has(f->gcstats_size) || list > 2)
		return 0;
	if (!pl_has(f->gcstats_young_size))
		return base + (uint64_t)f->gc_stats + list * (uint64_t)f->gcstats_size;
	if (!pl_read64(r->v, base + (uint64_t)f->gc_stats, &young) || !young)
		return 0;
	old = young + pl_round_up((uint64_t)f->gcstats_young_size, 8);
	at = list ? old + (list - 1) * (uint64_t)f->gcstats_old_size : young;
	index = pl_at(r->v, at + (uint64_t)(list ? f->gcstats_old_index : f->gcstats_young_index),
		      1);
	return index ? at + *index * (uint64_t)f->gcstats_size : 0;
}

/* A list of the collector's, by its place in the state or by its name in module gc. */
static pl_addr list_object(struct reader *r, int32_t offset, const char *name)
{
	const struct pl_layout *l = r->o->l;
	const struct pl_interp *interp = r->c->interp;
	pl_addr list = pl_field_word(r->v, interp->gc_state, offset), module;

	if (list)
		return list;
	if (pl_dict_get(l, r->v, interp->modules, "gc", &module) &&
	    pl_dict_get(l, r->v, pl_field_word(r->v, module, l->f.module_dict), name, &list))
		return list;
	return 0;
}

static void read_lists(struct reader *r)
{
	const struct pl_fields *f = &r->o->l->f;
	struct pl_gc_list lists[4];

	r->c->n_lists = pl_layout_gc_lists(r->o->l, r->c->interp->addr, lists);
	for (unsigned i = 0; i < r->c->n_lists && i < 3; i++) {
		pl_addr stats = stats_record(r, i);

		r->c->list[i].threshold = int_at(r, lists[i].record, f->generation_threshold);
		r->c->list[i].count = int_at(r, lists[i].record, f->generation_count);
		r->c->list[i].collections = word_at(r, stats, f->gcstats_collections);
		r->c->list[i].collected = word_at(r, stats, f->gcstats_collected);
		r->c->list[i].uncollectable = word_at(r, stats, f->gcstats_uncollectable);
	}
}

static void read_state(struct reader *r)
{
	const struct pl_fields *f = &r->o->l->f;
	pl_addr base = r->c->interp->gc_state;

	r->c->enabled = surely(int_at(r, base, f->gc_enabled));
	r->c->collecting = surely(int_at(r, base, f->gc_collecting));
	r->c->debug = surely(int_at(r, base, f->gc_debug));
	r->c->long_lived_total = word_at(r, base, f->gc_long_lived_total);
	r->c->long_lived_pending = word_at(r, base, f->gc_long_lived_pending);
	r->c->garbage = list_object(r, f->gc_garbage, "garbage");
	if (r->o->l->gc_style != PL_GC_REFS27)
		r->c->callbacks = list_object(r, f->gc_callbacks, "callbacks");
}

size_t pl_collectors(const struct pl_objects *o, struct pl_view *v, struct pl_collector **ret)
{
	struct pl_collector *c = pl_calloc(o->n_interps + 1, sizeof(*c));
	pl_addr seen = 0;
	size_t n = 0;

	for (size_t i = 0; i < o->n_interps; i++) {
		struct reader r = {o, v, &c[n]};

		if (!o->interps[i].gc_state || o->interps[i].gc_state == seen)
			continue;
		seen = o->interps[i].gc_state;
		c[n++].interp = &o->interps[i];
		read_lists(&r);
		read_state(&r);
	}
	*ret = c;
	return n;
}

static bool is(struct pl_number n, int64_t value)
{
	return n.state == PL_NUMBER_KNOWN && n.value == value;
}

const char *pl_collector_off(const struct pl_collector *c)
{
	if (is(c->enabled, 0))
		return "gc is disabled";
	/* A threshold of 0 for the youngest generation turns collecting off (gc.set_threshold()).
	 */
	if (is(c->list[0].threshold, 0))
		return "threshold 0";
	return NULL;
}

bool pl_collector_saves(const struct pl_collector *c)
{
	return c->debug.state == PL_NUMBER_KNOWN && c->debug.value & PL_DEBUG_SAVEALL;
}

bool pl_collector_waits(const struct pl_objects *o, const struct pl_collector *c, char *buf,
			size_t cap)
{
	const struct pl_number count = c->list[2].count, threshold = c->list[2].threshold;
	const struct pl_number total = c->long_lived_total, pending = c->long_lived_pending;

	/* No automatic collection of an incremental collector is a full one (Python/gc.c). */
	if (o->l->gc_style == PL_GC_INCREMENTAL) {
		snprintf(buf, cap, "this version collects the old objects by increments");
		return true;
	}
	/* gc_select_generation() of Python/gc.c, collect_generations() of Modules/gcmodule.c */
	if (is(threshold, 0) || is(c->list[1].threshold, 0)) {
		snprintf(buf, cap, "threshold 0 of an older generation");
		return true;
	}
	if (total.state == PL_NUMBER_KNOWN && pending.state == PL_NUMBER_KNOWN &&
	    pending.value < total.value / 4) {
		snprintf(buf, cap,
			 "long_lived_pending %lld is below a quarter of long_lived_total %lld",
			 (long long)pending.value, (long long)total.value);
		return true;
	}
	if (count.state == PL_NUMBER_KNOWN && threshold.state == PL_NUMBER_KNOWN &&
	    count.value <= threshold.value) {
		snprintf(buf, cap, "%lld collections of generation 1 since the last, %lld to come",
			 (long long)count.value, (long long)(threshold.value - count.value + 1));
		return true;
	}
	return false;
}
