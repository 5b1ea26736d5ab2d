/*
 * misc.c - small types of extension modules: re, struct, csv, json, decimal, zlib, ssl, os, _abc.
 * Facts: the module's file in Modules/.
 */
#include "object/decode/decode.h"

void pl_decode_pattern(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.pattern_groupindex, ".groupindex", true);
	pl_put_member(d, d->l->f.pattern_indexgroup, "<groups by index>", true);
	pl_put_member(d, d->l->f.pattern_pattern, ".pattern", true);
	pl_put_member(d, d->l->f.pattern_fail, "<exception>", true);
}

void pl_decode_match(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.match_string, ".string", true);
	pl_put_member(d, d->l->f.match_regs, ".regs", true);
	pl_put_member(d, d->l->f.match_pattern, ".re", true);
}

void pl_decode_scanner(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.scanner_pattern, ".pattern", true);
	pl_put_member(d, d->l->f.scanner_string, "<string>", false);
	pl_put_member(d, d->l->f.scanner_buffer, "<buffer>", false);
}

void pl_decode_struct(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.struct_format, ".format", true);
}

void pl_decode_unpackiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.unpackiter_struct, "<struct>", true);
	pl_put_member(d, d->l->f.unpackiter_buffer, "<buffer>", true);
}

void pl_decode_csvdialect(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.csvdialect_lineterminator, ".lineterminator", true);
}

void pl_decode_csvreader(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.csvreader_input, "<input>", true);
	pl_put_member(d, d->l->f.csvreader_dialect, ".dialect", true);
	pl_put_member(d, d->l->f.csvreader_fields, "<fields>", true);
}

void pl_decode_csvwriter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.csvwriter_write, "<write>", true);
	pl_put_member(d, d->l->f.csvwriter_dialect, ".dialect", true);
	pl_put_member(d, d->l->f.csvwriter_error, "<error>", true);
}

/* strict, sort_keys and skipkeys are objects up to 3.6, then char or int. */
static bool is_pointer(uint32_t width)
{
	return width == 0 || width == 8;
}

void pl_decode_jsonscanner(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.jsonscanner_encoding, ".encoding", true);
	if (is_pointer(d->l->w.jsonscanner_strict))
		pl_put_member(d, d->l->f.jsonscanner_strict, ".strict", true);
	pl_put_member(d, d->l->f.jsonscanner_object_hook, ".object_hook", true);
	pl_put_member(d, d->l->f.jsonscanner_pairs_hook, ".object_pairs_hook", true);
	pl_put_member(d, d->l->f.jsonscanner_array_hook, ".array_hook", true);
	pl_put_member(d, d->l->f.jsonscanner_parse_float, ".parse_float", true);
	pl_put_member(d, d->l->f.jsonscanner_parse_int, ".parse_int", true);
	pl_put_member(d, d->l->f.jsonscanner_parse_constant, ".parse_constant", true);
	/* not visited until the type became a heap type */
	pl_put_member(d, d->l->f.jsonscanner_memo, "<memo>", d->type->is_heap);
}

void pl_decode_jsonencoder(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.jsonencoder_markers, ".markers", true);
	pl_put_member(d, d->l->f.jsonencoder_default, ".default", true);
	pl_put_member(d, d->l->f.jsonencoder_encoder, ".encoder", true);
	pl_put_member(d, d->l->f.jsonencoder_indent, ".indent", true);
	pl_put_member(d, d->l->f.jsonencoder_key_separator, ".key_separator", true);
	pl_put_member(d, d->l->f.jsonencoder_item_separator, ".item_separator", true);
	if (!is_pointer(d->l->w.jsonencoder_sort_keys))
		return;
	pl_put_member(d, d->l->f.jsonencoder_sort_keys, ".sort_keys", true);
	pl_put_member(d, d->l->f.jsonencoder_skipkeys, ".skipkeys", true);
}

void pl_decode_decimalcontext(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.decimalcontext_traps, ".traps", true);
	pl_put_member(d, d->l->f.decimalcontext_flags, ".flags", true);
}

void pl_decode_decimalmanager(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.decimalmanager_local, "<context>", true);
	pl_put_member(d, d->l->f.decimalmanager_global, "<saved context>", true);
}

