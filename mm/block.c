/* SPDX-License-Identifier: MIT */
/* Block by block through pages whose backing changes. */
#include "mm/block.h"

bool block_has_objects(struct vm_memory *memory, const struct range_node *region)
{
	return range_tree_count(region_extents(region)) + 2 < RANGE_TREE_MAX &&
	       !object_pool_reserve(&memory->objects, 2 * VM_MEMORY_RESERVE);
}

void block_publish(struct vm_memory *memory, const struct range_node *region,
		   struct range_node *extents)
{
	const struct memslot_info info = { l1_gfn(region->first), region->pages, region->flags };
	struct range_edit edit;

	range_edit_begin(&edit, memory->regions, &memory->objects);
	range_edit_remove(&edit, region->first);
	vm_memory_insert_region(&edit, &info, extents);
	vm_memory_publish(memory, &edit);
}

enum memslot_result block_each(struct block *block, u64 pages, block_step step)
{
	enum memslot_result result = MEMSLOT_OK;

	if (pages == 0)
		return MEMSLOT_EMPTY;
	if (!vm_memory_has_room(block->memory, block->gfn, pages))
		return MEMSLOT_WRAPS;
	while (pages && result == MEMSLOT_OK) {
		result = step(block, pages);
		if (result == MEMSLOT_OK) {
			pages -= block->pages;
			block->gfn += block->pages;
		}
	}
	return result;
}
