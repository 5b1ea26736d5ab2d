/*
 * json.c - the document of contract.md "JSON".
 *
 * One row a line. Strings of a core leave as UTF-8 whatever they held, and what a terminal would
 * act on (controls, bidi overrides) as \uXXXX, which reads back as the same string.
 */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>

#include "base/utf8.h"
#include "report/sink.h"

/* n raw bytes inside of a JSON string; each byte that is no UTF-8 becomes U+FFFD. */
static void put_escaped(struct pl_buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp = 0;
		size_t run = i, took;

		while (run < n && s[run] >= ' ' && s[run] < 0x7f && s[run] != '"' && s[run] != '\\')
			run++;
		pl_buf_put(b, s + i, run - i);
		i = run;
		if (i == n)
			break;
		took = pl_utf8_get(s + i, n - i, &cp);
		if (!took)
			pl_buf_puts(b, "\xef\xbf\xbd");
		else if (cp == '"' || cp == '\\')
			pl_buf_printf(b, "\\%c", (char)cp);
		else if (cp >= '\b' && cp <= '\r' && cp != '\v')
			pl_buf_printf(b, "\\%c", "btn?fr"[cp - '\b']);
		else if (cp < ' ')
			pl_buf_printf(b, "\\u%04X", cp);
		else if (pl_utf8_printable(cp))
			pl_buf_put(b, s + i, took);
		else if (cp <= 0xffff)
			pl_buf_printf(b, "\\u%04x", cp);
		else
			pl_buf_printf(b, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
				      0xdc00 + (cp & 0x3ff));
		i += PL_MAX(took, 1u);
	}
}

static void put_stringn(struct pl_buf *b, const char *s, size_t n)
{
	pl_buf_put(b, "\"", 1);
	put_escaped(b, s, n);
	pl_buf_put(b, "\"", 1);
}

static void put_string(struct pl_buf *b, const char *s)
{
	put_stringn(b, s, strlen(s));
}

/*
 * A real as 0.984 and not as 0.98399999999999999, and always one that looks like it: 2.0, 1e20,
 * 1e-7. JSON has no infinity.
 */
static void put_real(struct pl_buf *b, double d)
{
	char text[40];
	size_t n, mantissa, exponent;

	if (!isfinite(d)) {
		pl_buf_puts(b, "null");
		return;
	}
	n = (size_t)snprintf(text, sizeof(text), "%.15g", d);
	mantissa = strcspn(text, "e");
	for (size_t i = 0; i < mantissa; i++) { /* the locale may have a point of its own */
		if (text[i] != '-' && (text[i] < '0' || text[i] > '9'))
			text[i] = '.';
	}
	pl_buf_put(b, text, mantissa);
	if (mantissa == n) {
		pl_buf_puts(b, memchr(text, '.', n) ? "" : ".0");
		return;
	}
	pl_buf_puts(b, text[mantissa + 1] == '-' ? "e-" : "e");
	exponent = mantissa + 1 + strspn(text + mantissa + 1, "+-0");
	pl_buf_puts(b, text + exponent);
}

/* Readers' integers end at 2^63; what a damaged core adds up to beyond that is a rounded real. */
static void put_unsigned(struct pl_buf *b, uint64_t u)
{
	if (u <= INT64_MAX)
		pl_buf_number(b, u);
	else
		put_real(b, (double)u);
}

