/*
 * runs.h - analyses of a damaged core, held to the contract.
 *
 * Whatever the core holds, a run ends in status 0, 2 (not found), 3 or 4 (or 1, under --fail-on),
 * with a message for 2 and 3, prints only what a terminal may see, its JSON parses and agrees with
 * the status, a --budget is kept, and neither time nor memory run away.
 * What breaks this ends the program with a line that says so: for libFuzzer, for the replay and for
 * pytest alike.
 */
#ifndef FUZZ_RUNS_H
#define FUZZ_RUNS_H

#include "image/image.h"

/* Processor seconds that one input may take. A sanitised run of all analyses of a sound core of
 * recipe tiny takes about one. */
#define FUZZ_SECONDS 20

/* For __asan_default_options(): a bound for the program's memory, to which what was freed must not
 * add up. libFuzzer has a bound of its own. */
#define FUZZ_ASAN_OPTIONS "hard_rss_limit_mb=1536:quarantine_size_mb=16"

/* Start the clock for one input: when its time is up the program aborts. */
void fuzz_clock(void);

/*
 * Run analyses of one core on one handle. Each is a line as on the command line without CORE
 * ("path dict"), at most 8 words. cut: the file ends early, so no run may say that all is well.
 */
void fuzz_run(const struct pl_image_options *options, unsigned threads, bool cut,
	      const char *const *lines, size_t n);

#endif
