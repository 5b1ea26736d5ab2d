/*
 * datetime.c - the time zones that dates and times hold. Facts: Modules/_datetimemodule.c,
 * Modules/_zoneinfo.c.
 */
#include "object/decode/decode.h"

void pl_decode_timezone(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.timezone_offset, "<offset>", true);
	pl_put_member(d, d->l->f.timezone_name, "<name>", true);
}

#define MAX_TTINFOS 256 /* the file format counts them in a byte */

/* A date or time without a zone is shorter: the member is there only when hastzinfo says so. */
static void put_tzinfo(const struct pl_decode *d, int32_t member)
{
	int32_t has = d->l->f.datetime_hastzinfo;

	if (pl_has(has) && (uint64_t)has < d->room && d->obj[has])
		pl_put_member(d, member, ".tzinfo", false);
}

void pl_decode_datetime(const struct pl_decode *d)
{
	put_tzinfo(d, d->l->f.datetime_tzinfo);
}

void pl_decode_time(const struct pl_decode *d)
{
	put_tzinfo(d, d->l->f.time_tzinfo);
}

/* _ttinfo: offset, daylight saving and name of a stretch of time. */
static void put_ttinfo(const struct pl_decode *d, pl_addr at)
{
	static const char *const names[] = {"<utcoffset>", "<dst>", "<tzname>"};

	for (unsigned i = 0; i < PL_ARRAY_LEN(names); i++) {
		uint64_t target;

		if (pl_read64(d->v, at + 8 * i, &target))
			pl_put(d, target, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t)names[i],
			       false);
	}
}

void pl_decode_zoneinfo(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t n = pl_word(d, f->zoneinfo_n_ttinfos);
	pl_addr ttinfos = pl_word(d, f->zoneinfo_ttinfos);

	pl_put_member(d, f->zoneinfo_key, ".key", true);
	pl_put_member(d, f->zoneinfo_file_repr, "<file>", false);
	for (uint64_t i = 0; ttinfos && n <= MAX_TTINFOS && f->ttinfo_size > 0 && i < n; i++)
		put_ttinfo(d, ttinfos + i * (uint64_t)f->ttinfo_size);
	if (pl_has(f->zoneinfo_after_std))
		put_ttinfo(d, d->addr + (uint64_t)f->zoneinfo_after_std);
	if (pl_has(f->zoneinfo_after_dst))
		put_ttinfo(d, d->addr + (uint64_t)f->zoneinfo_after_dst);
}
