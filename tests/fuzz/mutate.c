/*
 * mutate.c - mutate FIRST COUNT: analyse a core COUNT times, each time damaged in another way.
 *
 * The core is the first of $PYLEAK_FUZZ_BASES. The damage of a number is always the same, so what a
 * number breaks is seen again by `mutate NUMBER 1`. Before each run its number is written to
 * standard output, which therefore ends with the guilty one; a damage that takes long is named too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base.h"
#include "base/mem.h"
#include "runs.h"

#define MAX_OPS 48
#define SLOW 4.0 /* seconds of processor time that are worth a word */
#define MEMORY (UINT64_C(3) << 30)

/* AddressSanitizer asks for this. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return FUZZ_ASAN_OPTIONS;
}

/* AddressSanitizer reserves terabytes, and has its own limit. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	struct rlimit limit = {MEMORY, MEMORY};

	setrlimit(RLIMIT_AS, &limit);
#endif
}

static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* One kind of place in most rounds, all of them in the others; few operations oftener than many. */
static size_t plan(uint64_t number, struct fuzz_op *ops)
{
	uint64_t state = number * 0x10001;
	size_t n = 1 + draw(&state) % (1 + draw(&state) % MAX_OPS);
	uint8_t where = (uint8_t)(number % (FUZZ_N_WHERE + 2));

	for (size_t i = 0; i < n; i++) {
		uint64_t r = draw(&state);

		ops[i] = (struct fuzz_op){
			.where = where < FUZZ_N_WHERE ? where : (uint8_t)(r >> 8),
			.what = (uint8_t)r,
			.arg = (uint16_t)(r >> 16),
			.index = (uint32_t)(r >> 32),
		};
		/* A whole segment is seldom wrong, and never twice. */
		if (i && ops[i].where % FUZZ_N_WHERE == FUZZ_FILE)
			ops[i].where = FUZZ_POINTERS;
	}
	return n;
}

/*
 * Two of these to a number: one as the first of its lines, where it builds every stage itself (and
 * is stopped while it does), one as the last, where they are all there.
 */
static const char *const triages[] = {
	"triage --format json",
	"triage --values --limit 0",
	"triage --format json --budget 1s --max-memory 512M",
	"triage --fail-on any",
	"triage --values --format json --budget 20ms",
	"triage --format csv --max-memory 1M --fail-on crash",
	"triage --format json --budget 60ms --fail-on damage",
};

static void one(struct fuzz_base *b, uint64_t number)
{
	struct fuzz_op ops[MAX_OPS];
	char object[4][64];
	uint64_t state = number;
	size_t n_objects, n = plan(number, ops);
	const pl_addr *objects = fuzz_base_objects(b, &n_objects);
	const char *lines[] = {
		triages[number % PL_ARRAY_LEN(triages)],
		"info",
		"types --format json",
		"gc",
		"roots --format csv",
		"threads --locals",
		"refcounts",
		"cycles",
		"uncollectable",
		"path dict --count 3",
		"referrers type",
		"referents function",
		"instances --limit 200 *",
		object[0],
		object[1],
		object[2],
		object[3],
		triages[number / PL_ARRAY_LEN(triages) % PL_ARRAY_LEN(triages)],
	};

	for (size_t i = 0; i < PL_ARRAY_LEN(object); i++) {
		static const char *const of[] = {"referrers", "path", "object", "graph"};
		const struct fuzz_op *op = &ops[i % n];
		pl_addr hit = fuzz_base_object_of(b, op);

		if (!hit)
			hit = objects[draw(&state) % n_objects];
		snprintf(object[i], sizeof(object[i]), "%s 0x%llx", of[i], (unsigned long long)hit);
	}
	fuzz_base_damage(b, (const uint8_t *)ops, n * sizeof(*ops));
	fuzz_run(fuzz_base_options(b), 1 + (number & 1), fuzz_base_cut(b), lines,
		 PL_ARRAY_LEN(lines));
	fuzz_base_heal(b);
}

int main(int argc, char **argv)
{
	uint64_t first = argc == 3 ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 0) : 0;
	struct fuzz_base *b;
	unsigned n;

	if (!count) {
		fprintf(stderr, "usage: mutate FIRST COUNT\n");
		return 2;
	}
	limit_memory();
	b = fuzz_base_at(0, &n);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t i = first; i < first + count; i++) {
		clock_t start = clock();
		double took;

		printf("%llu\n", (unsigned long long)i);
		fuzz_clock();
		one(b, i);
		took = (double)(clock() - start) / CLOCKS_PER_SEC;
		if (took > SLOW)
			printf("%llu takes %.1f s\n", (unsigned long long)i, took);
	}
	fuzz_base_free(b);
	return 0;
}
