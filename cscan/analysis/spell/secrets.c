/*
 * secrets.c - see secrets.h. Each finder looks at one place of the text and says how many bytes
 * from there on are a secret. At worst that is quadratic: texts are lines of a report.
 */
#include "analysis/spell/secrets.h"

#include <ctype.h>
#include <strings.h>

/* A JSON web token's three parts, an AWS secret's 40 characters, a hash's 32: shorter runs are as
 * likely a name. */
#define RUN_MIN 32
/* Of 32 random characters of hex about 14 differ, of base64 25; "deadbeefdeadbeef..." has five. */
#define DIFFERENT_MIN 10
#define CARD_MIN 13
#define CARD_MAX 19
#define SHOWN 4 /* asterisks that stand for a secret; the rest of its room is closed up */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The characters of tokens, hex and base64 for URLs. */
static bool is_token(char c)
{
	return is_word(c) || c == '-';
}

static size_t token_length(const char *s)
{
	size_t n = 0;

	while (is_token(s[n]))
		n++;
	return n;
}

/* Base64 of either kind, with what pads it. */
static size_t base64_length(const char *s)
{
	size_t n = 0;

	while (is_token(s[n]) || s[n] == '+' || s[n] == '/')
		n++;
	return n + strspn(s + n, "=");
}

/* ---- prefixes that say what it is ---- */

static const struct {
	const char *prefix;
	size_t least; /* characters of a token behind it */
} prefixes[] = {
	{"AKIA", 12},     {"ASIA", 12},     {"ghp_", 16},        {"gho_", 16},   {"ghu_", 16},
	{"ghs_", 16},     {"ghr_", 16},     {"github_pat_", 16}, {"glpat-", 16}, {"xoxb-", 10},
	{"xoxp-", 10},    {"xoxa-", 10},    {"xoxs-", 10},       {"sk-", 16},    {"sk_live_", 10},
	{"sk_test_", 10}, {"rk_live_", 10}, {"pk_live_", 10},    {"AIza", 30},   {"ya29.", 10},
	{"npm_", 20},     {"pypi-", 16},    {"dop_v1_", 16},     {"hvs.", 16},   {"SG.", 16},
	{"whsec_", 16},
};

static size_t prefixed(const char *s)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(prefixes); i++) {
		size_t n = strlen(prefixes[i].prefix), more;

		if (strncmp(s, prefixes[i].prefix, n) != 0)
			continue;
		/* Some tokens go on behind a point. */
		for (more = token_length(s + n); s[n + more] == '.';)
			more += 1 + token_length(s + n + more + 1);
		if (more >= prefixes[i].least)
			return n + more;
	}
	return 0;
}

/* eyJ... is {" in base64; a header, a payload and a signature with points between. */
static size_t web_token(const char *s)
{
	size_t n, points = 0;

	if (strncmp(s, "eyJ", 3) != 0)
		return 0;
	for (n = token_length(s); s[n] == '.' && points < 4; points++)
		n += 1 + token_length(s + n + 1);
	return points && n >= 20 ? n : 0;
}

/* -----BEGIN ... PRIVATE KEY----- to the end of its text: the end of a key is not worth the risk.
 */
static size_t private_key(const char *s)
{
	const char *line;

	if (strncmp(s, "-----BEGIN ", 11) != 0)
		return 0;
	line = strstr(s + 11, "-----");
	return line && line - s < 60 && strstr(s, "PRIVATE KEY") && strstr(s, "PRIVATE KEY") < line
		       ? strlen(s)
		       : 0;
}

/* ---- long runs that look random ---- */

static size_t different(const char *s, size_t n)
{
	bool seen[256] = {false};
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		found += !seen[(unsigned char)s[i]];
		seen[(unsigned char)s[i]] = true;
	}
	return found;
}

/* A mangled name of C++ or Rust: _ZN3app5cache..., _ZNSt6vectorIiSaIiEE..., a length before each
 * part (Itanium C++ ABI, 5.1). */
static bool is_mangled(const char *s, size_t n)
{
	size_t at = 2, length = 0;

	if (strncmp(s, "_Z", 2) != 0)
		return false;
	while (at < n && isalpha((unsigned char)s[at]))
		at++;
	for (; at < n && isdigit((unsigned char)s[at]) && length < n; at++)
		length = length * 10 + (size_t)(s[at] - '0');
	return length && at + length <= n && (isalpha((unsigned char)s[at]) || s[at] == '_');
}

/*
 * Whether n characters look like hex or base64 and not like words, a path or a name: all of hex
 * with letters and digits among them, or else changes between capitals, small letters and digits
 * about as often as chance makes them (of two random characters of base64, two of three times).
 * Names of many words change as often, but most of their characters are small letters, of random
 * ones two of five, and few are digits.
 */
static bool looks_random(const char *s, size_t n)
{
	size_t digits = 0, capitals = 0, small = 0, changes = 0, hex = 0, slashes = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i], before = i ? (unsigned char)s[i - 1] : c;

		digits += isdigit(c) != 0;
		capitals += isupper(c) != 0;
		small += islower(c) != 0;
		hex += isxdigit(c) != 0;
		slashes += c == '/' || c == '_' || c == '-';
		changes += !isdigit(c) != !isdigit(before) || !isupper(c) != !isupper(before);
	}
	if (!digits || digits == n || different(s, n) < DIFFERENT_MIN)
		return false;
	if (hex == n)
		return true;
	if (is_mangled(s, n) || (capitals && digits * 16 <= n && small * 8 > n * 5))
		return false;
	return changes * 4 >= n && slashes * 8 <= n;
}

