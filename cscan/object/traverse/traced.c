/*
 * traced.c - see traced.h.
 */
#include "object/traverse/traced.h"

static const struct pl_traced unknown;

bool pl_traced_equal(struct pl_traced a, struct pl_traced b)
{
	return a.kind == b.kind && a.level == b.level && a.step0 == b.step0 && a.step1 == b.step1 &&
	       a.value == b.value;
}

/* A step must fit its byte: a divisor of it is as true. */
static uint8_t step_of(uint64_t step)
{
	while (step > UINT8_MAX)
		step = step % 2 ? 1 : step / 2;
	return (uint8_t)step;
}

static uint8_t common(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return step_of(a);
}

/* a + by, by exactly or in steps. */
static struct pl_traced move(struct pl_traced a, uint64_t by, uint8_t step)
{
	int32_t *off = a.level == PL_T_FIELD ? &a.off1 : &a.off0;
	uint8_t *at_step = a.level == PL_T_FIELD ? &a.step1 : &a.step0;

	if (a.kind == PL_T_CONST) {
		a.value += by;
		a.step0 = common(a.step0, step);
		return a;
	}
	if (a.level == PL_T_BEHIND && (by || step))
		a = (struct pl_traced){.kind = PL_T_POINTER, .level = PL_T_DEEP};
	if (a.level >= PL_T_BEHIND)
		return a;
	if ((int64_t)by != (int32_t)by || __builtin_add_overflow(*off, (int32_t)by, off))
		return unknown;
	*at_step = common(*at_step, step);
	return a;
}

static bool moves(struct pl_traced a)
{
	return a.kind == PL_T_POINTER || a.kind == PL_T_STACK || a.kind == PL_T_CONST;
}

struct pl_traced pl_traced_add(struct pl_traced a, struct pl_traced b)
{
	if (b.kind == PL_T_POINTER || b.kind == PL_T_STACK || b.kind == PL_T_TABLE) {
		struct pl_traced swap = a;

		a = b;
		b = swap;
	}
	if (a.kind == PL_T_TABLE && pl_traced_exact(b) && b.value == a.value)
		return (struct pl_traced){.kind = PL_T_TARGET, .value = a.value};
	if (moves(a) && b.kind == PL_T_CONST)
		return move(a, b.value, b.step0);
	if (a.kind == PL_T_POINTER && b.kind == PL_T_UNKNOWN)
		return move(a, 0, 1);
	return unknown;
}

struct pl_traced pl_traced_negative(struct pl_traced a)
{
	if (a.kind != PL_T_CONST)
		return unknown;
	a.value = -a.value;
	return a;
}

struct pl_traced pl_traced_times(struct pl_traced a, uint64_t factor)
{
	if (pl_traced_exact(a))
		return pl_traced_const(a.value * factor);
	/* Of a number that nothing is known of, the multiples. */
	if (!factor)
		return pl_traced_const(0);
	return factor == 1 ? a : (struct pl_traced){.kind = PL_T_CONST, .step0 = step_of(factor)};
}

struct pl_traced pl_traced_load(struct pl_traced a)
{
	if (a.level == PL_T_ADDRESS) {
		a.level = PL_T_FIELD;
		a.off1 = 0;
		a.step1 = 0;
		return a;
	}
	if (a.level == PL_T_FIELD) {
		a.level = PL_T_BEHIND;
		return a;
	}
	return (struct pl_traced){.kind = PL_T_POINTER, .level = PL_T_DEEP};
}

/*
 * The offsets of both, in steps from the lower one. When the lower end moves again it falls to the
 * first step above 0, or joining would not settle; false below that.
 */
static bool join_offset(int32_t *off, uint8_t *step, int32_t more, uint8_t more_step)
{
	int64_t apart = (int64_t)*off - more;
	bool again = *step && more < *off;

	*step = common(common(*step, more_step), (uint64_t)(apart < 0 ? -apart : apart));
	*off = PL_MIN(*off, more);
	if (again && *off < 0)
		return false;
	if (again && *step)
		*off %= *step;
	return true;
}

static struct pl_traced join_const(struct pl_traced old, struct pl_traced more)
{
	uint64_t apart = old.value > more.value ? old.value - more.value : more.value - old.value;
	uint8_t step = common(common(old.step0, more.step0), apart);

	/* Addresses have nothing in common; a counter has its step. */
	if (step <= 1 || PL_MAX(old.value, more.value) >> 16)
		return unknown;
	return (struct pl_traced){
		.kind = PL_T_CONST, .step0 = step, .value = PL_MIN(old.value, more.value) % step};
}

struct pl_traced pl_traced_join(struct pl_traced old, struct pl_traced more)
{
	if (pl_traced_equal(old, more))
		return old;
	/* Nobody follows a null pointer. */
	if (more.kind == PL_T_POINTER && pl_traced_exact(old) && !old.value)
		return more;
	if (old.kind == PL_T_POINTER && pl_traced_exact(more) && !more.value)
		return old;
	if (old.kind == PL_T_CONST && more.kind == PL_T_CONST)
		return join_const(old, more);
	if (old.kind != PL_T_POINTER || more.kind != PL_T_POINTER || old.level != more.level ||
	    old.level == PL_T_DEEP)
		return unknown;
	if (!join_offset(&old.off0, &old.step0, more.off0, more.step0))
		return unknown;
	if (old.level != PL_T_ADDRESS && !join_offset(&old.off1, &old.step1, more.off1, more.step1))
		return unknown;
	return old;
}
