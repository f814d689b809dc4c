/* SPDX-License-Identifier: MIT */
/* What backs a region: guest frames in blocks as large as can be had. A region's extents never
 * change, so they move with it. */
#include "hv/errno.h"
#include "mm/frame_pool.h"
#include "mm/page.h"
#include "mm/vm_memory.h"

_Static_assert(sizeof(struct extent) <= OBJECT_BYTES, "an extent fits an object");

static struct extent *to_extent(struct range_node *node)
{
	return CONTAINER_OF(node, struct extent, node);
}

/* Extents in the making. */
struct plan {
	struct range_edit edit;
	struct extent *last;
};

/* Back pages that continue in both spaces, as part of the last extent where they continue it. */
static int add_extent(struct plan *plan, u64 at, pfn_t first, unsigned int order)
{
	struct extent *extent = plan->last;
	struct range_node *node;

	if (extent && pfn_add(extent->pfn, extent->node.pages).raw == first.raw) {
		extent->node.pages += BIT(order);
		return 0;
	}
	if (range_tree_count(plan->edit.root) >= RANGE_TREE_MAX)
		return -ENOMEM;
	node = range_edit_new(&plan->edit);
	if (!node)
		return -ENOMEM;
	extent = to_extent(node);
	extent->node.first = at;
	extent->node.pages = BIT(order);
	extent->pfn = first;
	range_edit_insert(&plan->edit, node);
	plan->last = extent;
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
 * Blocks as large and aligned as the gfn, so that gfn and frame agree below the block's size and
 * EPT01 gets a large leaf wherever there is a large block.
 */
static int allocate(struct plan *plan, u64 gfn, u64 pages)
{
	unsigned int ceiling = FRAME_ORDER_MAX; /* larger blocks have run out */
	u64 at = 0;

	while (at < pages) {
		unsigned int order = MIN(block_order(gfn + at, pages - at), ceiling);
		pfn_t first;

		while (guest_frame_alloc(order, &first)) {
			if (order == 0)
				return -ENOMEM;
			ceiling = --order;
		}
		if (add_extent(plan, at, first, order)) {
			guest_frame_free(first, order);
			return -ENOMEM;
		}
		at += BIT(order);
	}
	return 0;
}

int extents_create(struct vm_memory *memory, u64 gfn, u64 pages, struct range_node **extents)
{
	struct plan plan = { 0 };
	int rc;

	range_edit_begin(&plan.edit, NULL, &memory->objects);
	rc = allocate(&plan, gfn, pages);
	range_edit_publish(&plan.edit, extents, &memory->retired, vm_memory_free_node);
	if (rc)
		extents_free(memory, *extents);
	return rc;
}

static void free_extent(struct range_node *node, void *context)
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
}

void extents_free(struct vm_memory *memory, struct range_node *extents)
{
	range_tree_walk(extents, free_extent, memory);
}
