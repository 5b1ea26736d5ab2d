/*
 * type.c - classes whose metaclass adds nothing of its own; what a class holds is put_type.c's.
 */
#include "object/decode/decode.h"

void pl_decode_type(const struct pl_decode *d)
{
	pl_put_type(d);
}
