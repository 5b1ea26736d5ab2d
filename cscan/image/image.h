/*
 * image.h - the memory of the dead process.
 *
 * The only room that knows ELF, cores, files and DWARF (elfutils is included nowhere else); it does
 * not know that the program was a Python. An image is opened once, is read-only afterwards and may
 * be read by several threads, each with a struct pl_view of its own. Symbols and DWARF are asked
 * from one thread only (libdw's handles are not thread-safe).
 */
#ifndef PL_IMAGE_H
#define PL_IMAGE_H

#include "base/base.h"
#include "base/ctx.h"
#include "base/err.h"
#include "machine/machine.h"

struct pl_image_options {
	const char *core;      /* path, or "-" for standard input */
	const char *exe;       /* the interpreter's file, or NULL: from the core's notes */
	const char *sysroot;   /* prefix of every path that the core names, or NULL */
	const char *debug_dir; /* where separate debug files lie besides /usr/lib/debug, or NULL;
				  directories separated by ':' */
	uint64_t max_unpacked; /* most bytes of a compressed or piped core; 0 = no limit */
};

/* Where the bytes of a span come from. */
enum pl_span_source { PL_SPAN_CORE, PL_SPAN_FILE };

enum { PL_PROT_EXEC = 1, PL_PROT_WRITE = 2, PL_PROT_READ = 4 }; /* as ELF's PF_X, PF_W, PF_R */

/* A stretch of memory whose bytes are at hand; spans are sorted, disjoint and never empty. */
struct pl_span {
	pl_addr lo, hi;      /* [lo, hi) */
	const uint8_t *host; /* bytes of lo, borrowed from the image, valid as long as it */
	uint8_t source;      /* enum pl_span_source */
	uint8_t prot;        /* PL_PROT_..., from the core's program header */
	int module;          /* index of the mapped file, or -1 for anonymous memory */
};

/* A mapping of the process, whether its bytes are at hand or not; sorted by lo. */
struct pl_mapping {
	pl_addr lo, hi;
	uint64_t file_offset; /* of lo in the module's file; 0 for anonymous memory */
	uint8_t prot;         /* 0 when only NT_FILE tells of it */
	int module;           /* or -1 */
	uint64_t present;     /* bytes of it that some span holds */
};

enum pl_module_state {
	PL_MODULE_MATCHED,   /* file found, build-id equal to the one in the core */
	PL_MODULE_UNCHECKED, /* file found, but the core (or file) has no build-id to compare */
	PL_MODULE_MISSING,   /* no such file */
	PL_MODULE_MISMATCH,  /* file found, another build-id: its bytes are not used */
	PL_MODULE_NOT_ELF,   /* a mapped data file */
};

/* A file that was mapped. Strings and arrays belong to the image. */
struct pl_module {
	const char *path; /* as the core names it */
	const char *file; /* the file looked at on this machine, or NULL */
	enum pl_module_state state;
	pl_addr lo, hi; /* first and last mapped byte + 1 */
	pl_addr bias;   /* run-time address = bias + address in the ELF file */
	bool is_exe;    /* the main program */
	uint8_t core_build_id[32], file_build_id[32];
	unsigned core_build_id_len, file_build_id_len; /* 0 = none */
};

/* A thread of the process, in the order of the core's notes: the first one is the one that died. */
struct pl_thread {
	uint32_t lwp;
	int signal; /* pr_cursig of this thread */
	pl_addr ip, sp;
	pl_addr tp; /* thread pointer: pthread_t on x86-64 glibc */
	/* Where a signal's handler runs on a stack of its own: that stack, and the stack pointer
	 * that the thread had on its own one. Else 0, 0, sp. */
	pl_addr alt_lo, alt_hi, own_sp;
	const uint64_t *regs; /* n_regs general registers in the kernel's order, borrowed */
	size_t n_regs;
};

/* What is in a siginfo_t. */
struct pl_siginfo {
	int signal, code;
	bool has_addr; /* the kernel raised it for what an instruction did (code > 0), at addr */
	pl_addr addr;
	uint32_t sender; /* si_pid of who sent it: kill(), raise(), sigqueue(); else 0 */
};

