/*
 * What a machine says of itself agrees with the headers of the C library and with the ABI, and fits
 * into what others have room for; traps and patterns are told from bytes made for it.
 */
#include "machine/machine.h"

#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <ucontext.h>

#include "cmocka_all.h"
#include "object/traverse/walk.h"

static const struct pl_machine *x86(void)
{
	const struct pl_machine *m = pl_machine_find(EM_X86_64);

	assert_non_null(m);
	return m;
}

static const char *name(const struct pl_machine *m, size_t index)
{
	assert_true(index < m->regs->n);
	return m->regs->names[index];
}

/* ---- every machine ---- */

static void machines_are_found_by_number(void **state)
{
	(void)state;
	assert_int_equal(x86()->elf, EM_X86_64);
	assert_null(pl_machine_find(EM_AARCH64));
	assert_null(pl_machine_find(EM_NONE));
	assert_string_equal(pl_machine_name(EM_AARCH64), "an aarch64");
	assert_string_equal(pl_machine_name(EM_X86_64), "an x86-64");
	assert_null(pl_machine_name(0xfedc));
}

/* Of all numbers there are: a new machine is tested by being there. */
static void all_fit(void **state)
{
	unsigned found = 0;

	(void)state;
	for (unsigned elf = 0; elf <= UINT16_MAX; elf++) {
		const struct pl_machine *m = pl_machine_find((uint16_t)elf);
		const struct pl_registers *r;

		if (!m)
			continue;
		found++;
		r = m->regs;
		assert_non_null(pl_machine_name((uint16_t)elf));
		assert_true(r->n <= PL_REGS_MAX);
		assert_true(r->n_numbers <= PL_WALK_REGS);
		assert_true(r->pc < r->n && r->sp < r->n && r->tp < r->n);
		assert_true(r->of_program >> r->sp & 1 && r->of_program >> r->pc & 1);
		assert_true(r->n == 32 || r->of_program >> r->n == 0);
		assert_int_equal(r->by_dwarf[r->dwarf_sp], r->sp);
		assert_int_equal(pl_machine_register(m, m->calls->sp), r->sp);
		assert_int_equal(pl_machine_register(m, r->n_numbers), r->n);
		assert_true(m->calls->n_args >= 3); /* tp_traverse has so many */
		assert_true(m->calls->n_kept <= PL_WALK_KEPT);
		assert_false(pl_machine_kept(m, r->sp));
		assert_false(pl_machine_kept(m, r->n));
		for (unsigned i = 0; i < m->calls->n_args; i++)
			assert_false(pl_machine_kept(m, pl_machine_register(m, m->calls->args[i])));
		for (unsigned i = 0; i < m->sigframes->n_order; i++)
			assert_true(m->sigframes->order[i] < r->n);
		assert_true(m->space->hole < m->space->hole_end);
		assert_true(m->space->hole <= PL_ADDRESS_END);
		assert_true(m->patterns->step > 0);
	}
	assert_int_equal(found, 1);
}

static void limits_are_in_order(void **state)
{
	(void)state;
	assert_int_equal(PL_ADDRESS_LEAST, PL_PAGE);
	assert_true(PL_ADDRESS_LEAST < PL_NULL_END);
	/* The page of old system calls is no process's. */
	assert_true(UINT64_C(0xffffffffff600000) >= PL_ADDRESS_END);
	assert_int_equal(x86()->space->hole, UINT64_C(0x0000800000000000));
	assert_int_equal(x86()->space->hole_end, UINT64_C(0xffff800000000000));
	assert_int_equal(x86()->calls->red_zone, 128);
}

/* ---- x86-64's registers ---- */

