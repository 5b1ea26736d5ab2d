/*
 * test_object_visits.c - instructions taken apart, and what small functions are seen to visit; that
 * no bytes make it run on or break.
 */
#include "test_image_build.h"

#include <limits.h>

#include "layout/layout.h"
#include "object/traverse/walk.h"
#include "machine/x86.h"

#define CODE UINT64_C(0x400000)
#define TYPE UINT64_C(0x500000)

/* ---- instructions ---- */

static const struct {
	uint8_t len, code[PL_X86_MAX];
} lengths[] = {
	{1, {0xc3}},
	{4, {0xf3, 0x0f, 0x1e, 0xfa}},                       /* endbr64 */
	{4, {0x48, 0x8b, 0x7f, 0x18}},                       /* mov rdi, [rdi + 0x18] */
	{8, {0x48, 0x8b, 0x84, 0xc8, 0x10, 0, 0, 0}},        /* mov rax, [rax + rcx * 8 + 0x10] */
	{7, {0x48, 0x8d, 0x05, 1, 2, 3, 4}},                 /* lea rax, [rip + ...] */
	{8, {0x48, 0x8d, 0x14, 0x85, 0, 0, 0, 0}},           /* lea rdx, [rax * 4] */
	{10, {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}},          /* movabs */
	{5, {0xb8, 1, 2, 3, 4}},                             /* mov eax, imm32 */
	{4, {0x66, 0xb8, 1, 2}},                             /* mov ax, imm16 */
	{7, {0xf6, 0x80, 0xa9, 0, 0, 0, 0x40}},              /* test byte [rax + 0xa9], 0x40 */
	{2, {0xf7, 0xd8}},                                   /* neg eax */
	{6, {0xf7, 0xc7, 1, 0, 0, 0}},                       /* test edi, 1 */
	{6, {0x0f, 0x84, 1, 2, 3, 4}},                       /* je */
	{4, {0x0f, 0xba, 0xe0, 3}},                          /* bt eax, 3 */
	{3, {0xc5, 0xf8, 0x77}},                             /* vzeroupper */
	{4, {0xc5, 0xf9, 0xef, 0xc0}},                       /* vpxor */
	{6, {0xc4, 0xe3, 0x7d, 0x19, 0xc1, 1}},              /* vextractf128 */
	{9, {0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0}},  /* mov rax, fs:0x28 */
	{10, {0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}}, /* nopw */
	{4, {0xc8, 1, 2, 3}},                                /* enter */
};

static void every_instruction_has_its_length(void **state)
{
	struct pl_x86 x;

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(lengths); i++) {
		assert_true(pl_x86_decode(lengths[i].code, sizeof(lengths[i].code), &x));
		assert_int_equal(x.len, lengths[i].len);
		/* Cut short it is none. */
		for (size_t n = 0; n < lengths[i].len; n++)
			assert_false(pl_x86_decode(lengths[i].code, n, &x));
	}
}

static void operands_are_told(void **state)
{
	static const uint8_t indexed[] = {0x4f, 0x8b, 0x64, 0xbe, 0xf8}; /* mov r12, [r14 + r15 *
									    4 - 8] */
	static const uint8_t relative[] = {0x48, 0x8d, 0x05, 0xff, 0xff, 0xff, 0xff};
	struct pl_x86 x;

	(void)state;
	assert_true(pl_x86_decode(indexed, sizeof(indexed), &x));
	assert_true(x.memory);
	assert_int_equal(x.width, 8);
	assert_int_equal(x.reg, 12);
	assert_int_equal(x.base, 14);
	assert_int_equal(x.index, 15);
	assert_int_equal(x.scale, 4);
	assert_int_equal(x.disp, -8);
	assert_true(pl_x86_decode(relative, sizeof(relative), &x));
	assert_int_equal(x.base, PL_X86_RIP);
	assert_int_equal(x.index, PL_X86_NONE);
	assert_int_equal(x.disp, -1);
}

static void what_is_no_instruction_is_refused(void **state)
{
	static const uint8_t invalid[][2] = {{0x06}, {0x27}, {0x62, 0xf1}, {0x0f, 0x0f}, {0xd4}};
	uint8_t prefixes[32];
	struct pl_x86 x;

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(invalid); i++)
		assert_false(pl_x86_decode(invalid[i], 2, &x));
	memset(prefixes, 0x66, sizeof(prefixes));
	assert_false(pl_x86_decode(prefixes, sizeof(prefixes), &x));
}

