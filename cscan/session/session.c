/*
 * session.c - builds each stage on first need, remembers its failure, and keeps its notes apart.
 */
#include "session/session.h"

#include "base/mem.h"

enum stage {
	STAGE_IMAGE,
	STAGE_LAYOUT,
	STAGE_HEAP,
	STAGE_OUTLINE,
	STAGE_CENSUS,
	STAGE_OBJECTS,
	STAGE_INDEX,
	STAGE_ROOTS,
	STAGE_GRAPH,
	STAGE_LIVES,
	STAGE_RINGS,
	N_STAGES
};

struct pl_session {
	struct pl_image_options options; /* strings owned */
	struct pl_ctx ctx;
	struct pl_image *image;
	struct pl_layout *layout;
	struct pl_heap *heap;
	struct pl_objects *outline;
	struct pl_objects *census; /* freed when the objects are there */
	struct pl_objects *objects;
	struct pl_roots *roots;
	struct pl_graph *graph;
	struct pl_strays strays; /* with the graph */
	struct pl_lives *lives;
	struct pl_rings *rings;
	struct pl_err failed[N_STAGES]; /* code 0: not tried yet, or built */
	size_t stage_notes;             /* the first so many notes of ctx came from stages */
	bool stages_partial;
};

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
	pl_rings_free(s->rings);
	pl_lives_free(s->lives);
	pl_graph_free(s->graph);
	pl_vec_free(&s->strays.at);
	pl_roots_free(s->roots);
	pl_objects_free(s->outline);
	pl_objects_free(s->census);
	pl_objects_free(s->objects);
	if (s->heap)
		pl_heap_free(s->heap);
	if (s->layout)
		pl_layout_free(s->layout);
	if (s->image)
		pl_image_free(s->image);
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

/* Both directions: whoever wants the graph asks who refers to an object. */
static int build_graph(struct pl_session *s, struct pl_err *err)
{
	struct pl_strays strays;
	struct pl_graph *graph;
	int rc = pl_refgraph_new(s->objects, &s->ctx, &graph, &strays, err);

	if (rc)
		return rc;
	rc = pl_graph_reverse(graph, &s->ctx, err);
	if (rc) {
		pl_graph_free(graph);
		pl_vec_free(&strays.at);
		return rc;
	}
	s->graph = graph;
	s->strays = strays;
	return 0;
}

/* Build one stage whose needs are there already. */
static int build(struct pl_session *s, enum stage stage, struct pl_err *err)
{
	switch (stage) {
	case STAGE_IMAGE:
		return pl_image_open(&s->options, &s->ctx, &s->image, err);
	case STAGE_LAYOUT:
		return pl_layout_resolve(s->image, &s->ctx, &s->layout, err);
	case STAGE_HEAP:
		return pl_heap_new(s->image, s->layout, &s->ctx, &s->heap, err);
	case STAGE_OUTLINE:
		s->outline = pl_objects_outline(s->image, s->layout, s->heap);
		return 0;
	case STAGE_CENSUS:
		return pl_objects_new(s->image, s->layout, s->heap, true, &s->ctx, &s->census, err);
	case STAGE_OBJECTS:
		/* It answers all that the census does, and the two would hold the same memory. */
		pl_objects_free(s->census);
		s->census = NULL;
		return pl_objects_new(s->image, s->layout, s->heap, false, &s->ctx, &s->objects,
				      err);
	case STAGE_INDEX:
		return pl_objects_index(s->objects, &s->ctx, err);
	case STAGE_ROOTS:
		return pl_roots_new(s->objects, &s->ctx, &s->roots, err);
	case STAGE_GRAPH:
		return build_graph(s, err);
	case STAGE_LIVES:
		return pl_lives_new(s->objects, s->roots, s->graph, &s->ctx, &s->lives, err);
	default:
		return pl_rings_new(s->objects, s->graph, s->lives, &s->ctx, &s->rings, err);
	}
}

static bool have(const struct pl_session *s, enum stage stage)
{
	const void *const built[] = {s->image,
				     s->layout,
				     s->heap,
				     s->outline,
				     s->census,
				     s->objects,
				     s->objects && s->objects->indexed ? s->objects : NULL,
				     s->roots,
				     s->graph,
				     s->lives,
				     s->rings};

	return built[stage] != NULL;
}

