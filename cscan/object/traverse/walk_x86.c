/*
 * walk_x86.c - what x86-64 instructions do to the words that walk.c follows.
 *
 * Moves, additions, comparisons and jumps are followed; of all others it is enough to know which
 * register they change (Intel SDM volume 2).
 */
#include <elf.h>

#include "object/traverse/walk.h"
#include "machine/x86.h"

enum { MAX_TABLE = 256 }; /* entries of a jump table */

static const struct pl_traced unknown;

/* ---- operands ---- */

static uint64_t low(uint64_t value, unsigned width)
{
	return width >= 8 ? value : value & ((UINT64_C(1) << 8 * width) - 1);
}

static int64_t sign(uint64_t value, unsigned width)
{
	return width >= 8 ? (int64_t)value
			  : (int64_t)(value << (64 - 8 * width)) >> (64 - 8 * width);
}

/* The address of a memory operand; s->pc is behind the instruction. */
static struct pl_traced address(const struct pl_walk_state *s, const struct pl_x86 *x)
{
	struct pl_traced at = x->base == PL_X86_NONE  ? pl_traced_const(0)
			      : x->base == PL_X86_RIP ? pl_traced_const(s->pc)
						      : s->reg[x->base];

	if (x->odd_address)
		return unknown;
	if (x->index != PL_X86_NONE)
		at = pl_traced_add(at, pl_traced_times(s->reg[x->index], x->scale));
	return pl_traced_add(at, pl_traced_const((uint64_t)x->disp));
}

static struct pl_traced get_reg(const struct pl_walk_state *s, const struct pl_x86 *x, uint8_t reg,
				unsigned width)
{
	struct pl_traced value = s->reg[reg];

	if (width == 8)
		return value;
	/* ah, ch, dh, bh */
	if (!pl_traced_exact(value) || (width == 1 && !x->rex && reg >= 4))
		return unknown;
	return pl_traced_const(low(value.value, width));
}

/*
 * Writing 4 bytes clears the upper half; 1 or 2 leave the rest as it is. The sign of a jump table's
 * entry is extended sooner or later.
 */
static void set_reg(struct pl_walk_state *s, uint8_t reg, unsigned width, struct pl_traced value)
{
	if (width == 4 && value.kind == PL_T_CONST) {
		if (!value.step0)
			value.value = low(value.value, 4);
		else if (value.value >> 31)
			value = unknown;
	} else if (width < 8 && (width < 4 || value.kind != PL_T_TABLE)) {
		value = unknown;
	}
	s->reg[reg] = value;
}

static struct pl_traced get_rm(struct pl_walk *w, const struct pl_walk_state *s,
			       const struct pl_x86 *x, unsigned width)
{
	return x->memory ? pl_walk_load(w, s, address(s, x), width) : get_reg(s, x, x->rm, width);
}

static void set_rm(struct pl_walk_state *s, const struct pl_x86 *x, unsigned width,
		   struct pl_traced value)
{
	if (x->memory)
		pl_walk_store(s, address(s, x), width, value);
	else
		set_reg(s, x->rm, width, value);
}

static void push(struct pl_walk_state *s, struct pl_traced value)
{
	s->reg[PL_X86_RSP] = pl_traced_add(s->reg[PL_X86_RSP], pl_traced_const((uint64_t)-8));
	pl_walk_store(s, s->reg[PL_X86_RSP], 8, value);
}

static struct pl_traced pop(struct pl_walk *w, struct pl_walk_state *s)
{
	struct pl_traced value = pl_walk_load(w, s, s->reg[PL_X86_RSP], 8);

	s->reg[PL_X86_RSP] = pl_traced_add(s->reg[PL_X86_RSP], pl_traced_const(8));
	return value;
}

/* ---- flags ---- */

static void set_flags(struct pl_walk_state *s, enum pl_walk_flags flags, struct pl_traced a,
		      struct pl_traced b, unsigned width)
{
	s->flags = (uint8_t)flags;
	s->a = a;
	s->b = b;
	s->flags_width = (uint8_t)width;
}

