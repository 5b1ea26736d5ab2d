/*
 * fuzz_heap.c - what is an object: arenas, pools, segments, malloc's chunks, gc lists, free lists,
 * the census and the table, on a damaged core.
 *
 * An input is the number of a base in its first byte, then operations as in base.h.
 */
#include "base.h"
#include "fuzz.h"
#include "runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lines[] = {"types", "gc", "instances --limit 20 *"};
	struct fuzz_base *b;
	unsigned n;

	if (!size)
		return 0;
	b = fuzz_base_at(data[0], &n);
	fuzz_clock();
	fuzz_base_damage(b, data + 1, size - 1);
	fuzz_run(fuzz_base_options(b), 1, fuzz_base_cut(b), lines, PL_ARRAY_LEN(lines));
	fuzz_base_heal(b);
	return 0;
}