/* What the core says about the process as a whole. */
struct pl_core_info {
	const char *path;
	uint32_t pid;
	int signal; /* that killed it; 0 for a snapshot (gcore) */
	bool has_fault_addr;
	pl_addr fault_addr; /* si_addr, when has_fault_addr */
	bool has_siginfo;
	int si_code;            /* of NT_SIGINFO, 0 without */
	uint32_t sender;        /* si_pid of who sent it: kill(), raise(), sigqueue(); else 0 */
	const char *command;    /* pr_psargs, "" when absent; raw bytes, escape before printing */
	bool truncated;         /* the file ends before its last segment does */
	uint64_t missing_bytes; /* of segments that the file should hold but does not */
	uint64_t file_size;     /* of the (uncompressed) core */
	uint64_t present_bytes; /* sum over spans from the core */
	uint32_t n_segments;    /* PT_LOADs */
	uint16_t machine;       /* EM_... */
	bool from_gcore;        /* written by gdb, not by the kernel */
};

struct pl_image;

/*
 * Open a core: reads headers and notes, maps the bytes, matches the mapped files. Compressed input
 * and "-" are unpacked to an unlinked temporary file. Not a core: PL_E_NOT_CORE; a core of a
 * machine that cannot be read: PL_E_MACHINE; *ret is untouched on failure. Truncation and missing
 * files are no failures but notes in ctx.
 */
int pl_image_open(const struct pl_image_options *options, struct pl_ctx *ctx, struct pl_image **ret,
		  struct pl_err *err);
void pl_image_free(struct pl_image *im);

const struct pl_core_info *pl_image_info(const struct pl_image *im);
const struct pl_span *pl_image_spans(const struct pl_image *im, size_t *n);
const struct pl_mapping *pl_image_mappings(const struct pl_image *im, size_t *n);
const struct pl_module *pl_image_modules(const struct pl_image *im, size_t *n);
const struct pl_thread *pl_image_threads(const struct pl_image *im, size_t *n);
/* The machine that the process ran on. */
const struct pl_machine *pl_image_machine(const struct pl_image *im);
/* Name of the general register with that index in pl_thread.regs; "?" when there is none. */
const char *pl_image_register(const struct pl_image *im, size_t index);

/* The thread stood in futex(2): it waited for a lock, a condition or another thread. */
bool pl_image_in_futex(const struct pl_image *im, const struct pl_thread *t);

/*
 * Where every thread has its copy of a thread-local variable that a library exports ("errno" of the
 * C library): what to add to its tp, modulo 2^64. False unless the library's file and what the
 * loader wrote for it are at hand. Only for libraries that came with the program: what dlopen()
 * loads later has another place in each thread.
 */
bool pl_image_tls(struct pl_image *im, const char *name, uint64_t *ret);

enum pl_stack_part {
	PL_STACK_NONE, /* no thread's stack */
	PL_STACK_LIVE, /* frames of functions that have not returned, and thread-local data */
	PL_STACK_DEAD, /* below the stack pointer: whatever is there was left behind */
};
/*
 * Which thread's stack holds addr, and whether that part of it is in use; *ret is set unless
 * PL_STACK_NONE. Several neighbouring stacks may be one mapping: from glibc 2.42 on guards are
 * installed with madvise(MADV_GUARD_INSTALL) and the kernel merges what lies between
 * (nptl/allocatestack.c).
 */
enum pl_stack_part pl_image_stack(const struct pl_image *im, pl_addr addr,
				  const struct pl_thread **ret);
/*
 * The core has nothing but zeros where the thread's stack was. That is what gdb before 18 writes
 * (gcore.c) for a mapping that it cannot read as a whole, such as a stack with its guard inside: so
 * of every thread but the main one, from glibc 2.42 on.
 */
bool pl_image_stack_blank(const struct pl_image *im, const struct pl_thread *t);
/* The value of an NT_AUXV entry (AT_...); false when absent. */
bool pl_image_auxv(const struct pl_image *im, uint64_t type, uint64_t *ret);

/* The span that holds addr, or NULL when its byte is not at hand. Binary search. */
const struct pl_span *pl_image_span(const struct pl_image *im, pl_addr addr);
/* The mapping that holds addr, or NULL. */
const struct pl_mapping *pl_image_mapping(const struct pl_image *im, pl_addr addr);

