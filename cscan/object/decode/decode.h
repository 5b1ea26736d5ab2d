/*
 * decode.h - the decoders, one per row of decoders.def.
 */
#ifndef PL_DECODE_H
#define PL_DECODE_H

#include "object/edges/put.h"
#include "object/types/rows.h"

/* The C type of the object that no decoder knows, or NULL (native.c). */
const struct pl_type *pl_native_type(const struct pl_decode *d);

#define PL_DECODER(name, types) pl_decoder pl_decode_##name;
#include "object/decoders.def"
#undef PL_DECODER

#endif
