/* target.c - see target.h. */
#include "analysis/target.h"

#include <errno.h>
#include <stdlib.h>

static int parse_address(const char *word, pl_addr *ret, struct pl_err *err)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(word, &end, 16);
	if (errno || end == word || *end)
		return pl_err_set(err, PL_E_USAGE, "'%s' is no address", word);
	*ret = n;
	return 0;
}

static bool is_address(const char *word)
{
	return word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
}

int pl_target_object(const struct pl_objects *o, const char *word, pl_id *ret, struct pl_err *err)
{
	pl_addr addr = 0;
	int rc;

	if (!is_address(word))
		return pl_err_set(err, PL_E_USAGE, "'%s' is no address", word);
	rc = parse_address(word, &addr, err);
	if (rc)
		return rc;
	*ret = pl_objects_id(o, addr);
	if (*ret == PL_NO_ID) {
		pl_err_set(err, PL_E_NOT_FOUND, "no live object starts at 0x%llx",
			   (unsigned long long)addr);
		if (err)
			err->addr = addr;
		pl_err_hint(err, "`instances TYPE` lists the addresses of objects");
		return PL_E_NOT_FOUND;
	}
	return 0;
}

bool *pl_target_types(const struct pl_objects *o, const struct pl_args *args, const char *glob)
{
	size_t n = pl_types_count(o->types);
	bool *fits = pl_calloc(n + 1, sizeof(*fits));
	struct pl_args word = *args;

	word.match = glob;
	for (uint32_t i = 0; i < n; i++)
		fits[i] = pl_args_match(&word, pl_types_at(o->types, i)->name);
	return fits;
}

static int collect(const struct pl_objects *o, const struct pl_args *args, struct pl_ctx *ctx,
		   struct pl_target *t, struct pl_err *err)
{
	t->n_types = pl_types_count(o->types);
	t->types = pl_target_types(o, args, args->words[0]);
	for (size_t id = 0; id < o->n; id++) {
		if (id % 4096 == 0 && pl_ctx_cancelled(ctx))
			return pl_ctx_cancel_err(err);
		if (t->types[o->type[id]])
			pl_vec_push(&t->ids, (pl_id)id);
	}
	if (!t->ids.n)
		pl_ctx_note(ctx, PL_WARNING, "no-such-type", "no object in this core is of type %s",
			    args->words[0]);
	return 0;
}

int pl_target_parse(struct pl_session *s, const struct pl_objects *o, const struct pl_args *args,
		    struct pl_target *ret, struct pl_err *err)
{
	struct pl_target t = {.id = PL_NO_ID};
	int rc;

	t.by_type = !is_address(args->words[0]);
	if (t.by_type)
		rc = collect(o, args, pl_session_ctx(s), &t, err);
	else
		rc = pl_target_object(o, args->words[0], &t.id, err);
	if (rc) {
		pl_target_fini(&t);
		return rc;
	}
	if (!t.by_type)
		t.addr = o->addr[t.id];
	*ret = t;
	return 0;
}

void pl_target_fini(struct pl_target *t)
{
	pl_vec_free(&t->ids);
	free(t->types);
}
