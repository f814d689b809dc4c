/* SPDX-License-Identifier: MIT */
/*
 * Migration: pages get other frames with the same contents. A block of them at a time goes by the
 * protocol of every change (mm/change.h):
 *
 *     under the lock   change_begin; the extent with the new frames is published, EXTENT_FILLING
 *     without          change_wait: nobody is at the old frames any more; nobody comes to the new
 *                      ones, since look-ups say -EAGAIN. The contents are copied.
 *     under the lock   the extent without the flag is published
 *     without          change_end; the old frames are released
 */
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/block.h"
#include "mm/change.h"
#include "mm/page.h"
#include "mm/window.h"

_Static_assert(WINDOW_TRANSIENT >= 2, "source and destination have a window each");

/* Frames for a block, at most so many pages, of the extent that holds gfn. Lock held. */
static enum memslot_result begin_locked(struct block *block, u64 pages, struct change *change,
					pfn_t *to)
{
	struct vm_memory *memory = block->memory;
	u64 gfn = block->gfn;
	const struct range_node *region = range_tree_find(memory->regions, gfn);
	unsigned int order = BLOCK_ORDER_MAX;
	struct backing backing;
	struct frame_run run;

	if (vm_memory_find(memory, gfn, &backing))
		return MEMSLOT_HOLE;
	pages = MIN(pages, backing.first + backing.pages - gfn);
	if (!block_has_objects(memory, region) || extents_alloc_block(gfn, pages, &order, to))
		return MEMSLOT_NO_MEMORY;
	block->first = backing_pfn(&backing, gfn);
	block->pages = BIT(order);
	memory->exclusive = true;
	change_begin(change, memory, gfn, block->pages);
	run = (struct frame_run){ gfn - region->first, block->pages, *to };
	block_publish(memory, region, extents_replace(memory, region_extents(region), &run));
	return MEMSLOT_OK;
}

static enum memslot_result begin(struct block *block, u64 pages, struct change *change, pfn_t *to)
{
	enum memslot_result result;

	vm_memory_lock_to_update(block->memory);
	result = begin_locked(block, pages, change, to);
	vm_memory_unlock(block->memory);
	return result;
}

static void copy_frames(const struct block *block, pfn_t first)
{
	for (u64 i = 0; i < block->pages; i++) {
		void *from = window_map(pfn_add(block->first, i), WINDOW_READ);
		void *to = window_map(pfn_add(first, i), WINDOW_WRITE);

		memcpy(to, from, PAGE_SIZE);
		window_unmap(to);
		window_unmap(from);
	}
}

static void finish(const struct block *block)
{
	struct vm_memory *memory = block->memory;
	const struct range_node *region;

	vm_memory_lock_with_reserve(memory);
	region = range_tree_find(memory->regions, block->gfn);
	block_publish(memory, region,
		      extents_settle(memory, region_extents(region), block->gfn - region->first));
	memory->exclusive = false;
	vm_memory_unlock(memory);
}

enum memslot_result block_migrate(struct block *block, u64 pages)
{
	struct change change;
	pfn_t to;
	enum memslot_result result = begin(block, pages, &change, &to);

	if (result != MEMSLOT_OK)
		return result;
	change_wait(&change);
	copy_frames(block, to);
	finish(block);
	change_end(&change);
	block->release(block->first, block->pages);
	counter_add(CTR_PAGES_MIGRATED, block->pages);
	return MEMSLOT_OK;
}

enum memslot_result memslot_migrate(struct vm_memory *memory, l1_gfn_t gfn, u64 pages)
{
	struct block block = { .memory = memory, .gfn = gfn.raw, .release = extents_free_frames };

	return block_each(&block, pages, block_migrate);
}
