/*
 * Native stacks, of cores that hold this very test program as it stood in calls that are known: the
 * compiler says where each returns to.
 */
#include <ucontext.h>

#include "test_image_self.h"

enum { CALLS = 5, STACK_BYTES = 16384, RECURSION = 50, KEPT = 0x5eed };
enum { RBX = 5, RAX = 10 }; /* in the kernel's order */

/* As the innermost of the known calls saw it. */
static struct {
	pl_addr returns[CALLS]; /* where the i-th call, from the inside, goes on */
	greg_t regs[NGREG];
	uint8_t stack[STACK_BYTES]; /* from the page of the stack pointer on */
	pl_addr stack_lo;
} seen;

/* Frames and what lies between them: to a sanitizer of addresses that is no reading of variables.
 */
__attribute__((no_sanitize("address"))) static void copy_stack(uint8_t *to, pl_addr from, size_t n)
{
	const volatile uint8_t *stack = (const volatile uint8_t *)(uintptr_t)from;

	for (size_t i = 0; i < n; i++)
		to[i] = stack[i];
}

__attribute__((noinline, noclone)) static int inner(int n)
{
	ucontext_t uc;

	seen.returns[0] = (uintptr_t)__builtin_return_address(0);
	assert_int_equal(getcontext(&uc), 0);
	memcpy(seen.regs, uc.uc_mcontext.gregs, sizeof(seen.regs));
	/* With room for one more return address. */
	seen.stack_lo = ((pl_addr)seen.regs[REG_RSP] - 8) & ~UINT64_C(4095);
	copy_stack(seen.stack, seen.stack_lo, sizeof(seen.stack));
	return n + 1;
}

__attribute__((noinline, noclone)) static int middle(int n)
{
	volatile char room[100 + 64];

	room[n] = 1;
	seen.returns[1] = (uintptr_t)__builtin_return_address(0);
	return inner(n) + room[n];
}

__attribute__((noinline, noclone, used)) static int outer(int n)
{
	seen.returns[2] = (uintptr_t)__builtin_return_address(0);
	return middle(n) + 1;
}

/* Calls outer() with KEPT in rbx. */
int with_rbx(int n);
extern pl_addr with_rbx_returns;
pl_addr with_rbx_returns;
__asm__(".text\n.globl with_rbx\n.type with_rbx, @function\n"
	"with_rbx:\n.cfi_startproc\n"
	"pushq %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset rbx, -16\n"
	"movq 8(%rsp), %rax\nmovq %rax, with_rbx_returns(%rip)\n"
	"movl $0x5eed, %ebx\n"
	"call outer\n"
	"popq %rbx\n.cfi_def_cfa_offset 8\nret\n.cfi_endproc\n"
	".size with_rbx, . - with_rbx\n");

/* Below the first frames that the test knows there is enough stack to copy. */
__attribute__((noinline, noclone)) static int above(int n)
{
	volatile char room[STACK_BYTES];

	room[n] = 2;
	n = with_rbx(n) + room[n];
	seen.returns[3] = with_rbx_returns;
	return n;
}

/* More of them than the test looks at. */
__attribute__((noinline, noclone)) static int recursive(int n)
{
	volatile char room[16]; /* so that it is no loop */

	room[n % 16] = 1;
	return n ? recursive(n - 1) + room[n % 16] : inner(1);
}

__attribute__((noinline, noclone)) static int above_recursive(int n)
{
	volatile char room[STACK_BYTES];

	room[1] = 2;
	return recursive(n) + room[1];
}

/* The kernel's order (struct user_regs_struct) out of that of a ucontext. */
static void registers(uint64_t regs[27])
{
	static const int order[] = {REG_R15, REG_R14, REG_R13, REG_R12, REG_RBP, REG_RBX, REG_R11,
				    REG_R10, REG_R9,  REG_R8,  REG_RAX, REG_RCX, REG_RDX, REG_RSI,
				    REG_RDI, -1,      REG_RIP, -1,      -1,      REG_RSP};

	memset(regs, 0, 27 * sizeof(*regs));
	for (size_t i = 0; i < PL_ARRAY_LEN(order); i++) {
		if (order[i] >= 0)
			regs[i] = (uint64_t)seen.regs[order[i]];
	}
}

static void put_thread(struct build *b, const uint64_t regs[27])
{
	uint8_t status[112 + 27 * 8 + 8] = {0};

	memcpy(status + 32, &(uint32_t){42}, 4);
	memcpy(status + 112, regs, 27 * 8);
	build_note(b, NT_PRSTATUS, status, sizeof(status), DEFAULT);
}