void pl_decode_compressor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.compressor_unused, ".unused_data", false);
	pl_put_member(d, d->l->f.compressor_tail, ".unconsumed_tail", false);
	pl_put_member(d, d->l->f.compressor_zdict, "<dictionary>", true);
}

void pl_decode_bz2decompressor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.bz2decompressor_unused, ".unused_data", false);
}

void pl_decode_lzmadecompressor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.lzmadecompressor_unused, ".unused_data", false);
}

void pl_decode_zlibdecompressor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.zlibdecompressor_zdict, "<dictionary>", true);
	pl_put_member(d, d->l->f.zlibdecompressor_unused, ".unused_data", false);
}

void pl_decode_sslcontext(const struct pl_decode *d)
{
	bool all = d->l->ssl_visits_all;

	pl_put_member(d, d->l->f.sslcontext_sni, ".sni_callback", true);
	pl_put_member(d, d->l->f.sslcontext_msg, "._msg_callback", true);
	pl_put_member(d, d->l->f.sslcontext_keylog, ".keylog_filename", all);
	pl_put_member(d, d->l->f.sslcontext_psk_client, "<psk client callback>", all);
	pl_put_member(d, d->l->f.sslcontext_psk_server, "<psk server callback>", all);
}

void pl_decode_sslsocket(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sslsocket_socket, "<socket>", false);
	pl_put_member(d, d->l->f.sslsocket_ssl27, "<ssl socket>", false);
	pl_put_member(d, d->l->f.sslsocket_context, ".context", false);
	pl_put_member(d, d->l->f.sslsocket_owner, "<owner>", false);
	pl_put_member(d, d->l->f.sslsocket_hostname, ".server_hostname", false);
	pl_put_member(d, d->l->f.sslsocket_exc, "<exception>", true);
	pl_put_member(d, d->l->f.sslsocket_exc_type, "<exception type>", true);
	pl_put_member(d, d->l->f.sslsocket_exc_value, "<exception>", true);
	pl_put_member(d, d->l->f.sslsocket_exc_tb, "<exception traceback>", true);
}

void pl_decode_sslsession(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sslsession_context, "<context>", true);
}

void pl_decode_poll(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.poll_dict, "<files>", true);
}

void pl_decode_direntry(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.direntry_name, ".name", true);
	pl_put_member(d, d->l->f.direntry_path, ".path", true);
	pl_put_member(d, d->l->f.direntry_stat, ".stat()", true);
	pl_put_member(d, d->l->f.direntry_lstat, "<lstat>", true);
}

void pl_decode_scandir(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.scandir_path, "<path>", true);
	pl_put_member(d, d->l->f.scandir_cleanup, "<converted path>", true);
}

void pl_decode_abcdata(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.abcdata_registry, "<registry>", true);
	pl_put_member(d, d->l->f.abcdata_cache, "<cache>", true);
	pl_put_member(d, d->l->f.abcdata_negative, "<negative cache>", true);
}

void pl_decode_tuplegetter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.tuplegetter_doc, ".__doc__", true);
}

void pl_decode_dequeiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.dequeiter_deque, "<deque>", true);
}

void pl_decode_arrayiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.arrayiter_array, "<array>", true);
}

#define MAX_GROUPS 100000

/* A replacement string taken apart: literals between numbers of groups. */
void pl_decode_retemplate(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t n = pl_word(d, f->var_size), stride = (uint64_t)d->type->itemsize, literal;

	pl_put_member(d, f->retemplate_literal, "<literal>", true);
	if (!pl_has(f->retemplate_items) || n > MAX_GROUPS || stride < 16 || stride > 64)
		return;
	for (uint64_t i = 0; i < n; i++) {
		if (!pl_read64(d->v, d->addr + (uint64_t)f->retemplate_items + i * stride + 8,
			       &literal))
			return;
		pl_put(d, literal, PL_EDGE_STRONG, PL_L_INDEX, i, true);
	}
}

/* Types that hold no object: numbers, locks, states of a cipher or compressor, file descriptors. */
void pl_decode_opaque(const struct pl_decode *d)
{
	(void)d;
}