static void flags_unknown(struct pl_walk_state *s)
{
	s->flags = PL_FLAGS_UNKNOWN;
}

/* What TEST compares with 0: a and b. */
static void set_test(struct pl_walk_state *s, struct pl_traced a, struct pl_traced b,
		     unsigned width)
{
	struct pl_traced both = unknown;

	if (pl_traced_exact(a) && pl_traced_exact(b))
		both = pl_traced_const(a.value & b.value);
	else if (pl_traced_equal(a, b) && width == 8 &&
		 (a.kind == PL_T_VISIT || a.kind == PL_T_STACK ||
		  (a.kind == PL_T_POINTER && a.level == PL_T_ADDRESS)))
		both = pl_traced_const(1); /* no null pointer */
	set_flags(s, PL_FLAGS_RESULT, both, pl_traced_const(0), width);
}

/* Two words as numbers in the same order; false when that cannot be told. */
static bool numbers(const struct pl_walk_state *s, uint64_t *a, uint64_t *b)
{
	struct pl_traced p = s->a, q = s->b;
	int32_t from = p.off0, to = q.off0;

	if (pl_traced_exact(p) && pl_traced_exact(q)) {
		*a = low(p.value, s->flags_width);
		*b = low(q.value, s->flags_width);
		return true;
	}
	/* A profile makes the compiler guess the visitproc (visit_decref(), mostly): it is another
	 * one, so that what is visited stands as a call. */
	if ((p.kind == PL_T_VISIT && pl_traced_exact(q)) ||
	    (q.kind == PL_T_VISIT && pl_traced_exact(p))) {
		*a = 0;
		*b = 1;
		return true;
	}
	if (p.kind != q.kind || p.level != q.level || p.step0 || p.step1 || q.step0 || q.step1)
		return false;
	if (p.kind == PL_T_POINTER && p.level == PL_T_FIELD && p.off0 == q.off0) {
		from = p.off1;
		to = q.off1;
	} else if (p.kind != PL_T_STACK && !(p.kind == PL_T_POINTER && p.level == PL_T_ADDRESS)) {
		return false;
	}
	*a = (uint64_t)((int64_t)from + INT32_MAX + 1);
	*b = (uint64_t)((int64_t)to + INT32_MAX + 1);
	return true;
}

/* How a condition (the low half of Jcc's opcode) comes out: 1, 0, or -1 for either. */
static int condition(const struct pl_walk_state *s, unsigned cc)
{
	uint64_t a, b;
	bool result;

	if (s->flags == PL_FLAGS_UNKNOWN || !numbers(s, &a, &b))
		return -1;
	if (s->flags == PL_FLAGS_RESULT && (cc >> 1) != 2 && (cc >> 1) != 4)
		return -1;
	switch (cc >> 1) {
	case 1:
		result = a < b;
		break;
	case 2:
		result = a == b;
		break;
	case 3:
		result = a <= b;
		break;
	case 4:
		result = sign(low(a - b, s->flags_width), s->flags_width) < 0;
		break;
	case 6:
		result = sign(a, s->flags_width) < sign(b, s->flags_width);
		break;
	case 7:
		result = sign(a, s->flags_width) <= sign(b, s->flags_width);
		break;
	default:
		return -1;
	}
	return result != (cc & 1);
}

/* ---- jumps ---- */

static bool branch(struct pl_walk *w, struct pl_walk_state *s, unsigned cc, pl_addr target)
{
	int taken = condition(s, cc);

	/* Above or not above: what a jump table's index has to pass. */
	if (cc >> 1 == 3 && s->flags == PL_FLAGS_COMPARED)
		s->limit = pl_traced_exact(s->b) ? s->b.value : UINT64_MAX;
	if (taken < 0)
		pl_walk_fork(w, s);
	return taken ? pl_walk_jump(w, s, target) : true;
}

