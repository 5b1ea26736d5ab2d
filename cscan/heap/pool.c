/*
 * pool.c - the header of a pymalloc pool.
 */
#include "heap/internal.h"

enum { MAX_BLOCK = 512 /* SMALL_REQUEST_THRESHOLD, all versions */ };

bool pl_heap_pool(const struct pl_layout *l, const uint8_t *host, pl_addr at, struct pl_pool *ret)
{
	uint32_t head = (uint32_t)l->f.pool_header_size, szidx = pl_ld32(host + l->f.pool_szidx);
	uint32_t next = pl_ld32(host + l->f.pool_nextoffset), room = l->pool_bytes - head;
	struct pl_pool p = {.at = at};

	if (szidx >= MAX_BLOCK / l->object_align)
		return false;
	p.freeblock = pl_ld64(host + l->f.pool_freeblock);
	p.ref = pl_ld32(host + l->f.pool_refcount);
	p.arenaindex = pl_ld32(host + l->f.pool_arenaindex);
	p.block = (szidx + 1) * l->object_align;
	p.sane = next > head && next <= l->pool_bytes && (next - head) % p.block == 0 &&
		 p.ref <= (next - head) / p.block;
	p.n = p.sane ? (next - head) / p.block : room / p.block;
	*ret = p;
	return true;
}
