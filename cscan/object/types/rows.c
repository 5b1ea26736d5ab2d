/*
 * rows.c - which row of decoders.def is a type's. Only the names in it count here; the decoders are
 * not known.
 */
#include "object/types/rows.h"

static const char *const decoder_types[] = {
#define PL_DECODER(name, types) types,
#include "object/decoders.def"
#undef PL_DECODER
};

uint8_t pl_decoder_for(const struct pl_names *names, struct pl_view *v, pl_addr type)
{
	int row = pl_type_row(names, v, type, decoder_types, PL_ARRAY_LEN(decoder_types));

	return row < 0 ? PL_DECODER_native : (uint8_t)row;
}
