/* Which last words say that memory could not be had. */
#include "analysis/death/death.h"

#include "cmocka_all.h"

static void for_want_of_memory(void **state)
{
	static const char *const messages[] = {
		/* Of CPython's Py_FatalError(), 2.7 to 3.15. */
		"Cannot recover from MemoryErrors while normalizing exceptions.",
		"Out of memory and PyExc_MemoryError is not initialized yet",
		"Out of memory interning slotdef names",
		"not enough memory to copy -c argument",
		"tracemalloc_realloc() failed to allocate a trace",
		"cannot allocate tuple for RuntimeError pre-allocation",
		"gc couldn't allocate \"__del__\"",
		"memory allocation failed",
		"thread state allocation failed",
		"can't allocate read lock",
		/* Of extensions. */
		"app: out of memory",
		"app: Cannot allocate memory",
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(messages); i++) {
		if (!pl_death_says_no_memory(messages[i]))
			print_error("%s\n", messages[i]);
		assert_true(pl_death_says_no_memory(messages[i]));
	}
}

static void for_another_reason(void **state)
{
	static const char *const messages[] = {
		"",
		"Could not allocate TLS entry",
		"Could not allocate TSS entry",
		"Cannot allocate core JIT code",
		"Cannot recover from the recursive normalization of an exception.",
		"the function must be called with the GIL held",
		"GC object already tracked",
		"deallocating None",
		"bad ID: Allocated using API 'm', verified using API 'o'",
		"Debug memory block at address",
		"double free or corruption (fasttop)",
		"malloc(): corrupted top size",
		"corrupted size vs. prev_size",
		"Python memory allocator called without holding the GIL",
		"cannot modify memory allocator after first Py_Initialize()",
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(messages); i++) {
		if (pl_death_says_no_memory(messages[i]))
			print_error("%s\n", messages[i]);
		assert_false(pl_death_says_no_memory(messages[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(for_want_of_memory),
		cmocka_unit_test(for_another_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
