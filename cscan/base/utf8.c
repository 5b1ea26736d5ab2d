/*
 * utf8.c - decoding, escaping and measuring UTF-8.
 */
#include "base/utf8.h"

#include "base/search.h"

size_t pl_utf8_get(const char *s, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = (const uint8_t *)s;
	uint32_t cp;
	size_t len;

	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	cp = p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return len;
}

size_t pl_utf8_plain(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= ' ' && s[i] < 0x7f)
		i++;
	return i;
}

struct range {
	uint32_t lo, hi; /* both inclusive */
};

static bool in_ranges(const struct range *r, size_t n, uint32_t cp)
{
	size_t i = PL_LOWER_BOUND(n, k, r[k].hi < cp);

	return i < n && cp >= r[i].lo;
}

bool pl_utf8_printable(uint32_t cp)
{
	/* Categories Cc, Cf, Zl, Zp, Cs, Co and the invisible ones of Cn that matter, merged. */
	static const struct range bad[] = {
		{0x0, 0x1f},        {0x7f, 0x9f},          {0xad, 0xad},       {0x600, 0x605},
		{0x61c, 0x61c},     {0x6dd, 0x6dd},        {0x70f, 0x70f},     {0x890, 0x891},
		{0x8e2, 0x8e2},     {0x180e, 0x180e},      {0x200b, 0x200f},   {0x2028, 0x202e},
		{0x2060, 0x206f},   {0xd800, 0xf8ff},      {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},
		{0xfff0, 0xfffb},   {0xfffe, 0xffff},      {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
		{0x13430, 0x1343f}, {0x1bca0, 0x1bca3},    {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff},
		{0x2fffe, 0x2ffff}, {0x3fffe, UINT32_MAX},
	};

	if (cp >= 0x20 && cp < 0x7f)
		return true;
	return !in_ranges(bad, PL_ARRAY_LEN(bad), cp) || (cp >= 0xe0100 && cp <= 0xe01ef);
}

static size_t encode(char *buf, uint32_t cp)
{
	if (cp < 0x80) {
		buf[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		buf[0] = (char)(0xc0 | cp >> 6);
		buf[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		buf[0] = (char)(0xe0 | cp >> 12);
		buf[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		buf[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	buf[0] = (char)(0xf0 | cp >> 18);
	buf[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	buf[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	buf[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* backslash, letter and n hex digits of cp */
static size_t put_hex(char *buf, char letter, size_t n, uint32_t cp)
{
	buf[0] = '\\';
	buf[1] = letter;
	for (size_t i = 0; i < n; i++)
		buf[2 + i] = "0123456789abcdef"[cp >> 4 * (n - 1 - i) & 0xf];
	return 2 + n;
}

size_t pl_utf8_put(char buf[PL_UTF8_PUT_MAX], uint32_t cp)
{
	if (pl_utf8_printable(cp))
		return encode(buf, cp);
	if (cp == '\n' || cp == '\r' || cp == '\t') {
		buf[0] = '\\';
		buf[1] = cp == '\n' ? 'n' : cp == '\r' ? 'r' : 't';
		return 2;
	}
	if (cp <= 0xff)
		return put_hex(buf, 'x', 2, cp);
	if (cp <= 0xffff)
		return put_hex(buf, 'u', 4, cp);
	return put_hex(buf, 'U', 8, cp);
}

size_t pl_utf8_escape(char *buf, size_t cap, const char *s, size_t n)
{
	size_t need = 0, at = 0;
	bool cut = false;

	for (size_t i = 0; i < n;) {
		char one[PL_UTF8_PUT_MAX];
		uint32_t cp;
		size_t took, len = pl_utf8_plain(s + i, n - i);

		if (len) {
			size_t fits = cut || !cap ? 0 : PL_MIN(len, cap - at - 1);

			if (fits)
				memcpy(buf + at, s + i, fits);
			at += fits;
			cut |= fits < len;
			need += len;
			i += len;
			continue;
		}
		took = pl_utf8_get(s + i, n - i, &cp);
		if (took)
			len = pl_utf8_put(one, cp);
		else
			len = put_hex(one, 'x', 2, (uint8_t)s[i]);
		i += took ? took : 1;
		cut = cut || len >= cap - at; /* one byte is kept for the NUL */
		if (cap && !cut) {
			memcpy(buf + at, one, len);
			at += len;
		}
		need += len;
	}
	if (cap)
		buf[at] = '\0';
	return need;
}

unsigned pl_utf8_width(uint32_t cp)
{
	/* Marks that sit on the character before them: the blocks that are wholly or mostly so. */
	static const struct range zero[] = {
		{0x300, 0x36f},     {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
		{0x64b, 0x65f},     {0x6d6, 0x6dc},   {0x730, 0x74a},   {0x7a6, 0x7b0},
		{0x900, 0x902},     {0x93c, 0x93c},   {0x941, 0x948},   {0x94d, 0x94d},
		{0xe31, 0xe31},     {0xe34, 0xe3a},   {0xe47, 0xe4e},   {0xeb1, 0xeb1},
		{0xeb4, 0xebc},     {0xec8, 0xece},   {0x1160, 0x11ff}, {0x1ab0, 0x1ace},
		{0x1dc0, 0x1dff},   {0x20d0, 0x20f0}, {0x302a, 0x302d}, {0x3099, 0x309a},
		{0xa66f, 0xa672},   {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x1d167, 0x1d169},
		{0xe0100, 0xe01ef},
	};
	/* East Asian Width W and F. */
	static const struct range wide[] = {
		{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
		{0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
		{0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
		{0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
		{0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
		{0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
		{0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
		{0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
		{0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
		{0x3041, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
		{0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},
		{0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1aff0, 0x1b2ff}, {0x1f004, 0x1f004},
		{0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320},
		{0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca},
		{0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e},
		{0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e},
		{0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4},
		{0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2},
		{0x1f6d5, 0x1f6d7}, {0x1f6dc, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc},
		{0x1f7e0, 0x1f7eb}, {0x1f7f0, 0x1f7f0}, {0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945},
		{0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
	};

	if (cp < 0x300)
		return 1;
	if (in_ranges(zero, PL_ARRAY_LEN(zero), cp))
		return 0;
	return in_ranges(wide, PL_ARRAY_LEN(wide), cp) ? 2 : 1;
}

size_t pl_utf8_columns(const char *s)
{
	size_t n = strlen(s), columns = 0;

	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t took = pl_utf8_get(s + i, n - i, &cp);

		columns += took ? pl_utf8_width(cp) : 1;
		i += took ? took : 1;
	}
	return columns;
}