/*
 * A reader: remembers the spans it met last. Make one per thread with pl_view_init(); it owns
 * nothing. The slot is picked by the address's megabyte, so a walk that alternates between the heap
 * and the static types of the interpreter stays in the cache.
 */
#define PL_VIEW_SLOTS 64
struct pl_view {
	const struct pl_image *im;
	struct {
		pl_addr lo, hi;
		const uint8_t *host;
	} slot[PL_VIEW_SLOTS];
};
void pl_view_init(struct pl_view *v, const struct pl_image *im);
const uint8_t *pl_view_miss(struct pl_view *v, pl_addr addr, uint64_t n); /* for pl_at() only */

/* Host pointer to n contiguous bytes at addr, or NULL when not all of them are in one span. */
static inline const uint8_t *pl_at(struct pl_view *v, pl_addr addr, uint64_t n)
{
	unsigned s = (unsigned)(addr >> 20) % PL_VIEW_SLOTS;

	if (addr >= v->slot[s].lo && addr < v->slot[s].hi && n <= v->slot[s].hi - addr)
		return v->slot[s].host + (addr - v->slot[s].lo);
	return pl_view_miss(v, addr, n);
}

/* Read a word; false when it is not at hand, *ret untouched. */
static inline bool pl_read64(struct pl_view *v, pl_addr addr, uint64_t *ret)
{
	const uint8_t *p = pl_at(v, addr, 8);

	if (!p)
		return false;
	*ret = pl_ld64(p);
	return true;
}
static inline bool pl_read32(struct pl_view *v, pl_addr addr, uint32_t *ret)
{
	const uint8_t *p = pl_at(v, addr, 4);

	if (!p)
		return false;
	*ret = pl_ld32(p);
	return true;
}
/* Copy n bytes, which may lie in several adjoining spans; false (buf undefined) when some are not
 * at hand. */
bool pl_read(struct pl_view *v, pl_addr addr, void *buf, uint64_t n);
/* A NUL-terminated string of at most max - 1 bytes into buf; false when unreadable or longer. */
bool pl_read_cstr(struct pl_view *v, pl_addr addr, char *buf, size_t max);

/* ---- symbols (image/symbols.c) ---- */
struct pl_symbol {
	pl_addr addr; /* at run time, bias added */
	uint64_t size;
	int module;
	const char *name; /* borrowed from the image */
};
/*
 * A symbol by name: .dynsym, then .symtab, then the separate debug file's .symtab. module -1
 * searches the executable first and then all matched or unchecked modules. A ".lto_priv.N" or
 * ".N" suffix is ignored when no exact name is found. False when there is none.
 */
bool pl_image_symbol(struct pl_image *im, int module, const char *name, struct pl_symbol *ret);
/* Call fn for every symbol of that name (static variables repeat); stops when fn returns false. */
void pl_image_symbols_named(struct pl_image *im, int module, const char *name,
			    bool (*fn)(void *arg, const struct pl_symbol *s), void *arg);
/* The symbol whose [addr, addr + size) holds addr (functions and objects), or false. */
bool pl_image_symbol_at(struct pl_image *im, pl_addr addr, struct pl_symbol *ret);
/* Run-time address and size of a section of a module by name (".PyRuntime", ".bss"). */
bool pl_image_section(struct pl_image *im, int module, const char *name, pl_addr *addr,
		      uint64_t *size);
/* Hex of a build-id into buf (at least 2 * len + 1 bytes). */
void pl_build_id_hex(const uint8_t *id, unsigned len, char *buf);

