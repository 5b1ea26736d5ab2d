/*
 * exception.c - BaseException and the builtin exceptions that hold more than it
 * (Objects/exceptions.c). Their dict is tp_dictoffset's.
 */
#include "object/decode/decode.h"

void pl_decode_exception(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_put_member(d, f->exc_args, ".args", true);
	pl_put_member(d, f->exc_message27, ".message", true);
	pl_put_member(d, f->exc_notes, ".__notes__", true);
	pl_put_member(d, f->exc_traceback, ".__traceback__", true);
	pl_put_member(d, f->exc_context, ".__context__", true);
	pl_put_member(d, f->exc_cause, ".__cause__", true);
}

void pl_decode_stop_iteration(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.stopiteration_value, ".value", true);
}

void pl_decode_system_exit(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.systemexit_code, ".code", true);
}

void pl_decode_exception_group(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.excgroup_message, ".message", true);
	pl_put_member(d, d->l->f.excgroup_exceptions, ".exceptions", true);
	pl_put_member(d, d->l->f.excgroup_text, "<text of the exceptions>", true);
}

void pl_decode_import_error(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.importerror_msg, ".msg", true);
	pl_put_member(d, d->l->f.importerror_name, ".name", true);
	pl_put_member(d, d->l->f.importerror_path, ".path", true);
	pl_put_member(d, d->l->f.importerror_name_from, ".name_from", true);
}

void pl_decode_os_error(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.oserror_errno, ".errno", true);
	pl_put_member(d, d->l->f.oserror_strerror, ".strerror", true);
	pl_put_member(d, d->l->f.oserror_filename, ".filename", true);
	pl_put_member(d, d->l->f.oserror_filename2, ".filename2", true);
}

void pl_decode_name_error(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.nameerror_name, ".name", true);
}

void pl_decode_attribute_error(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.attributeerror_obj, ".obj", true);
	pl_put_member(d, d->l->f.attributeerror_name, ".name", true);
}

void pl_decode_syntax_error(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	pl_decode_exception(d);
	pl_put_member(d, f->syntaxerror_msg, ".msg", true);
	pl_put_member(d, f->syntaxerror_filename, ".filename", true);
	pl_put_member(d, f->syntaxerror_lineno, ".lineno", true);
	pl_put_member(d, f->syntaxerror_offset, ".offset", true);
	pl_put_member(d, f->syntaxerror_end_lineno, ".end_lineno", true);
	pl_put_member(d, f->syntaxerror_end_offset, ".end_offset", true);
	pl_put_member(d, f->syntaxerror_text, ".text", true);
	pl_put_member(d, f->syntaxerror_print, ".print_file_and_line", true);
	pl_put_member(d, f->syntaxerror_metadata, "._metadata", true);
}

/* UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError: their base has no more than
 * others. */
void pl_decode_unicode_error(const struct pl_decode *d)
{
	pl_decode_exception(d);
	pl_put_member(d, d->l->f.unicodeerror_encoding, ".encoding", true);
	pl_put_member(d, d->l->f.unicodeerror_object, ".object", true);
	pl_put_member(d, d->l->f.unicodeerror_reason, ".reason", true);
}
