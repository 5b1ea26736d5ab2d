/*
 * resolve.c - choosing the layout: candidates from every source, best first, until one is proved.
 *
 * Knows the order of trust and nothing of any structure. Candidates: debug information over the
 * nearest table; the debug offsets over each table of that version and its variants; the same over
 * the tables of other patch releases.
 */
#include "layout/internal.h"

#include <stdio.h>

#define TRIED_BYTES 400
#define MAX_SAID 3 /* rejected layouts that an error names */

#define MAX_INTERPRETERS 8 /* libpythons in one process that are tried */

struct resolver {
	struct pl_image *im;
	struct pl_ctx *ctx;
	struct pl_view v;
	struct pl_found found;
	struct pl_layout *l;
	char version[24];
};

/* A table of the same minor, and how near it is, most important first: smaller sorts first. */
struct ranked {
	const struct pl_layout_table *table;
	unsigned far[6];
};

static unsigned differs(int32_t offset, uint64_t size)
{
	return size && pl_has(offset) && (uint64_t)(int64_t)offset != size;
}

static void rank(struct resolver *r, const struct pl_layout_table *t, struct ranked *ret)
{
	const struct pl_found *f = &r->found;
	unsigned same, micro = f->hexversion >> 8 & 0xff, other = t->hexversion >> 8 & 0xff;

	ret->table = t;
	ret->far[0] = f->flavour_known ? (t->flavour ^ f->flavour) & PL_PYDEBUG : 0;
	ret->far[1] = t->hexversion != f->hexversion;
	/* then what the core and the file's symbols say about sizes and offsets */
	ret->far[2] = 0;
	if (f->has_cookie)
		pl_layout_debug_compare(&r->v, f->runtime, f->hexversion, t, &same, &ret->far[2]);
	ret->far[3] = differs(pl_layout_table_offset(t, PL_F_runtime_size), f->runtime_bytes) +
		      differs(pl_layout_table_offset(t, PL_F_type_struct_size), f->type_bytes);
	ret->far[4] = (unsigned)__builtin_popcount(t->flavour ^ f->flavour);
	ret->far[5] = micro > other ? micro - other : other - micro;
}

static int nearer(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	for (size_t i = 0; i < PL_ARRAY_LEN(x->far); i++)
		if (x->far[i] != y->far[i])
			return x->far[i] < y->far[i] ? -1 : 1;
	return strcmp(x->table->name, y->table->name);
}

/* The tables of the same minor, nearest first; returns how many, *ret malloced. */
static size_t tables_of_minor(struct resolver *r, struct ranked **ret)
{
	size_t n, n_ret = 0;
	const struct pl_layout_table *t = pl_layout_tables(&n);
	struct ranked *at = pl_calloc(n + 1, sizeof(*at));

	for (size_t i = 0; i < n; i++)
		if (t[i].hexversion >> 16 == r->found.hexversion >> 16)
			rank(r, &t[i], &at[n_ret++]);
	qsort(at, n_ret, sizeof(*at), nearer);
	*ret = at;
	return n_ret;
}

static void reject(struct resolver *r, const char *what, const char *why)
{
	pl_vec_push(&r->l->rejected,
		    (struct pl_rejected){.what = pl_strdup(what), .why = pl_strdup(why)});
}

/* How hard to try with a candidate. */
enum effort {
	TRUSTED, /* debug information: no single field makes it doubtful */
	STRICT,  /* a table: every field that can be checked must hold */
	SEARCH,  /* the same, after looking for what moved */
};

/* Encodings, places and the proof of a layout whose fields are filled in. */
static bool settle(struct resolver *r, enum effort effort, const char *what)
{
	char why[200];

	if (!pl_layout_encodings(r->l)) {
		reject(r, what, "its encodings are not known");
		return false;
	}
	pl_layout_places(r->im, r->ctx, &r->found, r->l);
	if (effort == SEARCH)
		pl_layout_find_tail(r->im, r->l);
	if (pl_layout_prove(r->im, r->l, effort != TRUSTED, why, sizeof(why)))
		return true;
	if (effort != SEARCH) /* said once is enough */
		reject(r, what, why);
	return false;
}

static enum pl_source source_of(const struct resolver *r, const struct pl_layout_table *t)
{
	return t->hexversion == r->found.hexversion ? PL_FROM_TABLE : PL_FROM_SAME_MINOR;
}

static void fill(struct resolver *r, const struct pl_layout_table *t)
{
	if (t)
		pl_layout_from_table(r->l, t, source_of(r, t));
	else
		pl_layout_clear(r->l);
	if (!r->found.has_cookie)
		return;
	pl_layout_from_debug_offsets(&r->v, r->found.runtime, r->found.hexversion, r->l);
	if (t)
		pl_layout_shift_interp(r->l, t);
}

/* Debug information, with the nearest table for what it does not tell. */
static bool try_dwarf(struct resolver *r, const struct ranked *ranked, size_t n)
{
	fill(r, n ? ranked[0].table : NULL);
	return pl_layout_from_dwarf(r->im, &r->found, r->l) &&
	       settle(r, TRUSTED, "debug information");
}

/* A table as it is, then its variants. */
static bool try_table(struct resolver *r, const struct pl_layout_table *t, enum effort effort)
{
	const char *variant = NULL;
	char what[80];

	for (unsigned nth = 0;; nth++) {
		fill(r, t);
		if (nth && !(variant = pl_layout_variant(r->l, nth - 1)))
			return false;
		snprintf(what, sizeof(what), "table %s%s%s", t->name, variant ? ", " : "",
			 variant ? variant : "");
		if (settle(r, effort, what))
			return true;
	}
}

