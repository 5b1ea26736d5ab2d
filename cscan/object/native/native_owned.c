/*
 * native_owned.c - whose the blocks are that words of C memory lie in.
 */
#include "base/search.h"
#include "object/native/native_words.h"

#include "object/edges/put.h"
#include "object/types/rows.h"

enum {
	PREHEADER = 16,  /* bytes of the two words before the gc head (Objects/object_layout.md) */
	MAX_BODY = 4096, /* bytes of an object that may point to its buffers */
};

static struct buffer *buffer_at(struct pl_native_words *s, pl_addr addr)
{
	size_t above = PL_LOWER_BOUND(s->n_regions, k, s->pieces.at[k].lo <= addr);
	struct piece *p;
	struct buffer *b;

	if (!above || addr >= s->pieces.at[above - 1].hi)
		return NULL;
	p = &s->pieces.at[above - 1];
	above = PL_LOWER_BOUND(p->buffers.n, k, p->buffers.at[k].base <= addr);
	b = above ? &p->buffers.at[above - 1] : NULL;
	return b && addr - b->base < b->size ? b : NULL;
}

/*
 * Mark the buffers that memory points to; from a buffer on only those of its own size, which is how
 * lists of blocks are made (deque), for other pointers may lead anywhere in the process.
 */
static void own(struct pl_native_words *s, struct pl_view *v, pl_addr at, uint64_t size)
{
	struct todo {
		pl_addr at;
		uint64_t size;
		bool buffer;
	};
	PL_VEC(struct todo) todo = {0};

	pl_vec_push(&todo, (struct todo){at, size, false});
	while (todo.n) {
		struct todo t = todo.at[--todo.n];
		const uint8_t *host = pl_at(v, t.at, t.size);

		for (uint64_t i = 0; host && i + 8 <= t.size; i += 8) {
			struct buffer *b = buffer_at(s, pl_ld64(host + i));

			if (!b || b->owned || (t.buffer && b->size != t.size))
				continue;
			b->owned = b->size;
			pl_vec_push(&todo, (struct todo){b->base, b->size, true});
		}
	}
	pl_vec_free(&todo);
}

/*
 * No decoder knows the object, so the references that it was found to have are those that
 * rawword.c tells: in the blocks that it points to, and no further. The nodes of a list that it
 * heads, and what a long array has behind that, are nobody's.
 */
static void own_raw(struct pl_native_words *s, struct pl_view *v, pl_addr at, uint64_t size)
{
	const uint8_t *host = pl_at(v, at, size);
	unsigned left = PL_RAW_BLOCKS;

	for (uint64_t i = 0; host && left && i + 8 <= size; i += 8) {
		pl_addr word = pl_ld64(host + i);
		struct buffer *b = buffer_at(s, word);

		if (!b || b->base != word)
			continue;
		b->owned = PL_MAX(b->owned, PL_MIN(b->size, (uint64_t)8 * PL_RAW_WORDS));
		left--;
	}
}

static bool is_raw(const struct pl_type *type)
{
	return type->decoder == PL_DECODER_native || type->decoder == PL_DECODER_nothing ||
	       type->decoder == PL_DECODER_capsule;
}

/*
 * The keys that a split dict shares with others belong to its class, or when that has new ones
 * to nobody whose references a decoder tells: such a table may explain a count.
 */
static bool is_split(const struct pl_native_words *s, pl_addr dict)
{
	const struct pl_fields *f = &s->o->l->f;
	uint64_t values;

	return pl_has(f->dict_values) &&
	       (!pl_read64(&s->views[0], dict + (uint64_t)f->dict_values, &values) || values);
}

