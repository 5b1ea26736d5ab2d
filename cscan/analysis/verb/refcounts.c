/*
 * refcounts.c - `refcounts`: objects that count more references than were found.
 */
#include "analysis/analysis.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/search.h"
#include "session/refsum.h"

static const struct pl_column type_columns[] = {
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "objects", .align = PL_RIGHT},
	{.name = "surplus", .align = PL_RIGHT},
	{.name = "example", .align = PL_RIGHT},
	{.name = "refcount", .align = PL_RIGHT},
	{.name = "found", .align = PL_RIGHT},
	{.name = "verdict", .align = PL_LEFT, .shrink = true},
};
static const struct pl_column object_columns[] = {
	{.name = "address", .align = PL_RIGHT},  {.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "refcount", .align = PL_RIGHT}, {.name = "found", .align = PL_RIGHT},
	{.name = "native", .align = PL_RIGHT},   {.name = "surplus", .align = PL_RIGHT},
};
static const struct pl_column word_columns[] = {
	{.name = "target", .align = PL_RIGHT},
	{.name = "type", .align = PL_LEFT, .shrink = true},
	{.name = "at", .align = PL_RIGHT},
	{.name = "place", .align = PL_LEFT},
};
static const struct pl_option options[] = {
	{"objects", NULL, NULL, "every object by itself: also those with more found than counted"},
	{.name = NULL},
};

#define NAMED_TYPES 5  /* in the note about what is over-counted */
#define SHOWN_WORDS 16 /* of one object */

/* Of one type. */
struct sum {
	uint64_t objects, surplus; /* that count more than was found */
	uint64_t held;             /* objects of which words alone hold the rest */
	uint64_t over;             /* objects of which more was found than they count */
	pl_id example;             /* the one with the greatest surplus, or the first held */
	int64_t most;
	uint64_t refcount, found; /* of the example */
};

/* A word that will be shown. */
struct word {
	size_t order; /* as it was told */
	struct pl_refword word;
};

struct listing {
	const struct pl_objects *o;
	struct pl_view v;
	const struct pl_args *args;
	struct pl_refsum found;
	struct sum *sums;   /* by type index */
	struct pl_table *t; /* of objects, or NULL */
	struct pl_table *words;
	size_t most;      /* rows of each, 0 = all */
	uint64_t *wanted; /* bitmap by id: objects whose words will be shown */
	uint32_t *n_told; /* by id: words of those */
	PL_VEC(struct word) told;
	uint64_t expected;            /* words of the wanted */
	uint64_t unwanted;            /* words of others that would be rows, too */
	uint64_t left_out;            /* words of the wanted beyond SHOWN_WORDS */
	uint64_t statics, of_statics; /* static objects with a surplus, and all of it */
};

static bool full(const struct listing *s, struct pl_table *t)
{
	if (!s->most || t->n_rows < s->most)
		return false;
	t->hidden_rows++;
	return true;
}

static void put_object(struct listing *s, pl_id id, uint64_t refcount, int64_t surplus)
{
	struct pl_cell *row;

	if (full(s, s->t))
		return;
	row = pl_table_row(s->t);
	row[0] = pl_cell_addr(s->o->addr[id]);
	row[1] = pl_cell_text(s->t, pl_object_type(s->o, id)->name);
	row[2] = pl_cell_count(refcount);
	row[3] = pl_cell_count(s->found.strong[id]);
	row[4] = pl_cell_count(s->found.native[id]);
	row[5] = pl_cell_int(surplus);
}

/* ---- words ---- */

/* The words of the object will be rows, if there is room for them. */
static void want_words(struct listing *s, pl_id id)
{
	uint64_t n = (uint64_t)s->found.native[id] + pl_refsum_traced(s->o->l);

	if (s->most && s->expected >= s->most) {
		s->unwanted += n;
		return;
	}
	s->expected += PL_MIN(n, (uint64_t)SHOWN_WORDS);
	pl_bits_set(s->wanted, id);
}

