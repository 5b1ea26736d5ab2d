/*
 * scan.c - every area's objects into its segment of the columns, on all threads; one of them walks
 * the gc lists first.
 */
#include "object/listing.h"

struct worker {
	struct pl_classifier classifier;
	struct pl_heap_tally heap_tally;
	uint64_t dead, buffers, over;
	PL_VEC(struct pl_doubt) doubts;
};

struct scan {
	struct pl_objects *o;
	struct pl_ctx *ctx;
	struct worker *workers;
	int lists_rc;
	struct pl_err lists_err;
};

/* What the callbacks of one area need. */
struct filling {
	struct pl_objects *o;
	struct pl_ctx *ctx;
	struct worker *w;
	uint32_t area;
	struct pl_segment *segment;
	uint64_t max;
};

static void put(struct filling *f, const struct pl_found *found)
{
	struct pl_objects *o = f->o;
	size_t id;

	if (f->segment->n == f->max) {
		f->w->over++;
		return;
	}
	id = (size_t)f->segment->first + f->segment->n++;
	o->addr[id] = found->addr;
	o->type[id] = found->type;
	o->size[id] = found->size < UINT32_MAX ? (uint32_t)found->size : UINT32_MAX;
	o->flags[id] = (uint8_t)(found->flags | (found->size < UINT32_MAX ? 0 : PL_OBJ_HUGE));
}

static void put_int(void *arg, const struct pl_found *found)
{
	put(arg, found);
}

static void look_at(struct filling *f, pl_addr addr, const uint8_t *host, const struct pl_run *run)
{
	struct worker *w = f->w;
	struct pl_found found;

	switch (pl_classify(&w->classifier, addr, host, run->usable, run->hooked, &found)) {
	case PL_V_DOUBTFUL:
		pl_vec_push(&w->doubts, (struct pl_doubt){addr, f->area, f->segment->n});
		put(f, &found);
		break;
	case PL_V_OBJECT:
		put(f, &found);
		break;
	case PL_V_DEAD:
		w->dead++;
		break;
	case PL_V_BUFFER:
		if (!pl_has(f->o->l->f.int_ival) ||
		    !pl_classify_int_block(&w->classifier, addr, host, run->usable, put_int, f))
			w->buffers++;
		break;
	}
}

static bool on_run(void *arg, const struct pl_run *run)
{
	struct filling *f = arg;

	for (uint32_t word = 0; word * 64 < run->n; word++) {
		uint64_t bits = run->live[word];

		if (run->n - word * 64 < 64)
			bits &= (UINT64_C(1) << (run->n - word * 64)) - 1;
		for (; bits; bits &= bits - 1) {
			uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(bits);
			uint64_t at = (uint64_t)i * run->stride;

			look_at(f, run->base + at, run->host + at, run);
		}
	}
	return !pl_ctx_cancelled(f->ctx);
}

/* A file's data: every aligned address may be an object, and an object hides what is inside it. */
static void scan_static(struct filling *f, const struct pl_area *a)
{
	struct pl_classifier *c = &f->w->classifier;
	uint64_t size = a->hi - a->lo, least = (uint64_t)f->o->l->f.object_size;
	const uint8_t *host = pl_at(&c->v, a->lo, size);
	struct pl_found found;

	for (uint64_t at = 0; host && at + least <= size;) {
		if (pl_classify_static(c, a->lo + at, host + at, size - at, &found) == PL_V_OBJECT) {
			const struct pl_type *t = pl_types_at(c->types, found.type);

			put(f, &found);
			/* A static type is a PyTypeObject, whatever room its metatype gives to classes. */
			at += t->is_type ? (uint64_t)f->o->l->f.type_struct_size
					 : pl_round_up((uint64_t)PL_MAX(t->basicsize, (int64_t)least), 8);
		} else {
			at += 8;
		}
	}
}

static void scan_item(void *arg, unsigned worker, size_t item)
{
	struct scan *s = arg;
	struct pl_objects *o = s->o;
	size_t area = item - 1;
	struct filling f = {o, s->ctx, &s->workers[worker], (uint32_t)area, NULL, 0};

	if (item == 0) {
		s->lists_rc = pl_gclists_walk(o->im, o->l, o->interps, o->n_interps,
					      o->collecting, s->ctx, &o->priv->lists, &s->lists_err);
		return;
	}
	f.segment = &o->segments[area];
	f.max = o->priv->areas[area].max;
	if (o->priv->areas[area].region)
		pl_heap_walk(o->heap, o->priv->areas[area].region, on_run, &f, &f.w->heap_tally);
	else
		scan_static(&f, &o->priv->areas[area]);
	pl_ctx_step(s->ctx, o->priv->areas[area].hi - o->priv->areas[area].lo);
}

static void merge_worker(struct pl_objects *o, struct worker *w)
{
	o->heap_tally.bad_arenas += w->heap_tally.bad_arenas;
	o->heap_tally.bad_pools += w->heap_tally.bad_pools;
	o->heap_tally.bad_chunks += w->heap_tally.bad_chunks + w->over;
	o->heap_tally.bad_freelists += w->heap_tally.bad_freelists;
	o->heap_tally.missing_bytes += w->heap_tally.missing_bytes;
	o->tally.refcount_zero += w->dead;
	o->tally.buffers += w->buffers;
	for (size_t i = 0; i < w->doubts.n; i++)
		pl_vec_push(&o->priv->doubts, w->doubts.at[i]);
	pl_vec_free(&w->doubts);
}

int pl_scan(struct pl_objects *o, struct pl_ctx *ctx, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(ctx);
	struct scan s = {.o = o, .ctx = ctx};
	int rc;

	s.workers = pl_calloc(n, sizeof(*s.workers));
	for (unsigned i = 0; i < n; i++)
		pl_classifier_init(&s.workers[i].classifier, o->im, o->l, o->types, &o->priv->dead,
				   o->collecting);
	rc = pl_parallel(ctx, o->priv->n_areas + 1, scan_item, &s, err);
	for (unsigned i = 0; i < n; i++)
		merge_worker(o, &s.workers[i]);
	free(s.workers);
	if (!rc && s.lists_rc) {
		*err = s.lists_err;
		rc = s.lists_rc;
	}
	return rc;
}