/* ---- functions ---- */

/* mov rdi,[rdi+0x18]; test rdi,rdi; je 1f; mov rax,rsi; mov rsi,rdx; jmp rax; 1: xor eax,eax; ret
 */
static const uint8_t straight[] = {0x48, 0x8b, 0x7f, 0x18, 0x48, 0x85, 0xff, 0x74, 0x08, 0x48,
				   0x89, 0xf0, 0x48, 0x89, 0xd6, 0xff, 0xe0, 0x31, 0xc0, 0xc3};
/* push rbp; mov rbp,rsp; sub rsp,0x20; mov [rbp-8],rdi; mov [rbp-0x10],rsi; mov [rbp-0x18],rdx; mov
 * rax,[rbp-8]; mov rax,[rax+0x20]; mov rdx,[rbp-0x18]; mov rcx,[rbp-0x10]; mov rsi,rdx; mov
 * rdi,rax; call rcx; leave; ret */
static const uint8_t spilled[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x20, 0x48, 0x89,
				  0x7d, 0xf8, 0x48, 0x89, 0x75, 0xf0, 0x48, 0x89, 0x55, 0xe8,
				  0x48, 0x8b, 0x45, 0xf8, 0x48, 0x8b, 0x40, 0x20, 0x48, 0x8b,
				  0x55, 0xe8, 0x48, 0x8b, 0x4d, 0xf0, 0x48, 0x89, 0xd6, 0x48,
				  0x89, 0xc7, 0xff, 0xd1, 0xc9, 0xc3};
/* mov rax,[rdi+0x18]; test rax,rax; je 1f; mov rax,[rdi+0x28]; 1: xor eax,eax; ret */
static const uint8_t read_only[] = {0x48, 0x8b, 0x47, 0x18, 0x48, 0x85, 0xc0, 0x74,
				    0x04, 0x48, 0x8b, 0x47, 0x28, 0x31, 0xc0, 0xc3};
/* mov rax,[rdi+0x18]; mov rdi,[rax+8]; mov rax,rsi; mov rsi,rdx; jmp rax */
static const uint8_t behind[] = {0x48, 0x8b, 0x47, 0x18, 0x48, 0x8b, 0x78, 0x08,
				 0x48, 0x89, 0xf0, 0x48, 0x89, 0xd6, 0xff, 0xe0};
/* push rbx; push rbp; push r12; push r13; mov r12,rsi; mov r13,rdx; mov rbx,[rdi+0x18]; mov
 * rbp,[rdi+0x20]; lea rbp,[rbx+rbp*8]; 1: cmp rbx,rbp; je 2f; mov rdi,[rbx]; add rbx,8; mov
 * rsi,r13; call r12; jmp 1b; 2: pop r13; pop r12; pop rbp; pop rbx; ret */
static const uint8_t loop[] = {0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x49, 0x89, 0xf4, 0x49, 0x89,
			       0xd5, 0x48, 0x8b, 0x5f, 0x18, 0x48, 0x8b, 0x6f, 0x20, 0x48, 0x8d,
			       0x2c, 0xeb, 0x48, 0x39, 0xeb, 0x74, 0x0f, 0x48, 0x8b, 0x3b, 0x48,
			       0x83, 0xc3, 0x08, 0x4c, 0x89, 0xee, 0x41, 0xff, 0xd4, 0xeb, 0xec,
			       0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3};
/* push rbx; push rbp; push r12; push r13; mov r12,rsi; mov r13,rdx; lea rbx,[rdi+0x18]; lea
 * rbp,[rdi+0x28]; 1: mov rdi,[rbx]; add rbx,8; mov rsi,r13; call r12; cmp rbx,rbp; jne 1b; pop r13;
 * pop r12; pop rbp; pop rbx; ret */
static const uint8_t array[] = {
	0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x49, 0x89, 0xf4, 0x49, 0x89, 0xd5, 0x48, 0x8d, 0x5f,
	0x18, 0x48, 0x8d, 0x6f, 0x28, 0x48, 0x8b, 0x3b, 0x48, 0x83, 0xc3, 0x08, 0x4c, 0x89, 0xee,
	0x41, 0xff, 0xd4, 0x48, 0x39, 0xeb, 0x75, 0xee, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3};
/* call 1f; ret; nop; 1: push rbx; mov rdi,[rdi+0x30]; mov rbx,rsi; mov rsi,rdx; call rbx; pop rbx;
 * ret */
