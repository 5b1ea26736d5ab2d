/*
 * version.c - which CPython a text or a path tells of.
 *
 * Knows PY_VERSION_HEX (Include/patchlevel.h: major, minor, micro, level a/b/c/f, serial) and how
 * versions are spelled; reads no memory of the core.
 */
#include "layout/internal.h"

#include <stdio.h>

#define MAX_TRIES (1u << 16) /* places in one window that may begin a text: a core is hostile */

enum { LEVEL_ALPHA = 0xa, LEVEL_BETA = 0xb, LEVEL_RC = 0xc, LEVEL_FINAL = 0xf };

void pl_layout_version_text(uint32_t hexversion, char *buf, size_t cap)
{
	unsigned major = hexversion >> 24, minor = hexversion >> 16 & 0xff;
	unsigned micro = hexversion >> 8 & 0xff, level = hexversion >> 4 & 0xf;
	unsigned serial = hexversion & 0xf;

	switch (level) {
	case 0:
		snprintf(buf, cap, "%u.%u", major, minor);
		break;
	case LEVEL_FINAL:
		snprintf(buf, cap, "%u.%u.%u", major, minor, micro);
		break;
	default:
		snprintf(buf, cap, "%u.%u.%u%s%u", major, minor, micro,
			 level == LEVEL_ALPHA  ? "a"
			 : level == LEVEL_BETA ? "b"
					       : "rc",
			 serial);
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal of at most three digits at s[*at]; false when there is none or it is over max. */
static bool number(const char *s, size_t n, size_t *at, unsigned max, unsigned *ret)
{
	size_t i = *at;
	unsigned v = 0;

	while (i < n && i - *at < 3 && is_digit(s[i]))
		v = v * 10 + (unsigned)(s[i++] - '0');
	if (i == *at || v > max)
		return false;
	*at = i;
	*ret = v;
	return true;
}

size_t pl_layout_version_parse(const char *s, size_t n, uint32_t *ret)
{
	unsigned major, minor, micro, level = LEVEL_FINAL, serial = 0;
	size_t at = 0;

	if (!number(s, n, &at, 3, &major) || major < 2 || at >= n || s[at] != '.')
		return 0;
	at++;
	if (!number(s, n, &at, 99, &minor) || at >= n || s[at] != '.')
		return 0;
	at++;
	if (!number(s, n, &at, 99, &micro))
		return 0;
	if (at + 1 < n && (s[at] == 'a' || s[at] == 'b') && is_digit(s[at + 1])) {
		level = s[at] == 'a' ? LEVEL_ALPHA : LEVEL_BETA;
		at++;
	} else if (at + 2 < n && s[at] == 'r' && s[at + 1] == 'c' && is_digit(s[at + 2])) {
		level = LEVEL_RC;
		at += 2;
	}
	if (level != LEVEL_FINAL && !number(s, n, &at, 15, &serial))
		return 0;
	*ret = PL_HEX(major, minor, micro) | (uint32_t)level << 4 | serial;
	return at;
}

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* What names another implementation in sys.version, where CPython names its compiler. */
static const char *const others[] = {"PyPy", "GraalVM", "Pyston", "Cinder", "Stackless", "Jython"};

/* The text from s[from], to its end of printable characters or a bound, names another one. */
static const char *other_implementation(const char *s, size_t n, size_t from)
{
	size_t end = from;

	while (end < n && end - from < 200 && (is_printable(s[end]) || s[end] == '\n'))
		end++;
	for (size_t i = 0; i < PL_ARRAY_LEN(others); i++)
		if (memmem(s + from, end - from, others[i], strlen(others[i])))
			return others[i];
	return NULL;
}

/* Where the parenthesis closes in front of the '[' at bracket, or NULL. */
static const char *closing(const char *s, const char *bracket)
{
	/* a newline between them up to 3.9, a blank after (Python/getversion.c) */
	if (bracket - s >= 2 && bracket[-1] == ' ' && bracket[-2] == ')')
		return bracket - 2;
	if (bracket - s >= 3 && bracket[-1] == '\n' && bracket[-2] == ' ' && bracket[-3] == ')')
		return bracket - 3;
	return NULL;
}

uint32_t pl_layout_version_in_text(const char *s, size_t n, const char **other)
{
	const char *p = s, *end = s + n;
	unsigned tries = MAX_TRIES;

	/* sys.version is "%.80s (%.80s) %.80s": version, build, compiler in brackets */
	while (p < end && (p = memchr(p, '[', (size_t)(end - p)))) {
		const char *close = closing(s, p++), *start = close;
		uint32_t hex;
		size_t eaten;

		if (!close)
			continue;
		if (!tries--)
			break;
		while (start > s && close - start < 180 && is_printable(start[-1]))
			start--;
		/* whatever printable byte stands before the text in memory is not part of it */
		for (; start < close; start++) {
			eaten = pl_layout_version_parse(start, (size_t)(close - start), &hex);
			if (!eaten)
				continue;
			if (start[eaten] == '+')
				eaten++;
			if (start + eaten + 1 < close && start[eaten] == ' ' &&
			    start[eaten + 1] == '(') {
				*other = other_implementation(s, n, (size_t)(start - s));
				return hex;
			}
		}
	}
	return 0;
}

/* Behind "python" in a path: X.Y, then abi flags. */
static uint32_t version_at(const char *s, unsigned *flavour)
{
	size_t at = 0, n = strlen(s);
	unsigned major, minor;

	if (!number(s, n, &at, 3, &major) || major < 2 || s[at] != '.')
		return 0;
	at++;
	if (!number(s, n, &at, 99, &minor))
		return 0;
	/* abiflags (PEP 3149, and t of PEP 703); Debian's "python3.11-dbg", "python2.7_d" */
	for (; s[at] == 'm' || s[at] == 'u' || s[at] == 'd' || s[at] == 't'; at++) {
		if (s[at] == 'd')
			*flavour |= PL_PYDEBUG;
		if (s[at] == 't')
			*flavour |= PL_FREE_THREADED;
	}
	if (!strncmp(s + at, "-dbg", 4) || !strncmp(s + at, "_d", 2))
		*flavour |= PL_PYDEBUG;
	return PL_HEX(major, minor, 0);
}

uint32_t pl_layout_version_in_path(const char *path, unsigned *flavour)
{
	const char *p = pl_base_name(path);
	unsigned found = 0;
	uint32_t hex = 0;

	if (!strncmp(p, "lib", 3))
		p += 3;
	if (!strncmp(p, "python", 6))
		hex = version_at(p + 6, &found);
	/* an extension module lies in .../python3.11/lib-dynload/ */
	for (p = path; !hex && (p = strstr(p, "/python")); p++) {
		const char *slash = strchr(p + 1, '/');

		if (slash)
			hex = version_at(p + 7, &found);
	}
	if (hex)
		*flavour = found;
	return hex;
}
