/*
 * scan.c - going through the memory in which an interpreter's statics may lie.
 *
 * Knows how far a file's .data and .bss reach and nothing of what is looked for. Memory is handed
 * out in windows, so that a search of a big core can be cancelled.
 */
#include "layout/internal.h"

#define WINDOW (16u << 20)
#define OVERLAP 4096u /* what is looked for is smaller, so that no window's end cuts it in two */
#define BSS_REACH (8u << 20) /* how far behind a file's last mapping its .bss may go */

bool pl_layout_scan(struct pl_image *im, struct pl_ctx *ctx, struct pl_layout_range range,
		    pl_layout_scan_fn *fn, void *arg)
{
	size_t n;
	const struct pl_span *s = pl_image_spans(im, &n);

	for (size_t i = 0; i < n; i++) {
		pl_addr lo = PL_MAX(s[i].lo, range.lo), hi = PL_MIN(s[i].hi, range.hi);

		if (!(s[i].prot & PL_PROT_WRITE))
			continue;
		while (lo < hi) {
			uint64_t size = PL_MIN(hi - lo, WINDOW);

			if (pl_ctx_cancelled(ctx))
				return false;
			if (fn(arg, lo, s[i].host + (lo - s[i].lo), size))
				return true;
			if (size == hi - lo)
				break;
			lo += size - OVERLAP;
		}
	}
	return false;
}

struct pl_layout_range pl_layout_statics_range(const struct pl_image *im, int module)
{
	struct pl_layout_range all = {0, UINT64_MAX};
	size_t n;
	const struct pl_module *m = pl_image_modules(im, &n);

	if (module < 0 || (size_t)module >= n)
		return all;
	/* the .bss behind a file's last mapping is anonymous memory */
	return (struct pl_layout_range){m[module].lo,
					pl_round_up(m[module].hi, PL_PAGE) + BSS_REACH};
}
