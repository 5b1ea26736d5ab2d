/*
 * io.c - files and streams. Facts: Modules/_io/ (bytesio.c, stringio.c, bufferedio.c, textio.c).
 */
#include "object/decode/decode.h"

void pl_decode_bytesiobuf(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.bytesiobuf_source, "<BytesIO>", true);
}

void pl_decode_buffered(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.buffered_raw, ".raw", true);
}

/* Some were not visited until the types of _io became heap types, with a module's state (3.12). */
static bool visits_all(const struct pl_decode *d)
{
	return pl_has(d->l->f.stringio_module_state);
}

void pl_decode_rwpair(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.rwpair_reader, "<reader>", visits_all(d));
	pl_put_member(d, d->l->f.rwpair_writer, "<writer>", visits_all(d));
}

void pl_decode_textio(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.textio_buffer, ".buffer", true);
	pl_put_member(d, d->l->f.textio_encoding, ".encoding", true);
	pl_put_member(d, d->l->f.textio_encoder, "<encoder>", true);
	pl_put_member(d, d->l->f.textio_decoder, "<decoder>", true);
	pl_put_member(d, d->l->f.textio_readnl, "<read newline>", true);
	pl_put_member(d, d->l->f.textio_errors, ".errors", true);
	pl_put_member(d, d->l->f.textio_decoded_chars, "<decoded>", true);
	pl_put_member(d, d->l->f.textio_pending_bytes, "<pending>", true);
	pl_put_member(d, d->l->f.textio_snapshot, "<snapshot>", true);
	pl_put_member(d, d->l->f.textio_raw, ".buffer.raw", true);
}

void pl_decode_nldecoder(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.nldecoder_decoder, "<decoder>", true);
	pl_put_member(d, d->l->f.nldecoder_errors, ".errors", true);
}

/* In 2.7 the buffer is malloc'd bytes, with a size beside it. */
void pl_decode_bytesio(const struct pl_decode *d)
{
	if (!pl_has(d->l->f.bytesio_buf_size))
		pl_put_member(d, d->l->f.bytesio_buf, "<bytes>", visits_all(d));
}

void pl_decode_stringio(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->stringio_readnl, "<read newline>", visits_all(d));
	pl_put_member(d, f->stringio_writenl, "<write newline>", visits_all(d));
	pl_put_member(d, f->stringio_decoder, "<decoder>", visits_all(d));
	pl_put_member(d, f->stringio_accu_large, "<text>", false);
	pl_put_member(d, f->stringio_accu_small, "<text>", false);
	pl_put_member(d, f->stringio_writer_buffer, "<text>", false);
}
