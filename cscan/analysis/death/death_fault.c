/*
 * death_fault.c - an address that could not be read or written: NULL, in memory that was freed, the
 * end of the stack, or anything else.
 *
 * What is known are the address (not where no process can have it: the processor does not say it
 * then), the registers, and what lies where they point. That a pointer came out of freed memory is
 * concluded: a register points into a freed block that holds just this bad pointer.
 */
#include <signal.h>
#include <stdio.h>

#include "analysis/death/death.h"
#include "analysis/spell/location.h"

enum {
	MEMBER_END = 4096, /* offset of a member from a bad pointer */
	NEAR_SP = 1 << 20, /* how far from the stack pointer a frame reaches */
	FREED_WORDS = 256, /* of a freed block are looked at */
	MANY_CALLS = 20,   /* more often than a function is in stacks that are no recursion */
	MAX_TEXT = 300,
};
#define SI_FROM_KERNEL 0x80 /* SI_KERNEL: a general protection fault */

static bool impossible(const struct pl_death *d, pl_addr addr)
{
	const struct pl_space *space = pl_image_machine(d->im)->space;

	return addr >= space->hole && addr < space->hole_end;
}

static bool address_known(const struct pl_death *d)
{
	return d->fault.info.has_addr && d->fault.info.code != SI_FROM_KERNEL;
}

/* The call that stood at the bad instruction. */
static void put_call(const struct pl_death *d, char *buf, size_t cap)
{
	const struct pl_stack *s = &d->stacks[0];

	for (size_t i = d->fault.call; i < s->n_calls; i++) {
		if (s->calls[i].native) {
			pl_death_call(d, &s->calls[i], buf, cap);
			return;
		}
	}
	/* Only the interpreter's own evaluation is between. */
	snprintf(buf, cap, "the interpreter");
}

/* ---- the end of the stack ---- */

/*
 * The address is near the stack pointer, and where it is there is no stack any more: no mapping, a
 * guard page, or (guards of glibc 2.42 do not show) a page that the kernel calls unmapped.
 */
static bool is_overflow(const struct pl_death *d)
{
	pl_addr addr = d->fault.info.addr, sp = d->fault.sp;
	const struct pl_mapping *m = pl_image_mapping(d->im, addr);

	if (!address_known(d) || addr + NEAR_SP < sp || addr > sp + NEAR_SP)
		return false;
	/* The guard of a thread's stack allows nothing; nor is it known what a file's mapping that
	 * only NT_FILE tells of allows. */
	return !m || (!(m->prot & PL_PROT_WRITE) && (m->prot || m->module < 0)) ||
	       (d->fault.info.signal == SIGSEGV && d->fault.info.code == SEGV_MAPERR);
}

/* The Python function, or else the native one, that is there most often. */
static void put_recursion(const struct pl_death *d, char *buf, size_t cap)
{
	const struct pl_stack *s = &d->stacks[0];
	const struct pl_call *best = NULL;
	char what[MAX_TEXT];

	for (size_t i = 0; i < s->n_calls; i++) {
		const struct pl_call *c = &s->calls[i];

		if (!best || c->times > best->times ||
		    (c->times == best->times && c->python && !best->python))
			best = c;
	}
	if (!best || best->times < MANY_CALLS) {
		snprintf(buf, cap, "%zu native and %zu Python calls deep", s->n_frames,
			 s->python ? s->python->n_frames : 0);
		return;
	}
	if (best->python)
		pl_death_python(d, best->python, what, sizeof(what));
	else
		pl_death_call(d, best, what, sizeof(what));
	snprintf(buf, cap, "%s calls itself, %llu times", what, (unsigned long long)best->times);
}

static void overflow(struct pl_death *d, struct pl_cause *ret)
{
	char what[2 * MAX_TEXT];

	put_recursion(d, what, sizeof(what));
	ret->word = "stack-overflow";
	ret->confidence = PL_CERTAIN;
	snprintf(ret->text, sizeof(ret->text), "the C stack is used up: %.300s", what);
	pl_triage_evidence(d->t, "address", "threads --native",
			   "0x%llx is beyond the end of the stack, %lld bytes from the stack "
			   "pointer",
			   (unsigned long long)d->fault.info.addr,
			   (long long)(d->fault.info.addr - d->fault.sp));
	pl_death_stack_size(d);
}

/* ---- a pointer out of freed memory ---- */