int pl_native_mark_owned(struct pl_native_words *s, const pl_id *owners, size_t n,
			 struct pl_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct pl_type *type = pl_object_type(s->o, owners[i]);
		uint64_t size = (uint64_t)PL_MIN(PL_MAX(type->basicsize, 16), MAX_BODY);

		if (i % 4096 == 0 && pl_ctx_cancelled(s->ctx))
			return pl_ctx_cancel_err(err);
		if (type->kind == PL_KIND_DICT && is_split(s, s->o->addr[owners[i]]))
			continue;
		(is_raw(type) ? own_raw : own)(s, &s->views[0], s->o->addr[owners[i]], size);
		/* Not the gc head: the ends of a list point into the interpreter's struct. */
		if (type->preheader)
			own(s, &s->views[0], s->o->addr[owners[i]] - type->head, PREHEADER);
	}
	return 0;
}

/*
 * The buffers of builtin containers hold stale words where they hold no entries: behind a list's
 * last item, in a table that grew. What the entries refer to the decoders tell.
 */
static void own_block(struct pl_native_words *s, const struct pl_addrset *blocks, pl_addr at)
{
	struct buffer *b = pl_addrset_has(blocks, at) ? buffer_at(s, at) : NULL;

	if (b && b->base == at)
		b->owned = b->size;
}

static void own_buffer(struct pl_native_words *s, const struct pl_addrset *blocks, pl_addr object,
		       int32_t field)
{
	uint64_t at;

	if (pl_has(field) && pl_read64(&s->views[0], object + (uint64_t)(int64_t)field, &at))
		own_block(s, blocks, at);
}

/* The values of a split dict; 3.11 and 3.12 point behind a prefix that ends in its own length. */
static void own_values(struct pl_native_words *s, const struct pl_addrset *blocks, pl_addr dict)
{
	const struct pl_fields *f = &s->o->l->f;
	const uint8_t *prefix;
	uint64_t at;

	if (!pl_has(f->dict_values) ||
	    !pl_read64(&s->views[0], dict + (uint64_t)f->dict_values, &at) || !at)
		return;
	if (s->o->l->values_style == PL_VALUES_PREFIXED) {
		prefix = pl_at(&s->views[0], at - 1, 1);
		at -= prefix ? *prefix : 0;
	}
	own_block(s, blocks, at);
}

static void own_buffers(struct pl_native_words *s, const struct pl_addrset *blocks, pl_id id)
{
	const struct pl_fields *f = &s->o->l->f;
	pl_addr addr = s->o->addr[id];

	if (pl_object_type(s->o, id)->is_type && !(s->o->flags[id] & PL_OBJ_STATIC))
		own_buffer(s, blocks, addr, f->heaptype_cached_keys);
	switch (pl_object_type(s->o, id)->kind) {
	case PL_KIND_LIST:
		own_buffer(s, blocks, addr, f->list_items);
		break;
	case PL_KIND_SET:
	case PL_KIND_FROZENSET:
		own_buffer(s, blocks, addr, f->set_table);
		break;
	case PL_KIND_DICT:
	case PL_KIND_DEFAULTDICT:
	case PL_KIND_ORDEREDDICT:
		if (!is_split(s, addr))
			own_buffer(s, blocks, addr, f->dict_keys);
		own_buffer(s, blocks, addr, f->dict_table);
		own_values(s, blocks, addr);
		break;
	case PL_KIND_DEQUE:
		if (pl_has(f->deque_struct_size))
			own(s, &s->views[0], addr, (uint64_t)f->deque_struct_size);
		break;
	default:
		break;
	}
}

int pl_native_mark_containers(struct pl_native_words *s, struct pl_err *err)
{
	struct pl_addrset blocks;
	int rc = 0;

	pl_addrset_init(&blocks);
	for (size_t i = 0; i < s->n_regions; i++) {
		const struct piece *p = &s->pieces.at[i];

		for (size_t k = 0; k < p->buffers.n; k++) {
			if (p->buffers.at[k].hit)
				pl_addrset_add(&blocks, p->buffers.at[k].base);
		}
	}
	for (size_t id = 0; blocks.n && !rc && id < s->o->n; id++) {
		if (id % 4096 == 0 && pl_ctx_cancelled(s->ctx))
			rc = pl_ctx_cancel_err(err);
		else
			own_buffers(s, &blocks, (pl_id)id);
	}
	pl_addrset_fini(&blocks);
	return rc;
}
