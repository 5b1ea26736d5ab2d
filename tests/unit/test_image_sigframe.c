/*
 * Frames that the kernel laid down for a signal's handler: real ones, of signals that this program
 * raises, copied to a core by the handler. What the kernel told the handler is the truth, also
 * about the frames of handlers that it does not tell.
 */
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "test_image_build.h"

enum {
	PAGE = 4096,
	ALT_BYTES = 16 * PAGE,
	FRAME_BYTES = 3 * PAGE, /* from the page of a frame on */
	TRIES = 20000,
	RIP = 16, /* in pl_thread.regs */
	RSP = 19,
	LWP = 77,
};
#define BASE_OF(addr) ((addr) & ~UINT64_C(4095))
#define WILD UINT64_C(0x123456789000)

/* As the handler saw it. */
static struct {
	siginfo_t info;
	ucontext_t uc;
	pl_addr frame;     /* where the stack pointer is after the handler's return */
	pl_addr sigreturn; /* where it returns to */
	uint8_t stack[FRAME_BYTES];
	uint8_t code[PAGE], back[PAGE]; /* around the interrupted instruction, and sigreturn */
} seen;
static uint8_t alt[ALT_BYTES] __attribute__((aligned(PAGE)));
static pl_addr go_on; /* where to go on after an instruction that cannot be done; 0: there */
static uint8_t *page;

__attribute__((no_sanitize("address"))) static void copy(void *to, pl_addr from, size_t n)
{
	const volatile uint8_t *p = (const volatile uint8_t *)(uintptr_t)from;

	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = p[i];
}

/* The kernel passes all three to any handler (setup_rt_frame()). */
static void handler(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	pl_addr ip = (pl_addr)uc->uc_mcontext.gregs[REG_RIP];

	(void)number;
	seen.frame = (uintptr_t)context;
	copy(&seen.info, (uintptr_t)info, sizeof(seen.info));
	copy(&seen.uc, (uintptr_t)context, offsetof(ucontext_t, uc_sigmask));
	copy(seen.stack, BASE_OF(seen.frame),
	     PL_MIN((pl_addr)FRAME_BYTES, (uintptr_t)alt + ALT_BYTES - BASE_OF(seen.frame)));
	copy(&seen.sigreturn, seen.frame - 8, 8);
	copy(seen.code, BASE_OF(ip), PAGE);
	copy(seen.back, BASE_OF(seen.sigreturn), PAGE);
	if (go_on)
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)go_on;
}

/* An instruction with addr in rbx, and 0 in ecx. */
#define DO(instruction, address)                                                     \
	asm volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\txor %%ecx, %%ecx\n\t" \
		     "xor %%edx, %%edx\n\t" instruction "\n1:"                       \
		     : "=m"(go_on)                                                   \
		     : "b"(address)                                                  \
		     : "rax", "rcx", "rdx", "memory")

static void null(void)
{
	DO("mov 24(%%rbx), %%rax", (pl_addr)0);
}

static void wild(void)
{
	DO("movb $1, 16(%%rbx)", WILD);
}

static void read_only(void)
{
	mprotect(page, PAGE, PROT_READ);
	DO("movb $1, 16(%%rbx)", page);
}

static void not_executable(void)
{
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	DO("jmp *%%rbx", page);
}

static void impossible(void)
{
	DO("mov (%%rbx), %%rax", UINT64_C(0x4141414141414141));
}

static void divide(void)
{
	DO("div %%rcx", page);
}

static void illegal(void)
{
	DO("ud2", page);
}

static void breakpoint(void)
{
	DO("int3", page);
}

static void raised(void)
{
	go_on = 0;
	raise(SIGUSR1);
}

static void killed(void)
{
	go_on = 0;
	kill(getpid(), SIGSEGV);
}

static const struct kind {
	void (*run)(void);
	int signal;
} kinds[] = {
	{null, SIGSEGV},       {wild, SIGSEGV},   {read_only, SIGSEGV}, {not_executable, SIGSEGV},
	{impossible, SIGSEGV}, {divide, SIGFPE},  {illegal, SIGILL},    {breakpoint, SIGTRAP},
	{raised, SIGUSR1},     {killed, SIGSEGV},
};