/*
 * Could the bad access have gone through this pointer? A small number could be one, too, when the
 * address is not where a member of a NULL struct is: structs have theirs at multiples of 8, or 4.
 */
static bool leads_to_fault(const struct pl_death *d, uint64_t word)
{
	const struct pl_fault *f = &d->fault;
	pl_addr addr = d->fault.info.addr;

	if (address_known(d) && addr < PL_NULL_END && (!word || addr % 4 == 0 || (addr - word) % 8))
		return false;
	if (address_known(d))
		return addr - word < MEMBER_END;
	if (!impossible(d, word))
		return false;
	for (size_t i = 0; i < f->n_regs; i++) {
		if (f->regs[i] == word)
			return true;
	}
	return false;
}

/* The type of the object that starts with a block, behind its gc head, or NULL. */
static const struct pl_type *type_in(const struct pl_death *d, pl_addr block)
{
	const int32_t heads[] = {0, d->l->f.gc_head_size, d->l->f.gc_head_size + 16};

	for (size_t i = 0; i < PL_ARRAY_LEN(heads); i++) {
		const struct pl_type *t = pl_death_type(d, block + (uint64_t)heads[i]);

		if (t && t->head == heads[i])
			return t;
	}
	return NULL;
}

/* The block that a register points into, when it holds the bad pointer; offset is the pointer's. */
static bool holds_pointer(struct pl_death *d, pl_addr reg, struct pl_block *b, uint64_t *offset)
{
	uint64_t n;

	if (!pl_heap_find(d->o->heap, reg, b) || reg - b->base >= b->usable)
		return false;
	n = PL_MIN(b->usable / 8, FREED_WORDS);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t word;

		if (pl_read64(d->v, b->base + 8 * i, &word) && leads_to_fault(d, word)) {
			*offset = 8 * i;
			return true;
		}
	}
	return false;
}

/* Tell in whose memory the bad pointer was: a freed block counts, others are evidence. */
static bool find_freed(struct pl_death *d, struct pl_cause *ret)
{
	const struct pl_fault *f = &d->fault;
	char story[MAX_TEXT], call[MAX_TEXT];
	pl_addr other = 0;
	uint64_t other_at = 0;

	if (!d->o)
		return false;
	for (size_t i = 0; i < f->n_regs; i++) {
		struct pl_block b;
		uint64_t offset;

		if (!holds_pointer(d, f->regs[i], &b, &offset))
			continue;
		if (b.state != PL_BLOCK_FREE) {
			other = b.base;
			other_at = offset;
			continue;
		}
		pl_location_story(d->o, d->v, f->regs[i], story, sizeof(story));
		put_call(d, call, sizeof(call));
		ret->word = "segfault-freed";
		ret->confidence = address_known(d) && d->fault.info.addr < PL_NULL_END ? PL_POSSIBLE
										       : PL_LIKELY;
		snprintf(ret->text, sizeof(ret->text), "%.150s used memory that was freed: %.200s",
			 call, story);
		pl_triage_conclusion(
			d->t, "address", ret->confidence, "object",
			"register %s is 0x%llx: %s; the bad pointer is in it, at 0x%llx",
			pl_image_register(d->im, i), (unsigned long long)f->regs[i], story,
			(unsigned long long)offset);
		return true;
	}
	if (other) {
		const struct pl_type *type = type_in(d, other);

		pl_triage_conclusion(
			d->t, "address", PL_LIKELY, "object",
			"the bad pointer is in the block at 0x%llx%s%s, at 0x%llx of it",
			(unsigned long long)other, type ? ", a " : "", type ? type->name : "",
			(unsigned long long)other_at);
	}
	return false;
}

/* ---- NULL, and the rest ---- */

/*
 * The interpreter's own code uses little but objects; farther than a small object reaches, what it
 * asks of a NULL pointer is a type's.
 */
static const char *type_member(const struct pl_death *d, uint64_t offset)
{
	static const struct {
		enum pl_field field;
		const char *name;
	} members[] = {
		{PL_F_type_flags, "tp_flags"},       {PL_F_type_traverse, "tp_traverse"},
		{PL_F_type_dict, "tp_dict"},         {PL_F_type_base, "tp_base"},
		{PL_F_type_mro, "tp_mro"},           {PL_F_type_dictoffset, "tp_dictoffset"},
		{PL_F_type_is_gc, "tp_is_gc"},       {PL_F_type_del, "tp_del"},
		{PL_F_type_finalize, "tp_finalize"}, {PL_F_type_clear, "tp_clear"},
	};
	const struct pl_call *c = NULL;

	for (size_t i = d->fault.call; i < d->stacks[0].n_calls && !c; i++)
		c = d->stacks[0].calls[i].native ? &d->stacks[0].calls[i] : NULL;
	if (!d->l || !c || c->native->module != d->l->module)
		return NULL;
	for (size_t i = 0; i < PL_ARRAY_LEN(members); i++) {
		int32_t at = pl_layout_offset(d->l, members[i].field);

		/* Compilers test a bit in the byte that it is in. */
		if (pl_has(at) && offset - (uint64_t)at < 8)
			return members[i].name;
	}
	return NULL;
}