static const uint8_t helper[] = {0xe8, 0x02, 0x00, 0x00, 0x00, 0xc3, 0x90, 0x53, 0x48, 0x8b, 0x7f,
				 0x30, 0x48, 0x89, 0xf3, 0x48, 0x89, 0xd6, 0xff, 0xd3, 0x5b, 0xc3};
/* mov rdi,[rdi+8]; mov rax,rsi; mov rsi,rdx; jmp rax */
static const uint8_t class_of[] = {0x48, 0x8b, 0x7f, 0x08, 0x48, 0x89,
				   0xf0, 0x48, 0x89, 0xd6, 0xff, 0xe0};
/* mov rax,[rip+0x100000]; jmp rax */
static const uint8_t outside[] = {0x48, 0x8b, 0x05, 0x00, 0x00, 0x10, 0x00, 0xff, 0xe0};
/* push rbx; push r12; push r13; mov rbx,rdi; mov r12,rsi; mov r13,rdx; xor esi,esi; xor edx,edx;
 * call 2f; mov rdi,[rax+8]; mov rsi,r13; call r12; pop r13; pop r12; pop rbx; ret; 2: mov
 * rax,[rdi+0x28]; ret */
static const uint8_t quiet[] = {0x53, 0x41, 0x54, 0x41, 0x55, 0x48, 0x89, 0xfb, 0x49, 0x89, 0xf4,
				0x49, 0x89, 0xd5, 0x31, 0xf6, 0x31, 0xd2, 0xe8, 0x10, 0x00, 0x00,
				0x00, 0x48, 0x8b, 0x78, 0x08, 0x4c, 0x89, 0xee, 0x41, 0xff, 0xd4,
				0x41, 0x5d, 0x41, 0x5c, 0x5b, 0xc3, 0x48, 0x8b, 0x47, 0x28, 0xc3};
/* 1: jmp 1b */
static const uint8_t forever[] = {0xeb, 0xfe};
/* 1: call 1b; ret */
static const uint8_t recursion[] = {0xe8, 0xfb, 0xff, 0xff, 0xff, 0xc3};
/* vpxor xmm0,xmm0,xmm0; mov rdi,[rdi+0x18]; call rsi; vzeroupper; ret */
static const uint8_t vex[] = {0xc5, 0xf9, 0xef, 0xc0, 0x48, 0x8b, 0x7f,
			      0x18, 0xff, 0xd6, 0xc5, 0xf8, 0x77, 0xc3};
/* cmp dword ptr [rdi+0x10],1; mov eax,[rdi+0x10]; ja 3f; lea rcx,[rip+4f]; movsxd rax,dword ptr
 * [rcx+rax*4]; add rax,rcx; jmp rax; 1: mov rdi,[rdi+0x18]; jmp 5f; 2: mov rdi,[rdi+0x28]; 5: mov
 * rax,rsi; mov rsi,rdx; jmp rax; 3: xor eax,eax; ret; 4: .long 1b-4b; .long 2b-4b */
static const uint8_t switched[] = {0x83, 0x7f, 0x10, 0x01, 0x8b, 0x47, 0x10, 0x77, 0x22, 0x48, 0x8d,
				   0x0d, 0x1e, 0x00, 0x00, 0x00, 0x48, 0x63, 0x04, 0x81, 0x48, 0x01,
				   0xc8, 0xff, 0xe0, 0x48, 0x8b, 0x7f, 0x18, 0xeb, 0x04, 0x48, 0x8b,
				   0x7f, 0x28, 0x48, 0x89, 0xf0, 0x48, 0x89, 0xd6, 0xff, 0xe0, 0x31,
				   0xc0, 0xc3, 0xeb, 0xff, 0xff, 0xff, 0xf1, 0xff, 0xff, 0xff};

static struct build b;
static struct opened o;
static struct pl_layout layout;
static unsigned most = UINT_MAX; /* instructions that may be followed */

/* What the function that the n bytes start with visits. */
static struct pl_visits *visits_of(const uint8_t *code, size_t n, uint32_t prot)
{
	static uint8_t page[1 << 16];
	struct pl_visits *vs;

	memset(page, 0xcc, sizeof(page));
	memcpy(page, code, n);
	layout.f.object_type = 8;
	build_init(&b);
	build_load(&b, CODE, page, sizeof(page), DEFAULT, DEFAULT, prot);
	open_built(&o, &b);
	vs = pl_visits_new(o.im, &layout, &o.view, CODE, TYPE, most);
	assert_in_range(pl_visits_steps(vs), PL_MIN(most, 1u), PL_WALK_STEPS);
	close_opened(&o);
	build_fini(&b);
	return vs;
}