static void happen(const struct kind *k, bool tell)
{
	stack_t stack = {.ss_sp = alt, .ss_size = sizeof(alt)}, old_stack;
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_ONSTACK | (tell ? SA_SIGINFO : 0)};
	struct sigaction old;

	memset(alt, 0x5a, sizeof(alt));
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(sigaltstack(&stack, &old_stack), 0);
	assert_int_equal(sigaction(k->signal, &action, &old), 0);
	k->run();
	assert_int_equal(sigaction(k->signal, &old, NULL), 0);
	assert_int_equal(sigaltstack(&old_stack, NULL), 0);
	assert_true(seen.frame > (uintptr_t)alt && seen.frame < (uintptr_t)alt + sizeof(alt));
}

/* A core of the thread as its handler returns. */
static void opened_core(struct opened *o)
{
	pl_addr ip = (pl_addr)seen.uc.uc_mcontext.gregs[REG_RIP];
	uint8_t prpsinfo[136] = {0};
	struct build b;

	memcpy(prpsinfo + 24, &(uint32_t){(uint32_t)getpid()}, 4);
	build_init(&b);
	build_thread(&b, (uint32_t)getpid(), SIGSEGV, seen.sigreturn, seen.frame, 0);
	build_note(&b, NT_PRPSINFO, prpsinfo, sizeof(prpsinfo), DEFAULT);
	build_load(&b, BASE_OF(seen.frame), seen.stack, sizeof(seen.stack), DEFAULT, DEFAULT,
		   PF_R | PF_W);
	build_load(&b, BASE_OF(seen.sigreturn), seen.back, PAGE, DEFAULT, DEFAULT, PF_R | PF_X);
	if (BASE_OF(ip) != BASE_OF(seen.sigreturn) && BASE_OF(ip) != (uintptr_t)page)
		build_load(&b, BASE_OF(ip), seen.code, PAGE, DEFAULT, DEFAULT, PF_R | PF_X);
	build_load(&b, (uintptr_t)page, NULL, 0, DEFAULT, PAGE,
		   seen.info.si_signo == SIGSEGV && seen.info.si_code == SEGV_ACCERR ? PF_R
										     : PF_R | PF_W);
	open_built(o, &b);
	build_fini(&b);
}

static size_t signals_of(struct opened *o, struct pl_signal **ret)
{
	struct pl_native_frame *frames;
	size_t n, n_frames;

	pl_image_unwind(o->im, 0, &(size_t){PL_NATIVE_FRAMES}, &frames, &n_frames);
	n = pl_image_signals(o->im, 0, frames, n_frames, ret);
	for (size_t i = 0; i < n; i++) {
		assert_in_range((*ret)[i].frame, 1, n_frames - 1);
		assert_int_equal((*ret)[i].ip, frames[(*ret)[i].frame].pc);
		assert_int_equal((*ret)[i].sp, frames[(*ret)[i].frame].sp);
		assert_in_range((*ret)[i].info.signal, 0, 64);
	}
	free(frames);
	return n;
}

static void assert_registers(const struct opened *o, const struct pl_signal *s)
{
	static const struct {
		const char *name;
		int index;
	} rows[] = {
		{"r8", REG_R8},   {"r9", REG_R9},      {"r10", REG_R10}, {"r11", REG_R11},
		{"r12", REG_R12}, {"r13", REG_R13},    {"r14", REG_R14}, {"r15", REG_R15},
		{"rdi", REG_RDI}, {"rsi", REG_RSI},    {"rbp", REG_RBP}, {"rbx", REG_RBX},
		{"rdx", REG_RDX}, {"rax", REG_RAX},    {"rcx", REG_RCX}, {"rsp", REG_RSP},
		{"rip", REG_RIP}, {"eflags", REG_EFL},
	};
	unsigned found = 0;

	for (size_t i = 0; i < 27; i++) {
		for (size_t k = 0; k < PL_ARRAY_LEN(rows); k++) {
			if (strcmp(pl_image_register(o->im, i), rows[k].name) != 0)
				continue;
			assert_int_equal(s->regs[i],
					 (uint64_t)seen.uc.uc_mcontext.gregs[rows[k].index]);
			found++;
		}
	}
	assert_int_equal(found, PL_ARRAY_LEN(rows));
	assert_int_equal(s->ip, s->regs[RIP]);
	assert_int_equal(s->sp, s->regs[RSP]);
}

/* ---- what the kernel says ---- */