/* ---- native stacks (image/unwind.c) ---- */
/* A call that has not returned. */
struct pl_native_frame {
	pl_addr pc;      /* the instruction where it stands, or where it goes on after its call */
	pl_addr sp, end; /* its part of the stack is [sp, end); end 0 when that is not known */
	bool exact;      /* it stands at pc: the innermost one, or one that a signal interrupted */
	int module;      /* whose code it is, or -1 */
	const char *symbol; /* of its function, borrowed from the image, or NULL */
	uint64_t offset;    /* of pc from the symbol's address, 0 without */
};
/* Why a native stack goes no further. */
enum pl_unwind_end {
	PL_UNWIND_WHOLE,   /* it does not have to: the last frame is the first function */
	PL_UNWIND_NO_FILE, /* the last frame's code is in no file that is at hand */
	PL_UNWIND_NO_RULE, /* that file does not say how to leave the last frame's function */
	PL_UNWIND_LOST,    /* the stack below is not at hand, or it is overwritten */
	PL_UNWIND_BLANK,   /* the core has zeros instead of it: pl_image_stack_blank() */
	PL_UNWIND_BOUND,   /* PL_NATIVE_FRAMES were read, or as many as were left */
};
#define PL_NATIVE_FRAMES 200000
/*
 * The stack of the i-th thread, innermost call first, as .eh_frame of the matched files unwinds it;
 * *ret malloced, with at least the frame where the thread stands. From a signal's handler it goes
 * on with what was interrupted, be that on another stack. One thread at a time.
 * For who unwinds all threads: *left frames may still be read, and what was read is taken off. Of a
 * hostile core any number of threads can stand on one long stack. A few frames are read all the
 * same.
 */
#define PL_NATIVE_FRAMES_IN_ALL 1000000
enum pl_unwind_end pl_image_unwind(struct pl_image *im, size_t thread, size_t *left,
				   struct pl_native_frame **ret, size_t *n);
/*
 * What a general register (index in pl_thread.regs) was for the frame-th call that
 * pl_image_unwind() listed of that thread: true for those that calls have to keep, false for the
 * others. As expensive as unwinding that far.
 */
bool pl_image_unwind_register(struct pl_image *im, size_t thread, size_t frame, size_t reg,
			      uint64_t *ret);

/* ---- signal frames (image/sigframe.c) ---- */
/*
 * A signal whose handler has not returned: why it came, and where the thread will go on. All of it
 * is from the stack, which a bug may have overwritten.
 */
struct pl_signal {
	/*
	 * As the kernel told the handler. It tells only those that want to know (SA_SIGINFO;
	 * faulthandler's does not); of others the registers say which trap it was, or to which
	 * system call of the thread's own, raise() or kill(), it was due. info.signal is 0 when it
	 * was neither.
	 */
	struct pl_siginfo info;
	bool told;    /* else info is concluded */
	size_t frame; /* index of the interrupted call: those inside of it are the handler's, the
			 last of them the code that it returns to */
	pl_addr ip, sp;
	uint64_t regs[PL_REGS_MAX]; /* as pl_thread.regs; those that the kernel does not keep there
				       are the thread's */
};
/*
 * The signals that are handled on the stack of the i-th thread, innermost first, by its frames from
 * pl_image_unwind(): where a call was interrupted, and the registers on the stack are of just that
 * instruction and stack pointer. *ret is malloced, NULL for none.
 */
size_t pl_image_signals(const struct pl_image *im, size_t thread,
			const struct pl_native_frame *frames, size_t n, struct pl_signal **ret);

/* ---- DWARF (image/dwarf.c) ---- */
/*
 * One question: where is a member? strct is the name of a struct tag or of a typedef of one;
 * alternatives are separated by '|' and tried in order. member is a dotted path ("gc.collecting"),
 * alternatives separated by '|'; "" asks for the struct's size alone (offset is then that size).
 * A path may go through named structs, unions, arrays ("generations[0].head") and pointers are not
 * followed.
 */
struct pl_member_query {
	const char *strct, *member;
	bool found;      /* answer is valid */
	bool has_struct; /* a complete definition of the struct was seen, with or without the member
			  */
	int64_t offset;  /* bytes from the start of the struct, or its size */
	uint64_t size;   /* bytes of the member (of the whole array for arrays) */
	uint8_t bit_size,
		bit_offset; /* bit_size 0 unless it is a bit field; bit_offset from offset */
};
/*
 * Answer all queries from the DWARF of a module, in its file or in its separate debug file (found
 * by build-id or .gnu_debuglink under /usr/lib/debug, debug_dir, sysroot/usr/lib/debug). Units
 * whose name ends in one of hints (NULL-terminated, may be NULL) are read first, and reading stops
 * when all is answered. Returns false when there is no DWARF at all.
 */
bool pl_image_dwarf_members(struct pl_image *im, int module, const char *const *hints,
			    struct pl_member_query *queries, size_t n);

#endif
