/*
 * session.c - builds each stage on first need, remembers its failure, and keeps its notes apart.
 */
#include "session/session.h"

#include "base/mem.h"

enum stage {
#define PL_STAGE(name, result, needs, build, free) STAGE_##name,
#include "session/stages.def"
#undef PL_STAGE
	N_STAGES
};

#define STAGES(name) (1u << STAGE_##name)

/* A stage comes after all that it needs. */
#define PL_STAGE(name, result, needs, build, free) \
	_Static_assert((needs) < STAGES(name), #name " stands before what it needs");
#include "session/stages.def"
#undef PL_STAGE

struct pl_session {
	struct pl_image_options options; /* strings owned */
	struct pl_ctx ctx;
	void *built[N_STAGES];          /* each stage's result, NULL: not there */
	struct pl_strays strays;        /* with the graph */
	struct pl_err failed[N_STAGES]; /* code 0: not tried yet, or built */
	size_t stage_notes;             /* the first so many notes of ctx came from stages */
	bool stages_partial;
};

/* ---- the stages: each build finds its needs in s->built and fills its own place ---- */

#define IMAGE(s) ((struct pl_image *)(s)->built[STAGE_image])
#define LAYOUT(s) ((struct pl_layout *)(s)->built[STAGE_layout])
#define HEAP(s) ((struct pl_heap *)(s)->built[STAGE_heap])
#define OBJECTS(s) ((struct pl_objects *)(s)->built[STAGE_objects])
#define ROOTS(s) ((struct pl_roots *)(s)->built[STAGE_roots])
#define GRAPH(s) ((struct pl_graph *)(s)->built[STAGE_graph])
#define LIVES(s) ((struct pl_lives *)(s)->built[STAGE_lives])

static int build_image(struct pl_session *s, struct pl_err *err)
{
	struct pl_image *im;
	int rc = pl_image_open(&s->options, &s->ctx, &im, err);

	if (!rc)
		s->built[STAGE_image] = im;
	return rc;
}

static void free_image(struct pl_session *s, void *image)
{
	(void)s;
	pl_image_free(image);
}

static int build_layout(struct pl_session *s, struct pl_err *err)
{
	struct pl_layout *l;
	int rc = pl_layout_resolve(IMAGE(s), &s->ctx, &l, err);

	if (!rc)
		s->built[STAGE_layout] = l;
	return rc;
}

static void free_layout(struct pl_session *s, void *layout)
{
	(void)s;
	pl_layout_free(layout);
}

static int build_heap(struct pl_session *s, struct pl_err *err)
{
	struct pl_heap *heap;
	int rc = pl_heap_new(IMAGE(s), LAYOUT(s), &s->ctx, &heap, err);

	if (!rc)
		s->built[STAGE_heap] = heap;
	return rc;
}

static void free_heap(struct pl_session *s, void *heap)
{
	(void)s;
	pl_heap_free(heap);
}

static int build_outline(struct pl_session *s, struct pl_err *err)
{
	(void)err;
	s->built[STAGE_outline] = pl_objects_outline(IMAGE(s), LAYOUT(s), HEAP(s));
	return 0;
}

static int list_objects(struct pl_session *s, enum stage stage, struct pl_err *err)
{
	struct pl_objects *o;
	int rc = pl_objects_new(IMAGE(s), LAYOUT(s), HEAP(s), stage == STAGE_census, &s->ctx, &o,
				err);

	if (!rc)
		s->built[stage] = o;
	return rc;
}

static int build_census(struct pl_session *s, struct pl_err *err)
{
	return list_objects(s, STAGE_census, err);
}

/* The objects answer all that the census does, and the two would hold the same memory. */
static int build_objects(struct pl_session *s, struct pl_err *err)
{
	pl_objects_free(s->built[STAGE_census]);
	s->built[STAGE_census] = NULL;
	return list_objects(s, STAGE_objects, err);
}

static void free_objects(struct pl_session *s, void *objects)
{
	(void)s;
	pl_objects_free(objects);
}

static int build_index(struct pl_session *s, struct pl_err *err)
{
	int rc = pl_objects_index(OBJECTS(s), &s->ctx, err);

	if (!rc)
		s->built[STAGE_index] = OBJECTS(s);
	return rc;
}

static int build_roots(struct pl_session *s, struct pl_err *err)
{
	struct pl_roots *roots;
	int rc = pl_roots_new(OBJECTS(s), &s->ctx, &roots, err);

	if (!rc)
		s->built[STAGE_roots] = roots;
	return rc;
}

static void free_roots(struct pl_session *s, void *roots)
{
	(void)s;
	pl_roots_free(roots);
}

/* Both directions: whoever wants the graph asks who refers to an object. */
static int build_graph(struct pl_session *s, struct pl_err *err)
{
	struct pl_strays strays;
	struct pl_graph *graph;
	int rc = pl_refgraph_new(OBJECTS(s), &s->ctx, &graph, &strays, err);

	if (rc)
		return rc;
	rc = pl_graph_reverse(graph, &s->ctx, err);
	if (rc) {
		pl_graph_free(graph);
		pl_vec_free(&strays.at);
		return rc;
	}
	s->built[STAGE_graph] = graph;
	s->strays = strays;
	return 0;
}

static void free_graph(struct pl_session *s, void *graph)
{
	pl_graph_free(graph);
	pl_vec_free(&s->strays.at);
}

static int build_lives(struct pl_session *s, struct pl_err *err)
{
	struct pl_lives *lives;
	int rc = pl_lives_new(OBJECTS(s), ROOTS(s), GRAPH(s), &s->ctx, &lives, err);

	if (!rc)
		s->built[STAGE_lives] = lives;
	return rc;
}

static void free_lives(struct pl_session *s, void *lives)
{
	(void)s;
	pl_lives_free(lives);
}

static int build_rings(struct pl_session *s, struct pl_err *err)
{
	struct pl_rings *rings;
	int rc = pl_rings_new(OBJECTS(s), GRAPH(s), LIVES(s), &s->ctx, &rings, err);

	if (!rc)
		s->built[STAGE_rings] = rings;
	return rc;
}

static void free_rings(struct pl_session *s, void *rings)
{
	(void)s;
	pl_rings_free(rings);
}

static const struct {
	unsigned needs;
	int (*build)(struct pl_session *s, struct pl_err *err);
	void (*free)(struct pl_session *s, void *built);
} stages[] = {
#define PL_STAGE(name, result, needs, build, free) {needs, build, free},
#include "session/stages.def"
#undef PL_STAGE
};

/* ---- the session ---- */

static const char *copy(const char *s)
{
	return s ? pl_strdup(s) : NULL;
}

struct pl_session *pl_session_new(const struct pl_image_options *options, unsigned threads)
{
	struct pl_session *s = pl_calloc(1, sizeof(*s));

	s->options = (struct pl_image_options){
		.core = copy(options->core),
		.exe = copy(options->exe),
		.sysroot = copy(options->sysroot),
		.debug_dir = copy(options->debug_dir),
		.max_unpacked = options->max_unpacked,
	};
	pl_ctx_init(&s->ctx, threads);
	return s;
}

void pl_session_free(struct pl_session *s)
{
	if (!s)
		return;
	for (size_t stage = N_STAGES; stage-- > 0;) {
		if (s->built[stage] && stages[stage].free)
			stages[stage].free(s, s->built[stage]);
	}
	pl_ctx_fini(&s->ctx);
	free((char *)s->options.core);
	free((char *)s->options.exe);
	free((char *)s->options.sysroot);
	free((char *)s->options.debug_dir);
	free(s);
}

struct pl_ctx *pl_session_ctx(struct pl_session *s)
{
	return &s->ctx;
}

static void drop_notes(struct pl_ctx *ctx, size_t keep)
{
	while (ctx->n_notes > keep)
		free(ctx->notes[--ctx->n_notes].text);
}

void pl_session_renew(struct pl_session *s)
{
	drop_notes(&s->ctx, s->stage_notes);
	s->ctx.partial = s->stages_partial;
	atomic_store(&s->ctx.cancel, false);
}

/* Move the notes from start on before those of the analysis, behind those of earlier stages. */
static void keep_notes(struct pl_session *s, size_t start)
{
	struct pl_ctx *ctx = &s->ctx;

	for (size_t i = start; i < ctx->n_notes; i++) {
		struct pl_note note = ctx->notes[i];
		size_t from = s->stage_notes++;

		memmove(ctx->notes + from + 1, ctx->notes + from, (i - from) * sizeof(note));
		ctx->notes[from] = note;
	}
}

static int one_stage(struct pl_session *s, enum stage stage, struct pl_err *err)
{
	struct pl_ctx *ctx = &s->ctx;
	size_t start = ctx->n_notes;
	bool partial = ctx->partial;
	struct pl_err why = {0};
	int code;

	if (s->failed[stage].code) {
		if (err)
			*err = s->failed[stage];
		return s->failed[stage].code;
	}
	if (pl_ctx_cancelled(ctx))
		return pl_ctx_cancel_err(err);
	ctx->partial = false;
	code = stages[stage].build(s, &why);
	if (code == PL_E_CANCELLED) {
		/* not the core's fault: the next run tries again and says it all anew */
		drop_notes(ctx, start);
		ctx->partial = partial;
	} else {
		keep_notes(s, start);
		s->stages_partial |= ctx->partial;
		ctx->partial |= partial;
		if (code)
			s->failed[stage] = why;
	}
	if (code && err)
		*err = why;
	return code;
}

/* The wanted stages with all that they need: as needs come first, one pass from the end does. */
static unsigned with_needs(unsigned wanted)
{
	for (size_t stage = N_STAGES; stage-- > 0;) {
		if (wanted >> stage & 1)
			wanted |= stages[stage].needs;
	}
	return wanted;
}

/* What a stage gives, or NULL when it is not there: the objects serve as a census, too. */
static void *result(const struct pl_session *s, enum stage stage)
{
	if (stage == STAGE_census && s->built[STAGE_objects])
		stage = STAGE_objects;
	return s->built[stage];
}

/* Build what of the stages is not there yet, in order. */
static int need(struct pl_session *s, unsigned wanted, struct pl_err *err)
{
	int code = 0;

	wanted = with_needs(wanted);
	for (enum stage stage = 0; !code && stage < N_STAGES; stage++) {
		if (wanted >> stage & 1 && !result(s, stage))
			code = one_stage(s, stage, err);
	}
	return code;
}

#define PL_STAGE(name, result_type, needs, build, free)                                    \
	int pl_session_##name(struct pl_session *s, result_type **ret, struct pl_err *err) \
	{                                                                                  \
		int code = need(s, STAGES(name), err);                                     \
                                                                                           \
		if (!code)                                                                 \
			*ret = result(s, STAGE_##name);                                    \
		return code;                                                               \
	}
#include "session/stages.def"
#undef PL_STAGE

int pl_session_references(struct pl_session *s, struct pl_objects **o,
			  const struct pl_roots **roots, const struct pl_graph **graph,
			  struct pl_err *err)
{
	int code = need(s, STAGES(roots) | STAGES(graph), err);

	if (!code) {
		*o = OBJECTS(s);
		*roots = ROOTS(s);
		*graph = GRAPH(s);
	}
	return code;
}

int pl_session_strays(struct pl_session *s, const struct pl_strays **ret, struct pl_err *err)
{
	int code = need(s, STAGES(graph), err);

	if (!code)
		*ret = &s->strays;
	return code;
}

struct pl_image *pl_session_have_image(const struct pl_session *s)
{
	return IMAGE(s);
}

const struct pl_layout *pl_session_have_layout(const struct pl_session *s)
{
	return LAYOUT(s);
}

struct pl_objects *pl_session_have_objects(const struct pl_session *s)
{
	return result(s, STAGE_census);
}
