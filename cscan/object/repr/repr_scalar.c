/*
 * repr_scalar.c - values without references: numbers, text, bytes, arrays.
 */
#include "object/repr/job.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/value/text.h"
#include "object/value/value.h"

enum {
	MAX_DIGITS = 64,     /* of an int that is shown in decimal: 1920 bits */
	MAX_DECIMAL = 600,   /* decimal digits of such an int, at most */
	MAX_RUN = 128,       /* characters or bytes read at once */
	MAX_COEFFICIENT = 4, /* words of a Decimal that is shown */
};

/* Little-endian digits of 30 or 15 bits, MAX_DIGITS of them at most, as decimal; returns its start
 * in text. */
static char *to_decimal(uint32_t *digits, size_t n, unsigned bits, char text[MAX_DECIMAL])
{
	char *at = text + MAX_DECIMAL;

	*--at = '\0';
	while (n) {
		uint64_t rest = 0;

		for (size_t i = n; i-- > 0;) {
			rest = rest << bits | digits[i];
			digits[i] = (uint32_t)(rest / 10);
			rest %= 10;
		}
		*--at = (char)('0' + rest);
		while (n && !digits[n - 1])
			n--;
	}
	if (!*at)
		*--at = '0';
	return at;
}

/* 12345 as "12,345". */
static void grouped(uint64_t n, char buf[32])
{
	char plain[24];
	int len = snprintf(plain, sizeof(plain), "%llu", (unsigned long long)n);
	size_t k = 0;

	for (int i = 0; i < len; i++) {
		buf[k++] = plain[i];
		if ((len - 1 - i) % 3 == 0 && i + 1 < len)
			buf[k++] = ',';
	}
	buf[k] = '\0';
}

static void big_int(struct pl_repr_job *r, uint64_t bits)
{
	char n[32];

	grouped(bits, n);
	pl_out_printf(&r->out, "<int of %s bits>", n);
}

/* An int of any size; 2.7's long ends in L. */
static bool long_digits(struct pl_repr_job *r, const struct pl_digits *d)
{
	uint32_t digits[MAX_DIGITS];
	char text[MAX_DECIMAL], *s;
	unsigned width = d->width == 2 ? 15 : 30;
	const uint8_t *top;
	uint64_t bits;

	if (!d->n) {
		pl_out_text(&r->out, r->l->str_style == PL_STR_27 ? "0L" : "0");
		return true;
	}
	top = pl_at(r->v, d->at + (d->n - 1) * d->width, d->width);
	if (!top || !pl_ldn(top, d->width) || pl_ldn(top, d->width) >> width)
		return false;
	bits = (d->n - 1) * width + (64 - (unsigned)__builtin_clzll(pl_ldn(top, d->width)));
	if (d->n > MAX_DIGITS) {
		big_int(r, bits);
		return true;
	}
	for (uint64_t i = 0; i < d->n; i++) {
		const uint8_t *p = pl_at(r->v, d->at + i * d->width, d->width);

		if (!p || pl_ldn(p, d->width) >> width)
			return false;
		digits[i] = (uint32_t)pl_ldn(p, d->width);
	}
	s = to_decimal(digits, d->n, width, text);
	if (strlen(s) > r->lim.chars)
		big_int(r, bits);
	else
		pl_out_printf(&r->out, "%s%s%s", d->negative ? "-" : "", s,
			      r->l->str_style == PL_STR_27 ? "L" : "");
	return true;
}

bool pl_repr_int(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	struct pl_digits d;
	int64_t n;

	if (pl_int_digits(r->l, r->v, x->addr, &d))
		return long_digits(r, &d);
	if (!pl_int_read(r->l, r->v, x->addr, &n))
		return false;
	pl_out_printf(&r->out, "%lld", (long long)n);
	return true;
}

bool pl_repr_bool(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	int64_t n;

	if (!pl_int_read(r->l, r->v, x->addr, &n) || n < 0 || n > 1)
		return false;
	pl_out_text(&r->out, n ? "True" : "False");
	return true;
}

/*
 * d in scientific notation with that many digits after the first, without its point: the C library
 * writes the point as the locale has it. *exp gets the exponent.
 */
