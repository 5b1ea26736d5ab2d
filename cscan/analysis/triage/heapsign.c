/* heapsign.c - see heapsign.h. */
#include "analysis/triage/heapsign.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void byte(struct pl_heapsign *s, char c)
{
	if (!s->any)
		s->hash = FNV_OFFSET;
	s->any = true;
	s->hash = (s->hash ^ (unsigned char)c) * FNV_PRIME;
}

void pl_heapsign_word(struct pl_heapsign *s, const char *word)
{
	for (; *word; word++)
		byte(s, *word);
	byte(s, '\0');
}

/* The number that begins at p ends there; p itself when none begins. */
static const char *number_end(const char *p)
{
	const char *end = p;

	if (p[0] == '0' && p[1] == 'x') {
		for (end = p + 2; isxdigit((unsigned char)*end); end++)
			;
		return end;
	}
	while (isdigit((unsigned char)*end))
		end++;
	return end;
}

void pl_heapsign_path(struct pl_heapsign *s, const char *path)
{
	unsigned depth = 0;

	while (*path) {
		const char *end = depth ? number_end(path) : path;

		if (end > path) {
			byte(s, '*');
			path = end;
			continue;
		}
		depth += *path == '<';
		depth -= *path == '>' && depth;
		byte(s, *path++);
	}
	byte(s, '\0');
}

bool pl_heapsign_end(const struct pl_heapsign *s, char buf[24])
{
	if (!s->any)
		return false;
	snprintf(buf, 24, "heap/1:%016" PRIx64, s->hash);
	return true;
}