static void registers_are_where_the_kernel_has_them(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
	} members[] = {
		{"r15", offsetof(struct user_regs_struct, r15)},
		{"r12", offsetof(struct user_regs_struct, r12)},
		{"rbp", offsetof(struct user_regs_struct, rbp)},
		{"rbx", offsetof(struct user_regs_struct, rbx)},
		{"r8", offsetof(struct user_regs_struct, r8)},
		{"rax", offsetof(struct user_regs_struct, rax)},
		{"rdi", offsetof(struct user_regs_struct, rdi)},
		{"orig_rax", offsetof(struct user_regs_struct, orig_rax)},
		{"rip", offsetof(struct user_regs_struct, rip)},
		{"eflags", offsetof(struct user_regs_struct, eflags)},
		{"rsp", offsetof(struct user_regs_struct, rsp)},
		{"fs_base", offsetof(struct user_regs_struct, fs_base)},
		{"gs", offsetof(struct user_regs_struct, gs)},
	};
	const struct pl_machine *m = x86();

	(void)state;
	assert_int_equal(m->regs->n * 8, sizeof(struct user_regs_struct));
	for (size_t i = 0; i < PL_ARRAY_LEN(members); i++)
		assert_string_equal(name(m, members[i].offset / 8), members[i].name);
	assert_string_equal(name(m, m->regs->pc), "rip");
	assert_string_equal(name(m, m->regs->sp), "rsp");
	assert_string_equal(name(m, m->regs->tp), "fs_base");
	assert_string_equal(name(m, m->syscalls->number), "orig_rax");
	assert_int_equal(m->syscalls->futex, SYS_futex);
}

static void registers_have_their_numbers(void **state)
{
	static const char *const by_number[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
						"rsi", "rdi", "r8",  "r9",  "r10", "r11",
						"r12", "r13", "r14", "r15"};
	static const char *const by_dwarf[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
					       "rbp", "rsp", "r8",  "r9",  "r10", "r11",
					       "r12", "r13", "r14", "r15"};
	static const char *const args[] = {"rdi", "rsi", "rdx", "rcx", "r8", "r9"};
	const struct pl_machine *m = x86();

	(void)state;
	assert_int_equal(m->regs->n_numbers, PL_ARRAY_LEN(by_number));
	for (unsigned i = 0; i < PL_ARRAY_LEN(by_number); i++)
		assert_string_equal(name(m, pl_machine_register(m, i)), by_number[i]);
	assert_int_equal(m->regs->n_dwarf, PL_ARRAY_LEN(by_dwarf));
	for (unsigned i = 0; i < PL_ARRAY_LEN(by_dwarf); i++)
		assert_string_equal(name(m, m->regs->by_dwarf[i]), by_dwarf[i]);
	assert_int_equal(m->calls->n_args, PL_ARRAY_LEN(args));
	for (unsigned i = 0; i < PL_ARRAY_LEN(args); i++)
		assert_string_equal(name(m, pl_machine_register(m, m->calls->args[i])), args[i]);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(name(m, m->syscalls->args[i]), args[i]);
	assert_string_equal(name(m, m->syscalls->result), "rax");
	assert_string_equal(name(m, pl_machine_register(m, m->calls->result)), "rax");
}

static bool is_one_of(const char *s, const char *const *names)
{
	while (*names && strcmp(s, *names) != 0)
		names++;
	return *names;
}

static void registers_have_their_owners(void **state)
{
	static const char *const kept[] = {"rbx", "rbp", "r12", "r13", "r14", "r15", NULL};
	static const char *const others[] = {"orig_rax", "cs", "eflags", "ss", "fs_base", "gs_base",
					     "ds",       "es", "fs",     "gs", NULL};
	const struct pl_machine *m = x86();

	(void)state;
	for (unsigned i = 0; i < m->regs->n; i++) {
		assert_int_equal(pl_machine_kept(m, i), is_one_of(name(m, i), kept));
		assert_int_equal(m->regs->of_program >> i & 1, !is_one_of(name(m, i), others));
	}
}

/* ---- x86-64's frames and traps ---- */

/* The bytes at BASE. */
#define BASE UINT64_C(0x7000)
struct bytes {
	uint8_t at[512];
	size_t n;
};

static bool read_bytes(void *arg, pl_addr addr, void *buf, uint64_t n)
{
	const struct bytes *b = arg;

	if (addr < BASE || addr - BASE > b->n || n > b->n - (addr - BASE))
		return false;
	memcpy(buf, b->at + (addr - BASE), (size_t)n);
	return true;
}

