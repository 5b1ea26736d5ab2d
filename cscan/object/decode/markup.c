/*
 * markup.c - elements and parsers of ElementTree and expat. Facts: Modules/_elementtree.c,
 * Modules/pyexpat.c.
 */
#include "object/decode/decode.h"

void pl_decode_treebuilder(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.treebuilder_root, "<root>", true);
	pl_put_member(d, d->l->f.treebuilder_this, "<current>", true);
	pl_put_member(d, d->l->f.treebuilder_last, "<last>", true);
	pl_put_member(d, d->l->f.treebuilder_last_for_tail, "<last for tail>", true);
	pl_put_member(d, d->l->f.treebuilder_data, "<data>", true);
	pl_put_member(d, d->l->f.treebuilder_stack, "<stack>", true);
	pl_put_member(d, d->l->f.treebuilder_element_factory, "<element factory>", true);
	pl_put_member(d, d->l->f.treebuilder_comment_factory, "<comment factory>", true);
	pl_put_member(d, d->l->f.treebuilder_pi_factory, "<pi factory>", true);
	pl_put_member(d, d->l->f.treebuilder_events, "<events>", true);
	pl_put_member(d, d->l->f.treebuilder_start_event, "<start event>", true);
	pl_put_member(d, d->l->f.treebuilder_end_event, "<end event>", true);
	pl_put_member(d, d->l->f.treebuilder_start_ns_event, "<start-ns event>", true);
	pl_put_member(d, d->l->f.treebuilder_end_ns_event, "<end-ns event>", true);
	pl_put_member(d, d->l->f.treebuilder_comment_event, "<comment event>", true);
	pl_put_member(d, d->l->f.treebuilder_pi_event, "<pi event>", true);
}

void pl_decode_xmlparser(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.xmlparser_target, ".target", true);
	pl_put_member(d, d->l->f.xmlparser_entity, ".entity", true);
	pl_put_member(d, d->l->f.xmlparser_names, "<names>", true);
	pl_put_member(d, d->l->f.xmlparser_xml27, "<xml handler>", true);
	pl_put_member(d, d->l->f.xmlparser_start, "<start handler>", true);
	pl_put_member(d, d->l->f.xmlparser_start_ns, "<start-ns handler>", true);
	pl_put_member(d, d->l->f.xmlparser_end_ns, "<end-ns handler>", true);
	pl_put_member(d, d->l->f.xmlparser_data, "<data handler>", true);
	pl_put_member(d, d->l->f.xmlparser_end, "<end handler>", true);
	pl_put_member(d, d->l->f.xmlparser_comment, "<comment handler>", true);
	pl_put_member(d, d->l->f.xmlparser_pi, "<pi handler>", true);
	pl_put_member(d, d->l->f.xmlparser_doctype, "<doctype handler>", true);
	pl_put_member(d, d->l->f.xmlparser_close, "<close handler>", true);
}

#define JOIN_BIT 1         /* of text and tail: a list whose strings are still to be joined */
#define MAX_PARENTS 100000 /* elements above each other */
#define MAX_HANDLERS 64    /* of an expat parser: 22 */

static void put_children(const struct pl_decode *d, pl_addr extra)
{
	const struct pl_fields *f = &d->l->f;
	uint64_t n, children, attrib;

	if (!pl_has(f->elementextra_length) || !pl_has(f->elementextra_attrib) ||
	    !pl_read64(d->v, extra + (uint64_t)f->elementextra_attrib, &attrib) ||
	    !pl_read64(d->v, extra + (uint64_t)f->elementextra_length, &n) ||
	    !pl_read64(d->v, extra + (uint64_t)f->elementextra_children, &children))
		return;
	pl_put(d, attrib, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) ".attrib", true);
	if (n <= pl_image_info(d->v->im)->file_size / 8)
		pl_put_items(d, children, n);
}

void pl_decode_element(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr extra = pl_word(d, f->element_extra);

	pl_put_member(d, f->element_tag, ".tag", true);
	pl_put(d, pl_word(d, f->element_text) & ~(uint64_t)JOIN_BIT, PL_EDGE_STRONG, PL_L_TEXT,
	       (uint64_t)(uintptr_t) ".text", true);
	pl_put(d, pl_word(d, f->element_tail) & ~(uint64_t)JOIN_BIT, PL_EDGE_STRONG, PL_L_TEXT,
	       (uint64_t)(uintptr_t) ".tail", true);
	if (extra)
		put_children(d, extra);
}

/* Where iter() is: the elements above, each with the index of the next child. */
void pl_decode_elementiter(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr stack = pl_word(d, f->elementiter_stack);
	uint64_t n = pl_word(d, f->elementiter_used), parent;

	for (uint64_t i = 0; stack && n <= MAX_PARENTS && f->parentlocator_size > 0 && i < n; i++) {
		if (!pl_read64(d->v, stack + i * (uint64_t)f->parentlocator_size, &parent))
			break;
		pl_put(d, parent, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<parent>",
		       true);
	}
	pl_put_member(d, f->elementiter_root, "<root>", true);
	pl_put_member(d, f->elementiter_tag, "<tag>", true);
}

/* The handlers fill the block that they are in. */
void pl_decode_expat(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr handlers = pl_word(d, f->expat_handlers);
	struct pl_block block;
	uint64_t target;

	pl_put_member(d, f->expat_intern, ".intern", false);
	pl_put_member(d, f->expat_parent, "<parent>", true);
	if (!handlers || !pl_heap_find(d->o->heap, handlers, &block) ||
	    block.state != PL_BLOCK_LIVE)
		return;
	for (uint64_t i = 0; i < PL_MIN(block.usable / 8, MAX_HANDLERS); i++) {
		if (pl_read64(d->v, handlers + 8 * i, &target) &&
		    pl_objects_id(d->o, target) != PL_NO_ID)
			pl_put(d, target, PL_EDGE_STRONG, PL_L_TEXT,
			       (uint64_t)(uintptr_t) "<handler>", true);
	}
}
