/* ownwords.c - see ownwords.h. */
#include "object/native/ownwords.h"

enum { PIECE = 4096 }; /* bytes looked up at a time: what is missing costs no more than that */

static void words(struct pl_view *v, pl_addr lo, uint64_t size, pl_own_word_fn *fn, void *arg)
{
	pl_addr hi = lo + size;

	for (pl_addr at = pl_round_up(lo, 8); at < hi; at += PIECE) {
		uint64_t n = PL_MIN(hi - at, (uint64_t)PIECE) / 8 * 8;
		const uint8_t *p = n ? pl_at(v, at, n) : NULL;

		for (uint64_t i = 0; p && i < n; i += 8)
			fn(arg, pl_ld64(p + i));
	}
}

void pl_own_words(const struct pl_objects *o, struct pl_view *v, pl_own_word_fn *fn, void *arg)
{
	const struct pl_layout *l = o->l;
	const struct pl_span *spans;
	pl_addr bss;
	uint64_t size;
	size_t n;

	spans = pl_image_spans(o->im, &n);
	for (size_t i = 0; i < n; i++) {
		if (l->module >= 0 && spans[i].module == l->module &&
		    spans[i].source == PL_SPAN_CORE)
			words(v, spans[i].lo, spans[i].hi - spans[i].lo, fn, arg);
	}
	/* What follows the file's data in memory is no mapping of the file. */
	if (l->module >= 0 && pl_image_section(o->im, l->module, ".bss", &bss, &size))
		words(v, bss, size, fn, arg);
	if (l->runtime && pl_has(l->f.runtime_size))
		words(v, l->runtime, (uint64_t)l->f.runtime_size, fn, arg);
	for (size_t i = 0; pl_has(l->f.interp_size) && i < o->n_interps; i++)
		words(v, o->interps[i].addr, (uint64_t)l->f.interp_size, fn, arg);
}
