/* SPDX-License-Identifier: MIT */
/* Regions: two levels of range trees, regions by gfn and in each the extents that back it. */
#include "hv/errno.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "mm/frame_pool.h"
#include "mm/page.h"
#include "mm/vm_memory.h"

_Static_assert(sizeof(struct region) <= OBJECT_BYTES, "a region fits an object");
_Static_assert(sizeof(struct extent) <= OBJECT_BYTES, "an extent fits an object");
_Static_assert(sizeof(struct vm_memory) <= PAGE_SIZE, "vm_memory is one page");

static const char *const result_texts[] = {
	[MEMSLOT_OK] = "done",
	[MEMSLOT_EMPTY] = "has no pages",
	[MEMSLOT_WRAPS] = "passes the end of the physical address space",
	[MEMSLOT_OVERLAPS] = "overlaps another region",
	[MEMSLOT_MISSING] = "no region starts there",
	[MEMSLOT_NO_MEMORY] = "too little free memory",
};

const char *memslot_result_text(enum memslot_result result)
{
	ASSERT(result < ARRAY_SIZE(result_texts));
	return result_texts[result];
}

static struct region *to_region(struct range_node *node)
{
	return CONTAINER_OF(node, struct region, node);
}

static struct extent *to_extent(struct range_node *node)
{
	return CONTAINER_OF(node, struct extent, node);
}

struct vm_memory *vm_memory_create(l1_gfn_t max_gfn)
{
	struct vm_memory *memory = page_alloc(0);

	if (!memory)
		return NULL;
	memory->max_gfn = max_gfn;
	if (ept_init(&memory->ept01)) {
		page_free(memory, 0);
		return NULL;
	}
	return memory;
}

/* Pages that are consecutive in both spaces. */
struct block {
	u64 gfn;
	pfn_t first;
	unsigned int order;
};

/* Back a region's pages with a block, as part of the extent before it where it continues that. */
static int add_block(struct vm_memory *memory, struct region *region, struct block block)
{
	struct range_node *node = range_tree_find(region->extents, block.gfn - 1);
	struct extent *extent;

	if (node && pfn_add(to_extent(node)->pfn, node->pages).raw == block.first.raw) {
		node->pages += BIT(block.order);
		return 0;
	}
	extent = object_alloc(&memory->objects);
	if (!extent)
		return -ENOMEM;
	extent->node.first = block.gfn;
	extent->node.pages = BIT(block.order);
	extent->pfn = block.first;
	range_tree_insert(&region->extents, &extent->node);
	return 0;
}

/* The largest block that starts at this page number, aligned to its size, within so many pages. */
static unsigned int block_order(u64 at, u64 pages)
{
	unsigned int order = 63u - (unsigned int)__builtin_clzll(pages);

	if (at)
		order = MIN(order, (unsigned int)__builtin_ctzll(at));
	return MIN(order, FRAME_ORDER_MAX);
}

/*
 * Back the region with blocks as large and aligned as the gfn, so that gfn and frame agree below
 * the block's size and EPT01 gets a large leaf wherever there is a large block.
 */
static int allocate_backing(struct vm_memory *memory, struct region *region)
{
	unsigned int ceiling = FRAME_ORDER_MAX; /* larger blocks have run out */
	u64 gfn = region->node.first;
	u64 end = gfn + region->node.pages;

	while (gfn < end) {
		struct block block = { .gfn = gfn };

		block.order = MIN(block_order(gfn, end - gfn), ceiling);
		while (guest_frame_alloc(block.order, &block.first)) {
			if (block.order == 0)
				return -ENOMEM;
			ceiling = --block.order;
		}
		if (add_block(memory, region, block)) {
			guest_frame_free(block.first, block.order);
			return -ENOMEM;
		}
		gfn += BIT(block.order);
	}
	return 0;
}

