/*
 * traceback.c - tracebacks (Python/traceback.c).
 */
#include "object/decode/decode.h"

void pl_decode_traceback(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.traceback_next, ".tb_next", true);
	pl_put_member(d, d->l->f.traceback_frame, ".tb_frame", true);
}
