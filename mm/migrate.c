/* SPDX-License-Identifier: MIT */
/*
 * Migration: pages get other frames with the same contents. A block of them at a time goes by the
 * protocol of every change (mm/change.h):
 *
 *     under the lock   change_begin; the extent with the new frames is published, EXTENT_FILLING
 *     without          change_wait: nobody is at the old frames any more; nobody comes to the new
 *                      ones, since look-ups say -EAGAIN. The contents are copied.
 *     under the lock   the extent without the flag is published
 *     without          change_end; the old frames are free
 */
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/change.h"
#include "mm/page.h"
#include "mm/vm_memory.h"
#include "mm/window.h"

#define BLOCK_ORDER_MAX 9u /* pages wait for their block */

_Static_assert(WINDOW_TRANSIENT >= 2, "source and destination have a window each");

struct migration {
	struct vm_memory *memory;
	u64 gfn, pages; /* of one extent */
	pfn_t from, to;
};

/* The region gets other extents. Lock held, reserve there. */
static void publish(struct vm_memory *memory, const struct range_node *region,
		    struct range_node *extents)
{
	const struct memslot_info info = { l1_gfn(region->first), region->pages, region->flags };
	struct range_edit edit;

	range_edit_begin(&edit, memory->regions, &memory->objects);
	range_edit_remove(&edit, region->first);
	vm_memory_insert_region(&edit, &info, extents);
	vm_memory_publish(memory, &edit);
}

static struct range_node *extents_of(const struct range_node *region)
{
	return ((const struct region *)region)->extents;
}

/* One extent becomes up to three: are there objects for them, besides the reserve? Lock held. */
static bool has_objects(struct vm_memory *memory, const struct range_node *region)
{
	return range_tree_count(extents_of(region)) + 2 < RANGE_TREE_MAX &&
	       !object_pool_reserve(&memory->objects, 2 * VM_MEMORY_RESERVE);
}

/* Frames for a block, at most so many pages, of the extent that holds gfn. Lock held. */
static enum memslot_result begin_locked(struct migration *migration, u64 pages,
					struct change *change)
{
	struct vm_memory *memory = migration->memory;
	u64 gfn = migration->gfn;
	const struct range_node *region = range_tree_find(memory->regions, gfn);
	unsigned int order = BLOCK_ORDER_MAX;
	struct backing backing;
	struct frame_run run;

	if (vm_memory_find(memory, gfn, &backing))
		return MEMSLOT_HOLE;
	pages = MIN(pages, backing.first + backing.pages - gfn);
	if (!has_objects(memory, region) || extents_alloc_block(gfn, pages, &order, &migration->to))
		return MEMSLOT_NO_MEMORY;
	migration->from = backing_pfn(&backing, gfn);
	migration->pages = BIT(order);
	memory->migrating = true;
	change_begin(change, memory, gfn, migration->pages);
	run = (struct frame_run){ gfn - region->first, migration->pages, migration->to };
	publish(memory, region, extents_replace(memory, extents_of(region), &run));
	return MEMSLOT_OK;
}

static enum memslot_result begin(struct migration *migration, u64 pages, struct change *change)
{
	enum memslot_result result;

	vm_memory_lock_to_update(migration->memory);
	result = begin_locked(migration, pages, change);
	vm_memory_unlock(migration->memory);
	return result;
}

static void copy_frames(const struct migration *migration)
{
	for (u64 i = 0; i < migration->pages; i++) {
		void *from = window_map(pfn_add(migration->from, i), WINDOW_READ);
		void *to = window_map(pfn_add(migration->to, i), WINDOW_WRITE);

		memcpy(to, from, PAGE_SIZE);
		window_unmap(to);
		window_unmap(from);
	}
}

static void finish(const struct migration *migration)
{
	struct vm_memory *memory = migration->memory;
	const struct range_node *region;

	vm_memory_lock_with_reserve(memory);
	region = range_tree_find(memory->regions, migration->gfn);
	publish(memory, region,
		extents_settle(memory, extents_of(region), migration->gfn - region->first));
	memory->migrating = false;
	vm_memory_unlock(memory);
}

static enum memslot_result migrate_block(struct migration *migration, u64 pages)
{
	struct change change;
	enum memslot_result result = begin(migration, pages, &change);

	if (result != MEMSLOT_OK)
		return result;
	change_wait(&change);
	copy_frames(migration);
	finish(migration);
	change_end(&change);
	extents_free_frames(migration->from, migration->pages);
	counter_add(CTR_PAGES_MIGRATED, migration->pages);
	return MEMSLOT_OK;
}

enum memslot_result memslot_migrate(struct vm_memory *memory, l1_gfn_t gfn, u64 pages)
{
	struct migration migration = { .memory = memory, .gfn = gfn.raw };
	enum memslot_result result = MEMSLOT_OK;

	if (pages == 0)
		return MEMSLOT_EMPTY;
	if (!vm_memory_has_room(memory, gfn.raw, pages))
		return MEMSLOT_WRAPS;
	while (pages && result == MEMSLOT_OK) {
		result = migrate_block(&migration, pages);
		if (result == MEMSLOT_OK) {
			pages -= migration.pages;
			migration.gfn += migration.pages;
		}
	}
	return result;
}
