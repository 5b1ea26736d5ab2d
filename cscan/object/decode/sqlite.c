/*
 * sqlite.c - connections, cursors and rows of sqlite3. Facts: Modules/_sqlite/.
 */
#include "object/decode/decode.h"

#define MAX_NODES 1000000 /* of a statement cache: 100 unless cached_statements= says else */

void pl_decode_sqlcursor(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sqlcursor_connection, ".connection", true);
	pl_put_member(d, d->l->f.sqlcursor_description, ".description", true);
	pl_put_member(d, d->l->f.sqlcursor_row_cast_map, "<converters>", true);
	pl_put_member(d, d->l->f.sqlcursor_lastrowid, ".lastrowid", true);
	pl_put_member(d, d->l->f.sqlcursor_row_factory, ".row_factory", true);
	pl_put_member(d, d->l->f.sqlcursor_statement, "<statement>", true);
	pl_put_member(d, d->l->f.sqlcursor_next_row, "<next row>", true);
}

void pl_decode_sqlrow(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sqlrow_data, "<data>", true);
	pl_put_member(d, d->l->f.sqlrow_description, "<description>", true);
}

void pl_decode_sqlstatement(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sqlstatement_sql, "<sql>", true);
}

void pl_decode_sqlblob(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sqlblob_connection, "<connection>", true);
}

/* A callback and the module it was set through, in memory of the connection's own (3.11+). */
static void put_callback(const struct pl_decode *d, int32_t member, const char *name)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr context = pl_word(d, member);
	uint64_t target;

	if (!context || !pl_has(f->sqlcallback_callable) || !pl_has(f->sqlcallback_module))
		return;
	if (pl_read64(d->v, context + (uint64_t)f->sqlcallback_callable, &target))
		pl_put(d, target, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t)name, true);
	if (pl_read64(d->v, context + (uint64_t)f->sqlcallback_module, &target))
		pl_put(d, target, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<module>",
		       true);
}

/* From 3.11 on isolation_level is a C string. */
void pl_decode_sqlconnection(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;

	if (!pl_has(f->sqlconnection_blobs))
		pl_put_member(d, f->sqlconnection_isolation, ".isolation_level", true);
	pl_put_member(d, f->sqlconnection_cache, "<statement cache>", true);
	pl_put_member(d, f->sqlconnection_statements, "<statements>", true);
	pl_put_member(d, f->sqlconnection_cursors, "<cursors>", true);
	pl_put_member(d, f->sqlconnection_blobs, "<blobs>", true);
	pl_put_member(d, f->sqlconnection_row_factory, ".row_factory", true);
	pl_put_member(d, f->sqlconnection_text_factory, ".text_factory", true);
	pl_put_member(d, f->sqlconnection_pinboard, "<functions>", true);
	pl_put_member(d, f->sqlconnection_collations, "<collations>", true);
	pl_put_member(d, f->sqlconnection_trace, "<trace callback>", true);
	pl_put_member(d, f->sqlconnection_progress, "<progress handler>", true);
	pl_put_member(d, f->sqlconnection_authorizer, "<authorizer>", true);
	put_callback(d, f->sqlconnection_trace_ctx, "<trace callback>");
	put_callback(d, f->sqlconnection_progress_ctx, "<progress handler>");
	put_callback(d, f->sqlconnection_authorizer_ctx, "<authorizer>");
}

/*
 * Up to 3.10: statements by their text, in a mapping to nodes, which the cache holds once more in
 * the order of their use. The factory is the connection, which owns the cache.
 */
void pl_decode_sqlcache(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	pl_addr node = pl_word(d, f->sqlcache_first);

	pl_put_member(d, f->sqlcache_mapping, "<mapping>", true);
	pl_put(d, pl_word(d, f->sqlcache_factory), PL_EDGE_BORROWED, PL_L_TEXT,
	       (uint64_t)(uintptr_t) "<factory>", false);
	for (uint64_t i = 0; node && pl_has(f->sqlnode_next) && i < MAX_NODES; i++) {
		pl_put(d, node, PL_EDGE_STRONG, PL_L_TEXT, (uint64_t)(uintptr_t) "<node>", true);
		if (!pl_read64(d->v, node + (uint64_t)f->sqlnode_next, &node))
			return;
	}
}

void pl_decode_sqlnode(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.sqlnode_key, "<sql>", true);
	pl_put_member(d, d->l->f.sqlnode_data, "<statement>", true);
}
