/* SPDX-License-Identifier: MIT */
/*
 * Updates of regions: check, prepare what can fail, then begin the change and publish by one store.
 * The pool keeps VM_MEMORY_RESERVE objects back from additions, so that a deletion, a move or a
 * change of flags never lacks memory.
 */
#include "mm/change.h"
#include "mm/dirty_log.h"
#include "mm/page.h"
#include "mm/vm_memory.h"

#define ALL_FLAGS ((u32)(MEMSLOT_READONLY | MEMSLOT_LOG_DIRTY | MEMSLOT_FIXED))

void vm_memory_free_node(struct epoch_queue *queue, struct epoch_item *item)
{
	struct vm_memory *memory = CONTAINER_OF(queue, struct vm_memory, retired);

	object_free(&memory->objects, CONTAINER_OF(item, struct range_node, retired));
}

void vm_memory_publish(struct vm_memory *memory, struct range_edit *edit)
{
	range_edit_publish(edit, &memory->regions, &memory->retired, vm_memory_free_node);
	/* Release: who sees the new generation sees the new root; pairs with memslot_generation. */
	__atomic_store_n(&memory->generation, memory->generation + 1, __ATOMIC_RELEASE);
}

void vm_memory_insert_region(struct range_edit *edit, const struct memslot_info *info,
			     struct range_node *extents)
{
	struct range_node *node = range_edit_new(edit);

	ASSERT(node);
	node->first = info->gfn.raw;
	node->pages = info->pages;
	node->flags = info->flags;
	CONTAINER_OF(node, struct region, node)->extents = extents;
	range_edit_insert(edit, node);
}

static bool is_taken(const struct vm_memory *memory, const struct range_node *regions,
		     const struct memslot_info *info)
{
	return range_tree_overlaps(regions, info->gfn.raw, info->pages) ||
	       ept01_overlay_is_in(memory, info->gfn.raw, info->pages);
}

static enum memslot_result add_locked(struct vm_memory *memory, const struct memslot_info *info,
				      struct change *change)
{
	struct range_node *extents;
	struct range_edit edit;

	if (is_taken(memory, memory->regions, info))
		return MEMSLOT_OVERLAPS;
	if (info->pages > guest_frame_free_count() ||
	    range_tree_count(memory->regions) >= RANGE_TREE_MAX ||
	    extents_create(memory, info->gfn.raw, info->pages, &extents))
		return MEMSLOT_NO_MEMORY;
	if (object_pool_reserve(&memory->objects, VM_MEMORY_RESERVE + RANGE_EDIT_OBJECTS + 1) ||
	    dirty_log_alter(memory, NULL, info)) {
		extents_free(memory, extents);
		return MEMSLOT_NO_MEMORY;
	}
	range_edit_begin(&edit, memory->regions, &memory->objects);
	vm_memory_insert_region(&edit, info, extents);
	change_begin(change, memory, 0, 0);
	vm_memory_publish(memory, &edit);
	return MEMSLOT_OK;
}

enum memslot_result memslot_add_ram(struct vm_memory *memory, l1_gfn_t gfn, u64 pages, u32 flags)
{
	const struct memslot_info info = { gfn, pages, flags };
	enum memslot_result result;
	struct change change;

	if (pages == 0)
		return MEMSLOT_EMPTY;
	if (!vm_memory_has_room(memory, gfn.raw, pages))
		return MEMSLOT_WRAPS;
	if (flags & ~ALL_FLAGS)
		return MEMSLOT_BAD_FLAGS;
	vm_memory_lock(memory);
	result = add_locked(memory, &info, &change);
	vm_memory_unlock(memory);
	if (result == MEMSLOT_OK)
		change_end(&change);
	return result;
}

void vm_memory_lock_with_reserve(struct vm_memory *memory)
{
	for (;;) {
		vm_memory_lock(memory);
		if (!object_pool_reserve(&memory->objects, VM_MEMORY_RESERVE))
			return;
		vm_memory_unlock(memory);
		epoch_wait(&memory->retired);
	}
}

void vm_memory_lock_to_update(struct vm_memory *memory)
{
	for (;;) {
		vm_memory_lock_with_reserve(memory);
		if (!memory->exclusive)
			return;
		vm_memory_unlock(memory);
		cpu_pause();
	}
}

/* The region that starts here, or NULL. Lock held. */
static const struct region *region_at(const struct vm_memory *memory, u64 gfn)
{
	const struct range_node *node = range_tree_find(memory->regions, gfn);

	return node && node->first == gfn ? (const struct region *)node : NULL;
}

static struct memslot_info describe(const struct region *region)
{
	const struct range_node *node = &region->node;

	return (struct memslot_info){ l1_gfn(node->first), node->pages, node->flags };
}

static bool is_fixed(const struct region *region)
{
	return region->node.flags & MEMSLOT_FIXED;
}