/* What differs between the cores of the tests. */
struct plan {
	const char *path; /* the program's, as the core names it */
	size_t stack_bytes;
	pl_addr ip;  /* not 0: of a wild jump, after a call pushed its return address */
	bool blank;  /* zeros instead of the stack */
	size_t most; /* not 0: frames that may be read, of a recursion */
	pl_addr tp;  /* the thread pointer, from the start of the stack's copy; 0: none */
};

static void unwound(const struct plan *plan, struct opened *o, struct pl_native_frame **frames,
		    size_t *n, enum pl_unwind_end *end)
{
	struct pl_image_options options = {.core = in_scratch("core")};
	pl_addr bias = (pl_addr)(uintptr_t)&seen - (expected(&seen) - BASE);
	struct build_map map = {bias, bias + self_size, 0, plan->path};
	static uint8_t stack[STACK_BYTES];
	uint8_t page[4096];
	uint64_t regs[27];
	struct build b;
	size_t left;
	FILE *f = fopen(self, "rb");

	if (plan->most)
		assert_int_equal(above_recursive(RECURSION), RECURSION + 2 + 2);
	else
		assert_int_equal(above(1), 1 + 1 + 1 + 1 + 2);
	registers(regs);
	memcpy(stack, seen.stack, sizeof(stack));
	if (plan->blank)
		memset(stack, 0, sizeof(stack));
	if (plan->tp)
		regs[21] = seen.stack_lo + plan->tp;
	if (plan->ip) {
		pl_addr back = regs[16];

		regs[16] = plan->ip;
		regs[19] -= 8;
		assert_true(regs[19] >= seen.stack_lo);
		memcpy(stack + (regs[19] - seen.stack_lo), &back, 8);
	}
	assert_non_null(f);
	assert_int_equal(fread(page, 1, sizeof(page), f), sizeof(page));
	fclose(f);
	build_init(&b);
	put_thread(&b, regs);
	build_auxv(&b, AT_PHDR, bias + sizeof(Elf64_Ehdr));
	build_files(&b, &map, 1);
	build_load(&b, bias, page, sizeof(page), DEFAULT, self_size, PF_R | PF_X);
	build_load(&b, seen.stack_lo, stack, plan->stack_bytes, DEFAULT, sizeof(stack),
		   PF_R | PF_W);
	build_write(&b, options.core);
	build_fini(&b);
	open_with(o, &options);
	assert_int_equal(o->code, 0);
	left = plan->most ? plan->most : SIZE_MAX;
	*end = pl_image_unwind(o->im, 0, &left, frames, n);
	if (plan->most)
		assert_int_equal(left, plan->most - PL_MIN(plan->most, *n));
}

static const struct plan plain = {.path = self, .stack_bytes = STACK_BYTES};

static void known_calls(void **state)
{
	static const char *const names[] = {"inner", "middle", "outer", "with_rbx", "above"};
	struct pl_native_frame *frames;
	enum pl_unwind_end end;
	struct opened o;
	size_t n;

	(void)state;
	unwound(&plain, &o, &frames, &n, &end);
	/* The copy of the stack ends inside of above(). */
	assert_int_equal(n, CALLS);
	assert_int_equal(end, PL_UNWIND_LOST);
	assert_int_equal(frames[CALLS - 1].end, 0);
	assert_true(frames[0].exact);
	assert_int_equal(frames[0].pc, seen.regs[REG_RIP]);
	for (size_t i = 0; i < CALLS; i++) {
		assert_non_null(frames[i].symbol);
		assert_string_equal(frames[i].symbol, names[i]);
		assert_int_equal(frames[i].module, 0);
	}
	for (size_t i = 0; i + 1 < CALLS; i++) {
		assert_int_equal(frames[i].end, frames[i + 1].sp);
		assert_true(frames[i].sp < frames[i].end);
		assert_false(frames[i + 1].exact);
		assert_int_equal(frames[i + 1].pc, seen.returns[i]);
		/* A return address lies at the end of the frame that it ends. */
		assert_memory_equal(seen.stack + (frames[i].end - 8 - seen.stack_lo),
				    &seen.returns[i], 8);
	}
	free(frames);
	close_opened(&o);
}