static void a_frame_is_laid_out_as_the_kernel_does(void **state)
{
	const struct pl_sigframes *f = x86()->sigframes;
	static const struct {
		int reg; /* of gregs */
		const char *name;
	} regs[] = {{REG_R8, "r8"},   {REG_R15, "r15"}, {REG_RDI, "rdi"}, {REG_RSI, "rsi"},
		    {REG_RBP, "rbp"}, {REG_RBX, "rbx"}, {REG_RDX, "rdx"}, {REG_RAX, "rax"},
		    {REG_RCX, "rcx"}, {REG_RSP, "rsp"}, {REG_RIP, "rip"}, {REG_EFL, "eflags"}};

	(void)state;
	/* The stack pointer is at the ucontext_t when the handler has returned. */
	assert_int_equal(f->stack, offsetof(ucontext_t, uc_stack));
	assert_int_equal(f->regs, offsetof(ucontext_t, uc_mcontext));
	for (size_t i = 0; i < PL_ARRAY_LEN(regs); i++)
		assert_string_equal(name(x86(), f->order[regs[i].reg]), regs[i].name);
	/* Of the kernel's signal mask it has 8 bytes, not glibc's 128. */
	assert_int_equal(f->info, offsetof(ucontext_t, uc_sigmask) + 8);
}

enum { CONTEXT = 256 }; /* where the registers lie in the bytes; the code is before them */

struct trapped {
	struct bytes mem;
	uint64_t regs[PL_REGS_MAX];
};

static void set_word(struct bytes *b, int reg, uint64_t value)
{
	memcpy(b->at + CONTEXT + 8 * reg, &value, sizeof(value));
}

static void make_trap(struct trapped *t, const void *code, size_t n, uint64_t number, uint64_t err,
		      uint64_t addr)
{
	*t = (struct trapped){.mem = {.n = sizeof(t->mem.at)}};
	memcpy(t->mem.at + 16, code, n);
	t->regs[x86()->regs->pc] = BASE + 16;
	set_word(&t->mem, REG_TRAPNO, number);
	set_word(&t->mem, REG_ERR, err);
	set_word(&t->mem, REG_CR2, addr);
}

static bool ask_trap(struct trapped *t, struct pl_trap *ret)
{
	const struct pl_memory mem = {read_bytes, &t->mem};

	return x86()->sigframes->trap(&mem, BASE + CONTEXT, t->regs, ret);
}

static void pages_that_could_not_be_used(void **state)
{
	static const struct {
		uint64_t err;
		enum pl_access access;
	} rows[] = {{4, PL_ACCESS_READ},
		    {6, PL_ACCESS_WRITE},
		    {7, PL_ACCESS_WRITE},
		    {0x14, PL_ACCESS_EXEC},
		    {5, PL_ACCESS_READ}};
	struct pl_trap trap;
	struct trapped t;

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		make_trap(&t, "\x90\x90", 2, 14, rows[i].err, 0x1234);
		assert_true(ask_trap(&t, &trap));
		assert_true(trap.page);
		assert_int_equal(trap.addr, 0x1234);
		assert_int_equal(trap.access, rows[i].access);
	}
}

static void other_traps(void **state)
{
	struct pl_trap trap = {.signal = 99};
	struct trapped t;

	(void)state;
	make_trap(&t, "\x0f\x0b", 2, 6, 0, 0); /* ud2 */
	assert_true(ask_trap(&t, &trap));
	assert_int_equal(trap.signal, SIGILL);
	assert_int_equal(trap.code, ILL_ILLOPN);
	assert_int_equal(trap.addr, BASE + 16);
	assert_false(trap.page);
	make_trap(&t, "\x8b\x07", 2, 13, 0, 77); /* an address in the hole: not told */
	assert_true(ask_trap(&t, &trap));
	assert_int_equal(trap.signal, SIGSEGV);
	assert_int_equal(trap.code, 0x80);
	assert_int_equal(trap.addr, 0);
	make_trap(&t, "\x48\xf7\xf9", 3, 0, 0, 0); /* idiv rcx */
	assert_true(ask_trap(&t, &trap));
	assert_int_equal(trap.signal, SIGFPE);
	assert_int_equal(trap.code, FPE_INTDIV);
}