#define VISITS(code) visits_of(code, sizeof(code), PF_R | PF_X)

/* That of the words of an object just one is visited, and how surely; and all code was followed. */
static void only(struct pl_visits *vs, int64_t offset, enum pl_visit visit)
{
	for (int64_t at = 0; at < 0x100; at += 8)
		assert_int_equal(pl_visits_field(vs, at), at == offset ? visit : PL_VISIT_NO);
	assert_true(pl_visits_complete(vs));
	pl_visits_free(vs);
}

static void fields(void **state)
{
	(void)state;
	only(VISITS(straight), 0x18, PL_VISIT_YES);
	only(VISITS(spilled), 0x20, PL_VISIT_YES);
	only(VISITS(read_only), -8, PL_VISIT_NO);
	only(VISITS(helper), 0x30, PL_VISIT_YES);
	only(VISITS(class_of), 8, PL_VISIT_YES);
	only(VISITS(vex), 0x18, PL_VISIT_YES);
}

static void memory_behind_a_pointer(void **state)
{
	struct pl_visits *vs = VISITS(behind);

	(void)state;
	assert_int_equal(pl_visits_behind(vs, 0x18, 8), PL_VISIT_YES);
	assert_int_equal(pl_visits_behind(vs, 0x18, 0), PL_VISIT_NO);
	assert_int_equal(pl_visits_behind(vs, 0x20, 8), PL_VISIT_NO);
	assert_int_equal(pl_visits_deep(vs), PL_VISIT_NO);
	only(vs, -8, PL_VISIT_NO);

	/* What another function gives back is followed, too. */
	vs = VISITS(quiet);
	assert_int_equal(pl_visits_behind(vs, 0x28, 8), PL_VISIT_YES);
	assert_int_equal(pl_visits_behind(vs, 0x28, 0), PL_VISIT_NO);
	only(vs, -8, PL_VISIT_NO);
}

static void loops(void **state)
{
	struct pl_visits *vs = VISITS(loop);

	(void)state;
	for (int64_t at = 0; at < 0x400; at += 8)
		assert_int_equal(pl_visits_behind(vs, 0x18, at), PL_VISIT_MAYBE);
	assert_int_equal(pl_visits_behind(vs, 0x18, -8), PL_VISIT_NO);
	assert_int_equal(pl_visits_behind(vs, 0x18, 4), PL_VISIT_NO);
	only(vs, -8, PL_VISIT_NO);

	/* Its end is known. */
	vs = VISITS(array);
	assert_int_equal(pl_visits_field(vs, 0x10), PL_VISIT_NO);
	assert_int_equal(pl_visits_field(vs, 0x18), PL_VISIT_MAYBE);
	assert_int_equal(pl_visits_field(vs, 0x20), PL_VISIT_MAYBE);
	assert_int_equal(pl_visits_field(vs, 0x28), PL_VISIT_NO);
	assert_true(pl_visits_complete(vs));
	pl_visits_free(vs);
}

static void switches(void **state)
{
	struct pl_visits *vs = VISITS(switched);

	(void)state;
	assert_true(pl_visits_complete(vs));
	assert_int_not_equal(pl_visits_field(vs, 0x18), PL_VISIT_NO);
	assert_int_not_equal(pl_visits_field(vs, 0x28), PL_VISIT_NO);
	assert_int_equal(pl_visits_field(vs, 0x20), PL_VISIT_NO);
	pl_visits_free(vs);
}

static void no_function(void **state)
{
	struct pl_visits *vs;

	(void)state;
	build_init(&b);
	open_built(&o, &b);
	vs = pl_visits_new(o.im, &layout, &o.view, 0, TYPE, 0);
	only(vs, -8, PL_VISIT_NO);
	close_opened(&o);
	build_fini(&b);
}

/* Code that is not there, is no code, or calls what is not there. */
static void what_cannot_be_followed_may_visit_all(void **state)
{
	struct pl_visits *all[] = {
		VISITS(outside),
		visits_of(straight, sizeof(straight), PF_R | PF_W),
		visits_of((const uint8_t[]){0x06}, 1, PF_R | PF_X),
		VISITS(recursion),
	};

	(void)state;
	for (size_t i = 0; i < PL_ARRAY_LEN(all); i++) {
		assert_false(pl_visits_complete(all[i]));
		assert_int_equal(pl_visits_field(all[i], 0x18), PL_VISIT_MAYBE);
		assert_int_equal(pl_visits_behind(all[i], 0x18, 0), PL_VISIT_MAYBE);
		assert_int_equal(pl_visits_deep(all[i]), PL_VISIT_MAYBE);
		pl_visits_free(all[i]);
	}
}

