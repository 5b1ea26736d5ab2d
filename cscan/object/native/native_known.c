/*
 * native_known.c - see native_known.h.
 */
#include "object/native/native_known.h"

#include "base/search.h"

enum {
	MAX_CHUNKS = 1 << 16, /* of a thread's stack of frames */
	MAX_THREADS = 1 << 16,
	MAX_FREELIST = 80, /* entries of an array: PyList_MAXFREELIST, PyDict_MAXFREELIST */
};

size_t pl_native_below(const struct pl_objects *o, pl_addr addr)
{
	return PL_LOWER_BOUND(o->n, k, o->addr[k] < addr);
}

static bool in_static_object(const struct pl_native_known *k, pl_addr at)
{
	const struct pl_objects *o = k->o;
	size_t i = pl_native_below(o, at + 1);

	/* sys.getsizeof() of a static type counts what only heap types have. */
	return i && at - o->addr[i - 1] < (pl_object_type(o, (pl_id)(i - 1))->is_type
						   ? (uint64_t)o->l->f.type_struct_size
						   : o->size[i - 1]);
}

/*
 * An array of dead objects keeps stale pointers behind its last entry. How long it is nobody says,
 * so what may lie behind it counts unless it is of the kind that such arrays keep: with a gc head.
 */
static bool in_freelist(const struct pl_native_known *k, pl_addr at, pl_addr word)
{
	pl_id id = pl_objects_id(k->o, word);

	if (id != PL_NO_ID && !(k->o->flags[id] & PL_OBJ_GC))
		return false;
	for (size_t i = 0; i < k->freelists.n; i++) {
		if (at - k->freelists.at[i] < 8 * MAX_FREELIST)
			return true;
	}
	return false;
}

static void find_freelists(struct pl_native_known *k)
{
	for (size_t i = 0; i < k->o->n_interps; i++) {
		struct pl_freelist *lists = NULL;
		size_t n = pl_layout_freelists(k->o->im, k->o->l, k->o->interps[i].addr, &lists);

		for (size_t at = 0; at < n; at++) {
			if (lists[at].kind == PL_FREELIST_ARRAY)
				pl_vec_push(&k->freelists, lists[at].where);
		}
		free(lists);
	}
}

/* A chunk of a stack of frames; false when it was marked before: the list runs in a circle. */
static bool mark_chunk(struct pl_native_known *k, pl_addr chunk, uint64_t size)
{
	pl_addr page = chunk & ~UINT64_C(0xfff);

	if (!pl_addrset_add(&k->frames, page))
		return false;
	for (page += PL_PAGE; page < chunk + size; page += PL_PAGE)
		pl_addrset_add(&k->frames, page);
	return true;
}

/*
 * 3.11+: frames lie on stacks of their own (_PyStackChunk, Include/cpython/pystate.h), which are
 * mapped page by page.
 */
static void mark_thread(struct pl_native_known *k, struct pl_view *v, pl_addr tstate)
{
	const struct pl_fields *f = &k->o->l->f;
	uint64_t chunk = 0, size;

	pl_read64(v, tstate + (uint64_t)f->thread_datastack_chunk, &chunk);
	for (size_t i = 0; chunk && i < MAX_CHUNKS; i++) {
		if (!pl_read64(v, chunk + (uint64_t)f->stackchunk_size, &size) ||
		    !pl_at(v, chunk, size) || !mark_chunk(k, chunk, size) ||
		    !pl_read64(v, chunk + (uint64_t)f->stackchunk_previous, &chunk))
			return;
	}
}

static void mark_frames(struct pl_native_known *k, struct pl_view *v)
{
	const struct pl_fields *f = &k->o->l->f;
	uint64_t tstate;

	if (!pl_has(f->thread_datastack_chunk) || !pl_has(f->stackchunk_size))
		return;
	for (size_t i = 0; i < k->o->n_interps; i++) {
		if (!pl_read64(v, k->o->interps[i].addr + (uint64_t)f->interp_threads_head,
			       &tstate))
			continue;
		for (size_t t = 0; tstate && t < MAX_THREADS; t++) {
			mark_thread(k, v, tstate);
			if (!pl_read64(v, tstate + (uint64_t)f->thread_next, &tstate))
				break;
		}
	}
}

void pl_native_known_init(struct pl_native_known *k, const struct pl_objects *o)
{
	struct pl_view v;

	*k = (struct pl_native_known){.o = o};
	pl_addrset_init(&k->frames);
	pl_view_init(&v, o->im);
	mark_frames(k, &v);
	find_freelists(k);
}

void pl_native_known_fini(struct pl_native_known *k)
{
	pl_vec_free(&k->freelists);
	pl_addrset_fini(&k->frames);
}

bool pl_native_known(const struct pl_native_known *k, pl_addr at, pl_addr word)
{
	return in_static_object(k, at) || in_freelist(k, at, word) ||
	       pl_addrset_has(&k->frames, at & ~UINT64_C(0xfff));
}