static void take_word(void *arg, const struct pl_refword *word)
{
	struct listing *s = arg;

	if (s->n_told[word->target]++ < SHOWN_WORDS)
		pl_vec_push(&s->told, (struct word){s->told.n, *word});
	else
		s->left_out++;
}

static int by_target(const void *pa, const void *pb)
{
	const struct word *a = pa, *b = pb;

	if (a->word.target != b->word.target)
		return a->word.target < b->word.target ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/* "<frame at 0x7f10><stack 5>": a word of an object that may be no reference. */
static void name_own(struct listing *s, const struct pl_refword *w, char *buf, size_t cap)
{
	char label[128];

	pl_label(s->o, &s->v, &w->edge, true, label, sizeof(label));
	snprintf(buf, cap, "<%s at 0x%llx>%s", pl_object_type(s->o, w->source)->name,
		 (unsigned long long)s->o->addr[w->source], label);
}

static void put_word(struct listing *s, const struct pl_refword *w)
{
	struct pl_cell *row;
	char place[512];

	if (full(s, s->words))
		return;
	if (w->source != PL_NO_ID)
		name_own(s, w, place, sizeof(place));
	else
		pl_native_name(s->o, &w->hit, place, sizeof(place));
	row = pl_table_row(s->words);
	row[0] = pl_cell_addr(s->o->addr[w->target]);
	row[1] = pl_cell_text(s->words, pl_object_type(s->o, w->target)->name);
	row[2] = w->source != PL_NO_ID                ? pl_cell_addr(s->o->addr[w->source])
		 : w->hit.place == PL_NATIVE_REGISTER ? pl_cell_absent()
						      : pl_cell_addr(w->hit.at);
	row[3] = pl_cell_text(s->words, place);
}

static void put_words_of(struct listing *s, pl_id id)
{
	size_t i = PL_LOWER_BOUND(s->told.n, k, s->told.at[k].word.target < id);

	for (; i < s->told.n && s->told.at[i].word.target == id; i++)
		put_word(s, &s->told.at[i].word);
}

/* ---- objects ---- */

static void weigh(struct listing *s, pl_id id)
{
	struct sum *sum = &s->sums[s->o->type[id]];
	uint64_t refcount;
	int64_t surplus;

	if (!pl_refsum_surplus(s->o, &s->v, &s->found, id, &refcount, &surplus))
		return;
	if (surplus > 0 && pl_refsum_static(s->o, id)) {
		s->statics++;
		s->of_statics += (uint64_t)surplus;
		return;
	}
	if (!surplus && refcount > s->found.strong[id] && !sum->held++ && !sum->objects)
		sum->example = id;
	if (s->t && surplus)
		put_object(s, id, refcount, surplus);
	if (s->t && refcount > s->found.strong[id])
		want_words(s, id);
	sum->over += surplus < 0;
	if (surplus <= 0)
		return;
	sum->objects++;
	sum->surplus += (uint64_t)surplus;
	if (surplus > sum->most) {
		sum->most = surplus;
		sum->example = id;
		sum->refcount = refcount;
		sum->found = (uint64_t)s->found.strong[id] + s->found.native[id];
	}
}

/* Of the example. */
static const char *verdict(const struct listing *s, const struct sum *sum)
{
	return s->found.native[sum->example] ? "also in C memory"
	       : sum->found                  ? "also held"
	       : s->found.cut                ? "not all was looked at"
					     : "nothing holds it";
}

/* By surplus, name and address: the numbers of types depend on who met them first. */
static int by_surplus(const void *pa, const void *pb, void *arg)
{
	const struct listing *s = arg;
	uint32_t ia = *(const uint32_t *)pa, ib = *(const uint32_t *)pb;
	const struct sum *a = &s->sums[ia], *b = &s->sums[ib];
	const struct pl_type *ta = pl_types_at(s->o->types, ia), *tb = pl_types_at(s->o->types, ib);
	int order;

	if (a->surplus != b->surplus)
		return a->surplus < b->surplus ? 1 : -1;
	order = strcmp(ta->name, tb->name);
	return order ? order : ta->addr < tb->addr ? -1 : ta->addr > tb->addr;
}

/* Type indices in that order, malloced. */
static uint32_t *sorted(struct listing *s, size_t n)
{
	uint32_t *ret = pl_malloc((n + 1) * sizeof(*ret));

	for (uint32_t i = 0; i < n; i++)
		ret[i] = i;
	qsort_r(ret, n, sizeof(*ret), by_surplus, s);
	return ret;
}

static void put_types(struct listing *s, const uint32_t *order, size_t n, struct pl_table *t)
{
	for (size_t i = 0; i < n; i++) {
		const struct sum *sum = &s->sums[order[i]];
		struct pl_cell *row;

		if (!sum->objects)
			continue;
		row = pl_table_row(t);
		row[0] = pl_cell_text(t, pl_types_at(s->o->types, order[i])->name);
		row[1] = pl_cell_count(sum->objects);
		row[2] = pl_cell_count(sum->surplus);
		row[3] = pl_cell_addr(s->o->addr[sum->example]);
		row[4] = pl_cell_count(sum->refcount);
		row[5] = pl_cell_count(sum->found);
		row[6] = pl_cell_text(t, verdict(s, sum));
	}
}

typedef void example_fn(struct listing *s, pl_id id);

/* The examples, first of the types with a surplus. */
static void each_example(struct listing *s, const uint32_t *order, size_t n, example_fn *fn)
{
	for (int held = 0; held < 2; held++) {
		for (size_t i = 0; i < n; i++) {
			const struct sum *sum = &s->sums[order[i]];

			if (held ? sum->held && !sum->objects : sum->objects)
				fn(s, sum->example);
		}
	}
}

/* The words of all objects that are rows, or of the examples. */
static int put_words(struct pl_ctx *ctx, struct listing *s, const uint32_t *order, size_t n,
		     struct pl_err *err)
{
	int rc;

	if (!s->t)
		each_example(s, order, n, want_words);
	rc = pl_refsum_tell(s->o, &s->found, s->wanted, take_word, s, ctx, err);
	if (rc)
		return rc;
	if (s->told.n)
		qsort(s->told.at, s->told.n, sizeof(*s->told.at), by_target);
	for (size_t i = 0; s->t && i < s->told.n; i++)
		put_word(s, &s->told.at[i].word);
	if (!s->t)
		each_example(s, order, n, put_words_of);
	s->words->hidden_rows += s->unwanted;
	if (s->left_out)
		pl_ctx_note(ctx, PL_INFO, "words-left-out",
			    "%llu more words hold these objects: of each object %d are shown",
			    (unsigned long long)s->left_out, SHOWN_WORDS);
	return 0;
}

static void note_static(struct pl_ctx *ctx, const struct listing *s)
{
	if (s->statics)
		pl_ctx_note(ctx, PL_INFO, "static-objects",
			    "static objects are left out, for they are never freed: %llu of them "
			    "(None, builtin types, ...) count %llu references that were not looked "
			    "for",
			    (unsigned long long)s->statics, (unsigned long long)s->of_statics);
}

/* More references than the count says: the heap was being changed, or a decoder errs. */
static void note_over(struct pl_ctx *ctx, const struct listing *s, const uint32_t *order, size_t n)
{
	uint64_t total = 0, named = 0;
	char text[512] = "";
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t over = s->sums[order[i]].over;

		total += over;
		if (over && named++ < NAMED_TYPES && at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu %s",
					       at ? ", " : "", (unsigned long long)over,
					       pl_types_at(s->o->types, order[i])->name);
	}
	if (total)
		pl_ctx_note(ctx, PL_INFO, "over-counted",
			    "%llu objects have more references than their count says: %s%s",
			    (unsigned long long)total, text, named > NAMED_TYPES ? ", ..." : "");
}

