/*
 * x86.c - see x86.h.
 */
#include "machine/x86.h"

struct reader {
	const uint8_t *p;
	size_t n, at;
	bool short_of; /* a byte behind the end was asked for */
};

static uint8_t byte(struct reader *r)
{
	if (r->at < r->n)
		return r->p[r->at++];
	r->short_of = true;
	return 0;
}

/* A little-endian number of so many bytes, sign-extended. */
static int64_t number(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)byte(r) << 8 * i;
	return bytes && bytes < 8 ? (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes)
				  : (int64_t)value;
}

/*
 * What follows an opcode, a letter each: a count of bytes of immediate; z: 4 bytes, 2 under 66; m:
 * ModRM; b, q: ModRM and an immediate of 1 byte, of z; -: no instruction, or none of here.
 */
static const char one_byte[16][17] = {
	"mmmm1z--mmmm1z--", "mmmm1z--mmmm1z--", "mmmm1z--mmmm1z--", "mmmm1z--mmmm1z--",
	"----------------", "0000000000000000", "---m----zq1b0000", "1111111111111111",
	"bq-bmmmmmmmmmmmm", "0000000000-00000", "888800001z000000", "11111111zzzzzzzz",
	"bb20--bq302001-0", "mmmm---0mmmmmmmm", "1111111144-10000", "-0--00mm000000mm",
};
static const char two_byte[16][17] = {
	"mmmm-00000-0-m0-", "mmmmmmmmmmmmmmmm", "mmmm----mmmmmmmm", "000000-0--------",
	"mmmmmmmmmmmmmmmm", "mmmmmmmmmmmmmmmm", "mmmmmmmmmmmmmmmm", "bbbbmmm0mmmmmmmm",
	"4444444444444444", "mmmmmmmmmmmmmmmm", "000mbm--000mbmmm", "mmmmmmmmmmbmmmmm",
	"mmbmbbbm00000000", "mmmmmmmmmmmmmmmm", "mmmmmmmmmmmmmmmm", "mmmmmmmmmmmmmmmm",
};

static char shape_of(const struct pl_x86 *x)
{
	switch (x->map) {
	case 0:
		return one_byte[x->op >> 4][x->op & 15];
	case 1:
		return two_byte[x->op >> 4][x->op & 15];
	case 2:
		return 'm';
	default:
		return 'b';
	}
}

/* Bytes of immediate. */
static unsigned immediate_of(const struct pl_x86 *x, char shape)
{
	unsigned z = x->width == 2 ? 2 : 4;

	if (x->map == 0 && (x->op & 0xf8) == 0xb8 && x->width == 8)
		return 8;
	/* Of group 3 only TEST has one. */
	if (x->map == 0 && (x->op & 0xfe) == 0xf6 && !(x->reg & 6))
		return x->op & 1 ? z : 1;
	switch (shape) {
	case 'z':
	case 'q':
		return z;
	case 'b':
		return 1;
	case 'm':
		return 0;
	default:
		return (unsigned)(shape - '0');
	}
}

struct prefixes {
	bool operand;
	uint8_t rex; /* as the byte 0x40 - 0x4f, or 0 */
};

static void read_prefixes(struct reader *r, struct prefixes *p, struct pl_x86 *x)
{
	for (;; r->at++) {
		switch (r->at < r->n ? r->p[r->at] : 0) {
		case 0x66:
			p->operand = true;
			break;
		case 0xf2:
		case 0xf3:
			x->rep = r->p[r->at];
			break;
		case 0x64:
		case 0x65:
		case 0x67:
			x->odd_address = true;
			break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0xf0:
			break;
		case 0x40 ... 0x4f:
			p->rex = r->p[r->at++];
			return;
		default:
			return;
		}
	}
}

/* VEX's two or three bytes stand for REX, the map and the mandatory prefix. */
static bool read_vex(struct reader *r, struct prefixes *p, struct pl_x86 *x, uint8_t escape)
{
	uint8_t first, last;

	if (p->rex || p->operand || x->rep)
		return false;
	first = byte(r);
	p->rex = 0x40 | (first & 0x80 ? 0 : 4);
	x->map = 1;
	last = first;
	if (escape == 0xc4) {
		p->rex |= (uint8_t)((first & 0x40 ? 0 : 2) | (first & 0x20 ? 0 : 1));
		x->map = first & 0x1f;
		last = byte(r);
		p->rex |= last & 0x80 ? 8 : 0;
	}
	x->vvvv = (uint8_t)(~last >> 3 & 15);
	x->vex = true;
	p->operand = (last & 3) == 1;
	x->rep = (last & 3) == 2 ? 0xf3 : (last & 3) == 3 ? 0xf2 : 0;
	x->op = byte(r);
	return x->map >= 1 && x->map <= 3;
}

static bool read_opcode(struct reader *r, struct prefixes *p, struct pl_x86 *x)
{
	x->op = byte(r);
	if (x->op == 0xc4 || x->op == 0xc5)
		return read_vex(r, p, x, x->op);
	if (x->op != 0x0f)
		return true;
	x->map = 1;
	x->op = byte(r);
	if (x->op == 0x38 || x->op == 0x3a) {
		x->map = x->op == 0x38 ? 2 : 3;
		x->op = byte(r);
	}
	return true;
}

static void read_modrm(struct reader *r, uint8_t rex, struct pl_x86 *x)
{
	uint8_t modrm = byte(r), mod = modrm >> 6, rm = modrm & 7;
	unsigned disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;

	x->has_modrm = true;
	x->reg = (uint8_t)((modrm >> 3 & 7) | (rex & 4) << 1);
	x->rm = (uint8_t)(rm | (rex & 1) << 3);
	x->memory = mod != 3;
	if (!x->memory)
		return;
	x->base = x->rm;
	if (rm == 4) {
		uint8_t sib = byte(r), index = (uint8_t)((sib >> 3 & 7) | (rex & 2) << 2);

		x->scale = (uint8_t)(1 << (sib >> 6));
		x->index = index == 4 ? PL_X86_NONE : index;
		x->base = (uint8_t)((sib & 7) | (rex & 1) << 3);
		if (!mod && (sib & 7) == 5) {
			x->base = PL_X86_NONE;
			disp = 4;
		}
	} else if (!mod && rm == 5) {
		x->base = PL_X86_RIP;
		disp = 4;
	}
	x->disp = number(r, disp);
}

bool pl_x86_decode(const uint8_t *p, size_t n, struct pl_x86 *ret)
{
	struct reader r = {p, PL_MIN(n, (size_t)PL_X86_MAX), 0, false};
	struct pl_x86 x = {.base = PL_X86_NONE, .index = PL_X86_NONE, .scale = 1};
	struct prefixes pre = {0};
	char shape;

	read_prefixes(&r, &pre, &x);
	if (!read_opcode(&r, &pre, &x))
		return false;
	x.rex = pre.rex;
	x.width = pre.rex & 8 ? 8 : pre.operand ? 2 : 4;
	shape = shape_of(&x);
	if (shape == '-' || (shape == '8' && x.odd_address))
		return false;
	if (shape == 'm' || shape == 'b' || shape == 'q')
		read_modrm(&r, pre.rex, &x);
	x.imm = number(&r, immediate_of(&x, shape));
	/* The register of push, pop, mov and bswap is in the opcode. */
	if (!x.has_modrm)
		x.rm = (uint8_t)((x.op & 7) | (pre.rex & 1) << 3);
	x.len = (uint8_t)r.at;
	if (r.short_of)
		return false;
	*ret = x;
	return true;
}
