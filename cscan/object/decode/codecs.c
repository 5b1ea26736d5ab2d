/*
 * codecs.c - the state of incremental codecs: multibyte text, zstd, graphemes. Facts:
 * Modules/cjkcodecs/multibytecodec.h, Modules/_zstd/, Modules/unicodedata.c (3.15).
 */
#include "object/decode/decode.h"

#define LAST_ERROR_NUMBER 3 /* ERROR_STRICT, ERROR_IGNORE, ERROR_REPLACE are small numbers */

/* How errors are handled: one of three numbers, or a str. */
static void put_errors(const struct pl_decode *d)
{
	pl_addr errors = pl_word(d, d->l->f.mbstate_errors);

	if (errors > LAST_ERROR_NUMBER)
		pl_put(d, errors, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) ".errors", true);
}

/* What is not encoded yet; in 2.7 it is no object, and has its length beside it. */
static void put_pending(const struct pl_decode *d)
{
	if (!pl_has(d->l->f.mbencoder_pendingsize))
		pl_put_member(d, d->l->f.mbencoder_pending, "<pending>", false);
}

/* What an encoding's own module made. */
void pl_decode_mbcodec(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.mbcodec_module, "<module>", true);
}

void pl_decode_mbencoder(const struct pl_decode *d)
{
	put_errors(d);
	put_pending(d);
}

void pl_decode_mbdecoder(const struct pl_decode *d)
{
	put_errors(d);
}

void pl_decode_mbreader(const struct pl_decode *d)
{
	put_errors(d);
	pl_put_member(d, d->l->f.mbreader_stream, ".stream", true);
}

void pl_decode_mbwriter(const struct pl_decode *d)
{
	put_errors(d);
	put_pending(d);
	pl_put_member(d, d->l->f.mbwriter_stream, ".stream", true);
}

void pl_decode_zstdcompressor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.zstdcompressor_dict, "<dictionary>", true);
}

void pl_decode_zstddecompressor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.zstddecompressor_dict, "<dictionary>", true);
	pl_put_member(d, d->l->f.zstddecompressor_unused, ".unused_data", false);
}

void pl_decode_zstddict(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.zstddict_c_dicts, "<digested>", !d->l->late_visit_type);
}

void pl_decode_segment(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.segment_string, "<string>", true);
}

void pl_decode_graphemes(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.graphemes_string, "<string>", true);
}