/* A switch: as many entries as its index was compared with. */
static bool jump_table(struct pl_walk *w, struct pl_walk_state *s, pl_addr table)
{
	struct pl_walk_state each = *s;
	uint32_t entry;

	if (s->limit >= MAX_TABLE)
		return pl_walk_lose(w, s);
	for (uint64_t i = 0; i <= s->limit; i++) {
		if (!pl_read(w->v, table + 4 * i, &entry, 4))
			return pl_walk_lose(w, s);
		each = *s;
		if (pl_walk_jump(w, &each, table + (uint64_t)(int64_t)(int32_t)entry))
			pl_walk_fork(w, &each);
	}
	return false;
}

static bool jump(struct pl_walk *w, struct pl_walk_state *s, struct pl_traced target)
{
	if (target.kind == PL_T_TARGET)
		return jump_table(w, s, target.value);
	return pl_walk_call(w, s, target, true);
}

/* ---- arithmetic ---- */

enum { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP };

static struct pl_traced mask(struct pl_traced a, uint64_t mask)
{
	/* Tags in the low bits of a pointer; a stack made even, counted as the caller left it:
	 * 8 bytes off 16. */
	if (-mask > 0x1000 || -mask == 0)
		return unknown;
	if (a.kind == PL_T_POINTER && a.level >= PL_T_FIELD && -mask <= 16)
		return a;
	if (a.kind != PL_T_STACK || a.step0 || a.off0 > 0 || a.off0 < -0x10000)
		return unknown;
	return pl_traced_stack((int32_t)((uint32_t)(a.off0 + 8) & (uint32_t)mask) - 8);
}

static struct pl_traced compute(unsigned op, struct pl_traced a, struct pl_traced b, bool same)
{
	if (same && (op == SUB || op == XOR))
		return pl_traced_const(0);
	if (op == ADD)
		return pl_traced_add(a, b);
	if (op == SUB)
		return pl_traced_add(a, pl_traced_negative(b));
	if (!pl_traced_exact(b))
		return unknown;
	if (pl_traced_exact(a))
		return op == AND   ? pl_traced_const(a.value & b.value)
		       : op == OR  ? pl_traced_const(a.value | b.value)
		       : op == XOR ? pl_traced_const(a.value ^ b.value)
				   : unknown;
	return op == AND ? mask(a, b.value) : unknown;
}

/* One of the eight operations of the first opcode rows and of 80 - 83. */
static void arithmetic(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x,
		       unsigned op, unsigned width, struct pl_traced b, bool to_reg, bool same)
{
	struct pl_traced a = to_reg ? get_reg(s, x, x->reg, width) : get_rm(w, s, x, width), c;

	if (op == CMP) {
		set_flags(s, PL_FLAGS_COMPARED, a, b, width);
		return;
	}
	c = compute(op, a, b, same);
	if (op == SUB)
		set_flags(s, PL_FLAGS_COMPARED, a, b, width);
	else
		set_flags(s, op == ADC || op == SBB ? PL_FLAGS_UNKNOWN : PL_FLAGS_RESULT, c,
			  pl_traced_const(0), width);
	if (to_reg)
		set_reg(s, x->reg, width, c);
	else
		set_rm(s, x, width, c);
}

static struct pl_traced immediate(const struct pl_x86 *x, unsigned width)
{
	return pl_traced_const(low((uint64_t)x->imm, width));
}

/* Opcodes 00 - 3f. */
static void rows(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	unsigned width = x->op & 1 ? x->width : 1;
	struct pl_x86 ax = {.reg = PL_X86_RAX, .rex = x->rex};

	if ((x->op & 7) >= 4)
		arithmetic(w, s, &ax, x->op >> 3 & 7, width, immediate(x, width), true, false);
	else if (x->op & 2)
		arithmetic(w, s, x, x->op >> 3 & 7, width, get_rm(w, s, x, width), true,
			   !x->memory && x->reg == x->rm);
	else
		arithmetic(w, s, x, x->op >> 3 & 7, width, get_reg(s, x, x->reg, width), false,
			   !x->memory && x->reg == x->rm);
}

