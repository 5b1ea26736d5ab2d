/*
 * unwind.c - native stacks: libdwfl, over the files that were matched and the bytes of the core.
 *
 * libdwfl is given everything and finds nothing by itself: a module is the ELF file that modules.c
 * checked, mapped at the bias found there; memory is read through a view; no debug file is looked
 * for (and so no server asked), .eh_frame does. Where a function has no rule in it the stack ends:
 * libdwfl's own guess by the frame pointer is not wanted. What the core says is only ever an
 * address to look up; the number of frames is bounded.
 */
#include <elf.h>
#include <elfutils/libdwfl.h>

#include "image/internal.h"

/* A file given to libdwfl; the vDSO is one without a module. */
struct code {
	pl_addr lo, hi; /* of its segments at run time */
	pl_addr bias;
	int module; /* or -1 */
	const uint8_t *bytes;
	uint64_t n;
};

enum { MAX_RESUMED = 64 }; /* signals handled in each other's handlers */

struct pl_unwinder {
	struct pl_image *im;
	struct pl_view view;
	Dwfl *dwfl; /* NULL: no file to unwind with */
	PL_VEC(struct code) codes;
	/* Where the thread that is being unwound starts. */
	uint64_t regs[PL_REGS_MAX];
	pl_addr pc;
	bool unreadable; /* a word of its stack was not at hand: not the end of the stack then */
};

/* ---- what libdwfl asks ---- */

static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **ret)
{
	const struct code *c = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	(void)file_name;
	/* libdwfl frees the handle; the bytes stay ours. */
	*ret = c ? elf_memory((char *)c->bytes, (size_t)c->n) : NULL;
	return -1;
}

static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **ret)
{
	(void)mod;
	(void)userdata;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)crc;
	(void)ret;
	return -1;
}

/* Threads are asked for one by one: this is never called. */
static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
	(void)dwfl;
	(void)arg;
	(void)thread;
	return 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread)
{
	(void)dwfl;
	(void)tid;
	*thread = arg;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *ret, void *arg)
{
	struct pl_unwinder *u = arg;
	uint64_t word;

	(void)dwfl;
	if (!pl_read(&u->view, addr, &word, sizeof(word))) {
		u->unreadable = true;
		return false;
	}
	*ret = word;
	return true;
}

static bool set_initial_registers(Dwfl_Thread *thread, void *arg)
{
	struct pl_unwinder *u = arg;

	dwfl_thread_state_register_pc(thread, u->pc);
	return dwfl_thread_state_registers(thread, 0, u->im->machine->regs->n_dwarf, u->regs);
}

static const Dwfl_Callbacks file_callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_debuginfo,
};
static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_initial_registers,
};

/* ---- what it is given ---- */

static void add_code(struct pl_unwinder *u, int module, pl_addr bias,
		     const struct pl_elf_head *head, const uint8_t *bytes, uint64_t n)
{
	struct code c = {.bias = bias, .module = module, .bytes = bytes, .n = n};

	/* Wherever ET_DYN is linked to: libdwfl takes the first segment's page for the start. */
	if (head->load_lo >= head->load_hi || !pl_add(bias, head->load_lo & ~(PL_PAGE - 1), &c.lo))
		return;
	c.hi = bias + head->load_hi;
	if (c.lo < c.hi)
		pl_vec_push(&u->codes, c);
}

static void add_vdso(struct pl_unwinder *u)
{
	struct pl_elf_head head;
	const uint8_t *bytes;
	uint64_t addr, n;

	if (!pl_image_auxv(u->im, AT_SYSINFO_EHDR, &addr) ||
	    !(bytes = pl_core_bytes(u->im, addr, &n)) || !pl_elf_head(bytes, n, &head))
		return;
	add_code(u, -1, addr - (head.load_lo & ~(PL_PAGE - 1)), &head, bytes, n);
}