/* rbx as it was, far from where it was saved, if it was; what calls may change is not known. */
static void a_register_of_a_call(void **state)
{
	const struct plan wild = {.path = self, .stack_bytes = STACK_BYTES, .ip = 0x10};
	const struct plan *const plans[] = {&plain, &wild};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(plans); i++) {
		struct pl_native_frame *frames;
		enum pl_unwind_end end;
		struct opened o;
		uint64_t value = 1;
		size_t n;

		unwound(plans[i], &o, &frames, &n, &end);
		assert_string_equal(frames[3 + i].symbol, "with_rbx");
		assert_false(pl_image_unwind_register(o.im, 0, 3 + i, RAX, &value));
		assert_false(pl_image_unwind_register(o.im, 0, n, RBX, &value));
		assert_false(pl_image_unwind_register(o.im, 0, 3 + i, 1000, &value));
		assert_int_equal(value, 1);
		assert_true(pl_image_unwind_register(o.im, 0, 3 + i, RBX, &value));
		assert_int_equal(value, KEPT);
		assert_true(pl_image_unwind_register(o.im, 0, 0, RBX, &value));
		assert_int_equal(value, seen.regs[REG_RBX]);
		free(frames);
		close_opened(&o);
	}
}

static void a_call_through_null(void **state)
{
	const struct plan plan = {.path = self, .stack_bytes = STACK_BYTES, .ip = 0x10};
	struct pl_native_frame *frames;
	enum pl_unwind_end end;
	struct opened o;
	size_t n;

	(void)state;
	unwound(&plan, &o, &frames, &n, &end);
	assert_int_equal(n, CALLS + 1);
	assert_int_equal(frames[0].pc, 0x10);
	assert_int_equal(frames[0].module, -1);
	assert_null(frames[0].symbol);
	assert_true(frames[0].exact);
	assert_string_equal(frames[1].symbol, "inner");
	assert_int_equal(frames[1].pc, seen.regs[REG_RIP]);
	assert_false(frames[1].exact);
	assert_string_equal(frames[2].symbol, "middle");
	assert_int_equal(frames[2].pc, seen.returns[0]);
	free(frames);
	close_opened(&o);
}

static void a_file_that_is_missing(void **state)
{
	const struct plan plan = {.path = "/no/such/program", .stack_bytes = STACK_BYTES};
	struct pl_native_frame *frames;
	enum pl_unwind_end end;
	struct opened o;
	size_t n;

	(void)state;
	unwound(&plan, &o, &frames, &n, &end);
	assert_int_equal(n, 1);
	assert_int_equal(end, PL_UNWIND_NO_FILE);
	assert_int_equal(frames[0].pc, seen.regs[REG_RIP]);
	assert_int_equal(frames[0].module, 0);
	free(frames);
	close_opened(&o);
}

/* However little of the stack is there: what comes is a beginning of the truth. */
static void a_stack_that_is_cut(void **state)
{
	struct pl_native_frame *frames, *whole;
	enum pl_unwind_end end;
	struct opened o, all;
	size_t n, n_whole, least = SIZE_MAX;

	(void)state;
	unwound(&plain, &all, &whole, &n_whole, &end);
	for (size_t bytes = 8; bytes < STACK_BYTES / 2; bytes += 8 * 37) {
		const struct plan plan = {.path = self, .stack_bytes = bytes};

		unwound(&plan, &o, &frames, &n, &end);
		assert_in_range(n, 1, n_whole);
		for (size_t i = 0; i < n; i++)
			assert_ptr_not_equal(frames[i].symbol, NULL);
		assert_int_equal(end, PL_UNWIND_LOST);
		least = PL_MIN(least, n);
		free(frames);
		close_opened(&o);
	}
	assert_int_equal(least, 1);
	free(whole);
	close_opened(&all);
}

/* Zeros are no stack, whether the thread pointer is in them or not. */
static void a_stack_that_is_blank(void **state)
{
	const struct plan plans[] = {
		{.path = self, .stack_bytes = STACK_BYTES, .blank = true},
		{.path = self, .stack_bytes = STACK_BYTES, .blank = true, .tp = STACK_BYTES - 64},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(plans); i++) {
		struct pl_native_frame *frames;
		enum pl_unwind_end end;
		struct opened o;
		size_t n;

		unwound(&plans[i], &o, &frames, &n, &end);
		assert_int_equal(n, 1);
		assert_int_equal(end, PL_UNWIND_BLANK);
		assert_int_equal(frames[0].pc, seen.regs[REG_RIP]);
		assert_note(&o, "missing-stacks", "of 1 of its 1 threads");
		assert_true(o.ctx.partial);
		free(frames);
		close_opened(&o);
	}
}