static void shift(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	unsigned width = x->op & 1 ? x->width : 1;
	struct pl_traced value = unknown;

	if (x->op == 0xc1 && (x->reg & 7) == 4 && width == 8 && x->imm >= 0 && x->imm < 8)
		value = pl_traced_times(get_rm(w, s, x, width), UINT64_C(1) << x->imm);
	set_rm(s, x, width, value);
	flags_unknown(s);
}

/* f6, f7 */
static void unary(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	unsigned width = x->op & 1 ? x->width : 1;

	if ((x->reg & 7) < 2) {
		set_test(s, get_rm(w, s, x, width), immediate(x, width), width);
		return;
	}
	flags_unknown(s);
	if ((x->reg & 7) < 4)
		set_rm(s, x, width, unknown);
	else
		s->reg[PL_X86_RAX] = s->reg[PL_X86_RDX] = unknown;
}

/* fe, ff; false when the path ends. */
static bool group5(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	unsigned width = x->op & 1 ? x->width : 1;
	struct pl_traced value;

	switch (x->reg & 7) {
	case 0:
	case 1:
		value = pl_traced_add(get_rm(w, s, x, width),
				      pl_traced_const(x->reg & 1 ? UINT64_MAX : 1));
		set_rm(s, x, width, value);
		set_flags(s, PL_FLAGS_RESULT, value, pl_traced_const(0), width);
		return true;
	case 2:
		return pl_walk_call(w, s, get_rm(w, s, x, 8), false);
	case 4:
		return jump(w, s, get_rm(w, s, x, 8));
	case 6:
		push(s, get_rm(w, s, x, 8));
		return true;
	default:
		return pl_walk_lose(w, s);
	}
}

/* ---- the maps ---- */

