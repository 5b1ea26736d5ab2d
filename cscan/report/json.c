/*
 * json.c - the document of contract.md "JSON".
 *
 * jansson builds and spells each value; this file streams them, a row at a time, so that millions
 * of rows need no tree of the whole. What jansson leaves raw although a terminal would act on it
 * (C1 controls, bidi overrides) is written as \uXXXX, which reads back as the same string.
 */
#include "report/report.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/utf8.h"

/* A share is written as 0.984 and not as 0.98399999999999999. */
#define FLAGS (JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

/* jansson hands over whole characters of valid UTF-8; those beyond ASCII stand only in strings. */
static int write_safe(const char *s, size_t n, void *arg)
{
	FILE *out = arg;

	for (size_t i = 0; i < n;) {
		uint32_t cp = UINT32_MAX;
		size_t took = pl_utf8_get(s + i, n - i, &cp);

		if (cp < 0x7f || pl_utf8_printable(cp))
			fwrite(s + i, 1, took, out);
		else if (cp <= 0xffff)
			fprintf(out, "\\u%04x", cp);
		else if (cp <= 0x10ffff)
			fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
				0xdc00 + (cp & 0x3ff));
		i += PL_MAX(took, 1);
	}
	return 0;
}

static void dump(FILE *out, json_t *value)
{
	json_dump_callback(value, write_safe, out, FLAGS);
	json_decref(value);
}

/* n raw bytes as a JSON string; each byte that is no UTF-8 becomes U+FFFD. */
static json_t *stringn(const char *s, size_t n)
{
	json_t *v = json_stringn(s, n);
	char *clean;
	size_t at = 0;

	if (v)
		return v;
	clean = pl_malloc(n * 3);
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t took = pl_utf8_get(s + i, n - i, &cp);

		memcpy(clean + at, took ? s + i : "\xef\xbf\xbd", took ? took : 3);
		at += took ? took : 3;
		i += took ? took : 1;
	}
	v = json_stringn(clean, at);
	free(clean);
	return v;
}

static json_t *string(const char *s)
{
	return stringn(s, strlen(s));
}

/* jansson's integers end at 2^63; what a damaged core adds up to beyond that is a rounded real. */
static json_t *unsigned_number(uint64_t u)
{
	return u <= INT64_MAX ? json_integer((json_int_t)u) : json_real((double)u);
}

/* JSON has no infinity. */
static json_t *real(double d)
{
	json_t *v = json_real(d);

	return v ? v : json_null();
}

static json_t *list(const char *s)
{
	json_t *array = json_array();

	while (*s) {
		size_t n = strcspn(s, "\n");

		json_array_append_new(array, stringn(s, n));
		s += n + (s[n] == '\n');
	}
	return array;
}

static json_t *cell(const struct pl_cell *c)
{
	char addr[20];

	switch (c->kind) {
	case PL_CELL_ABSENT:
	case PL_CELL_UNKNOWN:
		break;
	case PL_CELL_TEXT:
		return string(c->s);
	case PL_CELL_COUNT:
	case PL_CELL_NUMBER:
	case PL_CELL_SIZE:
		return unsigned_number(c->u);
	case PL_CELL_INT:
	case PL_CELL_DELTA:
	case PL_CELL_DELTA_SIZE:
		return json_integer(c->i);
	case PL_CELL_ADDR:
		snprintf(addr, sizeof(addr), "0x%" PRIx64, c->u);
		return json_string(addr);
	case PL_CELL_SHARE:
		return real(c->d);
	case PL_CELL_BOOL:
		return json_boolean(c->b);
	case PL_CELL_LIST:
		return list(c->s);
	}
	return json_null();
}

static void put_core(FILE *out, const struct pl_report *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "path", string(r->core.path));
	json_object_set_new(o, "pid", json_integer(r->core.pid));
	json_object_set_new(o, "signal",
			    r->core.signal ? json_integer(r->core.signal) : json_null());
	json_object_set_new(o, "command", string(r->core.command));
	json_object_set_new(o, "truncated", json_boolean(r->core.truncated));
	json_object_set_new(o, "missing_bytes", unsigned_number(r->core.missing_bytes));
	dump(out, o);
}

