/*
 * view.c - reading the dead process's memory by address.
 *
 * A view looks up runs (host-contiguous neighbours joined), so an object that crosses from .data to
 * .bss is still one pointer when the core has both in one piece.
 */
#include "image/internal.h"

const struct pl_core_info *pl_image_info(const struct pl_image *im)
{
	return &im->info;
}

const struct pl_span *pl_image_spans(const struct pl_image *im, size_t *n)
{
	*n = im->spans.n;
	return im->spans.at;
}

const struct pl_mapping *pl_image_mappings(const struct pl_image *im, size_t *n)
{
	*n = im->mappings.n;
	return im->mappings.at;
}

const struct pl_module *pl_image_modules(const struct pl_image *im, size_t *n)
{
	*n = im->modules.n;
	return im->modules.at;
}

const struct pl_thread *pl_image_threads(const struct pl_image *im, size_t *n)
{
	*n = im->threads.n;
	return im->threads.at;
}

bool pl_image_auxv(const struct pl_image *im, uint64_t type, uint64_t *ret)
{
	for (size_t i = 0; i < im->auxv.n; i++) {
		if (im->auxv.at[i].type == type) {
			*ret = im->auxv.at[i].value;
			return true;
		}
	}
	return false;
}

const struct pl_span *pl_image_span(const struct pl_image *im, pl_addr addr)
{
	size_t i = pl_find_range(im->spans.at, im->spans.n, sizeof(*im->spans.at), addr);

	return i < im->spans.n ? &im->spans.at[i] : NULL;
}

const struct pl_mapping *pl_image_mapping(const struct pl_image *im, pl_addr addr)
{
	size_t i = pl_find_range(im->mappings.at, im->mappings.n, sizeof(*im->mappings.at), addr);

	return i < im->mappings.n ? &im->mappings.at[i] : NULL;
}

void pl_view_init(struct pl_view *v, const struct pl_image *im)
{
	memset(v, 0, sizeof(*v));
	v->im = im;
}

const uint8_t *pl_view_miss(struct pl_view *v, pl_addr addr, uint64_t n)
{
	unsigned s = (unsigned)(addr >> 20) % PL_VIEW_SLOTS;
	const struct pl_run *r;
	size_t i = pl_find_range(v->im->runs.at, v->im->runs.n, sizeof(*r), addr);

	if (i == v->im->runs.n)
		return NULL;
	r = &v->im->runs.at[i];
	v->slot[s].lo = r->lo;
	v->slot[s].hi = r->hi;
	v->slot[s].host = r->host;
	return n <= r->hi - addr ? r->host + (addr - r->lo) : NULL;
}

/* Bytes at hand from addr on without a break, their host address in *ret; 0 for none. */
static uint64_t piece(struct pl_view *v, pl_addr addr, const uint8_t **ret)
{
	unsigned s = (unsigned)(addr >> 20) % PL_VIEW_SLOTS;

	*ret = pl_at(v, addr, 1);
	return *ret ? v->slot[s].hi - addr : 0;
}

bool pl_read(struct pl_view *v, pl_addr addr, void *buf, uint64_t n)
{
	uint8_t *to = buf;

	while (n) {
		const uint8_t *from;
		uint64_t k = PL_MIN(n, piece(v, addr, &from));

		if (!k)
			return false;
		memcpy(to, from, (size_t)k);
		to += k;
		addr += k;
		n -= k;
	}
	return true;
}

bool pl_read_cstr(struct pl_view *v, pl_addr addr, char *buf, size_t max)
{
	while (max) {
		const uint8_t *from, *nul;
		uint64_t k = PL_MIN(max, piece(v, addr, &from));

		if (!k)
			return false;
		nul = memchr(from, '\0', (size_t)k);
		if (nul) {
			memcpy(buf, from, (size_t)(nul - from) + 1);
			return true;
		}
		memcpy(buf, from, (size_t)k);
		buf += k;
		addr += k;
		max -= (size_t)k;
	}
	return false;
}