static bool one_byte(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	unsigned width = x->op & 1 ? x->width : 1;
	struct pl_traced value;

	switch (x->op) {
	case 0x00 ... 0x3f:
		rows(w, s, x);
		return true;
	case 0x50 ... 0x57:
		push(s, s->reg[x->rm]);
		return true;
	case 0x58 ... 0x5f:
		s->reg[x->rm] = pop(w, s);
		return true;
	case 0x63:
		value = x->width == 8 ? get_rm(w, s, x, 4) : unknown;
		if (pl_traced_exact(value))
			value.value = (uint64_t)sign(value.value, 4);
		s->reg[x->reg] = value;
		return true;
	case 0x68:
	case 0x6a:
		push(s, pl_traced_const((uint64_t)x->imm));
		return true;
	case 0x69:
	case 0x6b:
		set_reg(s, x->reg, x->width,
			x->width == 8 && x->imm > 0
				? pl_traced_times(get_rm(w, s, x, 8), (uint64_t)x->imm)
				: unknown);
		flags_unknown(s);
		return true;
	case 0x70 ... 0x7f:
		return branch(w, s, x->op & 15, s->pc + (uint64_t)x->imm);
	case 0x80:
	case 0x81:
	case 0x83:
		arithmetic(w, s, x, x->reg & 7, width, immediate(x, width), false, false);
		return true;
	case 0x84:
	case 0x85:
		set_test(s, get_rm(w, s, x, width), get_reg(s, x, x->reg, width), width);
		return true;
	case 0x86:
	case 0x87:
		value = get_rm(w, s, x, width);
		set_rm(s, x, width, get_reg(s, x, x->reg, width));
		set_reg(s, x->reg, width, value);
		return true;
	case 0x88:
	case 0x89:
		set_rm(s, x, width, get_reg(s, x, x->reg, width));
		return true;
	case 0x8a:
	case 0x8b:
		set_reg(s, x->reg, width, get_rm(w, s, x, width));
		return true;
	case 0x8d:
		set_reg(s, x->reg, x->width, address(s, x));
		return true;
	case 0x8f:
		value = pop(w, s);
		set_rm(s, x, 8, value);
		return true;
	case 0x90:
		if (x->rm)
			s->reg[PL_X86_RAX] = s->reg[x->rm] = unknown;
		return true;
	case 0x91 ... 0x97:
		value = s->reg[PL_X86_RAX];
		set_reg(s, PL_X86_RAX, x->width, s->reg[x->rm]);
		set_reg(s, x->rm, x->width, value);
		return true;
	case 0x98:
		value = s->reg[PL_X86_RAX];
		if (pl_traced_exact(value) && x->width == 8)
			value.value = (uint64_t)sign(value.value, 4);
		else if (value.kind != PL_T_TABLE || x->width != 8)
			value = unknown;
		s->reg[PL_X86_RAX] = value;
		return true;
	case 0x99:
		s->reg[PL_X86_RDX] = unknown;
		return true;
	case 0xa8:
	case 0xa9:
		set_test(s, get_reg(s, x, PL_X86_RAX, width), immediate(x, width), width);
		return true;
	case 0xa4:
	case 0xa5:
	case 0xaa:
	case 0xab: /* copying and filling: how much, nobody counts */
		if (s->reg[PL_X86_RDI].kind == PL_T_STACK)
			memset(s->slot, 0, sizeof(s->slot));
		s->reg[PL_X86_RDI] = s->reg[PL_X86_RSI] = s->reg[PL_X86_RCX] = unknown;
		return true;
	case 0xb0 ... 0xb7:
		set_reg(s, x->rm, 1, unknown);
		return true;
	case 0xb8 ... 0xbf:
		set_reg(s, x->rm, x->width, pl_traced_const((uint64_t)x->imm));
		return true;
	case 0xc0:
	case 0xc1:
	case 0xd0 ... 0xd3:
		shift(w, s, x);
		return true;
	case 0xc2:
	case 0xc3:
		return pl_walk_return(w, s);
	case 0xc6:
	case 0xc7:
		set_rm(s, x, width, immediate(x, width));
		return true;
	case 0xc9:
		s->reg[PL_X86_RSP] = s->reg[PL_X86_RBP];
		s->reg[PL_X86_RBP] = pop(w, s);
		return true;
	case 0xcc:
	case 0xf4:
		return false; /* the process ends here */
	case 0xd8 ... 0xde:
	case 0x9b ... 0x9e:
	case 0xf5:
	case 0xf8:
	case 0xf9:
	case 0xfc:
	case 0xfd:
		flags_unknown(s);
		return true;
	case 0xdf: /* fnstsw ax */
		s->reg[PL_X86_RAX] = unknown;
		return true;
	case 0xe8:
		return pl_walk_call(w, s, pl_traced_const(s->pc + (uint64_t)x->imm), false);
	case 0xe9:
	case 0xeb:
		return pl_walk_jump(w, s, s->pc + (uint64_t)x->imm);
	case 0xf6:
	case 0xf7:
		unary(w, s, x);
		return true;
	case 0xfe:
	case 0xff:
		return group5(w, s, x);
	default:
		return pl_walk_lose(w, s);
	}
}

static void cmov(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	int moved = condition(s, x->op & 15);

	if (moved < 0)
		pl_walk_fork(w, s);
	if (moved)
		set_reg(s, x->reg, x->width, get_rm(w, s, x, x->width));
}

/* movzx and movsx. */
static void extend(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	unsigned from = x->op & 1 ? 2 : 1;
	struct pl_traced value = get_rm(w, s, x, from);

	if (pl_traced_exact(value) && x->op >= 0xbe)
		value.value = (uint64_t)sign(value.value, from);
	set_reg(s, x->reg, x->width, pl_traced_exact(value) ? value : unknown);
}

/*
 * What an instruction of the 0f map changes, a letter each: n nothing that is followed (vector
 * registers); f flags; g the general register of ModRM, r its operand, x both; a rax and the
 * operand; d rax and rdx; o the register of the opcode; s the operand, if it is memory, by a
 * vector; m movd's; t the bit operations'; S a byte; c cmov; j jumps; z extensions; e the process
 * ends here; l what compiled C does not use.
 */