static int one_stage(struct pl_session *s, enum stage stage, struct pl_err *err)
{
	struct pl_ctx *ctx = &s->ctx;
	size_t start = ctx->n_notes;
	bool partial = ctx->partial;
	struct pl_err why = {0};
	int code;

	if (pl_ctx_cancelled(ctx))
		return pl_ctx_cancel_err(err);
	ctx->partial = false;
	code = build(s, stage, &why);
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

/* All stages up to last, in order. */
static int need(struct pl_session *s, enum stage last, struct pl_err *err)
{
	for (enum stage stage = 0; stage <= last; stage++) {
		int code = 0;

		if (s->failed[stage].code) {
			if (err)
				*err = s->failed[stage];
			return s->failed[stage].code;
		}
		/* Cheaper stand-ins for the objects, not steps to them. */
		if ((stage == STAGE_OUTLINE || stage == STAGE_CENSUS) && stage != last)
			continue;
		if (stage == STAGE_CENSUS && s->objects)
			continue;
		if (!have(s, stage))
			code = one_stage(s, stage, err);
		if (code)
			return code;
	}
	return 0;
}

int pl_session_image(struct pl_session *s, struct pl_image **ret, struct pl_err *err)
{
	int code = need(s, STAGE_IMAGE, err);

	if (!code)
		*ret = s->image;
	return code;
}

int pl_session_layout(struct pl_session *s, const struct pl_layout **ret, struct pl_err *err)
{
	int code = need(s, STAGE_LAYOUT, err);

	if (!code)
		*ret = s->layout;
	return code;
}

int pl_session_heap(struct pl_session *s, const struct pl_heap **ret, struct pl_err *err)
{
	int code = need(s, STAGE_HEAP, err);

	if (!code)
		*ret = s->heap;
	return code;
}

int pl_session_outline(struct pl_session *s, struct pl_objects **ret, struct pl_err *err)
{
	int code = need(s, STAGE_OUTLINE, err);

	if (!code)
		*ret = s->outline;
	return code;
}

int pl_session_census(struct pl_session *s, struct pl_objects **ret, struct pl_err *err)
{
	int code = need(s, STAGE_CENSUS, err);

	if (!code)
		*ret = s->objects ? s->objects : s->census;
	return code;
}

int pl_session_objects(struct pl_session *s, struct pl_objects **ret, struct pl_err *err)
{
	int code = need(s, STAGE_OBJECTS, err);

	if (!code)
		*ret = s->objects;
	return code;
}

int pl_session_index(struct pl_session *s, struct pl_objects **ret, struct pl_err *err)
{
	int code = need(s, STAGE_INDEX, err);

	if (!code)
		*ret = s->objects;
	return code;
}

int pl_session_roots(struct pl_session *s, const struct pl_roots **ret, struct pl_err *err)
{
	int code = need(s, STAGE_ROOTS, err);

	if (!code)
		*ret = s->roots;
	return code;
}

int pl_session_graph(struct pl_session *s, const struct pl_graph **ret, struct pl_err *err)
{
	int code = need(s, STAGE_GRAPH, err);

	if (!code)
		*ret = s->graph;
	return code;
}

int pl_session_references(struct pl_session *s, struct pl_objects **o,
			  const struct pl_roots **roots, const struct pl_graph **graph,
			  struct pl_err *err)
{
	int code = need(s, STAGE_GRAPH, err);

	if (!code) {
		*o = s->objects;
		*roots = s->roots;
		*graph = s->graph;
	}
	return code;
}

int pl_session_strays(struct pl_session *s, const struct pl_strays **ret, struct pl_err *err)
{
	int code = need(s, STAGE_GRAPH, err);

	if (!code)
		*ret = &s->strays;
	return code;
}

int pl_session_lives(struct pl_session *s, const struct pl_lives **ret, struct pl_err *err)
{
	int code = need(s, STAGE_LIVES, err);

	if (!code)
		*ret = s->lives;
	return code;
}

int pl_session_rings(struct pl_session *s, const struct pl_rings **ret, struct pl_err *err)
{
	int code = need(s, STAGE_RINGS, err);

	if (!code)
		*ret = s->rings;
	return code;
}

struct pl_image *pl_session_have_image(const struct pl_session *s)
{
	return s->image;
}

const struct pl_layout *pl_session_have_layout(const struct pl_session *s)
{
	return s->layout;
}

struct pl_objects *pl_session_have_objects(const struct pl_session *s)
{
	return s->objects ? s->objects : s->census;
}