static void put_python(FILE *out, const struct pl_report *r)
{
	json_t *o = json_object(), *flavours = json_array();

	for (size_t i = 0; i < r->python.n_flavours; i++)
		json_array_append_new(flavours, json_string(r->python.flavours[i]));
	json_object_set_new(o, "version", string(r->python.version));
	json_object_set_new(o, "hexversion", json_integer(r->python.hexversion));
	json_object_set_new(o, "flavour", flavours);
	json_object_set_new(o, "layout", json_string(r->python.layout));
	dump(out, o);
}

/* The total has only the columns that add up. */
static void put_total(FILE *out, const struct pl_table *t)
{
	json_t *o = json_object();

	for (size_t col = 0; col < t->n_columns; col++) {
		if (t->total[col].kind != PL_CELL_ABSENT)
			json_object_set_new(o, t->columns[col].name, cell(&t->total[col]));
	}
	fputs("\"total\": ", out);
	dump(out, o);
	fputs(", ", out);
}

static bool put_table(FILE *out, const struct pl_report *r, const struct pl_table *t)
{
	json_t *row = json_object(); /* one for all rows: every row sets every key */
	bool done = true;

	fprintf(out, "\n  \"%s\": {", t->name);
	if (t->total)
		put_total(out, t);
	fputs("\"rows\": [", out);
	for (size_t i = 0; i < t->n_rows; i++) {
		if (pl_report_stopped(r, i)) {
			done = false;
			break;
		}
		for (size_t col = 0; col < t->n_columns; col++)
			json_object_set_new(row, t->columns[col].name,
					    cell(&t->cells[i * t->n_columns + col]));
		fputs(i ? ",\n   " : "\n   ", out);
		dump(out, json_incref(row));
	}
	fputs("]}", out);
	json_decref(row);
	return done;
}

static void put_note(FILE *out, bool first, const char *level, const char *code, const char *text)
{
	json_t *o = json_object();

	json_object_set_new(o, "level", json_string(level));
	json_object_set_new(o, "code", json_string(code));
	json_object_set_new(o, "text", string(text));
	fputs(first ? "\n  " : ",\n  ", out);
	dump(out, o);
}

static void put_notes(FILE *out, const struct pl_report *r)
{
	static const char *const levels[] = {
		[PL_INFO] = "info",
		[PL_WARNING] = "warning",
		[PL_ERROR_LEVEL] = "error",
	};
	struct pl_line line = {0};
	bool first = true;

	for (size_t i = 0; i < r->n_notes; i++, first = false)
		put_note(out, first, levels[r->notes[i].level], r->notes[i].code, r->notes[i].text);
	for (size_t i = 0; i < r->result->tables.n; i++) {
		const struct pl_table *t = r->result->tables.at[i];

		if (!t->hidden_rows)
			continue;
		pl_line_printf(&line, "%zu more rows of %s were left out by --limit",
			       t->hidden_rows, t->name);
		put_note(out, first, "info", "limited", line.at);
		first = false;
	}
	free(line.at);
}

bool pl_report_json(FILE *out, const struct pl_report *r)
{
	bool done = true;

	fprintf(out,
		"{\"schema\": \"pyleak/1\",\n \"analysis\": \"%s\",\n \"core\": ", r->analysis);
	if (r->core.known)
		put_core(out, r);
	else
		fputs("null", out);
	fputs(",\n \"python\": ", out);
	if (r->python.known)
		put_python(out, r);
	else
		fputs("null", out);
	fputs(",\n \"tables\": {", out);
	for (size_t i = 0; i < r->result->tables.n && done; i++) {
		fputs(i ? "," : "", out);
		done = put_table(out, r, r->result->tables.at[i]);
	}
	fputs("},\n \"notes\": [", out);
	put_notes(out, r);
	fprintf(out, "],\n \"partial\": %s}\n", r->partial ? "true" : "false");
	return done;
}