static int fill(struct pl_session *session, struct listing *s, struct pl_result *ret,
		struct pl_err *err)
{
	struct pl_ctx *ctx = pl_session_ctx(session);
	size_t n = pl_types_count(s->o->types);
	struct pl_table *t;
	uint32_t *order;
	int rc;

	s->wanted = pl_col_alloc(s->o->n / 64 + 1, sizeof(*s->wanted));
	s->n_told = pl_col_alloc(s->o->n + 1, sizeof(*s->n_told));
	if (!s->wanted || !s->n_told)
		return pl_err_set(err, PL_E_NOMEM, "no memory for the words of %zu objects",
				  s->o->n);
	s->sums = pl_calloc(n + 1, sizeof(*s->sums));
	s->most = s->args->sort ? 0 : s->args->limit;
	if (pl_args_get(s->args, "objects"))
		s->t = pl_result_table(ret, "objects", object_columns,
				       PL_ARRAY_LEN(object_columns));
	t = s->t ? s->t
		 : pl_result_table(ret, "refcounts", type_columns, PL_ARRAY_LEN(type_columns));
	s->words = pl_result_table(ret, "words", word_columns, PL_ARRAY_LEN(word_columns));
	pl_ctx_stage(ctx, "weighing", s->o->n);
	for (size_t id = 0; id < s->o->n; id++) {
		if (id % 4096 == 0 && pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		if (pl_args_match(s->args, pl_object_type(s->o, (pl_id)id)->name))
			weigh(s, (pl_id)id);
		pl_ctx_step(ctx, 1);
	}
	pl_ctx_stage(ctx, NULL, 0);
	order = sorted(s, n);
	note_over(ctx, s, order, n);
	note_static(ctx, s);
	if (!s->t)
		put_types(s, order, n, t);
	rc = put_words(ctx, s, order, n, err);
	free(order);
	if (!rc && (s->args->sort || !s->t))
		rc = pl_args_apply(s->args, t, err);
	pl_table_limit(s->words, s->args->limit);
	return rc;
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct listing s = {.args = args};
	const struct pl_roots *roots;
	struct pl_objects *o;
	int rc;

	rc = pl_session_index(session, &o, err);
	if (!rc)
		rc = pl_session_roots(session, &roots, err);
	if (!rc)
		rc = pl_refsum_new(o, roots, pl_session_ctx(session), &s.found, err);
	if (rc)
		return rc;
	s.o = o;
	pl_view_init(&s.v, o->im);
	rc = pl_refsum_words(o, NULL, &s.found, pl_session_ctx(session), err);
	if (!rc)
		rc = fill(session, &s, ret, err);
	free(s.sums);
	if (s.wanted)
		pl_col_free(s.wanted, o->n / 64 + 1, sizeof(*s.wanted));
	if (s.n_told)
		pl_col_free(s.n_told, o->n + 1, sizeof(*s.n_told));
	pl_vec_free(&s.told);
	pl_refsum_fini(&s.found);
	return rc;
}

const struct pl_analysis pl_analysis_refcounts = {
	.name = "refcounts",
	.arguments = "",
	.summary = "objects whose ob_refcnt exceeds every reference found: leaks of C extensions",
	.help = "A reference that no object, no root and no word of C memory accounts for was "
		"never\n"
		"given back: the C code that took it forgot it. Immortal and static objects are "
		"left out.\n"
		"\n"
		"surplus   references counted in ob_refcnt and not found\n"
		"example   the object of the type with the greatest surplus, its count and what "
		"was\n"
		"          found of it\n"
		"verdict   whether anything holds the example besides: nothing, objects and roots, "
		"or\n"
		"          words of C memory too\n"
		"native    (--objects) words of C memory, stacks too, that hold its address: each "
		"may be\n"
		"          a reference, so each makes the surplus smaller by one\n"
		"words     where these words are, of the examples, and of one object of each type "
		"that\n"
		"          nothing but such words holds as often as it counts; of all objects "
		"with\n"
		"          --objects",
	.example = "--match 'app.*' --objects",
	.options = options,
	.own_rows = true,
	.run = run,
};
