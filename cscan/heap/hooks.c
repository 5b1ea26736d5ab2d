/*
 * hooks.c - CPython's debug hooks, seen in the bytes of a block.
 *
 * Objects/obmalloc.c, _PyMem_DebugRawAlloc: 8 bytes big-endian size asked for, 1 byte API id ('r',
 * 'm', 'o'), 7 forbidden bytes; then the owner's bytes; then 8 forbidden bytes, and up to 3.7
 * (later only with PYMEM_DEBUG_SERIALNO) 8 bytes serial number. The forbidden byte is FB up to 3.6,
 * then FD. Thirty bytes that must agree: no other data looks like this by chance.
 */
#include "heap/internal.h"

static bool all_forbidden(const uint8_t *p, size_t n, uint8_t byte)
{
	while (n--) {
		if (p[n] != byte)
			return false;
	}
	return true;
}

bool pl_heap_hooked(const uint8_t *p, uint64_t room, uint64_t *request)
{
	uint64_t size;
	uint8_t byte;

	if (room < PL_HOOK_PREFIX + PL_HOOK_SUFFIX)
		return false;
	byte = p[9];
	if ((byte != 0xfb && byte != 0xfd) || (p[8] != 'r' && p[8] != 'm' && p[8] != 'o') ||
	    !all_forbidden(p + 9, 7, byte))
		return false;
	size = __builtin_bswap64(pl_ld64(p));
	if (size > room - PL_HOOK_PREFIX - PL_HOOK_SUFFIX ||
	    !all_forbidden(p + PL_HOOK_PREFIX + size, PL_HOOK_SUFFIX, byte))
		return false;
	*request = size;
	return true;
}

bool pl_heap_hook_vote(void *arg, const struct pl_run *run)
{
	struct pl_hook_vote *v = arg;
	uint64_t request;

	for (uint32_t i = 0; i < run->n && v->hooked + v->plain < v->max; i++) {
		if (!pl_bits_has(run->live, i))
			continue;
		if (run->hooked ||
		    pl_heap_hooked(run->host + (uint64_t)i * run->stride, run->usable, &request))
			v->hooked++;
		else
			v->plain++;
	}
	return v->hooked + v->plain < v->max;
}
