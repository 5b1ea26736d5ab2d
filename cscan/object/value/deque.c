/*
 * deque.c - the items of a collections.deque: a chain of blocks of pointers
 * (Modules/_collectionsmodule.c).
 */
#include "object/value/value.h"

enum { PTR = 8 };

/* BLOCKLEN: what a block has besides its two links. */
static uint64_t per_block(const struct pl_layout *l)
{
	return (uint64_t)l->f.dequeblock_size / PTR - 2;
}

bool pl_deque_begin(const struct pl_layout *l, struct pl_view *v, pl_addr addr,
		    struct pl_deque_iter *it)
{
	const struct pl_fields *f = &l->f;
	struct pl_deque_iter new = {.l = l, .v = v};

	*it = new;
	if (!pl_has(f->deque_left) || f->dequeblock_size <= 2 * PTR ||
	    !pl_read64(v, addr + (uint64_t)f->deque_left, &new.block) ||
	    !pl_read64(v, addr + (uint64_t)f->deque_leftindex, &new.index) ||
	    !pl_read64(v, addr + (uint64_t)(pl_has(f->deque_len27) ? f->deque_len27 : f->var_size),
		       &new.n))
		return false;
	if (new.index > per_block(l) || new.n > pl_image_info(v->im)->file_size / PTR)
		return false;
	*it = new;
	return true;
}

bool pl_deque_next(struct pl_deque_iter *it, pl_addr *item)
{
	const struct pl_fields *f = &it->l->f;

	if (it->i == it->n)
		return false;
	if (it->index >= per_block(it->l)) {
		it->index = 0;
		if (!pl_read64(it->v, it->block + (uint64_t)f->dequeblock_right, &it->block))
			return false;
	}
	if (!pl_read64(it->v, it->block + (uint64_t)f->dequeblock_data + PTR * it->index, item))
		return false;
	it->index++;
	it->i++;
	return true;
}
