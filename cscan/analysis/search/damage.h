/*
 * damage.h - where a heap contradicts itself.
 *
 * A sound heap gives no site at all, of whatever version: every check is one that holds for each
 * object of a process that stopped at any point of its own code, a collection included.
 */
#ifndef PL_DAMAGE_H
#define PL_DAMAGE_H

#include "session/session.h"

enum pl_damage_kind {
	PL_DAMAGE_POOL,       /* a pool's or page's header contradicts its blocks */
	PL_DAMAGE_FREELIST,   /* a link between freed blocks leads astray */
	PL_DAMAGE_CHUNK,      /* a malloc chunk's header is none */
	PL_DAMAGE_LINK,       /* the collector's list goes from an object to what is none */
	PL_DAMAGE_FREED,      /* a living object refers to a freed block */
	PL_DAMAGE_HEAD,       /* and to a block in use in which no object can be made out */
	PL_DAMAGE_WILD,       /* and to where nothing is mapped */
	PL_DAMAGE_COUNT,      /* a reference count that none can be */
	PL_DAMAGE_UNDERCOUNT, /* many more references than it counts */
	PL_DAMAGE_DICT,       /* a dict's table contradicts itself */
	PL_N_DAMAGES
};

struct pl_damage_site {
	enum pl_damage_kind kind;
	pl_addr at;    /* what is damaged: pool, block, object, or where a reference leads */
	pl_id source;  /* the object that leads there, or PL_NO_ID */
	uint64_t word; /* the count, or the references found */
};

#define PL_DAMAGE_SHOWN 3 /* sites of each kind that are kept */
struct pl_damage {
	uint64_t n[PL_N_DAMAGES];
	struct pl_damage_site site[PL_N_DAMAGES][PL_DAMAGE_SHOWN];
};

/* Look at all of the heap. PL_E_CANCELLED, PL_E_NOMEM, or that of a stage. */
int pl_damage_find(struct pl_session *s, struct pl_damage *ret, struct pl_err *err);

#endif
