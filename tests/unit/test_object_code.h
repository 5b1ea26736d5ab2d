/*
 * test_object_code.h - code objects and frames for the unit tests, in the layout of any table.
 */
#ifndef TEST_OBJECT_CODE_H
#define TEST_OBJECT_CODE_H

#include "object/frames/pyframe.h"

#include "test_object_heap.h"

enum {
	CO_OPTIMIZED = 1,
	CO_GENERATOR = 0x20,
	KIND_PLAIN = 0x20,
	KIND_CELL = 0x40,
	KIND_FREE = 0x80
};
enum {
	CODE_BYTES = 64, /* of instructions */
	FREE_SLOTS = 8,  /* of a frame, above those that the test fills */
};

/* Names of variables, each list ending with NULL. */
struct code_spec {
	const char *name;
	int first_line;
	const void *lines; /* the line table, n_lines bytes */
	size_t n_lines;
	const char *plain[4], *cells[4], *free[4];
	uint32_t stack_size, flags;
	uint8_t instructions[CODE_BYTES];
};

struct code_heap {
	struct heap h;
	pl_addr code_type, frame_type, cell_type;
};

/* One table for each way that frames and line tables have been. */
static const char *const every_frame_layout[] = {
	"2.7.18-debian", "3.6.15-pyenv", "3.9.18-pyenv",   "3.10.13-pyenv", "3.11.7-pyenv",
	"3.12.1-pyenv",  "3.13.0-pyenv", "3.14.10-debian", "3.15.2-debian",
};

static inline void code_heap_init(struct code_heap *c, const char *table)
{
	struct heap *h = &c->h;

	heap_init(h, table);
	c->code_type = heap_builtin(h, "code", 0, (uint64_t)h->l.f.code_struct_size, 0);
	c->frame_type = heap_builtin(h, "frame", PL_TPFLAG_GC, (uint64_t)h->l.f.frame_back + 8, 0);
	c->cell_type = heap_builtin(h, "cell", PL_TPFLAG_GC, (uint64_t)h->l.f.cell_ref + 8, 0);
}

/* Write a word of a struct, where this version has it. */
static inline void put_word(struct heap *h, pl_addr base, int32_t offset, uint64_t value)
{
	if (pl_has(offset))
		w64(h, base + (uint64_t)offset, value);
}

static inline void put_int(struct heap *h, pl_addr base, int32_t offset, uint32_t value)
{
	if (pl_has(offset))
		w32(h, base + (uint64_t)offset, value);
}

static inline size_t count_names(const char *const *names)
{
	size_t n = 0;

	while (n < 4 && names[n])
		n++;
	return n;
}

static inline pl_addr heap_names(struct heap *h, const char *const *names, size_t n)
{
	pl_addr items[12];

	for (size_t i = 0; i < n; i++)
		items[i] = heap_str(h, names[i]);
	return heap_tuple(h, items, n);
}

static inline pl_addr heap_code(struct code_heap *c, const struct code_spec *s)
{
	struct heap *h = &c->h;
	const struct pl_fields *f = &h->l.f;
	bool in_place = h->l.line_style == PL_LINES_LOCATION;
	size_t n_plain = count_names(s->plain), n_cells = count_names(s->cells);
	size_t n_free = count_names(s->free), n = n_plain + n_cells + n_free;
	pl_addr code = heap_object(h, c->code_type, (size_t)f->code_struct_size + CODE_BYTES);
	const char *all[12];
	char kinds[12];

	memcpy(all, s->plain, n_plain * sizeof(*all));
	memcpy(all + n_plain, s->cells, n_cells * sizeof(*all));
	memcpy(all + n_plain + n_cells, s->free, n_free * sizeof(*all));
	memset(kinds, KIND_PLAIN, n_plain);
	memset(kinds + n_plain, KIND_CELL, n_cells);
	memset(kinds + n_plain + n_cells, (char)KIND_FREE, n_free);
	put_int(h, code, f->code_firstlineno, (uint32_t)s->first_line);
	put_int(h, code, f->code_flags, s->flags);
	put_int(h, code, f->code_stacksize, s->stack_size);
	put_int(h, code, f->code_nlocals, (uint32_t)n_plain);
	put_int(h, code, f->code_nlocalsplus, (uint32_t)n);
	put_word(h, code, f->code_filename, heap_str(h, "app.py"));
	put_word(h, code, f->code_name, heap_str(h, s->name));
	put_word(h, code, f->code_qualname, heap_str(h, s->name));
	put_word(h, code, f->code_linetable, heap_bytes(h, s->lines, s->n_lines));
	put_word(h, code, f->code_varnames, heap_names(h, s->plain, n_plain));
	put_word(h, code, f->code_cellvars, heap_names(h, s->cells, n_cells));
	put_word(h, code, f->code_freevars, heap_names(h, s->free, n_free));
	put_word(h, code, f->code_localsplusnames, heap_names(h, all, n));
	put_word(h, code, f->code_localspluskinds, heap_bytes(h, kinds, n));
	if (in_place)
		memcpy(heap_at(h, code + (uint64_t)f->code_code), s->instructions, CODE_BYTES);
	else
		put_word(h, code, f->code_code,
			 heap_bytes(h, (const char *)s->instructions, CODE_BYTES));
	return code;
}

