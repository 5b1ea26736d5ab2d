/*
 * death_abort.c - who called abort(), and what was said before.
 *
 * glibc keeps its last message, of a failed assertion or of a malloc that is broken, behind
 * __abort_msg (assert/assert.c, sysdeps/posix/libc_fatal.c). CPython's Py_FatalError() prints its
 * own and keeps it nowhere; but a pointer to it is still in a register that some call saved, so the
 * words of the stack up to the caller are gone through, after the caller's code. Text out of a
 * file's read-only data is the interpreter's; text on the heap is the program's own and shown with
 * --values alone.
 */
#include <stdio.h>

#include "analysis/death/death.h"
#include "analysis/spell/secrets.h"
#include "base/utf8.h"

enum {
	MAX_MESSAGE = 240,
	MIN_MESSAGE = 8,
	CALL_BYTES = 64,        /* of code before a call, in which its arguments are loaded */
	MAX_STACK_WORDS = 4096, /* of the calls that give up: Py_FatalError()'s are small */
};

struct kind {
	const char *word, *text;
	const char *functions[10];
};

static const struct kind kinds[] = {
	{"abort-fatal-error",
	 "the interpreter gave up",
	 {"fatal_error", "_Py_FatalErrorFunc", "_Py_FatalErrorFormat", "Py_FatalError",
	  "fatal_error_exit", "_PyObject_AssertFailed", "_Py_FatalRefcountErrorFunc",
	  "Py_ExitStatusException"}},
	{"abort-assert",
	 "an assertion failed",
	 {"__assert_fail", "__assert_fail_base", "__GI___assert_fail", "__assert_perror_fail",
	  "__libc_assert_fail"}},
	{"abort-glibc",
	 "the C library gave up",
	 {"__libc_message", "__libc_message_impl", "malloc_printerr", "__libc_fatal",
	  "__fortify_fail", "__chk_fail", "__stack_chk_fail", "__GI___fortify_fail",
	  "__libc_message_wrapper"}},
	{"abort",
	 "C++ gave up: an exception that nobody caught, or what broke a promise",
	 {"_ZSt9terminatev", "_ZN10__cxxabiv111__terminateEPFvvE",
	  "_ZN9__gnu_cxx27__verbose_terminate_handlerEv"}},
};

static bool is_of(const struct kind *k, const struct pl_call *c)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(k->functions) && k->functions[i]; i++) {
		if (pl_call_is(c, k->functions[i]))
			return true;
	}
	return false;
}

/* The kind, by the native calls inside of all Python; *last is the outermost such call. */
static const struct kind *find_kind(const struct pl_death *d, const struct pl_call **last)
{
	const struct pl_stack *s = &d->stacks[0];
	const struct kind *found = NULL;

	for (size_t i = d->fault.call; i < s->n_calls && s->calls[i].native; i++) {
		for (size_t k = 0; k < PL_ARRAY_LEN(kinds); k++) {
			if (is_of(&kinds[k], &s->calls[i]) && (!found || found == &kinds[k])) {
				found = &kinds[k];
				*last = &s->calls[i];
			}
		}
	}
	return found;
}

/* ---- glibc's message ---- */

/* struct abort_msg_s: unsigned size, then the text (include/libc-internal.h). */
static bool glibc_message(struct pl_death *d, char *buf, size_t cap)
{
	struct pl_symbol symbol;
	char raw[MAX_MESSAGE];
	uint64_t at;
	uint32_t size;
	size_t n;

	if (!pl_image_symbol(d->im, -1, "__abort_msg", &symbol) ||
	    !pl_read64(d->v, symbol.addr, &at) || !at || !pl_read32(d->v, at, &size))
		return false;
	for (n = 0; n < sizeof(raw) && n < size; n++) {
		if (!pl_read(d->v, at + 4 + n, &raw[n], 1) || !raw[n] || raw[n] == '\n')
			break;
	}
	pl_utf8_escape(buf, cap, raw, n);
	return n > 0;
}

/* ---- the interpreter's message ---- */

static bool is_sentence(const char *s, size_t n)
{
	/* What Py_FatalError() and its helpers print around it (Python/pylifecycle.c). */
	static const char *const frame[] = {"Fatal Python error",
					    "Python runtime state",
					    "Current thread",
					    "Thread 0x",
					    "File \"",
					    "  File",
					    "most recent call",
					    "(most recent",
					    "Stack (",
					    "Traceback",
					    "Extension modules"};
	bool space = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < ' ' || s[i] > '~')
			return false;
		space |= s[i] == ' ';
	}
	for (size_t i = 0; i < PL_ARRAY_LEN(frame); i++) {
		if (!strncmp(s, frame[i], strlen(frame[i])))
			return false;
	}
	return n >= MIN_MESSAGE && space && !strchr(s, '%');
}

