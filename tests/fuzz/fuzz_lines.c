/*
 * fuzz_lines.c - line tables of each form from any bytes; then what is said of damaged code objects
 * (lines, names, local variables), of generators (whose exception tables are asked), exceptions and
 * tracebacks.
 *
 * An input begins with a byte: below 4 it is a form of line table, whose first line, size of the
 * code and bytes follow; else a base (that number less 4). Then come the sort of object, which
 * of them (2 bytes), and operations as in sound.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fuzz.h"
#include "object/decode/decode.h"
#include "object/finalizer.h"
#include "object/frames/exceptions.h"
#include "object/frames/lines.h"
#include "object/value/value.h"
#include "runs.h"
#include "sound.h"

enum { FORMS = 4, TABLE_HEAD = 4, HEAD = 4, MANY = 2000 };
enum sort { SORT_CODE, SORT_GENERATOR, SORT_TRACEBACK, SORT_EXCEPTION, N_SORTS };

static _Noreturn void broken(const char *what)
{
	fprintf(stderr, "fuzz: lines: %s\n", what);
	abort();
}

/* ---- tables ---- */

static int line_of(unsigned form, const uint8_t *table, size_t n, int first, int64_t at)
{
	switch (form) {
	case 0:
	case 1:
		return pl_line_lnotab(table, n, first, at, form);
	case 2:
		return pl_line_310(table, n, first, at);
	default:
		return pl_line_location(table, n, first, at);
	}
}

/* In a buffer of its own, so that a byte behind it is noticed. */
static void read_table(unsigned form, const uint8_t *data, size_t size)
{
	int first = (int16_t)(data[0] | data[1] << 8);
	int64_t end = data[2];
	size_t n = size - (TABLE_HEAD - 1);
	uint8_t *table = pl_malloc(n ? n : 1);

	memcpy(table, data + TABLE_HEAD - 1, n);
	for (int64_t at = 0; at <= end; at++) {
		int line = line_of(form, table, n, first, at);

		/* No entry reaches further than its form can say. */
		if (form < 3 && (line < first - 128 * (int64_t)(n / 2 + 1) - 1 ||
				 line > first + 255 * (int64_t)(n / 2 + 1)))
			if (line != -1)
				broken("a line that no table of this size can reach");
	}
	/* Behind all of it: a form that knows its end says so. */
	if (form >= 2 && line_of(form, table, n, first, INT64_C(1) << 40) != -1)
		broken("a line behind the end");
	free(table);
}

/* ---- objects ---- */

static unsigned sort_of(const struct pl_type *type)
{
	if (type->decoder == PL_DECODER_code)
		return SORT_CODE;
	if (type->decoder == PL_DECODER_traceback)
		return SORT_TRACEBACK;
	if (type->kind == PL_KIND_GENERATOR)
		return SORT_GENERATOR;
	return type->flags & PL_TPFLAG_EXCEPTION ? SORT_EXCEPTION : N_SORTS;
}

static void read_code(const struct pl_objects *o, struct pl_view *v, pl_addr code)
{
	uint32_t n = pl_code_n_locals(o->l, v, code);
	char name[200], file[200];

	if (n > PL_MAX_LOCALS)
		broken("more local variables than there can be");
	for (int64_t at = -1; at < 600; at += 7)
		pl_code_line(o->l, v, code, at);
	pl_code_names(o->l, v, code, name, sizeof(name), file, sizeof(file));
	for (uint32_t i = 0; i < PL_MIN(n, (uint32_t)MANY); i++) {
		pl_code_local_name(o->l, v, code, i);
		if (pl_code_local_kind(o->l, v, code, i) > PL_LOCAL_FREE)
			broken("a local variable of no kind");
	}
}

static void read_exceptions(struct fuzz_sound *t, struct pl_view *v, pl_addr addr)
{
	const struct pl_objects *o = t->o;
	struct pl_exception *chain;
	size_t n = pl_exception_chain(o, v, addr, pl_session_ctx(t->s), &chain);
	struct pl_traceback tb;

	for (size_t i = 0; i < n; i++) {
		pl_addr at = chain[i].traceback;

		for (int k = 0; k < 64 && pl_traceback_read(o, v, at, &tb); k++) {
			read_code(o, v, tb.code);
			at = tb.next;
		}
	}
	free(chain);
}

static void read_object(struct fuzz_sound *t, pl_addr addr)
{
	pl_id id = pl_objects_id(t->o, addr);
	struct pl_finalizers *f;
	struct pl_traceback tb;
	struct pl_view v;

	pl_view_init(&v, t->o->im);
	switch (sort_of(pl_object_type(t->o, id))) {
	case SORT_CODE:
		read_code(t->o, &v, addr);
		break;
	case SORT_TRACEBACK:
		if (pl_traceback_read(t->o, &v, addr, &tb))
			read_code(t->o, &v, tb.code);
		break;
	case SORT_GENERATOR:
		f = pl_finalizers_new(t->o, &v);
		pl_finalizer_of(f, &v, id);
		pl_finalizers_free(f);
		break;
	default:
		read_exceptions(t, &v, addr);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_sound *t;
	uint32_t object;
	pl_addr addr;

	if (size < HEAD)
		return 0;
	fuzz_clock();
	if (data[0] < FORMS) {
		read_table(data[0], data + 1, size - 1);
		return 0;
	}
	t = fuzz_sound_at(data[0] - FORMS);
	fuzz_sound_sort(t, N_SORTS, sort_of);
	object = fuzz_sound_pick(t, data[1] % N_SORTS, (unsigned)data[2] << 8 | data[3], &addr);
	fuzz_sound_damage(t, object, data + HEAD, size - HEAD);
	read_object(t, addr);
	fuzz_base_heal(t->b);
	return 0;
}
