/*
 * death_cxx.c - the C++ exception that nobody caught: was it std::bad_alloc, and how much memory
 * could not be had.
 *
 * When no handler is found, __cxa_throw() itself calls std::terminate() (libsupc++'s eh_throw.cc),
 * so that all calls up to the one that threw are still on the stack. A thrown object lies behind a
 * header (struct __cxa_exception in libsupc++'s unwind-cxx.h, part of the C++ ABI for Itanium that
 * all but a few machines follow), to whose end __cxa_throw() keeps a pointer; what that points to
 * begins with the eight bytes "GNUCC++\0", which nothing else has.
 */
#include "analysis/death/death.h"
#include "machine/x86.h"

enum {
	TYPE_BEFORE = 80,       /* exceptionType, before unwindHeader: ten words */
	TYPE_NAME = 8,          /* in std::type_info, behind the pointer to its functions */
	MAX_STACK_WORDS = 4096, /* of the calls that give up */
	MAX_CODE = 256,         /* bytes of operator new() */
	COLD_BYTES = 64,        /* of its cold part: allocate the exception, throw it */
	CALL = 0xe8,
	MOV_TO_RM = 0x89,
	MOV_TO_REG = 0x8b,
	JCC = 0x80, /* to 0x8f, of two bytes */
	RDI = 7,
};
#define GNU_CXX UINT64_C(0x474e5543432b2b00) /* exception_class, "GNUCC++\0" read as a number */

static bool is(const struct pl_native_frame *f, const char *function)
{
	return f->symbol && pl_call_is(&(struct pl_call){.native = f}, function);
}

/* Index of the call that called std::terminate(), or 0. */
static size_t terminated(const struct pl_stack *s)
{
	size_t n = PL_MIN(s->n_frames, (size_t)16);

	for (size_t i = 0; i + 1 < n; i++) {
		if (is(&s->frames[i], "_ZSt9terminatev"))
			return i + 1;
	}
	return 0;
}

/* Is the exception whose unwindHeader is at addr a std::bad_alloc? */
static bool is_bad_alloc(const struct pl_death *d, pl_addr addr)
{
	uint64_t class, type, text;
	char name[32];

	return addr >= TYPE_BEFORE && addr % 8 == 0 && pl_read64(d->v, addr, &class) &&
	       class == GNU_CXX && pl_read64(d->v, addr - TYPE_BEFORE, &type) &&
	       pl_read64(d->v, type + TYPE_NAME, &text) &&
	       pl_read_cstr(d->v, text, name, sizeof(name)) && !strcmp(name, "St9bad_alloc");
}

/* ---- what operator new() was asked for ---- */

/*
 * Where operator new(unsigned long) keeps the size while it calls malloc(), and where it goes on
 * when there is no memory: compilers put that behind other functions, as no part of any symbol.
 */
struct operator_new {
	pl_addr lo, hi;
	unsigned size; /* register, by the processor's number */
	pl_addr cold;  /* 0: none */
};

static bool read_operator_new(struct pl_death *d, int module, struct operator_new *ret)
{
	struct operator_new o = {.size = PL_X86_NONE};
	struct pl_symbol symbol;
	unsigned argument = PL_X86_NONE; /* register that was last copied to rdi */
	const uint8_t *code;
	uint64_t n;

	if (module < 0 || !pl_image_symbol(d->im, module, "_Znwm", &symbol))
		return false;
	n = PL_MIN(symbol.size, (uint64_t)MAX_CODE);
	code = n ? pl_at(d->v, symbol.addr, n) : NULL;
	o.lo = symbol.addr;
	o.hi = symbol.addr + n;
	for (uint64_t i = 0; code && i < n;) {
		struct pl_x86 x;
		pl_addr to;

		if (!pl_x86_decode(code + i, n - i, &x))
			return false;
		i += x.len;
		to = o.lo + i + (uint64_t)x.imm;
		if (!x.map && x.width == 8 && x.has_modrm && !x.memory && x.op == MOV_TO_RM &&
		    x.rm == RDI)
			argument = x.reg;
		else if (!x.map && x.width == 8 && x.has_modrm && !x.memory && x.op == MOV_TO_REG &&
			 x.reg == RDI)
			argument = x.rm;
		else if (!x.map && x.op == CALL && o.size == PL_X86_NONE)
			o.size = argument; /* its first call is malloc() */
		else if (x.map == 1 && (x.op & 0xf0) == JCC && (to < o.lo || to >= o.hi))
			o.cold = to;
	}
	*ret = o;
	return o.size < PL_X86_RIP;
}

/* Index in pl_thread.regs of the register with the processor's number. */
static bool find_register(const struct pl_death *d, unsigned number, size_t *ret)
{
	static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

	for (size_t i = 0; i < d->stacks[0].thread->n_regs; i++) {
		if (!strcmp(pl_image_register(d->im, i), names[number])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* The size that operator new() could not get, if the call that threw is its; else 0. */
static uint64_t asked_for(struct pl_death *d, size_t thrower)
{
	const struct pl_native_frame *f = &d->stacks[0].frames[thrower];
	struct operator_new o;
	pl_addr at = f->pc - 1; /* in the call that does not return */
	uint64_t size = 0;
	size_t reg;

	if (!read_operator_new(d, f->module, &o) ||
	    !((at >= o.lo && at < o.hi) || (o.cold && at >= o.cold && at - o.cold < COLD_BYTES)) ||
	    !find_register(d, o.size, &reg) ||
	    !pl_image_unwind_register(d->im, 0, thrower, reg, &size))
		return 0;
	return size;
}

bool pl_death_bad_alloc(struct pl_death *d, uint64_t *asked)
{
	const struct pl_stack *s = &d->stacks[0];
	size_t caller = terminated(s);
	bool found = false;
	pl_addr end;

	if (!caller)
		return false;
	/* The exception is the outermost: the one that the caller of terminate() has. */
	end = s->frames[caller].end;
	for (uint64_t i = 0; i < MAX_STACK_WORDS && s->frames[0].sp + 8 * i < end; i++) {
		uint64_t word;

		if (pl_read64(d->v, s->frames[0].sp + 8 * i, &word))
			found |= is_bad_alloc(d, word);
	}
	*asked = found && is(&s->frames[caller], "__cxa_throw") && caller + 1 < s->n_frames
			 ? asked_for(d, caller + 1)
			 : 0;
	return found;
}