/* Is the text at addr out of a file, as string constants are? Else the program made it. */
static bool is_constant(const struct pl_death *d, pl_addr addr)
{
	const struct pl_span *s = pl_image_span(d->im, addr);

	return s && s->module >= 0 && !(s->prot & PL_PROT_WRITE);
}

/*
 * The best text that the registers and the stack up to end point to: the one nearest to the caller.
 * *own: there is one, but of the program's.
 */
static bool python_message(struct pl_death *d, pl_addr end, char *buf, size_t cap, bool *own)
{
	const struct pl_fault *f = &d->fault;
	const struct pl_thread *t;
	char text[MAX_MESSAGE], mine[MAX_MESSAGE] = "";
	uint64_t n = end > f->sp ? PL_MIN((end - f->sp) / 8, MAX_STACK_WORDS) : 0;
	bool found = false;

	for (uint64_t i = 0; i < n + f->n_regs; i++) {
		uint64_t word = 0;

		if (i < f->n_regs)
			word = f->regs[i];
		else if (!pl_read64(d->v, f->sp + 8 * (i - f->n_regs), &word))
			continue;
		if (!pl_read_cstr(d->v, word, text, sizeof(text)) ||
		    !is_sentence(text, strlen(text)))
			continue;
		if (is_constant(d, word)) {
			snprintf(buf, cap, "%s", text);
			found = true;
		} else if (pl_image_stack(d->im, word, &t) == PL_STACK_NONE) {
			strcpy(mine, text);
		}
	}
	*own = !found && *mine;
	if (*own && d->t->values) {
		pl_secret_mask(mine);
		snprintf(buf, cap, "%s", mine);
		return true;
	}
	return found;
}

/*
 * The text that the caller loads as the first or second argument just before its call, as compilers
 * do it for a constant. What is only taken for such an instruction does not point to a sentence.
 */
static bool loaded_message(struct pl_death *d, const struct pl_call *caller, char *buf, size_t cap)
{
	const struct pl_patterns *m = pl_image_machine(d->im)->patterns;
	/* What stands before the function's start is another's. */
	uint64_t n = caller->native->symbol ? PL_MIN(caller->native->offset, (uint64_t)CALL_BYTES)
					    : CALL_BYTES;
	pl_addr from = caller->native->pc - n;
	const uint8_t *code = n ? pl_at(d->v, from, n) : NULL;
	char text[MAX_MESSAGE];
	bool found = false;
	pl_addr at;

	for (size_t i = 0; code && i < n; i += m->step) {
		if (!m->constant_argument(code + i, n - i, from + i, &at) ||
		    !pl_read_cstr(d->v, at, text, sizeof(text)) ||
		    !is_sentence(text, strlen(text)) || !is_constant(d, at))
			continue;
		snprintf(buf, cap, "%s", text);
		found = true;
	}
	return found;
}

/* The interpreter's message, by the calls that gave up and the one that made them. */
static bool fatal_message(struct pl_death *d, const struct pl_call *last, char *buf, size_t cap,
			  bool *own)
{
	const struct pl_stack *s = &d->stacks[0];

	for (const struct pl_call *c = s->calls + d->fault.call;
	     c <= last + 1 && c < s->calls + s->n_calls; c++) {
		if (c->native && loaded_message(d, c, buf, cap))
			return true;
	}
	return python_message(d, last->native->end, buf, cap, own);
}

void pl_death_abort(struct pl_death *d, struct pl_cause *ret)
{
	const struct pl_call *last = NULL;
	const struct kind *kind = find_kind(d, &last);
	char message[MAX_MESSAGE + 40] = "";
	bool own = false;

	ret->no_memory = false;
	ret->word = kind ? kind->word : "abort";
	ret->confidence = PL_CERTAIN;
	if (kind == &kinds[0]) {
		if (fatal_message(d, last, message, sizeof(message), &own))
			ret->no_memory = !own && pl_death_says_no_memory(message);
		else if (own)
			snprintf(message, sizeof(message),
				 "the message is the program's own, --values shows it");
	} else if (glibc_message(d, message, sizeof(message)) && !kind) {
		/* Without symbols the message alone tells the two from each other. */
		kind = &kinds[strstr(message, "Assertion") ? 1 : 2];
		ret->word = kind->word;
		ret->confidence = PL_LIKELY;
	}
	if (kind)
		snprintf(ret->text, sizeof(ret->text), "%s%s%s", kind->text, *message ? ": " : "",
			 message);
	else
		snprintf(ret->text, sizeof(ret->text), "abort() was called");
}