static void put_signed(struct pl_buf *b, int64_t i)
{
	if (i < 0)
		pl_buf_put(b, "-", 1);
	pl_buf_number(b, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
}

static void put_bool(struct pl_buf *b, bool v)
{
	pl_buf_puts(b, v ? "true" : "false");
}

static void put_address(struct pl_buf *b, pl_addr addr)
{
	char text[20];
	size_t n = sizeof(text);

	text[--n] = '"';
	do
		text[--n] = "0123456789abcdef"[addr & 15];
	while (addr >>= 4);
	text[--n] = 'x';
	text[--n] = '0';
	pl_buf_put(b, "\"", 1);
	pl_buf_put(b, text + n, sizeof(text) - n);
}

static void put_list(struct pl_buf *b, const char *s)
{
	const char *sep = "[";

	while (*s) {
		size_t n = strcspn(s, "\n");

		pl_buf_puts(b, sep);
		put_stringn(b, s, n);
		s += n + (s[n] == '\n');
		sep = ", ";
	}
	pl_buf_puts(b, *sep == '[' ? "[]" : "]");
}

static void put_cell(struct pl_buf *b, const struct pl_cell *c)
{
	switch (c->kind) {
	case PL_CELL_ABSENT:
	case PL_CELL_UNKNOWN:
		pl_buf_puts(b, "null");
		break;
	case PL_CELL_TEXT:
		put_string(b, c->s);
		break;
	case PL_CELL_COUNT:
	case PL_CELL_NUMBER:
	case PL_CELL_SIZE:
		put_unsigned(b, c->u);
		break;
	case PL_CELL_INT:
	case PL_CELL_DELTA:
	case PL_CELL_DELTA_SIZE:
		put_signed(b, c->i);
		break;
	case PL_CELL_ADDR:
		put_address(b, c->u);
		break;
	case PL_CELL_SHARE:
		put_real(b, c->d);
		break;
	case PL_CELL_BOOL:
		put_bool(b, c->b);
		break;
	case PL_CELL_LIST:
		put_list(b, c->s);
		break;
	}
}

/* "key": behind a bracket or a comma. */
static void put_key(struct pl_buf *b, bool first, const char *key)
{
	pl_buf_puts(b, first ? "{" : ", ");
	put_string(b, key);
	pl_buf_puts(b, ": ");
}

static void put_core(struct pl_buf *b, const struct pl_report *r)
{
	put_key(b, true, "path");
	put_string(b, r->core.path);
	put_key(b, false, "pid");
	pl_buf_number(b, r->core.pid);
	put_key(b, false, "signal");
	if (r->core.signal)
		put_signed(b, r->core.signal);
	else
		pl_buf_puts(b, "null");
	put_key(b, false, "command");
	put_string(b, r->core.command);
	put_key(b, false, "truncated");
	put_bool(b, r->core.truncated);
	put_key(b, false, "missing_bytes");
	put_unsigned(b, r->core.missing_bytes);
	pl_buf_puts(b, "}");
}

static void put_python(struct pl_buf *b, const struct pl_report *r)
{
	put_key(b, true, "version");
	put_string(b, r->python.version);
	put_key(b, false, "hexversion");
	pl_buf_number(b, r->python.hexversion);
	put_key(b, false, "flavour");
	for (size_t i = 0; i < r->python.n_flavours; i++) {
		pl_buf_puts(b, i ? ", " : "[");
		put_string(b, r->python.flavours[i]);
	}
	pl_buf_puts(b, r->python.n_flavours ? "]" : "[]");
	put_key(b, false, "layout");
	put_string(b, r->python.layout);
	pl_buf_puts(b, "}");
}

static void head(struct pl_document *w)
{
	const struct pl_report *r = w->r;

	pl_buf_printf(&w->buf, "{\"schema\": \"pyleak/1\",\n \"analysis\": \"%s\",\n \"core\": ",
		      r->analysis);
	if (r->core.known)
		put_core(&w->buf, r);
	else
		pl_buf_puts(&w->buf, "null");
	pl_buf_puts(&w->buf, ",\n \"python\": ");
	if (r->python.known)
		put_python(&w->buf, r);
	else
		pl_buf_puts(&w->buf, "null");
	pl_buf_puts(&w->buf, ",\n \"tables\": {");
}

/* The total has only the columns that add up. */
static void put_total(struct pl_buf *b, const struct pl_table *t)
{
	bool first = true;

	pl_buf_puts(b, "\"total\": ");
	for (size_t col = 0; col < t->n_columns; col++) {
		if (t->total[col].kind == PL_CELL_ABSENT)
			continue;
		put_key(b, first, t->columns[col].name);
		put_cell(b, &t->total[col]);
		first = false;
	}
	pl_buf_puts(b, first ? "{}, " : "}, ");
}

static void begin_table(struct pl_document *w, const struct pl_table *t)
{
	w->keys.n = 0;
	w->key_ends = pl_realloc(w->key_ends, t->n_columns * sizeof(*w->key_ends));
	for (size_t col = 0; col < t->n_columns; col++) {
		put_key(&w->keys, col == 0, t->columns[col].name);
		w->key_ends[col] = w->keys.n;
	}
	pl_buf_printf(&w->buf, "%s\n  \"%s\": {", w->n_tables ? "," : "", t->name);
	if (t->total)
		put_total(&w->buf, t);
	pl_buf_puts(&w->buf, "\"rows\": [");
}

static void put_row(const struct pl_document *w, const struct pl_table *t, size_t i,
		    const struct pl_cell *row, struct pl_buf *b)
{
	size_t key = 0;

	pl_buf_puts(b, i ? ",\n   " : "\n   ");
	for (size_t col = 0; col < t->n_columns; col++) {
		pl_buf_put(b, w->keys.at + key, w->key_ends[col] - key);
		key = w->key_ends[col];
		put_cell(b, &row[col]);
	}
	pl_buf_puts(b, "}");
}

static void end_table(struct pl_document *w, const struct pl_table *t)
{
	(void)t;
	pl_buf_puts(&w->buf, "]}");
}

static void put_note(struct pl_buf *b, bool first, const char *level, const char *code,
		     const char *text)
{
	pl_buf_puts(b, first ? "\n  " : ",\n  ");
	put_key(b, true, "level");
	put_string(b, level);
	put_key(b, false, "code");
	put_string(b, code);
	put_key(b, false, "text");
	put_string(b, text);
	pl_buf_puts(b, "}");
}

static void foot(struct pl_document *w)
{
	static const char *const levels[] = {
		[PL_INFO] = "info",
		[PL_WARNING] = "warning",
		[PL_ERROR_LEVEL] = "error",
	};
	const struct pl_report *r = w->r;
	struct pl_line line = {0};
	bool first = true;

	pl_buf_puts(&w->buf, "},\n \"notes\": [");
	for (size_t i = 0; i < r->n_notes; i++, first = false)
		put_note(&w->buf, first, levels[r->notes[i].level], r->notes[i].code,
			 r->notes[i].text);
	for (size_t i = 0; i < r->result->tables.n; i++) {
		const struct pl_table *t = r->result->tables.at[i];

		if (!t->hidden_rows)
			continue;
		pl_line_printf(&line, "%zu more rows of %s were left out by --limit",
			       t->hidden_rows, t->name);
		put_note(&w->buf, first, "info", "limited", line.at);
		first = false;
	}
	free(line.at);
	pl_buf_printf(&w->buf, "],\n \"partial\": %s}\n", r->partial ? "true" : "false");
}

const struct pl_document_format pl_json_document = {head, begin_table, put_row, end_table, foot};

bool pl_report_json(FILE *out, const struct pl_report *r)
{
	struct pl_document w;
	bool done;

	pl_document_init(&w, &pl_json_document, out, r);
	done = pl_document_end(&w);
	pl_document_fini(&w);
	return done;
}