static inline pl_addr heap_cell(struct code_heap *c, pl_addr value)
{
	pl_addr cell = heap_object(&c->h, c->cell_type, (size_t)c->h.l.f.cell_ref + 8);

	w64(&c->h, cell + (uint64_t)c->h.l.f.cell_ref, value);
	return cell;
}

struct frame_spec {
	pl_addr code;
	int64_t at; /* byte of the code where it stands */
	const uint64_t *slots;
	size_t n_slots, n_locals; /* the first of them are locals, the rest is stack */
	int64_t depth;            /* of the stack; -1 while the frame runs */
};

/* An _PyInterpreterFrame at addr (3.11 on). */
static inline void fill_iframe(struct heap *h, pl_addr addr, const struct frame_spec *s,
			       uint8_t owner)
{
	const struct pl_fields *f = &h->l.f;
	pl_addr locals = addr + (uint64_t)f->iframe_localsplus;
	int64_t top = s->depth < 0 ? -1 : (int64_t)s->n_locals + s->depth;

	put_word(h, addr, f->iframe_executable, s->code);
	put_word(h, addr, f->iframe_instr, s->code + (uint64_t)f->code_code + (uint64_t)s->at);
	w8(h, addr + (uint64_t)f->iframe_owner, owner);
	if (h->l.frame_style == PL_FRAME_TAGGED)
		put_word(h, addr, f->iframe_stacktop, top < 0 ? 0 : locals + 8 * (uint64_t)top);
	else
		put_int(h, addr, f->iframe_stacktop, (uint32_t)top);
	if (s->n_slots)
		memcpy(heap_at(h, locals), s->slots, s->n_slots * 8);
}

static inline void fill_frame_object(struct heap *h, pl_addr addr, const struct frame_spec *s)
{
	const struct pl_fields *f = &h->l.f;
	pl_addr locals = addr + (uint64_t)f->frame_localsplus, stack = locals + 8 * s->n_locals;
	bool runs = s->depth < 0, counted = h->l.line_style == PL_LINES_310;

	put_word(h, addr, f->var_size, s->n_slots + FREE_SLOTS);
	put_word(h, addr, f->frame_code, s->code);
	put_int(h, addr, f->frame_lasti, (uint32_t)(counted ? s->at / 2 : s->at));
	put_word(h, addr, f->frame_valuestack, stack);
	put_word(h, addr, f->frame_stacktop, runs ? 0 : stack + 8 * (uint64_t)s->depth);
	put_int(h, addr, f->frame_stackdepth, (uint32_t)s->depth);
	if (pl_has(f->frame_state))
		w8(h, addr + (uint64_t)f->frame_state, counted ? (runs ? 0 : UINT8_MAX) : runs);
	if (s->n_slots)
		memcpy(heap_at(h, locals), s->slots, s->n_slots * 8);
}

/* A frame: up to 3.10 an object, then on a thread's stack. */
static inline pl_addr heap_frame(struct code_heap *c, const struct frame_spec *s)
{
	struct heap *h = &c->h;
	pl_addr addr;

	if (h->l.frame_style == PL_FRAME_OBJECT) {
		addr = heap_object(h, c->frame_type,
				   (size_t)h->l.f.frame_localsplus + 8 * (s->n_slots + FREE_SLOTS));
		fill_frame_object(h, addr, s);
	} else {
		addr = heap_put(h, NULL,
				(size_t)h->l.f.iframe_localsplus + 8 * (s->n_slots + FREE_SLOTS));
		fill_iframe(h, addr, s, PL_FRAME_OF_THREAD);
	}
	return addr;
}

#endif