static int by_lo(const void *a, const void *b)
{
	const struct code *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* False when libdwfl puts the file elsewhere than it was. */
static bool report(Dwfl *dwfl, struct code *c)
{
	Dwfl_Module *mod = dwfl_report_module(dwfl, "", c->lo, c->hi);
	GElf_Addr bias;
	void **userdata;

	if (!mod || !dwfl_module_info(mod, &userdata, NULL, NULL, NULL, NULL, NULL, NULL))
		return false;
	*userdata = c;
	if (dwfl_module_getelf(mod, &bias) && bias == c->bias)
		return true;
	*userdata = NULL;
	return false;
}

static struct pl_unwinder *unwinder(struct pl_image *im)
{
	struct pl_unwinder *u = im->unwinder;
	pl_addr end = 0;
	bool any = false;

	if (u)
		return u;
	u = im->unwinder = pl_calloc(1, sizeof(*u));
	u->im = im;
	pl_view_init(&u->view, im);
	for (size_t i = 0; i < im->modules.n; i++) {
		const struct pl_file *f = im->priv[i].file;

		if (f && f->is_elf)
			add_code(u, (int)i, im->modules.at[i].bias, &f->head, f->map, f->size);
	}
	add_vdso(u);
	if (u->codes.n)
		qsort(u->codes.at, u->codes.n, sizeof(*u->codes.at), by_lo);
	u->dwfl = dwfl_begin(&file_callbacks);
	if (!u->dwfl)
		return u;
	dwfl_report_begin(u->dwfl);
	for (size_t i = 0; i < u->codes.n; i++) {
		if (u->codes.at[i].lo < end) /* only a hostile core lays one over another */
			continue;
		any |= report(u->dwfl, &u->codes.at[i]);
		end = u->codes.at[i].hi;
	}
	if (dwfl_report_end(u->dwfl, NULL, NULL) != 0 || !any ||
	    !dwfl_attach_state(u->dwfl, NULL, 1, &thread_callbacks, u)) {
		dwfl_end(u->dwfl);
		u->dwfl = NULL;
	}
	return u;
}

void pl_unwinder_free(struct pl_unwinder *u)
{
	if (!u)
		return;
	if (u->dwfl)
		dwfl_end(u->dwfl);
	pl_vec_free(&u->codes);
	free(u);
}

/* ---- the walk ---- */

struct walk {
	struct pl_unwinder *u;
	PL_VEC(struct pl_native_frame) frames;
	size_t most; /* frames to read */
	enum pl_unwind_end end;
	size_t jumped;  /* index of the caller of a wild jump: see start(); 0 for none */
	size_t resumed; /* frames that there were when libdwfl was last set off */
};

enum { FEW = 16 }; /* frames that are read of any stack */

static const struct code *code_at(const struct pl_unwinder *u, pl_addr pc)
{
	size_t i = pl_find_range(u->codes.at, u->codes.n, sizeof(*u->codes.at), pc);

	return i < u->codes.n ? &u->codes.at[i] : NULL;
}

/* pc is known, sp 0 where it is not. */
static void add_frame(struct walk *w, pl_addr pc, pl_addr sp, bool exact)
{
	struct pl_native_frame f = {.pc = pc, .sp = sp, .exact = exact, .module = -1};
	const struct pl_mapping *m = pl_image_mapping(w->u->im, exact ? pc : pc - 1);
	struct pl_symbol symbol;

	/* What a signal interrupted may be on another stack than its handler. */
	if (w->frames.n && sp > w->frames.at[w->frames.n - 1].sp &&
	    !pl_is_sigreturn(w->u->im->machine, &w->u->view, w->frames.at[w->frames.n - 1].pc))
		w->frames.at[w->frames.n - 1].end = sp;
	if (m)
		f.module = m->module;
	/* After a call that does not return, the next instruction may be another function's. */
	if (pl_image_symbol_at(w->u->im, exact ? pc : pc - 1, &symbol)) {
		f.module = symbol.module;
		f.symbol = symbol.name;
		f.offset = pc - symbol.addr;
	}
	pl_vec_push(&w->frames, f);
}

/* Does .eh_frame (or .debug_frame) tell how to leave the function at pc? */
static bool has_rule(Dwfl_Module *mod, pl_addr pc)
{
	Dwarf_CFI *(*const sources[])(Dwfl_Module *, Dwarf_Addr *) = {dwfl_module_eh_cfi,
								      dwfl_module_dwarf_cfi};

	for (size_t i = 0; i < PL_ARRAY_LEN(sources); i++) {
		Dwarf_Addr bias = 0;
		Dwarf_CFI *cfi = sources[i](mod, &bias);
		Dwarf_Frame *frame = NULL;

		if (cfi && dwarf_cfi_addrframe(cfi, pc - bias, &frame) == 0) {
			free(frame);
			return true;
		}
	}
	return false;
}

static int each_frame(Dwfl_Frame *state, void *arg)
{
	struct walk *w = arg;
	const struct pl_native_frame *last;
	Dwarf_Addr pc;
	Dwarf_Word sp = 0;
	Dwfl_Module *mod;
	bool exact;

	w->u->unreadable = false;
	/* To tell whether the frame was interrupted it unwinds it, and reads the next ones'
	 * registers. */
	if (!dwfl_frame_pc(state, &pc, &exact))
		return DWARF_CB_ABORT;
	if (dwfl_frame_reg(state, w->u->im->machine->regs->dwarf_sp, &sp) != 0)
		sp = 0;
	/* The caller of a wild jump: see start(). */
	if (w->jumped && w->frames.n == w->jumped) {
		exact = false;
		add_frame(w, pc + 1, sp, false);
	} else {
		last = w->frames.n ? &w->frames.at[w->frames.n - 1] : NULL;
		w->end = PL_UNWIND_LOST;
		if (last && last->pc == pc && last->sp == sp) /* it gets nowhere */
			return DWARF_CB_ABORT;
		add_frame(w, pc, sp, exact);
		if (!exact)
			pc--;
	}
	w->end = PL_UNWIND_BOUND;
	if (w->frames.n >= w->most)
		return DWARF_CB_ABORT;
	mod = dwfl_addrmodule(w->u->dwfl, pc);
	w->end = PL_UNWIND_NO_FILE;
	if (!mod || !code_at(w->u, pc))
		return DWARF_CB_ABORT;
	w->end = PL_UNWIND_NO_RULE;
	if (!has_rule(mod, pc))
		return DWARF_CB_ABORT;
	w->end = PL_UNWIND_LOST;
	return DWARF_CB_OK;
}

static bool is_code(const struct pl_image *im, pl_addr pc)
{
	const struct pl_mapping *m = pl_image_mapping(im, pc);

	return m && (!m->prot || (m->prot & PL_PROT_EXEC));
}

/*
 * Set off from these registers of the thread. One that jumped to where no code is (a call through a
 * NULL pointer) has no function to leave; the call just left its return address on the stack, so
 * that its caller is unwound instead, from inside the call instruction.
 */
static void start(struct walk *w, const uint64_t *regs)
{
	const struct pl_registers *m = w->u->im->machine->regs;
	pl_addr ip = regs[m->pc], sp = regs[m->sp];
	uint64_t ret;

	w->jumped = 0;
	w->resumed = w->frames.n;
	for (unsigned i = 0; i < m->n_dwarf; i++)
		w->u->regs[i] = regs[m->by_dwarf[i]];
	w->u->pc = ip;
	if (!w->u->im->machine->calls->pushes || is_code(w->u->im, ip) ||
	    !pl_read64(&w->u->view, sp, &ret) || !ret || !is_code(w->u->im, ret - 1))
		return;
	add_frame(w, ip, sp, true);
	w->jumped = w->frames.n;
	w->u->pc = ret - 1;
	w->u->regs[m->dwarf_sp] = sp + 8;
}

static void run(struct walk *w, const uint64_t *regs)
{
	const struct pl_registers *m = w->u->im->machine->regs;

	w->end = PL_UNWIND_NO_FILE;
	start(w, regs);
	/* It is content with a return address that cannot be read, too. */
	if (w->u->dwfl && dwfl_getthread_frames(w->u->dwfl, 1, each_frame, w) == 0)
		w->end = w->u->unreadable ? PL_UNWIND_LOST : PL_UNWIND_WHOLE;
	if (w->frames.n == w->resumed)
		add_frame(w, regs[m->pc], regs[m->sp], true);
}

/*
 * The stack ended with the code that a signal's handler returns to, or one behind it: the signal
 * interrupted a wild jump, which libdwfl knows no way out of, or the C library has no rule for that
 * code. The kernel kept the registers: go on with those.
 */
static bool resume(struct walk *w, const struct pl_thread *t, struct pl_signal *s)
{
	const struct pl_machine *m = w->u->im->machine;

	for (size_t back = 1; back <= 2 && back <= w->frames.n - w->resumed; back++) {
		size_t i = w->frames.n - back;

		if (!pl_is_sigreturn(m, &w->u->view, w->frames.at[i].pc) ||
		    !pl_sigframe_regs(m, &w->u->view, t, w->frames.at[i].sp, s))
			continue;
		if (back == 2 && is_code(w->u->im, s->ip))
			return false;
		w->frames.n = i + 1;
		return true;
	}
	return false;
}

enum pl_unwind_end pl_image_unwind(struct pl_image *im, size_t thread, size_t *left,
				   struct pl_native_frame **ret, size_t *n)
{
	const struct pl_thread *t = &im->threads.at[thread];
	struct walk w = {.u = unwinder(im)};
	struct pl_signal s;

	w.most = PL_MIN(PL_MAX(*left, (size_t)FEW), (size_t)PL_NATIVE_FRAMES);
	run(&w, t->regs);
	for (unsigned i = 0; i < MAX_RESUMED && resume(&w, t, &s); i++)
		run(&w, s.regs);
	if (w.frames.n == 1 && pl_image_stack_blank(im, t))
		w.end = PL_UNWIND_BLANK;
	*left -= PL_MIN(*left, w.frames.n);
	*ret = w.frames.at;
	*n = w.frames.n;
	return w.end;
}

/* ---- one register of one frame ---- */

struct ask {
	size_t more; /* frames still to go */
	unsigned reg;
	Dwarf_Word value;
	bool found;
};

/*
 * Where a function does not say what becomes of a register that calls keep, it has not touched it:
 * the value is that of the last frame further in that has one. libdwfl knows this for all but rbx
 * (x86_64_abi_cfi() in its backends/x86_64_cfi.c has number 0 for it, which is rax; so up to 0.188
 * and later), whose value it calls unknown.
 */
static int ask_frame(Dwfl_Frame *state, void *arg)
{
	struct ask *a = arg;

	a->found |= dwfl_frame_reg(state, a->reg, &a->value) == 0;
	return a->more-- ? DWARF_CB_OK : DWARF_CB_ABORT;
}

bool pl_image_unwind_register(struct pl_image *im, size_t thread, size_t frame, size_t reg,
			      uint64_t *ret)
{
	const struct pl_registers *m = im->machine->regs;
	struct walk w = {.u = unwinder(im)};
	struct ask a = {.reg = m->n_dwarf};

	for (unsigned i = 0; i < m->n_dwarf; i++) {
		if (m->by_dwarf[i] == reg && pl_machine_kept(im->machine, reg))
			a.reg = i;
	}
	start(&w, im->threads.at[thread].regs);
	/* A wild jump's own frame is not one that libdwfl sees. */
	a.more = frame - PL_MIN(frame, w.frames.n);
	pl_vec_free(&w.frames);
	if (a.reg < m->n_dwarf && w.u->dwfl)
		dwfl_getthread_frames(w.u->dwfl, 1, ask_frame, &a);
	/* All of the way, or it is another frame's. */
	if (a.reg == m->n_dwarf || !a.found || a.more != SIZE_MAX)
		return false;
	*ret = a.value;
	return true;
}
