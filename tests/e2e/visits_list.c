/*
 * visits_list.c - what the tp_traverse of each C type of a core is seen to visit, known to a
 *decoder or not, for tests/e2e/test_visits.py.
 *
 *	visits_list CORE [--exe FILE] [--sysroot DIR] [--debug-dir DIR]
 *
 * A line for each type with a tp_traverse that no class statement made: address, whether all of it
 * could be followed, a letter for each word of an instance (Y, N, M), the name.
 */
#include <stdio.h>
#include <string.h>

#include "object/types/types.h"
#include "object/traverse/visits.h"

enum { MAX_WORDS = 512 };

static void list(struct pl_objects *o)
{
	struct pl_view v;

	pl_view_init(&v, o->im);
	for (uint32_t i = 0; i < pl_types_count(o->types); i++) {
		const struct pl_type *t = pl_types_at(o->types, i);
		const struct pl_visits *visits;
		char words[MAX_WORDS + 1];
		unsigned n = 0;

		if (t->python_class || !t->is_gc || !t->traverse)
			continue;
		visits = pl_type_visits(o->types, &v, t);
		for (; n < MAX_WORDS && 8 * n < (uint64_t)t->basicsize; n++)
			words[n] = "NYM"[pl_visits_field(visits, 8 * n)];
		words[n] = 0;
		printf("%#llx %d %s %s\n", (unsigned long long)t->addr, pl_visits_complete(visits),
		       words, t->name);
	}
}

int main(int argc, char **argv)
{
	struct pl_image_options options = {.core = argc > 1 ? argv[1] : NULL};
	struct pl_layout *l;
	struct pl_objects *o;
	struct pl_image *im;
	struct pl_heap *h;
	struct pl_err err;
	struct pl_ctx ctx;

	for (int i = 2; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--exe"))
			options.exe = argv[i + 1];
		else if (!strcmp(argv[i], "--sysroot"))
			options.sysroot = argv[i + 1];
		else if (!strcmp(argv[i], "--debug-dir"))
			options.debug_dir = argv[i + 1];
	}
	if (!options.core)
		return 2;
	pl_ctx_init(&ctx, 2);
	if (pl_image_open(&options, &ctx, &im, &err) || pl_layout_resolve(im, &ctx, &l, &err) ||
	    pl_heap_new(im, l, &ctx, &h, &err) || pl_objects_new(im, l, h, false, &ctx, &o, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 3;
	}
	list(o);
	pl_objects_free(o);
	pl_heap_free(h);
	pl_layout_free(l);
	pl_image_free(im);
	pl_ctx_fini(&ctx);
	return 0;
}