static void as_the_handler_was_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(kinds); i++) {
		struct pl_signal *s;
		struct opened o;

		happen(&kinds[i], true);
		opened_core(&o);
		assert_int_equal(signals_of(&o, &s), 1);
		assert_true(s->told);
		assert_int_equal(s->info.signal, kinds[i].signal);
		assert_int_equal(s->info.code, seen.info.si_code);
		assert_int_equal(s->info.has_addr, seen.info.si_code > 0);
		if (s->info.has_addr)
			assert_int_equal(s->info.addr, (uintptr_t)seen.info.si_addr);
		assert_int_equal(s->info.sender, seen.info.si_code > 0 ? 0 : getpid());
		assert_registers(&o, s);
		free(s);
		close_opened(&o);
	}
}

/* The same of a handler that was not told: its siginfo_t was not written. */
static void as_a_handler_could_have_been_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(kinds); i++) {
		struct pl_signal *s;
		struct opened o;
		siginfo_t told;

		happen(&kinds[i], true);
		told = seen.info;
		happen(&kinds[i], false);
		assert_int_equal(seen.info.si_signo, 0x5a5a5a5a);
		seen.info = told;
		opened_core(&o);
		assert_int_equal(signals_of(&o, &s), 1);
		assert_false(s->told);
		assert_int_equal(s->info.signal, kinds[i].signal);
		assert_int_equal(s->info.code > 0, told.si_code > 0);
		if (kinds[i].signal != SIGTRAP)
			assert_int_equal(s->info.code, told.si_code);
		assert_int_equal(s->info.has_addr, told.si_code > 0);
		if (s->info.has_addr)
			assert_int_equal(s->info.addr, (uintptr_t)told.si_addr);
		assert_int_equal(s->info.sender, told.si_code > 0 ? 0 : getpid());
		assert_registers(&o, s);
		free(s);
		close_opened(&o);
	}
}

/* ---- what may be there instead ---- */

static uint8_t *in_frame(const void *p)
{
	return seen.stack + ((uintptr_t)p - BASE_OF(seen.frame));
}

static void what_an_older_frame_left_is_not_believed(void **state)
{
	const struct kind null_kind = {null, SIGSEGV};
	const siginfo_t left[] = {
		{.si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = (void *)WILD},
		{.si_signo = SIGXCPU, .si_code = 0x00a500a0}, /* a number, and part of a pointer */
		{.si_signo = SIGXCPU, .si_code = SI_USER},    /* by nobody */
		{.si_signo = SIGXCPU, .si_code = CLD_EXITED},
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(left); i++) {
		struct pl_signal *s;
		struct opened o;

		happen(&null_kind, false);
		/* The kernel's struct ucontext ends with a signal mask of 8 bytes. */
		memcpy(in_frame((void *)(seen.frame + offsetof(ucontext_t, uc_sigmask) + 8)),
		       &left[i], sizeof(left[i]));
		opened_core(&o);
		assert_int_equal(signals_of(&o, &s), 1);
		assert_false(s->told);
		assert_int_equal(s->info.signal, SIGSEGV);
		assert_int_equal(s->info.addr, 24);
		free(s);
		close_opened(&o);
	}
}

static void nothing_tells_the_signal(void **state)
{
	const struct kind kind = {raised, SIGUSR1};
	struct pl_signal *s;
	struct opened o;

	(void)state;
	happen(&kind, false);
	/* Not the arguments of a system call that sends. */
	seen.uc.uc_mcontext.gregs[REG_RDI] = 3;
	memcpy(in_frame((void *)seen.frame), &seen.uc, offsetof(ucontext_t, uc_sigmask));
	opened_core(&o);
	assert_int_equal(signals_of(&o, &s), 1);
	assert_int_equal(s->info.signal, 0);
	free(s);
	close_opened(&o);
}