static void put_member(const struct pl_death *d, uint64_t offset, char *buf, size_t cap)
{
	const char *member = type_member(d, offset);

	buf[0] = '\0';
	if (d->l && offset == (uint64_t)d->l->f.object_type)
		snprintf(buf, cap, ", where an object has its type");
	else if (offset == 0)
		snprintf(buf, cap, ", or the reference count of a NULL object");
	else if (member)
		snprintf(buf, cap, ", where a type has its %s", member);
}

static void null(struct pl_death *d, struct pl_cause *ret)
{
	const struct pl_fault *f = &d->fault;
	uint32_t of_program = pl_image_machine(d->im)->regs->of_program;
	unsigned long long offset = d->fault.info.addr;
	char call[MAX_TEXT], member[80], registers[120] = "";

	put_call(d, call, sizeof(call));
	put_member(d, offset, member, sizeof(member));
	ret->word = "segfault-null";
	ret->confidence = PL_CERTAIN;
	if (f->ip == offset)
		snprintf(ret->text, sizeof(ret->text), "a call through a NULL pointer");
	else if (offset)
		snprintf(ret->text, sizeof(ret->text),
			 "%.200s used the member at 0x%llx of a NULL pointer%s", call, offset,
			 member);
	else
		snprintf(ret->text, sizeof(ret->text), "%.200s used a NULL pointer", call);
	for (size_t i = 0; i < f->n_regs; i++) {
		size_t used = strlen(registers);

		/* Others may always be 0. */
		if (f->regs[i] == 0 && of_program >> i & 1)
			snprintf(registers + used, sizeof(registers) - used, "%s%s",
				 used ? " " : "", pl_image_register(d->im, i));
	}
	pl_triage_evidence(d->t, "address", "threads --native",
			   "0x%llx%s; registers that are 0: %s", offset, member,
			   *registers ? registers : "none");
}

static void wild(struct pl_death *d, struct pl_cause *ret)
{
	bool bus = d->fault.info.signal == SIGBUS && d->fault.info.code != SI_FROM_KERNEL;
	const struct pl_mapping *m = pl_image_mapping(d->im, d->fault.info.addr);
	char call[MAX_TEXT], place[MAX_TEXT] = "nothing is mapped there";

	put_call(d, call, sizeof(call));
	ret->word = bus ? "bus-error" : "segfault-wild";
	ret->confidence = PL_CERTAIN;
	if (!address_known(d)) {
		snprintf(ret->text, sizeof(ret->text),
			 "%.200s used a pointer that no process can have", call);
		return;
	}
	if (m && d->o)
		pl_location(d->o, d->fault.info.addr, place, sizeof(place));
	else if (m)
		snprintf(place, sizeof(place), "a mapping of other access rights");
	snprintf(ret->text, sizeof(ret->text),
		 bus ? "%.200s used a mapped file behind its end" : "%.200s used a bad pointer",
		 call);
	pl_triage_evidence(d->t, "address", "threads --native", "0x%llx: %s",
			   (unsigned long long)d->fault.info.addr, place);
}

void pl_death_fault(struct pl_death *d, struct pl_cause *ret)
{
	bool bus = d->fault.info.signal == SIGBUS && d->fault.info.code != SI_FROM_KERNEL;

	if (!d->fault.has_info) {
		ret->word = bus ? "bus-error" : "segfault-wild";
		ret->confidence = PL_POSSIBLE;
		snprintf(ret->text, sizeof(ret->text),
			 "the core does not tell the address that was used");
	} else if (is_overflow(d)) {
		overflow(d, ret);
	} else if (!bus && find_freed(d, ret)) {
		return;
	} else if (address_known(d) && !bus && d->fault.info.addr < PL_NULL_END) {
		null(d, ret);
	} else {
		wild(d, ret);
	}
}
