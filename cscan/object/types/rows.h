/*
 * rows.h - the rows of decoders.def, by number.
 */
#ifndef PL_ROWS_H
#define PL_ROWS_H

#include "object/types/names.h"

enum pl_decoder_row {
#define PL_DECODER(name, types) PL_DECODER_##name,
#include "object/decoders.def"
#undef PL_DECODER
};

/*
 * Index of the decoder for a type: the row of decoders.def nearest on its chain of bases; 0 (the
 * conservative scan) for a C type that none knows, 1 (nothing but slots and attributes) for
 * object's direct descendants in Python. Called once when a type enters the directory.
 */
uint8_t pl_decoder_for(const struct pl_names *names, struct pl_view *v, pl_addr type);

#endif
