/* SPDX-License-Identifier: MIT */
/*
 * The balloon: pages of a region go, and come back. A page that is out has no extent, so every
 * look-up finds a hole there. It comes back with a fresh frame, which is zeroed while nobody can
 * find it: L1 never sees what another owner has left.
 */
#include "hv/string.h"
#include "mm/block.h"
#include "mm/change.h"
#include "mm/dirty_log.h"
#include "mm/page.h"
#include "mm/window.h"

/* Lock held. The rest of the extent that has the page. */
static enum memslot_result take_out_locked(struct block *block, u64 pages, struct change *change)
{
	struct vm_memory *memory = block->memory;
	const struct range_node *region = range_tree_find(memory->regions, block->gfn);
	struct backing backing;
	struct frame_run run;

	if (vm_memory_find(memory, block->gfn, &backing))
		return MEMSLOT_HOLE;
	if (!block_has_objects(memory, region))
		return MEMSLOT_NO_MEMORY;
	block->pages = MIN(pages, backing.first + backing.pages - block->gfn);
	block->first = backing_pfn(&backing, block->gfn);
	run = (struct frame_run){ block->gfn - region->first, block->pages, block->first };
	change_begin(change, memory, block->gfn, block->pages);
	block_publish(memory, region, extents_cut(memory, region_extents(region), &run));
	return MEMSLOT_OK;
}

enum memslot_result block_take_out(struct block *block, u64 pages)
{
	enum memslot_result result;
	struct change change;

	vm_memory_lock_to_update(block->memory);
	result = take_out_locked(block, pages, &change);
	vm_memory_unlock(block->memory);
	if (result != MEMSLOT_OK)
		return result;
	change_end(&change);
	block->release(block->first, block->pages);
	return MEMSLOT_OK;
}

enum memslot_result memslot_balloon_out(struct vm_memory *memory, l1_gfn_t gfn, u64 pages)
{
	struct block block = { .memory = memory, .gfn = gfn.raw, .release = extents_free_frames };
	enum memslot_result result = block_each(&block, pages, block_take_out);

	counter_add(CTR_PAGES_BALLOONED, block.gfn - gfn.raw);
	return result;
}

/* Lock held: how many pages from gfn on, at most `pages`, are out and in this region. 0: none. */
static u64 pages_out(const struct range_node *region, u64 gfn, u64 pages)
{
	u64 at = gfn - region->first;
	const struct range_node *extents = region_extents(region);
	const struct range_node *next = range_tree_from(extents, at);

	if (range_tree_find(extents, at))
		return 0;
	return MIN(pages, (next ? next->first : region->pages) - at);
}

/* Lock held: is there a hole at block->gfn? Its pages, at most so many, are *out. */
static enum memslot_result find_hole(const struct block *block, u64 pages, u64 *out)
{
	const struct range_node *region = range_tree_find(block->memory->regions, block->gfn);

	if (!region)
		return MEMSLOT_HOLE;
	*out = pages_out(region, block->gfn, pages);
	return *out ? MEMSLOT_OK : MEMSLOT_PRESENT;
}

/* Frames for a part of the hole at block->gfn. */
static enum memslot_result allocate(struct block *block, u64 pages)
{
	unsigned int order = BLOCK_ORDER_MAX;
	enum memslot_result result;
	u64 out;

	vm_memory_lock_to_update(block->memory);
	result = find_hole(block, pages, &out);
	if (result == MEMSLOT_OK && extents_alloc_block(block->gfn, out, &order, &block->first))
		result = MEMSLOT_NO_MEMORY;
	vm_memory_unlock(block->memory);
	block->pages = BIT(order);
	return result;
}

static void zero_frames(const struct block *block)
{
	for (u64 i = 0; i < block->pages; i++) {
		void *page = window_map(pfn_add(block->first, i), WINDOW_WRITE);

		memset(page, 0, PAGE_SIZE);
		window_unmap(page);
	}
}

/* Lock held. The hole may have become smaller meanwhile, or its region may have gone. */
static enum memslot_result bring_in_locked(const struct block *block, struct change *change)
{
	struct vm_memory *memory = block->memory;
	const struct range_node *region;
	enum memslot_result result;
	struct frame_run run;
	u64 out;

	result = find_hole(block, block->pages, &out);
	if (result != MEMSLOT_OK)
		return result;
	if (out < block->pages)
		return MEMSLOT_PRESENT;
	region = range_tree_find(memory->regions, block->gfn);
	if (!block_has_objects(memory, region))
		return MEMSLOT_NO_MEMORY;
	run = (struct frame_run){ block->gfn - region->first, block->pages, block->first };
	change_begin(change, memory, 0, 0);
	for (u64 i = 0; (region->flags & MEMSLOT_LOG_DIRTY) && i < block->pages; i++)
		dirty_log_mark(memory, block->gfn + i); /* zeros are news */
	block_publish(memory, region, extents_join(memory, region_extents(region), &run));
	return MEMSLOT_OK;
}

static enum memslot_result bring_in(struct block *block, u64 pages)
{
	enum memslot_result result = allocate(block, pages);
	struct change change;

	if (result != MEMSLOT_OK)
		return result;
	zero_frames(block);
	vm_memory_lock_to_update(block->memory);
	result = bring_in_locked(block, &change);
	vm_memory_unlock(block->memory);
	if (result == MEMSLOT_OK)
		change_end(&change);
	else
		block->release(block->first, block->pages);
	return result;
}

enum memslot_result memslot_balloon_in(struct vm_memory *memory, l1_gfn_t gfn, u64 pages)
{
	struct block block = { .memory = memory, .gfn = gfn.raw, .release = extents_free_frames };
	enum memslot_result result = block_each(&block, pages, bring_in);

	counter_add(CTR_PAGES_DEFLATED, block.gfn - gfn.raw);
	return result;
}
