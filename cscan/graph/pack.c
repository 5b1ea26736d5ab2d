/*
 * pack.c - a block's offsets in little more than a byte a node.
 */
#include "graph/internal.h"

static bool is_wide(const uint32_t *first)
{
	return first[PL_GROUP_NODES] - first[0] > UINT8_MAX;
}

size_t pl_graph_n_wide(const uint32_t *first)
{
	size_t n = 0;

	for (uint32_t i = 0; i < PL_BLOCK_NODES; i += PL_GROUP_NODES)
		n += is_wide(first + i) ? PL_GROUP_NODES : 0;
	return n;
}

void pl_graph_pack(const uint32_t *first, struct pl_graph_group *group, uint32_t *wide)
{
	uint32_t n_wide = 0;

	for (uint32_t i = 0; i < PL_BLOCK_NODES; i += PL_GROUP_NODES, group++) {
		if (is_wide(first + i)) {
			*group = (struct pl_graph_group){n_wide, {1}};
			memcpy(wide + n_wide, first + i, PL_GROUP_NODES * sizeof(*wide));
			n_wide += PL_GROUP_NODES;
			continue;
		}
		group->first = first[i];
		for (uint32_t k = 0; k < PL_GROUP_NODES; k++)
			group->after[k] = (uint8_t)(first[i + k] - first[i]);
	}
	*group = (struct pl_graph_group){first[PL_BLOCK_NODES], {0}};
}
