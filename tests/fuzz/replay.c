/*
 * replay.c - replay DIRECTORY|FILE...: feed every file to the target that this is linked with.
 *
 * What libFuzzer's own main() does with files, for machines without clang. The sanitisers, the
 * checks of runs.c and its clock end the program on a finding; the name of the file stands above.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "runs.h"

/* AddressSanitizer asks for this. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return FUZZ_ASAN_OPTIONS;
}

static unsigned n_files;

static int replay_file(const char *path, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");
	int failed = 1;

	if (f && bytes && fread(bytes, 1, size, f) == size) {
		fprintf(stderr, "%s\n", path);
		LLVMFuzzerTestOneInput(bytes, size);
		n_files++;
		failed = 0;
	} else {
		fprintf(stderr, "replay: cannot read %s\n", path);
	}
	if (f)
		fclose(f);
	free(bytes);
	return failed;
}

static int replay(const char *path)
{
	struct dirent **names;
	struct stat st;
	int n, failed = 0;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return replay_file(path, (size_t)st.st_size);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		char one[4096];

		snprintf(one, sizeof(one), "%s/%s", path, names[i]->d_name);
		if (stat(one, &st) == 0 && S_ISREG(st.st_mode))
			failed |= replay_file(one, (size_t)st.st_size);
		free(names[i]);
	}
	free(names);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (!n_files)
		failed = 1;
	fprintf(stderr, "%u inputs replayed%s\n", n_files, failed ? ", some missing" : "");
	return failed;
}
