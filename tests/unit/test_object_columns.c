/* The columns of the table of objects when they cannot be had. */
#include "object/list/listing.h"

#include "cmocka_all.h"

/* Whoever makes new ones frees the old ones: the table must not name those any more. */
static void refused(void **state)
{
	static const uint64_t too_many[] = {PL_NO_ID, (uint64_t)PL_NO_ID + 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(too_many); i++) {
		struct pl_objects o = {0}, old;
		struct pl_err err = {0};

		assert_int_equal(pl_columns_alloc(&o, 1000, &err), 0);
		old = o;
		assert_int_equal(pl_columns_alloc(&o, too_many[i], &err), PL_E_NOMEM);
		assert_int_equal(err.code, PL_E_NOMEM);
		assert_null(o.addr);
		assert_null(o.type);
		assert_null(o.size);
		assert_null(o.flags);
		pl_columns_free(&old);
		pl_columns_free(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
