/*
 * threads.c - the thread states of all interpreters (Include/cpython/pystate.h) with their frames,
 * the kernel's threads they belong to, and the exceptions they have at hand.
 */
#include "object/frames/threads.h"

#include "base/addrset.h"
#include "base/mem.h"
#include "object/frames/pyframe.h"

enum {
	MAX_THREADS = 1 << 16,
	MAX_HANDLED = 1 << 16, /* nested except blocks, of all threads */
	CANCEL_EVERY = 4096,   /* frames */
};

struct walk {
	const struct pl_objects *o;
	const struct pl_layout *l;
	struct pl_view v;
	unsigned handled;       /* except blocks that were looked at */
	bool stopped;           /* not at all, or not at all threads */
	struct pl_addrset seen; /* thread states and frames: each belongs to one list */
	PL_VEC(struct pl_pythread) threads;
};

static pl_addr word(struct walk *w, pl_addr base, int32_t offset)
{
	uint64_t value = 0;

	if (base && pl_has(offset))
		pl_read64(&w->v, base + (uint64_t)(int64_t)offset, &value);
	return value;
}

/*
 * The kernel's thread: by its thread pointer, which is what pthread_self() gave on glibc, or by the
 * native id (3.11 on), which a forked child may have inherited from its parent.
 */
static uint32_t find_lwp(struct walk *w, pl_addr tstate)
{
	uint64_t self = word(w, tstate, w->l->f.thread_id);
	uint64_t native = word(w, tstate, w->l->f.thread_native_id);
	const struct pl_thread *t;
	size_t n;

	t = pl_image_threads(w->o->im, &n);
	for (size_t i = 0; i < n; i++) {
		if (self && t[i].tp == self)
			return t[i].lwp;
	}
	for (size_t i = 0; i < n; i++) {
		if (t[i].lwp == native)
			return t[i].lwp;
	}
	return 0;
}

/* Each interpreter has a pointer to its GIL since 3.12; before, one thread ran in the whole
 * process. */
static bool holds_gil(struct walk *w, pl_addr tstate, pl_addr interp)
{
	const struct pl_fields *f = &w->l->f;
	pl_addr gil = word(w, interp, f->interp_ceval_gil);
	uint32_t locked;

	if (!gil)
		return tstate == w->l->tstate_current;
	return pl_has(f->gil_locked) &&
	       pl_read32(&w->v, gil + (uint64_t)(int64_t)f->gil_locked, &locked) && locked == 1 &&
	       word(w, gil, f->gil_holder) == tstate;
}

static bool is_none(struct walk *w, pl_addr addr)
{
	int32_t type = pl_types_find(w->o->types, &w->v, word(w, addr, w->l->f.object_type));

	return type >= 0 && pl_types_at(w->o->types, (uint32_t)type)->kind == PL_KIND_NONE;
}

static void find_raised(struct walk *w, struct pl_pythread *t)
{
	const struct pl_fields *f = &w->l->f;

	t->raised = word(w, t->tstate, f->thread_current_exception);
	if (t->raised)
		return;
	/* Up to 3.11 what C raised may have no value, or a bare one, until it is caught. */
	t->raised = word(w, t->tstate, f->thread_curexc_value);
	t->raised_tb = word(w, t->tstate, f->thread_curexc_tb);
	if (!t->raised)
		t->raised = word(w, t->tstate, f->thread_curexc_type);
}

/* The innermost exception being handled, as _PyErr_GetTopmostException() in Python/errors.c finds
 * it. */
static void find_handled(struct walk *w, struct pl_pythread *t)
{
	const struct pl_fields *f = &w->l->f;
	pl_addr item = word(w, t->tstate, f->thread_exc_info);
	pl_addr value = word(w, t->tstate, f->thread_exc_value);

	/* 2.7 and 3.6 keep it in the thread itself. */
	if (value && !is_none(w, value)) {
		t->handled = value;
		t->handled_tb = word(w, t->tstate, f->thread_exc_tb);
	}
	for (; !t->handled && item; w->handled++) {
		if (w->handled == MAX_HANDLED) {
			w->stopped = true;
			break;
		}
		value = word(w, item, f->excinfo_value);
		if (value && !is_none(w, value)) {
			t->handled = value;
			t->handled_tb = word(w, item, f->excinfo_tb);
		}
		item = word(w, item, f->excinfo_previous);
	}
}

