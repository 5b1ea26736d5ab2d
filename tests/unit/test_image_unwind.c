/*
 * Native stacks, of cores that hold this very test program as it stood in calls that are known: the
 * compiler says where each returns to.
 */
#include <ucontext.h>

#include "test_image_self.h"

enum { CALLS = 5, STACK_BYTES = 16384, KEPT = 0x5eed };
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
	pl_addr ip; /* not 0: of a wild jump, after a call pushed its return address */
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
	FILE *f = fopen(self, "rb");

	assert_int_equal(above(1), 1 + 1 + 1 + 1 + 2);
	registers(regs);
	memcpy(stack, seen.stack, sizeof(stack));
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
	*end = pl_image_unwind(o->im, 0, frames, n);
}

static const struct plan plain = {self, STACK_BYTES, 0};

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
	const struct plan wild = {self, STACK_BYTES, 0x10};
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
	const struct plan plan = {self, STACK_BYTES, 0x10};
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
	const struct plan plan = {"/no/such/program", STACK_BYTES, 0};
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
		const struct plan plan = {self, bytes, 0};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_calls),         cmocka_unit_test(a_register_of_a_call),
		cmocka_unit_test(a_call_through_null), cmocka_unit_test(a_file_that_is_missing),
		cmocka_unit_test(a_stack_that_is_cut),
	};

	return cmocka_run_group_tests(tests, find_self, scratch_remove);
}
