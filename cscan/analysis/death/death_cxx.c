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

enum {
	TYPE_BEFORE = 80,       /* exceptionType, before unwindHeader: ten words */
	TYPE_NAME = 8,          /* in std::type_info, behind the pointer to its functions */
	MAX_STACK_WORDS = 4096, /* of the calls that give up */
	MAX_CODE = 256,         /* bytes of operator new() */
	COLD_BYTES = 64,        /* of its cold part: allocate the exception, throw it */
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
 * The size that operator new(unsigned long) could not get, if the call that threw is its; else 0.
 * It keeps the size while it calls malloc(), and goes on elsewhere when there is no memory:
 * compilers put that behind other functions, as no part of any symbol.
 */
static uint64_t asked_for(struct pl_death *d, size_t thrower)
{
	const struct pl_patterns *m = pl_image_machine(d->im)->patterns;
	const struct pl_native_frame *f = &d->stacks[0].frames[thrower];
	struct pl_kept_argument kept;
	struct pl_symbol symbol;
	pl_addr at = f->pc - 1; /* in the call that does not return */
	const uint8_t *code;
	uint64_t size, n;

	if (f->module < 0 || !pl_image_symbol(d->im, f->module, "_Znwm", &symbol))
		return 0;
	n = PL_MIN(symbol.size, (uint64_t)MAX_CODE);
	code = n ? pl_at(d->v, symbol.addr, n) : NULL;
	if (!code || !m->kept_argument(code, n, symbol.addr, &kept))
		return 0;
	if (at - symbol.addr >= n && (!kept.cold || at - kept.cold >= COLD_BYTES))
		return 0;
	return pl_image_unwind_register(d->im, 0, thrower, kept.reg, &size) ? size : 0;
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