static pl_addr innermost(struct walk *w, pl_addr tstate)
{
	const struct pl_fields *f = &w->l->f;

	/* 3.11 and 3.12 keep it in a struct on the C stack. */
	if (pl_has(f->cframe_frame))
		return word(w, word(w, tstate, f->thread_cframe), f->cframe_frame);
	return word(w, tstate, f->thread_frame);
}

/*
 * Calls of the evaluation function that begin with a frame: every frame has its own up to 3.10, in
 * 3.11 it says so itself, later an entry marker follows it (_PyEval_EvalFrameDefault() in
 * Python/ceval.c).
 */
static uint32_t entries(struct walk *w, pl_addr frame)
{
	const struct pl_layout *l = w->l;
	const uint8_t *is_entry;

	if (l->frame_style == PL_FRAME_OBJECT)
		return 1;
	if (!pl_has(l->f.iframe_is_entry))
		return 0;
	is_entry = pl_at(&w->v, frame + (uint64_t)l->f.iframe_is_entry, 1);
	return is_entry && *is_entry ? 1 : 0;
}

static int read_frames(struct walk *w, struct pl_ctx *ctx, pl_addr tstate, struct pl_pythread *t,
		       struct pl_err *err)
{
	PL_VEC(struct pl_pyframe) frames = {0};
	pl_addr at = innermost(w, tstate);
	int rc = 0;

	for (uint64_t n = 0; at; n++) {
		enum pl_frame_owner owner = PL_FRAME_OF_THREAD;
		struct pl_pyframe f;

		if (n % CANCEL_EVERY == 0 && pl_ctx_cancelled(ctx)) {
			rc = pl_ctx_cancel_err(err);
			break;
		}
		if (at & 7 || !pl_addrset_add(&w->seen, at)) {
			t->cut = true;
			break;
		}
		if (pl_pyframe_read(w->o, &w->v, at, &f, &owner)) {
			f.entries = entries(w, at);
			pl_vec_push(&frames, f);
		} else if (owner != PL_FRAME_OF_NOBODY) {
			t->cut = true;
			break;
		} else {
			++*(frames.n ? &frames.at[frames.n - 1].entries : &t->entries);
		}
		at = pl_pyframe_back(w->l, &w->v, at);
	}
	t->frames = frames.at;
	t->n_frames = frames.n;
	return rc;
}

static int read_interp(struct walk *w, struct pl_ctx *ctx, pl_addr interp, struct pl_err *err)
{
	pl_addr at = word(w, interp, w->l->f.interp_threads_head);
	size_t first = w->threads.n;
	int rc = 0;

	while (!rc && at) {
		struct pl_pythread t = {.tstate = at, .interp = interp};

		if (w->threads.n == MAX_THREADS) {
			w->stopped = true;
			break;
		}
		if (word(w, at, w->l->f.thread_interp) != interp || !pl_addrset_add(&w->seen, at)) {
			pl_ctx_damage(ctx, "broken-threads",
				      "the list of threads is broken at 0x%llx",
				      (unsigned long long)at);
			break;
		}
		t.lwp = find_lwp(w, at);
		t.holds_gil = holds_gil(w, at, interp);
		find_raised(w, &t);
		find_handled(w, &t);
		rc = read_frames(w, ctx, at, &t, err);
		pl_vec_push(&w->threads, t);
		at = word(w, at, w->l->f.thread_next);
	}
	/* New threads are put at the head of the list. */
	for (size_t i = first, j = w->threads.n; i + 1 < j; i++) {
		struct pl_pythread swap = w->threads.at[--j];

		w->threads.at[j] = w->threads.at[i];
		w->threads.at[i] = swap;
	}
	return rc;
}

int pl_pythreads_new(const struct pl_objects *o, struct pl_ctx *ctx, struct pl_pythread **ret,
		     size_t *n, struct pl_err *err)
{
	struct walk w = {.o = o, .l = o->l};
	int rc = 0;

	pl_view_init(&w.v, o->im);
	pl_addrset_init(&w.seen);
	for (size_t i = 0; !rc && i < o->n_interps; i++)
		rc = read_interp(&w, ctx, o->interps[i].addr, err);
	pl_addrset_fini(&w.seen);
	if (rc) {
		pl_pythreads_free(w.threads.at, w.threads.n);
		return rc;
	}
	if (w.stopped)
		pl_ctx_damage(ctx, "stopped-looking",
			      "there are more Python threads, or except blocks in them, than are "
			      "looked at: the rest of them are left out");
	*ret = w.threads.at;
	*n = w.threads.n;
	return 0;
}

void pl_pythreads_free(struct pl_pythread *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(t[i].frames);
	free(t);
}
