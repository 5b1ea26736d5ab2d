/*
 * text.c - the characters of a str in each of its forms.
 *
 * Knows the string structs of 2.7 (stringobject.h, unicodeobject.h) and of PEP 393 (3.3 on,
 * Include/cpython/unicodeobject.h) through the layout; knows nothing of how text is shown.
 */
#include "object/value/text.h"

#include "base/utf8.h"
#include "object/value/value.h"

enum { CHUNK = 128 };

static bool open_27(const struct pl_layout *l, struct pl_view *v, pl_addr addr, uint64_t flags,
		    struct pl_text *ret)
{
	if (flags & PL_TPFLAG_BYTES) {
		ret->bytes = true;
		ret->width = 1;
		ret->data = addr + (uint64_t)l->f.bytes_data;
		return pl_read64(v, addr + (uint64_t)l->f.var_size, &ret->n);
	}
	if (!(flags & PL_TPFLAG_STR))
		return false;
	ret->width = l->unicode27_ucs4 ? 4 : 2;
	ret->utf16 = !l->unicode27_ucs4;
	return pl_read64(v, addr + (uint64_t)l->f.unicode27_length, &ret->n) &&
	       pl_read64(v, addr + (uint64_t)l->f.unicode27_str, &ret->data);
}

/*
 * The state word, by styles: interned:2 kind:3 compact:1 ascii:1 and ready:1 (up to 3.11); in
 * free-threaded 3.14 on interned is the whole first byte.
 */
static bool open_pep393(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
			struct pl_text *ret)
{
	unsigned shift = l->str_style == PL_STR_COMPACT_BYTE_INTERNED ? 8 : 2;
	uint32_t state, kind;
	bool compact, ascii;

	if (!pl_read32(v, addr + (uint64_t)l->f.str_state, &state) ||
	    !pl_read64(v, addr + (uint64_t)l->f.str_length, &ret->n))
		return false;
	kind = state >> shift & 7;
	compact = state >> (shift + 3) & 1;
	ascii = state >> (shift + 4) & 1;
	if (l->str_style == PL_STR_LEGACY &&
	    kind == 0) { /* not ready: only wchar_t, 4 bytes on Linux */
		ret->width = 4;
		return !compact && pl_read64(v, addr + (uint64_t)l->f.str_wstr_length, &ret->n) &&
		       pl_read64(v, addr + (uint64_t)l->f.str_wstr, &ret->data);
	}
	if ((kind != 1 && kind != 2 && kind != 4) || (ascii && kind != 1))
		return false;
	ret->width = kind;
	if (!compact)
		return pl_read64(v, addr + (uint64_t)l->f.str_data, &ret->data);
	ret->data = addr + (uint64_t)(ascii ? l->f.str_ascii_size : l->f.str_compact_size);
	return true;
}

bool pl_text_open(const struct pl_layout *l, struct pl_view *v, pl_addr addr, struct pl_text *ret)
{
	struct pl_text t = {0};
	uint64_t flags, bytes, end;
	pl_addr type;

	if (!pl_value_type(l, v, addr, &type, &flags))
		return false;
	if (l->str_style == PL_STR_27) {
		if (!open_27(l, v, addr, flags, &t))
			return false;
	} else if (!(flags & PL_TPFLAG_STR) || !open_pep393(l, v, addr, &t)) {
		return false;
	}
	if (!pl_mul(t.n, t.width, &bytes) || !pl_add(t.data, bytes, &end) || !pl_at(v, t.data, 1))
		return false;
	*ret = t;
	return true;
}

size_t pl_text_chars(struct pl_view *v, const struct pl_text *t, uint64_t *at, uint32_t *chars,
		     size_t n)
{
	uint8_t raw[CHUNK * 4];
	uint64_t units = PL_MIN(PL_MIN(t->n - *at, (uint64_t)n), CHUNK), i = 0;
	size_t made = 0;

	if (!pl_read(v, t->data + *at * t->width, raw, units * t->width))
		return 0;
	while (i < units) {
		uint32_t c = (uint32_t)pl_ldn(raw + i * t->width, t->width), low;

		if (t->utf16 && c >= 0xd800 && c < 0xdc00) {
			if (i + 1 == units && made && *at + units < t->n)
				break; /* its other half comes with the next run */
			low = i + 1 < units ? pl_ld16(raw + (i + 1) * 2) : 0;
			if (i + 1 == units && *at + units < t->n) {
				const uint8_t *p = pl_at(v, t->data + (*at + units) * 2, 2);

				low = p ? pl_ld16(p) : 0;
			}
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			}
		}
		i++;
		chars[made++] = c;
	}
	*at += i;
	return made;
}

/* Bytes of the UTF-8 of c (surrogates and beyond Unicode: of U+FFFD), written to out. */
static size_t put_utf8(uint32_t c, char out[4])
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/*
 * Length of the well-formed UTF-8 that s starts with: n, or less by an unfinished last character
 * when more bytes follow; SIZE_MAX when it is no UTF-8.
 */
static size_t utf8_prefix(const char *s, size_t n, bool more)
{
	uint32_t cp;
	size_t i = 0, took;

	while (i < n) {
		took = pl_utf8_get(s + i, n - i, &cp);
		if (!took)
			return more && n - i < 4 ? i : SIZE_MAX;
		i += took;
	}
	return n;
}

/* A 2.7 byte string that is UTF-8 already: copied. False when it is not (or unreadable). */
static bool copy_utf8(struct pl_view *v, const struct pl_text *t, char *buf, size_t cap,
		      size_t *len)
{
	size_t n = (size_t)PL_MIN(t->n, (uint64_t)cap - 1), good;

	if (!pl_read(v, t->data, buf, n))
		return false;
	good = utf8_prefix(buf, n, t->n > n);
	if (good == SIZE_MAX)
		return false;
	*len = good;
	return true;
}

bool pl_str_read(const struct pl_layout *l, struct pl_view *v, pl_addr addr, char *buf, size_t cap,
		 size_t *len, bool *cut)
{
	uint32_t chars[CHUNK];
	struct pl_text t;
	uint64_t at = 0;
	size_t n = 0, got;
	bool full = false;

	if (!cap || !pl_text_open(l, v, addr, &t))
		return false;
	if (t.bytes && copy_utf8(v, &t, buf, cap, &n)) {
		at = n;
		full = true;
	}
	while (!full && at < t.n && (got = pl_text_chars(v, &t, &at, chars, CHUNK))) {
		for (size_t i = 0; i < got; i++) {
			char out[4];
			size_t k = put_utf8(chars[i], out);

			if (k > cap - 1 - n) {
				full = true;
				at = 0; /* something is missing */
				break;
			}
			memcpy(buf + n, out, k);
			n += k;
		}
	}
	buf[n] = '\0';
	if (len)
		*len = n;
	if (cut)
		*cut = at < t.n;
	return true;
}

bool pl_str_equals(const struct pl_layout *l, struct pl_view *v, pl_addr addr, const char *text)
{
	size_t n = strlen(text);
	uint32_t chars[CHUNK];
	struct pl_text t;
	uint64_t at = 0;
	size_t i = 0, got;

	if (!pl_text_open(l, v, addr, &t) || t.n != n)
		return false;
	while (at < t.n) {
		got = pl_text_chars(v, &t, &at, chars, CHUNK);
		if (!got)
			return false;
		for (size_t k = 0; k < got; k++)
			if (chars[k] != (unsigned char)text[i++])
				return false;
	}
	return true;
}