static const char effects[16][17] = {
	"lllllllllllelnll", "nsnsnnnsnnnnnnnn", "llllllllnsnsggff", "ldllllllllllllll",
	"cccccccccccccccc", "gnnnnnnnnnnnnnnn", "nnnnnnnnnnnnnnnn", "nnnnnnnnllllnnms",
	"jjjjjjjjjjjjjjjj", "SSSSSSSSSSSSSSSS", "lllfrrlllllrrrng", "aalrllzzgetrggzz",
	"xxnrngnloooooooo", "nnnnnnsgnnnnnnnn", "nnnnnnnsnnnnnnnn", "nnnnnnnnnnnnnnne",
};

static bool two_bytes(struct pl_walk *w, struct pl_walk_state *s, const struct pl_x86 *x)
{
	char effect = effects[x->op >> 4][x->op & 15];

	if (strchr("fgrxat", effect))
		flags_unknown(s);
	switch (effect) {
	case 'n':
	case 'f':
		return true;
	case 'x':
	case 'g':
		s->reg[x->reg] = unknown;
		if (effect == 'x')
			set_rm(s, x, x->width, unknown);
		return true;
	case 'a':
		s->reg[PL_X86_RAX] = unknown;
		set_rm(s, x, x->width, unknown);
		return true;
	case 'r':
		set_rm(s, x, x->width, unknown);
		return true;
	case 't':
		if ((x->reg & 7) != 4)
			set_rm(s, x, x->width, unknown);
		return true;
	case 'm':
		if (x->rep != 0xf3)
			set_rm(s, x, x->width, unknown);
		return true;
	case 's':
		if (x->memory)
			pl_walk_store(s, address(s, x), 16, unknown);
		return true;
	case 'd':
		s->reg[PL_X86_RAX] = s->reg[PL_X86_RDX] = unknown;
		return true;
	case 'o':
		s->reg[x->rm] = unknown;
		return true;
	case 'S':
		set_rm(s, x, 1, unknown);
		return true;
	case 'c':
		cmov(w, s, x);
		return true;
	case 'j':
		return branch(w, s, x->op & 15, s->pc + (uint64_t)x->imm);
	case 'z':
		extend(w, s, x);
		return true;
	case 'e':
		return false;
	default:
		return pl_walk_lose(w, s);
	}
}

/* The other maps, and all that VEX encodes: whatever may be a general register changes. */
static void vectors(struct pl_walk_state *s, const struct pl_x86 *x)
{
	char effect = x->map == 1 ? effects[x->op >> 4][x->op & 15] : 'n';
	bool general = (x->map == 2 && x->op >= 0xf0) || (x->map == 3 && x->op == 0xf0) ||
		       (x->map == 3 && x->op >= 0x14 && x->op <= 0x17) || effect == 'g' ||
		       effect == 'm' || effect == 'S';

	flags_unknown(s);
	if (x->memory)
		pl_walk_store(s, address(s, x), 32, unknown);
	if (!general)
		return;
	s->reg[x->reg] = unknown;
	s->reg[x->vvvv] = unknown;
	set_rm(s, x, x->width, unknown);
}

static bool step(struct pl_walk *w, struct pl_walk_state *s)
{
	uint8_t code[PL_X86_MAX];
	size_t n = pl_walk_code(w, s->pc, code, sizeof(code));
	struct pl_x86 x;

	if (!pl_x86_decode(code, n, &x))
		return pl_walk_lose(w, s);
	s->pc += x.len;
	if (x.map == 0)
		return one_byte(w, s, &x);
	if (x.map == 1 && !x.vex)
		return two_bytes(w, s, &x);
	vectors(s, &x);
	return true;
}

const struct pl_walk_machine pl_walk_x86 = {
	.elf = EM_X86_64,
	.step = step,
};
