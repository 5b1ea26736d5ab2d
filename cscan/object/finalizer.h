/*
 * finalizer.h - what runs when an object is finalized, as the collector asks it.
 */
#ifndef PL_FINALIZER_H
#define PL_FINALIZER_H

#include "object/objects.h"

enum pl_finalizer {
	PL_FINALIZER_NONE,
	PL_FINALIZER_DEL,         /* __del__ of a Python class */
	PL_FINALIZER_TP_FINALIZE, /* tp_finalize of a C type (PEP 442) */
	PL_FINALIZER_TP_DEL,      /* tp_del of a C type, which PEP 442 calls legacy */
	PL_FINALIZER_GENERATOR,   /* a generator suspended inside try or with */
};

/* What the types of an object table say, read once. */
struct pl_finalizers;
struct pl_finalizers *pl_finalizers_new(const struct pl_objects *o, struct pl_view *v);
void pl_finalizers_free(struct pl_finalizers *f);
enum pl_finalizer pl_finalizer_of(const struct pl_finalizers *f, struct pl_view *v, pl_id id);
/*
 * Does this version's collector refuse to free a cycle for it? has_finalizer() of 2.7 and
 * has_legacy_finalizer() of 3.4 on, Modules/gcmodule.c, Python/gc.c.
 */
bool pl_finalizer_blocks(const struct pl_layout *l, enum pl_finalizer f);
/* "__del__" "tp_finalize" "tp_del" "generator"; NULL for none. */
const char *pl_finalizer_name(enum pl_finalizer f);

#endif
