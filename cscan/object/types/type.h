/*
 * type.h - what a type says of its instances, and the directory of all types that were met.
 *
 * A type is known by its index, which does not change once the objects are listed: up to there by
 * name, then address, behind it in the order in which types were met. What only object/ asks of the
 * directory is in types.h.
 */
#ifndef PL_TYPE_H
#define PL_TYPE_H

#include "base/base.h"
#include "image/image.h"
#include "layout/layout.h"

struct pl_type {
	pl_addr addr;
	const char *name;   /* "module.qualname", escaped UTF-8; "<type at 0x...>" when unreadable;
			       owned by the directory */
	const char *module; /* part of name before the qualname, "" when unknown */
	bool name_known;    /* name is the real one */
	bool ambiguous;     /* another live type bears the same name: show the address too */
	uint64_t flags;     /* tp_flags */
	int64_t basicsize, itemsize;
	int64_t dictoffset, weaklistoffset;
	pl_addr base, metatype, dealloc, traverse;
	bool is_heap, is_gc; /* Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_HAVE_GC */
	bool preheader;      /* instances have two words before the gc head */
	bool is_type;        /* instances are types themselves (a metatype) */
	uint8_t kind;        /* enum pl_kind of the nearest builtin base */
	uint8_t decoder;     /* enum pl_decoder_row: who reads what an instance refers to */
	bool python_class;   /* made by a class statement: instances are subtype_dealloc()'s */
	bool base_traverses; /* the nearest type on the chain of bases that no class statement made
				has a tp_traverse */
	bool slotted;        /* a class statement on the chain of bases has __slots__ */
	bool holds_nothing;  /* no instance refers to anything: str, int, float ... themselves */
	bool exact;          /* the type is that builtin itself, not a subclass */
	bool own_sizeof; /* it or a base below the builtin overrides __sizeof__ in Python: size is a
			    lower bound */
	uint8_t head;    /* bytes before the object: gc head and pre-header */
	uint8_t head_counted;             /* bytes of these that sys.getsizeof() adds */
	struct pl_visits *_Atomic visits; /* types.c's: ask pl_type_visits() */
	uint32_t fixed_size; /* sys.getsizeof() of every instance, 0 = depends on the instance */
};

/* The builtin a type is or derives from: what decides how an instance is sized and read. */
enum pl_kind {
#define PL_KIND(name, type_name) PL_KIND_##name,
#include "object/kinds.def"
#undef PL_KIND
	PL_N_KINDS
};

struct pl_types; /* the directory */
struct pl_names; /* names.h */
struct pl_types *pl_types_new(struct pl_image *im, const struct pl_names *names);
void pl_types_free(struct pl_types *t);
/* Index of the type at addr, or -1 when it is no type. Thread-safe; a first sight validates and
 * adds it. */
int32_t pl_types_find(struct pl_types *t, struct pl_view *v, pl_addr addr);
const struct pl_type *pl_types_at(const struct pl_types *t, uint32_t index);
size_t pl_types_count(const struct pl_types *t);
bool pl_types_full(const struct pl_types *t); /* there are more types than are kept */
/* What its tp_traverse visits (visits.h), read on first need. Thread-safe. */
const struct pl_visits *pl_type_visits(struct pl_types *t, struct pl_view *v,
				       const struct pl_type *type);
/* The same of any traverseproc, for objects of a type; the caller frees it (visits.h). */
struct pl_visits *pl_types_visits_of(struct pl_types *t, struct pl_view *v, pl_addr function,
				     pl_addr type);

#endif
