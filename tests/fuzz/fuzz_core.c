/*
 * fuzz_core.c - any bytes as a core: headers, program headers, notes, compression, mapped files.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "fuzz.h"
#include "runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lines[] = {"info --format json", "types"};
	/* No file of this machine is found below it, whatever the notes name. */
	struct pl_image_options options = {.sysroot = "/dev/null"};
	int fd = memfd_create("core", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	options.core = path;
	fuzz_clock();
	fuzz_run(&options, 1, false, lines, PL_ARRAY_LEN(lines));
	close(fd);
	return 0;
}
