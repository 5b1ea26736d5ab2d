/*
 * put.h - an edge, and what a decoder works on and with.
 */
#ifndef PL_PUT_H
#define PL_PUT_H

#include "object/objects.h"
#include "object/traverse/visits.h"

enum pl_edge_kind {
	PL_EDGE_STRONG,   /* owns a reference: counted in the target's ob_refcnt */
	PL_EDGE_WEAK,     /* a weakref's referent */
	PL_EDGE_BORROWED, /* a pointer that owns nothing (type cache values, dict of a split
			     type...) */
	PL_EDGE_NATIVE,   /* found by a conservative scan of raw memory: may own, may not */
};

enum pl_label_kind {            /* spelled                       arg */
		     PL_L_TEXT, /* as it is: ".__self__"         host pointer to a static string */
		     PL_L_DICT, /* .__dict__                     0; a path spells it and the next
				   key as .key */
		     PL_L_ATTR, /* .name                         address of a str */
		     PL_L_MEMBER, /* .name                         address of a C string
				     (PyMemberDef.name) */
		     PL_L_ITEM,   /* ['key'], [7]                  address of the key object */
		     PL_L_KEY,   /* <key 'k'>                     0: the target is the key itself */
		     PL_L_INDEX, /* [7]                           the index */
		     PL_L_ELEMENT,  /* <set element>                 0 */
		     PL_L_LOCAL,    /* .f_locals['x'], local x       address of a str */
		     PL_L_GI_LOCAL, /* .gi_frame.f_locals['x'], local x   address of a str: a
				       generator's */
		     PL_L_CR_LOCAL, /* .cr_frame.f_locals['x'], local x   a coroutine's */
		     PL_L_AG_LOCAL, /* .ag_frame.f_locals['x'], local x   an async generator's */
		     PL_L_CLOSURE,  /* .__closure__[0].cell_contents, closure x   PL_CLOSURE():
				       index of the cell, address of the name */
		     PL_L_STACK,    /* <stack 2>                     depth on an evaluation stack */
		     PL_L_NATIVE,   /* <native +0x18>                offset in bytes */
};

/* A closure variable's index, below 2^16, and its name in one word: an address of user space fits
 * 48 bits. */
#define PL_CLOSURE(index, name) ((uint64_t)(index) << 48 | ((name) >> 48 ? 0 : (name)))

struct pl_edge {
	pl_addr target; /* never 0; may be anything else: look it up before use */
	uint64_t arg;
	uint8_t kind;   /* enum pl_edge_kind */
	uint8_t label;  /* enum pl_label_kind */
	bool traversed; /* this version's tp_traverse visits it, so gc.get_referents() shows it */
};
typedef void pl_edge_fn(void *arg, const struct pl_edge *e);

/* What a decoder works on. */
struct pl_decode {
	const struct pl_objects *o;
	const struct pl_layout *l;
	struct pl_view *v;
	const struct pl_type *type;
	pl_addr addr;
	const uint8_t *obj; /* at least max(basicsize of the builtin the decoder is for,
			       object_size) bytes */
	uint64_t room;      /* bytes at obj */
	bool gc;            /* PyObject_IS_GC(): gc.get_referents() asks its tp_traverse at all */
	const struct pl_type *native;   /* the C type that no decoder knows and whose tp_traverse
					   decides, or NULL */
	const struct pl_visits *visits; /* of native */
	uint64_t *left;                 /* how many references may still be put; NULL: any number */
	pl_edge_fn *fn;
	void *arg;
};
typedef void pl_decoder(const struct pl_decode *d);

static inline void pl_put(const struct pl_decode *d, pl_addr target, uint8_t kind, uint8_t label,
			  uint64_t arg, bool traversed)
{
	struct pl_edge e = {target, arg, kind, label, traversed && d->gc};

	if (!target || (d->left && !*d->left))
		return;
	if (d->left)
		--*d->left;
	d->fn(d->arg, &e);
}
/* The word at an offset of the object, 0 when the version has no such field or it is out of reach.
 */
static inline uint64_t pl_word(const struct pl_decode *d, int32_t offset)
{
	return pl_has(offset) && (uint64_t)(int64_t)offset + 8 <= d->room ? pl_ld64(d->obj + offset)
									  : 0;
}
/* The member at offset as a strong edge with a fixed name; traversed or not (a member that
 * tp_traverse omits). */
static inline void pl_put_member(const struct pl_decode *d, int32_t offset, const char *name,
				 bool traversed)
{
	pl_put(d, pl_word(d, offset), PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t)name,
	       traversed);
}
/*
 * Words of C memory that belong to the object: its own, or those that one of its words points to.
 * What a tp_traverse visits it owns, as a rule without exceptions; of other words only the address
 * is known. A word that may be visited counts as visited: a tp_traverse is to be complete.
 */
enum {
	PL_RAW_BLOCKS = 64,
	PL_RAW_WORDS = 4096, /* of a block */
};
struct pl_raw {
	const struct pl_visits *visits;
	bool behind;     /* words that a word of the object points to */
	int64_t pointer; /* its offset */
	unsigned blocks; /* that may still be looked into, at first PL_RAW_BLOCKS */
};
/*
 * What a traverseproc that the object itself names visits, for pl_raw; the caller frees it. It is
 * read anew for each object, so its instructions are taken off d->left, too.
 */
struct pl_visits *pl_put_visits(const struct pl_decode *d, pl_addr traverse);
/*
 * The word at an offset of these: an edge when it is an object's address, and one for each such
 * word of the malloc'd block it points to. The label counts from the offset.
 */
void pl_put_raw_word(const struct pl_decode *d, struct pl_raw *raw, pl_addr word, uint64_t offset);
/* The nearest type on the chain of bases that no class statement made: type itself, or NULL when
 * the chain is damaged. */
const struct pl_type *pl_c_base(const struct pl_objects *o, struct pl_view *v,
				const struct pl_type *type);
/* n object pointers at addr as [0], [1], ... */
void pl_put_items(const struct pl_decode *d, pl_addr items, uint64_t n);
/* The entries of a dict, as dict_traverse() visits them: for dict and the types that build on it.
 */
void pl_put_dict(const struct pl_decode *d);
/* What a class holds besides its __dict__ (put_type.c): for type and the metatypes that add to it.
 */
void pl_put_type(const struct pl_decode *d);

#endif
