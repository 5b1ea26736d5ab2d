/* say.c - see say.h. */
#include "base/say.h"

#include <inttypes.h>
#include <stdio.h>

const char *pl_say_count(char buf[PL_SAY], uint64_t n)
{
	char digits[PL_SAY];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), to = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[to++] = ',';
		buf[to++] = digits[i];
	}
	buf[to] = '\0';
	return buf;
}

const char *pl_say_size(char buf[PL_SAY], uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double d = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, PL_SAY, "%" PRIu64 " B", bytes);
		return buf;
	}
	/* 1023.95 would be printed as 1024.0 */
	while (d >= 1023.95 && unit + 1 < PL_ARRAY_LEN(units)) {
		d /= 1024;
		unit++;
	}
	snprintf(buf, PL_SAY, "%.1f %s", d, units[unit]);
	return buf;
}
