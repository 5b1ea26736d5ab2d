/*
 * fuzz_decode.c - decoders, labels, sizes and reprs, on damaged objects.
 *
 * An input is the number of a base in its first byte, then operations as in base.h. The objects
 * that operations hit are decoded, with what they refer to; a first operation that hits none asks
 * for the roots and the stacks of threads, which takes far longer.
 */
#include <string.h>

#include "fuzz.h"
#include "object/edges/edges.h"
#include "object/roots/roots.h"
#include "object/frames/threads.h"
#include "runs.h"
#include "object/repr/repr.h"
#include "sound.h"

#define MAX_SHOWN 40 /* edges of an object whose label is spelled */

struct edges {
	const struct pl_objects *o;
	struct pl_view *v;
	unsigned n;
	pl_addr first; /* some targets */
};

static void spell(void *arg, const struct pl_edge *e)
{
	struct edges *x = arg;
	char text[300];

	if (x->n++ < MAX_SHOWN) {
		pl_label(x->o, x->v, e, x->n % 2, text, sizeof(text));
		if (x->n % 4 == 1)
			x->first = e->target;
	}
}

static pl_addr decode(const struct pl_objects *o, struct pl_view *v, pl_addr addr)
{
	struct edges x = {o, v, 0, 0};
	pl_id id = pl_objects_id(o, addr);
	uint64_t refcount;
	char text[600];
	bool immortal;

	pl_edges(o, v, addr, spell, &x);
	pl_repr(o, v, addr, NULL, text, sizeof(text));
	pl_object_refcount(o, v, addr, &refcount, &immortal);
	if (id != PL_NO_ID)
		pl_object_size(o, v, id);
	return x.first;
}

static void decode_threads(struct fuzz_sound *t)
{
	struct pl_ctx *ctx = pl_session_ctx(t->s);
	struct pl_pythread *threads;
	struct pl_roots *roots;
	struct pl_view v;
	struct pl_err err;
	size_t n;

	pl_view_init(&v, t->o->im);
	if (!pl_pythreads_new(t->o, ctx, &threads, &n, &err)) {
		for (size_t i = 0; i < n; i++) {
			struct edges x = {t->o, &v, 0, 0};

			for (size_t k = 0; k < threads[i].n_frames; k++)
				pl_pyframe_edges(t->o, &v, &threads[i].frames[k], spell, &x);
		}
		pl_pythreads_free(threads, n);
	}
	if (!pl_roots_new(t->o, ctx, &roots, &err))
		pl_roots_free(roots);
	pl_session_renew(t->s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool runtime = false;
	struct fuzz_sound *t;
	struct pl_view v;

	if (!size)
		return 0;
	t = fuzz_sound_at(data[0]);
	data++;
	size--;
	for (size_t i = 0; i + sizeof(struct fuzz_op) <= size; i += sizeof(struct fuzz_op)) {
		/* A file that got shorter below its mapping is no core that anybody has. */
		if (data[i] % FUZZ_N_WHERE == FUZZ_FILE)
			return 0;
	}
	fuzz_clock();
	fuzz_base_damage(t->b, data, size);
	pl_view_init(&v, t->o->im);
	for (size_t i = 0; i + sizeof(struct fuzz_op) <= size; i += sizeof(struct fuzz_op)) {
		struct fuzz_op op;
		pl_addr addr;

		memcpy(&op, data + i, sizeof(op));
		addr = fuzz_base_object_of(t->b, &op);
		runtime |= !i && !addr;
		for (unsigned deep = 0; addr && deep < 3; deep++)
			addr = decode(t->o, &v, addr);
	}
	if (runtime)
		decode_threads(t);
	fuzz_base_heal(t->b);
	return 0;
}