/* A page of zeros at the stack pointer is a function's own, where the thread itself is there. */
static void a_big_array_is_not_blank(void **state)
{
	uint8_t memory[4 * 4096] = {0};
	struct pl_image_options options = {.core = in_scratch("core")};
	const struct pl_thread *threads;
	struct opened o;
	struct build b;
	size_t n;

	(void)state;
	memcpy(memory + sizeof(memory) - 64, &(uint64_t){BASE + sizeof(memory) - 64}, 8);
	for (int known = 0; known < 2; known++) {
		uint64_t regs[27] = {[19] = BASE};

		regs[21] = known ? BASE + sizeof(memory) - 64 : 0;
		build_init(&b);
		put_thread(&b, regs);
		build_load(&b, BASE, memory, sizeof(memory), DEFAULT, sizeof(memory), PF_R | PF_W);
		build_write(&b, options.core);
		build_fini(&b);
		open_with(&o, &options);
		assert_int_equal(o.code, 0);
		threads = pl_image_threads(o.im, &n);
		assert_int_equal(n, 1);
		assert_false(pl_image_stack_blank(o.im, &threads[0]));
		assert_int_equal(o.ctx.n_notes, 0);
		close_opened(&o);
	}
}

/* No more frames than are left for all threads, but a few. */
static void frames_that_are_left(void **state)
{
	static const struct {
		size_t left, read;
	} rows[] = {{40, 40}, {17, 17}, {1, 16}};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		const struct plan plan = {
			.path = self, .stack_bytes = STACK_BYTES, .most = rows[i].left};
		struct pl_native_frame *frames;
		enum pl_unwind_end end;
		struct opened o;
		size_t n;

		unwound(&plan, &o, &frames, &n, &end);
		assert_int_equal(n, rows[i].read);
		assert_int_equal(end, PL_UNWIND_BOUND);
		assert_string_equal(frames[n - 1].symbol, "recursive");
		free(frames);
		close_opened(&o);
	}
}

/* Threads whose stacks share a mapping, beside one that has its own: who holds an address. */
static void whose_stack_it_is(void **state)
{
	enum { SIZE = 0x40000, OTHER = 0x100000 };
	static const struct {
		uint64_t sp, tp;
	} made[] = {{0x21000, 0x2fac0}, {0x1000, 0xfac0}, {0x11000, 0x1fac0}, {OTHER + 0x800, 8}};
	static const struct {
		uint64_t at;
		enum pl_stack_part part;
		size_t thread;
	} rows[] = {
		{0, PL_STACK_DEAD, 1},
		{0x1000, PL_STACK_LIVE, 1},
		{0xffff, PL_STACK_LIVE, 1},
		{0x10000, PL_STACK_DEAD, 2},
		{0x11008, PL_STACK_LIVE, 2},
		{0x20fff - 0x200, PL_STACK_DEAD, 0},
		{0x2ffff, PL_STACK_LIVE, 0},
		{0x30000, PL_STACK_NONE, 0},
		{SIZE, PL_STACK_NONE, 0},
		{OTHER + 8, PL_STACK_DEAD, 3},
		{OTHER + 0xfff, PL_STACK_LIVE, 3},
		{OTHER + 0x1000, PL_STACK_NONE, 0},
	};
	struct pl_image_options options = {.core = in_scratch("core")};
	static uint8_t memory[SIZE];
	const struct pl_thread *threads, *t;
	struct opened o;
	struct build b;
	size_t n;

	(void)state;
	memset(memory, 1, sizeof(memory));
	build_init(&b);
	for (size_t i = 0; i < PL_ARRAY_LEN(made); i++) {
		uint64_t regs[27] = {[19] = BASE + made[i].sp, [21] = BASE + made[i].tp};

		put_thread(&b, regs);
	}
	build_load(&b, BASE, memory, SIZE, DEFAULT, SIZE, PF_R | PF_W);
	build_load(&b, BASE + OTHER, memory, 0x1000, DEFAULT, 0x1000, PF_R | PF_W);
	build_write(&b, options.core);
	build_fini(&b);
	open_with(&o, &options);
	assert_int_equal(o.code, 0);
	threads = pl_image_threads(o.im, &n);
	assert_int_equal(n, PL_ARRAY_LEN(made));
	for (size_t i = 0; i < PL_ARRAY_LEN(rows); i++) {
		assert_int_equal(pl_image_stack(o.im, BASE + rows[i].at, &t), rows[i].part);
		if (rows[i].part != PL_STACK_NONE)
			assert_ptr_equal(t, &threads[rows[i].thread]);
	}
	close_opened(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_calls),
		cmocka_unit_test(a_register_of_a_call),
		cmocka_unit_test(a_call_through_null),
		cmocka_unit_test(a_file_that_is_missing),
		cmocka_unit_test(a_stack_that_is_cut),
		cmocka_unit_test(a_stack_that_is_blank),
		cmocka_unit_test(a_big_array_is_not_blank),
		cmocka_unit_test(frames_that_are_left),
		cmocka_unit_test(whose_stack_it_is),
	};

	return cmocka_run_group_tests(tests, find_self, scratch_remove);
}
