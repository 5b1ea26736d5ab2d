/*
 * repr_time.c - the datetime family (Modules/_datetimemodule.c): packed big-endian bytes.
 */
#include "object/repr/job.h"

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
	pl_repr_put_tp_name(r, x->t);
	pl_out_printf(&r->out, "(%u, %u, %u)", year(p), p[2], p[3]);
	return true;
}

bool pl_repr_datetime(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	const uint8_t *p = packed(r, x, r->l->f.datetime_data, 10);

	if (!p)
		return false;
	pl_repr_put_tp_name(r, x->t);
	pl_out_printf(&r->out, "(%u, %u, %u, ", year(p), p[2], p[3]);
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
	pl_repr_put_tp_name(r, x->t);
	pl_out_char(&r->out, '(');
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
	pl_repr_put_tp_name(r, x->t);
	pl_out_char(&r->out, '(');
	if (r->l->repr_style == PL_REPR_36) {
		/* by place: what comes behind the last one that is not 0 is left out */
		pl_out_printf(&r->out, "%d", value[0]);
		if (value[1] || value[2])
			pl_out_printf(&r->out, ", %d", value[1]);
		if (value[2])
			pl_out_printf(&r->out, ", %d", value[2]);
		pl_out_char(&r->out, ')');
		return true;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (value[i]) {
			pl_out_printf(&r->out, "%s%s=%d", sep, names[i], value[i]);
			sep = ", ";
		}
	}
	pl_out_text(&r->out, *sep ? ")" : "0)");
	return true;
}

/* Is the timedelta at addr 0? */
static bool is_zero(struct pl_repr_job *r, pl_addr addr)
{
	const struct pl_fields *f = &r->l->f;

	return pl_has(f->delta_days) && !pl_field_int(r->v, addr, f->delta_days) &&
	       !pl_field_int(r->v, addr, f->delta_seconds) &&
	       !pl_field_int(r->v, addr, f->delta_microseconds);
}

/*
 * timezone_repr(): datetime.timezone.utc is the one without a name and offset, for
 * new_timezone() makes no other such; else datetime.timezone(datetime.timedelta(...), 'name').
 */
bool pl_repr_timezone(struct pl_repr_job *r, const struct pl_repr_obj *x, unsigned level)
{
	pl_addr offset, name;

	(void)level;
	if (!pl_repr_word(r, x, r->l->f.timezone_offset, &offset) ||
	    !pl_repr_word(r, x, r->l->f.timezone_name, &name))
		return false;
	pl_repr_put_tp_name(r, x->t);
	if (!name && is_zero(r, offset)) {
		pl_out_text(&r->out, ".utc");
		return true;
	}
	pl_out_char(&r->out, '(');
	pl_repr_value(r, offset, 0);
	if (name) {
		pl_out_text(&r->out, ", ");
		pl_repr_value(r, name, 0);
	}
	pl_out_char(&r->out, ')');
	return true;
}
