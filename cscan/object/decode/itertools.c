/*
 * itertools.c - what the iterators of itertools hold. Facts: Modules/itertoolsmodule.c.
 */
#include "object/decode/decode.h"

void pl_decode_tee(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.tee_data, "<values>", true);
}

void pl_decode_groupby(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.groupby_it, "<iterator>", true);
	pl_put_member(d, d->l->f.groupby_keyfunc, "<key function>", true);
	pl_put_member(d, d->l->f.groupby_tgtkey, "<target key>", true);
	pl_put_member(d, d->l->f.groupby_currkey, "<current key>", true);
	pl_put_member(d, d->l->f.groupby_currvalue, "<current value>", true);
}

void pl_decode_grouper(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.grouper_parent, "<groupby>", true);
	pl_put_member(d, d->l->f.grouper_tgtkey, "<target key>", true);
}

void pl_decode_cycle(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.cycle_it, "<iterator>", true);
	pl_put_member(d, d->l->f.cycle_saved, "<saved>", true);
}

void pl_decode_dropwhile(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.dropwhile_func, "<function>", true);
	pl_put_member(d, d->l->f.dropwhile_it, "<iterator>", true);
}

void pl_decode_takewhile(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.takewhile_func, "<function>", true);
	pl_put_member(d, d->l->f.takewhile_it, "<iterator>", true);
}

void pl_decode_islice(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.islice_it, "<iterator>", true);
}

void pl_decode_starmap(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.starmap_func, "<function>", true);
	pl_put_member(d, d->l->f.starmap_it, "<iterator>", true);
}

void pl_decode_chain(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.chain_source, "<iterables>", true);
	pl_put_member(d, d->l->f.chain_active, "<iterator>", true);
}

void pl_decode_product(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.product_pools, "<pools>", true);
	pl_put_member(d, d->l->f.product_result, "<result>", true);
}

void pl_decode_combinations(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.combinations_pool, "<pool>", true);
	pl_put_member(d, d->l->f.combinations_result, "<result>", true);
}

void pl_decode_combinations_wr(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.combinations_wr_pool, "<pool>", true);
	pl_put_member(d, d->l->f.combinations_wr_result, "<result>", true);
}

void pl_decode_permutations(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.permutations_pool, "<pool>", true);
	pl_put_member(d, d->l->f.permutations_result, "<result>", true);
}

void pl_decode_accumulate(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.accumulate_total, "<total>", true);
	pl_put_member(d, d->l->f.accumulate_it, "<iterator>", true);
	pl_put_member(d, d->l->f.accumulate_binop, "<function>", true);
	pl_put_member(d, d->l->f.accumulate_initial, "<initial>", true);
}

void pl_decode_compress(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.compress_data, "<data>", true);
	pl_put_member(d, d->l->f.compress_selectors, "<selectors>", true);
}

void pl_decode_filterfalse(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.filterfalse_func, "<function>", true);
	pl_put_member(d, d->l->f.filterfalse_it, "<iterator>", true);
}

void pl_decode_count(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.count_cnt, "<count>", true);
	pl_put_member(d, d->l->f.count_step, "<step>", true);
}

void pl_decode_repeat(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.repeat_element, "<element>", true);
}

void pl_decode_ziplongest(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.ziplongest_iterators, "<iterators>", true);
	pl_put_member(d, d->l->f.ziplongest_result, "<result>", true);
	pl_put_member(d, d->l->f.ziplongest_fill, "<fill value>", true);
}

void pl_decode_pairwise(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.pairwise_it, "<iterator>", true);
	pl_put_member(d, d->l->f.pairwise_old, "<old>", true);
	pl_put_member(d, d->l->f.pairwise_result, "<result>", true);
}

void pl_decode_batched(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.batched_it, "<iterator>", true);
}

void pl_decode_izip(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.izip27_iterators, "<iterators>", true);
	pl_put_member(d, d->l->f.izip27_result, "<result>", true);
}

void pl_decode_imap(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.imap27_iterators, "<iterators>", true);
	pl_put_member(d, d->l->f.imap27_function, "<function>", true);
}

void pl_decode_ifilter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.ifilter27_function, "<function>", true);
	pl_put_member(d, d->l->f.ifilter27_it, "<iterator>", true);
}

#define MAX_TEE_VALUES 1024 /* LINKCELLS is 57 */

/* A link of the chain that the iterators of one tee() share: the values read so far. */
void pl_decode_teedata(const struct pl_decode *d)
{
	const struct pl_fields *f = &d->l->f;
	uint32_t n = (uint32_t)pl_word(d, f->teedata_numread);

	pl_put_member(d, f->teedata_it, "<iterator>", true);
	if (pl_has(f->teedata_values) && n <= MAX_TEE_VALUES)
		pl_put_items(d, d->addr + (uint64_t)f->teedata_values, n);
	pl_put_member(d, f->teedata_next, "<next values>", true);
}