static enum memslot_result delete_locked(struct vm_memory *memory, u64 gfn, struct change *change,
					 struct range_node **extents)
{
	const struct region *region = region_at(memory, gfn);
	struct memslot_info info;
	struct range_edit edit;

	if (!region)
		return MEMSLOT_MISSING;
	if (is_fixed(region))
		return MEMSLOT_IS_FIXED;
	*extents = region->extents;
	info = describe(region);
	(void)dirty_log_alter(memory, &info, NULL); /* it needs no memory */
	range_edit_begin(&edit, memory->regions, &memory->objects);
	change_begin(change, memory, gfn, region->node.pages);
	range_edit_remove(&edit, gfn);
	vm_memory_publish(memory, &edit);
	return MEMSLOT_OK;
}

enum memslot_result memslot_delete(struct vm_memory *memory, l1_gfn_t gfn)
{
	struct range_node *extents = NULL;
	enum memslot_result result;
	struct change change;

	vm_memory_lock_to_update(memory);
	result = delete_locked(memory, gfn.raw, &change, &extents);
	vm_memory_unlock(memory);
	if (result == MEMSLOT_OK) {
		change_end(&change);
		extents_free(memory, extents);
	}
	return result;
}

/* Let the region be another one of as many pages, in one step for readers. Lock held. */
static enum memslot_result alter_locked(struct vm_memory *memory, const struct region *region,
					const struct memslot_info *altered, struct change *change)
{
	const struct memslot_info info = describe(region);
	enum memslot_result result = MEMSLOT_OK;
	struct range_edit edit;

	if (!vm_memory_has_room(memory, altered->gfn.raw, altered->pages))
		return MEMSLOT_WRAPS;
	if (is_fixed(region) && (altered->gfn.raw != info.gfn.raw ||
				 ((altered->flags ^ info.flags) & ~(u32)MEMSLOT_LOG_DIRTY)))
		return MEMSLOT_IS_FIXED;
	range_edit_begin(&edit, memory->regions, &memory->objects);
	range_edit_remove(&edit, region->node.first);
	if (is_taken(memory, edit.root, altered))
		result = MEMSLOT_OVERLAPS;
	else if (dirty_log_alter(memory, &info, altered))
		result = MEMSLOT_NO_MEMORY;
	if (result != MEMSLOT_OK) {
		range_edit_abandon(&edit);
		return result;
	}
	vm_memory_insert_region(&edit, altered, region->extents);
	change_begin(change, memory, region->node.first, region->node.pages);
	vm_memory_publish(memory, &edit);
	return MEMSLOT_OK;
}

/*
 * Before a region with a log moves. The CPUs log its pages by their addresses: what they have
 * logged is read after they have lost the region, and before its log is elsewhere.
 */
static void lose(struct vm_memory *memory, const struct range_node *region, struct change *change)
{
	memory->exclusive = true;
	change_begin(change, memory, region->first, region->pages);
	vm_memory_unlock(memory);
	change_wait(change);
	vm_memory_lock_with_reserve(memory);
	pml_drain(memory);
	memory->exclusive = false;
}

static bool logs_by_pml(const struct vm_memory *memory, const struct region *region)
{
	return memory->pml.is_on && region && (region->node.flags & MEMSLOT_LOG_DIRTY);
}

/* Another place or other flags for the region that starts at gfn; NULL: it keeps them. */
static enum memslot_result alter(struct vm_memory *memory, l1_gfn_t gfn, const l1_gfn_t *to,
				 const u32 *flags)
{
	enum memslot_result result = MEMSLOT_MISSING;
	const struct region *region;
	struct change change, loss;
	bool is_lost;

	vm_memory_lock_to_update(memory);
	region = region_at(memory, gfn.raw);
	is_lost = to && logs_by_pml(memory, region);
	if (is_lost) {
		lose(memory, &region->node, &loss);
		region = region_at(memory, gfn.raw);
	}
	if (region) {
		struct memslot_info altered = describe(region);

		altered.gfn = to ? *to : altered.gfn;
		if (flags)
			altered.flags = *flags | (altered.flags & MEMSLOT_FIXED);
		result = alter_locked(memory, region, &altered, &change);
	}
	vm_memory_unlock(memory);
	if (result == MEMSLOT_OK)
		change_end(&change);
	if (is_lost)
		change_end(&loss);
	return result;
}

enum memslot_result memslot_move(struct vm_memory *memory, l1_gfn_t from, l1_gfn_t to)
{
	return alter(memory, from, &to, NULL);
}

enum memslot_result memslot_set_flags(struct vm_memory *memory, l1_gfn_t gfn, u32 flags)
{
	if (flags & ~ALL_FLAGS)
		return MEMSLOT_BAD_FLAGS;
	return alter(memory, gfn, NULL, &flags);
}