static void what_is_no_trap(void **state)
{
	struct pl_trap trap = {.signal = 99};
	struct trapped t;

	(void)state;
	/* No trap was ever noted, which reads as number 0; the instruction does not divide. */
	make_trap(&t, "\x48\xf7\xd9", 3, 0, 0, 0); /* neg rcx */
	assert_false(ask_trap(&t, &trap));
	make_trap(&t, "\x90\x90", 2, 200, 0, 0);
	assert_false(ask_trap(&t, &trap));
	/* The trap is an older one's: the thread comes out of a system call. */
	make_trap(&t, "\x90\x90", 2, 14, 4, 0x1234);
	memcpy(t.mem.at + 14, "\x0f\x05", 2);
	t.regs[pl_machine_register(x86(), 1)] = BASE + 16; /* rcx */
	assert_false(ask_trap(&t, &trap));
	/* The same bytes, but rcx is another's. */
	t.regs[pl_machine_register(x86(), 1)] = 5;
	assert_true(ask_trap(&t, &trap));
	make_trap(&t, "\x90\x90", 2, 14, 4, 0x1234);
	t.mem.n = CONTEXT + 8 * REG_CR2; /* cut off in front of the address */
	trap.signal = 99;
	assert_false(ask_trap(&t, &trap));
	assert_int_equal(trap.signal, 99);
}

/* ---- x86-64's patterns ---- */

#define PC UINT64_C(0x401000)

static bool constant(const void *code, size_t n, pl_addr *ret)
{
	return x86()->patterns->constant_argument(code, n, PC, ret);
}