/* A guard that shows in no mapping, and the end of a file. */
static void a_mapping_that_allows_it(void **state)
{
	const struct kind kind = {read_only, SIGSEGV};
	const struct build_map map = {(uintptr_t)page, (uintptr_t)page + PAGE, 0, "/a/file"};

	(void)state;
	for (int file = 0; file < 2; file++) {
		struct pl_signal *s;
		struct opened o;
		struct build b;

		happen(&kind, false);
		build_init(&b);
		build_thread(&b, LWP, SIGSEGV, seen.sigreturn, seen.frame, 0);
		if (file)
			build_files(&b, &map, 1);
		build_load(&b, BASE_OF(seen.frame), seen.stack, sizeof(seen.stack), DEFAULT,
			   DEFAULT, PF_R | PF_W);
		build_load(&b, BASE_OF(seen.sigreturn), seen.back, PAGE, DEFAULT, DEFAULT,
			   PF_R | PF_X);
		build_load(&b, (uintptr_t)page, NULL, 0, DEFAULT, PAGE, PF_R | PF_W);
		open_built(&o, &b);
		build_fini(&b);
		assert_int_equal(signals_of(&o, &s), 1);
		assert_int_equal(s->info.signal, file ? SIGBUS : SIGSEGV);
		assert_int_equal(s->info.code, file ? BUS_ADRERR : SEGV_MAPERR);
		free(s);
		close_opened(&o);
	}
}

/* A frame that leads to itself. */
static void no_way_out(void **state)
{
	const struct kind kind = {null, SIGSEGV};
	struct pl_native_frame *frames;
	struct opened o;
	size_t n;

	(void)state;
	happen(&kind, true);
	seen.uc.uc_mcontext.gregs[REG_RIP] = (greg_t)seen.sigreturn;
	seen.uc.uc_mcontext.gregs[REG_RSP] = (greg_t)seen.frame;
	memcpy(in_frame((void *)seen.frame), &seen.uc, offsetof(ucontext_t, uc_sigmask));
	opened_core(&o);
	pl_image_unwind(o.im, 0, &(size_t){PL_NATIVE_FRAMES}, &frames, &n);
	assert_in_range(n, 2, 100);
	free(frames);
	close_opened(&o);
}

static void a_call_through_null_is_gone_on_from(void **state)
{
	const struct kind kind = {null, SIGSEGV};
	struct pl_native_frame *frames;
	pl_addr back, sp;
	struct opened o;
	size_t n;

	(void)state;
	happen(&kind, true);
	back = seen.sigreturn + 2; /* code, whatever it does */
	sp = BASE_OF(seen.frame) + FRAME_BYTES - 64;
	seen.uc.uc_mcontext.gregs[REG_RIP] = 0;
	seen.uc.uc_mcontext.gregs[REG_RSP] = (greg_t)sp;
	memcpy(in_frame((void *)seen.frame), &seen.uc, offsetof(ucontext_t, uc_sigmask));
	memcpy(in_frame((void *)sp), &back, 8);
	opened_core(&o);
	pl_image_unwind(o.im, 0, &(size_t){PL_NATIVE_FRAMES}, &frames, &n);
	assert_int_equal(n, 2);
	assert_int_equal(frames[0].pc, seen.sigreturn);
	assert_int_equal(frames[0].end, 0);
	assert_int_equal(frames[1].pc, 0);
	assert_int_equal(frames[1].sp, sp);
	assert_true(frames[1].exact);
	free(frames);
	close_opened(&o);
}

static uint64_t next(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *random >> 16;
}

/* Any bytes at all: what comes out holds together, see signals_of(). */
static void garbage(void **state)
{
	const struct kind kind = {null, SIGSEGV};
	uint64_t random = 1, believed = 0;
	struct opened o;
	uint8_t *bytes, *whole;

	(void)state;
	happen(&kind, true);
	opened_core(&o);
	bytes = (uint8_t *)(uintptr_t)pl_at(&o.view, seen.frame, 512);
	assert_non_null(bytes);
	assert_int_equal(
		mprotect((void *)BASE_OF((uintptr_t)bytes), 2 * PAGE, PROT_READ | PROT_WRITE), 0);
	whole = pl_malloc(512);
	memcpy(whole, bytes, 512);
	for (unsigned i = 0; i < TRIES; i++) {
		struct pl_signal *s;
		unsigned n = (unsigned)(next(&random) % 40);

		memcpy(bytes, whole, 512);
		for (unsigned k = 0; k < n; k++)
			bytes[next(&random) % 512] = (uint8_t)next(&random);
		believed += signals_of(&o, &s);
		free(s);
	}
	/* Whatever the registers are, they are what the unwinder goes on from. */
	assert_int_equal(believed, TRIES);
	free(whole);
	close_opened(&o);
}

