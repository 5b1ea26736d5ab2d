/*
 * fuzz_layout.c - which CPython is it, and where are its fields: detection, every source and the
 * proofs, on a damaged core.
 *
 * An input is the number of a base in its first byte, then operations as in base.h.
 */
#include "session/session.h"
#include "base.h"
#include "fuzz.h"
#include "runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_base *b;
	const struct pl_layout *l;
	struct pl_session *s;
	struct pl_err err = {0};
	unsigned n;

	if (!size)
		return 0;
	b = fuzz_base_at(data[0], &n);
	fuzz_clock();
	fuzz_base_damage(b, data + 1, size - 1);
	s = pl_session_new(fuzz_base_options(b), 1);
	pl_session_layout(s, &l, &err);
	pl_session_free(s);
	fuzz_base_heal(b);
	return 0;
}