static size_t random_run(const char *s)
{
	size_t n = base64_length(s);

	return n >= RUN_MIN && looks_random(s, n) ? n : 0;
}

/* ---- card numbers ---- */

/* Of the digits last to first: every second doubled, its digits added. ISO/IEC 7812-1. */
static bool luhn(const char *digits, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(digits[n - 1 - i] - '0') << (i & 1);

		sum += d > 9 ? d - 9 : d;
	}
	return sum % 10 == 0;
}

/* 13 to 19 digits, together or in groups with one blank or "-" between, not all the same. */
static size_t card(const char *s)
{
	char digits[CARD_MAX];
	size_t n = 0, i;

	for (i = 0; isdigit((unsigned char)s[i]) ||
		    (n && (s[i] == ' ' || s[i] == '-') && isdigit((unsigned char)s[i + 1]));
	     i++) {
		if (!isdigit((unsigned char)s[i]))
			continue;
		if (n == CARD_MAX)
			return 0;
		digits[n++] = s[i];
	}
	if (n < CARD_MIN || digits[0] == '0' || is_word(s[i]) || !luhn(digits, n))
		return 0;
	for (size_t d = 1; d < n; d++) {
		if (digits[d] != digits[0])
			return i;
	}
	return 0;
}

/* ---- what is behind a name ---- */

static const char *const names[] = {
	"password",    "passwd",   "passphrase", "pwd",           "secret",     "token",
	"api_key",     "apikey",   "api-key",    "access_key",    "access-key", "private_key",
	"private-key", "auth_key", "credential", "authorization", "cookie",     "session_id",
	"sessionid",   "csrf",     "pin_code",
};

/* Length of the name at s, with all that may follow it in a name ("password_2", "tokens"), 0 if
 * there is none. */
static size_t name_length(const char *s)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if (strncasecmp(s, names[i], n) != 0)
			continue;
		while (is_word(s[n]) || s[n] == '-')
			n++;
		return n;
	}
	return 0;
}

/* The value at s: in quotes (after Python's b or u) to the closing one, else to the next blank,
 * comma, bracket or "&". */
static size_t value_length(const char *s, size_t *start)
{
	size_t at = 0;
	char quote;

	while ((s[at] == 'b' || s[at] == 'u') && at < 2)
		at++;
	quote = s[at];
	if (quote != '\'' && quote != '"') {
		*start = 0;
		return strcspn(s, " \t\n,;)]}>&'\"");
	}
	*start = ++at;
	while (s[at] && s[at] != quote)
		at += s[at] == '\\' && s[at + 1] ? 2 : 1;
	return at - *start;
}

/* "password=x", "'token': 'x'", "['secret'] = x", "Authorization: Bearer x": where the value
 * starts, and its length. */
static size_t named(const char *s, size_t *start)
{
	size_t at = name_length(s), n, from;
	bool quoted;

	if (!at)
		return 0;
	quoted = s[at] == '\'' || s[at] == '"';
	at += quoted;
	at += s[at] == ']';
	at += strspn(s + at, " ");
	if (s[at] != '=' && s[at] != ':')
		return 0;
	at += 1 + strspn(s + at + 1, " =");
	if (!strncasecmp(s + at, "bearer ", 7) || !strncasecmp(s + at, "basic ", 6))
		at += strcspn(s + at, " ") + 1;
	n = value_length(s + at, &from);
	*start = at + from;
	return n;
}

/* "//user:password@host": the password. */
static size_t in_url(const char *s, size_t *start)
{
	size_t user, n;

	if (strncmp(s, "//", 2) != 0)
		return 0;
	user = strcspn(s + 2, ":/@ '\"");
	if (s[2 + user] != ':')
		return 0;
	n = strcspn(s + 3 + user, "/@ '\"");
	*start = 3 + user;
	return s[*start + n] == '@' ? n : 0;
}

/* ---- the walk ---- */

/* The secret at or just behind s: its length, 0 if there is none; *start is where it begins.
 * inside: the character before s belongs to the same word. */
static size_t find(const char *s, bool inside, size_t *start)
{
	size_t n;

	n = named(s, start);
	if (!n)
		n = in_url(s, start);
	if (n || inside)
		return n;
	*start = 0;
	n = prefixed(s);
	if (!n)
		n = web_token(s);
	if (!n)
		n = private_key(s);
	if (!n)
		n = card(s);
	return n ? n : random_run(s);
}

bool pl_secret_mask(char *text)
{
	size_t out = 0;
	bool found = false, inside = false;

	for (size_t i = 0; text[i];) {
		size_t start = 0, n = find(text + i, inside, &start), stars = PL_MIN(n, SHOWN);

		if (!n) {
			inside = is_token(text[i]);
			text[out++] = text[i++];
			continue;
		}
		memmove(text + out, text + i, start);
		memset(text + out + start, '*', stars);
		out += start + stars;
		i += start + n;
		found = true;
		inside = false;
	}
	text[out] = '\0';
	return found;
}
