/*
 * fuzz_repr.c - the repr of an object of every kind, damaged, within limits of every size: what it
 * says ends, fits, and may be shown by a terminal.
 *
 * An input is the number of a base, the kind (a row of kinds.def), which of its objects (2 bytes),
 * the limits (3 bytes: room, depth and items, characters and total), then operations as in
 * sound.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "object/repr/repr.h"
#include "runs.h"
#include "sound.h"

enum { HEAD = 7 };

static unsigned kind_of(const struct pl_type *type)
{
	return type->kind;
}

static _Noreturn void broken(const char *what, const char *text)
{
	fprintf(stderr, "fuzz: repr: %s: %s\n", what, text);
	abort();
}

/* A buffer of just that room, so that a byte behind it is noticed. */
static void check(const struct pl_objects *o, pl_addr addr, const struct pl_repr_limits *limits,
		  size_t cap)
{
	char *text = pl_malloc(cap);
	struct pl_view v;
	size_t n;

	pl_view_init(&v, o->im);
	pl_repr(o, &v, addr, limits, text, cap);
	n = strnlen(text, cap);
	if (n == cap)
		broken("it does not end", "");
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = pl_utf8_get(text + i, n - i, &c);

		if (!len || !pl_utf8_printable(c))
			broken("it is not fit to print", text);
		i += len;
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pl_repr_limits limits;
	struct fuzz_sound *t;
	uint32_t object;
	pl_addr addr;

	if (size < HEAD)
		return 0;
	t = fuzz_sound_at(data[0]);
	fuzz_sound_sort(t, PL_N_KINDS, kind_of);
	object = fuzz_sound_pick(t, data[1], (unsigned)data[2] << 8 | data[3], &addr);
	limits = (struct pl_repr_limits){
		.depth = data[5] & 7,
		.items = data[5] >> 3,
		.chars = (data[6] & 15) * 16u,
		.total = (data[6] >> 4) * 64u,
	};
	fuzz_clock();
	fuzz_sound_damage(t, object, data + HEAD, size - HEAD);
	check(t->o, addr, NULL, 600);
	check(t->o, addr, &limits, 1 + data[4]);
	fuzz_base_heal(t->b);
	return 0;
}
