/* quantity.c - see quantity.h. */
#include "analysis/quantity.h"

#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t size;
};

static const struct unit bytes[] = {
	{"", 1},
	{"b", 1},
	{"k", UINT64_C(1) << 10},
	{"m", UINT64_C(1) << 20},
	{"g", UINT64_C(1) << 30},
	{"t", UINT64_C(1) << 40},
	{NULL, 0},
};
static const struct unit times[] = {
	{"", UINT64_C(1000000000)},
	{"ms", UINT64_C(1000000)},
	{"s", UINT64_C(1000000000)},
	{"m", UINT64_C(60000000000)},
	{"min", UINT64_C(60000000000)},
	{"h", UINT64_C(3600000000000)},
	{NULL, 0},
};

#define MOST (UINT64_C(1) << 63)

static const struct unit *find(const struct unit *units, const char *name)
{
	for (; units->name; units++) {
		if (!strcasecmp(units->name, name))
			return units;
	}
	return NULL;
}

/* "kb", "KiB": the unit without what says once more that it is bytes. */
static const struct unit *find_bytes(const char *name)
{
	char letter[2] = "";

	if (*name && strcasecmp(name, "bb") &&
	    (!strcasecmp(name + 1, "b") || !strcasecmp(name + 1, "ib"))) {
		letter[0] = *name;
		name = letter;
	}
	return find(bytes, name);
}

/* Digits, or digits with a point among them: *ret in the unit "one". False for anything else. */
static bool number(const char *text, size_t n, uint64_t one, uint64_t *ret)
{
	uint64_t whole = 0;
	double rest = 0, place = 1;
	size_t digits = 0, points = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (text[i] == '.') {
			points++;
			continue;
		}
		digits++;
		if (points) {
			place /= 10;
			rest += place * digit;
		} else if (__builtin_mul_overflow(whole, 10, &whole) ||
			   __builtin_add_overflow(whole, digit, &whole)) {
			return false;
		}
	}
	if (!digits || points > 1 || __builtin_mul_overflow(whole, one, &whole) || whole > MOST)
		return false;
	*ret = whole + (uint64_t)(rest * (double)one);
	return *ret <= MOST;
}

static bool quantity(const char *text, const struct unit *(*unit_of)(const char *), uint64_t *ret)
{
	size_t n = strspn(text, "0123456789.");
	const struct unit *unit = unit_of(text + n);
	uint64_t found;

	if (!unit || !number(text, n, unit->size, &found))
		return false;
	*ret = found;
	return true;
}

static const struct unit *find_time(const char *name)
{
	return find(times, name);
}

bool pl_quantity_bytes(const char *text, uint64_t *ret)
{
	return quantity(text, find_bytes, ret);
}

bool pl_quantity_time(const char *text, uint64_t *ret)
{
	return quantity(text, find_time, ret);
}