static void scientific(double d, int precision, char digits[32], int *exp)
{
	char text[64];
	size_t n = 0;
	const char *p = text;

	snprintf(text, sizeof(text), "%.*e", precision, d);
	for (; *p && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9' && n < 31)
			digits[n++] = *p;
	digits[n] = '\0';
	*exp = *p ? (int)strtol(p + 1, NULL, 10) : 0;
}

/* The double that the digits with that exponent stand for. */
static double to_double(const char *digits, int exp)
{
	char text[64];

	snprintf(text, sizeof(text), "%se%d", digits, exp - (int)strlen(digits) + 1);
	return strtod(text, NULL);
}

/* The next greater decimal of as many digits; false for 99...9. */
static bool next_decimal(char *digits)
{
	for (size_t i = strlen(digits); i-- > 0;) {
		if (digits[i] != '9') {
			digits[i]++;
			return true;
		}
		digits[i] = '0';
	}
	return false;
}

/*
 * The shortest digits that read back as d > 0 (Python/dtoa.c, mode 0). A decimal of 15 digits
 * survives a double that is not denormal, so rounding to 15, 16, 17 digits finds them; at a power
 * of two the doubles below are closer than those above, and the right decimal may be the one above
 * the nearest.
 */
static void shortest(double d, char digits[32], int *exp)
{
	int unused;
	bool power = frexp(d, &unused) == 0.5;

	for (int precision = d < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
		scientific(d, precision, digits, exp);
		if (to_double(digits, *exp) == d)
			break;
		if (power && next_decimal(digits) && to_double(digits, *exp) == d)
			break;
	}
	for (size_t n = strlen(digits); n > 1 && digits[n - 1] == '0'; n--)
		digits[n - 1] = '\0';
}

/* Python/pystrtod.c, format code 'r': exponents from -4 to 15 are written out. */
void pl_repr_double(char buf[PL_REPR_DOUBLE], double d, bool dot0)
{
	char digits[32], *at = buf;
	int exp, n;

	if (isnan(d) || isinf(d)) {
		strcpy(buf, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
		return;
	}
	if (signbit(d))
		*at++ = '-';
	if (d == 0) {
		strcpy(at, dot0 ? "0.0" : "0");
		return;
	}
	shortest(fabs(d), digits, &exp);
	n = (int)strlen(digits);
	if (exp < -4 || exp >= 16) {
		snprintf(at, PL_REPR_DOUBLE - 1, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "",
			 digits + 1, exp < 0 ? '-' : '+', abs(exp));
	} else if (exp < 0) {
		snprintf(at, PL_REPR_DOUBLE - 1, "0.%.*s%s", -exp - 1, "000", digits);
	} else if (n <= exp + 1) {
		snprintf(at, PL_REPR_DOUBLE - 1, "%s%.*s%s", digits, exp + 1 - n,
			 "0000000000000000", dot0 ? ".0" : "");
	} else {
		snprintf(at, PL_REPR_DOUBLE - 1, "%.*s.%s", exp + 1, digits, digits + exp + 1);
	}
}

static bool double_at(struct pl_repr_job *r, pl_addr addr, double *ret)
{
	uint64_t word;

	if (!pl_read64(r->v, addr, &word))
		return false;
	memcpy(ret, &word, sizeof(word));
	return true;
}

bool pl_repr_float(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	char text[PL_REPR_DOUBLE];
	double d;

	if (!double_at(r, x->addr + (uint64_t)r->l->f.float_value, &d))
		return false;
	pl_repr_double(text, d, true);
	pl_out_text(&r->out, text);
	return true;
}

/* Objects/complexobject.c: a real part of +0.0 is left out. */
bool pl_repr_complex(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	pl_addr at = x->addr + (uint64_t)r->l->f.complex_value;
	char real_text[PL_REPR_DOUBLE], imag_text[PL_REPR_DOUBLE];
	double real, imag;

	if (!double_at(r, at, &real) || !double_at(r, at + 8, &imag))
		return false;
	pl_repr_double(real_text, real, false);
	pl_repr_double(imag_text, imag, false);
	if (real == 0 && !signbit(real))
		pl_out_printf(&r->out, "%sj", imag_text);
	else
		pl_out_printf(&r->out, "(%s%s%sj)", real_text, *imag_text == '-' ? "" : "+",
			      imag_text);
	return true;
}

/* Spaces that Python escapes although a terminal shows them (category Zs, str.isprintable()). */
static bool odd_space(uint32_t c)
{
	return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

static void put_escaped(struct pl_repr_job *r, uint32_t c)
{
	if (c > 0xffff)
		pl_out_printf(&r->out, "\\U%08x", (unsigned)c);
	else if (c > 0xff)
		pl_out_printf(&r->out, "\\u%04x", (unsigned)c);
	else
		pl_out_printf(&r->out, "\\x%02x", (unsigned)c);
}

/* One character inside quotes. ascii_only: bytes, and 2.7's text. */
static void put_quoted(struct pl_repr_job *r, uint32_t c, uint32_t quote, bool ascii_only)
{
	if (c == '\\' || c == quote) {
		pl_out_char(&r->out, '\\');
		pl_out_char(&r->out, c);
	} else if (c >= 0x7f && (ascii_only || odd_space(c))) {
		put_escaped(r, c);
	} else {
		pl_out_char(&r->out, c);
	}
}

/* n characters in the quotes that Python would choose. */
static void put_string(struct pl_repr_job *r, const uint32_t *chars, size_t n, bool more,
		       bool ascii_only)
{
	uint32_t quote = '\'';

	for (size_t i = 0; i < n && quote == '\''; i++)
		quote = chars[i] == '\'' ? '"' : '\'';
	for (size_t i = 0; i < n && quote == '"'; i++)
		quote = chars[i] == '"' ? '\'' : '"';
	pl_out_char(&r->out, quote);
	for (size_t i = 0; i < n; i++)
		put_quoted(r, chars[i], quote, ascii_only);
	pl_out_char(&r->out, quote);
	if (more)
		pl_out_text(&r->out, "...");
}

/* Up to the limit's characters of t; *ret malloced. */
static size_t read_chars(struct pl_repr_job *r, const struct pl_text *t, uint32_t **ret, bool *more)
{
	size_t want = (size_t)PL_MIN(t->n, (uint64_t)r->lim.chars), n = 0, got;
	uint32_t *chars = pl_malloc((want + 1) * sizeof(*chars));
	uint64_t at = 0;

	while (n < want &&
	       (got = pl_text_chars(r->v, t, &at, chars + n, PL_MIN(want - n, MAX_RUN))))
		n += got;
	*more = at < t->n;
	*ret = chars;
	return n;
}

bool pl_repr_str(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	bool old = r->l->str_style == PL_STR_27, more;
	struct pl_text t;
	uint32_t *chars;
	size_t n;

	if (!pl_text_open(r->l, r->v, x->addr, &t))
		return false;
	n = read_chars(r, &t, &chars, &more);
	if (old && !t.bytes)
		pl_out_char(&r->out, 'u');
	put_string(r, chars, n, more, old);
	free(chars);
	return true;
}

void pl_repr_bare(struct pl_repr_job *r, pl_addr str)
{
	struct pl_text t;
	uint32_t *chars;
	bool more;
	size_t n;

	if (!pl_text_open(r->l, r->v, str, &t))
		return;
	n = read_chars(r, &t, &chars, &more);
	for (size_t i = 0; i < n; i++)
		pl_out_char(&r->out, chars[i]);
	if (more)
		pl_out_text(&r->out, "...");
	free(chars);
}

static bool bytes_at(struct pl_repr_job *r, pl_addr data, uint64_t n)
{
	struct pl_text t = {.data = data, .n = n, .width = 1, .bytes = true};
	uint32_t *chars;
	bool more;
	size_t got;

	if (n && !pl_at(r->v, data, 1))
		return false;
	got = read_chars(r, &t, &chars, &more);
	pl_out_char(&r->out, 'b');
	put_string(r, chars, got, more, true);
	free(chars);
	return true;
}

/* 2.7's str is bytes, but prints without the b. */
bool pl_repr_bytes(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	uint64_t n;

	if (r->l->str_style == PL_STR_27)
		return pl_repr_str(r, x);
	return pl_repr_word(r, x, r->l->f.var_size, &n) &&
	       bytes_at(r, x->addr + (uint64_t)r->l->f.bytes_data, n);
}

bool pl_repr_bytearray(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	const struct pl_fields *f = &r->l->f;
	uint64_t n, data = 0;

	if (!pl_repr_word(r, x, f->var_size, &n) ||
	    !pl_repr_word(r, x,
			  pl_has(f->bytearray_start) ? f->bytearray_start : f->bytearray_bytes,
			  &data) ||
	    (n && !pl_at(r->v, data, 1)))
		return false;
	pl_out_printf(&r->out, "%s(", pl_repr_class_name(r, x->t, "bytearray"));
	bytes_at(r, data, n);
	pl_out_char(&r->out, ')');
	return true;
}

/* The coefficient of a Decimal: words to the base of 10^19, least significant first (mpdecimal.h).
 */
static bool coefficient(struct pl_repr_job *r, pl_addr data, uint64_t words,
			char text[MAX_COEFFICIENT * 19 + 1])
{
	char *at = text;

	for (uint64_t i = words; i-- > 0;) {
		uint64_t word;

		if (!pl_read64(r->v, data + 8 * i, &word) || word >= UINT64_C(10000000000000000000))
			return false;
		at += sprintf(at, at == text ? "%llu" : "%019llu", (unsigned long long)word);
	}
	return words > 0;
}

/* _mpd_to_string() of Modules/_decimal/libmpdec/io.c: plain while the exponent is small and not
 * positive. */
static void put_decimal(struct pl_repr_job *r, const char *digits, int64_t exp, bool negative)
{
	int64_t n = (int64_t)strlen(digits), point = exp + n; /* of digits before the point */
	const char *sign = negative ? "-" : "";

	if (exp > 0 || point - 1 < -6)
		pl_out_printf(&r->out, "Decimal('%s%c%s%sE%+lld')", sign, *digits, n > 1 ? "." : "",
			      digits + 1, (long long)(point - 1));
	else if (!exp)
		pl_out_printf(&r->out, "Decimal('%s%s')", sign, digits);
	else if (point > 0)
		pl_out_printf(&r->out, "Decimal('%s%.*s.%s')", sign, (int)point, digits,
			      digits + point);
	else
		pl_out_printf(&r->out, "Decimal('%s0.%.*s%s')", sign, (int)-point, "00000000",
			      digits);
}

bool pl_repr_decimal(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	enum { NEGATIVE = 1, INFINITE = 2, NAN_QUIET = 4, NAN_SIGNALLING = 8 }; /* mpdecimal.h */
	const struct pl_fields *f = &r->l->f;
	char digits[MAX_COEFFICIENT * 19 + 1];
	uint64_t words, exp, data;
	const uint8_t *flags;

	if (!pl_repr_word(r, x, f->decimal_len, &words) ||
	    !pl_repr_word(r, x, f->decimal_exp, &exp) ||
	    !pl_repr_word(r, x, f->decimal_data, &data) || !pl_has(f->decimal_flags))
		return false;
	flags = pl_at(r->v, x->addr + (uint64_t)f->decimal_flags, 1);
	if (!flags)
		return false;
	if (*flags & (INFINITE | NAN_QUIET | NAN_SIGNALLING)) {
		pl_out_printf(&r->out, "Decimal('%s%s')", *flags & NEGATIVE ? "-" : "",
			      *flags & INFINITE    ? "Infinity"
			      : *flags & NAN_QUIET ? "NaN"
						   : "sNaN");
		return true;
	}
	if (words > MAX_COEFFICIENT || !coefficient(r, data, words, digits))
		return false;
	put_decimal(r, digits, (int64_t)exp, *flags & NEGATIVE);
	return true;
}

static bool array_item(struct pl_repr_job *r, char typecode, pl_addr at, unsigned width)
{
	const uint8_t *p = pl_at(r->v, at, width);
	char text[PL_REPR_DOUBLE];
	uint64_t raw;
	unsigned unused = 64 - 8 * width;
	float single;
	double d;

	if (!p)
		return false;
	raw = pl_ldn(p, width);
	if (typecode == 'd' || typecode == 'f') {
		memcpy(&single, p, sizeof(single));
		memcpy(&d, &raw, sizeof(d));
		pl_repr_double(text, typecode == 'd' ? d : (double)single, true);
		pl_out_text(&r->out, text);
	} else if (strchr("bhilq", typecode)) {
		pl_out_printf(&r->out, "%lld", (long long)((int64_t)(raw << unused) >> unused));
	} else {
		pl_out_printf(&r->out, "%llu", (unsigned long long)raw);
	}
	return true;
}

/* Modules/arraymodule.c; arrays of characters are left to the plain form. */
bool pl_repr_array(struct pl_repr_job *r, const struct pl_repr_obj *x)
{
	const struct pl_fields *f = &r->l->f;
	uint64_t n, items, descr;
	const uint8_t *typecode;
	uint32_t width;

	if (!pl_repr_word(r, x, f->var_size, &n) || !pl_repr_word(r, x, f->array_item, &items) ||
	    !pl_repr_word(r, x, f->array_descr, &descr) ||
	    !pl_read32(r->v, descr + (uint64_t)f->arraydescr_itemsize, &width))
		return false;
	typecode = pl_at(r->v, descr + (uint64_t)f->arraydescr_typecode, 1);
	if (!typecode || !*typecode || !strchr("bBhHiIlLqQfd", (char)*typecode) ||
	    (width != 1 && width != 2 && width != 4 && width != 8) ||
	    (*typecode == 'd' && width != 8) || (*typecode == 'f' && width != 4))
		return false;
	pl_out_printf(&r->out, "%s('%c'", pl_repr_class_name(r, x->t, "array"), *typecode);
	for (uint64_t i = 0; i < n; i++) {
		pl_out_text(&r->out, i ? ", " : ", [");
		if (i == r->lim.items ||
		    !array_item(r, (char)*typecode, items + i * width, width)) {
			pl_out_text(&r->out, "...");
			break;
		}
	}
	pl_out_text(&r->out, n ? "])" : ")");
	return true;
}
