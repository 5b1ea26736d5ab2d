/*
 * native_words.h - a search through C memory and what it has found so far. For native.c and
 * native_owned.c only.
 */
#ifndef PL_NATIVE_WORDS_H
#define PL_NATIVE_WORDS_H

#include "object/native/native.h"
#include "object/native/native_known.h"

/* The .bss of a mapped file. */
struct bss {
	pl_addr lo, hi;
	int module;
};

/* A live block that holds no object. */
struct buffer {
	pl_addr base;
	uint64_t size;
	uint64_t owned; /* so many bytes from its start are one of the owners' */
	bool hit;       /* a target's address is in it */
};

/* Raw memory of one place, and of one thread if it is a stack, from the first word to the last. */
struct stretch {
	enum pl_native_place place;
	uint32_t lwp;
	pl_addr lo, hi;
};

/* What a worker takes: a region of the heap, or raw memory. */
struct piece {
	const struct pl_region *region; /* or NULL */
	pl_addr lo, hi;
	PL_VEC(struct buffer) buffers;    /* of a region, ascending */
	PL_VEC(struct stretch) stretches; /* of raw memory, ascending */
};

struct pl_native_words {
	const struct pl_objects *o;
	const struct pl_addrset *targets;
	PL_VEC(struct bss) bss;
	struct pl_native_known known;
	PL_VEC(struct piece) pieces;
	size_t n_regions; /* the first pieces */
	struct pl_view *views;
	struct pl_ctx *ctx;
	PL_VEC(struct stretch) stretches; /* of all pieces, as they are told */
	PL_VEC(struct pl_native_hit) registers;
};

/* Mark the buffers of those objects as owned. PL_E_CANCELLED. */
int pl_native_mark_owned(struct pl_native_words *s, const pl_id *owners, size_t n,
			 struct pl_err *err);
/* Likewise those of builtin containers, as far as they have words. PL_E_CANCELLED. */
int pl_native_mark_containers(struct pl_native_words *s, struct pl_err *err);

#endif
