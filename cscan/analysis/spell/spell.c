/* spell.c - see spell.h. The grammar is the contract's. */
#include "analysis/spell/spell.h"

#include <ctype.h>
#include <stdio.h>

#include "session/refgraph.h"
#include "object/frames/generators.h"
#include "object/value/value.h"

#define MAX_STEP 512

static void add(struct pl_spelling *s, const char *text)
{
	size_t n = strlen(text), room = sizeof(s->text) - s->len - 1;

	if (n > room) {
		/* Cut at a character: never in the middle of a UTF-8 sequence. */
		for (n = room; n && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	}
	memcpy(s->text + s->len, text, n);
	s->len += n;
	s->text[s->len] = '\0';
}

void pl_spell_root(struct pl_spelling *s, const struct pl_root *root, pl_addr addr)
{
	s->len = 0;
	s->text[0] = '\0';
	s->namespace = false;
	s->before = 0;
	if (root) {
		add(s, root->name);
		add(s, root->accessor);
		s->namespace = root->dict_is_namespace;
	} else {
		pl_id id = pl_objects_id(s->o, addr);
		char text[MAX_STEP];

		snprintf(text, sizeof(text), "<%s at 0x%llx>",
			 id == PL_NO_ID ? "object" : pl_object_type(s->o, id)->name,
			 (unsigned long long)addr);
		add(s, text);
	}
}

bool pl_spell_is_name(const struct pl_objects *o, struct pl_view *v, pl_addr key, char *buf,
		      size_t cap)
{
	bool cut;

	if (!pl_str_read(o->l, v, key, buf, cap, NULL, &cut) || cut || !*buf ||
	    isdigit((unsigned char)*buf))
		return false;
	for (const char *p = buf; *p; p++) {
		/* Letters beyond ASCII are names too; what is unsafe to print is not. */
		if (!isalnum((unsigned char)*p) && *p != '_')
			return false;
	}
	return true;
}

static void spell_item(struct pl_spelling *s, const struct pl_edge *e, char *step, size_t cap)
{
	char name[MAX_STEP];

	if (s->namespace && pl_spell_is_name(s->o, s->v, e->arg, name, sizeof(name))) {
		snprintf(step, cap, ".%.*s", (int)(cap - 2), name);
		return;
	}
	if (s->namespace)
		add(s, ".__dict__");
	if (s->general)
		snprintf(step, cap, "[*]");
	else
		pl_label(s->o, s->v, e, true, step, cap);
}

/*
 * What a generator waits for is on its frame's stack, and Python has a name for it: NULL when
 * target is something else. Up to 3.10 the way there led over the frame, whose name is taken back.
 */
static const char *awaited(struct pl_spelling *s, pl_addr source, pl_addr target)
{
	static const char *const names[] = {
		[PL_NAMES_GENERATOR] = ".gi_yieldfrom",
		[PL_NAMES_COROUTINE] = ".cr_await",
		[PL_NAMES_ASYNC_GENERATOR] = ".ag_await",
	};
	bool embedded;
	struct pl_generator g;

	embedded = pl_generator_read(s->o, s->v, source, &g);
	if (!embedded && (!s->before || !pl_generator_read(s->o, s->v, s->before, &g) ||
			  !g.has_frame || g.frame.frame != source))
		return NULL;
	if (g.waits_for != target)
		return NULL;
	if (!embedded) {
		s->len = s->before_len;
		s->text[s->len] = '\0';
	}
	return names[g.names];
}

void pl_spell_step(struct pl_spelling *s, pl_addr source, const struct pl_edge *e, char *step,
		   size_t cap)
{
	const char *waits = e->label == PL_L_STACK ? awaited(s, source, e->target) : NULL;
	size_t before_len = s->len;
	char own[MAX_STEP];

	if (!step) {
		step = own;
		cap = sizeof(own);
	}
	if (waits) {
		snprintf(step, cap, "%s", waits);
	} else if (e->label == PL_L_ITEM) {
		spell_item(s, e, step, cap);
	} else if (s->general && e->label == PL_L_INDEX) {
		snprintf(step, cap, "[*]");
	} else {
		if (s->general && e->label == PL_L_KEY)
			snprintf(step, cap, "<key>");
		else
			pl_label(s->o, s->v, e, true, step, cap);
		if (s->namespace)
			add(s, ".__dict__");
	}
	s->namespace = e->label == PL_L_DICT;
	if (!s->namespace)
		add(s, step);
	s->before = source;
	s->before_len = before_len;
}

void pl_spell_end(struct pl_spelling *s)
{
	if (s->namespace)
		add(s, ".__dict__");
	s->namespace = false;
}

void pl_spell_chain(struct pl_spelling *s, const struct pl_root *root, const pl_id *chain,
		    uint32_t n)
{
	pl_spell_root(s, root, s->o->addr[chain[0]]);
	for (uint32_t i = 1; i < n; i++) {
		pl_addr from = s->o->addr[chain[i - 1]];
		struct pl_edge e;

		if (pl_refgraph_edge(s->o, s->v, from, s->o->addr[chain[i]], &e))
			pl_spell_step(s, from, &e, NULL, 0);
	}
	pl_spell_end(s);
}
