/*
 * spans.c - segments, mapped files and files of this machine put together to one map of memory.
 *
 * Mappings are the union of what PT_LOADs and NT_FILE tell (the kernel lists every mapping as a
 * PT_LOAD, gcore leaves out those it saved no bytes of). Spans are the core's own bytes and,
 * between them, bytes of checked files; a byte of the core always wins over one of a file, and
 * where a truncated core lost bytes that it claims to have held no file stands in, because they
 * were saved for having been changed.
 */
#include "base/addrset.h"
#include "image/internal.h"

/*
 * What the tables about a core may take: so many times its bytes, and so much for the smallest. A
 * core of pages that lie a megabyte apart, each with its header, comes to six times.
 */
#define MAX_SPREAD 64
#define SPREAD_ALLOWED ((uint64_t)64 << 20)

/* A mapping, cut where a segment or a file map begins or ends. */
static void add_mapping(struct pl_image *im, pl_addr lo, pl_addr hi, const struct pl_range *r,
			const struct pl_file_map *f)
{
	struct pl_mapping m = {
		.lo = lo,
		.hi = hi,
		.file_offset = f ? f->offset + (lo - f->lo) : 0,
		.prot = r ? r->prot : 0,
		.module = f ? f->module : -1,
	};

	pl_vec_push(&im->mappings, m);
}

/* Sweep over both sorted lists at once. */
static void build_mappings(struct pl_image *im)
{
	size_t i = 0, k = 0;
	pl_addr at = 0;

	while (i < im->memory.n || k < im->file_maps.n) {
		const struct pl_range *r = i < im->memory.n ? &im->memory.at[i] : NULL;
		const struct pl_file_map *f = k < im->file_maps.n ? &im->file_maps.at[k] : NULL;
		pl_addr lo = UINT64_MAX, hi = UINT64_MAX;
		bool in_r, in_f;

		if (r)
			lo = PL_MAX(r->lo, at);
		if (f)
			lo = PL_MIN(lo, PL_MAX(f->lo, at));
		in_r = r && r->lo <= lo;
		in_f = f && f->lo <= lo;
		if (r)
			hi = in_r ? r->hi : r->lo;
		if (f)
			hi = PL_MIN(hi, in_f ? f->hi : f->lo);
		add_mapping(im, lo, hi, in_r ? r : NULL, in_f ? f : NULL);
		at = hi;
		i += r && r->hi <= at;
		k += f && f->hi <= at;
	}
}

static void add_span(struct pl_image *im, struct pl_mapping *m, pl_addr lo, pl_addr hi,
		     const uint8_t *host, enum pl_span_source source)
{
	struct pl_span *last = im->spans.n ? &im->spans.at[im->spans.n - 1] : NULL;
	struct pl_span s = {lo, hi, host, (uint8_t)source, m->prot, m->module};

	m->present += hi - lo;
	if (last && last->hi == lo && last->host + (last->hi - last->lo) == host &&
	    last->source == s.source && last->prot == s.prot && last->module == s.module)
		last->hi = hi;
	else
		pl_vec_push(&im->spans, s);
}

/* The part of [lo, hi) that the module's checked file can give. */
static void fill_from_file(struct pl_image *im, struct pl_mapping *m, pl_addr lo, pl_addr hi,
			   bool has_private)
{
	const struct pl_file *f = m->module >= 0 ? im->priv[m->module].file : NULL;
	uint64_t offset = m->file_offset + (lo - m->lo);

	/*
	 * A writable mapping without bytes was never written to, so the file still has them; not so
	 * when the core was told to leave out private memory altogether.
	 */
	if (!f || ((m->prot & PL_PROT_WRITE) && !has_private) || offset < m->file_offset ||
	    offset >= f->size)
		return;
	hi = PL_MIN(hi - lo, f->size - offset) + lo;
	add_span(im, m, lo, hi, f->map + offset, PL_SPAN_FILE);
}

/* Does the core hold any private writable memory, as it does unless it was filtered hard? */
static bool holds_private(const struct pl_image *im)
{
	for (size_t i = 0; i < im->ranges.n; i++) {
		if (im->ranges.at[i].prot & PL_PROT_WRITE)
			return true;
	}
	return false;
}

static void build_spans(struct pl_image *im)
{
	bool has_private = holds_private(im);
	size_t k = 0;

	for (size_t i = 0; i < im->mappings.n; i++) {
		struct pl_mapping *m = &im->mappings.at[i];
		pl_addr at = m->lo;

		while (k < im->ranges.n && im->ranges.at[k].hi <= at)
			k++;
		for (size_t j = k; j < im->ranges.n && im->ranges.at[j].lo < m->hi; j++) {
			const struct pl_range *r = &im->ranges.at[j];
			pl_addr lo = PL_MAX(r->lo, m->lo), hi = PL_MIN(r->hi, m->hi);

			if (at < lo)
				fill_from_file(im, m, at, lo, has_private);
			if (r->host)
				add_span(im, m, lo, hi, r->host + (lo - r->lo), PL_SPAN_CORE);
			at = hi;
		}
		if (at < m->hi)
			fill_from_file(im, m, at, m->hi, has_private);
	}
}

static void build_runs(struct pl_image *im)
{
	for (size_t i = 0; i < im->spans.n; i++) {
		const struct pl_span *s = &im->spans.at[i];
		struct pl_run *last = im->runs.n ? &im->runs.at[im->runs.n - 1] : NULL;

		if (last && last->hi == s->lo && last->host + (last->hi - last->lo) == s->host)
			last->hi = s->hi;
		else
			pl_vec_push(&im->runs, (struct pl_run){s->lo, s->hi, s->host});
	}
}

void pl_spans_build(struct pl_image *im)
{
	build_mappings(im);
	build_spans(im);
	build_runs(im);
}

/*
 * A set of addresses (base/addrset.h) takes memory for each megabyte in which it has a member, and
 * a column for each object: headers that scatter the same few bytes of the file over the address
 * space would make them any size.
 */
int pl_spans_check(const struct pl_image *im, struct pl_err *err)
{
	const uint64_t chunk =
		sizeof(struct pl_addrset_chunk) + PL_ADDRSET_WORDS * sizeof(uint32_t);
	uint64_t chunks = 0, bytes = 0, last = UINT64_MAX, most;

	for (size_t i = 0; i < im->spans.n; i++) {
		const struct pl_span *s = &im->spans.at[i];
		uint64_t lo = s->lo >> PL_ADDRSET_SHIFT, hi = (s->hi - 1) >> PL_ADDRSET_SHIFT;

		if (s->source != PL_SPAN_CORE)
			continue;
		chunks += hi - lo + (lo != last);
		bytes += s->hi - s->lo;
		last = hi;
	}
	if (!pl_mul(im->info.file_size, MAX_SPREAD, &most) ||
	    !pl_add(most, SPREAD_ALLOWED, &most) || (bytes <= most && chunks <= most / chunk))
		return 0;
	pl_err_set(
		err, PL_E_NOMEM,
		"the core of %llu bytes claims %llu bytes of memory in %llu different megabytes: "
		"tables of that would take more than %d times its size",
		(unsigned long long)im->info.file_size, (unsigned long long)bytes,
		(unsigned long long)chunks, MAX_SPREAD);
	pl_err_hint(err, "neither a kernel nor gdb writes such a core: it is damaged, or made");
	return PL_E_NOMEM;
}
