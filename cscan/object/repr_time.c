/*
 * repr_time.c - the datetime family (Modules/_datetimemodule.c): packed big-endian bytes.
 */
#include "object/repr.h"

#include <stdio.h>

/* The n packed bytes at offset, or NULL. */
static const uint8_t *packed(struct pl_repr_job *r, const struct pl_repr_obj *x, int32_t offset,
			     unsigned n)
{
	if (offset < 0 || offset + (int32_t)n > x->t->basicsize)
		return NULL;
	return pl_at(r->v, x->addr + (uint64_t)offset, n);
}

static unsigned year(const uint8_t *p)
{
	return p[0] * 256u + p[1];
}

/* hour, minute[, second[, microsecond]] of six bytes. */
static void put_time(struct pl_repr_job *r, const uint8_t *p)
{
	unsigned us = (unsigned)p[3] << 16 | (unsigned)p[4] << 8 | p[5];

	pl_out_printf(&r->out, "%u, %u", p[0], p[1]);
	if (p[2] || us)
		pl_out_printf(&r->out, ", %u", p[2]);
	if (us)
		pl_out_printf(&r->out, ", %u", us);
}

/* fold=1 (3.6 on) and the zone; an object without a zone does not even have the field for it. */
static void put_zone(struct pl_repr_job *r, const struct pl_repr_obj *x, int32_t fold,
		     int32_t tzinfo, unsigned level)
{
	const uint8_t *has = packed(r, x, r->l->f.datetime_hastzinfo, 1);
	const uint8_t *folded = packed(r, x, fold, 1);
	uint64_t zone;

	if (folded && *folded)
		pl_out_text(&r->out, ", fold=1");
	if (has && *has && pl_repr_word(r, x, tzinfo, &zone)) {
		pl_out_text(&r->out, ", tzinfo=");
		pl_repr_value(r, zone, level ? level - 1 : 0);
	}
}

bool pl_repr_date(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	const uint8_t *p = packed(r, x, r->l->f.date_data, 4);

	(void)level;
	if (!p)
		return false;
	pl_out_printf(&r->out, "%s(%u, %u, %u)", x->t->name, year(p), p[2], p[3]);
	return true;
}

bool pl_repr_datetime(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	const uint8_t *p = packed(r, x, r->l->f.datetime_data, 10);

	if (!p)
		return false;
	pl_out_printf(&r->out, "%s(%u, %u, %u, ", x->t->name, year(p), p[2], p[3]);
	put_time(r, p + 4);
	put_zone(r, x, r->l->f.datetime_fold, r->l->f.datetime_tzinfo, level);
	pl_out_char(&r->out, ')');
	return true;
}

bool pl_repr_time(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	const uint8_t *p = packed(r, x, r->l->f.time_data, 6);

	if (!p)
		return false;
	pl_out_printf(&r->out, "%s(", x->t->name);
	put_time(r, p);
	put_zone(r, x, PL_NONE, r->l->f.time_tzinfo, level);
	pl_out_char(&r->out, ')');
	return true;
}

bool pl_repr_timedelta(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	static const char *const names[] = {"days", "seconds", "microseconds"};
	const int32_t offsets[] = {r->l->f.delta_days, r->l->f.delta_seconds,
				   r->l->f.delta_microseconds};
	int32_t value[3];
	const char *sep = "";

	(void)level;
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *p = packed(r, x, offsets[i], 4);

		if (!p)
			return false;
		value[i] = (int32_t)pl_ld32(p);
	}
	pl_out_printf(&r->out, "%s(", x->t->name);
	for (unsigned i = 0; i < 3; i++) {
		if (value[i]) {
			pl_out_printf(&r->out, "%s%s=%d", sep, names[i], value[i]);
			sep = ", ";
		}
	}
	pl_out_text(&r->out, *sep ? ")" : "0)");
	return true;
}
