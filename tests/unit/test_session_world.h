/*
 * test_session_world.h - a whole dead process made by hand, for what looks at all of its objects:
 * a table of objects with types, flags, counts and sizes, the references between them, and roots.
 *
 * The objects lie in the heap of test_object_heap.h, so what reads their memory finds it. Their
 * references are either told by the test, edge by edge, with world_open(), or read from the memory
 * by the decoders, with world_open_decoded(). Nodes are numbered as they are added, which must be
 * by ascending address, and are ids from world_open() on.
 */
#ifndef TEST_SESSION_WORLD_H
#define TEST_SESSION_WORLD_H

#include "test_object_heap.h"

#include "object/roots/roots.h"
#include "session/refgraph.h"

#include "graph_random.h"
#include "object_ids.h"

/* Flags of the edges that a test tells. */
enum {
	SEEN = PL_G_TRAVERSED, /* owns its target, and the collector sees it */
	HIDDEN = 0,            /* owns it, and the tp_traverse omits it */
	WEAK = PL_G_WEAK | PL_G_TRAVERSED,
};

struct world {
	struct heap h;
	struct pl_heap *no_heap;
	struct pl_ctx ctx;
	struct pl_objects *o; /* h's, after world_open() */
	PL_VEC(pl_addr) addr;
	PL_VEC(uint8_t) flags;
	PL_VEC(uint32_t) size;
	PL_VEC(uint64_t) count; /* of references, as they are told */
	PL_VEC(struct test_edge) edges;
	PL_VEC(struct pl_root) held;
	struct pl_roots roots;
	struct test_graph told;
	struct pl_graph *g;
	struct pl_strays strays;
};

static inline void world_init(struct world *w, const char *table)
{
	memset(w, 0, sizeof(*w));
	heap_init(&w->h, table);
}

/* Make the object at addr, which the test wrote, the next node. */
static inline pl_node world_take(struct world *w, pl_addr addr, uint8_t flags)
{
	assert_true(!w->addr.n || addr > w->addr.at[w->addr.n - 1]);
	pl_vec_push(&w->addr, addr);
	pl_vec_push(&w->flags, flags);
	pl_vec_push(&w->size, 16);
	pl_vec_push(&w->count, 0);
	return (pl_node)w->addr.n - 1;
}

/* An object of that type of which nothing is known but its head. */
static inline pl_node world_add(struct world *w, pl_addr type, uint8_t flags)
{
	return world_take(w, heap_object(&w->h, type, 16), flags);
}

/* One more reference that from has to to; only before world_open(). */
static inline void world_edge(struct world *w, pl_node from, pl_node to, uint8_t flags)
{
	pl_vec_push(&w->edges, (struct test_edge){from, to, flags});
	if (!(flags & PL_G_WEAK))
		w->count.at[to]++;
}

/* A root; one that owns is counted. */
static inline void world_root(struct world *w, pl_node node, enum pl_root_kind kind, bool owns,
			      const char *name)
{
	pl_vec_push(&w->held, (struct pl_root){.kind = kind,
					       .target = w->addr.at[node],
					       .name = name,
					       .accessor = "",
					       .owns = owns});
	if (owns)
		w->count.at[node]++;
}

static inline int world_by_target(const void *pa, const void *pb)
{
	const struct pl_root *a = pa, *b = pb;

	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

/* ob_refcnt of every object, as far as it was told. */
static inline void world_write_counts(struct world *w)
{
	for (size_t i = 0; i < w->addr.n; i++)
		w64(&w->h, w->addr.at[i] + (uint64_t)w->h.l.f.object_refcnt, w->count.at[i]);
}

/* The object table and what goes with it; the heap is open. */
static inline void world_open_table(struct world *w, unsigned threads)
{
	struct pl_err err;

	w->o = &w->h.objects;
	object_ids_init(w->o, w->addr.at, w->addr.n);
	w->o->size = w->size.at;
	if (w->flags.n)
		memcpy(w->o->flags, w->flags.at, w->flags.n);
	pl_ctx_init(&w->ctx, threads);
	assert_int_equal(pl_heap_new(w->h.o.im, &w->h.l, &w->ctx, &w->no_heap, &err), 0);
	w->o->heap = w->no_heap;
	if (w->held.n)
		qsort(w->held.at, w->held.n, sizeof(*w->held.at), world_by_target);
	w->roots = (struct pl_roots){.at = w->held.at, .n = w->held.n};
}

static inline void world_open_objects(struct world *w, unsigned threads)
{
	/* Thousands of worlds are made: what was not used is not written. */
	build_init(&w->h.b);
	heap_open_part(&w->h, (w->h.used + 4095) & ~(size_t)4095);
	world_open_table(w, threads);
}

/* The references are those that the test told, the counts what they add up to. */
static inline void world_open(struct world *w, unsigned threads)
{
	world_write_counts(w);
	world_open_objects(w, threads);
	w->told = test_graph_of((pl_node)w->addr.n, w->edges.at, w->edges.n);
	w->g = test_graph_build(&w->told, threads, true);
}

/* The references that the objects' memory holds. */
static inline void world_decode(struct world *w)
{
	struct pl_err err;

	assert_int_equal(pl_refgraph_new(w->o, &w->ctx, &w->g, &w->strays, &err), 0);
	assert_int_equal(pl_graph_reverse(w->g, &w->ctx, &err), 0);
}

/* The references are those, the counts as they stand there. */
static inline void world_open_decoded(struct world *w, unsigned threads)
{
	world_open_objects(w, threads);
	world_decode(w);
}

static inline void world_close(struct world *w)
{
	pl_graph_free(w->g);
	test_graph_fini(&w->told);
	pl_vec_free(&w->strays.at);
	pl_heap_free(w->no_heap);
	pl_ctx_fini(&w->ctx);
	object_ids_fini(w->o);
	heap_close(&w->h);
	pl_vec_free(&w->addr);
	pl_vec_free(&w->flags);
	pl_vec_free(&w->size);
	pl_vec_free(&w->count);
	pl_vec_free(&w->edges);
	pl_vec_free(&w->held);
}

static inline bool world_noted(const struct world *w, const char *code)
{
	for (size_t i = 0; i < w->ctx.n_notes; i++) {
		if (!strcmp(w->ctx.notes[i].code, code))
			return true;
	}
	return false;
}

#endif
