/*
 * scan.c - every area's live blocks through the classifier, on all threads.
 */
#include "object/list/listing.h"

#define BATCH 1024

struct worker {
	struct pl_classifier classifier;
	struct pl_scan_tally tally;
	struct pl_found batch[BATCH];
	size_t n;
	uint8_t apart[64]; /* n is written for each object: not in a cache line with the next worker
			    */
};

struct scan {
	struct pl_objects *o;
	struct pl_ctx *ctx;
	struct worker *workers;
	pl_sink_fn *sink;
	void *arg;
};

/* What the callbacks of one area need. */
struct filling {
	struct scan *scan;
	struct worker *w;
	unsigned worker;
	size_t area;
	uint64_t room; /* objects that may still come */
	bool int_blocks;
};

static void flush(struct filling *f)
{
	if (f->w->n)
		f->scan->sink(f->scan->arg, f->worker, f->area, f->w->batch, f->w->n);
	f->w->n = 0;
}

/* The next free place of the batch; commit() takes it. */
static struct pl_found *place(struct filling *f)
{
	if (f->w->n == BATCH)
		flush(f);
	return &f->w->batch[f->w->n];
}

static void commit(struct filling *f, bool doubtful)
{
	if (!f->room) {
		f->w->tally.heap.bad_chunks++;
		return;
	}
	f->room--;
	f->w->batch[f->w->n++].doubtful = doubtful;
}

static void put_int(void *arg, const struct pl_found *found)
{
	*place(arg) = *found;
	commit(arg, false);
}

static void look_at(struct filling *f, pl_addr addr, const uint8_t *host, const struct pl_run *run)
{
	struct worker *w = f->w;

	switch (pl_classify(&w->classifier, addr, host, run->usable, run->hooked, place(f))) {
	case PL_V_DOUBTFUL:
		commit(f, true);
		break;
	case PL_V_OBJECT:
		commit(f, false);
		break;
	case PL_V_DEAD:
		w->tally.dead++;
		break;
	case PL_V_BUFFER:
		if (!f->int_blocks ||
		    !pl_classify_int_block(&w->classifier, addr, host, run->usable, put_int, f))
			w->tally.buffers++;
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
	return !pl_ctx_cancelled(f->scan->ctx);
}

/* A file's data: every aligned address may be an object. */
static void scan_static(struct filling *f, const struct pl_area *a)
{
	struct pl_classifier *c = &f->w->classifier;
	uint64_t size = a->hi - a->lo, least = (uint64_t)c->l->f.object_size;
	const uint8_t *host = pl_at(&c->v, a->lo, size);

	for (uint64_t at = 0; host && at + least <= size;) {
		struct pl_found *found = place(f);

		if (pl_classify_static(c, a->lo + at, host + at, at, size - at, found) ==
		    PL_V_OBJECT) {
			/*
			 * A type's slots hold other types; a static type is a PyTypeObject,
			 * whatever room its metatype gives to classes. Of other finds only the head
			 * is skipped: a number before a pointer to a type may be no object at all.
			 */
			at += pl_types_at(c->types, found->type)->is_type
				      ? (uint64_t)c->l->f.type_struct_size
				      : least;
			commit(f, false);
		} else {
			at += 8;
		}
	}
}

static void scan_area(void *arg, unsigned worker, size_t area)
{
	struct scan *s = arg;
	const struct pl_area *a = &s->o->priv->areas[area];
	struct filling f = {s,      &s->workers[worker],        worker, area,
			    a->max, pl_has(s->o->l->f.int_ival)};

	if (a->region)
		pl_heap_walk(s->o->heap, a->region, on_run, &f, &f.w->tally.heap);
	else
		scan_static(&f, a);
	flush(&f);
	pl_ctx_step(s->ctx, a->hi - a->lo);
}

int pl_scan(struct pl_objects *o, pl_sink_fn *sink, void *arg, struct pl_ctx *ctx,
	    struct pl_scan_tally *tally, struct pl_err *err)
{
	unsigned n = pl_parallel_workers(ctx);
	struct scan s = {.o = o, .ctx = ctx, .sink = sink, .arg = arg};
	uint64_t bytes = 0;
	int rc;

	for (size_t i = 0; i < o->priv->n_areas; i++)
		bytes += o->priv->areas[i].hi - o->priv->areas[i].lo;
	pl_ctx_stage(ctx, "listing objects", bytes);
	s.workers = pl_calloc(n, sizeof(*s.workers));
	for (unsigned i = 0; i < n; i++)
		pl_classifier_init(&s.workers[i].classifier, o->im, o->l, o->types, &o->priv->dead,
				   o->collecting);
	rc = pl_parallel(ctx, o->priv->n_areas, scan_area, &s, err);
	memset(tally, 0, sizeof(*tally));
	for (unsigned i = 0; i < n; i++) {
		const struct pl_scan_tally *t = &s.workers[i].tally;

		tally->heap.bad_arenas += t->heap.bad_arenas;
		tally->heap.bad_pools += t->heap.bad_pools;
		tally->heap.bad_chunks += t->heap.bad_chunks;
		tally->heap.bad_freelists += t->heap.bad_freelists;
		tally->heap.missing_bytes += t->heap.missing_bytes;
		pl_heap_tally_at(&tally->heap.pool_at, t->heap.pool_at);
		pl_heap_tally_at(&tally->heap.chunk_at, t->heap.chunk_at);
		pl_heap_tally_at(&tally->heap.freelist_at, t->heap.freelist_at);
		tally->dead += t->dead;
		tally->buffers += t->buffers;
	}
	free(s.workers);
	return rc;
}