static void code_that_never_ends(void **state)
{
	(void)state;
	only(VISITS(forever), -8, PL_VISIT_NO);
}

/* Random bytes, and functions with a random byte changed: each ends, and is followed or not. */
static void hostile_code(void **state)
{
	uint8_t code[4096];
	uint64_t x = 88172645463325252;
	unsigned complete = 0;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct pl_visits *vs;

		for (size_t i = 0; i < sizeof(code); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			code[i] = (uint8_t)x;
		}
		if (round % 2) {
			memcpy(code, loop, sizeof(loop));
			code[x / 256 % sizeof(loop)] = (uint8_t)x;
		}
		vs = VISITS(code);
		complete += pl_visits_complete(vs);
		pl_visits_free(vs);
	}
	assert_in_range(complete, 1, 299);
}

/* ---- bounds ---- */

static uint8_t made[1 << 16];
static size_t n_made;

static void emit(const char *bytes, size_t n)
{
	assert_true(n_made + n <= sizeof(made));
	memcpy(made + n_made, bytes, n);
	n_made += n;
}

static void emit32(const char *bytes, size_t n, size_t value)
{
	uint32_t word = (uint32_t)value;

	emit(bytes, n);
	emit((const char *)&word, 4);
}

/* Whether the function that was made is followed to all its ends; *visits for more. */
static bool followed(struct pl_visits **ret)
{
	struct pl_visits *vs = visits_of(made, n_made, PF_R | PF_X);
	bool complete = pl_visits_complete(vs);

	n_made = 0;
	if (ret)
		*ret = vs;
	else
		pl_visits_free(vs);
	return complete;
}

/* n nops; ret */
static bool straight_of(size_t n)
{
	for (size_t i = 0; i < n; i++)
		emit("\x90", 1);
	emit("\xc3", 1);
	return followed(NULL);
}

static void so_many_instructions_are_followed(void **state)
{
	(void)state;
	assert_true(straight_of(PL_WALK_STEPS - 1));
	assert_false(straight_of(PL_WALK_STEPS));
	most = 100; /* of a core that has many functions */
	assert_true(straight_of(99));
	assert_false(straight_of(100));
	most = 0;
	assert_false(straight_of(0));
	most = UINT_MAX;
}

/* n functions that call the next; the last is: mov rdi,[rdi+0x18]; mov rax,rsi; mov rsi,rdx; jmp
 * rax */
static bool calls_of(unsigned n)
{
	struct pl_visits *vs;
	bool complete;

	for (unsigned i = 0; i < n; i++)
		emit("\xe8\x01\x00\x00\x00\xc3", 6); /* call 1f; ret; 1: */
	emit("\x48\x8b\x7f\x18\x48\x89\xf0\x48\x89\xd6\xff\xe0", 12);
	complete = followed(&vs);
	assert_int_equal(pl_visits_field(vs, 0x18), complete ? PL_VISIT_YES : PL_VISIT_MAYBE);
	pl_visits_free(vs);
	return complete;
}

static void so_many_calls_are_followed(void **state)
{
	(void)state;
	assert_true(calls_of(PL_WALK_DEPTH));
	assert_false(calls_of(PL_WALK_DEPTH + 1));
}

/* push rbx; push r12; mov rbx,rdi; mov r12,rsi; n times: mov rdi,[rbx+8*i]; call r12; then: pop
 * r12; pop rbx; ret */
static bool visits_n(size_t n)
{
	struct pl_visits *vs;
	bool complete;

	emit("\x53\x41\x54\x48\x89\xfb\x49\x89\xf4", 9);
	for (size_t i = 0; i < n; i++) {
		emit32("\x48\x8b\xbb", 3, 0x18 + 8 * i);
		emit("\x41\xff\xd4", 3);
	}
	emit("\x41\x5c\x5b\xc3", 4);
	complete = followed(&vs);
	for (size_t i = 0; i <= n; i++)
		assert_int_equal(pl_visits_field(vs, (int64_t)(0x18 + 8 * i)),
				 i < PL_MIN(n, (size_t)PL_WALK_VISITED) ? PL_VISIT_YES
				 : complete                             ? PL_VISIT_NO
									: PL_VISIT_MAYBE);
	pl_visits_free(vs);
	return complete;
}