static void a_stack_that_is_cut(void **state)
{
	const struct kind kind = {null, SIGSEGV};
	size_t at;

	(void)state;
	happen(&kind, true);
	at = seen.frame - BASE_OF(seen.frame);
	for (size_t bytes = at; bytes < at + 512; bytes += 8) {
		struct pl_signal *s;
		struct opened o;
		struct build b;
		size_t n;

		build_init(&b);
		build_thread(&b, LWP, SIGSEGV, seen.sigreturn, seen.frame, 0);
		build_load(&b, BASE_OF(seen.frame), seen.stack, bytes, DEFAULT, sizeof(seen.stack),
			   PF_R | PF_W);
		build_load(&b, BASE_OF(seen.sigreturn), seen.back, PAGE, DEFAULT, DEFAULT,
			   PF_R | PF_X);
		open_built(&o, &b);
		build_fini(&b);
		n = signals_of(&o, &s);
		assert_int_equal(n, bytes >= at + offsetof(ucontext_t, uc_mcontext.gregs[18]));
		if (n && bytes < at + offsetof(ucontext_t, uc_mcontext.gregs[REG_CR2]))
			assert_int_equal(s->info.signal, 0);
		free(s);
		close_opened(&o);
	}
}

/* The heap, or wherever it lies, is no stack but for the part that sigaltstack() was given. */
static void whose_stack_it_is(void **state)
{
	const struct kind kind = {null, SIGSEGV};
	const struct pl_thread *t, *owner;
	pl_addr lo = (uintptr_t)alt, own;
	static uint8_t around[PAGE];
	struct opened o;
	struct build b;

	(void)state;
	happen(&kind, false);
	own = (pl_addr)seen.uc.uc_mcontext.gregs[REG_RSP];
	/* Somewhere in the handler, which has used more of it. */
	memcpy(in_frame((void *)(seen.frame - 8)), &seen.sigreturn, 8);
	build_init(&b);
	build_thread(&b, LWP, SIGSEGV, seen.sigreturn, seen.frame - 64, 0);
	build_load(&b, lo - PAGE, around, PAGE, DEFAULT, BASE_OF(seen.frame) - (lo - PAGE),
		   PF_R | PF_W);
	build_load(&b, BASE_OF(seen.frame), seen.stack, sizeof(seen.stack), DEFAULT, DEFAULT,
		   PF_R | PF_W);
	build_load(&b, BASE_OF(seen.frame) + FRAME_BYTES, around, PAGE, DEFAULT, DEFAULT,
		   PF_R | PF_W);
	build_load(&b, BASE_OF(seen.sigreturn), seen.back, PAGE, DEFAULT, DEFAULT, PF_R | PF_X);
	build_load(&b, BASE_OF(own) - PAGE, NULL, 0, DEFAULT, 3 * PAGE, PF_R | PF_W);
	open_built(&o, &b);
	build_fini(&b);
	t = pl_image_threads(o.im, &(size_t){0});
	assert_int_equal(t->sp, seen.frame - 64);
	assert_int_equal(t->own_sp, own);
	assert_int_equal(t->alt_lo, lo);
	assert_int_equal(t->alt_hi, lo + ALT_BYTES);
	assert_int_equal(pl_image_stack(o.im, own, &owner), PL_STACK_LIVE);
	assert_ptr_equal(owner, t);
	assert_int_equal(pl_image_stack(o.im, own - 136, &owner), PL_STACK_DEAD);
	assert_int_equal(pl_image_stack(o.im, seen.frame, &owner), PL_STACK_LIVE);
	assert_int_equal(pl_image_stack(o.im, lo, &owner), PL_STACK_DEAD);
	assert_int_equal(pl_image_stack(o.im, lo - 8, &owner), PL_STACK_NONE);
	assert_int_equal(pl_image_stack(o.im, lo + ALT_BYTES + 8, &owner), PL_STACK_NONE);
	close_opened(&o);
}

static int prepare(void **state)
{
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? -1 : scratch_make(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_handler_was_told),
		cmocka_unit_test(as_a_handler_could_have_been_told),
		cmocka_unit_test(what_an_older_frame_left_is_not_believed),
		cmocka_unit_test(nothing_tells_the_signal),
		cmocka_unit_test(a_mapping_that_allows_it),
		cmocka_unit_test(no_way_out),
		cmocka_unit_test(a_call_through_null_is_gone_on_from),
		cmocka_unit_test(garbage),
		cmocka_unit_test(a_stack_that_is_cut),
		cmocka_unit_test(whose_stack_it_is),
	};

	return cmocka_run_group_tests(tests, prepare, scratch_remove);
}