static int free_extent(struct range_node *node, void *context)
{
	struct vm_memory *memory = context;
	pfn_t first = to_extent(node)->pfn;
	u64 pages = node->pages;

	object_free(&memory->objects, node);
	while (pages) {
		unsigned int order = block_order(first.raw, pages);

		guest_frame_free(first, order);
		first = pfn_add(first, BIT(order));
		pages -= BIT(order);
	}
	return 0;
}

static void free_region(struct vm_memory *memory, struct region *region)
{
	range_tree_walk(region->extents, free_extent, memory);
	object_free(&memory->objects, region);
}

static enum memslot_result add_locked(struct vm_memory *memory, u64 gfn, u64 pages, u32 flags)
{
	struct region *region;

	if (range_tree_overlaps(memory->regions, gfn, pages))
		return MEMSLOT_OVERLAPS;
	if (pages > guest_frame_free_count())
		return MEMSLOT_NO_MEMORY;
	region = object_alloc(&memory->objects);
	if (!region)
		return MEMSLOT_NO_MEMORY;
	region->node.first = gfn;
	region->node.pages = pages;
	region->flags = flags;
	if (allocate_backing(memory, region)) {
		free_region(memory, region);
		return MEMSLOT_NO_MEMORY;
	}
	range_tree_insert(&memory->regions, &region->node);
	return MEMSLOT_OK;
}

enum memslot_result memslot_add_ram(struct vm_memory *memory, l1_gfn_t gfn, u64 pages, u32 flags)
{
	enum memslot_result result;

	if (pages == 0)
		return MEMSLOT_EMPTY;
	if (gfn.raw >= memory->max_gfn.raw || pages > memory->max_gfn.raw - gfn.raw)
		return MEMSLOT_WRAPS;
	spin_lock(&memory->lock);
	result = add_locked(memory, gfn.raw, pages, flags);
	spin_unlock(&memory->lock);
	return result;
}

enum memslot_result memslot_delete(struct vm_memory *memory, l1_gfn_t gfn)
{
	enum memslot_result result = MEMSLOT_MISSING;
	struct range_node *node;

	spin_lock(&memory->lock);
	node = range_tree_find(memory->regions, gfn.raw);
	if (node && node->first == gfn.raw) {
		range_tree_remove(&memory->regions, node);
		memory->last = (struct backing){ 0 };
		ept01_zap(memory, node->first, node->pages);
		free_region(memory, to_region(node));
		result = MEMSLOT_OK;
	}
	spin_unlock(&memory->lock);
	return result;
}

bool memslot_describe(const struct vm_memory *memory, u32 index, struct memslot_info *info)
{
	struct range_node *node = range_tree_nth(memory->regions, index);

	if (!node)
		return false;
	info->gfn = l1_gfn(node->first);
	info->pages = node->pages;
	info->flags = to_region(node)->flags;
	return true;
}

u32 memslot_count(const struct vm_memory *memory)
{
	return (u32)range_tree_count(memory->regions);
}

int vm_memory_find(struct vm_memory *memory, u64 gfn, struct backing *backing)
{
	const struct extent *last = memory->last.extent;
	struct range_node *node;

	counter_inc(CTR_REGION_LOOKUPS);
	if (!last || gfn - last->node.first >= last->node.pages) {
		node = range_tree_find(memory->regions, gfn);
		if (!node)
			return -ENOENT;
		memory->last.region = to_region(node);
		memory->last.extent = to_extent(range_tree_find(to_region(node)->extents, gfn));
	}
	*backing = memory->last;
	return 0;
}

int memslot_find(struct vm_memory *memory, l1_gfn_t gfn, struct memslot_frame *frame)
{
	struct backing backing;
	int rc;

	spin_lock(&memory->lock);
	rc = vm_memory_find(memory, gfn.raw, &backing);
	if (!rc) {
		const struct range_node *node = &backing.extent->node;

		frame->pfn = backing_pfn(&backing, gfn.raw);
		frame->run = node->first + node->pages - gfn.raw;
		frame->flags = backing.region->flags;
	}
	spin_unlock(&memory->lock);
	return rc;
}