/* Those of the same kind of build as they are, then what moved in them is searched; then the
 * others. */
static bool try_tables(struct resolver *r, const struct ranked *ranked, size_t n)
{
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && ranked[to].far[0] == ranked[from].far[0];)
			to++;
		for (enum effort effort = STRICT; effort <= SEARCH; effort++)
			for (size_t i = from; i < to; i++)
				if (try_table(r, ranked[i].table, effort))
					return true;
	}
	return false;
}

/* What the greater part of the fields that exist comes from. */
static enum pl_source best_source(const struct pl_layout *l)
{
	unsigned count[PL_FROM_SYMBOL + 1] = {0};
	enum pl_source best = PL_FROM_NOWHERE;

	for (unsigned i = 0; i < PL_N_FIELDS; i++)
		if (pl_has(pl_layout_offset(l, i)))
			count[l->source[i]]++;
	for (unsigned s = 0; s < PL_ARRAY_LEN(count); s++)
		if (count[s] > count[best])
			best = s;
	return best;
}

/* No field comes from the table any more: do not name it. */
static void forget_table(struct pl_layout *l)
{
	for (unsigned i = 0; i < PL_N_FIELDS; i++)
		if (pl_has(pl_layout_offset(l, i)) &&
		    (l->source[i] == PL_FROM_TABLE || l->source[i] == PL_FROM_SAME_MINOR))
			return;
	l->table = NULL;
}

static void describe(struct resolver *r)
{
	struct pl_layout *l = r->l;

	l->best = best_source(l);
	forget_table(l);
	if (l->best == PL_FROM_SAME_MINOR)
		pl_ctx_note(r->ctx, PL_WARNING, "same-minor-layout",
			    "the layout of CPython %s is not known; that of %s passed every check",
			    r->version, l->table);
	if (l->gc_statics && !pl_has(l->f.gc_garbage))
		pl_ctx_note(r->ctx, PL_INFO, "hidden-statics",
			    "gc.garbage, gc.isenabled() and the collector's statistics cannot be "
			    "told: this CPython %s keeps them in statics without symbols",
			    r->version);
	if (!l->interp_head)
		pl_ctx_note(r->ctx, PL_WARNING, "no-interpreter",
			    "the list of interpreters was not found: the binary is stripped and no "
			    "thread was running Python");
}

static int nothing_passed(struct resolver *r, size_t n_tables, struct pl_err *err)
{
	const struct pl_layout *l = r->l;
	char tried[TRIED_BYTES] = "";
	size_t at = 0, said = PL_MIN(l->rejected.n, MAX_SAID);

	for (size_t i = 0; i < said && at < sizeof(tried); i++)
		at += (size_t)snprintf(tried + at, sizeof(tried) - at, "%s%s (%s)", i ? "; " : "",
				       l->rejected.at[i].what, l->rejected.at[i].why);
	if (said < l->rejected.n && at < sizeof(tried))
		snprintf(tried + at, sizeof(tried) - at, "; and %zu more", l->rejected.n - said);
	if (!n_tables && !l->rejected.n)
		return pl_err_set(
			err, PL_E_LAYOUT,
			"no layout of CPython %s is known and its debug information was not "
			"found",
			r->version);
	return pl_err_set(err, PL_E_LAYOUT, "no layout fits this CPython %s: %s", r->version,
			  tried);
}

/* The layout of r->found, in r->l. */
static int resolve(struct resolver *r, struct pl_err *err)
{
	struct pl_layout *l = r->l;
	struct ranked *ranked;
	size_t n;
	bool ok;

	pl_layout_version_text(r->found.hexversion, r->version, sizeof(r->version));
	l->hexversion = r->found.hexversion;
	l->version_source = r->found.version_source;
	l->flavour = r->found.flavour;
	memcpy(l->version, r->version, sizeof(l->version));
	pl_layout_clear(l);
	if (!pl_layout_encodings(l))
		return pl_err_set(err, PL_E_UNSUPPORTED,
				  "CPython %s is not supported: 2.7 and 3.6 to 3.15 are",
				  r->version);
	n = tables_of_minor(r, &ranked);
	ok = try_dwarf(r, ranked, n) || try_tables(r, ranked, n);
	free(ranked);
	if (pl_ctx_cancelled(r->ctx))
		return pl_ctx_cancel_err(err);
	if (!ok)
		return nothing_passed(r, n, err);
	describe(r);
	return 0;
}

int pl_layout_resolve(struct pl_image *im, struct pl_ctx *ctx, struct pl_layout **ret,
		      struct pl_err *err)
{
	struct resolver r = {.im = im, .ctx = ctx};
	int rc = 0;

	pl_ctx_stage(ctx, "finding the interpreter", 0);
	pl_view_init(&r.v, im);
	for (unsigned nth = 0; nth < MAX_INTERPRETERS; nth++) {
		struct pl_err further;
		int this;

		/* a second libpython is worth a try when the first one is not what ran */
		this = pl_layout_detect(im, ctx, nth, &r.found, nth ? &further : err);
		if (this)
			return nth ? rc : this;
		r.l = pl_calloc(1, sizeof(*r.l));
		this = resolve(&r, nth ? &further : err);
		if (!this) {
			*ret = r.l;
			return 0;
		}
		pl_layout_free(r.l);
		if (this == PL_E_CANCELLED)
			return pl_ctx_cancel_err(err);
		if (!nth)
			rc = this;
	}
	return rc;
}

void pl_layout_free(struct pl_layout *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->rejected.n; i++) {
		free(l->rejected.at[i].what);
		free(l->rejected.at[i].why);
	}
	pl_vec_free(&l->rejected);
	free(l);
}
