/*
 * base.h - words every room uses.
 *
 * Knows nothing of ELF, CPython or output. An address in the dead process is a pl_addr and never a
 * host pointer, so the compiler refuses to mix the two up by accident.
 */
#ifndef PL_BASE_H
#define PL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t pl_addr;

#define PL_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PL_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define PL_MIN(a, b) ((a) < (b) ? (a) : (b))
#define PL_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Checked arithmetic on what a core says: true and *ret set, or false on overflow. */
static inline bool pl_add(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool pl_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

/* v rounded up to a power of two; saturates at the highest multiple instead of wrapping. */
static inline uint64_t pl_round_up(uint64_t v, uint64_t to)
{
	return v > UINT64_MAX - (to - 1) ? UINT64_MAX & ~(to - 1) : (v + to - 1) & ~(to - 1);
}

/* Unaligned little-endian loads from the bytes of a core; width in bytes is 1, 2, 4 or 8. */
static inline uint64_t pl_ld64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t pl_ld32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint16_t pl_ld16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t pl_ldn(const void *p, unsigned width)
{
	switch (width) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return pl_ld16(p);
	case 4:
		return pl_ld32(p);
	default:
		return pl_ld64(p);
	}
}

/* What follows the last slash of a path. */
static inline const char *pl_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#endif