static void constants_that_are_arguments(void **state)
{
	static const uint8_t lea_rdi[] = {0x48, 0x8d, 0x3d, 0x10, 0, 0, 0};
	static const uint8_t lea_rsi[] = {0x48, 0x8d, 0x35, 0xf0, 0xff, 0xff, 0xff};
	static const uint8_t lea_rax[] = {0x48, 0x8d, 0x05, 0x10, 0, 0, 0};
	static const uint8_t lea_stack[] = {0x48, 0x8d, 0x7c, 0x24, 0x10}; /* lea rdi, [rsp + 16] */
	static const uint8_t mov_edi[] = {0xbf, 0x00, 0x20, 0x40, 0x00};
	static const uint8_t mov_rsi[] = {0x48, 0xbe, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t mov_edx[] = {0xba, 0x00, 0x20, 0x40, 0x00};
	pl_addr at = 1;

	(void)state;
	assert_true(constant(lea_rdi, sizeof(lea_rdi), &at));
	assert_int_equal(at, PC + 7 + 16);
	assert_true(constant(lea_rsi, sizeof(lea_rsi), &at));
	assert_int_equal(at, PC + 7 - 16);
	assert_true(constant(mov_edi, sizeof(mov_edi), &at));
	assert_int_equal(at, 0x402000);
	assert_true(constant(mov_rsi, sizeof(mov_rsi), &at));
	assert_int_equal(at, UINT64_C(0x0807060504030201));
	at = 1;
	assert_false(constant(lea_rax, sizeof(lea_rax), &at));
	assert_false(constant(lea_stack, sizeof(lea_stack), &at));
	assert_false(constant(mov_edx, sizeof(mov_edx), &at));
	for (size_t n = 0; n < sizeof(lea_rdi); n++)
		assert_false(constant(lea_rdi, n, &at));
	assert_int_equal(at, 1);
}

/* push rbx; mov rbx,rdi; mov rdi,rbx; call; test rax,rax; je cold; pop rbx; ret */
static const uint8_t keeps[] = {0x53, 0x48, 0x89, 0xfb, 0x48, 0x89, 0xdf, 0xe8, 0x10, 0x20, 0,   0,
				0x48, 0x85, 0xc0, 0x0f, 0x84, 0x00, 0x10, 0,    0,    0x5b, 0xc3};

static void arguments_that_are_kept(void **state)
{
	struct pl_kept_argument kept = {0};
	uint8_t code[sizeof(keeps)];

	(void)state;
	assert_true(x86()->patterns->kept_argument(keeps, sizeof(keeps), PC, &kept));
	assert_string_equal(name(x86(), kept.reg), "rbx");
	assert_int_equal(kept.cold, PC + 21 + 0x1000);
	/* The other form of the copy, and from r12. */
	memcpy(code, keeps, sizeof(code));
	memcpy(code + 4, "\x49\x8b\xfc", 3);
	assert_true(x86()->patterns->kept_argument(code, sizeof(code), PC, &kept));
	assert_string_equal(name(x86(), kept.reg), "r12");
	/* A jump within the function is no cold part. */
	memcpy(code + 17, "\x00\x00\x00\x00", 4);
	assert_true(x86()->patterns->kept_argument(code, sizeof(code), PC, &kept));
	assert_int_equal(kept.cold, 0);
}

static void arguments_that_are_not_kept(void **state)
{
	struct pl_kept_argument kept = {.reg = 77, .cold = 78};
	uint8_t code[sizeof(keeps)];

	(void)state;
	/* Half a register is copied. */
	memcpy(code, keeps, sizeof(code));
	code[4] = 0x40;
	assert_false(x86()->patterns->kept_argument(code, sizeof(code), PC, &kept));
	/* No call, nothing at all, and what ends within an instruction. */
	assert_false(x86()->patterns->kept_argument(keeps, 7, PC, &kept));
	assert_false(x86()->patterns->kept_argument(keeps, 0, PC, &kept));
	assert_false(x86()->patterns->kept_argument(keeps, sizeof(keeps) - 4, PC, &kept));
	assert_int_equal(kept.reg, 77);
	assert_int_equal(kept.cold, 78);
}

static void variables_that_are_returned(void **state)
{
	static const uint8_t load[] = {0x48, 0x8b, 0x05, 0x00, 0x01, 0, 0, 0xc3};
	static const char endbr64[] = "\xf3\x0f\x1e\xfa", prologue[] = "\x55\x48\x89\xe5";
	uint8_t code[PL_SMALL_FUNCTION] = {0};
	pl_addr at = 1;

	(void)state;
	memcpy(code, load, sizeof(load));
	assert_true(x86()->patterns->returned_variable(code, sizeof(code), PC, &at));
	assert_int_equal(at, PC + 7 + 0x100);
	memcpy(code, endbr64, 4);
	memcpy(code + 4, load, sizeof(load));
	assert_true(x86()->patterns->returned_variable(code, sizeof(code), PC, &at));
	assert_int_equal(at, PC + 11 + 0x100);
	memcpy(code + 4, prologue, 4);
	memcpy(code + 8, load, sizeof(load));
	assert_true(x86()->patterns->returned_variable(code, sizeof(code), PC, &at));
	assert_int_equal(at, PC + 15 + 0x100);
	at = 1;
	code[9] = 0x89; /* it stores */
	assert_false(x86()->patterns->returned_variable(code, sizeof(code), PC, &at));
	assert_false(x86()->patterns->returned_variable(code, sizeof(code) - 1, PC, &at));
	assert_int_equal(at, 1);
}

/* Whatever the bytes: nothing behind them is read (by the sanitizers' word), and an answer is a
 * register that there is. */
static void any_bytes(void **state)
{
	const struct pl_patterns *p = x86()->patterns;
	unsigned seed = 3, found = 0;

	(void)state;
	for (unsigned round = 0; round < 50000; round++) {
		size_t n = round % 48;
		uint8_t *code = malloc(n + !n);
		struct pl_kept_argument kept;
		pl_addr at = 0;

		assert_non_null(code);
		for (size_t i = 0; i < n; i++)
			code[i] = (uint8_t)(rand_r(&seed) >> 7);
		/* Half of them start like something. */
		if (round & 1)
			memcpy(code, keeps, PL_MIN(n, (size_t)12));
		if (p->kept_argument(code, n, PC, &kept)) {
			assert_true(kept.reg < x86()->regs->n);
			found++;
		}
		found += p->constant_argument(code, n, PC, &at);
		found += p->returned_variable(code, n, PC, &at);
		free(code);
	}
	assert_true(found > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_are_found_by_number),
		cmocka_unit_test(all_fit),
		cmocka_unit_test(limits_are_in_order),
		cmocka_unit_test(registers_are_where_the_kernel_has_them),
		cmocka_unit_test(registers_have_their_numbers),
		cmocka_unit_test(registers_have_their_owners),
		cmocka_unit_test(a_frame_is_laid_out_as_the_kernel_does),
		cmocka_unit_test(pages_that_could_not_be_used),
		cmocka_unit_test(other_traps),
		cmocka_unit_test(what_is_no_trap),
		cmocka_unit_test(constants_that_are_arguments),
		cmocka_unit_test(arguments_that_are_kept),
		cmocka_unit_test(arguments_that_are_not_kept),
		cmocka_unit_test(variables_that_are_returned),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