static void so_many_visited_words_are_told(void **state)
{
	(void)state;
	assert_true(visits_n(PL_WALK_VISITED));
	assert_false(visits_n(PL_WALK_VISITED + 1));
}

/* n times: test byte ptr [rdi+0x10],1; jne 1f; jmp end; 1: then: end: ret. Each jump to the end
 * waits until the path ends. */
static bool branches_of(size_t n)
{
	for (size_t i = 0; i < n; i++)
		emit32("\xf6\x47\x10\x01\x75\x05\xe9", 7, (n - 1 - i) * 11);
	emit("\xc3", 1);
	return followed(NULL);
}

static void so_many_branches_wait(void **state)
{
	(void)state;
	assert_true(branches_of(256));
	assert_false(branches_of(257));
}

/* cmp dword ptr [rdi+0x10],n-1; mov eax,[rdi+0x10]; ja 1f; lea rcx,[rip+2f]; movsxd rax,dword ptr
 * [rcx+rax*4]; add rax,rcx; jmp rax; 1: ret; 2: n times .long 1b-2b */
static bool switch_of(size_t n)
{
	emit32("\x81\x7f\x10", 3, n - 1);
	emit("\x8b\x47\x10\x77\x10", 5);
	emit32("\x48\x8d\x0d", 3, 10);
	emit("\x48\x63\x04\x81\x48\x01\xc8\xff\xe0\xc3", 10);
	for (size_t i = 0; i < n; i++)
		emit32("", 0, (size_t)-1);
	return followed(NULL);
}

static void so_long_a_jump_table_is_followed(void **state)
{
	(void)state;
	assert_true(switch_of(256));
	assert_false(switch_of(257));
}

/* n times: jmp 1f; 1: then: ret */
static bool jumps_of(size_t n)
{
	for (size_t i = 0; i < n; i++)
		emit("\xeb\x00", 2);
	emit("\xc3", 1);
	return followed(NULL);
}

static void so_many_places_are_remembered(void **state)
{
	(void)state;
	assert_true(jumps_of(1024));
	assert_false(jumps_of(1025));
}

/*
 * n - 1 times: test byte ptr [rdi+0x10],1; jne 1f; mov rdi,[rdi+0x20*i+0x18]; jmp end; 1: then: mov
 * rdi,[rdi+0x20*i+0x18]; jmp end; end: mov rax,rsi; mov rsi,rdx; jmp rax. Whether the next in
 * the row may be visited, too.
 */
static bool paths_that_meet(size_t n)
{
	struct pl_visits *vs;
	bool next;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n)
			emit("\xf6\x47\x10\x01\x75\x0c", 6);
		emit32("\x48\x8b\xbf", 3, 0x20 * i + 0x18);
		/* The last block has no test. */
		emit32("\xe9", 1, i + 1 < n ? (n - 1 - i) * 18 - 6 : 0);
	}
	emit("\x48\x89\xf0\x48\x89\xd6\xff\xe0", 8);
	followed(&vs);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(pl_visits_field(vs, (int64_t)(0x20 * i + 0x18)), PL_VISIT_NO);
	next = pl_visits_field(vs, (int64_t)(0x20 * n + 0x18)) != PL_VISIT_NO;
	pl_visits_free(vs);
	return next;
}

static void so_many_paths_are_told_apart(void **state)
{
	(void)state;
	assert_false(paths_that_meet(12));
	assert_true(paths_that_meet(13));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_instruction_has_its_length),
		cmocka_unit_test(operands_are_told),
		cmocka_unit_test(what_is_no_instruction_is_refused),
		cmocka_unit_test(fields),
		cmocka_unit_test(memory_behind_a_pointer),
		cmocka_unit_test(loops),
		cmocka_unit_test(switches),
		cmocka_unit_test(no_function),
		cmocka_unit_test(what_cannot_be_followed_may_visit_all),
		cmocka_unit_test(code_that_never_ends),
		cmocka_unit_test(hostile_code),
		cmocka_unit_test(so_many_instructions_are_followed),
		cmocka_unit_test(so_many_calls_are_followed),
		cmocka_unit_test(so_many_visited_words_are_told),
		cmocka_unit_test(so_many_branches_wait),
		cmocka_unit_test(so_long_a_jump_table_is_followed),
		cmocka_unit_test(so_many_places_are_remembered),
		cmocka_unit_test(so_many_paths_are_told_apart),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
